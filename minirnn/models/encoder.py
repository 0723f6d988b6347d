"""The convolutional encoder: blocks of convolution, max-pooling, batch norm and ReLU, each halving the picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.conv import ConvParams
from minirnn.functional.norm import NormParams, RunningStats
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair
from minirnn.tree import tree_add


class BlockParams(NamedTuple):
    conv: ConvParams
    norm: NormParams


Params = tuple[BlockParams, ...]
Running = tuple[RunningStats, ...]


def init_encoder(
    rng: np.random.Generator, channels: tuple[int, ...], dtype: Any = np.float32, *, colours: int = 3
) -> tuple[Params, Running]:
    """One block per entry of `channels` (its output channels), for pictures of `colours` channels."""
    inputs = (colours, *channels)
    params = tuple(
        BlockParams(init.conv_params(rng, 3, C, F, dtype), init.norm_params(F, dtype)) for C, F in zip(inputs, channels)
    )
    return params, tuple(init.running_stats(F, dtype) for F in channels)


def encoder_forward(
    images: Array, running: Running, params: Params, *, training: bool, ops: Ops = READABLE
) -> tuple[tuple[tuple[Array, ...], Running], Any]:
    """Pictures to grids of features, from fine to coarse.

        x = relu(batch_norm(max_pool(conv(x))))      for each block

    Pooling comes before batch norm and ReLU: these then work on a quarter of the values.

    Args:
        images: (N, H, W, C) floats in [0, 1], C as the first block expects; H and W at least 2 ** blocks.
        running: batch norm's running statistics, one per block.
        params: BlockParams per block.
        training: whether batch norm uses the batch's own statistics and moves the running ones.
        ops: the pairs to use.
    Returns:
        ((one grid (N, H / 2**k, W / 2**k, F) for each block k = 1, 2, …, the next running statistics), cache).
    Raises:
        ValueError: as the pairs.
    Source: Simonyan and Zisserman 2015 for 3x3 blocks; Ioffe and Szegedy 2015.
    """
    conv_pool, norm_relu = ops.conv_pool(ops.conv2d, ops.max_pool2d), ops.norm_relu(ops.batch_norm, ops.relu)
    x, grids, caches, after = images, [], [], []
    for k, (p, stats) in enumerate(zip(params, running)):
        x, conv = conv_pool.forward(x, p.conv, pad=1, need_dx=k > 0)  # (1)
        (x, stats), norm = norm_relu.forward(x, stats, p.norm, training=training)  # (2)
        grids.append(x)
        caches.append((conv, norm))
        after.append(stats)
    return (tuple(grids), tuple(after)), (tuple(caches), conv_pool, norm_relu)


def encoder_backward(dout: tuple[tuple[Any, ...], Any], cache: Any) -> tuple[None, None, Params]:
    """(dgrids, ignored) -> None (the picture is given), None, one BlockParams of gradients per block.

    A grid that nobody reads but the next block has None in dgrids.
    """
    caches, conv_pool, norm_relu = cache
    dx, dparams = None, []
    for dgrid, (conv, norm) in zip(reversed(dout[0]), reversed(caches)):
        dx = tree_add(dgrid, dx)  # read from outside, and by the next block
        dx, _, dnorm = norm_relu.backward((dx, None), norm)  # (2)
        dx, dconv = conv_pool.backward(dx, conv)  # (1)
        dparams.append(BlockParams(dconv, dnorm))
    return None, None, tuple(reversed(dparams))


encoder = Pair(encoder_forward, encoder_backward, "encoder")
