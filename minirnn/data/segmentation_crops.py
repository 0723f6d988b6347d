"""Crops of pictures and their masks, a little different every time: turned, mirrored, bent like rubber, lit anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minirnn.data.augment import bilinear
from minirnn.data.images import to_float
from minirnn.pair import Array


@dataclass(frozen=True)
class Bend:
    """How much a crop may change; each amount is drawn evenly from minus to plus, but for `elastic`."""

    degrees: float = 15.0  # of rotation, beside quarter turns
    zoom: float = 0.15  # share of the size
    elastic: float = 3.0  # pixels: standard deviation of what the points of a coarse grid move
    spacing: float = 24.0  # pixels between these points
    contrast: float = 0.25  # share
    brightness: float = 0.1  # of white
    turns: bool = True  # quarter turns and mirrors: up and down mean nothing


def crops(
    images: Sequence[Array], masks: Sequence[Array], size: int, amount: Bend, rng: np.random.Generator
) -> tuple[Array, Array, Array]:  # fmt: skip
    """One crop of each picture, at a place of its own.

        crop(p) = picture(centre + zoom * rotation @ p + field(p))      p: places around the middle of the crop

    The picture is read between its pixels (bilinear), the mask at the nearest one. Places outside the picture show its
    outermost pixels and count nothing.

    Args:
        images, masks: N pictures (H, W, C) uint8 and their masks (H, W) of booleans; sizes may differ.
        size: side of the crops in pixels.
    Returns:
        images (N, size, size, C) float32, about from 0 to 1; labels (N, size, size) int64; weights (N, size, size)
        float32, 0 outside the picture.
    Raises:
        DataError: the pixels are not uint8.
    """
    shape = (len(images), size, size)
    out = np.empty((*shape, images[0].shape[2]), np.float32)
    labels, weights = np.empty(shape, np.int64), np.empty(shape, np.float32)
    for n, (image, mask) in enumerate(zip(images, masks)):
        rows, columns = _places(mask.shape, size, amount, rng)
        y, x = np.rint(rows).astype(np.int64), np.rint(columns).astype(np.int64)
        inside = (y >= 0) & (y < mask.shape[0]) & (x >= 0) & (x < mask.shape[1])
        rows, columns = (np.clip(v, 0, side - 1) for v, side in zip((rows, columns), mask.shape))
        crop = bilinear(to_float(image)[None], rows[None], columns[None])[0]
        crop = (crop - 0.5) * np.float32(np.exp(rng.uniform(-1, 1) * amount.contrast)) + np.float32(
            0.5 + rng.uniform(-1, 1) * amount.brightness
        )
        label = mask[np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)]
        quarter, mirror = (int(rng.integers(4)), bool(rng.integers(2))) if amount.turns else (0, False)
        for target, square in ((out, crop), (labels, label), (weights, inside)):
            square = np.rot90(square, quarter)
            target[n] = square[:, ::-1] if mirror else square
    return out, labels, weights


def _places(shape: tuple[int, ...], size: int, amount: Bend, rng: np.random.Generator) -> tuple[Array, Array]:
    """Rows and columns (size, size) of a picture of this shape that a crop shows."""
    middle = [rng.uniform(min(size, side) / 2, side - min(size, side) / 2) - 0.5 for side in shape]
    turn, zoom = np.deg2rad(rng.uniform(-1, 1) * amount.degrees), np.exp(rng.uniform(-1, 1) * amount.zoom)
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    p = np.arange(size) - (size - 1) / 2
    bent = (smooth_field((size, size), amount.spacing, rng) * amount.elastic for _ in range(2))
    straight = (cos * p[:, None] + sin * p, cos * p - sin * p[:, None])
    rows, columns = (
        (start + line + field).astype(np.float32) for start, line, field in zip(middle, straight, bent)
    )  # fmt: skip
    return rows, columns


def smooth_field(shape: tuple[int, int], spacing: float, rng: np.random.Generator) -> Array:
    """A smooth random surface (H, W): normal values on a grid, one every `spacing` pixels, joined by cubic B-splines.

        field[y, x] = sum over i, j of b(y / spacing - i) * b(x / spacing - j) * value[i, j] / scale

    Divided by the standard deviation that the sum has on a grid point, so that it is about 1.
    """
    along = [_spline(side, spacing) for side in shape]
    values = rng.standard_normal([a.shape[1] for a in along])
    scale = 0.5  # sum of b(k)^2 over whole k: (2/3)^2 + 2 * (1/6)^2
    field: Array = along[0] @ values @ along[1].T / scale
    return field


def _spline(length: int, spacing: float) -> Array:
    """(length, points): how much each point of the grid has a say in each pixel; every row adds up to 1."""
    points = int((length - 1) // spacing) + 4
    u = np.abs(np.arange(length)[:, None] / spacing - (np.arange(points) - 1))
    return np.where(u < 1, 2 / 3 - u**2 + u**3 / 2, np.maximum(2 - u, 0) ** 3 / 6)
