"""What the behaviour of a wrong decoder tells: form, scores held against the model, what was chosen.

The dictionary knows mistakes as they were written once; a decoder can be written in many ways. Each test here looks at
sentences alone: which explanation fits every wrong one of them?
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Wrong
from minirnn.course.topics.saying import CLOSE, Said, close, fits_score, only_ended_early, own_score, said, score_cause


def examine_sentences(answers: list[Any], first_only: bool = False) -> list[Wrong]:
    """Likely causes: of the form of the sentences, else of their scores; nothing when neither tells."""
    sentences = said(answers, first_only)
    if not sentences:
        return []
    wrong = [s for s in sentences if s.wrong()]
    form = _form(sentences, wrong)
    if form:
        return [Wrong("sentences", "", *form)]
    astray = [s for s in wrong if not own_score(s)]
    if astray:
        known = score_cause(astray)
        if known:
            return [Wrong("score", "", *known)]
        if only_ended_early(sentences, astray):
            return [
                Wrong("score", "", "scores go on after END; a finished sentence stays as it is", "goes-on-after-end")
            ]
        s = astray[0]
        given = f"{s.score:.4g} where the model gives {float(s.gains(s.spoken).sum()):.4g}"
        text = (
            f"a score does not belong to the words beside it ({given} to {s.words}{' and END' if s.finished else ''})"
        )
        return [Wrong("score", "", text, "score-of-other-words")]
    return []


def _form(sentences: list[Said], wrong: list[Said]) -> tuple[str, str] | None:
    """What is wrong with the form: words that must not stand there, the length, the flag."""
    if _one_list(sentences):
        return (
            "all sentences have the same words: one list is shared by all of them ([[]] * n makes n names of one list)",
            "one-list",
        )
    if any(len(s.words) > 2 * s.most for s in sentences):
        return (
            "a list of words grows beyond max_length: several sentences share it, and append changes it for all of them ([*words, word] makes a new one)",
            "one-list",
        )
    if any(_word_missing(s) for s in wrong) and all(own_score(s) or _word_missing(s) for s in wrong):
        return (
            "the score counts one word more than the sentence holds: its last word has been cut off",
            "last-word-missing",
        )
    if all(s.words[:1] == [s.option("start", 1)] for s in sentences):
        return "START stands among the words; it is left out", "start-in-words"
    if any(s.end in s.words for s in sentences):
        behind = any(s.end in s.words[:-1] for s in sentences)
        return (
            (
                "sentences go on after END, which stands among their words; a finished sentence stays as it is",
                "goes-on-after-end",
            )
            if behind
            else ("END stands among the words; it is left out", "end-in-words")
        )
    if any(set(s.words) & set(s.option("never", (0, 1))) for s in sentences):
        return "words of `never` are said; they must not be chosen", "never-allowed"
    if all(not s.finished for s in sentences) and any(s.right.finished for s in wrong):
        return "`finished` is never True; it says whether the sentence has said END", "never-finished"
    if any(len(s.words) + s.finished > s.most for s in sentences):
        if all(s.finished for s in sentences):
            return "`finished` is True also for sentences that were cut off at max_length", "always-finished"
        return "there is one step too many: at most max_length", "one-too-many"
    if any(_through_end(s) for s in sentences):
        return "sentences go on after END; a finished sentence stays as it is", "goes-on-after-end"
    short = [s for s in sentences if not s.finished and len(s.words) < s.most]
    if (
        short
        and all(len(s.words) == s.most - 1 for s in short)
        and not any(s.finished and len(s.words) + 1 == s.most for s in sentences)
    ):
        return "the sentences are one word too short: max_length steps are allowed", "one-too-few"
    if short:
        return "a sentence stops although it has neither said END nor reached max_length", "stops-early"
    return None


def _one_list(sentences: list[Said]) -> bool:
    """Whether the sentences of every call have the same words: as many as all of them should have together."""
    calls = {id(s.probe): [t for t in sentences if t.probe is s.probe] for s in sentences}
    several = [c for c in calls.values() if len({tuple(s.right.words) for s in c}) > 1]
    return bool(several) and all(
        {tuple(s.words) for s in c} == {tuple(c[0].words)} and len(c[0].words) == sum(len(s.right.words) for s in c)
        for c in several
    )


def _word_missing(s: Said) -> bool:
    """Whether the score is that of these words and one more at the end."""
    if own_score(s) or len(s.spoken) >= s.most:
        return False
    rows = s.rows([*s.words, 0])
    before = float(s.gains(s.words).sum())
    if not s.finished:
        return any(word != s.end and close(s.score, before + float(gain)) for word, gain in enumerate(rows[-1]))
    return any(
        close(s.score, float(s.gains([*s.words, word, s.end]).sum())) for word in range(len(rows[-1])) if word != s.end
    )


def _through_end(s: Said) -> bool:
    """Whether the score is that of these words with an END between them."""
    places = range(len(s.words) + 1) if len(s.spoken) < s.most and not own_score(s) else range(0)
    return any(fits_score(s, lambda s, k=k: s.gains([*s.words[:k], s.end, *s.spoken[k:]]).sum()) for k in places)  # type: ignore[misc]


def examine_greedy(answers: list[Any]) -> list[Wrong]:
    """What a wrong greedy decoder does."""
    found = examine_sentences(answers)
    sentences = said(answers)
    if found or not sentences:
        return found
    wrong = [s for s in sentences if s.wrong()]
    chosen = [_choice(s) for s in wrong]
    if chosen and all(c == "never END" for c in chosen):
        return [Wrong("words", "", "END is not said where it is the most probable word", "end-never-said")]
    if chosen and all(chosen):
        return [Wrong("words", "", "the scores belong to the words, but the words are not the most probable ones: which axis is the largest taken over, and of which row?", "not-most-probable")]  # fmt: skip
    return []


def _choice(s: Said) -> str:
    """How the first word that is not the most probable one was chosen: "" if there is none."""
    for row, word in zip(s.rows(s.spoken), s.spoken):
        row[list(s.option("never", (0, 1)))] = -np.inf
        if word != int(row.argmax()):
            return "never END" if int(row.argmax()) == s.end else "another"
    return ""


def examine_beam(answers: list[Any]) -> list[Wrong]:
    """What a wrong beam search does. Only the first sentence of each search counts."""
    found = examine_sentences(answers, first_only=True)
    sentences = said(answers, first_only=True)
    if not sentences:
        return found
    if found and found[0].key == "score-of-other-words":
        why = "is each child continued from the state of its own parent, and is its score the parent's plus its last word's?"
        return [Wrong("score", "", f"{found[0].cause}: {why}", "wrong-state")]
    if found:
        return found
    wrong = [s for s in sentences if s.wrong()]
    better = [
        _rank(s, s.words, s.score, s.finished) - _rank(s, s.right.words, s.right.score, s.right.finished) for s in wrong
    ]
    penalised = [s.option("length_penalty", 0.0) > 0 for s in wrong]
    if wrong and all(penalised) and any(s.option("length_penalty", 0.0) == 0 for s in sentences if not s.wrong()):
        if all(s.finished and len(s.spoken) < len(s.right.words) + s.right.finished for s in wrong):
            return [Wrong("words", "", "right without a length penalty; with one, shorter sentences win than should: does the search go on when the best one is finished, and is the score divided by length ** length_penalty, END counted, wherever sentences are compared?", "penalty")]  # fmt: skip
        return [Wrong("words", "", "right without a length penalty, wrong with one: is everything in the beam compared by score / length ** length_penalty, END counted, finished or not?", "penalty")]  # fmt: skip
    if wrong and all(b > CLOSE for b in better):
        return [Wrong("words", "", "what is found ranks even better than what a beam of this width holds: the beam is wider than it should be, or finished sentences do not take up places in it", "beam-too-wide")]  # fmt: skip
    if wrong and all(b < -CLOSE for b in better):
        return [Wrong("words", "", "scores and words belong together, but a better sentence is lost on the way: all continuations of all sentences, and the finished ones, are ranked together, and the best `beam` stay", "loses-the-best")]  # fmt: skip
    return []


def _rank(s: Said, words: Any, score: float, finished: Any) -> float:
    return float(float(score) / max(1, len(words) + bool(finished)) ** float(s.option("length_penalty", 0.0)))
