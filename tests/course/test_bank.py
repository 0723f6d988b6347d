"""The bank: wrong answers are rejected and named, right ones accepted however they are written.

Written as learners write, apart from the dictionary of mistakes in `minirnn.course.topics`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from minirnn.course.checker import Code, check_exercise
from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, RIGHT, WRONG_SHAPE, WRONG_VALUE
from minirnn.course.table import NAMES, exercise

HARD = (
    "conv1", "conv2", "pool2", "norm2", "unroll2", "lstm2", "gru2", "captioner2", "beam1", "attend2", "xent2", "masked2",
)  # fmt: skip


def _load(kind):
    found = {}
    for path in sorted(Path(__file__).parent.glob("bank_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, answers in getattr(module, kind).items():
            found.setdefault(name, []).extend(answers)
    return found


WRONG, RIGHT_ANSWERS = _load("WRONG"), _load("RIGHT")


def judged(name, source, folder):
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    return check_exercise(exercise(name), Code(path=path))


@pytest.mark.parametrize(
    ("name", "keys", "source"),
    [(name, keys, source) for name, answers in WRONG.items() for keys, source in answers],
    ids=[f"{name}-{k}" for name, answers in WRONG.items() for k in range(len(answers))],
)
def test_wrong_answers_are_rejected(name, keys, source, tmp_path):
    verdict = judged(name, source, tmp_path)
    assert verdict.outcome in (WRONG_SHAPE, WRONG_VALUE, CRASHED), verdict.outcome


def test_nine_of_ten_wrong_answers_are_named(tmp_path):
    missed, total = [], 0
    for name, answers in WRONG.items():
        for k, (keys, source) in enumerate(answers):
            total += 1
            wanted = {keys} if isinstance(keys, str) else set(keys)
            found = set(judged(name, source, tmp_path).keys)
            if not found & wanted:
                missed.append(f"{name}-{k}: expected {sorted(wanted)}, named {sorted(found)}")
    assert len(missed) <= 0.1 * total, "\n".join(missed)


@pytest.mark.parametrize(
    ("name", "source"),
    [(name, source) for name, answers in RIGHT_ANSWERS.items() for source in answers],
    ids=[f"{name}-{k}" for name, answers in RIGHT_ANSWERS.items() for k in range(len(answers))],
)
def test_right_answers_are_accepted(name, source, tmp_path):
    verdict = judged(name, source, tmp_path)
    assert verdict.outcome == RIGHT, (verdict.causes, [i for i in verdict.items if not i.ok])
    assert not verdict.causes


def test_the_bank_is_large_enough():
    assert set(WRONG) == set(NAMES)
    assert min(len(answers) for answers in WRONG.values()) >= 4
    assert sum(len(answers) for answers in WRONG.values()) >= 120
    assert all(len(RIGHT_ANSWERS.get(name, ())) >= 5 for name in HARD)


def test_a_stub_in_the_place_of_an_answer_is_not_attempted(tmp_path):
    stub = "def rnn_step_backward(dstate, cache):\n    raise NotImplementedError('rnn2')\n"
    assert judged("rnn2", stub, tmp_path).outcome == NOT_ATTEMPTED
