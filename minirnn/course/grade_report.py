"""What `minirnn grade` writes: scores as CSV, JSON and JUnit XML, feedback per student, a report on the class."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from minirnn import __version__
from minirnn.course.exercise import Exercise
from minirnn.course.grader import Grade, Sheet
from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, OUTCOMES, RIGHT, WRONG_SHAPE, WRONG_VALUE
from minirnn.plots import BLUE, GREEN, GREY, ORANGE, RED, _figure, _plain, _save
from minirnn.runfolder import write_whole

SHOWN = 20  # mistakes in the plot
COLOURS = {RIGHT: GREEN, WRONG_VALUE: ORANGE, WRONG_SHAPE: "#e9b949", CRASHED: RED, NOT_ATTEMPTED: "#d5d8dd"}


def write_student(out: Path, sheet: Sheet) -> None:
    """One student's feedback and scores; each file is there whole or not at all."""
    for folder in ("feedback", "students"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    _write(out / "feedback" / f"{_file(sheet.student)}.txt", feedback(sheet))
    _write(out / "students" / f"{_file(sheet.student)}.json", json.dumps(student(sheet), indent=1))


def write_class(
    out: Path, sheets: Sequence[Sheet], exercises: Mapping[str, Exercise], seed: int, seconds: float
) -> None:
    """The files about all students."""
    sheets = sorted(sheets, key=lambda sheet: sheet.student)
    _write(out / "scores.csv", scores_csv(sheets, list(exercises)))
    result = {
        "minirnn": __version__,
        "seed": seed,
        "seconds": round(seconds, 1),
        "students": [student(s) for s in sheets],
    }
    _write(out / "scores.json", json.dumps(result, indent=1))
    _write(out / "junit.xml", junit(sheets))
    graded = [sheet for sheet in sheets if not sheet.problem]
    if graded:
        made = mistakes(graded, exercises)
        if made:
            plot_mistakes(out / "mistakes.png", made, len(graded))
        plot_outcomes(out / "outcomes.png", graded, list(exercises))
        _write(out / "class.md", class_text(sheets, exercises, made, seed))


def _write(path: Path, text: str) -> None:
    write_whole(path, text.encode("utf-8", "backslashreplace"))


def _file(student: str) -> str:
    """A student's name as the name of a file, on every system."""
    return "".join("_" if c in '<>:"/\\|?*' else c for c in student)


# one student


def student(sheet: Sheet) -> dict[str, Any]:
    """A sheet as JSON."""
    return {"student": sheet.student, "points": sheet.points, "of": len(sheet.grades), "problem": sheet.problem,
            "notes": list(sheet.notes), "functions": [asdict(grade) for grade in sheet.grades]}  # fmt: skip


def feedback(sheet: Sheet) -> str:
    """What a student reads: the words of `minirnn check`, function by function."""
    if sheet.problem:
        return f"{sheet.student}: nothing was graded. {sheet.problem}\n"
    parts = [f"{sheet.student}: {sheet.points} of {len(sheet.grades)} functions are right."]
    parts += [f"note: {note}" for note in sheet.notes]
    parts += [grade.text for grade in sheet.grades if grade.outcome != NOT_ATTEMPTED]
    missing = [grade.name for grade in sheet.grades if grade.outcome == NOT_ATTEMPTED]
    parts += [f"not attempted: {', '.join(missing)}"] if missing else []
    return "\n\n".join(parts) + "\n"


# scores


def scores_csv(sheets: Sequence[Sheet], names: Sequence[str]) -> str:
    """A row per student: points, of how many, and 1 or 0 per function; empty cells where nothing could be read."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["student", "points", "of", *names, "problem"])
    for sheet in sheets:
        points = {grade.name: grade.points for grade in sheet.grades}
        cells = (
            ["", "", *[""] * len(names)] if sheet.problem else [sheet.points, len(names), *(points[n] for n in names)]
        )
        table.writerow([_cell(sheet.student), *cells, _cell(sheet.problem)])
    return text.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def junit(sheets: Sequence[Sheet]) -> str:
    """A test suite per student, a test case per function; what is not attempted counts as skipped."""
    root = Xml.Element("testsuites", name="minirnn grade")
    for sheet in sheets:
        outcomes = Counter(grade.outcome for grade in sheet.grades)
        skipped = outcomes[NOT_ATTEMPTED]
        suite = Xml.SubElement(
            root, "testsuite", name=sheet.student, tests=str(max(1, len(sheet.grades))), skipped=str(skipped),
            failures=str(len(sheet.grades) - outcomes[RIGHT] - skipped), errors=str(int(bool(sheet.problem))),
            time=f"{sum(grade.seconds for grade in sheet.grades):.3f}",
        )  # fmt: skip
        if sheet.problem:
            case = Xml.SubElement(suite, "testcase", classname=sheet.student, name="submission")
            Xml.SubElement(case, "error", type="unreadable", message=sheet.problem)
        for grade in sheet.grades:
            _case(suite, sheet, grade)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _case(suite: Xml.Element, sheet: Sheet, grade: Grade) -> None:
    case = Xml.SubElement(suite, "testcase", classname=f"{sheet.student}.{grade.folder}",
                          name=f"{grade.name} {grade.function}", time=f"{grade.seconds:.3f}")  # fmt: skip
    if grade.outcome == NOT_ATTEMPTED:
        Xml.SubElement(case, "skipped", message=grade.outcome)
    elif grade.outcome != RIGHT:
        message = grade.causes[0] if grade.causes else grade.outcome
        Xml.SubElement(case, "failure", type=grade.outcome, message=message).text = grade.text


# the class


def mistakes(sheets: Sequence[Sheet], exercises: Mapping[str, Exercise]) -> list[tuple[str, str, str, int]]:
    """(exercise, key, words, how many students), the most frequent first."""
    count: Counter[tuple[str, str]] = Counter()
    words: dict[tuple[str, str], str] = {}
    for sheet in sheets:
        for grade in sheet.grades:
            known = {m.key: m.says for m in exercises[grade.name].mistakes}
            for k, key in enumerate(grade.keys):
                count[grade.name, key] += 1
                said = grade.causes[k] if len(grade.causes) == len(grade.keys) else key.replace("-", " ")
                words.setdefault((grade.name, key), known.get(key, said))
    order = list(exercises)
    ranked = sorted(count.items(), key=lambda item: (-item[1], order.index(item[0][0]), item[0][1]))
    return [(name, key, words[name, key], n) for (name, key), n in ranked]


def class_text(
    sheets: Sequence[Sheet], exercises: Mapping[str, Exercise], made: Sequence[tuple[str, str, str, int]], seed: int
) -> str:
    """The report on the class, in Markdown."""
    graded = [sheet for sheet in sheets if not sheet.problem]
    points = sorted(sheet.points for sheet in graded)
    lines = ["# Class report", "",
             f"{len(graded)} submissions graded, {len(exercises)} functions each; "
             f"median {points[len(points) // 2]} right, from {points[0]} to {points[-1]}. "
             f"Seed {seed}, minirnn {__version__}.", ""]  # fmt: skip
    unread = [sheet for sheet in sheets if sheet.problem]
    if unread:
        lines += ["## Not graded", "", *(f"- {_plain_cell(s.student)}: {_plain_cell(s.problem)}" for s in unread), ""]
    lines += ["## Mistakes, the most frequent first", ""]
    if made:
        lines += [
            "![How many students made which mistake](mistakes.png)",
            "",
            "| students | function | mistake |",
            "|---:|---|---|",
        ]
        lines += [f"| {n} | {name} `{exercises[name].function}` | {_plain_cell(says)} |" for name, _, says, n in made]
    else:
        lines.append("No mistake was recognised.")
    lines += ["", "## Outcomes per function", "", "![Outcomes per function](outcomes.png)", "",
              f"| function | {' | '.join(reversed(OUTCOMES))} |", "|---|" + "---:|" * len(OUTCOMES)]  # fmt: skip
    for name, e in exercises.items():
        outcomes = Counter(g.outcome for sheet in graded for g in sheet.grades if g.name == name)
        lines.append(f"| {name} `{e.function}` | {' | '.join(str(outcomes[o]) for o in reversed(OUTCOMES))} |")
    lines += ["", "## Students", "", "| student | right | of |", "|---|---:|---:|"]
    lines += [f"| {_plain_cell(s.student)} | {s.points} | {len(s.grades)} |" for s in graded]
    return "\n".join(lines) + "\n"


def _plain_cell(text: str) -> str:
    """A text that Markdown takes as it is, in one line."""
    escaped = "".join(f"\\{c}" if c in "\\`*_[]<>|#!" else c for c in text)
    return " ".join(escaped.split())


def plot_mistakes(path: Path, made: Sequence[tuple[str, str, str, int]], students: int) -> Path:
    """How many students made which mistake, horizontal bars, the most frequent on top."""
    made = made[:SHOWN]
    labels = [
        textwrap.fill(f"{name}: {says}", 58, max_lines=2, placeholder=" …").replace("$", r"\$")
        for name, _, says, _ in made
    ]
    from matplotlib.ticker import MaxNLocator

    figure = _figure(figsize=(9.5, 1.1 + 0.46 * len(made)))
    axes = figure.subplots()
    axes.barh(range(len(made)), [n for *_, n in made], color=BLUE, height=0.62)
    for k, (*_, n) in enumerate(made):
        axes.annotate(str(n), (n, k), textcoords="offset points", xytext=(4, 0), va="center", color=GREY, fontsize=9)
    axes.set_yticks(range(len(made)), labels, fontsize=8.5)
    axes.invert_yaxis()
    most = max(n for *_, n in made)
    axes.set(xlabel=f"students, of {students}", xlim=(0, 1.12 * most), title="Which mistakes were made")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _plain(axes)
    axes.grid(False, axis="y")
    return _save(figure, path)


def plot_outcomes(path: Path, sheets: Sequence[Sheet], names: Sequence[str]) -> Path:
    """The outcomes of every function, stacked horizontal bars."""
    from matplotlib.ticker import MaxNLocator

    figure = _figure(figsize=(8, 1.6 + 0.21 * len(names)))
    axes = figure.subplots()
    left = [0] * len(names)
    for outcome in reversed(OUTCOMES):
        counts = [sum(g.name == name and g.outcome == outcome for s in sheets for g in s.grades) for name in names]
        axes.barh(range(len(names)), counts, left=left, color=COLOURS[outcome], label=outcome, height=0.72)
        left = [a + b for a, b in zip(left, counts)]
    axes.set_yticks(range(len(names)), names, fontsize=8.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set(xlabel=f"students, of {len(sheets)}", xlim=(0, len(sheets)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _plain(axes)
    axes.grid(False, axis="y")
    axes.legend(frameon=False, fontsize=8.5, ncols=len(OUTCOMES), loc="lower center", bbox_to_anchor=(0.45, 1.0),
                columnspacing=1.2, handlelength=1.2)  # fmt: skip
    return _save(figure, path)
