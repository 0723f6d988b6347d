"""Adam, tuned: the twin of `adam_update`, over one flat array instead of one after the other, and through the cache."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from minirnn.fast.scratch import scratch
from minirnn.optim import AdamState, require_shares
from minirnn.pair import Array, Tree
from minirnn.tree import tree_from_leaves, tree_leaves

BLOCK = 2**17  # values


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
    return _update(params, grads, state, lr, beta1, beta2, eps, inside=weight_decay, shrink=0.0)


def adamw_update(
    params: Tree, grads: Tree, state: AdamState, *, lr: float, weight_decay: float = 0.01, **options: float
) -> tuple[Tree, AdamState]:
    """AdamW: Adam with the weights themselves shrunk, apart from the gradient.

        w = w - lr * weight_decay * w;  then a step of Adam without weight decay

    Raises:
        ValueError: as `adam_update`.
    Source: Loshchilov and Hutter 2019.
    """
    chosen = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, **options}
    return _update(params, grads, state, lr, **chosen, inside=0.0, shrink=weight_decay)


def _update(
    params: Tree, grads: Tree, state: AdamState, lr: float, beta1: float, beta2: float, eps: float, inside: float,
    shrink: float,
) -> tuple[Tree, AdamState]:  # fmt: skip
    require_shares(lr, inside + shrink, beta1=beta1, beta2=beta2)
    t = int(state.step) + 1
    w0, g0, m0, v0 = (flat(tree) for tree in (params, grads, state.m, state.v))
    w, m, v = (np.empty_like(w0) for _ in range(3))
    # sqrt(v / bias2) + eps = (sqrt(v) + eps * root) / root, so that v needs no pass of its own
    root = float(np.sqrt(1 - beta2**t))
    step, small, keep = lr * root / (1 - beta1**t), eps * root, 1 - lr * shrink
    for first in range(0, len(w), BLOCK):
        part = slice(first, first + BLOCK)
        g, m_new, v_new, w_new = g0[part], m[part], v[part], w[part]
        a = scratch("a", g.shape, g.dtype)
        if inside:
            b = scratch("b", g.shape, g.dtype)
            np.multiply(w0[part], inside, out=b)
            g = np.add(g, b, out=b)
        np.multiply(m0[part], beta1, out=m_new)
        m_new += np.multiply(g, 1 - beta1, out=a)
        np.multiply(g, g, out=a)
        a *= 1 - beta2
        np.multiply(v0[part], beta2, out=v_new)
        v_new += a
        np.sqrt(v_new, out=a)
        a += small
        np.divide(m_new, a, out=a)
        a *= step
        if shrink:
            np.multiply(w0[part], keep, out=w_new)
            w_new -= a
        else:
            np.subtract(w0[part], a, out=w_new)

    return unflat(w, params), AdamState(np.array(t), unflat(m, params), unflat(v, params))


def flat(tree: Tree) -> Array:
    """All values of a tree in one array; without a copy where `unflat` made the tree."""
    leaves = tree_leaves(tree)
    base = leaves[0].base if leaves else None
    if isinstance(base, np.ndarray) and base.ndim == 1 and base.size == sum(leaf.size for leaf in leaves):
        place = base.__array_interface__["data"][0]
        for leaf in leaves:
            if leaf.base is not base or not leaf.flags.c_contiguous or leaf.__array_interface__["data"][0] != place:
                break
            place += leaf.nbytes
        else:
            return base
    return np.concatenate([leaf.reshape(-1) for leaf in leaves]) if leaves else np.empty(0)


def unflat(values: Array, like: Tree) -> Tree:
    """A tree with the structure of `like`, whose leaves are parts of one flat array."""
    leaves = tree_leaves(like)
    ends = list(accumulate((leaf.size for leaf in leaves), initial=0))
    parts: list[Any] = [values[a:b].reshape(leaf.shape) for a, b, leaf in zip(ends, ends[1:], leaves)]
    return tree_from_leaves(like, parts)
