"""norm1: Batch normalisation (lesson 04, A network that sees).

Check it with `minirnn check norm1`, or on every save with `minirnn watch`. Stuck? `minirnn hint norm1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.functional import NormParams, RunningStats


def batch_norm_forward(
    x: np.ndarray,
    running: RunningStats,
    params: NormParams,
    *,
    training: bool,
    momentum: float = 0.9,
    eps: float = 1e-5,
):
    """Batch normalisation of every feature (or channel) over all other axes.

        mean, var = statistics of the batch when training, else of `running`
        xhat = (x - mean) / sqrt(var + eps)
        y = gamma * xhat + beta
        running = momentum * running + (1 - momentum) * (mean, var)      when training

    Args:
        x: (N, D) or (N, H, W, C) floats; any leading axes, the last one holds the features.
        running: mean (C,) and var (C,), what evaluation uses.
        params: gamma (C,), beta (C,).
        training: whether the batch's own statistics are used and `running` moves on.
        momentum: share of the old running value that is kept, 0 to 1 (Keras and ONNX; PyTorch states 1 - momentum).
        eps: added to the variance, so that a constant feature does not divide by 0.
    Returns:
        (y, the next running statistics) and the cache. Running statistics are not differentiated.
    Raises:
        ValueError: shapes that do not fit; training on fewer than two values per feature.
    Source: Ioffe and Szegedy 2015; running variance as in ONNX (divided by the count).
    """
    # running is RunningStats(mean, var), params is NormParams(gamma, beta); return ((y, the next running), cache),
    # with running as it came when not training. Shapes: x.reshape(-1, x.shape[-1]) has one row per example or pixel.
    # The framework keeps (xhat as such rows, sqrt(var + eps), gamma, training, x.shape) as its cache; yours is your
    # own affair. Checking shapes is not asked.
    raise NotImplementedError("norm1: Batch normalisation")
