"""Cases of the models and their parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import functional as F
from minirnn.cases.case import Case
from minirnn.cases.draw import A, D, H, L, Rng, affine, holes, lstm, norm, normal, rnn, running
from minirnn.models.attend import AttendParams, AttendShared, AttendState, attend_step
from minirnn.models.captioner import captioner
from minirnn.models.captioner_params import CaptionerConfig, init_captioner
from minirnn.models.encoder import BlockParams, encoder
from minirnn.ops import READABLE
from minirnn.pair import Tree
from minirnn.tree import tree_map
from minirnn.unroll import unroll


def _encoder(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
    """Pictures of 6x8, two blocks."""
    params = tuple(
        BlockParams(F.ConvParams(normal(rng, 3, 3, C, M), normal(rng, M)), norm(rng, M)) for C, M in ((3, 2), (2, 4))
    )
    return normal(rng, N, 6, 8, 3), (running(rng, 2), running(rng, 4)), params


def _attend(rng: Rng, N: int, T: int, cell: Any, score: F.AdditiveParams | None) -> tuple[Tree, ...]:
    """Features of 3 values at each location; the cell reads them beside the word."""
    state, params = cell(rng, N, D + 3)
    shared = AttendShared(normal(rng, N, L, A), normal(rng, N, L, 3), params, AttendParams(affine(rng, H, A), score))
    return normal(rng, N, T, D), AttendState(state, normal(rng, N, 3), normal(rng, N, L)), shared


def _captioner(name: str, *, training: bool = True, **config: Any) -> Case:
    """The whole captioner on pictures of 8x8 and one caption more than there are pictures."""
    c = CaptionerConfig(vocab=7, image_size=8, channels=(2, 3), features=4, embed=3, hidden=5, **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_captioner(rng, c, np.float64)
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)  # no bias is 0, no scale is 1
        M = N + 1 if N else 0
        words = rng.integers(0, c.vocab, (2, M, T))
        which = rng.permutation(np.arange(M) % max(N, 1))
        return rng.uniform(0, 1, (N, 8, 8, 3)), which, words[0], words[1], holes(M, T), stats, params

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    return Case(
        f"captioner-{name}", captioner, make, options, constants=("images", "running", "out.1"), least=1, model=True
    )


ENCODER = ("images", "running", "out.1")

MODELS = (
    Case("encoder", encoder, _encoder, {"training": True}, constants=ENCODER, least=1, model=True),
    Case("encoder-evaluation", encoder, _encoder, {"training": False}, constants=ENCODER, model=True),
    Case(
        "attend-additive",
        unroll(attend_step(F.lstm_step, READABLE)),
        lambda rng, N, T: _attend(rng, N, T, lstm, F.AdditiveParams(normal(rng, A))),
        time_axis={"x": 1},
    ),
    Case(
        "attend-dot",
        unroll(attend_step(F.rnn_step, READABLE)),
        lambda rng, N, T: _attend(rng, N, T, rnn, None),
        time_axis={"x": 1},
    ),
    _captioner("first", image="first", cell="rnn"),
    _captioner("every", image="every", cell="lstm", drop_image=0.3, drop_words=0.4),
    _captioner("every-evaluation", image="every", cell="gru", drop_words=0.4, training=False),
    _captioner("additive", image="attention", attention="additive", cell="lstm"),
    _captioner("dot", image="attention", attention="dot", cell="gru", drop_image=0.3, drop_words=0.4),
    _captioner("none", image="none", cell="lstm"),
)
