"""One time step of the vanilla RNN, the LSTM and the GRU. `minirnn.unroll` runs any of them through time.

Each step maps `(x, state, params)` to the next state; each backward line names the forward line that it undoes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.functional.activations import logistic as sigmoid
from minirnn.pair import Array, Pair, require_float, require_shape


class RNNState(NamedTuple):
    h: Array  # (N, H)


class LSTMState(NamedTuple):
    h: Array  # (N, H) what the step says
    c: Array  # (N, H) what the cell remembers


class GRUState(NamedTuple):
    h: Array  # (N, H)


class RNNParams(NamedTuple):
    Wx: Array  # (D, H)
    Wh: Array  # (H, H)
    b: Array  # (H,)


class LSTMParams(NamedTuple):
    Wx: Array  # (D, 4H), gates in the order i, f, g, o
    Wh: Array  # (H, 4H)
    b: Array  # (4H,)


class GRUParams(NamedTuple):
    Wx: Array  # (D, 3H), gates in the order r, z, n
    Wh: Array  # (H, 3H)
    bx: Array  # (3H,)
    bh: Array  # (3H,), apart from bx because r scales the n part of it


def _check(x: Array, state: Any, params: Any, gates: int) -> None:
    """One clear sentence for shapes that do not fit together."""
    require_float("x", x, 2, "(N, D)")
    require_float("Wx", params.Wx, 2, f"(D, {gates or ''}H)")
    require_float("Wh", params.Wh, 2, f"(H, {gates}H)")
    H = params.Wh.shape[0]
    if x.shape[1] != params.Wx.shape[0]:
        raise ValueError(f"x has {x.shape[1]} features but Wx expects {params.Wx.shape[0]}")
    require_shape("Wh", params.Wh, (H, gates * H), f"{gates} gate(s) of H = {H}")
    require_shape("Wx", params.Wx, (x.shape[1], gates * H), f"{gates} gate(s) of H = {H}")
    for name, bias in zip(params._fields[2:], params[2:]):
        require_shape(name, bias, (gates * H,), f"{gates} gate(s) of H = {H}")
    for name, s in zip(state._fields, state):
        require_shape(f"state.{name}", s, (x.shape[0], H), "(N, H)")


def rnn_step_forward(x: Array, state: RNNState, params: RNNParams) -> tuple[RNNState, Any]:
    """One step of the vanilla RNN.

        h = tanh(x @ Wx + h_prev @ Wh + b)

    Args:
        x: (N, D) floats, the input at this time step.
        state: h (N, H), from the step before.
        params: Wx (D, H), Wh (H, H), b (H,).
    Returns:
        The next state, h (N, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, or arrays that are not floats.
    Source: Elman 1990.
    """
    _check(x, state, params, gates=1)
    h = np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)  # (1)
    return RNNState(h), (x, state, params, h)


def rnn_step_backward(dstate: RNNState, cache: Any) -> tuple[Array, RNNState, RNNParams]:
    """RNNState(dh) -> dx, the gradient of the state before, RNNParams(dWx, dWh, db)."""
    x, prev, p, h = cache
    da = dstate.h * (1 - h**2)  # (1) tanh
    dWx, dWh, db = x.T @ da, prev.h.T @ da, da.sum(axis=0)  # (1) the sum inside it
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(dWx, dWh, db)


def lstm_step_forward(x: Array, state: LSTMState, params: LSTMParams) -> tuple[LSTMState, Any]:
    """One step of the LSTM.

        ai, af, ag, ao = split(x @ Wx + h_prev @ Wh + b, 4)
        i, f, g, o = sigmoid(ai), sigmoid(af), tanh(ag), sigmoid(ao)
        c = f * c_prev + i * g
        h = o * tanh(c)

    Args:
        x: (N, D) floats, the input at this time step.
        state: h (N, H) and c (N, H), from the step before.
        params: Wx (D, 4H), Wh (H, 4H), b (4H,); gate order i, f, g, o.
    Returns:
        The next state, h (N, H) and c (N, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, or arrays that are not floats.
    Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; no peepholes.
    """
    _check(x, state, params, gates=4)
    p = params
    ai, af, ag, ao = np.split(x @ p.Wx + state.h @ p.Wh + p.b, 4, axis=1)  # (1)
    i, f, g, o = sigmoid(ai), sigmoid(af), np.tanh(ag), sigmoid(ao)  # (2)
    c = f * state.c + i * g  # (3)
    tc = np.tanh(c)
    h = o * tc  # (4)
    return LSTMState(h, c), (x, state, p, i, f, g, o, tc)


def lstm_step_backward(dstate: LSTMState, cache: Any) -> tuple[Array, LSTMState, LSTMParams]:
    """LSTMState(dh, dc) -> dx, the gradient of the state before, LSTMParams(dWx, dWh, db)."""
    x, prev, p, i, f, g, o, tc = cache
    dh, dc = dstate
    do, dc = dh * tc, dc + dh * o * (1 - tc**2)  # (4)
    df, dc_prev, di, dg = dc * prev.c, dc * f, dc * g, dc * i  # (3)
    dai, daf, dag, dao = di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)  # (2)
    da = np.concatenate([dai, daf, dag, dao], axis=1)
    dWx, dWh, db = x.T @ da, prev.h.T @ da, da.sum(axis=0)  # (1)
    return da @ p.Wx.T, LSTMState(da @ p.Wh.T, dc_prev), LSTMParams(dWx, dWh, db)


def gru_step_forward(x: Array, state: GRUState, params: GRUParams) -> tuple[GRUState, Any]:
    """One step of the GRU, with the reset gate after the matrix product.

        axr, axz, axn = split(x @ Wx + bx, 3);  ahr, ahz, ahn = split(h_prev @ Wh + bh, 3)
        r, z = sigmoid(axr + ahr), sigmoid(axz + ahz)
        n = tanh(axn + r * ahn)
        h = (1 - z) * n + z * h_prev

    Args:
        x: (N, D) floats, the input at this time step.
        state: h (N, H), from the step before.
        params: Wx (D, 3H), Wh (H, 3H), bx (3H,), bh (3H,); gate order r, z, n.
    Returns:
        The next state, h (N, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, or arrays that are not floats.
    Source: Cho et al. 2014, in the variant of cuDNN and PyTorch ("linear before reset" in ONNX).
    """
    _check(x, state, params, gates=3)
    p = params
    axr, axz, axn = np.split(x @ p.Wx + p.bx, 3, axis=1)  # (1)
    ahr, ahz, ahn = np.split(state.h @ p.Wh + p.bh, 3, axis=1)  # (2)
    r, z = sigmoid(axr + ahr), sigmoid(axz + ahz)  # (3)
    n = np.tanh(axn + r * ahn)  # (4)
    h = (1 - z) * n + z * state.h  # (5)
    return GRUState(h), (x, state, p, ahn, r, z, n)


def gru_step_backward(dstate: GRUState, cache: Any) -> tuple[Array, GRUState, GRUParams]:
    """GRUState(dh) -> dx, the gradient of the state before, GRUParams(dWx, dWh, dbx, dbh)."""
    x, prev, p, ahn, r, z, n = cache
    dh = dstate.h
    dn, dz, dh_prev = dh * (1 - z), dh * (prev.h - n), dh * z  # (5)
    dan = dn * (1 - n**2)  # (4) tanh
    dr, dahn = dan * ahn, dan * r  # (4) the product inside it
    dar, daz = dr * r * (1 - r), dz * z * (1 - z)  # (3)
    dah = np.concatenate([dar, daz, dahn], axis=1)
    dWh, dbh, dh_prev = prev.h.T @ dah, dah.sum(axis=0), dh_prev + dah @ p.Wh.T  # (2)
    dax = np.concatenate([dar, daz, dan], axis=1)
    dWx, dbx, dx = x.T @ dax, dax.sum(axis=0), dax @ p.Wx.T  # (1)
    return dx, GRUState(dh_prev), GRUParams(dWx, dWh, dbx, dbh)


rnn_step = Pair(rnn_step_forward, rnn_step_backward, "rnn_step")
lstm_step = Pair(lstm_step_forward, lstm_step_backward, "lstm_step")
gru_step = Pair(gru_step_forward, gru_step_backward, "gru_step")
