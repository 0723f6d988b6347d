"""drop2: Backward through dropout (lesson 04, A network that sees).

Check it with `minirnn check drop2`, or on every save with `minirnn watch`. Stuck? `minirnn hint drop2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def dropout_backward(dy: np.ndarray, cache: Any):
    """dy -> dx: the same mask and the same scale.

    Undo:

        y = x * mask / (1 - p)      mask is 0 with probability p, else 1
        y = x                       when not training

    Args:
        dy: the gradient of y, of any shape.
        cache: what the forward function kept.
    Returns:
        A tuple of one: dx, of the shape of dy.
    """
    # The framework's cache is mask / (1 - p), or None where nothing was dropped (evaluation, or p = 0).
    keep = cache  # of the framework; if your drop1 keeps something else, unpack that
    raise NotImplementedError("drop2: Backward through dropout")
