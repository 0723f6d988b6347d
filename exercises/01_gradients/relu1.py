"""relu1: The rectifier (lesson 01, Gradients by hand).

Check it with `minirnn check relu1`, or on every save with `minirnn watch`. Stuck? `minirnn hint relu1`.
"""

from __future__ import annotations

import numpy as np


def relu_forward(x: np.ndarray):
    """Rectifier.

        y = max(x, 0)

    Args:
        x: floats of any shape.
    Returns:
        y of the same shape and the cache. The derivative at exactly 0 is taken as 0.
    Raises:
        ValueError: x is not a float array.
    Source: Nair and Hinton 2010.
    """
    # The framework keeps x as its cache; yours is your own affair. Checking x is not asked.
    raise NotImplementedError("relu1: The rectifier")
