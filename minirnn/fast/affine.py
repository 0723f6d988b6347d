"""Affine map, tuned: the twin of `affine`. All rows at once, the bias added in place."""

from __future__ import annotations

from typing import Any

from minirnn.fast.rows import add_bias, column_sums
from minirnn.functional.affine import AffineParams, require_affine
from minirnn.pair import Array, Pair


def affine_forward(x: Array, params: AffineParams) -> tuple[Array, Any]:
    """Affine map of the last axis, the same for every row, time step or location.

        y = x @ W + b

    Args:
        x: (..., D) floats, at least 2 axes.
        params: W (D, M), b (M,).
    Returns:
        y (..., M) and the cache.
    Raises:
        ValueError: as the readable pair.
    Source: as the readable pair.
    """
    require_affine(x, params)
    rows = x.reshape(-1, x.shape[-1])
    y = rows @ params.W
    add_bias(y, params.b)
    return y.reshape(*x.shape[:-1], y.shape[1]), (rows, params.W, x.shape)


def affine_backward(dy: Array, cache: Any) -> tuple[Array, AffineParams]:
    """dy (..., M) -> dx (..., D), AffineParams(dW, db)."""
    rows, W, shape = cache
    drows = dy.reshape(-1, W.shape[1])
    return (drows @ W.T).reshape(shape), AffineParams(rows.T @ drows, column_sums(drows))


affine = Pair(affine_forward, affine_backward, "affine")
