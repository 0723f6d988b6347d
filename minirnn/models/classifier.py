"""The image classifier: blocks of convolution, then one score for each class.

    grids  = encoder(images)                    each block halves the picture
    x      = dropout(flatten(last grid))
    logits = affine(x)
    loss   = softmax cross-entropy with the labels

The backward function undoes the forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.models.encoder import Params as EncoderParams
from minirnn.models.encoder import Running, encoder, init_encoder
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair


@dataclass(frozen=True)
class ClassifierConfig:
    """Everything that fixes the shapes of a classifier."""

    classes: int  # number of classes, at least 2
    height: int = 28  # of the pictures, in pixels
    width: int = 28
    colours: int = 1  # channels of the pictures: 1 for grey, 3 for RGB
    channels: tuple[int, ...] = (32, 64, 128)  # one encoder block each; every block halves the picture
    drop: float = 0.0  # dropout on what the classes are told from

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ValueError(f"classes is {self.classes}; expected at least 2")
        if self.colours < 1:
            raise ValueError(f"colours is {self.colours}; expected at least 1")
        blocks = len(self.channels)
        if not blocks or min(self.channels) < 1:
            raise ValueError(f"channels is {self.channels}; expected at least one block of at least one channel")
        if min(self.height, self.width) < 2**blocks:
            raise ValueError(f"pictures are {self.height} x {self.width}; {blocks} blocks need at least {2**blocks}")
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected from 0 to below 1")

    @property
    def features(self) -> int:
        """Values of the last grid."""
        shrink: int = 2 ** len(self.channels)
        return (self.height // shrink) * (self.width // shrink) * self.channels[-1]


class ClassifierParams(NamedTuple):
    encoder: EncoderParams
    out: AffineParams


def init_classifier(
    rng: np.random.Generator, config: ClassifierConfig, dtype: Any = np.float32
) -> tuple[ClassifierParams, Running]:
    """Fresh parameters and running statistics."""
    blocks, running = init_encoder(rng, config.channels, dtype, colours=config.colours)
    return ClassifierParams(blocks, init.affine_params(rng, config.features, config.classes, dtype)), running


def classifier_forward(
    images: Array, labels: Array, running: Running, params: ClassifierParams, *, config: ClassifierConfig,
    training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, Running], Any]:  # fmt: skip
    """The classifier's loss on a batch of labelled pictures.

    Args:
        images: (N, H, W, C) floats in [0, 1].
        labels: (N,) integers from 0 to classes - 1.
        running: batch norm's running statistics.
        params: ClassifierParams.
        config, training, rng, ops: the model's config; whether dropout and batch statistics are on; where dropout's
            masks come from; the pairs to use.
    Returns:
        ((loss in nats per picture, the next running statistics), cache).
    Raises:
        ValueError, IndexError: as the pairs.
    Source: LeCun et al. 1998; with batch norm, Ioffe and Szegedy 2015.
    """
    p = params
    (grids, running), encoder_cache = encoder.forward(images, running, p.encoder, training=training, ops=ops)  # (1)
    x = grids[-1].reshape(len(images), config.features)  # (2)
    x, drop = ops.dropout.forward(x, p=config.drop, training=training, rng=rng)  # (3)
    logits, out = ops.affine.forward(x, p.out)  # (4)
    loss, cross_entropy = ops.cross_entropy.forward(logits, labels, None)  # (5)
    return (loss, running), (encoder_cache, [grid.shape for grid in grids], drop, out, cross_entropy, ops)


def classifier_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, ClassifierParams]:
    """(dloss, ignored) -> None for the data and the running statistics, ClassifierParams of gradients."""
    encoder_cache, shapes, drop, out, cross_entropy, ops = cache
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)  # (5)
    dx, dout_params = ops.affine.backward(dlogits, out)  # (4)
    (dx,) = ops.dropout.backward(dx, drop)  # (3)
    dgrids = (*[None] * (len(shapes) - 1), dx.reshape(shapes[-1]))  # (2) nobody else reads the finer grids
    _, _, dencoder = encoder.backward((dgrids, None), encoder_cache)  # (1)
    return None, None, None, ClassifierParams(dencoder, dout_params)


classifier = Pair(classifier_forward, classifier_backward, "classifier")


def log_probabilities(
    images: Array, running: Running, params: ClassifierParams, *, config: ClassifierConfig, ops: Ops = READABLE
) -> Array:
    """What the trained classifier thinks of pictures (N, H, W, C): log-probabilities (N, classes)."""
    (grids, _), _ = encoder.forward(images, running, params.encoder, training=False, ops=ops)
    logits, _ = ops.affine.forward(grids[-1].reshape(len(images), config.features), params.out)
    logp: Array = ops.log_softmax.forward(logits)[0]
    return logp
