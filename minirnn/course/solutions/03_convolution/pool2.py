"""pool2: Backward through max pooling (lesson 03, Convolution).

Check it with `minirnn check pool2`, or on every save with `minirnn watch`. Stuck? `minirnn hint pool2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional.conv import crop_image


def max_pool2d_backward(dy: np.ndarray, cache: Any):
    """dy (N, H', W', C) -> dx (N, H, W, C): each gradient goes to the pixel that won.

    Undo:

        y[n, i, j, c] = max over k, l of xpad[n, i*stride + k, j*stride + l, c]

    Args:
        dy: (N, H', W', C), the gradient of y.
        cache: what the forward function kept.
    Returns:
        A tuple of one: dx (N, H, W, C), of the image without its border.
    """
    # Of equal values in a window only one has won (the framework takes the first in reading order): together they get
    # dy once, not once each.
    # `crop_image(xpad, sides)` cuts the border off: the way back of pad_image.
    # In the framework's cache: winner (N, H', W', C) says which pixel of its window was the largest, counted in
    # reading order from 0 (in a window 2 x 3, number 4 is row 1, column 1); shape is that of the padded image; size,
    # stride and sides are pairs. A function of one argument returns a tuple of one gradient.
    winner, shape, size, stride, sides = cache  # of the framework; if your pool1 keeps something else, unpack that
    (sh, sw), (OH, OW) = stride, dy.shape[1:3]
    dxpad = np.zeros(shape, dtype=dy.dtype)
    for k, (i, j) in enumerate(np.ndindex(size)):  # pixel (i, j) of all windows at once
        dpixel = dy * (winner == k)
        dxpad[:, i : i + sh * OH : sh, j : j + sw * OW : sw] += dpixel
    return (crop_image(dxpad, sides),)
