"""The column classifier: what a single picture shows, read from left to right as if it were a sequence.

    grid     picture -> (h, w, F)                 `encoder`
    columns  (h, w, F) -> w vectors of h * F      a column: its rows, one after the other
    read     w vectors -> logits                  `sequence_logits`: recurrent layers, both ways
    loss     softmax cross-entropy

`models/classifier.py` has one affine map where this one has a recurrent network; the rest is the same. Trained on the
same pictures they say whether a recurrent network is of use there.

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn.models.encoder import Params as EncoderParams
from minirnn.models.encoder import Running, encoder, init_encoder
from minirnn.models.sequence_classifier import SequenceConfig, SequenceParams, init_sequence, sequence_logits
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair


@dataclass(frozen=True)
class ColumnConfig:
    """Everything that fixes the shapes of a column classifier."""

    classes: int
    height: int = 28  # of the pictures, in pixels
    width: int = 28
    colours: int = 1
    channels: tuple[int, ...] = (16, 32)  # one encoder block each; every block halves the picture
    hidden: int = 48  # size of h, of each direction
    cell: str = "gru"  # rnn, lstm or gru

    def __post_init__(self) -> None:
        blocks = len(self.channels)
        if not blocks or min(self.channels) < 1:
            raise ValueError(f"channels is {self.channels}; expected at least one block of at least one channel")
        if min(self.height, self.width) < 2**blocks:
            raise ValueError(f"pictures are {self.height} x {self.width}; {blocks} blocks need at least {2**blocks}")

    @property
    def sequence(self) -> SequenceConfig:
        """Of the recurrent reader."""
        rows = self.height // 2 ** len(self.channels)
        return SequenceConfig(rows * self.channels[-1], self.classes, cell=self.cell, hidden=self.hidden)


class ColumnParams(NamedTuple):
    encoder: EncoderParams
    sequence: SequenceParams


def init_columns(
    rng: np.random.Generator, config: ColumnConfig, dtype: Any = np.float32
) -> tuple[ColumnParams, Running]:
    """Fresh parameters and running statistics."""
    blocks, running = init_encoder(rng, config.channels, dtype, colours=config.colours)
    return ColumnParams(blocks, init_sequence(rng, config.sequence, dtype)), running


def column_logits_forward(
    images: Array, running: Running, params: ColumnParams, *, config: ColumnConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Array, Running], Any]:  # fmt: skip
    """How much speaks for each class.

    Args:
        images, running, params, config, training, rng, ops: as `column_classifier_forward`.
    Returns:
        ((logits (N, classes), the next running statistics), cache).
    Raises:
        ValueError: as the pairs.
    Source: Visin et al. 2015 (ReNet) for reading a picture with recurrent networks.
    """
    (grids, running), seen = encoder.forward(images, running, params.encoder, training=training, ops=ops)  # (1)
    grid = grids[-1]
    N, h, w, F = grid.shape
    x = grid.transpose(0, 2, 1, 3).reshape(N, w, h * F)  # (2)
    logits, read = sequence_logits.forward(
        x, np.full(N, w), params.sequence, config=config.sequence, training=training, rng=rng, ops=ops
    )  # (3)
    return (logits, running), (seen, len(grids), grid.shape, read)


def column_logits_backward(dout: tuple[Array, Any], cache: Any) -> tuple[None, None, ColumnParams]:
    """(dlogits (N, classes), ignored) -> None for the pictures and the statistics, ColumnParams of gradients."""
    seen, blocks, (N, h, w, F), read = cache
    dx, _, dsequence = sequence_logits.backward(dout[0], read)  # (3)
    dgrid = dx.reshape(N, w, h, F).transpose(0, 2, 1, 3)  # (2)
    dgrids = (*[None] * (blocks - 1), dgrid)  # nobody else reads the finer grids
    _, _, dencoder = encoder.backward((dgrids, None), seen)  # (1)
    return None, None, ColumnParams(dencoder, dsequence)


column_logits = Pair(column_logits_forward, column_logits_backward, "column_logits")


def column_classifier_forward(
    images: Array, labels: Array, running: Running, params: ColumnParams, *, config: ColumnConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, Running], Any]:  # fmt: skip
    """The loss on a batch of labelled pictures.

    Args:
        images: (N, H, W, C) floats in [0, 1].
        labels: (N,) integers from 0 to classes - 1.
        running: batch norm's running statistics.
        params: ColumnParams.
        config, training, rng, ops: the model's config; whether batch statistics are on; not used, for the loop's sake;
            the pairs to use.
    Returns:
        ((loss in nats per picture, the next running statistics), cache).
    Raises:
        ValueError, IndexError: as the pairs.
    Source: as `column_logits_forward`.
    """
    (logits, running), seen = column_logits.forward(
        images, running, params, config=config, training=training, rng=rng, ops=ops
    )  # (1)
    loss, judged = ops.cross_entropy.forward(logits, labels, None)  # (2)
    return (loss, running), (seen, judged, ops)


def column_classifier_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, ColumnParams]:
    """(dloss, ignored) -> None for the data and the running statistics, ColumnParams of gradients."""
    seen, judged, ops = cache
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], judged)  # (2)
    _, _, dparams = column_logits.backward((dlogits, None), seen)  # (1)
    return None, None, None, dparams


column_classifier = Pair(column_classifier_forward, column_classifier_backward, "column_classifier")
