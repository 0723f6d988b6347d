"""Pictures from files: decoded fully, turned upright, in RGB, squashed to a square, and kept in a cache."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minirnn.data.files import read_file
from minirnn.data.image_cache import cache_path, read_cache, write_cache
from minirnn.errors import DataError
from minirnn.pair import Array

if TYPE_CHECKING:  # Pillow is imported where it is used: `to_float` needs only NumPy
    from PIL import Image

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # Pillow knows more; some of those start programs
BACKGROUND = (255, 255, 255)  # shows through where a picture is transparent
DRAFT = 4  # a JPEG decoded in a smaller size keeps at least so many pixels, each way, for one of the square

_ANIMATED = ("GIF", "PNG", "WEBP")  # a JPEG or TIFF of several pictures is no animation
_DEEP = ("PNG", "PPM")  # formats whose mode "I" (32 bits) stands for 16-bit grey


def load_image(path: Path) -> Array:
    """A picture file as it should look on screen: uint8 (H, W, 3), RGB.

    Decoded to the last row; turned as its EXIF orientation says; greyscale, palette, 1-bit and CMYK become RGB; 16-bit
    pixels are scaled, not clipped; transparent pixels are blended with white (`BACKGROUND`); colour
    profiles are ignored. Of an animation the first frame, with a warning. Pillow's limit of 178,956,970 pixels holds.

    Memory: the file, and 3 to 8 bytes a pixel.
    Raises:
        DataError: no picture, damaged or cut off, too many pixels, or pixels without a known scale (32-bit).
        FileNotFoundError, IsADirectoryError: as they say.
    """
    image, animated = _decode(Path(path))
    if animated:
        _warn_animated([path])
    return image


def fit_square(image: Array, size: int) -> Array:
    """The whole picture squashed to a square, with a filter that averages what it shrinks (Lanczos, 3 lobes).

    Args:
        image: (H, W, 3) uint8.
        size: side of the square in pixels, at least 1.
    Returns:
        (size, size, 3) uint8, an array of its own.
    Raises:
        DataError: another shape or dtype, or a size below 1.
    """
    from PIL import Image

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise DataError(f"an image has shape {image.shape}, dtype {image.dtype}; expected (H, W, 3) uint8")
    _require_size(size)
    return np.array(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))


class LoadedImages(NamedTuple):
    """Pictures of one size."""

    images: Array  # (N, size, size, 3) uint8
    kept: Array  # (N,) int64: places in `paths` of the pictures that could be read, rising
    bad: list[str]  # one sentence for each of the others


def load_images(
    paths: Sequence[Path], size: int, *, skip_bad: bool = False, cache: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> LoadedImages:  # fmt: skip
    """Pictures as squares (`fit_square`), each file decoded once.

    Kept in the user's cache folder (`image_cache.cache_folder`), one file for each list of paths and size; a file that
    changes on disk is decoded again, with the rest of its list.

    Memory: N * size * size * 3 bytes and one picture of full size at a time; twice the first while the cache is written
    (850 photographs of 72 pixels: 13 MB). A JPEG is decoded at a half, a quarter or an eighth of its size when that
    still leaves `DRAFT` times `size`, which large photographs gain much by and small ones are not touched by.

    Args:
        size: side of the squares in pixels.
        skip_bad: leave out what cannot be read and list it in `bad`; else the first such file raises.
        cache: False reads and writes no cache.
        progress: called with (pictures done, pictures in all); once when they come from the cache.
    Raises:
        DataError, FileNotFoundError, IsADirectoryError: as `load_image`; DataError when no picture is left.
    """
    _require_size(size)
    paths = [Path(p) for p in paths]
    if not paths:
        raise DataError("there is no picture to load; expected at least one path")
    file = cache_path(paths, size) if cache else None
    stored = read_cache(file) if file else None
    if stored is not None and (skip_bad or not stored.bad):
        images, bad = stored
        if progress:
            progress(len(paths), len(paths))
    else:
        images, errors = _load_squares(paths, size, skip_bad, progress)
        bad = {n: str(error) for n, error in errors.items()}
        if file and not any(isinstance(error, OSError) for error in errors.values()):  # may be better next time
            write_cache(file, images, bad)
    kept = np.array([n for n in range(len(paths)) if n not in bad], dtype=np.int64)
    return LoadedImages(images, kept, list(bad.values()))


def to_float(images: Array) -> Array:
    """uint8 pixels as float32 from 0 to 1, any shape.

    Raises:
        DataError: the pixels are not uint8 (floats would be divided by 255 a second time).
    """
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        raise DataError(f"pixels have dtype {getattr(images, 'dtype', type(images).__name__)}; expected uint8")
    out = images.astype(np.float32)
    out /= 255
    return out


def _load_squares(
    paths: list[Path], size: int, skip_bad: bool, progress: Callable[[int, int], None] | None
) -> tuple[Array, dict[int, DataError | OSError]]:
    """The pictures that can be read (N, size, size, 3), and why each of the others cannot, by its place."""
    squares = np.empty((len(paths), size, size, 3), np.uint8)
    bad: dict[int, DataError | OSError] = {}
    animated = []
    for n, path in enumerate(paths):
        try:
            image, moving = _decode(path, at_least=DRAFT * size)
        except (DataError, OSError) as error:
            if not skip_bad:
                raise
            bad[n] = error
        else:
            squares[n - len(bad)] = fit_square(image, size)
            if moving:
                animated.append(path)
        if progress:
            progress(n + 1, len(paths))
    if len(bad) == len(paths):
        raise DataError(f"none of the {len(paths)} pictures can be read; the first: {bad[0]}")
    if animated:
        _warn_animated(animated)
    return squares[: len(paths) - len(bad)], bad


def _decode(path: Path, at_least: int | None = None) -> tuple[Array, bool]:
    """(H, W, 3) uint8, and whether there are more frames.

    `at_least`: a JPEG may come smaller by a power of two, with no side below this.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    data = read_file(path, "a picture")
    try:
        with warnings.catch_warnings():  # Pillow warns of odd EXIF entries and from half of its pixel limit on
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if at_least:
                    image.draft(None, (at_least, at_least))
                animated = image.format in _ANIMATED and getattr(image, "is_animated", False)
                image.load()
                format = image.format
                pixels = rgb_of(ImageOps.exif_transpose(image), format)
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} claims more pixels than are safe to decode: {error}") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is no picture; it begins with {data[:16]!r}, expected {', '.join(FORMATS)}") from error
    except BROKEN_PICTURE as error:
        raise DataError(f"{path} is a damaged or unknown picture: {error}") from error
    return pixels, animated


# What Pillow raises on damaged files, found by feeding it damaged files.
BROKEN_PICTURE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
)


def rgb_of(image: Image.Image, format: str | None) -> Array:
    """An upright picture of any mode as (H, W, 3) uint8."""
    from PIL import Image

    if image.mode.startswith("I;16") or (image.mode == "I" and format in _DEEP):
        grey = np.asarray(image).astype(np.uint32)  # `convert` would clip all above 255 to white
        return np.repeat(((grey * 255 + 32767) // 65535).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise ValueError(f"32-bit pixels (mode {image.mode}), whose white is not known; convert it to 8 or 16 bits")
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, BACKGROUND)
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return np.array(image.convert("RGB"))


def _require_size(size: int) -> None:
    if size < 1:
        raise DataError(f"a picture is to be {size} pixels wide; expected at least 1")


def _warn_animated(paths: Sequence[Path]) -> None:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    warnings.warn(f"{paths[0]}{more}: animated, only the first frame is used", stacklevel=3)
