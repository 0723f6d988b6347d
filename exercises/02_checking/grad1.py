"""grad1: A numeric gradient (lesson 02, Trust, but check).

Check it with `minirnn check grad1`, or on every save with `minirnn watch`. Stuck? `minirnn hint grad1`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def numeric_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, *, eps: float = 1e-5):
    """The gradient of a function by central differences, one element after the other.

        g[i] = (f(x with eps added to x[i]) - f(x with eps taken from x[i])) / (2 * eps)      for every index i

    Args:
        f: takes an array of the shape of x, returns one number.
        x: floats of any shape; after the call it holds what it held before.
        eps: step of the differences.
    Returns:
        An array of the shape of x.
    Source: the truncation error falls as eps**2; that of a one-sided difference only as eps.
    """
    # `np.ndindex(x.shape)` yields every index of x as a tuple, whatever the number of axes.
    raise NotImplementedError("grad1: A numeric gradient")
