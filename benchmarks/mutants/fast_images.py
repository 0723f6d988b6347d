"""Mistakes in the fast twins of what works on pictures: convolution, pooling, batch norm."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

GRID = "    _, (th, tw), start = _geometry(x, sides)\n"
OUTSIDE = "i0, j0 = max(0, -(i // 2)), max(0, -(j // 2))"

WINOGRAD = mutants(
    "fast winograd",
    "fast/winograd.py",
    {
        "second output adds m3": {"y[1] -= m[3]": "y[1] += m[3]"},
        "v2 = d1 - d2": {"np.subtract(d2, d1, out=v[2])": "np.subtract(d1, d2, out=v[2])"},
        "dm3 = dy1": {"np.negative(dy[1], out=dm[3])": "dm[3] = dy[1]"},
        "kernel's rows and columns exchanged": {"klcf->jicf": "klcf->ijcf"},
        "dW's rows and columns exchanged": {"jicf->klcf": "ijcf->klcf"},
        "dW without the last row and column of an odd output": {
            GRID: "    (OH, OW), _, start = _geometry(x, sides)\n    th, tw = max(1, OH // 2), max(1, OW // 2)\n"
        },
        "the tile row above the picture is cut towards zero": {OUTSIDE: "i0, j0 = max(0, -i // 2), max(0, -j // 2)"},
        "border not zeroed": {"planes[...] = 0\n": "planes[..., :0] = 0\n"},
        "rows of tiles left out that fill no block": {
            "range(0, th, tiles)": "range(0, max(1, th - tiles + 1), tiles)",
        },
        "blocks overlap": {"min(th, r + tiles)": "min(th, r + tiles + 1)"},
        "a block's dy begins at the top": {"(2 * tiles.start, 0)": "(0, 0)"},
        "dW of the last block": {"du += np.matmul(": "du[...] = np.matmul("},
        "bias in the first block only": {"if b is not None:": "if b is not None and tiles.start == 0:"},
        "sums along rows and columns share one scratch array": {'"y columns"': '"y rows"'},
        "dW always in float64": {"g = G.astype(x.dtype)": "g = G"},
    },
)

FLIP = "W[::-1, ::-1].swapaxes(2, 3)"
AROUND = "(KH - 1 - top, KH - 1 - bottom), (KW - 1 - left, KW - 1 - right)"
FITS = "fits = max(top, bottom) < KH and max(left, right) < KW"
ZEROED = "wide[:, OH:], wide[:, :OH, OW:] = 0, 0"

CONV = mutants(
    "fast conv",
    "fast/conv.py",
    {
        "dx with the kernel not turned around": {FLIP: "W.swapaxes(2, 3)"},
        "dx with the sides of the border exchanged": {
            AROUND: "(KH - 1 - bottom, KH - 1 - top), (KW - 1 - right, KW - 1 - left)"
        },
        "dx of a border wider than the kernel as of a narrow one": {
            FITS: "fits = True",
            AROUND: "(max(0, KH - 1 - top), max(0, KH - 1 - bottom)), (max(0, KW - 1 - left), max(0, KW - 1 - right))",
        },
        "need_dx ignored": {"way) if need_dx else None, ConvParams": "way), ConvParams"},
        "bias in whole pictures only": {
            "if b is not None:\n            add_bias(out, b)": (
                "if b is not None and part[1] == slice(0, OH):\n            add_bias(out, b)"
            )
        },
        "dW sees what an earlier call left right of dy": {ZEROED: "wide[:, OH:] = 0"},
        "strided dx adds to what an earlier call left": {"padded[...] = 0": "pass"},
        "dW of the last block of rows": {
            "dW += columns_of(x, (KH, KW), stride, sides, part, OW).T": (
                "dW[...] = columns_of(x, (KH, KW), stride, sides, part, OW).T"
            )
        },
        "dx of the stamps keeps what an earlier call left": {"planes[...] = 0": "planes[:1] = 0"},
        "dx of a strided convolution lies in scratch": {
            "dx = np.empty(shape, dy.dtype)": 'dx = scratch("whole dx", shape, dy.dtype)'
        },
        "kept columns without the bias": {"        add_bias(y, b)\n": ""},
    },
)

COLUMNS = mutants(
    "fast conv",
    "fast/columns.py",
    {
        "border of columns not zeroed": {"seen[...] = 0": "pass"},
        "border of planes not zeroed": {"planes[...] = 0": "planes[:, pixels:] = 0"},
        "the first rows of a block read from its output row": {
            "first, deep, wide = rows.start * sh - top": "first, deep, wide = rows.start - top"
        },
        "last pictures left out": {"for n in range(0, N, images)": "for n in range(0, N - N % images or N, images)"},
        "kept columns lie in scratch": {
            "whole = np.empty((N, OH, OW, KH, KW, C), x.dtype)": (
                'whole = scratch("whole", (N, OH, OW, KH, KW, C), x.dtype)'
            )
        },
    },
)

CUT = "[:, : x.shape[1], : x.shape[2]]"

TRANSPOSE = mutants(
    "fast conv transpose",
    "fast/conv_transpose.py",
    {
        "bias in the first picture only": {"add_bias(y.reshape(-1, shape[3])": "add_bias(y[0].reshape(-1, shape[3])"},
        "extra rows keep no bias": {
            "add_bias(y.reshape(-1, shape[3]), params.b)": (
                "y[:, : shape[1] - both_axes('extra', extra, 0)[0]] += params.b"
            )
        },
        "dx as large as dy allows": {CUT: ""},
        "dW with in and out exchanged": {
            "weight_gradient(dy, x, kernel.shape, stride, sides).swapaxes(2, 3)": (
                "weight_gradient(dy, x, kernel.shape, stride, sides).reshape("
                "*kernel.shape[:2], kernel.shape[3], kernel.shape[2])"
            )
        },
    },
)

UNTUNED = 'side_by_side = stride is None or both_axes("stride", stride) == window'

POOL = mutants(
    "fast max pool",
    "fast/pool.py",
    {
        "of equal columns the last wins": {"np.greater(columns": "np.greater_equal(columns"},
        "of equal rows the last wins": {"np.greater(rows": "np.greater_equal(rows"},
        "NaN not looked for": {"if not np.isnan(y.min(initial=0)):": "if True:"},
        "NaN looked for in the first picture": {"np.isnan(y.min(": "np.isnan(y[:1].min("},
        "NaN looked for in the input's corner of each window": {"np.isnan(y.min(": "np.isnan(x[:, ::2, ::2].min("},
        "windows of another stride as if side by side": {UNTUNED: "side_by_side = True"},
        "border ignored": {" and sides == ((0, 0), (0, 0))": ""},
        "only the height of the window looked at": {"if window == (2, 2)": "if window[0] == 2"},
        "last column of an odd width not zeroed": {"dx[:, 2 * H :], dx[:, :, 2 * W :] = 0, 0": "dx[:, 2 * H :] = 0"},
    },
)

VARIANCE = "var = _squares(rows, mean) / n"
LEVELS = "(dbeta / n, dgamma / (n * std))"

NORM = mutants(
    "fast batch norm",
    "fast/norm.py",
    {
        "variance divided by n - 1": {VARIANCE: "var = _squares(rows, mean) / (n - 1)"},
        "variance as the mean square less the square of the mean": {
            VARIANCE: "var = column_sums(rows * rows) / n - mean**2"
        },
        "running variance holds the unbiased one": {
            "(1 - momentum) * var\n": "(1 - momentum) * var * n / (n - 1)\n",
        },
        "side-by-side sums of squares folded the wrong way": {
            "total.reshape(-1, rows.shape[1]).sum(axis=0)": "total.reshape(rows.shape[1], -1).sum(axis=1)"
        },
        "dbeta of the last block": {"total[0] += ": "total[0] = "},
        "dx with sums instead of means": {LEVELS: "(dbeta, dgamma / std)"},
        "dx in evaluation as in training": {
            " if training else (None, None)": "",
            "        if training:  # mean": "        if n:  # mean",
        },
        "rectifier's mask from x": {"y[part] > 0": "x[part] > 0"},
        "dx without the rectifier's mask": {
            "part)\n        if training:  # mean": "part)\n        dz[...] = dwide[part]\n        if training:  # mean"
        },
        "rows left out that fill no block": {
            "range(0, len(x), rows)]": "range(0, max(1, len(x) - rows + 1), rows)]",
        },
        "gradient written into dy": {"        dz[...] = dy[part]\n": "        dz = dy[part]\n"},
        "dx lies in scratch": {"dx = np.empty_like(wide)": 'dx = scratch("dx", wide.shape, wide.dtype)'},
    },
)

CONV_POOL = mutants(
    "fast conv pool",
    "fast/conv_pool.py",
    {
        "of equal columns the last wins": {"np.greater(b_, a": "np.greater_equal(b_, a"},
        "NaN not looked for": {"if not np.isnan(y.min(initial=0)):": "if True:"},
        "upper row's gradient by the lower row's columns": {
            "np.multiply(a, right[images]": "np.multiply(a, lower[images]"
        },
        "gradient of groups that pooling leaves out is what memory held": {"        a[...] = 0\n": ""},
        "border of planes not zeroed": {"self.values[...] = 0": "self.values[..., self.pixels :] = 0"},
        "border of odd width begins in the even plane": {
            "first, left = (a - g.top) % 2, (b - g.left) % 2": "first, left = a, b"
        },
        "dW of the last block": {"dW += planes": "dW[...] = planes"},
        "last pictures left out": {"for n in range(0, N, count)": "for n in range(0, N - N % count or N, count)"},
        "need_dx ignored": {"np.empty(x.shape, dy.dtype) if need_dx else None": "np.empty(x.shape, dy.dtype)"},
        "other pairs replaced": {
            "if conv2d_pair is not conv2d or max_pool2d_pair is not max_pool2d:": "if max_pool2d_pair is not max_pool2d:"
        },
    },
)

MUTANTS = WINOGRAD + CONV + COLUMNS + TRANSPOSE + POOL + CONV_POOL + NORM
