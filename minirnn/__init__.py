"""minirnn: recurrent and convolutional networks for computer vision, every gradient written by hand in NumPy.

`import minirnn` loads NumPy, the hand-written functions and the gradient check; all else is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from minirnn import functional
from minirnn.errors import DataError
from minirnn.gradcheck import gradcheck  # the function stands before the module of the same name, and so below
from minirnn.ops import FAST, READABLE, Ops
from minirnn.pair import Pair, chain
from minirnn.unroll import bidirectional, stacked, unroll

__version__ = "0.1.0"

_ON_FIRST_USE = (
    "cases", "checkpoint", "decode", "decode_ctc", "error_rate", "init", "metrics", "models", "optim", "train", "tree",
)  # fmt: skip

__all__ = [
    "FAST", "READABLE", "DataError", "Ops", "Pair", "bidirectional", "chain", "functional", "gradcheck", "stacked",
    "to_float", "unroll",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a part of the package on first use."""
    if name == "to_float":
        from minirnn.data.images import to_float

        return to_float
    if name in _ON_FIRST_USE:
        return import_module(f"minirnn.{name}")
    raise AttributeError(f"module 'minirnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ON_FIRST_USE})
