"""Arrays for intermediate results that no caller ever sees, kept from call to call: fresh memory costs a page fault for
every 4 KB, which is as slow as the arithmetic that follows.

Results that callers do see are new arrays. The C library of Linux gives the memory of a large one back to the system as
soon as it is free, so that the next one begins with page faults again; once it has seen a larger one come and go, it
keeps as much for the next. One comes and goes below.
"""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np

from minirnn.pair import Array


class _Kept(threading.local):
    """One set of buffers for each thread."""

    def __init__(self) -> None:
        self.buffers: dict[str, Array] = {}


_kept = _Kept()
np.empty(2**25 - 2**16, np.uint8)  # never touched; from 2**25 bytes on the C library learns nothing


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array of this shape with whatever values were left in it. The next call with this name takes it away."""
    size = prod(shape) * np.dtype(dtype).itemsize
    buffer = _kept.buffers.get(name)
    if buffer is None or buffer.size < size:
        buffer = _kept.buffers[name] = np.empty(size, np.uint8)
    out: Array = buffer[:size].view(dtype).reshape(shape)
    return out
