"""The parts of the captioner: what the decoder sees of a picture, how it begins, what it tells.

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.models.attend import AttendShared, AttendState, attend_step
from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams, zero_state
from minirnn.models.encoder import Running, encoder
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Tree
from minirnn.tree import tree_map


class Seen(NamedTuple):
    """What the decoder knows of each picture; the batch is on axis 0 of every leaf."""

    vector: Any  # (N, M) the image vector, or None
    keys: Any  # (N, L, H) with attention, or None
    values: Any  # (N, L, M) with attention, or None


def see_forward(
    images: Array, running: Running, params: CaptionerParams, *, config: CaptionerConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Seen, Running], Any]:  # fmt: skip
    """Pictures (N, S, S, 3) to what the decoder sees of them."""
    p = params
    if config.image == "none":
        return (Seen(None, None, None), running), (config, None, ops)
    (grid, running), encoder_cache = encoder.forward(images, running, p.encoder, training=training, ops=ops)  # (1)
    N, H, W, C = grid.shape
    locations = grid.reshape(N, H * W, C) if config.image == "attention" else grid.reshape(N, H * W * C)  # (2)
    v, image_cache = ops.affine.forward(locations, p.image)  # (3)
    if config.image == "attention":
        v = v + p.place  # (4)
    v, relu_cache = ops.relu.forward(v)  # (5)
    v, drop_cache = ops.dropout.forward(v, p=config.drop_image, training=training, rng=rng)  # (6)
    keys, keys_cache = ops.affine.forward(v, p.keys) if config.image == "attention" else (None, None)  # (7)
    seen = Seen(None, keys, v) if config.image == "attention" else Seen(v, None, None)
    caches = (encoder_cache, grid.shape, image_cache, relu_cache, drop_cache, keys_cache)
    return (seen, running), (config, caches, ops)


def see_backward(dseen: Seen, cache: Any) -> dict[str, Tree]:
    """The gradients of the parameters that `see_forward` reads, by field of CaptionerParams."""
    config, caches, ops = cache
    if config.image == "none":
        return {"encoder": ()}
    encoder_cache, shape, image_cache, relu_cache, drop_cache, keys_cache = caches
    grads: dict[str, Tree] = {}
    dv = dseen.vector
    if config.image == "attention":
        dv, grads["keys"] = ops.affine.backward(dseen.keys, keys_cache)  # (7)
        dv = dv + dseen.values
    (dv,) = ops.dropout.backward(dv, drop_cache)  # (6)
    (dv,) = ops.relu.backward(dv, relu_cache)  # (5)
    if config.image == "attention":
        grads["place"] = dv.sum(axis=0)  # (4)
    dlocations, grads["image"] = ops.affine.backward(dv, image_cache)  # (3)
    dgrid = dlocations.reshape(shape)  # (2)
    _, _, grads["encoder"] = encoder.backward((dgrid, None), encoder_cache)  # (1)
    return grads


def begin_forward(
    seen: Seen, n: int, params: CaptionerParams, *, config: CaptionerConfig, ops: Ops = READABLE
) -> tuple[Tree, Any]:
    """The state of `n` decoders before the first word."""
    state = zero_state(config, n, params.words.dtype)
    if config.image != "first":
        return state, None
    a, affine_cache = ops.affine.forward(seen.vector, params.first)  # (1)
    h, tanh_cache = ops.tanh.forward(a)  # (2)
    return state._replace(h=h), (affine_cache, tanh_cache)


def begin_backward(dstate: Tree, cache: Any, ops: Ops) -> tuple[Array | None, dict[str, Tree]]:
    """The gradient of the image vector (None where it was not read), and of the parameters by field."""
    if cache is None:
        return None, {}
    affine_cache, tanh_cache = cache
    (da,) = ops.tanh.backward(dstate.h, tanh_cache)  # (2)
    dvector, dfirst = ops.affine.backward(da, affine_cache)  # (1)
    return dvector, {"first": dfirst}


def tell_forward(
    words: Array, state: Tree, seen: Seen, params: CaptionerParams, *, config: CaptionerConfig, ops: Ops = READABLE
) -> tuple[tuple[Array, Tree], Any]:
    """Run the decoder over word vectors (M, T, E): what it says (M, T, ·) and its states."""
    x, shared, step = words, params.cell, ops.step(config.cell)
    if config.image == "every":
        every = np.broadcast_to(seen.vector[:, None], (*words.shape[:2], config.features))
        x = np.concatenate([words, every], axis=2)  # (1)
    if config.image == "attention":
        step = attend_step(step, ops)
        shared = AttendShared(seen.keys, seen.values, params.cell, params.attend)
    time = ops.unroll(step)
    states, cache = time.forward(x, state, shared)  # (2) the same weights at every step
    attends = config.image == "attention"
    says = np.concatenate([states.cell.h, states.context], axis=2) if attends else states.h  # (3)
    return (says, states), (time, cache, tree_map(lambda leaf: None, states), config)


def tell_backward(dsays: Array, cache: Any) -> tuple[Array, Tree, Seen, dict[str, Tree]]:
    """dsays -> gradients of the word vectors, of the state, of what was seen, and of the parameters by field."""
    time, time_cache, dstates, config = cache
    if config.image == "attention":
        dh, dcontext = dsays[:, :, : config.hidden], dsays[:, :, config.hidden :]  # (3)
        dstates = AttendState(dstates.cell._replace(h=dh), dcontext, None)
    else:
        dstates = dstates._replace(h=dsays)  # (3)
    dx, dstate, dshared = time.backward(dstates, time_cache)  # (2)
    if config.image == "attention":
        dseen = Seen(None, dshared.keys, dshared.values)
        return dx, dstate, dseen, {"cell": dshared.cell, "attend": dshared.attend}
    dwords, devery = dx[:, :, : config.embed], dx[:, :, config.embed :]  # (1)
    dvector = devery.sum(axis=1) if config.image == "every" else None
    return dwords, dstate, Seen(dvector, None, None), {"cell": dshared}
