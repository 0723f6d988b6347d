"""Exercises of lesson 11: sampling, beam search, BLEU."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Exercise, Mistake, Probe
from minirnn.course.topics.captioner import model, told, walks
from minirnn.course.topics.sampling import judge_samples, sample_probes
from minirnn.decode import beam_search, sample
from minirnn.metrics import bleu

sample1 = Exercise(
    name="sample1",
    function="sample",
    folder="11_decoding",
    title="Draw words by their probability",
    truth=sample,
    probes=sample_probes,
    inputs={},
    outputs=(),
    judge=judge_samples,
    hints=(
        "What does dividing log-probabilities by 2 do to a distribution? And dividing by 0.5?",
        "As greedy1, but the word is drawn: p is proportional to exp(logp / temperature), over the words that may be said.",
        "Set what is not allowed (never, and all but the top_k) to -inf, subtract the largest, divide by the temperature, "
        "exponentiate, divide by the sum, and let rng draw. The score still adds the model's own logp. Temperature 0 is greedy.",
    ),
    why="exp(logp / T) sharpens the distribution for T below 1 and flattens it above. Subtracting the largest value first keeps "
    "the exponential from overflowing and cancels in the quotient. The score stays the model's own log-probability, so "
    "that sentences drawn at different temperatures can be compared.",
)

_PLAIN = "if all(h.finished for h, _ in beams) or (length_penalty == 0 and beams[0][0].finished):"


def _beam_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    def probe(note: str, end: float = 0.5, V: int = 7, **options: Any) -> Probe:
        return Probe((model(rng, V=V, scale=1.2, end=end), walks(rng, 1)), {"max_length": 7, **options}, note)

    return (
        probe("", beam=3),
        *(probe(f"beam {k}", beam=k, end=0.3 * k) for k in (2, 4, 5, 8)),
        probe("beam 1", beam=1),
        probe("length_penalty = 1", beam=4, length_penalty=1.0, end=1.5),
        probe("length_penalty = 0.7", beam=3, length_penalty=0.7, end=1.0),
        probe("length_penalty = 2", beam=6, length_penalty=2.0, end=2.0),
        *(probe(f"length_penalty = {p}, beam {k}", beam=k, length_penalty=p, end=e, V=9)
          for p, k, e in ((0.5, 2, 0.7), (1.0, 2, 1.0), (1.5, 3, 0.3), (3.0, 3, 1.5), (0.8, 5, 0.5), (1.2, 8, 0.8))),
        *(probe(f"max_length = {m}", beam=4, max_length=m, end=1.0, V=8) for m in (1, 2, 3, 4)),
        probe("no sentence that ends", beam=3, end=-20.0, max_length=4),
        Probe((model(rng, scale=1.2), walks(rng, 1)), {"beam": 3, "start": 0, "end": 5, "never": (0, 3), "max_length": 6}, "other numbers for START, END and never"),
        probe("sentences that end early", beam=4, end=4.0),
    )


def _best(value: Any) -> Any:
    """The first hypothesis alone: what stands behind it depends on when a search stops."""
    if not isinstance(value, list) or not value:
        return value
    return told(value[:1])


beam1 = Exercise(
    name="beam1",
    function="beam_search",
    folder="11_decoding",
    title="Follow the best few sentences at once",
    truth=beam_search,
    probes=_beam_probes,
    inputs={},
    outputs=(("words", ""), ("score", ""), ("finished", "")),
    normal=_best,
    slot="tools.beam",
    hints=(
        "Greedy decoding throws away all words but one. What must be remembered about a sentence under way, so that it can be "
        "continued later?",
        "Keep pairs (hypothesis, state). Each turn every unfinished one is extended by every allowed word; all of these and the "
        "finished ones are ranked together, and the best `beam` stay.",
        "A child gets the state that step returned for its parent. Finished ones go into the pool unchanged. The rank divides "
        "the score by length ** length_penalty, END counted; the score itself stays the plain sum.",
    ),
    why="A word that looks poor now may lead to a better sentence; keeping a few alternatives lets it. Each hypothesis carries the "
    "state of its own past, so that the model continues the right sentence. Since log-probabilities are at most 0, a score can "
    "only fall; that is why the search may stop when the best one is finished, and why longer sentences need a penalty to compete.",
    mistakes=(
        Mistake("wrong-state", "a sentence is continued with the state of another one: each child goes on from its own parent's state",
                (("word == end, []), after))", "word == end, []), beams[0][1] if len(beams) > 1 else after))"),)),
        Mistake("old-state", "the state before the step is kept: a child goes on from the state that step returned",
                (("word == end, []), after))", "word == end, []), s))"),)),
        Mistake("extends-finished", "finished sentences are extended again; they stay as they are",
                (("pool = [(h, s) for h, s in beams if h.finished]", "pool = []"), ("in [(h, s) for h, s in beams if not h.finished]:", "in beams:"))),
        Mistake("drops-finished", "finished sentences are dropped from the beam; they stay and compete",
                (("pool = [(h, s) for h, s in beams if h.finished]", "pool = [(h, s) for h, s in beams if h.finished and not beams]"),
                 ("        beams = sorted(", "        beams = sorted(pool or beams, key=rank, reverse=True)[:beam] if not pool else sorted("))),
        Mistake("last-logp", "the score is the last word's log-probability alone; it is the sum", (("h.score + float(logp[0, word])", "float(logp[0, word])"),)),
        Mistake("ascending", "the worst sentences are kept: sort from the largest rank down", (("reverse=True", "reverse=False"),)),
        Mistake("returns-worst", "the best sentence stands last; it comes first", (("return [h for h, _ in beams]", "return [h for h, _ in beams][::-1]"),)),
        Mistake("greedy", "only one sentence is followed, or each has only its best continuation; the best `beam` of all continuations stay", (("reverse=True)[:beam]", "reverse=True)[:1]"),)),
        Mistake("rank-not-normalised", "the rank is not score / length ** length_penalty: the penalty is not used, or multiplied where it should divide", (("h.score / (len(h.words) + h.finished) ** length_penalty", "h.score"),)),
        Mistake("always-normalised", "the rank always divides by the length; it divides by length ** length_penalty",
                (("** length_penalty", "** (1 if h.words else 0)"),)),
        Mistake("length-without-end", "the length leaves END out; it counts as one", (("(len(h.words) + h.finished) ** length_penalty", "max(1, len(h.words)) ** length_penalty"),)),
        Mistake("score-normalised", "the score that is returned is divided by the length; the plain sum is asked for",
                (("return [h for h, _ in beams]", "return [h._replace(score=rank((h, None))) for h, _ in beams]"),)),
        Mistake("never-allowed", "words of `never` are said; they must not be chosen", (("range(logp.shape[1]) if w not in never", "range(logp.shape[1])"),)),
        Mistake("end-in-words", "END stands among the words; it is left out", (("h.words if word == end else [*h.words, word]", "[*h.words, word]"),)),
        Mistake("end-not-scored", "END's log-probability is missing from the score; it counts",
                (("h.score + float(logp[0, word])", "h.score + (0.0 if word == end else float(logp[0, word]))"),)),
        Mistake("stops-at-first-finished", "the search stops as soon as any sentence is finished; with no penalty it may stop only when the *best* one is",
                ((_PLAIN, "if any(h.finished for h, _ in beams):"),)),
        Mistake("stops-at-best-finished", "with a length penalty the search must go on although the best one is finished: a longer one may still rise",
                ((_PLAIN, "if all(h.finished for h, _ in beams) or beams[0][0].finished:"),)),
        Mistake("start-again", "every step reads START; it reads the sentence's last word", (("h.words[-1] if h.words else start", "start"),)),
        Mistake("fixed-start", "START is always word 1; use `start`", (("h.words[-1] if h.words else start", "h.words[-1] if h.words else 1"),)),
        Mistake("fixed-end", "END is always word 2; use `end`", (("if word == end else", "if word == 2 else"), ("word == end, [])", "word == 2, [])"))),
        Mistake("probabilities", "probabilities are added up; the score is the sum of *log*-probabilities", (("float(logp[0, word])", "float(np.exp(logp[0, word]))"),)),
        Mistake("one-too-few", "the search ends one step too early: sentences of max_length are allowed", (("range(max_length)", "range(max_length - 1)"),)),
        Mistake("one-too-many", "there is one step too many: at most max_length", (("range(max_length)", "range(max_length + 1)"),)),
        Mistake("finished-first", "a finished sentence is preferred to a better one under way; all compete by rank",
                (("return [h for h, _ in beams]", "return sorted([h for h, _ in beams], key=lambda h: not h.finished)"),)),
    ),
)  # fmt: skip

WORDS = "a the dog cat sits runs on mat red big small".split()


def _corpus(rng: np.random.Generator, pictures: int, refs: int, note: str, least: int = 5, most: int = 11) -> Probe:
    """Captions that share runs of words with their references, of other lengths."""
    references, hypotheses = [], []
    for _ in range(pictures):
        base = list(rng.choice(WORDS, int(rng.integers(least, most))))
        mine = []
        for _ in range(refs):
            other = list(base)
            for _ in range(2):
                other[int(rng.integers(len(other)))] = str(rng.choice(WORDS))
            mine.append(" ".join(other[: int(rng.integers(max(4, len(other) - 3), len(other) + 1))]))
        said = [*base[: max(4, len(base) - int(rng.integers(0, 4)))], *rng.choice(base, int(rng.integers(0, 3)))]
        references.append([*mine, " ".join(base)])
        hypotheses.append(" ".join(said))
    return Probe((references, hypotheses), {}, note)


def _bleu_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    repeated = Probe(
        ([["the cat sits on the mat today", "there is a cat on the mat"], ["a dog runs on the big mat"]],
         ["the the the cat sits on the mat", "a dog runs on the big big mat"]), {}, "words said too often",
    )  # fmt: skip
    short = Probe(([["a small dog runs on the red mat"], ["the big cat sits on a mat"]],
                   ["a small dog runs on", "the big cat sits"]), {}, "captions that are too short")  # fmt: skip
    near = Probe(([["a dog runs on the mat", "a dog runs on the big red mat today now"], ["the cat sits on a mat", "the cat sits on a red mat here"]],
                  ["a dog runs on the mat big red", "the cat sits on a mat red"]), {}, "two references equally near in length")  # fmt: skip
    lengths = Probe(([["the cat sits on", "the cat sits on the red mat with a big dog"], ["a small dog runs on a red mat here today now then", "a dog runs on"]],
                     ["the cat sits on the red mat with a", "a small dog runs on a red mat here"]), {}, "references of very different lengths")  # fmt: skip
    return (
        _corpus(rng, 4, 3, ""),
        lengths,
        repeated,
        short,
        near,
        _corpus(rng, 1, 1, "one picture"),
        _corpus(rng, 6, 2, "captions of very different lengths", 4, 20),
    )


bleu1 = Exercise(
    name="bleu1",
    function="bleu",
    folder="11_decoding",
    title="BLEU",
    truth=bleu,
    probes=_bleu_probes,
    inputs={},
    outputs=(("BLEU-1", ""), ("BLEU-2", ""), ("BLEU-3", ""), ("BLEU-4", "")),
    hints=(
        "A caption that says \"the the the\" finds every word in the reference. Why should it not score 1?",
        "Count over the whole corpus first: for each n the correct n-grams (clipped) and all n-grams, and the words of the "
        "hypotheses and of the nearest references. Divide at the end.",
        "For an n-gram w the clip is the largest count of w in any single reference. The penalty uses the reference whose length "
        "is nearest, the shorter of two. BLEU-n is the penalty times the n-th root of the product of the first n precisions.",
    ),
    why="Precision over n-grams asks whether what was said stands in a reference; clipping stops a good word from being repeated for "
    "gain, and the brevity penalty stops short captions from being safe. The geometric mean makes BLEU-4 ask for all four "
    "lengths at once. Sums over the corpus before dividing keep short captions from counting as much as long ones.",
    mistakes=(
        Mistake("no-clipping", "counts are not clipped: an n-gram earns no more than the largest count in one reference",
                (("min(k, max(ngrams(r, n)[w] for r in ref_words))", "(k if any(ngrams(r, n)[w] for r in ref_words) else 0)"),)),
        Mistake("clip-sum", "the clip is the sum of the counts in all references; it is the largest count in one of them",
                (("max(ngrams(r, n)[w] for r in ref_words)", "sum(ngrams(r, n)[w] for r in ref_words)"),)),
        Mistake("first-reference", "only the first reference is used; all of them count", (("[ref.split() for ref in refs]", "[ref.split() for ref in refs[:1]]"),)),
        Mistake("clip-first-reference", "the clip looks at the first reference alone; it is the largest count in any one of them",
                (("max(ngrams(r, n)[w] for r in ref_words)", "ngrams(ref_words[0], n)[w]"),)),
        Mistake("clip-one", "an n-gram counts once however often it stands in a reference", (("min(k, max(ngrams(r, n)[w] for r in ref_words))", "min(k, 1, max(ngrams(r, n)[w] for r in ref_words))"),)),
        Mistake("no-brevity-penalty", "the brevity penalty is missing", (("penalty = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)", "penalty = 1.0"),)),
        Mistake("penalty-inverse", "the brevity penalty has its ratio upside down: exp(1 - 1 / ratio) with ratio = said / reference",
                (("math.exp(1 - 1 / ratio)", "math.exp(1 - ratio)"),)),
        Mistake("penalty-always", "the penalty is applied to long captions too, where it is above 1; it is 1 there", (("1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)", "math.exp(1 - 1 / ratio)"),)),
        Mistake("penalty-ratio", "the penalty is the ratio of lengths itself; it is exp(1 - 1 / ratio)", (("math.exp(1 - 1 / ratio)", "ratio"),)),
        Mistake("shortest-reference", "the shortest reference is taken for the length; the *nearest* one is", (("(abs(len(r) - len(words)), len(r))", "(len(r), len(r))"),)),
        Mistake("longest-reference", "the longest reference is taken for the length; the *nearest* one is", (("ref_length += min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "ref_length += max(len(r) for r in ref_words)"),)),
        Mistake("mean-length", "the mean length of the references is taken; the *nearest* one is", (("ref_length += min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "ref_length += sum(len(r) for r in ref_words) / len(ref_words)"),), convention=True),
        Mistake("first-length", "the length of the first reference is taken; the *nearest* one is", (("ref_length += min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "ref_length += len(ref_words[0])"),)),
        Mistake("longer-of-two", "of two references equally near the longer was taken; the shorter is", (("min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "-min((abs(len(r) - len(words)), -len(r)) for r in ref_words)[1]"),)),
        Mistake("arithmetic-mean", "the precisions are averaged; BLEU takes their geometric mean", (("math.prod(p[:n]) ** (1 / n)", "sum(p[:n]) / n"),)),
        Mistake("no-root", "the n-th root is missing: BLEU-n is the geometric mean of the first n precisions", (("math.prod(p[:n]) ** (1 / n)", "math.prod(p[:n])"),)),
        Mistake("fourth-root", "the root is always the fourth; BLEU-n takes the n-th", (("** (1 / n)", "** (1 / 4)"),)),
        Mistake("precision-alone", "BLEU-n is the n-th precision alone; it is the geometric mean of the first n", (("math.prod(p[:n]) ** (1 / n)", "p[n - 1]"),)),
        Mistake("recall", "the counts are divided by the n-grams of the references: that is recall; BLEU divides by those of the hypotheses",
                (("total[n - 1] += sum(counts.values())", "total[n - 1] += sum(ngrams(ref_words[0], n).values())"),)),
        Mistake("distinct-total", "the denominator counts each different n-gram once; it counts all", (("total[n - 1] += sum(counts.values())", "total[n - 1] += len(counts)"),)),
        Mistake("mean-of-pictures", "each picture's score is computed and the scores averaged; BLEU adds up the counts of the whole corpus first",
                (("    return tuple(", "    if len(hypotheses) > 1:\n        return tuple(sum(s) / len(s) for s in zip(*(bleu([r], [h]) for r, h in zip(references, hypotheses))))\n    return tuple("),)),
        Mistake("reversed", "the four numbers stand in the wrong order: BLEU-1 first", (("for n in range(1, MAX_N + 1))\n", "for n in range(MAX_N, 0, -1))\n") ,)),
        Mistake("bleu4-only", "one number is returned; four are asked for, BLEU-1 to BLEU-4", (("return tuple(penalty * math.prod(p[:n]) ** (1 / n) for n in range(1, MAX_N + 1))", "return penalty * math.prod(p) ** 0.25"),)),
        Mistake("letters", "n-grams of letters are counted; captions are split into words", (("words, ref_words = hyp.split(), [ref.split() for ref in refs]", "words, ref_words = list(hyp), [list(ref) for ref in refs]"),)),
        Mistake("no-penalty-first", "BLEU-1 is without the brevity penalty", (("penalty * math.prod(p[:n]) ** (1 / n)", "(penalty if n > 1 else 1.0) * math.prod(p[:n]) ** (1 / n)"),)),
    ),
)  # fmt: skip

EXERCISES = (sample1, beam1, bleu1)
