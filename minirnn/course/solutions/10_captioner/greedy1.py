"""greedy1: Say the most probable word at every step (lesson 10, The captioner).

Check it with `minirnn check greedy1`, or on every save with `minirnn watch`. Stuck? `minirnn hint greedy1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.decode import Hypothesis, Keep, Step


def greedy(
    step: Step, state, n: int, *, start: int = 1, end: int = 2, max_length: int = 20, never=(0, 1),
    keep: Keep | None = None,
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
    # step(words (n,), state) -> (logp (n, V): log-probabilities of the next word, the next state).
    # never: words that are not to be said; max_length: the most words, a sentence that has not said END by then is unfinished.
    # Hypothesis(words, score, finished, kept): words without START and END; score is the sum of the log-probabilities of all
    # words said, END included; finished: whether it said END; kept: leave it [], and `keep` unused.
    # A finished sentence may stay in the batch; only what is said after END must not count.
    words = np.full(n, start)
    told = [Hypothesis([], 0.0, False, []) for _ in range(n)]
    for _ in range(max_length):
        logp, state = step(words, state)
        logp = logp.copy()
        logp[:, list(never)] = -np.inf
        words = logp.argmax(axis=1)
        for i, h in enumerate(told):
            if not h.finished:
                word, score = int(words[i]), h.score + float(logp[i, words[i]])
                said = h.words if word == end else [*h.words, word]
                told[i] = Hypothesis(said, score, word == end, [])
        if all(h.finished for h in told):
            break
    return told
