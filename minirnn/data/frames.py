"""Clips as users keep them: an animated GIF, PNG or WebP, a folder of pictures, or a NumPy array in a .npy file."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np

from minirnn.data.files import read_file
from minirnn.data.folders import ENDINGS
from minirnn.data.images import BROKEN_PICTURE, fit_square, load_image, rgb_of
from minirnn.errors import DataError
from minirnn.pair import Array

FORMATS = ("GIF", "PNG", "WEBP")
LIMIT = 500  # frames of a clip that is kept whole
PIXELS = 2**28  # of all its frames together
MOST = 10_000  # frames of a clip of which some are kept
EXPECTED = "a clip: an animated GIF, PNG or WebP, a folder of pictures, or a .npy array (T, H, W) or (T, H, W, 3) uint8"
_NPY = b"\x93NUMPY"
# What NumPy raises on damaged headers, found by feeding it damaged headers.
_BROKEN_HEADER = (ValueError, TypeError, SyntaxError, EOFError, MemoryError, RecursionError, TokenError)


def load_clip(path: Path) -> Array:
    """The frames of a clip: (T, H, W, 3) uint8, RGB, T at least 2.

    A folder's pictures come in the order of the numbers in their names; they must be of one size. Transparent pixels
    are blended with white, as in `load_image`. A frame of an animation that stays k times as long as the shortest comes
    k times, where k is a whole number for each frame and they are at most `LIMIT` together: so writers of GIFs keep
    frames in which nothing changes.

    Raises:
        DataError: no clip, damaged or cut off, a single frame, more than `LIMIT` frames or `PIXELS`, frames of
            unequal size.
        FileNotFoundError: nothing there.
    """
    clip = _opened(Path(path), LIMIT)
    _require_room(clip.frames, clip, path)
    which = np.repeat(np.arange(clip.frames), _times(clip.lasting()))
    _require_room(len(which), clip, path)
    frames = np.empty((len(which), clip.height, clip.width, 3), np.uint8)
    for t, k in enumerate(which):
        frames[t] = frames[t - 1] if t and which[t - 1] == k else clip.frame(int(k))
    return frames


def _times(lasting: Array) -> Array:
    """How often each frame comes; `lasting`: (T,)."""
    longer = lasting / lasting.min()
    times = np.rint(longer).astype(np.int64)
    fits = times.sum() <= LIMIT and np.abs(longer - times).max() < 0.01
    return times if fits else np.ones_like(times)


def _require_room(count: int, clip: _Clip, path: Path) -> None:
    if count * clip.height * clip.width > PIXELS:
        size = f"{count} frames of {clip.width} x {clip.height} pixels"
        raise DataError(f"{path} holds {size}; expected at most {PIXELS:,} pixels together")


def load_moments(path: Path, count: int, size: int) -> tuple[Array, int]:
    """A clip as `count` moments, evenly spread from its first frame to its last, each squashed to a square.

    Frames of an animation stay on screen for as long as the file says; a clip with fewer frames shows some twice. Of
    all frames only these squares are kept.

    Returns:
        (count, size, size, 3) uint8, and how many frames the clip has.
    Raises:
        DataError: as `load_clip`, but only more than `MOST` frames are too many.
        FileNotFoundError: nothing there.
    """
    clip = _opened(Path(path), MOST)
    which = moments(clip.lasting(), count)
    squares = {k: fit_square(clip.frame(k), size) for k in sorted(set(which))}
    return np.stack([squares[k] for k in which]), clip.frames


def moments(lasting: Array, count: int) -> list[int]:
    """Which frames are on screen at `count` moments evenly spread from the first frame to the last; `lasting`: (T,)."""
    starts = np.concatenate([[0.0], np.cumsum(lasting)[:-1]])
    at = np.linspace(0, starts[-1], count) + 0.5 * lasting.min()
    return [int(k) for k in np.searchsorted(starts, at, side="right") - 1]


def grey_squares(frames: Array, size: int) -> Array:
    """Frames (T, H, W, 3) uint8 in grey, squashed to squares: (T, size, size) uint8; left alone where they fit."""
    from PIL import Image

    out = []
    for frame in frames:
        image = Image.fromarray(frame).convert("L")
        fits = image.size == (size, size)
        out.append(np.array(image if fits else image.resize((size, size), Image.Resampling.LANCZOS)))
    return np.stack(out)


def save_gif(path: Path, frames: Array, *, scale: int = 1, milliseconds: int = 120) -> Path:
    """Frames (T, H, W) or (T, H, W, 3) uint8 as an animated GIF that repeats.

    Grey frames keep their values. Equal neighbours become one frame that stays longer, which `load_clip` undoes; only
    where all frames are equal nothing is left to move, and the GIF is no clip.

    Args:
        scale: every pixel becomes so many pixels wide and high.
        milliseconds: how long a frame is seen.
    """
    from PIL import Image

    large = frames.repeat(scale, axis=1).repeat(scale, axis=2)
    first, *rest = [Image.fromarray(frame) for frame in large]
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, format="GIF", save_all=True, append_images=rest, duration=milliseconds, loop=0)
    return path


class _Clip(NamedTuple):
    """A clip whose frames are decoded one at a time."""

    frames: int  # how many
    height: int
    width: int
    frame: Callable[[int], Array]  # (height, width, 3) uint8, RGB; in rising order is fastest
    lasting: Callable[[], Array]  # (count,), how long each frame is seen, in any unit


def _opened(path: Path, most: int) -> _Clip:
    if path.is_dir():
        return _folder(path, most)
    data = read_file(path, EXPECTED)
    return _array(data, path, most) if data.startswith(_NPY) else _animation(data, path, most)


def _require_several(count: int, most: int, path: Path) -> None:
    if not 2 <= count <= most:
        some = f"{count:,} frame{'' if count == 1 else 's'}"
        raise DataError(f"{path} holds {some}; expected {EXPECTED}, with 2 to {most:,} frames")


def _folder(path: Path, most: int) -> _Clip:
    files = [p for p in path.iterdir() if p.suffix.lower() in ENDINGS and not p.name.startswith(".")]
    files.sort(key=_numbers)
    if not files:
        raise DataError(f"{path} holds no picture; expected {EXPECTED}")
    _require_several(len(files), most, path)
    first = load_image(files[0])
    height, width, _ = first.shape

    def frame(k: int) -> Array:
        pixels = load_image(files[k]) if k else first
        if pixels.shape != first.shape:
            size = f"{pixels.shape[1]} x {pixels.shape[0]}"
            raise DataError(f"{files[k]} is {size} pixels; expected {width} x {height}, as {files[0].name}")
        return pixels

    return _Clip(len(files), height, width, frame, lambda: np.ones(len(files)))


def _numbers(path: Path) -> tuple[Any, ...]:
    """A key that puts frame 9 before frame 10."""
    parts = re.split(r"([0-9]+)", path.stem)  # text, number, text, number, …, text
    return tuple(int(part) if k % 2 else part for k, part in enumerate(parts)), path.name


def _array(data: bytes, path: Path, most: int) -> _Clip:
    """The frames of a .npy file; nothing in it is ever run."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        with warnings.catch_warnings():  # NumPy warns of headers that Python 2 wrote
            warnings.simplefilter("ignore")
            shape, fortran, dtype = read(file)
    except _BROKEN_HEADER as error:
        raise DataError(f"{path} is a damaged .npy file: its header cannot be read; expected {EXPECTED}") from error
    if dtype != np.uint8 or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] != 3) or min(shape) < 1:
        what = f"{dtype} {shape}"[:80]
        raise DataError(f"{path} holds {what}; expected uint8 frames (T, H, W) or (T, H, W, 3)")
    _require_several(shape[0], most, path)
    came, expected = len(data) - file.tell(), math.prod(shape)
    if came != expected:
        raise DataError(f"{path} holds {came} bytes after its header; the header says {shape} = {expected}")
    frames = np.frombuffer(data, np.uint8, offset=file.tell()).reshape(shape, order="F" if fortran else "C")

    def frame(k: int) -> Array:
        out: Array = frames[k] if frames.ndim == 4 else np.repeat(frames[k][..., None], 3, axis=2)
        return out

    return _Clip(shape[0], shape[1], shape[2], frame, lambda: np.ones(shape[0]))


def _animation(data: bytes, path: Path, most: int) -> _Clip:
    from PIL import Image

    with _decoding(data, path):
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        count = getattr(image, "n_frames", 1)
        height, width = image.height, image.width
    _require_several(count, most, path)

    def seek(k: int) -> None:
        image.seek(k)
        if image.size != (width, height):
            size = f"{image.width} x {image.height}"
            raise ValueError(f"frame {k + 1} is {size} pixels; expected {width} x {height}, as the first")

    def frame(k: int) -> Array:
        with _decoding(data, path):
            seek(k)
            return rgb_of(image, image.format)

    def lasting() -> Array:
        out = np.zeros(count)
        with _decoding(data, path):
            for k in range(count):
                seek(k)
                if image.format == "WEBP":
                    image.load()  # only then is it known
                out[k] = image.info.get("duration", 0)
        return out if out.min() > 0 else np.ones(count)

    return _Clip(count, height, width, frame, lasting)


@contextmanager
def _decoding(data: bytes, path: Path) -> Iterator[None]:
    """What Pillow raises becomes one sentence; what it warns of is passed over."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} claims more pixels than are safe to decode: {error}") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is no clip; it begins with {data[:16]!r}, expected {EXPECTED}") from error
    except BROKEN_PICTURE as error:
        raise DataError(f"{path} is a damaged or unknown clip: {error}") from error
