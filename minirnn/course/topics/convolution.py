"""Exercises of lesson 03: convolution and max pooling, forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Exercise, Probe
from minirnn.course.topics.convolution_mistakes import CONV1, CONV2
from minirnn.course.topics.pooling_mistakes import POOL1, POOL2, TIES, examine_ties, other_winners
from minirnn.functional.conv import ConvParams, conv2d_backward, conv2d_forward
from minirnn.functional.pool import max_pool2d_backward, max_pool2d_forward
from minirnn.pair import Array


def _conv(
    rng: np.random.Generator, x: tuple[int, ...], kernel: tuple[int, ...], note: str = "", **options: Any
) -> Probe:
    """A probe with random values. `x`: N, H, W, C; `kernel`: KH, KW, F."""
    KH, KW, F = kernel
    W, b = 0.5 * rng.standard_normal((KH, KW, x[3], F)), 0.3 + 0.7 * rng.standard_normal(F)
    return Probe((0.2 + rng.standard_normal(x), ConvParams(W, b)), options, note)


def _conv_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    """No stride is larger than its kernel, so that the windows cover the image."""
    return (
        _conv(rng, (3, 7, 6, 2), (3, 2, 4), stride=(2, 1), pad=(2, 1)),
        _conv(rng, (2, 4, 5, 3), (2, 3, 2), "stride 1 and no border"),
        _conv(
            rng,
            (2, 5, 7, 2),
            (2, 3, 3),
            "a border of ((1, 0), (0, 2)) and strides (1, 2)",
            stride=(1, 2),
            pad=((1, 0), (0, 2)),
        ),
        _conv(rng, (3, 3, 3, 3), (3, 3, 3), "all sizes 3", pad=1),
        _conv(rng, (1, 6, 6, 1), (3, 3, 2), "N = C = 1 and stride 2", stride=2),
        _conv(rng, (2, 3, 4, 2), (3, 4, 3), "a kernel as large as the image"),
    )


def _spread(rng: np.random.Generator, *shape: int) -> Array:
    """Random numbers that keep their distance, so that no two of them tie for the maximum; more negative ones than not."""
    size = int(np.prod(shape))
    return (rng.permutation(size) + 0.5 * rng.random(size)).reshape(shape) * (3 / size) - 2.0


def _pool(rng: np.random.Generator, x: tuple[int, ...], note: str = "", **options: Any) -> Probe:
    return Probe((_spread(rng, *x),), options, note)


def _pool_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    negative = -0.1 - np.abs(_spread(rng, 2, 5, 4, 2))
    return (
        _pool(rng, (3, 7, 6, 2), size=(3, 2), stride=(2, 1), pad=(2, 1)),
        _pool(rng, (2, 5, 7, 3), "no stride given", size=(2, 3)),
        _pool(rng, (2, 6, 4, 2), "size 2 and nothing else", size=2),
        Probe((negative,), {"size": 3, "stride": 1, "pad": 1}, "values that are all negative"),
        Probe((1e9 * negative,), {"size": 3, "stride": 1, "pad": 1}, "values far below zero"),
        _pool(rng, (3, 3, 3, 3), "all sizes 3", size=3, stride=1, pad=1),
        _pool(rng, (2, 8, 7, 1), "a stride larger than the window", size=2, stride=3),
        _pool(rng, (1, 5, 6, 2), "a border of ((1, 0), (0, 1))", size=(2, 3), stride=(1, 2), pad=((1, 0), (0, 1))),
    )


def _unpool_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Those of pool1, and equal values, as after a rectifier."""
    ties = np.maximum(rng.integers(-3, 3, (2, 5, 6, 2)), 0).astype(float)
    return (*_pool_probes(rng), Probe((ties,), {"size": (3, 2), "stride": (1, 2)}, TIES))


CONV_INPUTS = {"x": "N height width C", "params.W": "KH KW C F", "params.b": "F"}

conv1 = Exercise(
    name="conv1",
    function="conv2d_forward",
    folder="03_convolution",
    title="2-D convolution",
    truth=conv2d_forward,
    probes=_conv_probes,
    inputs=CONV_INPUTS,
    outputs=(("y", "N H' W' F"),),
    cache=True,
    slot="ops.conv2d.forward",
    hints=(
        "Which pixels of the padded image does one number of the output see, and how many places are there for the window?",
        "Window (i, j) starts at row i * stride and column j * stride of the padded image. Its KH * KW * C numbers meet the "
        "same number of weights in each filter.",
        "Either loop over the places and sum window times filter; or bring all windows into a matrix with one row per place "
        "and W into one with a column per filter, both flattened in the same order. The bias is added once per place.",
    ),
    why="Every output pixel is an affine map of its own window, and all windows use the same weights. So the windows are "
    "written under each other as rows, W is flattened in the same order (kernel row, kernel column, channel), and one "
    "matrix product does all places and all filters; the rest is reshaping back. The cache keeps the windows, which "
    "the gradient of W needs, and the shapes, which the gradient of x needs.",
    mistakes=CONV1,
)

conv2 = Exercise(
    name="conv2",
    function="conv2d_backward",
    folder="03_convolution",
    title="Backward through a convolution",
    truth=conv2d_backward,
    truth_forward=conv2d_forward,
    forward="conv1",
    probes=_conv_probes,
    inputs=CONV_INPUTS,
    outputs=(("dx", "N height width C"), ("dW", "KH KW C F"), ("db", "F")),
    slot="ops.conv2d.backward",
    hints=(
        "The same W stood at every place of every image. What does that say about its gradient, and about that of b?",
        "With windows as rows this is affine2: rows of windows, a weight matrix, rows of dy. Only dx is new: a pixel was in "
        "several windows.",
        "Each window sends back a patch: its dy times the weights. Add every patch to zeros of the padded shape, at the "
        "window's place (stride!), then cut the border off. Looping over the KH * KW kernel pixels does all places at once.",
    ),
    why="Flattened, the convolution is y = columns @ W + b, so dW = columns.T @ dy and db is the sum over images and places: "
    "what is shared adds up. dx turns reading windows into writing them: what each window reads from the image it sends "
    "back to the same pixels, through the same weights, and where windows overlap the parts add up. The border was made "
    "of constants, so its gradient is thrown away.",
    mistakes=CONV2,
)

pool1 = Exercise(
    name="pool1",
    function="max_pool2d_forward",
    folder="03_convolution",
    title="Max pooling",
    truth=max_pool2d_forward,
    probes=_pool_probes,
    inputs={"x": "N height width C"},
    outputs=(("y", "N H' W' C"),),
    cache=True,
    slot="ops.max_pool2d.forward",
    hints=(
        "It is a convolution without weights. What takes the place of the weighted sum, and what happens to the channels?",
        "Each channel by itself: the largest of the KH * KW pixels of each window. What must stand in the border so that it "
        "never wins, even if all pixels are negative?",
        "Where no stride is given it is the window's own size. Pad with -np.inf, take the windows, bring the KH * KW pixels "
        "onto one axis; max gives y, argmax the place that the backward pass will ask for.",
    ),
    why="The maximum is taken over the two window axes only, so channels and images stay apart. The border counts as minus "
    "infinity, since a zero would win against negative pixels. The cache keeps who won: the backward pass needs nothing else "
    "of x.",
    mistakes=POOL1,
)

pool2 = Exercise(
    name="pool2",
    function="max_pool2d_backward",
    folder="03_convolution",
    title="Backward through max pooling",
    truth=max_pool2d_backward,
    truth_forward=max_pool2d_forward,
    forward="pool1",
    probes=_unpool_probes,
    inputs={"x": "N height width C"},
    outputs=(("dx", "N height width C"),),
    slot="ops.max_pool2d.backward",
    hints=(
        "If you move a pixel that did not win by a little, what happens to y? And one that won?",
        "Each number of dy goes whole to one pixel: the one that won in its window. A pixel may have won in several windows.",
        "Start from zeros of the padded shape. For each pixel k of the window: where winner == k, add dy to the pixels that "
        "stand there in all windows at once, a strided slice as in conv2. Cut the border off, return a tuple of one.",
    ),
    why="y copies the winner, so its derivative is 1 for the winner and 0 for all others: dy is handed to the winner and "
    "nobody else. With overlapping windows one pixel can win more than once, so the gradients add up. The border never "
    "wins, and is cut off.",
    mistakes=POOL2,
    examine=examine_ties,
    others=other_winners,
)

EXERCISES = (conv1, conv2, pool1, pool2)
