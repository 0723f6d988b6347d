"""The offline reader: lines of unequal width share a batch, its twin agrees, it learns, and it refuses nonsense."""

from __future__ import annotations

import numpy as np
import pytest

from minirnn import FAST, READABLE
from minirnn.data.digit_strings import compose, stroke_digits
from minirnn.decode_ctc import best_path
from minirnn.models.reader import ReaderConfig, columns_of, init_reader, read_forward, reader
from minirnn.optim import adam, clip_by_global_norm
from minirnn.tree import tree_items, tree_map

TINY = ReaderConfig(classes=11, height=16, channels=(3, 4, 5), hidden=6)


def parts(config=TINY, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    params, running = init_reader(rng, config, dtype)
    return tree_map(lambda w: w + 0.2 * rng.standard_normal(w.shape).astype(dtype), params), running


def pictures(widths, seed=1):
    """Random lines (N, 16, W), 0 behind their ends."""
    images = np.random.default_rng(seed).uniform(0, 1, (len(widths), 16, max(widths)))
    images *= np.arange(max(widths)) < np.array(widths)[:, None, None]
    return images


def read(images, widths, params, running, config=TINY, ops=READABLE):
    out, _ = read_forward(images, np.array(widths), running, params, config=config, training=False, ops=ops)
    return out[0]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_line_reads_the_same_alone_and_beside_wider_ones(cell):
    config = ReaderConfig(classes=5, height=16, channels=(3, 4, 5), hidden=4, cell=cell, layers=2)
    params, running = parts(config)
    widths = [37, 5, 16, 1]
    images = pictures(widths)
    together = read(images, widths, params, running, config)
    for n, width in enumerate(widths):
        alone = read(images[n : n + 1, :, :width], [width], params, running, config)
        columns = -(-width // 4)
        assert alone.shape == (1, columns, 5)
        np.testing.assert_allclose(together[n, :columns], alone[0], rtol=1e-9, atol=1e-12)


def test_every_column_sees_the_whole_line():
    """Both readers carry what they saw: a change at either end reaches the other."""
    params, running = parts()
    images = pictures([40])
    before = read(images, [40], params, running)
    for place, far in ((0, -1), (39, 0)):
        changed = images.copy()
        changed[:, :, place] = 1 - changed[:, :, place]
        assert np.abs(read(changed, [40], params, running)[:, far] - before[:, far]).max() > 1e-9


def test_the_fast_ops_agree():
    params, running = parts()
    widths = np.array([30, 21])
    args = (pictures(widths), widths, np.array([[1, 2, 2], [4, 0, 0]]), np.array([3, 1]), running, params)
    results = []
    for ops in (READABLE, FAST):
        (loss, after), cache = reader.forward(*args, config=TINY, training=True, ops=ops)
        results.append((loss, after, reader.backward((np.float64(1), None), cache)[-1]))
    for (name, a), (_, b) in zip(tree_items(results[0]), tree_items(results[1]), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-10, err_msg=name)


def test_the_loss_is_that_of_the_lines_together_per_label():
    params, running = parts()
    widths = np.array([30, 21])
    targets, lengths = np.array([[1, 2, 2], [4, 0, 0]]), np.array([3, 1])
    images = pictures(widths)

    def loss(rows):
        (value, _), _ = reader.forward(
            images[rows], widths[rows], targets[rows], lengths[rows], running, params, config=TINY, training=False
        )
        return value

    assert loss([0, 1]) == pytest.approx((3 * loss([0]) + loss([1])) / 4, rel=1e-9)


def test_it_learns_to_read():
    """From drawn digits of three kinds: the loss falls to a tenth, and lines that it has not seen are read."""
    digits, labels = stroke_digits(600)
    few = labels < 3
    digits, labels = digits[few], labels[few]
    config = ReaderConfig(classes=4, channels=(6, 8, 12), hidden=16)
    rng = np.random.default_rng(0)
    params, running = init_reader(rng, config)
    state, losses = adam.init(params), []
    for _ in range(120):
        x = compose(rng, digits[40:], labels[40:], 16, least=1, most=3)
        (loss, running), cache = reader.forward(
            x.images / np.float32(255),
            x.widths,
            x.targets,
            x.lengths,
            running,
            params,
            config=config,
            training=True,
            ops=FAST,
        )
        grads = reader.backward((np.float32(1), None), cache)[-1]
        grads, _ = clip_by_global_norm(grads, 1.0)
        params, state = adam.update(params, grads, state, lr=1e-2)
        losses.append(loss)
    x = compose(rng, digits[:40], labels[:40], 50, least=1, most=3)
    logits = read(x.images / np.float32(255), x.widths, params, running, config, FAST)
    found = ["".join(str(k - 1) for k in line) for line in best_path(logits, columns_of(x.widths))]
    assert np.mean(losses[-5:]) < 0.1 * losses[0]
    assert np.mean([a == b for a, b in zip(found, x.texts)]) > 0.8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": np.zeros((2, 16, 30, 1))}, r"images has 4 axes"),
        ({"images": np.zeros((2, 16, 30), np.uint8)}, r"images has dtype uint8"),
        ({"images": np.zeros((2, 20, 30))}, r"images have shape \(2, 20, 30\); expected lines of height 16"),
        ({"images": np.zeros((0, 16, 30)), "widths": np.zeros(0, int)}, r"no line counts nothing"),
        ({"widths": np.array([31, 20])}, r"widths hold 31; expected 1 to W = 30"),
        ({"widths": np.array([30, 0])}, r"widths hold 0"),
        ({"widths": np.array([30.0, 20])}, r"widths have .*float64; expected 2 integers"),
        ({"widths": np.array([30])}, r"widths have shape \(1,\)"),
        ({"targets": np.array([[0], [1]])}, r"target 0 at position \(0, 0\) is the blank"),
    ],
)
def test_refused(change, words):
    params, running = parts()
    given = {"images": np.zeros((2, 16, 30)), "widths": np.array([30, 20]), "targets": np.array([[1], [2]]), **change}
    with pytest.raises(ValueError, match=words):
        reader.forward(*given.values(), np.array([1, 1]), running, params, config=TINY, training=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cell": "elman"}, "cell is 'elman'"),
        ({"channels": (8,)}, r"channels is \(8,\); expected at least 2"),
        ({"channels": (8, 0)}, r"at least one channel"),
        ({"height": 20}, r"height is 20; 3 blocks need a multiple of 8"),
        ({"classes": 1}, "classes is 1; expected at least 2"),
        ({"hidden": 0}, "hidden is 0"),
        ({"layers": -1}, "layers is -1"),
        ({"drop": 1.0}, r"drop is 1\.0"),
    ],
)
def test_settings_out_of_range(settings, words):
    with pytest.raises(ValueError, match=words):
        ReaderConfig(**{"classes": 11, **settings})


def test_a_line_too_narrow_for_its_labels_has_no_finite_loss():
    params, running = parts()
    (loss, _), cache = reader.forward(
        pictures([8]), np.array([8]), np.array([[1, 1]]), np.array([2]), running, params, config=TINY, training=False
    )
    assert loss == np.inf
    assert all(np.isfinite(g).all() for _, g in tree_items(reader.backward((np.float64(1), None), cache)[-1]))
