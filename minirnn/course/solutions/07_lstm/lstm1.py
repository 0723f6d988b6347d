"""lstm1: One step of the LSTM (lesson 07, LSTM).

Check it with `minirnn check lstm1`, or on every save with `minirnn watch`. Stuck? `minirnn hint lstm1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.functional import LSTMParams, LSTMState
from minirnn.functional.activations import logistic as sigmoid


def lstm_step_forward(x: np.ndarray, state: LSTMState, params: LSTMParams):
    """One step of the LSTM.

        ai, af, ag, ao = split(x @ Wx + h_prev @ Wh + b, 4)
        i, f, g, o = sigmoid(ai), sigmoid(af), tanh(ag), sigmoid(ao)
        c = f * c_prev + i * g
        h = o * tanh(c)

    Args:
        x: (N, D) floats, the input at this time step.
        state: h (N, H) and c (N, H), from the step before.
        params: Wx (D, 4H), Wh (H, 4H), b (4H,); gate order i, f, g, o.
    Returns:
        The next state, h (N, H) and c (N, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, or arrays that are not floats.
    Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; no peepholes.
    """
    # `sigmoid` is the one of lesson 01, written so that it cannot overflow. The first H columns of Wx, Wh and b belong
    # to i, the next H to f, and so on. Checking shapes is not asked.
    # The framework keeps (x, state, params, i, f, g, o, tanh(c)) as its cache; yours is your own affair.
    ai, af, ag, ao = np.split(x @ params.Wx + state.h @ params.Wh + params.b, 4, axis=1)
    i, f, g, o = sigmoid(ai), sigmoid(af), np.tanh(ag), sigmoid(ao)
    c = f * state.c + i * g
    tc = np.tanh(c)
    h = o * tc
    return LSTMState(h, c), (x, state, params, i, f, g, o, tc)
