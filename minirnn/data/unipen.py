"""Online handwriting: what a pen wrote, as strokes, with what it says and the file of who wrote it.

Two forms are read into one. *Arrays*: an npz file with `xy` (integers, y up), `pen_up` (1 on the last point of a
stroke), `offsets` (item i is `offsets[i]:offsets[i+1]`), `labels`, `writer_file`. *UNIPEN files* as they were published
(Guyon et al. 1994): text with keywords; a file in `data/` names the parts of the ink (`.SEGMENT`) and includes the one
in `include/` that holds the points.

`.SEGMENT WORD 3-5 ? "arc"` says: the components 3 to 5, of unknown quality, are the word arc. Most donors count
pen-down blocks only; those in `COUNT_BOTH` count pen-up blocks as well.

People write alike in all that they write, so items are split by writer file, never at random.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple

import numpy as np

from minirnn.data.files import read_file
from minirnn.errors import DataError
from minirnn.pair import Array

SPLITS = ("train", "val", "test")
HELD_OUT = 0.1  # of the writer files go to val, and as many to test
COUNT_BOTH = ("hpp", "nic", "pri")  # donors whose component numbers count pen-up blocks too
KEYS = {"xy": "iuf", "pen_up": "biu", "offsets": "iu", "labels": "U", "writer_file": "U"}  # and their kinds
LARGEST = 4 * 2**30  # bytes that an npz file may unpack to


class Ink(NamedTuple):
    """One written word or character."""

    strokes: tuple[Array, ...]  # (n, 2) float32 each, x to the right, y up; at least one, none empty
    label: str
    writer: str  # the file that says who wrote it


def load_ink(source: Path, level: str | None = None) -> list[Ink]:
    """Read handwriting: an npz file of arrays, a UNIPEN file, or a folder of UNIPEN files (`*.dat`, also below).

    Args:
        level: of UNIPEN files, the `.SEGMENT`s to take: "WORD", "CHARACTER", …; None for all.
    Raises:
        DataError: names the file (and line) and what is wrong with it.
        FileNotFoundError: no such file.
    """
    source = Path(source)
    if not source.is_dir():
        with_arrays = source.suffix.lower() == ".npz"
        return load_arrays(source) if with_arrays else load_unipen(source, level)
    files = sorted(path for path in source.rglob("*.dat") if "include" not in path.relative_to(source).parts)
    inks = [ink for path in files for ink in load_unipen(path, level)]
    if not inks:
        raise DataError(f"{source} holds no UNIPEN file with a {level or 'labelled'} segment; expected *.dat files")
    return inks


def split_of(writer: str) -> str:
    """The split of a writer file: the same name is in the same split, always and everywhere.

    What counts is the part of the name from the donor on, so that the digits and the words of one file
    (`data/1a/aga/x.dat`, `data/6/aga/x.dat`) are in one split.
    """
    parts = PurePosixPath(writer.replace("\\", "/")).parts
    name = "/".join(parts[2:] if len(parts) > 3 and parts[0] == "data" else parts)
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
    return "test" if share < HELD_OUT else "val" if share < 2 * HELD_OUT else "train"


def split_inks(inks: Iterable[Ink]) -> dict[str, list[Ink]]:
    """Train, val and test by writer file.

    Raises:
        DataError: a split without an item.
    """
    splits: dict[str, list[Ink]] = {name: [] for name in SPLITS}
    known: dict[str, str] = {}
    for ink in inks:
        splits[known.setdefault(ink.writer, split_of(ink.writer))].append(ink)
    for name, members in splits.items():
        if not members:
            raise DataError(f"none of the {len(known)} writer files falls into {name!r}; expected more writers")
    return splits


# arrays


def load_arrays(path: Path) -> list[Ink]:
    """Read the arrays form. Nothing is unpickled, and nothing larger than the file says is allocated.

    Raises:
        DataError: not an npz file, a key missing, an array of another kind or shape, offsets that do not fit, a stroke
            that does not end where its item ends, an empty label.
        FileNotFoundError: no such file.
    """
    path = Path(path)
    if path.is_dir() or read_file(path, "an npz file of pen strokes")[:2] != b"PK":
        raise DataError(f"{path} is no npz file; expected one with the arrays {', '.join(KEYS)}")
    try:
        with zipfile.ZipFile(path) as archive:
            a = _arrays(path, archive)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{path} is damaged ({error}); expected an npz file of pen strokes") from error
    xy, pen_up, offsets, labels, writers = (a[key] for key in KEYS)
    _require_shapes(path, a)
    ends = np.flatnonzero(pen_up) + 1
    before = np.searchsorted(ends, offsets, side="right")  # strokes before each item
    xy = xy.astype(np.float32)
    inks = []
    for n in range(len(labels)):
        cuts = ends[before[n] : before[n + 1]]
        if not len(cuts) or cuts[-1] != offsets[n + 1]:
            raise DataError(f"{path}: the last point of item {n} has pen_up 0; expected 1, the end of a stroke")
        if not labels[n]:
            raise DataError(f"{path}: the label of item {n} is empty; expected text")
        starts = (int(offsets[n]), *cuts[:-1])
        strokes = tuple(xy[i:j] for i, j in zip(starts, cuts))
        inks.append(Ink(strokes, str(labels[n]), str(writers[n])))
    return inks


def _arrays(path: Path, archive: zipfile.ZipFile) -> dict[str, Array]:
    """The arrays of an npz file by key, once their headers and kinds are known to be right."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    total = sum(info.file_size for info in members.values())
    if total > LARGEST:
        raise DataError(f"{path} would unpack to {total} bytes; expected at most {LARGEST}")
    found = {}
    for key, kinds in KEYS.items():
        if key not in members:
            raise DataError(f"{path} has no array {key!r}; expected {', '.join(KEYS)}")
        with archive.open(members[key]) as file:
            shape, dtype = _header(path, key, file)
            if dtype.kind not in kinds:
                raise DataError(f"{path}: {key} holds {dtype}; expected {_in_words(kinds)}")
            needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if file.tell() + needed != members[key].file_size:
                raise DataError(f"{path}: {key} claims shape {shape} of {dtype}, but holds another number of bytes")
        with archive.open(members[key]) as file:
            found[key] = np.lib.format.read_array(file, allow_pickle=False)
    return found


def _header(path: Path, key: str, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    except ValueError as error:
        raise DataError(f"{path}: {key} is no NumPy array ({error})") from error
    return shape, dtype


def _in_words(kinds: str) -> str:
    return "text" if kinds == "U" else "numbers" if "f" in kinds else "integers"


def _require_shapes(path: Path, a: dict[str, Array]) -> None:
    """Raise DataError unless the arrays of a file fit each other."""
    n, points = len(a["labels"]), len(a["xy"])
    wanted = {"xy": (points, 2), "pen_up": (points,), "offsets": (n + 1,), "labels": (n,), "writer_file": (n,)}
    for key, shape in wanted.items():
        if a[key].shape != shape:
            raise DataError(f"{path}: {key} has shape {a[key].shape}; expected {shape}")
    offsets = a["offsets"].astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != points or (np.diff(offsets) < 1).any():
        raise DataError(f"{path}: offsets do not rise from 0 to {points}, the number of points, one item after another")
    if a["xy"].dtype.kind == "f" and not np.isfinite(a["xy"]).all():
        raise DataError(f"{path}: xy holds NaN or infinity; expected coordinates")


# UNIPEN files


class _Block(NamedTuple):
    """One component: what was written, or moved above the paper, between two changes of the pen."""

    down: bool
    points: Array  # (n, 2)


class _Segment(NamedTuple):
    where: str  # file and line
    level: str  # WORD, CHARACTER, …
    parts: str  # "0-4,7"
    label: str


_PART = re.compile(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?")


def load_unipen(path: Path, level: str | None = None, counts: str | None = None) -> list[Ink]:
    """Read the labelled segments of a UNIPEN file and of what it includes.

    Args:
        level: the segments to take: "WORD", "CHARACTER", …; None for all.
        counts: what component numbers count: "down" (pen-down blocks) or "both"; None: as the donor is known to do.
    Raises:
        DataError: names file and line: an included file that is missing, no number, a segment whose components do not
            exist, hold no ink, or cannot be understood.
        FileNotFoundError: no such file.
    """
    path = Path(path)
    blocks: list[_Block] = []
    segments: list[_Segment] = []
    donors: list[str] = []
    _parse(path, (), blocks, segments, donors)
    parts = path.as_posix().split("/")
    home = len(parts) - 1 - parts[::-1].index("data") if "data" in parts else len(parts) - 1
    writer = "/".join(parts[home:])
    known = any(name in COUNT_BOTH for name in (*donors, *writer.split("/")))
    both = known if counts is None else counts == "both"
    numbered = blocks if both else [block for block in blocks if block.down]
    return [
        Ink(_select(segment, numbered), segment.label, writer)
        for segment in segments
        if level is None or segment.level == level.upper()
    ]


def _parse(
    path: Path, above: tuple[Path, ...], blocks: list[_Block], segments: list[_Segment], donors: list[str]
) -> None:
    """Add the components and segments of one file, and of what it includes, in their order."""
    if path in above or len(above) > 8:
        raise DataError(f"{above[-1]} includes {path}, which includes it; expected files that end somewhere")
    text = read_file(path, "a UNIPEN file").decode("latin-1")  # older than UTF-8: comments are in Latin-1
    if "\0" in text:
        raise DataError(f"{path} holds NUL; expected a UNIPEN text file")
    columns = ["X", "Y"]
    for line, word, rest in _keywords(text):
        where = f"{path}, line {line}"
        if word == "COORD":
            columns = rest.upper().split()
            if "X" not in columns or "Y" not in columns:
                raise DataError(f"{where}: .COORD names {rest!r}; expected X and Y among its columns")
        elif word in ("PEN_DOWN", "PEN_UP"):
            blocks.append(_Block(word == "PEN_DOWN", _points(where, rest, columns)))
        elif word == "INCLUDE":
            donors.append(PureWindowsPath(rest).parts[0] if rest else "")
            _parse(_find(where, path, rest), (*above, path), blocks, segments, donors)
        elif word == "SEGMENT":
            segments.append(_segment(where, rest))


def _keywords(text: str) -> Iterable[tuple[int, str, str]]:
    """(line, keyword, all that follows up to the next keyword)."""
    start, word, rest = 0, "", []  # type: int, str, list[str]
    for k, line in enumerate(text.split("\n"), start=1):
        if line.startswith(".") and line[1:2].isalpha():
            yield start, word, "\n".join(rest).strip()
            word, _, after = line[1:].partition(" ") if " " in line else line[1:].partition("\t")
            start, word, rest = k, word.strip().upper(), [after]
        else:
            rest.append(line)
    yield start, word, "\n".join(rest).strip()


def _points(where: str, text: str, columns: Sequence[str]) -> Array:
    values = text.split()
    try:
        table = np.array(values, np.float32)
    except ValueError:
        bad = next(value for value in values if not re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", value, re.IGNORECASE))
        raise DataError(f"{where}: {bad!r} is no number; expected {' '.join(columns)} of every point") from None
    if len(table) % len(columns) or not np.isfinite(table).all():
        raise DataError(f"{where}: the block holds {len(table)} values; expected {' '.join(columns)} of every point")
    return table.reshape(-1, len(columns))[:, [columns.index("X"), columns.index("Y")]]


def _find(where: str, path: Path, name: str) -> Path:
    """An included file: beside the file, in a folder above it, or in `include` there."""
    parsed = PureWindowsPath(name)  # understands both / and \
    if not name or parsed.drive or parsed.root or ".." in parsed.parts:
        raise DataError(f"{where}: .INCLUDE names {name!r}; expected a path below the folder of the data")
    for folder in path.absolute().parents:
        for place in (folder / "include" / Path(*parsed.parts), folder / Path(*parsed.parts)):
            if place.is_file():
                return place
    raise DataError(f"{where} includes {name}, which is not there; expected it in the folder 'include' beside 'data'")


def _segment(where: str, rest: str) -> _Segment:
    """`WORD 0-4,7 ? "label"`."""
    found = re.match(
        r"(\S+)\s+([\d:,\-][\d:,\-\s]*?)\s+(?:(\?|[A-Za-z]\w*)\s*)?(?:\"(.*)\"|(\S*))\s*$", rest, re.DOTALL
    )
    if found is None:
        raise DataError(f'{where}: .SEGMENT {rest!r} cannot be understood; expected as in WORD 0-4 ? "arc"')
    level, parts, _, quoted, bare = found.groups()
    label = (bare if quoted is None else quoted).replace('\\"', '"').replace("\\\\", "\\")
    return _Segment(where, level.upper(), re.sub(r"\s", "", parts), label)


def _select(segment: _Segment, blocks: Sequence[_Block]) -> tuple[Array, ...]:
    """The strokes that a segment names."""
    strokes = []
    for part in filter(None, segment.parts.split(",")):
        found = _PART.fullmatch(part)
        if found is None:
            raise DataError(f"{segment.where}: {part!r} names no components; expected as in 3, 3-5 or 3:10-5:2")
        first, start, last, stop = found.groups()
        a, b = int(first), int(last if last is not None else first)
        if a > b or b >= len(blocks):
            raise DataError(f"{segment.where}: components {part} are named; expected them from 0 to {len(blocks) - 1}")
        for k in range(a, b + 1):
            end = None
            if k == b and (stop or (last is None and start)):
                end = int(stop or start) + 1
            points = blocks[k].points[int(start or 0) if k == a else 0 : end]
            if blocks[k].down and len(points):
                strokes.append(points)
    if not strokes:
        raise DataError(
            f"{segment.where}: {segment.label!r} holds no point; expected ink in components {segment.parts}"
        )
    return tuple(strokes)
