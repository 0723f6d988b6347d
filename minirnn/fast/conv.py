"""Convolution, tuned: the twin of `functional/conv.py`.

One of three ways, by the shape of the layer:

    winograd    3x3 of stride 1 with many channels: fewer products (see `minirnn.fast.winograd`)
    planes      few channels (a picture): a pixel of the kernel sees the picture shifted, one contiguous copy for each
    windows     all else: the windows of a few rows of output, copied and multiplied while they are in the cache

The columns of the readable pair, nine times the picture for a 3x3 kernel, exist as a whole only where they are few:
then one large product is the fastest way. Else the backward pass makes them again, block by block. dx of a convolution
of stride 1 is a convolution of dy with the kernel turned around.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.fast import winograd
from minirnn.fast.columns import all_columns, blocks, few, output_size
from minirnn.fast.columns import columns as columns_of
from minirnn.fast.columns import taps as taps_of
from minirnn.fast.rows import add_bias, column_sums
from minirnn.fast.scratch import scratch
from minirnn.functional.conv import (
    ConvParams,
    Pad,
    Sides,
    Size,
    both_axes,
    both_sides,
    crop_image,
    require_channels,
    require_fits,
    require_image,
    shifted,
)
from minirnn.pair import Array, Pair, require_float, require_shape

STAMPED = 24  # channels: with fewer, a picture lies in memory channel by channel while dx is added up
FEW = 6  # channels: with fewer than these, copying window by window is slow
MANY = 32  # channels on both sides from which Winograd's sums are cheaper than the products they save


def conv2d_forward(
    x: Array, params: ConvParams, *, stride: Size = 1, pad: Pad = 0, need_dx: bool = True, way: str | None = None
) -> tuple[Array, Any]:
    """2-D convolution (the field's cross-correlation: the kernel is not flipped).

        y[n, i, j, f] = sum over k, l, c of xpad[n, i*stride + k, j*stride + l, c] * W[k, l, c, f]  + b[f]

    Args:
        x: (N, H, W, C) floats.
        params: W (KH, KW, C, F), b (F,).
        stride, pad, need_dx: as the readable pair.
        way: "winograd", "planes" or "windows"; None chooses by shape.
    Returns:
        y (N, H', W', F) and the cache.
    Raises:
        ValueError: as the readable pair; a way that does not suit the kernel or stride.
    Source: windows in blocks, Chellapilla et al. 2006; 3x3 kernels, Lavin and Gray 2016.
    """
    W, b = params
    require_image(x)
    require_float("W", W, 4, "(KH, KW, C, F)")
    require_channels(x, W.shape[2])
    require_shape("b", b, (W.shape[3],), "one bias per output channel")
    steps, sides = both_axes("stride", stride), both_sides(pad)
    require_fits(x, W.shape[:2], sides)
    _require_way(way, W.shape, steps)
    OH, OW = output_size(x.shape, W.shape, steps, sides)
    pixels, columns = len(x) * OH * OW, None
    if (way or _way(W.shape, steps, pixels)) == "windows" and few(pixels, W.shape):
        columns = all_columns(x, W.shape, steps, sides)
        y = columns @ W.reshape(-1, W.shape[3])
        add_bias(y, b)
        y = y.reshape(len(x), OH, OW, W.shape[3])
    else:
        y = convolve(x, W, steps, sides, b, way)
    return y, (x, columns, W, steps, sides, need_dx, way)


def conv2d_backward(dy: Array, cache: Any) -> tuple[Array | None, ConvParams]:
    """dy (N, H', W', F) -> dx (N, H, W, C), ConvParams(dW, db)."""
    x, columns, W, stride, sides, need_dx, way = cache
    rows = dy.reshape(-1, W.shape[3])
    db = column_sums(rows)
    if columns is None:
        dW = weight_gradient(x, dy, W.shape, stride, sides, way)
    else:
        dW = (columns.T @ rows).reshape(W.shape)
    return input_gradient(dy, x.shape, W, stride, sides, way) if need_dx else None, ConvParams(dW, db)


def convolve(
    x: Array, W: Array, stride: tuple[int, int], sides: Sides, b: Array | None, way: str | None = None
) -> Array:  # fmt: skip
    """y (N, H', W', F) from x (N, H, W, C), W (KH, KW, C, F) and b (F,) or None."""
    KH, KW, C, F = W.shape
    (OH, OW), matrix = output_size(x.shape, W.shape, stride, sides), W.reshape(-1, F)
    way = way or _way(W.shape, stride, len(x) * OH * OW)
    if way == "winograd":
        return winograd.convolve(x, W, sides, b)
    y = np.empty((len(x), OH, OW, F), x.dtype)
    if way == "planes":
        with_bias = np.concatenate([matrix, np.zeros((1, F), x.dtype) if b is None else b[None]])
        for part in blocks(len(x), OH, OH * OW * KH * KW * C, whole=True):
            taps, (N, height, width) = taps_of(x, (KH, KW), sides, part)
            wide = scratch("wide", (N, height, width, F), x.dtype)
            np.matmul(taps.T, with_bias, out=wide.reshape(-1, F))
            y[part] = wide[:, :OH, :OW]
        return y
    for part in blocks(len(x), OH, OH * OW * KH * KW * C):
        out = y[part].reshape(-1, F)  # a view: whole pictures, or rows of one picture
        np.matmul(columns_of(x, (KH, KW), stride, sides, part, OW), matrix, out=out)
        if b is not None:
            add_bias(out, b)
    return y


def weight_gradient(
    x: Array, dy: Array, shape: tuple[int, ...], stride: tuple[int, int], sides: Sides, way: str | None = None
) -> Array:  # fmt: skip
    """dW of `shape` (KH, KW, C, F) from x (N, H, W, C) and dy (N, H', W', F)."""
    KH, KW, C, F = shape
    N, OH, OW, _ = dy.shape
    way = way or _way(shape, stride, N * OH * OW)
    if way == "winograd":
        return winograd.weight_gradient(x, dy, sides)
    dW = np.zeros((KH * KW * C, F), dy.dtype)
    for part in blocks(N, OH, OH * OW * KH * KW * C, whole=way == "planes"):
        if way == "planes":
            taps, (n, height, width) = taps_of(x, (KH, KW), sides, part)
            wide = scratch("wide", (n, height, width, F), x.dtype)
            wide[:, OH:], wide[:, :OH, OW:] = 0, 0
            wide[:, :OH, :OW] = dy[part]
            dW += taps[:-1] @ wide.reshape(-1, F)
        else:
            dW += columns_of(x, (KH, KW), stride, sides, part, OW).T @ dy[part].reshape(-1, F)
    return dW.reshape(shape)


def input_gradient(
    dy: Array, shape: tuple[int, ...], W: Array, stride: tuple[int, int], sides: Sides, way: str | None = None
) -> Array:  # fmt: skip
    """dx of `shape` (N, H, W, C) from dy (N, H', W', F) and W (KH, KW, C, F)."""
    KH, KW, C, F = W.shape
    N, OH, OW, _ = dy.shape
    (top, bottom), (left, right) = sides
    way = way or _way(W.shape, stride, N * OH * OW)
    fits = max(top, bottom) < KH and max(left, right) < KW
    if stride == (1, 1) and fits and (way == "winograd" or (way == "windows" and F < C)):
        turned = np.ascontiguousarray(W[::-1, ::-1].swapaxes(2, 3))
        around = (KH - 1 - top, KH - 1 - bottom), (KW - 1 - left, KW - 1 - right)
        return convolve(dy, turned, stride, around, None, way)
    dx = np.empty(shape, dy.dtype)
    if stride == (1, 1) and C < STAMPED:
        for part in blocks(N, OH, shape[1] * shape[2] * KH * KW * C, whole=True):
            dx[part[0]] = _stamped(dy[part[0]], shape, W, sides)
        return dx
    for images, _ in blocks(N, OH, OH * OW * max(C, F), whole=True):
        n = images.stop - images.start
        padded = scratch("dx", (n, shape[1] + top + bottom, shape[2] + left + right, C), dy.dtype)
        padded[...] = 0
        rows = dy[images].reshape(-1, F)
        stamp = scratch("stamp", (len(rows), C), dy.dtype)
        for i, j in np.ndindex(KH, KW):  # windows overlap: what each kernel pixel touched adds up
            np.matmul(rows, W[i, j].T, out=stamp)
            shifted(padded, i, j, (OH, OW), stride)[...] += stamp.reshape(n, OH, OW, C)
        dx[images] = crop_image(padded, sides)
    return dx


def _stamped(dy: Array, shape: tuple[int, ...], W: Array, sides: Sides) -> Array:
    """dx (n, H, W, C) of some pictures: every output pixel stamps W on what it saw, a pixel of the kernel at a time.

    Pictures lie in memory channel by channel with their borders, so that a pixel of the kernel is a shift of them all.
    """
    (KH, KW, C, F), (n, OH, OW, _) = W.shape, dy.shape
    (top, bottom), (left, right) = sides
    _, H, width, _ = shape
    high, wide = H + top + bottom, width + left + right
    spaced = scratch("wide", (n, high, wide, F), dy.dtype)
    spaced[:, OH:], spaced[:, :OH, OW:] = 0, 0
    spaced[:, :OH, :OW] = dy
    pixels = n * high * wide
    stamps = scratch("stamps", (KH * KW * C, pixels), dy.dtype)
    np.matmul(W.reshape(-1, F), spaced.reshape(pixels, F).T, out=stamps)
    planes = scratch("planes", (C, pixels + KH * wide + KW), dy.dtype)
    planes[...] = 0
    for k, (i, j) in enumerate(np.ndindex(KH, KW)):  # windows overlap: what each kernel pixel touched adds up
        planes[:, i * wide + j : i * wide + j + pixels] += stamps[k * C : (k + 1) * C]
    pictures = planes[:, :pixels].reshape(C, n, high, wide)[:, :, top : top + H, left : left + width]
    return pictures.transpose(1, 2, 3, 0)


def _way(W: tuple[int, ...], stride: tuple[int, int], pixels: int) -> str:
    """The fastest way for a kernel (KH, KW, C, F) on so many output pixels; FEW and MANY are measured."""
    if stride == (1, 1) and W[:2] == (3, 3) and min(W[2:]) >= MANY and not few(pixels, W):
        return "winograd"
    return "planes" if stride == (1, 1) and W[2] < FEW else "windows"


def _require_way(way: str | None, W: tuple[int, ...], stride: tuple[int, int]) -> None:
    if way not in (None, "winograd", "planes", "windows"):
        raise ValueError(f"way is {way!r}; expected winograd, planes or windows")
    if way == "winograd" and (W[:2] != (3, 3) or stride != (1, 1)):
        raise ValueError(f"winograd needs a 3x3 kernel and stride 1; got {W[0]}x{W[1]} and stride {stride}")
    if way == "planes" and stride != (1, 1):
        raise ValueError(f"planes need stride 1; got {stride}")


conv2d = Pair(conv2d_forward, conv2d_backward, "conv2d")
