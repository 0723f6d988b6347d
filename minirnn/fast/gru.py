"""The GRU through time, tuned: the twin of `unroll(gru_step)`. See `minirnn.fast.lstm` for how."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.fast.rows import column_sums
from minirnn.fast.time import (
    by_gate,
    check_sequence,
    read_inputs,
    read_inputs_backward,
    rows,
    scaled_gates,
    side_by_side,
    sigmoid_of_negated,
    time_first,
)
from minirnn.functional.recurrent import GRUParams, GRUState, gru_step
from minirnn.pair import Array, Pair

NEGATED = (-1, -1, 1)  # of r, z, n: sigmoids turn the sign of their argument


def gru_forward(x: Array, state: GRUState, params: GRUParams) -> tuple[GRUState, Any]:
    """The GRU over a whole sequence, with the reset gate after the matrix product.

        axr, axz, axn = split(x[:, t] @ Wx + bx, 3);  ahr, ahz, ahn = split(h_prev @ Wh + bh, 3)
        r, z = sigmoid(axr + ahr), sigmoid(axz + ahz)
        n = tanh(axn + r * ahn)
        h = (1 - z) * n + z * h_prev                                     for t = 0 … T-1

    Args:
        x: (N, T, D) floats, T at least 1.
        state: h (N, H), before the first step.
        params: Wx (D, 3H), Wh (H, 3H), bx (3H,), bh (3H,); gate order r, z, n.
    Returns:
        The states of all steps, h (N, T, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, T of 0, or arrays that are not floats.
    Source: as `gru_step`; one product for all steps, Appleyard et al. 2016.
    """
    return run(x, None, state, params)


def gru_backward(dstates: GRUState, cache: Any) -> tuple[Array, GRUState, GRUParams]:
    """GRUState(dh (N, T, H)) -> dx (N, T, D), the gradients of the first state and of the parameters."""
    dx, _, dstate, dparams = run_backward(dstates, cache)
    return dx, dstate, dparams


def run(x: Array, same: Array | None, state: GRUState, params: GRUParams) -> tuple[GRUState, Any]:
    """The GRU on x (N, T, D) and, beside it at every step, `same` (N, E) or None."""
    check_sequence(x, same, state, params, gru_step)
    x = time_first(x)
    T, N, _ = x.shape
    Wx, Wh, bx, bh = (scaled_gates(w, NEGATED) for w in params)
    bx[:2] += bh[:2]
    H = len(params.Wh)
    gates = read_inputs(x, same, Wx, bx)  # (1)
    h, ahn = np.empty((T + 1, N, H), x.dtype), np.empty((T, N, H), x.dtype)
    h[0] = state.h
    ah, u = np.empty((3, N, H), x.dtype), np.empty((N, H), x.dtype)
    for t in range(T):
        rz, n = gates[:2, t], gates[2, t]
        np.matmul(h[t], Wh, out=ah)  # (2)
        np.add(ah[2], bh[2], out=ahn[t])
        rz += ah[:2]  # (3)
        sigmoid_of_negated(rz)
        r, z = rz
        np.multiply(r, ahn[t], out=u)  # (4)
        n += u
        np.tanh(n, out=n)
        np.subtract(h[t], n, out=h[t + 1])  # (5) as n + z * (h_prev - n)
        h[t + 1] *= z
        h[t + 1] += n
    return GRUState(h[1:].swapaxes(0, 1)), (x, same, params, gates, h, ahn)


def run_backward(
    dstates: GRUState, cache: Any
) -> tuple[Array, Array | None, GRUState, GRUParams]:  # fmt: skip
    """dstates -> dx, dsame or None, the gradients of the first state and of the parameters."""
    x, same, params, gates, h, ahn = cache
    _, T, N, H = gates.shape
    Wx, Wh = by_gate(params.Wx, 3), np.ascontiguousarray(by_gate(params.Wh, 3).swapaxes(1, 2))
    dax, dahn = np.empty_like(gates), np.empty_like(ahn)  # of the gates r and z, dah is dax
    dh, through, u = (np.zeros((N, H), h.dtype) for _ in range(3))
    back, back_n = np.empty((2, N, H), h.dtype), np.empty((N, H), h.dtype)
    for t in reversed(range(T)):
        rz, (r, z, n), d = gates[:2, t], gates[:, t], dax[:, t]
        dh += dstates.h[:, t]
        np.multiply(rz, rz, out=d[:2])  # (3) s - s^2
        np.subtract(rz, d[:2], out=d[:2])
        np.subtract(h[t], n, out=u)  # (5)
        u *= dh
        d[1] *= u
        np.multiply(dh, z, out=through)  # what goes straight to h_prev
        np.multiply(n, n, out=d[2])  # (4) 1 - n^2
        np.subtract(1, d[2], out=d[2])
        dh -= through  # (5) (1 - z) * dh
        d[2] *= dh
        np.multiply(d[2], r, out=dahn[t])
        np.multiply(d[2], ahn[t], out=u)  # (4)
        d[0] *= u
        np.matmul(d[:2], Wh[:2], out=back)  # (2)
        np.matmul(dahn[t], Wh[2], out=back_n)
        np.add(back[0], back[1], out=dh)
        dh += back_n
        dh += through
    dx, dsame, dWx = read_inputs_backward(dax, x, same, Wx)  # (1)
    drows, dhn_rows, h_rows = rows(dax), rows(dahn), rows(h[:T])
    dbx = np.stack([column_sums(d) for d in drows])
    dWh = np.concatenate([np.matmul(h_rows.T, drows[:2]), (h_rows.T @ dhn_rows)[None]])  # (2)
    dbh = np.concatenate([dbx[:2], column_sums(dhn_rows)[None]])
    return dx, dsame, GRUState(dh), GRUParams(*(side_by_side(d) for d in (dWx, dWh, dbx, dbh)))


gru = Pair(gru_forward, gru_backward, "gru")
