"""Check one exercise: load the learner's function, run it on the probes, judge what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from minirnn.course.exercise import Exercise
from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, Trial, Verdict, judge, trial
from minirnn.course.reference import load
from minirnn.course.running import Call, Function, Run, Style, failure, run_calls
from minirnn.course.table import exercise as exercise_of

FRAMEWORK = "framework"  # the forward function that stands in where the learner has none


@dataclass(frozen=True)
class Code:
    """A learner's function: in a file, or at hand."""

    path: Path | None = None
    function: Function | None = None


class Execute(Protocol):
    """Runs a learner's code on calls, here or in another process.

    `forward` makes the caches for a backward function: the learner's code with the name of its function, or the name of
    the exercise whose framework function stands in.
    """

    def __call__(self, code: Code, function: str, forward: tuple[
        Code, str
    ] | str | None, style: Style, calls: tuple[
        Call, ...
    ]
    ) -> list[Run]: ...  # fmt: skip


def execute_here(
    code: Code, function: str, forward: tuple[Code, str] | str | None, style: Style, calls: tuple[Call, ...]
) -> list[Run]:  # fmt: skip
    """Run in this process. For notebooks and pytest, where the learner watches."""
    file = str(code.path) if code.path else getattr(getattr(code.function, "__code__", None), "co_filename", "")
    try:
        with np.errstate():  # a file may call np.seterr: that must not reach what is computed here
            f = function_of(code, function)
            if forward is None:
                g = None
            else:
                g = stand_in(forward) if isinstance(forward, str) else function_of(*forward)
    except (Exception, SystemExit) as error:  # noqa: BLE001  a file that cannot be loaded is an outcome
        return [failure(error, file)]
    return run_calls(f, g, style, calls, file)


def stand_in(name: str) -> Function:
    """The framework's forward function that stands in: that of a forward exercise, or of a backward one itself."""
    e = exercise_of(name)
    return e.truth_forward or e.truth


def function_of(code: Code, function: str) -> Function:
    """The function itself; reads and runs the file where there is one.

    Raises:
        OSError, LookupError, or whatever the file raises.
    """
    if code.function is not None:
        return code.function
    assert code.path is not None
    return load(code.path.read_text(encoding="utf-8"), function, str(code.path))


def check_exercise(
    exercise: Exercise,
    code: Code,
    sibling: Callable[[str], Code | None] = lambda name: None,
    execute: Execute = execute_here,
    seed: int | list[int] = 0,
) -> Verdict:
    """The verdict on a learner's function.

    Args:
        exercise: which one.
        code: the learner's function.
        sibling: the learner's code for another exercise, by name: a backward function is tried with the caches of the
            learner's own forward function first, and with the framework's where that fails.
        execute: where it runs.
        seed: of the probes.
    """
    case = trial(exercise, seed)
    if not exercise.backward:
        return judge(case, execute(code, exercise.function, None, case.style, case.calls()))
    own, broken = _own_forwards(exercise, code, sibling, execute, seed) if exercise.forward else ([], [])
    verdicts = [_judged(case, code, forward, execute) for forward in own]
    if not any(v.right for v in verdicts):
        verdicts.append(_judged(case, code, exercise.forward or exercise.name, execute))
    best = next((v for v in verdicts if v.right), None) or next(
        (v for v in verdicts if v.outcome != CRASHED), verdicts[0]
    )
    if best.right and best is verdicts[-1] and len(verdicts) > len(own) > 0:
        note = (
            f"right with the framework's cache, but not with what your {exercise.forward} keeps; the two work together"
            " only when they agree on the cache"
        )
        best = replace(best, notes=(*best.notes, note))
    if best.outcome == CRASHED and not best.causes and _runs_with(broken, case, code, execute):
        return replace(best, causes=(_not_right_yet(exercise),), keys=("forward-not-right",))
    return best


def _runs_with(broken: list[tuple[Code, str]], case: Trial, code: Code, execute: Execute) -> bool:
    """Whether it runs with what the learner's own forward function keeps, though that function is not right."""
    return any(_judged(case, code, forward, execute).outcome != CRASHED for forward in broken)


def _not_right_yet(exercise: Exercise) -> str:
    function = exercise_of(exercise.forward).function
    return (
        f"your own {function} is not right yet, so this was tried with the framework's cache, which your code does not "
        f"unpack; make {exercise.forward} right first"
    )


def _judged(case: Trial, code: Code, forward: tuple[Code, str] | str, execute: Execute) -> Verdict:
    return judge(case, execute(code, case.exercise.function, forward, case.style, case.calls()))


def _own_forwards(
    exercise: Exercise, code: Code, sibling: Callable[[str], Code | None], execute: Execute, seed: int | list[int]
) -> tuple[list[tuple[Code, str]], list[tuple[Code, str]]]:  # fmt: skip
    """The learner's forward functions, in the same file and in that of the forward exercise: the right, the wrong."""
    other = exercise_of(exercise.forward)
    candidates = [code] if code.path and _defines(code.path, other.function) else []
    theirs = sibling(exercise.forward)
    candidates += [theirs] if theirs else []
    case = trial(other, seed)
    right: list[tuple[Code, str]] = []
    wrong: list[tuple[Code, str]] = []
    for c in candidates:
        verdict = judge(case, execute(c, other.function, None, case.style, case.calls()))
        if verdict.outcome != NOT_ATTEMPTED:
            (right if verdict.right else wrong).append((c, other.function))
    return right, wrong


def _defines(path: Path, function: str) -> bool:
    try:
        return f"def {function}(" in path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def check_function(name: str, function: Any, *, forward: Any = None) -> Verdict:
    """The verdict on a function at hand; `forward` makes the caches of a backward function (default: the framework's).

    Raises:
        DataError: there is no such exercise.
        TypeError: what was given is no function.
    """
    if not callable(function):
        raise TypeError(f"check({name!r}, …) got a {type(function).__name__}; expected a function")
    theirs = Code(function=forward) if forward is not None else None
    return check_exercise(exercise_of(name), Code(function=function), lambda _: theirs)
