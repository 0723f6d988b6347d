"""Exercises of lesson 06: backward through a step and through time; clipping."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.compare import relative_error
from minirnn.course.exercise import Exercise, Probe, Wrong
from minirnn.course.topics.bptt_mistakes import CLIP, RNN2, UNROLL2
from minirnn.course.topics.sequences import RNN_INPUTS, UNROLL_INPUTS, normal, rnn_args, unroll_probes
from minirnn.functional.recurrent import RNNParams, rnn_step_backward, rnn_step_forward
from minirnn.optim import clip_by_global_norm
from minirnn.tree import tree_leaves
from minirnn.unroll import unroll_backward, unroll_forward


def _step_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, state, params = rnn_args(rng, 4, 3, 3)
    return (
        Probe(rnn_args(rng)),
        Probe((x, state, params), note="D = H"),
        Probe(rnn_args(rng, 1, 5, 2), note="N = 1"),
        Probe(rnn_args(rng, 5, 2, 3), note="N = 5"),
    )


def _clip_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    def grads(scale: float) -> RNNParams:
        return RNNParams(scale * normal(rng, 2, 3), 3 * scale * normal(rng, 3, 3), 0.2 * scale * normal(rng, 3))

    one = (grads(1.0).Wx,)
    nested = (grads(2.0), (grads(1.0).b, None))
    return (
        Probe((grads(5.0), 1.0)),
        Probe((grads(1.0), 1000.0), note="a norm below the limit"),
        Probe((grads(4.0), 2.5), note="max_norm = 2.5"),
        Probe((one, 0.25), note="one array alone"),
        Probe((nested, 0.8), note="a tree inside a tree"),
    )


def examine_clipped(answers: list[Any]) -> list[Wrong]:
    """What wrongly clipped gradients are: scaled by another number, turned, or right beside a wrong norm."""
    turned, factors, norms = False, False, False
    for a in answers:
        if a.error or not isinstance(a.value, tuple) or len(a.value) != 2:
            return []
        mine, right, given = (tree_leaves(tree) for tree in (a.value[0], a.truth[0], a.probe.args[0]))
        if [np.shape(g) for g in mine] != [np.shape(g) for g in right]:
            return []
        flat, true, before = (
            np.concatenate([np.ravel(g) for g in leaves]).astype(float) for leaves in (mine, right, given)
        )
        factor = float(flat @ before) / float(before @ before)
        turned |= relative_error(flat, factor * before) > 1e-5
        factors |= relative_error(flat, true) > 1e-5
        norms |= abs(float(a.value[1]) - a.truth[1]) > 1e-5 * a.truth[1]
    if turned:
        return [
            Wrong(
                "gradients",
                "",
                "the gradients do not keep their direction: all values of all arrays are multiplied by one number",
                "turned",
            )
        ]
    if factors and norms:
        return [
            Wrong(
                "gradients",
                "",
                "the norm is not that of all arrays together, and so the factor is wrong too",
                "wrong-norm",
            )
        ]
    if factors:
        return [
            Wrong(
                "gradients",
                "",
                "the norm is right, but the factor that follows from it is not: the smaller of 1 and max_norm / norm",
                "wrong-factor",
            )
        ]
    return (
        [
            Wrong(
                "norm",
                "",
                "the gradients are right, but the number beside them is not their norm before clipping",
                "wrong-norm-returned",
            )
        ]
        if norms
        else []
    )


rnn2 = Exercise(
    name="rnn2",
    function="rnn_step_backward",
    folder="06_bptt",
    title="Backward through one step",
    truth=rnn_step_backward,
    truth_forward=rnn_step_forward,
    forward="rnn1",
    probes=_step_probes,
    inputs=RNN_INPUTS,
    outputs=(("dx", "N D"), ("dh_prev", "N H"), ("dWx", "D H"), ("dWh", "H H"), ("db", "H")),
    slot="ops.rnn_step.backward",
    hints=(
        "Call a = x @ Wx + h_prev @ Wh + b, so that h = tanh(a). If you knew da, how would each of the five gradients follow?",
        "First da from dh, through the derivative of tanh, which needs only h. Then a is a sum of an affine map of x and "
        "one of h_prev: each is undone as in affine2.",
        "da has the shape of h. A weight gradient is (what came in) transposed times da, so its shape is that of the "
        "weight; the gradient of what came in is da times the weight transposed; db adds da up over the batch.",
    ),
    why="da = dh * (1 - h**2) undoes tanh, since d tanh(a)/da = 1 - tanh(a)**2. Then a = x @ Wx + h_prev @ Wh + b is linear "
    "in everything: dWx = x.T @ da adds up over the batch, dx = da @ Wx.T sends every unit's share back along its weights, "
    "and the same holds for Wh and h_prev. db is the sum over the batch because b was added to every row.",
    mistakes=RNN2,
)  # fmt: skip

unroll2 = Exercise(
    name="unroll2",
    function="unroll_backward",
    folder="06_bptt",
    title="Backward through time",
    truth=unroll_backward,
    truth_forward=unroll_forward,
    forward="unroll1",
    lead=1,
    probes=unroll_probes,
    inputs=UNROLL_INPUTS,
    outputs=(("dx", "N T D"), ("dstate.h", "N D"), ("dshared.a", "D"), ("dshared.b", "D")),
    time_axis={"dx": 1},
    slot="ops.unroll.backward",
    hints=(
        "The state of step t is read twice. By whom?",
        "Step t's state has two readers: whoever uses the sequence (dstates at t), and step t + 1. Both gradients add up. "
        "So which step can be undone first?",
        "Walk from t = T-1 to 0. Each turn: take step t of every array in dstates (tree_map), tree_add what came back from t + 1, call step.backward with the "
        "cache of t, keep its state gradient for the next turn, add its shared gradient to a total. tree_add(a, b) adds "
        "trees and takes None as zero.",
    ),
    why="Every step read the same weights, so their gradients add up over time; every state was read by the next step and by "
    "whoever uses the sequence, so its two gradients add up before the step is undone. Going from the last step to the "
    "first makes sure that both are known. What is left over after t = 0 is the gradient of the first state.",
    mistakes=UNROLL2,
)  # fmt: skip

clip1 = Exercise(
    name="clip1",
    function="clip_by_global_norm",
    folder="06_bptt",
    title="Clip all gradients together",
    truth=clip_by_global_norm,
    probes=_clip_probes,
    inputs={},
    outputs=(),
    examine=examine_clipped,
    slot="tools.clip",
    hints=(
        "Clipping should shorten the step without turning it. What must all arrays have in common for that?",
        "One norm over everything: the square root of the sum of the squares of all values in all arrays.",
        "If the norm is at most max_norm, nothing changes; else every array is multiplied by the same number, "
        "chosen so that the new norm is max_norm. Return the gradients and the norm before clipping.",
    ),
    why="All arrays are one long vector: scaling them by the same number keeps its direction and sets its length to "
    "max_norm. Clipping each array by itself, or each value, would turn the step away from the steepest descent.",
    mistakes=CLIP,
)  # fmt: skip

EXERCISES = (rnn2, unroll2, clip1)
