"""What fixes a tracker: its config, its parameters and their first values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.models.cells import CELLS, cell_params, rest
from minirnn.models.encoder import BlockParams, Params, Running, init_encoder
from minirnn.models.tracker_look import LookParams
from minirnn.pair import Tree


@dataclass(frozen=True)
class TrackerConfig:
    """Everything that fixes the shapes of a tracker."""

    classes: int = 10  # what can be asked for
    size: int = 48  # of a frame, in pixels
    channels: tuple[int, ...] = (24,)  # encoder blocks, behind the blocks of 2x2 pixels; each halves the frame
    deep: tuple[int, ...] = (40, 40)  # convolutions on the grid that the blocks leave
    features: int = 64  # of a frame, for the recurrent part
    cell: str = "gru"
    hidden: int = 64
    both: bool = True  # read from both ends; else only what was before
    recurrent: bool = True  # False: frame by frame, the baseline

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ValueError(f"cell is {self.cell!r}; expected one of {', '.join(CELLS)}")
        if not self.channels or min(*self.channels, *self.deep, 1) < 1:
            raise ValueError(f"channels is {self.channels}, deep {self.deep}; expected a block, and at least 1 each")
        least = 2 ** (len(self.channels) + 1)
        for name, value in (("classes", 1), ("size", least), ("features", 1), ("hidden", 1)):
            if getattr(self, name) < value:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {value}")
        if self.size % least:
            raise ValueError(f"size is {self.size}; expected a multiple of {least}: every block halves it")

    @property
    def grid(self) -> int:
        """Places on a side of the grid."""
        side: int = self.size // 2 ** (len(self.channels) + 1)
        return side

    @property
    def seen(self) -> int:
        """Numbers that a look at a frame gives."""
        return (*self.channels, *self.deep)[-1] + 3


class TrackerParams(NamedTuple):
    encoder: Params
    deep: tuple[BlockParams, ...]
    look: LookParams
    glance: AffineParams
    cell: Tree  # `Both` where it reads both ways; None without recurrence
    out: AffineParams


class TrackerRunning(NamedTuple):
    encoder: Running
    deep: Running


def init_tracker(
    rng: np.random.Generator, config: TrackerConfig, dtype: Any = np.float32
) -> tuple[TrackerParams, TrackerRunning]:
    """Fresh parameters and running statistics."""
    c = config
    blocks, running = init_encoder(rng, c.channels, dtype, colours=4)
    inputs = (c.channels[-1], *c.deep)
    deep = tuple(
        BlockParams(init.conv_params(rng, 3, C, F, dtype), init.norm_params(F, dtype)) for C, F in zip(inputs, c.deep)
    )
    look = LookParams(init.affine_params(rng, c.seen - 3, c.classes, dtype), np.zeros(c.classes, dtype))
    glance = init.affine_params(rng, c.seen, c.features, dtype)
    cell, width = None, c.features
    if c.recurrent:
        cell = cell_params(c.cell, rng, c.features, c.hidden, dtype, both=c.both)
        width = c.hidden * (1 + c.both)
    out = init.affine_params(rng, width + c.seen, 5, dtype)
    stats = TrackerRunning(running, tuple(init.running_stats(F, dtype) for F in c.deep))
    return TrackerParams(blocks, deep, look, glance, cell, out), stats


def zero_state(config: TrackerConfig, n: int, dtype: Any) -> Tree:
    """What the recurrent part starts from."""
    return rest(config.cell, n, config.hidden, dtype, both=config.both)
