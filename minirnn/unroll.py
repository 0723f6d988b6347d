"""The time loop, written once for every cell: `unroll` is backpropagation through time.

`bidirectional` reads a sequence both ways, `stacked` puts sequence layers on top of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minirnn.pair import Array, Pair, Tree, require_float
from minirnn.tree import tree_add, tree_map, tree_zeros


def unroll_forward(step: Pair, x: Array, state: Tree, shared: Tree) -> tuple[Tree, Any]:
    """Run a cell through time.

        state_t = step(x[:, t], state_(t-1), shared)   for t = 0 … T-1

    Args:
        step: a pair `(x_t, state, shared) -> next state`. `shared` is all that every step reads: its parameters, and
            for attention the image features.
        x: (N, T, D) floats, T at least 1.
        state: the state before the first step, a named tuple of (N, …) arrays.
        shared: any tree that the step understands.
    Returns:
        The states of all steps, stacked on axis 1 (`states.h` is (N, T, H), the last state is `[:, -1]` of each leaf),
        and the cache.
    Raises:
        ValueError: x is not (N, T, D), or T is 0.
    Source: Werbos 1990.
    """
    require_float("x", x, 3, "(N, T, D)")
    if x.shape[1] == 0:
        raise ValueError(f"x has shape {x.shape}: no time step; expected T of at least 1")
    states, caches = [], []
    for t in range(x.shape[1]):
        state, cache = step.forward(x[:, t], state, shared)
        states.append(state)
        caches.append(cache)
    return tree_map(lambda *s: np.stack(s, axis=1), *states), (tuple(caches), tree_zeros(state))


def unroll_backward(step: Pair, dstates: Tree, cache: Any) -> tuple[Array, Tree, Tree]:
    """The gradient of every step's state -> dx (N, T, D), the gradients of the first state and of `shared`."""
    caches, zeros = cache
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(len(caches))):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))  # noqa: B023  from t+1, and from outside
        dx_t, dstate, dshared_t = step.backward(dstate, caches[t])
        dshared = tree_add(dshared, dshared_t)  # shared through time: gradients add up
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared


def unroll(step: Pair) -> Pair:
    """The pair that runs a cell through time: `unroll_forward` and `unroll_backward` of this step.

    forward(x, state, shared) -> (states, cache)
    backward(dstates, cache) -> (dx, dstate, dshared)
    """
    return Pair(partial(unroll_forward, step), partial(unroll_backward, step), f"unroll({step.name})")


def beside(unroll: Callable[[Pair], Pair], step: Pair) -> Pair:
    """Run a cell through time on what changes and, beside it, what stays the same: a caption's words and its picture.

        forward(x, same, state, shared) -> (states, cache)
            unroll(step) on concat(x[:, t], same)
        backward(dstates, cache) -> (dx, dsame, dstate, dshared)

    Args (of forward):
        x: (N, T, D) floats.
        same: (N, E) floats, shared by all steps: its gradients add up over time.
        state, shared: as `unroll`; the cell reads D + E features.
    Raises:
        ValueError: as `unroll`; same is not (N, E).
    """
    time = unroll(step)

    def forward(x: Array, same: Array, state: Tree, shared: Tree) -> tuple[Tree, Any]:
        require_same(x, same)
        every = np.broadcast_to(same[:, None], (*x.shape[:2], same.shape[1]))
        states, cache = time.forward(np.concatenate([x, every], axis=2), state, shared)
        return states, (cache, x.shape[2])

    def backward(dstates: Tree, cache: Any) -> tuple[Array, Array, Tree, Tree]:
        inner, D = cache
        dboth, dstate, dshared = time.backward(dstates, inner)
        dx, dsame = dboth[:, :, :D].copy(), dboth[:, :, D:].sum(axis=1)  # shared through time
        return dx, dsame, dstate, dshared

    return Pair(forward, backward, f"beside({step.name})")


def require_same(x: Array, same: Array) -> None:
    """Raise ValueError unless x is (N, T, D) and same is (N, E)."""
    require_float("x", x, 3, "(N, T, D)")
    require_float("same", same, 2, "(N, E)")
    if len(same) != len(x):
        raise ValueError(f"same has {len(same)} rows but x has {len(x)}")


class Both(NamedTuple):
    """For `bidirectional`: what belongs to the forward reader and what to the backward reader."""

    ahead: Tree
    back: Tree


class BothWays(NamedTuple):
    h: Array  # (N, T, 2H): the forward reader's h, then the backward reader's, both in the time order of x


def bidirectional(step: Pair, unroll: Callable[[Pair], Pair] = unroll) -> Pair:
    """Read a sequence from both ends with two readers of the same kind.

        forward(x, state, shared, *, lengths=None) -> (BothWays(h), cache)
            h = concat(reader_ahead(x), reverse(reader_back(reverse(x))))
        backward(dout, cache) -> (dx, Both, Both)

    Args (of forward):
        x: (N, T, D) floats.
        state, shared: `Both` of the readers' first states and of what they read at every step.
        lengths: (N,) integers from 1 to T or None; each row is reversed within its own length, so that the padding
            behind it never reaches a reader before the row has ended.
    Raises:
        ValueError: x is not (N, T, D), or a length is not in 1 … T.
    Source: Schuster and Paliwal 1997.
    """
    reader = unroll(step)

    def forward(x: Array, state: Both, shared: Both, *, lengths: Any = None) -> tuple[BothWays, Any]:
        require_float("x", x, 3, "(N, T, D)")
        order = _reversed_time(x.shape[0], x.shape[1], lengths)
        ahead, cache_ahead = reader.forward(x, state.ahead, shared.ahead)
        back, cache_back = reader.forward(_take(x, order), state.back, shared.back)
        h = np.concatenate([ahead.h, _take(back.h, order)], axis=2)
        empty = tree_map(lambda leaf: None, ahead)
        return BothWays(h), (cache_ahead, cache_back, order, empty)

    def backward(dout: BothWays, cache: Any) -> tuple[Array, Both, Both]:
        cache_ahead, cache_back, order, empty = cache
        dh_ahead, dh_back = np.split(dout.h, 2, axis=2)
        dx_back, dstate_back, dshared_back = reader.backward(empty._replace(h=_take(dh_back, order)), cache_back)
        dx_ahead, dstate_ahead, dshared_ahead = reader.backward(empty._replace(h=dh_ahead), cache_ahead)
        dx = dx_ahead + _take(dx_back, order)
        return dx, Both(dstate_ahead, dstate_back), Both(dshared_ahead, dshared_back)

    return Pair(forward, backward, f"bidirectional({step.name})")


def _reversed_time(N: int, T: int, lengths: Any) -> Array:
    """(N, T) indices that reverse each row within its length and leave its padding; they undo themselves."""
    if lengths is None:
        lengths = np.full(N, T)
    lengths = np.asarray(lengths)
    if lengths.shape != (N,) or not np.issubdtype(lengths.dtype, np.integer):
        raise ValueError(f"lengths has shape {lengths.shape}, dtype {lengths.dtype}; expected {N} integers")
    if N and T and (lengths.min() < 1 or lengths.max() > T):
        bad = lengths[(lengths < 1) | (lengths > T)][0]
        raise ValueError(f"lengths holds {bad}; expected 1 to T = {T}")
    t = np.arange(T)
    return np.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)


def _take(x: Array, order: Array) -> Array:
    """x (N, T, D) with the time steps of row n in the order order[n]."""
    return x[np.arange(len(x))[:, None], order]


def stacked(*layers: Pair) -> Pair:
    """Sequence layers on top of each other: each reads the `h` of the layer below.

        forward(x, states, shared, **options) -> (one output per layer, cache)
        backward(douts, cache) -> (dx, dstates, dshared)

    Args (of forward):
        x: (N, T, D) floats.
        states, shared: one entry per layer, for `unroll(...)` or `bidirectional(...)` layers; options go to each layer.
    In `douts`, None stands for a layer that nobody reads but the layer above.
    Source: Graves 2013.
    """

    def forward(x: Array, states: tuple[Any, ...], shared: tuple[Any, ...], **options: Any) -> tuple[Tree, Any]:
        if not len(states) == len(shared) == len(layers):
            raise ValueError(f"{len(layers)} layers got {len(states)} states and {len(shared)} sets of parameters")
        outs, caches = [], []
        for layer, state, s in zip(layers, states, shared):
            out, cache = layer.forward(x, state, s, **options)
            outs.append(out)
            caches.append((cache, tree_map(lambda leaf: None, out)))
            x = out.h
        return tuple(outs), tuple(caches)

    def backward(douts: tuple[Any, ...], cache: Any) -> tuple[Array, Tree, Tree]:
        dx: Any = None
        dstates, dshared = [], []
        for k in reversed(range(len(layers))):
            layer_cache, empty = cache[k]
            dout = empty if douts[k] is None else douts[k]
            dout = dout._replace(h=tree_add(dout.h, dx))  # the h of this layer is the x of the layer above
            dx, dstate, ds = layers[k].backward(dout, layer_cache)
            dstates.append(dstate)
            dshared.append(ds)
        return dx, tuple(reversed(dstates)), tuple(reversed(dshared))

    return Pair(forward, backward, "stacked")
