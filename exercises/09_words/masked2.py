"""masked2: The gradient of cross-entropy with padding (lesson 09, Words).

Check it with `minirnn check masked2`, or on every save with `minirnn watch`. Stuck? `minirnn hint masked2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def cross_entropy_backward(dloss: Any, cache: Any):
    """dloss (scalar) -> dlogits (..., V), None, None: probability minus one at the target, where the mask counts.

    Undo:

        loss = sum(mask * -log softmax(logits)[target]) / sum(mask)

    Args:
        dloss: a number, the gradient of the loss.
        cache: what the forward function kept.
    Returns:
        dlogits (..., V), and None for the targets and for the mask.
    """
    # `logp` is log softmax(logits) (..., V), `share` is mask / sum(mask) (...), of equal shares where the mask was None.
    # Make new arrays; the cache stays as it is.
    logp, targets, share = cache  # of the framework; if your masked1 keeps something else, unpack that
    raise NotImplementedError("masked2: The gradient of cross-entropy with padding")
