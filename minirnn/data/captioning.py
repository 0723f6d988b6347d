"""Captioning data in one form, whether drawn or photographed: pictures, their captions as words, splits."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minirnn.data.captions import Photo, load_captions, split_photos
from minirnn.data.images import load_images, to_float
from minirnn.data.scenes import SPLITS, Scenes, make_scenes
from minirnn.data.vocabulary import CaptionIds, Vocabulary, pad_captions, tokenise
from minirnn.errors import DataError
from minirnn.pair import Array

Words = tuple[str, ...]
SCENE_COUNTS = {"train": 20_000, "val": 500, "test": 500, "novel": 500}
MARGIN = 9 / 8  # photographs are kept this much larger than the model's input, for random crops


@dataclass(frozen=True)
class CaptionSplit:
    """Pictures with their captions."""

    images: Array  # (N, S, S, 3) uint8
    captions: tuple[tuple[Words, ...], ...]  # per picture, one or more
    names: tuple[str, ...]  # file name, or "" for a drawn scene
    scenes: Scenes | None = None  # what is where, for drawn scenes

    def __len__(self) -> int:
        return len(self.images)

    def fingerprints(self) -> list[str]:
        """One short hash per picture, of its pixels: the same picture under another name is still the same."""
        return [hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()[:16] for image in self.images]

    def references(self) -> list[list[str]]:
        """The captions as strings, per picture."""
        return [[" ".join(words) for words in captions] for captions in self.captions]

    def take(self, indices: Array) -> CaptionSplit:
        """Some of the pictures."""
        some = [int(i) for i in indices]
        captions, names = tuple(self.captions[i] for i in some), tuple(self.names[i] for i in some)
        scenes = self.scenes
        if scenes is not None:
            told, things = tuple(scenes.captions[i] for i in some), tuple(scenes.things[i] for i in some)
            scenes = Scenes(self.images[some], told, things)
        return CaptionSplit(self.images[some], captions, names, scenes)


def scene_split(split: str, seed: int, size: int, count: int | None = None) -> CaptionSplit:
    """A split of the drawn scenes. The seed of a run draws its training pictures; val, test and novel never change."""
    if split not in SPLITS:
        raise DataError(f"scenes have no split {split!r}; expected one of {', '.join(SPLITS)}")
    scenes = make_scenes(count or SCENE_COUNTS[split], split=split, seed=seed if split == "train" else 0, size=size)
    captions = tuple((tuple(c.split()),) for c in scenes.captions)
    return CaptionSplit(scenes.images, captions, ("",) * len(scenes), scenes)


Progress = Callable[[int, int], None]  # (pictures decoded, pictures in all)


def load_photos(
    source: Path, size: int, *, seed: int = 0, skip_bad: bool = False, progress: Progress | None = None
) -> tuple[dict[str, CaptionSplit], list[str]]:
    """A captioned photo set in splits train, val and test, by picture; and what was left out, in words.

    The photographs are decoded once, squashed to squares of size * 9/8 and cached.
    """
    photos, images, bad = _decoded(source, size, skip_bad, progress)
    splits = {}
    for name, part in split_photos(photos, seed).items():
        kept = [photo for photo in part if photo.path in images]
        if not kept:
            raise DataError(f"{source}: no readable picture is left in the split {name!r}")
        splits[name] = _split_of(kept, images)
    return splits, bad


def load_all_photos(
    source: Path, size: int, *, skip_bad: bool = False, progress: Progress | None = None
) -> tuple[CaptionSplit, list[str]]:
    """All pictures of a captioned photo set, however few; and what was left out, in words."""
    photos, images, bad = _decoded(source, size, skip_bad, progress)
    return _split_of([photo for photo in photos if photo.path in images], images), bad


def _decoded(
    source: Path, size: int, skip_bad: bool, progress: Progress | None
) -> tuple[tuple[Photo, ...], dict[Path, Array], list[str]]:
    """The photos of a set, the pixels of those that can be read, and what was left out."""
    found = load_captions(source, skip_bad=skip_bad)
    paths = [photo.path for photo in found.photos]
    loaded = load_images(paths, stored_size(size), skip_bad=skip_bad, progress=progress)
    images = {paths[int(i)]: loaded.images[k] for k, i in enumerate(loaded.kept)}
    return found.photos, images, [*found.bad, *loaded.bad]


def _split_of(photos: list[Photo], images: dict[Path, Array]) -> CaptionSplit:
    captions = tuple(tuple(tuple(tokenise(c)) for c in photo.captions) for photo in photos)
    pixels = np.stack([images[photo.path] for photo in photos])
    return CaptionSplit(pixels, captions, tuple(photo.path.name for photo in photos))


def stored_size(size: int) -> int:
    """Side of the kept pictures for a model that sees `size` pixels."""
    return round(size * MARGIN)


def build_vocabulary(train: CaptionSplit, min_count: int) -> Vocabulary:
    """The words of the training captions that occur at least `min_count` times."""
    return Vocabulary.build((words for captions in train.captions for words in captions), min_count)


def most_frequent_caption(train: CaptionSplit) -> str:
    """The baseline without a model: the caption that training shows most often (of equals, the first by alphabet)."""
    counts = Counter(" ".join(words) for captions in train.captions for words in captions)
    return min(counts, key=lambda caption: (-counts[caption], caption))


def centre(images: Array, size: int) -> Array:
    """What evaluation sees of pictures (N, S, S, 3) uint8: the middle of each, as floats in [0, 1]."""
    return to_float(middle(images, size))


def middle(images: Array, size: int) -> Array:
    """The middle (N, size, size, 3) of pictures (N, S, S, 3)."""
    edge = (images.shape[1] - size) // 2
    return images[:, edge : edge + size, edge : edge + size]


def random_crops(images: Array, size: int, rng: np.random.Generator) -> Array:
    """Each picture cropped to `size` at a random place and mirrored half of the time, as floats in [0, 1]."""
    room = images.shape[1] - size + 1
    out = np.empty((len(images), size, size, 3), images.dtype)
    for n, (y, x) in enumerate(rng.integers(0, room, (len(images), 2))):
        crop = images[n, y : y + size, x : x + size]
        out[n] = crop[:, ::-1] if rng.random() < 0.5 else crop
    return to_float(out)


@dataclass(frozen=True)
class Batches:
    """Training examples as the captioner takes them: pictures, which picture each caption belongs to, word numbers."""

    split: CaptionSplit
    ids: tuple[tuple[tuple[int, ...], ...], ...]  # word numbers, per caption of each picture
    size: int  # pixels a side that the model sees
    length: int  # longest caption, in words
    augment: bool
    pad: Callable[..., CaptionIds] = pad_captions

    @classmethod
    def of(
        cls, split: CaptionSplit, vocabulary: Vocabulary, size: int, length: int, augment: bool,
        pad: Callable[..., CaptionIds] = pad_captions,
    ) -> Batches:  # fmt: skip
        """Captions to numbers, once."""
        ids = tuple(tuple(tuple(vocabulary.encode(words)) for words in captions) for captions in split.captions)
        return cls(split, ids, size, length, augment, pad)

    def __call__(self, indices: Array, rng: np.random.Generator) -> tuple[Array, Array, Array, Array, Array]:
        """(images, which, inputs, targets, mask) of some pictures and all their captions."""
        images = self.split.images[indices]
        seen = random_crops(images, self.size, rng) if self.augment else centre(images, self.size)
        which = np.repeat(np.arange(len(indices)), [len(self.ids[i]) for i in indices])
        captions = self.pad([ids for i in indices for ids in self.ids[i]], self.length)
        return seen, which, captions.inputs, captions.targets, captions.mask
