"""Decoding CTC: the best path by hand, beam search against all paths written out."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import groupby, product

import numpy as np
import pytest

from minirnn import functional as F
from minirnn.decode_ctc import Lexicon, best_path, prefix_beam
from minirnn.errors import DataError
from minirnn.functional.activations import log_softmax_forward


def draw(seed, T, V, spread=2.0):
    return np.random.default_rng(seed).standard_normal((T, V)) * spread


def all_readings(logits, blank):
    """{labels: log-probability}, summed over all V ** T paths."""
    logp, _ = log_softmax_forward(logits)
    paths = defaultdict(list)
    for path in product(range(logits.shape[1]), repeat=len(logits)):
        reading = tuple(label for label, _ in groupby(path) if label != blank)
        paths[reading].append(sum(logp[t, k] for t, k in enumerate(path)))
    return {reading: float(np.logaddexp.reduce(ways)) for reading, ways in paths.items()}


def path(*classes, V=4):
    """Logits of one line that says these classes, plainly."""
    logits = np.zeros((len(classes), V))
    logits[np.arange(len(classes)), classes] = 5
    return logits


# --- best path --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        ((0, 0, 0), []),
        ((1, 1, 1), [1]),
        ((1, 0, 1), [1, 1]),
        ((0, 1, 1, 2, 2, 0, 2), [1, 2, 2]),
        ((3, 2, 3), [3, 2, 3]),
        ((2,), [2]),
    ],
)
def test_best_path_merges_then_drops_blanks(classes, labels):
    assert best_path(path(*classes)[None], np.array([len(classes)])) == [labels]


def test_best_path_of_a_batch():
    """The second line ends after three steps; the blank is class 3; of equal classes the first counts."""
    logits = np.stack([path(1, 3, 1, 0, 0), path(2, 2, 0, 1, 1), np.zeros((5, 4)), path(1, 1, 1, 1, 1)])
    assert best_path(logits, np.array([5, 3, 4, 0]), blank=3) == [[1, 1, 0], [2, 0], [0], []]
    assert best_path(logits[:0], np.zeros(0, int)) == []


def test_best_path_looks_behind_no_end():
    logits = np.stack([path(1, 2)])
    logits[0, 1] = np.nan
    assert best_path(logits, np.array([1])) == [[1]]
    with pytest.raises(ValueError, match="NaN"):
        best_path(logits, np.array([2]))


@pytest.mark.parametrize(
    ("logits", "lengths", "options", "words"),
    [
        (np.zeros((3, 4)), np.array([3]), {}, r"logits has 2 axes"),
        (np.zeros((1, 3, 4)), np.array([4]), {}, r"lengths holds 4; expected 0 to T = 3"),
        (np.zeros((1, 3, 4)), np.array([-1]), {}, r"lengths holds -1"),
        (np.zeros((1, 3, 4)), np.array([3, 3]), {}, r"lengths has shape \(2,\).*expected 1 integers"),
        (np.zeros((1, 3, 4)), np.array([3.0]), {}, r"lengths has .*float64"),
        (np.zeros((1, 3, 4)), np.array([3]), {"blank": 4}, r"blank is 4"),
        (np.zeros((1, 3, 4)), np.array([3]), {"blank": -1}, r"blank is -1"),
    ],
)
def test_best_path_refuses(logits, lengths, options, words):
    with pytest.raises(ValueError, match=words):
        best_path(logits, lengths, **options)


# --- beam search ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize(("T", "V"), [(1, 2), (2, 3), (3, 4), (4, 3), (6, 3)])
def test_a_wide_beam_finds_every_reading(T, V, blank):
    blank = min(blank, V - 1)
    logits = draw([T, V, blank], T, V)
    expected = all_readings(logits, blank)
    found = prefix_beam(logits, beam=10_000, blank=blank)
    assert {tuple(r.labels) for r in found} == set(expected)
    for reading in found:
        assert reading.logp == reading.score == pytest.approx(expected[tuple(reading.labels)], abs=1e-10)
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)


def test_it_is_minus_the_loss():
    logits = draw(5, 6, 4)
    for reading in prefix_beam(logits, beam=100_000)[:50]:
        U = len(reading.labels)
        loss, _ = F.ctc_loss.forward(
            logits[None], np.array([reading.labels], int).reshape(1, U), np.array([6]), np.array([U])
        )
        assert reading.logp == pytest.approx(-loss[0], abs=1e-10)


def test_the_best_reading_is_not_the_best_path():
    """Blank 0.6 at both steps: the best path is silent (0.36), but "a" is read from three paths (0.64)."""
    logits = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert best_path(logits[None], np.array([2])) == [[]]
    best, other = prefix_beam(logits)
    assert (best.labels, other.labels) == ([1], [])
    assert math.exp(best.logp) == pytest.approx(0.64)
    assert math.exp(other.logp) == pytest.approx(0.36)


def test_a_narrow_beam_loses_paths_but_invents_none():
    for seed in range(20):
        logits = draw(seed, 6, 3)
        expected = all_readings(logits, 0)
        for beam in (1, 2, 5):
            found = prefix_beam(logits, beam=beam)
            assert 1 <= len(found) <= beam
            assert all(r.logp <= expected[tuple(r.labels)] + 1e-10 for r in found)


def test_a_beam_of_ten_is_enough_for_plain_lines():
    for seed in range(10):
        logits = draw(seed, 6, 4, spread=3)
        expected = all_readings(logits, 0)
        assert tuple(prefix_beam(logits, beam=10)[0].labels) == max(expected, key=expected.get)


def test_no_steps():
    assert [r.labels for r in prefix_beam(np.zeros((0, 3)))] == [[]]
    assert prefix_beam(np.zeros((0, 3)), lexicon=Lexicon([[1]])) == []


def test_equal_readings_come_in_order():
    assert [r.labels for r in prefix_beam(np.zeros((1, 4)))] == [[], [1], [2], [3]]


def test_classes_below_least_are_not_tried():
    with np.errstate(divide="ignore"):
        logits = np.log(np.array([[0.5, 0.49, 0.01], [0.9, 0.1, 0.0]]))
    readings = {tuple(r.labels) for r in prefix_beam(logits, beam=100)}
    assert readings == {(), (1,), (2,), (2, 1)}  # 1 1 would need three steps
    assert {tuple(r.labels) for r in prefix_beam(logits, beam=100, least=-2.5)} == {(), (1,)}


# --- lexicon ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_lexicon_leaves_its_words_with_their_probabilities(seed):
    words = [(1, 2), (1, 2, 2), (2,), (3, 1), (1, 2)]
    logits = draw(seed, 5, 4)
    expected = all_readings(logits, 0)
    found = prefix_beam(logits, beam=1000, lexicon=Lexicon(words))
    assert {tuple(r.labels) for r in found} == set(words)
    for reading in found:
        assert reading.logp == pytest.approx(expected[tuple(reading.labels)], abs=1e-10)


def test_a_lexicon_with_spaces():
    """Words (1, 2) and (2), with 3 between them: lines are words with one space between each two."""
    logits = draw(1, 5, 4)
    expected = all_readings(logits, 0)
    words = {(1, 2), (2,)}

    def allowed(labels):
        text = " ".join(map(str, labels)).split("3")
        return all(tuple(map(int, word.split())) in words for word in text)

    found = prefix_beam(logits, beam=10_000, lexicon=Lexicon(sorted(words), space=3))
    assert {tuple(r.labels) for r in found} == {labels for labels in expected if allowed(labels)}
    assert (2, 3, 1, 2) in {tuple(r.labels) for r in found}
    for reading in found:
        assert reading.logp == pytest.approx(expected[tuple(reading.labels)], abs=1e-10)


def test_only_whole_words_compete_at_the_end():
    """Beginnings of words are more probable than the one word that is whole."""
    logits = path(1, 2, 3)
    found = prefix_beam(logits, beam=1, lexicon=Lexicon([(1, 2, 3, 1), (1, 2)]))
    assert [r.labels for r in found] == [[1, 2]]


def test_no_word_fits():
    assert prefix_beam(draw(0, 2, 4), lexicon=Lexicon([(1, 1), (1, 2, 3)])) == []


@pytest.mark.parametrize(
    ("words", "space", "message"),
    [
        ([], None, "the lexicon has no words"),
        ([[1], []], None, "word 1 of the lexicon is empty"),
        ([[1, 3, 2]], 3, "word 0 of the lexicon holds the space, 3"),
    ],
)
def test_a_lexicon_refuses(words, space, message):
    with pytest.raises(DataError, match=message):
        Lexicon(words, space)


@pytest.mark.parametrize(
    ("words", "blank", "label"), [([[1, 4]], 0, 4), ([[1, 0]], 0, 0), ([[1, 2]], 2, 2), ([[-1]], 0, -1)]
)
def test_labels_of_a_lexicon_that_could_never_be_read(words, blank, label):
    with pytest.raises(ValueError, match=f"the lexicon holds {label}"):
        prefix_beam(draw(0, 3, 4), blank=blank, lexicon=Lexicon(words))


# --- language model ---------------------------------------------------------------------------------------------------


def bigram(prefix, label):
    """1 follows 1 and 2 follows 2 rarely; lines end after 2."""
    last = prefix[-1] if prefix else 0
    if label is None:
        return math.log(0.9 if last == 2 else 0.1)
    return math.log(0.1 if label == last else 0.7)


def test_the_language_model_counts_every_label_once():
    logits = draw(2, 5, 3)
    expected = all_readings(logits, 0)
    found = prefix_beam(logits, beam=10_000, ngram=bigram, weight=0.6, bonus=0.3)
    assert {tuple(r.labels) for r in found} == set(expected)
    for r in found:
        said = sum(bigram(r.labels[:k], label) for k, label in enumerate(r.labels)) + bigram(r.labels, None)
        assert r.logp == pytest.approx(expected[tuple(r.labels)], abs=1e-10)
        assert r.score == pytest.approx(r.logp + 0.6 * said + 0.3 * len(r.labels), abs=1e-10)
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)


def test_the_language_model_decides_what_the_network_leaves_open():
    logits = path(1, 0, 1)
    logits[2, 2] = logits[2, 1] - 0.1  # 1 or 2, hardly to tell
    assert prefix_beam(logits)[0].labels == [1, 1]
    assert prefix_beam(logits, ngram=bigram)[0].labels == [1, 2]
    assert prefix_beam(logits, ngram=bigram, weight=0)[0].labels == [1, 1]


def test_what_the_language_model_rules_out_is_never_read():
    found = prefix_beam(draw(3, 4, 3), beam=100, ngram=lambda prefix, label: -math.inf if label == 1 else 0.0)
    assert {tuple(r.labels) for r in found} == {(), (2,), (2, 2)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"beam": 0}, "beam is 0"),
        ({"beam": 2.5}, "beam is 2.5"),
        ({"weight": -1}, "weight is -1"),
        ({"weight": math.nan}, "weight is nan"),
        ({"bonus": math.inf}, "bonus is inf"),
        ({"least": math.nan}, "least is NaN"),
        ({"ngram": lambda prefix, label: 0.5}, r"the language model gives 0.5 after \[\]"),
        ({"ngram": lambda prefix, label: math.nan}, "the language model gives nan"),
    ],
)
def test_options_out_of_range(options, words):
    with pytest.raises(DataError, match=words):
        prefix_beam(draw(0, 3, 4), **options)


@pytest.mark.parametrize(
    ("logits", "words"),
    [
        (np.zeros((1, 3, 4)), "logits has 3 axes"),
        (np.zeros((3, 4), int), "logits has dtype int64"),
        (np.full((3, 4), np.nan), "NaN"),
    ],
)
def test_beam_search_refuses(logits, words):
    with pytest.raises(ValueError, match=words):
        prefix_beam(logits)
