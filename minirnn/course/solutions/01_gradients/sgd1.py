"""sgd1: Stochastic gradient descent (lesson 01, Gradients by hand).

Check it with `minirnn check sgd1`, or on every save with `minirnn watch`. Stuck? `minirnn hint sgd1`.
"""

from __future__ import annotations

from typing import Any

from minirnn.optim import SGDState
from minirnn.tree import tree_map


def sgd_update(
    params: Any, grads: Any, state: SGDState, *, lr: float, momentum: float = 0.9, weight_decay: float = 0.0
):
    """Stochastic gradient descent with momentum.

        g = dw + weight_decay * w;  v = momentum * v + g;  w = w - lr * v

    Raises:
        ValueError: lr or weight_decay below 0, momentum not in [0, 1).
    Source: Sutskever et al. 2013; the learning rate stays outside the velocity, as in PyTorch.
    """
    # Returns the new params and the new state, an SGDState; nothing that came in is changed. params, grads and
    # state.velocity are trees of one structure: an array, or a (named) tuple of trees. `tree_map(f, a, b, …)` calls f on the
    # first array of each, then on the second, and puts the results into a tree of the same structure.
    # The errors under Raises are not asked for.
    g = tree_map(lambda w, dw: dw + weight_decay * w, params, grads)
    velocity = tree_map(lambda v, g: momentum * v + g, state.velocity, g)
    moved = tree_map(lambda w, v: w - lr * v, params, velocity)
    return moved, SGDState(velocity)
