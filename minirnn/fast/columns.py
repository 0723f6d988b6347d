"""What the windows of a convolution see, laid out for a matrix product: `columns`, a row for each window, or `taps`, a
row for each value of the kernel. For a few pictures or rows at a time, while they are in the cache."""

from __future__ import annotations

from math import prod

import numpy as np

from minirnn.fast.scratch import scratch
from minirnn.functional.conv import Sides, windows_of
from minirnn.pair import Array

BLOCK = 2**19  # values of a block
KEEP = 5 * 10**6  # values of all columns of a layer that are kept for the backward pass, and multiplied at once
Part = tuple[slice, slice]  # pictures, rows of the output


def output_size(
    x: tuple[int, ...], W: tuple[int, ...], stride: tuple[int, int], sides: Sides
) -> tuple[int, int]:  # fmt: skip
    OH, OW = ((n + sum(side) - k) // s + 1 for n, side, k, s in zip(x[1:3], sides, W[:2], stride))
    return OH, OW


def blocks(N: int, OH: int, values: int, *, whole: bool = False) -> list[Part]:
    """Parts of the work, of about BLOCK values each: some pictures, or (unless `whole`) some rows of one picture."""
    images = max(1, BLOCK // max(1, values))
    rows = OH if whole else min(OH, max(1, BLOCK * OH // max(1, values)))
    return [
        (slice(n, min(N, n + images)), slice(r, min(OH, r + rows)))
        for n in range(0, N, images)
        for r in range(0, OH, rows)
    ]


def few(pixels: int, W: tuple[int, ...]) -> bool:
    """Whether all columns of so many output pixels may be kept."""
    return pixels * prod(W[:3]) <= KEEP


def all_columns(x: Array, W: tuple[int, ...], stride: tuple[int, int], sides: Sides) -> Array:
    """The windows of all pictures as rows (pixels, KH * KW * C), in memory of their own."""
    KH, KW, C, _ = W
    N, (OH, OW) = len(x), output_size(x.shape, W, stride, sides)
    whole = np.empty((N, OH, OW, KH, KW, C), x.dtype)
    return columns(x, (KH, KW), stride, sides, (slice(0, N), slice(0, OH)), OW, whole)


def columns(
    x: Array, size: tuple[int, int], stride: tuple[int, int], sides: Sides, part: Part, OW: int,
    out: Array | None = None,
) -> Array:  # fmt: skip
    """The windows of a part as rows (pixels, KH * KW * C), in scratch memory or in `out` (n, rows, OW, KH, KW, C)."""
    images, rows = part
    (top, _), (left, _) = sides
    (KH, KW), (sh, sw), C = size, stride, x.shape[3]
    n, height = images.stop - images.start, rows.stop - rows.start
    first, deep, wide = rows.start * sh - top, (height - 1) * sh + KH, (OW - 1) * sw + KW  # what is read, from where on
    if sides == ((0, 0), (0, 0)):
        seen = x[images, first : first + deep, :wide]
    else:
        seen = scratch("padded", (n, deep, wide, C), x.dtype)
        seen[...] = 0
        inside = x[images, max(0, first) : max(0, first + deep), : max(0, wide - left)]
        above = max(0, -first)
        seen[:, above : above + inside.shape[1], left : left + inside.shape[2]] = inside
    windows = scratch("columns", (n, height, OW, KH, KW, C), x.dtype) if out is None else out
    windows[...] = windows_of(seen, size, stride)
    return windows.reshape(-1, KH * KW * C)


def taps(x: Array, size: tuple[int, int], sides: Sides, part: Part) -> tuple[Array, tuple[int, int, int]]:
    """(KH * KW * C + 1, pixels): what each value of the kernel meets at every pixel of the padded pictures; their size.

    The last row is 1, what the bias meets: so it is part of the product. Pixels too far right or down for a window hold
    what follows in memory; nobody reads the outputs there.
    """
    (top, bottom), (left, right) = sides
    (KH, KW), pictures = size, x[part[0]]
    N, H, W, C = pictures.shape
    height, width = H + top + bottom, W + left + right
    pixels = N * height * width
    planes = scratch("planes", (C, pixels + KH * width + KW), x.dtype)
    planes[...] = 0
    inside = planes[:, :pixels].reshape(C, N, height, width)[:, :, top : top + H, left : left + W]
    inside[...] = pictures.transpose(3, 0, 1, 2)
    values = scratch("taps", (KH * KW * C + 1, pixels), x.dtype)
    for k, (i, j) in enumerate(np.ndindex(KH, KW)):
        values[k * C : (k + 1) * C] = planes[:, i * width + j : i * width + j + pixels]
    values[-1] = 1
    return values, (N, height, width)
