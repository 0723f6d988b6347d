"""Where on a line a CTC network sees each letter of a text: the most probable path that reads as it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minirnn.pair import Array


def peaks(logp: Array, labels: Sequence[int], blank: int = 0) -> Array | None:
    """The step of each label where the network is surest of it, on the most probable path that reads as the labels.

        best_t(s) = logp_t(label(s)) + max(best_t-1(s), best_t-1(s-1), best_t-1(s-2) where a blank can be left out)

    over the states of `functional.ctc`: the labels with a blank before, between and after them.

    Args:
        logp: (T, V) log-probabilities.
        labels: what the line reads as, without blanks.
    Returns:
        (len(labels),) rising steps; None when T steps are too few for the labels.
    Source: Viterbi 1967, on the states of Graves et al. 2006.
    """
    T, U = len(logp), len(labels)
    if U == 0:
        return np.zeros(0, np.int64)
    state = np.full(2 * U + 1, blank)
    state[1::2] = labels
    skips = np.zeros(len(state), bool)
    skips[2:] = (state[2:] != blank) & (state[2:] != state[:-2])
    best = np.full(len(state), -np.inf)
    best[:2] = logp[0, state[:2]]
    came = np.zeros((T, len(state)), np.int64)  # how many states back each came from
    for t in range(1, T):
        ways = np.full((3, len(state)), -np.inf)
        ways[0], ways[1, 1:], ways[2, 2:] = best, best[:-1], np.where(skips[2:], best[:-2], -np.inf)
        came[t] = ways.argmax(axis=0)
        best = ways.max(axis=0) + logp[t, state]
    s = 2 * U if best[2 * U] > best[2 * U - 1] else 2 * U - 1
    if best[s] == -np.inf:
        return None
    path = np.empty(T, np.int64)
    for t in reversed(range(T)):
        path[t] = s
        s -= came[t, s]
    steps = [np.flatnonzero(path == 2 * u + 1) for u in range(U)]
    return np.array([some[logp[some, label].argmax()] for some, label in zip(steps, labels)])
