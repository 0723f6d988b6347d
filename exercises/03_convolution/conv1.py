"""conv1: 2-D convolution (lesson 03, Convolution).

Check it with `minirnn check conv1`, or on every save with `minirnn watch`. Stuck? `minirnn hint conv1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.functional import ConvParams
from minirnn.functional.conv import Pad, Size, both_axes, both_sides, pad_image, windows_of


def conv2d_forward(x: np.ndarray, params: ConvParams, *, stride: Size = 1, pad: Pad = 0, need_dx: bool = True):
    """2-D convolution (the field's cross-correlation: the kernel is not flipped).

        y[n, i, j, f] = sum over k, l, c of xpad[n, i*stride + k, j*stride + l, c] * W[k, l, c, f]  + b[f]

    Args:
        x: (N, H, W, C) floats.
        params: W (KH, KW, C, F), b (F,).
        stride: one integer or (vertical, horizontal).
        pad: zeros around the image: one integer, (vertical, horizontal) or ((top, bottom), (left, right)).
        need_dx: False where x is the picture itself: the backward pass then returns None for dx and saves its work.
    Returns:
        y (N, H', W', F) with H' = (H + top + bottom - KH) // stride + 1, and the cache.
    Raises:
        ValueError: channels that differ, a kernel larger than the padded image, a stride of 0.
    Source: LeCun et al. 1998; as one matrix product over windows, Chellapilla et al. 2006.
    """
    # Helpers, so that you need not write the dull part:
    #   both_axes("stride", stride)     (vertical, horizontal), from one integer or two
    #   both_sides(pad)                 ((top, bottom), (left, right)), from any of the three forms
    #   pad_image(x, sides)             x with zeros around it, as many as both_sides says
    #   windows_of(x, (KH, KW), stride) all windows of x, a view (N, H', W', KH, KW, C); plain loops are as good
    # The framework keeps (the windows as rows, W, the shape of the padded image, stride, sides, need_dx) as its
    # cache; yours is your own affair. Not asked: checking shapes, and need_dx, which only saves work. float32 inputs
    # give a float32 y.
    raise NotImplementedError("conv1: 2-D convolution")
