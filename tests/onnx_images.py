"""Convolution and pooling nodes of ONNX, (N, C, *spatial) with one to three spatial axes, as minirnn's 2-D pairs.

One axis gets a second of size 1. Of three, convolution puts the taps along the first axis among the channels (one 2-D
convolution then sums over them), and pooling goes over the last two and then over the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from onnx_node import Declined, Node

from minirnn import functional as F


class Axis(NamedTuple):
    """How a window moves along one axis of size n."""

    n: int
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    out: int = 1

    @property
    def reach(self) -> int:
        """Size of the window with its gaps."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def extra(self) -> int:
        """What ceil_mode adds behind the border so that the last window fits."""
        return max(0, (self.out - 1) * self.stride + self.reach - self.n - self.before - self.after)

    @property
    def rows(self) -> Any:
        """The pixels of every window, one window after the other, counted in the padded image."""
        return np.add.outer(np.arange(self.out) * self.stride, np.arange(self.kernel) * self.dilation).reshape(-1)


def axes_of(node: Node, shape: tuple[int, ...], kernel: tuple[int, ...]) -> list[Axis]:
    """One `Axis` for each spatial axis, from strides, dilations, pads, auto_pad and ceil_mode."""
    count = len(kernel)
    attrs = node.attrs
    auto = attrs.get("auto_pad", "NOTSET")
    pads = attrs.get("pads", [0] * 2 * count)
    axes = []
    for k, (n, size) in enumerate(zip(shape, kernel)):
        stride, dilation = attrs.get("strides", [1] * count)[k], attrs.get("dilations", [1] * count)[k]
        axis = Axis(n, size, stride, dilation, pads[k], pads[count + k])
        if auto.startswith("SAME"):
            out = -(-n // stride)
            total = max(0, (out - 1) * stride + axis.reach - n)
            before = total // 2 if auto == "SAME_UPPER" else total - total // 2
            axis = axis._replace(before=before, after=total - before, out=out)
        else:
            room = n + axis.before + axis.after - axis.reach
            out = room // stride + 1
            if attrs.get("ceil_mode"):
                out = -(-room // stride) + 1
                out -= (out - 1) * stride >= n + axis.before  # the last window must start inside the image
            axis = axis._replace(out=out)
        axes.append(axis)
    return axes


def nhwc(x: Any) -> Any:
    return x.transpose(0, 2, 3, 1)


def nchw(x: Any) -> Any:
    return x.transpose(0, 3, 1, 2)


def dilated(W: Any, axes: list[Axis]) -> Any:
    """(F, C, KH, KW) with zeros between the taps: a dilated kernel is a larger kernel."""
    wide = np.zeros((*W.shape[:2], *(axis.reach for axis in axes)), W.dtype)
    wide[:, :, :: axes[0].dilation, :: axes[1].dilation] = W
    return wide


def taps_as_channels(x: Any, taps: list[Any]) -> Any:
    """(N, C, D, H, W) -> (N * OD, C * KD, H, W): the channels of what each tap sees at each output depth."""
    stack = np.stack([x[:, :, tap] for tap in taps], axis=2)  # (N, C, KD, OD, H, W)
    N, C, KD, OD, H, W = stack.shape
    return stack.transpose(0, 3, 1, 2, 4, 5).reshape(N * OD, C * KD, H, W)


def depth_back(y: Any, N: int) -> Any:
    """(N * OD, F, H, W) -> (N, F, OD, H, W)."""
    return y.reshape(N, -1, *y.shape[1:]).swapaxes(1, 2)


def conv(node: Node) -> Any:
    x, W = node.inputs[:2]
    b = node.inputs[2] if len(node.inputs) > 2 else np.zeros(len(W), x.dtype)
    axes = axes_of(node, x.shape[2:], W.shape[2:])
    if len(axes) == 1:
        return conv_images(x[:, :, None], W[:, :, None], b, [Axis(1), *axes], node.attrs.get("group", 1))[:, :, 0]
    if len(axes) == 2:
        return conv_images(x, W, b, axes, node.attrs.get("group", 1))
    depth = axes[0]
    deep = np.pad(x, ((0, 0), (0, 0), (depth.before, depth.after), (0, 0), (0, 0)))
    taps = list(depth.rows.reshape(depth.out, depth.kernel).T)
    flat = W.reshape(len(W), -1, *W.shape[3:])  # (F, C * KD, KH, KW)
    return depth_back(conv_images(taps_as_channels(deep, taps), flat, b, axes[1:], node.attrs.get("group", 1)), len(x))


def conv_images(x: Any, W: Any, b: Any, axes: list[Axis], groups: int) -> Any:
    """One conv2d for each group of channels."""
    pad = tuple((axis.before, axis.after) for axis in axes)
    parts = zip(np.split(x, groups, axis=1), np.split(dilated(W, axes), groups), np.split(b, groups))
    ys = [
        F.conv2d.forward(
            nhwc(part), F.ConvParams(w.transpose(2, 3, 1, 0), bias), stride=tuple(a.stride for a in axes), pad=pad
        )[0]
        for part, w, bias in parts
    ]
    return nchw(np.concatenate(ys, axis=3))


def conv_transpose(node: Node) -> Any:
    x, W = node.inputs[:2]
    groups, count = node.attrs.get("group", 1), x.ndim - 2
    b = node.inputs[2] if len(node.inputs) > 2 else np.zeros(W.shape[1] * groups, x.dtype)
    if count == 1:
        if set(node.attrs) - {"kernel_shape", "group"}:
            raise Declined("1-D transposed convolution with strides or pads")
        return stamp_images(node, x[:, :, None], W[:, :, None], b, groups)[:, :, 0]
    if count == 2:
        return stamp_images(node, x, W, b, groups)
    if set(node.attrs) - {"kernel_shape"}:
        raise Declined("3-D transposed convolution with strides, pads or groups")
    KD = W.shape[2]
    deep = np.pad(x, ((0, 0), (0, 0), (KD - 1, KD - 1), (0, 0), (0, 0)))
    places = np.arange(x.shape[2] + KD - 1)
    taps = [places + KD - 1 - k for k in range(KD)]  # slice d of x stamps output slice d + k with tap k
    flat = W.swapaxes(1, 2).reshape(-1, W.shape[1], *W.shape[3:])  # (C * KD, F, KH, KW)
    return depth_back(stamp_images(node, taps_as_channels(deep, taps), flat, b, 1), len(x))


def stamp_images(node: Node, x: Any, W: Any, b: Any, groups: int) -> Any:
    """One conv_transpose2d for each group; W is (C, F / groups, KH, KW)."""
    attrs = node.attrs
    stride, dilation = attrs.get("strides", [1, 1]), attrs.get("dilations", [1, 1])
    W = dilated(W, [Axis(1, W.shape[2 + k], dilation=dilation[k]) for k in range(2)])
    auto, pads = attrs.get("auto_pad", "NOTSET"), attrs.get("pads", [0] * 4)
    pad, extra = [], []
    for k in range(2):
        more = attrs.get("output_padding", [0, 0])[k]
        before, after = pads[k], pads[2 + k]
        full = (x.shape[2 + k] - 1) * stride[k] + W.shape[2 + k] + more
        if auto.startswith("SAME") or "output_shape" in attrs:  # the size is given: it says how much is cut off
            out = attrs["output_shape"][k] if "output_shape" in attrs else x.shape[2 + k] * stride[k]
            cut, more = max(0, full - out), more + max(0, out - full)
            before = cut // 2 if auto == "SAME_UPPER" else cut - cut // 2
            after = cut - before
        pad.append((before, after))
        extra.append(more)
    parts = zip(np.split(x, groups, axis=1), np.split(W, groups), np.split(b, groups))
    options = {"stride": tuple(stride), "pad": tuple(pad), "extra": tuple(extra)}
    ys = [
        F.conv_transpose2d.forward(nhwc(part), F.ConvTransposeParams(w.transpose(2, 3, 0, 1), bias), **options)[0]
        for part, w, bias in parts
    ]
    return nchw(np.concatenate(ys, axis=3))


def over_axes(x: Any, axes: list[Axis], pool: Callable[[Any, Axis, Axis], Any]) -> Any:
    """`pool(images (N, H, W, C), axis, axis)` over one, two or three spatial axes of x (N, C, *spatial)."""
    if len(axes) == 1:
        return nchw(pool(nhwc(x[:, :, None]), Axis(1), axes[0]))[:, :, 0]
    if len(axes) == 2:
        return nchw(pool(nhwc(x), *axes))
    slices = x.swapaxes(1, 2).reshape(-1, x.shape[1], *x.shape[3:])  # (N * D, C, H, W)
    y = depth_back(nchw(pool(nhwc(slices), *axes[1:])), len(x))  # (N, C, D, OH, OW)
    columns = nhwc(y.reshape(*y.shape[:3], -1))
    y2 = nchw(pool(columns, axes[0], Axis(columns.shape[2], out=columns.shape[2])))
    return y2.reshape(*y2.shape[:3], *y.shape[3:])


def windows_apart(x: Any, a: Axis, b: Axis, border: float) -> Any:
    """The pixels of every window side by side, so that windows with gaps are windows of size = stride."""
    pad = ((0, 0), (a.before, a.after + a.extra), (b.before, b.after + b.extra), (0, 0))
    return np.pad(x, pad, constant_values=border)[:, a.rows][:, :, b.rows]


def max_images(x: Any, a: Axis, b: Axis) -> Any:
    if a.dilation > 1 or b.dilation > 1:
        return F.max_pool2d.forward(windows_apart(x, a, b, -np.inf), size=(a.kernel, b.kernel))[0]
    pad = ((a.before, a.after + a.extra), (b.before, b.after + b.extra))
    return F.max_pool2d.forward(x, size=(a.kernel, b.kernel), stride=(a.stride, b.stride), pad=pad)[0]


def max_pool(node: Node) -> Any:
    """The place of the maximum (ONNX's second output) is where the backward pass sends a gradient of 1."""
    x = node.inputs[0]
    axes = axes_of(node, x.shape[2:], node.attrs["kernel_shape"])
    y = over_axes(x, axes, max_images)
    if len(node.wanted) == 1:
        return y
    (a, b), (N, C, H, W) = axes, x.shape
    size = (a.kernel, b.kernel)
    ones, cache = F.max_pool2d.forward(windows_apart(nhwc(x), a, b, -np.inf), size=size)
    (won,) = F.max_pool2d.backward(np.ones_like(ones), cache)
    number = np.arange(H * W).reshape(W, H).T if node.attrs.get("storage_order") else np.arange(H * W).reshape(H, W)
    image = np.arange(N * C).reshape(N, C, 1, 1) * H * W + number
    numbers = windows_apart(nhwc(image), a, b, 0) * won.astype(np.int64)
    return y, nchw(numbers.reshape(N, a.out, a.kernel, b.out, b.kernel, C).sum(axis=(2, 4)))


def average_pool(node: Node) -> Any:
    count_pad = bool(node.attrs.get("count_include_pad", 0))

    def mean(x: Any, a: Axis, b: Axis) -> Any:
        size = (a.kernel, b.kernel)
        if max(a.dilation, b.dilation) == 1 and a.extra == b.extra == 0:
            options = {"stride": (a.stride, b.stride), "pad": ((a.before, a.after), (b.before, b.after))}
            return F.avg_pool2d.forward(x, size=size, count_pad=count_pad, **options)[0]
        counts = np.ones((1, a.n, b.n, 1), x.dtype)  # 1 where a pixel counts: what ceil_mode adds never does
        if count_pad:
            counts = np.ones((1, a.n + a.before + a.after, b.n + b.before + b.after, 1), x.dtype)
            counts = windows_apart(counts, a._replace(before=0, after=0), b._replace(before=0, after=0), 0)
        else:
            counts = windows_apart(counts, a, b, 0)
        share = F.avg_pool2d.forward(counts, size=size)[0]
        return F.avg_pool2d.forward(windows_apart(x, a, b, 0), size=size)[0] / share

    x = node.inputs[0]
    return over_axes(x, axes_of(node, x.shape[2:], node.attrs["kernel_shape"]), mean)


def global_pool(pair: Any) -> Callable[[Node], Any]:
    return lambda node: pair.forward(nhwc(node.inputs[0]))[0][:, :, None, None]
