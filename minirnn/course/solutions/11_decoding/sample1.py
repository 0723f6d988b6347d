"""sample1: Draw words by their probability (lesson 11, Saying and judging).

Check it with `minirnn check sample1`, or on every save with `minirnn watch`. Stuck? `minirnn hint sample1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.decode import Hypothesis, Keep, Step


def sample(
    step: Step, state, n: int, *, rng: np.random.Generator, temperature: float = 1.0, top_k: int | None = None,
    start: int = 1, end: int = 2, max_length: int = 20, never=(0, 1), keep: Keep | None = None,
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
    # step, never, max_length and Hypothesis are as in greedy1; leave kept [] and `keep` unused. A word of `never` has
    # probability 0; the others share the rest. temperature 0 is asked for too. rng.choice(V, p=…) draws one number.
    words = np.full(n, start)
    told = [Hypothesis([], 0.0, False, []) for _ in range(n)]
    for _ in range(max_length):
        logp, state = step(words, state)
        z = logp - logp.max(axis=1, keepdims=True)
        z[:, list(never)] = -np.inf
        if top_k is not None:
            np.put_along_axis(z, np.argsort(-z, axis=1, kind="stable")[:, top_k:], -np.inf, axis=1)
        words = z.argmax(axis=1)
        for i, h in enumerate(told):
            if not h.finished:
                if temperature > 0:
                    p = np.exp((z[i] - z[i].max()) / temperature)
                    words[i] = rng.choice(len(p), p=p / p.sum())
                said = h.words if words[i] == end else [*h.words, int(words[i])]
                told[i] = Hypothesis(said, h.score + float(logp[i, words[i]]), bool(words[i] == end), [])
        if all(h.finished for h in told):
            break
    return told
