"""Running a pair under watch: a forward and a backward pass, what breaks the contract, and how to run them again."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minirnn.checking.structure import gradient_arrays, is_constant, is_float, kind
from minirnn.checking.watch import walk, watched
from minirnn.pair import Array, Pair, Tree
from minirnn.tree import tree_from_items, tree_items


@dataclass(frozen=True)
class Problem:
    """A pair and where it is checked."""

    pair: Pair
    names: tuple[str, ...]  # of the positional arguments
    args: tuple[Tree, ...]
    leaves: dict[str, Any]  # every array of every argument, by name
    options: Mapping[str, Any]
    constants: tuple[str, ...]

    def forward(self, replaced: Mapping[str, Array]) -> Any:
        """Forward on fresh copies of everything, some arrays replaced."""
        return self.forward_on(self.copies(replaced))

    def forward_on(self, args: tuple[Tree, ...]) -> Any:
        return self.pair.forward(*args, **copy.deepcopy(dict(self.options)))

    def copies(self, replaced: Mapping[str, Array]) -> tuple[Tree, ...]:
        leaves = {name: copy.copy(leaf) for name, leaf in {**self.leaves, **replaced}.items()}
        return tuple(tree_from_items(arg, leaves, name) for name, arg in zip(self.names, self.args))


@dataclass(frozen=True)
class Run:
    """One forward and one backward pass, and what it takes to compare and to repeat them."""

    problem: Problem
    out: Tree  # what forward returned
    outs: dict[str, Any]  # copies of its leaves, by name
    backward: Callable[[], dict[str, Any]]  # runs backward again; everything that it returns, by name
    first: dict[str, Any]  # what it returned the first time
    gradients: dict[str, Array]  # of every differentiable array of the right shape, by name
    dout: dict[str, Any]  # upstream gradient of every differentiable output, by name
    size: float  # scale of the problem: norm of dout * out or the largest gradient

    def change(self, plus: Mapping[str, Array], minus: Mapping[str, Array]) -> float:
        """sum(dout * out) with the arrays `plus` less the same with `minus`: outputs that stay cancel exactly."""
        up, down = (_copies("out", self.problem.forward(leaves)[0]) for leaves in (plus, minus))
        with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, and reported as such
            return sum(float(np.vdot(d, up[name] - down[name])) for name, d in self.dout.items())

    def again(self, when: str, failures: list[str]) -> None:
        """Run backward once more: it must say the same (but for rounding, where a library adds up in another order)."""
        if any(failure.startswith("backward gives") for failure in failures):
            return
        for name, leaf in tree_items(self.out, "out"):
            if not _same(leaf, self.outs[name]):
                failures.append(f"forward overwrites the {name} of an earlier call: it must keep no state")
        try:
            now = self.backward()
        except Exception as error:  # noqa: BLE001  whatever it is, the first run did not raise it
            failures.append(f"backward gives an error {when}: {type(error).__name__}: {error}")
            return
        first = self.first
        places = [p for p in {**first, **now} if p not in now or p not in first or not _same(first[p], now[p])]
        if places:
            failures.append(f"backward gives other values {when}, for {', '.join(places)}: it must keep no state")


def problem_of(
    pair: Pair, args: tuple[Tree, ...], options: Mapping[str, Any] | None, constants: Sequence[str]
) -> Problem:
    """Name the arguments and refuse what cannot be checked.

    Raises:
        ValueError: a leaf that is no array or integer, or floats that are not float64.
    """
    parameters = inspect.signature(pair.forward).parameters.values()  # of what a functools.partial leaves open
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = tuple((known + [f"argument{i}" for i in range(len(known), len(args))])[: len(args)])
    leaves = {name: leaf for argument, arg in zip(names, args) for name, leaf in tree_items(arg, argument)}
    for name, leaf in leaves.items():
        if not isinstance(leaf, np.ndarray | np.integer | np.bool_ | int):
            raise ValueError(f"{name} is {kind(leaf)}; expected an array, an integer, None or a tuple of them")
        if isinstance(leaf, np.ndarray) and is_float(leaf) and leaf.dtype != np.float64:
            hint = "minirnn.tree.tree_cast(args, np.float64)"
            raise ValueError(f"{name} has dtype {leaf.dtype}; a gradient check needs float64: {hint}")
    return Problem(pair, names, tuple(args), leaves, options or {}, tuple(constants))


def run_once(problem: Problem, rng: np.random.Generator, failures: list[str]) -> Run | None:
    """Forward and backward under watch; None when there is nothing that differences could be compared with."""

    def forward() -> tuple[Callable[[], Any], dict[str, Any]]:
        args = problem.copies({})
        return lambda: problem.forward_on(args), dict(zip(problem.names, args))

    result, _ = watched("forward", forward, failures)
    if not isinstance(result, tuple) or len(result) != 2:
        failures.append(f"forward returned {kind(result)}; expected two things, (out, cache)")
        return None
    out = result[0]
    outs = _copies("out", out)
    if not _usable(outs, _copies("out", problem.forward({})[0]), failures):
        return None
    dout = _upstream("out", out, rng, problem.constants)

    def backward() -> tuple[Callable[[], Any], dict[str, Any]]:
        args = problem.copies({})
        _, cache = problem.forward_on(args)
        mine = copy.deepcopy(dout)
        things = {"dout": mine, "cache": cache, **dict(zip(problem.names, args))}
        return lambda: problem.pair.backward(mine, cache), things

    grads, things = watched("backward", backward, failures)
    first = _everything(problem.names, grads)
    arguments = dict(zip(problem.names, problem.args))
    gradients = gradient_arrays(arguments, grads, problem.constants, failures)
    upstream = dict(tree_items(dout, "out"))
    terms = [d * outs[name] for name, d in upstream.items()]
    largest = [float(np.abs(g[np.isfinite(g)]).max(initial=0)) for g in gradients.values()]
    size = max(float(np.sqrt(sum(np.sum(term**2) for term in terms))), *largest, 0.0)

    def repeat() -> dict[str, Any]:
        return _everything(problem.names, problem.pair.backward(copy.deepcopy(dout), things["cache"]))

    run = Run(problem, out, outs, repeat, first, gradients, upstream, size)
    run.again("the second time", failures)
    return run


def _usable(outs: dict[str, Any], again: dict[str, Any], failures: list[str]) -> bool:
    """Whether all outputs are arrays or numbers, float64, and the same for the same input."""
    for name, leaf in outs.items():
        if not isinstance(leaf, np.ndarray | np.generic | int | float):
            failures.append(f"{name} is {kind(leaf)}; expected an array, a number or a tuple of them")
        elif is_float(leaf) and np.asarray(leaf).dtype != np.float64:
            failures.append(f"{name} has dtype {np.asarray(leaf).dtype} but the inputs are float64")
        elif name not in again or not _same(leaf, again[name]):
            failures.append(
                f"forward gives another {name} for the same arguments: draw from a generator in the options"
            )
        else:
            continue
        return False
    return True


def _upstream(name: str, out: Tree, rng: np.random.Generator, constants: tuple[str, ...]) -> Tree:
    """A random gradient with the structure of `out`, away from 0; None for what is not differentiated."""
    if out is None or is_constant(name, constants):
        return None
    if isinstance(out, tuple):
        fields = getattr(out, "_fields", range(len(out)))
        parts = [_upstream(f"{name}.{field}", part, rng, constants) for field, part in zip(fields, out)]
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)
    if not is_float(out):
        return None
    d = rng.uniform(0.5, 1.5, np.shape(out)) * rng.choice([-1.0, 1.0], np.shape(out))
    return np.asarray(d) if isinstance(out, np.ndarray) else np.float64(d)


def _copies(name: str, tree: Tree) -> dict[str, Any]:
    return {place: copy.copy(leaf) for place, leaf in tree_items(tree, name)}


def _everything(names: tuple[str, ...], grads: Any) -> dict[str, Any]:
    """What backward returned, copied, by the names of the arguments where it is a tuple of gradients."""
    if isinstance(grads, tuple) and len(grads) == len(names):
        return {place: copy.copy(leaf) for name, g in zip(names, grads) for place, leaf in walk(g, name)}
    return {place: copy.copy(leaf) for place, leaf in walk(grads, "gradients")}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str) or np.shape(a) != np.shape(b):
        return bool(np.array_equal(a, b))
    finite = np.abs(np.asarray(a)[np.isfinite(a)])
    return bool(np.allclose(a, b, rtol=1e-12, atol=1e-12 * finite.max(initial=0), equal_nan=True))
