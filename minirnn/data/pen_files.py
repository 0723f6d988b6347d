"""Files of handwriting for the online reader: to learn from, with labels, and to read, without."""

from __future__ import annotations

from pathlib import Path

from minirnn.data.digest import digest
from minirnn.data.ndjson import load_drawings, load_strokes
from minirnn.data.unipen import load_ink, unipen_files
from minirnn.data.unipen_text import Ink, load_unipen
from minirnn.errors import DataError


def load_written(path: Path) -> list[Ink]:
    """Handwriting to learn from: an npz file, or UNIPEN files, of which the words are taken, else the characters.

    Raises:
        DataError, FileNotFoundError: as `load_ink`; no UNIPEN segment of these levels, or one whose label is empty.
    """
    return _load(path, labelled=True)


def _load(path: Path, labelled: bool) -> list[Ink]:
    """An npz file, or the words of UNIPEN files; their characters where there is no word."""
    if path.suffix.lower() == ".npz" and not path.is_dir():
        return load_ink(path)
    files = unipen_files(path)
    for level in ("WORD", "CHARACTER"):
        if inks := [ink for file in files for ink in load_unipen(file, level, labelled=labelled)]:
            return inks
    raise DataError(f"{path} holds no .SEGMENT of level WORD or CHARACTER; expected labelled handwriting")


def load_unlabelled(path: Path) -> list[Ink]:
    """Handwriting to read: by the name of the file, npz, ndjson, JSON, or else UNIPEN. A label may be empty.

    Raises:
        DataError, FileNotFoundError: as the readers of these forms.
    """
    kind = path.suffix.lower()
    if kind == ".ndjson":
        return load_drawings(path)
    if kind == ".json":
        return [Ink(load_strokes(path), "", "")]
    return _load(path, labelled=False)


def fingerprint(splits: dict[str, list[Ink]]) -> str:
    """Changes when any point, label or split does."""
    return digest((name, ink.label, ink.strokes) for name, inks in splits.items() for ink in inks)
