"""`minirnn dev`, for authors of exercises."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minirnn.course.dev import problems, write_stubs
from minirnn.course.table import NAMES, exercise, folder_of
from minirnn.course.workspace import material
from minirnn.display import console
from minirnn.tasks.task import Command, Result


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("check", "stubs"),
        help="check: prove that solutions pass, stubs count as not attempted, and known mistakes are named; "
        "stubs: make the students' files from the solutions",
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="exercises (default: all)")


def _run(args: Namespace) -> Result:
    names = args.names or list(NAMES)
    for name in names:
        folder_of(name)
    exercises = material() / "exercises"
    if args.action == "stubs":
        written = [str(path) for name in names for path in write_stubs(exercise(name), exercises)]
        return {"action": "stubs", "written": written}
    out, found = console(), {}
    for name in names:
        found[name] = problems(exercise(name), exercises)
        if out.is_terminal:
            out.print(f"{name}: {len(found[name])} problems" if found[name] else f"{name}: ok", markup=False)
    mistakes = {name: len(exercise(name).mistakes) for name in names}
    return {"action": "check", "problems": found, "mistakes": mistakes}


def _show(result: Result) -> str:
    if result["action"] == "stubs":
        return "\n".join([*result["written"], f"{len(result['written'])} files written."])
    lines = []
    for name, wrong in result["problems"].items():
        lines.append(f"{'x ' if wrong else 'ok'}  {name:11} {result['mistakes'][name]} known mistakes")
        lines += [f"      {sentence}" for sentence in wrong]
    bad = sum(bool(wrong) for wrong in result["problems"].values())
    lines.append(f"{len(result['problems']) - bad} of {len(result['problems'])} exercises are in order.")
    return "\n".join(lines)


DEV = Command(
    "dev", "for authors: prove that exercises work, or make stubs from solutions", "minirnn dev check rnn2",
    _arguments, _run, _show, lambda result: int(any(result.get("problems", {}).values())),
)  # fmt: skip

COMMANDS = (DEV,)
