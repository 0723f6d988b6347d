"""Where a submission runs: a guarded worker for each exercise, which knows no right answer and gets no old inputs."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from minirnn.course.checker import Code
from minirnn.course.exercise import Exercise, Probe, upstream
from minirnn.course.given import resolve
from minirnn.course.process import Limits, Session
from minirnn.course.running import Call, Run, Style, copied

PATIENCE = 3  # all calls of one exercise together may take so many times the limit of one
MEMORY = 2**30  # bytes of address space of a worker
# Other functions of the framework that come to the same as an answer without calling it.
CONV = "minirnn.functional.conv"
DETOURS: dict[str, tuple[tuple[str, str], ...]] = {
    "greedy": (("minirnn.decode", "sample"), ("minirnn.decode", "beam_search"), ("minirnn.decode", "_word_by_word")),
    "conv2d_forward": ((CONV, "conv_transpose2d_backward"),),
    "conv2d_backward": ((CONV, "conv_transpose2d_forward"), (CONV, "conv_transpose2d_backward")),
    "adam_update": (("minirnn.optim", "adamw_update"),),
}


def answers(e: Exercise) -> tuple[tuple[str, str], ...]:
    """The framework's functions that are the answer to an exercise. Pairs and closures refer to the same functions."""
    own = ((e.truth.__module__, e.truth.__name__),)
    # truths of the course itself, and of an instructor, are never loaded in the worker
    return tuple(a for a in own if _framework(a[0])) + DETOURS.get(e.truth.__name__, ())


def _framework(module: str) -> bool:
    return module.startswith("minirnn.") and not module.startswith("minirnn.course.")


def fresh(e: Exercise) -> Exercise:
    """The exercise with upstream gradients that follow from the seed too, not from the number of the probe alone."""
    forward = e.truth_forward
    if forward is None:
        return e

    def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
        drawn = []
        for probe in e.probes(rng):
            seed = int(rng.integers(2**31))
            if probe.dout is None:
                with np.errstate(all="ignore"):
                    out, _ = forward(*resolve(copied(probe.args)), **resolve(copied(dict(probe.options))))
                probe = replace(probe, dout=upstream(out, seed))
            drawn.append(probe)
        return tuple(drawn)

    return replace(e, probes=probes)


class Worker:
    """An `Execute` for one exercise of one student: a fresh guarded worker, limited per call and in all."""

    def __init__(self, e: Exercise, seconds: float, hidden: Mapping[str, Exercise]) -> None:
        cpu = int(seconds * PATIENCE) + 2
        self.exercise = e
        self.limits = Limits(seconds=seconds, memory=MEMORY, cpu=cpu, file_size=0, hidden=answers(e), guarded=True)
        self.session = Session(self.limits, hidden)
        self.end = time.monotonic() + PATIENCE * seconds

    def __call__(
        self, code: Code, function: str, forward: tuple[Code, str] | str | None, style: Style, calls: tuple[Call, ...]
    ) -> list[Run]:  # fmt: skip
        """Run a student's code on calls, in the worker."""
        assert code.path is not None  # nothing of a student's is ever run in this process
        left = self.end - time.monotonic()
        if left <= 0:
            return [Run("died", error=f"all calls together took more than {PATIENCE * self.limits.seconds:g} s")]
        self.session.limits = replace(self.limits, seconds=min(self.limits.seconds, left))
        runs = self.session(code, function, forward, style, calls)
        if (
            self.exercise.redraw is not None
            and isinstance(forward, tuple)
            and not _plausible(self.exercise, calls, runs)
        ):
            return [Run("died", error="your forward function returned here what it does not return by itself")]
        return runs

    def close(self) -> None:
        """End the worker."""
        self.session.close()


def _plausible(e: Exercise, calls: tuple[Call, ...], runs: list[Run]) -> bool:
    """Whether what a student's forward function drew looks like a draw: what is right for the backward follows from it.

    Where both it and the framework's are not 0 they are equal, and about as many values are 0.
    """
    assert e.truth_forward is not None
    zeros, right, size = 0.0, 0.0, 0
    for call, run in zip(calls, runs):
        if run.kind != "returned":
            continue
        out = np.asarray(e.truth_forward(*resolve(copied(call.args)), **resolve(copied(call.options)))[0])
        made = run.made
        if not isinstance(made, np.ndarray) or made.shape != out.shape:
            return False
        both = (made != 0) & (out != 0)
        if not np.allclose(made[both], out[both], rtol=1e-3):
            return False
        zeros, right, size = zeros + np.sum(made == 0), right + np.sum(out == 0), size + out.size
    return size == 0 or abs(zeros - right) / size <= 5 * (0.5 / size) ** 0.5  # five standard deviations, at most


class Workers:
    """Makes workers and can end all of them."""

    def __init__(self) -> None:
        self.open: list[Worker] = []
        self.lock = threading.Lock()
        self.closed = False

    def __call__(self, *args: Any) -> Worker:
        """A new worker."""
        worker = Worker(*args)
        with self.lock:
            self.open.append(worker)
            if self.closed:
                worker.end = 0.0
        return worker

    def close(self) -> None:
        """End all workers; no new one starts."""
        with self.lock:
            self.closed = True
            for worker in self.open:
                worker.end = 0.0
                worker.close()
