"""beam1: Follow the best few sentences at once (lesson 11, Saying and judging).

Check it with `minirnn check beam1`, or on every save with `minirnn watch`. Stuck? `minirnn hint beam1`.
"""

from __future__ import annotations

import numpy as np

from minirnn.decode import Hypothesis, Keep, Step


def beam_search(
    step: Step, state, *, beam: int = 5, length_penalty: float = 0.0, start: int = 1, end: int = 2,
    max_length: int = 20, never=(0, 1), keep: Keep | None = None,
) -> list[Hypothesis]:  # fmt: skip
    """Follow the `beam` best hypotheses at once, for one sequence.

        rank = score / length ** length_penalty        length = words, plus one for END

    A finished hypothesis stays in the beam as it is and competes by rank with those under way. With beam=1 and no
    length penalty this is greedy decoding; with a beam as wide as the number of all sequences it is exhaustive search.

    Length: with length_penalty=0 the rank is the score. A score can only fall as a hypothesis grows, so the search
    stops as soon as the best hypothesis is finished: nothing under way can still beat it. With a penalty above 0 a
    longer hypothesis may rise, so the search goes on until all in the beam are finished, or to `max_length`.

    Args:
        step: the model, see above.
        state: its state before START, a tree of (1, ...) arrays.
        beam: number of hypotheses to follow, at least 1.
        length_penalty: from 0 to 10; 0 favours short sentences, 1 ranks by the mean log-probability per word.
        start, end, max_length, never, keep: as `greedy`.
    Returns:
        Up to `beam` hypotheses, the best rank first; `score` is the plain sum whatever the penalty. Behind the first,
        and at `max_length` anywhere, there may be unfinished ones. Of equal ranks the one that finished earlier goes
        first, then the one with the better parent, then the smaller word number.
    Source: Graves 2012; dividing by a power of the length, Wu et al. 2016 (there with (5 + length) / 6).
    """
    raise NotImplementedError("beam1: Follow the best few sentences at once")
