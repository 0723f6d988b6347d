"""What fixes a captioner: its config, its parameters and their first values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.functional.attention import AdditiveParams
from minirnn.functional.recurrent import GRUState, LSTMState, RNNState
from minirnn.models.encoder import Params as EncoderParams
from minirnn.models.encoder import Running, init_encoder
from minirnn.pair import Array, Tree

CELLS = ("rnn", "lstm", "gru")
IMAGES = ("first", "every", "attention", "none")
ATTENTIONS = ("additive", "dot")


@dataclass(frozen=True)
class CaptionerConfig:
    """Everything that fixes the shapes of a captioner."""

    vocab: int  # number of words, special ones included
    image_size: int = 48  # pixels a side
    channels: tuple[int, ...] = (16, 32, 64, 128)  # one encoder block each
    pools: int = 4  # so many of the blocks, the first ones, halve the picture
    features: int = 128  # size of the image vector, or of each location's with attention
    embed: int = 64  # size of a word vector
    hidden: int = 128  # size of h
    cell: str = "lstm"  # rnn, lstm or gru
    image: str = "every"  # first, every, attention or none
    attention: str = "additive"  # additive or dot
    drop_image: float = 0.0  # dropout on the image vector
    drop_words: float = 0.0  # dropout on word vectors and on what the words are chosen from

    def __post_init__(self) -> None:
        for name, choices in (("cell", CELLS), ("image", IMAGES), ("attention", ATTENTIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}")
        for name in ("vocab", "features", "embed", "hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        if not self.channels or min(self.channels) < 1 or not 0 <= self.pools <= len(self.channels):
            raise ValueError(f"channels is {self.channels}, pools is {self.pools}; expected 0 to as many as blocks")
        if self.image_size < 2**self.pools:
            raise ValueError(f"image_size is {self.image_size}; to halve it {self.pools} times needs {2**self.pools}")

    @property
    def grid(self) -> int:
        """Locations a side of the feature grid."""
        return self.image_size // int(2**self.pools)


class CaptionerParams(NamedTuple):
    encoder: EncoderParams
    image: AffineParams | None  # from encoder features to what the decoder sees
    first: AffineParams | None  # image="first" or "attention": from the image vector to the first h
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
    locations, top = c.grid**2, c.channels[-1]
    attends = c.image == "attention"
    image = {
        "none": None,
        "first": (locations * top, c.features),
        "every": (locations * top, c.features),
        "attention": (top, c.features),
    }[c.image]
    cell_init: Any = {"rnn": init.rnn_params, "lstm": init.lstm_params, "gru": init.gru_params}[c.cell]
    reads = c.embed + (c.features if c.image == "every" else 0)
    says = c.hidden + (c.features if attends else 0)
    begins = c.image in ("first", "attention")
    glance = c.features * (locations if attends else 1)
    scores = attends and c.attention == "additive"
    params = CaptionerParams(
        encoder=blocks,
        image=init.affine_params(rng, *image, dtype) if image else None,
        first=init.affine_params(rng, glance, c.hidden, dtype) if begins else None,
        place=(rng.standard_normal((locations, c.features)) * 0.1).astype(dtype) if attends else None,
        keys=init.affine_params(rng, c.features, c.hidden, dtype) if attends else None,
        query=init.affine_params(rng, c.hidden, c.hidden, dtype) if attends else None,
        score=AdditiveParams(init.xavier(rng, (c.hidden, 1), dtype)[:, 0]) if scores else None,
        words=(rng.standard_normal((c.vocab, c.embed)) * 0.1).astype(dtype),
        cell=cell_init(rng, reads, c.hidden, dtype),
        out=init.affine_params(rng, says, c.vocab, dtype),
    )
    return params, running


def zero_state(config: CaptionerConfig, n: int, dtype: Any) -> Tree:
    """The state of `n` decoders that have seen and said nothing."""
    h = np.zeros((n, config.hidden), dtype)
    return {"rnn": RNNState(h), "lstm": LSTMState(h, h), "gru": GRUState(h)}[config.cell]
