"""`minirnn next`, `list`, `map`, `lab`: where you are in the course."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from argparse import ArgumentParser, Namespace

from minirnn.course import report
from minirnn.course.judge import NOT_ATTEMPTED, RIGHT
from minirnn.course.mapping import ROLES, place
from minirnn.course.process import execute_apart
from minirnn.course.table import LESSONS, NAMES, exercise
from minirnn.course.titles import TITLES
from minirnn.course.workspace import Workspace, material
from minirnn.errors import DataError
from minirnn.tasks.task import Command, Result


def _next(args: Namespace) -> Result:
    workspace = Workspace.find()
    still = [n for n, outcome in workspace.outcomes(execute_apart).items() if outcome != RIGHT]
    here = NAMES.index(workspace.current)
    after = [n for n in still if NAMES.index(n) > here or n == workspace.current]
    name = (after or still or [""])[0]
    if name:
        workspace.go_to(name)
    return {"name": name, "file": workspace.shown(name) if name else ""}


def _show_next(result: Result) -> str:
    if not result["name"]:
        return "All exercises are right. Train the captioner on them: minirnn demo --mine"
    e = exercise(result["name"])
    return "\n".join([
        f"{e.name}  {e.title}",
        f"  lesson {e.lesson:02}  {TITLES[e.folder]} (minirnn lab {e.lesson:02})",
        f"  write   {e.function} in {result['file']}",
        f"  check   minirnn check {e.name}, or minirnn watch while you write; stuck: minirnn hint {e.name}",
    ])  # fmt: skip


NEXT = Command("next", "the next exercise to solve", "minirnn next", lambda parser: None, _next, _show_next)


# list and map

MARKS = {RIGHT: "ok", NOT_ATTEMPTED: "-"}


def _list(args: Namespace) -> Result:
    outcomes = Workspace.find().outcomes(execute_apart)
    return {"exercises": outcomes, "right": sum(o == RIGHT for o in outcomes.values()), "of": len(outcomes)}


def _show_list(result: Result) -> str:
    lines = []
    for folder, (_, names) in LESSONS.items():
        lines.append(f"{folder[:2]}  {TITLES[folder]}")
        for name in (n for n in names if n in result["exercises"]):
            outcome = result["exercises"][name]
            said = "" if outcome in MARKS else f"  {outcome}"
            lines.append(f"  {MARKS.get(outcome, 'x'):2}  {name:11} {exercise(name).title}{said}")
    return report.painted("\n".join([*lines, "", report.bar(result["right"], result["of"])]))


LIST = Command("list", "all exercises and how far you are", "minirnn list", lambda parser: None, _list, _show_list)


def _map(args: Namespace) -> Result:
    try:
        outcomes = Workspace.find().outcomes(execute_apart)
    except DataError:  # the map may be read anywhere
        outcomes = {}
    rows = [{"lesson": e.folder, "name": e.name, "function": e.function, "in_the_captioner": place(e),
             "outcome": outcomes.get(e.name, NOT_ATTEMPTED)} for e in map(exercise, NAMES)]  # fmt: skip
    return {"rows": rows}


def _show_map(result: Result) -> str:
    lines = ["From the first function to the captioner:", ""]
    for folder, title in TITLES.items():
        lines.append(f"{folder[:2]}  {title}")
        for row in (r for r in result["rows"] if r["lesson"] == folder):
            role = f"-> {ROLES[row['in_the_captioner']]}" if row["in_the_captioner"] else ""
            mark = MARKS.get(row["outcome"], "x")
            lines.append(f"  {mark:2}  {row['name']:11} {row['function']:24} {role}".rstrip())
    return "\n".join([*lines, "", "minirnn demo --mine trains the captioner on the functions that you have solved."])


MAP = Command(
    "map", "one page: which function appears where, ending in the captioner", "minirnn map",
    lambda parser: None, _map, _show_map,
)  # fmt: skip


# lab


def _lab_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("lesson", nargs="?", metavar="LESSON", help="number or name (default: 00)")


def _lab(args: Namespace) -> Result:
    if importlib.util.find_spec("jupyterlab") is None:
        raise DataError('Jupyter is not installed: python -m pip install "minirnn[learn]"')
    try:
        root = Workspace.find().root
    except DataError:
        root = material()
    number = args.lesson or "00"
    stem = next((s for s in TITLES if number in (s, s[:2], str(int(s[:2])))), None)
    if stem is None:
        raise DataError(f"there is no lesson {number!r}; the lessons are {', '.join(TITLES)}")
    page = root / "lessons" / f"{stem}.ipynb"
    if not page.exists():
        raise DataError(f"{page} is missing; bring it back with: minirnn update")
    subprocess.run([sys.executable, "-m", "jupyter", "lab", str(page)], cwd=root, check=False)
    return {"page": str(page)}


LAB = Command(
    "lab", "open the lessons in Jupyter", "minirnn lab 06",
    _lab_arguments, _lab, lambda result: "",
)  # fmt: skip

COMMANDS = (NEXT, LIST, MAP, LAB)
