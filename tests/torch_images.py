"""Convolution and pooling for `test_torch`; see `torch_cases` for what a draw is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as T
from torch_cases import Draw, Rng, sizes

from minirnn import functional as F


def nchw(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 3, 1, 2)


def nhwc(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1)


def draw_pad(rng: Rng, most: int = 3) -> tuple[Any, tuple[int, int, int, int]]:
    """A pad in one of our three forms, and as PyTorch's (left, right, top, bottom)."""
    form = rng.integers(3)
    a, b, c, d = (int(n) for n in rng.integers(0, most + 1, size=4))
    if form == 0:
        return a, (a, a, a, a)
    if form == 1:
        return (a, b), (b, b, a, a)
    return ((a, b), (c, d)), (c, d, a, b)


def draw_stride(rng: Rng) -> tuple[Any, tuple[int, int]]:
    """One stride for both axes, or two."""
    a, b = sizes(rng, 3, 3)
    return (a, (a, a)) if rng.random() < 0.3 else ((a, b), (a, b))


def conv2d(rng: Rng) -> Draw:
    N, H, W, C, features = sizes(rng, 3, 7, 7, 4, 4)
    pad, border = draw_pad(rng)
    stride, both = draw_stride(rng)
    KH, KW = sizes(rng, min(4, H + border[2] + border[3]), min(4, W + border[0] + border[1]))
    params = F.ConvParams(rng.standard_normal((KH, KW, C, features)), rng.standard_normal(features))

    def theirs(x: Any, p: Any) -> Any:
        return nhwc(T.conv2d(T.pad(nchw(x), border), p.W.permute(3, 2, 0, 1).contiguous(), p.b, stride=both))

    return Draw(F.conv2d, (rng.standard_normal((N, H, W, C)), params), theirs, {"stride": stride, "pad": pad})


def conv_transpose2d(rng: Rng) -> Draw:
    N, H, W, C, features, KH, KW = sizes(rng, 3, 5, 5, 3, 4, 4, 4)
    stride, (sh, sw) = draw_stride(rng)
    extra = (int(rng.integers(sh)), int(rng.integers(sw)))  # PyTorch wants output_padding below the stride
    full = (H - 1) * sh + KH + extra[0], (W - 1) * sw + KW + extra[1]
    top, left = int(rng.integers(min(3, full[0]))), int(rng.integers(min(3, full[1])))
    bottom, right = int(rng.integers(min(3, full[0] - top))), int(rng.integers(min(3, full[1] - left)))
    params = F.ConvTransposeParams(rng.standard_normal((KH, KW, C, features)), rng.standard_normal(features))

    def theirs(x: Any, p: Any) -> Any:
        weight = p.W.permute(2, 3, 0, 1).contiguous()
        if (top, left) == (bottom, right):
            y = T.conv_transpose2d(nchw(x), weight, p.b, (sh, sw), padding=(top, left), output_padding=extra)
        else:  # PyTorch has no border of unequal sides: cut it off by hand
            y = T.conv_transpose2d(nchw(x), weight, p.b, (sh, sw), output_padding=extra)
            y = y[:, :, top : full[0] - bottom, left : full[1] - right]
        return nhwc(y)

    options = {"stride": stride, "pad": ((top, bottom), (left, right)), "extra": extra}
    return Draw(F.conv_transpose2d, (rng.standard_normal((N, H, W, C)), params), theirs, options)


def pool_window(rng: Rng, H: int, W: int) -> tuple[Any, tuple[int, int], Any, tuple[int, int], Any, tuple[int, ...]]:
    """A window, a stride and a border smaller than the window, each in our form and in PyTorch's."""
    while True:
        KH, KW = sizes(rng, 4, 4)
        square = rng.random() < 0.3
        size = (KH, KH) if square else (KH, KW)
        stride, both = draw_stride(rng)
        if rng.random() < 0.3:
            stride, both = None, size
        pad, border = draw_pad(rng, min(size) - 1)
        if size[0] <= H + border[2] + border[3] and size[1] <= W + border[0] + border[1]:
            return KH if square else size, size, stride, both, pad, border


def padding_of(size: tuple[int, int], border: tuple[int, ...]) -> tuple[int, int] | None:
    """PyTorch's `padding` argument where it can say this border: equal sides, at most half a window."""
    left, right, top, bottom = border
    return (top, left) if (left, top) == (right, bottom) and 2 * top <= size[0] and 2 * left <= size[1] else None


def draw_pixels(rng: Rng, N: int, H: int, W: int, C: int) -> Any:
    """Pixels for a maximum: some draws full of ties, some with one NaN in every channel of every image."""
    x = rng.standard_normal((N, H, W, C))
    kind = rng.random()
    if kind < 0.4:
        x = np.round(x)
    elif kind < 0.6:
        x[np.arange(N)[:, None], rng.integers(H, size=(N, C)), rng.integers(W, size=(N, C)), np.arange(C)] = np.nan
    return x


def max_pool2d(rng: Rng) -> Draw:
    N, H, W, C = sizes(rng, 3, 7, 7, 4)
    size, window, stride, both, pad, border = pool_window(rng, H, W)

    def theirs(x: Any) -> Any:
        padding = padding_of(window, border)
        if padding is not None:
            return nhwc(T.max_pool2d(nchw(x), window, both, padding))
        return nhwc(T.max_pool2d(T.pad(nchw(x), border, value=-torch.inf), window, both))

    options = {"size": size, "stride": stride, "pad": pad}
    return Draw(F.max_pool2d, (draw_pixels(rng, N, H, W, C),), theirs, options)


def avg_pool2d(rng: Rng) -> Draw:
    N, H, W, C = sizes(rng, 3, 7, 7, 4)
    size, window, stride, both, pad, border = pool_window(rng, H, W)
    count_pad = bool(rng.integers(2))

    def theirs(x: Any) -> Any:
        padding = padding_of(window, border)
        if padding is not None:
            return nhwc(T.avg_pool2d(nchw(x), window, both, padding, count_include_pad=count_pad))
        mean = T.avg_pool2d(T.pad(nchw(x), border), window, both)
        share = T.avg_pool2d(T.pad(torch.ones_like(nchw(x)), border, value=float(count_pad)), window, both)
        return nhwc(mean / share)

    options = {"size": size, "stride": stride, "pad": pad, "count_pad": count_pad}
    return Draw(F.avg_pool2d, (rng.standard_normal((N, H, W, C)),), theirs, options)


def global_avg_pool(rng: Rng) -> Draw:
    x = rng.standard_normal(sizes(rng, 3, 7, 7, 4))
    return Draw(F.global_avg_pool, (x,), lambda x: T.adaptive_avg_pool2d(nchw(x), 1)[:, :, 0, 0])


def global_max_pool(rng: Rng) -> Draw:
    x = draw_pixels(rng, *sizes(rng, 3, 7, 7, 4))
    return Draw(F.global_max_pool, (x,), lambda x: T.adaptive_max_pool2d(nchw(x), 1)[:, :, 0, 0])


IMAGES: dict[str, Callable[[Rng], Draw]] = {
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "global_avg_pool": global_avg_pool,
    "global_max_pool": global_max_pool,
}
