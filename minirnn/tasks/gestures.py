"""The gesture system: fingertip tracks, a recurrent classifier, its training defaults, and baselines beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.data.gestures import FEATURES, FOLDS, Tracks, augment, drawn_tracks, features, load_tracks, split_tracks
from minirnn.errors import DataError
from minirnn.functional.activations import log_softmax
from minirnn.functional.affine import AffineParams
from minirnn.models.sequence_classifier import SequenceConfig, init_sequence, sequence_classifier, sequence_logits
from minirnn.ops import FAST, READABLE, Ops
from minirnn.optim import adam_init, adam_update
from minirnn.pair import Array, Tree
from minirnn.problem import Checked, Note, Problem, Step, TrainConfig, as_json
from minirnn.tasks.runs import from_meta, open_run, resume_command
from minirnn.train import BEST, train

DRAWN = 4_000  # tracks that are drawn where no file is given
PER_BATCH = 512  # tracks judged at once


@dataclass(frozen=True)
class Settings:
    """What a run is made of; stored with every checkpoint."""

    data: str = "drawn"  # "drawn", or the folder or file of recorded tracks
    seed: int = 0
    cell: str = "gru"
    by: str = "row"  # what a fold is made of: row or recording
    folds: bool = False  # whether every fold is held out once
    fold: int = 0  # which fold this model has not seen


def train_defaults(settings: Settings) -> TrainConfig:
    """How to train it."""
    epochs = 8 if settings.data == "drawn" else 12
    return TrainConfig(epochs=epochs, batch=64, lr=5e-3, clip=1.0, checks=6, seed=settings.seed)


def load_data(settings: Settings) -> Tracks:
    """All tracks of a run: its file, or drawn ones."""
    return drawn_tracks(DRAWN, settings.seed) if settings.data == "drawn" else load_tracks(Path(settings.data))


def fingerprint(tracks: Tracks) -> str:
    """Changes when any track, class or name does."""
    content = (np.ascontiguousarray(tracks.xy).tobytes(), tracks.labels.tobytes(), repr(tracks.names).encode())
    return hashlib.sha256(b"".join(content)).hexdigest()


@dataclass(frozen=True)
class Recogniser:
    """A trained model ready for use."""

    config: SequenceConfig
    names: tuple[str, ...]
    params: Tree
    ops: Ops = FAST

    def probabilities(self, xy: Array) -> Array:
        """How probable each class is for tracks (N, T, 2) float32: (N, classes)."""
        out = [np.empty((0, len(self.names)), np.float32)]
        for k in range(0, len(xy), PER_BATCH):
            x = features(xy[k : k + PER_BATCH])
            logits, _ = sequence_logits.forward(
                x, np.full(len(x), x.shape[1]), self.params, config=self.config, training=False, ops=self.ops
            )
            out.append(np.exp(log_softmax.forward(logits)[0]))
        return np.concatenate(out)


@dataclass(frozen=True)
class System:
    """A classifier to be trained: data, model and settings together."""

    settings: Settings
    tracks: Tracks
    ops: Ops = FAST
    hidden: int = 32

    @cached_property
    def splits(self) -> dict[str, Tracks]:
        """train, val and test."""
        return split_tracks(self.tracks, self.settings.fold, self.settings.seed, self.settings.by)

    @property
    def config(self) -> SequenceConfig:
        """The shapes of the model."""
        return SequenceConfig(FEATURES, len(self.tracks.names), cell=self.settings.cell, hidden=self.hidden)

    def problem(self) -> Problem:
        """What the training loop needs."""
        rng = np.random.default_rng([self.settings.seed, 3, self.settings.fold])
        part, val = self.splits["train"], self.splits["val"]

        def batch(indices: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
            x = features(augment(part.xy[indices], rng))
            return x, np.full(len(x), x.shape[1]), part.labels[indices]

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            chance = self.model(params).probabilities(val.xy)
            return {"accuracy": accuracy(chance, val), "log_likelihood": log_likelihood(chance, val)}

        return Problem(
            sequence_classifier, init_sequence(rng, self.config), (), len(part), batch, judge,
            ("accuracy", "log_likelihood"), options={"config": self.config, "ops": self.ops}, meta=self.meta(),
        )  # fmt: skip

    def model(self, params: Tree) -> Recogniser:
        """The model with these parameters."""
        return Recogniser(self.config, self.tracks.names, params, self.ops)

    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint."""
        return {
            "task": "gestures",
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "names": list(self.tracks.names),
            "tracks": fingerprint(self.tracks),
        }


def fold_folder(folder: Path, fold: int) -> Path:
    """Where the model that has not seen a fold is kept: the first in the run itself, the others inside it."""
    return folder if fold == 0 else folder / f"fold-{fold + 1}"


def train_gestures(
    system: System, config: TrainConfig, folder: Path, *, resume: bool = False
) -> Generator[Step | Checked | Note, None, None]:
    """Train the model; with `folds` five of them, each without a fifth of the data, sharing a time limit evenly."""
    count = FOLDS if system.settings.folds else 1
    for fold in range(count):
        if fold:
            yield Note(f"now without fold {fold + 1}")
        one = replace(system, settings=replace(system.settings, fold=fold))
        share = replace(config, share=round(1 / count, 3))
        yield from train(one.problem(), share, fold_folder(folder, fold), resume=resume)


def load_recogniser(folder: Path, ops: Ops = FAST) -> tuple[Recogniser, dict[str, Any]]:
    """The best model of a run, and what is stored with it."""
    from minirnn.checkpoint import restore

    arrays, meta, path = open_run(folder, "gestures", "gesture recogniser")
    config = from_meta(SequenceConfig, meta["model"], path)
    params, _ = restore((init_sequence(np.random.default_rng(0), config), ()), arrays, "model", path)
    return Recogniser(config, tuple(meta["names"]), params, ops), meta


def accuracy(chance: Array, tracks: Tracks) -> float:
    """Share of the tracks whose most probable class is the right one."""
    return float((chance.argmax(axis=1) == tracks.labels).mean())


def log_likelihood(chance: Array, tracks: Tracks) -> float:
    """Mean log-probability of the right class, in nats."""
    picked = chance[np.arange(len(chance)), tracks.labels]
    return float(np.log(np.maximum(picked, 1e-12)).mean())


def confusion(chance: Array, tracks: Tracks) -> Array:
    """How often each class (a row) was taken for which (a column)."""
    C = len(tracks.names)
    pairs = np.bincount(tracks.labels * C + chance.argmax(axis=1), minlength=C * C)
    return np.asarray(pairs).reshape(C, C)


def baselines(known: Tracks, test: Tracks) -> dict[str, dict[str, float]]:
    """What can be had without a recurrent network, from the same tracks that training and validation had.

    Returns:
        By name, the accuracy: `majority` (always the most frequent class), `linear_softmax` (one affine map of the
        flattened track), `nearest_neighbour` (the class of the closest track).
    """
    a, b = known.xy.reshape(len(known), -1), test.xy.reshape(len(test), -1)
    most = int(np.bincount(known.labels).argmax())
    guesses = {
        "majority": np.full(len(b), most),
        "linear_softmax": _linear(a, known.labels, b, len(known.names)),
        "nearest_neighbour": known.labels[_nearest(a, b)],
    }
    return {name: {"accuracy": float((guess == test.labels).mean())} for name, guess in guesses.items()}


def _nearest(a: Array, b: Array) -> Array:
    """For each row of b the row of a that is closest."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    found = [((a**2).sum(axis=1) - 2 * b[k : k + PER_BATCH] @ a.T).argmin(axis=1) for k in range(0, len(b), PER_BATCH)]
    return np.concatenate(found)


def _linear(a: Array, labels: Array, b: Array, classes: int, steps: int = 400) -> Array:
    """A softmax regression of standardised coordinates, fitted to all of `a` at once."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    mean, spread = a.mean(axis=0), a.std(axis=0) + 1e-6
    a, b = (a - mean) / spread, (b - mean) / spread
    params: Tree = AffineParams(np.zeros((a.shape[1], classes), a.dtype), np.zeros(classes, a.dtype))
    state = adam_init(params)
    for _ in range(steps):
        logits, cache = READABLE.affine.forward(a, params)
        loss, judged = READABLE.cross_entropy.forward(logits, labels, None)
        dlogits, _, _ = READABLE.cross_entropy.backward(np.ones_like(loss), judged)
        _, grads = READABLE.affine.backward(dlogits, cache)
        params, state = adam_update(params, grads, state, lr=0.05)
    return np.asarray((b @ params.W + params.b).argmax(axis=1))


def report(model: Recogniser, known: Tracks, test: Tracks) -> dict[str, Any]:
    """n, the scores, the confusion matrix, and the baselines."""
    chance = model.probabilities(test.xy)
    return {
        "n": len(test),
        "accuracy": accuracy(chance, test),
        "log_likelihood": log_likelihood(chance, test),
        "classes": list(test.names),
        "confusion": confusion(chance, test).tolist(),
        "baselines": baselines(known, test),
    }


def evaluate_fold(folder: Path, fold: int, split: str, tracks: Tracks) -> dict[str, Any]:
    """The report of the model that has not seen a fold, on a split of the tracks that the run was made of."""
    if not (fold_folder(folder, fold) / BEST).exists():
        again = resume_command("gestures", folder)
        raise DataError(f"{folder} holds no model for fold {fold + 1} yet; go on with: {again}")
    model, meta = load_recogniser(fold_folder(folder, fold))
    settings = from_meta(Settings, meta["settings"], str(folder))
    splits = System(settings, tracks).splits
    known = joined(splits["train"], splits["val"])
    return report(model, known, splits[split])


def joined(a: Tracks, b: Tracks) -> Tracks:
    """The tracks of both."""
    return Tracks(np.concatenate([a.xy, b.xy]), np.concatenate([a.labels, b.labels]), a.names)


def mean_of(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean accuracy of several reports, of the model and of each baseline, and the model's of each."""
    names = reports[0]["baselines"]
    means: Mapping[str, Any] = {n: float(np.mean([r["baselines"][n]["accuracy"] for r in reports])) for n in names}
    each = [r["accuracy"] for r in reports]
    return {"accuracy": float(np.mean(each)), "each": each, "baselines": dict(means)}
