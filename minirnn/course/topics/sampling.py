"""What sampled sentences are judged by: every draw may differ, so their statistics are held against the model's."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Given, Probe, Wrong
from minirnn.course.given import Walk, resolve
from minirnn.course.topics.captioner import told, walks
from minirnn.decode import rescore
from minirnn.pair import Array

N = 1500  # sentences a probe
SIGMA = 6.0  # of chance: one false alarm in about 10**9 looks
V = 6


def sample_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Temperatures, top_k, other special words; enough sentences for statistics."""

    def probe(note: str, n: int = N, **options: Any) -> Probe:
        here, before = 1.2 * rng.standard_normal((V, V)), 0.8 * rng.standard_normal((5, V))
        state = Walk(np.full(n, int(rng.integers(5)))) if n > 10 else walks(rng, n)
        seed = Given("rng", (int(rng.integers(1000)),))
        return Probe((Given("walker", (here, before)), state, n), {"rng": seed, "max_length": 3, **options}, note)

    return (
        probe(""),
        probe("temperature = 0.5", temperature=0.5),
        probe("temperature = 2", temperature=2.0),
        probe("top_k = 2", top_k=2),
        probe("top_k = 2 and temperature = 3", top_k=2, temperature=3.0),
        probe("temperature = 0", n=6, temperature=0.0, max_length=6),
        probe("other numbers for START, END and never", start=0, end=5, never=(0, 3)),
    )


def judge_samples(probes: tuple[Probe, ...], values: tuple[Any, ...]) -> list[Wrong]:
    """What is wrong with samples: form, forbidden words, scores, frequencies."""
    for probe, value in zip(probes, values):
        wrong = _form(probe, value) or _words(probe, value) or _scores(probe, value) or _frequencies(probe, value)
        if wrong:
            return [wrong]
    return []


def _with(probe: Probe) -> str:
    return f" with {probe.note}" if probe.note else ""


def _form(probe: Probe, value: Any) -> Wrong | None:
    n = probe.args[2]
    if not isinstance(value, list) or len(value) != n or not isinstance(told(value), tuple):
        came = f"{type(value).__name__} of {len(value)}" if isinstance(value, list | tuple) else type(value).__name__
        return Wrong(
            "the result has the right structure",
            f"the function returned a {came}; expected a list of {n} Hypothesis(words, score, finished, kept)",
            key="shape",
        )
    return None


def _words(probe: Probe, value: list[Any]) -> Wrong | None:
    o = probe.options
    end, never, most = o.get("end", 2), o.get("never", (0, 1)), o["max_length"]
    said = {int(w) for h in value for w in h.words}
    if said & set(never):
        return Wrong(
            f"no word of `never` is said{_with(probe)}",
            f"word {min(said & set(never))} was drawn",
            "words of `never` must get probability 0 before the draw",
            "never-allowed",
        )
    if end in said:
        return Wrong(
            f"END is left out of the words{_with(probe)}",
            f"END ({end}) stands among the words",
            "END ends a sentence and is not put among its words",
            "end-in-words",
        )
    longest = max(len(h.words) + bool(h.finished) for h in value)
    if longest > most:
        return Wrong(
            f"sentences have at most max_length = {most} words{_with(probe)}",
            f"one has {longest}, END counted",
            "there is a step too many",
            "one-too-many",
        )
    if any(not h.finished and len(h.words) < most for h in value):
        short = next(h for h in value if not h.finished and len(h.words) < most)
        return Wrong(
            f"a sentence goes on until END or max_length{_with(probe)}",
            f"one is unfinished after {len(short.words)} of {most} words",
            "the loop stops before every sentence has ended, or `finished` is not set when END is said",
            "stops-early",
        )
    return None


def _scores(probe: Probe, value: list[Any]) -> Wrong | None:
    o = probe.options
    for i, h in enumerate(value[:40]):
        step, state = resolve(probe.args[0]), Walk(probe.args[1].read[i : i + 1])
        words = [int(w) for w in h.words]
        right = rescore(step, state, words, start=o.get("start", 1), end=o.get("end", 2), finished=bool(h.finished))
        if abs(h.score - right) <= 1e-6 * max(1.0, abs(right)):
            continue
        item = f"the score is the sum of the model's own log-probabilities{_with(probe)}"
        evidence = f"words {words}{' and END' if h.finished else ''}: yours {h.score:.5g}, expected {right:.5g}"
        if (
            h.finished
            and abs(h.score - rescore(step, state, words, start=o.get("start", 1), end=o.get("end", 2), finished=False))
            < 1e-6
        ):
            return Wrong(item, evidence, "END's log-probability is missing from the score; it counts", "end-not-scored")
        if o.get("temperature", 1.0) not in (0.0, 1.0) or o.get("top_k"):
            return Wrong(
                item,
                evidence,
                "the score comes from the changed distribution; it is the model's own, before temperature and top_k",
                "changed-score",
            )
        return Wrong(
            item,
            evidence,
            "the score is not the sum over the words that were said: is it the score of other words, of the last word alone, or after `never` was taken out and the rest renormalised?",
            "score",
        )
    return None


def _frequencies(probe: Probe, value: list[Any]) -> Wrong | None:
    """First words and second words against their probabilities, within SIGMA standard deviations."""
    o, n = probe.options, probe.args[2]
    end = o.get("end", 2)
    if o.get("temperature", 1.0) == 0:
        return _greedy_at_zero(probe, value)
    step = resolve(probe.args[0])
    start = np.full(n, o.get("start", 1))
    logp, after = step(start, probe.args[1])
    first = np.array([int(h.words[0]) if h.words else end for h in value])
    wrong = _compare(probe, first, _changed(logp[0], o), "first", logp[0])
    if wrong:
        return wrong
    seconds = [h for h in value if h.words]
    words = np.array([int(h.words[0]) for h in seconds])
    for word in np.unique(words):
        rows = [h for h, w in zip(seconds, words) if w == word]
        if len(rows) < 100:
            continue
        logp2, _ = step(np.array([word]), Walk(after.read[:1]))
        drawn = np.array([int(h.words[1]) if len(h.words) > 1 else end for h in rows])
        wrong = _compare(probe, drawn, _changed(logp2[0], o), "second", logp2[0])
        if wrong:
            key = "state-not-carried" if wrong.key in ("frequencies", "") else wrong.key
            cause = (
                wrong.cause
                if key != "state-not-carried"
                else "is the state handed on, and does step read the word that was just drawn?"
            )
            return Wrong(wrong.item, wrong.evidence, cause, key)
    return None


def _changed(logp: Array, options: Any, temperature: float | None = None, top_k: int | None = -1) -> Array:
    """The distribution that words are drawn from."""
    T = options.get("temperature", 1.0) if temperature is None else temperature
    k = options.get("top_k") if top_k == -1 else top_k
    z = logp.astype(float).copy()
    z[list(options.get("never", (0, 1)))] = -np.inf
    if k is not None:
        z[np.argsort(-z, kind="stable")[k:]] = -np.inf
    p: Array = np.exp((z - z.max()) / T)
    return p / p.sum()


def _fits(drawn: Array, p: Array) -> bool:
    n = len(drawn)
    counts = np.bincount(drawn, minlength=len(p))[: len(p)]
    return bool((np.abs(counts - n * p) <= SIGMA * (np.sqrt(n * p * (1 - p)) + 1)).all())


def _compare(probe: Probe, drawn: Array, p: Array, which: str, logp: Array) -> Wrong | None:
    if _fits(drawn, p):
        return None
    counts = np.bincount(drawn, minlength=len(p))[: len(p)]
    worst = int(np.argmax(np.abs(counts / len(drawn) - p)))
    item = f"the {which} words have the right frequencies{_with(probe)}"
    evidence = (
        f"word {worst} was drawn in {counts[worst] / len(drawn):.1%} of {len(drawn)} sentences, expected {p[worst]:.1%}"
    )
    o = probe.options
    others: list[tuple[str, Array, str]] = [
        ("every sentence draws the same word: all of them use one draw, or the largest probability is taken", np.eye(len(p))[counts.argmax()], "one-draw"),
        ("the temperature is not used", _changed(logp, o, temperature=1.0), "temperature-ignored"),
        ("the log-probabilities are multiplied by the temperature; they are divided by it", _changed(logp, o, temperature=1 / o.get("temperature", 1.0)), "temperature-inverse"),
        ("top_k is not used", _changed(logp, o, top_k=None), "top-k-ignored"),
        ("words are drawn with equal probability", _changed(np.zeros_like(logp), o), "uniform"),
    ]  # fmt: skip
    for cause, q, key in others:
        if not np.allclose(q, p) and _fits(drawn, q):
            return Wrong(item, evidence, cause, key)
    return Wrong(item, evidence, "", "frequencies")


def _greedy_at_zero(probe: Probe, value: list[Any]) -> Wrong | None:
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
