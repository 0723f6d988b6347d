"""What fixes a video captioner: its config, its parameters and their first values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.models.cells import CELLS, cell_params, rest
from minirnn.models.encoder import Params as EncoderParams
from minirnn.models.encoder import Running, init_encoder
from minirnn.pair import Array, Tree

SEES = ("all", "first")


@dataclass(frozen=True)
class VideoConfig:
    """Everything that fixes the shapes of a video captioner."""

    vocab: int  # number of words, special ones included
    frames: int = 8  # of each clip
    image_size: int = 32  # pixels a side of a frame
    channels: tuple[int, ...] = (8, 24, 48)  # one encoder block each; every block halves the frame
    features: int = 192  # size of a frame's vector
    embed: int = 32  # size of a word vector
    hidden: int = 160  # size of h, of the watcher and of the decoder
    cell: str = "gru"  # rnn, lstm or gru
    sees: str = "all"  # all frames, or the first
    drop: float = 0.0  # dropout on the frames' vectors and on what the words are chosen from

    def __post_init__(self) -> None:
        for name, choices in (("cell", CELLS), ("sees", SEES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}")
        for name in ("vocab", "frames", "features", "embed", "hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        blocks = len(self.channels)
        if not blocks or min(self.channels) < 1:
            raise ValueError(f"channels is {self.channels}; expected at least one block of at least one channel")
        if self.image_size < 2**blocks:
            raise ValueError(f"image_size is {self.image_size}; {blocks} blocks need at least {2**blocks}")
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected a probability of at least 0 and below 1")


class VideoParams(NamedTuple):
    encoder: EncoderParams
    frame: AffineParams  # from the encoder's last grid to a frame's vector
    watch: Tree  # the watcher's cell
    keys: AffineParams  # from the watcher's h to what a frame answers to
    words: Array  # (V, E) word vectors
    tell: Tree  # the decoder's cell
    query: AffineParams  # from the decoder's h to what it asks for
    mix: AffineParams  # from h and what was looked up to what is said
    out: AffineParams  # from what is said to the next word


def init_video(
    rng: np.random.Generator, config: VideoConfig, dtype: Any = np.float32
) -> tuple[VideoParams, Running]:  # fmt: skip
    """Fresh parameters and running statistics."""
    c = config
    blocks, running = init_encoder(rng, c.channels, dtype)
    grid = (c.image_size // 2 ** len(c.channels)) ** 2 * c.channels[-1]
    params = VideoParams(
        encoder=blocks,
        frame=init.affine_params(rng, grid, c.features, dtype),
        watch=cell_params(c.cell, rng, 2 * c.features, c.hidden, dtype),
        keys=init.affine_params(rng, c.hidden, c.hidden, dtype),
        words=(rng.standard_normal((c.vocab, c.embed)) * 0.1).astype(dtype),
        tell=cell_params(c.cell, rng, c.embed + c.hidden, c.hidden, dtype),
        query=init.affine_params(rng, c.hidden, c.hidden, dtype),
        mix=init.affine_params(rng, 2 * c.hidden + c.features, c.hidden, dtype),
        out=init.affine_params(rng, c.hidden, c.vocab, dtype),
    )
    return params, running


def zero_state(config: VideoConfig, n: int, dtype: Any) -> Tree:
    """The watcher's state before the first frame of `n` clips."""
    return rest(config.cell, n, config.hidden, dtype)
