"""Pen strokes as JSON: the drawings of Quick, Draw!, one object a line (ndjson), or a plain list of strokes.

    {"word": "angel", "countrycode": "US", …, "drawing": [[[x, x, …], [y, y, …]], …]}      one a line: `load_drawings`
    [[[x, y], [x, y], …], …]                                              a file: strokes, of points: `load_strokes`

Both count y down, as screens do; what is read here counts y up, as everywhere in minirnn.

Source of the first form: Google's Quick, Draw! data set, CC BY 4.0; its raw files have times behind the y.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.data.files import read_file
from minirnn.data.strict_json import strict_json
from minirnn.data.unipen_text import Ink
from minirnn.errors import DataError
from minirnn.pair import Array

EXPECTED = "strokes of points"
LARGEST = 1e9  # a coordinate beyond it is a mistake, and its square would not fit into float32


def load_drawings(path: Path) -> list[Ink]:
    """All drawings of an ndjson file; the label is the word, the writer the drawing's `key_id`.

    Raises:
        DataError: names file and line: not UTF-8, no JSON, a key twice, NaN, lists too deep, no word, a drawing without
            a stroke, x and y of different lengths, something that is no number; or there is no line.
        FileNotFoundError: no such file.
    """
    path = Path(path)
    inks = []
    for k, raw in enumerate(read_file(path, "an ndjson file of drawings").split(b"\n"), 1):
        if raw.strip():
            where = f"{path}, line {k}"
            inks.append(_drawing(where, strict_json(raw, where, EXPECTED)))
    if not inks:
        raise DataError(f"{path} holds no drawing; expected one JSON object a line")
    return inks


def load_strokes(path: Path) -> tuple[Array, ...]:
    """The strokes (n, 2) float32 of a JSON file `[[[x, y], …], …]`, y turned up.

    Raises:
        DataError: names the file: not UTF-8, no JSON, NaN, lists too deep, no stroke, something that is no point.
        FileNotFoundError: no such file.
    """
    path = Path(path)
    found = strict_json(read_file(path, "a JSON file of strokes"), str(path), EXPECTED)
    if not isinstance(found, list) or not found:
        raise DataError(f"{path} holds {_short(found)}; expected a list of strokes: [[[x, y], …], …]")
    return tuple(_points(f"{path}: stroke {k}", stroke) for k, stroke in enumerate(found))


def _drawing(where: str, record: Any) -> Ink:
    if not isinstance(record, dict):
        raise DataError(f"{where} holds {_short(record)}; expected an object with 'word' and 'drawing'")
    word, drawing, key = record.get("word"), record.get("drawing"), record.get("key_id", "")
    if not isinstance(word, str) or not word:
        raise DataError(f"{where}: 'word' is {_short(word)}; expected text")
    if not isinstance(key, (str, int)) or isinstance(key, bool):
        raise DataError(f"{where}: 'key_id' is {_short(key)}; expected text")
    if not isinstance(drawing, list) or not drawing:
        raise DataError(f"{where}: 'drawing' is {_short(drawing)}; expected a list of strokes [[x, …], [y, …]]")
    strokes = []
    for k, stroke in enumerate(drawing):
        if not isinstance(stroke, list) or len(stroke) not in (2, 3) or not all(isinstance(s, list) for s in stroke):
            raise DataError(f"{where}: stroke {k} is {_short(stroke)}; expected [[x, …], [y, …]]")
        x, y = stroke[:2]
        if not x or len(x) != len(y):
            raise DataError(f"{where}: stroke {k} has {len(x)} x and {len(y)} y; expected as many, at least one")
        strokes.append(_points(f"{where}: stroke {k}", list(zip(x, y))))
    return Ink(tuple(strokes), word, str(key))


def _points(where: str, points: Any) -> Array:
    """(n, 2) float32, y turned up."""
    if not isinstance(points, list) or not points:
        raise DataError(f"{where} is {_short(points)}; expected a list of points [x, y]")
    for point in points:
        if not isinstance(point, (list, tuple)) or len(point) != 2:
            raise DataError(f"{where} holds {_short(point)}; expected a point [x, y]")
        for value in point:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise DataError(f"{where} holds {_short(value)}; expected a coordinate")
            if not abs(value) <= LARGEST:  # NaN is not, either
                raise DataError(f"{where} holds {_short(value)}; expected a coordinate up to {LARGEST:g}")
    return np.array(points, np.float64).astype(np.float32) * np.array([1, -1], np.float32)


def _short(value: Any) -> str:
    """A value in a message, not longer than it needs to be."""
    text = "nothing" if value is None else json.dumps(value) if not isinstance(value, dict) else "an object"
    return text if len(text) <= 40 else f"{text[:37]}..."
