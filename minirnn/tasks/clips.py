"""Clips of moving digits: data, model and training together, and the evaluation beside baselines that see no order."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.checkpoint import CheckpointError, load, restore
from minirnn.data.images import to_float
from minirnn.data.moving_digits import DIGITS, MOTIONS, Clips, Digits, clip_split, digit_splits, draw_clips, fingerprint
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.models.clip_classifier import ClipConfig, clip_classifier, clip_logits, init_clips
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Checked, Note, Problem, Step, TrainConfig, as_json
from minirnn.tasks.runs import from_meta, open_run, resume_command
from minirnn.train import BEST, LAST, train

NAME = "clips"
CLASSES = {"motion": MOTIONS, "digit": DIGITS}  # by label
COUNTS = {"train": 1_000, "val": 400, "test": 2_000}  # clips of each split when judging
BATCH = 64  # clips at a time when only looking
# The model and its baselines: the folder inside the run, and the share of a time limit. The frames without their order
# get as much as the model, so that time does not decide between the two.
KINDS = {
    "recurrent": ("", 0.42),
    "any_order": ("any-order", 0.42),  # the same CNN, two layers judge the mean over all frames: their order is lost
    "one_frame": ("one-frame", 0.16),  # the same CNN and judge, one frame of the clip
}


@dataclass(frozen=True)
class Settings:
    """What a run is made of; stored with every checkpoint."""

    data: str = "drawn"  # "drawn" digits, or the folder of MNIST's IDX files
    label: str = "motion"  # what is to be told: motion or digit
    seed: int = 0
    kind: str = "recurrent"  # one of KINDS


def train_defaults(settings: Settings, digits: int) -> TrainConfig:
    """How to train it, for so many training digits: an epoch moves each once, never as it moved before."""
    return TrainConfig(epochs=round(max(1, 50_000 / digits), 1), batch=32, lr=4e-3, clip=2.0, checks=8,
                       seed=settings.seed)  # fmt: skip


@dataclass(frozen=True)
class Watcher:
    """A trained model ready for use."""

    config: ClipConfig
    names: tuple[str, ...]
    kind: str
    params: Tree
    running: Tree
    ops: Ops = FAST

    def probabilities(self, frames: Array) -> Array:
        """How probable each class is for clips (N, T, S, S) uint8: (N, classes)."""
        frames = frames[:, [frames.shape[1] // 2]] if self.kind == "one_frame" else frames
        out = [np.empty((0, len(self.names)), np.float32)]
        for k in range(0, len(frames), BATCH):
            some = to_float(frames[k : k + BATCH])
            (logits, _), _ = clip_logits.forward(
                some, self.running, self.params, config=self.config, training=False, ops=self.ops
            )
            out.append(np.exp(self.ops.log_softmax.forward(logits)[0]))
        return np.concatenate(out)


@dataclass(frozen=True)
class Batches:
    """Training clips: the digits that are named, each moving as never before."""

    digits: Digits
    settings: Settings

    def __call__(self, indices: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """(frames, labels) of some clips."""
        clips = draw_clips(rng, self.digits, indices)
        frames = clips.frames
        if self.settings.kind == "one_frame":
            N, T = frames.shape[:2]
            frames = frames[np.arange(N), rng.integers(T, size=N)][:, None]
        return to_float(frames), labels_of(clips, self.settings.label)


def labels_of(clips: Clips, label: str) -> Array:
    """What is to be told of clips."""
    return clips.motions if label == "motion" else clips.digits


def clips_of(digits: Mapping[str, Digits], split: str, seed: int) -> Clips:
    """The clips of a split to judge on."""
    return clip_split(digits[split], COUNTS[split], seed * len(COUNTS) + list(COUNTS).index(split))


@dataclass(frozen=True)
class System:
    """A clip classifier to be trained: data, model and settings together."""

    settings: Settings
    digits: Mapping[str, Digits]
    ops: Ops = FAST
    sizes: Mapping[str, Any] | None = None  # of the model, instead of the defaults

    @property
    def config(self) -> ClipConfig:
        """The shapes of the model."""
        order = "recurrent" if self.settings.kind == "recurrent" else "mean"
        return ClipConfig(len(CLASSES[self.settings.label]), order=order, **(self.sizes or {}))

    @cached_property
    def val(self) -> Clips:
        """The validation clips."""
        return clips_of(self.digits, "val", self.settings.seed)

    def problem(self) -> Problem:
        """What the training loop needs. Of models that are right equally often, the one that is surer is better."""
        params, running = init_clips(np.random.default_rng([self.settings.seed, 3]), self.config)
        train, val = self.digits["train"], self.val

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            return scores(self.model(params, running).probabilities(val.frames), labels_of(val, self.settings.label))

        return Problem(
            clip_classifier, params, running, len(train.labels), Batches(train, self.settings), judge,
            ("accuracy", "log_probability"), options={"config": self.config, "ops": self.ops}, meta=self.meta,
            updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update},
        )  # fmt: skip

    def model(self, params: Tree, running: Tree) -> Watcher:
        """The model with these parameters."""
        return Watcher(self.config, CLASSES[self.settings.label], self.settings.kind, params, running, self.ops)

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint."""
        return {
            "task": NAME,
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "digits": fingerprint(self.digits),
        }


def build(settings: Settings) -> System:
    """Load or draw the digits."""
    return System(settings, digit_splits(settings.data, settings.seed))


def train_clips(
    system: System, config: TrainConfig, folder: Path, *, resume: bool = False
) -> Generator[Step | Checked | Note, None, None]:
    """Train the model, then its baselines, sharing a time limit."""
    for kind, (inside, share) in KINDS.items():
        if inside:
            yield Note(f"now a baseline: {inside.replace('-', ' ')}")
        one = replace(system, settings=replace(system.settings, kind=kind))
        yield from train(one.problem(), replace(config, share=share), folder / inside, resume=resume)


def load_watcher(folder: Path, ops: Ops = FAST) -> tuple[Watcher, dict[str, Any]]:
    """The best model of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, NAME, "clip classifier")
    config = from_meta(ClipConfig, meta.get("model", {}), path)
    settings = from_meta(Settings, meta.get("settings", {}), path)
    names = CLASSES.get(settings.label, ())
    if len(names) != config.classes or settings.kind not in KINDS:
        raise CheckpointError(f"{path} was made by another version of minirnn (its classes do not fit the model)")
    params, running = restore(init_clips(np.random.default_rng(0), config), arrays, "model", path)
    return Watcher(config, names, settings.kind, params, running, ops), meta


def load_baselines(folder: Path, meta: Mapping[str, Any]) -> dict[str, Watcher]:
    """The baselines of a run whose metadata is `meta`.

    Raises:
        DataError: one is missing, or belongs to another run.
    """
    found = {}
    for kind, (inside, _) in KINDS.items():
        if not inside:
            continue
        if not (folder / inside / BEST).exists():
            raise DataError(f"{folder} has no baseline {inside!r} yet; go on with: {resume_command(NAME, folder)}")
        found[kind], theirs = load_watcher(folder / inside)
        if theirs["digits"] != meta["digits"] or theirs["settings"] != {**meta["settings"], "kind": kind}:
            raise DataError(f"{folder / inside} is not a baseline of the run in {folder}; train it anew")
    return found


def scores(chance: Array, labels: Array) -> dict[str, float]:
    """The share of clips told right, and the mean log-probability (nats) of what is right."""
    picked = chance[np.arange(len(labels)), labels]
    return {
        "accuracy": float((chance.argmax(axis=1) == labels).mean()),
        "log_probability": float(np.log(np.maximum(picked, 1e-12)).mean()),
    }


def confusion(chance: Array, labels: Array) -> Array:
    """(classes, classes) counts: row the right class, column what the model says."""
    C = chance.shape[1]
    return np.asarray(np.bincount(labels * C + chance.argmax(axis=1), minlength=C * C)).reshape(C, C)


def evaluate(folder: Path, clips: Clips) -> dict[str, Any]:
    """Scores of a run on some clips, beside baselines that do not know the order of the frames.

    Returns:
        n, accuracy, log_probability, `per_class`, `confusion` (rows: right class, columns: said), and `baselines`:
        the accuracy of `chance` (the most frequent class of these clips), `one_frame` and `any_order`; and `steps`: how
        many each trained model was trained for.
    """
    model, meta = load_watcher(folder)
    labels = labels_of(clips, meta["settings"]["label"])
    chance = model.probabilities(clips.frames)
    counts = confusion(chance, labels)
    total = counts.sum(axis=1)
    others = {kind: other.probabilities(clips.frames) for kind, other in load_baselines(folder, meta).items()}
    steps = {kind: int(load(folder / inside / LAST)[1]["progress"]["step"]) for kind, (inside, _) in KINDS.items()}
    return {
        "n": len(labels),
        "label": meta["settings"]["label"],
        **scores(chance, labels),
        "classes": list(model.names),
        "per_class": {name: int(counts[k, k]) / int(total[k]) for k, name in enumerate(model.names) if total[k]},
        "confusion": counts.tolist(),
        "baselines": {
            "chance": float(total.max() / total.sum()),
            **{kind: scores(theirs, labels)["accuracy"] for kind, theirs in reversed(others.items())},
        },
        "steps": steps,
    }
