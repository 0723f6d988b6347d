"""The `minirnn` command. It knows the table of tasks and the course's commands, and nothing of what they do.

Standard output carries the result (with --json one JSON object), standard error the progress. Exit status: 0 done,
1 a check failed or training broke down, 2 bad input, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import io
import json
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from minirnn import __version__
from minirnn.errors import DataError
from minirnn.tasks.task import Command, Result


class Parser(ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to read on; exit status 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _evaluate_command() -> Command:
    from minirnn.checkpoint import load
    from minirnn.tasks.table import TASKS
    from minirnn.train import BEST, LAST

    tasks = {task.name: task for task in TASKS}

    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained model")
        parser.add_argument("--data", help="what to judge it on (default: the data it was trained on)")
        parser.add_argument("--split", choices=("train", "val", "test", "novel", "all"), default="test",
                            help="which part; 'all': everything that the run has not seen (default: test)")  # fmt: skip
        parser.add_argument("--skip-bad", action="store_true", help="leave unreadable files out, and say so")

    def run(args: Namespace) -> Result:
        if not (args.run / BEST).exists():
            if (args.run / LAST).exists():
                raise DataError(f"{args.run} has not reached its first validation; go on with --resume")
            raise DataError(f"{args.run} is no folder of a trained model: it holds no {BEST}")
        name = load(args.run / BEST)[1].get("task")
        if name not in tasks:
            raise DataError(f"{args.run} is a run of {name!r}; expected one of {', '.join(tasks)}")
        return {"task": name, **tasks[name].evaluate(args)}

    return Command(
        "evaluate", "judge a trained model beside honest baselines", "minirnn evaluate runs/photos --split test",
        arguments, run, lambda result: tasks[result["task"]].show_evaluation(result),
    )  # fmt: skip


def _add(commands: Any, command: Command) -> None:
    parser = commands.add_parser(
        command.name, help=command.help, description=command.help[0].upper() + command.help[1:] + ".",
        epilog=f"example:\n  {command.example}", formatter_class=RawDescriptionHelpFormatter,
    )  # fmt: skip
    command.arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")
    parser.set_defaults(command=command)


def build_parser() -> ArgumentParser:
    """The parser of all commands."""
    from minirnn.course import commands, dev_commands, grading, overview, watch
    from minirnn.course.mine import with_mine
    from minirnn.datasets import DATA
    from minirnn.inspection import DOCTOR, GRADCHECK
    from minirnn.tasks.table import TASKS

    parser = Parser(
        prog="minirnn",
        description="Recurrent and convolutional networks for computer vision, every gradient written by hand.",
        epilog="start with:\n  minirnn demo\n  minirnn start",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"minirnn {__version__}")
    table = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    train = table.add_parser("train", help="train a model", description="Train a model.",
                                epilog=f"example:\n  {TASKS[0].train.example}",
                                formatter_class=RawDescriptionHelpFormatter)  # fmt: skip
    models = train.add_subparsers(title="models", metavar="MODEL", required=True, parser_class=Parser)
    for task in TASKS:
        _add(models, task.train)
        for command in task.commands:
            _add(table, with_mine(command) if command.trains else command)
    course = (watch.WATCH, *commands.COMMANDS, *overview.COMMANDS, *grading.COMMANDS, *dev_commands.COMMANDS)
    for command in (_evaluate_command(), DATA, GRADCHECK, DOCTOR, *course):
        _add(table, command)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a caption that the console cannot show is no reason to stop
    args = Namespace(out=None)
    try:
        argv = sys.argv[1:] if argv is None else argv
        alone = ["watch"] if sys.stdin.isatty() else ["--help"]
        args = build_parser().parse_args(argv or alone)  # `minirnn` alone is the course
        command: Command = args.command
        result = command.run(args)
        text = json.dumps(result, allow_nan=False) if args.json else command.show(result)
        sys.stdout.write(f"{text}\n" if text else "")
        return command.status(result)
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is not installed: python -m pip install {error.name}", 2)
    except (DataError, OSError) as error:
        return _fail(str(error), 2)
    except ArithmeticError as error:  # training that broke down: NaN or infinity
        return _fail(str(error), 1)
    except MemoryError:
        return _fail("out of memory; use smaller pictures or a smaller model", 1)
    except KeyboardInterrupt:
        model = getattr(args, "command", None) and args.command.resumes
        saved = model and args.out is not None and (args.out / "last.safetensors").exists()
        hint = f"; go on with: minirnn train {model} --out {args.out} --resume" if saved else ""
        return _fail(f"stopped{hint}", 130)


def _fail(sentence: str, status: int) -> int:
    sys.stderr.write(f"minirnn: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
