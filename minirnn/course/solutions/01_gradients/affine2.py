"""affine2: Backward through the affine map (lesson 01, Gradients by hand).

Check it with `minirnn check affine2`, or on every save with `minirnn watch`. Stuck? `minirnn hint affine2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional import AffineParams


def affine_backward(dy: np.ndarray, cache: Any):
    """dy (..., M) -> dx (..., D), AffineParams(dW, db).

    Undo:

        y = x @ W + b

    Args:
        dy: (..., M), the gradient of y; as many axes as x has.
        cache: what the forward function kept.
    Returns:
        dx (..., D), AffineParams(dW, db) with dW (D, M) and db (M,).
    """
    # The dots stand for any axes before the last: x may be (N, D) or (N, T, D). W and b served every row of every leading
    # axis. `x.reshape(-1, D)` turns them all into rows.
    x, W = cache  # of the framework; if your affine1 keeps something else, unpack that
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    dx = dy @ W.T
    dW = rows.T @ drows
    db = drows.sum(axis=0)
    return dx, AffineParams(dW, db)
