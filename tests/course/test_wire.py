"""Values on the pipe: what goes in comes out, and nothing that a hostile process writes is more than a WireError."""

from __future__ import annotations

import io
import json
import struct
from typing import Any, NamedTuple

import numpy as np
import pytest

from minirnn.course import wire
from minirnn.course.exercise import Given
from minirnn.course.running import Call, Run, Style
from minirnn.functional import LSTMState, RNNParams


class Mine(NamedTuple):
    a: Any
    b: Any


def there_and_back(value: Any) -> Any:
    return wire.decode(wire.encode(value))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, tuple | list):
        return type(a).__name__ == type(b).__name__ and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and (a == b or a != a)


VALUES = [
    None, True, 0, -(10**30), 1.5, float("inf"), float("nan"), -0.0, 5e-324, "text äöü \u2028", "", [], (), {},
    [1, [2.5, None]], {"a": (1, "b"), "c": [True]},
    np.float32(0.1), np.int64(-3), np.bool_(True),
    np.zeros((0, 3)), np.array(2.5), np.arange(6).reshape(2, 3)[:, ::-1], np.array([np.nan, -np.inf]),
    np.array([1, 2], dtype=">i4"), np.array([1 + 2j]), np.array([True, False]), np.float16([1, 2]),
    LSTMState(np.ones((2, 3)), np.zeros((2, 3))), RNNParams(None, np.ones(1), np.ones(2)), Mine(1, (2, 3)),
    Style(True, 1, False, True), Call((np.ones(2), Given("rng", (3,))), {"mask": None}, np.ones(1), True),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=[f"{k}-{type(v).__name__}" for k, v in enumerate(VALUES)])
def test_there_and_back(value: Any) -> None:
    assert same(value, there_and_back(value))


def test_runs_and_streams() -> None:
    run = Run("returned", (np.ones(3),), None, ("dout.h",), False, "why", 7, "x = 1")
    stream = io.BytesIO()
    wire.send(stream, [run])
    wire.send(stream, "second")
    stream.seek(0)
    (back,) = wire.receive(stream)
    assert isinstance(back, Run)
    assert (back.kind, back.changed, back.again, back.error, back.line, back.code) == (
        "returned",
        ("dout.h",),
        False,
        "why",
        7,
        "x = 1",
    )
    assert wire.receive(stream) == "second"
    with pytest.raises(EOFError):
        wire.receive(stream)


def test_what_does_not_travel_comes_as_its_type() -> None:
    class Odd:
        pass

    back = there_and_back((Odd(), np.array([Odd()]), lambda: 0))
    assert type(back[0]).__name__ == "Odd"
    assert not any(callable(part) or isinstance(part, np.ndarray) for part in back)


def test_a_subclass_travels_as_plain_bytes() -> None:
    class Sly(np.ndarray):
        def __eq__(self, other: object) -> Any:
            return True

        __hash__ = None  # type: ignore[assignment]

    back = there_and_back(np.arange(3.0).view(Sly))
    assert type(back) is np.ndarray
    assert back.tolist() == [0, 1, 2]


@pytest.mark.parametrize("depth", [wire.DEPTH + 1, 900])
def test_deep_values_are_refused(depth: int) -> None:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    with pytest.raises(wire.WireError, match="nested too deeply"):
        wire.encode(value)


def message(head: bytes, blobs: tuple[bytes, ...] = (), count: int | None = None) -> bytes:
    parts = [struct.pack("<II", len(head), len(blobs) if count is None else count), head]
    return b"".join([*parts, *(struct.pack("<Q", len(blob)) + blob for blob in blobs)])


HOSTILE = {
    "empty": b"",
    "noise": b"x" * 100,
    "a length behind the end": struct.pack("<II", 2**20, 0) + b"{}",
    "a head too long": struct.pack("<II", wire.HEAD + 1, 0),
    "too many arrays": message(b"null", count=wire.BLOBS + 1),
    "arrays that are missing": message(b"null", count=5),
    "no JSON": message(b"nul"),
    "a bare number": message(b"5"),
    "two kinds": message(b'{"int": "1", "float": "2"}'),
    "an unknown kind": message(b'{"pickle": "x"}'),
    "a huge integer": message(json.dumps({"int": "9" * 10_000}).encode()),
    "objects": message(json.dumps({"array": ["|O", [1], 0, False]}).encode(), (bytes(8),)),
    "records": message(json.dumps({"array": [[["a", "<f8"]], [1], 0, False]}).encode(), (bytes(8),)),
    "a shape that does not fit": message(json.dumps({"array": ["<f8", [3], 0, False]}).encode(), (bytes(8),)),
    "an array that is not there": message(json.dumps({"array": ["<f8", [1], 3, False]}).encode()),
    "names that are no names": message(json.dumps({"named": ["x; import os", ["a b"], [None]]}).encode()),
    "fields that do not fit": message(json.dumps({"named": ["RNNState", ["h"], []]}).encode()),
    "a run of too few parts": message(b'{"run": []}'),
    "100,000 lists": message(b'{"list": [' * 100_000 + b"]}" * 100_000),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_messages(data: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(data)


def test_a_length_that_nobody_should_wait_for() -> None:
    with pytest.raises(wire.WireError, match="at most"):
        wire.receive(io.BytesIO(struct.pack("<Q", 2**60)))


def test_noise_is_never_worse_than_a_wire_error() -> None:
    rng, good = np.random.default_rng(0), bytearray(wire.encode([Run("returned", (np.ones(3), {"a": 1.5}))]))
    refused = 0
    for _ in range(2000):
        data = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            data[rng.integers(len(data))] = rng.integers(256)
        try:
            wire.decode(bytes(data))
        except wire.WireError:
            refused += 1
    assert 1000 < refused < 2000  # a changed digit is no error


def test_what_is_too_large_is_not_sent() -> None:
    with pytest.raises(wire.WireError, match="too large"):
        wire.encode(["x" * 100] * (wire.HEAD // 100))
    with pytest.raises(wire.WireError, match="too large"):
        wire.encode([np.zeros(0)] * (wire.BLOBS + 1))
