"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.pair import Array, Pair, require_float


def dropout_forward(x: Array, *, p: float, training: bool, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
    """Inverted dropout: training drops values and scales the rest, evaluation does nothing.

        y = x * mask / (1 - p)      mask is 0 with probability p, else 1
        y = x                       when not training

    Args:
        x: floats of any shape.
        p: probability of dropping a value, at least 0 and below 1.
        training: whether anything is dropped.
        rng: where the mask comes from; needed when training with p above 0.
    Returns:
        y of the same shape and the cache.
    Raises:
        ValueError: p out of range, or no generator where one is needed.
    Source: Srivastava et al. 2014; scaling in training, so that evaluation needs none.
    """
    require_float("x", x)
    if not 0 <= p < 1:
        raise ValueError(f"p is {p}; expected a probability of at least 0 and below 1")
    if not training or p == 0:
        return x.copy(), None
    if rng is None:
        raise ValueError("dropout needs a numpy.random.Generator as rng when training")
    keep = (rng.random(x.shape) >= p).astype(x.dtype) / (1 - p)
    return x * keep, keep


def dropout_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy -> dx: the same mask and the same scale."""
    keep = cache
    return (dy.copy() if keep is None else dy * keep,)


dropout = Pair(dropout_forward, dropout_backward, "dropout")
