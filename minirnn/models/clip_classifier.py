"""The clip classifier: the same small CNN looks at every frame, a recurrent network reads what it saw.

    grids    = encoder(blocks of 2x2 pixels)     each frame by itself, with the same weights
    features = relu(affine(flatten(last grid)))  flattened, not averaged: where things are matters
    logits   = sequence_logits([features, change])  recurrent; change: since the frame before
             | affine(relu(affine(mean over time)))  without recurrence, the baseline: frames in any order
    loss     = softmax cross-entropy with the labels

The baseline is a deep set: what is added over the frames is judged by a network of two layers. With one layer its
logits would be sums over the frames, so that it could tell only what single frames show, and nothing of how the frames
of a clip belong together.

Four pixels become one with four channels at first: the frame is a quarter as large where convolutions cost most.

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.models.cells import CELLS
from minirnn.models.encoder import Params as EncoderParams
from minirnn.models.encoder import Running, encoder, init_encoder
from minirnn.models.sequence_classifier import SequenceConfig, init_sequence, sequence_logits
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair, Tree, require_float

ORDERS = ("recurrent", "mean")


@dataclass(frozen=True)
class ClipConfig:
    """Everything that fixes the shapes of a clip classifier."""

    classes: int
    size: int = 32  # of a frame, in pixels
    channels: tuple[int, ...] = (16, 32)  # encoder blocks, behind the blocks of 2x2 pixels; each halves the frame
    features: int = 64  # of a frame
    order: str = "recurrent"  # what becomes of the frames: recurrent, or mean, which has no order
    cell: str = "gru"
    hidden: int = 64  # of the cell, or of the layer that judges the mean
    both: bool = True  # read from both ends
    drop: float = 0.0  # dropout on what is judged

    def __post_init__(self) -> None:
        for name, choices in (("order", ORDERS), ("cell", CELLS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}")
        if not self.channels or min(self.channels) < 1:
            raise ValueError(f"channels is {self.channels}; expected at least one block of at least one channel")
        least = 2 ** (len(self.channels) + 1)
        if self.size % 2:
            raise ValueError(f"size is {self.size}; expected an even number")
        for name, value in (("classes", 2), ("size", least), ("features", 1), ("hidden", 1)):
            if getattr(self, name) < value:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {value}")
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected a probability of at least 0 and below 1")

    @property
    def flat(self) -> int:
        """Values of a frame's last grid."""
        side: int = self.size // 2 ** (len(self.channels) + 1)
        return side * side * self.channels[-1]

    @property
    def sequence(self) -> SequenceConfig:
        """Of the recurrent part."""
        return SequenceConfig(2 * self.features, self.classes, self.cell, self.hidden, both=self.both, drop=self.drop)


class MeanParams(NamedTuple):
    """Of what judges the mean over time."""

    inner: AffineParams
    out: AffineParams


class ClipParams(NamedTuple):
    encoder: EncoderParams
    look: AffineParams
    judge: Tree  # SequenceParams, or MeanParams without recurrence


def init_clips(rng: np.random.Generator, config: ClipConfig, dtype: Any = np.float32) -> tuple[ClipParams, Running]:
    """Fresh parameters and running statistics."""
    blocks, running = init_encoder(rng, config.channels, dtype, colours=4)
    look = init.affine_params(rng, config.flat, config.features, dtype)
    if config.order == "recurrent":
        return ClipParams(blocks, look, init_sequence(rng, config.sequence, dtype)), running
    inner = init.affine_params(rng, config.features, config.hidden, dtype)
    out = init.affine_params(rng, config.hidden, config.classes, dtype)
    return ClipParams(blocks, look, MeanParams(inner, out)), running


def clip_logits_forward(
    frames: Array, running: Running, params: ClipParams, *, config: ClipConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Array, Running], Any]:  # fmt: skip
    """How much speaks for each class of a clip.

    Args:
        frames: (N, T, S, S) floats in [0, 1], T at least 1.
        running: batch norm's running statistics.
        params: ClipParams.
        config, training, rng, ops: the model's config; whether dropout and batch statistics are on; where dropout's
            masks come from; the pairs.
    Returns:
        ((logits (N, classes), the next running statistics), cache).
    Raises:
        ValueError: a shape that does not fit, a clip without frames.
    Source: Donahue et al. 2015, "Long-term Recurrent Convolutional Networks"; Zaheer et al. 2017, "Deep Sets", for the
    frames in any order.
    """
    require_frames(frames, config.size)
    N, T, _, _ = frames.shape
    (grids, running), seen = encoder.forward(
        in_blocks(frames), running, params.encoder, training=training, ops=ops
    )  # (1)
    a, looked = ops.affine.forward(grids[-1].reshape(N * T, config.flat), params.look)  # (2)
    x, rectified = ops.relu.forward(a)  # (3)
    x = x.reshape(N, T, config.features)  # (4)
    options: dict[str, Any] = {"training": training, "rng": rng}
    if config.order == "recurrent":
        change = np.diff(x, axis=1, prepend=x[:, :1])  # 0 in the first frame
        logits, judged = sequence_logits.forward(
            np.concatenate([x, change], axis=2), np.full(N, T), params.judge, config=config.sequence, ops=ops, **options
        )  # (5)
    else:
        b, inner = ops.affine.forward(x.mean(axis=1), params.judge.inner)  # (5)
        vector, bent = ops.relu.forward(b)  # (6)
        vector, dropped = ops.dropout.forward(vector, p=config.drop, **options)  # (7)
        logits, out = ops.affine.forward(vector, params.judge.out)  # (8)
        judged = (inner, bent, dropped, out)
    shapes = [grid.shape for grid in grids]
    return (logits, running), (seen, shapes, looked, rectified, x.shape, judged, config, ops)


def clip_logits_backward(dout: tuple[Array, Any], cache: Any) -> tuple[None, None, ClipParams]:
    """(dlogits (N, classes), ignored) -> None (the frames are given), None, ClipParams of gradients."""
    seen, shapes, looked, rectified, (N, T, D), judged, config, ops = cache
    if config.order == "recurrent":
        dboth, _, djudge = sequence_logits.backward(dout[0], judged)  # (5)
        dx, dchange = dboth[:, :, :D].copy(), dboth[:, 1:, D:]
        dx[:, 1:] += dchange
        dx[:, :-1] -= dchange
    else:
        inner, bent, dropped, out = judged
        dvector, dlast = ops.affine.backward(dout[0], out)  # (8)
        (dvector,) = ops.dropout.backward(dvector, dropped)  # (7)
        (db,) = ops.relu.backward(dvector, bent)  # (6)
        dmean, dinner = ops.affine.backward(db, inner)  # (5)
        djudge = MeanParams(dinner, dlast)
        dx = np.repeat(dmean[:, None] / T, T, axis=1)
    (da,) = ops.relu.backward(dx.reshape(N * T, D), rectified)  # (4), (3)
    dflat, dlook = ops.affine.backward(da, looked)  # (2)
    dgrids = (*[None] * (len(shapes) - 1), dflat.reshape(shapes[-1]))
    _, _, dencoder = encoder.backward((dgrids, None), seen)  # (1)
    return None, None, ClipParams(dencoder, dlook, djudge)


def in_blocks(frames: Array) -> Array:
    """Frames (N, T, S, S) as pictures (N * T, S / 2, S / 2, 4): a pixel for each block of 2x2, its four as channels."""
    N, T, S, _ = frames.shape
    four = frames.reshape(N * T, S // 2, 2, S // 2, 2).transpose(0, 1, 3, 2, 4)
    return four.reshape(N * T, S // 2, S // 2, 4)


def require_frames(frames: Array, size: int) -> None:
    """Raise ValueError unless frames are (N, T, size, size) floats with at least one frame."""
    require_float("frames", frames, 4, "(N, T, S, S)")
    if frames.shape[1] == 0:
        raise ValueError(f"frames have shape {frames.shape}: no frame; expected T of at least 1")
    if frames.shape[2:] != (size, size):
        raise ValueError(f"frames have {frames.shape[2]} x {frames.shape[3]} pixels; expected {size} x {size}")


clip_logits = Pair(clip_logits_forward, clip_logits_backward, "clip_logits")


def clip_classifier_forward(
    frames: Array, labels: Array, running: Running, params: ClipParams, *, config: ClipConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, Running], Any]:  # fmt: skip
    """The loss of a batch of clips.

    Args:
        frames, running, params, config, training, rng, ops: as `clip_logits_forward`.
        labels: (N,) integers from 0 to classes - 1.
    Returns:
        ((loss in nats per clip, the next running statistics), cache).
    Raises:
        ValueError, IndexError: as the pairs; an empty batch has no mean.
    Source: as `clip_logits_forward`.
    """
    (logits, running), read = clip_logits_forward(
        frames, running, params, config=config, training=training, rng=rng, ops=ops
    )  # (1)
    loss, cross_entropy = ops.cross_entropy.forward(logits, labels, None)  # (2)
    return (loss, running), (read, cross_entropy, ops)


def clip_classifier_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, ClipParams]:
    """(dloss, ignored) -> None for the data and the running statistics, ClipParams of gradients."""
    read, cross_entropy, ops = cache
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)  # (2)
    _, _, dparams = clip_logits_backward((dlogits, None), read)  # (1)
    return None, None, None, dparams


clip_classifier = Pair(clip_classifier_forward, clip_classifier_backward, "clip_classifier")
