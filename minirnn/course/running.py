"""Run a learner's function on probes, with fresh read-only inputs, and say what came of each call."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn.course.given import resolve

Function = Callable[..., Any]
RESTORED = 1e-12  # x + eps - eps is not exactly x


class Style(NamedTuple):
    """How a function is called."""

    backward: bool  # f(*args[:lead], dout, cache), with the cache of forward(*args, **options)
    lead: int
    cache: bool  # f returns (out, cache)
    restores: bool = False  # f may write into its inputs while it runs, if they are as before when it returns


class Call(NamedTuple):
    """One call: the arguments of the function, or of the forward function that makes its cache."""

    args: tuple[Any, ...]
    options: dict[str, Any]
    dout: Any
    twice: bool  # call it a second time and compare


@dataclass(frozen=True)
class Run:
    """What came of one call."""

    kind: str  # "returned", "raised", "not implemented", "died" (the process ended or was stopped)
    value: Any = None  # what it returned; the cache of a forward function left out
    made: Any = None  # what the forward function returned, for a backward exercise
    changed: tuple[str, ...] = ()  # what the call wrote into: "dout.h", "the cache"
    again: bool = True  # whether a second call with the same inputs gave the same
    error: str = ""  # "IndexError: index 4 is out of bounds", or why the process ended
    line: int = 0  # in the learner's file
    code: str = ""  # that line


class Bare(NamedTuple):
    """A forward function returned this instead of (out, cache)."""

    value: Any


def run_calls(
    function: Function, forward: Function | None, style: Style, calls: tuple[Call, ...], file: str
) -> list[Run]:
    """Run all calls. After a stub's NotImplementedError or a failing import nothing more would come: it stops there."""
    runs = []
    for call in calls:
        runs.append(_run(function, forward, style, call, file))
        if runs[-1].kind == "not implemented":
            break
    return runs


def _run(function: Function, forward: Function | None, style: Style, call: Call, file: str) -> Run:
    with np.errstate(all="ignore"):  # NaN and infinity are judged by their values
        try:
            return _attempt(function, forward, style, call, frozen=True)
        except NotImplementedError as error:
            return Run("not implemented", error=str(error))
        except Exception as error:  # noqa: BLE001  whatever a learner's code raises is an outcome
            failed = _failure(error, file)
            if not isinstance(error, ValueError) or "read-only" not in str(error):
                return failed
            try:  # it writes into its inputs: let it, to see where and whether the values are right
                run = _attempt(function, forward, style, call, frozen=False)
            except Exception as error:  # noqa: BLE001
                return _failure(error, file)
            return Run(
                "returned",
                run.value,
                run.made,
                run.changed or ("an input",),
                run.again,
                line=failed.line,
                code=failed.code,
            )


def _attempt(function: Function, forward: Function | None, style: Style, call: Call, frozen: bool) -> Run:
    args, options, dout = resolve(copied(call.args)), resolve(copied(call.options)), copied(call.dout)
    made: Any = None
    if style.backward:
        assert forward is not None
        made, cache = forward(*args, **options)
        inputs = {"dout": dout, "the cache": cache}
        positional, keywords = (*args[: style.lead], dout, cache), {}
    else:
        inputs = {"": args, **options}
        positional, keywords = args, options
    before = copied(inputs)
    _freeze(inputs, frozen and not style.restores)
    value = function(*positional, **keywords)
    _freeze(inputs, False)
    changed = tuple(_changed(before, inputs, RESTORED if style.restores else 0.0))
    again = True
    if call.twice and not changed:
        if not style.backward:  # generators have moved on: make them anew
            positional, keywords = resolve(copied(call.args)), resolve(copied(call.options))
        again = _same(copied(value), function(*positional, **keywords))
    if style.cache:
        value = value[0] if type(value) is tuple and len(value) == 2 else Bare(value)  # a state of two is no pair
    return Run("returned", copied(value), copied(made), changed, again)


def _failure(error: BaseException, file: str) -> Run:
    """The error and the learner's line that it comes from: the last one of their file."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        return Run("raised", error=f"SyntaxError: {error.msg}", line=error.lineno or 0, code=(error.text or "").strip())
    last = frames[-1] if frames else None
    return Run("raised", error=f"{type(error).__name__}: {error}"[:500], line=last.lineno or 0 if last else 0,
               code=(last.line or "").strip() if last else "")  # fmt: skip


def failure(error: BaseException, file: str) -> Run:
    """What came of a file that could not be loaded."""
    return _failure(error, file)


def copied(value: Any) -> Any:
    """A deep copy of arrays inside tuples, lists and dicts; all else as it is."""
    if isinstance(value, np.ndarray):
        return np.array(value)  # of a masked array or a matrix a plain one
    if isinstance(value, tuple):
        parts = [copied(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [copied(part) for part in value]
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    return value


def arrays(value: Any, name: str = "") -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Every array in tuples, lists and dicts, with its name: ("state.h", array)."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, tuple | list):
        fields = getattr(value, "_fields", range(len(value)))
        for field, part in zip(fields, value):
            yield from arrays(part, f"{name}.{field}" if name else str(field))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from arrays(part, f"{name}.{key}" if name else str(key))


def _freeze(inputs: Any, frozen: bool) -> None:
    for _, array in arrays(inputs):
        if frozen or array.base is None:  # a view of a read-only array cannot be made writable, and need not
            array.flags.writeable = not frozen


def _changed(before: Any, after: Any, rounding: float = 0.0) -> Iterator[str]:
    for (name, a), (_, b) in zip(arrays(before), arrays(after)):
        same = a.shape == b.shape and (np.array_equal(a, b, equal_nan=a.dtype.kind == "f") or _near(a, b, rounding))
        if not same:
            yield "the cache" if name.startswith("the cache") else name.lstrip(".")
    for k, (part, other) in enumerate(zip(before.get("", ()), after.get("", ()))):
        if _plain(part) != _plain(other):
            yield str(k)


def _plain(value: Any) -> Any:
    """The numbers and texts in lists and tuples: what `arrays` does not see."""
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, int | float | str) else None


def _near(a: Any, b: Any, rounding: float) -> bool:
    return (
        rounding > 0 and a.dtype.kind == "f" and bool(np.allclose(a, b, rtol=rounding, atol=rounding, equal_nan=True))
    )


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b))
    if isinstance(a, np.ndarray | np.generic | float) and isinstance(b, np.ndarray | np.generic | float):
        return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True))
    return True  # a private cache of any kind
