"""Training pictures a little different every time: turned, zoomed, shifted, mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minirnn.data.images import to_float
from minirnn.pair import Array


@dataclass(frozen=True)
class Jitter:
    """How much a picture may change; each amount is drawn evenly from minus to plus."""

    shift: float = 0.0  # share of the side, each way
    degrees: float = 0.0  # of rotation
    zoom: float = 0.0  # share of the size
    shear: float = 0.0  # columns a row: slant
    mirror: bool = False  # left and right exchanged, half of the time


def jitter(images: Array, amount: Jitter, rng: np.random.Generator) -> Array:
    """Pictures changed at random, each by itself; beyond its edge a picture goes on as its outermost pixels.

        (y, x) of the result shows (y', x') = centre + A @ (y - cy, x - cx) + shift of the picture (bilinear)

    Args:
        images: (N, H, W, C) uint8.
    Returns:
        (N, H, W, C) float32 in [0, 1].
    Raises:
        DataError: the pixels are not uint8.
    """
    N, H, W, C = images.shape
    turn, zoom, slant = (rng.uniform(-1, 1, N) * a for a in (np.deg2rad(amount.degrees), amount.zoom, amount.shear))
    shift = rng.uniform(-1, 1, (2, N)) * amount.shift * np.array([[H], [W]])
    flip = np.where(rng.random(N) < 0.5, -1.0, 1.0) if amount.mirror else np.ones(N)
    scale = np.exp(zoom)
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    y = (np.arange(H) - (H - 1) / 2)[None, :, None]
    x = (np.arange(W) - (W - 1) / 2)[None, None, :]
    a, b, c, d = (m[:, None, None] for m in (cos, sin, (slant * cos - sin) * flip, (slant * sin + cos) * flip))
    rows = np.clip(a * y + b * x + (shift[0] + (H - 1) / 2)[:, None, None], 0, H - 1)
    columns = np.clip(c * y + d * x + (shift[1] + (W - 1) / 2)[:, None, None], 0, W - 1)
    return bilinear(to_float(images), rows.astype(np.float32), columns.astype(np.float32))


def bilinear(images: Array, rows: Array, columns: Array) -> Array:
    """Pictures (N, H, W, C) at places (N, H, W) that lie inside."""
    N, H, W, C = images.shape
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    v, u = (rows - top.astype(rows.dtype))[..., None], (columns - left.astype(rows.dtype))[..., None]
    below, right = np.minimum(top + 1, H - 1), np.minimum(left + 1, W - 1)
    pixels = images.reshape(N * H * W, C)
    first = (np.arange(N, dtype=np.int32) * (H * W))[:, None, None]
    top, below = first + top * W, first + below * W
    upper = pixels[top + left] * (1 - u) + pixels[top + right] * u
    lower = pixels[below + left] * (1 - u) + pixels[below + right] * u
    out: Array = upper * (1 - v) + lower * v
    return out
