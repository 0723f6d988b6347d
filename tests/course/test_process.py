"""The worker process: accidents end it and not us, limits hold, what it claims is looked at."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minirnn.course import process, wire
from minirnn.course.checker import Code, check_exercise
from minirnn.course.process import Limits, Session, execute_with
from minirnn.course.reference import solution_text
from minirnn.course.running import Call, Run, Style
from minirnn.course.table import exercise

STYLE = Style(backward=False, lead=0, cache=False)
POSIX = os.name == "posix"


@pytest.fixture
def session():
    made = Session(Limits(seconds=20))
    yield made
    made.close()


def run(session: Any, folder: Path, text: str, *calls: tuple[Any, ...]) -> list[Run]:
    path = folder / "f.py"
    path.write_text(text, encoding="utf-8")
    arguments = calls or ((np.arange(3.0),),)
    return session(Code(path=path), "f", None, STYLE, tuple(Call(args, {}, None, False) for args in arguments))


def test_results_come_back(session: Session, tmp_path: Path) -> None:
    runs = run(session, tmp_path, "def f(x):\n    return 2 * x", (np.arange(3.0),), (5,))
    assert [r.kind for r in runs] == ["returned", "returned"]
    assert runs[0].value.tolist() == [0, 2, 4]
    assert runs[1].value == 10


def test_one_worker_serves_many_requests_and_is_made_anew_after_an_accident(session: Session, tmp_path: Path) -> None:
    run(session, tmp_path, "def f(x):\n    return x")
    first = session.process
    run(session, tmp_path, "def f(x):\n    raise ValueError('no')")
    assert session.process is first
    (died,) = run(session, tmp_path, "import os\ndef f(x):\n    os._exit(3)")
    assert (died.kind, died.error) == ("died", "it ended Python itself (exit status 3)")
    (after,) = run(session, tmp_path, "def f(x):\n    return x")
    assert after.kind == "returned"
    assert session.process is not first


def test_errors_show_the_line(session: Session, tmp_path: Path) -> None:
    (failed,) = run(session, tmp_path, "def f(x):\n    y = x + 1\n    return y[10]")
    assert failed.kind == "raised"
    assert failed.error.startswith("IndexError")
    assert (failed.line, failed.code) == (3, "return y[10]")
    (failed,) = run(session, tmp_path, "def f(x)\n    return x")
    assert failed.error.startswith("SyntaxError")
    (failed,) = run(session, tmp_path, "def g(x):\n    return x")
    assert "defines no function f" in failed.error


def test_a_guarded_worker_shows_the_line_too(tmp_path: Path) -> None:
    (failed,) = run(execute_with(Limits(guarded=True)), tmp_path, "def f(x):\n    return x[10]")
    assert (failed.line, failed.code) == (2, "return x[10]")


def test_an_endless_loop_ends(tmp_path: Path) -> None:
    began = time.monotonic()
    (died,) = run(execute_with(Limits(seconds=1.5)), tmp_path, "def f(x):\n    while True: pass")
    assert died.kind == "died"
    assert "is there a loop without an end?" in died.error
    assert time.monotonic() - began < 10


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_memory_is_limited(tmp_path: Path) -> None:
    (failed,) = run(
        execute_with(Limits(memory=2**29)), tmp_path, "import numpy as np\ndef f(x):\n    return np.empty(2**27)"
    )
    assert "MemoryError" in failed.error


@pytest.mark.skipif(not POSIX, reason="the system has no such limit")
def test_files_are_limited(tmp_path: Path) -> None:
    text = f"def f(x):\n    with open({str(tmp_path / 'big')!r}, 'wb') as file:\n        file.write(bytes(2**20))"
    (failed,) = run(execute_with(Limits(file_size=2**10)), tmp_path, text)
    assert "OSError" in failed.error
    assert (tmp_path / "big").stat().st_size <= 2**10


@pytest.mark.skipif(not POSIX, reason="process groups")
def test_what_a_worker_started_ends_with_it(tmp_path: Path) -> None:
    session = Session(Limits(seconds=10))
    text = (
        "import subprocess, sys\ndef f(x):\n"
        "    return subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid"
    )
    (started,) = run(session, tmp_path, text)
    os.kill(started.value, 0)  # it runs
    session.close()
    for _ in range(100):
        try:
            state = Path(f"/proc/{started.value}/stat").read_text().split(")")[1].split()[0]
            os.kill(started.value, 0)
        except OSError:
            break
        if state == "Z":  # ended; whoever adopted it has not looked yet
            break
        time.sleep(0.02)
    else:
        pytest.fail("it still runs")


@pytest.mark.skipif(not POSIX, reason="fork")
def test_a_stray_that_holds_the_pipe_does_not_hold_us(tmp_path: Path) -> None:
    text = "import os, time\ndef f(x):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(2)\n        os._exit(0)\n    os._exit(0)"
    began = time.monotonic()
    session = Session(Limits(seconds=0.6))
    (died,) = run(session, tmp_path, text)
    assert died.kind == "died"
    assert time.monotonic() - began < 1.95  # it has not waited for the stray
    assert session.talk is not None
    session.talk.join()


def test_nobody_claims_more_than_is_true() -> None:
    good = Run("returned", 1.0)
    assert process._sound([good, good], 2)
    assert process._sound([Run("raised", error="no")], 2)  # a file that cannot be loaded
    assert not process._sound([good], 2)  # the other probes left out
    assert not process._sound([good, good, good], 2)
    assert not process._sound([], 1)
    assert not process._sound(["right"], 1)
    for claim in (
        {"kind": "right"},
        {"changed": 5},
        {"changed": (1,)},
        {"error": None},
        {"line": "x"},
        {"again": "yes"},
    ):
        assert not process._sound([Run(**{"kind": "returned", **claim})], 1)


@pytest.mark.parametrize("name", ["rnn1", "rnn2", "unroll2", "bug1"])
def test_a_guarded_worker_runs_what_is_honest(name: str, tmp_path: Path) -> None:
    e = exercise(name)
    path = tmp_path / f"{name}.py"
    path.write_text(solution_text(e.folder, name), encoding="utf-8")
    hidden = ((e.truth.__module__, e.truth.__name__),)
    verdict = check_exercise(e, Code(path=path), execute=execute_with(Limits(hidden=hidden, guarded=True)))
    assert verdict.right


def test_late_imports_of_the_library_and_numpy_work(tmp_path: Path) -> None:
    text = "def f(x):\n    import colorsys, numpy.polynomial, itertools, statistics\n    return statistics.mean([1.0, 2.0])"
    (came,) = run(execute_with(Limits(guarded=True)), tmp_path, text)
    assert came.value == 1.5, came.error


def test_other_libraries_are_closed(tmp_path: Path) -> None:
    (failed,) = run(execute_with(Limits(guarded=True)), tmp_path, "def f(x):\n    import matplotlib")
    assert failed.kind == "raised"


def test_a_closed_session_may_be_closed_again(session: Session, tmp_path: Path) -> None:
    run(session, tmp_path, "def f(x):\n    return x")
    session.close()
    session.close()
    assert session.process is None


def test_sessions_work_side_by_side(tmp_path: Path) -> None:
    found: dict[int, Any] = {}

    def work(k: int) -> None:
        (tmp_path / str(k)).mkdir()
        (came,) = run(execute_with(Limits(seconds=30)), tmp_path / str(k), f"def f(x):\n    return x + {k}")
        found[k] = came.value.tolist()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {k: [k, k + 1.0, k + 2.0] for k in range(3)}


def test_the_lookup_of_made_caches_is_exact() -> None:
    from minirnn.course.worker import _looked_up

    forward = _looked_up([[(np.arange(3.0), None), {"p": 0.5}, (np.ones(3), "cache")]])
    out, cache = forward(np.arange(3.0), None, p=0.5)
    assert (out.tolist(), cache) == ([1, 1, 1], "cache")
    with pytest.raises(KeyError):
        forward(np.arange(3.0) + 1e-16 + 1, None, p=0.5)
    assert wire.encode(((np.arange(3.0), None), {"p": 0.5})) == wire.encode(((np.arange(3.0), None), {"p": 0.5}))
