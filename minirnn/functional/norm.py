"""Batch normalisation and layer normalisation. The last axis holds features or channels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.pair import Array, Pair, require_float, require_shape


class NormParams(NamedTuple):
    gamma: Array  # (C,) scale
    beta: Array  # (C,) shift


class RunningStats(NamedTuple):
    mean: Array  # (C,)
    var: Array  # (C,) mean squared deviation (divided by the count, not by count - 1)


def batch_norm_forward(
    x: Array, running: RunningStats, params: NormParams, *, training: bool, momentum: float = 0.9, eps: float = 1e-5
) -> tuple[tuple[Array, RunningStats], Any]:
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
    require_norm(x, params)
    require_shape("running.mean", running.mean, x.shape[-1:], "one per feature")
    require_shape("running.var", running.var, x.shape[-1:], "one per feature")
    rows = x.reshape(-1, x.shape[-1])
    if training:
        if len(rows) < 2:
            raise ValueError(f"x has shape {x.shape}: training needs at least two values per feature")
        mean = rows.mean(axis=0)
        centred = rows - mean
        var = np.mean(centred**2, axis=0)
        running = RunningStats(
            momentum * running.mean + (1 - momentum) * mean, momentum * running.var + (1 - momentum) * var
        )
    else:
        centred, var = rows - running.mean, running.var
    std = np.sqrt(var + eps)
    xhat = centred / std
    y = params.gamma * xhat + params.beta
    return (y.reshape(x.shape), running), (xhat, std, params.gamma, training, x.shape)


def batch_norm_backward(dout: tuple[Array, Any], cache: Any) -> tuple[Array, None, NormParams]:
    """(dy, ignored) -> dx, None, NormParams(dgamma, dbeta)."""
    xhat, std, gamma, training, shape = cache
    dy = dout[0].reshape(xhat.shape)
    dgamma, dbeta = (dy * xhat).sum(axis=0), dy.sum(axis=0)
    dxhat = dy * gamma
    if training:  # mean and var were made from x too: take away what moves them
        dxhat = dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)
    return (dxhat / std).reshape(shape), None, NormParams(dgamma, dbeta)


def norm_relu(batch_norm: Pair, relu: Pair) -> Pair:
    """Batch normalisation, then the rectifier, as one pair.

    forward(x, running, params, *, training, …) -> ((y, running), cache)
    backward((dy, ignored), cache) -> (dx, None, dparams)
    """

    def forward(x: Array, running: RunningStats, params: NormParams, **options: Any) -> tuple[tuple[Array, Any], Any]:
        (y, after), norm_cache = batch_norm.forward(x, running, params, **options)
        y, relu_cache = relu.forward(y)
        return (y, after), (norm_cache, relu_cache)

    def backward(dout: tuple[Array, Any], cache: Any) -> tuple[Array, None, NormParams]:
        norm_cache, relu_cache = cache
        (dy,) = relu.backward(dout[0], relu_cache)
        dx, _, dparams = batch_norm.backward((dy, None), norm_cache)
        return dx, None, dparams

    return Pair(forward, backward, f"norm_relu({batch_norm.name}, {relu.name})")


def layer_norm_forward(x: Array, params: NormParams, *, eps: float = 1e-5) -> tuple[Array, Any]:
    """Layer normalisation: each row over its own features.

        xhat = (x - mean(x)) / sqrt(var(x) + eps)      mean and var over the last axis
        y = gamma * xhat + beta

    Args:
        x: (..., D) floats.
        params: gamma (D,), beta (D,).
        eps: added to the variance.
    Returns:
        y (..., D) and the cache.
    Raises:
        ValueError: shapes that do not fit.
    Source: Ba et al. 2016.
    """
    require_norm(x, params)
    centred = x - x.mean(axis=-1, keepdims=True)
    std = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + eps)
    xhat = centred / std
    return params.gamma * xhat + params.beta, (xhat, std, params.gamma)


def layer_norm_backward(dy: Array, cache: Any) -> tuple[Array, NormParams]:
    """dy (..., D) -> dx (..., D), NormParams(dgamma, dbeta)."""
    xhat, std, gamma = cache
    rows = tuple(range(dy.ndim - 1))
    dgamma, dbeta = (dy * xhat).sum(axis=rows), dy.sum(axis=rows)
    dxhat = dy * gamma
    dx = dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)
    return dx / std, NormParams(dgamma, dbeta)


def require_norm(x: Array, params: NormParams) -> None:
    """Raise ValueError unless x (..., C) and params gamma (C,), beta (C,) fit."""
    require_float("x", x)
    if x.ndim < 2:
        raise ValueError(f"x has shape {x.shape}; expected at least 2 axes, features last")
    require_shape("gamma", params.gamma, x.shape[-1:], "one per feature")
    require_shape("beta", params.beta, x.shape[-1:], "one per feature")


batch_norm = Pair(batch_norm_forward, batch_norm_backward, "batch_norm")
layer_norm = Pair(layer_norm_forward, layer_norm_backward, "layer_norm")
