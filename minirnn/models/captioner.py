"""The image captioner: a convolutional encoder and a recurrent decoder, from pixels to words.

    see      image -> what the decoder knows of it             the encoder, then an affine map
    begin    what was seen -> the state before the first word
    tell     words so far, state, what was seen -> h           the same weights at every time step: `unroll`
    loss     logits = affine(h), softmax cross-entropy with the next word

The image comes in as the first state (image="first"), beside every word ("every"), beside every word as a small
vector and through attention over its locations ("attention"), or not at all ("none": the baseline that only knows what
captions sound like).

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams
from minirnn.models.captioner_parts import (
    Seen,
    begin_backward,
    begin_forward,
    see_backward,
    see_forward,
    tell_backward,
    tell_forward,
)
from minirnn.models.encoder import Running
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair, Tree
from minirnn.tree import tree_add, tree_map


def captioner_forward(
    images: Array, which: Array, inputs: Array, targets: Array, mask: Array, running: Running, params: CaptionerParams,
    *, config: CaptionerConfig, training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, Running], Any]:  # fmt: skip
    """The captioner's loss on a batch of pictures and captions: teacher forcing, every word at once.

    Args:
        images: (N, S, S, 3) floats in [0, 1].
        which: (M,) integers: the picture that each caption belongs to. A picture is encoded once for all its captions.
        inputs: (M, T) word numbers that the decoder reads: START, then the caption.
        targets: (M, T) word numbers that it should say: the caption, then END.
        mask: (M, T) True where a target counts, False on padding.
        running: batch norm's running statistics.
        params: CaptionerParams.
        config, training, rng, ops: the model's config; whether dropout and batch statistics are on; where dropout's
            masks come from; the pairs to use.
    Returns:
        ((loss in nats per word, the next running statistics), cache).
    Raises:
        ValueError, IndexError: as the pairs.
    Source: Vinyals et al. 2015; with attention, Xu et al. 2015.
    """
    p = params
    drop: dict[str, Any] = {"p": config.drop_words, "training": training, "rng": rng}
    (seen, running), see = see_forward(images, running, p, config=config, training=training, rng=rng, ops=ops)  # (1)
    picked = [None if leaf is None else ops.embedding.forward(which, leaf) for leaf in seen]  # (2) each caption its own
    mine = Seen(*(None if pick is None else pick[0] for pick in picked))
    words, embedding = ops.embedding.forward(inputs, p.words)  # (3)
    words, drop_words = ops.dropout.forward(words, **drop)  # (4)
    state, begin = begin_forward(mine, len(inputs), p, config=config, ops=ops)  # (5)
    (says, _, _), tell = tell_forward(words, state, mine, p, config=config, ops=ops)  # (6)
    says, drop_says = ops.dropout.forward(says, **drop)  # (7)
    logits, out = ops.affine.forward(says, p.out)  # (8)
    loss, cross_entropy = ops.cross_entropy.forward(logits, targets, mask)  # (9)
    caches = (see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy)
    return (loss, running), (caches, ops, p._fields)


def captioner_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, None, None, None, CaptionerParams]:
    """(dloss, ignored) -> None for the data and the running statistics, CaptionerParams of gradients."""
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    grads: dict[str, Tree] = dict.fromkeys(fields)
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)  # (9)
    dsays, grads["out"] = ops.affine.backward(dlogits, out)  # (8)
    (dsays,) = ops.dropout.backward(dsays, drop_says)  # (7)
    dwords, dstate, dmine, dtell = tell_backward(dsays, tell)  # (6)
    dvector, dbegin = begin_backward(dstate, begin)  # (5)
    dmine = tree_add(dmine, Seen(dvector, None, None))  # the decoder saw it twice: at the start and along the way
    (dwords,) = ops.dropout.backward(dwords, drop_words)  # (4)
    _, grads["words"] = ops.embedding.backward(dwords, embedding)  # (3)
    dseen = Seen(
        *(None if pick is None else ops.embedding.backward(d, pick[1])[1] for d, pick in zip(dmine, picked))
    )  # (2)
    dsee = see_backward(dseen, see)  # (1)
    return None, None, None, None, None, None, CaptionerParams(**{**grads, **dtell, **dbegin, **dsee})


captioner = Pair(captioner_forward, captioner_backward, "captioner")


class Telling(NamedTuple):
    """A caption under way: what was seen and the decoder's state; the batch is on axis 0 of every leaf."""

    seen: Seen
    state: Tree
    where: Array | None  # (N, L) attention: where it looked for the last word


def start(
    images: Array, running: Running, params: CaptionerParams, *, config: CaptionerConfig, ops: Ops = READABLE
) -> Telling:
    """Look at pictures (N, S, S, 3) and get ready to say the first word. `decode.py` takes it from here."""
    (seen, _), _ = see_forward(images, running, params, config=config, training=False, ops=ops)
    state, _ = begin_forward(seen, len(images), params, config=config, ops=ops)
    return Telling(seen, state, None)


def advance(
    words: Array, telling: Telling, params: CaptionerParams, *, config: CaptionerConfig, ops: Ops = READABLE
) -> tuple[Array, Telling]:
    """Read one word (N,) per caption: log-probabilities (N, V) of the next one, and the caption under way."""
    vectors, _ = ops.embedding.forward(words[:, None], params.words)
    (says, states, where), _ = tell_forward(vectors, telling.state, telling.seen, params, config=config, ops=ops)
    logits, _ = ops.affine.forward(says[:, -1], params.out)
    logp, _ = ops.log_softmax.forward(logits)
    state, where = tree_map(lambda leaf: leaf[:, -1], (states, where))
    return logp, Telling(telling.seen, state, where)
