"""Affine map (fully connected layer)."""

from __future__ import annotations

from typing import Any, NamedTuple

from minirnn.pair import Array, Pair, require_float, require_shape


class AffineParams(NamedTuple):
    W: Array  # (D, M)
    b: Array  # (M,)


def affine_forward(x: Array, params: AffineParams) -> tuple[Array, Any]:
    """Affine map of the last axis, the same for every row, time step or location.

        y = x @ W + b

    Args:
        x: (..., D) floats, at least 2 axes.
        params: W (D, M), b (M,).
    Returns:
        y (..., M) and the cache.
    Raises:
        ValueError: x is not a float array, or its last axis is not D.
    Source: CS231n notes, "Backpropagation"; the gradient of a shared W adds up over all leading axes.
    """
    require_affine(x, params)
    W, b = params
    y = x @ W + b
    return y, (x, W)


def affine_backward(dy: Array, cache: Any) -> tuple[Array, AffineParams]:
    """dy (..., M) -> dx (..., D), AffineParams(dW, db)."""
    x, W = cache
    rows, drows = x.reshape(-1, W.shape[0]), dy.reshape(-1, W.shape[1])
    dx = dy @ W.T
    dW = rows.T @ drows  # a sum over every row that W was applied to
    db = drows.sum(axis=0)
    return dx, AffineParams(dW, db)


def require_affine(x: Array, params: AffineParams) -> None:
    """Raise ValueError unless x (..., D), W (D, M) and b (M,) fit."""
    W, b = params
    require_float("x", x)
    require_float("W", W, 2, "(D, M)")
    if x.ndim < 2:
        raise ValueError(f"x has shape {x.shape}; expected at least 2 axes (N, D)")
    if x.shape[-1] != W.shape[0]:
        raise ValueError(f"x has {x.shape[-1]} features but W expects {W.shape[0]}")
    require_shape("b", b, (W.shape[1],), "one bias per output")


affine = Pair(affine_forward, affine_backward, "affine")
