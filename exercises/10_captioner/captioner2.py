"""captioner2: Wire the captioner, backward (lesson 10, The captioner).

Check it with `minirnn check captioner2`, or on every save with `minirnn watch`. Stuck? `minirnn hint captioner2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.models.captioner_params import CaptionerParams
from minirnn.models.captioner_parts import Seen, begin_backward, see_backward, tell_backward
from minirnn.tree import tree_add


def captioner_backward(dout: tuple[Any, Any], cache: Any):
    """(dloss, ignored) -> None for the data and the running statistics, CaptionerParams of gradients.

    Undo, from the last line to the first:

        (1) seen, running = see(images)      (2) mine = embedding of every leaf of seen by `which`
        (3) words = embedding(inputs)        (4) words = dropout(words)
        (5) state = begin(mine)              (6) says = tell(words, state, mine)
        (7) says = dropout(says)             (8) logits = affine(says)           (9) loss = cross_entropy(logits)

    Args:
        dout: (dloss, ignored).
        cache: what the forward function kept.
    Returns:
        A tuple of seven: None for images, which, inputs, targets, mask and running; then a CaptionerParams of gradients.
    """
    # tell_backward(dsays, cache)   -> dwords, dstate, dmine (a Seen; None for what it did not read), gradients by field (a dict)
    # begin_backward(dstate, cache) -> dvector (None where the picture was not read at the start), gradients by field
    # see_backward(dseen, cache)    -> gradients by field
    # ops.embedding.backward(d, cache) -> None, dtable;   ops.dropout.backward(d, cache) -> (dx,);   all of them with `ops`
    # tree_add(a, b) adds leaf by leaf and takes None as zero. Fields that nobody read have the gradient None.
    caches, ops, fields = cache  # of the framework; if your captioner1 keeps something else, unpack that
    raise NotImplementedError("captioner2: Wire the captioner, backward")
