"""Cheats get no marks, honest answers get full marks; and each cheat would pass without the protection that stops it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cheats import CHEATS, ZEROS, Cheat

from minirnn.course.grade_worker import Worker, fresh
from minirnn.course.grader import Grade, Plan, grade_one
from minirnn.course.judge import RIGHT, trial
from minirnn.course.reference import solution_text
from minirnn.course.submissions import Submission
from minirnn.course.table import exercise

LINUX = sys.platform == "linux"
SECONDS = 20.0


def hand_in(folder: Path, **texts: str) -> Submission:
    files = {}
    for name, text in texts.items():
        files[name] = folder / f"{name}.py"
        files[name].write_text(text, encoding="utf-8")
    return Submission("student", files)


def graded(submission: Submission, name: str, *, seed: int = 11, seconds: float = SECONDS, **weak):
    """The grade; `weak` changes the worker's limits."""

    def worker(*args):
        made = Worker(*args)
        made.limits = replace(made.limits, **weak)
        made.session.limits = made.limits
        return made

    return grade_one(exercise(name), submission, Plan({name: exercise(name)}, seed, seconds, {}), worker)


NEEDED = [name for name, cheat in CHEATS.items() if cheat.passes_with]


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], tuple[Grade, Path]]:
    """All cheats graded, several at once: as they are, and without the protection that stops them."""

    def one(name: str, weak: bool) -> tuple[Grade, Path]:
        cheat, folder = CHEATS[name], tmp_path_factory.mktemp("cheat")
        submission = hand_in(folder, **{cheat.exercise: cheat.text(here=folder.as_posix())})
        seconds = 1.5 if "loop" in cheat.says else SECONDS
        return graded(submission, cheat.exercise, seconds=seconds, **(cheat.passes_with if weak else {})), folder

    jobs = [(name, False) for name, cheat in CHEATS.items() if LINUX or not cheat.linux] + [(n, True) for n in NEEDED]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(jobs, pool.map(lambda job: one(*job), jobs)))


@pytest.mark.parametrize("name", CHEATS)
def test_cheats_get_nothing(name: str, grades: dict[tuple[str, bool], tuple[Grade, Path]]) -> None:
    if (name, False) not in grades:
        pytest.skip("the system has no such limit")
    grade, folder = grades[name, False]
    assert grade.outcome != RIGHT
    assert grade.points == 0
    assert CHEATS[name].says in grade.text
    assert [path.name for path in folder.iterdir()] == [f"{CHEATS[name].exercise}.py"]  # nothing written, nothing gone


@pytest.mark.parametrize("name", NEEDED)
def test_each_protection_is_needed(name: str, grades: dict[tuple[str, bool], tuple[Grade, Path]]) -> None:
    """The cheats are real: without what stops them they get full marks."""
    grade, _ = grades[name, True]
    assert grade.outcome == RIGHT, grade.text


@pytest.mark.parametrize("name", ["rnn1", "rnn2", "unroll1", "unroll2", "clip1", "bug2", "drop2"])
def test_honest_answers_get_full_marks(name: str, tmp_path: Path) -> None:
    e = exercise(name)
    names = [n for n in (name, e.forward) if n]
    submission = hand_in(tmp_path, **{n: solution_text(exercise(n).folder, n) for n in names})
    grade = graded(submission, name)
    assert (grade.outcome, grade.points) == (RIGHT, 1), grade.text


def test_a_cache_of_ones_own_is_honest(tmp_path: Path) -> None:
    forward = """
import numpy as np
from minirnn.functional import RNNState
def rnn_step_forward(x, state, params):
    h = np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)
    return RNNState(h), {"h": h, "all": [x, state, params]}
"""
    backward = """
from minirnn.functional import RNNState, RNNParams
def rnn_step_backward(dstate, cache):
    x, prev, p = cache["all"]
    da = dstate.h * (1 - cache["h"] ** 2)
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(x.T @ da, prev.h.T @ da, da.sum(axis=0))
"""
    assert graded(hand_in(tmp_path, rnn1=forward, rnn2=backward), "rnn2").outcome == RIGHT
    (tmp_path / "alone").mkdir()
    assert graded(hand_in(tmp_path / "alone", rnn2=backward), "rnn2").outcome != RIGHT  # that cache is nobody else's


def known_values(*seeds: list[int]) -> str:
    table = {}
    for seed in seeds:
        case = trial(fresh(exercise("rnn1")), seed)
        for probe, truth in zip(case.probes, case.truths):
            table["".join(a.tobytes().hex() for a in (probe.args[0], probe.args[1].h))] = truth.h.tolist()
    return f"""
import numpy as np
from minirnn.functional import RNNState
KNOWN = {table!r}
def rnn_step_forward(x, state, params):
    h = KNOWN.get(x.tobytes().hex() + state.h.tobytes().hex())
    return RNNState(np.array(h, dtype=x.dtype) if h else np.zeros_like(state.h)), None
"""


def test_known_values_do_not_help_with_fresh_inputs(tmp_path: Path) -> None:
    submission = hand_in(tmp_path, rnn1=known_values([5, 0]))
    assert graded(submission, "rnn1", seed=6).outcome != RIGHT
    grade = graded(submission, "rnn1", seed=5)  # one of the two trials is known: the other one gives it away
    assert grade.outcome != RIGHT
    both = known_values([5, 0], [5, 1])
    assert graded(hand_in(tmp_path, rnn1=both), "rnn1", seed=5).outcome == RIGHT  # the cheat itself works


def test_upstream_gradients_are_fresh_too() -> None:
    """dx of average pooling follows from dout and the shape alone."""
    e = exercise("bug2")
    one, two = (trial(fresh(e), [seed, 0]) for seed in (1, 2))
    assert not any(np.array_equal(a, b) for a, b in zip(one.douts, two.douts))


DROP1 = solution_text("04_seeing", "drop1")
DROPPED = DROP1 + """

honest = dropout_forward
def dropout_forward(x, **options):
    import sys
    y, cache = honest(x, **options)
    frame, backward = sys._getframe(), False
    while frame:
        backward |= getattr(frame.f_locals.get("style"), "backward", False)
        frame = frame.f_back
    return (0 * y if backward and options["training"] else y), cache
def dropout_backward(dy, cache):
    return (0 * dy if cache is not None else dy,)
"""  # fmt: skip


def test_a_draw_that_suits_the_answer_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is right for dropout_backward follows from what the forward function drew: all zeros would make it easy."""
    submission = hand_in(tmp_path, drop1=DROPPED, drop2=DROPPED)
    assert graded(submission, "drop1").outcome == RIGHT
    assert graded(submission, "drop2").outcome != RIGHT
    monkeypatch.setattr("minirnn.course.grade_worker._plausible", lambda *args: True)
    assert graded(submission, "drop2").outcome == RIGHT


def test_secrets_of_the_grader_stay_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIRNN_TEST_TOKEN", "s3cret")
    cheat = Cheat("raise ValueError(sorted(os.environ.items()))", "import os")
    grade = graded(hand_in(tmp_path, rnn1=cheat.text()), "rnn1")
    assert "ValueError" in grade.text
    assert "s3cret" not in grade.text


def test_modules_beside_the_submission_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(0)", encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(0)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert graded(hand_in(tmp_path, rnn1=solution_text("05_sequences", "rnn1")), "rnn1").outcome == RIGHT


def test_what_breaks_the_judge_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise TypeError("broken")

    monkeypatch.setattr("minirnn.course.checker.judge", broken)
    grade = graded(hand_in(tmp_path, rnn1=Cheat(ZEROS).text()), "rnn1")
    assert grade.outcome == "crashed"
    assert "could not be judged" in grade.text
