"""IDX files, as MNIST comes: a header that says what there is, then the bytes; gzip or not."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np

from minirnn.data.files import read_file
from minirnn.errors import DataError
from minirnn.pair import Array

UBYTE = 0x08  # the third byte of the magic number; the fourth is the number of dimensions: 2049 labels, 2051 pictures
SUFFIXES = {"images": "idx3-ubyte", "labels": "idx1-ubyte"}
LIMIT = 2**31  # bytes that a gzip file may unpack to
_GZIP = b"\x1f\x8b"


def read_idx(path: Path, dimensions: int | None = None) -> Array:
    """An IDX file of unsigned bytes: labels (N,) or pictures (N, H, W), uint8.

    Args:
        path: the file; gzip is told by its first bytes, not by its name.
        dimensions: 1 or 3 when only one will do; None takes either.
    Raises:
        DataError: not an IDX file of these dimensions, cut off, damaged, or of another size than its header says.
        FileNotFoundError, IsADirectoryError: as they say.
    Source: Yann LeCun's page of MNIST.
    """
    data = read_file(Path(path), "an IDX file")
    zipped = data.startswith(_GZIP)
    if zipped:
        data = _unpacked(data, path)
    if len(data) < 4:
        raise DataError(f"{path} holds {len(data)} bytes; an IDX file begins with a magic number of 4")
    magic = int.from_bytes(data[:4], "big")
    wanted = {UBYTE << 8 | d: f"{UBYTE << 8 | d} ({what})" for d, what in ((1, "labels"), (3, "pictures"))}
    wanted = {number: text for number, text in wanted.items() if dimensions in (None, number & 255)}
    if magic not in wanted:
        raise DataError(f"{path} begins with the magic number {magic}; expected {' or '.join(wanted.values())}")
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise DataError(f"{path} is cut off in its header: {len(data)} bytes; expected at least {start}")
    shape = _shape(data)
    expected, came = math.prod(shape), len(data) - start
    if came != expected:
        size = f"{' x '.join(map(str, shape))} = {expected}"
        least = "at least " if zipped and came > expected else ""
        raise DataError(f"{path} holds {least}{came} bytes after its header; the header says {size}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


def _shape(data: bytes) -> tuple[int, ...]:
    """What a header says; Python's integers, which no header overflows."""
    return tuple(int.from_bytes(data[k : k + 4], "big") for k in range(4, 4 + 4 * data[3], 4))


def _unpacked(data: bytes, path: Path) -> bytes:
    """What a gzip file holds, up to one byte more than its header announces: a small file may unpack to anything."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            head = file.read(16)
            if len(head) < 16 or head[3] not in (1, 3):
                return head + file.read(1)  # so that the end is checked where this is the end
            expected = 4 + 4 * head[3] + math.prod(_shape(head))
            if expected > LIMIT:
                raise DataError(f"{path} announces {expected:,} bytes; at most {LIMIT:,} are read")
            return head + file.read(max(1, expected + 1 - len(head)))
    except EOFError as error:
        raise DataError(
            f"{path} is cut off: its gzip data ends after {len(data)} bytes, before its end mark"
        ) from error
    except (OSError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}") from error


def find_idx(folder: Path, part: str, what: str) -> Path | None:
    """The file of a part ("train", "t10k") that holds "images" or "labels", gzip or not; None when it is not there."""
    for name in (f"{part}-{what}-{SUFFIXES[what]}", f"{part}-{what}.{SUFFIXES[what]}"):  # some unpackers put a dot
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    return None


def read_labelled(folder: Path, part: str) -> tuple[Array, Array]:
    """Pictures (N, H, W, 1) and labels (N,) int64 of a part ("train", "t10k") in a folder such as MNIST's.

    Raises:
        DataError: a file is missing, or the numbers of pictures and labels differ; as `read_idx`.
    """
    found = {what: find_idx(folder, part, what) for what in SUFFIXES}
    for what, path in found.items():
        if path is None:
            raise DataError(f"{folder} lacks {part}-{what}-{SUFFIXES[what]} (or the same with .gz)")
    images_path, labels_path = found["images"], found["labels"]
    assert images_path is not None
    assert labels_path is not None
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise DataError(f"{images_path} holds {len(images)} pictures but {labels_path.name} {len(labels)} labels")
    if not images.size:
        raise DataError(f"{images_path} holds no pixels (shape {images.shape}); expected at least one picture")
    return images[..., None], labels.astype(np.int64)
