"""bug2: Find the bug: global average pooling (lesson 02, Trust, but check).

Check it with `minirnn check bug2`, or on every save with `minirnn watch`. Stuck? `minirnn hint bug2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def planted_global_avg_pool_backward(dy: np.ndarray, cache: Any):
    """A backward function with a bug in it. Leave it as it is; write the right one below."""
    N, H, W, C = cache
    dy /= H * W
    dx = np.zeros((N, H, W, C), dy.dtype)
    dx += dy[:, None, None, :]
    return (dx,)


def global_avg_pool_backward(dy: np.ndarray, cache: Any):
    """dy (N, C) -> dx (N, H, W, C).

    Undo:

        y[n, c] = mean over i, j of x[n, i, j, c]

    Args:
        dy: (N, C), the gradient of y.
        cache: what the framework's `global_avg_pool_forward` kept.
    Returns:
        A tuple with one gradient, (dx,), dx (N, H, W, C).
    """
    # Every value that the planted version above returns is right, the first time. Call it twice with the same dy, as a
    # network does where two branches share a gradient, and look again. dx has the dtype of dy.
    shape = cache  # of the framework: the shape of x, (N, H, W, C)
    raise NotImplementedError("bug2: Find the bug: global average pooling")
