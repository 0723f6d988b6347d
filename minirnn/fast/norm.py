"""Batch normalisation, tuned, alone or with the rectifier behind it: the twins of `batch_norm` and `norm_relu`.

A few rows at a time go through all steps while they are in the cache; nothing of the size of x is kept beside x and y.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.fast.rows import column_sums, widened
from minirnn.fast.scratch import scratch
from minirnn.functional.activations import relu
from minirnn.functional.norm import NormParams, RunningStats, require_norm
from minirnn.functional.norm import norm_relu as one_after_the_other
from minirnn.pair import Array, Pair, require_shape

BLOCK = 2**17  # values


def batch_norm_forward(
    x: Array, running: RunningStats, params: NormParams, *, training: bool, momentum: float = 0.9, eps: float = 1e-5
) -> tuple[tuple[Array, RunningStats], Any]:
    """Batch normalisation of every feature (or channel) over all other axes.

        mean, var = statistics of the batch when training, else of `running`
        y = gamma * (x - mean) / sqrt(var + eps) + beta
        running = momentum * running + (1 - momentum) * (mean, var)      when training

    Args:
        x: (N, D) or (N, H, W, C) floats; any leading axes, the last one holds the features.
        running, params, training, momentum, eps: as the readable pair.
    Returns:
        (y, the next running statistics) and the cache.
    Raises:
        ValueError: as the readable pair.
    Source: as the readable pair.
    """
    return _forward(x, running, params, training, momentum, eps, rectify=False)


def batch_norm_backward(dout: tuple[Array, Any], cache: Any) -> tuple[Array, None, NormParams]:
    """(dy, ignored) -> dx, None, NormParams(dgamma, dbeta)."""
    dy = dout[0]
    rows, mean, std, gamma, training, y, shape = cache
    n, C = rows.shape
    wide, long_mean = widened(rows, mean)
    dwide, times = dy.reshape(wide.shape), wide.shape[1] // C

    total = np.zeros((2, C), dy.dtype)
    for part in _parts(wide):
        dz, centred = _moved(dwide, wide, y, long_mean, part)
        total[0] += column_sums(dz).reshape(times, C).sum(axis=0)
        dz *= centred
        total[1] += column_sums(dz).reshape(times, C).sum(axis=0)
    dbeta, dgamma = total[0], total[1] / std
    scale = np.tile(gamma / std, times)
    level, tilt = (np.tile(v, times) for v in (dbeta / n, dgamma / (n * std))) if training else (None, None)
    dx = np.empty_like(wide)
    for part in _parts(wide):
        dz, centred = _moved(dwide, wide, y, long_mean, part)
        if training:  # mean and var were made from x too: take away what moves them
            centred *= tilt
            dz -= centred
            dz -= level
        np.multiply(dz, scale, out=dx[part])
    return dx.reshape(shape), None, NormParams(dgamma, dbeta)


def norm_relu(batch_norm_pair: Pair, relu_pair: Pair) -> Pair:
    """Batch normalisation and the rectifier as one pair; in one sweep where both are minirnn's own.

    forward(x, running, params, *, training, …) -> ((y, running), cache)
    backward((dy, ignored), cache) -> (dx, None, dparams)
    """
    if batch_norm_pair is not batch_norm or relu_pair is not relu:
        return one_after_the_other(batch_norm_pair, relu_pair)
    return rectified


def rectified_forward(
    x: Array, running: RunningStats, params: NormParams, *, training: bool, momentum: float = 0.9, eps: float = 1e-5
) -> tuple[tuple[Array, RunningStats], Any]:
    """Batch normalisation, then the rectifier.

        y = max(gamma * (x - mean) / sqrt(var + eps) + beta, 0)

    Args:
        x, running, params, training, momentum, eps: as `batch_norm`.
    Returns:
        (y, the next running statistics) and the cache.
    Raises:
        ValueError: as the readable pair.
    Source: as `batch_norm` and `relu`.
    """
    return _forward(x, running, params, training, momentum, eps, rectify=True)


def _forward(
    x: Array, running: RunningStats, params: NormParams, training: bool, momentum: float, eps: float, rectify: bool
) -> tuple[tuple[Array, RunningStats], Any]:
    require_norm(x, params)
    require_shape("running.mean", running.mean, x.shape[-1:], "one per feature")
    require_shape("running.var", running.var, x.shape[-1:], "one per feature")
    rows = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
    n, C = rows.shape
    if training:
        if n < 2:
            raise ValueError(f"x has shape {x.shape}: training needs at least two values per feature")
        mean = column_sums(rows) / n
        var = _squares(rows, mean) / n
        running = RunningStats(
            momentum * running.mean + (1 - momentum) * mean, momentum * running.var + (1 - momentum) * var
        )
    else:
        mean, var = running
    std = np.sqrt(var + eps)
    wide, long_mean, scale, shift = widened(rows, mean, params.gamma / std, params.beta)
    y = np.empty_like(wide)
    for part in _parts(wide):
        out = y[part]
        np.subtract(wide[part], long_mean, out=out)
        out *= scale
        out += shift
        if rectify:
            np.maximum(out, 0, out=out)
    cache = (rows, mean, std, params.gamma, training, y if rectify else None, x.shape)
    return (y.reshape(x.shape), running), cache


def _squares(rows: Array, mean: Array) -> Array:
    """The sum of (rows - mean)^2 over all rows."""
    wide, long_mean = widened(rows, mean)
    total = np.zeros(wide.shape[1], wide.dtype)
    for part in _parts(wide):
        centred = scratch("centred", wide[part].shape, wide.dtype)
        np.subtract(wide[part], long_mean, out=centred)
        centred *= centred
        total += column_sums(centred)
    out: Array = total.reshape(-1, rows.shape[1]).sum(axis=0)
    return out


def _moved(dy: Array, x: Array, y: Array | None, mean: Array, part: slice) -> tuple[Array, Array]:
    """Of some rows: the gradient behind the rectifier, and x - mean; both in memory that the next call takes away."""
    dz, centred = (scratch(name, x[part].shape, x.dtype) for name in ("dz", "centred"))
    if y is None:
        dz[...] = dy[part]
    else:
        np.multiply(dy[part], y[part] > 0, out=dz)
    return dz, np.subtract(x[part], mean, out=centred)


def _parts(x: Array) -> list[slice]:
    """Blocks of rows of about BLOCK values."""
    rows = max(1, BLOCK // max(1, x.shape[1]))
    return [slice(k, min(len(x), k + rows)) for k in range(0, len(x), rows)]


batch_norm = Pair(batch_norm_forward, batch_norm_backward, "batch_norm")
rectified = Pair(rectified_forward, batch_norm_backward, "rectified")
