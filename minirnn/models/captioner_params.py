"""What fixes a captioner: its config, its parameters and their first values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.functional.attention import AdditiveParams
from minirnn.models.cells import CELLS, cell_params, rest
from minirnn.models.encoder import Params as EncoderParams
from minirnn.models.encoder import Running, init_encoder
from minirnn.pair import Array, Tree

IMAGES = ("first", "every", "attention", "none")
ATTENTIONS = ("additive", "dot")


@dataclass(frozen=True)
class CaptionerConfig:
    """Everything that fixes the shapes of a captioner."""

    vocab: int  # number of words, special ones included
    image_size: int = 48  # pixels a side
    channels: tuple[int, ...] = (16, 32, 64, 128)  # one encoder block each; every block halves the picture
    features: int = 128  # size of the image vector: the picture at a glance
    embed: int = 64  # size of a word vector
    hidden: int = 128  # size of h
    cell: str = "lstm"  # rnn, lstm or gru
    image: str = "every"  # first, every, attention or none
    attention: str = "dot"  # additive or dot
    attend: int = 2  # attention looks at means over the grid after so many blocks, half as many a side
    local: int = 128  # attention: size of the vector of each location
    glance: int = 8  # attention: the image vector is squeezed to so many numbers, so that details come from looking
    drop_image: float = 0.0  # dropout on the image vector
    drop_words: float = 0.0  # dropout on word vectors and on what the words are chosen from

    def __post_init__(self) -> None:
        for name, choices in (("cell", CELLS), ("image", IMAGES), ("attention", ATTENTIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}")
        for name in ("vocab", "features", "embed", "hidden", "local", "glance"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        blocks = len(self.channels)
        if not blocks or min(self.channels) < 1:
            raise ValueError(f"channels is {self.channels}; expected at least one block of at least one channel")
        if self.image_size < 2**blocks:
            raise ValueError(f"image_size is {self.image_size}; {blocks} blocks need at least {2**blocks}")
        if self.image == "attention" and not 1 <= self.attend < blocks:
            raise ValueError(f"attend is {self.attend}; expected 1 to {blocks - 1}, less than the number of blocks")

    @property
    def grid(self) -> int:
        """Locations a side of the grid that attention looks at."""
        return self.image_size // int(2 ** (self.attend + 1))


class CaptionerParams(NamedTuple):
    encoder: EncoderParams
    image: AffineParams | None  # from the coarsest grid to the image vector
    first: AffineParams | None  # image="first": from the image vector to the first h
    glance: AffineParams | None  # attention: from the image vector to a few numbers
    local: AffineParams | None  # attention: from a finer grid to the vector of each location
    place: Array | None  # (L, M) attention: where each location is
    keys: AffineParams | None  # attention: what each location answers to
    query: AffineParams | None  # attention: from h to what it asks for
    score: AdditiveParams | None  # additive attention
    words: Array  # (V, E) word vectors
    cell: Tree
    out: AffineParams


def init_captioner(
    rng: np.random.Generator, config: CaptionerConfig, dtype: Any = np.float32
) -> tuple[CaptionerParams, Running]:
    """Fresh parameters and running statistics."""
    c = config
    blocks, running = init_encoder(rng, c.channels if c.image != "none" else (), dtype)
    attends = c.image == "attention"
    scores = attends and c.attention == "additive"
    coarse = (c.image_size // 2 ** len(c.channels)) ** 2 * c.channels[-1]
    reads = c.embed + {"every": c.features, "attention": c.glance}.get(c.image, 0)
    says = c.hidden + (c.local if attends else 0)
    params = CaptionerParams(
        encoder=blocks,
        image=init.affine_params(rng, coarse, c.features, dtype) if c.image != "none" else None,
        first=init.affine_params(rng, c.features, c.hidden, dtype) if c.image == "first" else None,
        glance=init.affine_params(rng, c.features, c.glance, dtype) if attends else None,
        local=init.affine_params(rng, c.channels[c.attend - 1], c.local, dtype) if attends else None,
        place=(rng.standard_normal((c.grid**2, c.local)) * 0.1).astype(dtype) if attends else None,
        keys=init.affine_params(rng, c.local, c.hidden, dtype) if attends else None,
        query=init.affine_params(rng, c.hidden, c.hidden, dtype) if attends else None,
        score=AdditiveParams(init.xavier(rng, (c.hidden, 1), dtype)[:, 0]) if scores else None,
        words=(rng.standard_normal((c.vocab, c.embed)) * 0.1).astype(dtype),
        cell=cell_params(c.cell, rng, reads, c.hidden, dtype),
        out=init.affine_params(rng, says, c.vocab, dtype),
    )
    return params, running


def zero_state(config: CaptionerConfig, n: int, dtype: Any) -> Tree:
    """The state of `n` decoders that have seen and said nothing."""
    return rest(config.cell, n, config.hidden, dtype)
