"""masked1: Cross-entropy with padding (lesson 09, Words).

Check it with `minirnn check masked1`, or on every save with `minirnn watch`. Stuck? `minirnn hint masked1`.
"""

from __future__ import annotations

import numpy as np


def cross_entropy_forward(logits: np.ndarray, targets: np.ndarray, mask: np.ndarray | None):
    """Masked softmax cross-entropy, the mean over everything that counts.

        loss = sum(mask * -log softmax(logits)[target]) / sum(mask)

    Args:
        logits: (..., V) floats, e.g. (N, T, V).
        targets: (...) integers from 0 to V - 1, e.g. (N, T); where the mask is 0 they must still be valid ids.
        mask: (...) booleans or weights of at least 0, the same shape as targets; None counts everything.
    Returns:
        The loss in nats per counted word, a NumPy scalar of the dtype of logits, and the cache.
    Raises:
        ValueError: shapes that differ, targets that are not integers, a mask that counts nothing (as an empty batch)
            or holds weights below 0.
        IndexError: a target out of range.
    Source: the mean over the mask's sum (Keras, PyTorch with ignore_index); CS231n divides by N instead.
    """
    # As xent1, with any number of axes before the last and with a mask. Logits may be large: exp(1000) is infinity, and
    # the log of an underflown probability is -infinity. `np.take_along_axis(a, targets[..., None], axis=-1)` picks one
    # number from each row. The errors under Raises are not asked for.
    # The framework keeps (logp, targets, mask / sum(mask)) as its cache; yours is your own affair.
    raise NotImplementedError("masked1: Cross-entropy with padding")
