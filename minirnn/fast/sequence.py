"""Sequences, tuned: the twins of `unroll` and `bidirectional`. A step that is not minirnn's own runs in the readable loop."""

from __future__ import annotations

from minirnn.fast.gru import gru
from minirnn.fast.lstm import lstm
from minirnn.fast.rnn import rnn
from minirnn.functional.recurrent import gru_step, lstm_step, rnn_step
from minirnn.pair import Pair
from minirnn.unroll import bidirectional as both_ways
from minirnn.unroll import unroll as step_by_step

_WHOLE = ((rnn_step, rnn), (lstm_step, lstm), (gru_step, gru))


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
