"""The vanilla RNN through time, tuned: the twin of `unroll(rnn_step)`. See `minirnn.fast.lstm` for how."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.fast.rows import column_sums
from minirnn.fast.time import by_gate, check_sequence, read_inputs, read_inputs_backward, rows, time_first
from minirnn.functional.recurrent import RNNParams, RNNState, rnn_step
from minirnn.pair import Array, Pair


def rnn_forward(x: Array, state: RNNState, params: RNNParams) -> tuple[RNNState, Any]:
    """The vanilla RNN over a whole sequence.

        h = tanh(x[:, t] @ Wx + h_prev @ Wh + b)        for t = 0 … T-1

    Args:
        x: (N, T, D) floats, T at least 1.
        state: h (N, H), before the first step.
        params: Wx (D, H), Wh (H, H), b (H,).
    Returns:
        The states of all steps, h (N, T, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, T of 0, or arrays that are not floats.
    Source: as `rnn_step`; one product for all steps, Appleyard et al. 2016.
    """
    return run(x, None, state, params)


def rnn_backward(dstates: RNNState, cache: Any) -> tuple[Array, RNNState, RNNParams]:
    """RNNState(dh (N, T, H)) -> dx (N, T, D), the gradients of the first state and of the parameters."""
    dx, _, dstate, dparams = run_backward(dstates, cache)
    return dx, dstate, dparams


def run(x: Array, same: Array | None, state: RNNState, params: RNNParams) -> tuple[RNNState, Any]:
    """The RNN on x (N, T, D) and, beside it at every step, `same` (N, E) or None."""
    check_sequence(x, same, state, params, rnn_step)
    x = time_first(x)
    T, N, _ = x.shape
    h = np.empty((T + 1, *state.h.shape), x.dtype)
    h[0] = state.h
    ax = read_inputs(x, same, by_gate(params.Wx, 1), by_gate(params.b, 1))[0]
    ah = np.empty(state.h.shape, x.dtype)
    for t in range(T):
        np.matmul(h[t], params.Wh, out=ah)  # (1)
        ah += ax[t]
        np.tanh(ah, out=h[t + 1])
    return RNNState(h[1:].swapaxes(0, 1)), (x, same, params, h)


def run_backward(
    dstates: RNNState, cache: Any
) -> tuple[Array, Array | None, RNNState, RNNParams]:  # fmt: skip
    """dstates -> dx, dsame or None, the gradients of the first state and of the parameters."""
    x, same, params, h = cache
    T = len(x)
    da, dh = np.empty(h[1:].shape, h.dtype), np.zeros(h[0].shape, h.dtype)
    WhT = np.ascontiguousarray(params.Wh.T)
    for t in reversed(range(T)):
        dh += dstates.h[:, t]
        np.multiply(h[t + 1], h[t + 1], out=da[t])  # (1) tanh
        np.subtract(1, da[t], out=da[t])
        da[t] *= dh
        np.matmul(da[t], WhT, out=dh)  # (1) the sum inside it
    dx, dsame, dWx = read_inputs_backward(da[None], x, same, by_gate(params.Wx, 1))
    grads = RNNParams(dWx[0], rows(h[:T]).T @ rows(da), column_sums(rows(da)))
    return dx, dsame, RNNState(dh), grads


rnn = Pair(rnn_forward, rnn_backward, "rnn")
