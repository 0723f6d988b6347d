"""conv2: Backward through a convolution (lesson 03, Convolution).

Check it with `minirnn check conv2`, or on every save with `minirnn watch`. Stuck? `minirnn hint conv2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional import ConvParams
from minirnn.functional.conv import crop_image


def conv2d_backward(dy: np.ndarray, cache: Any):
    """dy (N, H', W', F) -> dx (N, H, W, C), ConvParams(dW, db).

    Undo:

        y[n, i, j, f] = sum over k, l, c of xpad[n, i*stride + k, j*stride + l, c] * W[k, l, c, f]  + b[f]

    Args:
        dy: (N, H', W', F), the gradient of y.
        cache: what the forward function kept.
    Returns:
        dx (N, H, W, C), of the image without its border, and ConvParams(dW, db) in the shapes of W and b.
    """
    # `crop_image(xpad, sides)` cuts the border off: the way back of pad_image. float32 inputs give float32 gradients.
    # In the framework's cache: `columns` is (N * H' * W', KH * KW * C), one row per output pixel with all that its
    # window saw; `shape` is that of the padded image; stride is (vertical, horizontal), sides ((top, bottom), (left,
    # right)).
    # need_dx is not asked: return dx in any case.
    columns, W, shape, stride, sides, need_dx = cache  # of the framework; unpack what your conv1 keeps
    (N, OH, OW, F), (sh, sw) = dy.shape, stride
    rows = dy.reshape(N * OH * OW, F)
    dW = (columns.T @ rows).reshape(W.shape)
    db = rows.sum(axis=0)
    dxpad = np.zeros(shape, dtype=dy.dtype)
    for i, j in np.ndindex(W.shape[:2]):  # pixel (i, j) of all windows at once; windows overlap, so they add up
        dpixel = (rows @ W[i, j].T).reshape(N, OH, OW, -1)
        dxpad[:, i : i + sh * OH : sh, j : j + sw * OW : sw] += dpixel
    return crop_image(dxpad, sides), ConvParams(dW, db)
