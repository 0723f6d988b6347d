"""What goes wrong in max pooling: the known mistakes of pool1 and pool2."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.compare import TOLERANCE, relative_error
from minirnn.course.exercise import Mistake, Probe, Wrong
from minirnn.functional.conv import both_axes, both_sides, crop_image, pad_image, windows_of
from minirnn.pair import Array

TIES = "equal values in a window"  # the note of the probe that has them
_XPAD = "xpad = pad_image(x, sides, -np.inf)\n"
_WINDOWS = "windows = windows_of(xpad, size, stride)"
_MAX = "y = pixels.max(axis=3)"
_STRIDE = 'stride = size if stride is None else both_axes("stride", stride)'

POOL1 = (
    Mistake("zero-border", "the border is made of zeros, which win where all pixels of a window are negative; it must never win",
            ((", -np.inf)", ")"),)),
    Mistake("starts-at-zero", "the largest value is searched from 0 upwards (or negative values are cut off), which is wrong where all "
            "pixels of a window are negative", ((_MAX, _MAX + "\n    y = np.maximum(y, 0)"),)),
    Mistake("pad-ignored", "pad is not used: the border is missing", ((_XPAD, "xpad = x\n"),)),
    Mistake("pads-swapped", "vertical and horizontal border are exchanged: sides is ((top, bottom), (left, right))",
            (("(x, sides, -np.inf)", "(x, sides[::-1], -np.inf)"),)),
    Mistake("pad-symmetry-assumed", "top is used for bottom too, and left for right; each side has a number of its own",
            (("(x, sides, -np.inf)", "(x, tuple((side[0],) * 2 for side in sides), -np.inf)"),)),
    Mistake("pad-sides-reversed", "top and bottom are exchanged, and left and right: sides is ((top, bottom), (left, right))",
            (("(x, sides, -np.inf)", "(x, tuple(side[::-1] for side in sides), -np.inf)"),)),
    Mistake("pad-vertical-for-both", "the border of the rows is used for the columns too; left and right have their own",
            (("(x, sides, -np.inf)", "(x, (sides[0], sides[0]), -np.inf)"),)),
    Mistake("stride-1", "the window moves by 1 where no stride is given; the default is the window's own size",
            (("stride = size if", "stride = (1, 1) if"),)),
    Mistake("stride-2", "the window moves by 2 where no stride is given; the default is the window's own size",
            (("stride = size if", "stride = (2, 2) if"),)),
    Mistake("stride-ignored", "the stride is not used: the window always moves by its own size", ((_STRIDE, "stride = size"),)),
    Mistake("stride-always-1", "the stride is not used: the window always moves by 1", ((_STRIDE, "stride = (1, 1)"),)),
    Mistake("strides-swapped", "the two strides are exchanged: the first is vertical (rows), the second horizontal (columns)",
            (("(xpad, size, stride)", "(xpad, size, stride[::-1])"),)),
    Mistake("vertical-stride-for-both", "the vertical stride is used for the columns too; they have a stride of their own",
            (("(xpad, size, stride)", "(xpad, size, (stride[0], stride[0]))"),)),
    Mistake("horizontal-stride-for-both", "the horizontal stride is used for the rows too; they have a stride of their own",
            (("(xpad, size, stride)", "(xpad, size, (stride[1], stride[1]))"),)),
    Mistake("window-not-moved-by-stride", "the output has the right size, but its window starts at row i and column j; it starts at "
            "i * stride and j * stride",
            ((_WINDOWS, _WINDOWS + "\n    OH, OW = windows.shape[1:3]\n    windows = windows_of(xpad, size, (1, 1))[:, :OH, :OW]"),)),
    Mistake("size-for-stride", "the window's place is i times its own size; it is i times the stride",
            ((_WINDOWS, _WINDOWS + "\n    OH, OW = windows.shape[1:3]\n    xpad = pad_image(xpad, ((0, size[0] - 1), (0, size[1] - 1)), -np.inf)\n"
              "    windows = windows_of(xpad, size, (1, 1))[:, np.arange(OH) * size[0]][:, :, np.arange(OW) * size[1]]"),)),
    Mistake("stride-for-size", "the window is as large as the stride; it has a size of its own",
            ((_WINDOWS, _WINDOWS + "\n    OH, OW = windows.shape[1:3]\n    xpad = pad_image(xpad, ((0, stride[0]), (0, stride[1])), -np.inf)\n"
              "    windows = windows_of(xpad, stride, stride)[:, :OH, :OW]"),)),
    Mistake("sizes-swapped", "height and width of the window are exchanged", (("(xpad, size, stride)", "(xpad, size[::-1], stride)"),)),
    Mistake("sizes-swapped-everywhere", "height and width of the window are exchanged",
            (("stride = size if", "size = size[::-1]\n    stride = size if"),)),
    Mistake("height-for-both", "the window is square here: its width is size[1]", (("(xpad, size, stride)", "(xpad, (size[0], size[0]), stride)"),)),
    Mistake("width-for-both", "the window is square here: its height is size[0]", (("(xpad, size, stride)", "(xpad, (size[1], size[1]), stride)"),)),
    Mistake("window-too-small", "the last row and column of each window are left out: a slice i:i+size ends before i+size",
            (("pixels = windows.reshape(N, OH, OW, KH * KW, C)",
              "windows = windows[:, :, :, : max(1, KH - 1), : max(1, KW - 1)]\n    pixels = windows.reshape(N, OH, OW, -1, C)"),)),
    Mistake("window-too-large", "the window is one row and one column too large: a slice i:i+size holds size pixels",
            (("(xpad, size, stride)\n", "(xpad, size, stride)\n    OH, OW = windows.shape[1:3]\n    xpad = pad_image(xpad, ((0, 1), (0, 1)), -np.inf)\n"
              "    windows = windows_of(xpad, (size[0] + 1, size[1] + 1), stride)[:, :OH, :OW]\n"),)),
    Mistake("min", "the smallest value is taken; the largest is asked for", ((_MAX, "y = -(-pixels).max(axis=3)"),)),
    Mistake("min-of-real", "the smallest value is taken; the largest is asked for",
            ((_MAX, "y = np.where(np.isinf(pixels), np.inf, pixels).min(axis=3)"),)),
    Mistake("mean", "the mean of the window is taken; the largest value is asked for", ((_MAX, "y = pixels.mean(axis=3)"),)),
    Mistake("mean-zero-border", "the mean of the window is taken; the largest value is asked for",
            ((_MAX, "y = np.where(np.isinf(pixels), 0, pixels).mean(axis=3)"),)),
    Mistake("sum", "the window is summed; its largest value is asked for",
            ((_MAX, "y = np.where(np.isinf(pixels), 0, pixels).sum(axis=3)"),)),
    Mistake("absolute", "the largest absolute value is taken; -3 is smaller than 1",
            ((_MAX, "y = np.where(np.isinf(pixels), 0, np.abs(pixels)).max(axis=3)"),)),
    Mistake("absolute-with-sign", "the value farthest from 0 is taken; -3 is smaller than 1",
            ((_MAX, "real = np.where(np.isinf(pixels), 0, pixels)\n    far = np.abs(real).argmax(axis=3)[:, :, :, None]\n"
              "    y = np.take_along_axis(real, far, axis=3)[:, :, :, 0]"),)),
    Mistake("over-channels", "one maximum is taken over all channels; each channel has its own",
            ((_MAX, _MAX + "\n    y = y.max(axis=3, keepdims=True).repeat(C, axis=3)"),)),
    Mistake("over-channels-one", "the channels are gone: the maximum is taken in each channel by itself", ((_MAX, "y = pixels.max(axis=(3, 4))"),)),
    Mistake("first-channel", "every channel gets the result of channel 0; each has its own",
            ((_MAX, _MAX + "\n    y = y[..., :1].repeat(C, axis=3)"),)),
    Mistake("first-image", "every image of the batch gets the result of the first one", ((_MAX, _MAX + "\n    y = y[:1].repeat(N, axis=0)"),)),
    Mistake("last-image", "every image of the batch gets the result of the last one, or only the last one is computed",
            ((_MAX, _MAX + "\n    y = y[-1:].repeat(N, axis=0)"),)),
    Mistake("last-not-written", "the last row and column of y are never computed: the loops end too early",
            ((_MAX, _MAX + "\n    y[:, -1], y[:, :, -1] = 0, 0"),)),
    Mistake("median", "the median of the window is taken; its largest value is asked for", ((_MAX, "y = np.median(pixels, axis=3)"),)),
    Mistake("over-batch", "one maximum is taken over all images; each image has its own",
            ((_MAX, _MAX + "\n    y = y.max(axis=0, keepdims=True).repeat(N, axis=0)"),)),
    Mistake("first-row", "only the first row of each window is looked at", ((_MAX, "y = pixels[:, :, :, :KW].max(axis=3)"),)),
    Mistake("first-column", "only the first column of each window is looked at", ((_MAX, "y = pixels[:, :, :, ::KW].max(axis=3)"),)),
    Mistake("last-row", "only the last row of each window counts: one row overwrites the other; keep the larger value",
            ((_MAX, "y = pixels[:, :, :, -KW:].max(axis=3)"),)),
    Mistake("first-pixel", "the first pixel of each window is taken, not the largest", ((_MAX, "y = pixels[:, :, :, 0]"),)),
    Mistake("last-pixel", "the last pixel of each window is taken: each pixel overwrites the one before; keep the larger value",
            ((_MAX, "y = pixels[:, :, :, -1]"),)),
    Mistake("place", "the place of the largest value is returned (argmax); its value is asked for", ((_MAX, "y = winner"),)),
    Mistake("too-small", "the last row and column are missing: there are (size - window) // stride **+ 1** places",
            ((_WINDOWS, _WINDOWS + "[:, :-1, :-1]"),)),
    Mistake("ceil", "windows that stick out at the bottom and right are counted too (ceil mode); here only whole windows count",
            ((_XPAD, _XPAD + "    more = [-(n - k) % s for n, k, s in zip(xpad.shape[1:3], size, stride)]\n"
              "    xpad = pad_image(xpad, ((0, more[0]), (0, more[1])), -np.inf)\n"),), convention=True),
    Mistake("channels-first", "y is (N, C, H', W'), the order of PyTorch; here it is (N, H', W', C)",
            (("return y, ", "return y.transpose(0, 3, 1, 2), "),), convention=True),
    Mistake("over-channel-axis", "the window is taken over columns and channels (axes 2 and 3); an image is (N, H, W, C), its window "
            "lies on axes 1 and 2",
            ((_WINDOWS, "xpad = pad_image(x.transpose(0, 2, 3, 1), sides, -np.inf)\n    " + _WINDOWS),
             ("return y, ", "return y.transpose(0, 3, 1, 2), "))),
    Mistake("cache-missing", "only y is returned; the function returns a pair: y and the cache",
            (("return y, (winner, xpad.shape, size, stride, sides)", "return y"),)),
)  # fmt: skip

_PIXEL = "dpixel = dy * (winner == k)"
_PLACE = "dxpad[:, i : i + sh * OH : sh, j : j + sw * OW : sw] += dpixel"
_AT = "dxpad[:, i : i + sh * OH : sh, j : j + sw * OW : sw]"
_LOOP = "for k, (i, j) in enumerate(np.ndindex(size)):"
_BACK = "for k, (i, j) in reversed(list(enumerate(np.ndindex(size)))):"
_CROP = "return (crop_image(dxpad, sides),)"
_WON = f"{_AT}[winner == k] = dy[winner == k]"
_OVERLAP = (
    "dx is overwritten where windows overlap; a pixel that won in several windows gets the sum of what they send back"
)

POOL2 = (
    Mistake("overwritten", _OVERLAP, ((_PLACE, _WON), (_LOOP, _BACK))),
    Mistake("overwritten-by-pixel", _OVERLAP, ((_PLACE, _WON),)),
    Mistake("window-overwritten", _OVERLAP + "; here a later window even writes zeros over it",
            ((_PLACE, _PLACE.replace("+=", "=")), (_LOOP, _BACK))),
    Mistake("window-overwritten-by-pixel", _OVERLAP + "; here a later turn of the loop even writes zeros over it",
            ((_PLACE, _PLACE.replace("+=", "=")),)),
    Mistake("not-cropped", "dx still has the border; x came in without it, so cut it off", ((_CROP, "return (dxpad,)"),)),
    Mistake("cropped-at-the-end", "the border is cut off at the bottom and right only, so dx is shifted; the top and left border come "
            "off first", ((_CROP, "return (dxpad[:, : shape[1] - sum(sides[0]), : shape[2] - sum(sides[1])],)"),)),
    Mistake("cropped-at-the-start", "the whole border is cut off at the top and left, so dx is shifted; each side loses its own",
            ((_CROP, "return (dxpad[:, sum(sides[0]) :, sum(sides[1]) :],)"),)),
    Mistake("cropped-swapped", "vertical and horizontal border are exchanged where it is cut off",
            ((_CROP, "return (crop_image(dxpad, sides[::-1]),)"),)),
    Mistake("cropped-reversed", "bottom is cut off at the top, and right at the left: sides is ((top, bottom), (left, right))",
            ((_CROP, "return (crop_image(dxpad, tuple(side[::-1] for side in sides)),)"),)),
    Mistake("cropped-minus-zero", "with a border of 0 the slice [0:-0] is empty; end it at size - border instead",
            ((_CROP, "return (dxpad[:, sides[0][0] : -sides[0][1], sides[1][0] : -sides[1][1]],)"),)),
    Mistake("stride-ignored", "the stride is missing where dx is filled: window (i, j) starts at (i * stride, j * stride)",
            ((_PLACE, "dxpad[:, i : i + OH, j : j + OW] += dpixel"),)),
    Mistake("size-for-stride", "windows are taken to lie side by side, a window's size apart; they are a stride apart",
            ((_PLACE, "a = dxpad[:, i :: size[0]][:, :OH, j :: size[1]][:, :, :OW]\n        a += dpixel[:, : a.shape[1], : a.shape[2]]"),)),
    Mistake("strides-swapped", "the two strides are exchanged where dx is filled: the first is vertical",
            ((_PLACE, "a = dxpad[:, i::sw][:, :OH, j::sh][:, :, :OW]\n        a += dpixel[:, : a.shape[1], : a.shape[2]]"),)),
    Mistake("every-pixel", "every pixel of the window gets the whole gradient; only the pixel that won does", ((_PIXEL, "dpixel = dy"),)),
    Mistake("averaged", "the gradient is shared out evenly, as in average pooling; here the pixel that won gets all of it",
            ((_PIXEL, "dpixel = dy / (size[0] * size[1])"),)),
    Mistake("divided", "the winner's gradient is divided by the size of the window; y is x there, so it passes whole",
            ((_PIXEL, _PIXEL + " / (size[0] * size[1])"),)),
    Mistake("dy-ignored", "dy is not used: the pixel that won gets 1; it gets the gradient that comes from above",
            ((_PIXEL, "dpixel = (winner == k).astype(dy.dtype)"),)),
    Mistake("losers", "all pixels but the one that won get the gradient", ((_PIXEL, "dpixel = dy * (winner != k)"),)),
    Mistake("columns-first", "the winner's number is read column by column; it counts in reading order, row by row",
            ((_LOOP, "for k, (j, i) in enumerate(np.ndindex(size[::-1])):"),)),
    Mistake("divided-by-height", "row and column of the winner come from dividing by the window's height; a row is as long as its "
            "*width*",
            ((_LOOP, "for k, (i, j) in ((k, divmod(k, size[0])) for k in range(size[0] * size[1])):"),
             (_PLACE, "a = dxpad[:, i::sh][:, :OH, j::sw][:, :, :OW]\n        a += dpixel[:, : a.shape[1], : a.shape[2]]"))),
    Mistake("row-and-column-exchanged", "row and column of the winner are exchanged: number k is row k // width and column k % width",
            ((_PLACE, "a = dxpad[:, j::sh][:, :OH, i::sw][:, :, :OW]\n        a += dpixel[:, : a.shape[1], : a.shape[2]]"),)),
    Mistake("first-pixel", "the first pixel of every window gets the gradient; the pixel that won does", ((_PIXEL, "dpixel = dy * (k == 0)"),)),
    Mistake("last-pixel", "the last pixel of every window gets the gradient; the pixel that won does",
            ((_PIXEL, "dpixel = dy * (k == size[0] * size[1] - 1)"),)),
    Mistake("first-channel-wins", "the winner of channel 0 is used for all channels; each channel has its own",
            ((_PIXEL, "dpixel = dy * (winner[..., :1] == k)"),)),
    Mistake("first-image-wins", "the winners of the first image are used for all images; each image has its own",
            ((_PIXEL, "dpixel = dy * (winner[:1] == k)"),)),
    Mistake("off-by-one", "the winner's number is off by one: it counts from 0", ((_PIXEL, "dpixel = dy * (winner == k + 1)"),)),
    Mistake("off-by-one-down", "the winner's number is off by one: it counts from 0", ((_PIXEL, "dpixel = dy * (winner == k - 1)"),)),
    Mistake("sign", "the sign is turned round; where a pixel won, y grows with it", ((_PIXEL, "dpixel = -dy * (winner == k)"),)),
    Mistake("doubled", "the gradient is counted twice", ((_PIXEL, "dpixel = 2 * dy * (winner == k)"),)),
    Mistake("mean-over-batch", "dx is divided by N; the loss has already been averaged", ((_PIXEL, _PIXEL + " / len(dy)"),)),
    Mistake("one-image", "only the last image of the batch gets a dx", ((_CROP, "dxpad[:-1] = 0\n    " + _CROP),)),
    Mistake("first-image", "only the first image of the batch gets a dx", ((_CROP, "dxpad[1:] = 0\n    " + _CROP),)),
    Mistake("one-channel", "only channel 0 gets a dx", ((_CROP, "dxpad[..., 1:] = 0\n    " + _CROP),)),
    Mistake("last-place", "only the last place of the window sends anything back: dx is made anew in every turn of the loop",
            ((_PIXEL, _PIXEL + "\n        dpixel[:, :-1], dpixel[:, :, :-1] = 0, 0"),)),
    Mistake("last-channel-missed", "the last channel is left out: the loop over channels ends too early",
            ((_PIXEL, _PIXEL + " * (np.arange(dy.shape[3]) < dy.shape[3] - 1)"),)),
    Mistake("times-place", "the gradient is multiplied by the winner's number; that only says where it goes", ((_PIXEL, _PIXEL + " * k"),)),
    Mistake("row-ignored", "only the winner's column is used: the gradient goes to the first row of the window",
            ((_PIXEL, "dpixel = dy * (winner % size[1] == j) * (i == 0)"),)),
    Mistake("column-ignored", "only the winner's row is used: the gradient goes to the first column of the window",
            ((_PIXEL, "dpixel = dy * (winner // size[1] == i) * (j == 0)"),)),
    Mistake("added-over-channels", "every channel of dx gets the sum over all channels; each channel keeps to itself",
            ((_CROP, "dxpad = dxpad.sum(axis=3, keepdims=True).repeat(shape[3], axis=3)\n    " + _CROP),)),
    Mistake("no-tuple", "dx is returned bare; a backward function returns a tuple, here of one: (dx,)",
            ((_CROP, "return crop_image(dxpad, sides)"),)),
)  # fmt: skip

# Of a learner's own forward and backward together: the framework's cache knows one winner, so no change to the solution shows this.
ALL_WIN = Wrong(
    "dx is right", "wrong where values are equal",
    "every pixel that equals the largest gets the whole gradient; among equal values it goes to one of them, the first say", "all-winners",
)  # fmt: skip


def examine_ties(answers: list[Any]) -> list[Wrong]:
    """Whether equal values in a window, which all get the gradient, explain the answer on every probe."""
    if any(a.error or not isinstance(a.value, tuple) or len(a.value) != 1 for a in answers):
        return []
    pairs = [(np.asarray(a.value[0]), _with_ties(a.probe, a.dout, "all")) for a in answers]
    return [ALL_WIN] if all(v.shape == e.shape and relative_error(v, e) <= TOLERANCE for v, e in pairs) else []


def other_winners(probe: Probe, dy: Array) -> list[tuple[Array]]:
    """Among equal values the last may get the gradient as well, or all of them in equal shares."""
    return [(_with_ties(probe, dy, kind),) for kind in ("last", "shared")] if probe.note == TIES else []


def _with_ties(probe: Probe, dy: Array, kind: str) -> Array:
    """dx where all, the last, or all in equal shares of the largest values of a window get the gradient."""
    options = probe.options
    size, sides = both_axes("size", options.get("size", 2)), both_sides(options.get("pad", 0))
    stride = size if options.get("stride") is None else both_axes("stride", options["stride"])
    xpad = pad_image(probe.args[0], sides, -np.inf)
    windows = windows_of(xpad, size, stride)
    largest = windows == windows.max(axis=(3, 4), keepdims=True)
    if kind == "last":
        rows = largest.reshape(*largest.shape[:3], -1, largest.shape[5])[:, :, :, ::-1]
        largest = ((rows.cumsum(axis=3) == 1) & rows)[:, :, :, ::-1].reshape(largest.shape)
    share = largest / largest.sum(axis=(3, 4), keepdims=True) if kind == "shared" else largest
    dxpad = np.zeros(xpad.shape, dy.dtype)
    for n, i, j in np.ndindex(dy.shape[:3]):
        a, b = i * stride[0], j * stride[1]
        dxpad[n, a : a + size[0], b : b + size[1]] += dy[n, i, j] * share[n, i, j]
    return crop_image(dxpad, sides)
