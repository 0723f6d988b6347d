"""bug1: Find the bug: tanh (lesson 02, Trust, but check).

Check it with `minirnn check bug1`, or on every save with `minirnn watch`. Stuck? `minirnn hint bug1`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def planted_tanh_backward(dy: np.ndarray, cache: Any):
    """A backward function with a bug in it. Leave it as it is; write the right one below."""
    x = cache
    return (dy * (1 - np.tanh(x) ** 2),)


def tanh_backward(dy: np.ndarray, cache: Any):
    """dy -> dx.

    Undo:

        y = tanh(x)

    Args:
        dy: the gradient of y, of the shape of x.
        cache: what the framework's `tanh_forward` kept.
    Returns:
        A tuple with one gradient, (dx,).
    """
    # The planted version above runs, and for small x it is nearly right. Compare it with differences: your grad1 and
    # grad2, or `gradcheck(Pair(tanh.forward, planted_tanh_backward), (x,))`, will not be content.
    # The forward function is in minirnn/functional/activations.py; read it before you read the planted version.
    raise NotImplementedError("bug1: Find the bug: tanh")
