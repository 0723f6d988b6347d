"""xent1: Softmax cross-entropy (lesson 01, Gradients by hand).

Check it with `minirnn check xent1`, or on every save with `minirnn watch`. Stuck? `minirnn hint xent1`.
"""

from __future__ import annotations

import numpy as np


def cross_entropy_forward(logits: np.ndarray, targets: np.ndarray, mask: None):
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
    # In this exercise mask is always None: everything counts, and the loss is the plain mean over all targets. Lesson 09
    # comes back to the mask. Logits may be as large as 1000 or as small as -1000, and the loss stays finite.
    # `np.take_along_axis(a, targets[..., None], axis=-1)` picks one entry of every row, whatever the number of axes.
    # The framework keeps (log-probabilities, targets, 1 / number of targets for every target) as its cache; yours is
    # your own affair. The errors under Raises are not asked for.
    raise NotImplementedError("xent1: Softmax cross-entropy")
