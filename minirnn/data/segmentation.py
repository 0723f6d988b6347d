"""Pictures with masks: folders of both under the same names, or drawn cells; and how they are split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minirnn.data.cells import SPLITS, draw_cells
from minirnn.data.folders import ENDINGS
from minirnn.data.images import load_image
from minirnn.errors import DataError
from minirnn.pair import Array

IMAGES, MASKS = ("image", "images"), ("label", "labels", "mask", "masks")  # what the two folders may be called
TEST, VAL = 1 / 5, 1 / 10  # shares of the pictures that are held out
DRAWN = {"train": 40, "val": 6, "test": 12}  # pictures of drawn cells
DRAWN_SIZE = 96
LEAST = 32  # pixels: the shortest side of a picture
COLOURS = ("black", "white")  # of what is to be found, in the masks


@dataclass(frozen=True)
class Masked:
    """Pictures and their masks. Sizes may differ from picture to picture."""

    images: tuple[Array, ...]  # (H, W, C) uint8, C the same for all
    masks: tuple[Array, ...]  # (H, W) booleans: True where the thing is that is to be found
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, which: Array) -> Masked:
        """Some of the pictures."""
        images, masks, names = (tuple(kind[k] for k in which) for kind in (self.images, self.masks, self.names))
        return Masked(images, masks, names)

    def fingerprints(self) -> list[str]:
        """Of each picture, mask aside, 16 hexadecimal digits that are its own."""
        return [
            hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()[:16] for image in self.images
        ]  # fmt: skip

    def digest(self) -> str:
        """Changes when any picture, mask or their order does."""
        marks = [
            *self.fingerprints(),
            *(hashlib.sha256(np.packbits(mask).tobytes()).hexdigest() for mask in self.masks),
        ]
        return hashlib.sha256(" ".join(marks).encode()).hexdigest()


Splits = dict[str, Masked]


def load_splits(
    data: str, *, seed: int = 0, positive: str = "black", progress: Callable[[int, int], None] | None = None
) -> Splits:  # fmt: skip
    """Pictures with masks in splits train, val and test.

    Args:
        data: "cells" (drawn), or a folder as `load_folder` reads it.
        seed: draws the training cells; of a folder, chooses which pictures are held out.
        positive: colour of what is to be found in the masks of a folder: black or white.
    Raises:
        DataError: as `load_folder`; fewer than 3 pictures.
    """
    if data == "cells":
        return {split: drawn(split, seed) for split in SPLITS}
    whole = load_folder(Path(data), positive, progress)
    return split_pictures(whole, seed, data)


def drawn(split: str, seed: int = 0) -> Masked:
    """Drawn cells. The seed of a run draws its training pictures; val and test never change."""
    images, masks = draw_cells(DRAWN[split], DRAWN_SIZE, split=split, seed=seed if split == "train" else 0)
    return Masked(tuple(images), tuple(masks), tuple(f"{split} {k}" for k in range(len(images))))


def split_pictures(whole: Masked, seed: int, source: str) -> Splits:
    """A fifth for the test, a tenth for validation, at random by the seed: of 30 pictures 6, 3 and 21 to learn from."""
    n = len(whole)
    if n < 3:
        raise DataError(f"{source} holds {n} pictures with masks; expected at least 3: one each to learn from, to"
                        " validate and to test")  # fmt: skip
    test, val = max(1, round(n * TEST)), max(1, round(n * VAL))
    order = np.random.default_rng([seed, 11]).permutation(n)
    parts = {"test": order[:test], "val": order[test : test + val], "train": order[test + val :]}
    return {split: whole.take(np.sort(parts[split])) for split in SPLITS}


def load_folder(
    folder: Path, positive: str = "black", progress: Callable[[int, int], None] | None = None
) -> Masked:  # fmt: skip
    """A folder with a folder of pictures (image or images) and one of masks (label, labels, mask or masks).

    Both may stand below a folder named train. A picture and its mask have the same name, endings aside, and the same
    size. Pictures in grey have one channel, if all of them are grey; else all have three.

    Raises:
        DataError: a folder that is missing, a picture without its mask or the other way round, two of one name, sizes
            that differ, a mask with other values than two, a picture that is too small; as `load_image`.
    """
    pictures, masks = _pair_of_folders(folder)
    images, labels = _files(pictures), _files(masks)
    for here, there, has, lacks in ((images, labels, "picture", "mask"), (labels, images, "mask", "picture")):
        for name in here:
            if name not in there:
                where = masks if lacks == "mask" else pictures
                raise DataError(
                    f"the {has} {here[name]} has no {lacks}; expected {where / name} with a picture's ending"
                )
    if not images:
        raise DataError(f"{pictures} holds no picture; expected files that end in {', '.join(ENDINGS)}")
    found, truths = [], []
    for done, (name, path) in enumerate(images.items()):
        image, mask = load_image(path), load_mask(labels[name], positive)
        if image.shape[:2] != mask.shape:
            raise DataError(f"{labels[name]} is {_size(mask)} pixels large but its picture {path} is {_size(image)};"
                            " expected the same size")  # fmt: skip
        if min(mask.shape) < LEAST:
            raise DataError(f"{path} is {_size(image)} pixels large; expected at least {LEAST} each way")
        found.append(image)
        truths.append(mask)
        if progress:
            progress(done + 1, len(images))
    grey = all(is_grey(image) for image in found)
    kept = tuple(np.ascontiguousarray(image[..., :1]) if grey else image for image in found)
    return Masked(kept, tuple(truths), tuple(images))


def load_mask(path: Path, positive: str) -> Array:
    """A mask as booleans (H, W): True where it has the colour `positive`.

    Raises:
        DataError: other values than black (0) and white (255, or 1 where that is the largest); as `load_image`.
    """
    pixels = load_image(path)
    values = pixels[..., 0]
    white = 255 if values.max() > 1 else 1
    odd = (pixels != values[..., None]).any(axis=2) | ((values != 0) & (values != white))
    if odd.any():
        row, column = np.argwhere(odd)[0]
        value = values[row, column] if is_grey(pixels) else f"colour {tuple(pixels[row, column].tolist())}"
        raise DataError(f"{path} holds the value {value} in row {row}, column {column}; expected a mask of 0 and 255"
                        " alone (JPEG blurs masks: use PNG)")  # fmt: skip
    mask: Array = (values == 0) if positive == "black" else (values != 0)
    return mask


def is_grey(image: Array) -> bool:
    """Whether all channels of a picture (H, W, 3) are equal."""
    return bool((image == image[..., :1]).all())


def _size(image: Array) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


def _pair_of_folders(folder: Path) -> tuple[Path, Path]:
    """The folders of the pictures and of the masks."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}; expected a folder with the folders image and label")
    for base in (folder / "train", folder / "training", folder):
        both = [next((base / name for name in names if (base / name).is_dir()), None) for names in (IMAGES, MASKS)]
        if both[0] and both[1]:
            return both[0], both[1]
        if both[0] or both[1]:
            missing = IMAGES if both[1] else MASKS
            raise DataError(f"{base} holds {(both[0] or both[1]).name} but no {' or '.join(missing)}; expected both")  # type: ignore[union-attr]
    raise DataError(
        f"{folder} holds no folder of pictures and none of masks; expected image and label, or those in train"
    )


def _files(folder: Path) -> dict[str, Path]:
    """The picture files of a folder by their names without endings; 2 comes before 10."""
    found: dict[str, Path] = {}
    paths = (path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.name[0] != ".")
    for path in sorted(paths, key=lambda path: (len(path.stem), path.name)):
        if path.stem in found:
            raise DataError(f"{folder} holds {found[path.stem].name} and {path.name}; expected one file of each name")
        found[path.stem] = path
    return found
