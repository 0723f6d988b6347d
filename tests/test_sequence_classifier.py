"""The sequence classifier: what it reads of a sequence, and PyTorch's own layers beside it."""

from __future__ import annotations

import numpy as np
import pytest

from minirnn.models.sequence_classifier import (
    SequenceConfig,
    init_sequence,
    sequence_classifier,
    sequence_logits,
)
from minirnn.ops import FAST, READABLE
from minirnn.tree import tree_items, tree_leaves, tree_map

LENGTHS = np.array([5, 2, 1, 4])
KINDS = [
    {"cell": "lstm"}, {"cell": "gru", "pool": "mean"}, {"cell": "rnn", "both": False},
    {"cell": "gru", "both": False, "pool": "mean", "layers": 2}, {"cell": "lstm", "layers": 2},
]  # fmt: skip


def model(seed=0, **config):
    """(config, params, features, targets) in float64."""
    rng = np.random.default_rng(seed)
    c = SequenceConfig(features=3, classes=4, hidden=5, **config)
    params = tree_map(lambda w: w + 0.2 * rng.standard_normal(w.shape), init_sequence(rng, c, np.float64))
    return c, params, rng.standard_normal((4, 5, 3)), rng.integers(0, 4, 4)


def logits_of(x, lengths, c, params, ops=READABLE):
    return sequence_logits.forward(x, lengths, params, config=c, training=False, ops=ops)


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_behind_a_sequence_is_not_read(kind):
    c, params, x, _ = model(**kind)
    rubbish = x.copy()
    for n, length in enumerate(LENGTHS):
        rubbish[n, length:] = 1e3
    expected, cache = logits_of(x, LENGTHS, c, params)
    np.testing.assert_array_equal(logits_of(rubbish, LENGTHS, c, params)[0], expected)
    dx, dlengths, _ = sequence_logits.backward(np.ones_like(expected), cache)
    assert dlengths is None
    for n, length in enumerate(LENGTHS):
        assert (dx[n, length:] == 0).all()
        assert (dx[n, length - 1] != 0).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_gives_the_same_alone_and_among_longer_ones(kind):
    c, params, x, _ = model(**kind)
    together, _ = logits_of(x, LENGTHS, c, params)
    for n, length in enumerate(LENGTHS):
        alone, _ = logits_of(x[n : n + 1, :length], LENGTHS[n : n + 1], c, params)
        np.testing.assert_allclose(alone[0], together[n], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_pairs_give_the_same(kind):
    c, params, x, targets = model(**kind)
    results = []
    for ops in (READABLE, FAST):
        (loss, _), cache = sequence_classifier.forward(
            x, LENGTHS, targets, (), params, config=c, training=False, ops=ops
        )
        results.append((loss, sequence_classifier.backward((1.0, None), cache)))
    (loss, grads), (fast_loss, fast_grads) = results
    assert fast_loss == pytest.approx(loss, rel=1e-12)
    for mine, other in zip(tree_leaves(grads), tree_leaves(fast_grads), strict=True):
        np.testing.assert_allclose(other, mine, rtol=1e-9, atol=1e-12)


def test_the_last_state_of_the_backward_reader_is_at_the_first_step():
    c, params, x, _ = model(cell="rnn")
    changed = x.copy()
    changed[0, 0] += 1  # read last by the backward reader, first by the forward reader
    reader = params.cells[0].back
    h = np.zeros(5)
    for t in reversed(range(LENGTHS[0])):
        h = np.tanh(changed[0, t] @ reader.Wx + h @ reader.Wh + reader.b)
    ahead = params.cells[0].ahead
    g = np.zeros(5)
    for t in range(LENGTHS[0]):
        g = np.tanh(changed[0, t] @ ahead.Wx + g @ ahead.Wh + ahead.b)
    expected = np.concatenate([g, h]) @ params.out.W + params.out.b
    np.testing.assert_allclose(logits_of(changed, LENGTHS, c, params)[0][0], expected, rtol=1e-12)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [True, False])
def test_against_pytorch(layers, both):
    torch = pytest.importorskip("torch")
    c, params, x, targets = model(cell="lstm", layers=layers, both=both)
    net = torch.nn.LSTM(3, 5, layers, batch_first=True, bidirectional=both).double()
    with torch.no_grad():
        for k, cell in enumerate(params.cells):
            for p, suffix in zip(cell if both else (cell,), ("", "_reverse")):
                getattr(net, f"weight_ih_l{k}{suffix}").copy_(torch.from_numpy(p.Wx.T))
                getattr(net, f"weight_hh_l{k}{suffix}").copy_(torch.from_numpy(p.Wh.T))
                getattr(net, f"bias_ih_l{k}{suffix}").copy_(torch.from_numpy(p.b))
                getattr(net, f"bias_hh_l{k}{suffix}").zero_()
    tensor = torch.from_numpy(x).requires_grad_()
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        tensor, torch.from_numpy(LENGTHS), batch_first=True, enforce_sorted=False
    )
    _, (h, _) = net(packed)
    top = torch.cat([h[-2], h[-1]], dim=1) if both else h[-1]
    W = torch.from_numpy(params.out.W.copy()).requires_grad_()
    theirs = torch.nn.functional.cross_entropy(top @ W + torch.from_numpy(params.out.b), torch.from_numpy(targets))
    theirs.backward()
    (loss, _), cache = sequence_classifier.forward(x, LENGTHS, targets, (), params, config=c, training=True)
    dx, *_, dparams = sequence_classifier.backward((1.0, None), cache)
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dparams.out.W, W.grad.numpy(), rtol=1e-9, atol=1e-12)
    first = dparams.cells[0].back if both else dparams.cells[0]
    their_first = getattr(net, f"weight_hh_l0{'_reverse' if both else ''}").grad.numpy().T
    np.testing.assert_allclose(first.Wh, their_first, rtol=1e-9, atol=1e-12)


def test_no_sequence_gives_no_logits_and_zero_gradients():
    c, params, x, _ = model()
    logits, cache = logits_of(x[:0], LENGTHS[:0], c, params)
    assert logits.shape == (0, 4)
    _, _, grads = sequence_logits.backward(logits, cache)
    assert all((leaf == 0).all() for _, leaf in tree_items(grads))


@pytest.mark.parametrize("kind", [{}, {"both": False}])
@pytest.mark.parametrize(
    ("lengths", "says"),
    [
        (np.array([5, 2, 0, 4]), "lengths holds 0; expected 1 to T = 5"),
        (np.array([5, 6, 1, 4]), "lengths holds 6"),
        (np.array([5, 2, 1]), "expected 4 integers"),
        (np.array([5.0, 2, 1, 4]), "expected 4 integers"),
        (None, "expected 4 integers"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, says, kind):
    c, params, x, _ = model(**kind)
    with pytest.raises(ValueError, match=says):
        logits_of(x, lengths, c, params)


@pytest.mark.parametrize(
    "wrong",
    [{"cell": "elman"}, {"pool": "max"}, {"classes": 1}, {"layers": 0}, {"hidden": 0}, {"features": 0}, {"drop": 1.0}],
)
def test_configs_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        SequenceConfig(**{"features": 3, "classes": 4, **wrong})
