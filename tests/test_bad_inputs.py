"""Bad input into a layer: one clear sentence that says what came and what was expected, or a stated result."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from minirnn import functional as F
from minirnn.cases import CASES
from minirnn.checking.run import problem_of
from minirnn.models.captioner_params import CaptionerConfig
from minirnn.optim import sgd
from minirnn.pair import chain
from minirnn.tree import tree_from_items
from minirnn.unroll import Both, bidirectional, stacked, unroll

LSTM = F.LSTMParams(np.ones((5, 8)), np.ones((2, 8)), np.ones(8))
STATE = F.LSTMState(np.ones((3, 2)), np.ones((3, 2)))
CONV = F.ConvParams(np.ones((3, 3, 3, 2)), np.ones(2))
NORM, STATS = F.NormParams(np.ones(5), np.ones(5)), F.RunningStats(np.ones(5), np.ones(5))
IMAGES, WORDS, TABLE = np.ones((2, 4, 4, 3)), np.array([[1, 2, 0], [0, 3, 1]]), np.ones((4, 5))
LOGITS, TARGETS = np.ones((2, 3, 4)), np.array([[1, 2, 0], [0, 3, 1]])
Q, K, V = np.ones((2, 3, 4)), np.ones((2, 5, 4)), np.ones((2, 5, 6))
BOTH = Both(STATE, STATE), Both(LSTM, LSTM)

lstm, both_ways = unroll(F.lstm_step).forward, bidirectional(F.lstm_step).forward


def swapped(ids, place, value):
    ids = ids.copy()
    ids[place] = value
    return ids


# What is called, and the words of the ValueError. The numbers are those of the table of bad inputs.
REFUSED = {
    "1 feature size": (lambda: lstm(np.ones((3, 4, 6)), STATE, LSTM), r"x has 6 features but Wx expects 5"),
    "1 feature size, affine": (
        lambda: F.affine.forward(np.ones((3, 6)), F.AffineParams(np.ones((5, 2)), np.ones(2))),
        r"x has 6 features but W expects 5",
    ),
    "2 two axes into a sequence": (lambda: lstm(np.ones((3, 5)), STATE, LSTM), r"x has 2 axes.*\(3, 5\).*expected 3"),
    "2 three axes into a step": (
        lambda: F.lstm_step.forward(np.ones((3, 4, 5)), STATE, LSTM),
        r"x has 3 axes.*expected 2 axes \(N, D\)",
    ),
    "2 three axes into conv2d": (lambda: F.conv2d.forward(np.ones((4, 4, 3)), CONV), r"x has 3 axes.*\(N, H, W, C\)"),
    "3 time first": (lambda: lstm(np.ones((4, 3, 5)), STATE, LSTM), r"state.h has shape \(3, 2\); expected \(4, 2\)"),
    "3 time first, lengths": (
        lambda: both_ways(np.ones((4, 3, 5)), *BOTH, lengths=np.array([1, 2, 3])),
        r"lengths has shape \(3,\).*expected 4",
    ),
    "4 bytes": (lambda: F.conv2d.forward(np.ones((2, 4, 4, 3), np.uint8), CONV), r"x has dtype uint8; expected float"),
    "9 mean loss of nothing": (
        lambda: F.cross_entropy.forward(LOGITS[:0], TARGETS[:0], None),
        r"counts nothing.*sum is 0",
    ),
    "10 batch norm of nothing": (
        lambda: F.batch_norm.forward(np.ones((0, 5)), STATS, NORM, training=True),
        r"x has shape \(0, 5\).*at least two values per feature",
    ),
    "11 batch norm of one value": (
        lambda: F.batch_norm.forward(np.ones((1, 5)), STATS, NORM, training=True),
        r"x has shape \(1, 5\).*at least two values per feature",
    ),
    "11 batch norm of one pixel": (
        lambda: F.batch_norm.forward(np.ones((1, 1, 1, 5)), STATS, NORM, training=True),
        r"at least two values per feature",
    ),
    "12 no time step": (lambda: lstm(np.ones((3, 0, 5)), STATE, LSTM), r"\(3, 0, 5\): no time step.*at least 1"),
    "12 no time step, both ways": (lambda: both_ways(np.ones((3, 0, 5)), *BOTH), r"no time step"),
    "16 float ids": (lambda: F.embedding.forward(WORDS.astype(float), TABLE), r"ids have dtype float64.*integer"),
    "16 boolean ids": (lambda: F.embedding.forward(WORDS > 0, TABLE), r"ids have dtype bool.*integer"),
    "16 float targets": (
        lambda: F.cross_entropy.forward(LOGITS, TARGETS.astype(float), None),
        r"targets have dtype float64.*integer",
    ),
    "18 all masked": (
        lambda: F.cross_entropy.forward(LOGITS, TARGETS, np.zeros((2, 3), bool)),
        r"counts nothing.*sum is 0",
    ),
    "19 targets with an axis more": (
        lambda: F.cross_entropy.forward(LOGITS, TARGETS[..., None], None),
        r"targets have shape \(2, 3, 1\).*need \(2, 3\)",
    ),
    "19 targets with an axis less": (
        lambda: F.cross_entropy.forward(LOGITS[0], TARGETS[0, :1], None),
        r"targets have shape \(1,\).*need \(3,\)",
    ),
    "19 mask of another shape": (
        lambda: F.cross_entropy.forward(LOGITS, TARGETS, np.ones((2, 1))),
        r"mask has shape \(2, 1\) but targets have \(2, 3\)",
    ),
    "19 weights below zero": (
        lambda: F.cross_entropy.forward(LOGITS, TARGETS, np.array([[1, -1, 1], [1, 1, 1.0]])),
        r"weight below 0",
    ),
    "20 length zero": (
        lambda: both_ways(np.ones((3, 4, 5)), *BOTH, lengths=np.array([4, 0, 2])),
        r"lengths holds 0; expected 1 to T = 4",
    ),
    "20 float lengths": (
        lambda: both_ways(np.ones((3, 4, 5)), *BOTH, lengths=np.array([4.0, 1, 2])),
        r"lengths has.*float64; expected 3 integers",
    ),
    "21 length above T": (
        lambda: both_ways(np.ones((3, 4, 5)), *BOTH, lengths=np.array([4, 5, 2])),
        r"lengths holds 5; expected 1 to T = 4",
    ),
    "27 kernel larger than the image": (
        lambda: F.conv2d.forward(np.ones((2, 1, 1, 3)), CONV),
        r"window is 3x3 but the padded image only 1x1",
    ),
    "27 before anything is allocated": (
        lambda: F.conv2d.forward(
            np.ones((1, 1, 1, 3)), F.ConvParams(np.broadcast_to(1.0, (90_000, 90_000, 3, 2)), np.ones(2))
        ),
        r"window is 90000x90000 but the padded image only 1x1",
    ),
    "27 pooling window larger than the image": (
        lambda: F.max_pool2d.forward(np.ones((2, 1, 4, 3)), size=2),
        r"window is 2x2 but the padded image only 1x4",
    ),
    "27 average window larger than the image": (
        lambda: F.avg_pool2d.forward(np.ones((2, 4, 1, 3)), size=2),
        r"window is 2x2 but the padded image only 4x1",
    ),
    "27 no pixel": (lambda: F.global_avg_pool.forward(np.ones((2, 0, 4, 3))), r"\(2, 0, 4, 3\): no pixel"),
    "28 channels first": (
        lambda: F.conv2d.forward(np.ones((2, 3, 4, 4)), CONV),
        r"x has 4 channels but W expects 3; images are \(N, H, W, C\): this looks like \(N, C, H, W\)",
    ),
    "28 other channels": (lambda: F.conv2d.forward(np.ones((2, 4, 4, 5)), CONV), r"x has 5 channels but W expects 3$"),
    "29 stride 0": (lambda: F.conv2d.forward(IMAGES, CONV, stride=0), r"stride is 0; expected .* at least 1"),
    "29 stride (1, 0)": (lambda: F.max_pool2d.forward(IMAGES, stride=(1, 0)), r"stride is \(1, 0\); expected"),
    "29 stride 1.5": (lambda: F.conv2d.forward(IMAGES, CONV, stride=1.5), r"stride is 1.5; expected an integer"),
    "29 window 0": (lambda: F.avg_pool2d.forward(IMAGES, size=0), r"size is 0; expected .* at least 1"),
    "29 pad below 0": (lambda: F.conv2d.forward(IMAGES, CONV, pad=-1), r"pad is -1; expected .* at least 0"),
    "29 pad as wide as the window": (
        lambda: F.max_pool2d.forward(IMAGES, size=2, pad=2),
        r"pad is 2 but must be smaller than the window \(2, 2\)",
    ),
    "29 pad as wide as the window, average": (
        lambda: F.avg_pool2d.forward(IMAGES, size=3, pad=(0, 3)),
        r"pad is \(0, 3\) but must be smaller",
    ),
    "29 pad that leaves nothing": (
        lambda: F.conv_transpose2d.forward(IMAGES, F.ConvTransposeParams(*CONV), pad=3),
        r"pad 3 leaves nothing of an output of 6x6",
    ),
    "29 dropout 1.5": (lambda: F.dropout.forward(Q, p=1.5, training=False), r"p is 1.5; expected .*below 1"),
    "29 dropout 1": (lambda: F.dropout.forward(Q, p=1, training=False), r"p is 1; expected .*below 1"),
    "29 dropout NaN": (lambda: F.dropout.forward(Q, p=float("nan"), training=False), r"p is nan; expected"),
    "29 dropout without a generator": (lambda: F.dropout.forward(Q, p=0.5, training=True), r"Generator as rng"),
    "29 hidden 0": (lambda: CaptionerConfig(vocab=5, hidden=0), r"hidden is 0; expected at least 1"),
    "29 learning rate below 0": (
        lambda: sgd.update((Q,), (Q,), sgd.init((Q,)), lr=-0.1),
        r"lr is -0.1; expected at least 0",
    ),
    "mask that hides everything": (
        lambda: F.dot_attention.forward(Q, K, V, np.zeros((2, 3, 5), bool)),
        r"mask leaves a query no location",
    ),
    "mask of numbers": (
        lambda: F.dot_attention.forward(Q, K, V, np.ones((2, 3, 5))),
        r"mask has dtype float64; expected .*booleans",
    ),
    "mask of another shape": (
        lambda: F.dot_attention.forward(Q, K, V, np.ones((2, 3, 4), bool)),
        r"mask has shape \(2, 3, 4\).*\(2, 3, 5\)",
    ),
    "keys and values differ": (lambda: F.dot_attention.forward(Q, K, V[:, :4], None), r"v has .*but k has \(2, 5\)"),
    "no location": (lambda: F.dot_attention.forward(Q, K[:, :0], V[:, :0], None), r"no location to look at"),
    "no class": (lambda: F.softmax.forward(np.ones((3, 0))), r"at least one class"),
    "a chain with a part missing": (lambda: chain(F.affine, F.relu).forward(Q, (None,)), r"1 entries but .* 2 pairs"),
    "a stack with a part missing": (
        lambda: stacked(unroll(F.lstm_step)).forward(np.ones((3, 4, 5)), (STATE,), (LSTM, LSTM)),
        r"1 layers got 1 states and 2 sets of parameters",
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_refused_in_one_sentence(row):
    call, words = REFUSED[row]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


OUT_OF_RANGE = {
    "14 id equal to the size": (
        lambda: F.embedding.forward(swapped(WORDS, (1, 2), 4), TABLE),
        r"id 4 at position \(1, 2\) is out of range: there are 4 rows",
    ),
    "15 id -1": (
        lambda: F.embedding.forward(swapped(WORDS, (0, 1), -1), TABLE),
        r"id -1 at position \(0, 1\) is out of range",
    ),
    "17 label equal to the classes": (
        lambda: F.cross_entropy.forward(LOGITS, swapped(TARGETS, (1, 0), 4), None),
        r"target 4 at position \(1, 0\) is out of range: there are 4 classes",
    ),
    "17 label -1": (
        lambda: F.cross_entropy.forward(LOGITS, swapped(TARGETS, (0, 0), -1), None),
        r"target -1 at position \(0, 0\) is out of range",
    ),
    "17 label -1 behind the mask": (
        lambda: F.cross_entropy.forward(LOGITS, swapped(TARGETS, (0, 0), -1), WORDS > 1),
        r"target -1 at position \(0, 0\)",
    ),
}


@pytest.mark.parametrize("row", OUT_OF_RANGE)
def test_out_of_range(row):
    call, words = OUT_OF_RANGE[row]
    with pytest.raises(IndexError, match=words):
        call()


# 5: nothing is downcast.
def test_float64_into_float32_weights_stays_float64():
    params = F.AffineParams(np.ones((5, 2), np.float32), np.ones(2, np.float32))
    x = np.full((3, 5), 1 / 3)
    y, cache = F.affine.forward(x, params)
    assert y.dtype == np.float64
    dx, _ = F.affine.backward(np.ones((3, 2)), cache)
    assert dx.dtype == np.float64
    np.testing.assert_allclose(y, 5 / 3 + 1, rtol=1e-15)


# 7: a NaN in a window comes out, and only there.
@pytest.mark.parametrize("place", [(0, 0), (1, 1), (0, 1), (2, 3)])
def test_nan_goes_through_max_pooling(place):
    x = np.arange(32.0).reshape(1, 4, 4, 2)
    x[0, place[0], place[1], 1] = np.nan
    y, _ = F.max_pool2d.forward(x, size=2)
    expected = np.zeros((1, 2, 2, 2), bool)
    expected[0, place[0] // 2, place[1] // 2, 1] = True
    np.testing.assert_array_equal(np.isnan(y), expected)
    y, _ = F.global_max_pool.forward(x)
    np.testing.assert_array_equal(np.isnan(y), [[False, True]])


# 10: batch norm that refuses leaves the running statistics as they were.
def test_refused_batch_norm_keeps_running_statistics():
    running = F.RunningStats(np.arange(5.0), np.arange(5.0) + 1)
    with pytest.raises(ValueError, match="two values"):
        F.batch_norm.forward(np.ones((0, 5)), running, NORM, training=True)
    np.testing.assert_array_equal(running.mean, np.arange(5.0))
    np.testing.assert_array_equal(running.var, np.arange(5.0) + 1)


LEAVES = [
    (case, name)
    for case in CASES
    if not case.model and case.name != "bidirectional-lengths"
    for name, leaf in problem_of(case.pair, case.args(), case.options, case.constants).leaves.items()
    if leaf.dtype.kind == "f" and name != "mask"
]


@pytest.mark.parametrize(("case", "name"), LEAVES, ids=[f"{case.name}-{name}" for case, name in LEAVES])
def test_what_is_no_float_array_is_named(case, name):
    """A list, nothing, integers, objects or complex numbers where floats are expected, in every place of every pair."""
    problem = problem_of(case.pair, case.args(), case.options, case.constants)
    leaf = problem.leaves[name]
    for bad in (leaf.tolist(), None, leaf.astype(int), leaf.astype(object), leaf.astype(complex)):
        leaves = {**problem.leaves, name: bad}
        args = [tree_from_items(arg, leaves, n) for n, arg in zip(problem.names, problem.args)]
        with pytest.raises(ValueError, match=rf"\b{name.split('.')[-1]}\b.*(dtype|expected)"):
            case.pair.forward(*args, **copy.deepcopy(dict(case.options)))
