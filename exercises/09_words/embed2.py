"""embed2: The gradient of the word table (lesson 09, Words).

Check it with `minirnn check embed2`, or on every save with `minirnn watch`. Stuck? `minirnn hint embed2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def embedding_backward(dy: np.ndarray, cache: Any):
    """dy (*ids.shape, ...) -> None, dW (V, ...): the gradients of a repeated id add up.

    Undo:

        y[...] = W[ids[...]]

    Args:
        dy: (*ids.shape, ...) floats.
        cache: what the forward function kept.
    Returns:
        None for the ids (they are numbers of rows, nothing to differentiate), dW (V, ...) in the dtype of dy.
    """
    # Try it with one id that occurs twice. NumPy's answer to `a[[1, 1]] += 1` may surprise you.
    ids, shape = cache  # of the framework: the ids and the shape of W; unpack what your embed1 keeps
    raise NotImplementedError("embed2: The gradient of the word table")
