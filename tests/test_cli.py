"""The command, run as a user runs it: results on standard output, one sentence and status 2 for bad input."""

import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minirnn
from minirnn import checkpoint
from minirnn.cli import build_parser, main
from minirnn.data import captioning
from minirnn.tasks.table import TASKS
from minirnn.train import BEST

ROOT = Path(__file__).parents[1]


@pytest.fixture
def small(monkeypatch):
    """Fewer scenes, so that a command takes seconds."""
    monkeypatch.setattr(captioning, "SCENE_COUNTS", {"train": 256, "val": 16, "test": 16, "novel": 16})


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A Flickr8k folder of 12 noise pictures with two captions each."""
    folder = tmp_path_factory.mktemp("flickr")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    lines = ["image,caption"]
    for k in range(12):
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8)).save(folder / "images" / f"{k}.png")
        lines += [f'{k}.png,"A dog runs, number {k % 3} ."', f"{k}.png,Two children play ."]
    (folder / "captions.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def run_json(capsys, *argv):
    """Run a command with --json: its exit status and the one object on standard output."""
    status = main([*map(str, argv), "--json"])
    return status, json.loads(capsys.readouterr().out)


def width(path):
    """Of a picture file, in pixels."""
    with Image.open(path) as image:
        return image.width


def fails(capsys, *argv, status=2):
    """Run a command that is to fail: its one sentence."""
    assert main([*map(str, argv)]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if line.startswith("minirnn: ")]
    assert len(lines) == 1
    assert "Traceback" not in captured.err
    return lines[0]


def test_demo_train_evaluate_and_caption_on_scenes(small, capsys, tmp_path):
    run = tmp_path / "demo"
    status, result = run_json(capsys, "demo", "--seconds", 4, "--out", run, "--cell", "gru", "--attention")
    assert status == 0
    assert result["test"]["n"] == 16
    assert set(result["test"]["baselines"]) == {"most_frequent", "no_image", "shuffled"}
    assert {"exact_match", "bleu1", "bleu4", "rouge_l", "cider", "pointing"} <= set(result["novel"])
    for picture in result["pictures"]:
        assert width(picture) > 300
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "captions.png", "attention.png"]

    status, again = run_json(capsys, "evaluate", run, "--split", "test")
    assert {k: again[k] for k in result["test"]} == result["test"]

    scene = result["example"]
    status, told = run_json(capsys, "caption", run, scene, scene, "--beam", 3)
    assert len(told["captions"]) == 2
    assert told["captions"][0]["logprob"] < 0
    status, told = run_json(capsys, "caption", run, scene, "--attention-map", tmp_path / "map.png")
    assert width(tmp_path / "map.png") > 300

    assert main(["caption", str(run), scene]) == 0
    assert capsys.readouterr().out.startswith(scene)
    assert main(["evaluate", str(run), "--split", "novel"]) == 0
    assert "no image" in capsys.readouterr().out


def test_train_on_photographs_resume_and_judge_only_on_what_is_new(photos, capsys, tmp_path):
    run = tmp_path / "run"
    status, result = run_json(capsys, "train", "captioner", "--data", photos, "--out", run, "--epochs", 2)
    assert status == 0
    assert result["steps"] > 0
    status, again = run_json(capsys, "train", "captioner", "--out", run, "--resume")
    assert again["steps"] == result["steps"]

    status, report = run_json(capsys, "evaluate", run, "--split", "all")
    assert report["n"] == 1  # ten pictures were trained on, one chose the best epoch
    assert report["already_seen"] == 11
    assert "exact_match" not in report
    status, report = run_json(capsys, "evaluate", run, "--data", photos, "--split", "train")
    assert report["n"] == 10
    assert "novel" in fails(capsys, "evaluate", run, "--split", "novel")
    assert "attention" in fails(
        capsys, "caption", run, photos / "images" / "0.png", "--attention-map", tmp_path / "m.png"
    )
    assert "--seed is 7" in fails(capsys, "train", "captioner", "--out", run, "--resume", "--seed", 7)


def test_a_run_is_neither_overwritten_nor_mixed_with_another(photos, capsys, tmp_path):
    run = tmp_path / "run"
    run_json(capsys, "train", "captioner", "--data", photos, "--out", run, "--epochs", 1)
    before = (run / "best.safetensors").read_bytes()
    assert "add --resume" in fails(capsys, "train", "captioner", "--data", photos, "--out", run, "--epochs", 1)
    assert "no run to go on with" in fails(capsys, "train", "captioner", "--out", tmp_path / "other", "--resume")
    assert (run / "best.safetensors").read_bytes() == before
    (run / "no-image" / "best.safetensors").write_bytes(before)  # a model that sees is no baseline
    assert "is not the baseline" in fails(capsys, "evaluate", run)
    (run / "no-image" / "best.safetensors").unlink()
    assert "--resume" in fails(capsys, "evaluate", run)
    (run / "last.safetensors").write_bytes(before)
    assert "last.safetensors" in fails(capsys, "train", "captioner", "--out", run, "--resume")


def test_a_demo_takes_away_no_run_on_other_data(photos, small, capsys, tmp_path):
    run = tmp_path / "run"
    run_json(capsys, "train", "captioner", "--data", photos, "--out", run, "--epochs", 1)
    before = (run / "best.safetensors").read_bytes()
    assert "other data" in fails(capsys, "demo", "--seconds", 2, "--out", run)
    assert "--seconds is 0" in fails(capsys, "demo", "--seconds", 0, "--out", run)
    assert (run / "best.safetensors").read_bytes() == before


@pytest.mark.parametrize("minutes", [0.05, 0.07])  # limits that floating point cannot halve and put together again
def test_a_run_with_a_time_limit_resumes(photos, capsys, tmp_path, minutes):
    run = tmp_path / "run"
    argv = ["train", "captioner", "--data", photos, "--out", run, "--minutes", minutes]
    status, first = run_json(capsys, *argv)
    status, again = run_json(capsys, *argv, "--resume")
    assert status == 0
    assert again["steps"] == first["steps"]


def test_the_attention_map_is_that_of_the_caption(small, capsys, tmp_path, monkeypatch):
    from minirnn import plots

    drawn = []
    monkeypatch.setattr(plots, "attention_map", lambda path, view, words, weights, grid: drawn.append(words))
    run = tmp_path / "run"
    result = run_json(capsys, "demo", "--seconds", 3, "--out", run, "--attention")[1]
    told = run_json(capsys, "caption", run, result["example"], "--beam", 4, "--attention-map", tmp_path / "m.png")[1]
    assert " ".join(drawn[-1]) == told["captions"][0]["caption"]


def test_one_picture_has_nobody_to_be_shuffled_with(photos, capsys, tmp_path):
    run = tmp_path / "run"
    run_json(capsys, "train", "captioner", "--data", photos, "--out", run, "--epochs", 1)
    report = run_json(capsys, "evaluate", run, "--split", "test")[1]
    assert report["n"] == 1
    assert set(report["baselines"]) == {"most_frequent", "no_image"}


def test_bad_pictures_are_named_refused_or_left_out(photos, capsys, tmp_path):
    run = tmp_path / "run"
    run_json(capsys, "train", "captioner", "--data", photos, "--out", run, "--epochs", 1)
    good, bad = photos / "images" / "0.png", tmp_path / "page.jpg"
    bad.write_text("<html></html>", encoding="utf-8")
    assert "page.jpg" in fails(capsys, "caption", run, good, bad)
    status, told = run_json(capsys, "caption", run, good, bad, "--skip-bad")
    assert status == 0
    assert len(told["captions"]) == 1
    assert "page.jpg" in told["left_out"][0]


def test_training_leaves_bad_pictures_out_when_asked(photos, capsys, tmp_path):
    import shutil

    folder = tmp_path / "data"
    shutil.copytree(photos, folder)
    (folder / "images" / "3.png").write_bytes((folder / "images" / "3.png").read_bytes()[:500])
    assert "3.png" in fails(capsys, "train", "captioner", "--data", folder, "--out", tmp_path / "a", "--epochs", 1)
    status, result = run_json(
        capsys, "train", "captioner", "--data", folder, "--out", tmp_path / "b", "--epochs", 1, "--skip-bad"
    )
    assert any("3.png" in line for line in result["left_out"])


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["evaluate", "nowhere"], "nowhere"),
        (["caption", "nowhere", "x.png"], "nowhere"),
        (["train", "captioner", "--data", "nowhere", "--out", "OUT"], "nowhere"),
        (["train", "captioner", "--out", "OUT", "--minutes", "0"], "--minutes is 0"),
        (["train", "captioner", "--out", "OUT", "--epochs", "-1"], "--epochs is -1"),
        (["train", "captioner", "--out", "OUT", "--seed", "-1"], "--seed is -1"),
        (["demo", "--seconds", "nan", "--out", "OUT"], "--seconds is nan"),
        (["train", "captioner", "--out", "OUT", "--epochs", "inf"], "--epochs is inf"),
        (["train", "captioner", "--out", "OUT", "--data", ""], "--data is empty"),
        (["gradcheck", "affine", "--plot", "lstm_step"], "ends in .png"),
        (["gradcheck", "no_such_pair"], "no_such_pair"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(argv, says, capsys, tmp_path):
    assert says in fails(capsys, *[str(tmp_path / "out") if a == "OUT" else a for a in argv])


@pytest.mark.parametrize("argv", [["fly"], ["demo", "--cell", "transformer"], ["train"], ["caption", "run"]])
def test_wrong_usage_is_one_sentence_and_status_2(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("task", [t for t in TASKS if t.name not in ("captioner", "classifier", "detector")],
                         ids=lambda task: task.name)  # fmt: skip
def test_skip_bad_is_refused_where_nothing_is_ever_left_out(task, capsys, tmp_path):
    checkpoint.save(tmp_path / BEST, {"a": np.zeros(1)}, {"task": task.name})
    assert main(["evaluate", str(tmp_path), "--skip-bad"]) == 2
    assert "--skip-bad has no meaning here" in capsys.readouterr().err


def test_gradcheck_names_cases_and_passes(capsys, tmp_path):
    status, result = run_json(capsys, "gradcheck", "lstm*", "affine", "--plot", tmp_path / "plot.png")
    assert status == 0
    assert result["ok"]
    assert all(row["error"] < 1e-6 for case in result["cases"] for row in case["rows"])
    assert width(tmp_path / "plot.png") > 300
    assert main(["gradcheck", "lstm_step"]) == 0
    assert "params.Wx" in capsys.readouterr().out


def test_gradcheck_takes_the_name_of_a_pair_for_all_its_cases(capsys):
    names = [case["name"] for case in run_json(capsys, "gradcheck", "max_pool2d", "affine")[1]["cases"]]
    pooling = ["max_pool2d", "max_pool2d-overlap", "max_pool2d-gap", "max_pool2d-pad"]
    assert names == ["affine", "affine-sequence", *pooling]


def test_gradcheck_exits_with_1_when_a_gradient_is_wrong(monkeypatch, capsys):
    from dataclasses import replace

    from minirnn import cases
    from minirnn.pair import Pair

    right = next(case for case in cases.CASES if case.name == "tanh")

    def backward(dy, cache):
        return (dy * (1 - cache),)

    monkeypatch.setattr(cases, "CASES", (replace(right, pair=Pair(right.pair.forward, backward, "tanh")),))
    status, result = run_json(capsys, "gradcheck")
    assert status == 1
    assert not result["ok"]
    assert main(["gradcheck"]) == 1
    assert "WRONG" in capsys.readouterr().out


def test_doctor(capsys):
    status, result = run_json(capsys, "doctor")
    assert status == 0
    assert result["problems"] == []
    assert result["gflops"] > 0


def test_a_run_that_breaks_down_says_where_and_exits_with_1(small, capsys, tmp_path, monkeypatch):
    from minirnn import init

    monkeypatch.setattr(init, "he", lambda rng, shape, dtype: np.full(shape, np.nan, dtype))
    sentence = fails(capsys, "train", "captioner", "--out", tmp_path, "--epochs", 1, status=1)
    assert "step 1" in sentence
    assert "encoder.0.conv.W" in sentence


COMMANDS = (
    "train", "train captioner", "demo", "caption", "evaluate", "gradcheck", "doctor", "start", "update", "watch", "check",
    "next", "hint", "solution", "reset", "list", "map", "lab", "release", "grade", "dev", "data", "complete", "read",
    "read-pen", "gesture", "clip", "track", "describe", "classify", "detect", "segment",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    assert f"example:\n  minirnn {command}" in capsys.readouterr().out


def test_the_module_runs_as_the_command_does():
    out = subprocess.run(
        [sys.executable, "-m", "minirnn", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert out == f"minirnn {minirnn.__version__}\n"


@pytest.mark.parametrize("page", ["README.md", "benchmarks/README.md", "CONTRIBUTING.md", "docs/instructors.md"])
def test_every_command_on_a_page_is_one_that_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"(?:^ {4}|`|&& )(minirnn [a-z][^`\n]*)", text, re.M)
    if page == "README.md":
        assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line.split("#")[0].split(">")[0])[1:]
        assert build_parser().parse_args(words).command


def test_import_needs_numpy_alone():
    blocked = "PIL matplotlib rich safetensors torch onnx hypothesis pytest"
    code = (
        "import sys\n"
        f"for name in '{blocked}'.split(): sys.modules[name] = None\n"
        "import minirnn\n"
        "minirnn.to_float, minirnn.metrics, minirnn.optim, minirnn.decode, minirnn.init, minirnn.tree\n"
        "assert callable(minirnn.gradcheck) and callable(minirnn.unroll)\n"
        "import minirnn.cases\n"
        "assert callable(minirnn.gradcheck) and callable(minirnn.unroll)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_alone_without_a_terminal_is_its_help(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 0
    assert "minirnn start" in capsys.readouterr().out
