"""How good are captions? BLEU, ROUGE-L and CIDEr-D as COCO-caption defines them, and exact match.

Every function takes `references` (for each picture the captions that people wrote, at least one) and `hypotheses`
(for each picture the caption to judge). A caption is a string of words with one space between them; words are compared
as they stand, so case, punctuation and Unicode form are the caller's business (COCO-caption runs a tokeniser first).

Reported numbers depend on small conventions: which reference length counts, how a zero is smoothed, what an empty
caption is worth. Here they are those of COCO-caption (Chen et al. 2015, `pycocoevalcap`), oddities included, so that
the numbers can stand beside published ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from minirnn.errors import DataError

MAX_N = 4  # the longest n-gram that BLEU and CIDEr look at
TINY, SMALL = 1e-15, 1e-9  # BLEU: keep quotients defined, with 0 correct n-grams of 0 worth (almost) nothing
BETA = 1.2  # ROUGE-L: recall weighs BETA^2 times as much as precision
SIGMA = 6.0  # CIDEr-D: standard deviation of the length penalty, in words

References = Sequence[Sequence[str]]
Ngrams = Counter[tuple[str, ...]]


def caption_scores(references: References, hypotheses: Sequence[str]) -> dict[str, float]:
    """All COCO-caption scores that need no outside program, for one corpus.

    Args:
        references: per picture its reference captions, at least one.
        hypotheses: per picture the caption to judge, in the same order.
    Returns:
        {"bleu1", "bleu2", "bleu3", "bleu4", "rouge_l"} from 0 to 1 and {"cider"} from 0 to 10.
    Raises:
        DataError: differing numbers of pictures, no picture, a picture without references, a caption that is no string.
    Source: Chen et al. 2015 (COCO-caption); see `bleu`, `rouge_l` and `cider`.
    """
    scores = {f"bleu{n}": score for n, score in enumerate(bleu(references, hypotheses), start=1)}
    scores["rouge_l"] = rouge_l(references, hypotheses)
    scores["cider"] = cider(references, hypotheses)
    return scores


def exact_match(references: References, hypotheses: Sequence[str]) -> float:
    """Share of hypotheses (0 to 1) that equal one of their references, word by word.

    Raises:
        DataError: as `caption_scores`.
    """
    _require_captions(references, hypotheses)
    hits = [any(hyp.split() == ref.split() for ref in refs) for refs, hyp in zip(references, hypotheses)]
    return sum(hits) / len(hits)


def bleu(references: References, hypotheses: Sequence[str]) -> tuple[float, float, float, float]:
    """Corpus BLEU-1 to BLEU-4: how many n-grams of the hypotheses stand in a reference.

        correct_n = sum over pictures and n-grams w of min(count of w in hyp, largest count of w in one reference)
        p_n       = (correct_n + TINY) / (number of n-grams in all hypotheses + SMALL)
        ratio     = (words in all hypotheses + TINY) / (sum of the closest reference lengths + SMALL)
        BP        = 1 if ratio >= 1 else exp(1 - 1 / ratio)
        BLEU-n    = BP * (p_1 * … * p_n)^(1/n)

    The minimum is the clipping: "the the the" earns no more "the" than a reference has. The closest reference length is
    the one nearest to the hypothesis's, the shorter of two that are equally near. Counts are summed over the corpus
    before dividing, so this is not a mean over pictures; it means little for a single short caption: where no
    hypothesis has n words, p_n is TINY / SMALL = 1e-6 even if all are right.

    Raises:
        DataError: as `caption_scores`.
    Source: Papineni et al. 2002; TINY and SMALL from COCO-caption.
    """
    _require_captions(references, hypotheses)
    correct, total = [0] * MAX_N, [0] * MAX_N
    hyp_length = ref_length = 0
    for refs, hyp in zip(references, hypotheses):
        words = hyp.split()
        ref_words = [ref.split() for ref in refs]
        allowed: Ngrams = Counter()
        for r in ref_words:
            allowed |= _ngrams(r)  # the larger of both counts
        for w, count in _ngrams(words).items():
            correct[len(w) - 1] += min(count, allowed[w])
            total[len(w) - 1] += count
        hyp_length += len(words)
        _, closest = min((abs(len(r) - len(words)), len(r)) for r in ref_words)
        ref_length += closest

    ratio = (hyp_length + TINY) / (ref_length + SMALL)
    penalty = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)
    precision = [(c + TINY) / (t + SMALL) for c, t in zip(correct, total)]
    b1, b2, b3, b4 = (penalty * math.prod(precision[:n]) ** (1 / n) for n in range(1, MAX_N + 1))
    return b1, b2, b3, b4


def rouge_l(references: References, hypotheses: Sequence[str]) -> float:
    """ROUGE-L: the longest common subsequence with a reference, as an F-score, mean over pictures.

        P = max over references of LCS(hyp, ref) / words in hyp
        R = max over references of LCS(hyp, ref) / words in ref
        F = (1 + BETA^2) * P * R / (R + BETA^2 * P), and 0 where P or R is 0

    P and R may come from different references. COCO-caption splits at every single space here, so an empty caption
    counts as one empty word (two empty captions match), and so does a second space in a row.

    Raises:
        DataError: as `caption_scores`.
    Source: Lin 2004; the maxima and BETA from COCO-caption.
    """
    _require_captions(references, hypotheses)
    scores = []
    for refs, hyp in zip(references, hypotheses):
        words = hyp.split(" ")
        ref_words = [ref.split(" ") for ref in refs]
        common = [_lcs_length(words, r) for r in ref_words]
        precision = max(common) / len(words)
        recall = max(c / len(r) for c, r in zip(common, ref_words))
        if max(common) == 0:
            scores.append(0.0)
        else:
            scores.append((1 + BETA**2) * precision * recall / (recall + BETA**2 * precision))
    return sum(scores) / len(scores)


def cider(references: References, hypotheses: Sequence[str]) -> float:
    """CIDEr-D: agreement with the references on the n-grams that tell pictures apart, mean over pictures.

    For a caption c and each n from 1 to 4, g_n(c) holds one weight for every n-gram w (N pictures in the corpus):

        df(w)     = number of pictures with w in at least one of their references
        g_n(c)[w] = (count of w in c) * (log N - log max(1, df(w)))
        sim_n     = sum over w of min(g_n(hyp)[w], g_n(ref)[w]) * g_n(ref)[w] / (|g_n(hyp)| * |g_n(ref)|)
        penalty   = exp(-(length of hyp - length of ref)^2 / (2 * SIGMA^2))
        CIDEr     = 10 * mean over pictures, their references and n of penalty * sim_n

    The length is in words (COCO-caption counts bigrams, which differ only for an empty caption, where sim_n is 0
    anyway); sim_n is 0 where a norm is 0. The minimum and the penalty are the D: without them, repeating a good word
    pays. What every picture has weighs nothing, so a corpus of one picture scores 0, and scores of different corpora do
    not compare. Where all references are empty COCO-caption has no number; here it is 0.

    Raises:
        DataError: as `caption_scores`.
    Source: Vedantam, Zitnick and Parikh 2015.
    """
    _require_captions(references, hypotheses)
    ref_ngrams = [[_ngrams(ref.split()) for ref in refs] for refs in references]
    df = Counter(w for refs in ref_ngrams for w in set().union(*refs))
    log_N = math.log(len(references))
    idf = {w: log_N - math.log(count) for w, count in df.items()}

    def weigh(ngrams: Ngrams) -> tuple[list[dict[tuple[str, ...], float]], list[float], int]:
        """g_n and |g_n| for each n, and the number of words."""
        g: list[dict[tuple[str, ...], float]] = [{} for _ in range(MAX_N)]
        for w, count in ngrams.items():
            g[len(w) - 1][w] = count * idf.get(w, log_N)  # in no reference: as if in one picture's
        norms = [math.sqrt(sum(value * value for value in g_n.values())) for g_n in g]
        return g, norms, sum(count for w, count in ngrams.items() if len(w) == 1)

    scores = []
    for refs, hyp in zip(ref_ngrams, hypotheses):
        g_hyp, norms_hyp, length_hyp = weigh(_ngrams(hyp.split()))
        score = 0.0
        for ref in refs:
            g_ref, norms_ref, length_ref = weigh(ref)
            penalty = math.exp(-((length_hyp - length_ref) ** 2) / (2 * SIGMA**2))
            for gh, gr, norm_hyp, norm_ref in zip(g_hyp, g_ref, norms_hyp, norms_ref):
                if norm_hyp and norm_ref:
                    dot = sum(min(value, gr[w]) * gr[w] for w, value in gh.items() if w in gr)
                    score += penalty * dot / (norm_hyp * norm_ref)
        scores.append(10 * score / (MAX_N * len(refs)))
    return sum(scores) / len(scores)


def _ngrams(words: list[str]) -> Ngrams:
    """How often each n-gram of 1 to MAX_N words occurs."""
    return Counter(tuple(words[i : i + n]) for n in range(1, MAX_N + 1) for i in range(len(words) - n + 1))


def _lcs_length(a: list[str], b: list[str]) -> int:
    """Length of the longest common subsequence, row by row.

    row[j] = LCS(a[:i], b[:j]) = LCS(a[:i-1], b[:j-1]) + 1 if a[i-1] == b[j-1] else max(of dropping either last word)
    """
    row = [0] * (len(b) + 1)
    for word in a:
        above = row
        row = [0]
        for j, other in enumerate(b):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
    return row[-1]


def _require_captions(references: References, hypotheses: Sequence[str]) -> None:
    """Raise DataError unless there is a picture, and each has a hypothesis and at least one reference, all strings."""
    for name, value, what in (("references", references, "lists of captions"), ("hypotheses", hypotheses, "captions")):
        if not isinstance(value, (list, tuple)):
            raise DataError(f"{name} has type {type(value).__name__}; expected a list of {what}, one per picture")
    if len(references) != len(hypotheses):
        raise DataError(
            f"references are for {len(references)} pictures but there are {len(hypotheses)} hypotheses; "
            "expected one hypothesis per picture"
        )
    if not hypotheses:
        raise DataError("there is no picture to score: references and hypotheses are empty; expected at least one")
    for k, (refs, hyp) in enumerate(zip(references, hypotheses)):
        if not isinstance(hyp, str):
            raise DataError(f"hypotheses[{k}] has type {type(hyp).__name__}; expected a caption as a string")
        if not isinstance(refs, (list, tuple)):
            raise DataError(f"references[{k}] has type {type(refs).__name__}; expected a list of captions")
        if not refs:
            raise DataError(f"references[{k}] is empty: picture {k} has no reference; expected at least one caption")
        for i, ref in enumerate(refs):
            if not isinstance(ref, str):
                raise DataError(f"references[{k}][{i}] has type {type(ref).__name__}; expected a caption as a string")
