"""Pictures with boxes in one form, wherever they come from: drawn scenes, or a folder in PASCAL VOC's layout."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minirnn.boxes import Truth
from minirnn.data.image_cache import cache_path, read_cache, write_cache
from minirnn.data.images import load_image
from minirnn.data.scenes import SHAPES, Thing, make_scenes
from minirnn.data.voc import Annotation, load_part
from minirnn.errors import DataError
from minirnn.pair import Array

SCENES = "scenes"
SCENE_COUNTS = {"train": 2000, "val": 200, "test": 500}
SCENE_SIZE = 64  # pixels a side
SHARE = 0.15  # of the training pictures is kept for a part that a set does not have
REACH = {  # how far a shape goes from its centre, in shares of its radius: left, up, right, down
    "circle": (1.0, 1.0, 1.0, 1.0),
    "square": (0.88, 0.88, 0.88, 0.88),
    "triangle": (0.9, 1.0, 0.9, 0.8),
    "star": (0.951, 1.0, 0.951, 0.809),  # tips at 72 and 144 degrees
}
Progress = Callable[[int, int], None]  # (pictures decoded, pictures in all)


@dataclass(frozen=True)
class BoxedImages:
    """Pictures of one size, and the boxes of what is in them."""

    images: Array  # (N, H, W, 3) uint8
    truth: tuple[Truth, ...]  # one a picture; edges in pixels of `images`
    classes: tuple[str, ...]
    names: tuple[str, ...]  # file name, or the place in a part

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.truth) == len(self.names):
            counts = f"{len(self.images)} pictures, boxes of {len(self.truth)} and {len(self.names)} names"
            raise DataError(f"{counts}; expected as many of each")
        height, width = self.images.shape[1:3]
        for name, truth in zip(self.names, self.truth):
            if not len(truth.boxes) == len(truth.labels) == len(truth.difficult):
                raise DataError(f"picture {name} has {len(truth.boxes)} boxes and {len(truth.labels)} labels")
            for box, label in zip(truth.boxes, truth.labels):
                left, top, right, bottom = (float(edge) for edge in box)
                if not (0 <= left < right <= width and 0 <= top < bottom <= height):
                    said = ", ".join(f"{edge:g}" for edge in (left, top, right, bottom))
                    raise DataError(f"picture {name} of {width} x {height} pixels has the box {said}; expected"
                                    " left < right and top < bottom, inside it")  # fmt: skip
                if not 0 <= label < len(self.classes):
                    raise DataError(f"picture {name} has the label {label}; expected 0 to {len(self.classes) - 1}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Array) -> BoxedImages:
        """Some of the pictures."""
        places = [int(k) for k in indices]
        truth, names = tuple(self.truth[k] for k in places), tuple(self.names[k] for k in places)
        return BoxedImages(self.images[indices], truth, self.classes, names)

    def fingerprints(self) -> list[str]:
        """One short hash per picture, of its pixels."""
        return [hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()[:12] for image in self.images]

    def fingerprint(self) -> str:
        """One hash of all boxes and labels."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for truth in self.truth:
            for part, kind in zip(truth, ("<f8", "<i8", "u1")):
                digest.update(np.ascontiguousarray(part).astype(kind).tobytes())
        return digest.hexdigest()


Splits = dict[str, BoxedImages]


def load_splits(
    data: str, size: tuple[int, int] | None, *, seed: int = 0, skip_bad: bool = False,
    progress: Progress | None = None,
) -> tuple[Splits, list[str]]:  # fmt: skip
    """Pictures with boxes in splits train, val and test; and what was left out, in words.

    A part that a folder has no list for (ImageSets/Main/val.txt or test.txt) is cut from its training pictures.

    Args:
        data: "scenes", or a folder in PASCAL VOC's layout.
        size: height and width that all pictures become; None for scenes, which have their own.
    Raises:
        DataError: as `minirnn.data.voc`; a picture of another size than its annotation says; too few pictures.
    """
    if data == SCENES or size is None:
        return {name: scene_split(name, seed) for name in SCENE_COUNTS}, []
    folder = Path(data)
    lists = folder / "ImageSets" / "Main"
    found, bad = {}, []
    train = load_part(folder, "train", skip_bad=skip_bad)
    for part in ("train", "val", "test"):
        if part != "train" and not (lists / f"{part}.txt").exists():
            continue
        known = train.classes
        listed = train if part == "train" else load_part(folder, part, classes=known, skip_bad=skip_bad)
        found[part], unread = load_listed(listed.pictures, known, size, skip_bad=skip_bad, progress=progress)
        bad += listed.bad + unread
    for part in ("test", "val"):
        if part not in found:
            found["train"], found[part] = _cut(found["train"], seed, data)
    return {part: found[part] for part in ("train", "val", "test")}, bad


def size_of(data: str, width: int, multiple: int) -> tuple[int, int]:
    """The height and width that the pictures of a folder become: `width`, and the shape that most of them have.

    Raises:
        DataError: as `minirnn.data.voc`.
    """
    shape = np.median([p.height / p.width for p in load_part(Path(data), "train", skip_bad=True).pictures])
    return max(1, round(width * float(shape) / multiple)) * multiple, width


def scene_split(split: str, seed: int) -> BoxedImages:
    """Drawn scenes of one to three shapes. The seed of a run draws its training pictures; val and test never change."""
    seed, n = seed if split == "train" else 0, SCENE_COUNTS[split]
    scenes = make_scenes(n, split=split, seed=seed, size=SCENE_SIZE)
    truth = []
    for things in scenes.things:
        boxes = np.clip([_box(thing) for thing in things], 0, 1) * SCENE_SIZE
        labels = np.array([SHAPES.index(thing.shape) for thing in things], np.int64)
        truth.append(Truth(boxes, labels, np.zeros(len(things), bool)))
    return BoxedImages(scenes.images, tuple(truth), SHAPES, tuple(f"{split} {k}" for k in range(n)))


def _box(thing: Thing) -> tuple[float, float, float, float]:
    """The smallest box around a shape, in shares of the picture's side."""
    left, up, right, down = (thing.radius * reach for reach in REACH[thing.shape])
    return thing.x - left, thing.y - up, thing.x + right, thing.y + down


def load_listed(
    listed: tuple[Annotation, ...], classes: tuple[str, ...], size: tuple[int, int], *, skip_bad: bool = False,
    progress: Progress | None = None,
) -> tuple[BoxedImages, list[str]]:  # fmt: skip
    """Annotated pictures squashed to one size, boxes and all; and why each of the others was left out.

    The decoded pictures are kept in the user's cache folder.

    Raises:
        DataError, OSError: a picture cannot be read, or has another size than its annotation says.
    """
    paths = [a.path for a in listed]
    sizes = zlib.crc32(
        np.array([(a.width, a.height) for a in listed], "<i8").tobytes()
    )  # were compared when it was made
    file = cache_path(paths, (*size, sizes))
    stored = read_cache(file)
    if stored is not None and (skip_bad or not stored.bad):
        images, bad = stored
        if progress:
            progress(len(paths), len(paths))
    else:
        images, errors = _decode(listed, size, skip_bad, progress)
        bad = {n: str(error) for n, error in errors.items()}
        if not any(isinstance(error, OSError) for error in errors.values()):  # may be better next time
            write_cache(file, images, bad)
    kept = [a for n, a in enumerate(listed) if n not in bad]
    truth = tuple(_truth(a, classes, size) for a in kept)
    return BoxedImages(images, truth, classes, tuple(a.path.name for a in kept)), list(bad.values())


def _decode(
    listed: tuple[Annotation, ...], size: tuple[int, int], skip_bad: bool, progress: Progress | None
) -> tuple[Array, dict[int, DataError | OSError]]:
    """The pictures that can be read (N, *size, 3), and why each of the others cannot, by its place."""
    images = np.empty((len(listed), *size, 3), np.uint8)
    bad: dict[int, DataError | OSError] = {}
    for n, annotation in enumerate(listed):
        try:
            images[n - len(bad)] = squashed(load_annotated(annotation), size)
        except (DataError, OSError) as error:
            if not skip_bad:
                raise
            bad[n] = error
        if progress:
            progress(n + 1, len(listed))
    if len(bad) == len(listed):
        raise DataError(f"none of the {len(listed)} pictures can be read; the first: {bad[0]}")
    return images[: len(listed) - len(bad)], bad


def load_annotated(annotation: Annotation) -> Array:
    """The picture (H, W, 3) uint8 of an annotation, which must have the size that the annotation says."""
    image = load_image(annotation.path)
    if image.shape[:2] != (annotation.height, annotation.width):
        said, is_ = f"{annotation.width} x {annotation.height}", f"{image.shape[1]} x {image.shape[0]}"
        raise DataError(f"{annotation.path} is {is_} pixels, but its annotation says {said}")
    return image


def squashed(image: Array, size: tuple[int, int]) -> Array:
    """A picture (H, W, 3) uint8 in another height and width; what it shrinks it averages."""
    from PIL import Image

    return np.array(Image.fromarray(image).resize(size[::-1], Image.Resampling.LANCZOS))


def _truth(annotation: Annotation, classes: tuple[str, ...], size: tuple[int, int]) -> Truth:
    """The boxes of an annotation in pixels of a picture of `size`."""
    scale = np.tile([size[1] / annotation.width, size[0] / annotation.height], 2)
    edges = [(b.left, b.top, b.right, b.bottom) for b in annotation.boxes]
    labels = np.array([classes.index(b.name) for b in annotation.boxes], np.int64)
    difficult = np.array([b.difficult for b in annotation.boxes], bool)
    boxes = np.array(edges, np.float64).reshape(-1, 4) * scale
    return Truth(np.minimum(boxes, [size[1], size[0]] * 2), labels, difficult)  # 588 * (320 / 588) is more than 320


def _cut(whole: BoxedImages, seed: int, source: str) -> tuple[BoxedImages, BoxedImages]:
    """The pictures in two, the second a share of all; they keep their order."""
    if len(whole) < 3:
        raise DataError(f"{source} has {len(whole)} training pictures; expected at least 3, or lists of val and test")
    chosen = np.zeros(len(whole), bool)
    chosen[np.random.default_rng([seed, 7]).permutation(len(whole))[: max(1, round(SHARE * len(whole)))]] = True
    return whole.take(np.flatnonzero(~chosen)), whole.take(np.flatnonzero(chosen))
