"""attend1: Scaled dot-product attention (lesson 12, Attention).

Check it with `minirnn check attend1`, or on every save with `minirnn watch`. Stuck? `minirnn hint attend1`.
"""

from __future__ import annotations

import numpy as np


def dot_attention_forward(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None):
    """Scaled dot-product attention.

        s = q @ k^T / sqrt(A)
        p = softmax(where(mask, s, -inf))      over locations
        y = p @ v

    Args:
        q: queries (N, T, A) floats.
        k: keys (N, L, A), one per location.
        v: values (N, L, M).
        mask: booleans that broadcast to (N, T, L), True where a query may look, or None; every query needs one True.
    Returns:
        ((y (N, T, M), p (N, T, L)), cache).
    Raises:
        ValueError: shapes that do not fit, or a query that may look nowhere.
    Source: Luong et al. 2015; scale of Vaswani et al. 2017.
    """
    # Write the softmax yourself; scores may be large, so take care that nothing overflows. `A @ B` of arrays with three
    # axes multiplies matrix by matrix, one for each n. Checking shapes and masks is not asked.
    # The framework keeps (q, k, v, p, 1 / sqrt(A)) as its cache; yours is your own affair.
    raise NotImplementedError("attend1: Scaled dot-product attention")
