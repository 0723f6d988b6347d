"""What the readers share."""

from __future__ import annotations

import numpy as np
import pytest

from minirnn.data.evenly import evenly
from minirnn.data.text import Alphabet
from minirnn.errors import DataError
from minirnn.plots import as_text
from minirnn.tasks.reading import (
    BONUSES,
    WEIGHTS,
    Decoding,
    as_read,
    by_length,
    decode,
    judge,
    load_lexicon,
    most_frequent,
    show_scores,
    targets_of,
    ways_to_read,
)
from minirnn.tasks.reading_pictures import SHEET, reading_of, wrong_first

AB = Alphabet(("a", "b"))


def test_targets_leave_zero_to_the_blank():
    targets, lengths = targets_of(["ab", "", "bba"], AB)
    assert targets.tolist() == [[1, 2, 0], [0, 0, 0], [2, 2, 1]]
    assert lengths.tolist() == [2, 0, 3]


def test_a_strange_character_is_named():
    with pytest.raises(DataError, match="'abc' holds 'c', which the reader does not know; expected some of 'ab'"):
        targets_of(["ab", "abc"], AB)


def test_batches_hold_similar_lengths_and_every_example_once():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 100, 640)
    order = by_length(lengths)
    epochs = [[order(640, 16, step, 3) for step in range(40 * k, 40 * (k + 1))] for k in range(2)]
    for batches in epochs:
        assert sorted(np.concatenate(batches).tolist()) == list(range(640))
    spread = np.mean([np.ptp(lengths[batch]) for batch in epochs[0]])
    assert spread < 15 < np.mean([np.ptp(lengths[k : k + 16]) for k in range(0, 640, 16)])
    means = [lengths[batch].mean() for batch in epochs[0]]
    assert np.abs(np.diff(means)).mean() > 10  # not from short to long
    assert any((a != b).any() for a, b in zip(*epochs))


def test_an_order_of_fewer_examples_than_a_batch():
    assert sorted(by_length(np.arange(1, 4))(3, 16, 5, 0).tolist()) == [0, 1, 2]


def shouting(path, V=3):
    """Logits that shout the classes of a path."""
    return 9.0 * np.eye(V)[list(path)]


def test_best_path_and_beam_agree_where_the_network_is_sure():
    logits, lengths = np.stack([shouting([1, 1, 0, 2]), shouting([2, 0, 2, 1])]), np.array([4, 3])
    for beam in (0, 4):
        told = decode(logits, lengths, AB, Decoding(beam=beam))
        assert [t.text for t in told] == ["ab", "bb"]
        assert all(0.9 < t.probability <= 1 for t in told)


def test_a_probability_does_not_count_the_padding():
    logits = np.stack([shouting([1, 0, 2, 0])])
    noise = logits.copy()
    noise[:, 2:] = 0
    assert decode(noise, np.array([2]), AB, Decoding())[0].probability > 0.9


def test_a_lexicon_allows_only_its_words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("ba\nzoo\n\nbb\n", encoding="utf-8")
    how = Decoding(beam=8, lexicon=load_lexicon(path, AB))
    logits = np.stack([shouting([1, 0, 2, 0])])
    assert decode(logits, np.array([4]), AB, how)[0].text in ("ba", "bb")
    assert decode(logits[:, :1], np.array([1]), AB, how)[0] == ("", 0.0)


def test_a_lexicon_without_a_readable_word_is_refused(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("zoo\n", encoding="utf-8")
    with pytest.raises(DataError, match="words.txt holds no word of the characters 'ab'"):
        load_lexicon(path, AB)


def test_scores():
    assert judge(["ab", "b"], ["ab", "a"]) == {"exact_match": 0.5, "cer": pytest.approx(1 / 3), "wer": 0.5}
    assert most_frequent(["b", "a", "b", "a", "c"], ["a", "a", "ab"])["exact_match"] == pytest.approx(2 / 3)
    assert show_scores({"best path": judge(["ab"], ["aa"])}).splitlines()[1] == "best path     0.0%  50.00%  100.0%"


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="zip"):
        judge(["a"], ["a", "b"])


def test_a_sheet_shows_wrong_readings_first_but_not_only_them():
    truths = ["a"] * 60
    says = ["b" if k % 3 else "a" for k in range(60)]
    shown, right = wrong_first(says, truths)
    assert right == list(range(0, 60, 3))
    assert shown == [1, 2, 4, 5, 7, 8, *right[: SHEET - 6]]
    assert wrong_first(["a", "b"], ["a", "a"]) == ([1, 0], [0])
    assert reading_of("", "") == "(nothing)"
    assert reading_of("a", "b") == "a   (right: b)"


def test_text_in_pictures():
    assert as_text("a$_$") == r"a\$_\$"
    assert as_text("unspaced" * 10, 20) == "unspacedunspacedun …"  # not an ellipsis alone
    assert as_text("two  spaces", 11) == "two  spaces"


@pytest.mark.parametrize(("n", "most"), [(9, 3), (10, 9), (3, 3), (2, 5), (1, 1), (1000, 999), (5, 1)])
def test_some_are_spread_evenly(n, most):
    found = evenly(n, most)
    assert len(found) == min(n, most) == len(set(found.tolist()))
    assert found[0] == 0
    if len(found) > 1:
        steps = np.diff(found)
        assert found[-1] == n - 1
        assert steps.max() - steps.min() <= 1


def test_ways_to_read():
    alphabet = Alphabet(("a", "b", "c"))

    def text(logits, how):
        return decode(np.asarray(logits)[None], np.array([len(logits)]), alphabet, how)[0].text

    assert list(ways_to_read((), alphabet, (), lambda how: ())) == ["best path", "beam 10"]
    ways = ways_to_read(("ab", "ab", "c"), alphabet, ("ab",), lambda how: ("ab" if how.weight == 0.6 else "a",))
    sure = shouting([1, 1, 3, 0], 4)  # "ac" is what the columns say
    says = {name: text(sure, how) for name, how in ways.items()}
    assert says["best path"] == says["beam 10"] == "ac"
    assert says["beam, lexicon"] in ("ab", "c")
    assert says["beam, lexicon, n-gram"] in ("ab", "c")
    unsure = np.log([[1e-3, 0.98, 0.01, 0.009], [0.98, 0.01, 0.005, 0.005], [1e-3, 1e-3, 0.49, 0.508]])
    assert text(unsure, Decoding()) == "ac"
    assert text(unsure, ways["beam, n-gram"]) == "ab"


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("bonus", BONUSES)
def test_the_weight_of_the_n_gram_is_the_one_that_reads_best(weight, bonus):
    ways = ways_to_read(
        ("ab",), AB, ("ab", "ba"), lambda how: ("ab", "ba" if (how.weight, how.bonus) == (weight, bonus) else "bb")
    )
    for name in ("beam, n-gram", "beam, lexicon, n-gram"):
        assert (ways[name].weight, ways[name].bonus) == (weight, bonus)
    assert ways["beam, n-gram"].lexicon is None
    assert ways["beam, lexicon, n-gram"].lexicon is not None


def test_an_n_gram_that_does_not_help_does_not_count():
    best = ways_to_read(("ab",), AB, ("ab",), lambda how: ("b",))["beam, n-gram"]
    assert (best.weight, best.bonus) == (0.0, 0.0)
    assert (as_read(("ab",)), as_read(())) == ("beam, n-gram", "best path")
