"""Witten-Bell n-grams: the baseline that a character model is held against. Nothing is learned but counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from minirnn.pair import Array


def witten_bell(ids: Array, train: int, order: int, vocabulary: int) -> Array:
    """Probability of every character of a text under the models of order 0 … `order`, counted on its beginning.

        P_k(c | h) = (count(h, c) + kinds(h) * P_(k-1)(c | h')) / (count(h) + kinds(h))        P_(-1) = 1 / vocabulary

    where h are the k characters before c, h' the same less the first, count(h) how often h was followed by anything,
    kinds(h) by how many different characters. An h that was never seen leaves P_(k-1).

    Args:
        ids: (length,) integers from 0 to vocabulary - 1.
        train: the counts are those of ids[:train].
        order: characters of context, at least 0.
        vocabulary: number of characters.
    Returns:
        (order + 1, length) float64; at the beginning of the text the context is as long as there is one.
    Source: Witten and Bell 1991, method C, interpolated.
    """
    length = len(ids)
    p = np.full(length, 1 / vocabulary)
    context = np.zeros(length, np.int64)  # a number for the k characters before each character
    out = np.empty((order + 1, length))
    for k in range(order + 1):
        _, gram = np.unique(context * vocabulary + ids, return_inverse=True)  # a number for context and character
        counted = slice(k, train)  # the first k characters have no context of this length
        counts, kinds = np.bincount(gram[counted], minlength=length), np.zeros(context.max() + 1)
        followed = np.bincount(context[counted], minlength=len(kinds))
        first = np.unique(gram[counted], return_index=True)[1] + k  # each kind of gram once
        np.add.at(kinds, context[first], 1)
        total = followed[context] + kinds[context]
        mixed = (counts[gram] + kinds[context] * p) / np.maximum(total, 1)
        p = np.where((total > 0) & (np.arange(length) >= k), mixed, p)
        out[k] = p
        context = np.concatenate([[0], gram[:-1]])  # one character longer, for the character after it
    return out


def bits(p: Array) -> float:
    """Mean bits a character of probabilities."""
    return float(-np.log2(p).mean())


class WittenBell:
    """A character model of words, as beam search asks for it (`decode_ctc.Scorer`).

        P_k(c | h) = (count(h, c) + kinds(h) * P_(k-1)(c | h')) / (count(h) + kinds(h))        P_(-1) = 1 / (labels + 1)

    Contexts begin with the word; its end, None, is one of the things that can follow.

    Source: Witten and Bell 1991, method C, interpolated.
    """

    def __init__(self, words: Iterable[Sequence[int]], order: int, labels: int) -> None:
        """Count `words`, sequences of labels.

        Args:
            words: as they occur, the frequent ones often.
            order: labels of context, at least 0; longer words begin with one place for their beginning.
            labels: how many there are, without the blank.
        """
        self.order, self.labels = order, labels
        self.counts: dict[tuple[int | None, ...], Counter[int | None]] = {}
        for word in words:
            units = [None, *map(int, word), None]  # the first stands for the beginning
            for k in range(1, len(units)):
                for length in range(min(k, order) + 1):
                    self.counts.setdefault(tuple(units[k - length : k]), Counter())[units[k]] += 1
        self.totals = {context: (sum(seen.values()), len(seen)) for context, seen in self.counts.items()}
        self.known: dict[tuple[tuple[int | None, ...], int | None], float] = {}  # what has been asked before

    def __call__(self, before: Sequence[int], label: int | None) -> float:
        """log P(label | before) in nats; None stands for the end."""
        context = (None, *before)[-self.order :] if self.order else ()
        if (context, label) not in self.known:
            p = 1 / (self.labels + 1)
            for length in range(len(context) + 1):
                h = context[len(context) - length :]
                if h not in self.counts:
                    break
                total, kinds = self.totals[h]
                p = (self.counts[h][label] + kinds * p) / (total + kinds)
            self.known[context, label] = math.log(p)
        return self.known[context, label]
