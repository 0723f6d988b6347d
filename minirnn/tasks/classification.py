"""Image classification: data, model and training together, and the evaluation beside honest baselines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.checkpoint import CheckpointError, restore
from minirnn.data.augment import Jitter, jitter
from minirnn.data.classification import LabelledImages, Splits, load_splits
from minirnn.data.images import to_float
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.models.classifier import ClassifierConfig, classifier, init_classifier, log_probabilities
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Problem, as_json
from minirnn.tasks.classification_baselines import NEIGHBOURS, baselines
from minirnn.tasks.classification_settings import JITTER, Settings, model_defaults
from minirnn.tasks.runs import from_meta, open_run

BATCH = 256  # pictures at a time when only looking
NAME = "classifier"


@dataclass(frozen=True)
class Classifier:
    """A classifier ready for use."""

    config: ClassifierConfig
    classes: tuple[str, ...]
    params: Tree
    running: Tree
    ops: Ops = FAST

    def log_probabilities(self, images: Array) -> Array:
        """(N, classes) of pictures (N, H, W, C) uint8, in batches."""
        wanted = (self.config.height, self.config.width, self.config.colours)
        if images.shape[1:] != wanted:
            raise DataError(f"pictures have the shape {images.shape[1:]}; the model was trained on {wanted}")
        parts = [
            log_probabilities(
                to_float(images[k : k + BATCH]), self.running, self.params, config=self.config, ops=self.ops
            )
            for k in range(0, len(images), BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), np.float32)


@dataclass(frozen=True)
class Batches:
    """Training examples as the classifier takes them, a little different every time."""

    split: LabelledImages
    amount: Jitter

    def __call__(self, indices: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """(images, labels) of some pictures."""
        return jitter(self.split.images[indices], self.amount, rng), self.split.labels[indices]


@dataclass(frozen=True)
class System:
    """A classifier to be trained: data, model and settings together."""

    settings: Settings
    splits: Mapping[str, LabelledImages]
    config: ClassifierConfig
    ops: Ops = FAST

    def problem(self) -> Problem:
        """What the training loop needs. Of models that are right equally often, the one that is surer is better."""
        params, running = init_classifier(np.random.default_rng([self.settings.seed, 3]), self.config)
        split, val = self.splits["train"], self.splits["val"]

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            return scores(self.model(params, running), val)

        return Problem(
            classifier, params, running, len(split), Batches(split, JITTER[self.settings.kind]), judge,
            ("accuracy", "log_probability"), options={"config": self.config, "ops": self.ops}, meta=self.meta,
            updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update},
        )  # fmt: skip

    def model(self, params: Tree, running: Tree) -> Classifier:
        """A classifier with these parameters."""
        return Classifier(self.config, self.splits["train"].classes, params, running, self.ops)

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint: enough to use the model, and to know what it has seen."""
        train, val = self.splits["train"], self.splits["val"]
        drawn = self.settings.kind == "shapes"
        labels = hashlib.sha256(np.concatenate([train.labels, val.labels]).astype("<i8").tobytes()).hexdigest()
        return {
            "task": NAME,
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "classes": list(train.classes),
            "seen": "" if drawn else " ".join(train.fingerprints() + val.fingerprints()),
            "labels": labels,
        }


def build(settings: Settings, *, ops: Ops = FAST, progress: Callable[[int, int], None] | None = None
          ) -> tuple[System, list[str]]:  # fmt: skip
    """Load or draw the pictures and size the model; and what was left out, in words."""
    splits, bad = load_splits(
        settings.data, settings.size, seed=settings.seed, skip_bad=settings.skip_bad, progress=progress
    )
    return System(settings, splits, model_defaults(settings, splits["train"]), ops), bad


def load_classifier(folder: Path, ops: Ops = FAST) -> tuple[Classifier, dict[str, Any]]:
    """The best classifier of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, NAME, NAME)
    config = from_meta(ClassifierConfig, meta.get("model", {}), path)
    if len(meta.get("classes", ())) != config.classes:
        raise CheckpointError(f"{path} was made by another version of minirnn (its classes do not fit the model)")
    like = init_classifier(np.random.default_rng(0), config)
    params, running = restore(like, arrays, "model", path)
    return Classifier(config, tuple(meta["classes"]), params, running, ops), meta


def scores(model: Classifier, split: LabelledImages) -> dict[str, float]:
    """The share of pictures told right, and the mean log-probability (nats) of what is right."""
    logp = model.log_probabilities(split.images)
    right = float((logp.argmax(axis=1) == split.labels).mean())
    return {"accuracy": right, "log_probability": float(logp[np.arange(len(split)), split.labels].mean())}


def confusion(model: Classifier, split: LabelledImages) -> Array:
    """(classes, classes) counts: row the right class, column what the model says."""
    counts = np.zeros((len(model.classes), len(model.classes)), np.int64)
    np.add.at(counts, (split.labels, model.log_probabilities(split.images).argmax(axis=1)), 1)
    return counts


def evaluate(model: Classifier, split: LabelledImages, train: LabelledImages) -> dict[str, Any]:
    """Scores of a model on some pictures, beside baselines made from its training pictures.

    Returns:
        n, accuracy, log_probability, `per_class` (share told right), `confusion` (rows: right class, columns: said),
        and `baselines`: the accuracy of each, `neighbours` the number of pictures that nearest neighbour looks at.
    """
    counts = confusion(model, split)
    total = counts.sum(axis=1)
    per_class = {name: int(counts[k, k]) / int(total[k]) for k, name in enumerate(model.classes) if total[k]}
    return {
        "n": len(split),
        **scores(model, split),
        "per_class": per_class,
        "classes": list(model.classes),
        "confusion": counts.tolist(),
        "baselines": baselines(train, split),
        "neighbours": min(NEIGHBOURS, len(train)),
    }


def fit(split: LabelledImages, model: Classifier, source: str) -> LabelledImages:
    """Other pictures as a run's own: labels as places in its classes, colours or grey as it saw in training.

    Raises:
        DataError: a class that the run does not know.
    """
    unknown = [name for name in split.classes if name not in model.classes]
    if unknown:
        raise DataError(f"{source} has the class {unknown[0]!r}; the run knows {', '.join(model.classes)}")
    place = np.array([model.classes.index(name) for name in split.classes], np.int64)
    images = split.images
    if images.shape[3] == 3 and model.config.colours == 1:
        images = np.rint(images @ np.array([0.299, 0.587, 0.114]))[..., None].astype(np.uint8)
    elif images.shape[3] == 1 and model.config.colours == 3:
        images = np.repeat(images, 3, axis=3)
    return LabelledImages(images, place[split.labels], model.classes, split.names)


def joined(splits: Splits) -> LabelledImages:
    """All splits as one."""
    parts = list(splits.values())
    images = np.concatenate([part.images for part in parts])
    names = tuple(name for part in parts for name in part.names)
    return LabelledImages(images, np.concatenate([part.labels for part in parts]), parts[0].classes, names)
