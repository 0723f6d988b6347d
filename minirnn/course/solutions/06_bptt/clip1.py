"""clip1: Clip all gradients together (lesson 06, Backpropagation through time).

Check it with `minirnn check clip1`, or on every save with `minirnn watch`. Stuck? `minirnn hint clip1`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.tree import tree_leaves, tree_map


def clip_by_global_norm(grads: Any, max_norm: float):
    """Scale all gradients together so that their common norm is at most `max_norm`; the direction stays.

        norm = sqrt(sum of squares over all arrays);  g = g * min(1, max_norm / norm)

    Returns:
        The gradients and the norm before clipping.
    Raises:
        ValueError: max_norm not above 0.
        FloatingPointError: a gradient is NaN or infinite; the message names the first such array.
    Source: Pascanu et al. 2013.
    """
    # `tree_leaves(grads)` is a list of all arrays, `tree_map(f, grads)` calls f on each and keeps the structure.
    # The errors under Raises are not asked for.
    norm = float(np.sqrt(sum(float((g * g).sum()) for g in tree_leaves(grads))))
    if norm <= max_norm:
        return grads, norm
    scale = max_norm / norm
    return tree_map(lambda g: g * scale, grads), norm
