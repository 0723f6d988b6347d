"""drop1: Dropout (lesson 04, A network that sees).

Check it with `minirnn check drop1`, or on every save with `minirnn watch`. Stuck? `minirnn hint drop1`.
"""

from __future__ import annotations

import numpy as np


def dropout_forward(x: np.ndarray, *, p: float, training: bool, rng: np.random.Generator | None = None):
    """Inverted dropout: training drops values and scales the rest, evaluation does nothing.

        y = x * mask / (1 - p)      mask is 0 with probability p, else 1
        y = x                       when not training

    Args:
        x: floats of any shape.
        p: probability of dropping a value, at least 0 and below 1.
        training: whether anything is dropped.
        rng: where the mask comes from; needed when training with p above 0.
    Returns:
        y of the same shape and the cache.
    Raises:
        ValueError: p out of range, or no generator where one is needed.
    Source: Srivastava et al. 2014; scaling in training, so that evaluation needs none.
    """
    # `rng.random(shape)` draws numbers from 0 (included) to 1 (not included), all equally likely; take all randomness
    # from rng. When nothing is dropped, rng may be None. The errors under Raises are not asked for.
    # The framework keeps mask / (1 - p) as its cache, and None where nothing is dropped; yours is your own affair.
    raise NotImplementedError("drop1: Dropout")
