"""From log-probabilities to sentences: greedy decoding, sampling, beam search, and `rescore`, which checks them.

Any recurrent language model will do. It comes in as a step function that reads one word per sequence:

    step(words (B,) int64, state) -> (logp (B, V) log-probabilities of the next word, state)

and as its state before START, a tree whose leaves have the batch on axis 0. B is the number of sequences that are still
unfinished: rows leave the batch, and beam search re-orders them, so a state must hold all that a sequence remembers.

What all decoders share:
    score       the sum of the model's log-probabilities in nats, END included when finished; added up in float64.
    length      words, plus one for END. `max_length` is the largest length: a sequence that has not said END within
                `max_length` steps comes back with `max_length` words and finished=False.
    never       words that are never emitted (PAD and START): their log-probability counts as minus infinity. The other
                words keep theirs, nothing is renormalised, so `score` stays the model's own.
    ties        the smaller word number wins.
    keep        for attention maps: `keep(state) -> (B, ...)` is read after every step, see `Hypothesis.kept`.
    Raises      DataError for an option out of range, for NaN among the log-probabilities, where no word is possible;
                ValueError for a step, state or keep that breaks the contract above; IndexError for word numbers that
                the vocabulary does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from minirnn.errors import DataError
from minirnn.functional.embedding import require_ids
from minirnn.pair import Array, Tree, require_float
from minirnn.tree import tree_items, tree_leaves, tree_map

Step = Callable[[Array, Tree], tuple[Array, Tree]]
Keep = Callable[[Tree], Array]


class Hypothesis(NamedTuple):
    """A sentence, finished or under way."""

    words: list[int]  # START and END left out
    score: float  # sum of log-probabilities in nats, END included when finished
    finished: bool  # whether it said END
    kept: list[Array]  # what `keep` saw when each word was chosen, and END when finished; empty without `keep`


def greedy(
    step: Step, state: Tree, n: int, *, start: int = 1, end: int = 2, max_length: int = 20,
    never: Sequence[int] = (0, 1), keep: Keep | None = None,
) -> list[Hypothesis]:  # fmt: skip
    """The most probable word at every step, for `n` sequences at once.

    Args:
        step: the model, see above.
        state: its state before START, a tree of (n, ...) arrays.
        n: number of sequences; 0 gives an empty list.
        start, end: word numbers of START and END.
        max_length, never, keep: see above.
    Returns:
        One Hypothesis per sequence, in the order of the batch.
    """
    return _word_by_word(step, state, n, _most_probable, start, end, max_length, never, keep)


def sample(
    step: Step, state: Tree, n: int, *, rng: np.random.Generator, temperature: float = 1.0, top_k: int | None = None,
    start: int = 1, end: int = 2, max_length: int = 20, never: Sequence[int] = (0, 1), keep: Keep | None = None,
) -> list[Hypothesis]:  # fmt: skip
    """Draw every word with probability proportional to exp(logp / temperature), for `n` sequences at once.

    Args:
        step, state, n, start, end, max_length, never, keep: as `greedy`.
        rng: where the draws come from; the same seed draws the same words.
        temperature: at least 0; 1 is the model's own distribution, below 1 sharper, 0 greedy decoding.
        top_k: draw only from the k most probable words (of two equal ones the smaller number goes first); None: all.
    Returns:
        One Hypothesis per sequence. Its score is the model's own, untouched by temperature and top_k.
    Source: inverse transform sampling (Devroye 1986); top-k, Fan et al. 2018.
    """
    if not 0 <= temperature < np.inf:  # NaN fails every comparison
        raise DataError(f"temperature is {temperature}; expected a finite number of at least 0 (0 is greedy)")
    if top_k is not None:
        _require_positive("top_k", top_k)

    def draw(logp: Array) -> Array:
        z = logp - logp.max(axis=1, keepdims=True)  # so that exp(z / temperature) is at most 1
        if top_k is not None:
            behind = np.argsort(-z, axis=1, kind="stable")[:, top_k:]
            np.put_along_axis(z, behind, -np.inf, axis=1)
        with np.errstate(over="ignore"):  # at a tiny temperature -inf is the right quotient
            cdf = np.cumsum(np.exp(z / temperature), axis=1)
        u = rng.random((len(z), 1)) * cdf[:, -1:]
        picks: Array = (cdf <= u).sum(axis=1)  # the first word with cdf > u: never one of probability 0
        return picks

    pick = _most_probable if temperature == 0 else draw
    return _word_by_word(step, state, n, pick, start, end, max_length, never, keep)


def beam_search(
    step: Step, state: Tree, *, beam: int = 5, length_penalty: float = 0.0, start: int = 1, end: int = 2,
    max_length: int = 20, never: Sequence[int] = (0, 1), keep: Keep | None = None,
) -> list[Hypothesis]:  # fmt: skip
    """Follow the `beam` best hypotheses at once, for one sequence.

        rank = score / length ** length_penalty        length = words, plus one for END

    A finished hypothesis stays in the beam as it is and competes by rank with those under way. With beam=1 and no
    length penalty this is greedy decoding; with a beam as wide as the number of all sequences it is exhaustive search.

    Length: with length_penalty=0 the rank is the score. A score can only fall as a hypothesis grows, so the search
    stops as soon as the best hypothesis is finished: nothing under way can still beat it. With a penalty above 0 a
    longer hypothesis may rise, so the search goes on until all in the beam are finished, or to `max_length`.

    Args:
        step: the model, see above.
        state: its state before START, a tree of (1, ...) arrays.
        beam: number of hypotheses to follow, at least 1.
        length_penalty: from 0 to 10; 0 favours short sentences, 1 ranks by the mean log-probability per word.
        start, end, max_length, never, keep: as `greedy`.
    Returns:
        Up to `beam` hypotheses, the best rank first; `score` is the plain sum whatever the penalty. Behind the first,
        and at `max_length` anywhere, there may be unfinished ones. Of equal ranks the one that finished earlier goes
        first, then the one with the better parent, then the smaller word number.
    Source: Graves 2012; dividing by a power of the length, Wu et al. 2016 (there with (5 + length) / 6).
    """
    _require_positive("beam", beam)
    _require_positive("max_length", max_length)
    if not 0 <= length_penalty <= 10:  # NaN fails every comparison
        raise DataError(f"length_penalty is {length_penalty}; expected a number from 0 to 10")
    _require_batch(state, 1)

    def rank(candidate: tuple[Hypothesis, int]) -> float:
        hypothesis, _ = candidate
        return float(hypothesis.score / (len(hypothesis.words) + hypothesis.finished) ** length_penalty)

    hypotheses = [Hypothesis([], 0.0, False, [])]
    words = np.array([start], dtype=np.int64)
    for _ in range(max_length):
        live = [h for h in hypotheses if not h.finished]
        logp, state, looks = _advance(step, words, state, end, never, keep)
        totals = np.array([[h.score] for h in live]) + logp  # (live, V)
        # All under way have one length, so among their children the total decides whatever the penalty.
        best = np.argsort(-totals, axis=None, kind="stable")[:beam]
        children = [(int(i) // totals.shape[1], int(i) % totals.shape[1]) for i in best if totals.flat[i] > -np.inf]

        pool = [(h, -1) for h in hypotheses if h.finished]  # as they are; they need no state
        pool += [(_extend(live[row], word, logp[row, word], end, looks[row]), row) for row, word in children]
        pool = sorted(pool, key=rank, reverse=True)[:beam]  # stable, also in reverse
        if not pool:
            raise DataError("no word is possible: the model gives probability 0 to all that may be emitted")
        hypotheses = [h for h, _ in pool]
        if all(h.finished for h in hypotheses) or (length_penalty == 0 and hypotheses[0].finished):
            break
        state = _take(state, [row for h, row in pool if not h.finished])  # each child goes on from its parent's state
        words = np.array([h.words[-1] for h in hypotheses if not h.finished], dtype=np.int64)
    return hypotheses


def rescore(
    step: Step, state: Tree, words: Sequence[int], *, start: int = 1, end: int = 2, finished: bool = True
) -> float:
    """The score of a given sentence: each word is read in turn, whatever the model would have said (teacher forcing).

        score = sum_t logp(words[t] | words[:t]) + logp(END | words) if finished

    It equals the score of a decoder that came up with the same words.

    Args:
        step: the model, see above.
        state: its state before START, a tree of (1, ...) arrays.
        words: word numbers without START and END; may be empty.
        start, end: word numbers of START and END.
        finished: whether END follows the last word.
    Returns:
        The sum of log-probabilities in nats; minus infinity where the model rules a word out.
    """
    _require_batch(state, 1)
    if end in words:
        raise DataError(f"words holds END ({end}) at position {list(words).index(end)}; leave START and END out")
    score, last = 0.0, start
    for word in [*words, end] if finished else words:
        logp, state, _ = _advance(step, np.array([last], dtype=np.int64), state, end, (), None)
        require_ids("word", np.array([word]), logp.shape[1], "words in the vocabulary")
        score += float(logp[0, word])
        last = word
    return score


def _word_by_word(
    step: Step, state: Tree, n: int, pick: Callable[[Array], Array], start: int, end: int, max_length: int,
    never: Sequence[int], keep: Keep | None,
) -> list[Hypothesis]:  # fmt: skip
    """Let `pick` choose a word (B,) from log-probabilities (B, V) until every sequence has ended."""
    _require_positive("max_length", max_length)
    _require_batch(state, n)
    hypotheses = [Hypothesis([], 0.0, False, [])] * n
    live = list(range(n))  # the unfinished ones: row r of the batch is sequence live[r]
    words = np.full(n, start, dtype=np.int64)
    for _ in range(max_length):
        if not live:
            break
        logp, state, looks = _advance(step, words, state, end, never, keep)
        dead = np.flatnonzero(logp.max(axis=1) == -np.inf)
        if dead.size:
            raise DataError(
                f"no word is possible for sequence {live[dead[0]]}: "
                "the model gives probability 0 to all that may be emitted"
            )
        words = pick(logp)
        for row, i in enumerate(live):
            hypotheses[i] = _extend(hypotheses[i], int(words[row]), logp[row, words[row]], end, looks[row])
        going = np.flatnonzero(words != end)
        if len(going) < len(live):
            live, words, state = [live[row] for row in going], words[going], _take(state, going)
    return hypotheses


def _most_probable(logp: Array) -> Array:
    picks: Array = logp.argmax(axis=1)  # the first of equal ones
    return picks


def _advance(
    step: Step, words: Array, state: Tree, end: int, never: Sequence[int], keep: Keep | None
) -> tuple[Array, Tree, list[Array | None]]:
    """One step of the model: float64 log-probabilities without the `never` words, the state, what `keep` saw by row."""
    logp, state = step(words, state)
    B = len(words)
    require_float("logp", logp, 2, "(B, V)")
    if len(logp) != B:
        raise ValueError(f"step read {B} words but gave log-probabilities for {len(logp)}, shape {logp.shape}")
    if min(end, *never, 0) < 0 or max(end, *never, 0) >= logp.shape[1]:
        require_ids("word", np.array([end, *never]), logp.shape[1], "words in the vocabulary")
    if end in never:
        raise DataError(f"END ({end}) is among the words that are never emitted, {tuple(never)}: nothing could end")
    logp = logp.astype(np.float64)
    with np.errstate(over="ignore"):
        total = np.exp(logp).sum(axis=1).max(initial=0)
    if np.isnan(total):
        row, word = (int(i) for i in np.argwhere(np.isnan(logp))[0])
        raise DataError(f"the log-probability of word {word} is NaN (row {row} of {B}): the model is broken")
    if total > 1.01:  # room for float16; less than 1 is fine, a step may rule words out
        raise ValueError(f"the probabilities of the next word sum to {total:.4g}; step must give log-probabilities")
    _require_batch(state, B)
    logp[:, list(never)] = -np.inf
    if keep is None:
        return logp, state, [None] * B
    looks = keep(state)
    if len(looks) != B:
        raise ValueError(f"keep gave {len(looks)} rows, shape {np.shape(looks)}; expected one per sequence, {B}")
    return logp, state, [np.array(look) for look in looks]


def _extend(parent: Hypothesis, word: int, logp: float, end: int, look: Array | None) -> Hypothesis:
    """A hypothesis one word longer, or finished; the parent stays as it is, for its other children."""
    words = [*parent.words] if word == end else [*parent.words, word]
    kept = [*parent.kept] if look is None else [*parent.kept, look]
    return Hypothesis(words, parent.score + float(logp), word == end, kept)


def _take(state: Tree, rows: Sequence[int] | Array) -> Tree:
    return tree_map(lambda leaf: leaf[rows], state)


def _require_batch(state: Tree, n: int) -> None:
    if all(leaf.shape[:1] == (n,) for leaf in tree_leaves(state)):
        return
    for name, leaf in tree_items(state, "state"):
        if leaf.shape[:1] != (n,):
            raise ValueError(f"{name} has shape {leaf.shape}; expected one row per sequence on axis 0, {n}")


def _require_positive(name: str, value: int) -> None:
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise DataError(f"{name} is {value}; expected an integer of at least 1")
