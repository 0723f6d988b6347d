"""`minirnn grade`: every exercise of every student in a worker of its own, which knows no right answer.

Right values stay in this process; the worker gets inputs and gives results back. Inputs are drawn afresh for every
run of the grader, the same for all students of the run. The framework's own answer is hidden in the worker.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from minirnn.course import report
from minirnn.course.checker import Code, check_exercise
from minirnn.course.exercise import Exercise
from minirnn.course.grade_worker import Worker, Workers, fresh
from minirnn.course.instructor import FOLDER, hidden_exercises
from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, Item, Verdict
from minirnn.course.submissions import Submission, submissions
from minirnn.course.table import LESSONS, NAMES
from minirnn.course.table import exercise as exercise_of
from minirnn.course.workspace import digest, material

SEEDS = 2  # trials of an answer; it is right when it is right in all of them


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
