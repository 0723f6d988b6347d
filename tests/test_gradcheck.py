"""The gradient check finds wrong values and names them; it never fails right code."""

from __future__ import annotations

import functools
import json
from dataclasses import replace

import numpy as np
import pytest
from gradcheck_tools import AFFINE, BY_NAME, LSTM, RNG, SEQUENCE, B, W, X, row, with_backward, wrong

from minirnn import functional as F
from minirnn.cases import check_case
from minirnn.checking.report import which_steps
from minirnn.gradcheck import epsilon_curve, gradcheck
from minirnn.pair import Pair
from minirnn.tree import tree_cast, tree_map
from minirnn.unroll import unroll

# Right code.


def test_right_code_gets_a_clean_report():
    report = gradcheck(F.affine, AFFINE)
    assert report.ok
    assert [row.name for row in report.rows] == ["x", "params.W", "params.b"]
    assert report.worst < 1e-8
    assert str(report).splitlines()[0].startswith("affine: ok (worst relative error ")


@pytest.mark.parametrize("mode", ["full", "directional"])
@pytest.mark.parametrize("scale", [1e-3, 1e-1, 1e2, 1e4])
@pytest.mark.parametrize("seed", range(5))
def test_right_code_passes_at_every_scale(mode, scale, seed):
    rng = np.random.default_rng(seed)
    x, W = scale * rng.standard_normal((3, 5)), rng.standard_normal((5, 2)) / scale
    for pair, args in (
        (F.affine, (x, F.AffineParams(W, rng.standard_normal(2)))),
        (F.affine, (x, F.AffineParams(W * scale, scale * rng.standard_normal(2)))),
        (F.affine, (rng.standard_normal((3, 5)), F.AffineParams(W * scale, 1e4 + rng.standard_normal(2)))),
        (F.tanh, (x,)),
        (F.softmax, (x,)),
        (F.cross_entropy, (x, np.array([0, 4, 2]), None)),
    ):
        report = gradcheck(pair, args, mode=mode, seed=seed)
        assert report.ok, f"{scale}\n{report}"


def test_a_gradient_that_is_zero_by_design_passes():
    """A shift in front of a softmax changes nothing: differences see rounding, backward says 0 or rounding."""

    def forward(x, shift):
        return F.softmax.forward(x + shift)

    def backward(dp, cache):
        (dx,) = F.softmax.backward(dp, cache)
        return dx, dx.sum(axis=-1, keepdims=True)

    args = (RNG.standard_normal((3, 5)), RNG.standard_normal((3, 1)))
    assert gradcheck(Pair(forward, backward, "shifted"), args).ok
    off = with_backward(Pair(forward, backward), lambda g, d, c: (g[0], g[1] + 1e-7))
    assert wrong(gradcheck(off, args)) == ["shift"]


def test_nothing_of_the_caller_is_touched():
    rng = np.random.default_rng(5)
    args, options = (X.copy(),), {"p": 0.4, "training": True, "rng": rng}
    before = rng.bit_generator.state
    assert gradcheck(F.dropout, args, options).ok
    assert rng.bit_generator.state == before
    np.testing.assert_array_equal(args[0], X)
    assert args[0].flags.writeable


def test_models_scalars_and_constants():
    """Integers, None, a scalar loss, and running statistics that are not differentiated."""
    case = BY_NAME["cross_entropy-mask"]
    assert [row.name for row in check_case(case).rows] == ["logits"]
    case = BY_NAME["batch_norm"]
    assert [row.name for row in check_case(case).rows] == ["x", "params.gamma", "params.beta"]
    report = check_case(replace(case, constants=("out.1",)))
    assert not report.ok
    assert "the gradient of running is None; expected RunningStats like the argument" in report.failures


def test_a_constant_is_meant_by_its_whole_name():
    def forward(x, x2):
        return x * x2, (x, x2)

    pair = Pair(forward, lambda d, cache: (None, d * cache[0]))
    report = gradcheck(pair, (X, X + 1), constants=("x",))
    assert report.ok
    assert [r.name for r in report.rows] == ["x2"]
    with_gradient = Pair(forward, lambda d, cache: (d * cache[1], d * cache[0]))
    failures = gradcheck(with_gradient, (X, X + 1), constants=("x",)).failures
    assert failures == ("the gradient of x is an array of shape (3, 5); expected None: it is not differentiated",)


def test_empty_arrays_have_nothing_to_compare():
    report = gradcheck(F.affine, (np.ones((0, 5)), AFFINE[1]))
    assert report.ok
    assert row(report, "x").index is None


# Wrong values: the argument, the index and both values.


@pytest.mark.parametrize(
    ("name", "index", "amount"), [("x", (2, 4), 1e-4), ("params.W", (3, 1), 1e-3), ("params.b", (1,), 1e-5)]
)
def test_one_wrong_element_is_found(name, index, amount):
    def change(grads, dout, cache):
        dx, dp = grads
        {"x": dx, "params.W": dp.W, "params.b": dp.b}[name][index] *= 1 + amount
        return dx, dp

    report = gradcheck(with_backward(F.affine, change), AFFINE)
    assert wrong(report) == [name]
    found = row(report, name)
    assert found.index == index
    assert found.analytic == pytest.approx(found.numeric * (1 + amount), rel=1e-8)
    assert found.error == pytest.approx(amount, rel=0.02)
    place = f"{name}[{', '.join(map(str, index))}]"
    assert f"WRONG at {place}: backward says {found.analytic:.7g}, differences say {found.numeric:.7g}" in str(report)


def test_a_wrong_sign_is_called_by_its_factor():
    pair = with_backward(F.affine, lambda g, d, c: (g[0], g[1]._replace(b=-g[1].b)))
    report = gradcheck(pair, AFFINE)
    assert wrong(report) == ["params.b"]
    assert "backward says -1 times the right value everywhere" in str(report)
    assert row(report, "params.b").analytic == pytest.approx(-row(report, "params.b").numeric)


def test_a_division_by_the_batch_is_called_by_its_factor():
    pair = with_backward(F.affine, lambda g, d, c: (g[0], tree_map(lambda leaf: leaf / 3, g[1])))
    report = gradcheck(pair, AFFINE)
    assert wrong(report) == ["params.W", "params.b"]
    assert row(report, "params.W").hint == "backward says 0.3333 times the right value everywhere"


def test_a_missing_term():
    """tanh without its derivative."""
    report = gradcheck(Pair(F.tanh.forward, lambda dy, y: (dy.copy(),), "tanh"), (X,))
    assert wrong(report) == ["x"]
    found = row(report, "x")
    assert found.numeric == pytest.approx(found.analytic * (1 - np.tanh(X[found.index]) ** 2))


def test_a_gradient_left_at_zero():
    pair = with_backward(F.lstm_step, lambda g, d, c: (g[0], g[1]._replace(c=0 * g[1].c), g[2]))
    report = gradcheck(pair, LSTM)
    assert wrong(report) == ["state.c"]
    assert row(report, "state.c").hint == "backward says 0 everywhere"


def test_a_transposed_gradient():
    pair = with_backward(F.rnn_step, lambda g, d, c: (*g[:2], g[2]._replace(Wh=g[2].Wh.T)))
    report = gradcheck(pair, BY_NAME["rnn_step"].args())
    assert wrong(report) == ["params.Wh"]
    assert row(report, "params.Wh").hint == "it is the transpose of the right value"


def test_swapped_gradients_of_one_shape():
    pair = with_backward(F.lstm_step, lambda g, d, c: (g[0], F.LSTMState(g[1].c, g[1].h), g[2]))
    report = gradcheck(pair, LSTM)
    assert wrong(report) == ["state.h", "state.c"]
    assert row(report, "state.h").hint == "it is the right gradient of state.c: are two gradients swapped?"


def test_nan_in_backward():
    def change(grads, dout, cache):
        grads[0][1, 2] = np.nan
        return grads

    report = gradcheck(with_backward(F.affine, change), AFFINE)
    assert wrong(report) == ["x"]
    assert row(report, "x").index == (1, 2)
    assert row(report, "x").hint == "backward gives NaN or infinity at 1 of 15 places"
    assert not gradcheck(with_backward(F.affine, change), AFFINE, mode="directional").ok


def test_nan_in_one_time_step():
    def change(grads, dout, cache):
        grads[0][:, 2] = np.nan
        return grads

    for mode in ("full", "directional"):
        report = gradcheck(with_backward(unroll(F.lstm_step), change), SEQUENCE, mode=mode, time_axis={"x": 1})
        assert wrong(report) == ["x"]
        assert [np.isinf(error) for error in row(report, "x").per_step] == [False, False, True, False]


def test_a_small_gradient_beside_large_ones_is_held_to_its_own_scale():
    """The gradient of `small` is a millionth of that of `x`: a mistake of one part in a hundred is still found."""

    def forward(x, small):
        return x * 1e3 + np.sin(small) * 1e-3, small

    def pair(factor):
        return Pair(forward, lambda d, small: (d * 1e3, factor * d * 1e-3 * np.cos(small)))

    for mode in ("full", "directional"):
        assert gradcheck(pair(1), (X, 0.5 * X), mode=mode).ok
        assert wrong(gradcheck(pair(1.01), (X, 0.5 * X), mode=mode)) == ["small"]


def test_infinite_outputs_do_not_hide_a_mistake():
    def forward(x):
        return np.where(x > 1e3, np.inf, x), None

    x = np.array([1.0, 2.0, 1e4])
    report = gradcheck(Pair(forward, lambda dy, cache: (2 * dy,)), (x,))
    assert not report.ok


def test_a_kink_is_explained():
    x = np.array([[1.0, 0.0], [-2.0, 3.0]])
    report = gradcheck(F.relu, (x,))
    found = row(report, "x")
    assert found.index == (0, 1)
    assert "a kink: the slope is 0 just below" in found.hint
    assert "check at another input" in str(report)
    ties = np.ones((1, 2, 2, 1))
    assert "a kink" in row(gradcheck(F.max_pool2d, (ties,)), "x").hint
    assert "a kink" in row(gradcheck(F.max_pool2d, (ties,), mode="directional"), "x").hint
    wrong_factor = with_backward(F.relu, lambda g, d, c: (2 * g[0],))
    assert "a kink" not in row(gradcheck(wrong_factor, (X,)), "x").hint


# Sequences: the error of every time step.


def test_a_recurrence_cut_between_steps():
    """Each step gets its own upstream gradient and nothing from the step after."""

    def cut(dstates, cache):
        caches, zeros = cache
        dx, dshared = [], zeros
        for t, c in enumerate(caches):
            dx_t, dstate, dp = F.lstm_step.backward(tree_map(lambda d: d[:, t], dstates), c)  # noqa: B023
            dx.append(dx_t)
            dshared = dp if t == 0 else tree_map(np.add, dshared, dp)
        return np.stack(dx, axis=1), dstate, dshared

    pair = Pair(unroll(F.lstm_step).forward, cut, "cut")
    for mode in ("full", "directional"):
        report = gradcheck(pair, SEQUENCE, time_axis={"x": 1}, mode=mode)
        assert "x" in wrong(report)
        per_step = row(report, "x").per_step
        assert len(per_step) == 4
        assert [error <= 1e-6 for error in per_step] == [False, False, False, True]
        assert "right at t = 3, wrong before" in str(report)
        assert "error per time step: t=0 " in str(report)


def test_a_wrong_time_step():
    def late(grads, dout, cache):
        dx = grads[0].copy()
        dx[:, 2] = grads[0][:, 1]
        return (dx, *grads[1:])

    for mode in ("full", "directional"):
        report = gradcheck(with_backward(unroll(F.lstm_step), late), SEQUENCE, time_axis={"x": 1}, mode=mode)
        assert wrong(report) == ["x"]
        assert "wrong at t = 2; right elsewhere" in str(report)
    report = gradcheck(with_backward(unroll(F.lstm_step), late), SEQUENCE, time_axis={"x": 1})
    assert row(report, "x").index[1] == 2


def test_only_the_first_time_step_reaches_the_bias():
    def first_only(grads, dout, cache):
        _, _, dp = F.lstm_step.backward(tree_map(lambda d: d[:, 0], dout), cache[0][0])
        return (*grads[:2], grads[2]._replace(b=dp.b))

    report = gradcheck(with_backward(unroll(F.lstm_step), first_only), SEQUENCE, time_axis={"x": 1})
    assert wrong(report) == ["shared.b"]


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ((0, 0, 0), "right at every time step"),
        ((1, 1, 1), "wrong at every time step"),
        ((1, 1, 0), "right at t = 2, wrong before"),
        ((1, 0, 0), "right at t = 1 to 2, wrong before"),
        ((0, 1, 1), "right at t = 0, wrong after"),
        ((0, 0, 1), "right at t = 0 to 1, wrong after"),
        ((1, 0, 1, 0), "wrong at t = 0, 2; right elsewhere"),
        ((0, np.inf), "right at t = 0, wrong after"),
    ],
)
def test_which_steps_in_words(errors, words):
    assert which_steps(tuple(map(float, errors)), 1e-6) == words


# What it refuses.


def test_float32_is_refused():
    with pytest.raises(ValueError, match=r"x has dtype float32; a gradient check needs float64.*tree_cast"):
        gradcheck(F.affine, tree_cast(AFFINE, np.float32))
    with pytest.raises(ValueError, match=r"params.b has dtype float32"):
        gradcheck(F.affine, (X, F.AffineParams(W, B.astype(np.float32))))


def test_other_things_are_refused():
    with pytest.raises(ValueError, match="mode is 'fast'; expected 'full' or 'directional'"):
        gradcheck(F.tanh, (X,), mode="fast")
    with pytest.raises(ValueError, match="time_axis names 'y'; the arrays are x"):
        gradcheck(F.tanh, (X,), time_axis={"y": 1})
    with pytest.raises(ValueError, match="x is a list of 3; expected an array"):
        gradcheck(F.tanh, (X.tolist(),))


def test_errors_of_the_pair_itself_come_through():
    with pytest.raises(ValueError, match="x has 4 features but W expects 5"):
        gradcheck(F.affine, (X[:, :4], AFFINE[1]))
    with pytest.raises(ZeroDivisionError):
        gradcheck(Pair(F.tanh.forward, lambda dy, y: (1 / 0,)), (X,))


# Names, JSON, the curve.


def test_names_come_from_the_signature():
    def forward(first, /, second, *, scale):
        return first * second * scale, (first, second, scale)

    def backward(d, cache):
        first, second, scale = cache
        return d * second * scale, d * first * scale

    pair = Pair(forward, backward).bind(scale=2.0)
    assert isinstance(pair.forward, functools.partial)
    assert [r.name for r in gradcheck(pair, (X, X + 1)).rows] == ["first", "second"]
    pair = Pair(lambda *parts: forward(*parts, scale=1.0), backward)
    assert [r.name for r in gradcheck(pair, (X, X + 1)).rows] == ["argument0", "argument1"]
    names = [r.name for r in gradcheck(unroll(F.lstm_step), SEQUENCE, mode="directional").rows]
    assert names == ["x", "state.h", "state.c", "shared.Wx", "shared.Wh", "shared.b"]


def test_json():
    def change(grads, dout, cache):
        return grads[0] * np.inf, grads[1]

    report = gradcheck(with_backward(F.affine, change), AFFINE, time_axis={"x": 0})
    told = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert told["name"] == "affine"
    assert told["ok"] is False
    assert told["worst"] is None
    assert told["rows"][0]["name"] == "x"
    assert told["rows"][0]["error"] is None
    assert told["rows"][0]["per_step"] == [None] * 3
    assert told["rows"][1]["ok"] is True
    assert told["rows"][1]["index"] == list(row(report, "params.W").index)


def test_the_curve_of_a_right_gradient_is_a_valley():
    epsilons, errors = epsilon_curve(unroll(F.lstm_step), SEQUENCE)
    best = errors.argmin()
    assert errors[best] < 1e-8
    assert 1e-7 < epsilons[best] < 1e-3
    assert errors[epsilons.argmax()] > 1e3 * errors[best]  # truncation
    assert errors[epsilons.argmin()] > 1e3 * errors[best]  # rounding
    at = {eps: epsilon_curve(F.tanh, (X,), epsilons=[eps])[1][0] for eps in (1e-2, 1e-3)}
    assert at[1e-2] / at[1e-3] == pytest.approx(100, rel=0.05)  # falls as eps squared


def test_the_curve_of_a_wrong_gradient_is_a_plateau():
    pair = with_backward(F.affine, lambda g, d, c: (g[0] * 1.01, g[1]))
    epsilons, errors = epsilon_curve(pair, AFFINE, epsilons=np.logspace(-2, -8, 7))
    assert epsilons.shape == errors.shape == (7,)
    assert errors.min() > 1e-4
    small = Pair(lambda x: (1e-9 * np.tanh(x), x), lambda d, x: (1.01e-9 * d * (1 - np.tanh(x) ** 2),))
    assert epsilon_curve(small, (X,))[1].min() > 5e-3  # relative, however small the values are
    with pytest.raises(ValueError, match="no gradient to compare"):
        epsilon_curve(Pair(F.tanh.forward, lambda dy, y: None), (X,))


def test_directional_mode_takes_few_forward_passes():
    calls = []

    def forward(x, params):
        calls.append(1)
        return F.affine.forward(x, params)

    big = (np.ones((20, 30)), F.AffineParams(RNG.standard_normal((30, 10)), np.ones(10)))
    assert gradcheck(Pair(forward, F.affine.backward), big, mode="directional").ok
    assert len(calls) == 3 + 3 * 3 * 2  # three to begin with; three arrays, three directions, two sides
    wrong_b = with_backward(Pair(forward, F.affine.backward), lambda g, d, c: (g[0], g[1]._replace(b=1.001 * g[1].b)))
    report = gradcheck(wrong_b, big, mode="directional")
    assert wrong(report) == ["params.b"]
    assert "WRONG along a random direction" in str(report)
