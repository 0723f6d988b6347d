"""Image folders: a folder a class, the pictures in it; with or without parts such as training/ and test/ above."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minirnn.data.images import load_images
from minirnn.errors import DataError
from minirnn.pair import Array

ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
PARTS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}  # what the folders of the parts are called


class Listed(NamedTuple):
    """The picture files of a part, before any is decoded."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]  # places in `classes`
    classes: tuple[str, ...]


class FolderImages(NamedTuple):
    """The pictures of a part."""

    images: Array  # (N, size, size, 3) uint8
    labels: Array  # (N,) int64
    names: tuple[str, ...]  # class/file
    bad: list[str]  # one sentence for each picture that was left out


def parts_of(folder: Path) -> dict[str, Path]:
    """The folders of the parts, {"train": …, "test": …}; {} when the folder holds the classes themselves.

    Raises:
        DataError: there is no such folder, or a test part without a training part.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}; expected a folder with a folder of pictures for each class")
    inside = {path.name.lower(): path for path in _folders(folder)}
    found = {part: inside[name] for part, names in PARTS.items() for name in names if name in inside}
    if "train" in found:
        return found
    if found and len(found) == len(inside):
        raise DataError(f"{folder} holds {', '.join(sorted(inside))} but no training part: expected a folder train")
    return {}


def list_folder(folder: Path, classes: tuple[str, ...] | None = None) -> Listed:
    """The pictures of a folder with a folder a class. Files with other endings than a picture's are passed over.

    Args:
        classes: those that there may be, in their order; None takes the folders there are, by alphabet.
    Raises:
        DataError: fewer than two classes, a class that is not in `classes`, or a class without pictures.
    """
    found = _folders(folder)
    if classes is None:
        classes = tuple(path.name for path in found)
        if len(classes) < 2:
            raise DataError(f"{folder} holds {len(classes)} folders; expected one for each class, at least 2")
    paths: list[Path] = []
    labels: list[int] = []
    for path in found:
        if path.name not in classes:
            raise DataError(f"{path} is no class of the training part; expected {', '.join(classes)}")
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS and file.name[0] != ".")
        if not files:
            raise DataError(f"{path} holds no picture; expected files that end in {', '.join(ENDINGS)}")
        paths += files
        labels += [classes.index(path.name)] * len(files)
    if not paths:
        raise DataError(f"{folder} holds no folder of pictures; expected {', '.join(classes)}")
    return Listed(tuple(paths), tuple(labels), classes)


def load_listed(
    listed: Listed, size: int, *, skip_bad: bool = False, progress: Callable[[int, int], None] | None = None
) -> FolderImages:
    """The pictures as squares of `size` pixels.

    Raises:
        DataError: a picture cannot be read and `skip_bad` is False, or none can; as `load_images`.
    """
    loaded = load_images(listed.paths, size, skip_bad=skip_bad, progress=progress)
    labels = np.array(listed.labels, np.int64)[loaded.kept]
    names = tuple(f"{listed.paths[k].parent.name}/{listed.paths[k].name}" for k in loaded.kept)
    return FolderImages(loaded.images, labels, names, loaded.bad)


def _folders(folder: Path) -> list[Path]:
    """The folders inside, by alphabet, without hidden ones."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._")
