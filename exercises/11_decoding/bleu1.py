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
    raise NotImplementedError("bleu1: BLEU")
