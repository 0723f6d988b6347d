"""Clips as files: animated pictures (GIF, PNG, WebP), folders of pictures, NumPy arrays; and writing a GIF."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path

import numpy as np

from minirnn.data.files import read_file
from minirnn.data.images import BROKEN_PICTURE, FORMATS, fit_square, load_image, rgb_of
from minirnn.errors import DataError
from minirnn.pair import Array

EXPECTED = "a clip: an animated GIF, PNG or WebP, a folder of pictures, or a .npy array (T, H, W, 3) of uint8"
ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
MOST = 10_000  # frames of one clip, at most
_NPY = b"\x93NUMPY"


def load_clip(path: Path, frames: int, size: int) -> tuple[Array, int]:
    """A clip as the model sees it: `frames` moments, evenly spread from its first frame to its last, as squares.

    Frames of an animation stay on screen for as long as the file says; a clip with fewer frames shows some twice.

    Returns:
        (frames, size, size, 3) uint8, and how many frames the clip has.
    Raises:
        DataError: no clip, a damaged one, or a single picture.
        FileNotFoundError: there is nothing of that name.
    """
    path = Path(path)
    pictures: dict[int, Array]
    if path.is_dir():
        names = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS and p.name[0] not in "._")
        _require_several(path, len(names))
        which = _moments(np.ones(len(names)), frames)
        pictures = {k: fit_square(load_image(names[k]), size) for k in sorted(set(which))}
        return np.stack([pictures[k] for k in which]), len(names)
    data = read_file(path, EXPECTED)
    if not data.startswith(_NPY):
        return _animation(path, data, frames, size)
    found = _array(path, data)
    _require_several(path, len(found))
    which = _moments(np.ones(len(found)), frames)
    pictures = {k: fit_square(found[k], size) for k in sorted(set(which))}
    return np.stack([pictures[k] for k in which]), len(found)


def save_gif(path: Path, frames: Array, *, scale: int = 4, milliseconds: int = 120) -> Path:
    """Write frames (T, H, W, 3) uint8 as an animated GIF that repeats for ever, every pixel `scale` times as wide."""
    from PIL import Image

    large = frames.repeat(scale, axis=1).repeat(scale, axis=2)
    first, *others = [Image.fromarray(frame) for frame in large]
    first.save(path, save_all=True, append_images=others, duration=milliseconds, loop=0)
    return path


def _moments(lasting: Array, count: int) -> list[int]:
    """Which frames to take: those on screen at `count` moments evenly spread from the first frame to the last."""
    starts = np.concatenate([[0.0], np.cumsum(lasting)[:-1]])
    at = np.linspace(0, starts[-1], count) + 0.5 * lasting.min()
    return [int(k) for k in np.searchsorted(starts, at, side="right") - 1]


def _require_several(path: Path, count: int) -> None:
    if not 2 <= count <= MOST:
        some = f"{count} frame{'' if count == 1 else 's'}" if count <= MOST else f"{count:,} frames"
        raise DataError(f"{path} holds {some}; expected {EXPECTED}, with 2 to {MOST:,} frames")


def _animation(path: Path, data: bytes, frames: int, size: int) -> tuple[Array, int]:
    """As `load_clip`, of an animated picture; only frames that are taken are kept in memory."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                count = getattr(image, "n_frames", 1)
                _require_several(path, count)
                lasting = np.zeros(count)
                for k in range(count):
                    image.seek(k)
                    lasting[k] = image.info.get("duration", 0)
                which = _moments(lasting if lasting.min() > 0 else np.ones(count), frames)
                pictures = {}
                for k in sorted(set(which)):
                    image.seek(k)
                    pictures[k] = fit_square(rgb_of(image, image.format), size)
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} claims more pixels than are safe to decode: {error}") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is no clip; it begins with {data[:16]!r}, expected {EXPECTED}") from error
    except DataError:
        raise
    except BROKEN_PICTURE as error:
        raise DataError(f"{path} is a damaged or unknown clip: {error}") from error
    return np.stack([pictures[k] for k in which]), count


def _array(path: Path, data: bytes) -> Array:
    """The frames (T, H, W, 3) uint8 of a .npy file; nothing in it is ever run."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, TypeError, SyntaxError, EOFError) as error:
        raise DataError(f"{path} is a damaged .npy file: {error}") from error
    if dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or 0 in shape:
        raise DataError(f"{path} holds an array {shape} of {dtype}; expected (T, H, W, 3) of uint8")
    pixels, count = data[file.tell() :], math.prod(shape)
    if len(pixels) != count:
        raise DataError(f"{path} holds {len(pixels)} bytes of pixels; its header {shape} promises {count}")
    return np.frombuffer(pixels, np.uint8).reshape(shape, order="F" if fortran else "C")
