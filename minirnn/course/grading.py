"""`minirnn grade` and `minirnn release`, for instructors."""

from __future__ import annotations

import math
import shutil
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from minirnn.course.dev import stub_text
from minirnn.course.grade_report import write_class, write_student
from minirnn.course.grader import Grade, Plan, Sheet, grade_all, plan
from minirnn.course.judge import NOT_ATTEMPTED, RIGHT
from minirnn.course.process import SECONDS
from minirnn.course.table import NAMES, exercise
from minirnn.course.workspace import shipped
from minirnn.display import LINE_EVERY, clock, console
from minirnn.errors import DataError
from minirnn.tasks.task import Command, Result


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise ArgumentTypeError(f"expected a whole number from 1 to 256, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdigit():
        raise ArgumentTypeError(f"expected a whole number of at least 0, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.5 <= value <= 3600:
        raise ArgumentTypeError(f"expected a number of seconds from 0.5 to 3600, got {text!r}")
    return value


def _grade_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS",
                        help="folder with a folder or .zip for every student, or one workspace")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="REPORT", help="new folder for scores and feedback")
    parser.add_argument("--hidden", type=Path, metavar="DIR", help="exercises of your own, graded in addition")
    parser.add_argument("--seed", type=_seed, help="of the inputs (default: a new one for every run)")
    parser.add_argument("--jobs", type=_count, default=2, help="workers at once (default: 2)")
    parser.add_argument(
        "--seconds", type=_seconds, default=SECONDS, help=f"for the calls of one check (default: {SECONDS:g})"
    )


def _empty(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} holds something already; choose a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _grade(args: Namespace) -> Result:
    if args.out.resolve().is_relative_to(args.submissions.resolve()) and args.submissions.is_dir():
        raise DataError(f"{args.out} lies inside {args.submissions}; choose a folder outside of it")
    course = plan(args.seed, args.seconds, args.hidden)
    out = _empty(args.out)
    began = time.monotonic()
    sheets: list[Sheet] = []
    with _Shown(console()) as shown:
        try:
            for sheet in grade_all(args.submissions, course, args.jobs, shown.graded):
                sheets.append(sheet)
                write_student(out, sheet)
                shown.student(sheet)
        finally:  # what has been graded counts, whatever happened to the rest
            if sheets:
                write_class(out, sheets, course.exercises, course.seed, time.monotonic() - began)
    return _result(out, course, sheets, time.monotonic() - began)


def _result(out: Path, course: Plan, sheets: list[Sheet], seconds: float) -> Result:
    outcomes = Counter(grade.outcome for sheet in sheets for grade in sheet.grades)
    return {
        "report": str(out), "seed": course.seed, "seconds": round(seconds, 1),
        "students": {s.student: s.points for s in sheets if not s.problem}, "of": len(course.exercises),
        "unreadable": {s.student: s.problem for s in sheets if s.problem}, "outcomes": dict(outcomes),
    }  # fmt: skip


class _Shown:
    """Progress on standard error: a bar in a terminal, plain lines elsewhere."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self.began = self.last = time.monotonic()
        columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("functions"), TimeRemainingColumn())
        self.bar = Progress(*columns, console=out, transient=True) if out.is_terminal else None

    def __enter__(self) -> _Shown:
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task("", total=None)
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar:
            self.bar.stop()

    def graded(self, grade: Grade, done: int, total: int) -> None:
        """One more function is graded."""
        if self.bar:
            self.bar.update(self.task, completed=done, total=total)
        elif time.monotonic() - self.last >= LINE_EVERY:
            self.last = time.monotonic()
            self.out.print(f"{clock(self.last - self.began):>7}  {done} of {total} functions", markup=False)

    def student(self, sheet: Sheet) -> None:
        """One more student is complete."""
        begun = sum(grade.outcome != NOT_ATTEMPTED for grade in sheet.grades)
        said = sheet.problem or f"{sheet.points} of {len(sheet.grades)} right, {begun} attempted"
        self.out.print(f"{clock(time.monotonic() - self.began):>7}  {sheet.student}: {said}", markup=False)


def _show_grade(result: Result) -> str:
    lines = [f"{len(result['students'])} submissions graded in {clock(result['seconds'])}, seed {result['seed']}."]
    lines += [f"not graded: {name}: {problem}" for name, problem in result["unreadable"].items()]
    total = sum(result["outcomes"].values())
    lines.append(f"{result['outcomes'].get(RIGHT, 0)} of {total} functions are right.")
    lines.append(f"Scores, feedback and the class report are in {result['report']}.")
    return "\n".join(lines)


GRADE = Command(
    "grade", "grade submissions: scores, feedback, a report on the class",
    "minirnn grade submissions --out report", _grade_arguments, _grade, _show_grade,
)  # fmt: skip


# release


def _release_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="new folder for the students' material")


def _release(args: Namespace) -> Result:
    files = list(shipped())
    stubs = {exercise(name).file: stub_text(exercise(name)) for name in NAMES}
    for place, path in files:  # somebody may have worked in the course's own folder
        if place in stubs and path.read_text(encoding="utf-8") != stubs[place]:
            raise DataError(f"{path} is not the stub that students should get; put it back with: minirnn dev stubs")
    out = _empty(args.dir)
    for place, path in files:
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / place)
    return {"dir": str(out), "files": len(files)}


def _show_release(result: Result) -> str:
    return f"Wrote {result['files']} files into {result['dir']}: stubs and lessons, no solutions."


RELEASE = Command(
    "release", "write the students' material: stubs and lessons, no solutions", "minirnn release students",
    _release_arguments, _release, _show_release,
)  # fmt: skip

COMMANDS = (GRADE, RELEASE)
