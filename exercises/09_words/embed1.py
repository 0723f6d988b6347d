"""embed1: Look up words (lesson 09, Words).

Check it with `minirnn check embed1`, or on every save with `minirnn watch`. Stuck? `minirnn hint embed1`.
"""

from __future__ import annotations

import numpy as np


def embedding_forward(ids: np.ndarray, W: np.ndarray):
    """Look up rows of a table.

        y[...] = W[ids[...]]

    Args:
        ids: integers of any shape, each from 0 to V - 1.
        W: (V, ...) floats, one row per number.
    Returns:
        y (*ids.shape, ...) and the cache.
    Raises:
        ValueError: ids are not integers.
        IndexError: an id below 0 or from V on (NumPy alone would silently take -1 as the last row).
    Source: Bengio et al. 2003.
    """
    # ids may have one axis, two or more, and so may a row of W. The errors under Raises are not asked for.
    # The framework keeps (ids, W.shape) as its cache; yours is your own affair.
    raise NotImplementedError("embed1: Look up words")
