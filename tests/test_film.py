"""The film system: what the model sees, resuming, baselines, and the commands."""

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
from minirnn.data import films
from minirnn.data.films import film_split, sentence
from minirnn.data.vocabulary import END, PAD, START
from minirnn.errors import DataError
from minirnn.models.video_captioner import advance, start, video_captioner, watch_forward
from minirnn.models.video_captioner_params import VideoConfig, init_video
from minirnn.ops import FAST, READABLE
from minirnn.problem import TrainConfig
from minirnn.tasks import film
from minirnn.tasks.film import Settings, System
from minirnn.tasks.film_pictures import _chosen
from minirnn.train import BEST, LAST
from minirnn.tree import tree_items, tree_map
from tests.runs import assert_resumes

TINY = TrainConfig(epochs=2, batch=8, checks=2, warmup=2, seed=1)  # 2 epochs of 24 films: 6 steps


def tiny(cell="lstm", **settings):
    splits = {"train": film_split("train", 0, count=24), "val": film_split("val", 0, count=6)}
    config = VideoConfig(31, image_size=16, channels=(4, 6), features=8, embed=5, hidden=7, cell=cell, drop=0.2)
    return System(Settings(cell=cell, **settings), splits, config)


def model(seed=0, **config):
    """(config, params, running, frames (2, 4, 8, 8, 3), words (2, 2, 3)) in float64."""
    rng = np.random.default_rng(seed)
    c = VideoConfig(9, frames=4, image_size=8, channels=(3, 4), features=5, embed=3, hidden=4, **config)
    params, running = init_video(rng, c, np.float64)
    params = tree_map(lambda w: w + 0.2 * rng.standard_normal(w.shape), params)
    return c, params, running, rng.uniform(0, 1, (2, 4, 8, 8, 3)), rng.integers(3, 9, (2, 2, 3))


# the model


@pytest.mark.parametrize("training", [False, True])
def test_dropout_is_for_training_alone(training):
    losses = []
    for drop in (0.0, 0.5):
        c, params, running, frames, (inputs, targets) = model(drop=drop)
        (loss, _), _ = video_captioner.forward(
            frames, inputs, targets, np.ones((2, 3), bool), running, params, config=c, training=training,
            rng=np.random.default_rng(1),
        )  # fmt: skip
        losses.append(float(loss))
    assert (losses[0] == losses[1]) == (not training)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_fast_pairs_give_the_same_loss_and_gradients(cell):
    c, params, running, frames, (inputs, targets) = model(cell=cell)
    found = []
    for ops in (READABLE, FAST):
        (loss, _), cache = video_captioner.forward(
            frames, inputs, targets, np.ones((2, 3), bool), running, params, config=c, training=True, ops=ops
        )
        found.append((loss, dict(tree_items(video_captioner.backward((np.ones_like(loss), None), cache)[-1]))))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-9)
    for name, d in found[0][1].items():
        np.testing.assert_allclose(d, found[1][1][name], rtol=1e-7, atol=1e-9, err_msg=name)
        assert np.abs(d).max() > 0 or name.endswith("conv.b") or name == "keys.b", (
            name
        )  # batch norm and softmax undo these


def test_the_baseline_sees_the_first_frame_and_nothing_else():
    c, params, running, frames, (inputs, targets) = model(sees="first")
    other = frames.copy()
    other[:, 1:] = 0
    assert loss_of(frames, inputs, targets, running, params, c) == loss_of(other, inputs, targets, running, params, c)
    whole = replace(c, sees="all")
    assert loss_of(frames, inputs, targets, running, params, whole) != loss_of(
        other, inputs, targets, running, params, whole
    )


def loss_of(frames, inputs, targets, running, params, config):
    mask = np.ones(inputs.shape, bool)
    (loss, _), _ = video_captioner.forward(
        frames, inputs, targets, mask, running, params, config=config, training=False
    )
    return float(loss)


def test_the_order_of_the_frames_counts():
    c, params, running, frames, (inputs, targets) = model()
    forwards, backwards = (loss_of(f, inputs, targets, running, params, c) for f in (frames, frames[:, ::-1].copy()))
    assert abs(forwards - backwards) > 1e-4


def test_the_decoder_starts_where_the_watcher_ends_and_looks_at_every_frame():
    c, params, running, frames, _ = model(cell="lstm")
    (watched, last, _), _ = watch_forward(frames, running, params, config=c, training=False)
    np.testing.assert_array_equal(last.h, watched.values[:, -1, :4])
    telling = start(frames, running, params, config=c)
    np.testing.assert_array_equal(telling.state.c, last.c)
    _, told = advance(np.array([START, START]), telling, params, config=c)
    assert told.where.shape == (2, 4)
    np.testing.assert_allclose(told.where.sum(axis=1), 1)
    assert told.where.min() > 0


def test_word_by_word_equals_every_word_at_once():
    c, params, running, frames, (inputs, targets) = model()
    telling, losses = start(frames, running, params, config=c), []
    for t in range(inputs.shape[1]):
        logp, telling = advance(inputs[:, t], telling, params, config=c)
        losses.append(-logp[[0, 1], targets[:, t]])
    assert np.mean(losses) == pytest.approx(loss_of(frames, inputs, targets, running, params, c))


def test_shapes_that_do_not_fit_are_named():
    c, params, running, frames, (inputs, targets) = model()
    for wrong, says in ((frames[:, :0], "T of at least 1"), (frames[:, :, :4], r"expected \(N, T, 8, 8, 3\)"),
                        (frames[0], "expected 5 axes"), ((frames * 255).astype(np.uint8), "dtype uint8")):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            loss_of(wrong, inputs, targets, running, params, c)


@pytest.mark.parametrize(
    "wrong",
    [{"cell": "elman"}, {"sees": "last"}, {"hidden": 0}, {"image_size": 4}, {"channels": ()}, {"drop": 1.0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_configs_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected|need"):
        VideoConfig(**{"vocab": 9, **wrong})


# training


def test_a_batch_is_new_pixels_of_the_same_films_with_their_captions():
    system = tiny()
    batch = system.batches()
    frames, inputs, targets, mask = batch(np.array([3, 1]), np.random.default_rng(0))
    assert frames.shape == (2, 8, 16, 16, 3)
    assert frames.dtype == np.float32
    assert 0.5 < frames.max() <= 1
    captions = system.splits["train"].captions
    assert [" ".join(system.vocabulary.decode(list(row))) for row in targets] == [captions[3], captions[1]]
    assert (inputs[:, 0] == START).all()
    assert mask.sum(axis=1).tolist() == [len(captions[k].split()) + 1 for k in (3, 1)]
    assert ((targets == PAD) == ~mask).all()
    assert (targets == END).sum() == 2
    assert (batch(np.array([3, 1]), np.random.default_rng(1))[0] != frames).any()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A tiny run with its baseline."""
    folder = tmp_path_factory.mktemp("whole")
    assert list(film.train_film(tiny(), TINY, folder))
    return folder


@pytest.mark.parametrize("stop_after", [4, 8])
def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path, stop_after):
    """Stopped in the model (6 steps), or in the baseline that follows it."""
    inside = (".", film.FIRST_FRAME)
    assert assert_resumes(partial(film.train_film, tiny(), TINY), tmp_path, stop_after, inside=inside) == 6


def test_another_seed_is_another_run(whole, tmp_path):
    with pytest.raises(DataError, match="made by another run"):
        list(film.train_film(tiny(seed=5), replace(TINY, seed=5), whole, resume=True))
    list(film.train_film(replace(tiny(), settings=Settings(seed=5, cell="lstm")), TINY, tmp_path))
    losses = [checkpoint.load(folder / LAST)[1]["progress"]["losses"] for folder in (whole, tmp_path)]
    assert losses[0] != losses[1]


# judging


def test_scores_tell_things_from_acts():
    two = "a small red circle waits while a large blue star"
    right = ["a small red circle grows then stops", *[f"{two} grows"] * 3]
    told = ["a small red circle grows", f"{two} shrinks", "a small red circle waits while a large blue square grows",
            f"{two} grows"]  # fmt: skip
    found = film.score(right, told)
    assert (found["exact_match"], found["things"], found["acts"]) == (0.25, 0.75, 0.5)
    assert film.score(right, right)["exact_match"] == film.score(right, right)["things"] == 1
    assert film.score(right, [""] * 4)["things"] == 0


def test_the_baselines_are_what_they_say(whole, monkeypatch):
    split = film_split("test", 0, count=8)
    made = []
    monkeypatch.setattr(film, "score", lambda captions, told: made.append(told) or {})
    film.evaluate(whole, split)
    (frequent, first, shuffled, told) = made
    assert set(frequent) == {film.load_describer(whole)[1]["most_frequent"]}
    assert sorted(shuffled) == sorted(told)
    baseline, meta = film.load_describer(whole / film.FIRST_FRAME)
    assert baseline.config.sees == "first"
    assert first == baseline.captions(split.draw(16))


def test_shuffling_moves_every_caption_to_another_film(whole, monkeypatch):
    monkeypatch.setattr(film.Describer, "captions", lambda self, frames: [str(k) for k in range(len(frames))])
    made = []
    monkeypatch.setattr(
        film, "score", lambda captions, told: made.append([int(k) for k in told[:3] if k.isdigit()]) or {}
    )
    film.evaluate(whole, film_split("test", 0, count=3))
    assert made[2] == [1, 2, 0]


def test_captions_do_not_depend_on_the_batch(whole, monkeypatch):
    model, _ = film.load_describer(whole)
    frames = film_split("test", 0, count=5).draw(16)
    together = model.captions(frames)
    monkeypatch.setattr(film, "BATCH", 2)
    assert model.captions(frames) == together
    assert model.text(model.beam(frames[0], 1)[0].words) == together[0]


def test_the_sheet_shows_a_few_wrong_films_last():
    assert _chosen(np.ones(40, bool)).tolist() == list(range(12))
    assert _chosen(np.arange(40) % 10 != 0).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 0, 10, 20, 30]
    assert _chosen(np.zeros(3, bool)).tolist() == [0, 1, 2]


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


def test_train_evaluate_and_describe(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(films, "COUNTS", {"train": 48, "val": 4, "test": 6, "novel": 4})
    run = tmp_path / "run"
    status, result = run_json(capsys, "train", "film", "--out", run, "--epochs", 1, "--cell", "rnn")
    assert status == 0
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "films.png", "attention.png"]
    for picture in result["pictures"]:
        with Image.open(picture) as image:
            assert min(image.size) > 250
    test = film_split("test", 0)
    assert [row["caption"] for row in result["examples"]] == [sentence(caption) for caption in test.captions[:4]]
    for split, n in (("test", 6), ("novel", 4), ("all", 6)):
        report = run_json(capsys, "evaluate", run, "--split", split)[1]
        assert report["n"] == n
        assert set(report["baselines"]) == {"most_frequent", "first_frame", "shuffled"}
        assert report["films"] == {"train": 48, "val": 4}
    monkeypatch.setattr(film, "MOST", 5)
    assert run_json(capsys, "evaluate", run, "--split", "train")[1]["n"] == 5
    assert main(["evaluate", str(run), "--split", "train"]) == 0
    assert "5 films (the first of train); the run has seen 48 for train" in capsys.readouterr().out
    monkeypatch.setattr(film, "MOST", 6)
    clip = result["next"].split()[-1]
    drawn = tmp_path / "where.png"
    status, told = run_json(capsys, "describe", run, clip, "--attention-map", drawn, "--beam", 2)
    assert status == 0
    assert told["captions"][0]["frames"] == 8
    assert len(told["captions"][0]["alternatives"]) == 1
    with Image.open(drawn) as image:
        assert min(image.size) > 250
    assert main(["describe", str(run), clip, result["examples"][1]["clip"]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [clip, result["examples"][1]["clip"]]
    assert main(["evaluate", str(run)]) == 0
    text = capsys.readouterr().out
    assert "6 films (test); the run has seen 48 for train, 4 for val" in text
    assert "first frame" in text

    assert "holds a run" in fails(capsys, "train", "film", "--out", run)
    assert "--cell is gru, but the run" in fails(capsys, "train", "film", "--out", run, "--resume", "--cell", "gru")
    assert "--beam is 0" in fails(capsys, "describe", run, clip, "--beam", 0)
    assert "takes one clip; 2 were given" in fails(capsys, "describe", run, clip, clip, "--attention-map", drawn)
    assert "does not exist" in fails(capsys, "describe", run, tmp_path / "no.gif")
    assert "films are always drawn" in fails(capsys, "evaluate", run, "--data", clip)
    (run / film.FIRST_FRAME / BEST).unlink()
    assert "has no baseline yet; go on with: minirnn train film" in fails(capsys, "evaluate", run)


def test_bad_input_gets_one_sentence(capsys, tmp_path):
    assert "--seed is -1" in fails(capsys, "train", "film", "--seed", "-1", "--out", tmp_path / "run")
    assert "holds no run to go on with" in fails(capsys, "train", "film", "--resume", "--out", tmp_path / "run")
    assert "holds no trained describer of films" in fails(capsys, "describe", tmp_path, tmp_path)
