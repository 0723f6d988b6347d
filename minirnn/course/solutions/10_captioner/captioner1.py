"""captioner1: Wire the captioner, forward (lesson 10, The captioner).

Check it with `minirnn check captioner1`, or on every save with `minirnn watch`. Stuck? `minirnn hint captioner1`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams
from minirnn.models.captioner_parts import Seen, begin_forward, see_forward, tell_forward
from minirnn.ops import READABLE, Ops


def captioner_forward(
    images: np.ndarray, which: np.ndarray, inputs: np.ndarray, targets: np.ndarray, mask: np.ndarray, running: Any,
    params: CaptionerParams, *, config: CaptionerConfig, training: bool, rng: np.random.Generator | None = None,
    ops: Ops = READABLE,
):  # fmt: skip
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
    # The wiring, line by line; each line names what it makes:
    #   (1) seen, running   see_forward(images, running, params, config=…, training=…, rng=…, ops=…) gives ((seen, running), cache)
    #   (2) mine            the embedding of every leaf of `seen` that is not None: row which[m] of it belongs to caption m; a Seen
    #   (3) words           the embedding of inputs in the table params.words
    #   (4) words           dropout with p=config.drop_words, training and rng
    #   (5) state           begin_forward(mine, M, params, config=…, ops=…) gives (state, cache)
    #   (6) says            tell_forward(words, state, mine, params, config=…, ops=…) gives ((says, states, where), cache)
    #   (7) says            dropout as in (4)
    #   (8) logits          the affine map params.out
    #   (9) loss            cross-entropy with targets and mask
    # Use the pairs of `ops`: ops.embedding.forward(which, leaf), ops.dropout.forward(words, p=…, training=…, rng=…), …
    # Seen is a named tuple (vector, keys, values). The cache is your own affair.
    p = params
    drop = {"p": config.drop_words, "training": training, "rng": rng}
    (seen, running), see = see_forward(images, running, p, config=config, training=training, rng=rng, ops=ops)
    picked = [None if leaf is None else ops.embedding.forward(which, leaf) for leaf in seen]
    mine = Seen(*(None if pick is None else pick[0] for pick in picked))
    words, embedding = ops.embedding.forward(inputs, p.words)
    words, drop_words = ops.dropout.forward(words, **drop)
    state, begin = begin_forward(mine, len(inputs), p, config=config, ops=ops)
    (says, _, _), tell = tell_forward(words, state, mine, p, config=config, ops=ops)
    says, drop_says = ops.dropout.forward(says, **drop)
    logits, out = ops.affine.forward(says, p.out)
    loss, cross_entropy = ops.cross_entropy.forward(logits, targets, mask)
    caches = (see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy)
    return (loss, running), (caches, ops, p._fields)
