"""Following a digit: looking in a picture, the tracker, IoU, baselines, training that resumes, and the commands."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn.boxes import iou_of_pairs
from minirnn.cli import main
from minirnn.data import moving_digits
from minirnn.data.digit_strings import stroke_digits
from minirnn.data.moving_digits import Digits
from minirnn.data.occlusions import Scenes, scene_split
from minirnn.functional.affine import AffineParams
from minirnn.models.tracker import corners, middles, places_asked, track
from minirnn.models.tracker_look import LookParams, look_for, places_of
from minirnn.models.tracker_params import TrackerConfig, init_tracker
from minirnn.ops import FAST
from minirnn.problem import TrainConfig
from minirnn.tasks import tracking
from minirnn.tasks.tracking import BASELINE, Settings, System
from minirnn.tasks.tracking_pictures import around
from minirnn.tasks.tracking_scores import filled, scores
from minirnn.train import BEST, LAST
from tests.runs import assert_resumes

TINY = TrainConfig(epochs=1, batch=4, checks=2, warmup=2, seed=1)
SIZES = {"channels": (2,), "deep": (3,), "features": 4, "hidden": 3}
PARTS = {name: Digits(*stroke_digits(count, seed=k)) for k, (name, count) in enumerate({"train": 24, "val": 12, "test": 12}.items())}  # fmt: skip


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(tracking, "COUNTS", {"train": 6, "val": 6, "test": 7})
    monkeypatch.setattr(moving_digits, "PARTS", {"train": 24, "val": 12, "test": 12})
    monkeypatch.setattr(System, "sizes", SIZES)  # a run made by the command is as small


# looking


def test_a_look_finds_what_is_asked_for():
    grid = np.zeros((1, 3, 4, 2))
    grid[0, 2, 1, 0], grid[0, 0, 3, 1] = 50, 50  # class 0 in row 2, class 1 in row 0
    params = LookParams(AffineParams(np.array([[1.0, 0, 0], [0, 1, 0]]), np.zeros(3)), np.array([5.0, 5, 50]))
    (seen, s), _ = look_for.forward(grid, np.array([[0, 1, 2]]), params)
    np.testing.assert_allclose(seen[0, 0], [50, 0, -0.25, 2 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(seen[0, 1], [0, 50, 0.75, -2 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(seen[0, 2], [0, 0, 0, 0, 1], atol=1e-6)  # nowhere
    assert s.shape == (1, 3, 13)
    assert s[0, 0, 1 + 2 * 4 + 1] == 50
    assert s[0, 0, 0] == 5


def test_places_run_row_by_row():
    np.testing.assert_allclose(places_of(1, 2, np.float64), [[-0.5, 0], [0.5, 0]])
    np.testing.assert_allclose(places_of(2, 1, np.float64), [[0, -0.5], [0, 0.5]])


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [(np.array([0]), ValueError, "expected \\(1, K\\)"), (np.array([[3]]), IndexError, "3"),
     (np.array([[-1]]), IndexError, "-1"), (np.array([[0.0]]), ValueError, "expected an integer")],
)  # fmt: skip
def test_a_class_that_there_is_not(asked, error, says):
    params = LookParams(AffineParams(np.zeros((2, 3)), np.zeros(3)), np.zeros(3))
    with pytest.raises(error, match=says):
        look_for.forward(np.zeros((1, 2, 2, 2)), asked, params)


# the tracker


def small(**more):
    config = TrackerConfig(classes=3, size=8, channels=(3,), deep=(4,), features=5, hidden=3, **more)
    params, running = init_tracker(np.random.default_rng(0), config)
    frames = np.random.default_rng(1).uniform(0, 1, (2, 6, 8, 8)).astype(np.float32)

    def out(frames, asked):
        return track.forward(frames, asked, running, params, config=config, training=False, ops=FAST)[0][0]

    return frames, out


@pytest.mark.parametrize(
    ("config", "reach"),
    [({"both": True}, range(6)), ({"both": False, "cell": "lstm"}, range(3, 6)), ({"recurrent": False}, [3])],
)
def test_which_frames_know_of_a_frame(config, reach):
    """Both ways all frames do, one way those that come after, without recurrence none but itself."""
    frames, out = small(**config)
    other = frames.copy()
    other[0, 3] = 1 - other[0, 3]
    asked = np.array([[1], [2]])
    changed = np.abs(out(other, asked) - out(frames, asked)).max(axis=(1, 3)) > 1e-5
    assert np.flatnonzero(changed[0]).tolist() == list(reach)
    assert not changed[1].any()


def test_everything_asked_for_is_followed_by_itself():
    frames, out = small()
    several = out(frames, np.array([[0, 2, 2], [1, 0, 1]]))
    np.testing.assert_allclose(several[:, 1:2], out(frames, np.array([[2], [0]])), atol=1e-4)
    np.testing.assert_allclose(several[0, 1], several[0, 2], atol=1e-5)
    assert np.abs(several[0, 0] - several[0, 1]).max() > 1e-3


def test_boxes_there_and_back():
    boxes = np.array([[1.0, 2, 5, 10]])
    np.testing.assert_array_equal(middles(boxes), [[3, 6, 4, 8]])
    np.testing.assert_array_equal(corners(middles(boxes), 48), boxes)
    np.testing.assert_array_equal(corners(np.array([[1.0, 47, 6, 6], [5, 5, -2, 1]]), 48), [[0, 44, 4, 48], [5, 4.5, 5, 5.5]])  # fmt: skip


def test_the_place_of_a_box():
    config = TrackerConfig(size=48)
    boxes = np.array([[[[0.0, 0, 2, 2], [40, 4, 48, 6], [46, 46, 48, 48]]]])
    hidden = np.array([[[False, False, True]]])
    assert places_asked(boxes, hidden, config).ravel().tolist() == [1, 1 + 12 + 11, 0]
    for wrong in (boxes - 1, boxes + 1, boxes[..., [2, 1, 0, 3]]):
        with pytest.raises(ValueError, match="a box leaves the frame of 48 pixels or ends before it begins"):
            places_asked(wrong, hidden, config)
    with pytest.raises(ValueError, match=r"expected \(N, K, T, 4\) and bool"):
        places_asked(boxes, hidden.astype(int), config)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"size": 46}, "size is 46; expected a multiple of 4"), ({"cell": "lru"}, "cell is 'lru'"),
     ({"channels": ()}, "expected a block"), ({"deep": (0,)}, "expected a block"), ({"hidden": 0}, "hidden is 0")],
)  # fmt: skip
def test_configs_that_cannot_be(wrong, says):
    with pytest.raises(ValueError, match=says):
        TrackerConfig(**wrong)


# scores and baselines


def scene_of(hidden):
    """One scene whose digit moves right by a pixel a frame."""
    T = len(hidden)
    boxes = np.stack([np.array([t, 4, t + 10, 14.0]) for t in range(T)])[None, None]
    return Scenes(np.zeros((1, T, 48, 48), np.uint8), np.array([[3]]), boxes, np.array(hidden)[None, None])


def test_scores_are_of_seen_and_hidden_frames():
    scene = scene_of([False, False, True, True])
    guess = scene.boxes[:, 0].copy()
    guess[0, 3] += 20
    found = scores(guess, np.array([[False, True, True, True]]), scene)
    assert found == {"iou": 0.75, "iou_seen": 1, "iou_hidden": 0.5, "hidden_told": 0.75}


def test_memories_made_by_hand():
    scene = scene_of([True, False, True, True, False, True])
    boxes, hidden = scene.boxes[:, 0].copy(), scene.hidden[:, 0]
    boxes[hidden] = 0
    last, line = filled(boxes, hidden, ahead=False), filled(boxes, hidden, ahead=True)
    assert last[0, :, 0].tolist() == [0, 1, 1, 1, 4, 4]  # nothing came before the first
    assert line[0, :, 0].tolist() == [1, 1, 2, 3, 4, 4]
    assert (boxes[hidden] == 0).all()
    nothing = filled(boxes, np.ones_like(hidden), ahead=True)
    np.testing.assert_array_equal(nothing, boxes)
    assert around(np.array([[False, True, False], [False] * 3]))[:, 0].tolist() == [-1, -(10**6)]


# training


def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path):
    start = partial(tracking.train_tracker, System(Settings(), PARTS, sizes=SIZES), TINY)
    assert assert_resumes(start, tmp_path, 2, inside=("", BASELINE)) == 6


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


def test_train_evaluate_and_follow(capsys, tmp_path):
    run = tmp_path / "run"
    status, result = run_json(capsys, "train", "tracker", "--out", run, "--epochs", 1, "--one-way")
    assert status == 0
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "hiding.png", "tracks.png"]
    for picture in result["pictures"]:
        with Image.open(picture) as image:
            assert min(image.size) > 300
    status, report = run_json(capsys, "evaluate", run)
    assert (report["n"], report["split"], report["frames"], report["one_way"]) == (7, "test", 7 * 16, True)
    assert set(report["baselines"]) == {"middle", "frame_by_frame", "last_seen", "straight_line"}
    assert report["hidden_ratio"] == pytest.approx(
        report["iou_hidden"] / max(report["baselines"]["frame_by_frame"]["iou_hidden"], 1e-9)
    )
    digits = moving_digits.digit_splits("drawn", 0)
    train, test = (tracking.scenes_of(digits, name, 0) for name in ("train", "test"))
    low, high = train.boxes[:, 0, :, :2], train.boxes[:, 0, :, 2:]
    half = (high - low).mean(axis=(0, 1)) / 2  # of training boxes, not of those that are judged
    middle = np.broadcast_to([*(24 - half), *(24 + half)], test.boxes[:, 0].shape)
    expected = iou_of_pairs(middle, test.boxes[:, 0].astype(float)).mean()
    assert report["baselines"]["middle"]["iou"] == pytest.approx(expected, abs=1e-6)
    _, _, _, clip, _, digit = result["next"].split()
    status, told = run_json(capsys, "track", run, clip, "--digit", digit, "--draw", tmp_path / "boxes.gif")
    scenes = scene_split(moving_digits.digit_splits("drawn", 0)["test"], 7, 2)
    assert int(digit) == scenes.digits[0, 0]
    model, _ = tracking.load_tracker(run)
    boxes, _ = model.follow(scenes.frames[:1], scenes.digits[:1, 0])
    np.testing.assert_allclose([row["box"] for row in told["frames"]], boxes[0], atol=0.06)
    with Image.open(tmp_path / "boxes.gif") as image:
        assert image.size == (192, 192)
    assert main(["track", str(run), clip, "--digit", digit]) == 0
    assert f"{clip}: the {digit}, in pixels" in capsys.readouterr().out
    assert main(["evaluate", str(run)]) == 0
    text = capsys.readouterr().out
    assert "frame by frame (the same CNN)" in text
    assert "7 scenes (test)" in text
    assert "(sees ahead)" in text

    assert "--digit is 10; expected 0 to 9" in fails(capsys, "track", run, clip, "--digit", 10)
    assert "expected a name that ends in .gif" in fails(capsys, "track", run, clip, "--digit", 1, "--draw", "a.png")
    assert "holds a run" in fails(capsys, "train", "tracker", "--out", run)
    assert "--seed is 1, but the run" in fails(capsys, "train", "tracker", "--out", run, "--resume", "--seed", 1)
    assert "no split 'novel'" in fails(capsys, "evaluate", run, "--split", "novel")
    for name in (BEST, LAST):
        (run / BASELINE / name).unlink()
    assert "has no baseline yet; go on with: minirnn train tracker" in fails(capsys, "evaluate", run)


def test_a_larger_clip_gets_boxes_in_its_own_pixels(capsys, tmp_path, monkeypatch):
    config = TrackerConfig(**SIZES)
    params, running = init_tracker(np.random.default_rng(0), config)
    model = tracking.Tracker(config, params, running)
    from minirnn.tasks import tracking_commands

    monkeypatch.setattr(tracking_commands, "load_tracker", lambda run: (model, {}))
    small = scene_split(PARTS["test"], 1, 0).frames[0]
    np.save(tmp_path / "small.npy", small)
    np.save(tmp_path / "large.npy", small.repeat(2, axis=1).repeat(3, axis=2))
    (a, b) = (run_json(capsys, "track", tmp_path, tmp_path / f"{name}.npy", "--digit", 1)[1] for name in ("small", "large"))  # fmt: skip
    ratio = np.array(b["frames"][0]["box"]) - np.array(a["frames"][0]["box"]) * [3, 2, 3, 2]
    assert np.abs(ratio).max() < 5  # the squashed frames differ a little


def test_bad_input_gets_one_sentence(capsys, tmp_path):
    run = tmp_path / "run"
    assert "no folder; expected 'drawn'" in fails(capsys, "train", "tracker", "--data", tmp_path / "no", "--out", run)
    assert main(["train", "tracker", "--out", str(run), "--data", str(_two(tmp_path / "two"))]) == 2
    assert "two (train): 2 different digits (0, 1); expected at least 3" in capsys.readouterr().err
    assert not run.exists()
    assert "holds no trained tracker" in fails(capsys, "track", tmp_path, tmp_path, "--digit", 1)


def _two(folder):
    """MNIST's four files, of two digits."""
    folder.mkdir()
    images = PARTS["train"].images
    for part in ("train", "t10k"):
        for name, array in (("images-idx3", images), ("labels-idx1", np.arange(len(images)) % 2)):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            (folder / f"{part}-{name}-ubyte").write_bytes(head + array.astype(np.uint8).tobytes())
    return folder
