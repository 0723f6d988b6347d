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

# Of the windows that attention looks at. A mean of SIDE**2 values has 1 / SIDE of their spread: times SIDE again.
SIDE = 4


class Seen(NamedTuple):
    """What the decoder knows of each picture; the batch is on axis 0 of every leaf."""

    vector: Any  # (N, ·) the picture at a glance, or None
    keys: Any  # (N, L, H) with attention, or None
    values: Any  # (N, L, M) with attention, or None


def see_forward(
    images: Array, running: Running, params: CaptionerParams, *, config: CaptionerConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Seen, Running], Any]:  # fmt: skip
    """Pictures (N, S, S, 3) to what the decoder sees of them.

    Attention looks at the means of overlapping windows of an early grid: what a location knows comes from its own place
    and is strongest in the middle of a thing, so that looking at a thing means looking where it is.
    """
    p = params
    if config.image == "none":
        return (Seen(None, None, None), running), (config, None, ops)
    drop: dict[str, Any] = {"p": config.drop_image, "training": training, "rng": rng}
    (grids, running), encoder_cache = encoder.forward(images, running, p.encoder, training=training, ops=ops)  # (1)
    N, H, W, C = grids[-1].shape
    a, image_cache = ops.affine.forward(grids[-1].reshape(N, H * W * C), p.image)  # (2)
    vector, relu_cache = ops.relu.forward(a)  # (3)
    vector, drop_cache = ops.dropout.forward(vector, **drop)  # (4)
    caches = (encoder_cache, [grid.shape for grid in grids], image_cache, relu_cache, drop_cache)
    if config.image != "attention":
        return (Seen(vector, None, None), running), (config, (caches, None), ops)
    vector, glance_cache = ops.affine.forward(vector, p.glance)  # (5)
    a, local_cache = ops.affine.forward(grids[config.attend - 1], p.local)  # (6)
    fine, fine_cache = ops.relu.forward(a)  # (7)
    mean, mean_cache = ops.avg_pool2d.forward(fine, size=SIDE, stride=2, pad=1)  # (8)
    values = SIDE * mean.reshape(N, config.grid**2, config.local) + p.place  # (9)
    values, thin_cache = ops.dropout.forward(values, **drop)  # (10)
    keys, keys_cache = ops.affine.forward(values, p.keys)  # (11)
    attended = (glance_cache, local_cache, fine_cache, mean_cache, mean.shape, thin_cache, keys_cache)
    return (Seen(vector, keys, values), running), (config, (caches, attended), ops)


def see_backward(dseen: Seen, cache: Any) -> dict[str, Tree]:
    """The gradients of the parameters that `see_forward` reads, by field of CaptionerParams."""
    config, caches, ops = cache
    if caches is None:
        return {"encoder": ()}
    (encoder_cache, shapes, image_cache, relu_cache, drop_cache), attended = caches
    grads: dict[str, Tree] = {}
    dgrids: list[Array | None] = [None] * len(shapes)
    dvector = dseen.vector
    if attended is not None:
        glance_cache, local_cache, fine_cache, mean_cache, mean_shape, thin_cache, keys_cache = attended
        dvalues, grads["keys"] = ops.affine.backward(dseen.keys, keys_cache)  # (11)
        (dvalues,) = ops.dropout.backward(dvalues + dseen.values, thin_cache)  # (10)
        grads["place"] = dvalues.sum(axis=0)  # (9)
        (dfine,) = ops.avg_pool2d.backward(SIDE * dvalues.reshape(mean_shape), mean_cache)  # (8)
        (da,) = ops.relu.backward(dfine, fine_cache)  # (7)
        dgrids[config.attend - 1], grads["local"] = ops.affine.backward(da, local_cache)  # (6)
        dvector, grads["glance"] = ops.affine.backward(dvector, glance_cache)  # (5)
    (dvector,) = ops.dropout.backward(dvector, drop_cache)  # (4)
    (da,) = ops.relu.backward(dvector, relu_cache)  # (3)
    dflat, grads["image"] = ops.affine.backward(da, image_cache)  # (2)
    dgrids[-1] = dflat.reshape(shapes[-1])
    _, _, grads["encoder"] = encoder.backward((tuple(dgrids), None), encoder_cache)  # (1)
    return grads


def begin_forward(
    seen: Seen, n: int, params: CaptionerParams, *, config: CaptionerConfig, ops: Ops = READABLE
) -> tuple[Tree, Any]:
    """The state of `n` decoders before the first word: zeros, or the picture at a glance."""
    state = zero_state(config, n, params.words.dtype)
    if params.first is None:
        return state, None
    a, affine_cache = ops.affine.forward(seen.vector, params.first)  # (1)
    h, tanh_cache = ops.tanh.forward(a)  # (2)
    return state._replace(h=h), (affine_cache, tanh_cache, ops)


def begin_backward(dstate: Tree, cache: Any) -> tuple[Array | None, dict[str, Tree]]:
    """The gradient of the image vector (None where it was not read), and of the parameters by field."""
    if cache is None:
        return None, {}
    affine_cache, tanh_cache, ops = cache
    (da,) = ops.tanh.backward(dstate.h, tanh_cache)  # (2)
    dvector, dfirst = ops.affine.backward(da, affine_cache)  # (1)
    return dvector, {"first": dfirst}


def tell_forward(
    words: Array, state: Tree, seen: Seen, params: CaptionerParams, *, config: CaptionerConfig, ops: Ops = READABLE
) -> tuple[tuple[Array, Tree, Array | None], Any]:
    """Run the decoder over word vectors (M, T, E).

    Returns:
        ((what it says (M, T, ·), its states, where it looked (M, T, L) or None), cache).
    """
    step = ops.step(config.cell)
    if config.image in ("every", "attention"):
        time = ops.beside(ops.unroll, step)
        states, time_cache = time.forward(words, seen.vector, state, params.cell)  # (1) the picture beside every word
    else:
        time = ops.unroll(step)
        states, time_cache = time.forward(words, state, params.cell)  # (1) the same weights at every step
    caches = (time, time_cache, tree_map(lambda leaf: None, states))
    if config.image != "attention":
        return (states.h, states, None), (caches, None, config, ops)
    q, query_cache = ops.affine.forward(states.h, params.query)  # (2)
    attention, score = attention_of(params, ops)
    (context, where), attention_cache = attention.forward(q, seen.keys, seen.values, None, *score)  # (3)
    says = np.concatenate([states.h, context], axis=2)  # (4)
    return (says, states, where), (caches, (query_cache, attention, attention_cache), config, ops)


def tell_backward(dsays: Array, cache: Any) -> tuple[Array, Tree, Seen, dict[str, Tree]]:
    """dsays -> gradients of the word vectors, of the state, of what was seen, and of the parameters by field."""
    (time, time_cache, dstates), attended, config, ops = cache
    grads: dict[str, Tree] = {}
    dh, dseen = dsays, Seen(None, None, None)
    if attended is not None:
        query_cache, attention, attention_cache = attended
        dh, dcontext = dsays[:, :, : config.hidden], dsays[:, :, config.hidden :]  # (4)
        dq, dkeys, dvalues, _, *dscore = attention.backward((dcontext, None), attention_cache)  # (3)
        dh_query, grads["query"] = ops.affine.backward(dq, query_cache)  # (2)
        dh, dseen = dh + dh_query, Seen(None, dkeys, dvalues)
        grads["score"] = dscore[0] if dscore else None
    dwords, *dvector, dstate, grads["cell"] = time.backward(dstates._replace(h=dh), time_cache)  # (1)
    if dvector:
        dseen = dseen._replace(vector=dvector[0])
    return dwords, dstate, dseen, grads


def attention_of(params: CaptionerParams, ops: Ops) -> tuple[Pair, tuple[Any, ...]]:
    """The attention pair and its parameters: additive where there are score parameters, else dot-product."""
    return (ops.dot_attention, ()) if params.score is None else (ops.additive_attention, (params.score,))
