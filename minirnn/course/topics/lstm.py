"""Exercises of lesson 07: one step of the LSTM, forward and backward."""

from __future__ import annotations

import numpy as np

from minirnn.course.exercise import Exercise, Probe
from minirnn.course.topics.lstm_mistakes import BACKWARD, FORWARD
from minirnn.course.topics.sequences import normal
from minirnn.functional.recurrent import LSTMParams, LSTMState, lstm_step_backward, lstm_step_forward
from minirnn.pair import Array


def lstm_args(rng: np.random.Generator, N: int = 3, D: int = 2, H: int = 4) -> tuple[Array, LSTMState, LSTMParams]:
    """Arguments of a step: x, a state that is not zero, parameters."""
    params = LSTMParams(normal(rng, D, 4 * H), normal(rng, H, 4 * H), normal(rng, 4 * H))
    return normal(rng, N, D), LSTMState(normal(rng, N, H), 1.5 * normal(rng, N, H)), params


def _probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, state, params = lstm_args(rng, 4, 3, 3)
    zero = LSTMState(np.zeros_like(state.h), np.zeros_like(state.c))
    return (
        Probe(lstm_args(rng)),
        Probe((x, state, params), note="D = H"),
        Probe((x, zero, params), note="a state of zero"),
        Probe(lstm_args(rng, 1, 5, 2), note="N = 1"),
    )


def _backward_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, state, params = lstm_args(rng, 4, 3, 3)
    dh, zero = normal(rng, 5, 3), np.zeros((5, 3))
    return (
        Probe(lstm_args(rng)),
        Probe((x, state, params), note="D = H"),
        Probe(lstm_args(rng, 1, 5, 2), note="N = 1"),
        Probe(lstm_args(rng, 5, 2, 3), note="dc = 0", dout=LSTMState(dh, zero)),
        Probe(lstm_args(rng, 5, 2, 3), note="dh = 0", dout=LSTMState(zero, dh)),
    )


INPUTS = {"x": "N D", "state.h": "N H", "state.c": "N H", "params.Wx": "D 4H", "params.Wh": "H 4H", "params.b": "4H"}
GATES = ("i", "f", "g", "o")

lstm1 = Exercise(
    name="lstm1",
    function="lstm_step_forward",
    folder="07_lstm",
    title="One step of the LSTM",
    truth=lstm_step_forward,
    probes=_probes,
    inputs=INPUTS,
    outputs=(("h", "N H"), ("c", "N H")),
    cache=True,
    slot="ops.lstm_step.forward",
    hints=(
        "Four things are computed from x and the earlier h. Which of them are gates, numbers between 0 and 1, and which "
        "one is what may be written into the cell?",
        "All four come from one matrix product of width 4H, cut into four blocks of H columns in the order i, f, g, o. "
        "Three go through a sigmoid, one through tanh.",
        "The new c keeps a part f of the earlier c and takes in a part i of g. What the step says is a part o of the new "
        "c, squeezed by tanh. Return LSTMState(h, c), and beside it what you will need to undo each line.",
    ),
    why="One product x @ Wx + h_prev @ Wh + b makes all four blocks at once. c is changed only by a multiplication with f and "
    "by an addition: where f is near 1, it carries its value, and later its gradient, over many steps. tanh(c) brings "
    "what the step says back between -1 and 1, and o decides which parts of it are said now.",
    mistakes=FORWARD,
)

lstm2 = Exercise(
    name="lstm2",
    function="lstm_step_backward",
    folder="07_lstm",
    title="Backward through one step of the LSTM",
    truth=lstm_step_backward,
    truth_forward=lstm_step_forward,
    forward="lstm1",
    probes=_backward_probes,
    inputs=INPUTS,
    outputs=(("dx", "N D"), ("dh_prev", "N H"), ("dc_prev", "N H"), ("dWx", "D 4H"), ("dWh", "H 4H"), ("db", "4H")),
    blocks={"dWx": GATES, "dWh": GATES, "db": GATES},
    slot="ops.lstm_step.backward",
    hints=(
        "Who reads the new c? There are two readers, so its gradient has two parts.",
        "Undo the lines from the last to the first: h = o * tanh(c) gives do and a part of dc; c = f * c_prev + i * g gives "
        "df, dc_prev, di and dg, all from the full dc; then the derivatives of sigmoid and tanh.",
        "The gradient of one factor of a product is what came from above times the *other* factor. With s = sigmoid(a) the "
        "derivative is s * (1 - s), with g = tanh(a) it is 1 - g**2. Put dai, daf, dag, dao side by side as da, (N, 4H); "
        "from there on it is rnn2.",
    ),
    why="c is read by h and by the next step, so dc, which came from the next step, and dh * o * (1 - tanh(c)**2) add up "
    "before anything else is done with c. Each product hands to one factor the gradient times the other one. "
    "dc_prev = dc * f has no matrix and no squashing in it: this is the path on which gradients survive. The four da blocks "
    "go back through the one matrix product, in the order in which the forward pass cut it.",
    mistakes=BACKWARD,
)

EXERCISES = (lstm1, lstm2)
