"""lstm2: Backward through one step of the LSTM (lesson 07, LSTM).

Check it with `minirnn check lstm2`, or on every save with `minirnn watch`. Stuck? `minirnn hint lstm2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional import LSTMParams, LSTMState


def lstm_step_backward(dstate: LSTMState, cache: Any):
    """LSTMState(dh, dc) -> dx, the gradient of the state before, LSTMParams(dWx, dWh, db).

    Undo:

        ai, af, ag, ao = split(x @ Wx + h_prev @ Wh + b, 4)
        i, f, g, o = sigmoid(ai), sigmoid(af), tanh(ag), sigmoid(ao)
        c = f * c_prev + i * g
        h = o * tanh(c)

    Args:
        dstate: LSTMState(dh, dc), both (N, H). dc is what the next step sends back to c; c's share of dh is not in it.
        cache: what the forward function kept.
    Returns:
        dx (N, D), LSTMState(dh_prev, dc_prev) with both (N, H), LSTMParams(dWx, dWh, db) in the shapes of Wx, Wh, b.
    """
    # `prev` is the state before: prev.h and prev.c. `p` holds Wx, Wh and b. Make new arrays; dstate and the cache stay
    # as they are.
    x, prev, p, i, f, g, o, tc = cache  # of the framework, tc = tanh(c); unpack what your lstm1 keeps
    raise NotImplementedError("lstm2: Backward through one step of the LSTM")
