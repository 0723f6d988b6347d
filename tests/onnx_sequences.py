"""RNN, GRU, LSTM and Attention nodes of ONNX as minirnn's `unroll`, `bidirectional` and `dot_attention`."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx_node import Declined, Node

from minirnn import functional as F
from minirnn.unroll import Both, bidirectional, unroll

STEPS = {"RNN": F.rnn_step, "GRU": F.gru_step, "LSTM": F.lstm_step}
ORDER = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 2, 3, 1]}  # ONNX has z, r, n and i, o, f, g


def our_params(node: Node, W: Any, R: Any, B: Any) -> Any:
    """The weights of one direction: gates in our order, transposed."""
    gates = len(ORDER[node.op])

    def ours(w: Any) -> Any:
        return np.concatenate([np.split(w, gates)[k] for k in ORDER[node.op]]).T

    Wx, Wh, (bx, bh) = ours(W), ours(R), (ours(b) for b in np.split(B, 2))
    if node.op == "RNN":
        return F.RNNParams(Wx, Wh, bx + bh)
    if node.op == "LSTM":
        return F.LSTMParams(Wx, Wh, bx + bh)
    if not node.attrs.get("linear_before_reset"):
        # ONNX's default resets h before the product, minirnn after it. The two agree where all units of a gate are
        # alike, for r is then one number; but the bias of n's product escapes the reset, so it moves to bx.
        H = len(Wh)
        if any(np.ptp(w.reshape(-1, gates, H), axis=2).any() for w in (Wx, Wh, bx, bh)):
            raise Declined("GRU that resets before the product")
        of_n = np.arange(gates * H) >= 2 * H
        bx, bh = np.where(of_n, bx + bh, bx), np.where(of_n, 0, bh)
    return F.GRUParams(Wx, Wh, bx, bh)


def recurrent(node: Node) -> Any:
    """(Y, last h, last c for the LSTM) of one direction or both."""
    attrs = node.attrs
    x, W, R, B, lengths, h0, c0, peepholes = [*node.inputs, *[None] * 8][:8]
    if peepholes is not None:
        raise Declined("LSTM with peepholes")
    if lengths is not None or {"activations", "clip", "input_forget"} & set(attrs):
        raise Declined("lengths, other activations or clipping inside a cell")
    batch_first = bool(attrs.get("layout", 0))
    x = x if batch_first else x.swapaxes(0, 1)
    directions, N, H = len(W), len(x), attrs["hidden_size"]
    B = np.zeros((directions, 2 * W.shape[1]), x.dtype) if B is None else B
    zeros = np.zeros((directions, N, H), x.dtype)
    h0, c0 = (zeros if s is None else s.swapaxes(0, 1) if batch_first else s for s in (h0, c0))
    kind = {"RNN": F.RNNState, "GRU": F.GRUState, "LSTM": F.LSTMState}[node.op]
    states = [kind(*(h0[k], c0[k])[: len(kind._fields)]) for k in range(directions)]
    params = [our_params(node, W[k], R[k], B[k]) for k in range(directions)]
    ways = {"forward": [1], "reverse": [-1], "bidirectional": [1, -1]}[attrs.get("direction", "forward")]

    runs = [unroll(STEPS[node.op]).forward(x[:, ::w], s, p)[0] for w, s, p in zip(ways, states, params)]
    Y = np.stack([run.h[:, ::w] for w, run in zip(ways, runs)], axis=2)  # (N, T, directions, H)
    if directions == 2:
        both, _ = bidirectional(STEPS[node.op]).forward(x, Both(*states), Both(*params))
        Y = both.h.reshape(Y.shape)
    last = [np.stack([leaf[:, -1] for leaf in leaves], axis=1) for leaves in zip(*runs)]  # (N, directions, H)
    if batch_first:
        return Y, *last
    return Y.transpose(1, 2, 0, 3), *(leaf.swapaxes(0, 1) for leaf in last)


def attention(node: Node) -> Any:
    """Heads are rows of the batch; masks, windows, padding and causality become one boolean mask.

    A float mask is added to the scores: that is T more features, where query t has a 1 and key l the mask's value.
    """
    q, k, v, mask, past_k, past_v, lengths = [*node.inputs, *[None] * 7][:7]
    attrs = node.attrs
    if attrs.get("softcap", 0) > 0:
        raise Declined("attention with capped scores")
    mode = attrs.get("qk_matmul_output_mode", 0)
    if len(node.wanted) > 3 and node.wanted[3] and mode != 3:
        raise Declined("attention that returns its scores")
    flat = q.ndim == 3
    if flat:
        heads = attrs["q_num_heads"], attrs["kv_num_heads"], attrs["kv_num_heads"]
        q, k, v = (a.reshape(*a.shape[:2], n, -1).swapaxes(1, 2) for a, n in zip((q, k, v), heads))
    if past_k is not None:
        k, v = np.concatenate([past_k, k], axis=2), np.concatenate([past_v, v], axis=2)
    present = k, v
    (N, heads_q, T, A), L = q.shape, k.shape[2]
    k, v = (np.repeat(a, heads_q // a.shape[1], axis=1) for a in (k, v))

    first = np.array(0 if past_k is None else past_k.shape[2])  # place of query 0 among the keys
    first = first if lengths is None else lengths.reshape(-1, 1, 1, 1) - T
    ahead = np.arange(L) - (first + np.arange(T)[:, None])  # how far key l lies ahead of query t
    allowed = np.ones((N, heads_q, T, L), bool)
    left, right = attrs.get("left_window_size", -1), attrs.get("right_window_size", -1)
    allowed &= ahead <= 0 if attrs.get("is_causal") else True
    allowed &= ahead >= -left if left >= 0 else True
    allowed &= ahead <= right if right >= 0 else True
    allowed &= np.arange(L) < lengths.reshape(-1, 1, 1, 1) if lengths is not None else True
    if mask is not None:
        missing = False if mask.dtype == bool else -np.inf
        mask = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, L - mask.shape[-1])], constant_values=missing)
        allowed &= mask if mask.dtype == bool else mask > -np.inf
    if not allowed.any(axis=-1).all():
        raise Declined("attention of a query that may look nowhere")

    scale = np.asarray(attrs.get("scale", 1 / np.sqrt(A)), q.dtype)
    features = [q * scale], [k]
    if mask is not None and mask.dtype != bool:
        bias = np.broadcast_to(np.where(allowed, mask, 0), allowed.shape).astype(q.dtype)
        features[0].append(np.broadcast_to(np.eye(T, dtype=q.dtype), (N, heads_q, T, T)))
        features[1].append(bias.swapaxes(2, 3))
    q, k = (np.concatenate(parts, axis=3) for parts in features)
    q = q * np.sqrt(np.asarray(q.shape[3], q.dtype))  # dot_attention divides by it
    rows = [a.reshape(-1, *a.shape[2:]) for a in (q, k, v, allowed)]
    (y, p), _ = F.dot_attention.forward(*rows)
    y = y.reshape(N, heads_q, T, -1)
    y = y.swapaxes(1, 2).reshape(N, T, -1) if flat else y
    return y, *present, p.reshape(N, heads_q, T, L)
