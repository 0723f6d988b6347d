"""Mistakes planted in the layers themselves: the cases have inputs on which each of them shows."""

from __future__ import annotations

import inspect
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from gradcheck_tools import BY_NAME, wrong

from minirnn import functional as F
from minirnn.cases import check_case
from minirnn.gradcheck import gradcheck
from minirnn.unroll import unroll

MUTANTS = [
    ("rnn", F.rnn_step, "dstate.h * (1 - h**2)", "dstate.h"),
    ("rnn", F.rnn_step, "dstate.h * (1 - h**2)", "dstate.h * (1 - h)"),
    ("rnn", F.rnn_step, "dstate.h * (1 - h**2)", "dstate.h * (1 - np.tanh(h)**2)"),
    ("rnn", F.rnn_step, "RNNState(da @ p.Wh.T)", "RNNState(da)"),
    ("rnn", F.rnn_step, "RNNState(da @ p.Wh.T)", "RNNState(da @ p.Wh)"),
    ("rnn", F.rnn_step, "prev.h.T @ da", "h.T @ da"),
    ("rnn", F.rnn_step, "da.sum(axis=0)", "da.mean(axis=0)"),
    ("lstm", F.lstm_step, "dc + dh * o * (1 - tc**2)", "dh * o * (1 - tc**2)"),
    ("lstm", F.lstm_step, "dc + dh * o * (1 - tc**2)", "dc + dh * o"),
    ("lstm", F.lstm_step, "dh * tc, dc", "dh, dc"),
    ("lstm", F.lstm_step, "dc * prev.c, dc * f,", "dc * prev.c, dc,"),
    ("lstm", F.lstm_step, "dc * prev.c, dc * f,", "dc * prev.c, dc * i,"),
    ("lstm", F.lstm_step, "dc * g, dc * i", "dc * g, dc * f"),
    ("lstm", F.lstm_step, "dg * (1 - g**2)", "dg * g * (1 - g)"),
    ("lstm", F.lstm_step, "[dai, daf, dag, dao]", "[dai, daf, dao, dag]"),
    ("lstm", F.lstm_step, "[dai, daf, dag, dao]", "[daf, dai, dag, dao]"),
    ("gru", F.gru_step, "dh * (1 - z), dh", "dh, dh"),
    ("gru", F.gru_step, "dh * (prev.h - n)", "dh * (n - prev.h)"),
    ("gru", F.gru_step, "dan * ahn, dan * r", "0 * dan, dan * r"),
    ("gru", F.gru_step, "dan * ahn, dan * r", "dan * ahn, dan"),
    ("gru", F.gru_step, "dan * ahn, dan * r", "dan * prev.h, dan * r"),
    ("gru", F.gru_step, "dh_prev + dah @ p.Wh.T", "dah @ p.Wh.T"),
    ("gru", F.gru_step, "), GRUParams(dWx, dWh, dbx, dbh)", "), GRUParams(dWx, dWh, dbx, dbx)"),
    ("softmax", F.softmax, "(dp - (dp * p).sum(axis=-1, keepdims=True))", "dp * (1 - p)"),
    ("log_softmax", F.log_softmax, "dlogp.sum(axis=-1, keepdims=True)", "1"),
    ("affine-sequence", F.affine, "rows.T @ drows", "x[:, -1].T @ dy[:, -1]"),
    ("affine-sequence", F.affine, "drows.sum(axis=0)", "drows.mean(axis=0)"),
    ("embedding", F.embedding, "np.add.at(dW, ids, dy)", "dW[ids] += dy"),
    ("cross_entropy-mask", F.cross_entropy, "at_target - 1", "at_target"),
    ("cross_entropy-weights", F.cross_entropy, "(dloss * share)", "(dloss * np.ones_like(share) / share.size)"),
    ("batch_norm", F.batch_norm, "dxhat - dxhat.mean(axis=0) -", "dxhat -"),
    ("batch_norm", F.batch_norm, " - xhat * (dxhat * xhat).mean(axis=0)", ""),
    ("batch_norm", F.batch_norm, "dxhat / std", "dxhat / std**2"),
    ("batch_norm", F.batch_norm, "dy * gamma", "dy"),
    ("batch_norm-evaluation", F.batch_norm, "if training:", "if True:"),
    ("layer_norm", F.layer_norm, "dxhat.mean(axis=-1, keepdims=True)", "dxhat.mean(axis=0, keepdims=True)"),
    ("layer_norm", F.layer_norm, "return dx / std", "return dxhat / std"),
    ("dot_attention", F.dot_attention, "ds.transpose(0, 2, 1) @ q * scale", "ds.transpose(0, 2, 1) @ q"),
    ("dot_attention-mask", F.dot_attention, "@ v.transpose(0, 2, 1), dp, p", "@ v.transpose(0, 2, 1), None, p"),
    ("additive_attention-mask", F.additive_attention, "* w * (1 - e**2)", "* w"),
    ("additive_attention-mask", F.additive_attention, "da.sum(axis=2),", "da.mean(axis=2),"),
    ("dropout", F.dropout, "dy * keep", "dy * (keep > 0)"),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["full", "directional"])
@pytest.mark.parametrize(("name", "pair", "right", "mistake"), MUTANTS, ids=[f"{m[0]}: {m[3]}" for m in MUTANTS])
def test_a_mistake_in_a_layer_is_found(name, pair, right, mistake, mode):
    source = textwrap.dedent(inspect.getsource(pair.backward))
    assert source.count(right) == 1, f"{pair.name} no longer says {right!r}: plant the mistake in what it says now"
    scope = dict(vars(inspect.getmodule(pair.backward)))
    exec(source.replace(right, mistake), scope)
    mutant = replace(pair, backward=scope[pair.backward.__name__])
    case = BY_NAME[name]
    report = check_case(replace(case, pair=unroll(mutant) if name in ("rnn", "lstm", "gru") else mutant), mode)
    assert not report.ok
    assert wrong(report) or report.failures


MUTANTS_OF_UNROLL = [
    ("lstm", "for t in reversed(range(len(caches)))", "for t in range(len(caches))"),
    ("lstm", "dstate = tree_add(dstate, tree_map(", "dstate = tree_add(None, tree_map("),
    ("lstm", "dshared = tree_add(dshared, dshared_t)", "dshared = dshared_t"),
    ("lstm", "np.stack(dx[::-1], axis=1)", "np.stack(dx, axis=1)"),
    ("lstm", "axis=1), dstate, dshared", "axis=1), zeros, dshared"),
    ("bidirectional", "dx = dx_ahead + _take(dx_back, order)", "dx = dx_ahead + dx_back"),
    ("bidirectional", "dx = dx_ahead + _take(dx_back, order)", "dx = dx_ahead"),
    ("bidirectional", "dh_ahead, dh_back = np.split", "dh_back, dh_ahead = np.split"),
    ("bidirectional-lengths", "h=_take(dh_back, order)", "h=dh_back"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "mistake"), MUTANTS_OF_UNROLL, ids=[m[2] for m in MUTANTS_OF_UNROLL])
def test_a_mistake_in_the_time_loop_is_found(name, right, mistake):
    module = sys.modules["minirnn.unroll"]  # `minirnn.unroll` is the function of that name
    source = inspect.getsource(module)
    assert source.count(right) == 1, f"unroll.py no longer says {right!r}: plant the mistake in what it says now"
    scope = {"__name__": module.__name__}
    exec(source.replace(right, mistake), scope)
    case = BY_NAME[name]
    args = case.args()
    if name == "lstm":
        pair = scope["unroll"](F.lstm_step)
    else:
        args = (args[0], *(scope["Both"](*both) for both in args[1:]))
        pair = scope["bidirectional"](F.lstm_step if name == "bidirectional" else F.rnn_step)
    options = {"lengths": np.array([1, 2, 3])} if "lengths" in name else {}
    right_pair = {"lstm": module.unroll, "bidirectional": module.bidirectional}[name.split("-")[0]]
    step = F.rnn_step if "lengths" in name else F.lstm_step
    assert gradcheck(right_pair(step), case.args(), options).ok
    assert wrong(gradcheck(pair, args, options, time_axis=case.time_axis))
