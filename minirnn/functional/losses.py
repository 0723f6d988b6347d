"""Softmax cross-entropy with padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional.activations import log_softmax_forward
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
    if mask is not None and (not isinstance(mask, np.ndarray) or mask.dtype.kind not in "biuf"):
        came = getattr(mask, "dtype", type(mask).__name__)
        raise ValueError(f"mask has dtype {came}; expected an array of booleans or of weights")
    if mask is not None and mask.shape != targets.shape:
        raise ValueError(f"mask has shape {mask.shape} but targets have {targets.shape}")
    weight = np.ones(targets.shape, logits.dtype) if mask is None else mask.astype(logits.dtype)
    if not (weight >= 0).all():
        raise ValueError("mask holds a weight below 0 or NaN")
    if not weight.sum() > 0:
        raise ValueError(f"the mask counts nothing (its sum is {weight.sum()}); a mean over nothing is not defined")
    return weight


cross_entropy = Pair(cross_entropy_forward, cross_entropy_backward, "cross_entropy")
