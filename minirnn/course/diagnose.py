"""Name the mistake: from a dictionary of known ones, else from fingerprints; and say where the error is.

Three sources, in this order:
    the dictionary      the learner's results equal those of the reference solution with a known mistake in it
    fingerprints        exact ratios, zeros, swapped results … (`minirnn.course.fingerprints`)
    localisation        which gate, which time step, which probe: evidence, with no word on the cause
Nothing here decides whether an answer is right: it is only asked about answers that are wrong.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from minirnn.course.compare import TOLERANCE, Leaf, Mismatch, leaves, relative_error
from minirnn.course.exercise import Exercise, Mistake, Probe
from minirnn.course.fingerprints import Column, Fingerprint, between, fingerprint, where
from minirnn.course.given import resolve
from minirnn.course.reference import mutant
from minirnn.course.running import Bare, arrays, copied
from minirnn.course.shapes import shape_causes
from minirnn.tree import tree_map

SAME = 1e-6  # two results closer than this, relative to the largest value, are the same
PATIENCE = 0.5  # seconds for trying two known mistakes at once


# what may come on top of a known mistake
SIGN = Mistake("sign", "besides, the sign is turned round", ())
NOT_FINITE = Mistake(
    "not-finite",
    "besides, something becomes NaN or infinite: a division by 0, the log of 0, the exponential of a large number",
    (),
)


class Answer(NamedTuple):
    """What a learner's function returned on a probe, beside the right result."""

    probe: Probe
    dout: Any
    truth: Any
    value: Any
    error: str = ""  # what it raised instead
    made: Any = None  # what the learner's forward function returned, for a backward exercise
    known: dict[str, Any] | None = None  # what known mistakes return on this probe, as far as it has been found out


@dataclass(frozen=True)
class Cause:
    """What the diagnosis found."""

    causes: tuple[str, ...] = ()  # sentences
    keys: tuple[str, ...] = ()  # the names of the mistakes
    evidence: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by label of the leaf


def diagnose(exercise: Exercise, answers: list[Answer]) -> Cause:
    """The likely cause of a wrong answer, with the evidence; nothing but evidence where no cause is known."""
    columns, bad = _columns(exercise, answers)
    prints = {k: fingerprint(exercise, columns[k], answers) for k in bad}
    evidence = {k: (*prints[k].evidence, *where(exercise, columns[k])) for k in bad}
    known = _named(exercise, answers, bad) if exercise.mistakes else []
    if known:
        return Cause(tuple(_sentence(exercise, m) for m in known), tuple(m.key for m in known), evidence)
    fits = bool(columns) or any(a.error for a in answers)
    seen = exercise.examine(answers) if exercise.examine is not None and fits else []
    if not fits:
        rows = [leaves(exercise, a.truth, a.value) for a in answers]
        found = shape_causes(rows, [a.truth for a in answers], [a.value for a in answers])
    elif seen or (exercise.examine is not None and not exercise.backward):
        found = [(w.cause, w.key) for w in seen]
    else:
        causes, keys = _from_prints(prints, columns)
        found = list(zip(causes, keys)) if len(causes) == len(keys) else []
        if causes and not found:
            return Cause(causes, keys, evidence)
        found = found or between(exercise, [columns[k] for k in bad])
    return Cause(tuple(cause for cause, _ in found), tuple(key for _, key in found), evidence)


def _columns(exercise: Exercise, answers: list[Answer]) -> tuple[dict[str, Column], list[str]]:
    """Every leaf of the result over all probes; and which are wrong. Nothing where the structure does not fit."""
    rows = [] if any(a.error for a in answers) else [leaves(exercise, a.truth, a.value) for a in answers]
    if any(isinstance(leaf, Mismatch) for row in rows for leaf in row) or not rows:
        return {}, []
    columns: dict[str, Column] = {}
    for answer, row in zip(answers, rows):
        for leaf in row:
            assert isinstance(leaf, Leaf)
            columns.setdefault(leaf.label, Column(leaf.label, leaf.axes, [])).cells.append((answer.probe, leaf))
    return columns, [label for label, column in columns.items() if column.wrong]


def _from_prints(prints: dict[str, Fingerprint], columns: dict[str, Column]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Causes that the fingerprints tell, the same cause for several leaves said once."""
    found: dict[str, tuple[str, list[str]]] = {}
    for k, p in prints.items():
        if p.cause:
            found.setdefault(p.cause, (p.key, []))[1].append(columns[k].label)
    several = len(prints) > 1
    causes = [
        f"{', '.join(labels)}: {cause}" if several and len(labels) < len(prints) else cause
        for cause, (_, labels) in found.items()
    ]
    return tuple(causes), tuple(dict.fromkeys(key for key, _ in found.values()))


def _sentence(exercise: Exercise, mistake: Mistake) -> str:
    if mistake.convention:
        return f"this is another convention, not a mistake: {mistake.says}"
    return mistake.says


# the dictionary


def _named(exercise: Exercise, answers: list[Answer], bad: list[str]) -> list[Mistake]:
    """The known mistakes that explain the answer: one that explains all of it, else a few, one for each leaf."""
    used = [a for a in answers if a.probe.note != "float32"] or answers
    if _same(exercise, [a.truth for a in used], used):  # right but in float32: then that probe tells mistakes apart
        used = answers
    # probe by probe, so that what does not fit the first one is not run on the others
    whole = [m for m in exercise.mistakes if all(_same(exercise, _results(exercise, [a], m), [a]) for a in used)]
    results = {} if whole else {m.key: _results(exercise, used, m) for m in exercise.mistakes}
    if not whole and any(a.error for a in used):
        whole = [m for m in exercise.mistakes if _same_where_it_ran(exercise, results[m.key], used)]
    if not whole and any(_not_finite(a) for a in used):
        cut = [a._replace(error="not finite") if _not_finite(a) else a for a in used]
        whole = [m for m in exercise.mistakes if _same_where_it_ran(exercise, results[m.key], cut)]
        if whole:
            return [whole[0], NOT_FINITE]
    if whole:
        return [next((m for m in whole if m.convention), whole[0])]
    parts = _one_for_each(exercise, results, used, bad) if bad else []
    if parts or any(a.error for a in used):
        return parts
    turned = next((m for m in exercise.mistakes if _same(exercise, [_negated(r) for r in results[m.key]], used)), None)
    if turned:
        negative = [a._replace(value=_negated(a.truth)) for a in used]
        return [turned, next((m for m in exercise.mistakes if _same(exercise, results[m.key], negative)), SIGN)]
    began = time.monotonic()
    for pair in _pairs(exercise, results, used):
        if time.monotonic() - began > PATIENCE:
            break
        try:
            fits = _same(exercise, _results(exercise, used[:1], *pair), used[:1])
        except (ValueError, SyntaxError):  # they change the same line, or do not go together
            continue
        if fits and _same(exercise, _results(exercise, used, *pair), used):
            return list(pair)
    return _one_for_each(exercise, results, used, bad, halfway=True) if bad else []


def _pairs(exercise: Exercise, results: dict[str, list[Any]], answers: list[Answer]) -> list[tuple[Mistake, Mistake]]:
    """Two mistakes that together spoil what is wrong in the answer, and nothing else."""
    wrong = _wrong_cells(exercise, [a.value for a in answers], answers)
    spoilt = {m.key: _wrong_cells(exercise, results[m.key], answers) for m in exercise.mistakes}
    likely = [m for m in exercise.mistakes if spoilt[m.key] and spoilt[m.key] <= wrong]
    return [(a, b) for a, b in combinations(likely, 2) if spoilt[a.key] | spoilt[b.key] == wrong]


def _wrong_cells(exercise: Exercise, values: list[Any], answers: list[Answer]) -> set[tuple[int, str, int]]:
    """Where values are wrong: (probe, leaf, block of its last axis); nothing where the structure does not fit."""
    cells = set()
    for n, (value, answer) in enumerate(zip(values, answers)):
        if isinstance(value, Failed | Bare):
            return set()
        for leaf in leaves(exercise, answer.truth, value):
            if isinstance(leaf, Mismatch):
                return set()
            count = len(exercise.blocks.get(leaf.label, ())) if leaf.truth.ndim else 0
            parts = count if count and leaf.truth.shape[-1] % count == 0 else 0
            mine, right = (np.split(a, parts, axis=-1) if parts else [a] for a in (leaf.value, leaf.truth))
            cells |= {
                (n, leaf.label, k) for k in range(len(mine)) if not relative_error(mine[k], right[k]) <= TOLERANCE
            }
    return cells


def _results(exercise: Exercise, answers: list[Answer], *mistakes: Mistake) -> list[Any]:
    """What the solution with these mistakes returns on each probe; `Failed` where it raises."""
    results = []
    for answer in answers:
        known = answer.known if len(mistakes) == 1 and exercise.redraw is None else None
        if known is not None and mistakes[0].key in known:
            results.append(known[mistakes[0].key])
            continue
        results.append(_result(exercise, answer, mutant(exercise, *mistakes)))
        if known is not None:
            known[mistakes[0].key] = results[-1]
    return results


def _result(exercise: Exercise, answer: Answer, function: Callable[..., Any]) -> Any:
    args, options = resolve(copied(answer.probe.args)), resolve(copied(dict(answer.probe.options)))
    with np.errstate(all="ignore"):
        try:
            if exercise.truth_forward is not None:
                _, cache = exercise.truth_forward(*args, **options)
                if exercise.redraw is not None and answer.made is not None:
                    cache = exercise.redraw(answer.probe, answer.made)
                return copied(function(*args[: exercise.lead], copied(answer.dout), cache))
            value = function(*args, **options)
            if exercise.cache:
                value = value[0] if type(value) is tuple and len(value) == 2 else Bare(value)
            return copied(value)
        except Exception as error:  # noqa: BLE001  a mistake may crash on some probes
            return Failed(f"{type(error).__name__}: {error}")


class Failed(NamedTuple):
    """A known mistake crashed on this probe."""

    error: str


def _same(exercise: Exercise, results: list[Any], answers: list[Answer]) -> bool:
    """Whether the answer equals these results on every probe, and is not simply right."""
    for result, answer in zip(results, answers):
        if isinstance(result, Failed) or answer.error:
            if not isinstance(result, Failed) or _essence(result.error) != _essence(answer.error):
                return False
            continue
        if isinstance(result, Bare) != isinstance(answer.value, Bare):
            return False
        mine = answer.value.value if isinstance(answer.value, Bare) else answer.value
        theirs = result.value if isinstance(result, Bare) else result
        if isinstance(result, Bare) and isinstance(theirs, tuple) and isinstance(mine, tuple) and len(theirs) > 2:
            theirs, mine = theirs[:-1], mine[:-1]  # the last one is the cache, which is everybody's own affair
        if not all(isinstance(p, Leaf) and p.error <= SAME for p in leaves(exercise, theirs, mine)):
            return False
    return True


def _not_finite(answer: Answer) -> bool:
    """Whether NaN or infinity came where the right result has none."""
    if answer.error:
        return False
    values, truths = ([x for _, x in arrays(side)] for side in (answer.value, answer.truth))
    return not all(np.isfinite(x).all() for x in values if x.dtype.kind == "f") and all(
        np.isfinite(x).all() for x in truths if x.dtype.kind == "f"
    )


def _essence(error: str) -> str:
    """What an error says: `x @ W` and `np.dot(x, W)` say in other words that two sizes do not fit."""
    sizes = re.search(r"\(size (\d+) is different from (\d+)\)", error) or re.search(
        r"not aligned: (\d+) \(dim \d\) != (\d+) \(dim \d\)", error
    )
    return "a product of sizes " + " and ".join(sorted(sizes.groups())) if sizes else error[:400]


def _negated(result: Any) -> Any:
    """Every float array of a result with the other sign."""
    if isinstance(result, Failed | Bare) or not isinstance(result, tuple | np.ndarray):
        return result
    return tree_map(lambda a: -a if isinstance(a, np.ndarray | np.floating) and a.dtype.kind == "f" else a, result)


def _same_where_it_ran(exercise: Exercise, results: list[Any], answers: list[Answer]) -> bool:
    """Whether an answer that crashed on some probes equals these results on the others.

    The same mistake may crash in one way of writing and not in another: an index out of bounds, a slice cut short. The
    results must be wrong where the answer crashed. Of the probes that ran to the end, two at least, one must be wrong.
    """
    ran = [(r, a) for r, a in zip(results, answers) if not a.error]
    right = [_same(exercise, [r], [a._replace(value=a.truth, error="")]) for r, a in zip(results, answers)]
    return (
        len(ran) > 1
        and _same(exercise, [r for r, _ in ran], [a for _, a in ran])
        and not any(ok for ok, a in zip(right, answers) if a.error)
        and not all(ok for ok, a in zip(right, answers) if not a.error)
    )


def _one_for_each(
    exercise: Exercise, results: dict[str, list[Any]], answers: list[Answer], bad: list[str], halfway: bool = False
) -> list[Mistake]:
    """Mistakes that together explain every wrong leaf, the one that explains most first; [] when some stay unexplained.

    `halfway`: also mistakes that would spoil more, made for some of the results only; they are said of those alone.
    """
    explains: dict[str, set[str]] = {}
    good = {leaf.label for a in answers for leaf in leaves(exercise, a.truth, a.value)} - set(bad)
    for m in exercise.mistakes:
        explains[m.key] = {
            k for k in bad if all(_leaf_same(exercise, r, a, k) for r, a in zip(results[m.key], answers))
        }
        if (
            not halfway
            and explains[m.key]
            and not all(_leaf_same(exercise, r, a, k) for k in good for r, a in zip(results[m.key], answers))
        ):
            explains[m.key] = set()  # it would have spoilt what is right
    spoils = {key: len(_wrong_cells(exercise, results[key], answers)) for key, part in explains.items() if part}
    left = set(bad)
    chosen: list[Mistake] = []
    while left and len(chosen) < 3:
        # of those that explain as much, the one that spoils least
        best = max(exercise.mistakes, key=lambda m: (len(explains[m.key] & left), -spoils.get(m.key, 0)), default=None)
        if best is None or not explains[best.key] & left:
            return []
        labels = [k for k in bad if k in explains[best.key] & left]
        chosen.append(replace(best, says=f"{', '.join(labels)}: {best.says}") if halfway else best)
        left -= explains[best.key]
    return [] if left else chosen


def _leaf_same(exercise: Exercise, result: Any, answer: Answer, label: str) -> bool:
    if isinstance(result, Failed | Bare):
        return False
    found = leaves(exercise, result, answer.value)
    if any(isinstance(leaf, Mismatch) for leaf in found):  # of another structure: it explains no part of the answer
        return False
    return all(isinstance(leaf, Leaf) and leaf.error <= SAME for leaf in found if leaf.label == label)
