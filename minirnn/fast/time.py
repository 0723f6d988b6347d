"""What the fast sequences share: checks, gates in another order, the state before each step, gradients from outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.pair import Array, Pair, require_float


def check_sequence(x: Array, same: Array | None, state: Any, params: Any, step: Pair) -> None:
    """The errors of `unroll(step)`, before any work: its own, then those of the step itself on an empty batch."""
    require_float("x", x, 3, "(N, T, D)")
    if x.shape[1] == 0:
        raise ValueError(f"x has shape {x.shape}: no time step; expected T of at least 1")
    for name, s in zip(state._fields, state):
        require_float(f"state.{name}", s, 2, "(N, H)")
        if len(s) != len(x):
            raise ValueError(f"state.{name} has shape {s.shape}; expected {(len(x), params.Wh.shape[0])}: (N, H)")
    step.forward(
        x[:0, 0] if same is None else np.concatenate([x[:0, 0], same[:0]], axis=1),
        type(state)(*(s[:0] for s in state)),
        params,
    )


def by_gate(w: Array, gates: int) -> Array:
    """View of w (..., gates * H) as (gates, ..., H): one matrix for each gate."""
    return np.moveaxis(w.reshape(*w.shape[:-1], gates, -1), -2, 0)


def scaled_gates(w: Array, factors: tuple[float, ...]) -> Array:
    """w (..., gates * H) as a new (gates, ..., H), each gate times its factor."""
    gates = by_gate(w, len(factors))
    out: Array = np.empty(gates.shape, w.dtype)  # contiguous, as the result by itself would not be
    np.multiply(gates, np.array(factors, w.dtype).reshape(-1, *[1] * w.ndim), out=out)
    return out


def side_by_side(w: Array) -> Array:
    """The inverse of `by_gate`: w (gates, ..., H) as (..., gates * H)."""
    w = np.moveaxis(w, 0, -2)
    out: Array = w.reshape(*w.shape[:-2], -1)
    return out


def time_first(x: Array) -> Array:
    """x (N, T, D) as (T, N, D), contiguous: the rows of a step lie together."""
    return np.ascontiguousarray(x.swapaxes(0, 1))


def rows(x: Array) -> Array:
    """x (..., T, N, D) as (..., T * N, D): a row for every step of every sequence."""
    return x.reshape(*x.shape[:-3], -1, x.shape[-1])


def read_inputs(x: Array, same: Array | None, Wx: Array, b: Array) -> Array:
    """x (T, N, D) @ Wx (gates, D + E, H) + b for all steps: (gates, T, N, H); `same` is multiplied once."""
    (T, N, D), H = x.shape, Wx.shape[2]
    a = np.empty((len(Wx), T, N, H), x.dtype)
    np.matmul(rows(x), Wx[:, :D], out=rows(a))
    a += b[:, None, None] if same is None else (np.matmul(same, Wx[:, D:]) + b[:, None])[:, None]
    return a


def read_inputs_backward(
    da: Array, x: Array, same: Array | None, Wx: Array
) -> tuple[Array, Array | None, Array]:  # fmt: skip
    """da (gates, T, N, H) -> dx (N, T, D), dsame (N, E) or None, dWx (gates, D + E, H)."""
    D, drows = x.shape[2], rows(da)
    dx = add_products(drows, Wx[:, :D]).reshape(x.shape).swapaxes(0, 1)
    dWx = np.matmul(rows(x).T, drows)
    if same is None:
        return dx, None, dWx
    total = da.sum(axis=1)  # shared through time: gradients add up
    return dx, add_products(total, Wx[:, D:]), np.concatenate([dWx, np.matmul(same.T, total)], axis=1)


def add_products(d: Array, W: Array) -> Array:
    """The sum over gates of d (gates, rows, H) @ W (gates, D, H)^T."""
    out: Array = d[0] @ W[0].T
    for k in range(1, len(d)):
        out += d[k] @ W[k].T
    return out


def sigmoid_of_negated(a: Array) -> None:
    """-a -> 1 / (1 + exp(-a)) in place: the weights have turned the sign, and NumPy's exp is faster than its tanh."""
    with np.errstate(over="ignore"):  # 1 / (1 + inf) is the 0 that it should be
        np.exp(a, out=a)
    a += 1
    np.divide(1, a, out=a)
