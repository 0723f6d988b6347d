"""Max, average and global pooling of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional.conv import (
    Pad,
    Size,
    add_windows,
    both_axes,
    both_sides,
    crop_image,
    pad_image,
    require_fits,
    require_image,
    shifted,
    windows_of,
)
from minirnn.pair import Array, Pair


def max_pool2d_forward(x: Array, *, size: Size = 2, stride: Size | None = None, pad: Pad = 0) -> tuple[Array, Any]:
    """Largest value of each window, channel by channel.

        y[n, i, j, c] = max over k, l of xpad[n, i*stride + k, j*stride + l, c]

    Args:
        x: (N, H, W, C) floats.
        size: window, one integer or (height, width).
        stride: step between windows; the window's own size when None.
        pad: border that never wins (it counts as -inf), in the forms of `conv2d`, smaller than the window.
    Returns:
        y (N, H', W', C) and the cache. Among equal values the first in reading order gets the gradient; a window with
        a NaN gives NaN, and its first NaN gets the gradient.
    Raises:
        ValueError: a window larger than the padded image, a border as wide as the window, a stride of 0.
    Source: Ranzato et al. 2007.
    """
    require_image(x)
    size, sides = both_axes("size", size), both_sides(pad)
    stride = size if stride is None else both_axes("stride", stride)
    if max(sides[0]) >= size[0] or max(sides[1]) >= size[1]:
        raise ValueError(f"pad is {pad} but must be smaller than the window {size}: a window of border has no maximum")
    require_fits(x, size, sides)
    xpad = pad_image(x, sides, -np.inf)
    places = windows_of(xpad, size, stride).shape[1:3]
    y = shifted(xpad, 0, 0, places, stride).copy()
    winner = np.zeros(y.shape, np.int32)
    for k, (i, j) in enumerate(np.ndindex(size)):  # pixel (i, j) of all windows at once
        pixel = shifted(xpad, i, j, places, stride).copy()
        beats = ~((pixel <= y) | (y != y))  # larger, or the first NaN
        winner = np.maximum(winner, np.int32(k) * beats)  # k grows: the last pixel that beat all before it
        np.maximum(y, pixel, out=y)
    return y, (winner, xpad.shape, size, stride, sides)


def max_pool2d_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy (N, H', W', C) -> dx (N, H, W, C): each gradient goes to the pixel that won."""
    winner, shape, size, stride, sides = cache
    dxpad = np.zeros(shape, dtype=dy.dtype)
    for k, (i, j) in enumerate(np.ndindex(size)):
        shifted(dxpad, i, j, dy.shape[1:3], stride)[...] += dy * (winner == k)
    return (crop_image(dxpad, sides),)


def avg_pool2d_forward(
    x: Array, *, size: Size = 2, stride: Size | None = None, pad: Pad = 0, count_pad: bool = True
) -> tuple[Array, Any]:
    """Mean of each window, channel by channel.

        y[n, i, j, c] = sum over k, l of xpad[n, i*stride + k, j*stride + l, c] / count

    Args:
        x: (N, H, W, C) floats.
        size: window, one integer or (height, width).
        stride: step between windows; the window's own size when None.
        pad: zeros around the image, in the forms of `conv2d`.
        count_pad: whether the zeros of the border count as pixels (True: count is always height * width).
    Returns:
        y (N, H', W', C) and the cache.
    Raises:
        ValueError: a window larger than the padded image, a border as wide as the window, a stride of 0.
    Source: LeCun et al. 1998.
    """
    require_image(x)
    size, sides = both_axes("size", size), both_sides(pad)
    stride = size if stride is None else both_axes("stride", stride)
    if max(sides[0]) >= size[0] or max(sides[1]) >= size[1]:
        raise ValueError(f"pad is {pad} but must be smaller than the window {size}")
    require_fits(x, size, sides)
    xpad = pad_image(x, sides)
    inside = np.ones((1, *x.shape[1:3], 1), dtype=x.dtype)
    pixels = pad_image(inside, sides, 1 if count_pad else 0)
    count = windows_of(pixels, size, stride).sum(axis=(3, 4))  # (1, OH, OW, 1)
    y = windows_of(xpad, size, stride).sum(axis=(3, 4)) / count
    return y, (count, xpad.shape, size, stride, sides)


def avg_pool2d_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy (N, H', W', C) -> dx (N, H, W, C): every pixel of a window gets the same share."""
    count, shape, (KH, KW), stride, sides = cache
    share = (dy / count)[:, :, :, None, None]
    dwindows = np.broadcast_to(share, (*dy.shape[:3], KH, KW, dy.shape[3]))
    return (crop_image(add_windows(dwindows, shape, stride), sides),)


def global_avg_pool_forward(x: Array) -> tuple[Array, Any]:
    """Mean over all pixels.

        y[n, c] = mean over i, j of x[n, i, j, c]

    Args:
        x: (N, H, W, C) floats with at least one pixel.
    Returns:
        y (N, C) and the cache.
    Raises:
        ValueError: x is not a float image batch or has no pixel.
    Source: Lin et al. 2013, "Network in Network".
    """
    _require_pixels(x)
    return x.mean(axis=(1, 2)), x.shape


def global_avg_pool_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy (N, C) -> dx (N, H, W, C)."""
    shape = cache
    return (np.broadcast_to(dy[:, None, None] / (shape[1] * shape[2]), shape).copy(),)


def global_max_pool_forward(x: Array) -> tuple[Array, Any]:
    """Largest value over all pixels.

        y[n, c] = max over i, j of x[n, i, j, c]

    Args:
        x: (N, H, W, C) floats with at least one pixel.
    Returns:
        y (N, C) and the cache. Among equal values the first in reading order gets the gradient.
    Raises:
        ValueError: x is not a float image batch or has no pixel.
    Source: Oquab et al. 2015.
    """
    _require_pixels(x)
    pixels = x.reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    winner = pixels.argmax(axis=1)
    return np.take_along_axis(pixels, winner[:, None], axis=1)[:, 0], (winner, x.shape)


def global_max_pool_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy (N, C) -> dx (N, H, W, C)."""
    winner, (N, H, W, C) = cache
    dpixels = np.zeros((N, H * W, C), dtype=dy.dtype)
    np.put_along_axis(dpixels, winner[:, None], dy[:, None], axis=1)
    return (dpixels.reshape(N, H, W, C),)


def conv_pool(conv2d: Pair, max_pool2d: Pair) -> Pair:
    """Convolution, then 2x2 max pooling, as one pair.

    forward(x, params, *, pad=0, need_dx=True) -> (y, cache)
    backward(dy, cache) -> (dx, dparams)
    """

    def forward(x: Array, params: Any, *, pad: Pad = 0, need_dx: bool = True) -> tuple[Array, Any]:
        x, conv_cache = conv2d.forward(x, params, pad=pad, need_dx=need_dx)
        y, pool_cache = max_pool2d.forward(x, size=2)
        return y, (conv_cache, pool_cache)

    def backward(dy: Array, cache: Any) -> tuple[Array | None, Any]:
        conv_cache, pool_cache = cache
        (dx,) = max_pool2d.backward(dy, pool_cache)
        dx, dparams = conv2d.backward(dx, conv_cache)
        return dx, dparams

    return Pair(forward, backward, f"conv_pool({conv2d.name}, {max_pool2d.name})")


def _require_pixels(x: Array) -> None:
    require_image(x)
    if x.shape[1] * x.shape[2] == 0:
        raise ValueError(f"x has shape {x.shape}: no pixel to pool")


max_pool2d = Pair(max_pool2d_forward, max_pool2d_backward, "max_pool2d")
avg_pool2d = Pair(avg_pool2d_forward, avg_pool2d_backward, "avg_pool2d")
global_avg_pool = Pair(global_avg_pool_forward, global_avg_pool_backward, "global_avg_pool")
global_max_pool = Pair(global_max_pool_forward, global_max_pool_backward, "global_max_pool")
