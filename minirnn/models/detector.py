"""The detector: boxes on a grid, all found in one look at the picture.

    grid     = last grid of encoder(images)               a cell for every few pixels
    grid     = relu(batch_norm(conv(grid)))               a few times, so that a cell sees far enough
    answers  = affine(grid)                               for each cell and each of A anchors 1 + 4 + K numbers:

        objectness   logit of "a thing is here"
        shift        (dx, dy, dw, dh) from the anchor, a box of a usual size in the middle of the cell, to the thing:
                     x = cell + dx * anchor width,  width = anchor width * exp(dw),  and so on
        logits       of the K classes

    loss     = weights . (binary cross-entropy of objectness, smooth L1 of shift, cross-entropy of the class)

Only what stands for a thing has a shift and a class to learn. The backward functions undo the forward functions from
the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.activations import logistic
from minirnn.functional.affine import AffineParams
from minirnn.models.encoder import BlockParams, encoder, init_encoder
from minirnn.models.encoder import Params as EncoderParams
from minirnn.models.encoder import Running as EncoderRunning
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair

BETA = 0.1  # a shift that is less than this off counts squared
BIAS = -4.0  # of objectness before training: hardly any anchor is a thing
LARGEST = 4.0  # logarithm of how much larger than its anchor a box can be


@dataclass(frozen=True)
class DetectorConfig:
    """Everything that fixes the shapes of a detector."""

    classes: int  # number of classes, at least 1
    anchors: tuple[tuple[float, float], ...]  # width and height in pixels of boxes of a usual size
    height: int = 240  # of the pictures, in pixels; whole cells
    width: int = 320
    channels: tuple[int, ...] = (16, 32, 64, 128)  # one encoder block each; every block halves the picture
    head: tuple[int, ...] = (128, 128)  # 3x3 convolutions on the grid
    weights: tuple[float, float, float] = (20.0, 10.0, 1.0)  # of the losses: objectness, shift, class

    def __post_init__(self) -> None:
        if self.classes < 1:
            raise ValueError(f"classes is {self.classes}; expected at least 1")
        if not self.anchors or any(len(a) != 2 or not min(a) > 0 for a in self.anchors):
            raise ValueError(f"anchors are {self.anchors}; expected at least one (width, height) above 0")
        if not self.channels or min((*self.channels, *self.head)) < 1:
            raise ValueError(f"channels are {self.channels} and {self.head}; expected at least one block of at least 1")
        if min(self.height, self.width) < 1 or self.height % self.stride or self.width % self.stride:
            size = f"{self.height} x {self.width}"
            raise ValueError(f"pictures are {size}; {len(self.channels)} blocks need multiples of {self.stride}")
        if len(self.weights) != 3 or not min(self.weights) >= 0:
            raise ValueError(f"weights are {self.weights}; expected three of at least 0")

    @property
    def stride(self) -> int:
        """Side of a cell in pixels."""
        return int(2 ** len(self.channels))

    @property
    def grid(self) -> tuple[int, int, int]:
        """(rows, columns, anchors)."""
        return self.height // self.stride, self.width // self.stride, len(self.anchors)


class DetectorParams(NamedTuple):
    encoder: EncoderParams
    head: tuple[BlockParams, ...]
    out: AffineParams


class DetectorRunning(NamedTuple):
    encoder: EncoderRunning
    head: EncoderRunning


def init_detector(
    rng: np.random.Generator, config: DetectorConfig, dtype: Any = np.float32
) -> tuple[DetectorParams, DetectorRunning]:
    """Fresh parameters and running statistics."""
    blocks, running = init_encoder(rng, config.channels, dtype)
    inputs = (config.channels[-1], *config.head)
    head = tuple(
        BlockParams(init.conv_params(rng, 3, C, F, dtype), init.norm_params(F, dtype))
        for C, F in zip(inputs, config.head)
    )
    A, answers = len(config.anchors), 5 + config.classes
    out = init.affine_params(rng, inputs[-1], A * answers, dtype)
    b = np.zeros((A, answers), dtype)
    b[:, 0] = BIAS
    params = DetectorParams(blocks, head, AffineParams(out.W, b.reshape(-1)))
    return params, DetectorRunning(running, tuple(init.running_stats(F, dtype) for F in config.head))


def answers_forward(
    images: Array, running: DetectorRunning, params: DetectorParams, *, config: DetectorConfig, training: bool,
    ops: Ops = READABLE,
) -> tuple[tuple[Array, DetectorRunning], Any]:  # fmt: skip
    """What the detector says of each anchor of each cell.

    Args:
        images: (N, H, W, 3) floats in [0, 1].
        running: batch norm's running statistics.
        params: DetectorParams.
        config, training, ops: the model's config; whether batch statistics are used; the pairs to use.
    Returns:
        ((answers (N, R, S, A, 5 + K), the next running statistics), cache).
    Raises:
        ValueError: as the pairs; pictures of another size.
    Source: Redmon et al. 2016 for the grid, Liu et al. 2016 for anchors.
    """
    if images.shape[1:3] != (config.height, config.width):
        raise ValueError(f"images have shape {images.shape}; expected {config.height} x {config.width} pixels")
    norm_relu = ops.norm_relu(ops.batch_norm, ops.relu)
    (grids, first), encoder_cache = encoder.forward(images, running.encoder, params.encoder, training=training, ops=ops)
    x, caches, after = grids[-1], [], []  # (1)
    for p, stats in zip(params.head, running.head):
        x, conv = ops.conv2d.forward(x, p.conv, pad=1)  # (2)
        (x, stats), norm = norm_relu.forward(x, stats, p.norm, training=training)  # (3)
        caches.append((conv, norm))
        after.append(stats)
    y, out = ops.affine.forward(x, params.out)  # (4)
    answers = y.reshape(len(images), *config.grid, 5 + config.classes)  # (5)
    cache = encoder_cache, len(grids), caches, norm_relu, out, y.shape, ops
    return (answers, DetectorRunning(first, tuple(after))), cache


def answers_backward(dout: tuple[Array, Any], cache: Any) -> tuple[None, None, DetectorParams]:
    """(danswers, ignored) -> None for pictures and running statistics, DetectorParams of gradients."""
    encoder_cache, blocks, caches, norm_relu, out, shape, ops = cache
    dx, dout_params = ops.affine.backward(dout[0].reshape(shape), out)  # (5), (4)
    dhead = []
    for conv, norm in reversed(caches):
        dx, _, dnorm = norm_relu.backward((dx, None), norm)  # (3)
        dx, dconv = ops.conv2d.backward(dx, conv)  # (2)
        dhead.append(BlockParams(dconv, dnorm))
    dgrids = (*[None] * (blocks - 1), dx)  # nobody reads the finer grids
    _, _, dencoder = encoder.backward((dgrids, None), encoder_cache)  # (1)
    return None, None, DetectorParams(dencoder, tuple(reversed(dhead)), dout_params)


def detector_forward(
    images: Array, things: Array, counts: Array, shifts: Array, labels: Array, running: DetectorRunning,
    params: DetectorParams, *, config: DetectorConfig, training: bool, rng: np.random.Generator | None = None,
    ops: Ops = READABLE,
) -> tuple[tuple[Any, DetectorRunning], Any]:  # fmt: skip
    """The detector's loss on a batch of pictures with boxes.

    Args:
        images: (N, H, W, 3) floats in [0, 1].
        things: (N, R, S, A) booleans: the anchors of each cell that stand for a thing.
        counts: (N, R, S, A) booleans: those whose objectness is judged; the others may say what they like.
        shifts: (N, R, S, A, 4) floats: from anchor to thing; read where there is one.
        labels: (N, R, S, A) integers from 0 to K - 1: the thing's class; read where there is one.
        running: batch norm's running statistics.
        params: DetectorParams.
        config, training, rng, ops: the model's config; whether batch statistics are used; not used; the pairs to use.
    Returns:
        ((the weighted sum of the three losses, the next running statistics), cache). A batch without any thing has
        no loss of shift and class.
    Raises:
        ValueError, IndexError: as the pairs; no anchor counts.
    Source: Redmon et al. 2016; Liu et al. 2016 for the losses of shift and class.
    """
    (answers, after), answers_cache = answers_forward(
        images, running, params, config=config, training=training, ops=ops
    )  # (1)
    weights = [answers.dtype.type(w) for w in config.weights]
    loss, objectness = ops.binary_cross_entropy.forward(answers[..., 0], things, counts)  # (2)
    loss = weights[0] * loss
    shift = judged = None
    if things.any():
        each = np.broadcast_to(things[..., None], shifts.shape)
        off, shift = ops.smooth_l1.forward(answers[..., 1:5], shifts, each, beta=BETA)  # (3)
        wrong, judged = ops.cross_entropy.forward(answers[..., 5:], labels, things)  # (4)
        loss = loss + weights[1] * off + weights[2] * wrong
    return (loss, after), (answers_cache, answers.shape, weights, objectness, shift, judged, ops)


def detector_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, None, None, None, DetectorParams]:
    """(dloss, ignored) -> None for the data and the running statistics, DetectorParams of gradients."""
    answers_cache, shape, weights, objectness, shift, judged, ops = cache
    dobjectness, _, _ = ops.binary_cross_entropy.backward(dout[0] * weights[0], objectness)  # (2)
    danswers = np.zeros(shape, dobjectness.dtype)
    danswers[..., 0] = dobjectness
    if shift is not None:
        danswers[..., 1:5], _, _ = ops.smooth_l1.backward(dout[0] * weights[1], shift)  # (3)
        danswers[..., 5:], _, _ = ops.cross_entropy.backward(dout[0] * weights[2], judged)  # (4)
    _, _, dparams = answers_backward((danswers, None), answers_cache)  # (1)
    return None, None, None, None, None, None, dparams


answers = Pair(answers_forward, answers_backward, "answers")
detector = Pair(detector_forward, detector_backward, "detector")


def anchor_boxes(config: DetectorConfig) -> Array:
    """Every anchor of every cell (R, S, A, 4) as centre x, centre y, width and height in pixels, float64."""
    R, S, A = config.grid
    boxes = np.empty((R, S, A, 4))
    boxes[..., 0] = (np.arange(S)[None, :, None] + 0.5) * config.stride
    boxes[..., 1] = (np.arange(R)[:, None, None] + 0.5) * config.stride
    boxes[..., 2:] = np.array(config.anchors)
    return boxes


def shifts_to(boxes: Array, anchors: Array) -> Array:
    """From anchors (..., 4), as `anchor_boxes` has them, to boxes (..., 4) of left, top, right and bottom."""
    low, high = boxes[..., :2], boxes[..., 2:]
    away = ((low + high) / 2 - anchors[..., :2]) / anchors[..., 2:]
    return np.concatenate([away, np.log((high - low) / anchors[..., 2:])], axis=-1)


def shifted(shifts: Array, anchors: Array) -> Array:
    """The boxes (..., 4) of left, top, right and bottom that shifts (..., 4) from anchors (..., 4) lead to."""
    centre = anchors[..., :2] + shifts[..., :2] * anchors[..., 2:]
    half = anchors[..., 2:] * np.exp(np.minimum(shifts[..., 2:], LARGEST)) / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def guesses(
    images: Array, running: DetectorRunning, params: DetectorParams, *, config: DetectorConfig, ops: Ops = READABLE
) -> tuple[Array, Array]:
    """What the trained detector thinks of pictures (N, H, W, 3), one guess for every anchor G of every cell.

    Returns:
        Boxes (N, G, 4), their edges kept inside the picture, and the probability (N, G, K) that each is a thing of a
        class: sigmoid(objectness) * softmax(logits).
    """
    (said, _), _ = answers_forward(images, running, params, config=config, training=False, ops=ops)
    said = said.reshape(len(images), -1, 5 + config.classes).astype(np.float64)
    boxes = shifted(said[..., 1:5], anchor_boxes(config).reshape(-1, 4))
    np.clip(boxes, 0, np.tile((config.width, config.height), 2), out=boxes)
    logp, _ = ops.log_softmax.forward(said[..., 5:])
    return boxes, logistic(said[..., :1]) * np.exp(logp)
