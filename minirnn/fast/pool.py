"""Max pooling over 2x2 windows side by side, tuned: the twin of `max_pool2d`. Others go to the readable pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional import pool as readable
from minirnn.functional.conv import Pad, Size, both_axes, both_sides, require_fits, require_image
from minirnn.pair import Array, Pair


def max_pool2d_forward(x: Array, *, size: Size = 2, stride: Size | None = None, pad: Pad = 0) -> tuple[Array, Any]:
    """Largest value of each window, channel by channel.

        y[n, i, j, c] = max over k, l of xpad[n, i*stride + k, j*stride + l, c]

    Args:
        x: (N, H, W, C) floats.
        size, stride, pad: as the readable pair; windows of 2 x 2 side by side are what is tuned.
    Returns:
        y (N, H', W', C) and the cache; ties and NaN as in the readable pair.
    Raises:
        ValueError: as the readable pair.
    Source: as the readable pair; the larger of each two columns, then of each two rows.
    """
    require_image(x)
    window, sides = both_axes("size", size), both_sides(pad)
    side_by_side = stride is None or both_axes("stride", stride) == window
    if window == (2, 2) and side_by_side and sides == ((0, 0), (0, 0)):
        require_fits(x, window, sides)
        N, H, W, C = x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]
        wide, y = np.empty((N, 2 * H, W, C), x.dtype), np.empty((N, H, W, C), x.dtype)
        right, down = np.empty(wide.shape, bool), np.empty(y.shape, bool)

        columns = x[:, : 2 * H, : 2 * W].reshape(N, 2 * H, W, 2, C)
        np.greater(columns[:, :, :, 1], columns[:, :, :, 0], out=right)  # of equal ones the first wins
        np.maximum(columns[:, :, :, 1], columns[:, :, :, 0], out=wide)
        rows = wide.reshape(N, H, 2, W, C)
        np.greater(rows[:, :, 1], rows[:, :, 0], out=down)
        np.maximum(rows[:, :, 1], rows[:, :, 0], out=y)
        if not np.isnan(y.min(initial=0)):  # a NaN wins nothing by `>`
            return y, (x.shape, right, down)
    y, cache = readable.max_pool2d_forward(x, size=size, stride=stride, pad=pad)
    return y, (None, cache)


def max_pool2d_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy (N, H', W', C) -> dx (N, H, W, C): each gradient goes to the pixel that won."""
    shape, *rest = cache
    if shape is None:
        return readable.max_pool2d_backward(dy, *rest)
    right, down = rest
    N, H, W, C = dy.shape
    dx = np.empty(shape, dy.dtype)
    dx[:, 2 * H :], dx[:, :, 2 * W :] = 0, 0

    drows = np.empty((N, H, 2, W, C), dy.dtype)
    np.multiply(dy, down, out=drows[:, :, 1])
    np.subtract(dy, drows[:, :, 1], out=drows[:, :, 0])
    dwide = drows.reshape(N, 2 * H, W, C)
    dcolumns = dx[:, : 2 * H, : 2 * W].reshape(N, 2 * H, W, 2, C)
    np.multiply(dwide, right, out=dcolumns[:, :, :, 1])
    np.subtract(dwide, dcolumns[:, :, :, 1], out=dcolumns[:, :, :, 0])
    return (dx,)


max_pool2d = Pair(max_pool2d_forward, max_pool2d_backward, "max_pool2d")
