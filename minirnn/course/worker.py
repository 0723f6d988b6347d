"""The process that a learner's code runs in: takes inputs from a pipe, gives results back. It knows no right answer.

    python -m minirnn.course.worker '{"memory": 2147483648, "hidden": [["minirnn.optim", "sgd_update"]]}'

`hidden` names framework functions that raise here: they are the answer.
"""

from __future__ import annotations

import importlib
import json
import linecache
import os
import sys
from collections.abc import Callable
from types import CodeType
from typing import IO, Any

from minirnn.course import wire
from minirnn.course.reference import load
from minirnn.course.running import copied, failure, run_calls
from minirnn.errors import DataError

PRELOADED = (*wire.MODULES, "minirnn.metrics", "minirnn.init", "minirnn.models.captioner")  # before the gates close


def main(argv: list[str]) -> int:
    """Serve requests from standard input until it ends."""
    options = json.loads(argv[0]) if argv else {}
    requests, answers = _private_pipes()
    _limit(options)
    for module in PRELOADED:  # whatever a function that is given, or a learner's import, may need
        importlib.import_module(module)
    for module, name in options.get("hidden", ()):
        _hide(module, name)
    if options.get("guarded"):
        from minirnn.course.guard import close_gates

        close_gates()
    while True:
        try:
            request = wire.receive(requests)
        except EOFError:
            return 0
        try:
            reply: Any = [_answer(request)]
            wire.encode(reply)
        except wire.WireError as error:
            reply = str(error)
        wire.send(answers, reply)


def _private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output as streams of our own; what a learner's code prints goes nowhere."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    if os.environ.get("MINIRNN_WORKER_STDERR") is None:
        os.dup2(nothing, 2)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


def _limit(options: dict[str, Any]) -> None:
    """Memory, processor time and file size, where the system has such limits."""
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is the limit
        return
    asked = (("RLIMIT_AS", "memory"), ("RLIMIT_CPU", "cpu"), ("RLIMIT_FSIZE", "file_size"))
    limits = {name: options.get(option) for name, option in asked}
    if options.get("guarded"):
        limits |= {"RLIMIT_NPROC": 0, "RLIMIT_CORE": 0}
    for name, limit in limits.items():
        if limit is not None and hasattr(resource, name):
            _, hard = resource.getrlimit(getattr(resource, name))
            most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            try:
                resource.setrlimit(getattr(resource, name), (most, most))
            except (OSError, ValueError):  # macOS knows the name RLIMIT_AS and refuses it
                continue


def _hide(module: str, name: str) -> None:
    """Make a framework function raise, wherever it is referred to: in pairs, tables, partial functions."""
    function = getattr(importlib.import_module(module), name)
    code: CodeType = (lambda *args, **options: _refuse()).__code__
    function.__code__ = code
    function.__globals__["_refuse"] = _refuse
    function.__kwdefaults__ = None
    function.__defaults__ = None
    function.__wrapped__ = None


def _refuse() -> None:
    raise DataError("the framework's own function is hidden while yours is checked")


def _answer(request: dict[str, Any]) -> list[Any]:
    file, text = request["file"], request["text"]
    # tracebacks show the learner's lines, though the file itself is out of reach
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    try:
        function = load(text, request["function"], file)
        forward = None
        if request["forward"] is not None:
            kind, *where = request["forward"]
            if kind == "framework":
                forward = getattr(importlib.import_module(where[0]), where[1])
            elif kind == "made":
                forward = _looked_up(where[0])
            else:
                forward = load(where[1], where[2], where[0])
    except (Exception, SystemExit) as error:  # noqa: BLE001  a file that cannot be loaded is an outcome
        return [failure(error, file)]
    return run_calls(function, forward, request["style"], request["calls"], file)


def _looked_up(table: list[list[Any]]) -> Callable[..., Any]:
    """A forward function whose results have been made elsewhere: a table of arguments, options and what they give."""
    known = {wire.encode((args, options)): made for args, options, made in table}
    return lambda *args, **options: copied(known[wire.encode((args, options))])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
