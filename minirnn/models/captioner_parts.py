"""The parts of the captioner: what the decoder sees of a picture, how it begins, what it tells.

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams, zero_state
from minirnn.models.encoder import Running, encoder
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair, Tree
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
    (grid, running), encoder_cache = encoder.forward(
        images, running, p.encoder, pools=config.pools, training=training, ops=ops
    )  # (1)
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
    """The state of `n` decoders before the first word: zeros, or the picture at a glance."""
    state = zero_state(config, n, params.words.dtype)
    if params.first is None:
        return state, None
    glance = seen.vector if config.image == "first" else seen.values.reshape(n, -1)  # (1)
    a, affine_cache = ops.affine.forward(glance, params.first)  # (2)
    h, tanh_cache = ops.tanh.forward(a)  # (3)
    return state._replace(h=h), (affine_cache, tanh_cache, seen, ops)


def begin_backward(dstate: Tree, cache: Any) -> tuple[Seen, dict[str, Tree]]:
    """The gradients of what was seen (None where it was not read), and of the parameters by field."""
    if cache is None:
        return Seen(None, None, None), {}
    affine_cache, tanh_cache, seen, ops = cache
    (da,) = ops.tanh.backward(dstate.h, tanh_cache)  # (3)
    dglance, dfirst = ops.affine.backward(da, affine_cache)  # (2)
    if seen.values is None:
        return Seen(dglance, None, None), {"first": dfirst}
    return Seen(None, None, dglance.reshape(seen.values.shape)), {"first": dfirst}


def tell_forward(
    words: Array, state: Tree, seen: Seen, params: CaptionerParams, *, config: CaptionerConfig, ops: Ops = READABLE
) -> tuple[tuple[Array, Tree, Array | None], Any]:
    """Run the decoder over word vectors (M, T, E).

    Returns:
        ((what it says (M, T, ·), its states, where it looked (M, T, L) or None), cache).
    """
    x = words
    if config.image == "every":
        every = np.broadcast_to(seen.vector[:, None], (*words.shape[:2], config.features))
        x = np.concatenate([words, every], axis=2)  # (1)
    time = ops.unroll(ops.step(config.cell))
    states, time_cache = time.forward(x, state, params.cell)  # (2) the same weights at every step
    caches = (time, time_cache, tree_map(lambda leaf: None, states))
    if config.image != "attention":
        return (states.h, states, None), (caches, None, config, ops)
    q, query_cache = ops.affine.forward(states.h, params.query)  # (3)
    attention, score = _attention(params, ops)
    (context, where), attention_cache = attention.forward(q, seen.keys, seen.values, None, *score)  # (4)
    says = np.concatenate([states.h, context], axis=2)  # (5)
    return (says, states, where), (caches, (query_cache, attention, attention_cache), config, ops)


def tell_backward(dsays: Array, cache: Any) -> tuple[Array, Tree, Seen, dict[str, Tree]]:
    """dsays -> gradients of the word vectors, of the state, of what was seen, and of the parameters by field."""
    (time, time_cache, dstates), attended, config, ops = cache
    grads: dict[str, Tree] = {}
    dh, dseen = dsays, Seen(None, None, None)
    if attended is not None:
        query_cache, attention, attention_cache = attended
        dh, dcontext = dsays[:, :, : config.hidden], dsays[:, :, config.hidden :]  # (5)
        dq, dkeys, dvalues, _, *dscore = attention.backward((dcontext, None), attention_cache)  # (4)
        dh_query, grads["query"] = ops.affine.backward(dq, query_cache)  # (3)
        dh, dseen = dh + dh_query, Seen(None, dkeys, dvalues)
        grads["score"] = dscore[0] if dscore else None
    dx, dstate, grads["cell"] = time.backward(dstates._replace(h=dh), time_cache)  # (2)
    dwords, devery = dx[:, :, : config.embed], dx[:, :, config.embed :]  # (1)
    if config.image == "every":
        dseen = Seen(devery.sum(axis=1), None, None)
    return dwords, dstate, dseen, grads


def _attention(params: CaptionerParams, ops: Ops) -> tuple[Pair, tuple[Any, ...]]:
    """The attention pair and its parameters: additive where there are score parameters, else dot-product."""
    return (ops.dot_attention, ()) if params.score is None else (ops.additive_attention, (params.score,))
