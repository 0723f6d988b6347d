"""Values worked out by hand, one or two for each layer: what it computes, and which convention it follows.

A gradient check cannot see a wrong forward pass whose backward pass is wrong in the same way, and PyTorch may not be
installed. The numbers are chosen so that a reader can check them: with whole multiples of ln 2 and ln 3

    sigmoid(ln 3) = 3/4    sigmoid(-ln 3) = 1/4    sigmoid(ln 2) = 2/3    tanh(ln 2) = 3/5    tanh(ln 3) = 4/5
"""

from __future__ import annotations

import numpy as np

from minirnn import functional as F
from minirnn.pair import Pair
from minirnn.unroll import Both, bidirectional, unroll

LN2, LN3 = np.log(2), np.log(3)


def row(*values):
    return np.array([values], dtype=float)


def image(*rows):
    """One picture with one channel."""
    return np.array(rows, dtype=float)[None, :, :, None]


def pixels(y):
    return y[0, :, :, 0].tolist()


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


# --- recurrent -------------------------------------------------------------------------------------------------------


def test_rnn():
    """tanh(x Wx + h Wh + b) = tanh(1 * ln 2 - 1 * ln 2 + ln 3); then with h = 4/5 and x = 0."""
    params = F.RNNParams(row(LN2), row(-LN2), np.array([LN3]))
    state, _ = F.rnn_step.forward(row(1), F.RNNState(row(1)), params)
    close(state.h, [[4 / 5]])
    states, _ = unroll(F.rnn_step).forward(np.array([[[1.0], [0.0]]]), F.RNNState(row(1)), params)
    close(states.h, [[[4 / 5], [np.tanh(LN3 - 4 / 5 * LN2)]]])


def test_lstm():
    """i = 3/4 from x, f = 2/3 from h, g = 3/5 from x, o = 1/4 from b: in this order."""
    params = F.LSTMParams(row(LN3, 0, LN2, 0), row(0, LN2, 0, 0), np.array([0, 0, 0, -LN3]))
    state, _ = F.lstm_step.forward(row(1), F.LSTMState(row(1), row(0.3)), params)
    close(state.c, [[2 / 3 * 0.3 + 3 / 4 * 3 / 5]])
    close(state.h, [[1 / 4 * np.tanh(0.65)]])


def test_gru():
    """r = 3/4 and z = 1/4; r scales the bias of n too: n = tanh(-ln 2 + 3/4 * (4/3 ln 2 + 4/3 ln 2)) = 3/5."""
    third = 4 / 3 * LN2
    params = F.GRUParams(row(LN3, 0, -LN2), row(0, -LN3, third), np.zeros(3), np.array([0, 0, third]))
    state, _ = F.gru_step.forward(row(1), F.GRUState(row(1)), params)
    close(state.h, [[(1 - 1 / 4) * 3 / 5 + 1 / 4 * 1]])


def test_bidirectional():
    """With a step that adds up: the second row ends after two steps, what follows is padding."""
    adds = Pair(lambda x, state, shared: (F.RNNState(state.h + x), None), lambda d, cache: (d.h, d, None))
    x = np.array([[1.0, 2, 4], [1, 2, 4]])[:, :, None]
    zero = Both(F.RNNState(np.zeros((2, 1))), F.RNNState(np.zeros((2, 1))))
    out, cache = bidirectional(adds).forward(x, zero, Both(None, None), lengths=np.array([3, 2]))
    assert out.h[:, :, 0].tolist() == [[1, 3, 7], [1, 3, 7]]
    assert out.h[:, :, 1].tolist() == [[7, 6, 4], [3, 2, 7]]
    # Only the backward reader at the first step of both rows is asked: it has read the row to its end.
    dh = np.zeros((2, 3, 2))
    dh[:, 0, 1] = 1
    dx, _, _ = bidirectional(adds).backward(type(out)(dh), cache)
    assert dx[:, :, 0].tolist() == [[1, 1, 1], [1, 1, 0]]


# --- words and losses ------------------------------------------------------------------------------------------------


def test_embedding_adds_up_repeated_ids():
    y, cache = F.embedding.forward(np.array([[2, 0, 2]]), np.array([[1.0], [2], [3], [4]]))
    assert y.tolist() == [[[3], [1], [3]]]
    assert F.embedding.backward(np.array([[[1.0], [10], [100]]]), cache)[1].tolist() == [[10], [0], [101], [0]]


def test_affine_over_time():
    x = np.arange(6.0).reshape(2, 3, 1)
    y, cache = F.affine.forward(x, F.AffineParams(row(2), np.array([1.0])))
    assert y[:, :, 0].tolist() == [[1, 3, 5], [7, 9, 11]]
    _, (dW, db) = F.affine.backward(np.ones((2, 3, 1)), cache)
    assert (dW.tolist(), db.tolist()) == ([[15]], [6])


def test_cross_entropy_is_the_mean_over_what_counts():
    """Probabilities of the targets 1/2, 1/4, 1/2 count, 1/8 does not: (1 + 2 + 1) ln 2 / 3."""
    p = np.array([[[1 / 2, 1 / 2], [3 / 4, 1 / 4]], [[1 / 2, 1 / 2], [1 / 8, 7 / 8]]])
    targets, mask = np.array([[0, 1], [1, 0]]), np.array([[True, True], [True, False]])
    loss, cache = F.cross_entropy.forward(np.log(p) + 5, targets, mask)
    close(loss, 4 / 3 * LN2)
    dlogits, _, _ = F.cross_entropy.backward(np.float64(1), cache)
    close(dlogits * 3, [[[-1 / 2, 1 / 2], [3 / 4, -3 / 4]], [[1 / 2, -1 / 2], [0, 0]]])


def test_cross_entropy_of_extreme_logits():
    """Rows far apart, each with its own maximum; and a probability too small for a float, whose logarithm is not."""
    loss, _ = F.cross_entropy.forward(np.array([[0.0, 0], [-2000, -2000]]), np.array([0, 1]), None)
    close(loss, LN2)
    loss, cache = F.cross_entropy.forward(row(0, 2000), np.array([0]), None)
    assert loss == 2000
    assert F.cross_entropy.backward(np.float64(1), cache)[0].tolist() == [[-1, 1]]


# --- attention -------------------------------------------------------------------------------------------------------


def test_dot_attention():
    """A = 4, so scores are halved: ln 3 and 0 for the first query, 0 and 0 for the second."""
    q, k, v = np.zeros((1, 2, 4)), np.zeros((1, 2, 4)), np.array([[[4.0], [8.0]]])
    q[0, 0, 0], k[0, 0, 0] = 2, LN3
    (y, p), _ = F.dot_attention.forward(q, k, v, None)
    close(p, [[[3 / 4, 1 / 4], [1 / 2, 1 / 2]]])
    close(y, [[[5], [6]]])
    (y, p), _ = F.dot_attention.forward(q, k, v, np.array([[[False, True], [True, True]]]))
    close(p, [[[0, 1], [1 / 2, 1 / 2]]])
    close(y, [[[8], [6]]])


def test_additive_attention():
    """Scores tanh(q + k) w: 5/3 ln 3 * tanh(ln 2) = ln 3, and 0."""
    q, k = np.full((1, 1, 1), LN2), np.array([[[0.0], [-LN2]]])
    params = F.AdditiveParams(np.array([5 / 3 * LN3]))
    (y, p), _ = F.additive_attention.forward(q, k, np.array([[[4.0], [8.0]]]), None, params)
    close(p, [[[3 / 4, 1 / 4]]])
    close(y, [[[5]]])


def test_the_causal_mask_shows_the_present_and_nothing_later():
    assert F.causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]


# --- images ----------------------------------------------------------------------------------------------------------

KERNEL = np.array([[1.0, 2], [3, 4]])[:, :, None, None]


def test_conv2d_does_not_flip_its_kernel_and_strides_down_by_the_first_number():
    x = image([0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11])
    y, _ = F.conv2d.forward(x, F.ConvParams(KERNEL, np.array([0.5])), stride=(2, 1))
    # 0 * 1 + 1 * 2 + 3 * 3 + 4 * 4 = 27; 1 + 4 + 12 + 20 = 37; 6 + 14 + 27 + 40 = 87; 7 + 16 + 30 + 44 = 97
    assert pixels(y) == [[27.5, 37.5], [87.5, 97.5]]


def test_conv2d_adds_its_channels_up_and_pads_with_zeros():
    x = np.concatenate([image([5]), image([7])], axis=3)
    W = np.concatenate([np.arange(9.0).reshape(3, 3, 1, 1), np.full((3, 3, 1, 1), 10.0)], axis=2)
    y, _ = F.conv2d.forward(x, F.ConvParams(W, np.array([1.0])), pad=1)
    assert pixels(y) == [[5 * 4 + 7 * 10 + 1]]


def test_conv_transpose2d_stamps_its_kernel():
    y, _ = F.conv_transpose2d.forward(image([1, 10]), F.ConvTransposeParams(KERNEL, np.array([0.5])))
    assert pixels(y) == [[1.5, 12.5, 20.5], [3.5, 34.5, 40.5]]


def test_the_border_never_wins_a_max_pool():
    y, _ = F.max_pool2d.forward(image([-1, -2], [-3, -4]), size=2, pad=1)
    assert pixels(y) == [[-1, -2], [-3, -4]]


def test_the_first_of_equal_maxima_gets_the_gradient():
    y, cache = F.max_pool2d.forward(image([0, 1], [1, 1]))
    assert pixels(y) == [[1]]
    assert pixels(F.max_pool2d.backward(np.full((1, 1, 1, 1), 6.0), cache)[0]) == [[0, 6], [0, 0]]
    y, cache = F.global_max_pool.forward(image([0, 1], [1, 1]))
    assert pixels(F.global_max_pool.backward(np.full((1, 1), 6.0), cache)[0]) == [[0, 6], [0, 0]]


def test_avg_pool2d():
    """The border counts as pixels of zero, or not at all."""
    x = image([1, 2, 3], [4, 5, 6])
    assert pixels(F.avg_pool2d.forward(x, size=(2, 3))[0]) == [[3.5]]
    corner = image([8])
    assert pixels(F.avg_pool2d.forward(corner, size=2, pad=1)[0]) == [[2]]
    assert pixels(F.avg_pool2d.forward(corner, size=2, pad=1, count_pad=False)[0]) == [[8]]
    assert F.global_avg_pool.forward(x)[0].tolist() == [[3.5]]


# --- norms and dropout -----------------------------------------------------------------------------------------------

SCALE = F.NormParams(np.array([3.0]), np.array([10.0]))


def test_batch_norm_in_training():
    """Mean 2 and variance 4; with eps = 5 inside the root the deviation is 3. A tenth of it moves the statistics."""
    stats = F.RunningStats(np.array([10.0]), np.array([1.0]))
    (y, moved), _ = F.batch_norm.forward(np.array([[0.0], [4]]), stats, SCALE, training=True, momentum=0.9, eps=5)
    close(y, [[8], [12]])
    close(moved.mean, [0.9 * 10 + 0.1 * 2])
    close(moved.var, [0.9 * 1 + 0.1 * 4])


def test_batch_norm_in_evaluation():
    """Mean 1 and variance 4 come from the running statistics, which stay."""
    stats = F.RunningStats(np.array([1.0]), np.array([4.0]))
    (y, same), _ = F.batch_norm.forward(np.array([[0.0], [4]]), stats, SCALE, training=False, eps=5)
    close(y, [[9], [13]])
    assert (same.mean.tolist(), same.var.tolist()) == ([1], [4])


def test_a_constant_feature_is_no_division_by_zero():
    x, stats = np.full((3, 1), 7.0), F.RunningStats(np.zeros(1), np.ones(1))
    assert F.batch_norm.forward(x, stats, SCALE, training=True)[0][0].tolist() == [[10], [10], [10]]
    assert F.layer_norm.forward(x, SCALE)[0].tolist() == [[10], [10], [10]]


def test_layer_norm():
    """As batch norm above, along the row."""
    y, _ = F.layer_norm.forward(row(0, 4), F.NormParams(np.array([3.0, 6]), np.array([10.0, 20])), eps=5)
    close(y, [[8, 24]])


class Drawn:
    """Stands for a generator: the numbers that `random` returns are known."""

    def random(self, shape):
        return np.array([0.1, 0.24, 0.25, 0.9]).reshape(shape)


def test_dropout():
    """p is the probability of dropping: 0.1 and 0.24 fall below 1/4. What stays is scaled by 4/3, in training alone."""
    x = row(3, 3, 3, 6)
    y, cache = F.dropout.forward(x, p=0.25, training=True, rng=Drawn())
    close(y, [[0, 0, 4, 8]])
    close(F.dropout.backward(row(3, 3, 3, 3), cache)[0], [[0, 0, 4, 4]])
    y, cache = F.dropout.forward(x, p=0.25, training=False, rng=Drawn())
    assert y.tolist() == x.tolist()
    assert F.dropout.backward(x, cache)[0].tolist() == x.tolist()
