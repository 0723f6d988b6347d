"""Exercises of an instructor's own, for `minirnn grade --hidden DIR`: files like those in minirnn/course/topics."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from minirnn.course.checker import Code, check_exercise, execute_here
from minirnn.course.exercise import Exercise
from minirnn.course.running import Call, Run, Style
from minirnn.course.table import NAMES
from minirnn.errors import DataError

FOLDER = "hidden"  # shown where the course's exercises have their lesson


def hidden_exercises(folder: Path) -> dict[str, Exercise]:
    """The exercises in all `*.py` of a folder, by name. Their files are run: they are the instructor's own.

    Known mistakes are named where the folder holds the solution that they change, `solutions/NAME.py`.

    Raises:
        DataError: no exercise, a name twice, or one whose own `truth` does not pass.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; expected one with Python files that define EXERCISES")
    found: dict[str, Exercise] = {}
    for path in sorted(folder.glob("*.py")):
        for e in _exercises(path):
            if e.name in NAMES or e.name in found:
                raise DataError(f"{path}: there is an exercise {e.name} already; choose another name")
            if e.forward and e.forward not in NAMES:
                raise DataError(
                    f"{path}: {e.name} names {e.forward!r} as its forward exercise; expected one of the course's, or ''"
                )
            found[e.name] = _at_home(e, folder)
    if not found:
        raise DataError(f"{folder} defines no exercises; expected Python files with EXERCISES = (…)")
    for e in found.values():
        _prove(e, found)
    return found


def _exercises(path: Path) -> tuple[Exercise, ...]:
    spec = importlib.util.spec_from_file_location(f"hidden_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever it is, the instructor wants to read it
        raise DataError(f"{path} could not be loaded: {type(error).__name__}: {error}") from error
    exercises = getattr(module, "EXERCISES", ())
    if not isinstance(exercises, tuple) or not all(isinstance(e, Exercise) for e in exercises):
        raise DataError(f"{path}: EXERCISES is no tuple of Exercise")
    return exercises


def _at_home(e: Exercise, folder: Path) -> Exercise:
    solutions = folder.resolve() / "solutions"
    if (solutions / f"{e.name}.py").is_file():
        return replace(e, folder=str(solutions))  # where the solution is read from; an absolute path stands for itself
    return replace(e, folder=FOLDER, mistakes=())


def _prove(e: Exercise, found: Mapping[str, Exercise]) -> None:
    def execute(code: Code, function: str, forward: Any, style: Style, calls: tuple[Call, ...]) -> list[Run]:
        if isinstance(forward, str) and forward in found:
            forward = (Code(function=found[forward].truth_forward), function)
        return execute_here(code, function, forward, style, calls)

    verdict = check_exercise(e, Code(function=e.truth), execute=execute)
    if not verdict.right:
        wrong = [text for item in verdict.items if not item.ok for text in (item.says, *item.evidence)]
        raise DataError(f"hidden exercise {e.name}: its own truth is judged '{verdict.outcome}' ({'; '.join(wrong)})")
