"""relu2: Backward through the rectifier (lesson 01, Gradients by hand).

Check it with `minirnn check relu2`, or on every save with `minirnn watch`. Stuck? `minirnn hint relu2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def relu_backward(dy: np.ndarray, cache: Any):
    """dy -> dx.

    Undo:

        y = max(x, 0)

    Args:
        dy: the gradient of y, of the shape of x.
        cache: what the forward function kept.
    Returns:
        A tuple with one gradient, (dx,), for the one argument x. The derivative at exactly 0 is taken as 0.
    """
    # A tuple of one is written with a comma: (dx,).
    x = cache  # of the framework; if your relu1 keeps something else, unpack that
    dx = dy * (x > 0)
    return (dx,)
