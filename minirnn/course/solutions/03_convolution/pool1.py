"""pool1: Max pooling (lesson 03, Convolution).

Check it with `minirnn check pool1`, or on every save with `minirnn watch`. Stuck? `minirnn hint pool1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.functional.conv import Pad, Size, both_axes, both_sides, pad_image, windows_of


def max_pool2d_forward(x: np.ndarray, *, size: Size = 2, stride: Size | None = None, pad: Pad = 0):
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
    # Helpers: both_axes("size", size) is (height, width); both_sides(pad) is ((top, bottom), (left, right));
    # pad_image(x, sides, value) puts `value` around the image (0 when you do not say); windows_of(x, size, stride) is
    # a view (N, H', W', KH, KW, C) of all windows. Loops are as good.
    # The framework keeps (winner, shape of the padded image, size, stride, sides) as its cache, where winner (N, H',
    # W', C) is the place of the largest value in its window, counted in reading order from 0; yours is your own
    # affair.
    # Not asked: checking shapes, and NaN.
    size, sides = both_axes("size", size), both_sides(pad)
    stride = size if stride is None else both_axes("stride", stride)
    xpad = pad_image(x, sides, -np.inf)
    windows = windows_of(xpad, size, stride)
    N, OH, OW, KH, KW, C = windows.shape
    pixels = windows.reshape(N, OH, OW, KH * KW, C)
    winner = pixels.argmax(axis=3)
    y = pixels.max(axis=3)
    return y, (winner, xpad.shape, size, stride, sides)
