"""Online handwriting: what a pen wrote, as strokes, with what it says and the file of who wrote it.

Two forms are read into one. *Arrays*: an npz file with `xy` (integers, y up), `pen_up` (1 on the last point of a
stroke), `offsets` (item i is `offsets[i]:offsets[i+1]`), `labels`, `writer_file`. *UNIPEN files* as they were published
(Guyon et al. 1994): text with keywords; a file in `data/` names the parts of the ink (`.SEGMENT`) and includes the one
in `include/` that holds the points.

People write alike in all that they write, so items are split by writer file, never at random.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from minirnn.data.files import read_file
from minirnn.data.unipen_text import Ink, load_unipen
from minirnn.errors import DataError
from minirnn.pair import Array

__all__ = ["Ink", "load_arrays", "load_ink", "load_unipen", "split_inks", "split_of", "unipen_files"]

SPLITS = ("train", "val", "test")
HELD_OUT = 0.1  # of the writer files go to val, and as many to test
KEYS = {"xy": "iuf", "pen_up": "biu", "offsets": "iu", "labels": "U", "writer_file": "U"}  # and their kinds
LARGEST = 4 * 2**30  # bytes that an npz file may unpack to


def load_ink(source: Path, level: str | None = None) -> list[Ink]:
    """Read handwriting: an npz file of arrays, a UNIPEN file, or a folder of UNIPEN files (`*.dat`, also below).

    Args:
        level: of UNIPEN files, the `.SEGMENT`s to take: "WORD", "CHARACTER", …; None for all.
    Raises:
        DataError: names the file (and line) and what is wrong with it.
        FileNotFoundError: no such file.
    """
    source = Path(source)
    if not source.is_dir():
        with_arrays = source.suffix.lower() == ".npz"
        return load_arrays(source) if with_arrays else load_unipen(source, level)
    inks = [ink for path in unipen_files(source) for ink in load_unipen(path, level)]
    if not inks:
        raise DataError(f"{source} holds no UNIPEN file with a {level or 'labelled'} segment; expected *.dat files")
    return inks


def unipen_files(source: Path) -> list[Path]:
    """The UNIPEN files of a folder, also below, but for those that are included by others; a file is the only one."""
    if not source.is_dir():
        return [source]
    return sorted(path for path in source.rglob("*.dat") if "include" not in path.relative_to(source).parts)


def split_of(writer: str) -> str:
    """The split of a writer file: the same name is in the same split, always and everywhere.

    What counts is the part of the name from the donor on, so that the digits and the words of one file
    (`data/1a/aga/x.dat`, `data/6/aga/x.dat`) are in one split.
    """
    parts = PurePosixPath(writer.replace("\\", "/")).parts
    name = "/".join(parts[2:] if len(parts) > 3 and parts[0] == "data" else parts)
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
    return "test" if share < HELD_OUT else "val" if share < 2 * HELD_OUT else "train"


def split_inks(inks: Iterable[Ink]) -> dict[str, list[Ink]]:
    """Train, val and test by writer file.

    Raises:
        DataError: a split without an item.
    """
    splits: dict[str, list[Ink]] = {name: [] for name in SPLITS}
    known: dict[str, str] = {}
    for ink in inks:
        splits[known.setdefault(ink.writer, split_of(ink.writer))].append(ink)
    for name, members in splits.items():
        if not members:
            raise DataError(f"none of the {len(known)} writer files falls into {name!r}; expected more writers")
    return splits


# arrays


def load_arrays(path: Path) -> list[Ink]:
    """Read the arrays form. Nothing is unpickled, and nothing larger than the file says is allocated.

    Raises:
        DataError: not an npz file, a key missing, an array of another kind or shape, offsets that do not fit, a stroke
            that does not end where its item ends, an empty label.
        FileNotFoundError: no such file.
    """
    path = Path(path)
    if path.is_dir() or read_file(path, "an npz file of pen strokes")[:2] != b"PK":
        raise DataError(f"{path} is no npz file; expected one with the arrays {', '.join(KEYS)}")
    try:
        with zipfile.ZipFile(path) as archive:
            a = _arrays(path, archive)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{path} is damaged ({error}); expected an npz file of pen strokes") from error
    xy, pen_up, offsets, labels, writers = (a[key] for key in KEYS)
    _require_shapes(path, a)
    ends = np.flatnonzero(pen_up) + 1
    before = np.searchsorted(ends, offsets, side="right")  # strokes before each item
    xy = xy.astype(np.float32)
    inks = []
    for n in range(len(labels)):
        cuts = ends[before[n] : before[n + 1]]
        if not len(cuts) or cuts[-1] != offsets[n + 1]:
            raise DataError(f"{path}: the last point of item {n} has pen_up 0; expected 1, the end of a stroke")
        if not labels[n].strip():
            raise DataError(f"{path}: the label of item {n} is empty; expected text")
        starts = (int(offsets[n]), *cuts[:-1])
        strokes = tuple(xy[i:j] for i, j in zip(starts, cuts))
        inks.append(Ink(strokes, str(labels[n]), str(writers[n])))
    return inks


def _arrays(path: Path, archive: zipfile.ZipFile) -> dict[str, Array]:
    """The arrays of an npz file by key, once their headers and kinds are known to be right."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    total = sum(info.file_size for info in members.values())
    if total > LARGEST:
        raise DataError(f"{path} would unpack to {total} bytes; expected at most {LARGEST}")
    found = {}
    for key, kinds in KEYS.items():
        if key not in members:
            raise DataError(f"{path} has no array {key!r}; expected {', '.join(KEYS)}")
        with archive.open(members[key]) as file:
            shape, dtype = _header(path, key, file)
            if dtype.kind not in kinds:
                raise DataError(f"{path}: {key} holds {dtype}; expected {_in_words(kinds)}")
            needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if file.tell() + needed != members[key].file_size:
                raise DataError(f"{path}: {key} claims shape {shape} of {dtype}, but holds another number of bytes")
        with archive.open(members[key]) as file:
            found[key] = np.lib.format.read_array(file, allow_pickle=False)
    return found


def _header(path: Path, key: str, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    except ValueError as error:
        raise DataError(f"{path}: {key} is no NumPy array ({error})") from error
    return shape, dtype


def _in_words(kinds: str) -> str:
    return "text" if kinds == "U" else "numbers" if "f" in kinds else "integers"


def _require_shapes(path: Path, a: dict[str, Array]) -> None:
    """Raise DataError unless the arrays of a file fit each other."""
    n, points = len(a["labels"]), len(a["xy"])
    wanted = {"xy": (points, 2), "pen_up": (points,), "offsets": (n + 1,), "labels": (n,), "writer_file": (n,)}
    for key, shape in wanted.items():
        if a[key].shape != shape:
            raise DataError(f"{path}: {key} has shape {a[key].shape}; expected {shape}")
    offsets = a["offsets"].astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != points or (np.diff(offsets) < 1).any():
        raise DataError(f"{path}: offsets do not rise from 0 to {points}, the number of points, one item after another")
    if a["xy"].dtype.kind == "f" and not np.isfinite(a["xy"]).all():
        raise DataError(f"{path}: xy holds NaN or infinity; expected coordinates")
