"""Segmentation as a system: data, U-Net and training together, whole pictures in tiles, and the evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.checkpoint import CheckpointError, restore
from minirnn.data.images import to_float
from minirnn.data.segmentation import Masked, Splits, load_splits
from minirnn.data.segmentation_crops import Bend, crops
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.functional.activations import logistic
from minirnn.models.unet import UNetConfig, init_unet, unet, unet_logits
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Problem, TrainConfig, as_json
from minirnn.tasks.runs import from_meta, open_run
from minirnn.tasks.segmentation_scores import baselines, best_threshold, mask_scores

NAME = "segmenter"
BEND = Bend()  # how much training crops differ from the pictures
TILE = 512  # pixels a side of what is looked at at once, without the rim that is looked at with it
FLIPS = ((False, False), (True, False), (False, True), (True, True))  # rows turned around, columns turned around


@dataclass(frozen=True)
class Settings:
    """What a run of the segmenter is made of; stored with every checkpoint."""

    data: str = "cells"  # "cells" (drawn), or a folder of pictures and masks
    seed: int = 0
    positive: str = "black"  # colour of what is to be found, in the masks
    crop: int = 96  # pixels a side of what is learnt from at once


def model_defaults(settings: Settings, train: Masked) -> UNetConfig:
    """The model for these data."""
    colours = train.images[0].shape[2]
    if settings.data == "cells":
        return UNetConfig(colours=colours, channels=(8, 16, 32))
    return UNetConfig(colours=colours, channels=(12, 24, 48, 96))


def train_defaults(settings: Settings) -> TrainConfig:
    """How to train it. An epoch looks at as many pixels as there are."""
    if settings.data == "cells":
        return TrainConfig(
            epochs=20, batch=4, lr=8e-3, checks=4, optimiser="adamw", weight_decay=0.02, seed=settings.seed
        )
    return TrainConfig(epochs=24, batch=4, lr=5e-3, checks=8, optimiser="adamw", weight_decay=0.02, seed=settings.seed)


@dataclass(frozen=True)
class Segmenter:
    """A U-Net ready for use."""

    config: UNetConfig
    params: Tree
    running: Tree
    threshold: float = 0.5  # a pixel is positive from this probability on
    positive: str = "black"
    ops: Ops = FAST

    def probabilities(self, image: Array, *, flips: bool = False, tile: int = TILE) -> Array:
        """How probable the positive class is for every pixel (H, W) of a picture (H, W, C) uint8.

        A large picture is looked at in tiles, each with a rim so wide that no pixel's answer depends on the tiles.

        Args:
            flips: the mean of four answers: for the picture as it is, upside down, mirrored, and both.
            tile: pixels a side.
        """
        if image.shape[2] != self.config.colours:
            raise DataError(
                f"the picture has {image.shape[2]} channels; the model was trained on {self.config.colours}"
            )
        total = np.zeros(image.shape[:2], np.float32)
        ways = FLIPS if flips else FLIPS[:1]
        for down, across in ways:
            turned = (slice(None, None, -1 if down else 1), slice(None, None, -1 if across else 1))
            total += self._tiles(to_float(image[turned]), tile)[turned]
        total /= len(ways)
        return total

    def _tiles(self, image: Array, tile: int) -> Array:
        (H, W, _), step, reach = image.shape, self.config.multiple, self.config.reach
        tile = -(-tile // step) * step
        whole = np.pad(image, ((0, -H % step), (0, -W % step), (0, 0)), mode="edge")
        out = np.empty(whole.shape[:2], np.float32)
        for top in range(0, H, tile):
            for left in range(0, W, tile):
                y, x = max(0, top - reach), max(0, left - reach)
                seen = whole[None, y : top + tile + reach, x : left + tile + reach]
                (logits, _), _ = unet_logits.forward(
                    seen, self.running, self.params, config=self.config, training=False, ops=self.ops
                )
                p = logistic(logits[0, :, :, 1] - logits[0, :, :, 0])  # the softmax of two
                out[top : top + tile, left : left + tile] = p[top - y :, left - x :][:tile, :tile]
        return out[:H, :W]

    def mask(self, image: Array, *, flips: bool = False) -> Array:
        """Where the thing is that is to be found: (H, W) booleans."""
        return self.probabilities(image, flips=flips) >= self.threshold


@dataclass(frozen=True)
class Batches:
    """Training examples as the U-Net takes them: crops, different every time."""

    split: Masked
    crop: int
    amount: Bend

    def __call__(self, indices: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """(images, labels, weights) of some crops; example k is a crop of picture k modulo their number."""
        which = indices % len(self.split)
        images, masks = ([kind[k] for k in which] for kind in (self.split.images, self.split.masks))
        return crops(images, masks, self.crop, self.amount, rng)

    @property
    def examples(self) -> int:
        """Crops that have together as many pixels as the pictures."""
        return max(len(self.split), round(sum(mask.size for mask in self.split.masks) / self.crop**2))


@dataclass(frozen=True)
class System:
    """A segmenter to be trained: data, model and settings together."""

    settings: Settings
    splits: Splits
    config: UNetConfig
    ops: Ops = FAST

    def problem(self) -> Problem:
        """What the training loop needs. The validation pictures choose the best parameters and their threshold."""
        params, running = init_unet(np.random.default_rng([self.settings.seed, 3]), self.config)
        batches, val = Batches(self.splits["train"], self.settings.crop, BEND), self.splits["val"]

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            model = Segmenter(self.config, params, running, ops=self.ops)
            threshold, f1 = best_threshold([model.probabilities(image) for image in val.images], val.masks)
            return {"f1": f1, "threshold": threshold}

        return Problem(
            unet, params, running, batches.examples, batches, judge, ("f1",),
            options={"config": self.config, "ops": self.ops}, meta=self.meta,
            updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update},
        )  # fmt: skip

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint: enough to use the model, and to know what it has seen."""
        train, val = self.splits["train"], self.splits["val"]
        return {
            "task": NAME,
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "seen": " ".join(train.fingerprints() + val.fingerprints()),
            "data": f"{train.digest()} {val.digest()}",
        }


def build(settings: Settings, *, ops: Ops = FAST, progress: Any = None) -> System:
    """Load or draw the pictures and size the model."""
    splits = load_splits(settings.data, seed=settings.seed, positive=settings.positive, progress=progress)
    return System(settings, splits, model_defaults(settings, splits["train"]), ops)


def load_segmenter(folder: Path, ops: Ops = FAST) -> tuple[Segmenter, dict[str, Any]]:
    """The best segmenter of a run with its threshold, and what is stored with it."""
    arrays, meta, path = open_run(folder, NAME, NAME)
    config = from_meta(UNetConfig, meta.get("model", {}), path)
    settings = from_meta(Settings, meta.get("settings", {}), path)
    threshold = meta.get("scores", {}).get("threshold")
    if not isinstance(threshold, float):
        raise CheckpointError(f"{path} was made by another version of minirnn (it holds no threshold)")
    params, running = restore(init_unet(np.random.default_rng(0), config), arrays, "model", path)
    return Segmenter(config, params, running, threshold, settings.positive, ops), meta


def joined(*parts: Masked) -> Masked:
    """Several splits as one."""
    images, masks, names = (tuple(x for part in parts for x in getattr(part, k)) for k in ("images", "masks", "names"))
    return Masked(images, masks, names)


def evaluate(model: Segmenter, split: Masked, train: Masked) -> dict[str, Any]:
    """Scores of a model on some pictures, beside baselines made from its training pictures.

    Returns:
        n, the share that is positive, the threshold, f1, precision, recall, iou and accuracy of all pixels together,
        `with_flips` (the same for the mean over flipped pictures), `per_picture` (the F1 of each), and `baselines`.
    """
    found = [model.mask(image) for image in split.images]
    flipped = [model.mask(image, flips=True) for image in split.images]
    return {
        "n": len(split),
        "share": sum(int(mask.sum()) for mask in split.masks) / sum(mask.size for mask in split.masks),
        "threshold": model.threshold,
        **mask_scores(found, split.masks),
        "with_flips": mask_scores(flipped, split.masks),
        "per_picture": {n: mask_scores([f], [t])["f1"] for n, f, t in zip(split.names, found, split.masks)},
        "baselines": baselines(train, split),
    }
