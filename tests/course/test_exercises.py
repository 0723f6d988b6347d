"""Every exercise: its solution passes, its stub is not attempted, its known mistakes are named, nothing leaks."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
from pathlib import Path

import pytest

from minirnn.course.dev import problems, stub_text
from minirnn.course.judge import NOT_ATTEMPTED, RIGHT
from minirnn.course.reference import SOLUTIONS, solution_text
from minirnn.course.table import LESSONS, NAMES, exercise
from minirnn.course.titles import TITLES
from minirnn.course.workspace import Workspace

ROOT = Path(__file__).parents[2]
OWN = {"numeric_gradient", "relative_error"}  # functions that the framework does not have under these names


@pytest.mark.parametrize("name", NAMES)
def test_solution_stub_and_known_mistakes(name):
    assert problems(exercise(name), ROOT / "exercises") == []


@pytest.mark.parametrize("name", NAMES)
def test_signature_and_docstring_are_the_frameworks(name):
    e = exercise(name)
    tree = ast.parse(stub_text(e))
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == e.function)
    written = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    keywords = [a.arg for a in function.args.kwonlyargs]
    theirs = inspect.signature(e.truth).parameters.values()
    assert written == [p.name for p in theirs if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert keywords == [p.name for p in theirs if p.kind is p.KEYWORD_ONLY]
    words = " ".join(ast.get_docstring(function).split())
    framework = " ".join(inspect.getdoc(e.truth).split())
    assert words.startswith(framework) if e.backward else words == framework


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_has_at_most_20_lines(name):
    e = exercise(name)
    text = solution_text(e.folder, name)
    function = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == e.function)
    body = text.splitlines()[function.body[0].end_lineno : function.end_lineno]
    assert len([line for line in body if line.strip() and not line.strip().startswith("#")]) <= 20


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_the_solution_is_in_stub_or_hints(name):
    e = exercise(name)
    stub = stub_text(e)
    given = {line.strip() for line in stub.splitlines()}
    function = next(n for n in ast.parse(solution_text(e.folder, name)).body if getattr(n, "name", "") == e.function)
    lines = solution_text(e.folder, name).splitlines()[function.body[0].end_lineno : function.end_lineno]
    secret = [line.strip() for line in lines if len(line.strip()) > 25 and line.strip() not in given]
    said = re.sub(r"\s+", " ", " ".join([*e.hints, stub]))
    assert [line for line in secret if not line.startswith("#") and line in said] == []


def test_no_file_is_without_an_entry():
    for folder, (_, names) in LESSONS.items():
        assert {p.stem for p in (SOLUTIONS / folder).glob("*.py")} == set(names)
        stubs = {p.stem for p in (ROOT / "exercises" / folder).glob("*.py")}
        assert stubs == {*names, *(f"test_{name}" for name in names)}
    assert set(LESSONS) <= set(TITLES)
    assert len(NAMES) >= 26


def test_lessons_1_to_k_alone_pass_1_to_k(tmp_path):
    workspace, _ = Workspace.start(tmp_path / "course")
    assert set(workspace.outcomes().values()) == {NOT_ATTEMPTED}
    solved = []
    for folder, (_, names) in LESSONS.items():
        for name in names:
            shutil.copyfile(SOLUTIONS / folder / f"{name}.py", workspace.path(name))
        solved += names
        outcomes = workspace.outcomes()
        assert [n for n, o in outcomes.items() if o == RIGHT] == solved
        assert {o for n, o in outcomes.items() if n not in solved} <= {NOT_ATTEMPTED}


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_is_right_for_other_probes(name):
    from minirnn.course.checker import Code, check_exercise
    from minirnn.course.reference import solution

    e = exercise(name)
    for seed in (1, 2, 3):
        assert check_exercise(e, Code(function=solution(e)), seed=seed).outcome == RIGHT


def test_the_map_is_up_to_date():
    from minirnn.course.mapping import page

    assert (ROOT / "lessons" / "MAP.md").read_text(encoding="utf-8") == page()


def test_every_lesson_of_the_glossary_exists():
    text = (ROOT / "lessons" / "GLOSSARY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| .+? \| ([\d, ]+) \|$", text, re.M)
    assert len(rows) > 50
    assert {n for _, lessons in rows for n in lessons.split(", ")} <= {title[:2] for title in TITLES}
    assert [term for term, _ in rows] == sorted((term for term, _ in rows), key=str.lower)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_is_ascii(name):
    """Every console shows it."""
    e = exercise(name)
    said = [e.title, e.why, *e.hints, *(m.says for m in e.mistakes)]
    assert [text for text in said if not text.isascii()] == []
