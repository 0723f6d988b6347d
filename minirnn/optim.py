"""Optimisers: `(params, grads, state) -> (params, state)`, pure functions over trees; clipping and schedules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn.pair import Array, Tree
from minirnn.tree import tree_items, tree_leaves, tree_map, tree_zeros


@dataclass(frozen=True)
class Optimiser:
    """`init(params) -> state` and `update(params, grads, state, *, lr, ...) -> (params, state)`."""

    init: Callable[[Tree], Any]
    update: Callable[..., tuple[Tree, Any]]
    name: str


class SGDState(NamedTuple):
    velocity: Tree


def sgd_init(params: Tree) -> SGDState:
    """A velocity of zero for every parameter."""
    return SGDState(tree_zeros(params))


def sgd_update(
    params: Tree, grads: Tree, state: SGDState, *, lr: float, momentum: float = 0.9, weight_decay: float = 0.0
) -> tuple[Tree, SGDState]:
    """Stochastic gradient descent with momentum.

        g = dw + weight_decay * w;  v = momentum * v + g;  w = w - lr * v

    Raises:
        ValueError: lr or weight_decay below 0, momentum not in [0, 1).
    Source: Sutskever et al. 2013; the learning rate stays outside the velocity, as in PyTorch.
    """
    require_shares(lr, weight_decay, momentum=momentum)
    v = tree_map(lambda w, dw, v: momentum * v + (dw + weight_decay * w), params, grads, state.velocity)
    return tree_map(lambda w, v: w - lr * v, params, v), SGDState(v)


class RMSpropState(NamedTuple):
    square: Tree


def rmsprop_init(params: Tree) -> RMSpropState:
    """A mean square of zero for every parameter."""
    return RMSpropState(tree_zeros(params))


def rmsprop_update(
    params: Tree,
    grads: Tree,
    state: RMSpropState,
    *,
    lr: float,
    decay: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Tree, RMSpropState]:
    """RMSprop: steps divided by a running root mean square of the gradient.

        g = dw + weight_decay * w;  s = decay * s + (1 - decay) * g^2;  w = w - lr * g / (sqrt(s) + eps)

    Raises:
        ValueError: lr or weight_decay below 0, decay not in [0, 1).
    Source: Tieleman and Hinton 2012.
    """
    require_shares(lr, weight_decay, decay=decay)
    g = tree_map(lambda w, dw: dw + weight_decay * w, params, grads)
    s = tree_map(lambda g, s: decay * s + (1 - decay) * g**2, g, state.square)
    return tree_map(lambda w, g, s: w - lr * g / (np.sqrt(s) + eps), params, g, s), RMSpropState(s)


class AdamState(NamedTuple):
    step: Array  # () int64, updates made so far
    m: Tree  # running mean of the gradient
    v: Tree  # running mean of its square


def adam_init(params: Tree) -> AdamState:
    """Step 0 and moments of zero."""
    return AdamState(np.array(0), tree_zeros(params), tree_zeros(params))


def adam_update(
    params: Tree,
    grads: Tree,
    state: AdamState,
    *,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Tree, AdamState]:
    """Adam, with weight decay as an L2 penalty inside the gradient.

        g = dw + weight_decay * w
        m = beta1 * m + (1 - beta1) * g;    v = beta2 * v + (1 - beta2) * g^2
        w = w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)       t = 1, 2, …

    Raises:
        ValueError: lr or weight_decay below 0, a beta not in [0, 1).
    Source: Kingma and Ba 2015.
    """
    require_shares(lr, weight_decay, beta1=beta1, beta2=beta2)
    t = int(state.step) + 1
    g = tree_map(lambda w, dw: dw + weight_decay * w, params, grads) if weight_decay else grads
    m = tree_map(lambda g, m: beta1 * m + (1 - beta1) * g, g, state.m)
    v = tree_map(lambda g, v: beta2 * v + (1 - beta2) * g**2, g, state.v)
    bias1, bias2 = 1 - beta1**t, 1 - beta2**t  # the moments start at zero: without this the first steps are too small

    def step(w: Array, m: Array, v: Array) -> Array:
        out: Array = w - lr * (m / bias1) / (np.sqrt(v / bias2) + eps)
        return out

    return tree_map(step, params, m, v), AdamState(np.array(t), m, v)


def adamw_update(
    params: Tree, grads: Tree, state: AdamState, *, lr: float, weight_decay: float = 0.01, **options: float
) -> tuple[Tree, AdamState]:
    """AdamW: Adam with the weights themselves shrunk, apart from the gradient.

        w = w - lr * weight_decay * w;  then a step of Adam without weight decay

    Raises:
        ValueError: as `adam_update`.
    Source: Loshchilov and Hutter 2019.
    """
    require_shares(lr, weight_decay)
    shrunk = tree_map(lambda w: w - lr * weight_decay * w, params)
    return adam_update(shrunk, grads, state, lr=lr, **options)


def require_shares(lr: float, weight_decay: float, **shares: float) -> None:
    """Raise ValueError unless lr and weight_decay are at least 0 and every share in [0, 1)."""
    if not lr >= 0:
        raise ValueError(f"lr is {lr}; expected at least 0")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay is {weight_decay}; expected at least 0")
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} is {value}; expected at least 0 and below 1")


sgd = Optimiser(sgd_init, sgd_update, "sgd")
rmsprop = Optimiser(rmsprop_init, rmsprop_update, "rmsprop")
adam = Optimiser(adam_init, adam_update, "adam")
adamw = Optimiser(adam_init, adamw_update, "adamw")
OPTIMISERS = {optimiser.name: optimiser for optimiser in (sgd, rmsprop, adam, adamw)}


def global_norm(grads: Tree) -> float:
    """sqrt of the sum of squares of every value in the tree, as one Python float."""
    return float(np.sqrt(sum(float(np.vdot(g, g)) for g in tree_leaves(grads))))


def clip_by_global_norm(grads: Tree, max_norm: float) -> tuple[Tree, float]:
    """Scale all gradients together so that their common norm is at most `max_norm`; the direction stays.

        norm = sqrt(sum of squares over all arrays);  g = g * min(1, max_norm / norm)

    Returns:
        The gradients and the norm before clipping.
    Raises:
        ValueError: max_norm not above 0.
        FloatingPointError: a gradient is NaN or infinite; the message names the first such array.
    Source: Pascanu et al. 2013.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm is {max_norm}; expected more than 0")
    norm = global_norm(grads)
    if not np.isfinite(norm):
        for name, g in tree_items(grads):
            if not np.isfinite(g).all():
                raise FloatingPointError(f"the gradient of {name} holds NaN or infinity")
        raise FloatingPointError("the gradients are so large that their norm overflows")
    if norm <= max_norm:
        return grads, norm
    scale = max_norm / norm
    return tree_map(lambda g: g * scale, grads), norm


def constant(step: int, total: int) -> float:
    """1 at every step."""
    return 1.0


def linear(step: int, total: int) -> float:
    """From 1 at step 0 down to 0 at `total`."""
    return max(0.0, 1 - step / total)


def cosine(step: int, total: int) -> float:
    """Half a cosine: from 1 at step 0 down to 0 at `total`. Source: Loshchilov and Hutter 2017, without restarts."""
    return float(0.5 * (1 + np.cos(np.pi * min(step, total) / total)))


def step_decay(step: int, total: int) -> float:
    """1 for the first half of the steps, 0.1 up to three quarters, then 0.01."""
    return 1.0 if step < total / 2 else 0.1 if step < 3 * total / 4 else 0.01


SCHEDULES: dict[str, Callable[[int, int], float]] = {
    schedule.__name__: schedule for schedule in (constant, linear, cosine, step_decay)
}


def learning_rate(step: int, total: int, *, peak: float, warmup: int = 0, schedule: str = "cosine") -> float:
    """The learning rate of update `step` (from 0) of `total`: a linear warm-up to `peak`, then the schedule.

    Raises:
        ValueError: an unknown schedule.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule is {schedule!r}; expected one of {', '.join(SCHEDULES)}")
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    return peak * SCHEDULES[schedule](step - warmup, max(1, total - warmup))
