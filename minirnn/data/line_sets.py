"""Lines of text in splits, wherever they come from: drawn or real digits, pen strokes, a folder of line images."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PureWindowsPath

import numpy as np

from minirnn.data.digest import digest
from minirnn.data.digit_strings import SIDE, stroke_digits
from minirnn.data.idx import SUFFIXES, find_idx, read_labelled
from minirnn.data.line_pictures import DIGITS, FULL, PITCH, load_line
from minirnn.data.lines import DigitLines, ImageLines, Source, least_width
from minirnn.data.pen_files import load_written
from minirnn.data.text import Alphabet, read_text
from minirnn.data.unipen import split_inks
from minirnn.data.word_lines import WordLines
from minirnn.errors import DataError
from minirnn.pair import Array

KINDS = ("drawn", "digits", "words", "images")
LABELS = ("labels.tsv", "labels.csv")  # beside a folder's line images: file, text
COUNTS = {"val": 1000, "test": 5000}  # strings of digits
DRAWN = {"train": 6000, "val": 600, "test": 1500}  # digits that are drawn where there are no real ones
HELD_OUT = 5000  # of the real training digits, for the validation strings
SHARE = 0.1  # of a folder's line images, for val and as many for test


@dataclass(frozen=True)
class LineSets:
    """What a run reads: its training lines, and those it is judged on."""

    kind: str
    train: Source
    known: tuple[str, ...]  # texts of the training lines; none where they are composed at random
    held: dict[str, ImageLines]  # val, test
    alphabet: Alphabet
    left_out: tuple[str, ...] = ()  # training lines that are too narrow for their text, in words

    @cached_property
    def fingerprint(self) -> str:
        """Of the lines that a run is trained and chosen by."""
        return digest([("train", self.train.fingerprint(), ()), ("val", self.held["val"].fingerprint(), ())])

    @property
    def ink(self) -> int:
        """Rows that the ink of a picture is scaled to, so that it looks as these lines do."""
        return DIGITS if self.kind in ("drawn", "digits") else FULL

    @property
    def pitch(self) -> float:
        """Pixels between the strokes of a written word, see `widening`; 0 where lines keep their width."""
        return PITCH if self.kind == "words" else 0.0


def kind_of(data: str) -> str:
    """What `--data` is: drawn, digits (MNIST's files), words (pen strokes) or images (a folder of lines).

    Raises:
        DataError: none of these.
    """
    if data == "drawn":
        return "drawn"
    path = Path(data)
    if any(find_idx(path, part, what) for part in ("train", "t10k") for what in SUFFIXES):
        return "digits"
    if any((path / name).is_file() for name in LABELS):
        return "images"
    if path.is_file() or (path.is_dir() and next(path.rglob("*.dat"), None)):
        return "words"
    expected = f"MNIST's IDX files, UNIPEN's *.dat files, or line images beside {' or '.join(LABELS)}"
    if path.exists():
        raise DataError(f"{data} holds nothing to read; expected {expected}")
    raise FileNotFoundError(f"{data} does not exist; expected a file of pen strokes, or a folder with {expected}")


def load_lines(data: str, seed: int = 0, held: Sequence[str] = ("val", "test")) -> LineSets:
    """The lines of a source.

    Args:
        data: "drawn", a folder or a file, see `kind_of`.
        seed: of the drawn training digits; val and test never change.
        held: the parts beside the training lines that are needed.
    Raises:
        DataError: names the file and what is wrong with it.
        FileNotFoundError: no such file.
    """
    kind = kind_of(data)
    if kind in ("drawn", "digits"):
        return _digit_sets(kind, data, seed, held)
    return _word_sets(data, held) if kind == "words" else _image_sets(Path(data), held)


def load_every(data: str) -> ImageLines | None:
    """All lines of a source, whatever their split; None where it has no end: strings of digits are composed.

    Raises:
        DataError, FileNotFoundError: as `load_lines`.
    """
    kind = kind_of(data)
    if kind == "words":
        return WordLines.of(load_written(Path(data))).fixed()
    return _image_lines(Path(data), read_labels(Path(data))) if kind == "images" else None


def _digit_sets(kind: str, data: str, seed: int, held: Sequence[str]) -> LineSets:
    """Strings of digits. No digit of one split occurs in another."""
    if kind == "drawn":
        seeds = {"train": 1000 + 2 * seed, "val": 1, "test": 3}  # no seed of a run draws the digits of val or test
        pools = {name: stroke_digits(DRAWN[name], seeds[name]) for name in ("train", *held)}
    else:
        digits, labels = _mnist(Path(data), "train")
        if len(digits) < 100:
            raise DataError(f"{data} holds {len(digits)} training digits; expected at least 100")
        cut = len(digits) - min(HELD_OUT, len(digits) // 5)
        pools = {"train": (digits[:cut], labels[:cut]), "val": (digits[cut:], labels[cut:])}
        if "test" in held:
            pools["test"] = _mnist(Path(data), "t10k")
    train = DigitLines(*pools["train"])
    fixed = {name: DigitLines(*pools[name]).fixed(COUNTS[name], ("val", "test").index(name)) for name in held}
    return LineSets(kind, train, (), fixed, Alphabet(tuple("0123456789")))


def _mnist(folder: Path, part: str) -> tuple[Array, Array]:
    images, labels = read_labelled(folder, part)
    if images.shape[1:] != (SIDE, SIDE, 1) or labels.max() > 9:
        raise DataError(
            f"{folder}: pictures of {part} have shape {images.shape[1:3]} and labels up to {labels.max()};"
            f" expected digits 0 to 9 of {SIDE} x {SIDE} pixels"
        )
    return images[..., 0], labels


def _word_sets(data: str, held: Sequence[str]) -> LineSets:
    """Written words, split by the file of who wrote them."""
    splits = split_inks(load_written(Path(data)))
    train = WordLines.of(splits["train"])
    fixed = {name: WordLines.of(splits[name]).fixed() for name in held}
    return LineSets("words", train, train.texts, fixed, Alphabet.of("".join(train.texts)))


def _image_sets(folder: Path, held: Sequence[str]) -> LineSets:
    """Line images; a tenth each for val and test, the same ones always."""
    rows = read_labels(folder)
    if len(rows) < 3:
        raise DataError(f"{folder} holds {len(rows)} line images; expected at least 3: one each to train, val and test")
    order = np.random.default_rng(7).permutation(len(rows))
    n = max(1, round(SHARE * len(rows)))
    places = {"val": order[:n], "test": order[n : 2 * n], "train": np.sort(order[2 * n :])}
    parts = {}
    for name in ("train", *held):
        parts[name] = _image_lines(folder, [rows[int(k)] for k in places[name]])
    train, narrow = parts.pop("train"), []
    for k, (image, text) in enumerate(zip(train.images, train.texts)):
        if image.shape[1] < least_width(text):
            narrow.append(k)
    left_out = tuple(
        f"{folder / rows[int(places['train'][k])][0]} is too narrow for {train.texts[k]!r}" for k in narrow
    )
    kept = [k for k in range(len(train)) if k not in set(narrow)]
    if not kept:
        raise DataError(f"{folder}: no line image is wide enough for its text; the first: {left_out[0]}")
    train = ImageLines(tuple(train.images[k] for k in kept), tuple(train.texts[k] for k in kept))
    alphabet = Alphabet.of("".join(train.texts))
    return LineSets("images", train, train.texts, parts, alphabet, left_out)


def _image_lines(folder: Path, rows: Sequence[tuple[str, str]]) -> ImageLines:
    """Line images, by file and text."""
    if not rows:
        raise DataError(f"{folder} holds no line image; expected rows with file and text in its labels")
    return ImageLines(tuple(load_line(folder / file) for file, _ in rows), tuple(text for _, text in rows))


def read_labels(folder: Path) -> list[tuple[str, str]]:
    """The rows of labels.tsv or labels.csv: file and text; a first row with the names of the columns is passed over.

    Raises:
        DataError: not UTF-8, a row that is not two fields, an empty text, a file named twice or outside of the folder.
        FileNotFoundError: a line image does not exist.
    """
    path = next(folder / name for name in LABELS if (folder / name).is_file())
    lines = read_text(path).split("\n")
    seen: set[tuple[str, ...]] = set()
    rows: list[tuple[str, str]] = []
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r")
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            fields = line.split("\t") if path.suffix == ".tsv" else next(csv.reader([line]))
        except csv.Error as error:
            raise DataError(f"{where} is no row of a CSV file: {error}; expected two fields: file and text") from error
        if len(fields) != 2:
            raise DataError(f"{where} holds {len(fields)} fields; expected two: file and text")
        file, text = (part.strip() for part in fields)
        if not rows and (file.lower(), text.lower()) in (("file", "text"), ("image", "text"), ("file", "label")):
            continue
        if not file or not text:
            raise DataError(f"{where}: the {'text' if file else 'name of the file'} is empty")
        parsed = PureWindowsPath(file)  # understands both / and \
        if parsed.drive or parsed.root or ".." in parsed.parts:
            raise DataError(f"{where}: {file!r} is outside of {folder}; expected the name of a file in it")
        if parsed.parts in seen:
            raise DataError(f"{where}: {file!r} is listed twice")
        if not (folder / file).exists():
            raise FileNotFoundError(f"{where}: {folder / file} does not exist; check the name")
        seen.add(parsed.parts)
        rows.append((file, text))
    return rows
