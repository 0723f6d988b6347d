"""What goes wrong in a convolution: the known mistakes of conv1 and conv2."""

from __future__ import annotations

from minirnn.course.exercise import Mistake

_COLUMNS = "columns = windows.reshape(N * OH * OW, KH * KW * C)"
_Y = "y = columns @ W.reshape(-1, F) + b"
_WINDOWS = "windows = windows_of(xpad, (KH, KW), stride)"
_XPAD = "xpad = pad_image(x, sides)\n"
_OUT = "return y.reshape(N, OH, OW, F), "

CONV1 = (
    Mistake("flipped", "the kernel is turned round, which mathematics calls convolution; here, as in all deep learning, "
            "it is laid on the image as it is (cross-correlation)",
            (("W.reshape(-1, F)", "W[::-1, ::-1].reshape(-1, F)"),), convention=True),
    Mistake("flipped-vertically", "the kernel is turned upside down; row k of the kernel goes with row i * stride + k of the image",
            (("W.reshape(-1, F)", "W[::-1].reshape(-1, F)"),)),
    Mistake("flipped-horizontally", "the kernel is mirrored left to right; column l of the kernel goes with column j * stride + l",
            (("W.reshape(-1, F)", "W[:, ::-1].reshape(-1, F)"),)),
    Mistake("no-bias", "the bias is missing; every filter adds its own b[f] to each of its pixels", ((_Y, _Y[:-4]),)),
    Mistake("bias-subtracted", "the bias is subtracted; it is added", ((_Y, _Y[:-3] + "- b"),)),
    Mistake("bias-per-kernel-pixel", "the bias is added once for every pixel of the kernel; it is added once for every pixel of "
            "the output: take it out of the inner loop", ((_Y, _Y + " * KH * KW"),)),
    Mistake("bias-per-channel", "the bias is added once for every input channel; once for every pixel of the output is right: take "
            "it out of the loop over channels", ((_Y, _Y + " * C"),)),
    Mistake("bias-per-weight", "the bias is added once for every weight of a filter; once for every pixel of the output is right: "
            "take it out of the inner loops", ((_Y, _Y + " * KH * KW * C"),)),
    Mistake("bias-first-filter", "every filter gets the bias b[0]; filter f has a bias b[f] of its own", ((_Y, _Y + "[0]"),)),
    Mistake("strides-swapped", "the two strides are exchanged: the first is vertical (rows), the second horizontal (columns)",
            (("(xpad, (KH, KW), stride)", "(xpad, (KH, KW), stride[::-1])"),)),
    Mistake("stride-ignored", "the stride is not used: the window moves by 1", (("(xpad, (KH, KW), stride)", "(xpad, (KH, KW), (1, 1))"),)),
    Mistake("vertical-stride-for-both", "the vertical stride is used for the columns too; they have a stride of their own",
            (("(xpad, (KH, KW), stride)", "(xpad, (KH, KW), (stride[0], stride[0]))"),)),
    Mistake("horizontal-stride-for-both", "the horizontal stride is used for the rows too; they have a stride of their own",
            (("(xpad, (KH, KW), stride)", "(xpad, (KH, KW), (stride[1], stride[1]))"),)),
    Mistake("window-not-moved-by-stride", "the output has the right size, but its window starts at row i and column j; it starts "
            "at i * stride and j * stride",
            ((_WINDOWS, _WINDOWS + "\n    OH, OW = windows.shape[1:3]\n    windows = windows_of(xpad, (KH, KW), (1, 1))[:, :OH, :OW]"),)),
    Mistake("stride-inside-window", "the stride is taken between the pixels inside a window (that would be a dilated kernel); it "
            "is the step from window to window",
            ((_WINDOWS, _WINDOWS + "\n    OH, OW = windows.shape[1:3]\n    windows = np.stack([np.stack([xpad[:, k * stride[0] :][:, :OH, "
              "l * stride[1] :][:, :, :OW] for l in range(KW)], axis=3) for k in range(KH)], axis=3)"),)),
    Mistake("pad-ignored", "the border of zeros is missing: pad is not used", ((_XPAD, "xpad = x\n"),)),
    Mistake("pad-edge", "the border repeats the pixels at the edge; it is made of zeros",
            ((_XPAD, 'xpad = np.pad(x, ((0, 0), *sides, (0, 0)), mode="edge")\n'),)),
    Mistake("pad-reflect", "the border mirrors the image; it is made of zeros",
            ((_XPAD, 'xpad = np.pad(x, ((0, 0), *sides, (0, 0)), mode="reflect")\n'),)),
    Mistake("pad-symmetric", "the border mirrors the image, edge included; it is made of zeros",
            ((_XPAD, 'xpad = np.pad(x, ((0, 0), *sides, (0, 0)), mode="symmetric")\n'),)),
    Mistake("pad-wrap", "the border continues the image from its other side; it is made of zeros",
            ((_XPAD, 'xpad = np.pad(x, ((0, 0), *sides, (0, 0)), mode="wrap")\n'),)),
    Mistake("pad-ones", "the border is made of ones; it is made of zeros", ((_XPAD, "xpad = pad_image(x, sides, 1)\n"),)),
    Mistake("pads-swapped", "vertical and horizontal border are exchanged: sides is ((top, bottom), (left, right))",
            ((_XPAD, "xpad = pad_image(x, sides[::-1])\n"),)),
    Mistake("pad-vertical-for-both", "the border of the rows is used for the columns too; left and right have their own",
            ((_XPAD, "xpad = pad_image(x, (sides[0], sides[0]))\n"),)),
    Mistake("pad-horizontal-for-both", "the border of the columns is used for the rows too; top and bottom have their own",
            ((_XPAD, "xpad = pad_image(x, (sides[1], sides[1]))\n"),)),
    Mistake("pad-top-for-all", "one number is used for all four sides; sides is ((top, bottom), (left, right))",
            ((_XPAD, "xpad = pad_image(x, ((sides[0][0],) * 2,) * 2)\n"),)),
    Mistake("pad-symmetry-assumed", "top is used for bottom too, and left for right; each side has a number of its own",
            ((_XPAD, "xpad = pad_image(x, tuple((side[0],) * 2 for side in sides))\n"),)),
    Mistake("pad-sides-reversed", "top and bottom are exchanged, and left and right: sides is ((top, bottom), (left, right))",
            ((_XPAD, "xpad = pad_image(x, tuple(side[::-1] for side in sides))\n"),)),
    Mistake("pad-only-first-side", "the border is put at the top and left only; bottom and right have one too",
            ((_XPAD, "xpad = pad_image(x, tuple((side[0], 0) for side in sides))\n"),)),
    Mistake("pad-only-last-side", "the border is put at the bottom and right only; top and left have one too",
            ((_XPAD, "xpad = pad_image(x, tuple((0, side[1]) for side in sides))\n"),)),
    Mistake("mean-over-window", "the products are averaged; a convolution adds them up", (("columns @ W", "columns / (KH * KW * C) @ W"),)),
    Mistake("mean-over-kernel", "the sum is divided by the number of kernel pixels; a convolution only adds up",
            (("columns @ W", "columns / (KH * KW) @ W"),)),
    Mistake("mean-over-channels", "the sum is divided by the number of channels; what the channels give adds up",
            (("columns @ W", "columns / C @ W"),)),
    Mistake("first-channel", "only channel 0 is used; what all input channels give adds up",
            (("columns @ W.reshape(-1, F)", "columns[:, ::C] @ W[:, :, 0].reshape(-1, F)"),)),
    Mistake("last-channel", "only the last channel is left: the channels overwrite each other; what they give adds up",
            (("columns @ W.reshape(-1, F)", "columns[:, C - 1 :: C] @ W[:, :, -1].reshape(-1, F)"),)),
    Mistake("one-kernel-for-all-channels", "channel 0 of the kernel is used for all input channels; each has weights of its own",
            (("W.reshape(-1, F)", "np.repeat(W[:, :, :1], C, axis=2).reshape(-1, F)"),)),
    Mistake("last-kernel-pixel", "only the last pixel of the kernel is left: the pixels overwrite each other; their products add up",
            (("columns @ W.reshape(-1, F)", "columns[:, -C:] @ W[-1, -1]"),)),
    Mistake("first-kernel-pixel", "only the first pixel of the kernel is used; all KH * KW pixels give a product, and these add up",
            (("columns @ W.reshape(-1, F)", "columns[:, :C] @ W[0, 0]"),)),
    Mistake("last-kernel-row", "only the last row of the kernel is left: one row overwrites the other; they add up",
            (("columns @ W.reshape(-1, F)", "columns[:, -KW * C :] @ W[-1].reshape(-1, F)"),)),
    Mistake("last-kernel-column", "only the last column of the kernel is left: one column overwrites the other; they add up",
            ((_COLUMNS, "columns = windows[:, :, :, :, -1].reshape(N * OH * OW, -1)"),
             ("columns @ W.reshape(-1, F)", "columns @ W[:, -1].reshape(-1, F)"))),
    Mistake("kernel-transposed", "rows and columns of the kernel are exchanged: W[k, l] goes with row k and column l of the window",
            (("W.reshape(-1, F)", "W.transpose(1, 0, 2, 3).reshape(-1, F)"),)),
    Mistake("columns-order", "the window is flattened in another order than W: channels first there, kernel pixels first in W",
            ((_COLUMNS, "columns = windows.transpose(0, 1, 2, 5, 3, 4).reshape(N * OH * OW, KH * KW * C)"),)),
    Mistake("W-reshaped-filters-first", "W is reshaped to (F, …) and transposed, which mixes its numbers up: its last axis is F "
            "already", (("W.reshape(-1, F)", "W.reshape(F, -1).T"),)),
    Mistake("rows-order", "the rows of the product stand in the order of (N, H', W'), and are read back in another order: "
            "reshape never moves axes", ((_OUT, "return y.reshape(OH, OW, N, F).transpose(2, 0, 1, 3), "),)),
    Mistake("filters-order", "the filters are the last axis of the product; reshape to (N, F, H', W') mixes them up",
            ((_OUT, "return y.reshape(N, F, OH, OW).transpose(0, 2, 3, 1), "),)),
    Mistake("channels-first", "y is (N, F, H', W'), the order of PyTorch; here it is (N, H', W', F)",
            ((_OUT, "return y.reshape(N, OH, OW, F).transpose(0, 3, 1, 2), "),), convention=True),
    Mistake("rows-and-columns-exchanged", "height and width of y are exchanged: it is (N, H', W', F)",
            ((_OUT, "return y.reshape(N, OH, OW, F).transpose(0, 2, 1, 3), "),)),
    Mistake("output-too-small", "the last row and column are missing: there are (size - kernel) // stride **+ 1** places",
            ((_WINDOWS, _WINDOWS + "[:, :-1, :-1]"),)),
    Mistake("last-not-written", "the last row and column of y are never computed: the loops end too early",
            ((_OUT, "y = y.reshape(N, OH, OW, F)\n    y[:, -1], y[:, :, -1] = 0, 0\n    return y, "),)),
    Mistake("first-image", "every image of the batch gets the result of the first one",
            ((_OUT, "return np.repeat(y.reshape(N, OH, OW, F)[:1], N, axis=0), "),)),
    Mistake("last-image", "every image of the batch gets the result of the last one, or only the last one is computed",
            ((_OUT, "return np.repeat(y.reshape(N, OH, OW, F)[-1:], N, axis=0), "),)),
    Mistake("first-filter", "every filter gives the result of filter 0; filter f has the weights W[..., f]",
            (("W.reshape(-1, F)", "np.repeat(W[..., :1], F, axis=3).reshape(-1, F)"),)),
    Mistake("relu", "negative values are cut off at 0; a ReLU is a layer of its own, after the convolution",
            ((_Y, _Y + "\n    y = np.maximum(y, 0)"),)),
    Mistake("relu-before-bias", "the sum is cut off at 0 before the bias; there is no ReLU in a convolution",
            ((_Y, "y = np.maximum(columns @ W.reshape(-1, F), 0) + b"),)),
    Mistake("cache-missing", "only y is returned; the function returns a pair: y and the cache",
            ((_OUT + "(columns, W, xpad.shape, stride, sides, need_dx)", "return y.reshape(N, OH, OW, F)"),)),
)  # fmt: skip

_DW = "dW = (columns.T @ rows).reshape(W.shape)"
_DB = "db = rows.sum(axis=0)"
_DPIXEL = "(rows @ W[i, j].T).reshape(N, OH, OW, -1)"
_PLACE = "dxpad[:, i : i + sh * OH : sh, j : j + sw * OW : sw] += dpixel"
_LOOP = "for i, j in np.ndindex(W.shape[:2]):"
_CROP = "return crop_image(dxpad, sides), "
_BY_IMAGE = "columns.reshape(N, OH * OW, -1)[{0}].T @ dy[{0}].reshape(OH * OW, F)"
_XPAD_AGAIN = (  # the padded image from its windows, where they cover it
    "xpad = np.zeros(shape, dtype=dy.dtype)\n    seen = columns.reshape(N, OH, OW, *W.shape[:3])\n"
    "    for i, j in np.ndindex(W.shape[:2]):\n"
    "        xpad[:, i : i + sh * OH : sh, j : j + sw * OW : sw] = seen[:, :, :, i, j]\n"
)

CONV2 = (
    Mistake("dx-overwritten", "dx is overwritten where windows overlap; a pixel that several windows saw gets the sum of what they "
            "send back", ((_PLACE, _PLACE.replace("+=", "=")),)),
    Mistake("dx-overwritten-by-windows", "dx is overwritten where windows overlap: only the last window that saw a pixel counts; what "
            "all of them send back adds up",
            ((_PLACE, _PLACE.replace("+=", "=")), (_LOOP, "for i, j in reversed(list(np.ndindex(W.shape[:2]))):"))),
    Mistake("dx-not-cropped", "dx still has the border; x came in without it, so cut it off", ((_CROP, "return dxpad, "),)),
    Mistake("dx-cropped-at-the-end", "the border is cut off at the bottom and right only, so dx is shifted; the top and left "
            "border come off first",
            ((_CROP, "return dxpad[:, : shape[1] - sum(sides[0]), : shape[2] - sum(sides[1])], "),)),
    Mistake("dx-cropped-at-the-start", "the whole border is cut off at the top and left, so dx is shifted; each side loses its own",
            ((_CROP, "return dxpad[:, sum(sides[0]) :, sum(sides[1]) :], "),)),
    Mistake("dx-cropped-swapped", "vertical and horizontal border are exchanged where it is cut off",
            ((_CROP, "return crop_image(dxpad, sides[::-1]), "),)),
    Mistake("dx-cropped-reversed", "bottom is cut off at the top, and right at the left: sides is ((top, bottom), (left, right))",
            ((_CROP, "return crop_image(dxpad, tuple(side[::-1] for side in sides)), "),)),
    Mistake("dx-cropped-minus-zero", "with a border of 0 the slice [0:-0] is empty; end it at size - border instead",
            ((_CROP, "return dxpad[:, sides[0][0] : -sides[0][1], sides[1][0] : -sides[1][1]], "),)),
    Mistake("dx-stride-ignored", "the stride is missing where dx is filled: window (i, j) starts at (i * stride, j * stride)",
            ((_PLACE, "dxpad[:, i : i + OH, j : j + OW] += dpixel"),)),
    Mistake("dx-strides-swapped", "the two strides are exchanged where dx is filled: the first is vertical",
            ((_PLACE, "a, b = dxpad[:, i::sw], dpixel\n        a = a[:, :OH, j::sh][:, :, :OW]\n        a += b[:, : a.shape[1], : a.shape[2]]"),)),
    Mistake("dx-flipped", "the kernel is turned round on the way back to x: window pixel (k, l) met W[k, l] and gets its "
            "gradient through W[k, l]", ((_DPIXEL, "(rows @ W[::-1, ::-1][i, j].T).reshape(N, OH, OW, -1)"),)),
    Mistake("dx-W-not-transposed", "W[k, l] is not transposed on the way back: the sum is over the filters, which are its last axis",
            ((_DPIXEL, "(rows @ W[i, j]).reshape(N, OH, OW, -1)"),)),
    Mistake("dx-last-filter", "only the last filter reaches dx: the filters overwrite each other; what they send back adds up",
            ((_DPIXEL, "(rows[:, -1:] @ W[i, j][:, -1:].T).reshape(N, OH, OW, -1)"),)),
    Mistake("dx-first-filter", "only filter 0 reaches dx; what all filters send back adds up",
            ((_DPIXEL, "(rows[:, :1] @ W[i, j][:, :1].T).reshape(N, OH, OW, -1)"),)),
    Mistake("dx-channels-mixed", "every channel of dx gets the sum over all channels; channel c gets its gradient through W[k, l, c]",
            ((_DPIXEL, "(rows @ W[i, j].T).sum(axis=1, keepdims=True).repeat(W.shape[2], axis=1).reshape(N, OH, OW, -1)"),)),
    Mistake("dx-without-W", "W is missing on the way back to x: every gradient goes through the weight it met",
            ((_DPIXEL, "(rows @ np.ones_like(W[i, j]).T).reshape(N, OH, OW, -1)"),)),
    Mistake("dx-with-x", "dx was made with the image; it goes back through the kernel W",
            ((_DPIXEL, "(rows.sum(axis=1, keepdims=True) * columns.reshape(len(rows), *W.shape[:3])[:, i, j]).reshape(N, OH, OW, -1)"),)),
    Mistake("dx-mean-over-kernel", "dx is divided by the number of kernel pixels; the forward pass added, so gradients pass undivided",
            ((_CROP, "return crop_image(dxpad, sides) / (W.shape[0] * W.shape[1]), "),)),
    Mistake("dx-divided-by-overlap", "dx is divided by the number of windows that saw the pixel; what they send back adds up",
            (("dpixel = ", "dpixel = (1 / np.maximum(seen, 1))[:, i : i + sh * OH : sh, j : j + sw * OW : sw] * "),
             (_DB, _DB + "\n    seen = np.zeros((1, *shape[1:3], 1), dtype=dy.dtype)\n    for i, j in np.ndindex(W.shape[:2]):\n"
              "        seen[:, i : i + sh * OH : sh, j : j + sw * OW : sw] += 1"))),
    Mistake("dx-one-image", "only the last image of the batch gets a dx", ((_CROP, "dxpad[:-1] = 0\n    " + _CROP),)),
    Mistake("dx-last-kernel-pixel", "only one pixel of the kernel sends anything back to dx; all KH * KW of them do",
            ((_LOOP, "for i, j in [(W.shape[0] - 1, W.shape[1] - 1)]:"),)),
    Mistake("dx-none", "dx is missing: the gradient of the image comes first in the result", ((_CROP, "return None, "),)),
    Mistake("dW-last-image", "dW is that of the last image of the batch: each image overwrites it; images add up",
            ((_DW, f"dW = ({_BY_IMAGE.format(-1)}).reshape(W.shape)"),)),
    Mistake("dW-first-image", "dW is that of the first image of the batch; images add up",
            ((_DW, f"dW = ({_BY_IMAGE.format(0)}).reshape(W.shape)"),)),
    Mistake("dW-last-place", "dW is that of the last place of the window: each place overwrites it; W was used at every place, so "
            "they add up", ((_DW, "dW = (columns.reshape(N, OH * OW, -1)[:, -1].T @ dy[:, -1, -1]).reshape(W.shape)"),)),
    Mistake("dW-last-place-last-image", "dW is that of the last place of the last image: it is overwritten in every turn of the loops; "
            "add up over images and places", ((_DW, "dW = (columns[-1:].T @ rows[-1:]).reshape(W.shape)"),)),
    Mistake("dW-mean-over-batch", "dW is divided by N; the loss has already been averaged, gradients add up", ((_DW, _DW + " / N"),)),
    Mistake("dW-mean", "dW is the mean over images and places; W was used at each of them, so they add up",
            ((_DW, _DW + " / len(rows)"),)),
    Mistake("dW-mean-over-places", "dW is divided by the number of places; W was used at each of them, so they add up",
            ((_DW, _DW + " / (OH * OW)"),)),
    Mistake("dW-flipped", "dW is turned round: W[k, l] met pixel (k, l) of every window",
            ((_DW, _DW + "[::-1, ::-1]"),)),
    Mistake("dW-filters-first", "dW is computed as (F, …) and reshaped to the shape of W, which mixes its numbers up: transpose it",
            ((_DW, "dW = (rows.T @ columns).reshape(W.shape)"),)),
    Mistake("dW-channels-exchanged", "input channels and filters of dW are exchanged: it is (KH, KW, C, F)",
            ((_DW, _DW + ".transpose(0, 1, 3, 2)"),)),
    Mistake("dW-flat", "dW is not brought back to the shape of W", ((_DW, "dW = columns.T @ rows"),)),
    Mistake("dW-stride-ignored", "the stride is missing in dW: W[k, l] met pixel (i * stride + k, j * stride + l) of the padded image",
            ((_DW, _XPAD_AGAIN + "    dW = np.zeros_like(W)\n    for i, j in np.ndindex(W.shape[:2]):\n"
              "        dW[i, j] = xpad[:, i : i + OH, j : j + OW].reshape(len(rows), -1).T @ rows"),)),
    Mistake("dW-one-channel", "all channels of dW are those of channel 0; W[k, l, c] met channel c of the image",
            ((_DW, _DW + "\n    dW = dW[:, :, :1].repeat(W.shape[2], axis=2)"),)),
    Mistake("dW-channels-summed", "dW is summed over the channels; W[k, l, c] met channel c alone",
            ((_DW, _DW + "\n    dW = dW.sum(axis=2, keepdims=True).repeat(W.shape[2], axis=2)"),)),
    Mistake("mean-over-batch", "dW and db are divided by N; the loss has already been averaged, gradients add up",
            ((_DW, _DW + " / N"), (_DB, _DB + " / N"))),
    Mistake("db-mean", "db is the mean over images and places; b was added at each of them, so its gradients add up",
            ((_DB, "db = rows.mean(axis=0)"),)),
    Mistake("db-mean-over-batch", "db is divided by N; the loss has already been averaged, gradients add up", ((_DB, _DB + " / N"),)),
    Mistake("db-mean-over-places", "db is divided by the number of places; b was added at each of them, so gradients add up",
            ((_DB, _DB + " / (OH * OW)"),)),
    Mistake("db-last-image", "db is that of the last image: each image overwrites it; images add up",
            ((_DB, "db = dy[-1].sum(axis=(0, 1))"),)),
    Mistake("db-first-image", "db is that of the first image; images add up", ((_DB, "db = dy[0].sum(axis=(0, 1))"),)),
    Mistake("db-last-place", "db is that of one place of the window; b was added at every place, so they add up",
            ((_DB, "db = dy[:, -1, -1].sum(axis=0)"),)),
    Mistake("db-last-place-last-image", "db is that of the last place of the last image: it is overwritten in every turn of the loops; "
            "add up", ((_DB, "db = dy[-1, -1, -1]"),)),
    Mistake("db-per-image", "db is summed over the places but not over the batch", ((_DB, "db = dy.sum(axis=(1, 2))"),)),
    Mistake("db-batch-only", "db is summed over the batch but not over the places; it has one entry per filter",
            ((_DB, "db = dy.sum(axis=0)"),)),
    Mistake("db-total", "db is one number; there is one bias per filter, so the sum leaves the last axis", ((_DB, "db = rows.sum()"),)),
    Mistake("db-total-repeated", "every entry of db is the sum over everything; each filter has its own",
            ((_DB, "db = np.full(F, rows.sum(), dtype=dy.dtype)"),)),
    Mistake("db-per-kernel-pixel", "db is counted once for every kernel pixel; b was added once per place: take it out of that loop",
            ((_DB, _DB + " * W.shape[0] * W.shape[1]"),)),
    Mistake("db-per-channel", "db is counted once for every input channel; b was added once per place: take it out of that loop",
            ((_DB, _DB + " * W.shape[2]"),)),
    Mistake("db-zero", "db is 0: nothing is ever put into it", ((_DB, "db = np.zeros(F, dtype=dy.dtype)"),)),
    Mistake("db-kept-axes", "db keeps axes of length 1; it has the shape (F,) of b", ((_DB, "db = dy.sum(axis=(0, 1, 2), keepdims=True)"),)),
    Mistake("swapped", "dW and db are exchanged: the order is that of ConvParams(W, b)", (("ConvParams(dW, db)", "ConvParams(db, dW)"),)),
    Mistake("flat-result", "three results in a row; the gradient of the parameters is one ConvParams(dW, db)",
            (("ConvParams(dW, db)", "dW, db"),)),
    Mistake("params-as-tuple", "dW and db are returned in a plain tuple; put them in ConvParams(dW, db), the structure of the parameters",
            (("ConvParams(dW, db)", "(dW, db)"),)),
    Mistake("result-order", "the parameters' gradients come first; the order is that of the arguments: x, then params",
            ((_CROP + "ConvParams(dW, db)", "return ConvParams(dW, db), crop_image(dxpad, sides)"),)),
)  # fmt: skip
