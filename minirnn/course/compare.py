"""Hold a value against the right one: structure, shape, dtype, numbers. Leaf by leaf, with labels for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minirnn.course.exercise import Exercise
from minirnn.course.running import Bare
from minirnn.pair import Array

LETTERS = {
    "N": "batch", "T": "time steps", "D": "inputs", "H": "hidden units", "V": "words or classes", "L": "locations",
    "C": "channels", "F": "filters", "K": "kernel", "M": "outputs", "A": "query features", "E": "embedding",
}  # fmt: skip
TOLERANCE, TOLERANCE32 = (
    1e-5,
    5e-4,
)  # relative to the largest right value of the leaf; float32 answers pass the first too
NOTHING, NOTHING32 = 1e-12, 1e-6  # right values that are all smaller are zeros but for rounding
EXACT = 1e-7  # farther off than this, a float64 answer was computed in lower precision somewhere


@dataclass(frozen=True)
class Leaf:
    """One array (or number) of the result beside the right one."""

    label: str  # "dWh"
    axes: str  # "H H", or "" when not known
    truth: Array
    value: Array

    @property
    def error(self) -> float:
        """Largest difference relative to the largest right value; infinite where NaN or infinity differ."""
        return relative_error(self.value, self.truth)


@dataclass(frozen=True)
class Mismatch:
    """The result has the wrong structure, shape or dtype: what came and what was expected."""

    label: str
    says: str
    axes: str = ""
    truth: Any = None  # both arrays, where the shape alone is wrong
    value: Any = None


def relative_error(value: Array, truth: Array) -> float:
    """max |value - truth| / max |truth|, of arrays of one shape."""
    if truth.size == 0:
        return 0.0
    if "O" in (truth.dtype.kind, value.dtype.kind):  # no numbers
        return float("inf")
    if truth.dtype.kind not in "fc" and value.dtype.kind not in "fc":
        return 0.0 if np.array_equal(value, truth) else float("inf")
    nothing = NOTHING32 if truth.dtype == np.float32 else NOTHING
    value, truth = value.astype(float), truth.astype(float)
    finite = np.isfinite(truth)
    if not np.array_equal(finite, np.isfinite(value)) or not np.array_equal(
        truth[~finite], value[~finite], equal_nan=True
    ):
        return float("inf")
    scale = float(np.abs(truth[finite]).max(initial=0.0))
    difference = float(np.abs(value[finite] - truth[finite]).max(initial=0.0))
    return difference / scale if scale > nothing else difference


def leaves(exercise: Exercise, truth: Any, value: Any) -> list[Leaf | Mismatch]:
    """Every leaf of the result beside the right one, or what does not fit."""
    if exercise.normal is not None:
        truth, value = exercise.normal(truth), exercise.normal(value)
    labels = iter(exercise.outputs)
    if not (isinstance(value, tuple) and isinstance(truth, tuple) and len(value) == len(truth) == len(exercise.names)):
        return list(_pairs(truth, value, "the result", labels))
    return [leaf for name, t, v in zip(exercise.names, truth, value) for leaf in _pairs(t, v, name, labels)]


def _pairs(truth: Any, value: Any, where: str, labels: Iterator[tuple[str, str]]) -> Iterator[Leaf | Mismatch]:
    if isinstance(value, Bare):
        yield Mismatch(
            "the result",
            f"{_came(value.value)}; expected a pair (out, cache): what comes next, and what your backward needs",
        )
        return
    if truth is None:
        if value is not None:
            yield Mismatch(where, f"{where} is {_what(value)}; expected None: it is not differentiated")
        return
    if isinstance(truth, list) and all(isinstance(part, int | float) for part in truth):
        yield from _leaf(np.asarray(truth), value, next(labels, (where, "")))
        return
    if isinstance(truth, tuple | list):
        yield from _sequence(truth, value, where, labels)
        return
    if isinstance(truth, dict):  # of a known mistake
        if not isinstance(value, dict) or list(value) != list(truth):
            yield Mismatch(where, f"{where} is {_what(value)}; expected a dict of {', '.join(map(str, truth))}")
            return
        for key in truth:
            yield from _pairs(truth[key], value[key], f"{where}.{key}", labels)
        return
    label = next(labels, (where, ""))
    if isinstance(truth, np.ndarray) and truth.ndim and isinstance(value, list | tuple):
        yield Mismatch(label[0], f"{label[0]} is {_what(value)}; expected an array of {_described(truth, label[1])}")
        return
    yield from _leaf(np.asarray(truth), value, label)


def _sequence(truth: Any, value: Any, where: str, labels: Iterator[tuple[str, str]]) -> Iterator[Leaf | Mismatch]:
    kind = "list" if isinstance(truth, list) else "tuple"
    fields = getattr(truth, "_fields", ())
    wanted = f"{type(truth).__name__}({', '.join(fields)})" if fields else f"a {kind} of {len(truth)}"
    if value is None and where == "the result":
        yield Mismatch(where, f"the function returned None: is a return line missing? Expected {wanted}")
        return
    right = isinstance(value, list if kind == "list" else tuple) and len(value) == len(truth)
    if not right or (fields and getattr(value, "_fields", ()) != fields):
        yield Mismatch(
            where, f"{_came(value) if where == 'the result' else f'{where} is {_what(value)}'}; expected {wanted}"
        )
        return
    for k, (t, v) in enumerate(zip(truth, value)):
        name = fields[k] if fields else f"number {k + 1}"
        yield from _pairs(t, v, f"{where}.{name}" if where != "the result" else f"result {name}", labels)


def _leaf(truth: Array, value: Any, label: tuple[str, str]) -> Iterator[Leaf | Mismatch]:
    name, axes = label
    if value is None:
        yield Mismatch(name, f"{name} is None; expected {_described(truth, axes)}")
        return
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fciub" and array.dtype.kind != truth.dtype.kind:
        yield Mismatch(name, f"{name} is {_what(value)}; expected {_described(truth, axes)}")
        return
    if array.shape != truth.shape:
        yield Mismatch(name, f"{name} has shape {array.shape}; expected {_described(truth, axes)}", axes, truth, array)
        return
    if truth.dtype.kind in "iu" and truth.size and truth.ndim and array.dtype.kind == "f":
        yield Mismatch(name, f"{name} has dtype {array.dtype}; expected integers: a table is indexed with them")
        return
    if truth.dtype.kind == "f" and array.dtype.kind not in "fiub":
        yield Mismatch(name, f"{name} has dtype {array.dtype}; expected {truth.dtype}")
        return
    yield Leaf(name, axes, truth, array)


def _described(truth: Array, axes: str) -> str:
    """ "shape (3, 5), that is (N, H): N batch, H hidden units"."""
    letters = axes.split()
    if len(letters) != truth.ndim or not letters:
        return f"shape {truth.shape}" if truth.ndim else "a number"
    known = dict.fromkeys(letter for letter in letters if letter in LETTERS)
    meaning = ", ".join(f"{letter} {LETTERS[letter]}" for letter in known)
    return f"shape {truth.shape}, that is ({', '.join(letters)}){': ' + meaning if meaning else ''}"


def _what(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple | list):
        name = type(value).__name__
        return f"{name}({', '.join(value._fields)})" if hasattr(value, "_fields") else f"a {name} of {len(value)}"
    return f"a {type(value).__name__}"


def _came(value: Any) -> str:
    return (
        "the function returned None (is a return line missing?)"
        if value is None
        else f"the function returned {_what(value)}"
    )
