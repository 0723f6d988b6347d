"""pad1: Captions as a batch (lesson 09, Words).

Check it with `minirnn check pad1`, or on every save with `minirnn watch`. Stuck? `minirnn hint pad1`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minirnn.data.vocabulary import END, PAD, START, CaptionIds


def pad_captions(ids: Sequence[Sequence[int]], length: int | None = None):
    """Captions of unequal length as one batch.

        a dog runs -> inputs  START a dog runs PAD
                      targets a dog runs END PAD
                      mask    1 1 1 1 0

    Args:
        ids: N captions as `Vocabulary.encode` makes them, from 0 words on.
        length: a longer caption is cut to its first `length` words, with END after them; None cuts nothing.
    Returns:
        CaptionIds with T = words of the longest caption (after cutting) + 1.
    Raises:
        DataError: no caption, `length` below 1, or an id that is PAD, START, END or negative.
        TypeError: an id is not an integer.
    """
    # CaptionIds(inputs, targets, mask): inputs and targets are (N, T) integer arrays, mask is (N, T), True where a target
    # counts. PAD, START and END are the numbers of the special words. The lists in `ids` stay as they are.
    # The errors under Raises are not asked for.
    raise NotImplementedError("pad1: Captions as a batch")
