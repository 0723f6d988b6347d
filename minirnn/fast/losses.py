"""Softmax cross-entropy over a large vocabulary, tuned: the twin of `cross_entropy`.

exp is computed once, in the forward pass; rows that do not count are left out; a few rows at a time stay in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional.losses import counted
from minirnn.pair import Array, Pair

BLOCK = 2**17  # values


def cross_entropy_forward(logits: Array, targets: Array, mask: Array | None) -> tuple[Any, Any]:
    """Masked softmax cross-entropy, the mean over everything that counts.

        loss = sum(mask * -log softmax(logits)[target]) / sum(mask)

    Args:
        logits: (..., V) floats, e.g. (N, T, V).
        targets: (...) integers from 0 to V - 1; where the mask is 0 they must still be valid ids.
        mask: (...) booleans or weights of at least 0, or None.
    Returns:
        The loss in nats per counted word and the cache.
    Raises:
        ValueError, IndexError: as the readable pair.
    Source: as the readable pair.
    """
    weight = counted(logits, targets, mask)
    total = weight.sum()
    share = (weight / total).reshape(-1)
    scores, right = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
    counts = np.flatnonzero(share)
    dscores = np.empty((len(counts), scores.shape[1]), logits.dtype)  # softmax, less one at the target
    loss, height = logits.dtype.type(0), max(1, BLOCK // scores.shape[1])
    for first in range(0, len(counts), height):
        rows, p = counts[first : first + height], dscores[first : first + height]
        at_target = np.arange(len(rows)), right[rows]
        np.subtract(scores[rows], scores[rows].max(axis=1, keepdims=True), out=p)
        picked = p[at_target]
        np.exp(p, out=p)
        norm = p.sum(axis=1)
        p *= (share[rows] / norm)[:, None]
        p[at_target] -= share[rows]
        loss += share[rows] @ (np.log(norm) - picked)
    return loss, (dscores, counts, logits.shape)


def cross_entropy_backward(dloss: Any, cache: Any) -> tuple[Array, None, None]:
    """dloss (scalar) -> dlogits (..., V), None, None."""
    dscores, counts, shape = cache
    dlogits = np.zeros((int(np.prod(shape[:-1])), shape[-1]), dscores.dtype)
    dlogits[counts] = dscores * dloss if dloss != 1 else dscores
    return dlogits.reshape(shape), None, None


cross_entropy = Pair(cross_entropy_forward, cross_entropy_backward, "cross_entropy")
