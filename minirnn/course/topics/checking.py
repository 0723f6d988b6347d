"""Exercises of lesson 02: a numeric gradient, the error it is judged by, and three planted bugs to find."""

from __future__ import annotations

import numpy as np

from minirnn.course.exercise import Exercise, Given, Probe
from minirnn.course.topics.checking_mistakes import BUG1, BUG2, BUG3, GRAD1, GRAD2
from minirnn.course.truths import numeric_gradient, relative_error
from minirnn.functional.activations import tanh_backward, tanh_forward
from minirnn.functional.norm import NormParams, layer_norm_backward, layer_norm_forward
from minirnn.functional.pool import global_avg_pool_backward, global_avg_pool_forward
from minirnn.pair import Array

FOLDER = "02_checking"


def normal(rng: np.random.Generator, *shape: int) -> Array:
    """Random numbers of about the size that layers see."""
    return 0.7 * rng.standard_normal(shape)


# the two parts of a gradient check


def _away_from_zero(rng: np.random.Generator, *shape: int) -> Array:
    signs: Array = rng.choice([-1.0, 1.0], shape)
    return rng.uniform(0.3, 1.2, shape) * signs


def _numeric_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Large steps show which difference was taken; a function that mixes all elements shows what was left changed."""

    def mixed(*shape: int) -> tuple[Given, Array]:
        return Given("mixed", (_away_from_zero(rng, *shape), 0.5, 1.0, 0.7, 0.4, 0.3, 0.2)), normal(rng, *shape)

    cubic = Given("polynomial", (1.0, -0.5, 0.3, 1.0))
    return (
        Probe(mixed(2, 3), {"eps": 0.1}),
        Probe(mixed(2, 3), note="the default eps"),
        Probe((cubic, normal(rng, 4)), {"eps": 0.5}, note="one axis and eps = 0.5"),
        Probe(mixed(2, 2, 3), {"eps": 0.2}, note="three axes"),
        Probe(mixed(3, 3), {"eps": 0.1}, note="a square array"),
        Probe(mixed(1), {"eps": 0.3}, note="one value"),
    )


def _error_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    a, small = _away_from_zero(rng, 3, 4), 0.03 * _away_from_zero(rng, 2, 4)
    larger, same, zeros = _away_from_zero(rng, 1), _away_from_zero(rng, 2, 3), _away_from_zero(rng, 6)
    zeros[:2] = 0
    one = _away_from_zero(rng, 4)
    one[1] = 0
    tiny, turned = 1e-14 * _away_from_zero(rng, 5), _away_from_zero(rng, 5)
    return (
        Probe((a, a * (1 + 0.2 * rng.uniform(-1, 1, a.shape)))),
        Probe((0.6 * larger, larger), note="one value and n the larger"),
        Probe((larger, 0.6 * larger), note="one value and a the larger"),
        Probe((turned, -turned * rng.uniform(0.6, 0.9, 5)), note="opposite signs"),
        Probe((same, same.copy()), note="a = n"),
        Probe((zeros, zeros * (1 + 0.1 * rng.uniform(0.5, 1, 6))), note="zeros in both"),
        Probe((one, one + np.array([0.0, 0.05, 0.0, 0.02])), note="a zero in a alone"),
        Probe((small, small * (1 + 0.3 * rng.uniform(0.5, 1, small.shape))), {"floor": 0.1}, note="values below a floor of 0.1"),
        Probe((tiny, 1.5 * tiny), note="values below the default floor"),
        Probe((np.stack([50 * a[0], a[1]]), np.stack([50.2 * a[0], 1.1 * a[1]])), {"floor": 0.01}, note="values of different size"),
    )  # fmt: skip


grad1 = Exercise(
    name="grad1",
    function="numeric_gradient",
    folder=FOLDER,
    title="A numeric gradient",
    truth=numeric_gradient,
    probes=_numeric_probes,
    inputs={},
    outputs=(("gradient", ""),),
    single=False,
    restores=True,
    hints=(
        "The derivative along one element: what do you change, what do you hold still, and how often do you call f?",
        "Go over all indices. For each one, f once with that element a little higher and once a little lower; all other "
        "elements are as they were.",
        "Either copy x for each of the two calls, or write into x and put the old value back before the next index. The "
        "two points are 2 * eps apart.",
    ),
    why="f(x + eps) and f(x - eps) have the same even terms in their Taylor series, so in the difference they cancel: what is "
    "left over is eps**2 times the third derivative. A one-sided difference keeps the second derivative, times eps. It "
    "costs two calls of f for every element, which is why it is a check and not a method of training.",
    mistakes=GRAD1,
)

grad2 = Exercise(
    name="grad2",
    function="relative_error",
    folder=FOLDER,
    title="The relative error of two gradients",
    truth=relative_error,
    probes=_error_probes,
    inputs={},
    outputs=(("error", ""),),
    hints=(
        "Is a difference of 0.001 large? What would you have to know?",
        "Each difference is measured against the larger of the two absolute values beside it, element by element; the "
        "floor joins in that comparison.",
        "np.maximum compares two arrays element by element, so two of them make the denominator; the worst element is "
        "what counts in the end. Mind absolute values in all three places.",
    ),
    why="Dividing by the larger of the two sizes makes the error independent of the units of the loss, and the same whichever of "
    "the two comes first. The floor keeps 0 against 0 from being 0 / 0. The largest error is reported, not the mean: one "
    "wrong bias among a million right weights must not be averaged away.",
    mistakes=GRAD2,
)


# planted bugs


def _tanh_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        Probe((normal(rng, 3, 4),)),
        Probe((3 * normal(rng, 3, 5),), note="large values"),
        Probe((normal(rng, 2, 3, 4),), note="x (N, T, D)"),
        Probe((normal(rng, 1, 4),), note="N = 1"),
        Probe((0.01 * normal(rng, 3, 3),), note="small values"),
    )


def _pool_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        Probe((normal(rng, 3, 4, 5, 2),)),
        Probe((normal(rng, 2, 3, 3, 4),), note="H = W"),
        Probe((normal(rng, 1, 2, 5, 3),), note="N = 1"),
        Probe((normal(rng, 3, 1, 1, 2),), note="one pixel"),
        Probe((normal(rng, 3, 3, 3, 3),), note="N = H = W = C"),
        Probe((normal(rng, 2, 4, 3, 1),), note="one channel"),
    )


def _norm_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    def args(*shape: int) -> tuple[Array, NormParams]:
        return normal(rng, *shape) + 0.3, NormParams(_away_from_zero(rng, shape[-1]), normal(rng, shape[-1]))

    constant = args(3, 4)
    constant[0][1] = 0.5
    return (
        Probe(args(3, 5)),
        Probe(args(2, 3, 4), note="x (N, T, D)"),
        Probe(args(4, 4), note="N = D"),
        Probe(args(1, 6), note="N = 1"),
        Probe(constant, {"eps": 0.1}, note="a constant row and eps = 0.1"),
        Probe(args(4, 4, 4), note="N = T = D"),
    )


bug1 = Exercise(
    name="bug1",
    function="tanh_backward",
    folder=FOLDER,
    title="Find the bug: tanh",
    truth=tanh_backward,
    truth_forward=tanh_forward,
    probes=_tanh_probes,
    inputs={"x": "N D"},
    outputs=(("dx", "N D"),),
    slot="ops.tanh.backward",
    hints=(
        "Print x, and print what the cache of tanh_forward(x) holds. Are they the same array?",
        "The derivative of tanh can be written with x or with y = tanh(x). Which of the two does the cache hold, and which of "
        "the two does the planted version think it has?",
        "The cache holds y, the output. The derivative written with y needs no further tanh.",
    ),
    why="tanh_forward keeps y, its output, because the derivative is simplest in it: 1 - y**2. The planted version took "
    "what is in the cache for x and computed tanh of it once more. For small x, y is close to x and tanh(y) close to y, so "
    "training may even work, a little worse; a gradient check sees it at once.",
    mistakes=BUG1,
)

bug2 = Exercise(
    name="bug2",
    function="global_avg_pool_backward",
    folder=FOLDER,
    title="Find the bug: global average pooling",
    truth=global_avg_pool_backward,
    truth_forward=global_avg_pool_forward,
    probes=_pool_probes,
    inputs={"x": "N H W C"},
    outputs=(("dx", "N H W C"),),
    hints=(
        "Print dy, call the planted version, print dy again.",
        "Which line changes an array that the function was given? What is the difference between `a = a / 2` and `a /= 2`?",
        "Make a new array for the share that every pixel gets, and give it to all H * W pixels of its channel.",
    ),
    why="y is the mean of H * W pixels, so each pixel gets dy / (H * W). `dy /= ...` writes into the caller's array: if another "
    "branch of the network uses the same dy, or backward is called twice, it finds it already divided. The values that were "
    "returned are right, so a check of values alone says nothing; a read-only dy, or a second call, does.",
    mistakes=BUG2,
)

bug3 = Exercise(
    name="bug3",
    function="layer_norm_backward",
    folder=FOLDER,
    title="Find the bug: layer normalisation",
    truth=layer_norm_backward,
    truth_forward=layer_norm_forward,
    probes=_norm_probes,
    inputs={"x": "N D", "params.gamma": "D", "params.beta": "D"},
    outputs=(("dx", "N D"), ("dgamma", "D"), ("dbeta", "D")),
    hints=(
        "Over which axis does layer normalisation take its mean and its variance? Which rows can the gradient of one row "
        "depend on?",
        "Change one row of dy and look which rows of dx move. In a layer norm the rows do not know each other.",
        "dx has three terms: the gradient of xhat, its mean, and xhat times a mean. Both means are over the same axis as "
        "in the forward function, and both keep it.",
    ),
    why="Each row is normalised by its own mean and variance, so everything that is taken away from its gradient is a mean over "
    "that row, the last axis. The planted version took one mean over the batch, axis 0; the shapes broadcast all the same, and "
    "nothing complains. dgamma and dbeta do add up over the rows, because all rows share gamma and beta.",
    mistakes=BUG3,
)

EXERCISES = (grad1, grad2, bug1, bug2, bug3)
