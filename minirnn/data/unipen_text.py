"""UNIPEN files as they were published: text with keywords at the start of lines (Guyon et al. 1994).

`.SEGMENT WORD 3-5 ? "arc"` says: the components 3 to 5, of unknown quality, are the word arc. Most donors count
pen-down blocks only; those in `COUNT_BOTH` count pen-up blocks as well.

Points stand in blocks behind `.PEN_DOWN` and `.PEN_UP`; `.COORD` names their columns; `.INCLUDE` puts another file in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np

from minirnn.data.files import read_file
from minirnn.errors import DataError
from minirnn.pair import Array

COUNT_BOTH = ("hpp", "nic", "pri")  # donors whose component numbers count pen-up blocks too


class Ink(NamedTuple):
    """One written word or character."""

    strokes: tuple[Array, ...]  # (n, 2) float32 each, x to the right, y up; at least one, none empty
    label: str
    writer: str  # the file that says who wrote it


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


def load_unipen(
    path: Path, level: str | None = None, counts: str | None = None, *, labelled: bool = False
) -> list[Ink]:
    """Read the labelled segments of a UNIPEN file and of what it includes.

    Args:
        level: the segments to take: "WORD", "CHARACTER", …; None for all.
        counts: what component numbers count: "down" (pen-down blocks) or "both"; None: as the donor is known to do.
        labelled: whether every segment taken must say what was written.
    Raises:
        DataError: names file and line: an included file that is missing, no number, a segment whose components do not
            exist, hold no ink, or cannot be understood, or, where `labelled`, one with an empty label.
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
    taken = [segment for segment in segments if level is None or segment.level == level.upper()]
    for segment in taken if labelled else ():
        if not segment.label.strip():
            raise DataError(f"{segment.where}: the label of {segment.level} {segment.parts} is empty; expected text")
    return [Ink(_select(segment, numbered), segment.label, writer) for segment in taken]


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
