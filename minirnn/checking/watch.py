"""Noticing what a function changes: arrays made read-only for a call, and their contents compared afterwards.

Either alone can be evaded: a read-only view says nothing about the array behind it and `np.add.at` ignores the flag,
while a comparison misses what is written and put back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def walk(thing: Any, place: str = "", inside: frozenset[int] = frozenset()) -> Iterator[tuple[str, Any]]:
    """Every array, number and string inside tuples, lists, dicts and plain objects, with its place: `cache[0].h`.

    A container comes before its parts, as a line that says how many there are. `inside` holds the containers that
    the walk is in, so that one that holds itself does not go on for ever.
    """
    parts = _parts(thing, place)
    if isinstance(thing, np.ndarray | np.generic | int | float | complex | str | bytes):
        yield place, thing
    elif parts is not None and id(thing) not in inside:
        yield place, f"{type(thing).__name__} of {len(parts)}"
        for part_place, part in parts:
            yield from walk(part, part_place, inside | {id(thing)})


def _parts(thing: Any, place: str) -> list[tuple[str, Any]] | None:
    """What a container holds; None for what is no container (a function, a generator of random numbers, …)."""
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):
        return [(f"{place}.{name}", part) for name, part in zip(thing._fields, thing)]
    if isinstance(thing, tuple | list):
        return [(f"{place}[{i}]", part) for i, part in enumerate(thing)]
    if isinstance(thing, dict):
        return [(f"{place}[{key!r}]", part) for key, part in thing.items()]
    if isinstance(thing, type | types.ModuleType) or callable(thing):
        return None
    if dataclasses.is_dataclass(thing):
        return [(f"{place}.{field.name}", getattr(thing, field.name)) for field in dataclasses.fields(thing)]
    if hasattr(thing, "__dict__"):
        return [(f"{place}.{name}", part) for name, part in vars(thing).items()]
    return None


def fingerprint(thing: Any, place: str = "") -> dict[str, Any]:
    """What is at every place, to compare before and after: equal exactly when every bit is."""

    def print_of(leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray):
            return leaf.dtype.str, leaf.shape, leaf.tobytes()
        return repr(leaf)

    return {where: print_of(leaf) for where, leaf in walk(thing, place)}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The places that differ; a container only when nothing inside it does."""
    places = [p for p in {**before, **after} if before.get(p) != after.get(p)]
    return [p for p in places if not any(q.startswith((p + ".", p + "[")) for q in places)]


@contextlib.contextmanager
def frozen(thing: Any) -> Iterator[None]:
    """Every array inside is read-only for a while."""
    arrays = [leaf for _, leaf in walk(thing) if isinstance(leaf, np.ndarray) and leaf.flags.writeable]
    for array in arrays:
        array.flags.writeable = False
    try:
        yield
    finally:
        for array in sorted(arrays, key=lambda a: a.base is not None):  # a view is writable only if its owner is
            array.flags.writeable = True


def watched(
    who: str, make: Callable[[], tuple[Callable[[], Any], dict[str, Any]]], failures: list[str]
) -> tuple[Any, dict[str, Any]]:
    """Run a call under watch; what it writes to is added to `failures`, by name.

    Args:
        who: "forward" or "backward", for the sentences.
        make: gives a call and, by name, the things that it must not change. A call that stumbles over a read-only array
            is made once more, on things of its own that are left writable: so the rest of a check can go on.
        failures: gets one sentence for every array that changed.
    Returns:
        What the call returned, and the things.
    Raises:
        What the call raises, apart from stumbling.
    """
    call, things = make()
    before, stumbled = _prints(things), False
    try:
        with frozen(things):
            result = call()
    except ValueError as error:
        if "read-only" not in str(error) and "writable" not in str(error):
            raise
        stumbled = True
        call, things = make()
        before = _prints(things)
        result = call()
    changed = differences(before, _prints(things))
    failures.extend(f"{who} changed {place} in place" for place in changed)
    if stumbled and not changed:
        failures.append(f"{who} writes into {' or '.join(things)} (and leaves the same values)")
    return result, things


def _prints(things: dict[str, Any]) -> dict[str, Any]:
    return {place: p for name, thing in things.items() for place, p in fingerprint(thing, name).items()}
