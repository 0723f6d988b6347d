"""Cases of the models and their parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import functional as F
from minirnn.cases.case import Case
from minirnn.cases.draw import Rng, V, ctc, holes, norm, normal, running
from minirnn.models.captioner import captioner
from minirnn.models.captioner_params import CaptionerConfig, init_captioner
from minirnn.models.classifier import ClassifierConfig, classifier, init_classifier
from minirnn.models.column_classifier import ColumnConfig, column_classifier, column_logits, init_columns
from minirnn.models.encoder import BlockParams, encoder
from minirnn.models.pen_reader import PenConfig, init_pen, pen_logits, pen_reader
from minirnn.models.reader import STRIDE, ReaderConfig, init_reader, reader
from minirnn.models.sequence_classifier import (
    SequenceConfig,
    init_sequence,
    sequence_classifier,
    sequence_logits,
)
from minirnn.models.text import TextConfig, first_state, init_text, language_model
from minirnn.models.video_captioner import video_captioner
from minirnn.models.video_captioner_params import VideoConfig, init_video
from minirnn.pair import Tree
from minirnn.tree import tree_map


def _encoder(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
    """Pictures of 6x8, two blocks."""
    params = tuple(
        BlockParams(F.ConvParams(normal(rng, 3, 3, C, M), normal(rng, M)), norm(rng, M)) for C, M in ((3, 2), (2, 4))
    )
    return normal(rng, N, 6, 8, 3), (running(rng, 2), running(rng, 4)), params


def _captioner(name: str, *, training: bool = True, **config: Any) -> Case:
    """The whole captioner on pictures of 8x8 and one caption more than there are pictures."""
    sizes: Any = {"features": 4, "local": 3, "embed": 3, "hidden": 2, "vocab": 7}
    c = CaptionerConfig(image_size=8, channels=(2, 3), attend=1, **sizes, **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_captioner(rng, c, np.float64)
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)  # no bias is 0, no scale is 1
        stats = tuple(running(rng, len(s.mean)) for s in stats)
        M = N + 1 if N else 0
        words = rng.integers(0, c.vocab, (2, M, T))
        which = rng.permutation(np.arange(M) % max(N, 1))
        return rng.uniform(0, 1, (N, 8, 8, 3)), which, words[0], words[1], holes(M, T), stats, params

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    return Case(
        f"captioner-{name}", captioner, make, options, constants=("images", "running", "out.1"), least=1, model=True
    )


def _text(name: str, *, training: bool = True, **config: Any) -> Case:
    """The character model on a piece of text that goes on; a text of its own begins in the second row."""
    c = TextConfig(vocab=5, embed=3, hidden=2, **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), init_text(rng, c, np.float64))
        state = tree_map(lambda leaf: rng.standard_normal(leaf.shape), first_state(c, N, np.float64))
        characters = rng.integers(0, c.vocab, (2, N, T))
        return characters[0], characters[1], np.arange(N) == 1, state, params

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    return Case(f"text-{name}", language_model, make, options, constants=("running", "out.1"), least=1, model=True)


def _reader(name: str, *, training: bool = True, **config: Any) -> Case:
    """The whole reader on lines of unequal width."""
    c = ReaderConfig(classes=V, height=16, channels=(1, 2, 2), hidden=3, **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_reader(rng, c, np.float64)
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)
        _, targets, columns, lengths = ctc(rng, N, T)
        widths = STRIDE * columns - np.arange(N) % STRIDE
        images = rng.uniform(0, 1, (N, c.height, STRIDE * T))
        return images, widths, targets, lengths, tuple(running(rng, len(s.mean)) for s in stats), params

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    return Case(f"reader-{name}", reader, make, options, constants=("images", "running", "out.1"), least=1, model=True)


def _pen(name: str, *, loss: bool = True, training: bool = True, **config: Any) -> Case:
    """The whole pen reader, or its logits alone, on lines of unequal length."""
    c = PenConfig(**{"features": 3, "classes": V, "channels": (2, 3), "window": 3, "hidden": 2, **config})
    every = c.stride ** len(c.channels)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), init_pen(rng, c, np.float64))
        _, targets, frames, lengths = ctc(rng, N, T)
        points = every * frames - np.arange(N) % every
        x = normal(rng, N, every * T, 3)
        return (x, points, targets, lengths, (), params) if loss else (x, points, params)

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    pair = pen_reader if loss else pen_logits
    return Case(f"{pair.name}-{name}", pair, make, options, least=int(loss), model=True)


def _sequence(name: str, *, loss: bool = True, training: bool = True, **config: Any) -> Case:
    """The sequence classifier, or its logits alone, on sequences of length 1, 2, … T, 1, …"""
    c = SequenceConfig(features=3, classes=4, **{"hidden": 2, **config})

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), init_sequence(rng, c, np.float64))
        x, lengths, targets = normal(rng, N, T, 3), 1 + np.arange(N) % T, rng.integers(0, 4, N)
        return (x, lengths, targets, (), params) if loss else (x, lengths, params)

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    pair = sequence_classifier if loss else sequence_logits
    return Case(f"{pair.name}-{name}", pair, make, options, least=int(loss), model=True)


def _classifier(name: str, *, training: bool = True, **config: Any) -> Case:
    """The classifier on pictures of 9x6: the first block has a row to spare."""
    c = ClassifierConfig(classes=4, height=9, width=6, channels=(2, 3), **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_classifier(rng, c, np.float64)
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)
        stats = tuple(running(rng, len(s.mean)) for s in stats)
        return rng.uniform(0, 1, (N, 9, 6, c.colours)), rng.integers(0, c.classes, N), stats, params

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    return Case(name, classifier, make, options, constants=("images", "running", "out.1"), least=1, model=True)


def _columns(name: str, *, loss: bool = True, training: bool = True, cell: str = "gru") -> Case:
    """The column classifier, or its logits alone, on pictures of 9x6."""
    c = ColumnConfig(classes=4, height=9, width=6, colours=2, channels=(2, 3), hidden=2, cell=cell)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_columns(rng, c, np.float64)
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)
        stats = tuple(running(rng, len(s.mean)) for s in stats)
        images, labels = rng.uniform(0, 1, (N, 9, 6, 2)), rng.integers(0, 4, N)
        return (images, labels, stats, params) if loss else (images, stats, params)

    pair = column_classifier if loss else column_logits
    options = {"config": c, "training": training}
    return Case(f"{pair.name}-{name}", pair, make, options, constants=ENCODER, least=int(loss or training), model=True)


def _video(name: str, *, training: bool = True, **config: Any) -> Case:
    """The whole video captioner on clips of three frames of 8x8."""
    c = VideoConfig(vocab=7, frames=3, image_size=8, channels=(2, 3), features=4, embed=3, hidden=2, **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_video(rng, c, np.float64)
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)
        stats = tuple(running(rng, len(s.mean)) for s in stats)
        words = rng.integers(0, c.vocab, (2, N, T))
        frames = rng.uniform(0, 1, (N, c.frames, 8, 8, 3))
        return frames, words[0], words[1], holes(N, T), stats, params

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    return Case(f"video-{name}", video_captioner, make, options, constants=("frames", "running", "out.1"), least=1,
                model=True)  # fmt: skip


ENCODER = ("images", "running", "out.1")

MODELS = (
    Case("encoder", encoder, _encoder, {"training": True}, constants=ENCODER, least=1, model=True),
    Case("encoder-evaluation", encoder, _encoder, {"training": False}, constants=ENCODER, model=True),
    _classifier("classifier", colours=2, drop=0.3),
    _classifier("classifier-evaluation", colours=1, drop=0.3, training=False),
    _columns("training"),
    _columns("evaluation", loss=False, training=False, cell="lstm"),
    _captioner("first", image="first", cell="rnn"),
    _captioner("every", image="every", cell="lstm", drop_image=0.3, drop_words=0.4),
    _captioner("every-evaluation", image="every", cell="gru", drop_words=0.4, training=False),
    _captioner("additive", image="attention", attention="additive", cell="lstm"),
    _captioner("dot", image="attention", attention="dot", cell="gru", drop_image=0.3, drop_words=0.4),
    _captioner("none", image="none", cell="lstm"),
    _text("one-layer", layers=1, cell="rnn"),
    _text("two-layers", layers=2, cell="lstm", dropout=0.3),
    _text("three-layers", layers=3, cell="gru", dropout=0.3),
    _text("evaluation", layers=2, cell="lstm", dropout=0.3, training=False),
    _reader("two-layers", cell="gru", layers=2, drop=0.3),
    _reader("no-layer", layers=0),
    _reader("evaluation", training=False),
    _pen("two-layers", cell="gru", drop=0.3),
    _pen("pieces", channels=(), layers=1, drop=0.3),
    _pen("evaluation", loss=False, cell="rnn", drop=0.3, training=False, window=4, layers=1),
    _sequence("one-way", cell="gru", both=False),
    _sequence("both-ways", cell="lstm", drop=0.3),
    _sequence("mean", cell="rnn", pool="mean", layers=2, drop=0.4),
    _sequence("stacked", cell="lstm", both=False, layers=2, drop=0.4, hidden=3),
    _sequence("evaluation", loss=False, cell="gru", layers=2, drop=0.4, training=False),
    _video("lstm", cell="lstm", drop=0.3),
    _video("first", cell="gru", sees="first"),
    _video("evaluation", cell="rnn", drop=0.3, training=False),
)
