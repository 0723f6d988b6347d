"""Mistakes in convolution and pooling."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

Y = "y = columns @ W.reshape(-1, F) + b"
DW = "dW = (columns.T @ rows).reshape(W.shape)"
DB = "db = rows.sum(axis=0)"
DX = "shifted(dxpad, i, j, (OH, OW), stride)[...] += (rows"
RETURN = "return crop_image(dxpad, sides), ConvParams(dW, db)"
LAST = "[OH * OW - 1 :: OH * OW]"  # rows of the last place of every picture

CONV = mutants(
    "conv",
    "functional/conv.py",
    {
        "kernel flipped": {Y: f"W = W[::-1, ::-1]\n    {Y}", DW: f"{DW}[::-1, ::-1]"},
        "only the first channel": {
            Y: "first = np.arange(C) == 0\n"
            f"    columns, W = columns * np.tile(first, KH * KW), W * first[:, None]\n    {Y}"
        },
        "no bias": {Y: Y.removesuffix(" + b")},
        "border repeats the edge": {
            "xpad = pad_image(x, sides)": 'xpad = np.pad(x, ((0, 0), *sides, (0, 0)), mode="edge")'
        },
        "horizontal stride for both axes": {
            "windows = windows_of(xpad,": "stride = (stride[1], stride[1])\n    windows = windows_of(xpad,"
        },
        "dx without the stride": {DX: DX.replace("stride", "(1, 1)")},
        "dW without the stride": {
            "(columns, W, xpad.shape, stride, sides, need_dx)": (
                "(windows_of(xpad, (KH, KW), (1, 1))[:, :OH, :OW].reshape(columns.shape), W, xpad.shape, stride, sides,"
                " need_dx)"
            )
        },
        "dW of the last picture": {DW: DW.replace("columns.T @ rows", "columns[-OH * OW :].T @ rows[-OH * OW :]")},
        "dW of the last place": {DW: DW.replace("columns.T @ rows", f"columns{LAST}.T @ rows{LAST}")},
        "dx with its border": {RETURN: "return dxpad, ConvParams(dW, db)"},
        "dx cut off at the wrong side": {
            RETURN: "return dxpad[:, : shape[1] - sum(sides[0]), : shape[2] - sum(sides[1])], ConvParams(dW, db)"
        },
        "db is a mean": {DB: "db = rows.mean(axis=0)"},
        "db of the first picture": {DB: "db = dy[0].sum(axis=(0, 1))"},
    },
)

MAX_CACHE = "return y, (winner, xpad.shape, size, stride, sides)"
MAX_UNPACK = "winner, shape, size, stride, sides = cache"
MAX_LOOP = "for k, (i, j) in enumerate(np.ndindex(size)):\n        shifted(dxpad"
MAX_DX = "shifted(dxpad, i, j, dy.shape[1:3], stride)[...] += dy * (winner == k)"
MAX_HIT = "(shifted(xpad, i, j, dy.shape[1:3], stride) == y)"

MAXPOOL = mutants(
    "max pool",
    "functional/pool.py",
    {
        "equal maxima share the gradient": {
            MAX_CACHE: MAX_CACHE.replace("winner", "(xpad, y)"),
            MAX_UNPACK: MAX_UNPACK.replace("winner", "(xpad, y)"),
            MAX_LOOP: f"count = np.maximum(sum({MAX_HIT} for i, j in np.ndindex(size)), 1)\n    {MAX_LOOP}",
            "dy * (winner == k)": f"dy * {MAX_HIT} / count",
        },
        "the last of equal maxima gets the gradient": {"(pixel <= y)": "(pixel < y)"},
        "dx without the stride": {MAX_DX: MAX_DX.replace("stride", "(1, 1)")},
        "one maximum for all pictures and channels": {
            MAX_CACHE: "winner = np.where(y == y.max(axis=(0, 3), keepdims=True, initial=-np.inf), winner, -1)\n"
            f"    {MAX_CACHE}"
        },
        "dx holds the maximum instead of dy": {
            MAX_CACHE: MAX_CACHE.replace("winner", "(winner, y)"),
            MAX_UNPACK: MAX_UNPACK.replace("winner", "(winner, y)"),
            MAX_DX: MAX_DX.replace("dy * (winner", "y * (winner"),
        },
        "border of zeros can win": {"pad_image(x, sides, -np.inf)": "pad_image(x, sides)"},
    },
)

COUNT = "count = windows_of(pixels, size, stride).sum(axis=(3, 4))"

AVGPOOL = mutants(
    "average pool",
    "functional/pool.py",
    {
        "gradient not divided": {"share = (dy / count)": "share = dy"},
        "a sum instead of a mean": {COUNT: f"{COUNT} * 0 + 1"},
        "divided by the side of the window": {COUNT: f"{COUNT} ** 0.5"},
    },
) + mutants(
    "average pool",
    "functional/conv.py",
    {"gradients of overlapping windows overwrite each other": {"stride)[...] += dwindows": "stride)[...] = dwindows"}},
)

MUTANTS = CONV + MAXPOOL + AVGPOOL
