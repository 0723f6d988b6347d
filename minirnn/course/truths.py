"""What the exercises ask for that the framework has no function of its own for: a plain gradient check in two parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minirnn.pair import Array


def numeric_gradient(f: Callable[[Array], float], x: Array, *, eps: float = 1e-5) -> Array:
    """The gradient of a function by central differences, one element after the other.

        g[i] = (f(x with eps added to x[i]) - f(x with eps taken from x[i])) / (2 * eps)      for every index i

    Args:
        f: takes an array of the shape of x, returns one number.
        x: floats of any shape; after the call it holds what it held before.
        eps: step of the differences.
    Returns:
        An array of the shape of x.
    Source: the truncation error falls as eps**2; that of a one-sided difference only as eps.
    """
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        plus, minus = x.copy(), x.copy()
        plus[index] += eps
        minus[index] -= eps
        gradient[index] = (f(plus) - f(minus)) / (2 * eps)
    return gradient


def relative_error(a: Array, n: Array, *, floor: float = 1e-12) -> float:
    """The largest relative difference of two gradients, as one number.

        e[i] = |a[i] - n[i]| / max(|a[i]|, |n[i]|, floor)      for every index i
        error = max over i of e[i]

    Args:
        a: the gradient from backward (analytic), floats of any shape.
        n: the gradient from differences (numeric), of the same shape.
        floor: the denominator is never below it, so that two values of 0 do not divide 0 by 0.
    Returns:
        The error, a float; 0 where both agree.
    """
    scale = np.maximum(np.maximum(np.abs(a), np.abs(n)), floor)
    return float((np.abs(a - n) / scale).max())
