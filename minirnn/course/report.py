"""A verdict in words: for the terminal, for notebooks, for pytest. Plain ASCII, so that every console shows it."""

from __future__ import annotations

import os
import sys

from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, RIGHT, WRONG_SHAPE, Verdict

BAR = 30  # characters
CONVENTION = "this is another convention"


def text(verdict: Verdict, *, where: str = "", verbose: bool = False) -> str:
    """What a check found, line by line.

    Args:
        verdict: what the check found.
        where: the learner's file, as they would open it.
        verbose: all evidence, also where it repeats itself.
    """
    exercise = verdict.exercise
    lines = [f"{exercise.name}  {exercise.title}"]
    if verdict.outcome == NOT_ATTEMPTED:
        return "\n".join([*lines, f"  not attempted: write {exercise.function} in {where or exercise.file}"])
    said: set[tuple[str, ...]] = set()
    for item in verdict.items:
        lines.append(f"  {'ok' if item.ok else 'x '}  {item.says}")
        if item.ok or (item.evidence in said and not verbose):
            continue
        said.add(item.evidence)
        lines += [f"      {sentence}" for sentence in (item.evidence if verbose else item.evidence[:3])]
    for cause in verdict.causes:
        lines.append(f"      {'' if cause.startswith(CONVENTION) else 'likely cause: '}{cause}")
    lines += [f"      note: {note}" for note in verdict.notes]
    if verdict.outcome == RIGHT:
        lines.append("  right")
    else:
        lines.append(f"      {where or exercise.file}{f':{verdict.line}' if verdict.line else ''}")
        kind = {CRASHED: "crashed", WRONG_SHAPE: "wrong shape or type"}.get(verdict.outcome, "wrong value")
        lines.append(f"  {kind}")
    return "\n".join(lines)


def bar(done: int, of: int) -> str:
    """`########----------------------  6/26`"""
    full = round(BAR * done / of) if of else 0
    return f"{'#' * full}{'-' * (BAR - full)}  {done}/{of}"


def painted(report: str) -> str:
    """The same in colour where standard output is a terminal that wants it."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return report
    from rich.console import Console
    from rich.text import Text

    console = Console()
    with console.capture() as capture:
        for line in report.splitlines():
            console.print(Text(line, style=_style(line)), soft_wrap=True)
    return capture.get().rstrip("\n")


def _style(line: str) -> str:
    start = line.strip()
    if line.startswith("  ok") or start == "right":
        return "green"
    if line.startswith("  x ") or start in ("crashed", "wrong shape or type", "wrong value"):
        return "red"
    if start.startswith(("likely cause", CONVENTION)):
        return "bold"
    return "bold" if line and not line.startswith(" ") and set(line[:3]) - set("#-") else ""
