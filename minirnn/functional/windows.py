"""Windows over time: what a convolution along a sequence reads at each of its places."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.pair import Array, Pair, require_float


def windows_forward(x: Array, *, size: int, stride: int) -> tuple[Array, Any]:
    """The steps around every `stride`-th step, side by side; an affine map of them is a convolution over time.

        y[:, k] = concat(x[:, k * stride - left], …, x[:, k * stride - left + size - 1])
        left    = (size - stride) // 2

    Args:
        x: (N, T, D) floats, T at least 1; before its first and behind its last step are zeros.
        size: steps in a window, at least `stride`.
        stride: steps from one window to the next, at least 1.
    Returns:
        y (N, ceil(T / stride), size * D) and the cache.
    Raises:
        ValueError: x is not (N, T, D), T is 0, or size and stride are out of range.
    Source: im2col, Chellapilla et al. 2006, in one dimension.
    """
    require_float("x", x, 3, "(N, T, D)")
    if x.shape[1] == 0:
        raise ValueError(f"x has shape {x.shape}: no time step; expected T of at least 1")
    if not 1 <= stride <= size:
        raise ValueError(f"size is {size} and stride is {stride}; expected 1 <= stride <= size")
    N, T, D = x.shape
    count, left = -(-T // stride), (size - stride) // 2
    padded = np.zeros((N, (count - 1) * stride + size, D), x.dtype)  # (1)
    inside = padded[:, left : left + T]
    inside[:] = x[:, : inside.shape[1]]
    y = np.empty((N, count, size, D), x.dtype)
    for k in range(size):
        y[:, :, k] = padded[:, k : k + count * stride : stride]  # (2)
    return y.reshape(N, count, size * D), (x.shape, padded.shape, size, stride, left)


def windows_backward(dy: Array, cache: Any) -> tuple[Array]:
    """dy (N, ceil(T / stride), size * D) -> dx (N, T, D): a step's gradients add up over the windows that it is in."""
    (N, T, D), padded, size, stride, left = cache
    dpadded = np.zeros(padded, dy.dtype)
    dwindows = dy.reshape(N, dy.shape[1], size, D)
    for k in range(size):
        dpadded[:, k : k + dwindows.shape[1] * stride : stride] += dwindows[:, :, k]  # (2)
    return (dpadded[:, left : left + T].copy(),)  # (1)


windows = Pair(windows_forward, windows_backward, "windows")
