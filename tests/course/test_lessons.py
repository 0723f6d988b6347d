"""The lessons as files: script and notebook are one, no answer is shown before it is asked for, every command exists.

That they run, in time and without warnings, is what `python lessons/build.py --check` shows in .ci/run.
"""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from minirnn.cli import build_parser
from minirnn.course.table import LESSONS, NAMES, exercise
from minirnn.course.titles import TITLES

ROOT = Path(__file__).parents[2]
jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")

FILES = sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))
lesson = pytest.mark.parametrize("path", FILES, ids=[p.stem for p in FILES])
SHOWN = r"^(?:    |\t)(?:\$ )?(minirnn(?: [^\n`#>]*)?)"  # in an indented or fenced block
FENCED = r"^```[a-z]*\n(.*?)^```"


def cells(path):
    return [(c.cell_type, c.source.strip()) for c in jupytext.read(path).cells if c.source.strip()]


def code(path):
    return "\n\n".join(source for kind, source in cells(path) if kind == "code")


def prose(path):
    return "\n\n".join(source for kind, source in cells(path) if kind == "markdown")


def test_there_are_fourteen_lessons():
    assert [p.stem for p in FILES] == list(TITLES)


@lesson
def test_script_and_notebook_are_one(path):
    """The script made the notebook: same cells, in the same order."""
    assert cells(path) == cells(path.with_suffix(".ipynb"))


@lesson
def test_the_notebook_can_be_read_on_the_web(path):
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    assert path.with_suffix(".ipynb").stat().st_size < 300_000
    assert any("image/png" in o.get("data", {}) for o in outputs)
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    text = path.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert not re.search(r"(/work/|/tmp/|/root/|/home/|Users\\\\)", text)


@lesson
def test_a_lesson_has_its_parts(path):
    text = prose(path)
    assert text.startswith(f"# {path.stem[:2]}. {TITLES[path.stem]}")
    for part in ("think about|three questions", "Sources", "next"):
        assert re.search(part, text, re.I), part
    for name in LESSONS.get(path.stem, ("", ()))[1]:
        assert f'check("{name}")' in code(path)
        assert f"{name}.py" in text or f"`{name}`" in text


@lesson
def test_nothing_is_shown_that_is_asked_for_here_or_later(path):
    """`source(...)` and definitions in the lesson keep clear of what the learner is to write."""
    number = int(path.stem[:2])
    asked = {exercise(n).function for n in NAMES if exercise(n).lesson >= number}
    pairs = {f.removesuffix("_forward").removesuffix("_backward") for f in asked if f.endswith("ward")}
    tree = ast.parse("\n".join(line for line in code(path).splitlines() if not line.startswith(("%", "!"))))
    shown = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "source":
            shown |= {ast.unparse(arg).split(".")[-1] for arg in node.args}
        if isinstance(node, ast.FunctionDef):
            assert node.name not in asked, node.name
    # a pair may be asked for again with more in it: cross_entropy of lesson 01 has no mask
    assert not shown & (asked | pairs), shown & (asked | pairs)


@lesson
def test_no_line_of_a_solution_that_is_still_asked_for_is_printed(path):
    from minirnn.course.dev import stub_text
    from minirnn.course.reference import solution_text

    number, text = int(path.stem[:2]), re.sub(r"\s+", "", path.read_text(encoding="utf-8"))
    for name in (n for n in NAMES if exercise(n).lesson >= number):
        e = exercise(name)
        given = {line.strip() for line in stub_text(e).splitlines()}
        function = next(
            n for n in ast.parse(solution_text(e.folder, name)).body if getattr(n, "name", "") == e.function
        )
        lines = solution_text(e.folder, name).splitlines()[function.body[0].end_lineno : function.end_lineno]
        secret = [line.split("#")[0].strip() for line in lines if line.strip() not in given]
        found = [line for line in secret if len(line) > 40 and re.sub(r"\s+", "", line) in text]
        assert not found, (name, found)


@pytest.mark.parametrize(
    "path",
    [*FILES, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "lessons").glob("*.md"))],
    ids=lambda p: p.name,
)
def test_every_command_that_is_printed_exists(path):
    text = prose(path) if path.suffix == ".py" else path.read_text(encoding="utf-8")
    blocks = "\n".join("    " + line for block in re.findall(FENCED, text, re.M | re.S) for line in block.splitlines())
    lines = re.findall(SHOWN, text, re.M) + re.findall(SHOWN, blocks, re.M)
    lines += re.findall(r"`(minirnn(?: [^`]*)?)`", text)
    commands = set(build_parser()._subparsers._group_actions[0].choices)
    for line in lines:
        words = shlex.split(line)[1:]
        if words and words[0].isidentifier() and len(words) == 1:  # a command that is spoken of
            assert words[0] in commands, line
        else:
            assert build_parser().parse_args(words or ["watch"]).command, line


def test_a_leak_is_found(tmp_path):
    """The check itself can fail: a lesson that shows rnn_step before lesson 06 has asked for its backward pass."""
    path = tmp_path / "05_sequences.py"
    path.write_text("# %%\nfrom minirnn import functional as F\nsource(F.rnn_step)\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="rnn_step"):
        test_nothing_is_shown_that_is_asked_for_here_or_later(path)
