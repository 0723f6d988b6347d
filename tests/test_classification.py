"""The classifier as a system: what it learns, resuming, baselines, evaluation, and its commands."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn import checkpoint, plots
from minirnn.cli import main
from minirnn.data import classification as data
from minirnn.data.classification import LabelledImages
from minirnn.errors import DataError
from minirnn.models.classifier import ClassifierConfig, init_classifier, log_probabilities
from minirnn.ops import FAST, READABLE
from minirnn.problem import TrainConfig
from minirnn.tasks import classification_baselines
from minirnn.tasks.classification import (
    Classifier,
    System,
    build,
    confusion,
    fit,
    load_classifier,
    scores,
)
from minirnn.tasks.classification_baselines import baselines
from minirnn.tasks.classification_settings import Settings, model_defaults, train_defaults
from minirnn.train import LAST, train
from tests.runs import assert_resumes, until
from tests.test_image_formats import idx_folder, picture_folder

TRAIN = TrainConfig(epochs=3, batch=8, checks=3, warmup=2, seed=1, lr=0.01)


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


def split_of(images, labels, classes=("a", "b")):
    return LabelledImages.numbered(np.asarray(images, np.uint8), np.asarray(labels, np.int64), classes, "x")


# --- model ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"classes": 1}, {"colours": 0}, {"channels": ()}, {"channels": (0,)}, {"height": 7}, {"drop": 1.0}]
)
def test_configs_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected|need"):
        ClassifierConfig(**{"classes": 3, **wrong})


def test_small_pictures_get_fewer_blocks():
    for size, blocks in ((28, 3), (7, 2), (2, 1)):
        split = split_of(np.zeros((2, size, size, 1)), [0, 1])
        assert len(model_defaults(Settings(kind="idx"), split).channels) == blocks


def test_log_probabilities_add_up_and_do_not_depend_on_the_batch():
    config = ClassifierConfig(classes=3, height=8, width=6, channels=(2, 3), drop=0.5)
    params, running = init_classifier(np.random.default_rng(0), config)
    images = np.random.default_rng(1).random((5, 8, 6, 1), np.float32)
    for ops in (READABLE, FAST):
        logp = log_probabilities(images, running, params, config=config, ops=ops)
        np.testing.assert_allclose(np.exp(logp).sum(axis=1), 1, rtol=1e-5)
        alone = log_probabilities(images[3:4], running, params, config=config, ops=ops)
        np.testing.assert_allclose(alone[0], logp[3], rtol=1e-4, atol=1e-5)


# --- training ------------------------------------------------------------------------------------------------------


def tiny(folder, seed=0):
    system, bad = build(Settings(str(idx_folder(folder / "data", n=48)), "idx", seed, 0))
    assert bad == []
    return replace(system, config=replace(system.config, channels=(3, 4)))


def run(system, folder, *, stop_after=None, **options):
    return until(train(system.problem(), TRAIN, folder, **options), stop_after)


@pytest.mark.parametrize("stop_after", [1, 6, 13])
def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path, stop_after):
    assert tiny(tmp_path).config.drop > 0
    assert_resumes(
        lambda folder, **options: train(tiny(tmp_path).problem(), TRAIN, folder, **options), tmp_path, stop_after
    )


def test_training_is_in_float32_and_of_other_data_is_another_run(tmp_path):
    run(tiny(tmp_path), tmp_path / "run", stop_after=3)
    arrays, _ = checkpoint.load(tmp_path / "run" / LAST)
    assert {str(a.dtype) for name, a in arrays.items() if "step" not in name} == {"float32"}
    system = tiny(tmp_path)
    labels = system.splits["train"].labels.copy()
    labels[0] = 1 - labels[0]
    other = replace(system, splits={**system.splits, "train": replace(system.splits["train"], labels=labels)})
    with pytest.raises(DataError, match="made by another run"):
        run(other, tmp_path / "run", resume=True)


def test_it_learns_what_can_be_learnt(tmp_path):
    system = tiny(tmp_path)
    list(train(system.problem(), replace(TRAIN, epochs=12), tmp_path / "run"))
    model, meta = load_classifier(tmp_path / "run")
    assert meta["task"] == "classifier"
    test = system.splits["test"]
    assert scores(model, test)["accuracy"] == 1
    assert scores(model, test)["log_probability"] > -0.4
    assert confusion(model, test).tolist() == [[5, 0], [0, 5]]
    with pytest.raises(DataError, match=r"pictures have the shape \(8, 8, 1\); the model was trained on \(8, 6, 1\)"):
        model.log_probabilities(np.zeros((1, 8, 8, 1), np.uint8))


class Teller:
    """Says the class of a picture that its first pixel names."""

    classes = ("a", "b", "c")

    def log_probabilities(self, images):
        return np.log(np.eye(3)[images[:, 0, 0, 0]] * 0.7 + 0.1)


def test_scores_and_confusion_count_what_they_say():
    images = np.zeros((4, 2, 2, 1), np.uint8)
    images[:, 0, 0, 0] = [0, 2, 2, 1]
    split = split_of(images, [0, 0, 2, 1], classes=("a", "b", "c"))
    assert confusion(Teller(), split).tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    result = scores(Teller(), split)
    assert result["accuracy"] == 0.75
    assert result["log_probability"] == pytest.approx((3 * np.log(0.8) + np.log(0.1)) / 4)


# --- baselines -----------------------------------------------------------------------------------------------------


def flat(values):
    """Pictures of 2 x 2 grey pixels of one value."""
    return np.repeat(np.array(values, np.uint8), 4).reshape(-1, 2, 2, 1)


def test_each_baseline_is_what_it_says():
    """Means 100 (a) and 140 (b); 0 and 200 are a's too, so nearest mean, neighbour and threshold differ."""
    train = split_of(flat([0, 100, 200, 130, 150]), [0, 0, 0, 1, 1])
    test = split_of(flat([10, 110, 125, 190]), [0, 0, 1, 0])
    assert baselines(train, test) == {
        "most_frequent": 0.75,
        "nearest_mean": 0.75,  # 190 is nearer to 140
        "nearest_neighbour": 1.0,
        "grey_threshold": 0.75,  # between 100 and 130 four of five are right: 190 is told wrong, 125 right
    }


@pytest.mark.parametrize("night", [0, 1])
def test_the_grey_threshold_works_whichever_class_is_lighter(night):
    train = split_of(flat([10, 20, 200, 210]), [night, night, 1 - night, 1 - night])
    test = split_of(flat([0, 105, 106, 255]), [night, night, 1 - night, 1 - night])
    assert baselines(train, test)["grey_threshold"] >= 0.75
    assert baselines(train, train)["grey_threshold"] == 1


def test_nearest_neighbour_looks_at_so_many_and_not_at_the_test(monkeypatch):
    train = split_of(flat(range(0, 200, 2)), np.arange(100) % 2)
    test = split_of(flat(range(0, 200, 2)), np.arange(100) % 2)
    assert baselines(train, test)["nearest_neighbour"] == 1
    monkeypatch.setattr(classification_baselines, "NEIGHBOURS", 10)
    assert baselines(train, test)["nearest_neighbour"] < 0.9
    assert "grey_threshold" not in baselines(*(replace(s, classes=("a", "b", "c")) for s in (train, test)))


# --- commands ------------------------------------------------------------------------------------------------------


def test_train_evaluate_and_classify_drawn_shapes(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "SHAPE_COUNTS", {"train": 128, "val": 16, "test": 24})
    out = tmp_path / "run"
    status, result = run_json(capsys, "train", "classifier", "--out", out, "--epochs", 1, "--size", 16)
    assert status == 0
    assert result["steps"] == 2
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "classes.png", "confusion.png"]
    for picture in result["pictures"]:
        with Image.open(picture) as image:
            assert image.width > 300
    status, report = run_json(capsys, "evaluate", out)
    assert report["n"] == 24
    assert set(report["baselines"]) == {"most_frequent", "nearest_mean", "nearest_neighbour"}
    assert np.sum(report["confusion"]) == 24
    assert run_json(capsys, "evaluate", out, "--split", "val")[1]["n"] == 16

    Image.fromarray(data.shape_split("test", 0, 40).images[0]).save(tmp_path / "one.png")
    status, told = run_json(capsys, "classify", out, tmp_path / "one.png", tmp_path / "one.png")
    assert len(told["images"]) == 2
    assert told["images"][0]["class"] in ("circle", "square", "triangle", "star")
    assert told["images"][0]["top"][0]["probability"] >= told["images"][0]["top"][1]["probability"]
    assert main(["classify", str(out), str(tmp_path / "one.png")]) == 0
    assert capsys.readouterr().out.startswith(str(tmp_path / "one.png"))
    assert main(["evaluate", str(out)]) == 0
    assert "nearest neighbour of 128" in capsys.readouterr().out

    assert "no split 'novel'" in fails(capsys, "evaluate", out, "--split", "novel")
    assert "add --resume" in fails(capsys, "train", "classifier", "--out", out)
    assert "--size is 32" in fails(capsys, "train", "classifier", "--out", out, "--resume", "--size", 32)
    assert "one.txt" in fails(capsys, "classify", out, tmp_path / "one.txt")
    (tmp_path / "page.png").write_bytes(b"<html>")
    assert "page.png" in fails(capsys, "classify", out, tmp_path / "one.png", tmp_path / "page.png")
    told = run_json(capsys, "classify", out, tmp_path / "one.png", tmp_path / "page.png", "--skip-bad")[1]
    assert len(told["images"]) == 1
    assert "page.png" in told["left_out"][0]
    again = run_json(capsys, "train", "classifier", "--out", out, "--resume")[1]
    assert again["steps"] == 2


def test_grey_pictures_of_any_size_are_seen_as_in_training(capsys, tmp_path):
    folder = idx_folder(tmp_path / "data", n=96)
    out = tmp_path / "run"
    run_json(capsys, "train", "classifier", "--data", folder, "--out", out, "--epochs", 2)
    model, _ = load_classifier(out)
    Image.fromarray(np.full((50, 40, 3), 140, np.uint8)).save(tmp_path / "light.png")
    for options, value in (((), 140), (("--invert",), 115)):
        told = run_json(capsys, "classify", out, tmp_path / "light.png", *options)[1]["images"][0]
        expected = np.exp(model.log_probabilities(np.full((1, 8, 6, 1), value, np.uint8))[0])
        assert {top["class"]: top["probability"] for top in told["top"]} == pytest.approx(
            {"0": expected[0], "1": expected[1]}, rel=1e-5
        )
        assert told["class"] == str(expected.argmax())
    pictures = tmp_path / "pictures"  # the test part again, as colour pictures in folders: only labels and grey count
    test = data.load_splits(str(folder), 0)[0]["test"]
    for k, (image, label) in enumerate(zip(test.images, test.labels)):
        for part in ("train", "test"):
            (pictures / part / str(label)).mkdir(parents=True, exist_ok=True)
            square = Image.fromarray(np.repeat(image, 3, axis=2))
            square.save(pictures / part / str(label) / f"{k}.png")
    assert r"shape (8, 8, 1); the model was trained on (8, 6, 1)" in fails(capsys, "evaluate", out, "--data", pictures)
    one_file = folder / "t10k-labels-idx1-ubyte"
    assert run_json(capsys, "evaluate", out, "--data", one_file)[1]["data"] == str(folder)
    assert "keep their own size" in fails(
        capsys, "train", "classifier", "--data", folder, "--out", tmp_path / "b", "--size", 32
    )


def test_pictures_of_other_colours_are_fitted():
    config = ClassifierConfig(classes=2, height=2, width=2, channels=(2,))
    params, running = init_classifier(np.random.default_rng(0), config)
    model = Classifier(config, ("a", "b"), params, running)
    colours = np.zeros((1, 2, 2, 3), np.uint8)
    colours[..., 1] = 100
    fitted = fit(split_of(colours, [0], ("b", "a")), model, "x")
    assert fitted.images.tolist() == [[[[59], [59]], [[59], [59]]]]
    assert fitted.labels.tolist() == [1]
    assert fitted.classes == ("a", "b")
    model = replace(model, config=replace(config, colours=3))
    assert fit(split_of(flat([7]), [0]), model, "x").images.shape == (1, 2, 2, 3)


def test_other_data_are_judged_without_what_the_run_has_seen(capsys, tmp_path):
    folder = picture_folder(tmp_path / "set")
    out = tmp_path / "run"
    run_json(capsys, "train", "classifier", "--data", folder, "--out", out, "--epochs", 1, "--size", 16)
    assert run_json(capsys, "evaluate", out)[1]["n"] == 16
    report = run_json(capsys, "evaluate", out, "--split", "all")[1]
    assert (report["n"], report["already_seen"]) == (16, 16)

    other = picture_folder(tmp_path / "other", parts=("training", "test"))
    for k in range(8):  # other's test part is set's training part, and one new picture a class
        for name in ("cat", "dog"):
            picture = (folder / "training" / name / f"{k}.png").read_bytes()
            (other / "test" / name / f"{k}.png").write_bytes(picture)
    for name in ("cat", "dog"):
        Image.fromarray(np.full((20, 20, 3), 77, np.uint8)).save(other / "test" / name / "new.png")
    report = run_json(capsys, "evaluate", out, "--data", other)[1]
    assert (report["n"], report["already_seen"]) == (2, 16)

    (other / "training" / "cat").rename(other / "training" / "cow")
    (other / "test" / "cat").rename(other / "test" / "cow")
    assert "the class 'cow'; the run knows cat, dog" in fails(capsys, "evaluate", out, "--data", other)


def test_all_drawn_shapes_are_judged_without_those_seen(capsys, tmp_path, monkeypatch):
    """Drawn pictures are not stored with the run: they are drawn again to be known again."""
    monkeypatch.setattr(data, "SHAPE_COUNTS", {"train": 32, "val": 8, "test": 12})
    out = tmp_path / "run"
    run_json(capsys, "train", "classifier", "--out", out, "--epochs", 1, "--size", 16)
    report = run_json(capsys, "evaluate", out, "--split", "all")[1]
    assert (report["n"], report["already_seen"], report["whole"]) == (12, 40, False)
    report = run_json(capsys, "evaluate", out)[1]
    assert (report["n"], report["already_seen"], report["whole"]) == (12, 0, True)
    assert run_json(capsys, "evaluate", out, "--split", "train")[1]["n"] == 32


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--data", "nowhere"], "nowhere does not exist"),
        (["--data", ""], "--data is empty"),
        (["--size", "8"], "--size is 8; expected at least 16"),
        (["--minutes", "0"], "--minutes is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--resume"], None),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(argv, says, capsys, tmp_path):
    out = tmp_path / "out"
    assert (says or "holds no run to go on with") in fails(capsys, "train", "classifier", "--out", out, *argv)


def test_a_folder_without_a_run_is_refused(capsys, tmp_path):
    assert "holds no trained classifier" in fails(capsys, "classify", tmp_path, "a.png")


def test_every_kind_of_data_has_its_defaults():
    for kind in data.KINDS:
        settings = Settings(kind=kind)
        split = split_of(np.zeros((2, 32, 32, 3)), [0, 1])
        assert isinstance(model_defaults(settings, split), ClassifierConfig)
        assert train_defaults(settings).schedule == "cosine"


def test_the_confusion_matrix_is_drawn_for_few_and_many_classes(tmp_path):
    for K in (2, 40):
        counts = np.diag(np.arange(K))
        path = plots.confusion(tmp_path / f"{K}.png", counts, [f"class {k}" for k in range(K)], "title")
        with Image.open(path) as image:
            assert image.width > 200


def test_a_system_keeps_its_pictures_apart(tmp_path):
    system = tiny(tmp_path)
    assert isinstance(system, System)
    marks = {name: set(split.fingerprints()) for name, split in system.splits.items()}
    assert not marks["train"] & marks["val"]
    assert set(system.meta["seen"].split()) == marks["train"] | marks["val"]
