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
        "v3 = d3 - d1": {"np.subtract(d1, d3, out=v[3])": "np.subtract(d3, d1, out=v[3])"},
        "dm3 = dy1": {"np.negative(dy[1], out=dm[3])": "dm[3] = dy[1]"},
        "minus at the wrong weight": {"[0.5, -0.5, 0.5]": "[0.5, 0.5, -0.5]"},
        "kernel's rows and columns exchanged": {"klcf->jicf": "klcf->ijcf"},
        "dW's rows and columns exchanged": {"jicf->klcf": "ijcf->klcf"},
        "dW without the last row and column of an odd output": {
            GRID: "    (OH, OW), _, start = _geometry(x, sides)\n    th, tw = max(1, OH // 2), max(1, OW // 2)\n"
        },
        "the tile row above the picture is cut towards zero": {OUTSIDE: "i0, j0 = max(0, -i // 2), max(0, -j // 2)"},
        "border above and left of the same width": {"(-top, -left)": "(-top, -top)"},
        "border not zeroed": {"planes[...] = 0\n": "planes[..., :0] = 0\n"},
        "rows of tiles left out that fill no block": {
            "range(0, th, tiles)": "range(0, max(1, th - tiles + 1), tiles)",
        },
        "blocks overlap": {"min(th, r + tiles)": "min(th, r + tiles + 1)"},
        "a block's tiles begin at the top": {"start[0] + 2 * tiles.start": "start[0]"},
        "a block's dy begins at the top": {"(2 * tiles.start, 0)": "(0, 0)"},
        "dW of the last block": {"du += np.matmul(": "du[...] = np.matmul("},
        "bias in the first block only": {"if b is not None:": "if b is not None and tiles.start == 0:"},
        "bias in the even rows only": {"add_bias(both.reshape(-1, F)": "add_bias(both[0].reshape(-1, F)"},
        "sums along rows and columns share one scratch array": {'"y columns"': '"y rows"'},
        "y lies in scratch": {
            "y = np.empty((len(x), th, 2, tw, 2, F), x.dtype)": (
                'y = scratch("whole y", (len(x), th, 2, tw, 2, F), x.dtype)'
            )
        },
        "dW always in float64": {"g = G.astype(x.dtype)": "g = G"},
    },
)

FLIP = "W[::-1, ::-1].swapaxes(2, 3)"
AROUND = "(KH - 1 - top, KH - 1 - bottom), (KW - 1 - left, KW - 1 - right)"
FITS = "fits = max(top, bottom) < KH and max(left, right) < KW"
ZEROED = "wide[:, OH:], wide[:, :OH, OW:] = 0, 0"
BIAS_ROW = "np.zeros((1, F), x.dtype) if b is None else b[None]"

CONV = mutants(
    "fast conv",
    "fast/conv.py",
    {
        "dx with the kernel not turned around": {FLIP: "W.swapaxes(2, 3)"},
        "dx with the kernel turned around one axis": {FLIP: "W[::-1].swapaxes(2, 3)"},
        "dx with the sides of the border exchanged": {
            AROUND: "(KH - 1 - bottom, KH - 1 - top), (KW - 1 - right, KW - 1 - left)"
        },
        "dx of a border wider than the kernel as of a narrow one": {
            FITS: "fits = True",
            AROUND: "(max(0, KH - 1 - top), max(0, KH - 1 - bottom)), (max(0, KW - 1 - left), max(0, KW - 1 - right))",
        },
        "need_dx ignored": {"way) if need_dx else None, ConvParams": "way), ConvParams"},
        "the bias never meets its row of ones": {"taps[-1] = 1": "taps[-1] = 0"},
        "no bias in blocks of rows": {"if b is not None:\n            add_bias(out, b)": "pass"},
        "bias in whole pictures only": {
            "if b is not None:\n            add_bias(out, b)": (
                "if b is not None and part[1] == slice(0, OH):\n            add_bias(out, b)"
            )
        },
        "dW takes the row of ones for a weight": {"taps[:-1] @": "taps[1:] @"},
        "dW sees what an earlier call left right of dy": {ZEROED: "wide[:, OH:] = 0"},
        "border of columns not zeroed": {"seen[...] = 0": "pass"},
        "border of planes not zeroed": {
            "planes[...] = 0\n    inside": "planes[:, pixels:] = 0\n    inside",
        },
        "strided dx adds to what an earlier call left": {"padded[...] = 0": "pass"},
        "the first rows of a block read from its output row": {
            "first, deep, wide = rows.start * sh - top": "first, deep, wide = rows.start - top"
        },
        "last pictures left out": {"for n in range(0, N, images)": "for n in range(0, N - N % images or N, images)"},
        "last rows left out": {"for r in range(0, OH, rows)": "for r in range(0, OH - OH % rows or OH, rows)"},
        "dW of the last block of rows": {
            "dW += _columns(x, (KH, KW), stride, sides, part, OW).T": (
                "dW[...] = _columns(x, (KH, KW), stride, sides, part, OW).T"
            )
        },
        "dx of the stamps keeps what an earlier call left": {
            "planes[...] = 0\n    for k, (i, j) in enumerate(np.ndindex(KH, KW)):  # windows overlap": (
                "planes[:1] = 0\n    for k, (i, j) in enumerate(np.ndindex(KH, KW)):  # windows overlap"
            )
        },
        "dx of a strided convolution lies in scratch": {
            "dx = np.empty(shape, dy.dtype)": 'dx = scratch("whole dx", shape, dy.dtype)'
        },
        "db of the first picture": {
            "column_sums(dy.reshape(-1, W.shape[3]))": "column_sums(dy[0].reshape(-1, W.shape[3]))"
        },
    },
)

CUT = "[:, : x.shape[1], : x.shape[2]]"

TRANSPOSE = mutants(
    "fast conv transpose",
    "fast/conv_transpose.py",
    {
        "no bias": {"    add_bias(y.reshape(-1, shape[3]), params.b)\n": ""},
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
        "both rows get the gradient": {
            "np.subtract(dy, drows[:, :, 1], out=drows[:, :, 0])": "drows[:, :, 0] = dy",
        },
        "the row that won is ignored by the columns": {"np.multiply(dy, down,": "np.multiply(dy, 1,"},
        "last column of an odd width not zeroed": {"dx[:, 2 * H :], dx[:, :, 2 * W :] = 0, 0": "dx[:, 2 * H :] = 0"},
        "dx always in float64": {"dx = np.empty(shape, dy.dtype)": "dx = np.empty(shape)"},
    },
)

NEXT_MEAN = "momentum * running.mean + (1 - momentum) * mean"
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
        "running mean as PyTorch states it": {NEXT_MEAN: "(1 - momentum) * running.mean + momentum * mean"},
        "eps outside the root": {"np.sqrt(var + eps)": "np.sqrt(var) + eps"},
        "side-by-side sums of squares folded the wrong way": {
            "total.reshape(-1, rows.shape[1]).sum(axis=0)": "total.reshape(rows.shape[1], -1).sum(axis=1)"
        },
        "squares of the last block": {"total += column_sums(centred)": "total = column_sums(centred)"},
        "dbeta of the last block": {"total[0] += ": "total[0] = "},
        "dgamma not divided by std": {"total[1] / std": "total[1]"},
        "dx with sums instead of means": {LEVELS: "(dbeta, dgamma / std)"},
        "dx's slope not divided by std again": {LEVELS: "(dbeta / n, dgamma / n)"},
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
        "y lies in scratch": {"y = np.empty_like(wide)": 'y = scratch("y", wide.shape, wide.dtype)'},
        "dx lies in scratch": {"dx = np.empty_like(wide)": 'dx = scratch("dx", wide.shape, wide.dtype)'},
    },
)

CONV_POOL = mutants(
    "fast conv pool",
    "fast/conv_pool.py",
    {
        "of equal columns the last wins": {"np.greater(b_, a": "np.greater_equal(b_, a"},
        "of equal rows the last wins": {"np.greater(c, a": "np.greater_equal(c, a"},
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
        "what overlaps overwrites": {"[...] += stamps": "[...] = stamps"},
        "need_dx ignored": {"np.empty(x.shape, dy.dtype) if need_dx else None": "np.empty(x.shape, dy.dtype)"},
        "many channels too go without the readable pair's check": {"x.ndim == 4 and x.shape[3] <= FEW": "x.ndim == 4"},
        "other pairs replaced": {
            "if conv2d_pair is not conv2d or max_pool2d_pair is not max_pool2d:": "if max_pool2d_pair is not max_pool2d:"
        },
    },
)

MUTANTS = WINOGRAD + CONV + TRANSPOSE + POOL + CONV_POOL + NORM
