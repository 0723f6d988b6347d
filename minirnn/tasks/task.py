"""What a system offers to the command line: `Task` for training and judging, `Command` for anything of its own."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """`minirnn NAME …`: its arguments, what it does, and how its result is shown to people.

    `run` returns what `--json` prints; `show` turns the same into text for standard output.
    """

    name: str
    help: str
    example: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], Result]
    show: Callable[[Result], str]
    status: Callable[[Result], int] = lambda result: 0  # exit status
    resumes: str = ""  # the model whose run in --out it makes: `minirnn train RESUMES --out … --resume` goes on with it
    trains: bool = False  # takes `ops` and `tools` of one's own in its arguments


@dataclass(frozen=True)
class Task:
    """A system: `minirnn train NAME`, `minirnn evaluate RUN` for its runs, and commands of its own."""

    name: str
    train: Command
    evaluate: Callable[[Namespace], Result]
    show_evaluation: Callable[[Result], str]
    commands: tuple[Command, ...] = ()
