"""Sequences, tuned: the twins of `unroll`, `bidirectional` and `beside`. A step that is not minirnn's own runs in the
readable loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minirnn.fast.gru import gru
from minirnn.fast.gru import run as run_gru
from minirnn.fast.gru import run_backward as run_gru_backward
from minirnn.fast.lstm import lstm
from minirnn.fast.lstm import run as run_lstm
from minirnn.fast.lstm import run_backward as run_lstm_backward
from minirnn.fast.rnn import rnn
from minirnn.fast.rnn import run as run_rnn
from minirnn.fast.rnn import run_backward as run_rnn_backward
from minirnn.functional.recurrent import gru_step, lstm_step, rnn_step
from minirnn.pair import Array, Pair, Tree
from minirnn.unroll import beside as joined
from minirnn.unroll import bidirectional as both_ways
from minirnn.unroll import require_same
from minirnn.unroll import unroll as step_by_step

_WHOLE = ((rnn_step, rnn), (lstm_step, lstm), (gru_step, gru))


def _pair(run: Callable[..., Any], backward: Callable[..., Any], step: Pair) -> Pair:
    def forward(x: Array, same: Array, state: Tree, shared: Tree) -> tuple[Tree, Any]:
        require_same(x, same)
        out, cache = run(x, same, state, shared)
        return out, cache

    return Pair(forward, backward, f"beside({step.name})")


_BESIDE = (
    (rnn_step, _pair(run_rnn, run_rnn_backward, rnn_step)),
    (lstm_step, _pair(run_lstm, run_lstm_backward, lstm_step)),
    (gru_step, _pair(run_gru, run_gru_backward, gru_step)),
)


def unroll(step: Pair) -> Pair:
    """The pair that runs a cell through time.

    forward(x, state, shared) -> (states, cache)
    backward(dstates, cache) -> (dx, dstate, dshared)
    """
    return next((whole for known, whole in _WHOLE if known is step), None) or step_by_step(step)


def bidirectional(step: Pair) -> Pair:
    """Read a sequence from both ends with two readers of the same kind.

    forward(x, state, shared, *, lengths=None) -> (BothWays(h), cache)
    backward(dout, cache) -> (dx, Both, Both)
    """
    return both_ways(step, unroll)


def beside(through_time: Callable[[Pair], Pair], step: Pair) -> Pair:
    """Run a cell through time on what changes and, beside it, what stays the same.

    forward(x, same, state, shared) -> (states, cache)
    backward(dstates, cache) -> (dx, dsame, dstate, dshared)
    """
    if through_time is unroll:
        for known, pair in _BESIDE:
            if known is step:
                return pair
    return joined(through_time, step)
