"""The U-Net: a class for every pixel, from what is around it far and near.

    for each level, fine to coarse:   x = two_convs(x), kept as this level's skip;   x = max_pool(x)
    for each level, coarse to fine:   x = two_convs(skip beside conv_transpose(x))
    logits = conv 1x1
    loss   = softmax cross-entropy with the classes of the pixels that count

The way down sees ever more of the picture in ever larger pixels; the way up returns to the picture's own pixels, and
the skips bring back where exactly the edges were. Ronneberger et al. pad nothing and lose a border; here a picture
keeps its size, and batch norm stands behind every convolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.conv import ConvParams, ConvTransposeParams
from minirnn.models.encoder import BlockParams
from minirnn.models.encoder import Running as BlockRunning
from minirnn.models.unet_parts import UpParams, rise, two_convs
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair
from minirnn.tree import tree_add


@dataclass(frozen=True)
class UNetConfig:
    """Everything that fixes the shapes of a U-Net."""

    classes: int = 2  # of the pixels
    colours: int = 1  # channels of the pictures: 1 for grey, 3 for RGB
    channels: tuple[int, ...] = (16, 32, 64)  # one level each; every level but the first halves the picture
    drop: float = 0.0  # dropout on the coarsest level

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ValueError(f"classes is {self.classes}; expected at least 2")
        if self.colours < 1:
            raise ValueError(f"colours is {self.colours}; expected at least 1")
        if not self.channels or min(self.channels) < 1:
            raise ValueError(f"channels is {self.channels}; expected at least one level of at least one channel")
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected from 0 to below 1")

    @property
    def multiple(self) -> int:
        """The sides of a picture are multiples of this many pixels."""
        step: int = 2 ** (len(self.channels) - 1)
        return step

    @property
    def reach(self) -> int:
        """No pixel farther than this, in rows or columns, has a say in a pixel's class; a multiple of `multiple`."""
        convs = 2 * (2 * self.multiple - 1) + 2 * (self.multiple - 1)  # two on each level down, and up
        return -(-(convs + self.multiple) // self.multiple) * self.multiple


class UNetParams(NamedTuple):
    down: tuple[tuple[BlockParams, BlockParams], ...]  # fine to coarse
    up: tuple[UpParams, ...]  # coarse to fine
    out: ConvParams


class UNetRunning(NamedTuple):
    down: tuple[BlockRunning, ...]
    up: tuple[BlockRunning, ...]


def init_unet(
    rng: np.random.Generator, config: UNetConfig, dtype: Any = np.float32
) -> tuple[UNetParams, UNetRunning]:  # fmt: skip
    """Fresh parameters and running statistics."""

    def convs(C: int, F: int) -> tuple[BlockParams, BlockParams]:
        first, second = (BlockParams(init.conv_params(rng, 3, c, F, dtype), init.norm_params(F, dtype)) for c in (C, F))
        return first, second

    sizes = config.channels
    down = tuple(convs(C, F) for C, F in zip((config.colours, *sizes), sizes))
    up = tuple(
        UpParams(ConvTransposeParams(init.he(rng, (2, 2, C, F), dtype) * 2, np.zeros(F, dtype)), convs(2 * F, F))
        for C, F in zip(sizes[:0:-1], sizes[-2::-1])
    )  # times 2: each pixel of the result is made by one of the four pixels of the kernel
    stats = tuple((init.running_stats(F, dtype), init.running_stats(F, dtype)) for F in sizes)
    out = ConvParams(init.xavier(rng, (1, 1, sizes[0], config.classes), dtype), np.zeros(config.classes, dtype))
    return UNetParams(down, up, out), UNetRunning(stats, stats[-2::-1])


def unet_logits_forward(
    images: Array, running: UNetRunning, params: UNetParams, *, config: UNetConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Array, UNetRunning], Any]:  # fmt: skip
    """Pictures to one logit for each pixel and class.

    Args:
        images: (N, H, W, C) floats in [0, 1]; H and W multiples of `config.multiple`.
        running: batch norm's running statistics.
        params: UNetParams.
        config, training, rng, ops: the model's config; whether dropout and batch statistics are on; where dropout's
            mask comes from; the pairs to use.
    Returns:
        ((logits (N, H, W, classes), the next running statistics), cache).
    Raises:
        ValueError: sides that cannot be halved often enough; as the pairs.
    Source: Ronneberger et al. 2015.
    """
    step = config.multiple
    if images.ndim == 4 and (images.shape[1] % step or images.shape[2] % step):
        raise ValueError(f"pictures are {images.shape[1]} x {images.shape[2]}; expected multiples of {step} pixels")
    x, skips, down, up, stats_down, stats_up = images, [], [], [], [], []
    for k, (p, stats) in enumerate(zip(params.down, running.down)):
        x, pool = ops.max_pool2d.forward(x, size=2) if k else (x, None)  # (1)
        (x, stats), convs = two_convs.forward(x, stats, p, training=training, need_dx=k > 0, ops=ops)  # (2)
        skips.append(x)
        down.append((pool, convs))
        stats_down.append(stats)
    x, drop = ops.dropout.forward(skips.pop(), p=config.drop, training=training, rng=rng)  # (3)
    for p_up, stats in zip(params.up, running.up):
        (x, stats), level = rise.forward(x, skips.pop(), stats, p_up, training=training, ops=ops)  # (4)
        up.append(level)
        stats_up.append(stats)
    logits, out = ops.conv2d.forward(x, params.out)  # (5)
    return (logits, UNetRunning(tuple(stats_down), tuple(stats_up))), (down, drop, up, out, ops)


def unet_logits_backward(dout: tuple[Array, Any], cache: Any) -> tuple[None, None, UNetParams]:
    """(dlogits, ignored) -> None (the picture is given), None, UNetParams of gradients."""
    down, drop, up, out, ops = cache
    dx, dparams_out = ops.conv2d.backward(dout[0], out)  # (5)
    dskips, dup, ddown = [], [], []
    for level in reversed(up):
        dx, dskip, _, dp = rise.backward((dx, None), level)  # (4)
        dskips.append(dskip)  # fine to coarse
        dup.append(dp)
    (dx,) = ops.dropout.backward(dx, drop)  # (3)
    for pool, convs in reversed(down):
        dx, _, dp = two_convs.backward((dx, None), convs)  # (2)
        ddown.append(dp)
        if pool is not None:
            (dx,) = ops.max_pool2d.backward(dx, pool)  # (1)
            dx = tree_add(dx, dskips.pop())  # the level above was read twice: by this one, and on the way up
    return None, None, UNetParams(tuple(reversed(ddown)), tuple(reversed(dup)), dparams_out)


def unet_forward(
    images: Array, labels: Array, weights: Array | None, running: UNetRunning, params: UNetParams, *,
    config: UNetConfig, training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, UNetRunning], Any]:  # fmt: skip
    """The U-Net's loss on a batch of pictures whose pixels have classes.

    Args:
        images: (N, H, W, C) floats in [0, 1]; H and W multiples of `config.multiple`.
        labels: (N, H, W) integers from 0 to classes - 1.
        weights: (N, H, W), how much each pixel counts: 0 where there is no picture; None counts all the same.
        running, params: as `unet_logits`.
        config, training, rng, ops: as `unet_logits`.
    Returns:
        ((loss in nats per counted pixel, the next running statistics), cache).
    Raises:
        ValueError, IndexError: as the pairs.
    Source: Ronneberger et al. 2015, without their weights between touching cells.
    """
    (logits, running), net = unet_logits.forward(
        images, running, params, config=config, training=training, rng=rng, ops=ops
    )
    loss, cross_entropy = ops.cross_entropy.forward(logits, labels, weights)
    return (loss, running), (net, cross_entropy, ops)


def unet_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, None, UNetParams]:
    """(dloss, ignored) -> None for the data and the running statistics, UNetParams of gradients."""
    net, cross_entropy, ops = cache
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)
    _, _, dparams = unet_logits.backward((dlogits, None), net)
    return None, None, None, None, dparams


unet_logits = Pair(unet_logits_forward, unet_logits_backward, "unet_logits")
unet = Pair(unet_forward, unet_backward, "unet")
