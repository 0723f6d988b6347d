"""Cases of attention, recurrent steps, the time loop, the combinators and the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import functional as F
from minirnn.cases.case import Case
from minirnn.cases.draw import A, D, L, Rng, V, affine, both, conv, ctc, gru, holes, ids, lstm, normal, qkv, rnn
from minirnn.pair import Array, Pair, Tree, chain
from minirnn.unroll import beside, bidirectional, stacked, unroll


def _unequal_lengths(pair: Pair) -> Pair:
    """The pair with lengths 1, 2, … T, 1, … for whatever batch it gets."""

    def forward(x: Array, state: Tree, shared: Tree) -> tuple[Any, Any]:
        return pair.forward(x, state, shared, lengths=1 + np.arange(x.shape[0]) % x.shape[1])

    return Pair(forward, pair.backward, pair.name)


def _two_layers(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
    (state, params), (states, shared) = lstm(rng, N, D, 3), both(gru, rng, N, 3)
    return normal(rng, N, T, D), (state, states), (params, shared)


def _beside(make: Any) -> Any:
    """Two of the D features change, the others stay."""
    return lambda rng, N, T: (normal(rng, N, T, 2), normal(rng, N, D - 2), *make(rng, N))


def _one_too_long(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
    """For CTC: the second sample has as many labels as it could have, but only one step."""
    logits, targets, input_lengths, target_lengths = ctc(rng, N, T)
    return logits, targets, np.where(np.arange(N) == 1, 1, input_lengths), target_lengths


SEQUENCES = (
    Case("dot_attention", F.dot_attention, lambda rng, N, T: (*qkv(rng, N, T), None), time_axis={"q": 1}),
    Case(
        "dot_attention-mask", F.dot_attention, lambda rng, N, T: (*qkv(rng, N, T), holes(N, T, L)), time_axis={"q": 1}
    ),
    Case(
        "dot_attention-causal",
        F.dot_attention,
        lambda rng, N, T: (*qkv(rng, N, T, T), F.causal_mask(T)),
        time_axis={"q": 1, "k": 1, "v": 1},
    ),
    Case(
        "additive_attention",
        F.additive_attention,
        lambda rng, N, T: (*qkv(rng, N, T), None, F.AdditiveParams(normal(rng, A))),
        time_axis={"q": 1},
    ),
    Case(
        "additive_attention-mask",
        F.additive_attention,
        lambda rng, N, T: (*qkv(rng, N, T), holes(N, 1, L), F.AdditiveParams(normal(rng, A))),
        time_axis={"q": 1},
    ),
    Case(
        "cross_entropy",
        F.cross_entropy,
        lambda rng, N, T: (normal(rng, N, T, V), ids(rng, N, T), None),
        time_axis={"logits": 1},
        least=1,
    ),
    Case(
        "cross_entropy-mask",
        F.cross_entropy,
        lambda rng, N, T: (normal(rng, N, T, V), ids(rng, N, T), holes(N, T)),
        time_axis={"logits": 1},
        least=1,
    ),
    Case(
        "cross_entropy-weights",
        F.cross_entropy,
        lambda rng, N, T: (normal(rng, N, T, V), ids(rng, N, T), holes(N, T) * rng.uniform(0.5, 2, (N, T))),
        time_axis={"logits": 1},
        constants=("mask",),
        least=1,
    ),
    Case(
        "binary_cross_entropy",
        F.binary_cross_entropy,
        lambda rng, N, T: (3 * normal(rng, N, T), rng.uniform(0, 1, (N, T)), None),
        constants=("targets",),
        least=1,
    ),
    Case(
        "binary_cross_entropy-weights",
        F.binary_cross_entropy,
        lambda rng, N, T: (normal(rng, N, T), ids(rng, N, T) > 1, holes(N, T) * rng.uniform(0.5, 2, (N, T))),
        constants=("mask",),
        least=1,
    ),
    Case(
        "smooth_l1",
        F.smooth_l1,
        lambda rng, N, T: (2 * normal(rng, N, T, 4), normal(rng, N, T, 4), None),
        constants=("targets",),
        least=1,
    ),
    Case(
        "smooth_l1-weights",
        F.smooth_l1,
        lambda rng, N, T: (normal(rng, N, T), normal(rng, N, T), holes(N, T) * rng.uniform(0.5, 2, (N, T))),
        {"beta": 0.3},
        constants=("targets", "mask"),
        least=1,
    ),
    Case("ctc_loss", F.ctc_loss, lambda rng, N, T: ctc(rng, N, T), time_axis={"logits": 1}),
    Case("ctc_loss-blank", F.ctc_loss, lambda rng, N, T: ctc(rng, N, T, 2), {"blank": 2}, time_axis={"logits": 1}),
    Case("ctc_loss-impossible", F.ctc_loss, _one_too_long, {"zero_infinity": True}, time_axis={"logits": 1}),
    Case("rnn_step", F.rnn_step, lambda rng, N, T: (normal(rng, N, D), *rnn(rng, N))),
    Case("lstm_step", F.lstm_step, lambda rng, N, T: (normal(rng, N, D), *lstm(rng, N))),
    Case("gru_step", F.gru_step, lambda rng, N, T: (normal(rng, N, D), *gru(rng, N))),
    Case("rnn", unroll(F.rnn_step), lambda rng, N, T: (normal(rng, N, T, D), *rnn(rng, N)), time_axis={"x": 1}),
    Case("lstm", unroll(F.lstm_step), lambda rng, N, T: (normal(rng, N, T, D), *lstm(rng, N)), time_axis={"x": 1}),
    Case("gru", unroll(F.gru_step), lambda rng, N, T: (normal(rng, N, T, D), *gru(rng, N)), time_axis={"x": 1}),
    Case(
        "bidirectional",
        bidirectional(F.lstm_step),
        lambda rng, N, T: (normal(rng, N, T, D), *both(lstm, rng, N)),
        time_axis={"x": 1},
    ),
    Case(
        "bidirectional-lengths",
        _unequal_lengths(bidirectional(F.rnn_step)),
        lambda rng, N, T: (normal(rng, N, T, D), *both(rnn, rng, N)),
        time_axis={"x": 1},
    ),
    *(
        Case(f"beside-{name}", beside(unroll, step), _beside(make), time_axis={"x": 1})
        for name, step, make in (("rnn", F.rnn_step, rnn), ("lstm", F.lstm_step, lstm), ("gru", F.gru_step, gru))
    ),
    Case("stacked", stacked(unroll(F.lstm_step), bidirectional(F.gru_step)), _two_layers, time_axis={"x": 1}),
    Case(
        "chain",
        chain(F.affine, F.tanh, F.affine),
        lambda rng, N, T: (normal(rng, N, D), (affine(rng, D, 4), None, affine(rng, 4, 2))),
    ),
    Case(
        "chain-images",
        chain(F.conv2d.bind(stride=(2, 1), pad=1), F.sigmoid, F.global_avg_pool, F.affine),
        lambda rng, N, T: (normal(rng, N, 5, 4, 2), (conv(rng, 3, 2), None, None, affine(rng, 3, 2))),
    ),
)
