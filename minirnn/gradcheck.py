"""Gradient checking: what a backward pass says against what small changes of the input do to the output.

    a random upstream gradient dout turns the outputs into one number:      L = sum(dout * out)
    backward says                                                           a = dL/dx
    central differences say                                                 n = (L(x + eps) - L(x - eps)) / (2 eps)

The check also holds a pair to its contract (`minirnn.pair`): the structure of the gradients, nothing written into
inputs, cache or dout, and the same gradients however often and whenever backward runs.

It cannot tell whether the forward pass computes what it should: who differentiates their own mistake passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn.pair import Array, Pair, Tree

if TYPE_CHECKING:
    from minirnn.checking.report import Report, Row

__all__ = ["epsilon_curve", "gradcheck"]


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
    from minirnn.checking.compare import compare_directional, compare_full  # on first use: `import minirnn` is quick
    from minirnn.checking.report import Report
    from minirnn.checking.run import problem_of, run_once

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
        rows = list((compare_full if mode == "full" else compare_directional)(run, eps, rtol, rng, time_axis))
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
    from minirnn.checking.compare import DIRECTIONS, random_direction, relative_errors
    from minirnn.checking.run import problem_of, run_once

    problem = problem_of(pair, args, options, constants)
    rng = np.random.default_rng(seed)
    failures: list[str] = []
    run = run_once(problem, rng, failures)
    if run is None or not run.gradients:
        raise ValueError(f"{pair!r} has no gradient to compare: {'; '.join(failures) or 'no differentiable argument'}")
    steps = np.logspace(-1, -12, 34) if epsilons is None else np.asarray(epsilons, dtype=float)
    errors = np.zeros(len(steps))
    for _ in range(DIRECTIONS):
        direction = {name: random_direction(rng, g.shape) for name, g in run.gradients.items()}
        analytic = np.array(sum(float(np.vdot(g, direction[name])) for name, g in run.gradients.items()))
        for k, eps in enumerate(steps):
            plus = {name: problem.leaves[name] + eps * v for name, v in direction.items()}
            minus = {name: problem.leaves[name] - eps * v for name, v in direction.items()}
            numeric = np.array(run.change(plus, minus) / (2 * eps))
            errors[k] += float(relative_errors(analytic, numeric, 0.0)) / DIRECTIONS
    return steps, errors
