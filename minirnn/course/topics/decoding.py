"""Exercises of lesson 11: sampling, beam search, BLEU."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Exercise, Probe
from minirnn.course.given import resolve
from minirnn.course.topics.captioner import model, told, walks
from minirnn.course.topics.decoding_mistakes import BEAM, BLEU
from minirnn.course.topics.examining import examine_beam
from minirnn.course.topics.sampling import examine_crash, judge_samples, sample_probes
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
    examine=examine_crash,
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


TRIES = 12  # draws of a model for a probe
OTHER_NUMBERS: dict[str, Any] = {"start": 0, "end": 5, "never": (0, 3)}


def _beam_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    def probe(note: str, odds: float = 0.5, V: int = 7, least: int = 2, **options: Any) -> Probe:
        """A model on which the search matters: greedy decoding, and ranking by score alone, come to another sentence."""
        options = {"max_length": 7, **options}
        for _ in range(TRIES):
            drawn = Probe((model(rng, V=V, scale=1.2, end=odds), walks(rng, 1)), options, note)
            best = _search(drawn)
            others = [_search(drawn, beam=1)] if options.get("beam", 5) > 1 else []
            others += [_search(drawn, length_penalty=0.0)] if options.get("length_penalty") else []
            if len(best) >= least and best not in others:
                break
        return drawn

    return (
        probe("", beam=3),
        *(probe(f"beam {k}", beam=k, odds=e, least=3) for k, e in ((2, 0.0), (4, -1.0), (5, 0.5), (8, 1.0))),
        probe("beam 3, long sentences", beam=3, odds=-2.0, least=5),
        probe("beam 1", beam=1),
        probe("length_penalty = 1", beam=4, length_penalty=1.0, odds=1.5),
        probe("length_penalty = 0.7", beam=3, length_penalty=0.7, odds=1.0),
        probe("length_penalty = 2", beam=6, length_penalty=2.0, odds=2.0),
        *(probe(f"length_penalty = {p}, beam {k}", beam=k, length_penalty=p, odds=e, V=9)
          for p, k, e in ((0.5, 2, 0.7), (1.0, 2, 1.0), (1.5, 3, 0.3), (3.0, 3, 1.5), (0.8, 5, 0.5), (1.2, 8, 0.8))),
        *(probe(f"max_length = {m}", beam=4, max_length=m, odds=1.0, V=8, least=0) for m in (1, 2, 3, 4)),
        probe("no sentence that ends", beam=3, odds=-20.0, max_length=4),
        probe("other numbers for START, END and never", V=6, beam=3, max_length=6, **OTHER_NUMBERS),
        probe("sentences that end early", beam=4, odds=4.0, least=0),
        probe("length_penalty = 1, sentences that end early", beam=3, length_penalty=1.0, odds=4.0, least=0),
    )  # fmt: skip


def _search(probe: Probe, **options: Any) -> list[int]:
    """The best sentence that the framework finds."""
    args, given = resolve(probe.args), {**probe.options, **options}
    return beam_search(*args, **given)[0].words


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
    examine=examine_beam,
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
    mistakes=BEAM,
)  # fmt: skip

WORDS = ("a", "the", "dog", "cat", "sits", "runs", "on", "mat", "red", "big", "small")


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
    many = Probe(([["the cat sits on the red mat with a big dog", "the cat sits on", "the cat sits on the red mat with a", "the cat sits on the red mat with a big dog here today now"],
                   ["a dog runs on a mat now", "a dog runs", "a dog runs on a mat", "a dog runs on a mat here today now then"]],
                  ["the cat sits on the red mat big", "a dog runs on a"]), {}, "references of many lengths")  # fmt: skip
    shorter = Probe(([["the cat sits on the red mat with a big dog here today"]], ["the cat sits on"]), {}, "a caption that is much too short")  # fmt: skip
    tiny = Probe(([["a dog runs", "the dog"], ["the cat"]], ["a dog", "the cat"]), {}, "captions of two words")
    return (
        _corpus(rng, 4, 3, ""),
        many,
        tiny,
        shorter,
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
    mistakes=BLEU,
)  # fmt: skip

EXERCISES = (sample1, beam1, bleu1)
