"""The fast twins against their readable pairs: larger sizes, and work in many blocks."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from minirnn import FAST, READABLE, Pair, fast, optim
from minirnn import functional as F
from minirnn.cases.draw import both, gru, lstm, rnn
from minirnn.fast import columns, conv
from minirnn.fast import optim as fast_optim
from minirnn.fast.conv_pool import pooled_forward
from minirnn.fast.rows import add_bias, column_sums
from minirnn.fast.scratch import scratch
from minirnn.models.captioner import advance, start
from minirnn.models.captioner_params import CaptionerConfig, init_captioner
from minirnn.models.captioner_speaker import Speaker
from minirnn.tree import tree_items, tree_leaves, tree_map
from minirnn.unroll import bidirectional, stacked, unroll

BLOCKS = {
    "columns": 2**9, "conv_pool": 2**11, "pool": 2**9, "winograd": 2**11, "losses": 2**7, "norm": 2**7, "optim": 2**5,
}  # fmt: skip


@pytest.fixture
def in_blocks(monkeypatch):
    """Blocks so small that every array falls into many."""
    for module, size in BLOCKS.items():
        monkeypatch.setattr(sys.modules[f"minirnn.fast.{module}"], "BLOCK", size)
    monkeypatch.setattr(columns, "KEEP", 0)
    monkeypatch.setattr(conv, "STAMPED", 5)


def assert_close(mine, readable, rtol=1e-11):
    """Two trees with equal leaves up to rounding."""
    for (name, a), (other, b) in zip(tree_items(mine), tree_items(readable), strict=True):
        assert name == other
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(1.0, float(np.abs(b).max(initial=0))), err_msg=name)


def hold_together(twin, readable, args, **options):
    out, cache = readable.forward(*args, **options)
    mine, my_cache = twin.forward(*args, **options)
    assert_close(mine, out)
    rng = np.random.default_rng(9)
    dout = tree_map(lambda leaf: rng.standard_normal(np.shape(leaf)).astype(leaf.dtype)[()], out)
    assert_close(twin.backward(dout, my_cache), readable.backward(dout, cache))


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize("way", ["winograd", "planes", "windows"])
@pytest.mark.parametrize("size", [(13, 10), (8, 21)])
def test_conv2d(way, size):
    rng = np.random.default_rng(0)
    args = rng.standard_normal((5, *size, 3)), F.ConvParams(rng.standard_normal((3, 3, 3, 4)), rng.standard_normal(4))
    hold_together(fast.conv2d.bind(way=way), F.conv2d, args, pad=((1, 2), (0, 1)))
    assert_close(*(p.forward(*args, pad=1, need_dx=False)[0] for p in (fast.conv2d.bind(way=way), F.conv2d)))


@pytest.mark.parametrize("whole", [False, True])
def test_every_kernel_and_stride(whole, request):
    if not whole:
        request.getfixturevalue("in_blocks")
    for seed in range(60):
        rng = np.random.default_rng(seed)
        N, H, W, C, M = (int(n) for n in rng.integers(1, (4, 12, 12, 9, 9)))
        KH, KW = (int(n) for n in rng.integers(1, 5, 2))
        pad = tuple(tuple(int(n) for n in rng.integers(0, 4, 2)) for _ in range(2))
        stride = tuple(int(n) for n in rng.integers(1, 4, 2)) if seed % 2 else 1
        if H + sum(pad[0]) < KH or W + sum(pad[1]) < KW:
            continue
        args = (
            rng.standard_normal((N, H, W, C)),
            F.ConvParams(rng.standard_normal((KH, KW, C, M)), rng.standard_normal(M)),
        )
        hold_together(fast.conv2d, F.conv2d, args, pad=pad, stride=stride)


def test_the_way_is_chosen_by_shape():
    assert conv._way((3, 3, 64, 64), (1, 1), 10**4) == "winograd"
    assert conv._way((3, 3, 64, 64), (1, 1), 10**3) == "windows"
    assert conv._way((3, 3, 64, 64), (2, 2), 10**4) == "windows"
    assert conv._way((5, 5, 1, 16), (1, 1), 10**4) == "planes"
    assert conv._way((5, 5, 64, 64), (1, 1), 10**4) == "windows"


def test_a_way_that_does_not_suit():
    x, params = np.ones((1, 5, 5, 2)), F.ConvParams(np.ones((2, 3, 2, 1)), np.ones(1))
    with pytest.raises(ValueError, match="winograd needs a 3x3 kernel and stride 1; got 2x3"):
        fast.conv2d.forward(x, params, way="winograd")
    with pytest.raises(ValueError, match="planes need stride 1"):
        fast.conv2d.forward(x, params, way="planes", stride=2)
    with pytest.raises(ValueError, match="expected winograd, planes or windows"):
        fast.conv2d.forward(x, params, way="quick")


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize(
    ("stride", "pad", "extra"), [(2, 1, 0), (1, 0, 0), (1, 0, 1), ((2, 3), ((1, 0), (0, 2)), (1, 2))]
)
def test_conv_transpose2d(stride, pad, extra):
    rng = np.random.default_rng(1)
    params = F.ConvTransposeParams(rng.standard_normal((4, 3, 5, 2)), rng.standard_normal(2))
    args = rng.standard_normal((3, 7, 6, 5)), params
    hold_together(fast.conv_transpose2d, F.conv_transpose2d, args, stride=stride, pad=pad, extra=extra)


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize("values", ["draws", "ties", "nan"])
@pytest.mark.parametrize("options", [{}, {"size": 3, "stride": 2, "pad": 1}])
def test_max_pool2d(values, options):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4, 9, 8, 3)) if values != "ties" else rng.integers(0, 2, (4, 9, 8, 3)).astype(float)
    if values == "nan":
        x[rng.random(x.shape) < 0.2] = np.nan
    hold_together(fast.max_pool2d, F.max_pool2d, (x,), **options)


@pytest.mark.parametrize("place", [(3, 0, 0), (3, 0, 1), (3, 1, 0), (3, 7, 7)])
def test_max_pool2d_sees_every_nan(place):
    x = np.random.default_rng(2).standard_normal((4, 8, 8, 3))
    x[place] = np.nan
    hold_together(fast.max_pool2d, F.max_pool2d, (x,))


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize("values", ["draws", "ties", "nan"])
@pytest.mark.parametrize(("size", "pad"), [((13, 10), ((1, 2), (0, 1))), ((8, 12), 1)])
def test_conv_pool(values, size, pad):
    rng = np.random.default_rng(12)
    x, W = rng.standard_normal((5, *size, 2)), rng.standard_normal((3, 3, 2, 4))
    if values == "ties":
        x, W = (rng.integers(0, 2, a.shape).astype(float) for a in (x, W))
    if values == "nan":
        x[-1, 4, 4, 0] = np.nan
    args = x, F.ConvParams(W, rng.standard_normal(4))
    twin, readable = (ops.conv_pool(ops.conv2d, ops.max_pool2d) for ops in (FAST, READABLE))
    hold_together(twin, readable, args, pad=pad)
    y, cache = twin.forward(*args, pad=pad, need_dx=False)
    assert twin.backward(y, cache)[0] is None
    if values == "draws":
        assert np.array_equal(pooled_forward(*args, pad=pad)[0], y)  # the one sweep was at work


def test_conv_pool_of_other_pairs_is_composed():
    rng = np.random.default_rng(13)
    args = rng.standard_normal((2, 8, 8, 2)), F.ConvParams(rng.standard_normal((3, 3, 2, 4)), rng.standard_normal(4))
    twice = Pair(lambda *a, **k: (2 * F.conv2d.forward(*a, **k)[0], None), F.conv2d.backward, "twice")
    y, _ = FAST.conv_pool(twice, FAST.max_pool2d).forward(*args)
    np.testing.assert_allclose(y, 2 * FAST.conv_pool(FAST.conv2d, FAST.max_pool2d).forward(*args)[0], rtol=1e-12)


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(4, 6, 5, 3), (64, 8), (7, 300), (33, 16, 16, 3)])
def test_batch_norm(training, shape):
    rng = np.random.default_rng(3)
    C = shape[-1]
    args = (
        100 + rng.standard_normal(shape),
        F.RunningStats(rng.standard_normal(C), rng.uniform(0.5, 2, C)),
        F.NormParams(rng.standard_normal(C), rng.standard_normal(C)),
    )
    rectified = READABLE.norm_relu(F.batch_norm, F.relu)
    for twin, readable in ((fast.batch_norm, F.batch_norm), (fast.norm_relu(fast.batch_norm, F.relu), rectified)):
        (y, running), cache = readable.forward(*args, training=training)
        (mine, my_running), my_cache = twin.forward(*args, training=training)
        assert_close((mine, my_running), (y, running), rtol=1e-9)
        dout = rng.standard_normal(shape), None
        assert_close(twin.backward(dout, my_cache), readable.backward(dout, cache), rtol=1e-9)


def test_norm_relu_of_other_pairs_is_composed():
    assert fast.norm_relu(fast.batch_norm, F.relu) is fast.rectified
    assert fast.norm_relu(F.batch_norm, F.relu) is not fast.rectified
    assert fast.norm_relu(fast.batch_norm, F.tanh) is not fast.rectified


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize("kind", ["none", "mask", "weights"])
def test_cross_entropy(kind):
    rng = np.random.default_rng(4)
    targets = rng.integers(0, 40, (6, 5))
    mask = {"none": None, "mask": rng.random((6, 5)) < 0.4, "weights": rng.random((6, 5)) * (rng.random((6, 5)) < 0.7)}
    hold_together(fast.cross_entropy, F.cross_entropy, (rng.standard_normal((6, 5, 40)) * 30, targets, mask[kind]))


@pytest.mark.parametrize("shape", [(50,), (9, 4), (0,)])
def test_embedding(shape):
    rng = np.random.default_rng(5)
    hold_together(fast.embedding, F.embedding, (rng.integers(0, 7, shape), rng.standard_normal((9, 3, 2))))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_sequences(cell):
    rng = np.random.default_rng(6)
    make = {"rnn": rnn, "lstm": lstm, "gru": gru}[cell]
    step = READABLE.step(cell)
    x = rng.standard_normal((4, 11, 5))
    hold_together(fast.unroll(step), unroll(step), (x, *make(rng, 4)))
    hold_together(
        fast.bidirectional(step), bidirectional(step), (x, *both(make, rng, 4)), lengths=np.array([1, 11, 4, 7])
    )
    layers = ((x, (s1, s2), (p1, p2)) for (s1, p1), (s2, p2) in [(make(rng, 4), make(rng, 4, 2))])
    twin, readable = (stacked(u(step), u(step)) for u in (fast.unroll, unroll))
    hold_together(twin, readable, next(layers))


def test_a_step_of_ones_own_runs_in_the_readable_loop():
    mine = F.lstm_step.bind()
    assert fast.unroll(F.lstm_step) is fast.lstm
    assert fast.unroll(mine) is not fast.lstm
    rng = np.random.default_rng(7)
    hold_together(fast.unroll(mine), fast.lstm, (rng.standard_normal((2, 3, 5)), *lstm(rng, 2)))


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize(("name", "decay"), [("adam_update", 0.0), ("adam_update", 0.1), ("adamw_update", 0.1)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_adam(name, decay, dtype):
    rng = np.random.default_rng(8)
    params = (rng.standard_normal((7, 9)).astype(dtype), (rng.standard_normal(300).astype(dtype), None))
    states = [(params, optim.adam_init(params))] * 2
    for _ in range(4):
        grads = fast_optim.unflat(rng.standard_normal(363).astype(dtype), params)  # parts of one array: taken as it is
        before = [leaf.copy() for leaf in tree_leaves((grads, *states))]
        updates = getattr(fast_optim, name), getattr(optim, name)
        new = [u(p, grads, s, lr=0.1, weight_decay=decay) for u, (p, s) in zip(updates, states)]
        assert_close(*new, rtol=1e-11 if dtype == np.float64 else 1e-5)
        assert all(
            np.array_equal(a, b) for a, b in zip(before, tree_leaves((grads, *states)))
        )  # nothing was written into
        states = new


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("image", ["first", "every", "attention", "none"])
@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_the_speaker_says_what_the_captioner_says(cell, image, attention):
    rng = np.random.default_rng(11)
    config = CaptionerConfig(
        vocab=9, image_size=16, channels=(4, 5), attend=1, features=6, embed=3, hidden=4, local=5, cell=cell,
        image=image, attention=attention,
    )  # fmt: skip
    params, running = init_captioner(rng, config, np.float64)
    params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)
    speaker, images = Speaker.of(params, running, config, FAST), rng.random((3, 16, 16, 3))
    mine, theirs = speaker.start(images), start(images, running, params, config=config)
    for words in rng.integers(0, 9, (4, 3)):
        logp, mine = speaker.advance(words, mine)
        expected, theirs = advance(words, theirs, params, config=config)
        assert_close((logp, mine.state, mine.where), (expected, theirs.state, theirs.where), rtol=1e-9)


def test_flat_arrays_are_copied_only_once():
    params = (np.ones((2, 3)), np.zeros(4))
    values = fast_optim.flat(params)
    tree = fast_optim.unflat(values, params)
    assert fast_optim.flat(tree) is values
    assert fast_optim.flat((tree[1], tree[0])) is not values  # another order
    np.testing.assert_array_equal(fast_optim.flat((tree[1], tree[0])), [0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    assert fast_optim.flat(()).size == 0
    np.testing.assert_array_equal(fast_optim.flat((tree[0],)), np.ones(6))  # a part of the whole
    order = fast_optim.unflat(np.arange(10.0), params)
    np.testing.assert_array_equal(fast_optim.flat((order[0].T, order[1])), [0, 3, 1, 4, 2, 5, 6, 7, 8, 9])


@pytest.mark.parametrize("shape", [(8200, 3), (8191, 5), (2**13, 2), (30, 300), (0, 4)])
def test_rows_widened(shape):
    rng = np.random.default_rng(14)
    x, b = rng.standard_normal(shape), rng.standard_normal(shape[1])
    np.testing.assert_allclose(column_sums(x), x.sum(axis=0), atol=1e-9)
    expected = x + b
    add_bias(x, b)
    np.testing.assert_array_equal(x, expected)
    left = rng.standard_normal((shape[0], 2 * shape[1]))[:, : shape[1]]
    expected = left + b
    add_bias(left, b)
    np.testing.assert_array_equal(left, expected)


def test_results_do_not_share_memory_with_scratch():
    """What a call returns is left alone by the next one."""
    rng = np.random.default_rng(10)
    params = F.ConvParams(rng.standard_normal((3, 3, 2, 3)), rng.standard_normal(3))
    for way in ("winograd", "planes", "windows"):
        x = rng.standard_normal((2, 6, 6, 2))
        y, cache = fast.conv2d.forward(x, params, pad=1, way=way)
        grads = fast.conv2d.backward(np.ones_like(y), cache)
        kept = [leaf.copy() for leaf in tree_leaves((y, grads))]
        y2, cache2 = fast.conv2d.forward(-x, params, pad=1, way=way)
        fast.conv2d.backward(-np.ones_like(y2), cache2)
        assert all(np.array_equal(a, b) for a, b in zip(kept, tree_leaves((y, grads))))


def test_scratch_is_reused_and_grows():
    first = scratch("test", (4,), np.float32)
    assert np.shares_memory(first, scratch("test", (2, 2), np.float32))
    assert scratch("test", (100,), np.float64).shape == (100,)


def test_scratch_belongs_to_a_thread():
    mine, theirs = scratch("test", (4,), np.float32), []
    thread = threading.Thread(target=lambda: theirs.append(scratch("test", (4,), np.float32)))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, theirs[0])


def test_the_table():
    """FAST differs from READABLE in what is tuned, and in nothing else."""
    assert FAST.relu is READABLE.relu
    assert FAST.conv2d is fast.conv2d
    assert FAST.unroll(FAST.lstm_step) is fast.lstm
