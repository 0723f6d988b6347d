"""Whether words are drawn as often as they should be; if not, what they were drawn from instead."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.course.exercise import Probe, Wrong
from minirnn.course.given import Walk, resolve
from minirnn.pair import Array

SIGMA = 6.0  # of chance: one false alarm in about 10**9 looks


class Astray(NamedTuple):
    """Words that were not drawn as they should be."""

    item: str
    evidence: str
    fitting: dict[str, tuple[str, float]]  # what they may have been drawn from: key -> (cause, log-likelihood)


def name(found: list[Astray]) -> list[Wrong]:
    """What fits all that is astray, the most likely first choice; else what fits each; else no cause."""
    if not found:
        return []
    common = set.intersection(*(set(a.fitting) for a in found))
    if common:
        likely = max(common, key=lambda key: sum(a.fitting[key][1] for a in found))
        return [Wrong(found[0].item, found[0].evidence, found[0].fitting[likely][0], likely)]
    if all(a.fitting for a in found):
        each = {max(a.fitting, key=lambda key: a.fitting[key][1]): a for a in reversed(found)}
        if len(each) <= 2:
            return [Wrong(a.item, a.evidence, a.fitting[key][0], key) for key, a in each.items()]
    return [Wrong(found[0].item, found[0].evidence, "", "frequencies")]


def frequencies_astray(probe: Probe, value: list[Any]) -> list[Astray]:
    """First words and second words against their probabilities, within SIGMA standard deviations."""
    o = probe.options
    end, start = o.get("end", 2), o.get("start", 1)
    if o.get("temperature", 1.0) == 0:
        return []
    step, before = resolve(probe.args[0]), Walk(probe.args[1].read[:1])
    logp, after = step(np.array([start]), before)
    first = np.array([int(h.words[0]) if h.words else end for h in value])
    wrong = _compare(probe, first, logp[0], "first")
    if wrong:
        return [wrong]
    found = []
    for word in np.unique(first[first != end]):
        drawn = np.array([int(h.words[1]) if len(h.words) > 1 else end for h, w in zip(value, first) if w == word])
        if len(drawn) < 100:
            continue
        others = [
            ("the state is not handed on from step to step: the model forgets what it has said", "state-not-carried", word, before),
            ("every step reads START again; it reads the word that was just drawn", "start-again", start, after),
            ("every step is the first one again: it reads START, from the first state", "start-again", start, before),
        ]  # fmt: skip
        again = _same_number(changed(logp[0], o), int(word), changed(step(np.array([word]), after)[0][0], o))
        known = [(c, changed(step(np.array([w]), s)[0][0], o), key) for c, key, w, s in others]
        theirs = changed(step(first[:1], after)[0][0], o)
        known.append(("all sentences use the probabilities of the first one; each has its own", theirs, "first-row"))
        known.append(
            (
                "one random number is used for all steps of a sentence; each step needs one of its own",
                again,
                "one-number",
            )
        )
        wrong = _compare(probe, drawn, step(np.array([word]), after)[0][0], "second", known)
        found += [wrong] if wrong else []
    return found


def _same_number(p: Array, word: int, q: Array) -> Array:
    """How often each word follows `word` when both are drawn with one random number (inverse transform sampling)."""
    low, high = float(p[:word].sum()), float(p[: word + 1].sum())
    edges = np.clip(np.concatenate([[0.0], np.cumsum(q)]), low, high)
    return np.asarray(np.diff(edges) / max(high - low, 1e-300))


def _likelihood(counts: Array, q: Array) -> float:
    """The log-likelihood of counts under probabilities, up to a constant."""
    with np.errstate(divide="ignore"):
        return float((counts[counts > 0] * np.log(q[counts > 0])).sum())


def with_note(probe: Probe) -> str:
    """What is special about a probe, to put behind a sentence."""
    return f" with {probe.note}" if probe.note else ""


def changed(logp: Array, options: Any, temperature: float | None = None, top_k: int | None = -1) -> Array:
    """The distribution that words are drawn from."""
    T = options.get("temperature", 1.0) if temperature is None else temperature
    k = options.get("top_k") if top_k == -1 else top_k
    z = logp.astype(float).copy()
    z[list(options.get("never", (0, 1)))] = -np.inf
    if k is not None:
        z[np.argsort(-z, kind="stable")[k:]] = -np.inf
    p: Array = np.exp((z - z.max()) / T)
    return np.asarray(p / p.sum())


def _fits(drawn: Array, p: Array) -> bool:
    if not np.isfinite(p).all():
        return False
    n = len(drawn)
    counts = np.bincount(drawn, minlength=len(p))[: len(p)]
    return bool((np.abs(counts - n * p) <= SIGMA * (np.sqrt(n * p * (1 - p)) + 1)).all())


def _compare(
    probe: Probe, drawn: Array, logp: Array, which: str, known: list[tuple[str, Array, str]] | None = None
) -> Astray | None:
    """Words drawn against the model's log-probabilities (V,), changed as the options ask."""
    o = probe.options
    p = changed(logp, o)
    if _fits(drawn, p):
        return None
    counts = np.bincount(drawn, minlength=len(p))[: len(p)]
    worst = int(np.argmax(np.abs(counts / len(drawn) - p)))
    item = f"the {which} words have the right frequencies{with_note(probe)}"
    evidence = (
        f"word {worst} was drawn in {counts[worst] / len(drawn):.1%} of {len(drawn)} sentences, expected {p[worst]:.1%}"
    )
    others = [*(known or []), *_other_distributions(logp, p, o, counts)]
    fitting = [other for other in others if not np.allclose(other[1], p) and _fits(drawn, other[1])]
    best: dict[str, tuple[str, float]] = {}
    for cause, q, key in sorted(fitting, key=lambda other: _likelihood(counts, other[1])):
        best[key] = (cause, _likelihood(counts, q))
    return Astray(item, evidence, best)


def _other_distributions(logp: Array, p: Array, o: Any, counts: Array) -> list[tuple[str, Array, str]]:
    """What else words may have been drawn from: (cause, probabilities, key)."""
    T, k, never = o.get("temperature", 1.0), o.get("top_k"), list(o.get("never", (0, 1)))
    free = {**o, "never": ()}
    allowed = np.where(np.isin(np.arange(len(p)), never), 0.0, 1.0)
    found = [
        ("", np.eye(len(p))[counts.argmax()], "one-draw"),
        ("words are drawn with equal probability", (p > 0) / (p > 0).sum(), "uniform"),
        ("words are drawn with equal probability", allowed / allowed.sum(), "uniform"),
        ("the softmax is taken of probabilities; it is taken of log-probabilities", changed(np.exp(logp), o), "softmax-of-probabilities"),
        ("the log-probabilities are used as probabilities; take the exponential first", _normal(np.abs(logp) * (p > 0)), "log-as-probability"),
        ("what `never` and top_k rule out is set to 0, but the rest is not divided by its sum", _cut_short(logp, allowed, T), "not-renormalised"),
    ]  # fmt: skip
    if k is not None:
        least = np.where(allowed > 0, -logp, -np.inf)
        order = np.argsort(-least, kind="stable")[:k]
        found += [
            ("top_k is not used", changed(logp, o, top_k=None), "top-k-ignored"),
            ("one word too many is kept: top_k counts the words that may be drawn", changed(logp, o, top_k=k + 1), "top-k-off-by-one"),
            ("one word too few is kept: top_k counts the words that may be drawn", changed(logp, o, top_k=max(1, k - 1)), "top-k-off-by-one"),
            ("the least probable words are kept; top_k keeps the most probable ones", _normal(np.exp(logp / T) * np.isin(np.arange(len(p)), order)), "top-k-least"),
            ("the words of `never` take up places among the top_k; they are ruled out first", _normal(changed(logp, free) * allowed), "top-k-before-never"),
            ("top_k keeps all words but the k most probable ones", _normal(changed(logp, o, top_k=None) * (p == 0)), "top-k-inverse"),
        ]  # fmt: skip
    if T != 1.0:
        found += [
            ("the temperature is not used (dividing the probabilities by it changes nothing)", changed(logp, o, temperature=1.0), "temperature-ignored"),
            ("the log-probabilities are multiplied by the temperature; they are divided by it", changed(logp, o, temperature=1 / T), "temperature-inverse"),
            ("neither the temperature nor top_k is used", changed(logp, o, temperature=1.0, top_k=None), "options-ignored"),
        ]  # fmt: skip
    return found


def _normal(weights: Array) -> Array:
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), np.nan)


def _cut_short(logp: Array, allowed: Array, T: float) -> Array:
    """Inverse transform sampling from weights that do not add up to 1: what is left falls to the last word."""
    q = np.diff(np.minimum(np.cumsum(np.exp(logp / T) * allowed), 1.0), prepend=0.0)
    q[-1] += 1 - q.sum()
    return np.asarray(q)


def greedy_at_zero(probe: Probe, value: list[Any]) -> Wrong | None:
    from minirnn.decode import greedy

    options = {k: v for k, v in probe.options.items() if k in ("start", "end", "max_length", "never")}
    right = greedy(resolve(probe.args[0]), probe.args[1], probe.args[2], **options)
    for mine, theirs in zip(value, right):
        if [int(w) for w in mine.words] != theirs.words:
            return Wrong(
                "temperature 0 is greedy decoding",
                f"yours {[int(w) for w in mine.words]}, expected {theirs.words}",
                "at temperature 0 the most probable word is taken, without dividing by 0",
                "temperature-zero",
            )
    return None
