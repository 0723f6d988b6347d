"""The LSTM through time, tuned: the twin of `unroll(lstm_step)`.

What the readable pair does step by step is done here for all steps at once wherever no step waits for another:

    before the loop    x @ Wx + b
    after the loop     dWx, dWh, db, dx

Inside the loop every result goes into an array that was made before it. Each gate has an array of its own, (T, N, H),
so that an operation on a gate is one run through memory. The minus in sigmoid(a) = 1 / (1 + exp(-a)) is done to the
weights.
"""

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
from minirnn.functional.recurrent import LSTMParams, LSTMState, lstm_step
from minirnn.pair import Array, Pair

NEGATED = (-1, -1, 1, -1)  # of i, f, g, o: sigmoids turn the sign of their argument


def lstm_forward(x: Array, state: LSTMState, params: LSTMParams) -> tuple[LSTMState, Any]:
    """The LSTM over a whole sequence.

        ai, af, ag, ao = split(x[:, t] @ Wx + h_prev @ Wh + b, 4)
        i, f, g, o = sigmoid(ai), sigmoid(af), tanh(ag), sigmoid(ao)
        c = f * c_prev + i * g
        h = o * tanh(c)                                                  for t = 0 … T-1

    Args:
        x: (N, T, D) floats, T at least 1.
        state: h (N, H) and c (N, H), before the first step.
        params: Wx (D, 4H), Wh (H, 4H), b (4H,); gate order i, f, g, o.
    Returns:
        The states of all steps, h (N, T, H) and c (N, T, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, T of 0, or arrays that are not floats.
    Source: as `lstm_step`; one product for all steps, Appleyard et al. 2016.
    """
    return run(x, None, state, params)


def lstm_backward(dstates: LSTMState, cache: Any) -> tuple[Array, LSTMState, LSTMParams]:
    """LSTMState(dh (N, T, H), dc (N, T, H)), either may be None -> dx (N, T, D), the gradients of the first state and
    of the parameters.
    """
    dx, _, dstate, dparams = run_backward(dstates, cache)
    return dx, dstate, dparams


def run(x: Array, same: Array | None, state: LSTMState, params: LSTMParams) -> tuple[LSTMState, Any]:
    """The LSTM on x (N, T, D) and, beside it at every step, `same` (N, E) or None."""
    check_sequence(x, same, state, params, lstm_step)
    x = time_first(x)
    (T, N, _), H = x.shape, len(params.Wh)
    Wx, Wh, b = (scaled_gates(w, NEGATED) for w in params)
    gates = read_inputs(x, same, Wx, b)  # (1)
    h, c = np.empty((T + 1, N, H), x.dtype), np.empty((T + 1, N, H), x.dtype)
    h[0], c[0] = state
    tanh_c, ah, ig = np.empty((T, N, H), x.dtype), np.empty((4, N, H), x.dtype), np.empty((N, H), x.dtype)
    for t in range(T):
        a = gates[:, t]
        np.matmul(h[t], Wh, out=ah)
        a += ah
        i, f, g, o = a
        sigmoid_of_negated(a[:2])  # (2)
        np.tanh(g, out=g)
        sigmoid_of_negated(o)
        np.multiply(f, c[t], out=c[t + 1])  # (3)
        np.multiply(i, g, out=ig)
        c[t + 1] += ig
        np.tanh(c[t + 1], out=tanh_c[t])  # (4)
        np.multiply(o, tanh_c[t], out=h[t + 1])
    return LSTMState(h[1:].swapaxes(0, 1), c[1:].swapaxes(0, 1)), (x, same, params, gates, h, c, tanh_c)


def run_backward(
    dstates: LSTMState, cache: Any
) -> tuple[Array, Array | None, LSTMState, LSTMParams]:  # fmt: skip
    """dstates -> dx, dsame or None, the gradients of the first state and of the parameters."""
    x, same, params, gates, h, c, tanh_c = cache
    _, T, N, H = gates.shape
    Wx, WhT = by_gate(params.Wx, 4), np.ascontiguousarray(by_gate(params.Wh, 4).swapaxes(1, 2))
    da = np.empty_like(gates)
    dh, dc = np.zeros((N, H), x.dtype), np.zeros((N, H), x.dtype)
    back, u = np.empty((4, N, H), x.dtype), np.empty((N, H), x.dtype)
    for t in reversed(range(T)):
        a, d, tc = gates[:, t], da[:, t], tanh_c[t]
        i, f, g, o = a
        if dstates.h is not None:
            dh += dstates.h[:, t]
        if dstates.c is not None:
            dc += dstates.c[:, t]
        np.multiply(tc, tc, out=u)  # (4) dc += dh * o * (1 - tanh(c)^2)
        np.subtract(1, u, out=u)
        u *= o
        u *= dh
        dc += u
        np.multiply(a, a, out=d)  # (2) s - s^2 for the sigmoids, 1 - g^2 for tanh
        np.subtract(a[:2], d[:2], out=d[:2])
        np.subtract(1, d[2], out=d[2])
        np.subtract(o, d[3], out=d[3])
        d[:3] *= dc  # (3)
        d[0] *= g
        d[1] *= c[t]
        d[2] *= i
        d[3] *= tc  # (4)
        d[3] *= dh
        np.matmul(d, WhT, out=back)  # (1)
        np.add(back[0], back[1], out=dh)
        dh += back[2]
        dh += back[3]
        dc *= f
    dx, dsame, dWx = read_inputs_backward(da, x, same, Wx)  # (1)
    drows = rows(da)
    dWh, db = np.matmul(rows(h[:T]).T, drows), np.stack([column_sums(d) for d in drows])
    return dx, dsame, LSTMState(dh, dc), LSTMParams(*(side_by_side(d) for d in (dWx, dWh, db)))


lstm = Pair(lstm_forward, lstm_backward, "lstm")
