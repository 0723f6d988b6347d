"""Soft attention: each query takes a weighted mean of values, with weights from how well its key fits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.functional.activations import softmax_rows
from minirnn.pair import Array, Pair, require_float, require_shape


class AdditiveParams(NamedTuple):
    w: Array  # (A,)


def causal_mask(T: int) -> Array:
    """(T, T) booleans: step t may look at steps 0 to t and at nothing later."""
    return np.tril(np.ones((T, T), dtype=bool))


def dot_attention_forward(q: Array, k: Array, v: Array, mask: Array | None) -> tuple[tuple[Array, Array], Any]:
    """Scaled dot-product attention.

        s = q @ k^T / sqrt(A)
        p = softmax(where(mask, s, -inf))      over locations
        y = p @ v

    Args:
        q: queries (N, T, A) floats.
        k: keys (N, L, A), one per location.
        v: values (N, L, M).
        mask: booleans that broadcast to (N, T, L), True where a query may look, or None; every query needs one True.
    Returns:
        ((y (N, T, M), p (N, T, L)), cache).
    Raises:
        ValueError: shapes that do not fit, or a query that may look nowhere.
    Source: Luong et al. 2015; scale of Vaswani et al. 2017.
    """
    _check(q, k, v)
    scale = 1 / float(np.sqrt(q.shape[2]))
    s = q @ k.transpose(0, 2, 1) * scale  # (1)
    p = softmax_rows(_masked(s, mask))  # (2)
    return (p @ v, p), (q, k, v, p, scale)  # (3)


def dot_attention_backward(dout: tuple[Array, Array | None], cache: Any) -> tuple[Array, Array, Array, None]:
    """(dy, dp or None) -> dq, dk, dv, None."""
    q, k, v, p, scale = cache
    dy, dp = dout
    dv = p.transpose(0, 2, 1) @ dy  # (3)
    ds = _softmax_backward(dy @ v.transpose(0, 2, 1), dp, p)  # (3), (2)
    dq, dk = ds @ k * scale, ds.transpose(0, 2, 1) @ q * scale  # (1)
    return dq, dk, dv, None


def additive_attention_forward(
    q: Array, k: Array, v: Array, mask: Array | None, params: AdditiveParams
) -> tuple[tuple[Array, Array], Any]:
    """Additive attention: a small network scores how well query and key fit.

        e[n, t, l] = tanh(q[n, t] + k[n, l])
        s = e @ w
        p = softmax(where(mask, s, -inf))      over locations
        y = p @ v

    Args:
        q: queries (N, T, A) floats.
        k: keys (N, L, A), one per location.
        v: values (N, L, M).
        mask: booleans that broadcast to (N, T, L), True where a query may look, or None; every query needs one True.
        params: w (A,).
    Returns:
        ((y (N, T, M), p (N, T, L)), cache).
    Raises:
        ValueError: shapes that do not fit, or a query that may look nowhere.
    Source: Bahdanau et al. 2015; the projections of query and key are left to `affine`.
    """
    _check(q, k, v)
    require_shape("w", params.w, (q.shape[2],), "one weight per query feature")
    e = np.tanh(q[:, :, None] + k[:, None])  # (1) (N, T, L, A)
    s = e @ params.w  # (2)
    p = softmax_rows(_masked(s, mask))  # (3)
    return (p @ v, p), (e, v, p, params.w)  # (4)


def additive_attention_backward(
    dout: tuple[Array, Array | None], cache: Any
) -> tuple[Array, Array, Array, None, AdditiveParams]:
    """(dy, dp or None) -> dq, dk, dv, None, AdditiveParams(dw)."""
    e, v, p, w = cache
    dy, dp = dout
    dv = p.transpose(0, 2, 1) @ dy  # (4)
    ds = _softmax_backward(dy @ v.transpose(0, 2, 1), dp, p)  # (4), (3)
    dw = ds.reshape(-1) @ e.reshape(-1, len(w))  # (2)
    da = ds[..., None] * w * (1 - e**2)  # (2), (1)
    return da.sum(axis=2), da.sum(axis=1), dv, None, AdditiveParams(dw)


def _softmax_backward(dp: Array, dp_outside: Array | None, p: Array) -> Array:
    """Back through the softmax over locations; `dp_outside` is the gradient of who reads the weights themselves."""
    if dp_outside is not None:
        dp = dp + dp_outside
    out: Array = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    return out


def _masked(s: Array, mask: Array | None) -> Array:
    if mask is None:
        return s
    if not isinstance(mask, np.ndarray) or mask.dtype != bool:
        came = getattr(mask, "dtype", type(mask).__name__)
        raise ValueError(f"mask has dtype {came}; expected an array of booleans, True where a query may look")
    try:
        mask = np.broadcast_to(mask, s.shape)
    except ValueError:
        raise ValueError(f"mask has shape {mask.shape}; it must broadcast to (N, T, L) = {s.shape}") from None
    if not mask.any(axis=-1).all():
        raise ValueError("mask leaves a query no location to look at; every query needs at least one True")
    return np.where(mask, s, np.array(-np.inf, dtype=s.dtype))


def _check(q: Array, k: Array, v: Array) -> None:
    require_float("q", q, 3, "(N, T, A)")
    require_float("k", k, 3, "(N, L, A)")
    require_shape("k", k, (q.shape[0], k.shape[1], q.shape[2]), "N and A of q")
    require_float("v", v, 3, "(N, L, M)")
    if v.shape[:2] != k.shape[:2]:
        raise ValueError(f"v has {v.shape[:2]} rows and locations but k has {k.shape[:2]}")
    if k.shape[1] == 0:
        raise ValueError(f"k has shape {k.shape}: no location to look at")


dot_attention = Pair(dot_attention_forward, dot_attention_backward, "dot_attention")
additive_attention = Pair(additive_attention_forward, additive_attention_backward, "additive_attention")
