"""norm2: Backward through batch normalisation (lesson 04, A network that sees).

Check it with `minirnn check norm2`, or on every save with `minirnn watch`. Stuck? `minirnn hint norm2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional import NormParams


def batch_norm_backward(dout: tuple[np.ndarray, Any], cache: Any):
    """(dy, ignored) -> dx, None, NormParams(dgamma, dbeta).

    Undo:

        mean, var = statistics of the batch when training, else of `running`
        xhat = (x - mean) / sqrt(var + eps)
        y = gamma * xhat + beta

    Args:
        dout: (dy, ignored), as the forward function returns (y, running); dy has the shape of x.
        cache: what the forward function kept.
    Returns:
        dx in the shape of x; None, since running statistics are not differentiated; NormParams(dgamma, dbeta), each
            (C,).
    """
    # In the framework's cache: xhat is (R, C), one row per example or pixel, R = N or N * H * W; std = sqrt(var +
    # eps) is (C,); shape is that of x.
    xhat, std, gamma, training, shape = cache  # of the framework; if your norm1 keeps something else, unpack that
    raise NotImplementedError("norm2: Backward through batch normalisation")
