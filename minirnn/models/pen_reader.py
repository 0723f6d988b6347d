"""The online reader: from the path of a pen to the labels that it wrote, without knowing where one ends.

    frames    features -> one vector per few points         convolutions over time: windows, affine, tanh
    reading   vectors -> what each frame shows              bidirectional recurrent layers, which see the whole line
    loss      logits = affine(h), CTC with the labels       it sums over all places where the labels could stand

The recurrent layers are what takes time, and they take it for every frame; a frame for every 4 points makes them 4
times as fast. Bézier pieces are few as they come: they need no convolution.

Lines of unequal length share a batch. What stands behind a line's end is set to zero and never read, so that a line
reads the same alone and beside longer ones.

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.models.cells import CELLS, cell_params, rest
from minirnn.models.sequence_classifier import require_lengths
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair
from minirnn.unroll import Both, BothWays


@dataclass(frozen=True)
class PenConfig:
    """Everything that fixes the shapes of a pen reader."""

    features: int  # per point or piece
    classes: int  # labels, and the blank as class 0
    channels: tuple[int, ...] = (32, 96)  # one convolution over time each; none for Bézier pieces
    window: int = 5  # steps that a convolution sees
    stride: int = 2  # steps from one window to the next
    hidden: int = 100  # size of h, for each direction
    layers: int = 2  # bidirectional layers on top of each other
    cell: str = "lstm"  # rnn, lstm or gru
    drop: float = 0.0  # dropout on what each layer reads, and on what the labels are chosen from

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ValueError(f"cell is {self.cell!r}; expected one of {', '.join(CELLS)}")
        if self.channels and min(self.channels) < 1:
            raise ValueError(f"channels is {self.channels}; expected at least one channel each")
        for name, least in (("features", 1), ("classes", 2), ("hidden", 1), ("layers", 1), ("stride", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {least}")
        if self.window < self.stride:
            raise ValueError(f"window is {self.window}; expected at least the stride, {self.stride}")
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected 0 or more, below 1")


class PenParams(NamedTuple):
    convs: tuple[AffineParams, ...]
    layers: tuple[Both, ...]  # parameters of the two readers of each layer
    out: AffineParams


def init_pen(rng: np.random.Generator, c: PenConfig, dtype: Any = np.float32) -> PenParams:
    """First values of the parameters."""
    inputs = (c.features, *c.channels)
    convs = tuple(init.affine_params(rng, c.window * D, M, dtype) for D, M in zip(inputs, c.channels))
    sizes = (inputs[-1], *[2 * c.hidden] * (c.layers - 1))
    layers = tuple(cell_params(c.cell, rng, D, c.hidden, dtype, both=True) for D in sizes)
    return PenParams(convs, layers, init.affine_params(rng, 2 * c.hidden, c.classes, dtype))


def frames_of(lengths: Array, config: PenConfig) -> Array:
    """How many frames the reader sees of lines with so many points or pieces."""
    for _ in config.channels:
        lengths = -(-lengths // config.stride)
    return lengths


def centres(frames: int, config: PenConfig) -> Array:
    """Where on the line the middle of each frame is: (frames,) places of points or pieces, counted from 0."""
    place = np.arange(frames, dtype=np.float64)
    for _ in config.channels:
        left = (config.window - config.stride) // 2
        place = place * config.stride - left + (config.window - 1) / 2
    return place


def pen_logits_forward(
    features: Array, lengths: Array, p: PenParams, *, config: PenConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[Array, Any]:  # fmt: skip
    """What each frame of a batch of written lines shows.

    Args:
        features: (N, T, D) floats; what stands behind a line's length is never read.
        lengths: (N,) integers from 1 to T: the points or pieces of each line.
        p: PenParams.
        config, training, rng, ops: the model's config; whether dropout is on; where its masks come from; the pairs.
    Returns:
        logits (N, frames, classes), see `frames_of`, and the cache.
    Raises:
        ValueError: a shape that does not fit, a length that is not in 1 … T.
    Source: as `pen_reader`.
    """
    require_lengths(features, lengths)
    drop: dict[str, Any] = {"p": config.drop, "training": training, "rng": rng}
    lengths, convs = lengths.astype(np.int64), []
    behind = _behind(features, lengths)
    x = np.where(behind, features.dtype.type(0), features)  # (1)
    for conv in p.convs:
        x, gathered = ops.windows.forward(x, size=config.window, stride=config.stride)  # (2)
        x, affine = ops.affine.forward(x, conv)  # (3)
        x, tanh = ops.tanh.forward(x)  # (4)
        lengths = -(-lengths // config.stride)
        outside = _behind(x, lengths)
        x = np.where(outside, x.dtype.type(0), x)  # (5)
        convs.append((gathered, affine, tanh, outside))
    layer, layers = ops.bidirectional(ops.step(config.cell)), []
    for k, shared in enumerate(p.layers):
        x, dropped = ops.dropout.forward(x, **{**drop, "p": config.drop if k or p.convs else 0.0})  # (6)
        before = rest(config.cell, len(x), config.hidden, x.dtype, both=True)
        out, cache = layer.forward(x, before, shared, lengths=lengths)  # (7)
        x = out.h
        layers.append((dropped, cache))
    x, dropped = ops.dropout.forward(x, **drop)  # (8)
    logits, affine = ops.affine.forward(x, p.out)  # (9)
    return logits, (behind, convs, layer, layers, dropped, affine, ops)


def pen_logits_backward(dlogits: Array, cache: Any) -> tuple[Array, None, PenParams]:
    """dlogits (N, frames, classes) -> dfeatures (N, T, D), None for the lengths, PenParams of gradients."""
    behind, convs, layer, layers, dropped, affine, ops = cache
    dx, dout = ops.affine.backward(dlogits, affine)  # (9)
    (dx,) = ops.dropout.backward(dx, dropped)  # (8)
    dlayers, dconvs = [], []
    for dropped, inner in reversed(layers):
        dx, _, dshared = layer.backward(BothWays(dx), inner)  # (7)
        (dx,) = ops.dropout.backward(dx, dropped)  # (6)
        dlayers.append(dshared)
    for gathered, affine, tanh, outside in reversed(convs):
        dx = np.where(outside, dx.dtype.type(0), dx)  # (5)
        (dx,) = ops.tanh.backward(dx, tanh)  # (4)
        dx, dconv = ops.affine.backward(dx, affine)  # (3)
        (dx,) = ops.windows.backward(dx, gathered)  # (2)
        dconvs.append(dconv)
    dx = np.where(behind, dx.dtype.type(0), dx)  # (1)
    return dx, None, PenParams(tuple(reversed(dconvs)), tuple(reversed(dlayers)), dout)


pen_logits = Pair(pen_logits_forward, pen_logits_backward, "pen_logits")


def pen_reader_forward(
    features: Array, lengths: Array, targets: Array, target_lengths: Array, running: tuple[()], params: PenParams,
    *, config: PenConfig, training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, tuple[()]], Any]:  # fmt: skip
    """The reader's loss on a batch of written lines.

        loss = sum of the lines' CTC losses / number of labels

    Args:
        features, lengths, params, config, training, rng, ops: as `pen_logits`.
        targets: (N, U) integers: labels from 1; what stands behind a target's end is not read.
        target_lengths: (N,) integers.
        running: (), as it came: this model keeps no running statistics.
    Returns:
        ((loss in nats per label, running), cache). A line of too few frames for its labels makes the loss infinite:
        see `functional.ctc.feasible`, with `frames_of(lengths, config)`.
    Raises:
        ValueError, IndexError: an empty batch, lengths out of range; as the pairs.
    Source: Graves et al. 2009 for reading a pen's path with both-ways LSTMs and CTC; Carbune et al. 2019.
    """
    if len(features) == 0:
        raise ValueError(f"features have shape {features.shape}: no line; a mean over no line counts nothing")
    logits, read = pen_logits_forward(
        features, lengths, params, config=config, training=training, rng=rng, ops=ops
    )  # (1)
    frames = frames_of(lengths.astype(np.int64), config)
    losses, ctc = ops.ctc_loss.forward(logits, targets, frames, target_lengths)  # (2)
    share = losses.dtype.type(1 / max(int(target_lengths.sum()), 1))
    return (losses.sum() * share, running), (read, ctc, np.full_like(losses, share), ops, running)  # (3)


def pen_reader_backward(
    dout: tuple[Any, Any], cache: Any
) -> tuple[Array, None, None, None, tuple[()], PenParams]:  # fmt: skip
    """(dloss, ignored) -> dfeatures (N, T, D), None for lengths and targets, (), PenParams of gradients."""
    read, ctc, share, ops, running = cache
    dlogits, _, _, _ = ops.ctc_loss.backward(dout[0] * share, ctc)  # (3) (2)
    dfeatures, _, dparams = pen_logits_backward(dlogits, read)  # (1)
    return dfeatures, None, None, None, running, dparams


pen_reader = Pair(pen_reader_forward, pen_reader_backward, "pen_reader")


def _behind(x: Array, lengths: Array) -> Array:
    """(N, T, 1): what stands behind a line's end."""
    outside: Array = (np.arange(x.shape[1]) >= lengths[:, None])[:, :, None]
    return outside
