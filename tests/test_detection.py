"""The detector as a system: what it learns, resuming, the baseline, evaluation, and its commands."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn import checkpoint
from minirnn.boxes import Found
from minirnn.cli import main
from minirnn.data import detection as data
from minirnn.data.detection import BoxedImages
from minirnn.errors import DataError
from minirnn.models.detector import DetectorConfig, detector, guesses, init_detector
from minirnn.ops import FAST, READABLE
from minirnn.problem import Step, TrainConfig
from minirnn.tasks import detection
from minirnn.tasks.detection import (
    Detector,
    best_threshold,
    build,
    evaluate,
    load_detector,
    pick,
    scores,
    usual_boxes,
)
from minirnn.tasks.detection_detect import find_in
from minirnn.tasks.detection_pictures import boxes_sheet
from minirnn.tasks.detection_settings import Settings, train_defaults
from minirnn.train import LAST, train
from tests.runs import assert_resumes, until
from tests.test_detection_data import THING, XML, squares, truth

TRAIN = TrainConfig(epochs=3, batch=4, checks=3, warmup=2, seed=1, lr=0.01)
TINY = DetectorConfig(2, ((18.0, 18.0), (22.0, 22.0)), height=32, width=48, channels=(4, 6), head=(6,))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nobody's real cache is touched."""
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "cache"))


def run_json(capsys, *argv):
    status = main([*map(str, argv), "--json"])
    return status, json.loads(capsys.readouterr().out)


def fails(capsys, *argv):
    """Run a command that is to fail with status 2: its one sentence."""
    assert main([*map(str, argv)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = [line for line in captured.err.splitlines() if line.startswith("minirnn: ")]
    assert "Traceback" not in captured.err
    return line


def a_model(seed=0, config=TINY):
    return init_detector(np.random.default_rng(seed), config)


# --- model -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"classes": 0}, {"anchors": ()}, {"anchors": ((1.0,),)}, {"anchors": ((0.0, 2.0),)}, {"channels": ()},
     {"head": (0,)}, {"height": 30}, {"width": 0}, {"weights": (1.0, 1.0)}, {"weights": (1.0, -1.0, 1.0)}],
)  # fmt: skip
def test_configs_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected|need"):
        replace(TINY, **wrong)


def test_guesses_do_not_depend_on_the_batch_nor_on_the_twins():
    params, running = a_model()
    images = np.random.default_rng(1).random((3, 32, 48, 3), np.float32)
    both = [guesses(images, running, params, config=TINY, ops=ops) for ops in (READABLE, FAST)]
    for a, b in zip(*both):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    boxes, chance = both[0]
    assert boxes.shape == (3, 8 * 12 * 2, 4)
    assert chance.shape == (3, 8 * 12 * 2, 2)
    assert (chance.sum(axis=2) < 0.5).all()  # before training nothing is likely to be a thing
    assert (boxes[..., :2] <= boxes[..., 2:]).all()
    assert (boxes.min(), boxes[..., 2].max(), boxes[..., 3].max()) >= (0, 0, 0)
    assert boxes[..., 2].max() <= 48
    assert boxes[..., 3].max() <= 32
    alone = guesses(images[2:], running, params, config=TINY)
    np.testing.assert_allclose(alone[0][0], boxes[2], rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="expected 32 x 48 pixels"):
        guesses(images[:, :16], running, params, config=TINY)


def test_the_loss_by_hand():
    """Two cells, one anchor: answers are the last layer's biases, because its weights are 0."""
    config = DetectorConfig(2, ((2.0, 2.0),), height=2, width=4, channels=(1,), head=(), weights=(2.0, 3.0, 5.0))
    params, running = init_detector(np.random.default_rng(0), config, np.float64)
    answers = np.array([np.log(3), 0.5, 0.05, 0, 0, 0, np.log(4)])
    params = params._replace(out=params.out._replace(W=params.out.W * 0, b=answers))
    there, one = np.array([True, False]).reshape(1, 1, 2, 1), np.zeros((1, 1, 2, 1), int)
    images, shifts = np.ones((1, 2, 4, 3)), np.zeros((1, 1, 2, 1, 4))
    shifts[0, 0, 1] = 7  # of the cell without a thing: never read

    def loss(things, counts):
        data = images, things, counts, shifts, one
        return detector.forward(*data, running, params, config=config, training=False)[0][0]

    found = 2 * np.log(4 / 3) + 3 * (0.45 + 0.05**2 / 0.2) / 4 + 5 * np.log(5)
    assert loss(there, there) == pytest.approx(found)
    everywhere = np.ones_like(there)
    no = 2 * np.log(4)  # what it costs to say 3/4 where nothing is
    assert loss(there, everywhere) == pytest.approx(found + (no - 2 * np.log(4 / 3)) / 2)
    assert loss(~everywhere, everywhere) == pytest.approx(no)
    with pytest.raises(ValueError, match="counts nothing"):
        loss(~everywhere, ~everywhere)


# --- training --------------------------------------------------------------------------------------------------------


def tiny(folder, seed=0, flips="both", parts=None):
    if not (folder / "data").exists():
        squares(folder / "data", parts or {"train": 12, "val": 4, "test": 6})
    system, bad = build(Settings(str(folder / "data"), seed, 48, 32, 2, flips))
    assert bad == []
    return replace(system, config=replace(system.config, channels=(4, 6), head=(6,)))


def run(system, folder, *, stop_after=None, **options):
    return until(train(system.problem(), TRAIN, folder, **options), stop_after)


@pytest.mark.parametrize("stop_after", [1, 3, 7])
def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path, stop_after):
    assert_resumes(
        lambda folder, **options: train(tiny(tmp_path).problem(), TRAIN, folder, **options), tmp_path, stop_after
    )


def test_training_is_in_float32_and_with_other_boxes_another_run(tmp_path):
    run(tiny(tmp_path), tmp_path / "run", stop_after=3)
    arrays, _ = checkpoint.load(tmp_path / "run" / LAST)
    assert {str(a.dtype) for name, a in arrays.items() if "step" not in name} == {"float32"}
    system = tiny(tmp_path)
    train = system.splits["train"]
    moved = train.truth[0]._replace(boxes=train.truth[0].boxes * 0.99)
    other = replace(system, splits={**system.splits, "train": replace(train, truth=(moved, *train.truth[1:]))})
    with pytest.raises(DataError, match="made by another run"):
        run(other, tmp_path / "run", resume=True)


def test_it_learns_to_find_squares(tmp_path):
    system = tiny(tmp_path, parts={"train": 24, "val": 6, "test": 10})
    system = replace(system, config=replace(system.config, channels=(8, 12, 16), head=()))
    list(train(system.problem(), replace(TRAIN, epochs=40, lr=0.02, batch=8), tmp_path / "run"))
    model, meta = load_detector(tmp_path / "run")
    assert meta["task"] == "detector"
    test = system.splits["test"]
    report = evaluate(model, test, system.splits["train"])
    assert report["map50"] > 0.8
    assert report["baselines"]["usual_boxes"]["map50"] < 0.4
    assert report["threshold"] == model.threshold == meta["scores"]["threshold"]
    assert report["per_class"]["dark"]["boxes"] + report["per_class"]["light"]["boxes"] == report["boxes"] == 15
    with pytest.raises(DataError, match=r"pictures have the shape \(8, 8, 3\); the model was trained on \(32, 48, 3\)"):
        model.find(np.zeros((1, 8, 8, 3), np.uint8))


def test_a_batch_of_empty_pictures_is_learnt_from(tmp_path):
    system = tiny(tmp_path)
    train = system.splits["train"]
    empty = replace(train, truth=tuple(truth() for _ in train.truth))
    events = run(replace(system, splits={**system.splits, "train": empty}), tmp_path / "run")
    losses = [event.loss for event in events if isinstance(event, Step)]
    assert losses[-1] < losses[0]


# --- what is picked and how it is judged -----------------------------------------------------------------------------


def test_guesses_of_one_thing_become_one_box_a_class():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30], [0, 0, 10, 10]], float)
    chance = np.array([[0.6, 0.3], [0.7, 0.0], [0.0, 0.009], [0.1, 0.2]])
    found = pick(boxes, chance)
    assert found.scores.tolist() == [0.7, 0.3]
    assert found.labels.tolist() == [0, 1]
    assert found.boxes.tolist() == [[1, 0, 11, 10], [0, 0, 10, 10]]
    many = np.tile(np.arange(150.0)[:, None], (1, 4)) * [3, 0, 3, 0] + [0, 0, 2, 2]
    most = pick(many, np.linspace(0.2, 0.9, 150)[:, None])
    assert len(most.scores) == 100
    assert most.scores.min() > 0.4
    assert len(pick(boxes, chance * 0).scores) == 0


def one(box, score, label=0):
    return Found(np.array([box], float), np.array([score]), np.array([label]))


def test_the_threshold_has_the_best_f1():
    box, far = [0, 0, 10, 10], [40, 40, 50, 50]
    found = [one(box, 0.9), one(far, 0.8), one(box, 0.7, 1), one(far, 0.6), one(far, 0.5)]
    there = [truth(box), truth(box), truth(box, labels=[1]), truth(), truth(box)]
    # after 1, 2, 3, … boxes: hits 1 1 2 2 2 of four things
    threshold, f1 = best_threshold(found, there, 2)
    assert (threshold, f1) == (0.7, pytest.approx(2 * 2 / (4 + 3)))
    assert best_threshold([one(box, 0.5), one(far, 0.5)], [truth(box), truth(box)], 1) == (0.5, pytest.approx(0.5))
    assert best_threshold([Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))], [truth(box)], 1) == (0.5, 0.0)


def boxed(truths, size=(16, 24)):
    n = len(truths)
    images = np.zeros((n, *size, 3), np.uint8)
    return BoxedImages(images, tuple(truths), ("a", "b", "c"), tuple(map(str, range(n))))


def test_the_baseline_has_usual_boxes_at_usual_places():
    """Class a: one a picture, at (6, 5) on average; class b: four a picture, in a grid around their mean; class c: none."""
    many = [[x, y, x + 4, y + 4] for x in (4, 16) for y in (2, 10)]
    train = boxed(
        [truth([0, 0, 4, 4], *many, labels=[0] + [1] * 4), truth([6, 4, 14, 12], *many, labels=[0] + [1] * 4)]
    )
    found = usual_boxes(train, boxed([truth(), truth(), truth()]))
    assert len(found) == 3
    assert found[0].labels.tolist() == [0, 1, 1, 1, 1]
    assert found[0].boxes[0].tolist() == [3, 2, 9, 8]
    assert sorted(found[0].boxes[1:].tolist()) == sorted(
        [[4.0, 2, 8, 6], [16, 2, 20, 6], [4, 10, 8, 14], [16, 10, 20, 14]]
    )
    assert evaluate(Sayer([one([0, 0, 1, 1], 0.9)] * 2), train, train)["baselines"]["usual_boxes"] == {
        "map50": pytest.approx(0.5),
        "per_class": {"a": 0.0, "b": 1.0, "c": None},
    }


class Sayer:
    """A detector that says what it was told to."""

    classes, threshold = ("a", "b", "c"), 0.5

    def __init__(self, found):
        self.found = found

    def find(self, images):
        return self.found


def test_evaluation_counts_what_is_said():
    box, far = [0, 0, 10, 10], [12, 6, 20, 14]
    split = boxed([truth(box, far), truth(box, labels=[1]), truth()])
    said = [one(box, 0.9), one(box, 0.4, 1), one(far, 0.6)]
    report = evaluate(Sayer(said), split, split)
    assert (report["n"], report["boxes"], report["threshold"]) == (3, 3, 0.5)
    assert report["per_class"]["a"] == {"boxes": 2, "average_precision": 0.5, "precision": 0.5, "recall": 0.5}
    assert report["per_class"]["b"] == {"boxes": 1, "average_precision": 1.0, "precision": None, "recall": 0.0}
    assert report["per_class"]["c"] == {"boxes": 0, "average_precision": None, "precision": None, "recall": None}
    assert report["map50"] == pytest.approx(0.75)
    assert (report["precision"], report["recall"]) == (pytest.approx(1 / 2), pytest.approx(1 / 3))
    assert scores(Sayer(said), split) == {"map50": pytest.approx(0.75), "f1": pytest.approx(2 / 3), "threshold": 0.4}


def test_boxes_come_back_in_the_pixels_of_the_picture():
    params, running = a_model()
    params = params._replace(out=params.out._replace(b=params.out.b.reshape(2, 7) * [0.2, 1, 1, 1, 1, 1, 1]))
    params = params._replace(out=params.out._replace(b=params.out.b.reshape(-1)))
    model = Detector(TINY, ("a", "b"), params, running)
    image = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    same = find_in(model, image)
    assert len(same.boxes) > 3
    large = find_in(model, image.repeat(3, axis=0).repeat(2, axis=1))
    assert large.boxes[:, 2].max() > 48
    near = model.find(data.squashed(image.repeat(3, axis=0).repeat(2, axis=1), (32, 48))[None])[0]
    np.testing.assert_allclose(large.boxes, near.boxes * [2, 3, 2, 3])


# --- commands --------------------------------------------------------------------------------------------------------


def test_train_evaluate_and_detect_drawn_scenes(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "SCENE_COUNTS", {"train": 64, "val": 8, "test": 12})
    out = tmp_path / "run"
    status, result = run_json(capsys, "train", "detector", "--out", out, "--epochs", 2)
    assert (status, result["steps"]) == (0, 8)
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "boxes.png", "precision_recall.png"]
    for picture in result["pictures"]:
        with Image.open(picture) as image:
            assert image.width > 500
    assert result["next"] == f"minirnn detect {out} {out / 'scene.png'} --picture found.png"
    _, report = run_json(capsys, "evaluate", out)
    assert (report["n"], report["sizes"]) == (12, {"train": 64, "val": 8, "test": 12})
    assert set(report["per_class"]) == {"circle", "square", "triangle", "star"}
    assert run_json(capsys, "evaluate", out, "--split", "val")[1]["n"] == 8
    assert run_json(capsys, "evaluate", out, "--split", "all")[1]["n"] == 12
    assert main(["evaluate", str(out)]) == 0
    assert "baseline AP" in capsys.readouterr().out

    picture = tmp_path / "found.png"
    argv = ["detect", out, out / "scene.png", "--threshold", 0.01, "--picture", picture]
    _, told = run_json(capsys, *argv)
    (only,) = told["images"]
    assert (only["width"], only["height"]) == (64, 64)
    assert [set(row) for row in only["boxes"]] == [{"class", "score", "left", "top", "right", "bottom"}] * len(
        only["boxes"]
    )
    assert [row["score"] for row in only["boxes"]] == sorted((row["score"] for row in only["boxes"]), reverse=True)
    with Image.open(picture) as image:
        assert image.width > 500
    twice = show_of(capsys, "detect", out, out / "scene.png", out / "scene.png", "--picture", picture)
    assert twice.count("scene.png: ") == 2
    assert "nothing" in show_of(capsys, "detect", out, out / "scene.png", "--threshold", 1)

    assert "no split 'novel'" in fails(capsys, "evaluate", out, "--split", "novel")
    assert "--threshold is 2" in fails(capsys, "detect", out, out / "scene.png", "--threshold", 2)
    assert "add --resume" in fails(capsys, "train", "detector", "--out", out)
    assert "--flips is both" in fails(capsys, "train", "detector", "--out", out, "--resume", "--flips", "both")
    (tmp_path / "page.png").write_bytes(b"<html>")
    assert "page.png" in fails(capsys, "detect", out, out / "scene.png", tmp_path / "page.png")
    told = run_json(capsys, "detect", out, out / "scene.png", tmp_path / "page.png", "--skip-bad")[1]
    assert len(told["images"]) == 1
    assert "page.png" in told["left_out"][0]
    assert run_json(capsys, "train", "detector", "--out", out, "--resume")[1]["steps"] == 8


def show_of(capsys, *argv):
    assert main([*map(str, argv)]) == 0
    return capsys.readouterr().out


def test_a_folder_of_ones_own_and_another_to_judge_it_on(capsys, tmp_path):
    folder = squares(tmp_path / "set", {"train": 8, "val": 2, "test": 3})
    out = tmp_path / "run"
    argv = ("train", "detector", "--data", folder, "--out", out, "--width", 64, "--anchors", 1, "--epochs", 1)
    result = run_json(capsys, *argv)[1]
    assert "next" not in result
    meta = load_detector(out)[1]
    assert (meta["model"]["height"], meta["model"]["width"], len(meta["model"]["anchors"])) == (48, 64, 1)
    report = run_json(capsys, "evaluate", out)[1]
    assert (report["n"], report["boxes"], report["already_seen"], report["whole"]) == (3, 4, 0, True)
    assert run_json(capsys, "evaluate", out, "--split", "all")[1]["n"] == 3

    other = squares(tmp_path / "other", {"train": 2, "val": 1, "test": 2}, seed=1)
    for k in range(2):  # the first picture of other's test part is one that the run was trained on
        name = ("train1", "new1")[k]
        for kind, sub in ((".png", "JPEGImages"), (".xml", "Annotations")):
            source = (folder if k == 0 else other) / sub / f"{('train1', 'test1')[k]}{kind}"
            (other / sub / f"x{name}{kind}").write_bytes(source.read_bytes())
    (other / "ImageSets" / "Main" / "test.txt").write_text("xtrain1\nxnew1\n")
    report = run_json(capsys, "evaluate", out, "--data", other)[1]
    assert (report["n"], report["already_seen"], report["whole"]) == (1, 1, False)

    swapped = squares(tmp_path / "swapped", {"train": 2, "val": 1, "test": 2}, names=("dark", "grey"))
    assert "the class 'grey'; the run knows dark, light" in fails(capsys, "evaluate", out, "--data", swapped)
    assert "cannot be judged on scenes" in fails(capsys, "evaluate", out, "--data", "scenes")
    last = folder / "Annotations" / "val1.xml"
    kept = last.read_text()
    last.write_text(kept.replace("dark", "light"))
    assert "set has changed since the run in" in fails(capsys, "evaluate", out)
    last.write_text(kept)
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(folder / "JPEGImages" / "train0.png")
    assert "set has changed since the run in" in fails(capsys, "evaluate", out)


def test_boxes_outside_the_picture_are_refused_in_one_sentence(capsys, tmp_path):
    folder = squares(tmp_path / "set", {"train": 3, "val": 1, "test": 1})
    (folder / "Annotations" / "train0.xml").write_text(
        XML.format(name="train0.png", size=(96, 64), things=THING.format("dark", 90, 1, 97, 20))
    )
    argv = ("train", "detector", "--data", folder, "--out", tmp_path / "run", "--epochs", 1)
    line = fails(capsys, *argv)
    assert "object 1 (dark) reaches outside its 96 x 64 picture: xmin 90, ymin 1, xmax 97, ymax 20" in line


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--data", "nowhere"], "nowhere"),
        (["--data", ""], "--data is empty"),
        (["--width", "64"], "drawn scenes have their own size"),
        (["--data", ".", "--width", "100"], "--width is 100; expected a multiple of 16, at least 32"),
        (["--anchors", "0"], "--anchors is 0; expected at least 1"),
        (["--minutes", "0"], "--minutes is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--resume"], "holds no run to go on with"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(argv, says, capsys, tmp_path):
    assert says in fails(capsys, "train", "detector", "--out", tmp_path / "out", *argv)


def test_a_folder_without_a_run_is_refused(capsys, tmp_path):
    assert "holds no trained detector" in fails(capsys, "detect", tmp_path, "a.png")


def test_defaults_fit_the_data():
    assert train_defaults(Settings()).schedule == train_defaults(Settings("somewhere")).schedule == "cosine"
    assert detection.change_of(Settings(flips="both")).upside
    assert not detection.change_of(Settings()).upside


def test_a_dollar_in_a_name_begins_no_formula(tmp_path):
    """matplotlib would refuse `$_$` as a formula."""
    found = Found(np.array([[2.0, 2, 9, 9]]), np.array([0.9]), np.array([0]))
    picture = boxes_sheet(
        tmp_path / "boxes.png", [np.zeros((12, 12, 3), np.uint8)], [found], ["$_$"], names=["a$_$b.png"], scores=True
    )
    assert picture.stat().st_size > 1000
