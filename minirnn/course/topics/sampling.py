"""What sampled sentences are judged by: every draw may differ, so their statistics are held against the model's."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Given, Probe, Wrong
from minirnn.course.given import Walk
from minirnn.course.topics.captioner import told, walks
from minirnn.course.topics.frequencies import changed, frequencies_astray, greedy_at_zero, name, with_note
from minirnn.course.topics.saying import Said, close, only_ended_early, own_score, score_cause

N = 1000  # sentences a probe
V = 6


def sample_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Temperatures, top_k, other special words; enough sentences for statistics."""

    def probe(note: str, n: int = N, **options: Any) -> Probe:
        here, before = 1.2 * rng.standard_normal((V, V)), 0.8 * rng.standard_normal((5, V))
        state = Walk(np.full(n, int(rng.integers(5)))) if n > 10 else walks(rng, n)
        seed = Given("rng", (int(rng.integers(1000)),))
        return Probe((Given("walker", (here, before)), state, n), {"rng": seed, "max_length": 3, **options}, note)

    plain = probe("")
    seed = Given("rng", (1000 + int(rng.integers(1000)),))
    return (
        plain,
        Probe(plain.args, {**plain.options, "rng": seed}, "another seed"),
        probe("temperature = 0.5", temperature=0.5, max_length=2),
        probe("temperature = 2", temperature=2.0, max_length=2),
        probe("top_k = 2", top_k=2),
        probe("top_k = 2 and temperature = 3", top_k=2, temperature=3.0, max_length=2),
        probe("temperature = 0", n=6, temperature=0.0, max_length=6),
        probe("other numbers for START, END and never", start=0, end=5, never=(0, 3)),
    )


def judge_samples(probes: tuple[Probe, ...], values: tuple[Any, ...]) -> list[Wrong]:
    """What is wrong with samples: form, forbidden words, scores, frequencies."""
    wrong = next((w for probe, value in zip(probes, values) if (w := _form(probe, value))), None)
    if wrong:
        return [wrong]
    values = tuple(
        [h._replace(words=[int(w) for w in h.words]) for h in value] for value in values
    )  # lists, not arrays
    for probe, value in zip(probes, values):
        wrong = _words(probe, value) or _scores(probe, value)
        if wrong:
            return [wrong]
    found = name([a for probe, value in zip(probes, values) for a in frequencies_astray(probe, value)])
    keys = {w.key for w in found}
    ignored = _seed_ignored(values)
    if "one-draw" in keys:
        return [_always_the_same(probes, values)]
    if ignored and (not found or keys & {"frequencies", "one-number"}):
        return [ignored]
    zero = next((p, v) for p, v in zip(probes, values) if p.options.get("temperature") == 0)
    cold = greedy_at_zero(*zero)
    return found or ([cold] if cold else [])


def _seed_ignored(values: tuple[Any, ...]) -> Wrong | None:
    """Whether two seeds draw the same words."""
    first, other = ([(list(h.words), h.finished) for h in value] for value in values[:2])
    same = f"{N} sentences are the same with two seeds"
    cause = "the draws do not come from `rng`: another generator is made inside, or with a seed of its own"
    return Wrong("another seed draws other words", same, cause, "rng-ignored") if first == other else None


def _always_the_same(probes: tuple[Probe, ...], values: tuple[Any, ...]) -> Wrong:
    """One draw for all sentences, or no draw at all?"""
    drawn = [(p, v) for p, v in zip(probes, values) if p.options.get("temperature", 1.0) > 0]
    item = "the words differ from sentence to sentence"
    if all(isinstance(v, list) and v and greedy_at_zero(p, v[:1]) is None for p, v in drawn):
        cause = "the most probable word is taken; a word is drawn by its probability"
        return Wrong(item, "all sentences are the most probable one", cause, "argmax")
    cause = "one draw is used for all sentences; each needs one of its own at every step"
    return Wrong(item, "all sentences say the same word", cause, "one-draw")


def _form(probe: Probe, value: Any) -> Wrong | None:
    n = probe.args[2]
    if not isinstance(value, list) or len(value) != n or not _told(value):
        came = f"{type(value).__name__} of {len(value)}" if isinstance(value, list | tuple) else type(value).__name__
        return Wrong(
            "the result has the right structure",
            f"the function returned a {came}; expected a list of {n} Hypothesis(words, score, finished, kept)",
            key="shape",
        )
    return None


def _told(value: list[Any]) -> bool:
    """Whether these are hypotheses with words of the vocabulary and a number for a score."""
    try:
        return isinstance(told(value), tuple) and all(0 <= int(w) < V for h in value for w in h.words)
    except (TypeError, ValueError):
        return False


def _words(probe: Probe, value: list[Any]) -> Wrong | None:
    o = probe.options
    end, never, most = o.get("end", 2), o.get("never", (0, 1)), o["max_length"]
    said = {int(w) for h in value for w in h.words}
    start = o.get("start", 1)
    if all(h.words and int(h.words[0]) == start for h in value):
        evidence = f"all sentences begin with START ({start})"
        return Wrong(f"START is left out of the words{with_note(probe)}", evidence, "START stands among the words; it is left out", "start-in-words")  # fmt: skip
    if said & set(never):
        return Wrong(
            f"no word of `never` is said{with_note(probe)}",
            f"word {min(said & set(never))} was drawn",
            "words of `never` must get probability 0 before the draw",
            "never-allowed",
        )
    if end in said:
        return Wrong(
            f"END is left out of the words{with_note(probe)}",
            f"END ({end}) stands among the words",
            "END ends a sentence and is not put among its words",
            "end-in-words",
        )
    longest = max(len(h.words) + bool(h.finished) for h in value)
    if longest > most:
        return Wrong(
            f"sentences have at most max_length = {most} words{with_note(probe)}",
            f"one has {longest}, END counted",
            "there is a step too many",
            "one-too-many",
        )
    if any(not h.finished and len(h.words) < most for h in value):
        short = next(h for h in value if not h.finished and len(h.words) < most)
        if not any(h.finished for h in value):
            return Wrong(f"`finished` says whether a sentence has said END{with_note(probe)}", "it is False for all sentences", "`finished` is never True", "never-finished")  # fmt: skip
        if longest == most - 1:
            return Wrong(f"sentences have at most max_length = {most} words{with_note(probe)}", f"yours stop after {longest}", "the sentences are one word too short: max_length steps are allowed", "one-too-few")  # fmt: skip
        return Wrong(
            f"a sentence goes on until END or max_length{with_note(probe)}",
            f"one is unfinished after {len(short.words)} of {most} words",
            "the loop stops before every sentence has ended, or `finished` is not set when END is said",
            "stops-early",
        )
    return None


def _scores(probe: Probe, value: list[Any]) -> Wrong | None:
    sentences = [
        Said(probe, i, [int(w) for w in h.words], float(h.score), bool(h.finished), h) for i, h in enumerate(value[:40])
    ]
    astray = [s for s in sentences if not own_score(s)]
    if not astray:
        return None
    s = astray[0]
    item = f"the score is the sum of the model's own log-probabilities{with_note(probe)}"
    evidence = f"words {s.words}{' and END' if s.finished else ''}: yours {s.score:.5g}, expected {s.gains(s.spoken).sum():.5g}"
    known = score_cause(astray)
    if known:
        return Wrong(item, evidence, *known)
    if only_ended_early(sentences, astray):
        return Wrong(item, evidence, "scores go on after END; a finished sentence stays as it is", "goes-on-after-end")
    if all(close(s.score, _changed_score(s)) for s in astray):
        return Wrong(item, evidence, "the score comes from the changed distribution; it is the model's own, before temperature, top_k and `never`", "changed-score")  # fmt: skip
    tempered = probe.options.get("temperature", 1.0)
    if tempered and all(close(s.score, s.gains(s.spoken).sum() / tempered) for s in astray):
        return Wrong(item, evidence, "the score is divided by the temperature; it is the model's own", "changed-score")
    return Wrong(item, evidence, "the score does not belong to the words that were said", "score-of-other-words")


def _changed_score(s: Said) -> float:
    with np.errstate(divide="ignore"):
        return float(sum(np.log(changed(row, s.probe.options)[w]) for row, w in zip(s.rows(s.spoken), s.spoken)))


def examine_crash(answers: list[Any]) -> list[Wrong]:
    """Where a sampler fails, and what that tells."""
    failed = [a for a in answers if a.error]
    rest = [a for a in answers if not a.error]
    zero = [a.probe.options.get("temperature", 1.0) == 0 for a in failed]
    if failed and all(zero):
        return [Wrong("temperature 0", "", "temperature 0 needs an answer of its own: it is greedy decoding, and there is nothing to divide by", "temperature-zero")]  # fmt: skip
    warm = [a for a, cold in zip(failed, zero) if not cold]
    if (
        warm
        and all("NaN" in a.error for a in warm)
        and not any(a.probe.options.get("temperature", 1.0) > 0 for a in rest)
    ):
        return [Wrong("probabilities", "", "the probabilities hold NaN: something is divided by a sum of 0, or infinities are taken from each other; each sentence's probabilities are divided by their sum over the words (axis 1)", "nan-probabilities")]  # fmt: skip
    if warm and all("sum to 1" in a.error for a in warm):
        return [Wrong("probabilities", "", "the probabilities do not add up to 1: divide by their sum when `never` and top_k have ruled words out", "not-renormalised")]  # fmt: skip
    if warm and all(a.probe.options.get("top_k") for a in warm) and not any(a.probe.options.get("top_k") for a in rest):
        empty = any("NaN" in a.error for a in warm)
        why = (
            ": nothing is left to draw from. Does it keep the most probable of the words that may be said?"
            if empty
            else ""
        )
        return [Wrong("top_k", "", f"your code fails wherever top_k is given{why}", "top-k-fails")]
    return []
