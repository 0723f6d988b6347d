"""grad2: The relative error of two gradients (lesson 02, Trust, but check).

Check it with `minirnn check grad2`, or on every save with `minirnn watch`. Stuck? `minirnn hint grad2`.
"""

from __future__ import annotations

import numpy as np


def relative_error(a: np.ndarray, n: np.ndarray, *, floor: float = 1e-12):
    """The largest relative difference of two gradients, as one number.

        e[i] = |a[i] - n[i]| / max(|a[i]|, |n[i]|, floor)      for every index i
        error = max over i of e[i]

    Args:
        a: the gradient from backward (analytic), floats of any shape.
        n: the gradient from differences (numeric), of the same shape.
        floor: the denominator is never below it, so that two values of 0 do not divide 0 by 0.
    Returns:
        The error, a float; 0 where both agree.
    """
    raise NotImplementedError("grad2: The relative error of two gradients")
