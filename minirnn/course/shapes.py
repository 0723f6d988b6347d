"""What stands out in results of the wrong structure or shape: transposed, not added up, a step too many, not packed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from minirnn.course.compare import LETTERS, TOLERANCE32, Mismatch, relative_error
from minirnn.course.running import Bare, arrays
from minirnn.pair import Array

SAME = 1e-6
Change = Callable[..., Any]
Makes = Callable[[Array, Array], tuple[Array, Array]]
Found = tuple[str, str]  # cause, key


def shape_causes(rows: list[list[Any]], truths: list[Any], values: list[Any]) -> list[Found]:
    """The likely causes of a wrong structure: of the result as a whole, else of each array of the wrong shape.

    Args:
        rows: for every probe, its leaves and mismatches.
        truths, values: for every probe, the right result and what came.
    """
    whole = _packing(truths, values)
    if whole:
        return [whole]
    cells: dict[str, list[Any]] = {}
    for part in (part for row in rows for part in row):
        if isinstance(part, Mismatch) and not isinstance(part.value, np.ndarray):
            return []
        if isinstance(part, Mismatch) or not part.error <= TOLERANCE32:
            cells.setdefault(part.label, []).append(part)
    causes = {label: _relation(parts) for label, parts in cells.items()}
    return [(f"{label} {cause[0]}", cause[1]) for label, cause in causes.items() if cause]


def _packing(truths: list[Any], values: list[Any]) -> Found | None:
    """Right numbers in the wrong container."""
    if not truths:
        return None
    fits = [_flat_same(t, v.value if isinstance(v, Bare) else v) for t, v in zip(truths, values)]
    bare = [isinstance(v, Bare) for v in values]
    if all(bare) and all(fits):
        return (
            "the result is right but alone: the cache, what your backward will need, is returned beside it",
            "no-cache",
        )
    if any(bare) or not all(fits):
        return None
    kind = type(truths[0]).__name__ if hasattr(truths[0], "_fields") else ""
    fields = ", ".join(getattr(truths[0], "_fields", ()))
    wanted = f": return {kind}({fields})" if kind else ""
    return f"the numbers are right, but not packed as they should be{wanted}", "not-packed"


def _flat_same(truth: Any, value: Any) -> bool:
    """Whether both hold the same arrays in the same order, in containers that differ."""
    mine, theirs = [a for _, a in arrays(value)], [a for _, a in arrays(truth)]
    return (
        0 < len(theirs) <= len(mine) <= len(theirs) + 1
        and (len(mine) == len(theirs) or isinstance(value, tuple))
        and all(a.shape == b.shape and relative_error(a, b) <= SAME for a, b in zip(mine, theirs))
    )


def _relation(parts: list[Any]) -> Found | None:
    """How arrays of the wrong shape follow from the right ones, the same way on every probe."""
    axes = parts[0].axes.split()
    for says, key, makes in _relations(axes, max(np.ndim(p.truth) for p in parts)):
        if all(_fits(makes, p.truth, p.value) for p in parts):
            return says, key
    return None


def _fits(makes: Makes, truth: Array, value: Array) -> bool:
    try:
        a, b = makes(truth, value)
    except (ValueError, IndexError):
        return False
    return np.shape(a) == np.shape(b) and relative_error(np.asarray(a), np.asarray(b)) <= SAME


def _relations(axes: list[str], ndim: int) -> Iterator[tuple[str, str, Makes]]:
    """Makers of two arrays that are equal where the relation holds."""

    def name(k: int) -> str:
        letter = axes[k] if k < len(axes) else ""
        return f"axis {k}" + (f" ({letter}{', ' + LETTERS[letter] if letter in LETTERS else ''})" if letter else "")

    for i in range(ndim):
        for j in range(i + 1, ndim):
            exchanged = f"is transposed: {name(i)} and {name(j)} are exchanged"
            yield exchanged, "transposed", _made(truth=partial(np.swapaxes, axis1=i, axis2=j))
    for k in range(ndim + 1):
        yield f"has an axis of length 1 too many, axis {k}", "axis-too-many", _made(value=partial(np.squeeze, axis=k))
        yield f"is not added up over axis {k} of its own shape", "not-summed", _made(value=partial(np.sum, axis=k))
    for k in range(ndim):
        kept = f"is added up over {name(k)}, which should stay"
        yield kept, "summed-too-much", _made(truth=partial(np.sum, axis=k))
        for place, end in ((-1, "at the end"), (0, "at the beginning")):
            many = f"has one entry too many along {name(k)}, {end}"
            yield many, "one-too-many", _made(value=partial(np.delete, obj=place, axis=k))
        yield f"holds every entry along {name(k)} twice", "twice", _made(truth=partial(np.repeat, repeats=2, axis=k))
        yield f"holds everything along {name(k)} twice", "twice", _made(truth=partial(_doubled, axis=k))
        for place, which in ((-1, "last"), (0, "first")):
            alone = f"has the {which} entry along {name(k)} alone"
            yield alone, f"{which}-only", _made(truth=partial(np.take, indices=place, axis=k))
    yield "is added up over everything, to one number", "summed-too-much", _made(np.sum, _number)
    yield "has the right numbers in another shape", "reshaped", _made(np.ravel, np.ravel)


def _made(truth: Change | None = None, value: Change | None = None) -> Makes:
    return lambda t, v: (truth(t) if truth else t, value(v) if value else v)


def _doubled(x: Array, axis: int) -> Array:
    return np.concatenate([x, x], axis=axis)


def _number(x: Array) -> Array:
    return x.reshape(())
