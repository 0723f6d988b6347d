"""Clips as users keep them: an animated GIF, PNG or WebP, a folder of pictures, or a NumPy array in a .npy file."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.data.files import read_file
from minirnn.data.folders import ENDINGS
from minirnn.data.images import load_image
from minirnn.errors import DataError
from minirnn.pair import Array

FORMATS = ("GIF", "PNG", "WEBP")
LIMIT = 500  # frames of a clip
PIXELS = 2**28  # of all frames together
EXPECTED = "a clip: an animated GIF, a folder of pictures, or a .npy file"
_NPY = b"\x93NUMPY"


def load_clip(path: Path) -> Array:
    """The frames of a clip: (T, H, W, 3) uint8, RGB, T at least 2.

    A folder's pictures come in the order of the numbers in their names; they must be of one size. A .npy file holds
    uint8 of shape (T, H, W) or (T, H, W, 3).

    Raises:
        DataError: no clip, damaged or cut off, a single frame, more than `LIMIT` frames, frames of unequal size.
        FileNotFoundError: nothing there.
    """
    path = Path(path)
    if path.is_dir():
        frames = _folder(path)
    else:
        data = read_file(path, EXPECTED)
        frames = _array(data, path) if data.startswith(_NPY) else _animation(data, path)
    if len(frames) < 2:
        raise DataError(f"{path} holds {len(frames)} frame; expected a clip of at least 2")
    return frames


def grey_squares(frames: Array, size: int) -> Array:
    """Frames (T, H, W, 3) uint8 in grey, squashed to squares: (T, size, size) uint8; left alone where they fit."""
    from PIL import Image

    out = []
    for frame in frames:
        image = Image.fromarray(frame).convert("L")
        out.append(np.array(image if image.size == (size, size) else image.resize((size, size), _averaging())))
    return np.stack(out)


def save_gif(path: Path, frames: Array, *, milliseconds: int = 120) -> Path:
    """Frames (T, H, W) or (T, H, W, 3) uint8 as an animated GIF that repeats; grey ones are kept exactly."""
    from PIL import Image

    first, *rest = [Image.fromarray(frame) for frame in frames]
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, format="GIF", save_all=True, append_images=rest, duration=milliseconds, loop=0)
    return path


def _averaging() -> Any:
    from PIL import Image

    return Image.Resampling.LANCZOS


def _require_few(count: int, height: int, width: int, path: Path) -> None:
    if count > LIMIT or count * height * width > PIXELS:
        raise DataError(f"{path} holds {count} frames of {width} x {height} pixels; at most {LIMIT} frames are read")


def _folder(path: Path) -> Array:
    files = sorted((p for p in path.iterdir() if p.suffix.lower() in ENDINGS), key=_numbers)
    if not files:
        raise DataError(f"{path} holds no picture; expected {EXPECTED}")
    first = load_image(files[0])
    _require_few(len(files), *first.shape[:2], path)
    frames = [first, *(load_image(file) for file in files[1:])]
    for file, frame in zip(files, frames):
        if frame.shape != first.shape:
            size, expected = (f"{f.shape[1]} x {f.shape[0]}" for f in (frame, first))
            raise DataError(f"{file} is {size} pixels; expected {expected}, as {files[0].name}")
    return np.stack(frames)


def _numbers(path: Path) -> list[Any]:
    """A key that puts frame 9 before frame 10."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"([0-9]+)", path.stem)]


def _array(data: bytes, path: Path) -> Array:
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    except ValueError as error:
        raise DataError(f"{path} is a damaged .npy file ({error}); expected frames (T, H, W)") from error
    if dtype != np.uint8 or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] != 3) or 0 in shape:
        raise DataError(f"{path} holds {dtype} {shape}; expected uint8 frames (T, H, W) or (T, H, W, 3)")
    _require_few(*shape[:3], path)
    came, expected = len(data) - file.tell(), math.prod(shape)
    if came != expected:
        raise DataError(f"{path} holds {came} bytes after its header; the header says {shape} = {expected}")
    file.seek(0)
    frames: Array = np.lib.format.read_array(file, allow_pickle=False)
    return frames if frames.ndim == 4 else np.repeat(frames[..., None], 3, axis=3)


def _animation(data: bytes, path: Path) -> Array:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            count = getattr(image, "n_frames", 1)
            _require_few(count, image.height, image.width, path)
            frames = []
            for k in range(count):
                image.seek(k)
                frames.append(np.array(image.convert("RGB")))
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is no clip; it begins with {data[:16]!r}, expected {EXPECTED}") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} claims more pixels than are safe to decode: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError) as error:
        raise DataError(f"{path} is a damaged clip: {error}") from error
    return np.stack(frames)
