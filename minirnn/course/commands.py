"""`minirnn start`, `update`, `check`, `hint`, `solution`, `reset`: working on an exercise in the terminal."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from minirnn.course import report
from minirnn.course.judge import NOT_ATTEMPTED, RIGHT
from minirnn.course.process import execute_apart
from minirnn.course.reference import solution_text
from minirnn.course.table import NAMES, exercise, folder_of
from minirnn.course.workspace import Workspace
from minirnn.errors import DataError
from minirnn.tasks.task import Command, Result


def _named(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="exercise (default: the one you looked at last)")


def _workspace_and_name(args: Namespace) -> tuple[Workspace, str]:
    workspace = Workspace.find()
    name = args.name or workspace.current
    folder_of(name)
    workspace.go_to(name)
    return workspace, name


# start and update


def _start_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("dir", nargs="?", type=Path, default=Path("minirnn-course"), metavar="DIR",
                        help="default: minirnn-course")  # fmt: skip


def _start(args: Namespace) -> Result:
    workspace, written = Workspace.start(args.dir)
    return {"workspace": str(workspace.root), "written": len(written), "first": NAMES[0]}


def _show_start(result: Result) -> str:
    folder = result["workspace"]
    if not result["written"]:
        return f"{folder} is a complete workspace already; nothing was changed."
    return "\n".join([
        f"Wrote {result['written']} files into {folder}. Nothing that was there has been changed.",
        "Next:",
        f"  cd {folder}",
        "  minirnn lab       the lessons in your browser, from number 0",
        "  minirnn watch     checks an exercise whenever you save it",
    ])  # fmt: skip


START = Command(
    "start",
    "make a folder of your own with the lessons and exercises",
    "minirnn start my-course",
    _start_arguments,
    _start,
    _show_start,
)


def _update(args: Namespace) -> Result:
    renewed, beside = Workspace.find().update()
    return {"renewed": renewed, "beside": beside}


def _show_update(result: Result) -> str:
    lines = [f"{len(result['renewed'])} files renewed or added."]
    lines += [
        f"you have edited {Path(name).stem.removesuffix('.new')}; the new version lies beside it: {name}"
        for name in result["beside"]
    ]
    return "\n".join(lines)


UPDATE = Command(
    "update",
    "bring the installed version's lessons and exercises into your workspace, beside what you edited",
    "minirnn update",
    lambda parser: None,
    _update,
    _show_update,
)


# check


def _check_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="exercises (default: all that you have begun)")
    parser.add_argument("-v", "--verbose", action="store_true", help="all evidence, also where it repeats itself")


def _check(args: Namespace) -> Result:
    workspace = Workspace.find()
    execute_apart.start()
    for name in args.names:
        folder_of(name)
    outcomes = {} if args.names else workspace.outcomes(execute_apart)
    names = args.names or [n for n, outcome in outcomes.items() if outcome not in (NOT_ATTEMPTED, RIGHT)]
    checks = []
    for name in names:
        verdict = workspace.check(name, execute_apart)
        outcomes[name] = verdict.outcome
        checks.append({
            "name": name, "outcome": verdict.outcome, "mistakes": list(verdict.keys), "causes": list(verdict.causes),
            "file": workspace.shown(name), "line": verdict.line,
            "text": report.text(verdict, where=workspace.shown(name), verbose=args.verbose),
        })  # fmt: skip
    if args.names:
        workspace.go_to(args.names[-1])
    done = sum(outcome == RIGHT for outcome in workspace.outcomes(execute_apart).values())
    return {"checks": checks, "right": done, "of": len(NAMES), "named": bool(args.names)}


def _show_check(result: Result) -> str:
    parts = [check["text"] for check in result["checks"]]
    if not parts and not result["right"]:
        parts = ["Nothing begun yet. See: minirnn next"]
    elif not parts:
        parts = ["All that you have begun is right. See: minirnn next"]
    return report.painted("\n\n".join([*parts, report.bar(result["right"], result["of"])]))


CHECK = Command(
    "check",
    "check an exercise, or all that you have begun",
    "minirnn check rnn2",
    _check_arguments,
    _check,
    _show_check,
    lambda result: int(any(check["outcome"] != RIGHT for check in result["checks"])),
)


# hint, solution, reset


def _hint_arguments(parser: ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("--more", action="store_true", help="one hint more: a question, a pointer, almost there")


def _hint(args: Namespace) -> Result:
    workspace, name = _workspace_and_name(args)
    hints = exercise(name).hints
    seen = workspace.hints_seen(name)
    count = min(max(1, seen + bool(args.more)), len(hints))
    workspace.hints_seen(name, count)
    return {"name": name, "hints": list(hints[:count]), "of": len(hints)}


def _show_hint(result: Result) -> str:
    e = exercise(result["name"])
    lines = [f"{e.name}  {e.title}"]
    lines += [f"  {k}. {hint}" for k, hint in enumerate(result["hints"], 1)]
    more = len(result["hints"]) < result["of"]
    last = (
        f"  more: minirnn hint {e.name} --more"
        if more
        else f"  that was the last hint; minirnn solution {e.name} shows a solution and why it works"
    )
    return "\n".join([*lines, last])


HINT = Command(
    "hint", "a hint: first a question, then a pointer, then almost there", "minirnn hint rnn2 --more",
    _hint_arguments, _hint, _show_hint,
)  # fmt: skip


def _solution_arguments(parser: ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask, even if you have not solved it")


def _solution(args: Namespace) -> Result:
    workspace, name = _workspace_and_name(args)
    e = exercise(name)
    code = workspace.code(name)
    solved = code is not None and workspace.check(name, execute_apart).right
    if not solved and not args.yes and not _sure(f"You have not solved {name} yet. Show a solution? [y/N] "):
        return {"name": name, "solution": "", "why": ""}
    return {"name": name, "solution": solution_text(e.folder, name), "why": e.why}


def _sure(question: str) -> bool:
    if not sys.stdin.isatty():
        raise DataError("nobody is here to be asked; add --yes to see the solution of an exercise that is not solved")
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _show_solution(result: Result) -> str:
    if not result["solution"]:
        return f"Nothing shown. A hint instead: minirnn hint {result['name']}"
    return f"{result['solution']}\nWhy it works: {result['why']}"


SOLUTION = Command(
    "solution", "a solution and why it works; asks first when you have not solved the exercise",
    "minirnn solution rnn2", _solution_arguments, _solution, _show_solution,
)  # fmt: skip


def _reset_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="exercise")


def _reset(args: Namespace) -> Result:
    workspace = Workspace.find()
    folder_of(args.name)
    backup = workspace.reset(args.name)
    return {"name": args.name, "file": workspace.shown(args.name), "backup": str(backup) if backup else None}


def _show_reset(result: Result) -> str:
    kept = f" What you had written is in {result['backup']}." if result["backup"] else ""
    return f"{result['file']} is the stub again.{kept}"


RESET = Command(
    "reset", "put an exercise's stub back; what you wrote is kept beside it", "minirnn reset rnn2",
    _reset_arguments, _reset, _show_reset,
)  # fmt: skip


COMMANDS = (START, UPDATE, CHECK, HINT, SOLUTION, RESET)
