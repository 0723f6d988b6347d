"""Detection: data, model and training together, and the evaluation beside a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.boxes import Curve, Found, Truth, curve, mean_average_precision, non_maximum_suppression
from minirnn.checkpoint import CheckpointError, restore
from minirnn.data.detection import BoxedImages, load_splits
from minirnn.data.detection_batches import Batches
from minirnn.data.images import to_float
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.models.detector import DetectorConfig, detector, guesses, init_detector
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Problem, as_json
from minirnn.tasks.detection_settings import Settings, change_of, model_defaults
from minirnn.tasks.runs import from_meta, open_run

NAME = "detector"
BATCH = 16  # pictures at a time when only looking
LEAST = 0.01  # what is less sure than this is not looked at
SAME = 0.45  # boxes of one class with a larger IoU are the same thing
MOST = 100  # boxes a picture
OVERLAP = 0.5  # IoU from which a box is right


@dataclass(frozen=True)
class Detector:
    """A detector ready for use."""

    config: DetectorConfig
    classes: tuple[str, ...]
    params: Tree
    running: Tree
    threshold: float = 0.5  # the least score of a box that is shown; chosen on the validation pictures
    ops: Ops = FAST

    def find(self, images: Array) -> list[Found]:
        """What is in pictures (N, H, W, 3) uint8: at most `MOST` boxes each, the surest first."""
        wanted = (self.config.height, self.config.width, 3)
        if images.shape[1:] != wanted:
            raise DataError(f"pictures have the shape {images.shape[1:]}; the model was trained on {wanted}")
        found = []
        for k in range(0, len(images), BATCH):
            boxes, chance = guesses(
                to_float(images[k : k + BATCH]), self.running, self.params, config=self.config, ops=self.ops
            )
            found += [pick(b, c) for b, c in zip(boxes, chance)]
        return found


def pick(boxes: Array, chance: Array) -> Found:
    """Of the guesses (G, 4) and their probabilities (G, K) in a picture those that are likely, each thing once."""
    parts = []
    for label in range(chance.shape[1]):
        likely = np.flatnonzero(chance[:, label] >= LEAST)
        kept = likely[non_maximum_suppression(boxes[likely], chance[likely, label], SAME)]
        parts.append(Found(boxes[kept], chance[kept, label], np.full(len(kept), label)))
    whole = Found(*(np.concatenate(part) for part in zip(*parts)))
    order = np.argsort(-whole.scores, kind="stable")[:MOST]
    return Found(*(part[order] for part in whole))


@dataclass(frozen=True)
class System:
    """A detector to be trained: data, model and settings together."""

    settings: Settings
    splits: Mapping[str, BoxedImages]
    config: DetectorConfig
    ops: Ops = FAST

    def problem(self) -> Problem:
        """What the training loop needs."""
        params, running = init_detector(np.random.default_rng([self.settings.seed, 3]), self.config)
        split, val = self.splits["train"], self.splits["val"]

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            return scores(Detector(self.config, val.classes, params, running, ops=self.ops), val)

        return Problem(
            detector, params, running, len(split), Batches(split, self.config, change_of(self.settings)), judge,
            ("map50", "f1"), options={"config": self.config, "ops": self.ops}, meta=self.meta,
            updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update},
        )  # fmt: skip

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint: enough to use the model, and to know what it has seen."""
        train, val = self.splits["train"], self.splits["val"]
        drawn = self.settings.kind == "scenes"
        return {
            "task": NAME,
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "classes": list(train.classes),
            "seen": "" if drawn else " ".join(train.fingerprints() + val.fingerprints()),
            "boxes": f"{train.fingerprint()} {val.fingerprint()}",
        }


def build(settings: Settings, *, ops: Ops = FAST, progress: Callable[[int, int], None] | None = None
          ) -> tuple[System, list[str]]:  # fmt: skip
    """Load or draw the pictures and size the model; and what was left out, in words."""
    splits, bad = load_splits(
        settings.data, settings.size, seed=settings.seed, skip_bad=settings.skip_bad, progress=progress
    )
    return System(settings, splits, model_defaults(settings, splits["train"]), ops), bad


def load_detector(folder: Path, ops: Ops = FAST) -> tuple[Detector, dict[str, Any]]:
    """The best detector of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, NAME, NAME)
    config = from_meta(DetectorConfig, meta.get("model", {}), path)
    if len(meta.get("classes", ())) != config.classes or "threshold" not in meta.get("scores", {}):
        raise CheckpointError(f"{path} was made by another version of minirnn (its classes do not fit the model)")
    like = init_detector(np.random.default_rng(0), config)
    params, running = restore(like, arrays, "model", path)
    return Detector(config, tuple(meta["classes"]), params, running, meta["scores"]["threshold"], ops), meta


def scores(model: Detector, split: BoxedImages) -> dict[str, float]:
    """Mean average precision at IoU 0.5, and the threshold with the best F1 over all classes, with what it gives."""
    found = model.find(split.images)
    threshold, f1 = best_threshold(found, split.truth, len(model.classes))
    return {"map50": mean_average_precision(curves(found, split)), "f1": f1, "threshold": threshold}


def curves(found: Sequence[Found], split: BoxedImages) -> list[Curve]:
    """One curve a class."""
    return [curve(found, split.truth, label, OVERLAP) for label in range(len(split.classes))]


def best_threshold(found: Sequence[Found], truth: Sequence[Truth], classes: int) -> tuple[float, float]:
    """The least score at which boxes are best shown, and F1 = 2 PR / (P + R) of all classes together there."""
    each = [curve(found, truth, label, OVERLAP) for label in range(classes)]
    truths = sum(c.truths for c in each)
    score = np.concatenate([c.scores for c in each])
    if not len(score) or not truths:
        return 0.5, 0.0
    hits = np.concatenate([np.diff(c.recall * max(c.truths, 1), prepend=0.0) for c in each])
    order = np.argsort(-score, kind="stable")
    f1 = 2 * np.cumsum(hits[order]) / (truths + np.arange(1, len(order) + 1))
    last = np.append(score[order][1:] != score[order][:-1], True)  # a threshold cannot part equal scores
    best = int(np.where(last, f1, -1).argmax())
    return float(score[order][best]), float(f1[best])


def usual_boxes(train: BoxedImages, split: BoxedImages) -> list[Found]:
    """The baseline: the same boxes in every picture, whatever is on it.

    For each class as many boxes as a training picture has of it (rounded, at least one), of its mean size: one at its
    mean position, several spread evenly over the picture, the middle of the spread at the mean position.
    """
    boxes, score, labels = [], [], []
    height, width = train.images.shape[1:3]
    for label in range(len(train.classes)):
        mine = np.concatenate([t.boxes[t.labels == label] for t in train.truth])
        if not len(mine):
            continue
        count = max(1, round(len(mine) / len(train)))
        centre, size = (mine[:, :2] + mine[:, 2:]).mean(axis=0) / 2, (mine[:, 2:] - mine[:, :2]).mean(axis=0)
        rows = max(1, round(np.sqrt(count * height / width)))
        columns = -(-count // rows)
        for k in range(count):
            place = np.array([(k % columns + 0.5) / columns - 0.5, (k // columns + 0.5) / rows - 0.5])
            middle = centre + (place * [width, height] if count > 1 else 0)
            boxes.append(np.clip([*(middle - size / 2), *(middle + size / 2)], 0, [width, height, width, height]))
        score += [len(mine) / len(train) / count] * count
        labels += [label] * count
    return [Found(np.array(boxes), np.array(score), np.array(labels))] * len(split)


def evaluate(model: Detector, split: BoxedImages, train: BoxedImages) -> dict[str, Any]:
    """Scores of a model on some pictures, beside a baseline made from its training boxes.

    Returns:
        n, boxes, map50, `per_class` (average precision, and precision and recall at the threshold), threshold,
        precision and recall of all classes together there, and `baselines` with the map50 and per_class of each.
    """
    found = model.find(split.images)
    each = curves(found, split)
    shown = [Found(*(part[f.scores >= model.threshold] for part in f)) for f in found]
    per_class, hits, said = {}, 0, 0
    for name, c, at in zip(split.classes, each, curves(shown, split)):
        mine = round(at.recall[-1] * at.truths) if len(at.recall) and at.truths else 0
        hits, said = hits + mine, said + len(at.scores)
        per_class[name] = {
            "boxes": c.truths,
            "average_precision": c.average_precision if c.truths else None,
            "precision": mine / len(at.scores) if len(at.scores) else None,
            "recall": mine / at.truths if at.truths else None,
        }
    usual = curves(usual_boxes(train, split), split)
    truths = sum(c.truths for c in each)
    return {
        "n": len(split),
        "boxes": truths,
        "map50": mean_average_precision(each),
        "per_class": per_class,
        "threshold": model.threshold,
        "precision": hits / said if said else None,
        "recall": hits / truths if truths else None,
        "baselines": {
            "usual_boxes": {
                "map50": mean_average_precision(usual),
                "per_class": {n: c.average_precision if c.truths else None for n, c in zip(split.classes, usual)},
            }
        },
    }
