"""Rows of a table, tuned: the twin of `embedding`. The ids are sorted, so that the gradients of each lie together."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional.embedding import require_ids
from minirnn.pair import Array, Pair, require_float


def embedding_forward(ids: Array, W: Array) -> tuple[Array, Any]:
    """Look up rows of a table.

        y[...] = W[ids[...]]

    Args:
        ids: integers of any shape, each from 0 to V - 1.
        W: (V, ...) floats, one row per number.
    Returns:
        y (*ids.shape, ...) and the cache.
    Raises:
        ValueError, IndexError: as the readable pair.
    Source: as the readable pair.
    """
    require_float("W", W)
    require_ids("id", ids, len(W), "rows of the table")
    return W[ids], (ids, W.shape)


def embedding_backward(dy: Array, cache: Any) -> tuple[None, Array]:
    """dy (*ids.shape, ...) -> None, dW (V, ...): the gradients of a repeated id add up."""
    ids, shape = cache
    dW = np.zeros(shape, dy.dtype)
    if ids.size:
        order = np.argsort(ids, axis=None, kind="stable")
        ordered = ids.reshape(-1)[order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))  # where each id begins
        dW[ordered[first]] = np.add.reduceat(dy.reshape(-1, *shape[1:])[order], first, axis=0)
    return None, dW


embedding = Pair(embedding_forward, embedding_backward, "embedding")
