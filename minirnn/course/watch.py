"""`minirnn watch`: check an exercise whenever its file is saved. It never moves on by itself."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from minirnn.course import commands, overview, report
from minirnn.course.judge import RIGHT
from minirnn.course.process import execute_apart
from minirnn.course.table import NAMES, exercise
from minirnn.course.workspace import Workspace
from minirnn.tasks.task import Command, Result

PAUSE = 0.2  # seconds between looks at the files
KEYS = "n:next  h:hint  r:run  l:list  x:reset  v:verbose  q:quit"
BY_NAME = {command.name: command for command in (*commands.COMMANDS, *overview.COMMANDS)}


def _watch(args: Namespace) -> Result:
    workspace = Workspace.find()
    with keyboard() as pressed:
        Screen(workspace).run(pressed)
    return {"workspace": str(workspace.root)}


class Screen:
    """What is on the screen: the check of the current exercise, the bar, the keys."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.verbose = False
        self.times = self._times()
        self.sure = False  # whether x was pressed once already

    def run(self, pressed: Callable[[], str]) -> None:
        """Check on save, act on keys, until q."""
        self.check()
        while True:
            now = self._times()
            saved = [name for name, when in now.items() if when != self.times.get(name)]
            self.times = now
            if saved:
                self.workspace.go_to(saved[-1])
                self.check()
            key = pressed()
            if key == "q":
                return
            if key:
                self.act(key)
            else:
                time.sleep(PAUSE)

    def act(self, key: str) -> None:
        """What a key does."""
        name = self.workspace.current
        if key == "x" and not self.sure:
            self.sure = True
            self.show(f"Put the stub of {name} back? What you wrote is kept beside it. Press x again to do it.")
            return
        if key == "x":
            self.show(self._run("reset", name=name))
        elif key == "h":
            more = self.workspace.hints_seen(name) > 0
            self.show(self._run("hint", name=name, more=more))
        elif key == "l":
            self.show(self._run("list").rsplit("\n\n", 1)[0])  # the bar stands below anyway
        elif key == "n":
            self._run("next")
            self.check()
        elif key in ("r", "v"):
            self.verbose ^= key == "v"
            self.check()
        self.sure = False
        self.times = self._times()

    def check(self) -> None:
        """Check the current exercise and show what was found."""
        name = self.workspace.current
        verdict = self.workspace.check(name, execute_apart)
        text = report.text(verdict, where=self.workspace.shown(name), verbose=self.verbose)
        if verdict.right:
            text += "\n      press n for the next exercise"
        self.show(text)

    def show(self, text: str) -> None:
        """Draw the screen anew."""
        known = [self.workspace.known(name) for name in NAMES]
        foot = f"{report.bar(sum(outcome == RIGHT for outcome in known), len(NAMES))}      {KEYS}"
        if sys.stdout.isatty():
            os.system("cls" if os.name == "nt" else "clear")
        e = exercise(self.workspace.current)
        sys.stdout.write(f"{report.painted(text)}\n\n{foot}\nwatching {self.workspace.shown(e.name)} and the others\n")
        sys.stdout.flush()

    def _run(self, command: str, **arguments: object) -> str:
        result = BY_NAME[command].run(Namespace(**arguments))
        return BY_NAME[command].show(result)

    def _times(self) -> dict[str, float]:
        return {name: _modified(self.workspace.path(name)) for name in NAMES}


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@contextmanager
def keyboard() -> Iterator[Callable[[], str]]:
    """A function that gives the key that was pressed since the last call, or "". Without a terminal: never one."""
    if not sys.stdin.isatty():
        yield lambda: ""
    elif os.name == "nt":
        import msvcrt

        yield lambda: msvcrt.getwch().lower() if msvcrt.kbhit() else ""  # type: ignore[attr-defined]
    else:
        import select
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)

        def pressed() -> str:
            ready, _, _ = select.select([sys.stdin], [], [], 0)
            return os.read(sys.stdin.fileno(), 1).decode(errors="ignore").lower() if ready else ""

        try:
            yield pressed
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _arguments(parser: ArgumentParser) -> None:
    """No arguments."""


WATCH = Command(
    "watch",
    "check an exercise whenever you save it (also: minirnn alone)",
    "minirnn watch",
    _arguments,
    _watch,
    lambda result: "",
)
