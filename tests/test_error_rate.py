"""Edit distance and error rates: by hand, and against the recursion written out."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from minirnn.error_rate import cer, edit_distance, wer
from minirnn.errors import DataError


def by_recursion(a, b):
    @cache
    def edits(i, j):
        if i == 0 or j == 0:
            return i + j
        return min(edits(i - 1, j) + 1, edits(i, j - 1) + 1, edits(i - 1, j - 1) + (a[i - 1] != b[j - 1]))

    return edits(len(a), len(b))


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [
        ("", "", 0),
        ("abc", "", 3),
        ("", "abc", 3),
        ("kitten", "sitting", 3),
        ("Saturday", "Sunday", 3),
        ("abc", "abc", 0),
        ("ab", "ba", 2),
        (["a", "dog"], ["a", "big", "dog"], 1),
        ([1, 2, 3], (1, 3), 1),
    ],
)
def test_by_hand(a, b, edits):
    assert edit_distance(a, b) == edits


def test_drawn_strings():
    rng = np.random.default_rng(0)
    for _ in range(200):
        a, b = (rng.integers(0, 3, size=rng.integers(0, 9)).tolist() for _ in range(2))
        assert edit_distance(a, b) == by_recursion(a, b) == edit_distance(b, a)


def test_rates_are_of_the_corpus():
    """One wrong in "a", none in nine letters: 1 / 10, not the mean of 1 and 0."""
    assert cer(["a", "ninechars"], ["b", "ninechars"]) == pytest.approx(1 / 10)
    assert wer(["a b", "c  d\te"], ["a x", "c d e"]) == pytest.approx(1 / 5)


def test_what_divides_is_the_reference():
    assert cer(["ab"], ["abcd"]) == pytest.approx(2 / 2)
    assert cer(["abcd"], ["ab"]) == pytest.approx(2 / 4)
    assert cer(["a"], ["bcd"]) == pytest.approx(3)
    assert wer(["one two"], [""]) == pytest.approx(1)


def test_spaces_are_characters_and_case_counts():
    assert cer(["a b"], ["ab"]) == pytest.approx(1 / 3)
    assert cer(["Ab"], ["ab"]) == pytest.approx(1 / 2)


def test_an_empty_line_among_others():
    assert cer(["", "ab"], ["x", "ab"]) == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("rate", "references", "hypotheses", "words"),
    [
        (cer, [], [], "no character in the references, which are 0 lines"),
        (cer, ["", ""], ["a", ""], "no character in the references, which are 2 lines"),
        (wer, ["  "], ["a"], "no word in the references"),
        (cer, ["a"], ["a", "b"], "1 references but 2 hypotheses"),
        (wer, "abc", ["a"], "references has type str"),
        (cer, ["a"], [None], r"hypotheses\[0\] has type NoneType"),
        (cer, [b"a"], ["a"], r"references\[0\] has type bytes"),
    ],
)
def test_refused(rate, references, hypotheses, words):
    with pytest.raises(DataError, match=words):
        rate(references, hypotheses)
