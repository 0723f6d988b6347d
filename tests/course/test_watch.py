"""`minirnn watch` in a real terminal: checks on save, obeys keys, never moves on by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import pytest

from minirnn.course.reference import SOLUTIONS
from minirnn.course.workspace import Workspace

pty = pytest.importorskip("pty")  # not on Windows


class Terminal:
    """A child in a pseudo-terminal."""

    def __init__(self, folder):
        self.master, slave = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-m", "minirnn"], cwd=folder, stdin=slave, stdout=slave, stderr=slave,
            env={**os.environ, "TERM": "dumb", "NO_COLOR": "1"},
        )  # fmt: skip
        os.close(slave)
        os.set_blocking(self.master, False)
        self.seen = ""

    def wait_for(self, text, seconds=30):
        """Everything printed since the last call, up to `text`."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not come:\n{self.seen}"
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except (BlockingIOError, OSError):
                time.sleep(0.05)
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def press(self, key):
        os.write(self.master, key.encode())


def test_watch(tmp_path):
    course, _ = Workspace.start(tmp_path / "course")
    course.go_to("rnn2")
    terminal = Terminal(course.root)
    try:
        assert "not attempted" in terminal.wait_for("q:quit")
        time.sleep(1.1)  # file times may have a resolution of a second
        text = (SOLUTIONS / "06_bptt" / "rnn2.py").read_text(encoding="utf-8")
        course.path("rnn2").write_text(text.replace("(1 - h**2)", "(1 - h)"), encoding="utf-8")
        assert "you used 1 - h" in terminal.wait_for("wrong value")
        time.sleep(1.1)
        shutil.copyfile(SOLUTIONS / "06_bptt" / "rnn2.py", course.path("rnn2"))
        shown = terminal.wait_for("press n for the next exercise")
        assert "rnn2  Backward through one step" in shown
        assert "1/43" in terminal.wait_for("q:quit")
        terminal.press("h")
        assert "1." in terminal.wait_for("q:quit")
        terminal.press("l")
        assert "ok  rnn2" in terminal.wait_for("q:quit")
        terminal.press("x")
        assert "again" in terminal.wait_for("q:quit")
        terminal.press("r")  # not x: nothing is put back
        assert "right" in terminal.wait_for("q:quit")
        assert "raise NotImplementedError" not in course.path("rnn2").read_text(encoding="utf-8")
        terminal.press("n")
        assert "unroll2  Backward through time" in terminal.wait_for("q:quit")
        terminal.press("q")
        assert terminal.child.wait(timeout=10) == 0
    finally:
        terminal.child.kill()
        terminal.child.wait()
        os.close(terminal.master)
