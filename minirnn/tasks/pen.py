"""The online reader: pen strokes, a recurrent network that reads both ways, CTC, and baselines beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minirnn.checkpoint import restore
from minirnn.data.evenly import evenly
from minirnn.data.pen_drawn import drawn_inks
from minirnn.data.pen_files import fingerprint, load_written
from minirnn.data.pen_forms import FORMS
from minirnn.data.text import Alphabet, tidy
from minirnn.data.unipen import split_inks
from minirnn.data.unipen_text import Ink
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.functional.activations import log_softmax
from minirnn.functional.ctc import feasible
from minirnn.models.pen_reader import PenConfig, frames_of, init_pen, pen_logits, pen_reader
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Problem, TrainConfig, as_json
from minirnn.tasks.reading import (
    TUNED,
    Decoding,
    Told,
    as_read,
    by_length,
    decode,
    judge,
    most_frequent,
    targets_of,
    ways_to_read,
)
from minirnn.tasks.runs import from_meta, open_run

NAME = "pen"
DRAWN = 3_000  # strings of digits that are drawn where no file is given
JUDGED = 1_000  # validation items that a check while training reads, at most
PER_BATCH = 64  # items read at once
LONGEST = 600  # points or pieces of an item that is trained on


@dataclass(frozen=True)
class Settings:
    """What a run is made of; stored with every checkpoint."""

    data: str = "drawn"  # "drawn", or the file or folder of pen strokes
    seed: int = 0
    features: str = "points"  # what strokes are turned into: points or bezier


class Written(NamedTuple):
    """Items as the model reads them, and what they say."""

    items: list[Any]  # tracks or pieces
    texts: list[str]


def train_defaults(settings: Settings) -> TrainConfig:
    """How to train it."""
    drawn = settings.data == "drawn"
    return TrainConfig(epochs=5 if drawn else 30, batch=32, lr=8e-3 if drawn else 5e-3, clip=1.0, checks=8,
                       warmup=50 if drawn else 100, seed=settings.seed)  # fmt: skip


def model_defaults(settings: Settings, classes: int) -> PenConfig:
    """The shapes of the model."""
    inputs = FORMS[settings.features].features
    if settings.data == "drawn":
        sizes: dict[str, Any] = {"hidden": 48, "layers": 1, "channels": (24, 48)}
    else:
        sizes = {"hidden": 100, "layers": 2, "drop": 0.2}
    if settings.features == "bezier":
        sizes["channels"] = ()  # pieces are few already
    return PenConfig(inputs, classes, **sizes)


def load_data(settings: Settings) -> dict[str, list[Ink]]:
    """train, val and test of a run: its file split by writer, or drawn items."""
    inks = drawn_inks(DRAWN, settings.seed) if settings.data == "drawn" else load_written(Path(settings.data))
    return split_inks(inks)


@dataclass(frozen=True)
class PenReader:
    """A trained model ready for use."""

    config: PenConfig
    features: str
    alphabet: Alphabet
    params: Tree
    ops: Ops = FAST

    def logp(self, items: Sequence[Any]) -> list[Array]:
        """Log-probabilities (frames, classes) of each item, a track or pieces; similar lengths share a batch."""
        form = FORMS[self.features]
        order = np.argsort([form.length(item) for item in items], kind="stable")
        out: list[Array] = [np.empty(0)] * len(items)
        for k in range(0, len(items), PER_BATCH):
            some = order[k : k + PER_BATCH]
            x, lengths = form.batch([items[int(n)] for n in some], None)
            logits, _ = pen_logits.forward(x, lengths, self.params, config=self.config, training=False, ops=self.ops)
            found, _ = log_softmax.forward(logits)
            for n, row, frames in zip(some, found, frames_of(lengths, self.config)):
                out[int(n)] = row[:frames]
        return out

    def prepare(self, inks: Sequence[Ink]) -> list[Any]:
        """Strokes as the model reads them."""
        return FORMS[self.features].prepare(inks)

    def decode(self, logp: Sequence[Array], how: Decoding | None = None) -> list[Told]:
        """Text from what `logp` gave."""
        how = how or Decoding()
        return [decode(row[None], np.array([len(row)]), self.alphabet, how)[0] for row in logp]


@dataclass(frozen=True)
class System:
    """A reader to be trained: data, model and settings together."""

    settings: Settings
    inks: dict[str, list[Ink]]
    sizes: PenConfig | None = None  # None: `model_defaults`
    ops: Ops = FAST

    @cached_property
    def alphabet(self) -> Alphabet:
        """The characters of the training items."""
        return Alphabet.of("".join(tidy(ink.label) for ink in self.inks["train"]))

    @cached_property
    def config(self) -> PenConfig:
        """The shapes of the model."""
        return self.sizes or model_defaults(self.settings, len(self.alphabet))

    def written(self, split: str) -> Written:
        """A split as the model reads it."""
        inks = self.inks[split]
        return Written(FORMS[self.settings.features].prepare(inks), [tidy(ink.label) for ink in inks])

    @cached_property
    def train(self) -> Written:
        """The training items, less those that are too long, or whose frames are too few for their text.

        Raises:
            DataError: none is left.
        """
        every = self.written("train")
        lengths = self.lengths(every)
        targets, sizes = targets_of(every.texts, self.alphabet)
        fits = feasible(targets, sizes, frames_of(lengths, self.config)) & (lengths <= LONGEST)
        if not fits.any():
            raise DataError(f"none of the {len(fits)} training items can be read: all are too short or too long")
        kept = np.flatnonzero(fits)
        return Written([every.items[k] for k in kept], [every.texts[k] for k in kept])

    def lengths(self, written: Written) -> Array:
        """Points or pieces of each item, (n,) int64."""
        length = FORMS[self.settings.features].length
        return np.array([length(item) for item in written.items], np.int64)

    def problem(self) -> Problem:
        """What the training loop needs."""
        params = init_pen(np.random.default_rng([self.settings.seed, 3]), self.config)
        form, part, val = FORMS[self.settings.features], self.train, self.written("val")
        some = evenly(len(val.items), JUDGED)
        items, truths = [val.items[k] for k in some], [val.texts[k] for k in some]

        def batch(indices: Array, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
            x, lengths = form.batch([part.items[int(k)] for k in indices], rng)
            return (x, lengths, *targets_of([part.texts[int(k)] for k in indices], self.alphabet))

        def score(params: Tree, running: Tree) -> dict[str, float]:
            model = self.model(params)
            found = judge(truths, [told.text for told in model.decode(model.logp(items))])
            return {"exact_match": found["exact_match"], "cer": found["cer"], "minus_cer": -found["cer"]}

        def sample(params: Tree, running: Tree) -> str:
            model = self.model(params)
            return f"{truths[0]} is read {model.decode(model.logp(items[:1]))[0].text or '(nothing)'}"

        return Problem(
            pen_reader, params, (), len(part.items), batch, score, ("minus_cer", "exact_match"), sample,
            {"config": self.config, "ops": self.ops}, self.meta(),
            updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update},
            order=by_length(self.lengths(part)),
        )  # fmt: skip

    def model(self, params: Tree) -> PenReader:
        """The model with these parameters."""
        return PenReader(self.config, self.settings.features, self.alphabet, params, self.ops)

    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint."""
        return {
            "task": NAME,
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "alphabet": "".join(self.alphabet.characters),
            "ink": self.fingerprint,
        }

    @cached_property
    def fingerprint(self) -> str:
        """Of the data."""
        return fingerprint(self.inks)


def load_reader(folder: Path, ops: Ops = FAST) -> tuple[PenReader, dict[str, Any]]:
    """The best model of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, NAME, "pen reader")
    config = from_meta(PenConfig, meta["model"], path)
    params, _ = restore((init_pen(np.random.default_rng(0), config), ()), arrays, "model", path)
    return PenReader(config, meta["settings"]["features"], Alphabet(tuple(meta["alphabet"])), params, ops), meta


def ways_of(model: PenReader, known: Sequence[str], val: Sequence[Ink]) -> dict[str, Decoding]:
    """The ways to decode, the n-gram's weight chosen on some validation items."""
    few = [val[k] for k in evenly(len(val), TUNED)]
    tuned, truths = model.logp(model.prepare(few)), [tidy(ink.label) for ink in few]
    return ways_to_read(known, model.alphabet, truths, lambda how: [t.text for t in model.decode(tuned, how)])


def report(model: PenReader, inks: Sequence[Ink], known: Sequence[str], val: Sequence[Ink]) -> dict[str, Any]:
    """n, the scores of the best path, those of other ways to decode, and the baseline.

    Args:
        inks: to be read.
        known: the texts of the training items.
        val: the validation items of the run, by which the n-gram's weight is chosen.
    """
    ways = ways_of(model, known, val)
    truths = [tidy(ink.label) for ink in inks]
    logp = model.logp(model.prepare(inks))
    readings = {name: judge(truths, [told.text for told in model.decode(logp, how)]) for name, how in ways.items()}
    words = set(known)
    return {
        "n": len(truths),
        "writers": len({ink.writer for ink in inks}),
        "as_read": as_read(known),
        **readings[as_read(known)],
        "readings": readings,
        "baselines": {"most frequent word": most_frequent(known, truths)},
        "in_lexicon": float(np.mean([text in words for text in truths])),
    }
