"""Max pooling over 2x2 windows side by side, tuned: the twin of `max_pool2d`. Others go to the readable pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.fast.scratch import scratch
from minirnn.functional import pool as readable
from minirnn.functional.conv import Pad, Size, both_axes, both_sides, require_fits, require_image
from minirnn.pair import Array, Pair

BLOCK = 2**18  # values between columns and rows


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
        y, right, down = np.empty((N, H, W, C), x.dtype), np.empty((N, 2 * H, W, C), bool), np.empty((N, H, W, C), bool)
        for part in _blocks(N, 2 * H * W * C):
            wide = scratch("wide", right[part].shape, x.dtype)
            columns = x[part, : 2 * H, : 2 * W].reshape(-1, 2 * H, W, 2, C)
            np.greater(columns[:, :, :, 1], columns[:, :, :, 0], out=right[part])  # of equal ones the first wins
            np.maximum(columns[:, :, :, 1], columns[:, :, :, 0], out=wide)
            rows = wide.reshape(-1, H, 2, W, C)
            np.greater(rows[:, :, 1], rows[:, :, 0], out=down[part])
            np.maximum(rows[:, :, 1], rows[:, :, 0], out=y[part])
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
    for part in _blocks(N, 2 * H * W * C):
        drows = scratch("wide", (len(dy[part]), H, 2, W, C), dy.dtype)
        np.multiply(dy[part], down[part], out=drows[:, :, 1])
        np.subtract(dy[part], drows[:, :, 1], out=drows[:, :, 0])
        dwide = drows.reshape(-1, 2 * H, W, C)
        dcolumns = dx[part, : 2 * H, : 2 * W].reshape(-1, 2 * H, W, 2, C)
        np.multiply(dwide, right[part], out=dcolumns[:, :, :, 1])
        np.subtract(dwide, dcolumns[:, :, :, 1], out=dcolumns[:, :, :, 0])
    return (dx,)


def _blocks(N: int, values: int) -> list[slice]:
    """A few pictures at a time, whose intermediate results stay in the cache."""
    count = max(1, BLOCK // max(1, values))
    return [slice(n, min(N, n + count)) for n in range(0, N, count)]


max_pool2d = Pair(max_pool2d_forward, max_pool2d_backward, "max_pool2d")
