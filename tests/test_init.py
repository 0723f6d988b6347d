"""Initial values: their spread, their orthogonality, their dtype, and that a seed decides them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minirnn import init
from minirnn.tree import tree_items, tree_leaves


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("shape", "expected"), [((5, 7), (5, 7)), ((3, 2, 5, 7), (30, 42)), ((1, 1), (1, 1)), ((4, 5, 7), (20, 28))]
)
def test_fans(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert init.fans(shape) == expected


@pytest.mark.parametrize("shape", [(5,), (), (0, 3), (3, 3, 0, 2)])
@pytest.mark.parametrize("draw", [init.xavier, init.he])
def test_shapes_without_inputs_or_outputs_are_refused(draw: Callable[..., Any], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected at least"):
        draw(rng(), shape)


@pytest.mark.parametrize("shape", [(300, 500), (500, 300), (3, 5, 40, 60)])
def test_xavier(shape: tuple[int, ...]) -> None:
    """Uniform: variance 2 / (fan_in + fan_out), and nothing beyond sqrt(3) standard deviations."""
    W = init.xavier(rng(), shape, np.float64)
    variance = 2 / sum(init.fans(shape))
    assert W.var() == pytest.approx(variance, rel=0.03)
    assert abs(W.mean()) < 4 * np.sqrt(variance / W.size)
    limit = np.sqrt(3 * variance)
    assert 0.999 * limit < np.abs(W).max() <= limit


@pytest.mark.parametrize("shape", [(300, 500), (500, 300), (3, 5, 40, 60)])
def test_he(shape: tuple[int, ...]) -> None:
    """Normal: variance 2 / fan_in, and the tails of a normal distribution."""
    W = init.he(rng(), shape, np.float64)
    variance = 2 / init.fans(shape)[0]
    assert W.var() == pytest.approx(variance, rel=0.03)
    assert abs(W.mean()) < 4 * np.sqrt(variance / W.size)
    assert np.mean(np.abs(W) > 2 * np.sqrt(variance)) == pytest.approx(0.0455, abs=0.005)


def test_he_keeps_the_size_of_a_signal_through_relu_layers() -> None:
    x = rng(1).standard_normal((200, 256))
    before = np.mean(x**2)
    for k in range(10):
        x = np.maximum(x @ init.he(rng(k), (256, 256), np.float64), 0)
    assert np.mean(x**2) == pytest.approx(before, rel=0.5)


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (1, 5), (1, 1)])
def test_orthogonal(shape: tuple[int, int]) -> None:
    q = init.orthogonal(rng(), shape, np.float64)
    assert q.shape == shape
    product = q.T @ q if shape[0] >= shape[1] else q @ q.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-12)


def test_orthogonal_is_uniform() -> None:
    """No sign is preferred: the signs that LAPACK gives would make every entry of the diagonal lean one way."""
    diagonal = np.mean([np.diag(init.orthogonal(rng(k), (3, 3), np.float64)) for k in range(3000)], axis=0)
    np.testing.assert_allclose(diagonal, 0, atol=0.05)
    determinants = [np.linalg.det(init.orthogonal(rng(k), (3, 3), np.float64)) for k in range(300)]
    assert 0.35 < np.mean(np.array(determinants) > 0) < 0.65


CELLS: dict[str, tuple[Callable[..., Any], int]] = {
    "rnn": (init.rnn_params, 1),
    "lstm": (init.lstm_params, 4),
    "gru": (init.gru_params, 3),
}


@pytest.mark.parametrize("cell", CELLS)
def test_gates_of_a_cell_are_drawn_one_by_one(cell: str) -> None:
    """Each gate of Wh is orthogonal and each gate of Wx has the spread of its own (D, H), not of (D, gates * H)."""
    make, gates = CELLS[cell]
    D, H = 60, 80
    params = make(rng(), D, H, np.float64)
    assert params.Wx.shape == (D, gates * H)
    assert params.Wh.shape == (H, gates * H)
    for Wx, Wh in zip(np.split(params.Wx, gates, axis=1), np.split(params.Wh, gates, axis=1)):
        np.testing.assert_allclose(Wh.T @ Wh, np.eye(H), atol=1e-12)
        assert Wx.var() == pytest.approx(2 / (D + H), rel=0.06)
    blocks = np.split(params.Wh, gates, axis=1)
    assert all(not np.allclose(a, b) for k, a in enumerate(blocks) for b in blocks[:k])


def test_forget_bias() -> None:
    """1 for the second of the gates i, f, g, o and 0 for the others, or what is asked for."""
    np.testing.assert_array_equal(init.lstm_params(rng(), 2, 3).b, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    assert init.lstm_params(rng(), 2, 3, forget_bias=0.0).b.sum() == 0


def test_other_biases_are_zero() -> None:
    assert not init.rnn_params(rng(), 2, 3).b.any()
    gru = init.gru_params(rng(), 2, 3)
    assert gru.bx.shape == gru.bh.shape == (9,)
    assert not gru.bx.any()
    assert not gru.bh.any()
    assert not init.affine_params(rng(), 2, 3).b.any()
    assert not init.conv_params(rng(), 3, 2, 4).b.any()


def test_affine_and_conv() -> None:
    """Affine layers start with Xavier, convolutions (with a relu behind them) with He."""
    affine, conv = init.affine_params(rng(), 200, 300, np.float64), init.conv_params(rng(), 5, 40, 60, np.float64)
    assert affine.W.var() == pytest.approx(2 / 500, rel=0.03)
    assert (affine.W.shape, affine.b.shape) == ((200, 300), (300,))
    assert conv.W.var() == pytest.approx(2 / (25 * 40), rel=0.03)
    assert (conv.W.shape, conv.b.shape) == ((5, 5, 40, 60), (60,))


def test_norm_starts_as_the_identity() -> None:
    params, running = init.norm_params(4), init.running_stats(4)
    np.testing.assert_array_equal(params.gamma, np.ones(4))
    np.testing.assert_array_equal(params.beta, np.zeros(4))
    np.testing.assert_array_equal(running.mean, np.zeros(4))
    np.testing.assert_array_equal(running.var, np.ones(4))


MAKERS: dict[str, Callable[..., Any]] = {
    "xavier": lambda r, **o: init.xavier(r, (4, 5), **o),
    "he": lambda r, **o: init.he(r, (4, 5), **o),
    "orthogonal": lambda r, **o: init.orthogonal(r, (4, 5), **o),
    "rnn": lambda r, **o: init.rnn_params(r, 3, 4, **o),
    "lstm": lambda r, **o: init.lstm_params(r, 3, 4, **o),
    "gru": lambda r, **o: init.gru_params(r, 3, 4, **o),
    "affine": lambda r, **o: init.affine_params(r, 3, 4, **o),
    "conv": lambda r, **o: init.conv_params(r, 3, 2, 4, **o),
    "norm": lambda r, **o: init.norm_params(4, **o),
    "running": lambda r, **o: init.running_stats(4, **o),
}


@pytest.mark.parametrize("name", MAKERS)
def test_dtype(name: str) -> None:
    """float32 unless asked otherwise."""
    assert {leaf.dtype for leaf in tree_leaves(MAKERS[name](rng()))} == {np.dtype(np.float32)}
    assert {leaf.dtype for leaf in tree_leaves(MAKERS[name](rng(), dtype=np.float64))} == {np.dtype(np.float64)}


@pytest.mark.parametrize("name", MAKERS)
def test_seed(name: str) -> None:
    """The same seed gives the same values, another seed others."""
    first, again, other = (dict(tree_items(MAKERS[name](rng(seed)))) for seed in (5, 5, 6))
    for key, leaf in first.items():
        np.testing.assert_array_equal(leaf, again[key])
    if name not in ("norm", "running"):
        assert any(not np.array_equal(leaf, other[key]) for key, leaf in first.items())
