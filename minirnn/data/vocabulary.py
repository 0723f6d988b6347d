"""Words as numbers: the tokeniser, the vocabulary, and captions as padded batches."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import NamedTuple

import numpy as np

from minirnn.errors import DataError
from minirnn.pair import Array

PAD, START, END, UNK = 0, 1, 2, 3
SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")  # the words of PAD, START, END and UNK

_WORD = re.compile(r"[^\s'-]+(?:['-][^\s'-]+)*")


def tokenise(text: str) -> list[str]:
    """The words of a text.

    The rule: lower case, Unicode NFC; a word is a run of letters, digits and accents; one apostrophe or hyphen *inside*
    a word belongs to it (`man's`, `t-shirt`), anywhere else it parts words; all other characters part words
    and are dropped. The curly apostrophe counts as the straight one.

        tokenise('A "T-shirt", the man\\'s - 2 dogs .') -> ["a", "t-shirt", "the", "man's", "2", "dogs"]

    Source: after the preprocessing of Karpathy and Fei-Fei 2015 (lower case, no punctuation), which however
    glues `t-shirt` to `tshirt`.
    """
    text = unicodedata.normalize("NFC", text.lower()).replace("\u2019", "'")
    kept = "".join(c if c in "'-" or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return _WORD.findall(kept)


@dataclass(frozen=True)
class Vocabulary:
    """The known words. The number of a word is its place in `words`; the first four are `SPECIAL`.

    Raises:
        DataError: `words` does not begin with the four special words, or holds a word twice.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if tuple(self.words[: len(SPECIAL)]) != SPECIAL:
            raise DataError(f"a vocabulary begins with {self.words[:4]!r}; expected {SPECIAL!r}")
        if len(self._numbers) != len(self.words):
            word = next(w for w, count in Counter(self.words).items() if count > 1)
            raise DataError(f"a vocabulary holds the word {word!r} twice; expected each word once")

    @classmethod
    def build(cls, captions: Iterable[Sequence[str]], min_count: int = 1) -> Vocabulary:
        """The special words, then all words by falling count, words of equal count by alphabet.

        Args:
            captions: lists of words.
            min_count: rarer words are left out, and later read as `<unk>`.
        Raises:
            DataError: no word is left, min_count below 1, or a caption is a string and not a list of words.
        """
        if min_count < 1:
            raise DataError(f"min_count is {min_count}; expected at least 1")
        counts: Counter[str] = Counter()
        for caption in captions:
            _require_words(caption)
            counts.update(caption)
        kept = [w for w, count in counts.items() if count >= min_count and w not in SPECIAL]
        if not kept:
            raise DataError(f"no word occurs {min_count} times or more; expected captions with words")
        return cls(SPECIAL + tuple(sorted(kept, key=lambda w: (-counts[w], w))))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """Words to numbers, without START and END. An unknown word is UNK, and so is a special word in a text."""
        _require_words(tokens)
        return [max(self._numbers.get(token, UNK), UNK) for token in tokens]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Numbers to words, up to the first END; PAD and START are left out.

        Raises:
            IndexError: a number below 0 or from the vocabulary's size on.
        """
        words = []
        for place, number in enumerate(ids):
            if not 0 <= number < len(self.words):  # words[-1] would silently be the last word
                raise IndexError(f"id {number} at position {place} is out of range: there are {len(self.words)} words")
            if number == END:
                break
            if number not in (PAD, START):
                words.append(self.words[number])
        return words


class CaptionIds(NamedTuple):
    """Captions as a batch: the decoder reads `inputs` and is to say `targets`, one step ahead."""

    inputs: Array  # (N, T) int64: START, words, PAD …
    targets: Array  # (N, T) int64: words, END, PAD …
    mask: Array  # (N, T) bool: True where a target counts


def pad_captions(ids: Sequence[Sequence[int]], length: int | None = None) -> CaptionIds:
    """Captions of unequal length as one batch.

        a dog runs -> inputs  START a dog runs PAD
                      targets a dog runs END PAD
                      mask    1 1 1 1 0

    Args:
        ids: N captions as `Vocabulary.encode` makes them, from 0 words on.
        length: a longer caption is cut to its first `length` words, with END after them; None cuts nothing.
    Returns:
        CaptionIds with T = words of the longest caption (after cutting) + 1.
    Raises:
        DataError: no caption, `length` below 1, or an id that is PAD, START, END or negative.
        TypeError: an id is not an integer.
    """
    if not len(ids):
        raise DataError("a batch has no caption; expected at least one")
    if length is not None and length < 1:
        raise DataError(f"captions are to be cut to {length} words; expected at least 1")
    captions = [[index(i) for i in caption[:length]] for caption in ids]  # `index` refuses floats
    T = max(len(caption) for caption in captions) + 1
    inputs, targets = np.full((2, len(captions), T), PAD, dtype=np.int64)
    for n, caption in enumerate(captions):
        if caption and min(caption) < UNK:
            raise DataError(f"caption {n} holds id {min(caption)}; expected ids of words, {UNK} and above")
        end = len(caption)
        inputs[n, 0], inputs[n, 1 : end + 1] = START, caption
        targets[n, :end], targets[n, end] = caption, END
    lengths = np.array([len(caption) + 1 for caption in captions])
    return CaptionIds(inputs, targets, np.arange(T) < lengths[:, None])


def _require_words(caption: Sequence[str]) -> None:
    if isinstance(caption, str):  # a string is a sequence too, of letters
        raise DataError(f"a caption is the string {caption[:40]!r}; expected a list of words: call tokenise() first")
