"""Lines of text as pictures: framing, drawing, composing, folders of line images, and splits."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from minirnn.data import line_sets
from minirnn.data.digit_strings import compose, stroke_digits
from minirnn.data.line_pictures import FULL, MARGIN, crossings, frame, jitter, load_line, save_line, widening
from minirnn.data.line_sets import kind_of, load_every, load_lines, read_labels
from minirnn.data.lines import HEIGHT, DigitLines, ImageLines, least_width, stack
from minirnn.data.pen_files import fingerprint
from minirnn.data.unipen import Ink, load_arrays
from minirnn.data.word_lines import Look, WordLines, draw_word, thinned
from minirnn.errors import DataError
from minirnn.functional.ctc import feasible
from minirnn.models.reader import columns_of

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
ZIGZAG = (np.array([[0, 0], [0.5, 1], [1, 0], [1.5, 1], [2, 0]], np.float32), np.array([[2.4, 0.9]], np.float32))


def drawn_line(text="Line", size=(200, 60), ink=0, paper=255, scale=1):
    """Black on white, in Pillow's own letters."""
    image = Image.new("L", size, paper)
    draw = ImageDraw.Draw(image)
    for k, x in enumerate(range(20, 20 + 30 * len(text), 30)):
        draw.line([(x, 45), (x + 10, 12 + 3 * k), (x + 20, 45)], fill=ink, width=4)
    return np.asarray(image.resize((size[0] * scale, size[1] * scale)))


# framing


def test_ink_fills_its_rows_whatever_the_size_and_the_colours():
    line = frame(drawn_line(), "x")
    assert line.shape[0] == HEIGHT
    assert line.dtype == np.uint8
    rows, columns = np.flatnonzero((line > 100).any(axis=1)), np.flatnonzero((line > 100).any(axis=0))
    assert FULL - 1 <= rows[-1] - rows[0] + 1 <= FULL
    assert abs((rows[0] + rows[-1]) / 2 - (HEIGHT - 1) / 2) <= 1
    assert abs(columns[0] - MARGIN) <= 1
    assert abs(line.shape[1] - 1 - columns[-1] - MARGIN) <= 1
    for other in (drawn_line(ink=255, paper=0), drawn_line(ink=80, paper=200), drawn_line(scale=3)):
        found = frame(other, "x")
        assert abs(found.shape[1] - line.shape[1]) <= 2
        wide = min(found.shape[1], line.shape[1])
        assert np.abs(found[:, :wide].astype(float) - line[:, :wide]).mean() < 16
    np.testing.assert_array_equal(frame(np.repeat(drawn_line()[..., None], 3, axis=2), "x"), line)
    assert frame(drawn_line(), "x", ink=16).shape[1] < 0.7 * line.shape[1]


@pytest.mark.parametrize(
    ("pixels", "says"),
    [
        (np.full((40, 90), 255, np.uint8), "page.png shows no ink: its pixels differ by 0 of 255"),
        (np.where(np.arange(3000) % 7 < 3, 0, 255) * np.ones((2, 1)), "the ink is 2999 pixels wide and 2 high"),
    ],
)
def test_what_is_no_line_is_refused(pixels, says):
    with pytest.raises(DataError, match=says):
        frame(np.pad(pixels.astype(np.uint8), 5, constant_values=255), "page.png")


def test_a_line_as_a_file_and_back(tmp_path):
    line = frame(drawn_line(), "x")
    again = load_line(save_line(line, tmp_path / "line.png"))
    np.testing.assert_array_equal(again, line)  # not a pixel is scaled
    small = load_line(save_line(line, tmp_path / "line.png"), ink=20)
    assert np.ptp(np.flatnonzero((small > 100).any(axis=1))) + 1 == pytest.approx(20, abs=1)


def test_strokes_are_counted_and_set_apart():
    bars = np.zeros((HEIGHT, 2 * MARGIN + 30), np.uint8)
    bars[5:25, [3, 10, 20]] = 255
    assert crossings(bars) == 3
    assert widening(bars, 0) == 1
    assert widening(bars, 20) == pytest.approx(2.0)
    assert widening(bars, 99) == 2.5
    assert widening(bars, 1) == 0.5
    wide = frame(255 - bars, "x", pitch=12)
    narrow = frame(255 - bars, "x", pitch=8)
    assert wide.shape[1] - 2 * MARGIN == pytest.approx(36, abs=1)
    assert narrow.shape[1] - 2 * MARGIN == pytest.approx(24, abs=1)


def test_a_jittered_line_is_the_same_line():
    rng = np.random.default_rng(0)
    line = frame(drawn_line(), "x")
    before = line.copy()
    many = [jitter(line, rng) for _ in range(20)]
    np.testing.assert_array_equal(line, before)
    assert all(m.shape[0] == HEIGHT and m.dtype == np.uint8 for m in many)
    assert len({m.shape[1] for m in many}) > 5
    ink = [m.astype(float).sum() / (line.astype(float).sum() * m.shape[1] / line.shape[1]) for m in many]
    assert min(ink) > 0.75
    assert max(ink) < 1.25
    calm = type("Calm", (), {"uniform": lambda self, a, b: 1.0 if a > 0 else 0.0})()
    np.testing.assert_array_equal(jitter(line, calm), line)


def test_lines_stay_wide_enough_for_their_text():
    assert least_width("") == 0
    assert least_width("abba") == 17
    image = np.zeros((HEIGHT, 20), np.uint8)
    image[8:24, 4:16] = 255
    lines = ImageLines((image,) * 30, ("abba",) * 30)
    found, texts = lines.draw(np.arange(30), np.random.default_rng(1))
    assert min(f.shape[1] for f in found) >= 17
    assert max(f.shape[1] for f in found) > 20
    assert texts == ["abba"] * 30
    assert lines.draw(np.array([4]), None)[0][0] is image
    narrow = ImageLines((image[:, :17],) * 30, ("abba",) * 30).draw(np.arange(30), np.random.default_rng(1))[0]
    assert min(f.shape[1] for f in narrow) == 17


@pytest.mark.parametrize("text", ["a", "ab", "abba", "aaa", "abcabcc"])
def test_a_line_is_wide_enough_when_ctc_says_so(text):
    widths = np.arange(1, 50)
    targets = np.tile([ord(c) - 96 for c in text], (len(widths), 1))
    fits = feasible(targets, np.full(len(widths), len(text)), columns_of(widths))
    assert (widths >= least_width(text)).tolist() == fits.tolist()


def test_some_lines_are_spread_over_all():
    lines = ImageLines(tuple(np.full((HEIGHT, 4), k, np.uint8) for k in range(9)), tuple("abcdefghi"))
    few = lines.some(3)
    assert few.texts == ("a", "e", "i")
    assert [int(image[0, 0]) for image in few.images] == [0, 4, 8]
    assert lines.some(20).texts == lines.texts
    cut = replace(lines, cuts=tuple(np.array([[k, k + 1]]) for k in range(9))).some(2)
    assert [c.tolist() for c in cut.cuts] == [[[0, 1]], [[8, 9]]]


def test_a_batch_holds_zero_behind_a_lines_end():
    x, widths = stack([np.full((HEIGHT, 5), 255, np.uint8), np.full((HEIGHT, 9), 51, np.uint8)])
    assert x.shape == (2, HEIGHT, 9)
    assert x.dtype == np.float32
    assert widths.tolist() == [5, 9]
    assert (x[0, :, :5] == 1).all()
    assert (x[0, :, 5:] == 0).all()
    np.testing.assert_allclose(x[1], 0.2, rtol=1e-6)


# words


def test_a_word_is_drawn_as_its_look_says():
    plain = draw_word(ZIGZAG, Look())
    rows = np.flatnonzero((plain > 100).any(axis=1))
    assert FULL - 2 <= np.ptp(rows) + 1 <= FULL
    assert draw_word(ZIGZAG, Look(), 2.0).shape[1] == pytest.approx(2 * plain.shape[1], abs=8)
    assert draw_word(ZIGZAG, Look(), least=200).shape[1] in (200, 201)
    assert draw_word(ZIGZAG, Look(pen=3)).astype(int).sum() > 1.4 * plain.astype(int).sum()
    slanted = draw_word(ZIGZAG, Look(slant=0.5))
    assert slanted.shape[1] > plain.shape[1] + 8
    small = draw_word(ZIGZAG, Look(fill=0.5))
    assert np.ptp(np.flatnonzero((small > 100).any(axis=1))) < 0.6 * np.ptp(rows)
    up, down = (np.flatnonzero((draw_word(ZIGZAG, Look(fill=0.5, rise=r)) > 100).any(axis=1)).mean() for r in (-4, 4))
    assert down - up == pytest.approx(8, abs=1)
    assert plain[:16, -8:].max() > 100  # the dot, at the top
    assert plain[16:, -8:].max() < 100
    dot = draw_word((np.zeros((1, 2), np.float32),), Look())
    assert dot.max() > 150


def test_words_look_different_every_time_and_are_the_same_without_a_generator():
    words = WordLines.of([Ink(ZIGZAG, "mm", "w"), Ink(ZIGZAG[:1], "abcdefghijklmnopqrst", "w")])
    both = np.array([0, 1])
    (a, texts), (b, _) = words.draw(both, None), words.draw(both, None)
    assert texts == ["mm", "abcdefghijklmnopqrst"]
    assert all((x == y).all() for x, y in zip(a, b))
    rng = np.random.default_rng(0)
    (a, _), (b, _) = words.draw(both, rng), words.draw(both, rng)
    assert a[0].shape != b[0].shape or (a[0] != b[0]).any()
    assert min(a[1].shape[1], b[1].shape[1]) >= 77  # as wide as the text needs
    assert words.sizes[1] == 77
    assert words.fixed().texts == words.texts


@pytest.mark.skipif(not (DATA / "unipen").exists(), reason=f"no data at {DATA}/unipen")
def test_real_words_have_room_for_their_letters():
    """Strokes set apart: letters of all hands are about equally wide, and nearly every word has enough columns."""
    inks = load_arrays(DATA / "unipen" / "words.npz")[::130]
    spread = {}
    for pitch in (0.0, 9.0):
        lines = WordLines.of(inks, pitch).fixed()
        a_letter = [image.shape[1] / len(text) for image, text in zip(lines.images, lines.texts)]
        spread[pitch] = float(np.std(np.log(a_letter)))
        narrow = np.mean([image.shape[1] < least_width(text) for image, text in zip(lines.images, lines.texts)])
    assert spread[9.0] < 0.75 * spread[0.0]
    assert narrow < 0.01


# digits


def test_strings_have_the_lengths_that_the_order_sorts_by():
    lines = DigitLines(*stroke_digits(40), count=70)
    some = np.array([0, 3, 6, 69])
    images, texts = lines.draw(some, np.random.default_rng(0))
    assert [len(text) for text in texts] == lines.sizes[some].tolist() == [2, 5, 8, 8]
    assert all(image.shape[1] >= least_width(text) for image, text in zip(images, texts))
    with pytest.raises(ValueError, match="expected a generator"):
        lines.draw(some, None)
    with pytest.raises(ValueError, match="expected 3 integers of at least 1"):
        compose(np.random.default_rng(0), lines.digits, lines.labels, 3, lengths=np.array([1, 2]))


def test_fixed_strings_are_always_the_same_and_their_cuts_hold_the_digits():
    lines = DigitLines(*stroke_digits(40))
    a, b = lines.fixed(300, 1), lines.fixed(300, 1)
    assert a.fingerprint() == b.fingerprint() != lines.fixed(300, 2).fingerprint()
    assert {len(text) for text in a.texts} == set(range(2, 9))
    for image, text, cuts in zip(a.images, a.texts, a.cuts):
        assert len(cuts) == len(text)
        outside = np.ones(image.shape[1], bool)
        for begin, end in cuts:
            outside[begin:end] = False
            assert image[:, begin:end].max() > 150
        assert image[:, outside].max(initial=0) < 100


# sources


def test_a_fingerprint_sees_every_border():
    """The same letters and points in the same order, but cut elsewhere."""
    a, b, c = np.float32([[0, 0], [1, 1]]), np.float32([[2, 2]]), np.float32([[3, 3]])
    every = [
        (("ab", "c"), ((a, b), (c,))),
        (("a", "bc"), ((a, b), (c,))),
        (("ab\nc",), ((a, b, c),)),
        (("ab", "c"), ((a,), (b, c))),
        (("ab", "c"), ((np.concatenate([a, b]),), (c,))),
        (("ab", "c"), ((a, c), (b,))),
    ]
    found = {WordLines(strokes, texts, (1.0,) * len(texts)).fingerprint() for texts, strokes in every}
    assert len(found) == len(every)
    wide, narrow = (np.arange(32 * w, dtype=np.uint8).reshape(32, w) for w in (6, 4))
    assert len({ImageLines(p, ("a", "b")).fingerprint() for p in ((wide, narrow), (narrow, wide))}) == 2
    row = np.zeros((32, 10), np.uint8)
    assert (
        ImageLines((row[:, :6], row[:, 6:]), ("a", "b")).fingerprint()
        != ImageLines((row[:, :4], row[:, 4:]), ("a", "b")).fingerprint()
    )
    assert fingerprint({"train": [Ink((a, b), "ab", "w")]}) != fingerprint({"val": [Ink((a, b), "ab", "w")]})


def test_a_run_knows_its_validation_lines_again(tmp_path):
    sets = load_lines(str(words_file(tmp_path / "words.npz")))
    other = replace(sets.held["val"], texts=(*sets.held["val"].texts[:-1], "zz"))
    assert replace(sets, held={**sets.held, "val": other}).fingerprint != sets.fingerprint
    assert replace(sets, held={"val": sets.held["val"]}).fingerprint == sets.fingerprint


def test_labels_of_words_are_tidied():
    assert WordLines.of([Ink(ZIGZAG, "e\u0301", "w")]).texts == ("\u00e9",)


def idx_folder(folder, sides=(28, 28)):
    """MNIST's files with 200 training digits of brightness 200 and 60 test digits of brightness 120."""
    for part, n, bright in (("train", 200, 200), ("t10k", 60, 120)):
        images = np.zeros((n, *sides), np.uint8)
        images[:, 6:22, 10:18] = bright
        for what, magic, array in (("images-idx3", 2051, images), ("labels-idx1", 2049, np.arange(n) % 10)):
            head = b"".join(int(v).to_bytes(4, "big") for v in (magic, *np.shape(array)))
            data = gzip.compress(head + array.astype(np.uint8).tobytes())
            (folder / f"{part}-{what}-ubyte.gz").write_bytes(data)
    return folder


def test_test_strings_are_made_of_test_digits_only(tmp_path, monkeypatch):
    monkeypatch.setattr(line_sets, "COUNTS", {"val": 20, "test": 30})
    sets = load_lines(str(idx_folder(tmp_path)))
    assert (sets.kind, len(sets.held["val"]), len(sets.held["test"])) == ("digits", 20, 30)
    assert len(sets.train.digits) == 160
    assert max(image.max() for image in sets.held["test"].images) <= 120
    assert min(image.max() for image in sets.held["val"].images) > 150
    assert sets.alphabet.encode("09").tolist() == [1, 10]


def test_digits_of_another_size_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"have shape \(30, 28\) .*expected digits 0 to 9 of 28 x 28"):
        load_lines(str(idx_folder(tmp_path, (30, 28))))


def words_file(path, writers=40, each=2):
    """Zigzags in the arrays form; the label says the writer."""
    points = np.concatenate(ZIGZAG) * 100
    n = writers * each
    labels = [f"{chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(writers) for _ in range(each)]
    up = np.tile([0, 0, 0, 0, 1, 1], n)
    np.savez(path, xy=np.tile(points, (n, 1)).astype(np.int16), pen_up=up.astype(np.int8),
             offsets=np.arange(n + 1) * 6, labels=np.array(labels),
             writer_file=np.array([f"w{k}" for k in range(writers) for _ in range(each)]))  # fmt: skip
    return path


def test_no_writer_is_in_two_splits(tmp_path):
    sets = load_lines(str(words_file(tmp_path / "words.npz")))
    texts = {"train": set(sets.known), **{name: set(lines.texts) for name, lines in sets.held.items()}}
    assert sum(map(len, texts.values())) == len(set().union(*texts.values())) == 40
    assert sets.kind == "words"
    assert sets.pitch > 0
    assert set(sets.alphabet.characters) == set("".join(sets.known))
    every = load_every(str(tmp_path / "words.npz"))
    assert sorted(every.texts) == sorted([*sets.known, *sets.held["val"].texts, *sets.held["test"].texts])
    assert load_every("drawn") is None


def test_a_folder_with_characters_only_is_read_and_one_with_neither_says_so(tmp_path):
    for k in range(60):
        (tmp_path / f"{k}.dat").write_text(f'.COORD X Y\n.SEGMENT CHARACTER 0 ? "{k % 10}"\n.PEN_DOWN\n0 0\n3 9\n5 0\n')
    sets = load_lines(str(tmp_path))
    assert (sets.kind, "".join(sets.alphabet.characters)) == ("words", "0123456789")
    assert len(sets.train) + sum(map(len, sets.held.values())) == 60
    (tmp_path / "notes.txt").write_text("three words here\n")
    with pytest.raises(DataError, match=r"notes.txt holds no .SEGMENT of level WORD or CHARACTER"):
        load_lines(str(tmp_path / "notes.txt"))


def image_folder(folder, n=12, name="labels.tsv", rows=()):
    for k in range(n):
        Image.fromarray(drawn_line(size=(200 + k, 60))).save(folder / f"{k}.png")
    lines = rows or [f"{k}.png\tline {k % 3}" for k in range(n)]
    (folder / name).write_text("\ufefffile\ttext\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_a_folder_of_line_images(tmp_path):
    sets = load_lines(str(image_folder(tmp_path)))
    assert (len(sets.train), len(sets.held["val"]), len(sets.held["test"])) == (10, 1, 1)
    widths = [image.shape[1] for lines in (sets.train, *sets.held.values()) for image in lines.images]
    assert len(widths) == 12
    assert sets.left_out == ()
    assert set(sets.alphabet.characters) <= set("line 012")
    again = load_lines(str(tmp_path))
    assert again.fingerprint == sets.fingerprint
    assert again.held["test"].fingerprint() == sets.held["test"].fingerprint()


def test_a_line_too_narrow_for_its_text_is_named(tmp_path):
    rows = [f"{k}.png\t{'long ' * 20 if k == 5 else 'ab'}" for k in range(12)]
    sets = load_lines(str(image_folder(tmp_path, rows=rows)))
    everywhere = [text for lines in (sets.train, *sets.held.values()) for text in lines.texts]
    assert len(everywhere) == 12 - len(sets.left_out)
    if any(len(text) > 2 for text in everywhere):  # the split has put it elsewhere: then nothing is left out
        assert not sets.left_out
    else:
        assert sets.left_out[0].endswith(f"5.png is too narrow for '{'long ' * 19}long'")
    with pytest.raises(DataError, match="no line image is wide enough for its text; the first"):
        load_lines(str(image_folder(tmp_path, rows=[f"{k}.png\t{'long ' * 20}" for k in range(12)])))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1.png", "line 3 holds 1 fields; expected two: file and text"),
        ("1.png\ta\tb", "line 3 holds 3 fields"),
        ("1.png\t ", "line 3: the text is empty"),
        ("\tabc", "line 3: the name of the file is empty"),
        ("0.png\tabc", "line 3: '0.png' is listed twice"),
        ("./0.png\tabc", "line 3: './0.png' is listed twice"),
        ("../1.png\tabc", "line 3: '../1.png' is outside of"),
        ("C:\\1.png\tabc", "line 3: .* is outside of"),
        ("\\1.png\tabc", "line 3: .* is outside of"),
        ("a\\..\\..\\1.png\tabc", "line 3: .* is outside of"),
        ("no.png\tabc", "line 3: .*no.png does not exist; check the name"),
    ],
)
def test_a_bad_row_of_labels_is_named(tmp_path, row, says):
    with pytest.raises((DataError, FileNotFoundError), match=says) as caught:
        load_lines(str(image_folder(tmp_path, 4, rows=["0.png\tabc", row])))
    assert "labels.tsv" in str(caught.value)


def test_labels_with_commas_and_without_a_header(tmp_path):
    image_folder(tmp_path, 2)
    (tmp_path / "labels.tsv").unlink()
    (tmp_path / "labels.csv").write_bytes('0.png,"a, b"\r\n\r\n1.png,e\u0301\r\n'.encode())
    assert read_labels(tmp_path) == [("0.png", "a, b"), ("1.png", "\u00e9")]
    (tmp_path / "labels.csv").write_bytes(b"0.png,caf\xe9\n")
    with pytest.raises(DataError, match="not UTF-8: byte 0xe9 at byte offset 9"):
        read_labels(tmp_path)
    for row in (b"0.png,a\r1.png,b\r", b'0.png,"' + b"a" * 140_000 + b'"\n'):  # of an old Mac; longer than csv takes
        (tmp_path / "labels.csv").write_bytes(row)
        with pytest.raises(DataError, match=r"labels.csv, line 1 is no row of a CSV file: .*; expected two fields"):
            read_labels(tmp_path)


def test_what_there_is_to_read(tmp_path):
    assert kind_of("drawn") == "drawn"
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; expected a file of pen strokes, or a folder"):
        kind_of(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"holds nothing to read; expected MNIST's IDX files, UNIPEN's \*\.dat files"):
        kind_of(str(tmp_path))
    with pytest.raises(DataError, match="holds 2 line images; expected at least 3"):
        load_lines(str(image_folder(tmp_path, 2)))


def test_drawn_digits_of_different_splits_are_different(monkeypatch):
    monkeypatch.setattr(line_sets, "DRAWN", {"train": 60, "val": 50, "test": 50})
    monkeypatch.setattr(line_sets, "COUNTS", {"val": 5, "test": 5})
    a, b = load_lines("drawn", 0), load_lines("drawn", 1)
    assert a.fingerprint != b.fingerprint
    assert a.held["val"].fingerprint() == b.held["val"].fingerprint() != a.held["test"].fingerprint()
    assert replace(a.train, count=7).fingerprint() != a.fingerprint


def test_thinned_strokes_look_as_before():
    rng = np.random.default_rng(0)
    many = [
        [rng.normal(0, 9, (n, 2)).cumsum(axis=0).astype(np.float32) for n in sizes] for sizes in ((400, 1, 90), (60,))
    ]
    words = thinned(many)
    assert [len(word) for word in words] == [3, 1]
    for word, was in zip(words, many):
        points, all_points = np.concatenate(word), np.concatenate(was)
        np.testing.assert_allclose([points[:, 1].min(), np.ptp(points[:, 1])], [0, 1], atol=0.1)
        assert len(points) < len(all_points)
        low, tall = all_points.min(axis=0), np.ptp(all_points[:, 1])
        for stroke, before in zip(word, was):
            np.testing.assert_allclose(stroke[[0, -1]], (before[[0, -1]] - low) / tall, atol=1e-5)
        whole = draw_word([(stroke - low) / tall for stroke in was], Look())
        found = draw_word(word, Look())
        assert abs(found.shape[1] - whole.shape[1]) <= 2
        wide = min(found.shape[1], whole.shape[1])
        same = (found[:, :wide] > 100) == (whole[:, :wide] > 100)
        assert same.mean() > 0.85
    assert thinned([]) == ()
    (dash,) = thinned([[np.array([[0, 5], [100, 5]], np.float32)]])
    np.testing.assert_allclose(dash[0], [[0, 0], [20, 0]])
