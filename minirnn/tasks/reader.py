"""The offline reader: pictures of lines of text, a network trained with CTC, and baselines beside it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.checkpoint import restore
from minirnn.data.digit_strings import HEIGHT
from minirnn.data.line_sets import LineSets
from minirnn.data.lines import ImageLines, least_width, stack
from minirnn.data.text import Alphabet
from minirnn.fast import optim as fast_optim
from minirnn.models.reader import ReaderConfig, columns_of, init_reader, read_forward, reader
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Checked, Note, Problem, Step, TrainConfig, as_json
from minirnn.tasks.reader_baseline import CUTS, cuts_problem, cuts_scores
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
from minirnn.train import train

NAME = "reader"
JUDGED = 1000  # validation lines that a check while training reads, at most
PER_BATCH = 64  # lines read at once
SHARE = 0.88  # of a time limit; the rest is the baseline's, where there is one


@dataclass(frozen=True)
class Settings:
    """What a run is made of; stored with every checkpoint."""

    data: str = "drawn"  # "drawn", or the path of digits, pen strokes or line images
    seed: int = 0
    cell: str = "lstm"


def train_defaults(settings: Settings, kind: str) -> TrainConfig:
    """How to train it."""
    epochs = {"drawn": 2, "digits": 12, "words": 15}.get(kind, 60)
    return TrainConfig(epochs=epochs, batch=32, lr=3e-3, clip=1.0, checks=8, warmup=100, seed=settings.seed)


def model_defaults(settings: Settings, sets: LineSets) -> ReaderConfig:
    """The shapes of the model. Words need more memory than digits, and a fourth block to see a whole letter at once."""
    digits = sets.kind in ("drawn", "digits")
    channels = (16, 32, 64) if digits else (16, 32, 64, 96)
    hidden, drop = (96, 0.0) if digits else (128, 0.1)
    return ReaderConfig(len(sets.alphabet), HEIGHT, channels, hidden, cell=settings.cell, drop=drop)


@dataclass(frozen=True)
class Reader:
    """A trained model ready for use."""

    config: ReaderConfig
    alphabet: Alphabet
    params: Tree
    running: Tree
    ink: int  # see `LineSets`
    pitch: float
    ops: Ops = FAST

    def logits(self, images: Sequence[Array]) -> list[Array]:
        """What the network says of lines (32, W) uint8: (T, classes) each; lines of similar width share a batch."""
        order = np.argsort([image.shape[1] for image in images], kind="stable")
        out: list[Array] = [np.empty(0)] * len(images)
        for k in range(0, len(images), PER_BATCH):
            some = order[k : k + PER_BATCH]
            x, widths = stack([images[int(n)] for n in some])
            (found, _), _ = read_forward(
                x, widths, self.running, self.params, config=self.config, training=False, ops=self.ops
            )
            for n, row, columns in zip(some, found, columns_of(widths)):
                out[int(n)] = row[:columns]
        return out

    def read(self, images: Sequence[Array], how: Decoding | None = None) -> list[Told]:
        """What stands on lines (32, W) uint8."""
        return self.decode(self.logits(images), how)

    def decode(self, logits: Sequence[Array], how: Decoding | None = None) -> list[Told]:
        """Text from what `logits` gave."""
        how = how or Decoding()
        return [decode(row[None], np.array([len(row)]), self.alphabet, how)[0] for row in logits]


@dataclass(frozen=True)
class System:
    """A reader to be trained: data, model and settings together."""

    settings: Settings
    sets: LineSets
    config: ReaderConfig
    ops: Ops = FAST

    @property
    def digits(self) -> bool:
        """Whether the lines are strings of digits, whose cuts are known."""
        return self.sets.kind in ("drawn", "digits")

    def problem(self) -> Problem:
        """What the training loop needs."""
        params, running = init_reader(np.random.default_rng([self.settings.seed, 3]), self.config)
        part, val, alphabet = self.sets.train, self.sets.held["val"].some(JUDGED), self.sets.alphabet
        images, truths = val.images, val.texts

        def batch(indices: Array, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
            lines, texts = part.draw(indices, rng)
            return (*stack(lines), *targets_of(texts, alphabet))

        def score(params: Tree, running: Tree) -> dict[str, float]:
            found = judge(truths, [told.text for told in self.model(params, running).read(images)])
            return {"exact_match": found["exact_match"], "cer": found["cer"], "minus_cer": -found["cer"]}

        def sample(params: Tree, running: Tree) -> str:
            return f"{truths[0]} is read {self.model(params, running).read(images[:1])[0].text}"

        return Problem(
            reader, params, running, len(part), batch, score, ("minus_cer", "exact_match"), sample,
            {"config": self.config, "ops": self.ops}, self.meta(),
            updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update}, order=by_length(part.sizes),
        )  # fmt: skip

    def model(self, params: Tree, running: Tree) -> Reader:
        """A reader with these parameters."""
        sets = self.sets
        return Reader(self.config, sets.alphabet, params, running, sets.ink, sets.pitch, self.ops)

    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint."""
        return {
            "task": NAME,
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "alphabet": "".join(self.sets.alphabet.characters),
            "ink": self.sets.ink,
            "pitch": self.sets.pitch,
            "lines": self.sets.fingerprint,
        }


def train_reader(
    system: System, config: TrainConfig, folder: Path, *, resume: bool = False
) -> Generator[Step | Checked | Note, None, None]:
    """Train the reader; for strings of digits then the baseline, a network that is given the place of every digit."""
    share = SHARE if system.digits else 1.0
    yield from train(system.problem(), replace(config, share=share), folder, resume=resume)
    if system.digits:
        yield Note("now the baseline: single digits, cut out where they stand")
        problem, how = cuts_problem(system.sets, config, system.settings.seed, system.meta(), system.ops)
        yield from train(problem, replace(how, share=round(1 - share, 2)), folder / CUTS, resume=resume)


def load_reader(folder: Path, ops: Ops = FAST) -> tuple[Reader, dict[str, Any]]:
    """The best model of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, NAME, NAME)
    config = from_meta(ReaderConfig, meta["model"], path)
    params, running = restore(init_reader(np.random.default_rng(0), config), arrays, "model", path)
    alphabet = Alphabet(tuple(meta["alphabet"]))
    return Reader(config, alphabet, params, running, meta["ink"], meta["pitch"], ops), meta


def ways_of(model: Reader, known: Sequence[str], val: ImageLines) -> dict[str, Decoding]:
    """The ways to decode, the n-gram's weight chosen on some validation lines."""
    few = val.some(TUNED)
    tuned = model.logits(few.images) if known else []
    return ways_to_read(known, model.alphabet, few.texts, lambda how: [t.text for t in model.decode(tuned, how)])


def report(
    model: Reader, lines: ImageLines, known: Sequence[str], val: ImageLines, folder: Path
) -> dict[str, Any]:  # fmt: skip
    """n, the scores of the best path, those of other ways to decode, and the baselines.

    Args:
        lines: to be read.
        known: the texts of the training lines; none where they are composed at random.
        val: the validation lines of the run, by which the n-gram's weight is chosen.
        folder: of the run, which holds the baseline.
    """
    ways, logits = ways_of(model, known, val), model.logits(lines.images)
    readings = {
        name: judge(lines.texts, [told.text for told in model.decode(logits, how)]) for name, how in ways.items()
    }
    baselines: dict[str, dict[str, float]] = {}
    if lines.cuts:
        baselines["single digits, true cuts given"] = cuts_scores(folder, lines, model.ops)
    if known:
        baselines["most frequent text"] = most_frequent(known, lines.texts)
    words = set(known)
    narrow = sum(image.shape[1] < least_width(text) for image, text in zip(lines.images, lines.texts))
    return {
        "n": len(lines),
        "as_read": as_read(known),
        **readings[as_read(known)],
        "readings": readings,
        "baselines": baselines,
        "ngram": {key: getattr(ways["beam, n-gram"], key) for key in ("weight", "bonus")} if known else None,
        "too_narrow": int(narrow),
        "in_lexicon": float(np.mean([text in words for text in lines.texts])) if known else None,
    }
