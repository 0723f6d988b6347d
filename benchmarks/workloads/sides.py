"""What a workload is, and where each side takes its functions from.

A workload computes the same thing on every side, from the same seeded inputs and the same weights, in float32; the test
that holds the sides together asks for float64 (`in_double`). The sides:

    fast      minirnn as its commands use it: the tuned pairs
    readable  minirnn's pairs as they are read in the course
    torch     PyTorch, eager, written as its users write it
    compile   the same, through torch.compile
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn.ops import FAST, READABLE, Ops
from minirnn.pair import Array
from minirnn.tasks.captioning_tools import BUILT_IN, FAST_TOOLS, Tools
from minirnn.tree import tree_items

OURS = ("fast", "readable")
THEIRS = ("torch", "compile")

Results = dict[str, Array]


class Run(NamedTuple):
    """A workload set up on one side."""

    step: Callable[[], Any]  # what is timed
    results: Callable[[Any], Results]  # what a step returned, by names and in layouts that all sides share


class Kit(NamedTuple):
    """What the minirnn side of a workload works with."""

    ops: Ops
    tools: Tools


def ops_of(side: str) -> Ops:
    """The table of pairs of a minirnn side."""
    return FAST if side == "fast" else READABLE


def tools_of(side: str) -> Tools:
    """Optimiser, clipping and decoders of a minirnn side."""
    return FAST_TOOLS if side == "fast" else BUILT_IN


@dataclass(frozen=True)
class Workload:
    """One row of the benchmark.

    Both builders take `exact`: True leaves dropout out, the one thing that two libraries cannot do alike, so that a test
    can hold the results of the sides together.
    """

    name: str
    flops: float | None  # of the matrix products as the direct algorithm counts them; None where there are none
    minirnn: Callable[[Kit, bool], Run]
    torch: Callable[[bool, bool], Run]  # (through torch.compile, exact)

    def set_up(self, side: str, *, exact: bool = False) -> Run:
        """Model, weights and inputs on one side."""
        if side in OURS:
            return self.minirnn(Kit(ops_of(side), tools_of(side)), exact)
        return self.torch(side == "compile", exact)


def table(workloads: Iterable[Workload]) -> dict[str, Workload]:
    """Workloads by name."""
    return {workload.name: workload for workload in workloads}


def rng_of(name: str) -> np.random.Generator:
    """The generator of a workload's inputs: the same on every side."""
    return np.random.default_rng(zlib.crc32(name.encode()))


class Precision:
    """Of all floats of the workloads that this process sets up."""

    dtype: Any = np.float32


def in_double(side: str) -> None:
    """From now on this process sets workloads up in float64.

    Two sides then differ by rounding alone. In float32 a value can lie so near to the corner of a ReLU that one side
    finds it above zero and the other does not, and its gradient is there on one side only.
    """
    Precision.dtype = np.float64
    if side in THEIRS:
        import torch

        torch.set_default_dtype(torch.float64)


def draw(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    """Random numbers."""
    out: Array = (rng.standard_normal(shape, np.float32) * np.float32(scale)).astype(Precision.dtype, copy=False)
    return out


def named(**trees: Any) -> Results:
    """The leaves of some trees by name."""
    return {name: np.asarray(leaf) for prefix, tree in trees.items() for name, leaf in tree_items(tree, prefix)}


def compiled(thing: Any, through_compile: bool) -> Any:
    """A module or function of PyTorch, as it is or through torch.compile."""
    if not through_compile:
        return thing
    import torch

    return torch.compile(thing)


def array(tensor: Any, *order: int) -> Array:
    """A tensor as an array, its axes in the given order."""
    tensor = tensor.detach()
    out: Array = (tensor.permute(*order) if order else tensor).numpy()
    return out
