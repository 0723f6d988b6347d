"""Values as bytes and back, for the pipe to a process that is not trusted: JSON and raw arrays, no pickle."""

from __future__ import annotations

import json
import math
import struct
from collections import namedtuple
from functools import cache
from importlib import import_module
from typing import IO, Any

import numpy as np

from minirnn.course.exercise import Given
from minirnn.course.running import Bare, Call, Run, Style

LIMIT = 256 * 2**20  # bytes of one message
HEAD = 8 * 2**20  # bytes of its JSON: a few bytes of JSON become hundreds of bytes of objects
BLOBS = 60_000  # arrays in one message
DEPTH = 60  # of nesting
MODULES = (
    "minirnn.functional", "minirnn.unroll", "minirnn.optim", "minirnn.data.vocabulary", "minirnn.decode",
    "minirnn.models.encoder", "minirnn.models.captioner_params", "minirnn.models.captioner_parts",
    "minirnn.course.given",
)  # fmt: skip


class WireError(ValueError):
    """A message that cannot be read."""


@cache
def _named_tuples() -> dict[tuple[str, tuple[str, ...]], Any]:
    """Every named tuple of the framework, by name and fields."""
    found: dict[tuple[str, tuple[str, ...]], Any] = {(t.__name__, t._fields): t for t in (Bare, Call, Style)}
    for module in MODULES:
        for thing in vars(import_module(module)).values():
            if isinstance(thing, type) and issubclass(thing, tuple) and hasattr(thing, "_fields"):
                found[thing.__name__, thing._fields] = thing
    return found


def encode(value: Any) -> bytes:
    """One value as bytes.

    Raises:
        WireError: something that is no number, text, array, tuple, list or dict of such.
    """
    blobs: list[bytes] = []
    head = json.dumps(_plain(value, blobs, 0)).encode()
    size = sum(map(len, blobs))
    if len(head) > HEAD or len(blobs) > BLOBS or size > LIMIT // 2:
        raise WireError(
            f"the result is too large: {len(blobs)} arrays of {size} bytes, {len(head)} bytes of other values"
        )
    parts = [struct.pack("<II", len(head), len(blobs)), head]
    parts += [struct.pack("<Q", len(blob)) + blob for blob in blobs]
    return b"".join(parts)


def _plain(value: Any, blobs: list[bytes], depth: int) -> Any:
    if depth > DEPTH:
        raise WireError("the result is nested too deeply")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"int": str(value)} if abs(value) < 10**400 else {"other": "a very large int"}
    if isinstance(value, float):
        return {"float": value.hex() if math.isfinite(value) else str(value)}
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            return {"other": f"array of dtype {array.dtype}"}
        blobs.append(np.ascontiguousarray(array).tobytes())
        return {"array": [array.dtype.str, list(array.shape), len(blobs) - 1, isinstance(value, np.generic)]}
    if isinstance(value, Run):
        return {"run": [_plain(part, blobs, depth + 1) for part in vars(value).values()]}
    if isinstance(value, Given):
        return {"given": [value.kind, _plain(value.values, blobs, depth + 1)]}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"named": [type(value).__name__, list(value._fields), [_plain(v, blobs, depth + 1) for v in value]]}
    if isinstance(value, tuple | list):
        return {"tuple" if isinstance(value, tuple) else "list": [_plain(v, blobs, depth + 1) for v in value]}
    if isinstance(value, dict):
        return {"dict": [[str(k), _plain(v, blobs, depth + 1)] for k, v in value.items()]}
    return {"other": type(value).__name__}


def decode(data: bytes) -> Any:
    """The value of some bytes.

    Raises:
        WireError: the bytes are no message of `encode`.
    """
    try:
        length, count = struct.unpack_from("<II", data)
        if length > HEAD or count > BLOBS:
            raise WireError(f"a message of {count} arrays and {length} bytes of other values")
        place, blobs = 8 + length, []
        for _ in range(count):
            (size,) = struct.unpack_from("<Q", data, place)
            blobs.append(memoryview(data)[place + 8 : place + 8 + size])
            place += 8 + size
        return _built(json.loads(data[8 : 8 + length]), blobs)
    except WireError:
        raise
    except (struct.error, ValueError, TypeError, KeyError, IndexError, RecursionError, AttributeError) as error:
        raise WireError(f"unreadable message ({error})") from error


class Other:
    """Something that does not travel: a learner returned an object of this type."""

    def __init__(self, name: str) -> None:
        self.__class__ = type(name if name.isidentifier() else "object", (Other,), {})


def _built(plain: Any, blobs: list[memoryview]) -> Any:
    if plain is None or isinstance(plain, bool | str):
        return plain
    ((kind, body),) = plain.items()
    if kind == "int":
        return int(body)
    if kind == "float":
        return float.fromhex(body) if "0x" in body else float(body)
    if kind == "array":
        dtype, shape, index, scalar = body
        if np.dtype(dtype).kind not in "biufc":
            raise WireError(f"an array of dtype {dtype}")
        array = np.frombuffer(blobs[index], dtype=np.dtype(dtype)).reshape(shape).copy()
        return array[()] if scalar else array
    if kind == "run":
        return Run(*(_built(part, blobs) for part in body))
    if kind == "given":
        return Given(str(body[0]), _built(body[1], blobs))
    if kind == "named":
        name, fields, parts = body
        values = [_built(part, blobs) for part in parts]
        known = _named_tuples().get((name, tuple(fields)))
        return known(*values) if known else namedtuple(name, fields)(*values)
    if kind == "tuple":
        return tuple(_built(part, blobs) for part in body)
    if kind == "list":
        return [_built(part, blobs) for part in body]
    if kind == "dict":
        return {key: _built(part, blobs) for key, part in body}
    if kind == "other":
        return Other(str(body))
    raise WireError(f"an unknown kind {kind!r}")


def send(stream: IO[bytes], value: Any) -> None:
    """Write one message: its length, then its bytes."""
    data = encode(value)
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message.

    Raises:
        EOFError: the stream has ended.
        WireError: it is no message, or longer than LIMIT.
    """
    head = _exactly(stream, 8)
    (length,) = struct.unpack("<Q", head)
    if length > LIMIT:
        raise WireError(f"a message of {length} bytes; at most {LIMIT} are read")
    return decode(_exactly(stream, length))


def _exactly(stream: IO[bytes], count: int) -> bytes:
    parts, left = [], count
    while left:
        part = stream.read(left)
        if not part:
            raise EOFError("the stream has ended")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
