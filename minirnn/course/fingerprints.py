"""What stands out in a wrong array: exact ratios, zeros, swapped results, the gate or the time step that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from minirnn.course.compare import TOLERANCE, TOLERANCE32, Leaf, relative_error
from minirnn.course.exercise import Exercise, Probe, sizes
from minirnn.course.given import resolve
from minirnn.course.running import arrays, copied
from minirnn.pair import Array
from minirnn.tree import tree_items, tree_map

SAME = 1e-6


@dataclass(frozen=True)
class Column:
    """One leaf of the result, on every probe."""

    label: str
    axes: str
    cells: list[tuple[Probe, Leaf]]

    @property
    def wrong(self) -> list[tuple[Probe, Leaf]]:
        """Where it is wrong."""
        return [(p, leaf) for p, leaf in self.cells if is_wrong(leaf)]

    @property
    def right(self) -> list[tuple[Probe, Leaf]]:
        """Where it is right."""
        return [(p, leaf) for p, leaf in self.cells if not is_wrong(leaf)]


class Fingerprint(NamedTuple):
    """What stands out."""

    evidence: tuple[str, ...] = ()
    cause: str = ""
    key: str = ""


def is_wrong(leaf: Leaf) -> bool:
    """Farther off than rounding explains."""
    return not leaf.error <= (TOLERANCE32 if leaf.truth.dtype == np.float32 else TOLERANCE)


def fingerprint(exercise: Exercise, column: Column, answers: list[Any]) -> Fingerprint:
    """The first fingerprint that fits every probe on which the leaf is wrong."""
    cells = [(p, leaf) for p, leaf in column.wrong if p.note != "float32"] or column.wrong
    if any(
        not np.isfinite(leaf.value.astype(float)).all() and np.isfinite(leaf.truth.astype(float)).all()
        for _, leaf in cells
    ):
        return _not_finite(cells)
    if all(leaf.truth.dtype.kind == "f" and leaf.value.size and not leaf.value.any() for _, leaf in cells):
        nothing = "nothing was ever put into it" + (
            ", or nothing arrived: the gradient stops on the way" if exercise.backward else ""
        )
        return Fingerprint(("yours is 0 everywhere",), nothing, "all-zero")
    return (
        _ratio(exercise, column, cells)
        or _elementwise(cells)
        or _other(exercise, column, cells, answers)
        or Fingerprint()
    )


def _not_finite(cells: list[tuple[Probe, Leaf]]) -> Fingerprint:
    probe, leaf = next((p, c) for p, c in cells if not np.isfinite(c.value.astype(float)).all())
    kind = "NaN" if np.isnan(leaf.value.astype(float)).any() else "infinity"
    with_ = f" with {probe.note}" if probe.note else ""
    evidence = (f"yours holds {kind}{with_}",)
    if any(np.isfinite(c.value.astype(float)).all() for _, c in cells):  # wrong without it too: it does not explain all
        return Fingerprint(evidence)
    return Fingerprint(
        evidence,
        f"something becomes {kind}{with_}: a division by 0, the log of 0, the exponential of a large number, or an"
        " infinity that was put in and is left over",
        "not-finite",
    )


# exact ratios


def ratio_of(value: Array, truth: Array) -> float | None:
    """The one number r with value = r * truth, or None."""
    value, truth = value.astype(float), truth.astype(float)
    norm = float(np.vdot(truth, truth))
    if norm == 0:
        return None
    r = float(np.vdot(truth, value)) / norm
    return r if relative_error(value, r * truth) <= SAME and r != 0 else None


def _ratio(exercise: Exercise, column: Column, cells: list[tuple[Probe, Leaf]]) -> Fingerprint | None:
    # one value alone always has a ratio: only a leaf with several, or a common rule, tells something
    ratios = [(p, leaf, ratio_of(leaf.value, leaf.truth)) for p, leaf in cells]
    found = [(p, leaf, r) for p, leaf, r in ratios if r is not None]
    numbers = all(leaf.truth.size == 1 for _, leaf, _ in found)
    if len(found) < len(ratios) or (numbers and len(found) < 3):
        return None
    named = [(r, _sizes_of(exercise, p)) for p, _, r in found]
    # where the leaf is right the ratio is 1: the rule must say so too
    named += [(1.0, _sizes_of(exercise, p)) for p, leaf in column.right if leaf.truth.any()]
    rule = _rule(named)
    if rule is None and numbers:
        return None
    if rule is None and len({round(r, 6) for _, _, r in found}) == 1 and not column.right:
        rule = (f"{found[0][2]:.4g}", lambda s: found[0][2])
    evidence = _ratio_words(exercise, found, rule[0] if rule else "")
    cause, key = _ratio_cause(rule[0] if rule else "")
    return Fingerprint((evidence,), cause, key)


def _sizes_of(exercise: Exercise, probe: Probe) -> dict[str, int]:
    names = tuple(dict.fromkeys(name.split(".")[0] for name in exercise.inputs))
    return sizes(exercise, probe.args[exercise.lead :], names)


def _rule(named: list[tuple[float, dict[str, int]]]) -> tuple[str, Callable[[dict[str, int]], float]] | None:
    """A ratio that fits all probes, as a formula in the letters: "1/T"."""
    letters = sorted(set.intersection(*(set(s) for _, s in named)))
    rules: list[tuple[str, Callable[[dict[str, int]], float]]] = [
        ("-1", lambda s: -1.0),
        ("2", lambda s: 2.0),
        ("1/2", lambda s: 0.5),
    ]
    for n in (1, 2, 3):
        for combo in combinations(letters, n):
            name = "*".join(combo)
            rules.append((f"1/({name})" if n > 1 else f"1/{name}", lambda s, c=combo: 1 / np.prod([s[k] for k in c])))  # type: ignore[misc]
            rules.append((name, lambda s, c=combo: float(np.prod([s[k] for k in c]))))  # type: ignore[misc]
    for name, rule in rules:
        if all(0 not in s.values() and abs(r - rule(s)) <= SAME * abs(r) for r, s in named):
            return name, rule
    return None


def _ratio_words(exercise: Exercise, found: list[tuple[Probe, Leaf, float]], rule: str) -> str:
    letters = [c for c in rule if c.isalpha()]
    seen: dict[str, float] = {}
    for probe, _, r in found:
        at = _sizes_of(exercise, probe)
        seen.setdefault(" and ".join(f"{c} = {at[c]}" for c in letters if c in at), r)
    first, *others = [
        f"{r:.4g}{' times the right value' if k == 0 else ''}{' with ' + at if at else ''}"
        for k, (at, r) in enumerate(seen.items())
    ][:3]
    if rule == "-1":
        return "yours has the wrong sign, everywhere"
    return f"yours is exactly {first}" + "".join(f" and {text}" for text in others)


def _ratio_cause(rule: str) -> tuple[str, str]:
    says = {
        "1/T": ("you averaged over time; what is shared adds up over time", "averaged-over-time"),
        "1/N": ("you averaged over the batch; gradients add up (the loss has already divided)", "averaged-over-batch"),
        "1/(N*T)": ("you averaged over batch and time; gradients add up over both", "averaged-over-batch-and-time"),
        "T": ("a division by T is missing", "not-divided-by-T"),
        "N": ("a division by N is missing", "not-divided-by-N"),
        "N*T": ("a division by N * T is missing", "not-divided-by-NT"),
        "-1": ("the sign is turned round", "sign"),
        "2": ("it is counted twice, or a factor 1/2 is missing", "factor-2"),
        "1/2": ("half of it is missing, or a factor 2", "factor-half"),
    }  # fmt: skip
    if rule in says:
        return says[rule]
    if (rule.startswith("1/") and rule[2:3].isalpha()) or rule.startswith("1/("):
        return (
            f"a mean was taken (a division by {rule[2:].strip('()').replace('*', ' * ')}) where a sum belongs",
            "averaged",
        )
    if rule and rule[0].isalpha():
        return f"a division by {rule.replace('*', ' * ')} is missing: a sum where a mean belongs", "not-divided"
    return "", ""


# other simple relations


def _elementwise(cells: list[tuple[Probe, Leaf]]) -> Fingerprint | None:
    relations: list[tuple[str, Callable[[Array], Array], str, str]] = [
        ("yours is the absolute value of the right one", np.abs, "the sign was lost", "absolute"),
        ("yours is the square of the right value", np.square, "a square root is missing", "square"),
        ("yours is the root of the right value", lambda t: np.sqrt(np.maximum(t, 0)), "a square root too many", "root"),
        ("yours is the inverse of the right value", lambda t: 1 / t, "a division is turned round", "inverse"),
        ("yours is the exponential of the right value", np.exp, "an exponential too many, or no log", "exponential"),
        ("yours is the log of the right value", lambda t: np.log(np.maximum(t, 1e-300)), "a log too many", "log"),
        ("yours is cut off at 0", lambda t: np.maximum(t, 0), "negative values were lost", "cut"),
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        for says, f, cause, key in relations:
            if all(
                leaf.truth.dtype.kind == "f" and relative_error(leaf.value, f(leaf.truth)) <= SAME for _, leaf in cells
            ):
                return Fingerprint((says,), cause, key)
        offsets = [leaf.value.astype(float) - leaf.truth for _, leaf in cells]
        if all(d.size > 1 and np.ptp(d) <= SAME * max(1.0, float(np.abs(d).max())) for d in offsets):
            return Fingerprint(
                (f"yours is the right value plus {float(offsets[0].flat[0]):.4g} everywhere",),
                "a constant was added or left out",
                "offset",
            )
    for axes in _axes_orders(cells):
        if all(leaf.truth.ndim == len(axes) and leaf.truth.transpose(axes).shape == leaf.value.shape
               and relative_error(leaf.value, leaf.truth.transpose(axes)) <= SAME for _, leaf in cells):  # fmt: skip
            return Fingerprint(("yours is the right value transposed",), "two axes are exchanged", "transposed")
    for axis in range(min(leaf.truth.ndim for _, leaf in cells)):
        if all(relative_error(leaf.value, np.flip(leaf.truth, axis)) <= SAME for _, leaf in cells):
            return Fingerprint(
                (f"yours is the right value reversed along axis {axis}",),
                "the order along an axis is turned round",
                "reversed",
            )
    return None


def _axes_orders(cells: list[tuple[Probe, Leaf]]) -> Iterator[tuple[int, ...]]:
    ndim = cells[0][1].truth.ndim
    for i, j in combinations(range(ndim), 2):
        order = list(range(ndim))
        order[i], order[j] = j, i
        yield tuple(order)


def _other(
    exercise: Exercise, column: Column, cells: list[tuple[Probe, Leaf]], answers: list[Any]
) -> Fingerprint | None:
    """Yours is another array that was at hand: another result, an input, the upstream gradient, one row's share."""
    by_probe = {id(a.probe): a for a in answers}
    mine = [by_probe[id(p)] for p, _ in cells]

    def all_equal(candidates: list[Array | None]) -> bool:
        return all(
            c is not None and c.shape == leaf.value.shape and relative_error(leaf.value, c) <= SAME
            for c, (_, leaf) in zip(candidates, cells)
        )

    results = [[leaf for _, leaf in tree_items(a.truth)] if isinstance(a.truth, tuple) else [] for a in mine]
    for k, (label, _) in enumerate(exercise.outputs):
        if label != column.label and all_equal([np.asarray(r[k]) if k < len(r) else None for r in results]):
            return Fingerprint(
                (f"yours is what {label} should be",), "two results are exchanged, or one is returned twice", "swapped"
            )
    inputs = [
        dict(arrays({"dout": a.dout, **dict(zip(_names(exercise), a.probe.args[exercise.lead :]))})) for a in mine
    ]
    for name in inputs[0] if inputs else ():
        if all_equal([i.get(name) for i in inputs]):
            above = name.partition(".")[0] == "dout"
            shown = _shown(exercise, name)
            cause = "passed on as it came: the local derivative is missing" if above else "returned as it came"
            return Fingerprint((f"yours is {shown} itself, unchanged",), f"{shown} was {cause}", "passed-on")
        for sign, word in ((1, "plus"), (-1, "minus")):
            if all_equal([leaf.truth + sign * i[name] if name in i and i[name].shape == leaf.truth.shape else None
                          for i, (_, leaf) in zip(inputs, cells)]):  # fmt: skip
                shown = _shown(exercise, name)
                return Fingerprint(
                    (f"yours is the right value {word} {shown}",),
                    f"{shown} was {'added' if sign > 0 else 'taken away'} once too often",
                    "added-once-more",
                )
    return _part_of_it(exercise, cells, inputs) or _linear(exercise, column, cells, mine, all_equal)


def _part_of_it(
    exercise: Exercise, cells: list[tuple[Probe, Leaf]], inputs: list[dict[str, Array]]
) -> Fingerprint | None:
    """The difference from the right value is a multiple of an input that is added to every row, as a bias is."""
    for name in inputs[0] if inputs else ():
        found = [_multiple(leaf, given.get(name)) for given, (_, leaf) in zip(inputs, cells)]
        factors = [k for k in found if k is not None]
        if len(factors) < len(found) or all(given[name].size < 2 for given in inputs):  # one number fits anything
            continue
        shown, k = _shown(exercise, name), factors[0]
        times = f"{abs(k):.4g} times " if abs(abs(k) - 1) > SAME else ""
        evidence = (f"yours is the right value {'plus' if k > 0 else 'minus'} {times}{shown}",)
        if all(abs(k + 1) <= SAME for k in factors):
            return Fingerprint(evidence, f"{shown} is left out, or taken away once too often", "left-out")
        return Fingerprint(evidence, f"{shown} comes in with a wrong factor", "wrong-factor")
    return None


def _multiple(leaf: Leaf, given: Array | None) -> float | None:
    """k where value = truth + k * given in every row."""
    if given is None or given.dtype.kind != "f" or leaf.truth.dtype.kind != "f" or not 0 < given.ndim < leaf.truth.ndim:
        return None
    if leaf.truth.shape[leaf.truth.ndim - given.ndim :] != given.shape:
        return None
    return ratio_of(leaf.value.astype(float) - leaf.truth, np.broadcast_to(given, leaf.truth.shape))


def _shown(exercise: Exercise, name: str) -> str:
    """`name` as the learner's function calls it: "dy" where the upstream gradient comes in as dy."""
    first, dot, rest = name.partition(".")
    if first != "dout" or exercise.truth_forward is None:
        return name
    return list(signature(exercise.truth).parameters)[exercise.lead] + dot + rest


def _names(exercise: Exercise) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.split(".")[0] for name in exercise.inputs))


def _linear(
    exercise: Exercise, column: Column, cells: list[tuple[Probe, Leaf]], mine: list[Any],
    all_equal: Callable[[list[Array | None]], bool],
) -> Fingerprint | None:  # fmt: skip
    """A backward pass is linear in dout: what would it give for ones, or for one row of the batch alone?"""
    if exercise.truth_forward is None or exercise.redraw is not None:
        return None
    index = next((k for k, (label, _) in enumerate(exercise.outputs) if label == column.label), None)
    if index is None:  # labelled by path: results of several structures
        return None

    def with_dout(change: Callable[[Array], Array]) -> list[Array | None]:
        found: list[Array | None] = []
        for answer in mine:
            args, options = resolve(copied(answer.probe.args)), resolve(copied(dict(answer.probe.options)))
            _, cache = exercise.truth_forward(*args, **options)  # type: ignore[misc]
            result = exercise.truth(*args[: exercise.lead], tree_map(change, answer.dout), cache)
            found.append(np.asarray([leaf for _, leaf in tree_items(result)][index]))
        return found

    if all_equal(with_dout(np.ones_like)):
        return Fingerprint(
            ("yours is what an upstream gradient of ones would give",),
            f"{_shown(exercise, 'dout')} is not used: multiply by what comes from above",
            "dout-ignored",
        )
    if "N" in column.axes.split() or any(np.ndim(leaf) == 0 for a in mine for _, leaf in tree_items(a.dout)):
        return None
    for row, word in ((0, "first"), (-1, "last")):

        def only(d: Array, row: int = row) -> Array:
            kept = np.zeros_like(d)
            kept[row] = d[row]
            return kept

        if all_equal(with_dout(only)):
            return Fingerprint(
                (f"yours is the share of the {word} row of the batch alone",),
                "what the rows of the batch contribute must be added up; here one overwrites the others",
                "one-row",
            )
    return None


def between(exercise: Exercise, columns: list[Column]) -> list[tuple[str, str]]:
    """What is wrong only with several time steps, or several examples: (cause, key), for want of a better one."""
    says = {
        "T": ("with one time step all is right: look at what is handed on or added up from step to step", "over-time"),
        "N": ("with one example all is right: look at what is added up or indexed over the batch", "over-batch"),
    }  # fmt: skip
    cells = [(_sizes_of(exercise, p), is_wrong(leaf)) for c in columns for p, leaf in c.cells if p.note != "float32"]
    for letter, cause in says.items():
        one = {bad for at, bad in cells if at.get(letter) == 1}
        more = {bad for at, bad in cells if at.get(letter, 0) > 1}
        if one == {False} and more == {True}:  # where some of the others are right, something else tells them apart
            return [cause]
    return []


# where


def where(exercise: Exercise, column: Column) -> list[str]:
    """Where the error is and how large: which probes, which gate, which time step."""
    cells = column.wrong
    probe, leaf = cells[0]
    said = []
    notes = [p.note for p, _ in column.right if p.note and p.note != "float32"]
    if not column.cells[0][0].note and not is_wrong(column.cells[0][1]):
        said.append(f"right in general, wrong with {' and with '.join(dict.fromkeys(p.note for p, _ in cells))}")
    elif notes:
        said.append(f"right with {' and with '.join(notes[:3])}")
    blocks = exercise.blocks.get(column.label, ())
    if blocks:
        said += _blocks(blocks, leaf)
    axis = exercise.time_axis.get(column.label)
    if axis is not None and leaf.truth.ndim > axis and leaf.truth.shape[axis] > 1:
        said += _steps(leaf, axis)
    if not said or (len(said) == 1 and said[0].startswith("right")):
        said.append(_size(leaf, probe))
    return said


def _blocks(names: tuple[str, ...], leaf: Leaf) -> list[str]:
    if leaf.truth.shape[-1] % len(names):
        return []
    values, truths = np.split(leaf.value, len(names), axis=-1), np.split(leaf.truth, len(names), axis=-1)
    bad = {n: ratio_of(v, t) for n, v, t in zip(names, values, truths) if relative_error(v, t) > TOLERANCE}
    zero = [n for n, v in zip(names, values) if not v.any()]
    if not bad or len(bad) == len(names):
        return []
    good = [n for n in names if n not in bad]
    said = [f"the block of gate {' and '.join(bad)} is wrong, {' and '.join(good)} right"]
    said += [
        f"block {n} is 0" if n in zero else f"block {n} is exactly {r:.4g} times the right one"
        for n, r in bad.items()
        if n in zero or r is not None
    ]
    return said


def _steps(leaf: Leaf, axis: int) -> list[str]:
    T = leaf.truth.shape[axis]
    value, truth = np.moveaxis(leaf.value, axis, 0), np.moveaxis(leaf.truth, axis, 0)
    scale = max(float(np.abs(leaf.truth).max()), 1e-300)
    bad = [t for t in range(T) if float(np.abs(value[t] - truth[t]).max()) / scale > TOLERANCE]
    if not bad or len(bad) == T:
        return []
    if bad == list(range(T - 1)):
        return [
            "right at t = T-1, wrong before: the gradient from t+1 is not flowing as it should, or the cache is another"
            " step's"
        ]
    if bad == list(range(1, T)):
        return ["right at t = 0, wrong after it"]
    return [f"wrong at t = {', '.join(map(str, bad))} of 0 to {T - 1}"]


def _size(leaf: Leaf, probe: Probe) -> str:
    if leaf.truth.dtype.kind not in "f" or not np.isfinite(leaf.error):
        return (
            f"yours is {np.array2string(leaf.value.reshape(-1)[:6], precision=4)}, expected"
            f" {np.array2string(leaf.truth.reshape(-1)[:6], precision=4)}"
        )
    difference = np.abs(leaf.value.astype(float) - leaf.truth)
    place = tuple(int(i) for i in np.unravel_index(int(difference.argmax()), difference.shape))
    share = float((difference > TOLERANCE * float(np.abs(leaf.truth).max(initial=1e-300))).mean())
    at = f" at [{', '.join(map(str, place))}]" if place else ""
    part = "" if share == 1 or not place else f"; {share:.0%} of the values are wrong"
    with_ = f" with {probe.note}" if probe.note else ""
    return (
        f"largest error{with_}{at}: yours {float(leaf.value[place]):.5g}, expected {float(leaf.truth[place]):.5g}{part}"
    )
