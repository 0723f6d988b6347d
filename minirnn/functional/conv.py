"""2-D convolution and its transpose, as one matrix product over windows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minirnn.pair import Array, Pair, require_float, require_shape

Size = int | tuple[int, int]
Pad = int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
Sides = tuple[tuple[int, int], tuple[int, int]]


class ConvParams(NamedTuple):
    W: Array  # (KH, KW, C, F)
    b: Array  # (F,)


def both_axes(name: str, size: Size, least: int = 1) -> tuple[int, int]:
    """An int for both axes, or one (height, width) pair, each at least `least`."""
    pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(pair) != 2 or any(not isinstance(v, int | np.integer) or v < least for v in pair):
        raise ValueError(f"{name} is {size}; expected an integer of at least {least}, or two of them")
    return int(pair[0]), int(pair[1])


def both_sides(pad: Pad) -> Sides:
    """Padding as ((top, bottom), (left, right)) from an int, (height, width) or the full form."""
    if isinstance(pad, tuple) and len(pad) == 2 and all(isinstance(p, tuple) for p in pad):
        return both_axes("pad", pad[0], 0), both_axes("pad", pad[1], 0)
    ph, pw = both_axes("pad", pad, 0)  # type: ignore[arg-type]
    return (ph, ph), (pw, pw)


def windows_of(x: Array, size: tuple[int, int], stride: tuple[int, int]) -> Array:
    """View of x (N, H, W, C) as windows (N, H', W', KH, KW, C); nothing is copied."""
    view = sliding_window_view(x, size, axis=(1, 2))[:, :: stride[0], :: stride[1]]
    return view.transpose(0, 1, 2, 4, 5, 3)


def shifted(x: Array, i: int, j: int, out: tuple[int, int], stride: tuple[int, int]) -> Array:
    """View of x (N, H, W, C): what pixel (i, j) of the window sees at each of the H' x W' places `out`."""
    return x[:, i : i + stride[0] * out[0] : stride[0], j : j + stride[1] * out[1] : stride[1]]


def add_windows(dwindows: Array, shape: tuple[int, ...], stride: tuple[int, int]) -> Array:
    """The transpose of `windows_of`: add every window (N, H', W', KH, KW, C) back to its place in zeros of `shape`."""
    x = np.zeros(shape, dtype=dwindows.dtype)
    _, OH, OW, KH, KW, _ = dwindows.shape
    for i, j in np.ndindex(KH, KW):  # pixel (i, j) of all windows at once; windows overlap, so they add up
        shifted(x, i, j, (OH, OW), stride)[...] += dwindows[:, :, :, i, j]
    return x


def pad_image(x: Array, sides: Sides, value: float = 0) -> Array:
    """x (N, H, W, C) with `value` around the image."""
    if sides == ((0, 0), (0, 0)):
        return x
    return np.pad(x, ((0, 0), *sides, (0, 0)), constant_values=value)


def crop_image(x: Array, sides: Sides) -> Array:
    """The transpose of zero padding: cut the border off."""
    (top, bottom), (left, right) = sides
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def require_image(x: Array, name: str = "x") -> None:
    """Raise ValueError unless `x` is a float batch (N, H, W, C)."""
    require_float(name, x, 4, "(N, H, W, C)")


def require_fits(x: Array, size: tuple[int, int], sides: Sides) -> None:
    """Raise ValueError when the window is larger than the padded image."""
    height, width = x.shape[1] + sum(sides[0]), x.shape[2] + sum(sides[1])
    if size[0] > height or size[1] > width:
        raise ValueError(f"the window is {size[0]}x{size[1]} but the padded image only {height}x{width}")


def require_channels(x: Array, C: int) -> None:
    if x.shape[3] != C:
        hint = "; images are (N, H, W, C): this looks like (N, C, H, W)" if x.shape[1] == C else ""
        raise ValueError(f"x has {x.shape[3]} channels but W expects {C}{hint}")


def conv2d_forward(
    x: Array, params: ConvParams, *, stride: Size = 1, pad: Pad = 0, need_dx: bool = True
) -> tuple[Array, Any]:
    """2-D convolution (the field's cross-correlation: the kernel is not flipped).

        y[n, i, j, f] = sum over k, l, c of xpad[n, i*stride + k, j*stride + l, c] * W[k, l, c, f]  + b[f]

    Args:
        x: (N, H, W, C) floats.
        params: W (KH, KW, C, F), b (F,).
        stride: one integer or (vertical, horizontal).
        pad: zeros around the image: one integer, (vertical, horizontal) or ((top, bottom), (left, right)).
        need_dx: False where x is the picture itself: the backward pass then returns None for dx and saves its work.
    Returns:
        y (N, H', W', F) with H' = (H + top + bottom - KH) // stride + 1, and the cache.
    Raises:
        ValueError: channels that differ, a kernel larger than the padded image, a stride of 0.
    Source: LeCun et al. 1998; as one matrix product over windows, Chellapilla et al. 2006.
    """
    W, b = params
    require_image(x)
    require_float("W", W, 4, "(KH, KW, C, F)")
    KH, KW, C, F = W.shape
    require_channels(x, C)
    require_shape("b", b, (F,), "one bias per output channel")
    stride, sides = both_axes("stride", stride), both_sides(pad)
    require_fits(x, (KH, KW), sides)
    xpad = pad_image(x, sides)
    windows = windows_of(xpad, (KH, KW), stride)
    N, OH, OW = windows.shape[:3]
    columns = windows.reshape(N * OH * OW, KH * KW * C)  # copies: one row per output pixel
    y = columns @ W.reshape(-1, F) + b
    return y.reshape(N, OH, OW, F), (columns, W, xpad.shape, stride, sides, need_dx)


def conv2d_backward(dy: Array, cache: Any) -> tuple[Array | None, ConvParams]:
    """dy (N, H', W', F) -> dx (N, H, W, C), ConvParams(dW, db)."""
    columns, W, shape, stride, sides, need_dx = cache
    N, OH, OW, F = dy.shape
    rows = dy.reshape(N * OH * OW, F)
    dW = (columns.T @ rows).reshape(W.shape)
    db = rows.sum(axis=0)
    if not need_dx:
        return None, ConvParams(dW, db)
    dxpad = np.zeros(shape, dtype=dy.dtype)
    for i, j in np.ndindex(W.shape[:2]):  # windows overlap: what each kernel pixel touched adds up
        shifted(dxpad, i, j, (OH, OW), stride)[...] += (rows @ W[i, j].T).reshape(N, OH, OW, W.shape[2])
    return crop_image(dxpad, sides), ConvParams(dW, db)


class ConvTransposeParams(NamedTuple):
    W: Array  # (KH, KW, C, F): each input pixel of C channels stamps a KH x KW patch of F channels
    b: Array  # (F,)


def conv_transpose2d_forward(
    x: Array, params: ConvTransposeParams, *, stride: Size = 1, pad: Pad = 0, extra: Size = 0
) -> tuple[Array, Any]:
    """Transposed 2-D convolution: what `conv2d` does to its gradient, as a layer that enlarges images.

        y = b;  y[n, i*stride + k, j*stride + l, f] += x[n, i, j, c] * W[k, l, c, f];  then `pad` is cut off

    Args:
        x: (N, H, W, C) floats.
        params: W (KH, KW, C, F), b (F,).
        stride: one integer or (vertical, horizontal).
        pad: what is cut off around the output, in the forms of `conv2d`.
        extra: rows and columns added at the bottom and right, to choose among the sizes that one stride allows
            (PyTorch's output_padding).
    Returns:
        y (N, H', W', F) with H' = (H - 1) * stride + KH + extra - top - bottom, and the cache.
    Raises:
        ValueError: channels that differ, a stride of 0, a pad that leaves nothing.
    Source: Zeiler et al. 2010; Dumoulin and Visin 2016.
    """
    W, b = params
    require_image(x)
    require_float("W", W, 4, "(KH, KW, C, F)")
    KH, KW, C, F = W.shape
    require_channels(x, C)
    require_shape("b", b, (F,), "one bias per output channel")
    (sh, sw), sides, (eh, ew) = both_axes("stride", stride), both_sides(pad), both_axes("extra", extra, 0)
    N, H, width, _ = x.shape
    full = (N, (H - 1) * sh + KH + eh, (width - 1) * sw + KW + ew, F)
    if full[1] <= sum(sides[0]) or full[2] <= sum(sides[1]):
        raise ValueError(f"pad {pad} leaves nothing of an output of {full[1]}x{full[2]}")
    stamps = np.einsum("nijc,klcf->nijklf", x, W, optimize=True)  # (1)
    y = crop_image(add_windows(stamps, full, (sh, sw)), sides) + b  # (2)
    return y, (x, W, (sh, sw), sides)


def conv_transpose2d_backward(dy: Array, cache: Any) -> tuple[Array, ConvTransposeParams]:
    """dy (N, H', W', F) -> dx (N, H, W, C), ConvTransposeParams(dW, db)."""
    x, W, stride, sides = cache
    db = dy.sum(axis=(0, 1, 2))  # (2)
    dstamps = windows_of(pad_image(dy, sides), W.shape[:2], stride)[:, : x.shape[1], : x.shape[2]]  # (2)
    dx = np.einsum("nijklf,klcf->nijc", dstamps, W, optimize=True)  # (1)
    dW = np.einsum("nijklf,nijc->klcf", dstamps, x, optimize=True)  # (1)
    return dx, ConvTransposeParams(dW, db)


conv2d = Pair(conv2d_forward, conv2d_backward, "conv2d")
conv_transpose2d = Pair(conv_transpose2d_forward, conv_transpose2d_backward, "conv_transpose2d")
