"""gru1: One step of the GRU (lesson 08, GRU).

Check it with `minirnn check gru1`, or on every save with `minirnn watch`. Stuck? `minirnn hint gru1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.functional import GRUParams, GRUState
from minirnn.functional.activations import logistic as sigmoid


def gru_step_forward(x: np.ndarray, state: GRUState, params: GRUParams):
    """One step of the GRU, with the reset gate after the matrix product.

        axr, axz, axn = split(x @ Wx + bx, 3);  ahr, ahz, ahn = split(h_prev @ Wh + bh, 3)
        r, z = sigmoid(axr + ahr), sigmoid(axz + ahz)
        n = tanh(axn + r * ahn)
        h = (1 - z) * n + z * h_prev

    Args:
        x: (N, D) floats, the input at this time step.
        state: h (N, H), from the step before.
        params: Wx (D, 3H), Wh (H, 3H), bx (3H,), bh (3H,); gate order r, z, n.
    Returns:
        The next state, h (N, H), and the cache.
    Raises:
        ValueError: shapes that do not fit, or arrays that are not floats.
    Source: Cho et al. 2014, in the variant of cuDNN and PyTorch ("linear before reset" in ONNX).
    """
    # `sigmoid` is the one of lesson 01. The first H columns of Wx, Wh, bx and bh belong to r, the next H to z, the last H
    # to n. Checking shapes is not asked.
    # The framework keeps (x, state, params, ahn, r, z, n) as its cache; yours is your own affair.
    axr, axz, axn = np.split(x @ params.Wx + params.bx, 3, axis=1)
    ahr, ahz, ahn = np.split(state.h @ params.Wh + params.bh, 3, axis=1)
    r, z = sigmoid(axr + ahr), sigmoid(axz + ahz)
    n = np.tanh(axn + r * ahn)
    h = (1 - z) * n + z * state.h
    return GRUState(h), (x, state, params, ahn, r, z, n)
