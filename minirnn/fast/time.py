"""What the fast sequences share: checks, gates in another order, the state before each step, gradients from outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.pair import Array, Pair, require_float


def check_sequence(x: Array, state: Any, params: Any, step: Pair) -> None:
    """The errors of `unroll(step)`, before any work: its own, then those of the step itself on an empty batch."""
    require_float("x", x, 3, "(N, T, D)")
    if x.shape[1] == 0:
        raise ValueError(f"x has shape {x.shape}: no time step; expected T of at least 1")
    for name, s in zip(state._fields, state):
        require_float(f"state.{name}", s, 2, "(N, H)")
        if len(s) != len(x):
            raise ValueError(f"state.{name} has shape {s.shape}; expected {(len(x), params.Wh.shape[0])}: (N, H)")
    step.forward(x[:0, 0], type(state)(*(s[:0] for s in state)), params)


def by_gate(w: Array, gates: int) -> Array:
    """View of w (..., gates * H) as (gates, ..., H): one matrix for each gate."""
    return np.moveaxis(w.reshape(*w.shape[:-1], gates, -1), -2, 0)


def scaled_gates(w: Array, factors: tuple[float, ...]) -> Array:
    """w (..., gates * H) as a new (gates, ..., H), each gate times its factor."""
    gates = np.ascontiguousarray(by_gate(w, len(factors)))
    return gates * np.array(factors, w.dtype).reshape(-1, *[1] * w.ndim)


def side_by_side(w: Array) -> Array:
    """The inverse of `by_gate`: w (gates, ..., H) as (..., gates * H)."""
    w = np.moveaxis(w, 0, -2)
    return w.reshape(*w.shape[:-2], -1)


def time_first(x: Array) -> Array:
    """x (N, T, D) as (T, N, D), contiguous: the rows of a step lie together."""
    return np.ascontiguousarray(x.swapaxes(0, 1))


def rows(x: Array) -> Array:
    """x (..., T, N, D) as (..., T * N, D): a row for every step of every sequence."""
    return x.reshape(*x.shape[:-3], -1, x.shape[-1])


def sigmoid_of_halved(a: Array) -> None:
    """a / 2 -> 1 / (1 + exp(-a)) in place: written with tanh, which halves its argument; here the weights did that."""
    np.tanh(a, out=a)
    a *= 0.5
    a += 0.5
