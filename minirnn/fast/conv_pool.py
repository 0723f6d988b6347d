"""Convolution and 2x2 max pooling as one, for pictures of few channels: the twin of `conv_pool`.

Pooling looks at outputs in groups of four: even or odd row, even or odd column. So the convolution is worked out for
each of the four places of a group apart, from the even and odd rows and columns of the picture. Each gives an array of
the size that pooling leaves, and the maximum of four such arrays is four runs through memory, without a jump.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from minirnn.fast.conv import conv2d
from minirnn.fast.pool import max_pool2d
from minirnn.fast.rows import column_sums
from minirnn.fast.scratch import scratch
from minirnn.functional.conv import ConvParams, Pad, Sides, both_sides, require_channels, require_fits, require_image
from minirnn.functional.pool import conv_pool as one_after_the_other
from minirnn.pair import Array, Pair, require_float, require_shape

BLOCK = 2**18  # values of what the kernel meets
FEW = 12  # channels: with more, a convolution of whole rows is faster
PLACES = tuple(product((0, 1), (0, 1)))  # of a group of four: row, column


def conv_pool(conv2d_pair: Pair, max_pool2d_pair: Pair) -> Pair:
    """Convolution, then 2x2 max pooling, as one pair; in one sweep where both are minirnn's own and the channels few.

    forward(x, params, *, pad=0, need_dx=True) -> (y, cache)
    backward(dy, cache) -> (dx, dparams)
    """
    apart = one_after_the_other(conv2d_pair, max_pool2d_pair)
    if conv2d_pair is not conv2d or max_pool2d_pair is not max_pool2d:
        return apart

    def forward(x: Array, params: ConvParams, *, pad: Pad = 0, need_dx: bool = True) -> tuple[Array, Any]:
        if isinstance(x, np.ndarray) and x.ndim == 4 and x.shape[3] <= FEW:
            y, cache = pooled_forward(x, params, pad=pad, need_dx=need_dx)
            if not np.isnan(y.min(initial=0)):  # a NaN wins nothing by `>`
                return y, (True, cache)
        y, cache = apart.forward(x, params, pad=pad, need_dx=need_dx)
        return y, (False, cache)

    def backward(dy: Array, cache: Any) -> tuple[Array | None, ConvParams]:
        together, inner = cache
        dx, dparams = pooled_backward(dy, inner) if together else apart.backward(dy, inner)
        return dx, dparams

    return Pair(forward, backward, "conv_pool(conv2d, max_pool2d)")


def pooled_forward(x: Array, params: ConvParams, *, pad: Pad = 0, need_dx: bool = True) -> tuple[Array, Any]:
    """y (N, H', W', F), the largest of each 2x2 outputs of the convolution, and the cache."""
    W, b = params
    require_image(x)
    require_float("W", W, 4, "(KH, KW, C, F)")
    require_channels(x, W.shape[2])
    require_shape("b", b, (W.shape[3],), "one bias per output channel")
    sides = both_sides(pad)
    require_fits(x, W.shape[:2], sides)
    KH, KW, C, F = W.shape
    grid = _Grid(x.shape, W.shape, sides)
    require_fits(np.empty((0, grid.out[0], grid.out[1], 0), x.dtype), (2, 2), ((0, 0), (0, 0)))
    weights = np.concatenate([W.reshape(-1, F), b[None]])
    y = np.empty((len(x), *grid.pooled, F), x.dtype)
    right, lower, down = (np.empty((len(x), grid.high, grid.wide, F), bool) for _ in range(3))
    for images in grid.blocks(len(x), KH * KW * C):
        planes = grid.planes(x[images])
        found = scratch("found", (4, planes.pixels, F), x.dtype)
        for out, place in zip(found, PLACES):
            np.matmul(planes.taps(place, W.shape).T, weights, out=out)
        shape = right[images].shape
        a, b_, c, d = found.reshape(4, *shape)
        np.greater(b_, a, out=right[images])  # of equal ones the first wins
        np.maximum(b_, a, out=a)
        np.greater(d, c, out=lower[images])
        np.maximum(d, c, out=c)
        np.greater(c, a, out=down[images])
        np.maximum(c, a, out=a)
        y[images] = a[:, : grid.pooled[0], : grid.pooled[1]]
    return y, (x, W, grid, right, lower, down, need_dx)


def pooled_backward(dy: Array, cache: Any) -> tuple[Array | None, ConvParams]:
    """dy (N, H', W', F) -> dx (N, H, W, C) or None, ConvParams(dW, db)."""
    x, W, grid, right, lower, down, need_dx = cache
    KH, KW, C, F = W.shape
    dW = np.zeros((KH * KW * C, F), dy.dtype)
    dx = np.empty(x.shape, dy.dtype) if need_dx else None
    for images in grid.blocks(len(x), KH * KW * C):
        planes = grid.planes(x[images])
        shape = right[images].shape
        found = scratch("found", (4, *shape), dy.dtype)
        a, b, c, d = found
        a[...] = 0
        a[:, : grid.pooled[0], : grid.pooled[1]] = dy[images]
        np.multiply(a, down[images], out=c)  # the lower two
        a -= c
        np.multiply(c, lower[images], out=d)
        c -= d
        np.multiply(a, right[images], out=b)
        a -= b
        dplanes = grid.empty_planes(shape[0], dy.dtype) if need_dx else None
        for place, dout in zip(PLACES, found.reshape(4, -1, F)):
            dW += planes.taps(place, W.shape)[:-1] @ dout
            if dplanes is not None:
                dplanes.stamp(place, W, dout)
        if dx is not None:
            dplanes.pictures(dx[images])  # type: ignore[union-attr]
    return dx, ConvParams(dW.reshape(W.shape), column_sums(dy.reshape(-1, F)))


class _Grid:
    """The sizes of a layer: of its output, of what pooling leaves of it, and of the planes of even and odd pixels."""

    def __init__(self, x: tuple[int, ...], W: tuple[int, ...], sides: Sides) -> None:
        (self.top, bottom), (self.left, right) = sides
        self.size, self.channels = x[1:3], x[3]
        height, width = x[1] + self.top + bottom, x[2] + self.left + right
        self.out = height - W[0] + 1, width - W[1] + 1
        self.pooled = self.out[0] // 2, self.out[1] // 2
        self.high, self.wide = -(-height // 2), -(-width // 2)
        self.slack = (W[0] // 2 + 1) * self.wide + W[1] // 2 + 1  # the farthest shift

    def blocks(self, N: int, taps: int) -> list[slice]:
        """A few pictures at a time."""
        count = max(1, BLOCK // max(1, taps * self.high * self.wide))
        return [slice(n, min(N, n + count)) for n in range(0, N, count)]

    def empty_planes(self, n: int, dtype: Any) -> _Planes:
        """Zeros for n pictures."""
        return _Planes(self, n, "dplanes", dtype)

    def planes(self, x: Array) -> _Planes:
        """Even and odd rows and columns of padded pictures, channel by channel."""
        planes = _Planes(self, len(x), "planes", x.dtype)
        planes.fill(x)
        return planes


class _Planes:
    """(2, 2, C, pixels): even and odd rows, even and odd columns; a pixel of the kernel is a shift of one of them."""

    def __init__(self, grid: _Grid, n: int, name: str, dtype: Any) -> None:
        self.grid, self.n, self.pixels = grid, n, n * grid.high * grid.wide
        self.values = scratch(name, (2, 2, grid.channels, self.pixels + grid.slack), dtype)
        self.values[...] = 0

    def _inside(self, a: int, b: int) -> tuple[Array, slice, slice]:
        """Where the picture's own pixels lie in plane (a, b): a view (n, rows, columns, C), and which they are."""
        g = self.grid
        first, left = (a - g.top) % 2, (b - g.left) % 2  # the first row and column of the picture in this plane
        rows, columns = slice(first, None, 2), slice(left, None, 2)
        i, j = (first + g.top) // 2, (left + g.left) // 2
        h, w = (g.size[0] - first + 1) // 2, (g.size[1] - left + 1) // 2
        view = self.values[a, b, :, : self.pixels].reshape(-1, self.n, g.high, g.wide)
        return view[:, :, i : i + h, j : j + w].transpose(1, 2, 3, 0), rows, columns

    def fill(self, x: Array) -> None:
        """Take the pictures (n, H, W, C) in."""
        for a, b in PLACES:
            view, rows, columns = self._inside(a, b)
            view[...] = x[:, rows, columns]

    def pictures(self, x: Array) -> None:
        """Write the planes into pictures (n, H, W, C)."""
        for a, b in PLACES:
            view, rows, columns = self._inside(a, b)
            x[:, rows, columns] = view

    def _shifted(self, place: tuple[int, int], k: int, j: int) -> Array:
        """(C, pixels): what pixel (k, j) of the kernel sees for every group's output at `place`."""
        u, v = place[0] + k, place[1] + j
        start = (u // 2) * self.grid.wide + v // 2
        view: Array = self.values[u % 2, v % 2, :, start : start + self.pixels]
        return view

    def taps(self, place: tuple[int, int], shape: tuple[int, ...]) -> Array:
        """(KH * KW * C + 1, pixels): what each value of the kernel meets; the last row is 1, what the bias meets."""
        KH, KW, C, _ = shape
        taps = scratch("taps", (KH * KW * C + 1, self.pixels), self.values.dtype)
        for k, (i, j) in enumerate(np.ndindex(KH, KW)):
            taps[k * C : (k + 1) * C] = self._shifted(place, i, j)
        taps[-1] = 1
        return taps

    def stamp(self, place: tuple[int, int], W: Array, dout: Array) -> None:
        """Add what outputs at `place` with gradient dout (pixels, F) say about the pixels that they saw."""
        KH, KW, C, F = W.shape
        stamps = scratch("stamps", (KH * KW * C, self.pixels), dout.dtype)
        np.matmul(W.reshape(-1, F), dout.T, out=stamps)
        for k, (i, j) in enumerate(np.ndindex(KH, KW)):  # windows overlap: what each kernel pixel touched adds up
            self._shifted(place, i, j)[...] += stamps[k * C : (k + 1) * C]
