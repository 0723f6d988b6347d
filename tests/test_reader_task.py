"""The offline reader as a system: training that resumes, judging beside baselines, its commands and its pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn.cli import main
from minirnn.data import line_sets
from minirnn.data.line_pictures import save_line
from minirnn.data.line_sets import load_lines
from minirnn.data.lines import ImageLines
from minirnn.data.ngrams import WittenBell, witten_bell
from minirnn.data.text import Alphabet
from minirnn.models.reader import ReaderConfig, init_reader
from minirnn.problem import TrainConfig
from minirnn.tasks import reader, reading
from minirnn.tasks.reader import Reader, Settings, System, report
from minirnn.tasks.reader_baseline import TILE, tiles_of
from minirnn.tasks.reader_pictures import columns_picture, lines_sheet
from minirnn.tasks.reading import Decoding
from minirnn.train import LAST, train
from tests.runs import assert_resumes, state_of

TINY = TrainConfig(epochs=0.5, batch=8, checks=2, warmup=2, seed=1)
SMALL = ReaderConfig(classes=11, channels=(4, 6), hidden=6, drop=0.1)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Few lines, and a small model."""
    monkeypatch.setattr(line_sets, "DRAWN", {"train": 200, "val": 60, "test": 60})
    monkeypatch.setattr(line_sets, "COUNTS", {"val": 12, "test": 16})
    monkeypatch.setattr(
        reader, "model_defaults", lambda settings, sets: replace(SMALL, classes=len(sets.alphabet), cell=settings.cell)
    )


def system(seed=0):
    sets = load_lines("drawn", seed, ("val",))
    return System(Settings(seed=seed), replace(sets, train=replace(sets.train, count=96)), SMALL)


def images_folder(folder, n=14):
    """Strings of drawn digits as a user keeps them: a few long words, each often."""
    lines = load_lines("drawn", 5, ("val",)).train
    images, _ = lines.draw(np.full(n, 6), np.random.default_rng(0))
    folder.mkdir(exist_ok=True)
    rows = []
    for k, image in enumerate(images):
        save_line(image, folder / f"{k}.png")
        rows.append(f"{k}.png\t{'abc' if k % 2 else 'ca'}\n")
    (folder / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    return folder


# training and judging


def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path):
    assert_resumes(partial(train, system().problem(), TINY), tmp_path, 4)


def test_another_seed_makes_another_run(tmp_path):
    for seed in (0, 3):
        list(train(system(seed).problem(), TINY, tmp_path / str(seed)))
    losses = [state_of(tmp_path / name)[1]["losses"] for name in ("0", "3")]
    assert losses[0] != losses[1]


def tiny_reader(characters="0123456789", config=SMALL):
    alphabet = Alphabet(tuple(characters))
    params, running = init_reader(np.random.default_rng(0), replace(config, classes=len(alphabet)))
    return Reader(replace(config, classes=len(alphabet)), alphabet, params, running, 22, 0.0)


def test_lines_are_read_in_their_own_order_and_as_if_alone():
    model = tiny_reader()
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (32, w)).astype(np.uint8) for w in (60, 9, 41, 4, 60)]
    together = model.logits(images)
    assert [len(row) for row in together] == [15, 3, 11, 1, 15]
    for row, image in zip(together, images):
        np.testing.assert_allclose(row, model.logits([image])[0], rtol=1e-4, atol=1e-5)
    assert [told.text for told in model.read(images)] == [told.text for told in model.decode(together)]


def test_a_report_holds_baselines(tmp_path):
    model = tiny_reader("abc")
    images = tuple(np.zeros((32, w), np.uint8) for w in (30, 20, 4))
    lines = ImageLines(images, ("ab", "c", "abc"))
    found = report(model, lines, ("ab", "ab", "c"), lines, tmp_path)
    assert found["ngram"]["weight"] in reading.WEIGHTS
    assert found["baselines"]["most frequent text"]["exact_match"] == pytest.approx(1 / 3)
    assert found["too_narrow"] == 1
    assert found["in_lexicon"] == pytest.approx(2 / 3)
    assert found["cer"] == found["readings"]["beam, n-gram"]["cer"]
    assert found["n"] == 3


def test_digits_are_cut_out_into_the_middle_of_a_tile():
    image = np.arange(90, dtype=np.uint8)[None].repeat(32, axis=0)
    tiles = tiles_of([image, image], [np.array([[3, 13], [12, 20]]), np.array([[0, 40]])])
    assert tiles.shape == (3, 32, TILE, 1)
    assert tiles[0, 5, 11:21, 0].tolist() == list(range(3, 13))
    assert tiles[0, :, :11].max() == tiles[0, :, 21:].max() == 0
    assert tiles[1, 0, 12:20, 0].tolist() == list(range(12, 20))
    assert tiles[2, 0, :, 0].tolist() == list(range(TILE))


# the n-gram


def test_a_character_model_of_words_by_hand():
    model = WittenBell([[1, 2], [1]], 1, 2)
    # after the beginning: 1 twice; everywhere: 1 twice, 2 once, the end twice
    unigram = (2 + 3 * (1 / 3)) / (5 + 3)
    assert np.exp(model((), 1)) == pytest.approx((2 + 1 * unigram) / (2 + 1))
    after = {label: (n + 2 * p) / (2 + 2) for label, n, p in ((2, 1, 2 / 8), (None, 1, 3 / 8), (1, 0, 3 / 8))}
    for label, p in after.items():
        assert np.exp(model((1,), label)) == pytest.approx(p)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_a_character_model_sums_to_one(order):
    rng = np.random.default_rng(0)
    words = [rng.integers(1, 5, rng.integers(1, 6)).tolist() for _ in range(40)]
    model = WittenBell(words, order, 5)
    for before in ((), (1,), (1, 2), (5, 5, 5), tuple(words[0])):
        assert sum(np.exp(model(before, label)) for label in (1, 2, 3, 4, 5, None)) == pytest.approx(1)


def test_the_character_model_is_the_one_that_texts_are_held_against():
    """The same formula as `witten_bell`, on one long word whose end and beginning play no part."""
    ids = np.random.default_rng(0).integers(0, 3, 300)
    model, p = WittenBell([ids[:200] + 1], 2, 2), witten_bell(ids, 200, 2, 3)
    found = [np.exp(model(tuple(ids[:k] + 1), int(ids[k]) + 1)) for k in range(210, 300)]
    assert np.abs(np.array(found) - p[2, 210:]).max() < 0.03


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


def sizes_of(paths):
    for path in paths:
        with Image.open(path) as image:
            yield min(image.size)


def test_digits_train_evaluate_and_read(capsys, tmp_path):
    run = tmp_path / "run"
    status, result = run_json(capsys, "train", "reader", "--out", run, "--epochs", 0.01)
    assert status == 0
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "lines.png", "columns.png"]
    assert min(sizes_of(result["pictures"])) > 200
    assert set(result["validation"]) >= {"exact_match", "cer"}
    (run / "single-digits" / "best.safetensors").unlink()
    (run / "single-digits" / LAST).unlink()
    status, again = run_json(capsys, "train", "reader", "--out", run, "--resume")  # the baseline was still missing
    assert (status, again["steps"]) == (0, result["steps"])
    status, found = run_json(capsys, "evaluate", run)
    assert (found["n"], found["split"], found["kind"]) == (16, "test", "drawn")
    assert set(found["readings"]) == {"best path", "beam 10"}
    assert set(found["baselines"]) == {"single digits, true cuts given"}
    assert found["sizes"] == {"train": 12800, "val": 12, "test": 16}
    assert main(["evaluate", str(run), "--split", "val"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "12 lines (val; lines: 12800 for train, 12 for val, 16 for test; the run was trained on 12800)"
    )
    assert "single digits" in text
    command = result["next"].split()[1:]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out.count(".png: ") == out.count("Picture: ") == 3
    assert min(sizes_of(sorted(run.glob("read-*.png")))) > 200
    status, told = run_json(capsys, "read", run, run / "line-1.png", "--beam", 3)
    assert told["lines"][0]["image"] == str(run / "line-1.png")
    assert 0 <= told["lines"][0]["probability"] <= 1
    for argv, says in (
        (("read", tmp_path, run / "line-1.png"), "holds no trained reader"),
        (("read", run, tmp_path / "no.png"), "does not exist; expected a picture"),
        (("read", run, run / "line-1.png", "--beam", 0), "--beam is 0; expected at least 1"),
        (("read", run, run / "line-1.png", "--picture", "x.jpg"), "--picture is x.jpg; expected the name of a PNG"),
        (("read", run, run / "last.safetensors"), "is no picture"),
        (("evaluate", run, "--split", "novel"), "have no split 'novel'"),
        (("train", "reader", "--out", run), "holds a run; add --resume"),
        (("train", "reader", "--out", run, "--resume", "--seed", 3), "--seed is 3, but the run"),
        (("train", "reader", "--data", tmp_path, "--out", tmp_path / "new"), "holds nothing to read"),
    ):
        assert says in fails(capsys, *argv)


def test_a_folder_trained_resumed_judged_and_read_with_a_lexicon(capsys, tmp_path):
    data, run = images_folder(tmp_path / "lines"), tmp_path / "run"
    status, result = run_json(
        capsys, "train", "reader", "--data", data / "labels.tsv", "--out", run, "--epochs", 2, "--cell", "gru"
    )
    assert status == 0
    assert not (run / "single-digits").exists()
    assert run_json(capsys, "train", "reader", "--out", run, "--resume")[1]["steps"] == result["steps"]
    status, found = run_json(capsys, "evaluate", run)
    assert set(found["baselines"]) == {"most frequent text"}
    assert {"beam, lexicon", "beam, n-gram"} < set(found["readings"])
    assert found["in_lexicon"] == 1
    assert found["trained_on"] == found["sizes"]["train"]
    other = images_folder(tmp_path / "other-ubyte", 9)
    status, found = run_json(capsys, "evaluate", run, "--data", other, "--split", "all")
    assert (status, found["split"], found["n"], found["sizes"]) == (0, "all", 9, {"all": 9})
    status, found = run_json(capsys, "evaluate", run, "--data", other, "--split", "val")
    assert (status, found["n"], found["sizes"]) == (0, 1, {"train": 7, "val": 1, "test": 1})
    status, found = run_json(capsys, "evaluate", run, "--data", "drawn", "--split", "all")
    assert (status, found["split"], found["n"]) == (0, "test", 16)  # composed strings: there is no end to them
    (other / "labels.tsv").write_text("", encoding="utf-8")
    assert "is empty" in fails(capsys, "evaluate", run, "--data", other, "--split", "all")
    (other / "labels.tsv").write_text("file\ttext\n", encoding="utf-8")
    assert "holds no line image" in fails(capsys, "evaluate", run, "--data", other, "--split", "all")
    words = tmp_path / "words.txt"
    words.write_text("cab\nzebra\n", encoding="utf-8")
    status, told = run_json(capsys, "read", run, data / "0.png", "--lexicon", words)
    assert told["lines"][0]["text"] == "cab"
    words.write_text("zebra\n", encoding="utf-8")
    assert "holds no word of the characters 'abc'" in fails(capsys, "read", run, data / "0.png", "--lexicon", words)
    blank = tmp_path / "blank.png"
    Image.new("L", (90, 40), 250).save(blank)
    assert f"{blank} shows no ink" in fails(capsys, "read", run, blank)
    with (data / "labels.tsv").open("a", encoding="utf-8") as file:
        file.write("../x.png\tabc\n")
    assert "labels.tsv, line 15: '../x.png' is outside" in fails(capsys, "evaluate", run)
    images_folder(data, 20)
    assert "has changed since the run" in fails(capsys, "evaluate", run)
    assert "has changed since the run" in fails(capsys, "train", "reader", "--out", run, "--resume")


def test_a_run_without_its_baseline_says_so(capsys, tmp_path):
    whole = System(Settings(), load_lines("drawn", 0, ("val",)), SMALL)
    list(train(whole.problem(), replace(TINY, epochs=0.002), tmp_path / "run"))
    assert "has no baseline yet; go on with: minirnn train reader" in fails(capsys, "evaluate", tmp_path / "run")


# pictures


def test_pictures_of_odd_lines(tmp_path):
    """Nothing read, a space, a dollar sign, a very long line."""
    alphabet = Alphabet((" ", "$", "a"))
    image = np.zeros((32, 400), np.uint8)
    logits = np.zeros((100, 4))
    logits[:, 0] = 9
    assert columns_picture(tmp_path / "nothing.png", image, logits, alphabet).stat().st_size > 1000
    logits[[3, 50, 90], [1, 2, 3]] = 20
    path = columns_picture(tmp_path / "some.png", image, logits, alphabet)
    sheet = lines_sheet(tmp_path / "sheet.png", [image, image[:, :700]], ["", "$a$"], ["a", "$a$"], "two lines")
    assert min(sizes_of([path, sheet])) > 100
    columns_picture(path, image, logits, alphabet, "a$_$.png reads: a")  # no formula, so none that is broken
    lines_sheet(sheet, [image], ["$_$" * 40], ["$^$"], "one line")


def test_a_beam_of_one_column():
    model = tiny_reader("ab")
    (told,) = model.decode([np.log(np.array([[0.2, 0.7, 0.1]]))], Decoding(4))
    assert (told.text, round(told.probability, 3)) == ("a", 0.7)
