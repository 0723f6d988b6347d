"""Arguments that are made where a call runs: generators, cells, functions and models (see `Given`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minirnn.course.exercise import Given
from minirnn.pair import Array, Pair


class LeakyState(NamedTuple):
    h: Array  # (N, D)


class LeakyParams(NamedTuple):
    a: Array  # (D,)
    b: Array  # (D,)


def _leaky_forward(x: Array, state: LeakyState, shared: LeakyParams) -> tuple[LeakyState, Any]:
    """A cell to run through time that is no answer to any exercise: h = a * h_prev**2 + b * x."""
    h = shared.a * state.h**2 + shared.b * x
    return LeakyState(h), (x, state, shared)


def _leaky_backward(dstate: LeakyState, cache: Any) -> tuple[Array, LeakyState, LeakyParams]:
    x, prev, p = cache
    dh = dstate.h
    return (
        dh * p.b,
        LeakyState(dh * p.a * 2 * prev.h),
        LeakyParams((dh * prev.h**2).sum(axis=0), (dh * x).sum(axis=0)),
    )


def _polynomial(*coefficients: float) -> Callable[[Array], float]:
    """f(x) = sum over all elements of c0 + c1 x + c2 x^2 + …"""

    def f(x: Array) -> float:
        return float(sum(c * (x**k) for k, c in enumerate(coefficients)).sum())  # type: ignore[union-attr]

    return f


def _mixed(weights: Array, *coefficients: float) -> Callable[[Array], float]:
    """f(x) = c0 + c1 s + c2 s^2 + … with s = sum(weights * x): every element's derivative depends on all the others."""

    def f(x: Array) -> float:
        s = float((weights * x).sum())
        return float(sum(c * s**k for k, c in enumerate(coefficients)))

    return f


class Walk(NamedTuple):
    """The state of a small language model: the sum of all word numbers that it has read."""

    read: Array  # (B,)


def _walker(here: Array, before: Array) -> Callable[[Array, Walk], tuple[Array, Walk]]:
    """A language model that remembers: log-probabilities from the last word and from all that was read.

    Args:
        here: (V, V), what the last word says of the next.
        before: (K, V), what the sum of the words read so far (modulo K) says of it.
    """

    def step(words: Array, state: Walk) -> tuple[Array, Walk]:
        if np.shape(words) != state.read.shape or np.asarray(words).dtype.kind not in "iu":
            raise ValueError(
                f"step got words of shape {np.shape(words)}, dtype {np.asarray(words).dtype}; "
                f"expected one integer for every sequence, shape {state.read.shape}: np.full(n, start)"
            )
        read = state.read + words
        a = here[words] + before[read % len(before)]
        a = a - a.max(axis=1, keepdims=True)
        return a - np.log(np.exp(a).sum(axis=1, keepdims=True)), Walk(read)

    return step


def _captioner_config(values: dict[str, Any]) -> Any:
    from minirnn.models.captioner_params import CaptionerConfig

    return CaptionerConfig(**values)


GIVEN: dict[str, Callable[..., Any]] = {
    "rng": np.random.default_rng,
    "leaky": lambda: Pair(_leaky_forward, _leaky_backward, "leaky"),
    "polynomial": _polynomial,
    "walker": _walker,
    "captioner_config": _captioner_config,
    "mixed": _mixed,
}


def resolve(value: Any) -> Any:
    """`value` with every `Given` made; tuples and dicts are searched."""
    if isinstance(value, Given):
        return GIVEN[value.kind](*value.values)
    if isinstance(value, tuple):
        parts = [resolve(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, dict):
        return {key: resolve(part) for key, part in value.items()}
    return value
