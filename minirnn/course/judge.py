"""From what a learner's function returned to a verdict: one of five outcomes, every check that was made, the cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any

import numpy as np

from minirnn.course.compare import EXACT, TOLERANCE, TOLERANCE32, Leaf, Mismatch, leaves
from minirnn.course.diagnose import Answer, Cause, diagnose
from minirnn.course.exercise import Exercise, Probe, Wrong, upstream
from minirnn.course.given import resolve
from minirnn.course.running import Call, Run, Style, copied
from minirnn.pair import Array
from minirnn.tree import tree_items, tree_map

NOT_ATTEMPTED, CRASHED, WRONG_SHAPE, WRONG_VALUE, RIGHT = OUTCOMES = (
    "not attempted", "crashed", "wrong shape or type", "wrong value", "right",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One thing that was looked at."""

    ok: bool
    says: str  # "dWh matches the numeric gradient"
    evidence: tuple[str, ...] = ()  # what is wrong with it, one sentence each


@dataclass(frozen=True)
class Verdict:
    """What a check found."""

    exercise: Exercise
    outcome: str  # one of OUTCOMES
    items: tuple[Item, ...] = ()
    causes: tuple[str, ...] = ()  # likely causes, one sentence each
    keys: tuple[str, ...] = ()  # the names of the mistakes, for class reports
    notes: tuple[str, ...] = ()  # what is worth knowing though nothing is wrong
    line: int = 0  # of the learner's file, where one is known
    code: str = ""

    @property
    def right(self) -> bool:
        """Whether the exercise is solved."""
        return self.outcome == RIGHT


@dataclass(frozen=True)
class Trial:
    """The probes of one check, and what is right on each."""

    exercise: Exercise
    probes: tuple[Probe, ...]
    douts: tuple[Any, ...] = field(default=())
    truths: tuple[Any, ...] = field(default=())
    known: tuple[dict[str, Any], ...] = field(default=())  # by probe: what known mistakes return (see `Answer.known`)

    @property
    def style(self) -> Style:
        """How the function is called."""
        return Style(self.exercise.backward, self.exercise.lead, self.exercise.cache, self.exercise.restores)

    def calls(self) -> tuple[Call, ...]:
        """What a learner's function is run on."""
        return tuple(
            Call(p.args, dict(p.options), dout, twice=k == 0)
            for k, (p, dout) in enumerate(zip(self.probes, self.douts))
        )


_TRIALS: dict[tuple[str, int], Trial] = {}  # of plain seeds: a learner's checks all have the same


def trial(exercise: Exercise, seed: int | list[int] = 0) -> Trial:
    """The probes of a seed with the framework's own results."""
    if not isinstance(seed, int):
        return _trial(exercise, seed)
    kept = _TRIALS.get((exercise.name, seed))
    if kept is None or kept.exercise is not exercise:
        kept = _TRIALS[exercise.name, seed] = _trial(exercise, seed)
    return kept


def _trial(exercise: Exercise, seed: int | list[int]) -> Trial:
    probes, douts, truths = exercise.draw(seed), [], []
    with np.errstate(all="ignore"):
        for k, probe in enumerate(probes):
            args, options = resolve(copied(probe.args)), resolve(copied(dict(probe.options)))
            if exercise.truth_forward is not None:
                out, cache = exercise.truth_forward(*args, **options)
                dout = upstream(out, k) if probe.dout is None else probe.dout
                douts.append(dout)
                truths.append(exercise.truth(*args[: exercise.lead], copied(dout), cache))
            else:
                out = exercise.truth(*args, **options)
                douts.append(None)
                truths.append(out[0] if exercise.cache else out)
    return Trial(exercise, probes, tuple(douts), tuple(truths), tuple({} for _ in probes))


def judge(case: Trial, runs: list[Run]) -> Verdict:
    """The verdict on what came of the calls of a trial."""
    exercise = case.exercise
    if any(run.kind == "not implemented" for run in runs):
        return Verdict(exercise, NOT_ATTEMPTED)
    for run, probe in zip(runs, case.probes):
        if run.kind in ("raised", "died"):
            where = f" with {probe.note}" if probe.note and len(runs) > 1 else ""
            item = Item(False, f"{exercise.function} runs{where}", (run.error, *([run.code] if run.code else [])))
            cause = _cause_of_crash(case, runs)
            return Verdict(exercise, CRASHED, (item,), cause.causes, cause.keys, line=run.line, code=run.code)
    if exercise.judge is not None:
        return _judged(case, runs)
    truths = [_truth(case, k, run) for k, run in enumerate(runs)]
    table = [leaves(exercise, truth, run.value) for truth, run in zip(truths, runs)]
    answers = _answers(case, truths, runs)
    mismatch = next(((m, p) for row, p in zip(table, case.probes) for m in row if isinstance(m, Mismatch)), None)
    earlier = [leaf for row in table[:-1] for leaf in row if isinstance(leaf, Leaf)]
    if mismatch and mismatch[1].note == "float32" and any(wrong(leaf) for leaf in earlier):
        # the values are wrong as well: say that first
        mismatch, table, runs, answers = None, table[:-1], runs[:-1], answers[:-1]
    if mismatch:
        found, probe = mismatch
        where = f" with {probe.note}" if probe.note else ""
        title = "the result has the right structure" if found.label == "the result" else f"{found.label} fits{where}"
        cause = diagnose(exercise, answers)
        return Verdict(exercise, WRONG_SHAPE, (Item(False, title, (found.says,)),), cause.causes, cause.keys)
    rows = [[leaf for leaf in row if isinstance(leaf, Leaf)] for row in table]
    return _values(case, runs, rows, answers)


def _truth(case: Trial, k: int, run: Run) -> Any:
    redraw = case.exercise.redraw
    if redraw is not None:
        return case.exercise.truth(copied(case.douts[k]), redraw(case.probes[k], run.made))
    right = case.truths[k]
    others = case.exercise.others
    for other in others(case.probes[k], case.douts[k]) if others is not None else ():
        if all(isinstance(leaf, Leaf) and not wrong(leaf) for leaf in leaves(case.exercise, other, run.value)):
            return other
    return right


def _answers(case: Trial, truths: Sequence[Any], runs: list[Run]) -> list[Answer]:
    known = case.known or (None,) * len(runs)
    return [
        Answer(p, d, t, r.value, r.error if r.kind == "raised" else "", r.made, k)
        for p, d, t, r, k in zip(case.probes, case.douts, truths, runs, known)
    ]


def _cause_of_crash(case: Trial, runs: list[Run]) -> Cause:
    """Known mistakes that crash on the same probes with the same words, and agree on the others."""
    known = len(runs) == len(case.probes) and all(run.kind != "died" for run in runs)
    if not known or not any(run.line for run in runs if run.kind == "raised"):
        return Cause()
    answers = _answers(case, case.truths, runs)
    known_one = diagnose(case.exercise, answers)
    return known_one if known_one.keys else _none_not_handled(case, runs) or known_one


def _none_not_handled(case: Trial, runs: list[Run]) -> Cause | None:
    """Every call that failed had None for an argument that is not None elsewhere, and fails because of a None."""
    nones = _nones(case)
    failed = [found for found, run in zip(nones, runs) if run.kind == "raised"]
    passed = [found for found, run in zip(nones, runs) if run.kind != "raised"] or nones[:1]
    names = dict.fromkeys(name for found in failed for name in found if not any(name in other for other in passed))
    if not all(any(name in found for name in names) for found in failed):
        return None
    if any(run.kind == "raised" and "NoneType" not in run.error for run in runs):
        return None
    text = f"{' and '.join(names)} may be None, and then your code fails: that case needs an answer too"
    return Cause((text,), ("none-not-handled",))


def _nones(case: Trial) -> list[list[str]]:
    """For every call, the arguments (or parts of dout) that are None."""
    arguments = list(signature(case.exercise.truth).parameters)
    given = [
        _fields(d) if case.exercise.backward else {**dict(zip(arguments, p.args)), **p.options}
        for p, d in zip(case.probes, case.douts)
    ]
    return [[name for name, value in g.items() if value is None] for g in given]


def _fields(dout: Any) -> dict[str, Any]:
    if not isinstance(dout, tuple):
        return {"dout": dout}
    return dict(zip(getattr(dout, "_fields", [f"dout[{k}]" for k in range(len(dout))]), dout))


def wrong(leaf: Leaf) -> bool:
    """Whether a leaf is farther from the right values than rounding explains."""
    return not leaf.error <= (TOLERANCE32 if leaf.truth.dtype == np.float32 else TOLERANCE)


def _values(case: Trial, runs: list[Run], rows: list[list[Leaf]], answers: list[Answer]) -> Verdict:
    exercise, first = case.exercise, rows[0]
    numeric = _numeric_errors(case, runs[0]) if exercise.backward and exercise.numeric else {}
    columns: dict[str, list[Leaf]] = {}
    for row in rows:
        for leaf in row:
            columns.setdefault(leaf.label, []).append(leaf)
    items, labels, bad = [], list(columns), False
    for label, column in columns.items():
        ok = not any(wrong(leaf) for leaf in column)
        bad |= not ok
        known = [leaf.error for leaf in column if leaf.truth.dtype != np.float32]
        error = max(
            [*known, *(numeric[k] for k, leaf in enumerate(first) if leaf.label == label and k in numeric)], default=0
        )
        digits = f" (relative error {error:.0e})" if ok and np.isfinite(error) and error > 0 else ""
        what = "matches the numeric gradient" if numeric else "is right"
        items.append(Item(ok, f"{label} {what}{digits}"))
    changed = _changed_names(exercise, runs)
    again = all(run.again for run in runs)
    if changed:
        text = f"the call changed {' and '.join(changed)} in place; whoever passed it in still needs it"
        items.append(Item(False, "the inputs are left as they were", (text,)))
    if not again:
        items.append(
            Item(
                False,
                "a second call gives the same result",
                ("the same inputs gave other values the second time: something is kept from call to call",),
            )
        )
    line, code = next(((run.line, run.code) for run in runs if run.line), (0, ""))
    if bad:
        cause = diagnose(exercise, answers)
        if changed and not cause.keys:
            text = (
                f"you changed {' and '.join(changed)} in place, so that later lines see other values; make a new array"
                " instead"
            )
            cause = replace(cause, causes=(text,), keys=("in-place",))
        if not again and not cause.keys:
            text = "something is drawn at random or kept from call to call; the result follows from the inputs alone"
            cause = replace(cause, causes=(text,), keys=("kept-between-calls",))
        items = [
            replace(item, evidence=cause.evidence.get(label, item.evidence))
            for label, item in zip([*labels, *[""] * len(items)], items)
        ]
        return Verdict(exercise, WRONG_VALUE, tuple(items), cause.causes, cause.keys, line=line, code=code)
    if changed or not again:
        says, key = (
            (f"you changed {' and '.join(changed)} in place (`+=`, `*=`, `[...] =`); make a new array", "in-place")
            if changed
            else ("it is added to what an earlier call left; start from zeros in every call", "kept-between-calls")
        )  # fmt: skip
        says = next((m.says for m in exercise.mistakes if m.key == key), says)  # an exercise may have better words
        return Verdict(exercise, WRONG_VALUE, tuple(items), (says,), (key,), line=line, code=code)
    return Verdict(exercise, RIGHT, tuple(items), notes=_notes([leaf for row in rows for leaf in row]))


def _notes(found: list[Leaf]) -> tuple[str, ...]:
    """What is worth knowing of a right answer: the precision that it computes in."""
    notes = []
    if any(leaf.error > EXACT and leaf.truth.dtype == np.float64 for leaf in found):
        notes.append("right to about 6 digits only: a small number is added somewhere, or it is computed in float32")
    wide = [
        leaf.label
        for leaf in found
        if leaf.truth.dtype == np.float32 and leaf.value.dtype == np.float64 and leaf.truth.ndim
    ]
    if wide:
        notes.append(
            f"from float32 inputs {', '.join(dict.fromkeys(wide))} came out as float64; training is in float32 and"
            " slower so: np.zeros(shape, dtype=x.dtype) and float(np.sqrt(A)) keep the dtype"
        )
    return tuple(notes)


def _changed_names(exercise: Exercise, runs: list[Run]) -> list[str]:
    """What the calls wrote into, in the reader's names: "params.W" for "1.W", the second argument."""
    arguments = [str(name) for name in signature(exercise.truth).parameters]
    above = {"dout": arguments[exercise.lead]} if exercise.backward else {}
    found = set()
    for name in (name for run in runs for name in run.changed):
        first, dot, rest = name.partition(".")
        known = arguments[int(first)] if first.isdigit() and int(first) < len(arguments) else above.get(first, first)
        found.add(known + dot + rest)
    return sorted(found - {"an input"} or found)  # a write that changed no value could not be told by name


def _judged(case: Trial, runs: list[Run]) -> Verdict:
    """The verdict of an exercise with a judge of its own."""
    exercise = case.exercise
    assert exercise.judge is not None
    values = tuple(run.value if exercise.forward == "" else (run.value, run.made) for run in runs)
    found: list[Wrong] = exercise.judge(case.probes, values)
    changed = _changed_names(exercise, runs)
    if not found and not all(run.again for run in runs):
        found.append(
            Wrong(
                "a second call gives the same result",
                "the same inputs, with a generator of the same seed, gave others the second time",
                "something is drawn from elsewhere than `rng`, or kept from call to call",
                "other-generator",
            )
        )
    if changed:
        found.append(Wrong("the inputs are left as they were", f"the call changed {' and '.join(changed)} in place",
                           "you write into an input; make a new array instead", "in-place"))  # fmt: skip
    if not found:
        return Verdict(exercise, RIGHT, (Item(True, f"{exercise.function} does what it should"),))
    shape = any(w.key == "shape" for w in found)
    items = tuple(Item(False, w.item, (w.evidence,)) for w in found)
    causes, keys = (
        tuple(dict.fromkeys(w.cause for w in found if w.cause)),
        tuple(dict.fromkeys(w.key for w in found if w.key)),
    )
    return Verdict(exercise, WRONG_SHAPE if shape else WRONG_VALUE, items, causes, keys)


def _numeric_errors(case: Trial, run: Run, eps: float = 1e-5) -> dict[int, float]:
    """The learner's gradients of the first probe against central differences of the framework's forward function.

    Along one random direction for every output leaf that belongs to one float leaf of the arguments.
    """
    exercise, probe = case.exercise, case.probes[0]
    assert exercise.truth_forward is not None
    forward = exercise.truth_forward
    given = tuple(probe.args[exercise.lead :])
    gradients = [leaf for _, leaf in tree_items(run.value)]
    names = [name for name, _ in tree_items(run.value)]
    by_name = dict(tree_items(given))
    rng, errors = np.random.default_rng(5), {}

    def loss(name: str, direction: Array, step: float) -> Any:
        moved = _moved(given, name, step * direction)
        args = (*probe.args[: exercise.lead], *moved)
        out, _ = forward(*resolve(copied(args)), **resolve(copied(dict(probe.options))))
        return out

    for k, (name, g) in enumerate(zip(names[:12], gradients)):
        if name not in by_name or np.shape(by_name[name]) != np.shape(g) or np.asarray(by_name[name]).dtype.kind != "f":
            continue
        v = rng.standard_normal(np.shape(g))
        change = tree_map(
            lambda d, a, b: None if d is None else float(np.sum(d * (np.asarray(a) - np.asarray(b)))),
            case.douts[0],
            _like(case.douts[0], loss(name, v, eps)),
            _like(case.douts[0], loss(name, v, -eps)),
        )
        numeric = sum(part for _, part in tree_items(change)) / (2 * eps)
        analytic = float(np.sum(np.asarray(g) * v))
        errors[k] = abs(analytic - numeric) / max(abs(analytic), abs(numeric), 1e-8)
    return errors


def _moved(tree: Any, name: str, by: Array) -> Any:
    parts = dict(tree_items(tree))
    from minirnn.tree import tree_from_items

    return tree_from_items(tree, {**parts, name: parts[name] + by})


def _like(pattern: Any, tree: Any) -> Any:
    """`tree` with None where the upstream gradient has None."""
    if pattern is None:
        return None
    if isinstance(pattern, tuple):
        parts = [_like(p, t) for p, t in zip(pattern, tree)]
        return type(pattern)(*parts) if hasattr(pattern, "_fields") else tuple(parts)
    return tree
