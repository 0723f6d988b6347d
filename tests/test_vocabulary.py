"""The tokeniser, the vocabulary and padded captions."""

from __future__ import annotations

import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.data.vocabulary import END, PAD, SPECIAL, START, UNK, CaptionIds, Vocabulary, pad_captions, tokenise
from minirnn.errors import DataError

CAPTIONS = [["a", "dog", "runs"], ["a", "cat", "sits"], ["a", "dog", "sits", "down"]]
WORDS = SPECIAL + ("a", "dog", "sits", "cat", "down", "runs")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A child in a PINK dress .", ["a", "child", "in", "a", "pink", "dress"]),
        ("man's t-shirt, snow-covered!", ["man's", "t-shirt", "snow-covered"]),
        ("the dog 's toys' -end- 'n' --", ["the", "dog", "s", "toys", "end", "n"]),
        ("rock--n--roll man-'s", ["rock", "n", "roll", "man", "s"]),
        ("don\u2019t", ["don't"]),
        ('2 dogs & "3" cats; #1 a_b x/y', ["2", "dogs", "3", "cats", "1", "a", "b", "x", "y"]),
        ("\u00c9COLE stra\u00dfe", ["\u00e9cole", "stra\u00dfe"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940 .", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),  # vowel signs are accents
        ("a\u2028b\x0bc\u00a0d\te\r\n", ["a", "b", "c", "d", "e"]),
        (" . - ' ", []),
        ("<start> a <unk> \x00", ["start", "a", "unk"]),
    ],
)  # fmt: skip
def test_the_stated_rule(text, words):
    assert tokenise(text) == words


def test_composed_and_decomposed_letters_are_one_word():
    nfd = unicodedata.normalize("NFD", "Caf\u00e9 \u00c5se")
    assert nfd != "Caf\u00e9 \u00c5se"
    assert tokenise(nfd) == tokenise("Caf\u00e9 \u00c5se") == ["caf\u00e9", "\u00e5se"]


@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_words_tokenise_to_themselves(text):
    words = tokenise(text)
    assert tokenise(" ".join(words)) == words
    assert all(word and not set(word) & set(' \t\n.,;!?"()<>') for word in words)


def test_build_orders_by_count_then_alphabet():
    assert Vocabulary.build(CAPTIONS).words == WORDS
    assert Vocabulary.build(reversed(CAPTIONS)).words == WORDS
    assert len(Vocabulary.build(CAPTIONS)) == 10


def test_build_leaves_out_rare_words():
    assert Vocabulary.build(iter(CAPTIONS), min_count=2).words == SPECIAL + ("a", "dog", "sits")


def test_build_does_not_take_special_words_from_captions():
    assert Vocabulary.build([["<end>", "a", "<unk>", "<pad>"]]).words == SPECIAL + ("a",)


def test_encode_and_decode():
    v = Vocabulary.build(CAPTIONS)
    assert [v.words.index(w) for w in ("<pad>", "<start>", "<end>", "<unk>")] == [PAD, START, END, UNK] == [0, 1, 2, 3]
    ids = v.encode(["a", "zebra", "runs"])
    assert ids == [4, UNK, 9]
    assert v.decode([START, *ids, END, 5, PAD]) == ["a", "<unk>", "runs"]
    assert v.decode(np.array([PAD, 4, PAD, 5])) == ["a", "dog"]
    assert v.decode([]) == []


def test_encode_never_makes_a_control_number():
    v = Vocabulary.build(CAPTIONS)
    assert v.encode(list(SPECIAL) + ["a"]) == [UNK, UNK, UNK, UNK, 4]


@pytest.mark.parametrize(("ids", "what"), [([4, -1], "id -1 at position 1"), ([10], "id 10 at position 0.* 10 words")])
def test_decode_refuses_numbers_out_of_range(ids, what):
    with pytest.raises(IndexError, match=what):
        Vocabulary.build(CAPTIONS).decode(ids)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("a", "b"), "begins with"),
        (("<pad>", "<end>", "<start>", "<unk>", "a"), "begins with"),
        (SPECIAL[:3], "begins with"),
        (SPECIAL + ("a", "b", "a"), "'a' twice"),
        (SPECIAL + ("<unk>",), "'<unk>' twice"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(words, what):
    with pytest.raises(DataError, match=what):
        Vocabulary(words)


def test_build_refuses_what_it_cannot_count():
    with pytest.raises(DataError, match="no word occurs 4 times"):
        Vocabulary.build(CAPTIONS, min_count=4)
    with pytest.raises(DataError, match="no word"):
        Vocabulary.build([])
    with pytest.raises(DataError, match="min_count is 0"):
        Vocabulary.build(CAPTIONS, min_count=0)
    with pytest.raises(DataError, match=r"'a dog'.*tokenise"):
        Vocabulary.build(["a dog"])
    with pytest.raises(DataError, match=r"'a dog'.*tokenise"):
        Vocabulary.build(CAPTIONS).encode("a dog")


def test_vocabularies_compare_by_their_words():
    assert Vocabulary.build(CAPTIONS) == Vocabulary(WORDS)
    assert hash(Vocabulary.build(CAPTIONS)) == hash(Vocabulary(WORDS))


def test_pad_captions():
    inputs, targets, mask = pad_captions([[4, 5, 6], [7], []])
    np.testing.assert_array_equal(inputs, [[START, 4, 5, 6], [START, 7, PAD, PAD], [START, PAD, PAD, PAD]])
    np.testing.assert_array_equal(targets, [[4, 5, 6, END], [7, END, PAD, PAD], [END, PAD, PAD, PAD]])
    np.testing.assert_array_equal(mask, [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]])
    assert inputs.dtype == targets.dtype == np.int64
    assert mask.dtype == np.bool_
    assert isinstance(pad_captions([[4]]), CaptionIds)


def test_pad_captions_cuts_and_still_ends():
    inputs, targets, mask = pad_captions([[4, 5, 6], [7]], length=2)
    np.testing.assert_array_equal(inputs, [[START, 4, 5], [START, 7, PAD]])
    np.testing.assert_array_equal(targets, [[4, 5, END], [7, END, PAD]])
    np.testing.assert_array_equal(mask, [[1, 1, 1], [1, 1, 0]])
    assert pad_captions([[4, 5]], length=20).inputs.shape == (1, 3)  # T follows the longest caption, not the limit


@given(st.lists(st.lists(st.integers(UNK, 50), max_size=9), min_size=1, max_size=7), st.none() | st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_targets_are_inputs_one_step_ahead(ids, length):
    inputs, targets, mask = pad_captions(ids, length)
    for n, caption in enumerate(ids):
        kept = caption[:length]
        assert mask[n].sum() == len(kept) + 1
        assert inputs[n][mask[n]].tolist() == [START, *kept]
        assert targets[n][mask[n]].tolist() == [*kept, END]
        assert Counter(inputs[n][~mask[n]].tolist() + targets[n][~mask[n]].tolist()).keys() <= {PAD}


@pytest.mark.parametrize(
    ("ids", "length", "error", "what"),
    [
        ([], None, DataError, "no caption"),
        ([[4]], 0, DataError, "cut to 0"),
        ([[4], [4, END]], None, DataError, "caption 1 holds id 2"),
        ([[-1]], None, DataError, "caption 0 holds id -1"),
        ([[4.5]], None, TypeError, "float"),
    ],
)
def test_pad_captions_refuses(ids, length, error, what):
    with pytest.raises(error, match=what):
        pad_captions(ids, length)
