"""The commands of the text system, run as a user runs them."""

import re

import numpy as np
import pytest
from PIL import Image

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.cli import main
from minirnn.display import scores_text
from minirnn.tasks import captioning
from minirnn.train import LAST
from tests.test_cli import fails, run_json
from tests.test_text import some_text
from tests.tiny import TRAIN, tiny_system


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "book.txt"
    path.write_text(some_text(4000), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(book, tmp_path_factory):
    """A small run, made by the command."""
    folder = tmp_path_factory.mktemp("runs") / "text"
    small = ["--hidden", "24", "--layers", "1", "--cell", "gru", "--epochs", "4", "--seed", "3"]
    assert main(["train", "text", "--data", str(book), "--out", str(folder), *small]) == 0
    return folder


def test_train_evaluate_and_complete(run, book, capsys):
    assert {p.name for p in run.glob("*.png")} == {"curves.png", "surprise.png"}
    with Image.open(run / "surprise.png") as picture:
        assert picture.width > 300
    status, report = run_json(capsys, "evaluate", run)
    assert status == 0
    assert (report["task"], report["split"], report["characters"]) == ("text", "test", 200)
    assert set(report["baselines"]) == {"unigram", "ngram"}
    assert run_json(capsys, "evaluate", run, "--split", "all", "--data", book)[1] == {**report, "split": "test"}
    assert main(["evaluate", str(run), "--split", "val"]) == 0
    shown = capsys.readouterr().out
    assert "80 characters (val)" in shown
    assert len(re.findall(r"\d\.\d{3} bits a character", shown)) == 3

    status, told = run_json(capsys, "complete", run, "the sea", "--length", 30, "--seed", 2)
    assert (status, len(told["completion"])) == (0, 30)
    assert run_json(capsys, "complete", run, "the sea", "--length", 30, "--seed", 2)[1] == told
    assert main(["complete", str(run), "the sea", "--length", "30", "--seed", "2"]) == 0
    assert capsys.readouterr().out == f"the sea{told['completion']}\n"


def test_another_text_is_judged_whole_or_in_part(run, tmp_path, capsys):
    other = tmp_path / "other.txt"
    other.write_text(some_text(2000, seed=9), encoding="utf-8")
    assert run_json(capsys, "evaluate", run, "--data", other, "--split", "all")[1]["characters"] == 1999
    assert run_json(capsys, "evaluate", run, "--data", other)[1]["characters"] == 100
    other.write_text("the sea", encoding="utf-8")
    assert run_json(capsys, "evaluate", run, "--data", other, "--split", "all")[1]["characters"] == 6
    assert "other.txt has 7 characters; expected at least 1000" in fails(capsys, "evaluate", run, "--data", other)
    other.write_text("t", encoding="utf-8")
    assert "other.txt has 1 characters; expected at least 2" in fails(
        capsys, "evaluate", run, "--data", other, "--split", "all"
    )


def test_a_run_goes_on_with_its_own_settings(run, book, capsys):
    before = load(run / LAST)[0]
    status, result = run_json(capsys, "train", "text", "--out", run, "--resume")
    assert status == 0
    assert result["next"].startswith("minirnn complete ")
    assert "minus_bits" not in result["validation"]
    after = load(run / LAST)[0]
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert "--hidden is 32" in fails(capsys, "train", "text", "--out", run, "--resume", "--hidden", 32)
    assert "add --resume" in fails(capsys, "train", "text", "--data", book, "--out", run)


def test_a_text_that_changed_is_noticed(tmp_path, capsys):
    book, out = tmp_path / "book.txt", tmp_path / "run"
    book.write_text(some_text(1500), encoding="utf-8")
    assert main(["train", "text", "--data", str(book), "--out", str(out), "--hidden", "8", "--epochs", "1"]) == 0
    capsys.readouterr()
    book.write_text(some_text(1500, seed=8), encoding="utf-8")
    assert "has changed since the run in" in fails(capsys, "train", "text", "--out", out, "--resume")
    assert "has changed since the run began" in fails(capsys, "evaluate", out)
    book.unlink()
    assert "does not exist; expected a UTF-8 text" in fails(capsys, "evaluate", out)
    assert run_json(capsys, "complete", out, "the")[0] == 0  # which needs no text


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--data", "nothing.txt"], "nothing.txt does not exist; expected a UTF-8 text"),
        (["--data", "."], "is a folder; expected a UTF-8 text"),
        (["--data", "latin.txt"], "latin.txt is not UTF-8: byte 0xe9 at byte offset 3"),
        (["--data", "nul.txt"], "nul.txt holds NUL at byte offset 2"),
        (["--data", "short.txt"], "short.txt is too short: the text has 10 characters; expected at least 1000"),
        (["--data", ""], "--data is empty"),
        ([], "--data is missing; expected a UTF-8 text file"),
        (["--data", "good.txt", "--hidden", "0"], "--hidden is 0; expected at least 1"),
        (["--data", "good.txt", "--dropout", "1"], "--dropout is 1; expected at least 0 and below 1"),
        (["--data", "good.txt", "--dropout", "nan"], "--dropout is nan; expected"),
        (["--data", "good.txt", "--epochs", "0"], "--epochs is 0; expected more than 0"),
        (["--data", "good.txt", "--seed", "-1"], "--seed is -1; expected at least 0"),
        (["--resume"], "holds no run to go on with"),
    ],
)
def test_what_cannot_be_trained_on_is_one_sentence(argv, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9" * 500)
    (tmp_path / "nul.txt").write_bytes(b"ab\0" * 500)
    (tmp_path / "short.txt").write_text("0123456789")
    (tmp_path / "good.txt").write_text(some_text(1200))
    assert says in fails(capsys, "train", "text", "--out", tmp_path / "run", *argv)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([""], "the prompt is empty; expected at least one character"),
        (["the €"], "the prompt has '€' at position 4, which the model does not know"),
        (["the", "--temperature", "-1"], "temperature is -1.0; expected a finite number of at least 0"),
        (["the", "--temperature", "nan"], "temperature is nan; expected"),
        (["the", "--length", "0"], "--length is 0; expected more than 0"),
        (["the", "--seed", "-2"], "--seed is -2; expected at least 0"),
    ],
)
def test_what_cannot_be_completed_is_one_sentence(run, argv, says, capsys):
    assert says in fails(capsys, "complete", run, *argv)


def test_a_folder_that_is_no_run_of_a_text_is_refused(tmp_path, capsys, run):
    assert "holds no trained text model: best.safetensors is missing" in fails(capsys, "complete", tmp_path, "the")
    list(captioning.train_captioner(tiny_system(), TRAIN, tmp_path / "captioner"))
    said = fails(capsys, "complete", tmp_path / "captioner", "the")
    assert "belongs to 'captioner', not to a text model" in said
    assert "belongs to 'text', not to a captioner" in fails(capsys, "caption", run, "picture.jpg")
    assert "no split 'novel'" in fails(capsys, "evaluate", run, "--split", "novel")


def test_a_short_text_is_read_in_fewer_streams(run):
    settings = load(run / LAST)[1]["problem"]["settings"]
    pieces = (0.93 * 4000 - 1) // settings["piece"]
    assert 1 <= settings["streams"] <= pieces / 4


def test_a_score_turned_round_is_not_shown_twice():
    assert scores_text({"bits_per_character": 2.5, "minus_bits": -2.5}) == "bits_per_character 2.500"


def test_the_smallest_score_is_marked_where_it_is_the_best(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, path: drawn.append(figure) or path)
    checks = [{"step": k, "bits": bits} for k, bits in enumerate((3.0, 2.25, 2.5), 1)]
    for least in (True, False):
        plots.curves(tmp_path / "c.png", [1.0, 0.9], checks, "bits", least=least)
    assert [figure.axes[1].texts[0].get_text() for figure in drawn] == ["2.25", "3"]


def test_a_text_in_another_script_is_shaded(tmp_path):
    path = plots.shaded_text(tmp_path / "t.png", "ab\n\u4e2d\u6587\u7684", np.arange(6.0), "title")
    with Image.open(path) as picture:
        assert picture.width > 100
