"""Rows of a table by number: word embeddings, and the picture that belongs to each caption."""

from __future__ import annotations

from typing import Any

import numpy as np

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
        ValueError: ids are not integers.
        IndexError: an id below 0 or from V on (NumPy alone would silently take -1 as the last row).
    Source: Bengio et al. 2003.
    """
    require_float("W", W)
    require_ids("id", ids, len(W), "rows of the table")
    return W[ids], (ids, W.shape)


def embedding_backward(dy: Array, cache: Any) -> tuple[None, Array]:
    """dy (*ids.shape, ...) -> None, dW (V, ...): the gradients of a repeated id add up."""
    ids, shape = cache
    dW = np.zeros(shape, dtype=dy.dtype)
    np.add.at(dW, ids, dy)  # `dW[ids] += dy` would keep only one gradient of a repeated id
    return None, dW


def require_ids(what: str, ids: Array, count: int, of: str) -> None:
    """Raise unless all `ids` are integers from 0 to count - 1; the message names the first bad one and its place."""
    if not isinstance(ids, np.ndarray) or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"{what}s have dtype {getattr(ids, 'dtype', type(ids).__name__)}; expected an integer array")
    bad = (ids < 0) | (ids >= count)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise IndexError(f"{what} {ids[place]} at position {place} is out of range: there are {count} {of}")


embedding = Pair(embedding_forward, embedding_backward, "embedding")
