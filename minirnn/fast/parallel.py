"""Work split over threads. NumPy lets other threads run while it computes, so that plain Python threads are enough.

A matrix product has threads of its own; in small products they cost more than they bring, and they would fight with
these. So the parts of a split run with one BLAS thread each.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple, TypeVar

from numpy._core import _multiarray_umath as multiarray

Part = TypeVar("Part")
Result = TypeVar("Result")


class Blas(NamedTuple):
    """How many threads a matrix product uses."""

    get: Callable[[], int]
    set: Callable[[int], None]


@cache
def _blas() -> Blas | None:
    """The library behind NumPy's matrix products, or None where it is not OpenBLAS or does not say so."""
    try:
        library = ctypes.CDLL(multiarray.__file__)  # finds the symbols of what it was linked with
    except (OSError, TypeError):
        return None
    for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):  # as NumPy and others build it
        names = (f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set"))
        get, set_ = (getattr(library, name, None) for name in names)
        if get is not None and set_ is not None:
            return Blas(get, set_)
    return None


@cache
def workers() -> int:
    """How many threads share the work: as many as the matrix products use; 1 where these cannot be told to use one."""
    blas = _blas()
    return 1 if blas is None else max(1, blas.get())


def split(work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """The result of `work` for each part, in their order, so that sums do not depend on the number of threads."""
    if len(parts) < 2 or workers() < 2:
        yield from map(work, parts)
        return
    with one_blas_thread():
        yield from _pool().map(work, parts)


def halves(n: int) -> list[slice]:
    """Rows 0 to n as one slice for each thread."""
    count = min(n, workers()) or 1
    edges = [n * k // count for k in range(count + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:])]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers(), thread_name_prefix="minirnn")


_lock, _inside, _before = threading.Lock(), 0, 1


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread for every matrix product inside; nested and concurrent use is fine."""
    global _inside, _before
    blas = _blas()
    if blas is None:
        yield
        return
    with _lock:
        _inside += 1
        if _inside == 1:
            _before = blas.get()
            blas.set(1)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                blas.set(_before)
