"""affine1: The affine map (lesson 01, Gradients by hand).

Check it with `minirnn check affine1`, or on every save with `minirnn watch`. Stuck? `minirnn hint affine1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.functional import AffineParams


def affine_forward(x: np.ndarray, params: AffineParams):
    """Affine map of the last axis, the same for every row, time step or location.

        y = x @ W + b

    Args:
        x: (..., D) floats, at least 2 axes.
        params: W (D, M), b (M,).
    Returns:
        y (..., M) and the cache.
    Raises:
        ValueError: x is not a float array, or its last axis is not D.
    Source: CS231n notes, "Backpropagation"; the gradient of a shared W adds up over all leading axes.
    """
    # The dots stand for any axes before the last: x may be (N, D) or (N, T, D), and y keeps them. The cache is what your
    # backward function will need; the framework keeps (x, W), yours is your own affair. Checking shapes is not asked.
    raise NotImplementedError("affine1: The affine map")
