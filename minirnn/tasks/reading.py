"""What the readers share: batches of similar length, targets, decoding with a lexicon and an n-gram, and judging."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minirnn.data.ngrams import WittenBell
from minirnn.data.text import UNKNOWN, Alphabet, read_text
from minirnn.decode_ctc import Lexicon, Scorer, best_path, prefix_beam
from minirnn.error_rate import cer, wer
from minirnn.errors import DataError
from minirnn.functional.activations import log_softmax
from minirnn.pair import Array

POOL = 16  # batches that are sorted by length together
LEAST = -10.0  # log-probability of the classes that a beam tries
BEAM = 10  # of the ways to read that a report compares
ORDER = 4  # characters that their n-gram looks back
WEIGHTS, BONUSES, TUNED = (0.0, 0.3, 0.6, 0.9), (0.0, 0.7), 150  # of the n-gram, tried on so many validation lines


class Told(NamedTuple):
    """What a reader says of one line."""

    text: str
    probability: float  # of this text given the line; for the best path, of that one path


@dataclass(frozen=True)
class Decoding:
    """How logits become text."""

    beam: int = 0  # prefixes to follow; 0 takes the best path
    lexicon: Lexicon | None = None
    ngram: Scorer | None = None
    weight: float = 0.5  # of the n-gram against the network
    bonus: float = 0.0  # for every character


def targets_of(texts: Sequence[str], alphabet: Alphabet) -> tuple[Array, Array]:
    """Texts as labels for CTC: (N, U) int64 character numbers, 0 behind the end, and (N,) lengths.

    Raises:
        DataError: a character that the alphabet does not have.
    """
    lengths = np.array([len(text) for text in texts], np.int64)
    targets = np.zeros((len(texts), max(1, int(lengths.max(initial=0)))), np.int64)
    for row, text in zip(targets, texts):
        row[: len(text)] = labels_of(text, alphabet)
    return targets, lengths


def labels_of(text: str, alphabet: Alphabet) -> Array:
    """One text as labels from 1.

    Raises:
        DataError: a character that the alphabet does not have.
    """
    labels = alphabet.encode(text)
    if (labels == UNKNOWN).any():
        strange = text[int(np.flatnonzero(labels == UNKNOWN)[0])]
        known = "".join(alphabet.characters)
        raise DataError(f"{text!r} holds {strange!r}, which the reader does not know; expected some of {known!r}")
    return labels


def by_length(lengths: Array) -> Callable[[int, int, int, int], Array]:
    """An order of the examples for `Problem`: random, with examples of similar length in one batch.

    Every epoch draws its own order, sorts each `POOL` batches of it by length, and takes the batches in random order.
    """

    def order(examples: int, batch: int, step: int, seed: int) -> Array:
        size = min(batch, examples)
        epoch, place = divmod(step, examples // size)
        rng = np.random.default_rng([seed, 0, epoch])
        drawn = rng.permutation(examples)[: examples // size * size]
        pools = [drawn[k : k + POOL * size] for k in range(0, len(drawn), POOL * size)]
        batches = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]).reshape(-1, size)
        chosen: Array = batches[rng.permutation(len(batches))[place]]
        return chosen

    return order


def decode(logits: Array, lengths: Array, alphabet: Alphabet, how: Decoding) -> list[Told]:
    """Logits (N, T, V) of lines with (N,) steps to text; it is empty where no word of a lexicon fits."""
    logp = log_softmax.forward(logits)[0]
    if not how.beam:
        steps = np.arange(logits.shape[1]) < lengths[:, None]
        chance = np.exp((logp.max(axis=2) * steps).sum(axis=1))
        paths = best_path(logits, lengths)
        return [Told(alphabet.decode(path), float(p)) for path, p in zip(paths, chance)]
    told = []
    for row, length in zip(logp, lengths):
        readings = prefix_beam(
            row[:length], beam=how.beam, lexicon=how.lexicon, ngram=how.ngram, weight=how.weight, bonus=how.bonus,
            least=LEAST,
        )  # fmt: skip
        best = readings[0] if readings else None
        told.append(Told(alphabet.decode(best.labels), float(np.exp(best.logp))) if best else Told("", 0.0))
    return told


def ways_to_read(
    known: Sequence[str], alphabet: Alphabet, truths: Sequence[str], read: Callable[[Decoding], Sequence[str]]
) -> dict[str, Decoding]:
    """The ways to decode that a report compares; the lexicon and the n-gram are those of the training lines.

    Args:
        known: the texts of the training lines; none where they are composed at random: then neither is there.
        truths: of some validation lines. What reads them best is how much the n-gram counts, and the bonus.
        read: what these lines read as, decoded so.
    """
    ways = {"best path": Decoding(), f"beam {BEAM}": Decoding(BEAM)}
    if known:
        labels = [alphabet.encode(text).tolist() for text in known]
        lexicon, ngram = Lexicon(labels), WittenBell(labels, ORDER, len(alphabet) - 1)
        tried = [Decoding(BEAM, ngram=ngram, weight=weight, bonus=bonus) for weight in WEIGHTS for bonus in BONUSES]
        best = min(tried, key=lambda how: judge(truths, read(how))["cer"])
        ways["beam, n-gram"] = best
        ways["beam, lexicon"] = Decoding(BEAM, lexicon)
        ways["beam, lexicon, n-gram"] = replace(best, lexicon=lexicon)
    return ways


def as_read(known: Sequence[str]) -> str:
    """Which of `ways_to_read` is the reader's own: the n-gram where there are words to learn it from."""
    return "beam, n-gram" if known else "best path"


def judge(truths: Sequence[str], readings: Sequence[str]) -> dict[str, float]:
    """exact_match, cer and wer, as shares."""
    exact = float(np.mean([a == b for a, b in zip(truths, readings, strict=True)]))
    return {"exact_match": exact, "cer": cer(list(truths), list(readings)), "wer": wer(list(truths), list(readings))}


def most_frequent(known: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
    """The scores of one who always reads the text that is most frequent in the training data."""
    word = min(Counter(known).items(), key=lambda item: (-item[1], item[0]))[0]
    return judge(truths, [word] * len(truths))


def load_lexicon(path: Path, alphabet: Alphabet) -> Lexicon:
    """The words that may be read, from a UTF-8 file with one a line.

    Words with a character that the alphabet does not have are left out: they cannot be read.

    Raises:
        DataError: not UTF-8, or no word is left.
    """
    words = dict.fromkeys(line.strip() for line in read_text(path).split("\n"))
    labels = [alphabet.encode(word).tolist() for word in words if word]
    fitting = [word for word in labels if UNKNOWN not in word]
    if not fitting:
        known = "".join(alphabet.characters)
        raise DataError(f"{path} holds no word of the characters {known!r}; expected one word a line")
    return Lexicon(fitting)


def show_scores(rows: dict[str, dict[str, Any]]) -> str:
    """A table: a line for each way to read, with exact match, CER and WER."""
    width = max(len(name) for name in rows) + 2
    lines = [f"{'':<{width}}  exact     CER     WER"]
    lines += [
        f"{name:<{width}}{row['exact_match']:>7.1%} {row['cer']:>7.2%} {row['wer']:>7.1%}" for name, row in rows.items()
    ]
    return "\n".join(lines)
