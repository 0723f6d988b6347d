"""bug3: Find the bug: layer normalisation (lesson 02, Trust, but check).

Check it with `minirnn check bug3`, or on every save with `minirnn watch`. Stuck? `minirnn hint bug3`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional import NormParams


def planted_layer_norm_backward(dy: np.ndarray, cache: Any):
    """A backward function with a bug in it. Leave it as it is; write the right one below."""
    xhat, std, gamma = cache
    rows = tuple(range(dy.ndim - 1))
    dgamma, dbeta = (dy * xhat).sum(axis=rows), dy.sum(axis=rows)
    dxhat = dy * gamma
    dx = dxhat - dxhat.mean(axis=0, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)
    return dx / std, NormParams(dgamma, dbeta)


def layer_norm_backward(dy: np.ndarray, cache: Any):
    """dy (..., D) -> dx (..., D), NormParams(dgamma, dbeta).

    Undo:

        std = sqrt(var(x) + eps)      mean and var over the last axis
        xhat = (x - mean(x)) / std
        y = gamma * xhat + beta

    Args:
        dy: (..., D), the gradient of y.
        cache: what the framework's `layer_norm_forward` kept.
    Returns:
        dx (..., D), NormParams(dgamma, dbeta), both (D,).
    """
    # The planted version above returns arrays of the right shapes. x may be (N, D) or (N, T, D).
    xhat, std, gamma = cache  # of the framework: xhat (..., D), std (..., 1), gamma (D,)
    raise NotImplementedError("bug3: Find the bug: layer normalisation")
