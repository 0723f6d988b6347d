"""rnn1: One step of the vanilla RNN (lesson 05, Sequences in vision).

Check it with `minirnn check rnn1`, or on every save with `minirnn watch`. Stuck? `minirnn hint rnn1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.functional import RNNParams, RNNState


def rnn_step_forward(x: np.ndarray, state: RNNState, params: RNNParams):
    """One step of the vanilla RNN.

        h = tanh(x @ Wx + h_prev @ Wh + b)

    Args:
        x: (N, D) floats, the input at this time step.
        state: h (N, H), from the step before.
        params: Wx (D, H), Wh (H, H), b (H,).
    Returns:
        The next state, h (N, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, or arrays that are not floats.
    Source: Elman 1990.
    """
    # The framework keeps (x, state, params, h) as its cache; yours is your own affair. Checking shapes is not asked.
    h = np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)
    return RNNState(h), (x, state, params, h)
