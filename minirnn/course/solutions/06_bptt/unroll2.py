"""unroll2: Backward through time (lesson 06, Backpropagation through time).

Check it with `minirnn check unroll2`, or on every save with `minirnn watch`. Stuck? `minirnn hint unroll2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import Pair
from minirnn.tree import tree_add, tree_map


def unroll_backward(step: Pair, dstates: Any, cache: Any):
    """The gradient of every step's state -> dx (N, T, D), the gradients of the first state and of `shared`.

    Undo:

        state_t = step(x[:, t], state_(t-1), shared)   for t = 0 … T-1

    Args:
        step: the pair; `step.backward(dstate, cache)` returns (dx_t, gradient of the state before, gradient of shared).
        dstates: gradients of the stacked states, a named tuple of (N, T, …) arrays.
        cache: what the forward function kept.
    Returns:
        dx (N, T, D), the gradient of the first state, the gradient of `shared` (both in the structure of what they are
        gradients of).
    """
    # `tree_map(f, tree)` calls f on every leaf; `tree_add(a, b)` adds leaf by leaf and takes None as zero.
    caches, zeros = cache  # of the framework: the caches of all steps, a state of zeros; unpack what your unroll1 keeps
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(len(caches))):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))
        dx_t, dstate, dshared_t = step.backward(dstate, caches[t])
        dshared = tree_add(dshared, dshared_t)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared
