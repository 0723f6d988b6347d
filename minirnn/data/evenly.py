"""Some of many: neighbours are often of one hand, so what is taken is spread."""

from __future__ import annotations

import numpy as np

from minirnn.pair import Array


def evenly(n: int, most: int) -> Array:
    """Places of at most `most` of `n` things, evenly spread from the first to the last: (min(n, most),) int64."""
    places: Array = np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)
    return places
