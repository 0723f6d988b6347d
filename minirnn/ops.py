"""`Ops`: the table of every pair that a model is built from, passed in, never patched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minirnn import functional as F
from minirnn.pair import Pair
from minirnn.unroll import unroll


@dataclass(frozen=True)
class Ops:
    """Which function does what. Put your own in: `dataclasses.replace(READABLE, lstm_step=Pair(f, b))`.

    `unroll` is not a pair but makes one: it runs a step through time.
    """

    affine: Pair = F.affine
    relu: Pair = F.relu
    tanh: Pair = F.tanh
    conv2d: Pair = F.conv2d
    max_pool2d: Pair = F.max_pool2d
    avg_pool2d: Pair = F.avg_pool2d
    batch_norm: Pair = F.batch_norm
    dropout: Pair = F.dropout
    embedding: Pair = F.embedding
    rnn_step: Pair = F.rnn_step
    lstm_step: Pair = F.lstm_step
    gru_step: Pair = F.gru_step
    dot_attention: Pair = F.dot_attention
    additive_attention: Pair = F.additive_attention
    log_softmax: Pair = F.log_softmax
    cross_entropy: Pair = F.cross_entropy
    unroll: Callable[[Pair], Pair] = unroll

    def step(self, cell: str) -> Pair:
        """The step of a cell by name: rnn, lstm or gru."""
        return {"rnn": self.rnn_step, "lstm": self.lstm_step, "gru": self.gru_step}[cell]


READABLE = Ops()
