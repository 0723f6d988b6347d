"""The four ways in which captioned pictures come: what each file says, row by row, before anything is checked on disk.

    CSV      header `image,caption`, then name,"caption" (Flickr8k as on Kaggle); one line is one caption
    token    name.jpg#0<tab>caption (Flickr8k.token.txt)
    dataset  JSON: images[]: filename, filepath, split, sentences[]: raw or tokens (Karpathy)
    COCO     JSON: images[]: id, file_name; annotations[]: image_id, caption

A file that is no such thing raises DataError. A bad row goes, in one sentence, to the function `complain`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from minirnn.data.files import read_file
from minirnn.data.strict_json import not_utf8, strict_json
from minirnn.errors import DataError

SPLIT_NAMES = {"train": "train", "restval": "train", "val": "val", "test": "test"}  # restval: Karpathy's spare COCO val

_BOM = b"\xef\xbb\xbf"
_HEADER = ["image", "caption"]
_TOKEN_NAME = re.compile(r"(.+)#\d+")
_EXPECTED = (
    "captions: a file with the header image,caption, or lines name.jpg#0<tab>caption, or Karpathy's or COCO's JSON"
)

Complain = Callable[[str], None]


class Row(NamedTuple):
    """What a file says of one picture: all of its captions in JSON, one caption in the line formats."""

    where: str  # for messages: "captions.txt, line 3"
    name: str  # of the picture, as written
    folder: str  # of the picture, "" where the file does not say
    captions: tuple[str, ...]
    split: str  # train, val, test, or "" where the file does not say


def read_rows(path: Path, complain: Complain) -> Iterator[Row]:
    """The rows of a caption file of any of the four formats, told apart by what is in them."""
    data = read_file(path, _EXPECTED)
    if path.suffix.lower() == ".json" or data.removeprefix(_BOM).lstrip().startswith(b"{"):
        return _json_rows(path, strict_json(data, str(path), "Karpathy's or COCO's JSON"), complain)
    return _line_rows(path, data, complain)


def _line_rows(path: Path, data: bytes, complain: Complain) -> Iterator[Row]:
    lines = _lines(path, data, complain)
    number, first = next(lines, (1, ""))
    if [field.strip().lower() for field in first.split(",")] == _HEADER:
        parse = _parse_csv
    elif "\t" in first:
        parse = _parse_token
        yield from _one_row(path, number, first, parse, complain)
    else:
        raise DataError(f"{path}, line {number}: {first[:60]!r}; expected {_EXPECTED}")
    for number, line in lines:
        yield from _one_row(path, number, line, parse, complain)


def _one_row(
    path: Path, number: int, line: str, parse: Callable[[str], tuple[str, str]], complain: Complain
) -> Iterator[Row]:
    where = f"{path}, line {number}"
    try:
        name, caption = parse(line)
    except ValueError as error:
        complain(f"{where}: {error}")
    else:
        yield Row(where, name.strip(), "", (caption,), "")


def _lines(path: Path, data: bytes, complain: Complain) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, numbered from 1. Split at \\n alone: `splitlines` would split at VT and U+2028 too."""
    start = 0  # of the line, in bytes
    for number, raw in enumerate(data.split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8").rstrip("\r")
            if number == 1:
                line = line.removeprefix(_BOM.decode())  # not by "utf-8-sig": its error offsets leave out the mark
            if "\0" in line:
                complain(f"{path}, line {number}: a NUL character at byte {start + raw.index(0)}; expected text")
            elif line:
                yield number, line
        except UnicodeDecodeError as error:
            complain(not_utf8(f"{path}, line {number}", start + error.start, error))
        start += len(raw) + 1


def _parse_csv(line: str) -> tuple[str, str]:
    try:
        fields = next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise ValueError(f"{line[:60]!r} is no row of a CSV file: {error}") from error
    if len(fields) != 2:
        raise ValueError(f"{line[:60]!r} has {len(fields)} fields; expected 2: image,caption (quote a comma)")
    return fields[0], fields[1]


def _parse_token(line: str) -> tuple[str, str]:
    fields = line.split("\t")
    match = _TOKEN_NAME.fullmatch(fields[0])
    if len(fields) != 2 or not match:
        raise ValueError(f"{line[:60]!r}; expected name.jpg#0, a tab and a caption")
    return match[1], fields[1]


def _json_rows(path: Path, content: Any, complain: Complain) -> Iterator[Row]:
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise DataError(f"{path} holds no list 'images'; expected Karpathy's dataset JSON or COCO's captions JSON")
    if "annotations" in content:
        yield from _coco_rows(path, content["images"], content["annotations"], complain)
    else:
        yield from _karpathy_rows(path, content["images"], complain)


def _karpathy_rows(path: Path, images: list[Any], complain: Complain) -> Iterator[Row]:
    for n, image in enumerate(images):
        where = f"{path}, images[{n}]"
        try:
            name, folder = _get(image, "filename", str), _get(image, "filepath", str, "")
            split = _get(image, "split", str, "")
            sentences = [_sentence(s) for s in _get(image, "sentences", list)]
        except ValueError as error:
            complain(f"{where}: {error}")
            continue
        if split and split not in SPLIT_NAMES:
            complain(f"{where}: split is {split!r}; expected one of {', '.join(SPLIT_NAMES)}")
        else:
            yield Row(where, name, folder, tuple(sentences), SPLIT_NAMES.get(split, ""))


def _sentence(sentence: Any) -> str:
    raw: str = _get(sentence, "raw", str, "")
    if raw:
        return raw
    tokens = _get(sentence, "tokens", list)
    if not all(isinstance(token, str) for token in tokens):
        raise ValueError("'tokens' holds something else than strings; expected words")
    return " ".join(tokens)


def _coco_rows(path: Path, images: list[Any], annotations: Any, complain: Complain) -> Iterator[Row]:
    if not isinstance(annotations, list):
        raise DataError(f"{path}: 'annotations' is a {type(annotations).__name__}; expected a list")
    captions: dict[int | str, list[str]] = {}
    rows: list[tuple[str, str, list[str]]] = []
    for n, image in enumerate(images):
        where = f"{path}, images[{n}]"
        try:
            number, name = _get(image, "id", (int, str)), _get(image, "file_name", str)
        except ValueError as error:
            complain(f"{where}: {error}")
            continue
        if number in captions:
            complain(f"{where}: id {number!r} belongs to an earlier image, too; expected each id once")
        else:
            rows.append((where, name, captions.setdefault(number, [])))
    for n, annotation in enumerate(annotations):
        where = f"{path}, annotations[{n}]"
        try:
            number, caption = _get(annotation, "image_id", (int, str)), _get(annotation, "caption", str)
        except ValueError as error:
            complain(f"{where}: {error}")
            continue
        if number in captions:
            captions[number].append(caption)
        else:
            complain(f"{where}: image_id {number!r} is the id of no image that can be used")
    for where, name, own in rows:
        yield Row(where, name, "", tuple(own), "")


def _get(record: Any, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
    """A field of a JSON object, of one of these types. Raises ValueError when it is missing without a default."""
    if not isinstance(record, dict):
        raise ValueError(f"a {type(record).__name__}; expected an object with {key!r}")
    value = record.get(key, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise ValueError(f"{key!r} is {str(value)[:60]!r}; expected {' or '.join(k.__name__ for k in kinds)}")
    return value
