"""bleu1: BLEU (lesson 11, Saying and judging).

Check it with `minirnn check bleu1`, or on every save with `minirnn watch`. Stuck? `minirnn hint bleu1`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from minirnn.metrics import MAX_N, SMALL, TINY


def ngrams(words: list[str], n: int) -> Counter:
    """How often each run of n words occurs."""
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def bleu(references: Sequence[Sequence[str]], hypotheses: Sequence[str]) -> tuple[float, float, float, float]:
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
    # Captions are strings, words are parted by spaces. ngrams(words, n) above counts them. The errors are not asked for.
    correct, total, hyp_length, ref_length = [0] * MAX_N, [0] * MAX_N, 0, 0
    for refs, hyp in zip(references, hypotheses):
        words, ref_words = hyp.split(), [ref.split() for ref in refs]
        for n in range(1, MAX_N + 1):
            counts = ngrams(words, n)
            correct[n - 1] += sum(min(k, max(ngrams(r, n)[w] for r in ref_words)) for w, k in counts.items())
            total[n - 1] += sum(counts.values())
        hyp_length += len(words)
        ref_length += min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]
    ratio = (hyp_length + TINY) / (ref_length + SMALL)
    penalty = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)
    p = [(c + TINY) / (t + SMALL) for c, t in zip(correct, total)]
    return tuple(penalty * math.prod(p[:n]) ** (1 / n) for n in range(1, MAX_N + 1))
