"""attend2: Backward through attention (lesson 12, Attention).

Check it with `minirnn check attend2`, or on every save with `minirnn watch`. Stuck? `minirnn hint attend2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def dot_attention_backward(dout: tuple[np.ndarray, np.ndarray | None], cache: Any):
    """(dy, dp or None) -> dq, dk, dv, None.

    Undo:

        s = q @ k^T / sqrt(A)
        p = softmax(where(mask, s, -inf))      over locations
        y = p @ v

    Args:
        dout: (dy, dp): dy (N, T, M), and dp (N, T, L) from whoever read the weights p themselves, or None when nobody did.
        cache: what the forward function kept.
    Returns:
        dq (N, T, A), dk (N, L, A), dv (N, L, M), and None for the mask.
    """
    # `p` are the weights (N, T, L), 0 where the mask is False. Make new arrays; dout and the cache stay as they are.
    q, k, v, p, scale = cache  # of the framework, scale = 1 / sqrt(A); unpack what your attend1 keeps
    raise NotImplementedError("attend2: Backward through attention")
