"""The video captioner: a convolutional encoder for each frame, a recurrent reader over time, a recurrent decoder.

    watch    frames -> h of every frame          the encoder, the same for all frames, an affine map, then `unroll`
                                                 over each frame's vector and how it differs from the one before
    tell     words so far, the watcher's last h beside every word -> h, and through attention what the frames were like:
             `beside(unroll)`, then tanh(affine(h, what was looked up))
    loss     logits = affine(what is said), softmax cross-entropy with the next word

The decoder starts from the state in which the watcher ends, so both have the same cell and size; at every word it looks
at the frames' states through dot-product attention. A model that sees only the "first" frame is the baseline: it knows
what is there, and of what happens only what usually does.

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.models.encoder import Running, encoder
from minirnn.models.video_captioner_params import VideoConfig, VideoParams, zero_state
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair, Tree, require_float
from minirnn.tree import tree_map


class Watched(NamedTuple):
    """What the decoder knows of each clip; the batch is on axis 0 of every leaf."""

    whole: Array  # (N, H) the watcher's last h
    keys: Array  # (N, T, H) what each frame answers to
    values: Array  # (N, T, H + F) the watcher's h, and what the frame itself looks like


def watch_forward(
    frames: Array, running: Running, p: VideoParams, *, config: VideoConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Watched, Tree, Running], Any]:  # fmt: skip
    """Frames (N, T, S, S, 3) to ((what the decoder knows, the watcher's last state, running statistics), cache)."""
    _require_frames(frames, config)
    seen = frames[:, :1] if config.sees == "first" else frames
    N, T = seen.shape[:2]
    still = seen.reshape(N * T, *seen.shape[2:])  # the same weights for every frame
    (grids, running), encoded = encoder.forward(still, running, p.encoder, training=training, ops=ops)  # (1)
    flat = grids[-1].reshape(N, T, int(np.prod(grids[-1].shape[1:])))
    a, frame = ops.affine.forward(flat, p.frame)  # (2)
    x, relu = ops.relu.forward(a)  # (3)
    x, dropped = ops.dropout.forward(x, p=config.drop, training=training, rng=rng)  # (4)
    change = np.concatenate([np.zeros_like(x[:, :1]), x[:, 1:] - x[:, :-1]], axis=1)  # (5)
    time = ops.unroll(ops.step(config.cell))
    states, watch = time.forward(np.concatenate([x, change], axis=2), zero_state(config, N, x.dtype), p.watch)  # (6)
    keys, keyed = ops.affine.forward(states.h, p.keys)  # (7)
    values = np.concatenate([states.h, x], axis=2)  # (8)
    last = tree_map(lambda leaf: leaf[:, -1], states)  # (9)
    shapes = tuple(grid.shape for grid in grids)
    return (Watched(last.h, keys, values), last, running), (
        encoded,
        shapes,
        frame,
        relu,
        dropped,
        time,
        watch,
        keyed,
        ops,
    )


def watch_backward(dwatched: Watched, dlast: Tree, cache: Any) -> dict[str, Tree]:
    """The gradients of what was watched and of the last state -> those of the parameters, by field of VideoParams."""
    encoded, shapes, frame, relu, dropped, time, watch, keyed, ops = cache
    grads: dict[str, Tree] = {}
    dh, grads["keys"] = ops.affine.backward(dwatched.keys, keyed)  # (7)
    H = dh.shape[2]
    dh, dx = dh + dwatched.values[:, :, :H], dwatched.values[:, :, H:]  # (8)
    dstates = tree_map(lambda d: np.zeros((len(d), dh.shape[1], d.shape[1]), d.dtype), dlast)
    for dstate, d in zip(dstates, dlast._replace(h=dlast.h + dwatched.whole)):
        dstate[:, -1] = d  # (9)
    dread, _, grads["watch"] = time.backward(dstates._replace(h=dstates.h + dh), watch)  # (6)
    F = dx.shape[2]
    dx, dchange = dx + dread[:, :, :F], dread[:, 1:, F:]
    dx[:, 1:] += dchange  # (5)
    dx[:, :-1] -= dchange
    (dx,) = ops.dropout.backward(dx, dropped)  # (4)
    (da,) = ops.relu.backward(dx, relu)  # (3)
    dflat, grads["frame"] = ops.affine.backward(da, frame)  # (2)
    dgrids = (*[None] * (len(shapes) - 1), dflat.reshape(shapes[-1]))
    _, _, grads["encoder"] = encoder.backward((dgrids, None), encoded)  # (1)
    return grads


def tell_forward(
    words: Array, state: Tree, watched: Watched, p: VideoParams, *, config: VideoConfig, ops: Ops = READABLE
) -> tuple[tuple[Array, Tree, Array], Any]:
    """Run the decoder over word vectors (N, U, E): ((what it says (N, U, H), its states, where it looked), cache)."""
    time = ops.beside(ops.unroll, ops.step(config.cell))
    states, told = time.forward(words, watched.whole, state, p.tell)  # (1)
    q, query = ops.affine.forward(states.h, p.query)  # (2)
    (context, where), attention = ops.dot_attention.forward(q, watched.keys, watched.values, None)  # (3)
    a, mix = ops.affine.forward(np.concatenate([states.h, context], axis=2), p.mix)  # (4)
    says, tanh = ops.tanh.forward(a)  # (5)
    nothing = tree_map(lambda leaf: None, states)
    return (says, states, where), (time, told, nothing, query, attention, mix, tanh, config.hidden, ops)


def tell_backward(dsays: Array, cache: Any) -> tuple[Array, Tree, Watched, dict[str, Tree]]:
    """dsays -> gradients of the word vectors, of the first state, of what was watched, and of the parameters."""
    time, told, nothing, query, attention, mix, tanh, H, ops = cache
    grads: dict[str, Tree] = {}
    (da,) = ops.tanh.backward(dsays, tanh)  # (5)
    dboth, grads["mix"] = ops.affine.backward(da, mix)  # (4)
    dq, dkeys, dvalues, _ = ops.dot_attention.backward((dboth[:, :, H:], None), attention)  # (3)
    dh_query, grads["query"] = ops.affine.backward(dq, query)  # (2)
    dstates = nothing._replace(h=dboth[:, :, :H] + dh_query)
    dwords, dwhole, dstate, grads["tell"] = time.backward(dstates, told)  # (1)
    return dwords, dstate, Watched(dwhole, dkeys, dvalues), grads


def video_captioner_forward(
    frames: Array, inputs: Array, targets: Array, mask: Array, running: Running, params: VideoParams,
    *, config: VideoConfig, training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, Running], Any]:  # fmt: skip
    """The video captioner's loss on a batch of clips and captions: teacher forcing, every word at once.

    Args:
        frames: (N, T, S, S, 3) floats in [0, 1], T at least 1.
        inputs: (N, U) word numbers that the decoder reads: START, then the caption.
        targets: (N, U) word numbers that it should say: the caption, then END.
        mask: (N, U) True where a target counts, False on padding.
        running: batch norm's running statistics.
        params: VideoParams.
        config, training, rng, ops: the model's config; whether dropout and batch statistics are on; where dropout's
            masks come from; the pairs to use.
    Returns:
        ((loss in nats per word, the next running statistics), cache).
    Raises:
        ValueError, IndexError: frames that do not fit the config; as the pairs.
    Source: Venugopalan et al. 2015 (sequence to sequence, video to text); with attention over time, Yao et al. 2015.
    """
    p = params
    (watched, state, running), watch = watch_forward(
        frames, running, p, config=config, training=training, rng=rng, ops=ops
    )  # (1)
    words, embedding = ops.embedding.forward(inputs, p.words)  # (2)
    (says, _, _), tell = tell_forward(words, state, watched, p, config=config, ops=ops)  # (3)
    says, dropped = ops.dropout.forward(says, p=config.drop, training=training, rng=rng)  # (4)
    logits, out = ops.affine.forward(says, p.out)  # (5)
    loss, cross_entropy = ops.cross_entropy.forward(logits, targets, mask)  # (6)
    return (loss, running), (watch, embedding, tell, dropped, out, cross_entropy, ops)


def video_captioner_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, None, None, VideoParams]:
    """(dloss, ignored) -> None for the data and the running statistics, VideoParams of gradients."""
    watch, embedding, tell, dropped, out, cross_entropy, ops = cache
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)  # (6)
    dsays, dparams_out = ops.affine.backward(dlogits, out)  # (5)
    (dsays,) = ops.dropout.backward(dsays, dropped)  # (4)
    dwords, dstate, dwatched, dtell = tell_backward(dsays, tell)  # (3)
    _, dtable = ops.embedding.backward(dwords, embedding)  # (2)
    dwatch = watch_backward(dwatched, dstate, watch)  # (1)
    return None, None, None, None, None, VideoParams(**dwatch, **dtell, words=dtable, out=dparams_out)


video_captioner = Pair(video_captioner_forward, video_captioner_backward, "video_captioner")


class Telling(NamedTuple):
    """A caption under way; the batch is on axis 0 of every leaf."""

    watched: Watched
    state: Tree  # of the decoder
    where: Array | None  # (N, T) attention: at which frames it looked for the last word


def start(
    frames: Array, running: Running, params: VideoParams, *, config: VideoConfig, ops: Ops = READABLE
) -> Telling:  # fmt: skip
    """Watch clips (N, T, S, S, 3) and get ready to say the first word. `decode.py` takes it from here."""
    (watched, state, _), _ = watch_forward(frames, running, params, config=config, training=False, ops=ops)
    return Telling(watched, state, None)


def advance(
    words: Array, telling: Telling, params: VideoParams, *, config: VideoConfig, ops: Ops = READABLE
) -> tuple[Array, Telling]:
    """Read one word (N,) per caption: log-probabilities (N, V) of the next one, and the caption under way."""
    vectors, _ = ops.embedding.forward(words[:, None], params.words)
    (says, states, where), _ = tell_forward(vectors, telling.state, telling.watched, params, config=config, ops=ops)
    logits, _ = ops.affine.forward(says[:, -1], params.out)
    logp, _ = ops.log_softmax.forward(logits)
    state, where = tree_map(lambda leaf: leaf[:, -1], (states, where))
    return logp, Telling(telling.watched, state, where)


def _require_frames(frames: Array, config: VideoConfig) -> None:
    """Raise ValueError unless frames are (N, T, S, S, 3) floats with the config's S."""
    require_float("frames", frames, 5, "(N, T, S, S, 3)")
    S = config.image_size
    if frames.shape[1] < 1 or frames.shape[2:] != (S, S, 3):
        raise ValueError(f"frames have shape {frames.shape}; expected (N, T, {S}, {S}, 3) with T of at least 1")
