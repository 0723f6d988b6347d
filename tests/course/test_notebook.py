"""`check` in a notebook says what `minirnn check` says; plain pytest works in a workspace."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest

import minirnn
from minirnn import functional as F
from minirnn.cli import main
from minirnn.course import check, my_ops, source
from minirnn.course.reference import SOLUTIONS
from minirnn.course.workspace import Workspace
from minirnn.functional import RNNParams, RNNState


@pytest.fixture
def course(tmp_path, monkeypatch):
    Workspace.start(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    return Workspace.find()


def backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - h**2)
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(x.T @ da, prev.h.T @ da, da.mean(axis=0))


def test_a_function_and_a_file_are_told_the_same(course, capsys):
    check("rnn2", backward)
    notebook = capsys.readouterr().out
    text = (SOLUTIONS / "06_bptt" / "rnn2.py").read_text(encoding="utf-8")
    course.path("rnn2").write_text(text.replace("da.sum(axis=0)", "da.mean(axis=0)"), encoding="utf-8")
    assert main(["check", "rnn2"]) == 1
    shell = capsys.readouterr().out
    assert [line for line in notebook.splitlines() if "rnn_step_backward" not in line] == [
        line for line in shell.splitlines()[: len(notebook.splitlines())] if "rnn2.py" not in line
    ]
    assert "likely cause: db is the mean over the batch" in notebook


def test_a_forward_function_of_ones_own_makes_the_cache(capsys):
    def forward(x, state, params):
        h = np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)
        return RNNState(h), {"all": (x, state, params, h)}

    check("rnn2", lambda dstate, cache: F.rnn_step.backward(dstate, cache["all"]), forward=forward)
    assert capsys.readouterr().out.splitlines()[-1] == "  right"


def test_check_of_something_else_is_one_sentence():
    with pytest.raises(TypeError, match="expected a function"):
        check("rnn2", 3)
    with pytest.raises(minirnn.DataError, match="did you mean rnn"):
        check("rn2", backward)


def test_source_is_the_frameworks_own():
    text = repr(source(F.layer_norm))
    assert "def layer_norm_forward(" in text
    assert "def layer_norm_backward(" in text
    assert source(F.causal_mask)._repr_markdown_().startswith("```python\ndef causal_mask(")


def test_my_ops_says_what_is_yours(course, capsys):
    my_ops()
    assert "none of yours" in capsys.readouterr().out
    for name in ("rnn1", "rnn2"):
        shutil.copyfile(SOLUTIONS / course.path(name).parent.name / f"{name}.py", course.path(name))
    assert my_ops().rnn_step is not F.rnn_step
    assert "2 of your functions (rnn1, rnn2)" in capsys.readouterr().out


def test_plain_pytest_works_in_a_workspace(course):
    folder = course.path("rnn2").parent
    shutil.copyfile(SOLUTIONS / "06_bptt" / "unroll2.py", folder / "unroll2.py")
    text = (SOLUTIONS / "06_bptt" / "rnn2.py").read_text(encoding="utf-8")
    (folder / "rnn2.py").write_text(text.replace("(1 - h**2)", "(1 - h)"), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "exercises/06_bptt"],
        cwd=course.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 failed, 1 passed, 1 skipped" in run.stdout
    assert "you used 1 - h as the derivative of tanh" in run.stdout
    assert "Traceback" not in run.stdout
