"""Backward's gradients beside central differences of the forward pass, element by element or along directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter

import numpy as np

from minirnn.checking.report import Row, hint_of
from minirnn.checking.run import Run
from minirnn.pair import Array

DIRECTIONS = 3  # random directions per array, or per time step of it, in directional mode


def random_direction(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    v = rng.standard_normal(shape)
    return v / max(float(np.linalg.norm(v)), 1e-300)


def relative_errors(analytic: Array, numeric: Array, floor: float) -> Array:
    """Relative errors; infinity where a value is not finite, 0 where both are equal."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)
        errors = np.where(analytic == numeric, 0.0, np.abs(analytic - numeric) / scale)
    return np.where(np.isfinite(errors), errors, np.inf)


def _floor(run: Run, values: Array) -> float:
    """See `gradcheck`; `values` are the gradients of one array, from one side or from both."""
    return max(1e-2 * float(np.abs(values[np.isfinite(values)]).max(initial=0)), 1e-4 * run.size)


def compare_full(
    run: Run, eps: float, rtol: float, rng: np.random.Generator, time_axis: Mapping[str, int]
) -> Iterator[Row]:
    """Compare every element of every array."""
    numerics = {name: _differences(run, name, eps) for name in run.gradients}
    for name, analytic in run.gradients.items():
        numeric = numerics[name]
        if not analytic.size:
            yield Row(name, True, 0.0, None, 0.0, 0.0)
            continue
        errors = relative_errors(analytic, numeric, _floor(run, np.stack([analytic, numeric])))
        index = tuple(int(i) for i in np.unravel_index(errors.argmax(), errors.shape))
        ok = bool(errors[index] <= rtol)
        per_step: tuple[float, ...] = ()
        if name in time_axis:
            per_step = tuple(float(step.max()) for step in np.moveaxis(errors, time_axis[name], 0))
        others = {other: n for other, n in numerics.items() if other != name}
        hint = (
            ""
            if ok
            else _kink(run, name, *_beside(run.problem.leaves[name], index, eps), eps)
            or hint_of(analytic, numeric, others)
        )
        yield Row(name, ok, float(errors[index]), index, float(analytic[index]), float(numeric[index]), per_step, hint)


def _differences(run: Run, name: str, eps: float) -> Array:
    """Central differences for every element of one array."""
    leaf = run.problem.leaves[name]
    numeric = np.empty(leaf.shape)
    for index in np.ndindex(leaf.shape):
        plus, minus = _beside(leaf, index, eps)
        numeric[index] = run.change({name: plus}, {name: minus}) / (plus[index] - minus[index])
    return numeric


def _beside(leaf: Array, index: tuple[int, ...], eps: float) -> tuple[Array, Array]:
    plus, minus = leaf.copy(), leaf.copy()
    plus[index] += eps
    minus[index] -= eps
    return plus, minus


def _kink(run: Run, name: str, plus: Array, minus: Array, eps: float) -> str:
    """Whether the function has a corner between (relu at 0, equal values in a maximum): its two sides then disagree."""
    here = run.problem.leaves[name]
    above, below = run.change({name: plus}, {name: here}) / eps, run.change({name: here}, {name: minus}) / eps
    if not abs(above - below) > 1e-2 * max(abs(above), abs(below), 1e-4 * run.size):
        return ""
    return (
        f"a kink: the slope is {below:.4g} just below and {above:.4g} just above, and differences see their mean; "
        "check at another input"
    )


def compare_directional(
    run: Run, eps: float, rtol: float, rng: np.random.Generator, time_axis: Mapping[str, int]
) -> Iterator[Row]:
    """Compare a few random directions of every array, or of every time step of it."""
    for name, analytic in run.gradients.items():
        if not analytic.size:
            yield Row(name, True, 0.0, None, 0.0, 0.0)
            continue
        places = np.arange(analytic.size).reshape(analytic.shape)
        steps = np.moveaxis(places, time_axis[name], 0) if name in time_axis else places[None]
        tried = [
            max((_along(run, name, step, eps, rng) for _ in range(DIRECTIONS)), key=itemgetter(0)) for step in steps
        ]
        error, a, n, plus, minus = max(tried, key=itemgetter(0))
        per_step = tuple(step[0] for step in tried) if name in time_axis else ()
        hint = "" if error <= rtol else _kink(run, name, plus, minus, eps)
        yield Row(name, error <= rtol, error, None, a, n, per_step, hint)


def _along(
    run: Run, name: str, places: Array, eps: float, rng: np.random.Generator
) -> tuple[float, float, float, Array, Array]:
    """Error, analytic and numeric slope along a random unit direction in some `places` of an array; its two ends."""
    leaf, gradient = run.problem.leaves[name], run.gradients[name]
    v = np.zeros(leaf.size)
    v[places.ravel()] = random_direction(rng, (places.size,))
    plus, minus = leaf + eps * v.reshape(leaf.shape), leaf - eps * v.reshape(leaf.shape)
    a = float(np.vdot(gradient.take(places), (plus - minus).take(places))) / (2 * eps)
    n = run.change({name: plus}, {name: minus}) / (2 * eps)
    usual = np.sqrt(np.mean(gradient**2, keepdims=True))  # what a unit direction sees on average
    return float(relative_errors(np.array(a), np.array(n), _floor(run, usual))), a, n, plus, minus
