"""What a decoder said, held against the model: is the score that of the words, and if not, what is it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minirnn.course.exercise import Probe
from minirnn.course.given import Walk, resolve
from minirnn.pair import Array

CLOSE = 1e-6


class Said(NamedTuple):
    """A sentence that a decoder returned, with the model that it was read from."""

    probe: Probe
    row: int
    words: list[int]
    score: float
    finished: bool
    right: Any  # the Hypothesis that was expected

    def option(self, name: str, default: Any) -> Any:
        """An option of the call."""
        return self.probe.options.get(name, default)

    @property
    def end(self) -> int:
        """The number of END."""
        return int(self.option("end", 2))

    @property
    def most(self) -> int:
        """The largest length."""
        return int(self.option("max_length", 20))

    @property
    def spoken(self) -> list[int]:
        """All that was said, END included."""
        return [*self.words, self.end] if self.finished else self.words

    def wrong(self) -> bool:
        """Whether it differs from what was expected."""
        return (
            self.words != list(self.right.words)
            or self.finished != bool(self.right.finished)
            or not abs(self.score - self.right.score) <= CLOSE * max(1.0, abs(self.right.score))
        )

    def rows(self, spoken: list[int], *, fresh: bool = False, again: bool = False) -> list[Array]:
        """The model's log-probabilities (V,) before each word; `fresh`: always from the first state, `again`: after START."""
        step, first = resolve(self.probe.args[0]), Walk(self.probe.args[1].read[self.row : self.row + 1])
        state, last, found = first, int(self.option("start", 1)), []
        for word in spoken:
            logp, state = step(np.array([last]), first if fresh else state)
            found.append(logp[0].astype(float))
            last = last if again else word
        return found

    def gains(self, spoken: list[int], **how: bool) -> Array:
        """The model's log-probability of each word said."""
        return np.array([row[w] for row, w in zip(self.rows(spoken, **how), spoken)])


def said(answers: list[Any], first_only: bool = False) -> list[Said] | None:
    """Every sentence of the answers; None where one is not of the right form."""
    found = []
    for a in answers:
        if a.error or not isinstance(a.value, list) or len(a.value) < (1 if first_only else len(a.truth)):
            return None
        pairs = list(zip(a.value, a.truth))[: 1 if first_only else None]
        for row, (h, right) in enumerate(pairs):
            try:
                words = [int(w) for w in h.words]
                if not all(0 <= w < len(a.probe.args[0].values[0]) for w in words):
                    return None
                found.append(Said(a.probe, row, words, float(h.score), bool(h.finished), right))
            except (AttributeError, TypeError, ValueError):
                return None
    return found


def score_cause(astray: list[Said]) -> tuple[str, str] | None:
    """What all these scores, which are not the model's score of their words, are instead."""
    return next(((cause, key) for cause, key, score in _scores() if all(fits_score(s, score) for s in astray)), None)


def only_ended_early(sentences: list[Said], astray: list[Said]) -> bool:
    """Whether scores are too low just where a sentence ended before max_length."""
    early = [s for s in sentences if s.finished and len(s.spoken) < s.most]
    lower = all(s.score < float(s.gains(s.spoken).sum()) for s in astray)
    return 1 < len(early) == len(astray) < len(sentences) and lower and all(s in early for s in astray)


def own_score(s: Said) -> bool:
    """Whether the score is the model's score of these words."""
    return fits_score(s, lambda s: s.gains(s.spoken).sum())


def fits_score(s: Said, score: Callable[[Said], Any]) -> bool:
    """Whether the score is what `score` makes of the sentence, or one of several things."""
    try:
        return any(close(s.score, float(x)) for x in np.atleast_1d(score(s)))
    except IndexError:
        return False


def close(a: float, b: float) -> bool:
    """Whether two scores are the same."""
    return bool(abs(a - b) <= CLOSE * max(1.0, abs(b)))


def _scores() -> Iterator[tuple[str, str, Callable[[Said], Any]]]:
    """Ways to get a score wrong."""

    def allowed(s: Said) -> float:
        """The score after `never` was taken out and the rest renormalised."""
        total = 0.0
        for row, word in zip(s.rows(s.spoken), s.spoken):
            kept = row.copy()
            kept[list(s.option("never", (0, 1)))] = -np.inf
            total += float(row[word] - np.log(np.exp(kept).sum()))
        return total

    def goes_on(s: Said) -> Array:
        """The scores of a greedy sentence that goes on behind END, for one word or more."""
        spoken = list(s.spoken)
        while len(spoken) < s.most:
            row = s.rows([*spoken, 0])[-1]
            row[list(s.option("never", (0, 1)))] = -np.inf
            spoken.append(int(row.argmax()))
        return np.cumsum(s.gains(spoken))[len(s.spoken) :]

    def first_row(s: Said) -> float:
        """The score read off the first sentence's row, whoever's it is."""
        first = s._replace(row=0)
        path: list[Any] = []
        while len(path) < len(s.spoken):
            row = first.rows([*path, 0])[-1]
            row[list(s.option("never", (0, 1)))] = -np.inf
            path.append(int(row.argmax()))
        return float(sum(row[w] for row, w in zip(first.rows(path), s.spoken)))

    length = "divided by the length; the plain sum is asked for"
    yield (
        "END's log-probability is missing from the score; it counts",
        "end-not-scored",
        lambda s: s.gains(s.words).sum() if s.finished else np.nan,
    )
    yield (
        "the score is the last word's log-probability alone; log-probabilities add up",
        "last-logp",
        lambda s: s.gains(s.spoken)[-1],
    )
    yield (
        "the score leaves out the first word's log-probability",
        "first-not-scored",
        lambda s: s.gains(s.spoken)[1:].sum(),
    )
    yield f"the score is {length}", "score-normalised", lambda s: s.gains(s.spoken).mean()
    yield (
        f"the score is {length}, and END is not counted in the length",
        "score-normalised",
        lambda s: s.gains(s.spoken).sum() / max(1, len(s.words)),
    )
    yield (
        f"the score is {length}",
        "score-normalised",
        lambda s: s.gains(s.spoken).sum() / len(s.spoken) ** s.option("length_penalty", 0.0),
    )
    yield (
        "`never` was taken out and the rest renormalised before the score was read off; the score is the model's own",
        "renormalised",
        allowed,
    )
    yield (
        "probabilities are added up; the score is the sum of *log*-probabilities",
        "probabilities",
        lambda s: np.exp(s.gains(s.spoken)).sum(),
    )
    yield (
        "the score is the product of the probabilities; the sum of their *logs* is asked for",
        "probabilities",
        lambda s: np.exp(s.gains(s.spoken).sum()),
    )
    yield "the score has the wrong sign", "sign", lambda s: -s.gains(s.spoken).sum()
    yield (
        "the score counts END for a sentence that has not said it",
        "end-scored-anyway",
        lambda s: s.gains([*s.words, s.end]).sum() if not s.finished else np.nan,
    )
    yield "the score goes on after END; a finished sentence stays as it is", "goes-on-after-end", goes_on
    yield (
        "the state is not handed on from step to step: the model forgets what it has said",
        "state-not-carried",
        lambda s: s.gains(s.spoken, fresh=True).sum(),
    )
    yield "every score is read off the first row; sentence i has row i", "first-row", first_row
    yield (
        "every step reads START again; it reads the word that was just said",
        "start-again",
        lambda s: s.gains(s.spoken, again=True).sum(),
    )
