"""Run a learner's code in a process of its own, with limits: an endless loop ends, a crash is seen."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import minirnn
from minirnn.course import wire
from minirnn.course.checker import Code, Execute, execute_here
from minirnn.course.exercise import Exercise
from minirnn.course.given import resolve
from minirnn.course.running import Call, Run, Style, copied, failure
from minirnn.course.table import exercise

SECONDS = 10.0  # for one exercise


@dataclass(frozen=True)
class Limits:
    """What a worker may use."""

    seconds: float = SECONDS  # wall clock, for starting and all calls
    memory: int = 4 * 2**30  # bytes of address space, where the system can limit it
    cpu: int = 30  # seconds
    file_size: int = 10 * 2**20  # bytes of any file written
    hidden: Sequence[tuple[str, str]] = ()  # (module, function) of the framework that must not answer
    guarded: bool = False  # no files, no network, no processes (see `minirnn.course.guard`)
    environment: Mapping[str, str] = field(default_factory=dict)


INHERITED = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "MINIRNN_WORKER_STDERR")
# A guarded worker sees nothing of the folder that it starts in, nor of PYTHONPATH: a submission may hold a numpy.py.
BOOT = """\
import sys
sys.path += sys.argv.pop(1).split("|")
from minirnn.course.worker import main
sys.exit(main(sys.argv[1:]))
"""
KINDS = ("returned", "raised", "not implemented")


class Session:
    """An `Execute` that runs requests in one worker, which is made anew after every accident.

    `exercises` are those that are in no table (see `grade --hidden`).
    """

    def __init__(self, limits: Limits | None = None, exercises: Mapping[str, Exercise] | None = None) -> None:
        self.limits = limits or Limits()
        self.exercises = exercises or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.talk: threading.Thread | None = None

    def __call__(
        self, code: Code, function: str, forward: tuple[Code, str] | str | None, style: Style, calls: tuple[Call, ...]
    ) -> list[Run]:  # fmt: skip
        """Run a learner's code on calls, in the worker."""
        if code.path is None:  # a function at hand cannot travel
            return execute_here(code, function, forward, style, calls)
        try:
            request = _request(code, function, forward, style, calls, self.exercises)
        except (OSError, UnicodeDecodeError) as error:
            return [failure(error, str(code.path))]
        runs, why = self._served(request)
        return runs if runs is not None else [Run("died", error=why)]

    def start(self) -> subprocess.Popen[bytes]:
        """The worker; starting it early lets it load while the caller goes on."""
        if self.process is None or self.process.poll() is not None:
            self.process = _worker(self.limits)
        return self.process

    def close(self) -> None:
        """End the worker and whatever it has started."""
        if self.process is not None:
            _kill(self.process, self.talk)
            self.process = None

    def _served(self, request: dict[str, Any]) -> tuple[list[Run] | None, str]:
        """The runs, or None and why the worker ended without them."""
        process = self.start()
        answers: queue.Queue[Any] = queue.Queue()
        self.talk = threading.Thread(target=_talk, args=(process, request, answers), daemon=True)
        self.talk.start()
        try:
            answer = answers.get(timeout=self.limits.seconds)
        except queue.Empty:
            answer = f"it did not end within {self.limits.seconds:g} s: is there a loop without an end?"
        except BaseException:
            self.close()
            raise
        if isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], list):
            runs = answer[0]
            if _sound(runs, len(request["calls"])):
                return runs, ""
        self.close()
        return None, answer if isinstance(answer, str) else "the process gave no readable result"


def _sound(runs: list[Any], calls: int) -> bool:
    """Whether these are the runs of so many calls. Whoever writes to the pipe may claim anything."""
    if not runs or not all(isinstance(run, Run) and _honest_types(run) for run in runs):
        return False
    return len(runs) == calls or (len(runs) < calls and runs[-1].kind in ("raised", "not implemented"))


def _honest_types(run: Run) -> bool:
    texts = (run.kind, run.error, run.code)
    return (
        run.kind in KINDS and all(isinstance(text, str) for text in texts)
        and isinstance(run.changed, tuple) and all(isinstance(name, str) for name in run.changed)
        and isinstance(run.again, bool) and isinstance(run.line, int)
    )  # fmt: skip


def execute_with(limits: Limits) -> Execute:
    """An `Execute` that runs every request in a fresh worker with these limits."""

    def execute(
        code: Code, function: str, forward: tuple[Code, str] | str | None, style: Style, calls: tuple[Call, ...]
    ) -> list[Run]:  # fmt: skip
        session = Session(limits)
        try:
            return session(code, function, forward, style, calls)
        finally:
            session.close()

    return execute


execute_apart = Session()
atexit.register(execute_apart.close)


def _request(
    code: Code, function: str, forward: Any, style: Style, calls: tuple[Call, ...], exercises: Mapping[str, Exercise]
) -> dict[str, Any]:
    assert code.path is not None
    maker: list[Any] | None = None
    if isinstance(forward, str):
        e = exercises.get(forward) or exercise(forward)
        truth = e.truth_forward or e.truth
        if truth.__module__.partition(".")[0] == "minirnn":
            maker = ["framework", truth.__module__, truth.__name__]
        else:  # of an instructor: the worker gets its results, not its file, in which the answer stands too
            maker = ["made", [_made(truth, call) for call in calls]]
    elif forward is not None:
        other, name = forward
        maker = ["file", str(other.path), _text(other.path), name]
    return {"file": str(code.path), "text": _text(code.path), "function": function, "forward": maker,
            "style": style, "calls": calls}  # fmt: skip


def _made(forward: Callable[..., Any], call: Call) -> list[Any]:
    args, options = resolve(copied(call.args)), resolve(copied(call.options))
    return [args, options, forward(*copied(args), **copied(options))]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def _worker(limits: Limits) -> subprocess.Popen[bytes]:
    options = {"memory": limits.memory, "cpu": limits.cpu, "file_size": limits.file_size,
               "hidden": [list(h) for h in limits.hidden], "guarded": limits.guarded}  # fmt: skip
    if limits.guarded:
        roots = "|".join(str(Path(module).resolve().parents[1]) for module in (minirnn.__file__, np.__file__))
        command = [sys.executable, "-I", "-c", BOOT, roots, json.dumps(options)]
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}  # no tokens, no passwords
    else:
        command = [sys.executable, "-m", "minirnn.course.worker", json.dumps(options)]
        environment = dict(os.environ)
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**environment, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **limits.environment},
    )  # fmt: skip


def _talk(process: subprocess.Popen[bytes], request: dict[str, Any], answers: queue.Queue[Any]) -> None:
    """Send the request and put the answer, or why there is none, on the queue."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        wire.send(process.stdin, request)
        answers.put(wire.receive(process.stdout))
    except (EOFError, OSError):
        code = process.wait()  # a negative code: ended by a signal
        own = f"it ended Python itself (exit status {code})"
        answers.put("it used more memory or time than allowed" if code < 0 else own)
    except wire.WireError as error:
        answers.put(f"it disturbed the channel of the checker: {error}")
    finally:
        if process.returncode is not None:  # nobody will ask it again
            _close(process)


def _kill(process: subprocess.Popen[bytes], talk: threading.Thread | None) -> None:
    """End the worker and whatever it has started."""
    try:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    if talk is not None:
        talk.join(1.0)
        if talk.is_alive():  # a stray process holds the pipe open; closing it would wait for that
            return
    _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # what was not yet written has nobody left to read it
                stream.close()
