"""Gradient checking: what a backward pass says against what small changes of the input do to the output.

    a random upstream gradient dout turns the outputs into one number:      L = sum(dout * out)
    backward says                                                           a = dL/dx
    central differences say                                                 n = (L(x + eps) - L(x - eps)) / (2 eps)

The check also holds a pair to its contract (`minirnn.pair`): the structure of the gradients, nothing written into
inputs, cache or dout, and the same gradients however often and whenever backward runs.

It cannot tell whether the forward pass computes what it should: who differentiates their own mistake passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from minirnn.checking.report import Report, Row, hint_of
from minirnn.checking.run import Run, problem_of, run_once
from minirnn.pair import Array, Pair, Tree

__all__ = ["Report", "Row", "epsilon_curve", "gradcheck"]

DIRECTIONS = 3  # random directions per array, or per time step of it, in directional mode


def gradcheck(
    pair: Pair,
    args: tuple[Tree, ...],
    options: Mapping[str, Any] | None = None,
    *,
    mode: str = "full",
    eps: float = 1e-5,
    rtol: float = 1e-6,
    seed: int = 0,
    time_axis: Mapping[str, int] | None = None,
    constants: Sequence[str] = (),
) -> Report:
    """Check the backward pass of a pair, or of a whole model.

        error = |a - n| / max(|a|, |n|, floor)
        floor = max(1e-2 * largest gradient in the same array, 1e-4 * size of the problem)

    The floor keeps the rounding of differences from failing right code: a value 100 times smaller than its
    neighbours is held to their scale. The size of the problem is the largest gradient of all arrays or the norm of
    dout * out, whichever is larger; a gradient that is 0 by design (a bias in front of a batch norm) is compared on
    that scale. A mistake escapes only where it is smaller than rtol * floor.

    Args:
        pair: any pair; a model is one too.
        args: positional arguments of forward, trees with float64 leaves. They are copied, never changed.
        options: keyword options of forward; copied before every call, so that a generator gives the same dropout mask.
        mode: "full" compares every element; "directional" compares a few random directions per array (or per time
            step of it), which takes a handful of forward passes whatever the size.
        eps: step of the differences.
        rtol: largest error that passes.
        seed: of the upstream gradient and the random directions.
        time_axis: which axis of which array is time, e.g. {"x": 1}: the report then has the error of every time step.
        constants: what is not differentiated by contract: arguments ("running", "params.place"), whose gradient must
            be None, and outputs ("out.1"), which get None in dout. Integers, booleans and None need not be named.
    Returns:
        A `Report`; `print` it.
    Raises:
        ValueError: an unknown mode, floats that are not float64, a name in time_axis that is no array.
        Whatever the first call of forward or backward raises, apart from writing to what is read-only.
    Source: the checks of autograd's test_util and of the CS231n notes; outputs are subtracted before they are summed.
    """
    if mode not in ("full", "directional"):
        raise ValueError(f"mode is {mode!r}; expected 'full' or 'directional'")
    problem = problem_of(pair, args, options, constants)
    time_axis = time_axis or {}
    for name in time_axis:
        if name not in problem.leaves:
            raise ValueError(f"time_axis names {name!r}; the arrays are {', '.join(problem.leaves)}")
    rng = np.random.default_rng(seed)
    failures: list[str] = []
    rows: list[Row] = []
    run = run_once(problem, rng, failures)
    if run is not None:
        rows = list((_full if mode == "full" else _directional)(run, eps, rtol, rng, time_axis))
        run.again("after other forward passes", failures)
    return Report(pair.name or repr(pair), rtol, tuple(rows), tuple(dict.fromkeys(failures)))


def epsilon_curve(
    pair: Pair,
    args: tuple[Tree, ...],
    options: Mapping[str, Any] | None = None,
    *,
    epsilons: Sequence[float] | Array | None = None,
    seed: int = 0,
    constants: Sequence[str] = (),
) -> tuple[Array, Array]:
    """Relative error for every step of the differences, the mean along a few random directions of all arguments.

    A right gradient draws a valley: towards large steps the error grows as eps^2 (truncation), towards small ones as
    1 / eps (rounding). A wrong one draws a plateau.

    Args:
        epsilons: the steps (K,), 34 from 1e-1 down to 1e-12 when not given; the others as for `gradcheck`.
    Returns:
        (epsilons, errors), both (K,).
    Raises:
        ValueError: floats that are not float64, or a pair with no gradient that could be compared.
    """
    problem = problem_of(pair, args, options, constants)
    rng = np.random.default_rng(seed)
    failures: list[str] = []
    run = run_once(problem, rng, failures)
    if run is None or not run.gradients:
        raise ValueError(f"{pair!r} has no gradient to compare: {'; '.join(failures) or 'no differentiable argument'}")
    steps = np.logspace(-1, -12, 34) if epsilons is None else np.asarray(epsilons, dtype=float)
    errors = np.zeros(len(steps))
    for _ in range(DIRECTIONS):
        direction = {name: _direction(rng, g.shape) for name, g in run.gradients.items()}
        analytic = np.array(sum(float(np.vdot(g, direction[name])) for name, g in run.gradients.items()))
        for k, eps in enumerate(steps):
            plus = {name: problem.leaves[name] + eps * v for name, v in direction.items()}
            minus = {name: problem.leaves[name] - eps * v for name, v in direction.items()}
            numeric = np.array(run.change(plus, minus) / (2 * eps))
            errors[k] += float(_errors(analytic, numeric, 0.0)) / DIRECTIONS
    return steps, errors


def _direction(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    v = rng.standard_normal(shape)
    return v / max(float(np.linalg.norm(v)), 1e-300)


def _errors(analytic: Array, numeric: Array, floor: float) -> Array:
    """Relative errors; infinity where a value is not finite, 0 where both are equal."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)
        errors = np.where(analytic == numeric, 0.0, np.abs(analytic - numeric) / scale)
    return np.where(np.isfinite(errors), errors, np.inf)


def _floor(run: Run, values: Array) -> float:
    """See `gradcheck`; `values` are the gradients of one array, from one side or from both."""
    return max(1e-2 * float(np.abs(values[np.isfinite(values)]).max(initial=0)), 1e-4 * run.size)


def _full(run: Run, eps: float, rtol: float, rng: np.random.Generator, time_axis: Mapping[str, int]) -> Iterator[Row]:
    """Compare every element of every array."""
    numerics = {name: _differences(run, name, eps) for name in run.gradients}
    for name, analytic in run.gradients.items():
        numeric = numerics[name]
        if not analytic.size:
            yield Row(name, True, 0.0, None, 0.0, 0.0)
            continue
        errors = _errors(analytic, numeric, _floor(run, np.stack([analytic, numeric])))
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


def _directional(
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
    v[places.ravel()] = _direction(rng, (places.size,))
    plus, minus = leaf + eps * v.reshape(leaf.shape), leaf - eps * v.reshape(leaf.shape)
    a = float(np.vdot(gradient.take(places), (plus - minus).take(places))) / (2 * eps)
    n = run.change({name: plus}, {name: minus}) / (2 * eps)
    usual = np.sqrt(np.mean(gradient**2, keepdims=True))  # what a unit direction sees on average
    return float(_errors(np.array(a), np.array(n), _floor(run, usual))), a, n, plus, minus
