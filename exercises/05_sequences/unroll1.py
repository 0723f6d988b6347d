"""unroll1: Run a cell through time (lesson 05, Sequences in vision).

Check it with `minirnn check unroll1`, or on every save with `minirnn watch`. Stuck? `minirnn hint unroll1`.
"""

from __future__ import annotations

import numpy as np

from minirnn import Pair
from minirnn.tree import tree_map


def unroll_forward(step: Pair, x: np.ndarray, state, shared):
    """Run a cell through time.

        state_t = step(x[:, t], state_(t-1), shared)   for t = 0 … T-1

    Args:
        step: a pair `(x_t, state, shared) -> next state`. `shared` is all that every step reads: its parameters, and
            for attention the image features.
        x: (N, T, D) floats, T at least 1.
        state: the state before the first step, a named tuple of (N, …) arrays.
        shared: any tree that the step understands.
    Returns:
        The states of all steps, stacked on axis 1 (`states.h` is (N, T, H), the last state is `[:, -1]` of each leaf),
        and the cache.
    Raises:
        ValueError: x is not (N, T, D), or T is 0.
    Source: Werbos 1990.
    """
    # `step.forward(x_t, state, shared)` returns (state, cache). A state is a named tuple: `tree_map(f, a, b, …)` calls f
    # on the first leaf of each, then on the second, and puts the results into a named tuple of the same kind.
    # The framework keeps (caches of all steps in order, a state of zeros) as its cache; yours is your own affair.
    raise NotImplementedError("unroll1: Run a cell through time")
