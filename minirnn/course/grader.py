"""`minirnn grade`: every exercise of every student in a worker of its own, which knows no right answer.

Right values stay in this process; the worker gets inputs and gives results back. Inputs are drawn afresh for every
run of the grader, the same for all students of the run. The framework's own answer is hidden in the worker.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.course import report
from minirnn.course.checker import Code, check_exercise
from minirnn.course.exercise import Exercise, Probe, upstream
from minirnn.course.given import resolve
from minirnn.course.instructor import FOLDER, hidden_exercises
from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, Item, Verdict
from minirnn.course.process import Limits, Session
from minirnn.course.running import Call, Run, Style, copied
from minirnn.course.submissions import Submission, submissions
from minirnn.course.table import LESSONS, NAMES
from minirnn.course.table import exercise as exercise_of
from minirnn.course.workspace import digest, material

SEEDS = 2  # trials of an answer; it is right when it is right in all of them
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


@dataclass(frozen=True)
class Grade:
    """What became of one function of one student."""

    name: str
    function: str
    folder: str
    outcome: str
    points: int  # 1 when it is right, else 0
    passed: int  # checks that passed, for partial credit
    checks: int
    keys: tuple[str, ...]  # the names of the mistakes
    causes: tuple[str, ...]
    text: str  # what `minirnn check` says
    seconds: float


@dataclass(frozen=True)
class Sheet:
    """All grades of one student."""

    student: str
    grades: tuple[Grade, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def points(self) -> int:
        """How many functions are right."""
        return sum(grade.points for grade in self.grades)


@dataclass(frozen=True)
class Plan:
    """What a run grades, and how."""

    exercises: Mapping[str, Exercise]
    seed: int
    seconds: float
    hidden: Mapping[str, Exercise]

    @property
    def wanted(self) -> dict[str, str]:
        """Exercise -> its folder in a workspace."""
        return {name: FOLDER if name in self.hidden else e.folder for name, e in self.exercises.items()}


def plan(seed: int | None, seconds: float, hidden: Path | None) -> Plan:
    """All exercises of the course, and the instructor's own."""
    own = hidden_exercises(hidden) if hidden else {}
    exercises = {name: exercise_of(name) for name in NAMES} | own
    return Plan(exercises, secrets.randbits(63) if seed is None else seed, seconds, own)


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


def grade_one(e: Exercise, submission: Submission, course: Plan, worker: Callable[..., Worker] = Worker) -> Grade:
    """Grade one function of one student."""
    began = time.monotonic()
    name = e.name if e.name in submission.files else _same_function(e, course, submission)
    path = submission.files.get(name)
    where = submission.places.get(name, f"{e.name}.py")
    if path is None or _untouched(e, path):
        verdict = Verdict(e, NOT_ATTEMPTED)
    else:
        verdict = _verdict(e, path, submission, course, worker)
    text = report.text(verdict, where=where)
    if path is None:
        text = f"{e.name}  {e.title}\n  not attempted: the submission holds no {e.name}.py"
    return Grade(
        e.name, e.function, course.wanted[e.name], verdict.outcome,
        points=int(verdict.right), passed=sum(item.ok for item in verdict.items), checks=len(verdict.items),
        keys=verdict.keys, causes=tuple(map(clean, verdict.causes)), text=clean(text),
        seconds=round(time.monotonic() - began, 3),
    )  # fmt: skip


def _verdict(e: Exercise, path: Path, submission: Submission, course: Plan, worker: Callable[..., Worker]) -> Verdict:
    def sibling(name: str) -> Code | None:
        other = submission.files.get(name)
        return Code(path=other) if other else None

    verdict = Verdict(e, NOT_ATTEMPTED)
    with closing(worker(e, course.seconds, course.hidden)) as execute:
        for k in range(SEEDS):
            try:
                verdict = check_exercise(fresh(e), Code(path=path), sibling, execute, [course.seed, k])
            except Exception as error:  # noqa: BLE001  results made to break the judge are wrong results
                said = f"the result could not be judged ({type(error).__name__})"
                verdict = Verdict(e, CRASHED, (Item(False, f"{e.function} gives a result", (said,)),))
            if not verdict.right:
                break
    return verdict


def _same_function(e: Exercise, course: Plan, submission: Submission) -> str:
    """A hidden exercise for a function that the course asks for is tried on the file of the course's exercise."""
    if e.name not in course.hidden:
        return e.name
    return next((n for n in submission.files if course.exercises[n].function == e.function), e.name)


def _untouched(e: Exercise, path: Path) -> bool:
    stub = material() / "exercises" / e.folder / f"{e.name}.py"
    return e.folder in LESSONS and digest(stub) == digest(path)


def clean(text: str) -> str:
    """What students' code may have put into an error message, without what steers terminals and breaks XML."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def grade_all(
    folder: Path, course: Plan, jobs: int, done: Callable[[Grade, int, int], None]
) -> Iterator[Sheet]:  # fmt: skip
    """Grade all submissions; yields each student's sheet as soon as it is complete.

    `done` is told of every grade, with how many of how many there are.
    """
    with tempfile.TemporaryDirectory() as scratch:
        found = submissions(folder, Path(scratch), course.wanted)
        workers = Workers()
        pool = ThreadPoolExecutor(jobs)
        try:
            open_: dict[Future[Grade], int] = {}
            sheets: list[list[Grade]] = [[] for _ in found]
            for k, submission in enumerate(found):
                if submission.problem:
                    yield Sheet(clean(submission.student), problem=clean(submission.problem))
                    continue
                for e in course.exercises.values():
                    open_[pool.submit(grade_one, e, submission, course, workers)] = k
            order = {name: k for k, name in enumerate(course.exercises)}
            for count, future in enumerate(as_completed(open_), 1):
                k = open_[future]
                sheets[k].append(future.result())
                done(sheets[k][-1], count, len(open_))
                if len(sheets[k]) == len(order):
                    grades = tuple(sorted(sheets[k], key=lambda g: order[g.name]))
                    yield Sheet(clean(found[k].student), grades, tuple(map(clean, found[k].notes)))
        finally:  # also when the caller stops: Ctrl-C, a full disk
            pool.shutdown(wait=False, cancel_futures=True)
            workers.close()
            pool.shutdown()


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
