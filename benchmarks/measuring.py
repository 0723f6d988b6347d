"""The processes that measure: one for each side, kept alive, told what to do line by line in JSON.

Separate processes, because two libraries in one disturb each other: the threads of OpenBLAS and of OpenMP spin for a
while after their work is done, on the very cores that the other side needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
PATIENCE = 1200.0  # seconds until a process that does not answer is given up
WARM_CALLS, WARM_SECONDS = 2, 0.2
TURN = 0.2  # seconds that a turn should take


class WorkerError(RuntimeError):
    """What a worker was asked to do failed there; the message says how."""


class Worker:
    """A process that measures one side, seen from the parent. It is started when it is first asked something."""

    def __init__(
        self, side: str, threads: int, module: str = "benchmarks.measuring", patience: float = PATIENCE
    ) -> None:
        self.side, self.threads, self.module, self.patience = side, threads, module, patience
        self.process: subprocess.Popen[str] | None = None
        self.errors: Any = None

    def ask(self, do: str, **request: Any) -> Any:
        """One request, one answer.

        Raises:
            WorkerError: it failed, died or lost our patience; the next request goes to a new process if need be.
        """
        process = self.process or self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(self.patience, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            raise WorkerError(self.obituary())
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer["result"]

    def start(self) -> subprocess.Popen[str]:
        """A new process with its own number of threads."""
        env = {**os.environ, **dict.fromkeys(THREADS, str(self.threads)), "PYTHONUNBUFFERED": "1"}
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, self.side], cwd=ROOT, env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, encoding="utf-8",
        )  # fmt: skip
        return self.process

    def obituary(self) -> str:
        """Why the process is gone; forgets it."""
        assert self.process is not None
        status = self.process.wait()
        self.errors.seek(0)
        last = [line for line in self.errors.read().splitlines() if line.strip()][-1:]
        self.close()
        return f"the process of {self.side} ended with status {status}{': ' + last[0].strip() if last else ''}"

    def close(self) -> None:
        """End the process."""
        if self.process is None:
            return
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            with contextlib.suppress(BrokenPipeError):
                file.close()
        self.process = None


# What follows runs in the worker.


def prepare(side: str, workload: str) -> tuple[Callable[[], Any], float]:
    """Set a workload up and warm it up: its step, and roughly how long that takes."""
    from benchmarks.workloads import WORKLOADS

    step = WORKLOADS[workload].set_up(side).step
    times: list[float] = []
    while len(times) < WARM_CALLS + 1 or sum(times[1:]) < WARM_SECONDS:  # the first call may compile
        times.append(timed(step))
    return step, statistics.median(times[1:])


def timed(step: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def turn(step: Callable[[], Any], calls: int) -> list[float]:
    """Seconds of each of some calls in a row."""
    gc.collect()
    gc.disable()
    try:
        return [timed(step) for _ in range(calls)]
    finally:
        gc.enable()


def sgemm_rate() -> float:
    """The best rate of float32 matrix products in NumPy, in flop per second."""
    rng, best = np.random.default_rng(0), 0.0
    for M, K, N in ((1024, 1024, 1024), (2048, 512, 512)):
        a, b = rng.standard_normal((M, K), np.float32), rng.standard_normal((K, N), np.float32)
        out = np.empty((M, N), np.float32)
        for _ in range(12):
            best = max(best, 2.0 * M * K * N / timed(lambda: np.matmul(a, b, out=out)))  # noqa: B023
    return best


def peak_memory(side: str, workload: str) -> float | None:
    """MiB that a step needs beyond its model and inputs; None where the system does not say. For a fresh process."""
    from benchmarks.workloads import WORKLOADS

    step = WORKLOADS[workload].set_up(side).step
    warm_up_library(side)
    if side == "compile":
        step()  # the compiler's own memory is not the model's
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another libc has no malloc_trim
        ctypes.CDLL(None).malloc_trim(0)  # memory that set-up has given back would hide as much of the steps'
    try:
        before, files = status_of("VmRSS"), status_of("RssFile")
        Path("/proc/self/clear_refs").write_text("5")
        for _ in range(3):
            step()
        code = status_of("RssFile") - files  # pages of the libraries themselves, read on first use
        return max(0, status_of("VmHWM") - before - code) / 1024
    except (OSError, LookupError):
        return None


def warm_up_library(side: str) -> None:
    """Something small of every kind: what a library sets up for itself once is not the step's memory."""
    a = np.ones((64, 64), np.float32)
    np.tanh(a @ a)
    if side not in ("torch", "compile"):
        return
    import torch

    nn: Any = torch.nn
    image = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.MaxPool2d(2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 8)
    )
    out, _ = nn.LSTM(8, 8, batch_first=True)(image(torch.ones(2, 3, 8, 8))[:, None])
    loss: Any = nn.functional.cross_entropy(out[:, 0] @ torch.ones(8, 4), torch.zeros(2, dtype=torch.long))
    loss.backward()
    torch.optim.Adam(image.parameters()).step()


def status_of(name: str) -> int:
    """A line of /proc/self/status, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


def save_results(side: str, workload: str, path: str) -> None:
    """What one step computes in float64 and without dropout, as an .npz file. For a process that measures nothing."""
    from benchmarks.workloads import WORKLOADS
    from benchmarks.workloads.sides import in_double

    in_double(side)
    run = WORKLOADS[workload].set_up(side, exact=True)
    np.savez(path, **run.results(run.step()))  # type: ignore[arg-type]


class Measuring:
    """What a worker of `compare` does when it is asked."""

    def __init__(self, side: str) -> None:
        self.side = side
        self.step: Callable[[], Any] = list

    def prepare(self, workload: str) -> float:
        """Seconds that a step takes, roughly."""
        self.step = list  # lets go of the workload before
        gc.collect()
        self.step, seconds = prepare(self.side, workload)
        return seconds

    def turn(self, calls: int) -> list[float]:
        return turn(self.step, calls)

    def rate(self) -> float:
        return sgemm_rate()

    def memory(self, workload: str) -> float | None:
        return peak_memory(self.side, workload)

    def results(self, workload: str, path: str) -> None:
        save_results(self.side, workload, path)


def serve(side: str, answering: Callable[[str], Any]) -> None:
    """Answer requests with the methods of `answering(side)` until the parent is gone."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not stand between the answers
    if side in ("torch", "compile"):
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    able = answering(side)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": getattr(able, request.pop("do"))(**request)}
        except Exception as error:  # noqa: BLE001  the parent says what happened, in the row
            first = next((text.strip() for text in str(error).splitlines() if text.strip()), "")
            answer = {"error": f"{type(error).__name__}: {first[:300]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1], Measuring)
