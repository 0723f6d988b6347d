"""Exercises of lesson 08: one step of the GRU, forward and backward."""

from __future__ import annotations

import numpy as np

from minirnn.course.exercise import Exercise, Probe
from minirnn.course.topics.gru_mistakes import BACKWARD, FORWARD
from minirnn.course.topics.sequences import normal
from minirnn.functional.recurrent import GRUParams, GRUState, gru_step_backward, gru_step_forward
from minirnn.pair import Array


def gru_args(rng: np.random.Generator, N: int = 3, D: int = 2, H: int = 4) -> tuple[Array, GRUState, GRUParams]:
    """Arguments of a step: x, a state that is not zero, parameters."""
    params = GRUParams(normal(rng, D, 3 * H), normal(rng, H, 3 * H), normal(rng, 3 * H), normal(rng, 3 * H))
    return normal(rng, N, D), GRUState(1.3 * normal(rng, N, H)), params


def _probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, state, params = gru_args(rng, 4, 3, 3)
    zero = GRUState(np.zeros_like(state.h))
    return (
        Probe(gru_args(rng)),
        Probe((x, state, params), note="D = H"),
        Probe((x, zero, params), note="a state of zero"),
        Probe((x, state, params._replace(bh=np.zeros_like(params.bh))), note="bh = 0"),
        Probe(gru_args(rng, 1, 5, 2), note="N = 1"),
    )


def _backward_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, state, params = gru_args(rng, 4, 3, 3)
    return (
        Probe(gru_args(rng)),
        Probe((x, state, params), note="D = H"),
        Probe((x, state, params._replace(bh=np.zeros_like(params.bh))), note="bh = 0"),
        Probe(gru_args(rng, 1, 5, 2), note="N = 1"),
        Probe(gru_args(rng, 5, 2, 3), note="N = 5"),
    )


INPUTS = {
    "x": "N D", "state.h": "N H", "params.Wx": "D 3H", "params.Wh": "H 3H", "params.bx": "3H", "params.bh": "3H",
}  # fmt: skip
GATES = ("r", "z", "n")

gru1 = Exercise(
    name="gru1",
    function="gru_step_forward",
    folder="08_gru",
    title="One step of the GRU",
    truth=gru_step_forward,
    probes=_probes,
    inputs=INPUTS,
    outputs=(("h", "N H"),),
    cache=True,
    slot="ops.gru_step.forward",
    hints=(
        "Why are the products with Wx and with Wh kept apart here, while the LSTM added them at once?",
        "Two products of width 3H, each with its own bias, each cut into r, z, n. For r and z their parts are added inside a "
        "sigmoid; for n the part that comes from h_prev is first multiplied by r, bias and all.",
        "z says how much of the earlier h stays, 1 - z how much of the candidate n comes in. Return GRUState(h), and beside "
        "it what you will need to undo each line.",
    ),
    why="r multiplies the finished part of n that comes from h_prev, its bias included: that is why there are two biases. "
    "h is a mean of the candidate n and the earlier h with weights 1 - z and z, so h carries over unchanged where z is 1; "
    "the GRU needs no second state for that.",
    mistakes=FORWARD,
)

gru2 = Exercise(
    name="gru2",
    function="gru_step_backward",
    folder="08_gru",
    title="Backward through one step of the GRU",
    truth=gru_step_backward,
    truth_forward=gru_step_forward,
    forward="gru1",
    probes=_backward_probes,
    inputs=INPUTS,
    outputs=(("dx", "N D"), ("dh_prev", "N H"), ("dWx", "D 3H"), ("dWh", "H 3H"), ("dbx", "3H"), ("dbh", "3H")),
    blocks={"dWx": GATES, "dWh": GATES, "dbx": GATES, "dbh": GATES},
    slot="ops.gru_step.backward",
    hints=(
        "How many readers does h_prev have? Each of them sends a gradient back, and all of them add up.",
        "Undo the lines from the last to the first: the mean gives dn, dz and a first part of dh_prev; tanh gives dan; the "
        "product r * ahn gives dr and dahn; the sigmoids give dar and daz. Only for n do the two matrix products get "
        "different gradients.",
        "Put two arrays side by side, each (N, 3H): what goes back through Wx, and what goes back through Wh. They differ in "
        "their last block, by the factor r. Each is then undone as in affine2, and the part that comes back through Wh is "
        "added to what the mean gave to h_prev.",
    ),
    why="h = (1 - z) * n + z * h_prev gives z's gradient both terms at once, dh * (h_prev - n). n's pre-activation is "
    "axn + r * ahn: axn gets dan as it is, ahn gets it times r, and r gets it times ahn. So the blocks of n differ between "
    "Wx and Wh, while r and z share theirs. h_prev was read by the mean directly and by the product with Wh.",
    mistakes=BACKWARD,
)

EXERCISES = (gru1, gru2)
