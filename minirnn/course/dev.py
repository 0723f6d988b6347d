"""For authors of exercises: stubs are made from solutions, and `minirnn dev check` proves that an exercise works."""

from __future__ import annotations

import ast
from pathlib import Path

from minirnn.course.checker import Code, check_exercise
from minirnn.course.exercise import Exercise, Mistake
from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, WRONG_SHAPE, WRONG_VALUE
from minirnn.course.reference import mutant, solution, solution_text

GIVEN_LINE = "# of the framework"  # a line of the solution with this comment stands in the stub too


def stub_text(exercise: Exercise) -> str:
    """The stub of an exercise: its solution without the lines that the learner is to write.

    What stays: all up to the end of the docstring, the comments right behind it, and lines marked `# of the framework`.
    """
    text = solution_text(exercise.folder, exercise.name)
    function = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == exercise.function)
    lines = text.splitlines()
    end = function.body[0].end_lineno or 0
    kept = lines[:end]
    for line in lines[end:]:
        if not (line.lstrip().startswith("#") or GIVEN_LINE in line):
            break
        kept.append(line)
    kept.append(f'    raise NotImplementedError("{exercise.name}: {exercise.title}")')
    rest = lines[function.end_lineno or len(lines) :]
    return "\n".join([*kept, *rest]).rstrip() + "\n"


def test_text(exercise: Exercise) -> str:
    """The pytest file beside the stub."""
    return (
        f'"""{exercise.title}: `pytest exercises/{exercise.folder}` checks it."""\n\n'
        "from minirnn.course import assert_solved\n\n\n"
        f"def test_{exercise.name}():\n"
        f'    assert_solved("{exercise.name}", __file__)\n'
    )


def problems(exercise: Exercise, exercises: Path | None = None) -> list[str]:
    """What is wrong with an exercise, one sentence each: solution, stub, hints, every known mistake."""
    wrong = []
    verdict = check_exercise(exercise, Code(function=solution(exercise)))
    if not verdict.right:
        wrong.append(
            f"the solution is judged '{verdict.outcome}': {[i.says for i in verdict.items if not i.ok]}"
            f" {verdict.causes}"
        )
    if exercises is not None:
        wrong += _files(exercise, exercises)
    if len({m.key for m in exercise.mistakes}) < len(exercise.mistakes):
        wrong.append("two mistakes have the same key")
    for mistake in exercise.mistakes:
        complaint = _not_named(exercise, mistake)
        if complaint:
            wrong.append(complaint)
    return wrong


def _files(exercise: Exercise, exercises: Path) -> list[str]:
    stub = exercises / exercise.folder / f"{exercise.name}.py"
    test = stub.with_name(f"test_{exercise.name}.py")
    wrong = []
    for path, expected in ((stub, stub_text(exercise)), (test, test_text(exercise))):
        if not path.exists():
            wrong.append(f"{path} is missing; make it with: minirnn dev stubs")
        elif path.read_text(encoding="utf-8") != expected:
            wrong.append(f"{path} is not what its solution makes; renew it with: minirnn dev stubs")
    if not wrong:
        outcome = check_exercise(exercise, Code(path=stub)).outcome
        if outcome != NOT_ATTEMPTED:
            wrong.append(f"the stub is judged '{outcome}'; expected '{NOT_ATTEMPTED}'")
    return wrong


def _not_named(exercise: Exercise, mistake: Mistake) -> str:
    """Why a known mistake is not caught and named, or ""."""
    try:
        verdict = check_exercise(exercise, Code(function=mutant(exercise, mistake)))
    except (ValueError, SyntaxError) as error:
        return f"{mistake.key}: {error}"
    if verdict.outcome not in (CRASHED, WRONG_SHAPE, WRONG_VALUE):
        return f"{mistake.key}: judged '{verdict.outcome}' {[i.evidence for i in verdict.items if not i.ok]}"
    if mistake.key not in verdict.keys and not _twin(exercise, mistake, verdict.keys):
        return f"{mistake.key}: named {verdict.keys or 'not at all'}"
    return ""


def _twin(exercise: Exercise, mistake: Mistake, keys: tuple[str, ...]) -> bool:
    """Whether what was named instead is said in the same words: two ways to make one mistake."""
    return any(m.says == mistake.says for m in exercise.mistakes if m.key in keys)


def write_stubs(exercise: Exercise, exercises: Path) -> list[Path]:
    """Write stub and pytest file where they differ; returns what was written."""
    folder = exercises / exercise.folder
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path, text in (
        (folder / f"{exercise.name}.py", stub_text(exercise)),
        (folder / f"test_{exercise.name}.py", test_text(exercise)),
    ):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
    return written


__all__ = ["problems", "stub_text", "test_text", "write_stubs"]
