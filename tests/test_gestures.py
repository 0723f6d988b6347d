"""Gestures: files of tracks, folds that keep recordings apart, features, baselines, and the commands."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn import checkpoint, plots
from minirnn.cli import main
from minirnn.data.gestures import (
    ASPECT,
    CLASSES,
    FEATURES,
    FOLDS,
    POINTS,
    Tracks,
    augment,
    drawn_tracks,
    features,
    folds,
    load_tracks,
    load_unlabelled,
    recordings,
    split_tracks,
)
from minirnn.errors import DataError
from minirnn.problem import TrainConfig
from minirnn.tasks import gestures
from minirnn.tasks.gestures import Settings, System, baselines
from minirnn.tasks.gestures_commands import _sheet
from minirnn.train import BEST, train
from tests.runs import assert_resumes, state_of

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")) / "gestures"
real = pytest.mark.skipif(not DATA.exists(), reason=f"no data at {DATA}")
TINY = TrainConfig(epochs=2, batch=16, checks=2, warmup=2, seed=1)


def line(label=0, values=None):
    """One line of a file of tracks."""
    return ",".join(map(str, [label, *(np.linspace(0, 0.31, 32).round(4) if values is None else values)]))


def file(folder, *lines, name="tracks.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def sliding(count=12, length=8, seed=0):
    """`count` recordings of `length` windows each, as the real file holds them."""
    rng = np.random.default_rng(seed)
    windows = []
    for _ in range(count):
        path = rng.normal(0, 0.02, (POINTS + length - 1, 2)).cumsum(axis=0)
        windows += [path[k : k + POINTS] - path[k] for k in range(length)]
    xy = np.stack(windows).astype(np.float32)
    return Tracks(xy, np.repeat(np.arange(count) % 4, length), CLASSES)


# files


def test_a_file_of_tracks(tmp_path):
    shifted = np.linspace(0, 0.31, 32).round(4) + 0.5
    tracks = load_tracks(file(tmp_path, "\ufeff" + line(3), "", line(1, shifted) + "\r"))
    assert tracks.labels.tolist() == [3, 1]
    assert tracks.names == CLASSES
    np.testing.assert_allclose(tracks.xy[0, :, 0], np.linspace(0, 0.31, 32).round(4)[::2], rtol=1e-6)
    np.testing.assert_allclose(tracks.xy[1], tracks.xy[0] - tracks.xy[0, 0], atol=1e-6)
    assert (tracks.xy[:, 0] == 0).all()


def test_a_folder_with_names_of_its_own(tmp_path):
    file(tmp_path, line(2), name="point_history.csv")
    file(tmp_path, "\ufeffUp", "Down", "Zigzag", name="point_history_classifier_label.csv")
    assert load_tracks(tmp_path).names == ("up", "down", "zigzag")
    file(tmp_path, "same", "same", name="point_history_classifier_label.csv")
    with pytest.raises(DataError, match="expected at least 2, each once"):
        load_tracks(tmp_path)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("0,1,2", "line 2 holds 3 values; expected 33"),
        (line() + ",0", "line 2 holds 34 values"),
        (line(4), r"line 2: the class is '4'; expected one of 0 \(stop\)"),
        (line(-1), "the class is '-1'"),
        (line("stop"), "the class is 'stop'"),
        (line(0, ["x", *[0] * 31]), "line 2: 'x' is not a number"),
        (line(0, ["nan", *[0] * 31]), "'nan' is not a number"),
        (line(0, [300, *[0] * 31]), "line 2: 300 is too large; expected shares"),
    ],
)
def test_a_bad_line_is_named(tmp_path, bad, says):
    with pytest.raises(DataError, match=says) as caught:
        load_tracks(file(tmp_path, line(), bad))
    assert "tracks.csv" in str(caught.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_tracks(tmp_path)
    with pytest.raises(DataError, match="holds no track"):
        load_tracks(file(tmp_path, "  "))
    (tmp_path / "latin.csv").write_bytes(b"0,\xe9")
    with pytest.raises(DataError, match="not UTF-8"):
        load_tracks(tmp_path / "latin.csv")


def test_tracks_without_a_class(tmp_path):
    values = np.linspace(0.2, 0.51, 32).round(4)
    points = [f"{x},{y}" for x, y in values.reshape(-1, 2)]
    for lines in (points, [line(0, values)], [",".join(map(str, values))]):
        (xy,) = load_unlabelled(file(tmp_path, *lines))
        np.testing.assert_allclose(xy, values.reshape(-1, 2) - 0.2 - [0, 0.01], atol=1e-6)
    for lines, says in ((points[1:], "holds 15 points; expected 16"), ([*points[1:], "1,2,3"], "line 16 holds 3 values"),
                        (["1,2,3"], "holds 3 values; expected 16 pairs"), ([*points[1:], "a,b"], "'a' is not a number")):  # fmt: skip
        with pytest.raises(DataError, match=says):
            load_unlabelled(file(tmp_path, *lines))


# folds


def test_recordings_are_found_again():
    tracks = sliding()
    assert recordings(tracks.xy).tolist() == np.repeat(np.arange(12), 8).tolist()
    assert recordings(drawn_tracks(20).xy).tolist() == list(range(20))
    assert recordings(tracks.xy[:0]).tolist() == []


@pytest.mark.parametrize("by", ["row", "recording"])
def test_every_track_is_held_out_once(by):
    tracks = sliding()
    where = folds(tracks, seed=3, by=by)
    assert set(where) == set(range(FOLDS))
    groups = np.arange(96) if by == "row" else recordings(tracks.xy)
    sizes = [len(set(groups[where == k])) for k in range(FOLDS)]
    assert max(sizes) - min(sizes) <= 1
    assert (folds(tracks, 3, by) == where).all()
    assert (folds(tracks, 4, by) != where).any()
    for fold in range(FOLDS):
        splits = split_tracks(tracks, fold, 3, by)
        assert sum(map(len, splits.values())) == 96
        np.testing.assert_array_equal(splits["test"].xy, tracks.xy[where == fold])
        assert min(map(len, splits.values())) > 0


def test_no_recording_is_in_two_splits():
    tracks = sliding()
    of = {row.tobytes(): int(name) for row, name in zip(tracks.xy, recordings(tracks.xy))}
    for fold in range(FOLDS):
        seen = [{of[row.tobytes()] for row in s.xy} for s in split_tracks(tracks, fold, by="recording").values()]
        assert sum(map(len, seen)) == len(set().union(*seen)) == 12


def test_too_few_tracks_for_folds():
    with pytest.raises(DataError, match="there are 9 rows"):
        folds(drawn_tracks(9))
    with pytest.raises(DataError, match="there are 3 recordings"):
        folds(sliding(3), by="recording")


# drawn tracks, features, augmentation


def turning(xy):
    """Twice the area that tracks go round, positive where they go round clockwise (y is down)."""
    p = xy * [ASPECT, 1] - (xy * [ASPECT, 1]).mean(axis=1, keepdims=True)
    return (p[:, :-1, 0] * p[:, 1:, 1] - p[:, :-1, 1] * p[:, 1:, 0]).sum(axis=1)


def test_drawn_tracks_are_what_they_are_called():
    tracks = drawn_tracks(2000, seed=1)
    round_about = turning(tracks.xy)
    assert (round_about[tracks.labels == 1] > 0).mean() > 0.97
    assert (round_about[tracks.labels == 2] < 0).mean() > 0.97
    reach = np.ptp(tracks.xy, axis=1).max(axis=1)
    assert np.median(reach[tracks.labels == 0]) < 0.25 * np.median(reach[tracks.labels == 3])
    np.testing.assert_array_equal(drawn_tracks(2000, seed=1).xy, tracks.xy)
    assert (drawn_tracks(2000, seed=2).xy != tracks.xy).any()
    assert tracks.xy.dtype == np.float32


def test_features_know_shape_and_size_apart():
    xy = drawn_tracks(50).xy.astype(np.float64)
    f = features(xy)
    assert f.shape == (50, POINTS, FEATURES)
    np.testing.assert_allclose(features(xy + 0.3), f, atol=1e-9)
    large = features(1000 * xy)  # so large that the smallest size that is told apart no longer counts
    larger = features(2000 * xy)
    np.testing.assert_allclose(larger[:, :, :6], large[:, :, :6], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(larger[:, :, 6] - large[:, :, 6], np.log(2), atol=1e-3)
    mirrored = features(xy * [-1, 1])
    np.testing.assert_allclose(mirrored[:, :, 5], -f[:, :, 5], atol=1e-9)  # the sine of the turn
    np.testing.assert_allclose(mirrored[:, :, 4], f[:, :, 4], atol=1e-9)
    assert np.isfinite(features(np.zeros((1, POINTS, 2), np.float32))).all()
    assert features(xy.astype(np.float32)).dtype == np.float32


def test_augmented_tracks_stay_what_they_are():
    tracks = drawn_tracks(800)
    before = tracks.xy.copy()
    some = augment(tracks.xy, np.random.default_rng(0))
    np.testing.assert_array_equal(tracks.xy, before)
    assert (some[:, 0] == 0).all()
    assert some.dtype == np.float32
    large = (np.ptp(before, axis=1).max(axis=1) > 0.05) & np.isin(tracks.labels, (1, 2))
    assert (np.sign(turning(some[large])) == np.sign(turning(before[large]))).mean() > 0.99
    size = np.ptp(some, axis=1).max(axis=1)[large] / np.ptp(before, axis=1).max(axis=1)[large]
    assert 0.5 < size.min() < 0.9 < 1.1 < size.max() < 2.2


# training


def tiny(**settings):
    return System(Settings(**settings), drawn_tracks(120), hidden=6)


def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path):
    assert_resumes(partial(train, tiny().problem(), TINY), tmp_path, 4)


def test_another_seed_makes_another_run(tmp_path):
    for seed in (0, 5):
        list(train(replace(tiny(), settings=Settings(seed=seed)).problem(), TINY, tmp_path / str(seed)))
    losses = [state_of(tmp_path / name)[1]["losses"] for name in ("0", "5")]
    assert losses[0] != losses[1]


def test_five_models_are_trained_and_each_is_judged_on_what_it_has_not_seen(tmp_path, monkeypatch):
    system = tiny(folds=True)
    list(gestures.train_gestures(system, TINY, tmp_path))
    judged = []
    monkeypatch.setattr(gestures, "report", lambda model, known, test: judged.append((known, test)) or {})
    for fold in range(FOLDS):
        gestures.evaluate_fold(tmp_path, fold, "test", system.tracks)
    everything = np.concatenate([test.xy for _, test in judged])
    assert sorted(r.tobytes() for r in everything) == sorted(r.tobytes() for r in system.tracks.xy)
    for known, test in judged:
        assert not {r.tobytes() for r in known.xy} & {r.tobytes() for r in test.xy}
        assert len(known) + len(test) == 120


def test_baselines_are_what_they_say():
    rng = np.random.default_rng(0)
    xy = rng.standard_normal((90, POINTS, 2)).astype(np.float32)
    labels = (xy[:, 3, 1] > 0.3).astype(np.int64)  # a linear rule
    known, test = Tracks(xy[:60], labels[:60], ("a", "b")), Tracks(xy[60:], labels[60:], ("a", "b"))
    found = {name: row["accuracy"] for name, row in baselines(known, test).items()}
    assert found["majority"] == (test.labels == 0).mean()
    assert found["linear_softmax"] > max(found["majority"], found["nearest_neighbour"])
    nearest = [known.labels[((known.xy - t) ** 2).sum(axis=(1, 2)).argmin()] for t in test.xy]
    assert found["nearest_neighbour"] == (np.array(nearest) == test.labels).mean()
    assert baselines(known, known)["nearest_neighbour"]["accuracy"] == 1


def test_confusion_and_scores():
    tracks = Tracks(np.zeros((3, POINTS, 2), np.float32), np.array([0, 1, 1]), ("a", "b"))
    chance = np.array([[0.9, 0.1], [0.8, 0.2], [0.5 - 1e-9, 0.5]])
    assert gestures.confusion(chance, tracks).tolist() == [[1, 0], [1, 1]]
    assert gestures.accuracy(chance, tracks) == pytest.approx(2 / 3)
    assert gestures.log_likelihood(chance, tracks) == pytest.approx(np.log([0.9, 0.2, 0.5]).mean())


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


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(gestures, "DRAWN", 600)


def test_train_evaluate_and_recognise(small, capsys, tmp_path):
    run = tmp_path / "run"
    status, result = run_json(capsys, "train", "gestures", "--out", run, "--epochs", 25)
    assert status == 0
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "confusion.png", "tracks.png"]
    for picture in result["pictures"]:
        with Image.open(picture) as image:
            assert min(image.size) > 300
    status, report = run_json(capsys, "evaluate", run)
    assert (report["n"], report["split"], report["by"]) == (120, "test", "row")
    assert report["accuracy"] > 0.85
    assert set(report["baselines"]) == {"majority", "linear_softmax", "nearest_neighbour"}
    assert np.sum(report["confusion"]) == 120
    assert np.trace(report["confusion"]) == round(report["accuracy"] * 120)
    track = result["next"].split()[-1]
    status, told = run_json(capsys, "gesture", run, track, track)
    assert len(told["tracks"]) == 2
    (shares,) = {tuple(row["probabilities"].items()) for row in told["tracks"]}
    assert sum(share for _, share in shares) == pytest.approx(1, abs=1e-3)
    assert told["tracks"][0]["gesture"] == max(shares, key=lambda pair: pair[1])[0]
    assert main(["gesture", str(run), track]) == 0
    assert capsys.readouterr().out.startswith(f"{track}: {told['tracks'][0]['gesture']}")
    assert main(["evaluate", str(run)]) == 0
    text = capsys.readouterr().out
    assert "nearest neighbour" in text
    assert "overlap" not in text


@pytest.mark.parametrize("right", [True, False])
def test_the_picture_of_tracks_with_and_without_mistakes(tmp_path, monkeypatch, right):
    """No mistake at all, or nothing but one mistake, made by tracks that are all alike."""
    test = drawn_tracks(30) if right else Tracks(np.zeros((9, POINTS, 2), np.float32), np.full(9, 3), CLASSES)
    chance = np.eye(4)[test.labels if right else 3 - test.labels]
    drawn = {}
    monkeypatch.setattr(plots, "tracks_sheet", lambda path, xy, says, right, notes, **_: drawn.update(
        says=says, right=right, notes=notes, n=len(xy)))  # fmt: skip
    _sheet(test, chance, tmp_path / "tracks.png")
    assert drawn["right"] == [right] * (12 if right else 1)
    assert drawn["n"] == len(drawn["says"]) == len(drawn["notes"])
    assert all(note.startswith("labelled move") != right for note in drawn["notes"])


def test_folds_from_a_file_resumed_and_judged_on_another(capsys, tmp_path):
    tracks = sliding(20, 6)
    rows = [line(label, xy.ravel().tolist()) for xy, label in zip(tracks.xy, tracks.labels)]
    data, other, run = file(tmp_path, *rows), file(tmp_path, *rows[:30], name="other.csv"), tmp_path / "run"
    command = ("train", "gestures", "--data", data, "--out", run, "--epochs", 2, "--folds", "--by", "recording")
    status, result = run_json(capsys, *command)
    assert status == 0
    assert len(result["folds"]["each"]) == FOLDS
    assert result["folds"]["accuracy"] == pytest.approx(np.mean(result["folds"]["each"]))
    assert result["folds"]["each"][0] == run_json(capsys, "evaluate", run)[1]["accuracy"]
    before = checkpoint.load(run / "fold-5" / BEST)[0]
    for path in (run / "fold-5").iterdir():
        path.unlink()
    assert "holds no model for fold 5 yet; go on with" in fails(capsys, "evaluate", run)
    status, again = run_json(capsys, "train", "gestures", "--out", run, "--resume")
    assert again["folds"] == result["folds"]
    after = checkpoint.load(run / "fold-5" / BEST)[0]
    assert all(before[k].tobytes() == after[k].tobytes() for k in before)
    assert run_json(capsys, "evaluate", run, "--data", other)[1]["n"] == 30
    assert "mean of 5 folds" in (main(["evaluate", str(run)]), capsys.readouterr().out)[1]

    assert "--by is row, but the run" in fails(capsys, "train", "gestures", "--out", run, "--resume", "--by", "row")
    assert "holds a run" in fails(capsys, "train", "gestures", "--out", run)
    assert "no split 'novel'" in fails(capsys, "evaluate", run, "--split", "novel")
    file(tmp_path, *rows[:-1])
    assert "has changed since" in fails(capsys, "evaluate", run)
    assert "made by another run (tracks" in fails(capsys, "train", "gestures", "--out", run, "--resume")


def test_a_report_by_row_says_when_neighbours_were_trained_on(capsys, tmp_path):
    tracks, run = sliding(20, 6), tmp_path / "run"
    data = file(tmp_path, *[line(k, xy.ravel().tolist()) for xy, k in zip(tracks.xy, tracks.labels)])
    assert main(["train", "gestures", "--data", str(data), "--out", str(run), "--epochs", "1"]) == 0
    assert main(["evaluate", str(run)]) == 0
    assert "The 120 tracks are windows of 20 recordings that overlap" in capsys.readouterr().out


def test_bad_input_gets_one_sentence(small, capsys, tmp_path):
    run = tmp_path / "run"
    assert "does not exist" in fails(capsys, "train", "gestures", "--data", tmp_path / "no.csv", "--out", run)
    assert "--data is empty" in fails(capsys, "train", "gestures", "--data", "", "--out", run)
    assert "--seed is -1" in fails(capsys, "train", "gestures", "--seed", "-1", "--out", run)
    assert "holds no trained gesture recogniser" in fails(capsys, "gesture", tmp_path, tmp_path)


@real
def test_the_real_tracks():
    tracks = load_tracks(DATA)
    assert tracks.names == CLASSES
    assert np.bincount(tracks.labels).tolist() == [1481, 1234, 1279, 1302]
    assert len(set(recordings(tracks.xy))) == 217
    clockwise, counter = (turning(tracks.xy[tracks.labels == k]) for k in (1, 2))
    assert (clockwise > 0).mean() > 0.95  # the names mean what they say on a picture with y down
    assert (counter < 0).mean() > 0.95
