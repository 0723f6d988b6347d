"""Elementwise activations, and softmax over the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.pair import Array, Pair, require_float


def logistic(a: Array) -> Array:
    """1 / (1 + exp(-a)), written with tanh so that no exponential can overflow."""
    out: Array = 0.5 * (np.tanh(0.5 * a) + 1)
    return out


def softmax_rows(a: Array) -> Array:
    """exp(a) / sum(exp(a)) over the last axis; each row's own maximum is subtracted first."""
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    out: Array = e / e.sum(axis=-1, keepdims=True)
    return out


def relu_forward(x: Array) -> tuple[Array, Any]:
    """Rectifier.

        y = max(x, 0)

    Args:
        x: floats of any shape.
    Returns:
        y of the same shape and the cache. The derivative at exactly 0 is taken as 0.
    Raises:
        ValueError: x is not a float array.
    Source: Nair and Hinton 2010.
    """
    require_float("x", x)
    return np.maximum(x, 0), x


def relu_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy -> dx."""
    x = cache
    return (dy * (x > 0),)


def sigmoid_forward(x: Array) -> tuple[Array, Any]:
    """Logistic sigmoid.

        y = 1 / (1 + exp(-x))

    Args:
        x: floats of any shape.
    Returns:
        y of the same shape and the cache.
    Raises:
        ValueError: x is not a float array.
    Source: written as (tanh(x/2) + 1) / 2, which cannot overflow.
    """
    require_float("x", x)
    y = logistic(x)
    return y, y


def sigmoid_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy -> dx."""
    y = cache
    return (dy * y * (1 - y),)


def tanh_forward(x: Array) -> tuple[Array, Any]:
    """Hyperbolic tangent.

        y = tanh(x)

    Args:
        x: floats of any shape.
    Returns:
        y of the same shape and the cache.
    Raises:
        ValueError: x is not a float array.
    Source: LeCun et al. 1998, "Efficient BackProp".
    """
    require_float("x", x)
    y = np.tanh(x)
    return y, y


def tanh_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy -> dx."""
    y = cache
    return (dy * (1 - y**2),)


def softmax_forward(x: Array) -> tuple[Array, Any]:
    """Softmax over the last axis.

        p = exp(x) / sum(exp(x))

    Args:
        x: (..., V) floats.
    Returns:
        p (..., V), rows that sum to 1, and the cache.
    Raises:
        ValueError: x is not a float array or its last axis is empty.
    Source: Bridle 1990; the row's maximum is subtracted before exp.
    """
    _require_classes(x)
    p = softmax_rows(x)
    return p, p


def softmax_backward(dp: Array, cache: Any) -> tuple[Array]:
    """dp (..., V) -> dx (..., V)."""
    p = cache
    return (p * (dp - (dp * p).sum(axis=-1, keepdims=True)),)


def log_softmax_forward(x: Array) -> tuple[Array, Any]:
    """Logarithm of softmax over the last axis, without forming the probabilities first.

        logp = x - log(sum(exp(x)))

    Args:
        x: (..., V) floats.
    Returns:
        logp (..., V) and the cache.
    Raises:
        ValueError: x is not a float array or its last axis is empty.
    Source: the log-sum-exp trick; finite where log(softmax(x)) underflows to -inf.
    """
    _require_classes(x)
    shifted = x - x.max(axis=-1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logp, logp


def log_softmax_backward(dlogp: Array, cache: Any) -> tuple[Array]:
    """dlogp (..., V) -> dx (..., V)."""
    logp = cache
    return (dlogp - np.exp(logp) * dlogp.sum(axis=-1, keepdims=True),)


def _require_classes(x: Array) -> None:
    require_float("x", x)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x has shape {x.shape}; softmax needs a last axis with at least one class")


relu = Pair(relu_forward, relu_backward, "relu")
sigmoid = Pair(sigmoid_forward, sigmoid_backward, "sigmoid")
tanh = Pair(tanh_forward, tanh_backward, "tanh")
softmax = Pair(softmax_forward, softmax_backward, "softmax")
log_softmax = Pair(log_softmax_forward, log_softmax_backward, "log_softmax")
