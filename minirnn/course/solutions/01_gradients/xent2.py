"""xent2: Backward through softmax cross-entropy (lesson 01, Gradients by hand).

Check it with `minirnn check xent2`, or on every save with `minirnn watch`. Stuck? `minirnn hint xent2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def cross_entropy_backward(dloss: Any, cache: Any):
    """dloss (scalar) -> dlogits (..., V), None, None: probability minus one at the target, where the mask counts.

    Undo:

        loss = mean of -log softmax(logits)[target]      over all targets (mask None)

    Args:
        dloss: a number, the gradient of the loss; 1 when nothing comes after it.
        cache: what the forward function kept.
    Returns:
        dlogits (..., V), and None twice: targets and mask are not differentiated.
    """
    # In this exercise the mask is always None. Lesson 09 comes back to it.
    logp, targets, share = cache  # of the framework: log-probabilities (..., V), targets (...), 1 / their number (...)
    p = np.exp(logp)
    hit = targets[..., None] == np.arange(p.shape[-1])
    dlogits = (p - hit) * share[..., None]
    return dlogits * dloss, None, None
