"""Labelled pictures in one form, wherever they come from: drawn shapes, IDX files, CIFAR-10, folders of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minirnn.data import cifar10, idx
from minirnn.data.folders import list_folder, load_listed, parts_of
from minirnn.data.scenes import SHAPES, make_shapes
from minirnn.errors import DataError
from minirnn.pair import Array

SHAPE_COUNTS = {"train": 3000, "val": 300, "test": 1000}
SHARE, MOST = 0.15, 5000  # of the training pictures, and of these at most so many, are kept for validation
KINDS = ("shapes", "idx", "cifar10", "folder")
Progress = Callable[[int, int], None]  # (pictures decoded, pictures in all)


@dataclass(frozen=True)
class LabelledImages:
    """Pictures, each with its class."""

    images: Array  # (N, H, W, C) uint8
    labels: Array  # (N,) int64, places in `classes`
    classes: tuple[str, ...]
    names: tuple[str, ...]  # file name, or the place in a file

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.labels) == len(self.names):
            counts = f"{len(self.images)} pictures, {len(self.labels)} labels and {len(self.names)} names"
            raise DataError(f"{counts}; expected as many of each")
        wrong = np.flatnonzero((self.labels < 0) | (self.labels >= len(self.classes)))
        if len(wrong):
            k = int(wrong[0])
            expected = f"expected 0 to {len(self.classes) - 1}"
            raise DataError(f"picture {self.names[k]} has the label {self.labels[k]}; {expected}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Array) -> LabelledImages:
        """Some of the pictures."""
        names = tuple(self.names[int(k)] for k in indices)
        return LabelledImages(self.images[indices], self.labels[indices], self.classes, names)

    def fingerprints(self) -> list[str]:
        """One short hash per picture, of its pixels: the same picture under another name is still the same."""
        return [hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()[:12] for image in self.images]

    @classmethod
    def numbered(cls, images: Array, labels: Array, classes: tuple[str, ...], name: str) -> LabelledImages:
        """Pictures that have no names but their places in a file."""
        return cls(images, labels, classes, tuple(f"{name} {k}" for k in range(len(images))))


Splits = dict[str, LabelledImages]


def kind_of(data: str) -> str:
    """What `--data` is: shapes (drawn), idx, cifar10 or folder."""
    if data == "shapes":
        return "shapes"
    folder = Path(data)
    if any(idx.find_idx(folder, part, what) for part in ("train", "t10k") for what in idx.SUFFIXES):
        return "idx"
    return "cifar10" if cifar10.is_cifar10(folder) else "folder"


def load_splits(
    data: str, size: int, *, seed: int = 0, skip_bad: bool = False, progress: Progress | None = None
) -> tuple[Splits, list[str]]:
    """Labelled pictures in splits train, val and test; and what was left out, in words.

    The validation pictures are cut from the training part, class by class, unless there is a part of its own for them;
    the test pictures likewise only where the data have no test part.

    Args:
        data: "shapes", or a folder: with IDX files, CIFAR-10's binary files, or a folder a class (training/, test/).
        size: side of the squares that pictures of any size become; IDX and CIFAR-10 pictures keep their own.
    Raises:
        DataError: as the formats; a class with too few pictures.
    """
    kind = kind_of(data)
    if kind == "shapes":
        return {name: shape_split(name, seed, size) for name in SHAPE_COUNTS}, []
    if kind == "folder":
        return _folder_splits(Path(data), size, seed, skip_bad, progress)
    parts = _idx_parts(Path(data)) if kind == "idx" else _cifar_parts(Path(data))
    train, val = _cut(parts["train"], seed, 2, data)
    return {"train": train, "val": val, "test": parts["test"]}, []


def shape_split(split: str, seed: int, size: int) -> LabelledImages:
    """Drawn shapes. The seed of a run draws its training pictures; val and test never change."""
    seed = seed if split == "train" else 0
    images, things = make_shapes(SHAPE_COUNTS[split], split=split, seed=seed, size=size)
    labels = np.array([SHAPES.index(thing.shape) for thing in things], np.int64)
    return LabelledImages.numbered(images, labels, SHAPES, split)


def _idx_parts(folder: Path) -> Splits:
    """MNIST, or any set in the same four files; its classes are called by their numbers."""
    read = {"train": idx.read_labelled(folder, "train"), "test": idx.read_labelled(folder, "t10k")}
    shapes = {part: images.shape[1:3] for part, (images, _) in read.items()}
    if shapes["train"] != shapes["test"]:
        raise DataError(f"{folder}: training pictures are {shapes['train']} pixels large, test ones {shapes['test']}")
    classes = tuple(str(k) for k in range(1 + max(int(labels.max()) for _, labels in read.values())))
    return {part: LabelledImages.numbered(*both, classes, part) for part, both in read.items()}


def _cifar_parts(folder: Path) -> Splits:
    parts = {}
    for part in ("train", "test"):
        images, labels = cifar10.read_part(folder, part)
        parts[part] = LabelledImages.numbered(images, labels, cifar10.CLASSES, part)
    return parts


def _folder_splits(
    folder: Path, size: int, seed: int, skip_bad: bool, progress: Progress | None
) -> tuple[Splits, list[str]]:
    """The splits of a folder of pictures."""
    parts = parts_of(folder)
    listed = list_folder(parts.get("train", folder))
    found, bad = {}, []
    for part, path in (parts or {"train": folder}).items():
        of_part = listed if part == "train" else list_folder(path, listed.classes)
        loaded = load_listed(of_part, size, skip_bad=skip_bad, progress=progress)
        found[part] = LabelledImages(loaded.images, loaded.labels, listed.classes, loaded.names)
        bad += loaded.bad
    needed = 3 - ("val" in found) - ("test" in found)
    for part in ("test", "val"):
        if part not in found:
            found["train"], found[part] = _cut(found["train"], seed, needed, str(folder))
            needed -= 1
    return {part: found[part] for part in ("train", "val", "test")}, bad


def _cut(whole: LabelledImages, seed: int, needed: int, source: str) -> tuple[LabelledImages, LabelledImages]:
    """The pictures in two, the second a share of every class; the pictures keep their order."""
    rng = np.random.default_rng([seed, 7])
    share = min(SHARE, MOST / len(whole))
    second: list[int] = []
    for label, name in enumerate(whole.classes):
        mine = np.flatnonzero(whole.labels == label)
        if 0 < len(mine) < needed:
            raise DataError(f"{source}: the class {name} has {len(mine)} pictures; expected at least {needed}")
        second += rng.permutation(mine)[: max(1, round(share * len(mine)))].tolist()
    chosen = np.zeros(len(whole), bool)
    chosen[second] = True
    return whole.take(np.flatnonzero(~chosen)), whole.take(np.flatnonzero(chosen))
