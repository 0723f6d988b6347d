"""Losses: softmax cross-entropy, binary cross-entropy, smooth L1; each the mean over everything that counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional.activations import log_softmax_forward, logistic
from minirnn.functional.embedding import require_ids
from minirnn.pair import Array, Pair, require_float


def cross_entropy_forward(logits: Array, targets: Array, mask: Array | None) -> tuple[Any, Any]:
    """Masked softmax cross-entropy, the mean over everything that counts.

        loss = sum(mask * -log softmax(logits)[target]) / sum(mask)

    Args:
        logits: (..., V) floats, e.g. (N, T, V).
        targets: (...) integers from 0 to V - 1, e.g. (N, T); where the mask is 0 they must still be valid ids.
        mask: (...) booleans or weights of at least 0, the same shape as targets; None counts everything.
    Returns:
        The loss in nats per counted word, a NumPy scalar of the dtype of logits, and the cache.
    Raises:
        ValueError: shapes that differ, targets that are not integers, a mask that counts nothing (as an empty batch)
            or holds weights below 0.
        IndexError: a target out of range.
    Source: the mean over the mask's sum (Keras, PyTorch with ignore_index); CS231n divides by N instead.
    """
    weight = counted(logits, targets, mask)
    total = weight.sum()
    logp, _ = log_softmax_forward(logits)
    picked = np.take_along_axis(logp, targets[..., None], axis=-1)[..., 0]
    loss = -(weight * picked).sum() / total
    return loss, (logp, targets, weight / total)


def cross_entropy_backward(dloss: Any, cache: Any) -> tuple[Array, None, None]:
    """dloss (scalar) -> dlogits (..., V), None, None: probability minus one at the target, where the mask counts."""
    logp, targets, share = cache
    dlogits = np.exp(logp)
    at_target = np.take_along_axis(dlogits, targets[..., None], axis=-1)
    np.put_along_axis(dlogits, targets[..., None], at_target - 1, axis=-1)
    return dlogits * (dloss * share)[..., None], None, None


def counted(logits: Array, targets: Array, mask: Array | None) -> Array:
    """The mask as weights of the dtype of logits (ones for None), once all three arrays are known to fit."""
    require_float("logits", logits)
    require_ids("target", targets, logits.shape[-1], "classes in logits")
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"targets have shape {targets.shape} but logits {logits.shape} need {logits.shape[:-1]}")
    return _weights(mask, targets, logits.dtype)


def binary_cross_entropy_forward(logits: Array, targets: Array, mask: Array | None) -> tuple[Any, Any]:
    """Yes or no, many times over: the mean over everything that counts.

        p    = sigmoid(logits)
        loss = sum(mask * -(targets * log p + (1 - targets) * log(1 - p))) / sum(mask)
             = sum(mask * (max(logits, 0) - logits * targets + log(1 + exp(-|logits|)))) / sum(mask)

    The second form holds for any logits; the first one overflows.

    Args:
        logits: (...) floats.
        targets: (...) floats or booleans from 0 (no) to 1 (yes), the same shape.
        mask: (...) booleans or weights of at least 0, the same shape; None counts everything.
    Returns:
        The loss in nats per counted answer, a NumPy scalar of the dtype of logits, and the cache.
    Raises:
        ValueError: shapes that differ, targets below 0, above 1 or NaN, a mask that counts nothing or holds weights
            below 0.
    Source: as PyTorch's binary_cross_entropy_with_logits.
    """
    targets = _answers("logits", logits, targets)
    if not ((targets >= 0) & (targets <= 1)).all():
        bad = targets[~((targets >= 0) & (targets <= 1))][0]
        raise ValueError(f"targets hold {bad}; expected 0 to 1")
    weight = _weights(mask, targets, logits.dtype)
    total = weight.sum()
    each = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    return (weight * each).sum() / total, (logits, targets, weight / total)


def binary_cross_entropy_backward(dloss: Any, cache: Any) -> tuple[Array, None, None]:
    """dloss (scalar) -> dlogits (...), None, None: probability minus target, where the mask counts."""
    logits, targets, share = cache
    return (logistic(logits) - targets) * (dloss * share), None, None


def smooth_l1_forward(x: Array, targets: Array, mask: Array | None, *, beta: float = 1.0) -> tuple[Any, Any]:
    """How far off numbers are: squared where it is little, straight where it is much.

        d    = x - targets
        loss = sum(mask * (d ** 2 / (2 * beta)  if |d| < beta else  |d| - beta / 2)) / sum(mask)

    Args:
        x: (...) floats.
        targets: (...) floats of the same shape.
        mask: (...) booleans or weights of at least 0, the same shape; None counts everything.
        beta: where the two forms meet, more than 0.
    Returns:
        The loss, a NumPy scalar of the dtype of x, and the cache.
    Raises:
        ValueError: shapes that differ, a beta that is not above 0, a mask that counts nothing or holds weights below 0.
    Source: Huber 1964; Girshick 2015 for boxes.
    """
    if not beta > 0:
        raise ValueError(f"beta is {beta}; expected more than 0")
    targets = _answers("x", x, targets)
    weight = _weights(mask, targets, x.dtype)
    total = weight.sum()
    d = x - targets
    near = np.abs(d) < beta
    each = np.where(near, d**2 / (2 * beta), np.abs(d) - beta / 2)
    return (weight * each).sum() / total, (d, near, weight / total, beta)


def smooth_l1_backward(dloss: Any, cache: Any) -> tuple[Array, None, None]:
    """dloss (scalar) -> dx (...), None, None."""
    d, near, share, beta = cache
    return np.where(near, d / beta, np.sign(d)) * (dloss * share), None, None


def _answers(name: str, x: Array, targets: Array) -> Array:
    """The targets in the dtype of x, once both are known to fit."""
    require_float(name, x)
    if not isinstance(targets, np.ndarray) or targets.dtype.kind not in "bf":
        came = getattr(targets, "dtype", type(targets).__name__)
        raise ValueError(f"targets have dtype {came}; expected an array of floats or booleans")
    if targets.shape != x.shape:
        raise ValueError(f"targets have shape {targets.shape} but {name} has {x.shape}")
    return targets.astype(x.dtype)


def _weights(mask: Array | None, targets: Array, dtype: Any) -> Array:
    """The mask as weights of a dtype (ones for None), once it is known to fit the targets and to count something."""
    if mask is not None and (not isinstance(mask, np.ndarray) or mask.dtype.kind not in "biuf"):
        came = getattr(mask, "dtype", type(mask).__name__)
        raise ValueError(f"mask has dtype {came}; expected an array of booleans or of weights")
    if mask is not None and mask.shape != targets.shape:
        raise ValueError(f"mask has shape {mask.shape} but targets have {targets.shape}")
    weight = np.ones(targets.shape, dtype) if mask is None else mask.astype(dtype)
    if not (weight >= 0).all():
        raise ValueError("mask holds a weight below 0 or NaN")
    if not weight.sum() > 0:
        raise ValueError(f"the mask counts nothing (its sum is {weight.sum()}); a mean over nothing is not defined")
    return weight


cross_entropy = Pair(cross_entropy_forward, cross_entropy_backward, "cross_entropy")
binary_cross_entropy = Pair(binary_cross_entropy_forward, binary_cross_entropy_backward, "binary_cross_entropy")
smooth_l1 = Pair(smooth_l1_forward, smooth_l1_backward, "smooth_l1")
