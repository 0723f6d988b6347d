"""The reference solutions, and the solutions with a known mistake in them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

from minirnn.course.exercise import Exercise, Mistake

SOLUTIONS = Path(__file__).parent / "solutions"


@cache
def solution_text(folder: str, name: str) -> str:
    """The file of the reference solution, as the learner could have written it."""
    return (SOLUTIONS / folder / f"{name}.py").read_text(encoding="utf-8")


def load(text: str, function: str, file: str) -> Callable[..., Any]:
    """The function of that name in a Python text; `file` is the name that tracebacks show.

    Raises:
        whatever running the text raises; LookupError when it defines no such function.
    """
    namespace: dict[str, Any] = {"__name__": "exercise", "__file__": file}
    exec(_compiled(text, file), namespace)  # the learner's own code, or ours
    if not callable(namespace.get(function)):
        raise LookupError(f"the file defines no function {function}")
    found: Callable[..., Any] = namespace[function]
    return found


@lru_cache(maxsize=4096)
def _compiled(text: str, file: str) -> CodeType:
    """The diagnosis runs the same known mistakes again and again."""
    return compile(text, file, "exec")


def solution(exercise: Exercise) -> Callable[..., Any]:
    """The reference solution."""
    return load(solution_text(exercise.folder, exercise.name), exercise.function, f"{exercise.name} (solution)")


def mutant_text(exercise: Exercise, *mistakes: Mistake) -> str:
    """The reference solution with mistakes in it.

    Raises:
        ValueError: a text to be changed does not occur exactly once; two mistakes change the same text.
    """
    head, text = _split(exercise.folder, exercise.name, exercise.function)
    for mistake in mistakes:
        for old, new in mistake.changes:
            if text.count(old) != 1:
                raise ValueError(
                    f"{exercise.name}, {mistake.key}: {old!r} occurs {text.count(old)} times in the solution"
                )
            text = text.replace(old, new)
    return head + text


@lru_cache(maxsize=256)
def _split(folder: str, name: str, function_name: str) -> tuple[str, str]:
    """The solution up to the end of the function's docstring, and what follows."""
    text = solution_text(folder, name)
    function = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == function_name)
    lines = text.splitlines(keepends=True)
    end = function.body[0].end_lineno or 0
    return "".join(lines[:end]), "".join(lines[end:])


def mutant(exercise: Exercise, *mistakes: Mistake) -> Callable[..., Any]:
    """The function with mistakes in it."""
    return load(mutant_text(exercise, *mistakes), exercise.function, f"{exercise.name} (mistake)")
