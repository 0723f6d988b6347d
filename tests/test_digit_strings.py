"""Lines of digits: what was asked for stands where the cuts say, the same seed draws the same, nonsense is refused."""

from __future__ import annotations

import numpy as np
import pytest

from minirnn import functional as F
from minirnn.data.digit_strings import HEIGHT, compose, stroke_digits, text_of
from minirnn.models.reader import columns_of

DIGITS, LABELS = stroke_digits(200)


def lines(seed=0, n=40, **options):
    return compose(np.random.default_rng(seed), DIGITS, LABELS, n, **options)


def test_shapes_and_types():
    drawn = lines()
    N, U = drawn.targets.shape
    assert N == 40
    assert drawn.lengths.max() == U
    assert drawn.images.shape == (40, HEIGHT, drawn.widths.max())
    assert drawn.images.dtype == np.uint8
    assert drawn.cuts.shape == (40, U, 2)
    assert {drawn.widths.dtype, drawn.targets.dtype, drawn.lengths.dtype} == {np.dtype(np.int64)}
    assert set(drawn.lengths) == set(range(2, 9))


def test_the_same_seed_draws_the_same():
    for a, b in zip(lines(3), lines(3)):
        np.testing.assert_array_equal(a, b)
    assert lines(3).texts != lines(4).texts


def test_ink_stands_between_the_cuts_and_nowhere_else():
    drawn = lines(n=100)
    for image, width, cuts, length in zip(drawn.images, drawn.widths, drawn.cuts, drawn.lengths):
        inked = np.zeros(image.shape[1], bool)
        for begin, end in cuts[:length]:
            assert 0 < begin < end < width
            assert image[:, begin].max() > 0
            assert image[:, end - 1].max() > 0
            inked[begin:end] = True
        assert not image[:, ~inked].any()
        assert not cuts[length:].any()


def test_what_is_read_is_what_was_drawn():
    """One digit alone, of one picture for each class: the line's ink is that of its picture, moved and resized."""
    first = np.array([np.flatnonzero(k == LABELS)[0] for k in range(10)])
    sizes = DIGITS[first].sum(axis=(1, 2)) / 255
    drawn = compose(np.random.default_rng(1), DIGITS[first], np.arange(10), 300, least=1, most=1)
    assert set(drawn.texts) == set("0123456789")
    for image, text in zip(drawn.images, drawn.texts):
        assert 0.55 < image.sum() / 255 / sizes[int(text)] < 1.3  # the square of the scale
    assert all(drawn.targets[:, 0] - 1 == [int(text) for text in drawn.texts])


def test_targets_and_texts_agree():
    drawn = lines(5)
    for text, row, length in zip(drawn.texts, drawn.targets, drawn.lengths):
        assert text == "".join(str(k - 1) for k in row[:length])
        assert not row[length:].any()
    assert text_of([1, 10]) == "09"


def test_every_line_has_a_column_for_every_label():
    """Also ones beside ones, the narrowest: a reader that sees 4 pixels at a time can say them all."""
    ones = DIGITS[LABELS == 1]
    drawn = compose(np.random.default_rng(0), ones, np.ones(len(ones), int), 300)
    assert F.feasible(drawn.targets, drawn.lengths, columns_of(drawn.widths)).all()


def test_lines_vary():
    """Sizes, distances and heights differ from line to line, and some neighbours touch."""
    drawn = compose(np.random.default_rng(0), DIGITS[:1], LABELS[:1], 100, least=2, most=2)
    spans = drawn.cuts[:, :, 1] - drawn.cuts[:, :, 0]
    assert np.ptp(spans) >= 3
    gaps = drawn.cuts[:, 1, 0] - drawn.cuts[:, 0, 1]
    assert gaps.min() <= 0
    assert gaps.max() >= 6
    tops = [int(np.flatnonzero(image.max(axis=1))[0]) for image in drawn.images]
    assert np.ptp(tops) >= 3


def test_padding_to_a_stated_width():
    wide = lines(n=5, padded=400)
    assert wide.images.shape[2] == 400
    assert not wide.images[:, :, wide.widths.max() :].any()
    with pytest.raises(ValueError, match="padded is 10; a line is"):
        lines(n=5, padded=10)


def test_stroke_digits():
    again, labels = stroke_digits(200)
    np.testing.assert_array_equal(again, DIGITS)
    np.testing.assert_array_equal(labels, LABELS)
    assert DIGITS.shape == (200, 28, 28)
    assert DIGITS.dtype == np.uint8
    assert set(LABELS) == set(range(10))
    ink = (DIGITS > 127).mean(axis=(1, 2))
    assert ink.min() > 0.02
    assert ink.max() < 0.4
    assert not np.concatenate([DIGITS[:, [0, -1]].ravel(), DIGITS[:, :, [0, -1]].ravel()]).any()  # none is cut off
    assert (np.abs(np.diff(DIGITS.astype(int), axis=0)).sum(axis=(1, 2)) > 0).all()


def test_stroke_digits_can_be_told_apart():
    """The nearest of 800 others shows the same digit, 97 times in 100."""
    digits, labels = stroke_digits(1000, seed=1)
    x = digits.reshape(1000, -1).astype(np.float32) / 255
    known, asked = x[:800], x[800:]
    distance = (known**2).sum(axis=1) - 2 * asked @ known.T
    assert (labels[:800][distance.argmin(axis=1)] == labels[800:]).mean() > 0.97


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"digits": DIGITS.astype(float)}, r"digits have dtype float64.*expected uint8 \(M, 28, 28\)"),
        ({"digits": DIGITS[:, :20]}, r"shape \(200, 20, 28\)"),
        ({"labels": LABELS[:5]}, r"labels have .*shape \(5,\); expected 200 integers"),
        ({"labels": LABELS * 1.0}, r"labels have dtype float64"),
        ({"labels": LABELS + 1}, r"labels from 0 to 9"),
        ({"n": 0}, r"n = 0"),
        ({"least": 0}, r"least = 0"),
        ({"least": 9}, r"least = 9, most = 8"),
    ],
)
def test_refused(arguments, words):
    given = {"digits": DIGITS, "labels": LABELS, "n": 3, **arguments}
    with pytest.raises(ValueError, match=words):
        compose(np.random.default_rng(0), **given)


def test_refused_strokes():
    with pytest.raises(ValueError, match="n = 0"):
        stroke_digits(0)
