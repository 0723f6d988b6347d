"""`minirnn start` and what follows: a learner's files are never overwritten, hints come one by one, errors are one sentence."""

from __future__ import annotations

import json
import shutil

import pytest

from minirnn.cli import main
from minirnn.course.judge import CRASHED, RIGHT, WRONG_VALUE
from minirnn.course.reference import SOLUTIONS
from minirnn.course.workspace import Workspace


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A fresh workspace, gone into."""
    Workspace.start(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    return Workspace.find()


def solve(course, name):
    shutil.copyfile(SOLUTIONS / course.path(name).parent.name / f"{name}.py", course.path(name))


def run(capsys, *argv):
    status = main([*argv, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_start_never_overwrites(tmp_path, capsys):
    folder = tmp_path / "mine"
    assert main(["start", str(folder)]) == 0
    path = folder / "exercises" / "06_bptt" / "rnn2.py"
    path.write_text("mine", encoding="utf-8")
    (folder / "exercises" / "06_bptt" / "clip1.py").unlink()
    assert main(["start", str(folder)]) == 0
    assert path.read_text(encoding="utf-8") == "mine"
    assert (folder / "exercises" / "06_bptt" / "clip1.py").exists()
    assert (folder / "lessons" / "06_bptt.ipynb").exists()


def test_no_solution_is_in_a_workspace(course):
    names = {p.name for p in course.root.rglob("*")}
    assert "solutions" not in names
    assert "da = dstate.h * (1 - h**2)" not in course.path("rnn2").read_text(encoding="utf-8")


def test_check_tells_the_outcome_by_its_exit_status(course, capsys):
    status, result = run(capsys, "check", "rnn2")
    assert (status, result["checks"][0]["outcome"]) == (1, "not attempted")
    solve(course, "rnn2")
    status, result = run(capsys, "check", "rnn2")
    assert (status, result["right"]) == (0, 1)
    text = course.path("rnn2").read_text(encoding="utf-8")
    course.path("rnn2").write_text(text.replace("da.sum(axis=0)", "da.mean(axis=0)"), encoding="utf-8")
    status, result = run(capsys, "check")
    assert status == 1
    assert result["checks"][0]["outcome"] == WRONG_VALUE
    assert result["checks"][0]["mistakes"] == ["db-mean"]
    assert main(["check", "rnn2"]) == 1
    shown = capsys.readouterr().out
    assert "exactly 0.3333 times the right value with N = 3" in shown
    assert "likely cause: db is the mean over the batch" in shown


def test_a_crash_names_the_line(course, capsys):
    text = course.path("rnn2").read_text(encoding="utf-8")
    course.path("rnn2").write_text(
        text.replace("    raise NotImplementedError", "    return dstat  #"), encoding="utf-8"
    )
    result = run(capsys, "check", "rnn2")[1]["checks"][0]
    assert result["outcome"] == CRASHED
    assert "NameError" in result["text"]
    assert (
        course.path("rnn2").read_text(encoding="utf-8").splitlines()[result["line"] - 1].startswith("    return dstat")
    )


def test_an_endless_loop_ends(course, monkeypatch):
    from minirnn.course.process import Limits, Session

    text = course.path("rnn2").read_text(encoding="utf-8")
    course.path("rnn2").write_text(
        text.replace("    raise NotImp", "    while True:\n        pass\n    raise NotImp"), encoding="utf-8"
    )
    verdict = course.check("rnn2", Session(Limits(seconds=2)))
    assert verdict.outcome == CRASHED
    assert "loop" in verdict.items[0].evidence[0]


def test_hints_come_one_by_one_and_never_go_back(course, capsys):
    counts = [
        len(run(capsys, "hint", "rnn2", *more)[1]["hints"])
        for more in ((), (), ("--more",), ("--more",), ("--more",), ())
    ]
    assert counts == [1, 1, 2, 3, 3, 3]


def test_a_solution_is_not_shown_unasked(course, capsys, monkeypatch):
    assert main(["solution", "rnn2"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert "RNNParams(dWx, dWh, db)" in run(capsys, "solution", "rnn2", "--yes")[1]["solution"]
    solve(course, "rnn2")
    assert main(["solution", "rnn2"]) == 0
    assert "Why it works" in capsys.readouterr().out


def test_reset_keeps_what_was_written(course, capsys):
    solve(course, "rnn2")
    written = course.path("rnn2").read_text(encoding="utf-8")
    for number in (1, 2):
        backup = run(capsys, "reset", "rnn2")[1]["backup"]
        assert backup.endswith(f"rnn2.backup-{number}.py")
        assert (course.path("rnn2").parent / f"rnn2.backup-{number}.py").read_text(encoding="utf-8") == written
        assert "NotImplementedError" in course.path("rnn2").read_text(encoding="utf-8")
        solve(course, "rnn2")


def test_update_lays_new_versions_beside_edited_files(course, capsys, monkeypatch, tmp_path):
    from minirnn.course import workspace

    new = tmp_path / "new"
    shutil.copytree(course.root, new, ignore=shutil.ignore_patterns(".minirnn"))
    for name in ("rnn2", "unroll2"):
        path = new / "exercises" / "06_bptt" / f"{name}.py"
        path.write_text(path.read_text(encoding="utf-8") + "# newer\n", encoding="utf-8")
    (new / "exercises" / "06_bptt" / "extra1.py").write_text("new\n", encoding="utf-8")
    monkeypatch.setattr(workspace, "material", lambda: new)
    course.path("rnn2").write_text("mine", encoding="utf-8")
    result = run(capsys, "update")[1]
    assert result["beside"] == ["exercises/06_bptt/rnn2.new.py"]
    assert sorted(result["renewed"]) == ["exercises/06_bptt/extra1.py", "exercises/06_bptt/unroll2.py"]
    assert course.path("rnn2").read_text(encoding="utf-8") == "mine"
    assert run(capsys, "update")[1] == {"renewed": [], "beside": []}


def test_next_list_and_map(course, capsys):
    assert run(capsys, "next")[1]["name"] == "affine1"
    solve(course, "affine1")
    assert run(capsys, "next")[1]["name"] == "affine2"
    assert run(capsys, "list")[1]["right"] == 1
    assert main(["list"]) == 0
    assert "ok  affine1" in capsys.readouterr().out
    assert main(["map"]) == 0
    assert "lstm_step_forward        -> the decoder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["check", "rnn3"], "did you mean"),
        (["hint", "nothing"], "no exercise"),
        (["lab", "77"], "no lesson"),
        (["reset", "rnn9"], "no exercise"),
    ],
)
def test_bad_names_are_one_sentence(course, argv, says, capsys):
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert says in err
    assert len(err.splitlines()) == 1


def test_outside_a_workspace_every_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for argv in (["check"], ["next"], ["list"], ["watch"], ["hint"], ["reset", "rnn2"], ["update"]):
        assert main(argv) == 2
        assert "minirnn start" in capsys.readouterr().err


def test_what_is_remembered_is_forgotten_when_the_file_changes(course):
    solve(course, "rnn2")
    assert course.known("rnn2") is None
    assert course.check("rnn2").outcome == RIGHT
    assert course.known("rnn2") == RIGHT
    course.path("rnn2").write_text("x = 1\n", encoding="utf-8")
    assert course.known("rnn2") is None
    solve(course, "rnn1")  # the forward function of rnn2
    solve(course, "rnn2")
    assert course.known("rnn2") is None


def test_damaged_memory_is_found_out_anew(course):
    solve(course, "rnn2")
    course.check("rnn2")
    (course.root / ".minirnn" / "outcomes.json").write_text("{", encoding="utf-8")
    assert course.known("rnn2") is None
    assert course.check("rnn2").outcome == RIGHT
