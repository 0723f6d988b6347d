"""One line of text as a picture of 32 rows: framed from a picture file, jittered, widened, saved.

A line is an array (32, W) uint8: 0 is the background, 255 ink.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minirnn.data.digit_strings import HEIGHT
from minirnn.data.images import load_image
from minirnn.errors import DataError
from minirnn.pair import Array

Rng = np.random.Generator

FULL = 28  # rows that the ink of a framed line fills: words
DIGITS = 23  # the same where lines are strings of digits, which stand free above and below
MARGIN = 3  # columns of background before and behind the ink of a framed line
WIDEST = 60  # times its height: a line
PITCH = 9.0  # pixels for each stroke that the busiest row of a word crosses: about 14 a letter
ODD = (0.5, 2.5)  # times as wide as written: a word, at most and at least
NEAR = (0.87, 1.15)  # a picture that would be scaled by so little keeps its pixels: scaling blurs
CONTRAST = 30  # of 255: a picture with less between its darkest and its brightest pixel shows nothing


def jitter(image: Array, rng: Rng) -> Array:
    """A line slanted, stretched and moved a little, bilinear; as high as before."""
    slant, stretch, size = rng.uniform(-0.3, 0.3), rng.uniform(0.85, 1.15), rng.uniform(0.85, 1.05)
    rise, middle = rng.uniform(-1, 1), (HEIGHT - 1) / 2
    height, width = image.shape
    wide = max(1, round(width * stretch))
    y = (np.arange(height)[:, None] - middle - rise) / size + middle
    x = (np.arange(wide) - (wide - 1) / 2) / stretch + (width - 1) / 2 + slant * (y - middle)
    padded = np.zeros((height + 2, width + 2), np.float32)
    padded[1:-1, 1:-1] = image
    y = np.broadcast_to(np.clip(y + 1, 0, height + 0.999), x.shape)
    x = np.clip(x + 1, 0, width + 0.999)
    i, j = y.astype(np.int64), x.astype(np.int64)
    b, a = y - i, x - j
    upper = padded[i, j] * (1 - a) + padded[i, j + 1] * a
    lower = padded[i + 1, j] * (1 - a) + padded[i + 1, j + 1] * a
    out: Array = np.rint(upper * (1 - b) + lower * b).astype(np.uint8)
    return out


def crossings(image: Array) -> int:
    """How many strokes the busiest row of a line crosses: more reliable than its width for how much stands there."""
    dark = np.pad(image, ((0, 0), (1, 0))) > 100
    return int((dark[:, 1:] & ~dark[:, :-1]).sum(axis=1).max())


def widening(image: Array, pitch: float) -> float:
    """By how much to widen a line, margins aside, so that the strokes of its busiest row are `pitch` pixels apart.

    People write narrow and wide; this makes their letters about equally wide. 1 where pitch is 0.
    """
    if not pitch:
        return 1.0
    return float(np.clip(pitch * crossings(image) / max(1, image.shape[1] - 2 * MARGIN), *ODD))


def frame(pixels: Array, source: str, *, ink: int = FULL, pitch: float = 0.0) -> Array:
    """A picture of one line as a reader sees it: bright ink on 0, 32 rows, the ink `ink` rows high in the middle.

    Whether ink is dark or bright is told from the border, which is background for the most part. Ink that is about
    `ink` rows high already keeps its size.

    Args:
        pixels: (H, W) or (H, W, 3) uint8.
        source: of the picture, for messages.
        ink: rows that the ink fills.
        pitch: pixels between the strokes of the busiest row, see `widening`; 0 leaves the width as it is.
    Returns:
        (32, W) uint8.
    Raises:
        DataError: nothing to be seen, or much wider than a line can be.
    """
    from PIL import Image

    grey = pixels.astype(np.float32)
    grey = grey @ np.array([0.299, 0.587, 0.114], np.float32) if grey.ndim == 3 else grey
    paper = float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    down, up = paper - float(grey.min()), float(grey.max()) - paper
    reach = max(down, up)
    if reach < CONTRAST:
        raise DataError(f"{source} shows no ink: its pixels differ by {reach:.0f} of 255; expected a line of text")
    shade = np.clip((paper - grey if down >= up else grey - paper) / reach, 0, 1)
    rows, columns = (np.flatnonzero((shade > 0.4).any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    high, wide = int(bottom - top), int(right - left)
    scale = ink / max(high, wide / 20)  # a dash is not made a bar
    scale = 1.0 if NEAR[0] <= scale <= NEAR[1] else scale
    if wide > WIDEST * high and wide > 20 * ink:
        raise DataError(f"{source}: the ink is {wide} pixels wide and {high} high; expected one line of text")
    tight = Image.fromarray(np.rint(255 * shade[top:bottom, left:right]).astype(np.uint8))

    def scaled(widened: float) -> Array:
        size = (max(1, round(wide * scale * widened)), max(1, round(high * scale)))
        small = np.asarray(tight.resize(size, Image.Resampling.BILINEAR), np.float32)
        out = np.zeros((HEIGHT, size[0] + 2 * MARGIN), np.uint8)
        begin = (HEIGHT - size[1]) // 2
        out[begin : begin + size[1], MARGIN:-MARGIN] = np.rint(small * (255 / max(float(small.max()), 1.0)))
        return out

    natural = scaled(1.0)
    return scaled(widening(natural, pitch)) if pitch else natural


def load_line(path: Path, *, ink: int = FULL, pitch: float = 0.0) -> Array:
    """A picture file of one line, see `frame`.

    Raises:
        DataError: no picture, or none of a line.
        FileNotFoundError, IsADirectoryError: as they say.
    """
    return frame(load_image(path), str(path), ink=ink, pitch=pitch)


def save_line(image: Array, path: Path) -> Path:
    """A line as a PNG file, dark ink on white paper."""
    from PIL import Image

    Image.fromarray(255 - np.pad(image, ((2, 2), (4, 4)))).save(path, format="PNG")
    return path
