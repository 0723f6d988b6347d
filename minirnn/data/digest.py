"""By which the data of a run are known again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from minirnn.pair import Array


def digest(items: Iterable[tuple[str, str, Sequence[Array]]]) -> str:
    """Changes when any split, text, number, or border between two arrays or items does.

    Args:
        items: the split, the text, and the arrays of each; the rows of one item's arrays have one shape and dtype.
    """
    key = hashlib.sha256()
    for split, text, arrays in items:
        key.update(f"{split} {text!r} {[len(array) for array in arrays]}".encode("utf-8", "surrogatepass"))
        for array in arrays:
            key.update(np.ascontiguousarray(array).tobytes())
    return key.hexdigest()
