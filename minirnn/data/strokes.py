"""Pen strokes as a model reads them: resampled and normalised points, Bézier pieces, or a picture of the line.

A stroke is an array (n, 2) of points, x to the right, y up; an item is a sequence of strokes. All functions give
float32 and leave their input as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minirnn.errors import DataError
from minirnn.pair import Array

Strokes = Sequence[Array]
POINT_FEATURES = 3  # dx, dy, pen up
FINER = 4  # a picture is drawn so many times larger, then made smaller: soft edges


def normalise(strokes: Strokes) -> tuple[Array, ...]:
    """The strokes with the left at x = 0, the bottom at y = 0, and a height of 1; x and y are scaled alike.

    What is much wider than high (a dash) is scaled by a twentieth of its width; a single dot is not scaled.

    Raises:
        DataError: no stroke, or a stroke that is not (n, 2) finite numbers with n of at least 1.
    """
    points = np.concatenate(_checked(strokes))
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = (high - low).tolist()
    scale = max(height, width / 20) or 1.0
    return tuple(((s - low) / scale).astype(np.float32) for s in _checked(strokes))


def resample(stroke: Array, spacing: float) -> Array:
    """Points at equal distances along a stroke: about `spacing` apart, the first and the last where they were.

    A dot stays one point; any other stroke has at least two.

    Raises:
        ValueError: spacing is not more than 0.
        DataError: as `normalise`.
    """
    if not 0 < spacing < math.inf:
        raise ValueError(f"spacing is {spacing}; expected more than 0, and finite")
    (stroke,) = _checked([stroke])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    if along[-1] == 0:
        return stroke[:1].astype(np.float32)
    at = np.linspace(0, along[-1], max(2, 1 + round(along[-1] / spacing)))
    return np.stack([np.interp(at, along, axis) for axis in stroke.T], axis=1).astype(np.float32)


def point_features(strokes: Strokes) -> Array:
    """(T, 3) float32: the step dx, dy from the point before, and 1 where the pen is lifted after the point.

    The first step is 0, 0; the step to a stroke's first point is the move from the end of the stroke before. Steps are
    as large as the strokes' spacing: scale the strokes so that it is about 1, or divide.
    """
    strokes = _checked(strokes)
    points = np.concatenate(strokes)
    up = np.zeros((len(points), 1))
    up[np.cumsum([len(s) for s in strokes]) - 1] = 1
    return np.concatenate([np.diff(points, axis=0, prepend=points[:1]), up], axis=1).astype(np.float32)


def rasterise(strokes: Strokes, height: int = 32, *, pen: float = 1.6, margin: int = 2) -> Array:
    """A picture (height, W) uint8 of the strokes: 255 where there is ink, 0 where there is none, soft edges.

    Args:
        height: of the picture in pixels; the strokes fill it but for the margin, and W follows from their width.
        pen: width of the line, in pixels.
        margin: empty pixels on each side, beside half the pen.
    Raises:
        ValueError: no room for a line between the margins.
        DataError: as `normalise`; a picture more than 100 times as wide as high.
    """
    from PIL import Image, ImageDraw  # on first use: not everybody draws

    room = height - 2 * margin - pen
    if room < 1 or pen <= 0 or margin < 0:
        raise ValueError(f"height {height} leaves no room for margins of {margin} and a pen of {pen}")
    strokes = normalise(strokes)
    lowest, furthest = (float(np.concatenate(strokes)[:, axis].max()) for axis in (1, 0))
    width = math.ceil(furthest * room + pen) + 2 * margin
    if width > 100 * height:
        raise DataError(f"the strokes are {furthest:.0f} times as wide as high; expected at most 100 times")
    big = Image.new("L", (width * FINER, height * FINER), 0)
    draw, edge = ImageDraw.Draw(big), (margin + pen / 2) * FINER
    lift = (1 - lowest) / 2 * room * FINER  # what is not as high as the picture stands in its middle
    radius = pen * FINER / 2
    for stroke in strokes:
        x = edge + stroke[:, 0] * room * FINER
        y = height * FINER - edge - lift - stroke[:, 1] * room * FINER
        at = list(zip(x.tolist(), y.tolist()))
        draw.line(at, fill=255, width=max(1, round(2 * radius)), joint="curve")
        for u, v in (at[0], at[-1]):  # round ends; a dot is nothing else
            draw.ellipse((u - radius, v - radius, u + radius, v + radius), fill=255)
    return np.asarray(big.reduce(FINER), np.uint8)


def _checked(strokes: Strokes) -> list[Array]:
    """The strokes as float64 arrays, once they are known to be strokes."""
    found = [np.asarray(s, np.float64) for s in strokes]
    if not found:
        raise DataError("there is no stroke; expected at least one")
    for k, stroke in enumerate(found):
        if stroke.ndim != 2 or stroke.shape[1] != 2 or not len(stroke):
            raise DataError(f"stroke {k} has shape {stroke.shape}; expected (n, 2) with n of at least 1")
        if not np.isfinite(stroke).all():
            raise DataError(f"stroke {k} holds NaN or infinity; expected coordinates")
    return found
