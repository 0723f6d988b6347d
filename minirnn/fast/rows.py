"""Matrices with short rows: a vector added to every row, or the sum of all rows, at the speed of long ones.

An operation on (1,000,000, 8) and (8,) is a million short loops for NumPy. Seen as (1,000,000 / r, 8 r) it is the same
operation with the vector written r times side by side, and its loops are long.
"""

from __future__ import annotations

from math import gcd

import numpy as np

from minirnn.pair import Array

SMALL = 2**13  # values: with fewer, writing the vector out costs more than it saves
LONG = 256  # values: a loop as long as this hides what it costs to begin one


def widened(x: Array, *vectors: Array) -> tuple[Array, ...]:
    """A contiguous x (rows, C) with longer rows, a view of the same values, and vectors (C,) written to that length."""
    rows, C = x.shape
    if x.size < SMALL:
        return x, *vectors
    times = gcd(rows, 2 ** max(0, (LONG // max(C, 1)).bit_length()))
    if times < 2 or not x.flags.c_contiguous:
        return x, *vectors
    return x.reshape(rows // times, times * C), *(np.tile(v, times) for v in vectors)


def add_bias(x: Array, b: Array) -> None:
    """x (rows, C) += b (C,), in place."""
    wide, long = widened(x, b)
    wide += long


def column_sums(x: Array) -> Array:
    """The sum of all rows of x (rows, C), as a product with ones."""
    ones = np.ones(len(x), x.dtype)
    total: Array = ones @ x
    return total
