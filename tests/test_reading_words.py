"""What a reader knows of words, kept beside its run."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from minirnn.data.text import Alphabet
from minirnn.errors import DataError
from minirnn.tasks.reading import BEAM, Decoding, decode
from minirnn.tasks.reading_words import WORDS, decoding_arguments, decoding_of, load_words, save_words

ABC = Alphabet(("a", "b", "c"))
KNOWN = ["ab", "ab", "ab", "c"]
UNSURE = np.log([[[1e-3, 0.98, 0.01, 0.009], [0.98, 0.01, 0.005, 0.005], [1e-3, 1e-3, 0.49, 0.508]]])  # "ab" or "ac"


def how(folder: Path, *words: str) -> Decoding:
    parser = ArgumentParser()
    parser.add_argument("run", type=Path)
    decoding_arguments(parser)
    return decoding_of(parser.parse_args([str(folder), *words]), ABC)


def reads(way: Decoding) -> str:
    return decode(UNSURE, np.array([3]), ABC, way)[0].text


def test_what_was_learned_of_words_decides_where_the_network_is_unsure(tmp_path):
    save_words(tmp_path, KNOWN, Decoding(weight=0.6, bonus=0.7))
    found = how(tmp_path)
    assert (found.beam, found.weight, found.bonus, found.lexicon) == (BEAM, 0.6, 0.7, None)
    assert reads(found) == "ab"
    assert reads(how(tmp_path, "--best-path")) == "ac"
    assert how(tmp_path, "--beam", "3").beam == 3


def test_words_count_as_often_as_they_occur(tmp_path):
    save_words(tmp_path, KNOWN, Decoding(weight=1.0))
    found = load_words(tmp_path, ABC)
    assert found is not None
    assert found.ngram is not None
    assert found.ngram((), 1) > found.ngram((), 3) + 0.5


def test_a_run_without_words_is_read_by_its_best_path(tmp_path):
    assert load_words(tmp_path, ABC) is None
    assert how(tmp_path) == Decoding()
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("ab\n", encoding="utf-8")
    found = how(tmp_path, "--lexicon", str(lexicon))
    assert found.beam == BEAM
    assert reads(found) == "ab"


def test_a_lexicon_goes_with_the_n_gram(tmp_path):
    save_words(tmp_path, KNOWN, Decoding(weight=0.3))
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("ac\n", encoding="utf-8")
    found = how(tmp_path, "--lexicon", str(lexicon))
    assert found.ngram is not None
    assert reads(found) == "ac"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "words.json"),
        ("[]", "words.json is damaged"),
        ('{"weight": 1, "bonus": 0}', "words.json is damaged"),
        ('{"weight": "x", "bonus": 0, "texts": {"a": 1}}', "words.json is damaged"),
        ('{"weight": 1, "bonus": 0, "texts": {"a": 1, "a": 2}}', "words.json"),
        ('{"weight": 1, "bonus": 0, "texts": {}}', "holds texts of other characters"),
        ('{"weight": 1, "bonus": 0, "texts": {"xyz": 1}}', "holds texts of other characters"),
    ],
)
def test_damaged_words_are_refused_by_name(tmp_path, content, said):
    (tmp_path / WORDS).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        how(tmp_path)
    assert how(tmp_path, "--best-path") == Decoding()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--beam", "0"], "--beam is 0; expected at least 1"),
        (["--best-path", "--beam", "3"], "--best-path follows one path"),
        (["--best-path", "--lexicon", "words.txt"], "--best-path follows one path"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, words, said):
    with pytest.raises(DataError, match=said):
        how(tmp_path, *words)
