"""JSON as the standard has it: Python alone would take NaN, and of two equal keys silently the last."""

from __future__ import annotations

import json
from typing import Any

from minirnn.errors import DataError


def strict_json(data: bytes, where: str, expected: str) -> Any:
    """What a JSON file, or a line of one, holds; a byte order mark in front is passed over.

    Args:
        where: the file, or file and line, for the messages.
        expected: what it should hold: "strokes of points".
    Raises:
        DataError: not UTF-8, no JSON, a key that stands twice, NaN or infinity, lists or objects too deep.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise DataError(f"{where}: the key {twice!r} stands twice in one object; expected it once")
        return record

    def no_constant(name: str) -> None:
        raise DataError(f"{where} holds {name}, which is no JSON; expected a number")

    try:
        text = data.decode("utf-8").removeprefix("\ufeff")  # not by "utf-8-sig": its error offsets leave out the mark
        return json.loads(text, object_pairs_hook=once, parse_constant=no_constant)
    except UnicodeDecodeError as error:
        line = f", line {data.count(10, 0, error.start) + 1}" if 10 in data else ""
        raise DataError(not_utf8(where + line, error.start, error)) from error
    except RecursionError as error:
        raise DataError(f"{where} nests objects or lists too deep; expected {expected}") from error
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{where} is no JSON: {error}") from error


def not_utf8(where: str, offset: int, error: UnicodeDecodeError) -> str:
    """The sentence on a byte that is no text; `offset`: its place in the file or line that `where` names."""
    byte = error.object[error.start]
    return f"{where}: byte 0x{byte:02x} at offset {offset} is not UTF-8; save the file as UTF-8"
