"""The levels of a U-Net: two convolutions, and one step up with a skip."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.functional.conv import ConvTransposeParams
from minirnn.models.encoder import BlockParams
from minirnn.models.encoder import Running as BlockRunning
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair


class UpParams(NamedTuple):
    up: ConvTransposeParams
    convs: tuple[BlockParams, BlockParams]


def two_convs_forward(
    x: Array, running: BlockRunning, params: tuple[BlockParams, ...], *, training: bool, need_dx: bool = True,
    ops: Ops = READABLE,
) -> tuple[tuple[Array, BlockRunning], Any]:  # fmt: skip
    """What every level does, down and up.

        x = relu(batch_norm(conv3x3(x)))      twice

    Args:
        x: (N, H, W, C) floats.
        running: batch norm's running statistics, one for each convolution.
        params: BlockParams for each convolution.
        training, need_dx, ops: whether batch norm uses the batch's own statistics; False where x is the picture; the
            pairs to use.
    Returns:
        ((y (N, H, W, F), the next running statistics), cache).
    Raises:
        ValueError: as the pairs.
    Source: Ronneberger et al. 2015; with batch norm, Ioffe and Szegedy 2015.
    """
    norm_relu = ops.norm_relu(ops.batch_norm, ops.relu)
    caches, after = [], []
    for k, (p, stats) in enumerate(zip(params, running)):
        x, conv = ops.conv2d.forward(x, p.conv, pad=1, need_dx=need_dx or k > 0)  # (1)
        (x, stats), norm = norm_relu.forward(x, stats, p.norm, training=training)  # (2)
        caches.append((conv, norm))
        after.append(stats)
    return (x, tuple(after)), (caches, norm_relu, ops)


def two_convs_backward(dout: tuple[Array, Any], cache: Any) -> tuple[Array | None, None, tuple[BlockParams, ...]]:
    """(dy, ignored) -> dx (N, H, W, C), None, one BlockParams of gradients for each convolution."""
    caches, norm_relu, ops = cache
    dx, dparams = dout[0], []
    for conv, norm in reversed(caches):
        dx, _, dnorm = norm_relu.backward((dx, None), norm)  # (2)
        dx, dconv = ops.conv2d.backward(dx, conv)  # (1)
        dparams.append(BlockParams(dconv, dnorm))
    return dx, None, tuple(reversed(dparams))


def rise_forward(
    x: Array, skip: Array, running: BlockRunning, params: UpParams, *, training: bool, ops: Ops = READABLE
) -> tuple[tuple[Array, BlockRunning], Any]:
    """One level up: the coarse grid in twice the size, beside the skip of that level.

        y = two_convs(concatenate(skip, conv_transpose(x)))

    Args:
        x: (N, H, W, C) floats, the coarse grid.
        skip: (N, 2H, 2W, F) floats, what this level was on the way down.
        running, params, training, ops: as `two_convs`.
    Returns:
        ((y (N, 2H, 2W, F), the next running statistics), cache).
    Raises:
        ValueError: a skip of another size; as the pairs.
    Source: Ronneberger et al. 2015.
    """
    wide, up = ops.conv_transpose2d.forward(x, params.up, stride=2)  # (1)
    if wide.shape[:3] != skip.shape[:3]:
        raise ValueError(f"skip has shape {skip.shape} but x {x.shape} becomes {wide.shape}; expected the same size")
    both = np.concatenate([skip, wide], axis=3)  # (2)
    out, convs = two_convs.forward(both, running, params.convs, training=training, ops=ops)  # (3)
    return out, (up, skip.shape[3], convs, ops)


def rise_backward(dout: tuple[Array, Any], cache: Any) -> tuple[Array, Array, None, UpParams]:
    """(dy, ignored) -> dx (N, H, W, C), dskip (N, 2H, 2W, F), None, UpParams of gradients."""
    up, F, convs, ops = cache
    dboth, _, dconvs = two_convs.backward(dout, convs)  # (3)
    dskip, dwide = dboth[..., :F], np.ascontiguousarray(dboth[..., F:])  # (2)
    dx, dup = ops.conv_transpose2d.backward(dwide, up)  # (1)
    return dx, dskip, None, UpParams(dup, dconvs)


two_convs = Pair(two_convs_forward, two_convs_backward, "two_convs")
rise = Pair(rise_forward, rise_backward, "rise")
