"""The text system: its data, its model, its training defaults, what it can do, and its evaluation beside baselines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.checkpoint import CheckpointError, restore
from minirnn.data import ngrams
from minirnn.data.text import UNKNOWN, Alphabet, Pieces, in_order, parts, read_text
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.models.text import TextConfig, first_state, init_text, language_model
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Problem, TrainConfig, as_json
from minirnn.tasks.runs import from_meta, open_run
from minirnn.tasks.text_model import WARM, TextModel

GOES_ON = 4  # pieces that a stream has at least, where the text is short
ORDER = 6  # longest context of the n-gram baseline
SAMPLE = 60  # characters shown while it trains


@dataclass(frozen=True)
class Settings:
    """What a run is made of; stored with every checkpoint."""

    data: str  # the text file
    seed: int = 0
    cell: str = "lstm"
    layers: int = 2
    hidden: int = 192
    dropout: float = 0.1
    embed: int = 64
    streams: int = 32  # texts read side by side
    piece: int = 32  # characters a step of each: how far the gradient goes back
    min_count: int = 2  # characters that the training part has less often are unknown


def train_defaults(settings: Settings) -> TrainConfig:
    """How to train it. Weights that decay, and dropout, keep it from learning the training part by heart."""
    return TrainConfig(epochs=10, batch=settings.streams, optimiser="adamw", lr=1e-2, weight_decay=0.05, clip=1.0,
                       warmup=50, checks=10, seed=settings.seed)  # fmt: skip


@dataclass(frozen=True)
class System:
    """A character model to be trained: text, model and settings together."""

    settings: Settings
    ids: Array  # the whole text as numbers
    alphabet: Alphabet
    config: TextConfig
    fingerprint: str  # SHA-256 of the text
    ops: Ops = FAST

    def pieces(self) -> Pieces:
        """The training part, in pieces."""
        return Pieces(self.ids[slice(*parts(len(self.ids))["train"])], self.settings.piece)

    def problem(self, batch: int) -> Problem:
        """What the training loop needs to train with `batch` streams."""
        pieces = self.pieces()
        params = init_text(np.random.default_rng([self.settings.seed, 3]), self.config)
        val = parts(len(self.ids))["val"]
        before = self.ids[val[0] - WARM : val[0]]

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            bits = float(self.model(params).surprise(self.ids, *val).mean())
            return {"bits_per_character": bits, "minus_bits": -bits}

        def sample(params: Tree, running: Tree) -> str:
            return self.model(params).go_on(before, SAMPLE, 0.7, self.settings.seed).replace("\n", " / ")

        return Problem(
            language_model, params, first_state(self.config, min(batch, len(pieces))), len(pieces), pieces, judge,
            ("minus_bits",), sample, {"config": self.config, "ops": self.ops}, self.meta(),
            updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update}, order=in_order,
        )  # fmt: skip

    def model(self, params: Tree) -> TextModel:
        """A character model with these parameters."""
        return TextModel(self.config, self.alphabet, params, self.ops)

    def prompt(self) -> str:
        """A word of the held-out text, to begin with."""
        words = self.alphabet.decode(self.ids[slice(*parts(len(self.ids))["val"])]).split()
        return next((word for word in words[1:] if word.isalnum()), "…")

    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint: enough to use the model, and to know its text again."""
        return {
            "task": "text",
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "alphabet": "".join(self.alphabet.characters),
            "text": self.fingerprint,
        }


def fingerprint(text: str) -> str:
    """By which a text is known again."""
    return hashlib.sha256(text.encode()).hexdigest()


def build(settings: Settings, ops: Ops = FAST) -> System:
    """Read the text, take its alphabet from the training part, and size the model.

    Raises:
        DataError: as `read_text` and `parts`; a setting out of range.
    """
    text = read_text(Path(settings.data))
    try:
        first, last = parts(len(text))["train"]
    except DataError as error:
        raise DataError(f"{settings.data} is too short: {error}") from error
    alphabet = Alphabet.of(text[first:last], settings.min_count)
    if not alphabet.characters:
        raise DataError(f"{settings.data} has no character that occurs {settings.min_count} times; expected a text")
    try:
        config = TextConfig(
            len(alphabet), settings.embed, settings.hidden, settings.layers, settings.cell, settings.dropout
        )
    except ValueError as error:
        raise DataError(str(error)) from error
    return System(settings, alphabet.encode(text), alphabet, config, fingerprint(text), ops)


def load_text(folder: Path, ops: Ops = FAST) -> tuple[TextModel, dict[str, Any]]:
    """The best character model of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, "text", "text model")
    try:
        config, alphabet = from_meta(TextConfig, meta["model"], path), Alphabet(tuple(meta["alphabet"]))
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} was made by another version of minirnn ({error!r})") from error
    params, _ = restore((init_text(np.random.default_rng(0), config), ()), without_state(arrays), "model", path)
    return TextModel(config, alphabet, params, ops), meta


def without_state(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The parameters among the arrays of a run: the state of its streams is of no use to anybody else."""
    return {name: array for name, array in arrays.items() if not name.startswith("model.1.")}


def evaluate(model: TextModel, train: str, meta: Mapping[str, Any], other: str | None, part: str) -> dict[str, Any]:
    """Bits a character on a part of the text that the run was trained on, or of another one.

    Args:
        train: the text of the run.
        other: another text of at least two characters, or None.
        part: train, val or test; "all" for the whole of another text.
    Returns:
        characters: how many; without the first of a text, nothing is before it.
        unknown: how many of them are not in the alphabet: they count as one character, for all models.
        bits_per_character: of the model.
        baselines: `unigram` (how frequent each character is) and `ngram` (Witten-Bell, `ngram_order` characters of
        context, chosen on the validation part). On the test part they are counted on all that comes before it,
        validation part included; on other parts, and for another text, on the training part.
    """
    if fingerprint(train) != meta["text"]:
        raise DataError(f"{meta['settings']['data']} has changed since the run began; expected the text as it was")
    ids, V = model.alphabet.encode(train), len(model.alphabet)
    where = parts(len(ids))
    order = _best_order(ids, where, V)
    if other is None:
        text, (first, last) = ids, where[part]
        counted = last if part == "train" else first
    else:
        theirs = model.alphabet.encode(other)
        text, counted = np.concatenate([ids[: where["train"][1]], theirs]), where["train"][1]
        first, last = (0, len(theirs)) if part == "all" else parts(len(theirs))[part]
        first, last = first + counted, last + counted
    shift = 0 if other is None else counted
    first = max(first, shift + 1)  # nothing is before the first character
    p = ngrams.witten_bell(text[:last], counted, order, V)[:, first:]
    return {
        "characters": last - first,
        "unknown": int((text[first:last] == UNKNOWN).sum()),
        "bits_per_character": float(model.surprise(text[shift:], first - shift, last - shift).mean()),
        "ngram_order": order,
        "baselines": {"unigram": ngrams.bits(p[0]), "ngram": ngrams.bits(p[order])},
    }


def _best_order(ids: Array, where: Mapping[str, tuple[int, int]], vocabulary: int) -> int:
    first, last = where["val"]
    p = ngrams.witten_bell(ids[:last], first, ORDER, vocabulary)
    return 1 + int(np.argmin([ngrams.bits(row[first:]) for row in p[1:]]))
