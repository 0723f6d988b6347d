"""Clips: the model against its parts, training that resumes, baselines, and the commands."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn import checkpoint
from minirnn.cli import main
from minirnn.data import moving_digits
from minirnn.data.digit_strings import stroke_digits
from minirnn.data.moving_digits import Digits, draw_clips
from minirnn.models.clip_classifier import ClipConfig, clip_classifier, clip_logits, init_clips
from minirnn.ops import FAST
from minirnn.optim import adam
from minirnn.problem import TrainConfig
from minirnn.tasks import clips
from minirnn.tasks.clips import KINDS, Batches, Settings, System
from minirnn.train import BEST, LAST
from tests.runs import assert_resumes

TINY = TrainConfig(epochs=2, batch=8, checks=2, warmup=2, seed=1)
SIZES = {"channels": (2, 3), "features": 6, "hidden": 4}
PARTS = {name: Digits(*stroke_digits(count, seed=k)) for k, (name, count) in enumerate({"train": 32, "val": 9, "test": 9}.items())}  # fmt: skip


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(clips, "COUNTS", {"train": 16, "val": 16, "test": 24})
    monkeypatch.setattr(moving_digits, "PARTS", {"train": 32, "val": 9, "test": 9})
    monkeypatch.setattr(System, "sizes", SIZES)  # a run made by the command is as small


def tiny(**settings):
    return System(Settings(**settings), PARTS, sizes=SIZES)


# the model


def drawn(order, **more):
    config = ClipConfig(4, size=8, channels=(2,), features=5, hidden=3, order=order, **more)
    params, running = init_clips(np.random.default_rng(0), config)
    frames = np.random.default_rng(1).uniform(0, 1, (3, 6, 8, 8)).astype(np.float32)

    def logits(frames):
        return clip_logits.forward(frames, running, params, config=config, training=False, ops=FAST)[0][0]

    return frames, logits


def test_only_the_recurrent_model_knows_the_order_of_the_frames():
    frames, recurrent = drawn("recurrent")
    assert np.abs(recurrent(frames) - recurrent(frames[:, ::-1])).max() > 1e-3
    frames, mean = drawn("mean")
    np.testing.assert_allclose(mean(frames), mean(frames[:, ::-1]), atol=1e-6)
    assert np.abs(mean(frames) - mean(frames[:, :3])).max() > 1e-3


def test_every_clip_is_judged_by_itself():
    for order in ("recurrent", "mean"):
        frames, logits = drawn(order)
        np.testing.assert_allclose(logits(frames)[1:2], logits(frames[1:2]), atol=1e-5)


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        (np.zeros((2, 3, 8, 9), np.float32), "frames have 8 x 9 pixels; expected 8 x 8"),
        (np.zeros((2, 0, 8, 8), np.float32), "no frame; expected T of at least 1"),
        (np.zeros((2, 3, 8, 8), np.uint8), "frames has dtype uint8; expected floats"),
        (np.zeros((2, 8, 8), np.float32), "frames has 3 axes"),
    ],
)
def test_frames_that_do_not_fit(frames, says):
    _, logits = drawn("recurrent")
    with pytest.raises(ValueError, match=says):
        logits(frames)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"order": "any"}, "order is 'any'"), ({"cell": "lru"}, "cell is 'lru'"), ({"channels": ()}, "channels is"),
     ({"size": 6}, "size is 6; expected at least 8"),
     ({"size": 9}, "size is 9; expected an even number"), ({"drop": 1.0}, "drop is 1.0")],
)  # fmt: skip
def test_configs_that_cannot_be(wrong, says):
    with pytest.raises(ValueError, match=says):
        ClipConfig(8, **wrong)


# training


def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path):
    inside = [folder for folder, _ in KINDS.values()]
    assert assert_resumes(partial(clips.train_clips, tiny(), TINY), tmp_path, 3, inside=inside) == 8


def test_every_epoch_moves_a_digit_anew():
    batches = Batches(PARTS["train"], Settings())
    which = np.arange(4)
    first, again, other = (batches(which, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.shape == (4, 12, 32, 32)
    frames, labels = Batches(PARTS["train"], Settings(kind="one_frame", label="digit"))(which, np.random.default_rng(0))
    assert frames.shape == (4, 1, 32, 32)
    np.testing.assert_array_equal(labels, PARTS["train"].labels[:4])
    whole = draw_clips(np.random.default_rng(0), PARTS["train"], which).frames / np.float32(255)
    assert all(any(np.allclose(frames[n, 0], frame) for frame in whole[n]) for n in range(4))


def test_the_model_learns_a_motion(tmp_path):
    """Left or right, from few clips, by heart."""
    shown = draw_clips(np.random.default_rng(0), PARTS["train"], np.arange(32), motions=np.arange(32) % 2)
    config = TrainConfig(epochs=25, batch=16, lr=0.02, checks=1, seed=1)
    fixed = replace(
        tiny().problem(),
        batch=lambda indices, rng: (shown.frames[indices] / np.float32(255), shown.motions[indices]),
        judge=lambda params, running: {"accuracy": 0.0, "log_probability": 0.0},
    )
    list(clips.train(fixed, config, tmp_path))
    assert np.mean(checkpoint.load(tmp_path / LAST)[1]["progress"]["losses"][-5:]) < 0.5  # chance is 0.69


def test_frames_without_order_can_tell_how_they_belong_together():
    """Two frames are the same, or not; each is as often the one as the other, so that no sum over frames can tell."""
    config = ClipConfig(2, size=8, channels=(2,), features=5, hidden=6, order="mean")
    params, running = init_clips(np.random.default_rng(3), config)
    a, b = np.random.default_rng(1).uniform(0, 1, (2, 8, 8)).astype(np.float32)
    frames, labels = np.array([[a, a], [b, b], [a, b], [b, a]]), np.array([0, 0, 1, 1])
    moments = adam.init(params)
    for _ in range(150):
        (loss, _), cache = clip_classifier.forward(
            frames, labels, running, params, config=config, training=True, ops=FAST
        )
        gradient = clip_classifier.backward((np.ones_like(loss), None), cache)[-1]
        params, moments = adam.update(params, gradient, moments, lr=0.02)
    assert loss < 0.1  # 0.69 is the least that a sum over frames can reach


# commands


def run_json(capsys, *argv):
    status = main([*map(str, argv), "--json"])
    return status, json.loads(capsys.readouterr().out)


def fails(capsys, *argv):
    assert main([*map(str, argv)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (sentence,) = [text for text in captured.err.splitlines() if text.startswith("minirnn: ")]
    return sentence


def test_train_evaluate_and_tell(capsys, tmp_path):
    run = tmp_path / "run"
    status, result = run_json(capsys, "train", "clips", "--out", run, "--epochs", 1)
    assert status == 0
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "confusion.png", "clips.png"]
    for picture in result["pictures"]:
        with Image.open(picture) as image:
            assert min(image.size) > 300
    status, report = run_json(capsys, "evaluate", run)
    assert (report["n"], report["split"], report["digits"]["test"]) == (24, "test", 9)
    assert set(report["baselines"]) == {"chance", "one_frame", "any_order"}
    assert report["baselines"]["chance"] == pytest.approx(3 / 24)
    assert report["steps"] == {"recurrent": 1, "any_order": 1, "one_frame": 1}
    assert np.trace(report["confusion"]) == round(report["accuracy"] * 24)
    gif = result["next"].split()[-1]
    status, told = run_json(capsys, "clip", run, gif, gif)
    (row,) = {json.dumps(row) for row in told["clips"]}
    row = json.loads(row)
    assert row["frames"] == 12
    model, _ = clips.load_watcher(run)
    frames = clips.clips_of(moving_digits.digit_splits("drawn", 0), "test", 0).frames
    chance = model.probabilities(frames[:1])[0]
    assert row["class"] == model.names[int(chance.argmax())]
    assert row["probability"] == pytest.approx(chance.max(), abs=1e-4)
    assert main(["clip", str(run), gif]) == 0
    assert capsys.readouterr().out.startswith(f"{gif}: {row['class']}")
    assert main(["evaluate", str(run)]) == 0
    text = capsys.readouterr().out
    assert "one frame (CNN, two layers)" in text
    assert "after 1 steps" in text
    assert "24 clips (test)" in text

    assert "holds a run" in fails(capsys, "train", "clips", "--out", run)
    assert "--label is digit, but the run" in fails(capsys, "train", "clips", "--out", run, "--resume",
                                                    "--label", "digit")  # fmt: skip
    assert "no split 'novel'" in fails(capsys, "evaluate", run, "--split", "novel")
    assert "is no clip" in fails(capsys, "clip", run, _text(tmp_path))
    (run / "any-order" / BEST).unlink()
    assert "has no baseline 'any-order' yet; go on with: minirnn train clips" in fails(capsys, "evaluate", run)


def _text(folder):
    path = folder / "text.gif"
    path.write_text("no clip")
    return path


def test_digits_as_the_label_and_data_that_changed(capsys, tmp_path, monkeypatch):
    run = tmp_path / "run"
    assert main(["train", "clips", "--out", str(run), "--epochs", "0.25", "--label", "digit"]) == 0
    capsys.readouterr()
    _, report = run_json(capsys, "evaluate", run, "--split", "val")
    assert (report["label"], report["n"], report["classes"]) == ("digit", 16, list("0123456789"))
    monkeypatch.setattr(moving_digits, "PARTS", {"train": 31, "val": 9, "test": 9})
    assert "has changed since" in fails(capsys, "evaluate", run)
    assert "made by another run" in fails(capsys, "train", "clips", "--out", run, "--resume")


def test_bad_input_gets_one_sentence(capsys, tmp_path):
    run = tmp_path / "run"
    assert "no folder; expected 'drawn'" in fails(capsys, "train", "clips", "--data", tmp_path / "no", "--out", run)
    assert "--data is empty" in fails(capsys, "train", "clips", "--data", "", "--out", run)
    assert "--seed is -1" in fails(capsys, "train", "clips", "--seed", "-1", "--out", run)
    assert "holds no trained clip classifier" in fails(capsys, "clip", tmp_path, tmp_path)
