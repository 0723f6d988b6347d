"""The gradient check holds a pair to its contract: what is written where it must not be, state, structure."""

from __future__ import annotations

import numpy as np
import pytest
from gradcheck_tools import AFFINE, BY_NAME, LSTM, SEQUENCE, W, X, with_backward, wrong

from minirnn import functional as F
from minirnn.gradcheck import gradcheck
from minirnn.pair import Pair
from minirnn.tree import tree_cast
from minirnn.unroll import unroll

# Broken promises.


def test_dout_changed_in_place():
    def backward(dy, y):
        dy *= 1 - y**2
        return (dy.copy(),)

    report = gradcheck(Pair(F.tanh.forward, backward, "tanh"), (X,))
    assert report.failures == ("backward changed dout in place",)
    assert wrong(report) == []
    assert not report.ok
    assert "gradients right, but the contract is broken" in str(report)


def test_dout_of_a_state_changed_in_place():
    def backward(dstates, cache):
        dstates.h[:, 0] += 1
        return unroll(F.lstm_step).backward(dstates, cache)

    report = gradcheck(Pair(unroll(F.lstm_step).forward, backward), SEQUENCE)
    assert "backward changed dout.h in place" in report.failures


def test_add_at_ignores_the_flag_but_not_the_comparison():
    def backward(dy, y):
        dx = dy * (1 - y**2)
        np.add.at(dy, 0, 1)
        return (dx,)

    assert gradcheck(Pair(F.tanh.forward, backward), (X,)).failures == ("backward changed dout in place",)


def test_written_and_put_back():
    def backward(dy, y):
        dy *= 1
        return (dy * (1 - y**2),)

    failures = gradcheck(Pair(F.tanh.forward, backward), (X,)).failures
    assert failures == ("backward writes into dout or cache or x (and leaves the same values)",)


def test_input_changed_in_place():
    def forward(x):
        x -= x.max(axis=-1, keepdims=True)
        return F.softmax.forward(x)

    report = gradcheck(Pair(forward, F.softmax.backward), (X,))
    assert report.failures == ("forward changed x in place",)
    assert wrong(report) == []


def test_parameters_changed_in_place():
    def backward(dy, cache):
        grads = F.affine.backward(dy, cache)
        cache[1][0, 0] += 0.5  # the W that forward was given
        return grads

    failures = gradcheck(Pair(F.affine.forward, backward), AFFINE).failures
    assert "backward changed cache[1] in place" in failures
    assert "backward changed params.W in place" in failures
    assert any(failure.startswith("backward gives other values the second time, for x") for failure in failures)


def test_cache_changed_behind_a_view():
    """A read-only view says nothing about the array behind it."""

    def forward(x):
        store = np.tanh(np.concatenate([x, x]))
        return store[: len(x)].copy(), {"y": store[: len(x)]}

    def backward(dy, cache):
        y = cache["y"]
        dx = dy * (1 - y**2)
        y.base[...] = 0
        return (dx,)

    failures = gradcheck(Pair(forward, backward), (X,)).failures
    assert "backward changed cache['y'] in place" in failures
    assert "backward gives other values the second time, for x: it must keep no state" in failures


def test_cache_used_up():
    def forward(x):
        return np.tanh(x), [np.tanh(x)]

    def backward(dy, cache):
        return (dy * (1 - cache.pop() ** 2),)

    failures = gradcheck(Pair(forward, backward), (X,)).failures
    assert "backward changed cache[0] in place" in failures
    assert "backward gives an error the second time: IndexError: pop from empty list" in failures


def test_cache_that_grows():
    def forward(x):
        return np.tanh(x), [np.tanh(x)]

    def backward(dy, cache):
        cache.append(None)
        return (dy * (1 - cache[0] ** 2),)

    assert "backward changed cache in place" in gradcheck(Pair(forward, backward), (X,)).failures


def test_cache_that_holds_itself():
    def forward(x):
        cache = {"y": np.tanh(x)}
        cache["cache"] = cache
        return np.tanh(x), cache

    assert gradcheck(Pair(forward, lambda dy, cache: (dy * (1 - cache["y"] ** 2),)), (X,)).ok


def test_gradients_that_pile_up():
    """The gradient is kept from call to call and never reset."""
    total = np.zeros_like(W)

    def change(grads, dout, cache):
        np.add(total, grads[1].W, out=total)
        return grads[0], grads[1]._replace(W=total)

    failures = gradcheck(with_backward(F.affine, change), AFFINE).failures
    assert failures == ("backward gives other values the second time, for params.W: it must keep no state",)


def test_cache_overwritten_by_the_next_forward():
    store = np.empty_like(X)

    def forward(x):
        np.tanh(x, out=store)
        return store.copy(), None

    def backward(dy, cache):
        return (dy * (1 - store**2),)

    report = gradcheck(Pair(forward, backward), (X,))
    assert report.failures == ("backward gives other values after other forward passes, for x: it must keep no state",)
    report = gradcheck(Pair(forward, backward), (X,), mode="directional")
    assert not report.ok


def test_output_overwritten_by_the_next_forward():
    store = np.empty_like(X)

    def forward(x):
        np.tanh(x, out=store)
        return store, np.tanh(x)

    report = gradcheck(Pair(forward, F.tanh.backward), (X,))
    assert report.failures == ("forward overwrites the out of an earlier call: it must keep no state",)
    assert wrong(report) == []


def test_an_object_as_cache_is_looked_into():
    class Layer:
        def forward(self, x):
            self.y = np.tanh(x)
            return self.y.copy(), self

    def backward(dy, layer):
        dx = dy * (1 - layer.y**2)
        layer.y = layer.y * 0
        return (dx,)

    assert "backward changed cache.y in place" in gradcheck(Pair(Layer().forward, backward), (X,)).failures


def test_what_an_object_keeps_stays_writable():
    class Layer:
        W = np.ones((5, 2))

        def forward(self, x):
            return x @ self.W, (self, x)

    def backward(dy, cache):
        layer, _ = cache
        return (dy @ layer.W.T,)

    layer = Layer()
    layer.W = layer.W.copy()
    assert gradcheck(Pair(layer.forward, backward), (X,)).ok
    layer.W += 1


def test_randomness_from_nowhere():
    rng = np.random.default_rng(0)
    pair = F.dropout.bind(p=0.5, training=True, rng=rng)
    report = gradcheck(pair, (X,))
    assert report.failures == (
        "forward gives another out for the same arguments: draw from a generator in the options",
    )
    assert report.rows == ()
    assert gradcheck(F.dropout, (X,), {"p": 0.5, "training": True, "rng": rng}).ok


# Wrong structure.


def failures_of(change, pair=F.lstm_step, args=LSTM, **options):
    return gradcheck(with_backward(pair, change), args, **options).failures


def test_another_dtype():
    report = gradcheck(with_backward(F.affine, lambda g, d, c: tree_cast(g, np.float32)), AFFINE)
    assert "the gradient of params.W has dtype float32; expected float64 like the argument" in report.failures


def test_swapped_gradients_of_other_shapes():
    failures = failures_of(lambda g, d, c: (*g[:2], g[2]._replace(Wx=g[2].Wh, Wh=g[2].Wx)))
    assert failures == (
        "the gradient of params.Wx has shape (2, 8), the shape of params.Wh; expected (5, 8)",
        "the gradient of params.Wh has shape (5, 8), the shape of params.Wx; expected (2, 8)",
    )


def test_a_transposed_gradient_of_other_shape():
    failures = failures_of(lambda g, d, c: (g[0], g[1]._replace(W=g[1].W.T)), F.affine, AFFINE)
    assert failures == ("the gradient of params.W has shape (2, 5); expected (5, 2)",)


def test_a_plain_tuple_for_a_named_one():
    assert failures_of(lambda g, d, c: (*g[:2], tuple(g[2]))) == (
        "the gradient of params is a tuple of 3; expected LSTMParams like the argument",
    )


def test_a_gradient_too_few():
    assert failures_of(lambda g, d, c: g[:2]) == (
        "backward returned a tuple of 2; expected a plain tuple of 3, one gradient per argument: (x, state, params,)",
    )


def test_an_array_for_a_tuple():
    (failure,) = failures_of(lambda g, d, c: g[0], F.tanh, (X,))
    assert failure.startswith("backward returned an array of shape (3, 5); expected a plain tuple of 1")


@pytest.mark.parametrize("nothing", [None, [1, 2, 3], {"x": 1}])
def test_something_else_for_a_tuple(nothing):
    (failure,) = failures_of(lambda g, d, c: nothing)
    assert failure.startswith("backward returned ")


def test_a_missing_gradient():
    assert failures_of(lambda g, d, c: (None, *g[1:])) == (
        "the gradient of x is None; expected an array of shape (3, 5)",
    )


def test_a_gradient_for_integers():
    args = BY_NAME["embedding"].args()
    failures = failures_of(lambda g, d, c: (np.zeros(args[0].shape), g[1]), F.embedding, args)
    assert failures == ("the gradient of ids is an array of shape (3, 4); expected None: it is not differentiated",)


def test_a_forward_without_a_cache():
    report = gradcheck(Pair(lambda x: np.tanh(x), F.tanh.backward), (X,))
    assert report.failures == ("forward returned an array of shape (3, 5); expected two things, (out, cache)",)
    assert not report.ok


def test_an_output_in_float32():
    report = gradcheck(Pair(lambda x: (np.tanh(x).astype(np.float32), np.tanh(x)), F.tanh.backward), (X,))
    assert report.failures == ("out has dtype float32 but the inputs are float64",)


def test_an_output_in_a_list():
    report = gradcheck(Pair(lambda x: ([np.tanh(x)], np.tanh(x)), F.tanh.backward), (X,))
    assert report.failures == ("out is a list of 1; expected an array, a number or a tuple of them",)
