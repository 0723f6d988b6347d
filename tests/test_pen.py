"""The online reader: points, pieces and their cache, drawn strings, files, training, decoding, pictures, commands."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn.cli import main
from minirnn.data import pen_forms
from minirnn.data.bezier import curve
from minirnn.data.pen import SPACING, bend, point_batch, scale_of, tracks_of
from minirnn.data.pen_drawn import drawn_inks
from minirnn.data.pen_files import fingerprint, load_unlabelled, load_written
from minirnn.data.pen_forms import FORMS, piece_batch, pieces_of
from minirnn.data.strokes import resample
from minirnn.data.text import Alphabet
from minirnn.data.unipen import split_inks
from minirnn.data.unipen_text import Ink
from minirnn.errors import DataError
from minirnn.functional.activations import log_softmax
from minirnn.functional.ctc import ctc_loss
from minirnn.functional.windows import windows
from minirnn.models.pen_reader import PenConfig, centres, frames_of, init_pen, pen_logits
from minirnn.ops import FAST
from minirnn.problem import TrainConfig
from minirnn.tasks import pen, pen_commands, pen_pictures
from minirnn.tasks.alignment import peaks
from minirnn.tasks.pen import Settings, System, load_reader
from minirnn.tasks.reading import Decoding
from minirnn.tasks.reading_words import load_words
from minirnn.train import train
from minirnn.tree import tree_map
from tests.runs import assert_resumes

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")) / "unipen"
real = pytest.mark.skipif(not DATA.exists(), reason=f"no data at {DATA}")
TINY = TrainConfig(epochs=1, batch=16, checks=2, warmup=2, seed=1)
SMALL = PenConfig(6, 11, channels=(6, 8), hidden=6, layers=1)


@pytest.fixture(scope="module")
def inks():
    return drawn_inks(160, seed=1)


def moved(ink, scale=1.0, by=(0.0, 0.0)):
    return ink._replace(strokes=tuple((s * scale + np.array(by)).astype(np.float32) for s in ink.strokes))


# points


def test_many_strokes_are_resampled_as_one_is(inks):
    middle, height = scale_of(inks)
    for ink, m, h, track in zip(inks[:20], middle, height, tracks_of(inks)):
        strokes = [(s.astype(np.float64) - [ink.strokes[0][0, 0], m]) / h for s in ink.strokes]
        parts = [resample(s, SPACING) for s in strokes]
        np.testing.assert_allclose(track.points, np.concatenate(parts), atol=1e-5)
        assert np.flatnonzero(track.first).tolist() == [0, *np.cumsum([len(p) for p in parts])[:-1]]


def test_size_and_place_of_the_writing_do_not_matter(inks):
    some = inks[:5]
    other = [moved(ink, 7.0, (300, -900)) for ink in some]
    for a, b in zip(tracks_of(some), tracks_of(other)):
        np.testing.assert_allclose(a.points, b.points, atol=1e-3)


def test_dots_dashes_and_lines_have_a_size():
    dot = Ink((np.array([[5, 7]], np.float32),), ".", "a")
    dash = Ink((np.array([[0, 0], [400, 0]], np.float32),), "-", "a")
    line = Ink((np.array([[0, 0], [0, 12]], np.float32),), "l", "a")
    middle, height = scale_of([dot, dash, line])
    assert middle.tolist() == [7, 0, 6]
    np.testing.assert_allclose(height, [1, 10, 3.5 * 12 / np.sqrt(12)])
    track, long, _ = tracks_of([dot, dash, line])
    assert track.points.tolist() == [[0, 0]]
    assert len(long.points) == 1 + 40 / SPACING
    assert tracks_of([]) == []


def test_a_straight_line_counts_as_all_of_its_points():
    coarse = Ink((np.array([[0, 0], [0, 9], [3, 9]], np.float32),), "7", "a")
    fine = Ink(
        (np.concatenate([np.stack([np.zeros(4001), np.linspace(0, 9, 4001)], 1), [[3, 9]]]).astype("f4"),), "7", "a"
    )
    np.testing.assert_allclose(scale_of([coarse]), scale_of([fine]), rtol=1e-5)


def test_what_the_model_reads_of_points():
    ink = Ink((np.array([[0, 0], [0, 4], [0, 8]], np.float32), np.array([[16, 8]], np.float32)), "i", "a")
    (track,) = tracks_of([ink])
    x, lengths = point_batch([track, tracks_of([moved(ink)])[0]])
    assert lengths.tolist() == [len(track.points)] * 2
    last = lengths[0] - 1
    np.testing.assert_allclose(x[0, 1:last, :2], [[0, 1]] * (last - 1), atol=0.05)
    np.testing.assert_allclose(x[0, last, :2], 0)
    way = track.points[-1] - track.points[-2]
    np.testing.assert_allclose(x[0, last, 2:4], [2 * np.log1p(way[0]), 0], atol=1e-6)
    assert x[0, :, 4].tolist() == [1, *[0] * (last - 1), 1]
    np.testing.assert_allclose(x[0, :, 5], track.points[:, 1])
    assert x.dtype == np.float32


@pytest.mark.parametrize("features", FORMS)
def test_a_batch_holds_zeros_behind_the_shorter_items(inks, features):
    form = FORMS[features]
    items = form.prepare(inks[:6])
    x, lengths = form.batch(items, None)
    assert x.shape == (6, lengths.max(), form.features)
    assert lengths.tolist() == [form.length(item) for item in items]
    for row, item, length in zip(x, items, lengths):
        (alone,), _ = form.batch([item], None)
        np.testing.assert_allclose(row[:length], alone, atol=1e-6)
        assert not row[length:].any()
    bent, _ = form.batch(items, np.random.default_rng(0))
    again, _ = form.batch(items, np.random.default_rng(0))
    np.testing.assert_array_equal(bent, again)
    assert np.abs(bent - x).max() > 0.05


def test_bending_turns_slants_and_stretches_but_keeps_lines_together():
    t = np.linspace(0, 1, 50)
    line = np.broadcast_to(np.stack([3 * t, t], 1), (300, 50, 2)).astype(np.float32)
    before = line.copy()
    out = bend(line, np.random.default_rng(0))
    np.testing.assert_array_equal(line, before)
    assert (out.shape, out.dtype) == (line.shape, line.dtype)
    way = out[:, -1] - out[:, 0]
    size = np.hypot(*way.T) / np.hypot(3, 1)
    assert 0.6 < size.min() < 0.9 < 1.1 < size.max() < 1.8
    assert np.abs(np.diff(out, axis=1)).max() < 0.2  # no point is torn from its neighbour


def test_strokes_that_are_none():
    with pytest.raises(DataError, match="has no stroke"):
        tracks_of([Ink((), "a", "w")])
    for bad, says in ((np.zeros((0, 2)), "shape"), (np.zeros((3, 3)), "shape"), (np.full((2, 2), np.nan), "NaN")):
        for form in FORMS.values():
            with pytest.raises(DataError, match=says):
                form.prepare([Ink((bad,), "a", "w")])


# pieces


def test_pieces_follow_the_points_and_are_fewer(inks):
    for pieces, track in zip(pieces_of(inks[:10]), tracks_of(inks[:10])):
        drawn = curve(pieces.control.astype(np.float64), np.tile(np.linspace(0, 1, 30), (len(pieces.control), 1)))
        away = np.abs(track.points[:, None] - drawn.reshape(1, -1, 2)).max(axis=2).min(axis=1)
        assert away.max() < 3 * pen_forms.TOLERANCE
        assert len(pieces.control) < 0.5 * len(track.points)
        x, _ = piece_batch([pieces])
        np.testing.assert_allclose(x[0, -1, -1], track.points[-1, 1], atol=0.01)  # how high the pen ends


def test_fitted_pieces_are_kept_and_fitted_again_when_damaged(inks, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path))
    monkeypatch.setattr(pen_forms, "WORTH_KEEPING", 5)
    some, calls = inks[:6], []
    fit = pen_forms.bezier_pieces
    monkeypatch.setattr(pen_forms, "bezier_pieces", lambda *a: calls.append(1) or fit(*a))
    first, second = pieces_of(some), pieces_of(some)
    assert len(calls) == 1
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a.control, b.control)
        np.testing.assert_array_equal(a.stroke, b.stroke)
    pieces_of(inks[6:12])  # other ink
    assert len(calls) == 2
    (path, *_) = sorted(tmp_path.iterdir(), key=lambda p: p.stat().st_mtime_ns)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    flips = [bytearray(whole) for _ in range(60)]
    for data, at in zip(flips, [*range(20), *(-1 - k for k in range(20)), *rng.integers(0, len(whole), 20)]):
        data[at] ^= 1 << int(rng.integers(8))
    every = (whole[:-200], whole[:300] + b"?" + whole[301:], b"no zip", b"", *flips)
    for damaged in every:
        path.write_bytes(damaged)
        assert pen_forms._read_pieces(path, 6) is None
    np.testing.assert_array_equal(pieces_of(some)[5].control, first[5].control)
    assert len(calls) == 3
    monkeypatch.setenv("MINIRNN_CACHE", str(path / "no folder"))
    with pytest.warns(UserWarning, match="are not kept"):
        pieces_of(some)


# drawn strings and files


def test_drawn_strings_come_from_many_hands(inks):
    assert fingerprint({"a": inks}) == fingerprint({"a": drawn_inks(160, seed=1)})
    assert fingerprint({"a": inks}) != fingerprint({"a": drawn_inks(160, seed=2)})
    assert {len(ink.label) for ink in inks} == {2, 3, 4, 5, 6}
    assert set("".join(ink.label for ink in inks)) == set("0123456789")
    for ink in inks:
        assert len(ink.strokes) == len(ink.label) + ink.label.count("4")  # a 4 has two strokes
    splits = split_inks(inks)
    writers = [{ink.writer for ink in some} for some in splits.values()]
    assert sum(map(len, writers)) == len(set().union(*writers))
    with pytest.raises(ValueError, match="n = 0"):
        drawn_inks(0)


def save(path, inks):
    """The arrays form."""
    strokes = [s for ink in inks for s in ink.strokes]
    up = np.concatenate([[*[0] * (len(s) - 1), 1] for s in strokes])
    sizes = [sum(map(len, ink.strokes)) for ink in inks]
    np.savez(path, xy=np.concatenate(strokes), pen_up=up, offsets=np.cumsum([0, *sizes]),
             labels=np.array([ink.label for ink in inks]), writer_file=np.array([ink.writer for ink in inks]))  # fmt: skip
    return path


UNIPEN = """.COORD X Y
.SEGMENT {level} 0-1 ? "hi"
.PEN_DOWN
0 0
0 9
.PEN_UP
.PEN_DOWN
5 5
6 9
"""


def test_every_form_of_file_is_read(inks, tmp_path):
    (tmp_path / "word.dat").write_text(UNIPEN.format(level="WORD"))
    (tmp_path / "letter.dat").write_text(UNIPEN.format(level="CHARACTER"))
    (tmp_path / "line.dat").write_text(UNIPEN.format(level="TEXT"))
    (tmp_path / "a.json").write_text("[[[0, 0], [0, 9]], [[5, 5]]]")
    (tmp_path / "b.ndjson").write_text(json.dumps({"word": "x", "drawing": [[[0, 1], [2, 3]]]}))
    some = save(tmp_path / "c.npz", inks[:3])
    assert [ink.label for ink in load_unlabelled(some)] == [ink.label for ink in inks[:3]]
    assert [load_unlabelled(tmp_path / f)[0].label for f in ("a.json", "b.ndjson", "word.dat")] == ["", "x", "hi"]
    assert load_written(tmp_path / "letter.dat")[0].label == "hi"
    assert [ink.writer for ink in load_written(tmp_path)] == ["word.dat"]  # words, where there are any
    with pytest.raises(DataError, match=r"line.dat holds no .SEGMENT of level WORD or CHARACTER"):
        load_written(tmp_path / "line.dat")


def test_a_damaged_word_is_named_even_where_there_are_characters(tmp_path):
    (tmp_path / "letter.dat").write_text(UNIPEN.format(level="CHARACTER"))
    (tmp_path / "word.dat").write_text(UNIPEN.format(level="WORD").replace("0-1", "0-7"))
    for path in (tmp_path, tmp_path / "word.dat"):
        with pytest.raises(DataError, match=r"word.dat, line 2: components 0-7 are named"):
            load_written(path)
    (tmp_path / "word.dat").unlink()
    assert [ink.writer for ink in load_written(tmp_path)] == ["letter.dat"]


@pytest.mark.parametrize("label", ['""', '"  "', ""])
@pytest.mark.parametrize("level", ["WORD", "CHARACTER"])
def test_an_empty_label_is_nothing_to_learn_from_but_can_be_read(tmp_path, label, level):
    path = tmp_path / "ink.dat"
    path.write_text(UNIPEN.format(level=level).replace('"hi"', label))
    for source in (path, tmp_path):
        with pytest.raises(DataError, match=rf"ink.dat, line 2: the label of {level} 0-1 is empty; expected text"):
            load_written(source)
    (ink,) = load_unlabelled(path)
    assert ink.label.strip() == ""


# the model


def test_a_line_reads_the_same_alone_and_beside_longer_ones():
    rng = np.random.default_rng(0)
    p = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape).astype(w.dtype), init_pen(rng, SMALL))  # biases, too
    x = rng.standard_normal((2, 40, 6)).astype(np.float32)
    x[1, 23:] = np.nan  # nobody reads what stands behind the end
    lengths = np.array([40, 23])
    both, _ = pen_logits.forward(x, lengths, p, config=SMALL, training=False, ops=FAST)
    alone, _ = pen_logits.forward(x[1:, :23], lengths[1:], p, config=SMALL, training=False, ops=FAST)
    frames = frames_of(lengths, SMALL)
    assert frames.tolist() == [10, 6]
    np.testing.assert_allclose(both[1, :6], alone[0], atol=1e-5)


def test_the_middle_of_a_frame_is_the_mean_place_of_what_it_sees():
    for config in (SMALL, replace(SMALL, channels=(6,), window=4, stride=3), replace(SMALL, channels=())):
        place = np.arange(60.0)[None, :, None]
        for _ in config.channels:
            seen, _ = windows.forward(place, size=config.window, stride=config.stride)
            place = seen.mean(axis=2, keepdims=True)
        inside = slice(2, -2)  # further out, windows see the zeros before the first and behind the last point
        np.testing.assert_allclose(centres(place.shape[1], config)[inside], place[0, inside, 0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cell": "tcn"}, "cell is 'tcn'"),
        ({"channels": (0,)}, "channels"),
        ({"window": 1}, "expected at least the stride"),
        ({"drop": 1.0}, "drop is 1.0"),
        ({"classes": 1}, "classes is 1"),
        ({"stride": 0}, "stride is 0"),
    ],
)
def test_shapes_that_are_none(change, says):
    with pytest.raises(ValueError, match=says):
        replace(SMALL, **change)


# where letters are


def test_peaks_are_those_of_the_best_path_among_all():
    rng = np.random.default_rng(0)
    for labels in ([1], [1, 2], [2, 2], [1, 2, 1]):
        logp, _ = log_softmax.forward(2 * rng.standard_normal((6, 3)))
        best, where = -np.inf, None
        for path in itertools.product(range(3), repeat=6):
            runs = [(k, list(g)) for k, g in itertools.groupby(range(6), key=lambda t: path[t])]
            said = [(k, g) for k, g in runs if k]
            if [k for k, _ in said] == labels and (score := logp[range(6), path].sum()) > best:
                best, where = score, [max(g, key=lambda t: logp[t, k]) for k, g in said]
        assert peaks(logp, labels).tolist() == where
    assert peaks(logp[:2], [1, 1]) is None  # a repeat needs a blank
    assert peaks(logp, []).tolist() == []


# training


def tiny(inks, **settings):
    return System(Settings(**settings), split_inks(inks), SMALL if settings.get("features") != "bezier" else
                  replace(SMALL, features=8, channels=()))  # fmt: skip


@pytest.mark.parametrize("features", FORMS)
def test_resuming_equals_never_having_stopped_bit_for_bit(inks, tmp_path, features):
    config = replace(tiny(inks, features=features).config, drop=0.3)
    system = replace(tiny(inks, features=features), sizes=config)
    steps = assert_resumes(partial(train, system.problem(), TINY), tmp_path, 3)
    assert steps == len(system.train.items) // 16


def test_what_cannot_be_learned_is_left_out(inks):
    splits = split_inks(inks)
    dot = np.zeros((1, 2), np.float32)
    splits["train"][0] = Ink((dot,), "123", "a")  # one frame for three labels
    system = System(Settings(), splits, SMALL)
    assert len(system.train.items) == len(splits["train"]) - 1
    with pytest.raises(DataError, match="none of the 1 training items can be read"):
        _ = System(Settings(), {**splits, "train": splits["train"][:1]}, SMALL).train


def test_a_handful_of_words_is_learned_by_heart(inks, tmp_path):
    """The whole way, from strokes to text: the model reads what it was trained on."""
    few = [ink for ink in inks if len(ink.label) <= 3][:8]
    config = PenConfig(6, 11, channels=(12, 24), hidden=24, layers=1)
    system = System(Settings(), {"train": few, "val": few, "test": few}, config)
    list(train(system.problem(), TrainConfig(epochs=110, batch=8, lr=2e-2, checks=1, warmup=5), tmp_path))
    model, meta = load_reader(tmp_path)
    logp = model.logp(model.prepare(few))
    told = model.decode(logp)
    assert [t.text for t in told] == [ink.label for ink in few]
    assert meta["alphabet"] == "".join(sorted(set("".join(ink.label for ink in few))))
    beam = model.decode(logp, Decoding(4))
    for one, best, row in zip(told, beam, logp):
        (loss,), _ = ctc_loss.forward(row[None], model.alphabet.encode(best.text)[None], np.array([len(row)]),
                                      np.array([len(best.text)]))  # fmt: skip
        assert best.probability == pytest.approx(np.exp(-loss), abs=0.02)
        assert one.probability <= best.probability + 1e-6
    known = [*(ink.label for ink in few), few[0].label]
    found = pen.report(model, few, known, few)
    assert (found["n"], found["exact_match"], found["cer"], found["in_lexicon"]) == (8, 1, 0, 1)
    assert set(found["readings"]) == {"best path", "beam 10", "beam, n-gram", "beam, lexicon", "beam, lexicon, n-gram"}
    same = np.mean([ink.label == few[0].label for ink in few])
    assert found["baselines"]["most frequent word"]["exact_match"] == same
    other = few[0].label[::-1] + few[0].label[0]  # what nobody wrote
    assert other not in known
    strange = pen.report(model, few, [other], few)
    assert strange["readings"]["beam, lexicon"]["exact_match"] == 0
    assert strange["readings"]["best path"]["exact_match"] == 1  # it needs no lexicon and no words


# pictures


@pytest.mark.parametrize("features", FORMS)
def test_lines_are_the_ink_in_the_order_it_was_written(inks, features):
    for ink, item in zip(inks[:5], FORMS[features].prepare(inks[:5])):
        lines = pen_pictures.lines_of(item)
        assert len(lines) == len(ink.strokes)
        places = np.concatenate([place for _, place in lines])
        assert (np.diff(places) >= 0).all()
        assert (places[0], places[-1]) == (0, FORMS[features].length(item) - 1)
        assert all(points.shape == (len(place), 2) for points, place in lines)


def test_no_text_is_taken_for_a_formula(inks, tmp_path):
    config = replace(SMALL, classes=3)
    model = pen.PenReader(config, "points", Alphabet(("$", "_")), init_pen(np.random.default_rng(0), config))
    items = model.prepare(inks[:2])
    logp, broken = model.logp(items), "$_$"
    letters = pen_pictures.letters_picture(tmp_path / "a.png", model, items[:1], logp, [broken], ["a$_$.json"])
    sheet = pen_pictures.words_sheet(tmp_path / "b.png", items, [broken, ""], [broken, broken], "two words")
    for path in (letters, sheet):
        with Image.open(path) as image:
            assert min(image.size) > 100


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
    monkeypatch.setattr(pen, "DRAWN", 150)
    monkeypatch.setattr(pen, "model_defaults", lambda settings, classes: replace(SMALL, classes=classes))


def test_train_evaluate_and_read(small, capsys, tmp_path):
    run = tmp_path / "run"
    status, result = run_json(capsys, "train", "pen", "--out", run, "--epochs", 1)
    assert status == 0
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "words.png", "letters.png"]
    for picture in result["pictures"]:
        with Image.open(picture) as image:
            assert min(image.size) > 150
    status, report = run_json(capsys, "evaluate", run)
    assert (report["split"], report["n"]) == ("test", report["sizes"]["test"])
    assert report["cer"] == report["readings"][report["as_read"]]["cer"]
    assert "most frequent word" in report["baselines"]
    picture = tmp_path / "read.png"
    command = result["next"].split()
    assert command[:2] == ["minirnn", "read-pen"]
    status, told = run_json(capsys, *command[1:-1], picture)
    assert [row["file"] for row in told["words"]] == result["examples"]
    assert told["pictures"] == [str(picture)]
    model, _ = load_reader(run)
    val = split_inks(drawn_inks(150))["val"]
    logp = model.logp(model.prepare(val[:1]))
    assert told["words"][0]["text"] == model.decode(logp, load_words(run, model.alphabet))[0].text
    status, plain = run_json(capsys, "read-pen", run, result["examples"][0], "--best-path")
    assert (
        plain["words"][0]["text"] == model.decode(logp)[0].text
    )  # the example is the first validation word, turned upright again
    lexicon = tmp_path / "words.txt"
    lexicon.write_text("77\nword\n")
    status, told = run_json(capsys, "read-pen", run, result["examples"][0], "--lexicon", lexicon)
    assert told["words"][0]["text"] in ("77", "")
    assert main(["read-pen", str(run), result["examples"][0]]) == 0
    assert capsys.readouterr().out.startswith(f"{result['examples'][0]}: ")
    assert main(["evaluate", str(run), "--split", "val"]) == 0
    text = capsys.readouterr().out
    assert "beam, lexicon, n-gram" in text
    assert "most frequent word" in text


def test_a_run_from_a_file_goes_on_and_refuses_what_has_changed(small, inks, capsys, tmp_path):
    data, run = save(tmp_path / "words.npz", inks), tmp_path / "run"
    assert main(["train", "pen", "--data", str(data), "--out", str(run), "--epochs", "1"]) == 0
    capsys.readouterr()
    status, result = run_json(capsys, "train", "pen", "--out", run, "--resume")
    assert (status, result["steps"]) == (0, len(System(Settings(), split_inks(inks), SMALL).train.items) // 32)
    status, report = run_json(capsys, "evaluate", run, "--data", data, "--split", "all")
    assert report["split"] == "test"  # of its own data a run has seen the rest
    other = save(tmp_path / "other.npz", inks[:4])
    assert run_json(capsys, "evaluate", run, "--data", other, "--split", "all")[1]["n"] == 4
    strange = save(tmp_path / "strange.npz", [ink._replace(label="ab") for ink in drawn_inks(90, seed=2)])
    report = run_json(capsys, "evaluate", run, "--data", strange, "--split", "train")[1]
    sizes = {name: len(some) for name, some in split_inks(load_written(strange)).items()}
    assert (report["n"], report["in_lexicon"], report["sizes"]) == (sizes["train"], 0, sizes)
    assert report["trained_on"] == len(split_inks(inks)["train"]) != sizes["train"]
    read = run_json(capsys, "read-pen", run, other, "--first", 2)[1]
    assert [row["written"] for row in read["words"]] == [ink.label for ink in inks[:2]]
    assert "--features is bezier, but the run" in fails(
        capsys, "train", "pen", "--out", run, "--resume", "--features", "bezier"
    )
    save(data, inks[1:])
    assert "has changed since" in fails(capsys, "evaluate", run)
    assert "has changed since" in fails(capsys, "train", "pen", "--out", run, "--resume")
    assert "holds a run" in fails(capsys, "train", "pen", "--out", run)
    assert "no split 'novel'" in fails(capsys, "evaluate", run, "--split", "novel")
    assert "--beam is 0" in fails(capsys, "read-pen", run, other, "--beam", 0)
    assert "--first is 0" in fails(capsys, "read-pen", run, other, "--first", 0)
    assert "expected the name of a PNG file" in fails(capsys, "read-pen", run, other, "--picture", "a.jpg")
    assert "does not exist" in fails(capsys, "read-pen", run, tmp_path / "no.json")


def test_bad_input_gets_one_sentence(small, capsys, tmp_path):
    run = tmp_path / "run"
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    assert "is no npz file" in fails(capsys, "train", "pen", "--data", tmp_path / "bad.npz", "--out", run)
    assert "does not exist" in fails(capsys, "train", "pen", "--data", tmp_path / "no.npz", "--out", run)
    assert "--data is empty" in fails(capsys, "train", "pen", "--data", "", "--out", run)
    one = save(tmp_path / "one.npz", drawn_inks(3))
    assert "expected more writers" in fails(capsys, "train", "pen", "--data", one, "--out", run)
    assert "holds no trained pen reader" in fails(capsys, "read-pen", tmp_path, one)


@pytest.mark.parametrize("scale", [1e-3, 0.05, 1, 3e4])
def test_example_words_keep_their_shape_whatever_their_size(inks, tmp_path, scale):
    before = moved(inks[0], scale, (scale, -scale))
    (path,) = pen_commands._save_examples([before], tmp_path)
    (after,) = load_unlabelled(path)
    assert len(path.read_text()) < 30 * sum(map(len, before.strokes))
    size = np.ptp(np.concatenate(before.strokes), axis=0).max()
    for a, b in zip(before.strokes, after.strokes, strict=True):
        np.testing.assert_allclose(a / size, b / size, atol=1e-4)
    dot = Ink((np.array([[0.25, 0.5]], np.float32),), "i", "w")
    assert load_unlabelled(pen_commands._save_examples([dot], tmp_path)[0])[0].strokes[0].tolist() == [[0.25, 0.5]]


@real
def test_real_words_are_split_by_writer_and_fit():
    splits = split_inks(load_written(DATA / "words.npz"))
    assert {name: len(inks) for name, inks in splits.items()} == {"train": 21411, "val": 3070, "test": 2062}
    some = splits["val"][::40]
    lengths = np.array([len(track.points) for track in tracks_of(some)])
    assert 100 < np.median(lengths) < 250
    frames = frames_of(lengths, PenConfig(6, 27))
    assert np.mean(frames >= [len(ink.label) for ink in some]) > 0.99
