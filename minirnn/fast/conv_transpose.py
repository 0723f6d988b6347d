"""Transposed convolution, tuned: the twin of `conv_transpose2d`.

It is what a convolution does to its gradient. So its forward pass is the backward pass of `minirnn.fast.conv` for dx,
and its backward pass is a convolution.
"""

from __future__ import annotations

from typing import Any

from minirnn.fast.conv import convolve, input_gradient, weight_gradient
from minirnn.fast.rows import add_bias, column_sums
from minirnn.functional import conv as readable
from minirnn.functional.conv import ConvTransposeParams, Pad, Size, both_axes, both_sides, require_image
from minirnn.pair import Array, Pair


def conv_transpose2d_forward(
    x: Array, params: ConvTransposeParams, *, stride: Size = 1, pad: Pad = 0, extra: Size = 0
) -> tuple[Array, Any]:
    """Transposed 2-D convolution.

        y = b;  y[n, i*stride + k, j*stride + l, f] += x[n, i, j, c] * W[k, l, c, f];  then `pad` is cut off

    Args:
        x: (N, H, W, C) floats.
        params: W (KH, KW, C, F), b (F,).
        stride, pad, extra: as the readable pair.
    Returns:
        y (N, H', W', F) and the cache.
    Raises:
        ValueError: as the readable pair.
    Source: as the readable pair.
    """
    require_image(x)
    empty, _ = readable.conv_transpose2d_forward(
        x[:0], params, stride=stride, pad=pad, extra=extra
    )  # checks, and the size of y
    shape = (len(x), *empty.shape[1:])
    steps, sides, kernel = both_axes("stride", stride), both_sides(pad), params.W.swapaxes(2, 3)
    y = input_gradient(x, shape, kernel, steps, sides)
    add_bias(y.reshape(-1, shape[3]), params.b)
    return y, (x, kernel, steps, sides)


def conv_transpose2d_backward(dy: Array, cache: Any) -> tuple[Array, ConvTransposeParams]:
    """dy (N, H', W', F) -> dx (N, H, W, C), ConvTransposeParams(dW, db)."""
    x, kernel, stride, sides = cache
    dx = convolve(dy, kernel, stride, sides, None)[:, : x.shape[1], : x.shape[2]]
    dW = weight_gradient(dy, x, kernel.shape, stride, sides).swapaxes(2, 3)
    return dx, ConvTransposeParams(dW, column_sums(dy.reshape(-1, dy.shape[3])))


conv_transpose2d = Pair(conv_transpose2d_forward, conv_transpose2d_backward, "conv_transpose2d")
