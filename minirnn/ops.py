"""`Ops`: the table of every pair that a model is built from, passed in, never patched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minirnn import fast
from minirnn import functional as F
from minirnn.functional.norm import norm_relu
from minirnn.functional.pool import conv_pool
from minirnn.pair import Pair
from minirnn.unroll import beside, bidirectional, unroll


@dataclass(frozen=True)
class Ops:
    """Which function does what. Put your own in: `dataclasses.replace(READABLE, lstm_step=Pair(f, b))`.

    The last five are not pairs but make one: of a step, the pair that runs it through time, in one direction or both,
    or beside what stays the same; of two layers that follow each other, the pair that does both. The fast ones know
    minirnn's own pairs and treat any other as the readable ones do.
    """

    affine: Pair = F.affine
    relu: Pair = F.relu
    tanh: Pair = F.tanh
    conv2d: Pair = F.conv2d
    max_pool2d: Pair = F.max_pool2d
    avg_pool2d: Pair = F.avg_pool2d
    windows: Pair = F.windows
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
    binary_cross_entropy: Pair = F.binary_cross_entropy
    smooth_l1: Pair = F.smooth_l1
    ctc_loss: Pair = F.ctc_loss
    conv_transpose2d: Pair = F.conv_transpose2d
    unroll: Callable[[Pair], Pair] = unroll
    bidirectional: Callable[[Pair], Pair] = bidirectional
    beside: Callable[[Callable[[Pair], Pair], Pair], Pair] = beside
    conv_pool: Callable[[Pair, Pair], Pair] = conv_pool
    norm_relu: Callable[[Pair, Pair], Pair] = norm_relu

    def step(self, cell: str) -> Pair:
        """The step of a cell by name: rnn, lstm or gru."""
        return {"rnn": self.rnn_step, "lstm": self.lstm_step, "gru": self.gru_step}[cell]


READABLE = Ops()
FAST = Ops(
    affine=fast.affine,
    conv2d=fast.conv2d,
    max_pool2d=fast.max_pool2d,
    batch_norm=fast.batch_norm,
    embedding=fast.embedding,
    cross_entropy=fast.cross_entropy,
    conv_transpose2d=fast.conv_transpose2d,
    unroll=fast.unroll,
    bidirectional=fast.bidirectional,
    beside=fast.beside,
    conv_pool=fast.conv_pool,
    norm_relu=fast.norm_relu,
)
