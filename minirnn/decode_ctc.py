"""From the output of a CTC network to labels: the best path, and beam search with a lexicon and a language model.

A path is one class per step; it reads as the labels that remain when repeats are merged and blanks removed (see
`functional.ctc`). The most probable path is found at once, but what it reads as need not be the most probable reading:
many paths share one reading, and their probabilities add up. Beam search follows readings instead of paths.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minirnn.errors import DataError
from minirnn.functional.activations import log_softmax_forward
from minirnn.pair import Array, require_float

Labels = tuple[int, ...]
Scorer = Callable[[Labels, int | None], float]
"""(labels so far, the next one) -> its log-probability in nats; None stands for the end of the line."""

NEVER = -math.inf


class Reading(NamedTuple):
    """Labels, and how good they are."""

    labels: list[int]
    logp: float  # log-probability of the labels given the logits, in nats: of their paths that stayed in the beam
    score: float  # logp, the language model's part and the bonus: what readings are ranked by


class Lexicon:
    """The words that may be read, as a tree: from a beginning to the labels that can go on."""

    def __init__(self, words: Iterable[Sequence[int]], space: int | None = None) -> None:
        """Keep `words`, sequences of labels.

        Args:
            words: the words; those that occur twice count once.
            space: the label between two words; None where a line is exactly one word.
        Raises:
            DataError: no words, an empty word, or one with a space inside.
        """
        self.space = space
        self.labels = set() if space is None else {int(space)}
        self.root: dict[Any, Any] = {}
        for k, word in enumerate(words):
            if len(word) == 0 or space in word:
                what = "is empty" if len(word) == 0 else f"holds the space, {space}"
                raise DataError(f"word {k} of the lexicon {what}; expected at least one label and no space")
            node = self.root
            for label in word:
                node = node.setdefault(int(label), {})
            self.labels.update(int(label) for label in word)
            node[None] = True  # a word may end here
        if not self.root:
            raise DataError("the lexicon has no words; expected at least one")

    def follow(self, node: dict[Any, Any], label: int) -> dict[Any, Any] | None:
        """Where `label` leads from a node; None where no word goes on so."""
        if label == self.space and self.space is not None:
            return self.root if None in node else None
        following: dict[Any, Any] | None = node.get(label)
        return following


def best_path(logits: Array, lengths: Array, *, blank: int = 0) -> list[list[int]]:
    """What the most probable class of every step reads as: repeats merged, then blanks removed.

    Args:
        logits: (N, T, V) floats; log-probabilities give the same.
        lengths: (N,) integers from 0 to T: the steps of each line.
        blank: the class that stands for no label.
    Returns:
        A list of labels per line. Of equal classes the smaller number wins.
    Raises:
        ValueError: logits that are not (N, T, V) or hold NaN, lengths that do not fit, a blank that is no class.
    Source: Graves et al. 2006, "best path decoding".
    """
    require_float("logits", logits, 3, "(N, T, V)")
    _require_blank(blank, logits)
    lengths = np.asarray(lengths)
    if lengths.shape != logits.shape[:1] or not np.issubdtype(lengths.dtype, np.integer):
        raise ValueError(f"lengths has shape {lengths.shape}, dtype {lengths.dtype}; expected {len(logits)} integers")
    if ((lengths < 0) | (lengths > logits.shape[1])).any():
        bad = lengths[(lengths < 0) | (lengths > logits.shape[1])][0]
        raise ValueError(f"lengths holds {bad}; expected 0 to T = {logits.shape[1]}")
    inside = np.arange(logits.shape[1]) < lengths[:, None]
    _require_numbers(logits[inside])
    best = logits.argmax(axis=2)
    starts = np.ones(best.shape, bool)  # a run of one class starts here
    starts[:, 1:] = best[:, 1:] != best[:, :-1]
    said = starts & (best != blank) & inside
    return [path[here].tolist() for path, here in zip(best, said)]


class _Ways(NamedTuple):
    """Log-probabilities of the paths that read as one prefix so far, and what ranks it."""

    blank: float  # of those that end in a blank
    label: float  # of those that end in its last label
    extra: float  # the language model's part and the bonus
    node: Any  # where the prefix stands in the lexicon

    @property
    def total(self) -> float:
        return _add(self.blank, self.label)


def prefix_beam(
    logits: Array, *, beam: int = 10, blank: int = 0, lexicon: Lexicon | None = None, ngram: Scorer | None = None,
    weight: float = 1.0, bonus: float = 0.0, least: float = NEVER,
) -> list[Reading]:  # fmt: skip
    """Follow the `beam` best readings of one line at once, adding up the probabilities of their paths.

        rank = logp + weight * sum of ngram(labels[:k], labels[k]) + bonus * number of labels

    Two probabilities are kept for each prefix: of its paths that end in a blank, and of those that end in its last
    label. The same label again leads from the first to a longer prefix (a-a reads as aa), from the second to the same
    one (aa reads as a). With a beam as wide as the number of all readings, no lexicon and no language model, `logp` is
    exactly minus the CTC loss; in a narrower beam it is at most that.

    Args:
        logits: (T, V) floats of one line, cut to its length; T may be 0.
        beam: number of prefixes to follow, at least 1.
        blank: the class that stands for no label.
        lexicon: the words that may be read; None allows everything.
        ngram: a language model, see `Scorer`; it is asked once for every label of a prefix, and at the end for None.
        weight: of the language model against the network, at least 0.
        bonus: for every label; above 0 it makes up for a language model's liking for short lines.
        least: classes of a smaller log-probability than this are not tried at a step: faster, hardly worse at -10.
    Returns:
        Up to `beam` readings, the best first; of equal ones the one whose labels come first. Empty when the lexicon
        has no word that fits: too few steps, or all its words have fallen out of the beam.
    Raises:
        DataError: an option out of range, a language model that gives NaN or more than 0.
        ValueError: logits that are not (T, V) or hold NaN, a blank that is no class, a lexicon with labels that are no
            classes or the blank.
    Source: Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition".
    """
    require_float("logits", logits, 2, "(T, V)")
    _require_blank(blank, logits)
    _require_numbers(logits)
    if not isinstance(beam, (int, np.integer)) or beam < 1:
        raise DataError(f"beam is {beam}; expected an integer of at least 1")
    if not 0 <= weight < math.inf or not math.isfinite(bonus):  # NaN fails every comparison
        raise DataError(f"weight is {weight} and bonus is {bonus}; expected finite numbers, the weight at least 0")
    if math.isnan(least):
        raise DataError("least is NaN; expected a log-probability")

    def extend(prefix: Labels, ways: _Ways, label: int | None) -> float:
        """What the language model and the bonus say to one more label, or to the end."""
        said = 0.0 if ngram is None or weight == 0 else ngram(prefix, label)
        if not said <= 0:
            raise DataError(f"the language model gives {said} after {list(prefix)}; expected a log-probability")
        return ways.extra + (weight * said if said else 0.0) + (bonus if label is not None else 0.0)

    wrong = set() if lexicon is None else lexicon.labels - (set(range(logits.shape[1])) - {blank})
    if wrong:
        raise ValueError(
            f"the lexicon holds {min(wrong)}; expected classes of logits, below {logits.shape[1]}, no blank"
        )

    logp, _ = log_softmax_forward(logits.astype(np.float64))
    beams: dict[Labels, _Ways] = {(): _Ways(0.0, NEVER, 0.0, None if lexicon is None else lexicon.root)}
    extras: dict[Labels, tuple[float, Any] | None] = {}  # of prefixes that have been met: extra and node, None: no word
    for t, row in enumerate(logp):
        tried = [(int(k), float(row[k])) for k in np.flatnonzero(row > max(least, -1e300)) if k != blank]
        silent = float(row[blank])
        grown: dict[Labels, _Ways] = {}
        for prefix, ways in beams.items():
            last, total = prefix[-1] if prefix else None, ways.total
            again = ways.label + float(row[last]) if prefix else NEVER
            _join(grown, prefix, _Ways(total + silent, again, ways.extra, ways.node))
            for label, p in tried:
                longer = (*prefix, label)
                if longer not in extras:
                    node = None if lexicon is None else lexicon.follow(ways.node, label)
                    known = lexicon is None or node is not None
                    extras[longer] = (extend(prefix, ways, label), node) if known else None
                if (found := extras[longer]) is not None:
                    arrives = (ways.blank if label == last else total) + p
                    _join(grown, longer, _Ways(NEVER, arrives, *found))
        if lexicon is not None and t == len(logp) - 1:  # only whole words compete at the end
            grown = {prefix: ways for prefix, ways in grown.items() if None in ways.node}
        ranked = sorted((-ways.total - ways.extra, prefix) for prefix, ways in grown.items())
        beams = {prefix: grown[prefix] for rank, prefix in ranked[:beam] if rank < math.inf}
    if lexicon is not None and not len(logp):
        return []
    readings = [Reading(list(p), ways.total, ways.total + extend(p, ways, None)) for p, ways in beams.items()]
    return sorted(readings, key=lambda r: (-r.score, r.labels))


def _join(grown: dict[Labels, _Ways], prefix: Labels, more: _Ways) -> None:
    """Add the paths that arrive at a prefix to those that have arrived before."""
    if prefix in grown:
        ways = grown[prefix]
        more = more._replace(blank=_add(ways.blank, more.blank), label=_add(ways.label, more.label))
    grown[prefix] = more


def _add(a: float, b: float) -> float:
    """log(exp a + exp b), where either may be -inf."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + math.log1p(math.exp(b - a))


def _require_blank(blank: int, logits: Array) -> None:
    if not isinstance(blank, (int, np.integer)) or not 0 <= blank < logits.shape[-1]:
        raise ValueError(f"blank is {blank}; expected a class of logits, an integer from 0 to {logits.shape[-1] - 1}")


def _require_numbers(logits: Array) -> None:
    if np.isnan(logits).any():
        raise ValueError("logits hold NaN: the network is broken")
