"""Captioned photographs: which picture has which captions, and a split by picture."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np

from minirnn.data.caption_formats import Complain, Row, read_rows
from minirnn.errors import DataError

SPLITS = ("train", "val", "test")
HELD_OUT = 3 / 34  # of the pictures go to val, and as many to test: of 850, 75 and 75
SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

CAPTION_FILES = ("captions.txt", "Flickr8k.token.txt", "dataset.json", "dataset_*.json", "captions_*.json")
CAPTION_FOLDERS = (".", "annotations", "Flickr8k_text")
IMAGE_FOLDERS = (
    "images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "Flickr8k_Dataset/Flicker8k_Dataset", ".",
    "train2014", "val2014", "test2014", "train2017", "val2017", "test2017",
)  # fmt: skip


class Photo(NamedTuple):
    """A picture file with its captions."""

    path: Path
    captions: tuple[str, ...]  # as written, in NFC, without space around; at least one
    split: str  # train, val, test, or "" where the file does not say


class CaptionSet(NamedTuple):
    """What a caption file holds."""

    photos: tuple[Photo, ...]  # in the order of the file, each picture once
    bad: tuple[str, ...]  # one sentence for each row that was left out; a missing picture counts once


def load_captions(source: Path, *, skip_bad: bool = False) -> CaptionSet:
    """Read a captioned photo set: Flickr8k (both its forms), Karpathy's dataset JSON or COCO's captions JSON.

    Args:
        source: the caption file, or the folder that holds it (`CAPTION_FILES`, also in `CAPTION_FOLDERS`). Pictures
            are looked for in `IMAGE_FOLDERS` beside it; a name that leads out of them is refused.
        skip_bad: leave bad rows out and list them in `bad`; else the first one raises. Bad is: text that is not UTF-8
            or holds NUL, a wrong number of fields, an empty caption, a picture that is missing, has no caption, is
            claimed by two splits, or lies outside of the folder.
    Raises:
        DataError: a bad row (see there); no caption file in the folder, or several; a file of another kind, with a key
            twice or NaN; nothing left.
        FileNotFoundError: no such file or folder.
    """
    source = Path(source)
    file = find_caption_file(source) if source.is_dir() else source
    bad: list[str] = []

    def complain(message: str) -> None:
        if not skip_bad:
            raise DataError(message)
        bad.append(message)

    rows = read_rows(file, complain)
    photos = tuple(_merge(_photos(rows, _image_folders(file), complain), complain))
    if not photos:
        why = f"{len(bad)} bad rows; the first: {bad[0]}" if bad else "expected at least one"
        raise DataError(f"{file} holds no picture with a caption: {why}")
    return CaptionSet(photos, tuple(bad))


def split_photos(photos: Sequence[Photo], seed: int = 0) -> dict[str, tuple[Photo, ...]]:
    """Train, val and test by picture, never by caption: nobody is tested on a picture seen in training.

    The file's own splits where every photo has one. Else the photos, sorted by name, are shuffled with the seed and
    `HELD_OUT` of them (at least one) go to test, as many to val, the rest to train. A picture listed twice counts once,
    with all its captions.

    Raises:
        DataError: fewer than 3 pictures, a split of the file without a picture, a picture in two splits, or seed < 0.
    """
    if seed < 0:
        raise DataError(f"seed is {seed}; expected 0 or more")

    def complain(message: str) -> None:
        raise DataError(message)

    photos = list(_merge(photos, complain))
    if len(photos) < len(SPLITS):
        raise DataError(f"there are {len(photos)} pictures; expected at least 3: one each for {', '.join(SPLITS)}")
    if all(photo.split for photo in photos):
        splits = {name: tuple(p for p in photos if p.split == name) for name in SPLITS}
        for name, members in splits.items():
            if not members:
                raise DataError(f"no picture is marked {name!r}; expected each of {', '.join(SPLITS)} at least once")
        return splits
    photos.sort(key=lambda photo: (photo.path.name, photo.path.as_posix()))
    order = np.random.default_rng(seed).permutation(len(photos))
    held = max(1, round(HELD_OUT * len(photos)))
    parts = {"train": order[2 * held :], "val": order[held : 2 * held], "test": order[:held]}
    return {name: tuple(photos[n] for n in sorted(part)) for name, part in parts.items()}


def folder_images(folder: Path) -> list[Path]:
    """The pictures in a folder, not in folders below, by suffix (`SUFFIXES`), sorted by name.

    Raises:
        DataError: there is none.
        FileNotFoundError, NotADirectoryError: no such folder, or a file.
    """
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(f"{folder} does not exist; expected a folder of pictures: check the name")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; expected a folder of pictures")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != "." and p.is_file())
    if not found:
        raise DataError(f"{folder} holds no picture; expected files that end in {', '.join(SUFFIXES)}")
    return found


def find_caption_file(folder: Path) -> Path:
    """The caption file of a folder: the first kind of `CAPTION_FILES` that is there.

    Raises:
        DataError: none, or several of the first kind.
    """
    for pattern in CAPTION_FILES:
        found = sorted(p for place in CAPTION_FOLDERS for p in (folder / place).glob(pattern))
        if len(found) > 1:
            raise DataError(f"{folder} holds {len(found)} caption files, such as {found[0]} and {found[1]}; name one")
        if found:
            return found[0]
    raise DataError(f"{folder} holds no caption file; expected one of {', '.join(CAPTION_FILES)}")


def _image_folders(file: Path) -> list[Path]:
    """Where the pictures of a caption file may be."""
    above = file.parent.parent if file.parent.name in CAPTION_FOLDERS else file.parent
    bases = dict.fromkeys((file.parent, above))
    return [folder for base in bases for place in IMAGE_FOLDERS if (folder := base / place).is_dir()]


def _photos(rows: Iterable[Row], folders: list[Path], complain: Complain) -> Iterator[Photo]:
    """Rows whose picture exists, with those of their captions that can be used."""
    found: dict[tuple[str, str], Path | None] = {}  # by folder and name: most pictures have five rows
    for row in rows:
        key = row.folder, row.name
        if key not in found:
            found[key] = _find(row, folders, complain)
        path = found[key]
        if path is None:
            continue
        if not row.captions:
            complain(f"{row.where}: the picture {row.name!r} has no caption; expected at least one")
        captions = [clean for text in row.captions if (clean := _clean(row, text, complain))]
        if captions:
            yield Photo(path, tuple(captions), row.split)


def _find(row: Row, folders: list[Path], complain: Complain) -> Path | None:
    """The picture file of a row; None, after a complaint, when there is none or when it is none of our business."""
    for part in (row.folder, row.name):
        parsed = PureWindowsPath(part)  # understands both / and \, and what Windows would do with C:
        if parsed.drive or parsed.root or ".." in parsed.parts:
            complain(f"{row.where}: the picture {part!r} leaves the folder; expected a name inside it")
            return None
    if row.name:
        for folder in folders:
            for path in (folder / row.folder / row.name, folder / row.name):
                if os.path.isfile(path):  # False, where `Path.is_file` raises, for a name too long for the system
                    return path
    complain(f"{row.where}: the picture {row.name!r} does not exist; looked in {', '.join(map(str, folders))}")
    return None


def _clean(row: Row, text: str, complain: Complain) -> str:
    """A caption in NFC without space around; "", after a complaint, when it cannot be used."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):  # a JSON escape can smuggle in both
        complain(f"{row.where}: a caption of {row.name!r} holds NUL or half a surrogate pair; expected text")
        return ""
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        complain(f"{row.where}: a caption of {row.name!r} is empty; expected words")
    return text


def _merge(photos: Iterable[Photo], complain: Complain) -> Iterator[Photo]:
    """Each picture once, with the captions of all its entries."""
    merged: dict[str, Photo] = {}
    for photo in photos:
        key = os.path.normcase(photo.path)
        first = merged.setdefault(key, photo)
        if photo.split != first.split:
            complain(f"{photo.path} belongs to split {first.split!r} and to {photo.split!r}; expected one")
        elif photo is not first:
            merged[key] = first._replace(captions=first.captions + photo.captions)
    yield from merged.values()
