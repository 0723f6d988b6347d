"""adam1: Adam (lesson 04, A network that sees).

Check it with `minirnn check adam1`, or on every save with `minirnn watch`. Stuck? `minirnn hint adam1`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.optim import AdamState
from minirnn.tree import tree_map


def adam_update(
    params: Any,
    grads: Any,
    state: AdamState,
    *,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
):
    """Adam, with weight decay as an L2 penalty inside the gradient.

        g = dw + weight_decay * w
        m = beta1 * m + (1 - beta1) * g;    v = beta2 * v + (1 - beta2) * g^2
        w = w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)       t = 1, 2, …

    Raises:
        ValueError: lr or weight_decay below 0, a beta not in [0, 1).
    Source: Kingma and Ba 2015.
    """
    # params, grads, state.m and state.v are trees of one structure: arrays in named tuples, which may stand in tuples
    # again. `tree_map(f, a, b, …)` calls f on the first array of each, then on the second, … and keeps the structure.
    # state is AdamState(step, m, v); step is a 0-d integer array, the number of updates made so far, and int(step) is
    # a plain number. Return the new parameters and the new AdamState. The errors under Raises are not asked for.
    raise NotImplementedError("adam1: Adam")
