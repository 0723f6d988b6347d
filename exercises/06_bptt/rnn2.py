"""rnn2: Backward through one step (lesson 06, Backpropagation through time).

Check it with `minirnn check rnn2`, or on every save with `minirnn watch`. Stuck? `minirnn hint rnn2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional import RNNParams, RNNState


def rnn_step_backward(dstate: RNNState, cache: Any):
    """RNNState(dh) -> dx, the gradient of the state before, RNNParams(dWx, dWh, db).

    Undo:

        h = tanh(x @ Wx + h_prev @ Wh + b)

    Args:
        dstate: RNNState(dh), dh (N, H).
        cache: what the forward function kept.
    Returns:
        dx (N, D), RNNState(dh_prev) with dh_prev (N, H), RNNParams(dWx, dWh, db) in the shapes of Wx, Wh, b.
    """
    x, prev, p, h = cache  # of the framework; if your rnn1 keeps something else, unpack that
    raise NotImplementedError("rnn2: Backward through one step")
