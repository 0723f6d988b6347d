"""Your own functions in the captioner: the same loss and gradients, and one that fails is refused by name."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from minirnn.cli import main
from minirnn.course.mine import Parts, gather, loss_of
from minirnn.course.reference import SOLUTIONS
from minirnn.course.table import NAMES, exercise, folder_of
from minirnn.course.workspace import Workspace
from minirnn.data import captioning
from minirnn.ops import READABLE
from minirnn.tasks.captioning_tools import BUILT_IN


def solve(course, *names):
    for name in names:
        shutil.copyfile(SOLUTIONS / folder_of(name) / f"{name}.py", course.path(name))


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A workspace in which everything is solved."""
    course, _ = Workspace.start(tmp_path_factory.mktemp("mine") / "course")
    solve(course, *NAMES)
    return course


@pytest.fixture
def course(tmp_path, monkeypatch):
    Workspace.start(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    return Workspace.find()


def test_every_solved_function_that_the_captioner_has_a_place_for_is_used(solved):
    mine = gather(solved)
    assert not mine.refused
    assert not mine.alone
    assert not mine.missing
    placed = {n for n in NAMES if exercise(n).slot}
    assert set(mine.yours) | set(mine.unused) == set(NAMES)
    assert set(mine.yours) <= placed
    assert all(mine.parts.tools.__dict__[n] is not BUILT_IN.__dict__[n] for n in set(BUILT_IN.__dict__) - {"adamw"})
    assert len(mine.yours) >= 30
    for pair in ("affine", "relu", "conv2d", "max_pool2d", "batch_norm", "embedding", "lstm_step", "dot_attention"):
        assert getattr(mine.parts.ops, pair) is not getattr(READABLE, pair)
    assert mine.yours["rnn2"].split(":")[0].endswith("rnn2.py")


@pytest.mark.parametrize(("image", "cell"), [("every", "lstm"), ("first", "gru"), ("attention", "rnn")])
def test_the_loss_equals_the_frameworks(solved, image, cell):
    parts = gather(solved).parts
    assert abs(loss_of(parts, image, cell) - loss_of(Parts(), image, cell)) < 1e-6


def test_a_wrong_function_is_refused_by_name_and_the_frameworks_runs(course):
    solve(course, "rnn1", "rnn2", "lstm1")
    path = course.path("rnn2")
    path.write_text(path.read_text(encoding="utf-8").replace("(1 - h**2)", "(1 - h)"), encoding="utf-8")
    mine = gather(course)
    assert set(mine.yours) == {"rnn1", "lstm1"}
    assert "1 - h**2" in mine.refused["rnn2"]
    assert mine.parts.ops.rnn_step.backward is READABLE.rnn_step.backward
    assert "refused" in mine.report()


def test_halves_that_keep_different_caches_are_not_mixed(course):
    solve(course, "rnn1")
    path = course.path("rnn1")
    path.write_text(path.read_text(encoding="utf-8").replace("(x, state, params, h)\n", "{'h': h}\n"), encoding="utf-8")
    mine = gather(course)
    assert mine.yours == {}
    assert "rnn1" in mine.alone
    assert mine.parts.ops.rnn_step is READABLE.rnn_step


def test_another_cache_layout_works_when_both_halves_know_it(course):
    solve(course, "rnn1", "rnn2")
    one, two = course.path("rnn1"), course.path("rnn2")
    one.write_text(
        one.read_text(encoding="utf-8").replace("(x, state, params, h)\n", "(h, params, state, x)\n"), encoding="utf-8"
    )
    two.write_text(
        two.read_text(encoding="utf-8").replace("x, prev, p, h = cache", "h, p, prev, x = cache"), encoding="utf-8"
    )
    mine = gather(course)
    assert set(mine.yours) == {"rnn1", "rnn2"}
    assert abs(loss_of(mine.parts, "first", "rnn") - loss_of(Parts(), "first", "rnn")) < 1e-12


def test_a_loss_that_differs_is_noticed(solved):
    parts = gather(solved).parts

    def forward(x, params):
        out, cache = READABLE.affine.forward(x, params)
        return out * 1.0001, cache

    spoilt = replace(parts, ops=replace(parts.ops, affine=replace(READABLE.affine, forward=forward)))
    assert abs(loss_of(spoilt) - loss_of(Parts())) > 1e-6


def test_demo_mine_trains_on_them(solved, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(captioning, "SCENE_COUNTS", {"train": 256, "val": 16, "test": 16, "novel": 16})
    argv = ["demo", "--mine", str(solved.root), "--seconds", "4", "--out", str(tmp_path / "run"), "--json"]
    assert main(argv) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["test"]["n"] == 16
    assert "lstm_step_backward" in captured.err
    assert set(result["yours"]) >= {"lstm1", "lstm2", "captioner1", "adam1"}


def test_demo_mine_outside_a_workspace_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--mine", "--seconds", "2", "--out", str(tmp_path / "run")]) == 2
    assert "minirnn start" in capsys.readouterr().err


def test_functions_that_leave_float32_do_not_spoil_the_run(course, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(captioning, "SCENE_COUNTS", {"train": 256, "val": 16, "test": 16, "novel": 16})
    solve(course, "attend1", "attend2", "norm1", "affine1", "affine2")
    for name, old, new in (
        ("attend1", "float(np.sqrt(q.shape[2]))", "np.sqrt(q.shape[2])"),
        ("affine1", "    return x @ W + b", "    return (x @ W + b).astype(np.float64)"),
    ):
        text = course.path(name).read_text(encoding="utf-8")
        if old in text:
            course.path(name).write_text(text.replace(old, new), encoding="utf-8")
    path = course.path("affine2")
    path.write_text(
        path.read_text(encoding="utf-8").replace("x, W = cache", "x, W = (np.float64(a) for a in cache)"),
        encoding="utf-8",
    )
    argv = ["demo", "--mine", "--attention", "--seconds", "3", "--out", str(tmp_path / "run"), "--json"]
    assert main(argv) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"affine2", "attend1"} <= set(result["yours"])


def test_a_function_that_fails_in_the_run_is_named(course, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(captioning, "SCENE_COUNTS", {"train": 256, "val": 16, "test": 16, "novel": 16})
    solve(course, "clip1")
    path = course.path("clip1")
    path.write_text(
        path.read_text(encoding="utf-8").replace("    norm = ", "    assert len(grads) < 9, 'too many'\n    norm = "),
        encoding="utf-8",
    )
    assert main(["demo", "--mine", "--seconds", "2", "--out", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert "clip1.py:" in err
    assert "too many" in err
    assert "Traceback" not in err
