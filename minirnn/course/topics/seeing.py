"""Exercises of lesson 04: batch normalisation, Adam, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Exercise, Given, Probe
from minirnn.course.topics.dropping import judge_dropout
from minirnn.course.topics.norm_mistakes import NORM1, NORM2
from minirnn.course.topics.seeing_mistakes import ADAM1, DROP1, DROP2
from minirnn.functional.affine import AffineParams
from minirnn.functional.dropout import dropout_backward, dropout_forward
from minirnn.functional.norm import NormParams, RunningStats, batch_norm_backward, batch_norm_forward
from minirnn.optim import AdamState, adam_update
from minirnn.pair import Array, Tree
from minirnn.tree import tree_map


def _norm(
    rng: np.random.Generator, shape: tuple[int, ...], note: str = "", *, ignored: bool = False, **options: Any
) -> Probe:
    """A probe with random values, every feature about a mean and with a spread of its own."""
    C = shape[-1]
    x = rng.standard_normal(shape) * (0.6 + rng.random(C)) + rng.standard_normal(C) + 0.3
    running = RunningStats(rng.standard_normal(C), 0.5 + rng.random(C))
    params = NormParams(0.5 + rng.random(C), 0.4 + rng.standard_normal(C))
    dy = 0.1 + rng.standard_normal(shape)
    over = RunningStats(rng.standard_normal(C), rng.standard_normal(C)) if ignored else None
    return Probe((x, running, params), {"training": True, **options}, note, dout=(dy, over))


def _norm_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    constant = _norm(rng, (4, 3), "a feature that is constant")
    constant.args[0][:, 1] = 0.5  # its mean is exact in whatever order it is summed
    return (
        _norm(rng, (3, 2, 4, 3), momentum=0.8),
        _norm(rng, (5, 3), "x (N, D)", ignored=True),
        _norm(rng, (3, 2, 4, 3), "evaluation", training=False),
        _norm(rng, (4, 2), "evaluation and eps = 0.1", training=False, eps=0.1),
        _norm(rng, (5, 4), "eps = 0.1", eps=0.1, momentum=0.6),
        constant,
        _norm(rng, (4, 4), "N = C"),
        _norm(rng, (1, 3, 2, 2), "N = 1"),
    )


def _adam(rng: np.random.Generator, step: int, note: str = "", nested: bool = False, **options: float) -> Probe:
    """A probe in the middle of training, or at its beginning (step 0: moments of zero, and one gradient of 0)."""

    def tree(f: Any) -> Tree:
        W, b = f(2, 3), f(3)
        return (W, (b,)) if nested else AffineParams(W, b)

    params, grads = tree(lambda *s: 0.7 * rng.standard_normal(s)), tree(lambda *s: 0.2 + rng.standard_normal(s))
    m, v = tree(lambda *s: 0.3 * rng.standard_normal(s)), tree(lambda *s: 0.05 + 0.3 * rng.random(s))
    if step == 0:
        m, v = tree_map(np.zeros_like, m), tree_map(np.zeros_like, v)
        grads[0][0, 1] = 0.0
    return Probe((params, grads, AdamState(np.array(step), m, v)), {"lr": 0.1, **options}, note)


def _adam_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        _adam(rng, 3),
        _adam(rng, 0, "the first update"),
        _adam(rng, 2, "eps = 0.1", eps=0.1),
        _adam(rng, 4, "weight_decay = 0.2", weight_decay=0.2),
        _adam(rng, 9, "beta1 = 0.5 and beta2 = 0.8", beta1=0.5, beta2=0.8),
        _adam(rng, 1, "parameters in nested tuples", nested=True, weight_decay=0.1, lr=0.02),
    )


def _nowhere_zero(rng: np.random.Generator, *shape: int) -> Array:
    """Random numbers with a distance from 0, so that a zero in the result was dropped."""
    x = rng.standard_normal(shape)
    return x + 0.1 * np.sign(x)


def _generator(seed: int) -> Given:
    return Given("rng", (seed,))


def _drop_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Large arrays; the notes are read by `judge_dropout`. Evaluation gets a generator too: using it shows in the result."""
    x, small = _nowhere_zero(rng, 40, 25, 20), _nowhere_zero(rng, 30, 20)
    seed, other, *seeds = (int(s) for s in rng.integers(2**31, size=5))
    return (
        Probe((x,), {"p": 0.25, "training": True, "rng": _generator(seed)}),
        Probe((x,), {"p": 0.25, "training": True, "rng": _generator(seed)}, "the same generator"),
        Probe((x,), {"p": 0.25, "training": True, "rng": _generator(other)}, "another generator"),
        Probe((_nowhere_zero(rng, 90, 100),), {"p": 0.7, "training": True, "rng": _generator(seeds[0])}, "p = 0.7"),
        Probe((small,), {"p": 0.4, "training": False, "rng": _generator(seeds[1])}, "evaluation"),
        Probe((small,), {"p": 0.4, "training": False, "rng": None}, "evaluation and rng = None"),
        Probe((small,), {"p": 0.0, "training": True, "rng": _generator(seeds[2])}, "p = 0"),
    )


def _undrop_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Arrays large enough that something is dropped and something kept."""
    seeds = [int(s) for s in rng.integers(2**31, size=3)]
    x, image = _nowhere_zero(rng, 14, 10), _nowhere_zero(rng, 3, 4, 5, 2)
    return (
        Probe((x,), {"p": 0.25, "training": True, "rng": _generator(seeds[0])}),
        Probe((image,), {"p": 0.6, "training": True, "rng": _generator(seeds[1])}, "p = 0.6"),
        Probe((x,), {"p": 0.4, "training": False, "rng": _generator(seeds[2])}, "evaluation"),
    )


def _redraw(probe: Probe, y: Any) -> Array | None:
    """The framework's cache for the mask that the learner's forward function drew."""
    p, x = probe.options["p"], probe.args[0]
    if not probe.options["training"]:
        return None
    keep: Array = (np.asarray(y) != 0).astype(x.dtype) / (1 - p)
    return keep


NORM_INPUTS = {
    "x": "N height width C",
    "running.mean": "C",
    "running.var": "C",
    "params.gamma": "C",
    "params.beta": "C",
}

norm1 = Exercise(
    name="norm1",
    function="batch_norm_forward",
    folder="04_seeing",
    title="Batch normalisation",
    truth=batch_norm_forward,
    probes=_norm_probes,
    inputs=NORM_INPUTS,
    outputs=(("y", "N height width C"), ("running.mean", "C"), ("running.var", "C")),
    cache=True,
    slot="ops.batch_norm.forward",
    hints=(
        "Over which numbers are mean and variance of one feature taken: in (N, D), and in (N, H, W, C)?",
        "Over every axis but the last. Training takes the batch's own statistics and moves the running ones on; evaluation "
        "takes the running ones and changes nothing.",
        "With x as rows (R, C), mean and var have shape (C,) and broadcast over the rows. eps goes under the root. The next "
        "running values are a weighted mean of old and batch, and momentum is the weight of the old.",
    ),
    why="Each feature gets mean 0 and variance 1 over the batch, and gamma and beta let the network choose another mean and "
    "spread. In evaluation there may be one example only, and its result must not depend on its neighbours, so the averages "
    "collected in training are used. eps keeps a constant feature from dividing by 0.",
    mistakes=NORM1,
)

norm2 = Exercise(
    name="norm2",
    function="batch_norm_backward",
    folder="04_seeing",
    title="Backward through batch normalisation",
    truth=batch_norm_backward,
    truth_forward=batch_norm_forward,
    forward="norm1",
    probes=_norm_probes,
    inputs=NORM_INPUTS,
    outputs=(("dx", "N height width C"), ("dgamma", "C"), ("dbeta", "C")),
    slot="ops.batch_norm.backward",
    hints=(
        "In training x reaches y on three ways. Which? And how many are left in evaluation?",
        "First undo y = gamma * xhat + beta: three gradients. Then xhat = (x - mean) / std, where mean and std were made from "
        "x too: dx is dxhat / std less what came through the mean and through the variance.",
        "Both are means over the rows: one of dxhat, the other of dxhat * xhat, and the second is handed out in proportion to "
        "xhat. Check: over the rows, dx adds up to 0, and so does dx * xhat (nearly, because of eps).",
    ),
    why="Adding the same number to a whole feature changes nothing in y, so dx may not have a part along it: its mean over the "
    "rows is taken away. Stretching a feature changes nothing either (but for eps), so the part along xhat goes too. What is "
    "left is divided by std, as x was. In evaluation mean and std are constants, and dx = dy * gamma / std.",
    mistakes=NORM2,
)

_ADAM_INPUTS = {
    f"{tree}.{leaf}": axes
    for tree in ("params", "grads", "state.m", "state.v")
    for leaf, axes in (("W", "D M"), ("b", "M"))
}

adam1 = Exercise(
    name="adam1",
    function="adam_update",
    folder="04_seeing",
    title="Adam",
    truth=adam_update,
    probes=_adam_probes,
    inputs=_ADAM_INPUTS,
    outputs=(("W", ""), ("b", ""), ("step", ""), ("m.W", ""), ("m.b", ""), ("v.W", ""), ("v.b", "")),
    slot="tools.adam",
    hints=(
        "m and v start at 0. After the first update with beta1 = 0.9, how large is m compared with the gradient?",
        "Four lines: the gradient with its weight decay, the new m, the new v, the new weights. The first update has t = 1.",
        "Only the step uses m and v divided by their 1 - beta**t; the state keeps them as they are. eps is added to the root. "
        "With tree_map each line is a function of the leaves it needs.",
    ),
    why="m is where the gradient points on average, sqrt(v) how large it usually is; their ratio is a step of about lr for every "
    "weight, however large its gradients. Both begin at 0 and are too small by exactly 1 - beta**t, so the division makes the "
    "first steps as long as the later ones.",
    mistakes=ADAM1,
)

drop1 = Exercise(
    name="drop1",
    function="dropout_forward",
    folder="04_seeing",
    title="Dropout",
    truth=dropout_forward,
    probes=_drop_probes,
    inputs={"x": "N D"},
    outputs=(("y", "N D"),),
    cache=True,
    slot="ops.dropout.forward",
    judge=judge_dropout,
    hints=(
        "If a share p of the values becomes 0, what happens to the mean of y, and how can the rest make up for it?",
        "In training every value of x is dropped by itself with probability p; evaluation returns x. How do you make something "
        "happen with probability p, given numbers from 0 to 1?",
        "Draw an array of the shape of x and compare it with p: that is the mask. What is kept is divided by 1 - p. The backward "
        "pass will need the same mask again.",
    ),
    why="A random number between 0 and 1 is below p with probability p, so `>= p` keeps a value with probability 1 - p. "
    "Dividing by 1 - p keeps the expected value of every y at x, so evaluation has nothing to do.",
    mistakes=DROP1,
)

drop2 = Exercise(
    name="drop2",
    function="dropout_backward",
    folder="04_seeing",
    title="Backward through dropout",
    truth=dropout_backward,
    truth_forward=dropout_forward,
    forward="drop1",
    probes=_undrop_probes,
    inputs={"x": "N D"},
    outputs=(("dx", "N D"),),
    slot="ops.dropout.backward",
    numeric=False,  # the learner's forward function may have drawn another mask
    redraw=_redraw,
    hints=(
        "Once the mask is drawn, dropout multiplies every value by a constant. What is the derivative of that?",
        "The same factor that the value was multiplied by, mask and scale both.",
        "The cache holds what x was multiplied by. Where nothing was dropped it holds no mask: the gradient passes as it is. "
        "Return a tuple of one.",
    ),
    why="y = x * k with a constant k for every value, so dx = dy * k with the same k: 0 where the value was dropped, 1 / (1 - p) "
    "where it was kept. A fresh mask would send gradients to values that had no part in the result.",
    mistakes=DROP2,
)

EXERCISES = (norm1, norm2, adam1, drop1, drop2)
