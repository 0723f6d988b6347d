"""Answers to the exercises of lesson 03 as learners write them: wrong ones with the names of their mistakes, right ones."""

HEAD = """
import numpy as np
from minirnn.functional import ConvParams
from minirnn.functional.conv import both_axes, both_sides, crop_image, pad_image, shifted, windows_of
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with changes; each must occur once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


# conv1: loops over every place

LOOPS = (
    HEAD
    + """
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    N, H, Wd, C = x.shape
    KH, KW, _, F = params.W.shape
    sh, sw = both_axes("stride", stride)
    (top, bottom), (left, right) = both_sides(pad)
    padded = np.zeros((N, H + top + bottom, Wd + left + right, C))
    padded[:, top:top + H, left:left + Wd, :] = x
    OH = (H + top + bottom - KH) // sh + 1
    OW = (Wd + left + right - KW) // sw + 1
    out = np.zeros((N, OH, OW, F))
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                patch = padded[n, i * sh:i * sh + KH, j * sw:j * sw + KW, :]
                for f in range(F):
                    out[n, i, j, f] = np.sum(patch * params.W[:, :, :, f]) + params.b[f]
    return out, (x, padded, params, (sh, sw), (top, left))
"""
)

# conv2 for the cache of LOOPS, so both come in one file
LOOPS_BACK = (
    LOOPS
    + """

def conv2d_backward(dy, cache):
    x, padded, params, (sh, sw), (top, left) = cache
    W = params.W
    KH, KW, C, F = W.shape
    dpadded = np.zeros_like(padded)
    dW = np.zeros_like(W)
    db = np.zeros_like(params.b)
    N, OH, OW, _ = dy.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for f in range(F):
                    g = dy[n, i, j, f]
                    r, c = i * sh, j * sw
                    dpadded[n, r:r + KH, c:c + KW, :] += W[:, :, :, f] * g
                    dW[:, :, :, f] += padded[n, r:r + KH, c:c + KW, :] * g
                    db[f] += g
    dx = dpadded[:, top:top + x.shape[1], left:left + x.shape[2], :]
    return dx, ConvParams(dW, db)
"""
)

# conv2 with the framework's cache, with other words
BACK = (
    HEAD
    + """
def conv2d_backward(dy, cache):
    columns, W, shape, stride, sides, need_dx = cache
    KH, KW, C, F = W.shape
    N, OH, OW, _ = dy.shape
    flat = dy.reshape(-1, F)
    db = dy.sum(axis=0).sum(axis=0).sum(axis=0)
    dW = np.dot(flat.T, columns).T.reshape(KH, KW, C, F)
    dcols = np.dot(flat, W.reshape(KH * KW * C, F).T)
    dcols = dcols.reshape(N, OH, OW, KH, KW, C)
    big = np.zeros(shape)
    for i in range(OH):
        top = i * stride[0]
        for j in range(OW):
            left = j * stride[1]
            big[:, top:top + KH, left:left + KW, :] += dcols[:, i, j]
    (a, b), (c, d) = sides
    dx = big[:, a:shape[1] - b, c:shape[2] - d, :]
    return dx, ConvParams(dW, db)
"""
)

EINSUM = (
    HEAD
    + """
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    windows = windows_of(pad_image(x, both_sides(pad)), params.W.shape[:2], both_axes("stride", stride))
    y = np.einsum("nijklc,klcf->nijf", windows, params.W) + params.b
    return y, (windows, x.shape, params, both_axes("stride", stride), both_sides(pad))

def conv2d_backward(dy, cache):
    windows, shape, params, (sh, sw), ((top, bottom), (left, right)) = cache
    dW = np.einsum("nijklc,nijf->klcf", windows, dy)
    dwin = np.einsum("nijf,klcf->nijklc", dy, params.W)
    N, H, W, C = shape
    dx = np.zeros((N, H + top + bottom, W + left + right, C))
    for n, i, j, k, l in np.ndindex(dwin.shape[:5]):
        dx[n, i * sh + k, j * sw + l] += dwin[n, i, j, k, l]
    return dx[:, top:top + H, left:left + W], ConvParams(dW, np.einsum("nijf->f", dy))
"""
)

POOL_LOOPS = (
    HEAD
    + """
def max_pool2d_forward(x, *, size=2, stride=None, pad=0):
    kh, kw = both_axes("size", size)
    sh, sw = (kh, kw) if stride is None else both_axes("stride", stride)
    sides = both_sides(pad)
    xp = pad_image(x, sides, float("-inf"))
    N, H, W, C = xp.shape
    OH, OW = (H - kh) // sh + 1, (W - kw) // sw + 1
    y = np.empty((N, OH, OW, C))
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for c in range(C):
                    y[n, i, j, c] = np.max(xp[n, i * sh:i * sh + kh, j * sw:j * sw + kw, c])
    return y, (xp, y, (kh, kw), (sh, sw), sides)

def max_pool2d_backward(dy, cache):
    xp, y, (kh, kw), (sh, sw), sides = cache
    dxp = np.zeros(xp.shape)
    N, OH, OW, C = dy.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for c in range(C):
                    window = xp[n, i * sh:i * sh + kh, j * sw:j * sw + kw, c]
                    r, s = np.unravel_index(np.argmax(window), window.shape)
                    dxp[n, i * sh + r, j * sw + s, c] += dy[n, i, j, c]
    return (crop_image(dxp, sides),)
"""
)

# pool2 with the framework's cache
POOL_BACK = (
    HEAD
    + """
def max_pool2d_backward(dy, cache):
    winner, shape, size, stride, sides = cache
    dx = np.zeros(shape)
    N, OH, OW, C = dy.shape
    KH, KW = size
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for c in range(C):
                    k = int(winner[n, i, j, c])
                    row = i * stride[0] + k // KW
                    col = j * stride[1] + k % KW
                    dx[n, row, col, c] += dy[n, i, j, c]
    (a, b), (l, r) = sides
    return (dx[:, a:dx.shape[1] - b, l:dx.shape[2] - r],)
"""
)

SUM = "out[n, i, j, f] = np.sum(patch * params.W[:, :, :, f]) + params.b[f]"

WRONG = {
    "conv1": [
        ("ceil", """\
import math
import numpy as np
from minirnn.functional.conv import both_axes, both_sides, pad_image

def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    sh, sw = both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad))
    KH, KW, C, F = params.W.shape
    oh, ow = math.ceil((xp.shape[1] - KH) / sh) + 1, math.ceil((xp.shape[2] - KW) / sw) + 1
    xp = np.pad(xp, ((0, 0), (0, sh), (0, sw), (0, 0)))
    y = np.zeros((len(x), oh, ow, F), x.dtype)
    for i in range(oh):
        for j in range(ow):
            y[:, i, j] = np.tensordot(xp[:, i * sh:i * sh + KH, j * sw:j * sw + KW], params.W, 3)
    return y + params.b, None
"""),
        ("no-bias", changed(LOOPS, (" + params.b[f]", ""))),
        ("flipped", changed(LOOPS, ("params.W[:, :, :, f]", "params.W[::-1, ::-1, :, f]"))),
        ("window-not-moved-by-stride", changed(LOOPS, ("padded[n, i * sh:i * sh + KH, j * sw:j * sw + KW, :]", "padded[n, i:i + KH, j:j + KW, :]"))),
        ("pad-ignored", changed(LOOPS, ("both_sides(pad)", "both_sides(0)"))),
        ("strides-swapped", changed(LOOPS, ("sh, sw = both", "sw, sh = both"))),
        ("bias-per-channel", changed(LOOPS, (SUM, "for c in range(C):\n                        out[n, i, j, f] += np.sum(patch[:, :, c] * params.W[:, :, c, f]) + params.b[f]"))),
        ("last-channel", changed(LOOPS, (SUM, "for c in range(C):\n                        out[n, i, j, f] = np.sum(patch[:, :, c] * params.W[:, :, c, f]) + params.b[f]"))),
        ("output-too-small", changed(LOOPS, ("// sh + 1", "// sh"), ("// sw + 1", "// sw"))),
        ("mean-over-window", changed(LOOPS, ("np.sum(patch", "np.mean(patch"))),
        ("pad-edge", changed(LOOPS, ("    padded[:, top:top + H, left:left + Wd, :] = x\n", '    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), mode="edge")\n'))),
        ("pad-only-last-side", changed(LOOPS, ("padded[:, top:top + H, left:left + Wd, :] = x", "padded[:, :H, :Wd, :] = x"), ("(top, bottom), (left, right) = both_sides(pad)", "((_, bottom), (_, right)), top, left = both_sides(pad), 0, 0"))),
        ("W-reshaped-filters-first", HEAD + '''
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    W, b = params
    KH, KW, C, F = W.shape
    w = windows_of(pad_image(x, both_sides(pad)), (KH, KW), both_axes("stride", stride))
    N, OH, OW = w.shape[:3]
    out = np.dot(w.reshape(-1, KH * KW * C), W.reshape(F, KH * KW * C).T) + b
    return out.reshape(N, OH, OW, F), (w, W, stride, pad)
'''),
        ("columns-order", HEAD + '''
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    W, b = params
    KH, KW, C, F = W.shape
    sh, sw = both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad))
    w = np.lib.stride_tricks.sliding_window_view(xp, (KH, KW), axis=(1, 2))[:, ::sh, ::sw]
    N, OH, OW = w.shape[:3]
    return (w.reshape(N * OH * OW, -1) @ W.reshape(-1, F) + b).reshape(N, OH, OW, F), None
'''),
        ("last-kernel-pixel", HEAD + '''
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    W, b = params
    KH, KW, C, F = W.shape
    st = both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad))
    OH, OW = (xp.shape[1] - KH) // st[0] + 1, (xp.shape[2] - KW) // st[1] + 1
    for i in range(KH):
        for j in range(KW):
            y = shifted(xp, i, j, (OH, OW), st) @ W[i, j]
    return y + b, (x, W)
'''),
        ("bias-per-kernel-pixel", HEAD + '''
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    W, b = params
    KH, KW, C, F = W.shape
    st = both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad))
    OH, OW = (xp.shape[1] - KH) // st[0] + 1, (xp.shape[2] - KW) // st[1] + 1
    y = 0
    for i in range(KH):
        for j in range(KW):
            y = y + shifted(xp, i, j, (OH, OW), st) @ W[i, j] + b
    return y, (x, W)
'''),
    ],
    "conv2": [
        (("dx-cropped-at-the-end", "db-mean"), """\
import numpy as np
from minirnn.functional import ConvParams

def conv2d_backward(dy, cache):
    columns, W, shape, stride, sides, need_dx = cache
    KH, KW, C, F = W.shape
    N, OH, OW, _ = dy.shape
    dxp = np.zeros(shape, dy.dtype)
    for i in range(OH):
        for j in range(OW):
            dxp[:, i * stride[0]:i * stride[0] + KH, j * stride[1]:j * stride[1] + KW] += np.tensordot(dy[:, i, j], W, axes=([1], [3]))
    d2 = dy.reshape(-1, F)
    (t, b), (l, r) = sides
    H, Wd = shape[1] - t - b, shape[2] - l - r
    return dxp[:, :H, :Wd], ConvParams((columns.T @ d2).reshape(W.shape), d2.mean(0))
"""),
        ("dx-overwritten-by-windows", changed(BACK, ("KW, :] += dcols", "KW, :] = dcols"))),
        ("dx-not-cropped", changed(BACK, ("    return dx,", "    return big,"))),
        ("dx-stride-ignored", changed(BACK, ("top = i * stride[0]", "top = i"), ("left = j * stride[1]", "left = j"))),
        ("dW-mean-over-batch", changed(BACK, ("dW = np.dot", "dW = 1 / N * np.dot"))),
        ("db-mean", changed(BACK, ("db = dy.sum(axis=0).sum(axis=0).sum(axis=0)", "db = np.mean(dy, axis=(0, 1, 2))"))),
        (("db-mean-over-batch",), changed(BACK, ("db = dy.sum(axis=0)", "db = dy.mean(axis=0)"))),
        ("dW-filters-first", changed(BACK, (".T.reshape(KH, KW, C, F)", ".reshape(KH, KW, C, F)"))),
        ("swapped", changed(BACK, ("ConvParams(dW, db)", "ConvParams(db, dW)"))),
        ("dx-flipped", changed(BACK, ("dcols = np.dot(flat, W.reshape", "dcols = np.dot(flat, W[::-1, ::-1].reshape"))),
        ("dx-cropped-at-the-end", changed(BACK, ("big[:, a:shape[1] - b, c:shape[2] - d, :]", "big[:, :shape[1] - a - b, :shape[2] - c - d, :]"))),
        ("dx-cropped-minus-zero", changed(BACK, ("big[:, a:shape[1] - b, c:shape[2] - d, :]", "big[:, a:-b, c:-d, :]"))),
        # with their own forward and cache
        ("dW-last-place-last-image", changed(LOOPS_BACK, ("dW[:, :, :, f] +=", "dW[:, :, :, f] ="))),
        (("dx-overwritten-by-windows", "dx-last-filter"), changed(LOOPS_BACK, ("c:c + KW, :] += W", "c:c + KW, :] = W"))),
        ("db-last-place-last-image", changed(LOOPS_BACK, ("db[f] += g", "db[f] = g"))),
        (("dx-stride-ignored", "dW-stride-ignored"), changed(LOOPS_BACK, ("r, c = i * sh, j * sw", "r, c = i, j"))),
        ("db-batch-only", changed(EINSUM, ('np.einsum("nijf->f", dy)', "dy.sum(0)"))),
        (("all-zero", "db-zero"), changed(LOOPS_BACK, ("                    db[f] += g\n", ""))),
    ],
    "pool1": [
        (("sizes-swapped-everywhere", "sizes-swapped"), """\
import numpy as np
from minirnn.functional.conv import both_axes, both_sides, pad_image, windows_of

def max_pool2d_forward(x, *, size=2, stride=None, pad=0):
    kw, kh = both_axes("size", size)
    sh, sw = (kh, kw) if stride is None else both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad), -np.inf)
    return windows_of(xp, (kh, kw), (sh, sw)).max((3, 4)), None
"""),
        ("zero-border", changed(POOL_LOOPS, ('sides, float("-inf"))', "sides)"))),
        ("starts-at-zero", changed(POOL_LOOPS, ("y[n, i, j, c] = np.max(xp[n, i * sh:i * sh + kh, j * sw:j * sw + kw, c])", "y[n, i, j, c] = max(0, np.max(xp[n, i * sh:i * sh + kh, j * sw:j * sw + kw, c]))"))),
        ("stride-1", changed(POOL_LOOPS, ("(kh, kw) if stride is None", "(1, 1) if stride is None"))),
        ("over-channels", changed(POOL_LOOPS, ("y[n, i, j, c] = np.max(xp[n, i * sh:i * sh + kh, j * sw:j * sw + kw, c])", "y[n, i, j, c] = np.max(xp[n, i * sh:i * sh + kh, j * sw:j * sw + kw])"))),
        ("too-small", changed(POOL_LOOPS, ("// sh + 1", "// sh"), ("// sw + 1", "// sw"))),
        ("window-not-moved-by-stride", changed(POOL_LOOPS, ("np.max(xp[n, i * sh:i * sh + kh, j * sw:j * sw + kw, c])", "np.max(xp[n, i:i + kh, j:j + kw, c])"))),
        (("sum", "mean", "mean-zero-border"), changed(POOL_LOOPS, ("np.max(", "np.mean("))),
        ("last-pixel", HEAD + '''
def max_pool2d_forward(x, *, size=2, stride=None, pad=0):
    size = both_axes("size", size)
    stride = both_axes("stride", size if stride is None else stride)
    w = windows_of(pad_image(x, both_sides(pad), -np.inf), size, stride)
    for i in range(size[0]):
        for j in range(size[1]):
            y = w[:, :, :, i, j]
    return y, w
'''),
    ],
    "pool2": [
        ("all-winners", """\
import numpy as np
from minirnn.functional.conv import both_axes, both_sides, crop_image, pad_image, windows_of

def max_pool2d_forward(x, *, size=2, stride=None, pad=0):
    size = both_axes("size", size)
    stride = size if stride is None else both_axes("stride", stride)
    sides = both_sides(pad)
    xp = pad_image(x, sides, -np.inf)
    y = windows_of(xp, size, stride).max((3, 4))
    return y, (xp, y, size, stride, sides)
def max_pool2d_backward(dy, cache):
    xp, y, (kh, kw), (sh, sw), sides = cache
    dx = np.zeros(xp.shape, dy.dtype)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            s = np.s_[:, i * sh:i * sh + kh, j * sw:j * sw + kw]
            dx[s] += (xp[s] == y[:, i:i + 1, j:j + 1]) * dy[:, i:i + 1, j:j + 1]
    return (crop_image(dx, sides),)
"""),
        ("overwritten", changed(POOL_BACK, ("dx[n, row, col, c] += dy", "dx[n, row, col, c] = dy"))),
        ("stride-ignored", changed(POOL_BACK, ("i * stride[0] +", "i +"), ("j * stride[1] +", "j +"))),
        ("not-cropped", changed(POOL_BACK, ("(dx[:, a:dx.shape[1] - b, l:dx.shape[2] - r],)", "(dx,)"))),
        ("no-tuple", changed(POOL_BACK, ("(dx[:, a:dx.shape[1] - b, l:dx.shape[2] - r],)", "dx[:, a:dx.shape[1] - b, l:dx.shape[2] - r]"))),
        ("dy-ignored", changed(POOL_BACK, ("+= dy[n, i, j, c]", "+= 1"))),
        ("row-and-column-exchanged", changed(POOL_BACK, ("stride[0] + k // KW", "stride[0] + k % KW"), ("stride[1] + k % KW", "stride[1] + k // KW"))),
        ("size-for-stride", changed(POOL_BACK, ("i * stride[0]", "i * KH"), ("j * stride[1]", "j * KW"))),
        ("window-overwritten", HEAD + POOL_LOOPS.split("def max_pool2d_backward")[0].replace(HEAD, "") + '''
def max_pool2d_backward(dy, cache):
    xp, y, (kh, kw), (sh, sw), sides = cache
    dxp = np.zeros(xp.shape)
    N, OH, OW, C = dy.shape
    for i in range(OH):
        for j in range(OW):
            window = xp[:, i * sh:i * sh + kh, j * sw:j * sw + kw]
            best = window == window.max(axis=(1, 2), keepdims=True)
            dxp[:, i * sh:i * sh + kh, j * sw:j * sw + kw] = best * dy[:, i, j][:, None, None]
    return (crop_image(dxp, sides),)
'''),
        ("averaged", HEAD + '''
def max_pool2d_backward(dy, cache):
    winner, shape, (kh, kw), st, sides = cache
    dx = np.zeros(shape)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            dx[:, i * st[0]:i * st[0] + kh, j * st[1]:j * st[1] + kw] += dy[:, i, j][:, None, None] / (kh * kw)
    return (crop_image(dx, sides),)
'''),
        ("divided-by-height", changed(POOL_BACK, ("k // KW", "k // KH"), ("k % KW", "k % KH"))),
    ],
}  # fmt: skip

RIGHT = {
    "conv1": [
        """\
import numpy as np
from minirnn.functional.conv import both_axes, both_sides, pad_image

def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    sh, sw = both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad))
    W = params.W
    N, H, Wd, C = xp.shape
    KH, KW, _, F = W.shape
    fx = np.fft.rfft2(xp, axes=(1, 2))
    fw = np.fft.rfft2(np.concatenate([np.concatenate([W, np.zeros((H - KH, KW, C, F))], 0), np.zeros((H, Wd - KW, C, F))], 1), axes=(0, 1))
    full = np.fft.irfft2(np.einsum("nijc,ijcf->nijf", fx, fw.conj()), s=(H, Wd), axes=(1, 2))
    y = full[:, :H - KH + 1:sh, :Wd - KW + 1:sw]
    return y + params.b, (x,)
""",
        LOOPS,
        EINSUM,
        HEAD
        + """
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    st = both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad))
    KH, KW, C, F = params.W.shape
    places = (xp.shape[1] - KH) // st[0] + 1, (xp.shape[2] - KW) // st[1] + 1
    y = np.zeros((len(x), *places, F), dtype=x.dtype) + params.b
    for i in range(KH):
        for j in range(KW):
            y += np.tensordot(shifted(xp, i, j, places, st), params.W[i, j], axes=(3, 0))
    return y, (x, params, st, pad)
""",
        HEAD
        + '''
def conv2d_forward(x, params, **options):
    """In float32, with the filters one after the other."""
    stride, pad = options.get("stride", 1), options.get("pad", 0)
    (sh, sw), ((t, b), (l, r)) = both_axes("stride", stride), both_sides(pad)
    xp = np.pad(x, [(0, 0), (t, b), (l, r), (0, 0)]).astype(np.float32)
    KH, KW = params.W.shape[:2]
    view = np.lib.stride_tricks.sliding_window_view(xp, (KH, KW), (1, 2))[:, ::sh, ::sw]
    maps = []
    for f in range(params.W.shape[3]):
        kernel = params.W[..., f].transpose(2, 0, 1).astype(np.float32)
        maps.append((view * kernel).sum(axis=(3, 4, 5)) + params.b[f])
    return np.stack(maps, axis=-1), {"x": x, "stride": stride}
''',
        HEAD
        + '''
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    """Channels first inside, as in other libraries."""
    sh, sw = both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad)).transpose(0, 3, 1, 2)
    w = params.W.transpose(3, 2, 0, 1)
    F, C, KH, KW = w.shape
    N, _, H, W = xp.shape
    out = np.empty((N, F, (H - KH) // sh + 1, (W - KW) // sw + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = xp[:, :, i * sh:i * sh + KH, j * sw:j * sw + KW].reshape(N, -1)
            out[:, :, i, j] = patch @ w.reshape(F, -1).T + params.b
    return out.transpose(0, 2, 3, 1), (xp, w)
''',
    ],
    "conv2": [
        """\
import numpy as np
from minirnn.functional import ConvParams
from minirnn.functional.conv import both_axes, both_sides, pad_image, windows_of

class Saved:
    pass
def conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True):
    s = Saved()
    s.x, s.params, s.stride, s.sides = x, params, both_axes("stride", stride), both_sides(pad)
    win = windows_of(pad_image(x, s.sides), params.W.shape[:2], s.stride)
    s.win = win
    return np.tensordot(win, params.W, 3) + params.b, s
def conv2d_backward(dy, s):
    W = s.params.W
    KH, KW = W.shape[:2]
    (t, b), (l, r) = s.sides
    N, H, Wd, C = s.x.shape
    dxp = np.zeros((N, H + t + b, Wd + l + r, C), dtype=s.x.dtype)
    for (k, m) in [(k, m) for k in range(KH) for m in range(KW)]:
        g = dy @ W[k, m].T
        for i in range(dy.shape[1]):
            for j in range(dy.shape[2]):
                dxp[:, i * s.stride[0] + k, j * s.stride[1] + m] += g[:, i, j]
    dW = np.tensordot(s.win, dy, axes=([0, 1, 2], [0, 1, 2]))
    return dxp[:, t:t + H, l:l + Wd], ConvParams(W=dW, b=np.add.reduce(dy.reshape(-1, dy.shape[-1])))
""",
        """\
import numpy as np
from minirnn.functional import ConvParams
from minirnn.functional.conv import crop_image

def conv2d_backward(dy, cache):
    columns, W, shape, stride, sides, need_dx = cache
    KH, KW, C, F = W.shape
    sh, sw = stride
    N, OH, OW, _ = dy.shape
    N, HP, WP, _ = shape
    big = np.zeros((N, HP + KH - 1, WP + KW - 1, F), dy.dtype)
    big[:, KH - 1:KH - 1 + OH * sh:sh, KW - 1:KW - 1 + OW * sw:sw] = dy
    win = np.lib.stride_tricks.sliding_window_view(big, (KH, KW), axis=(1, 2))
    dxp = np.einsum("nijfkl,klcf->nijc", win, W[::-1, ::-1])
    dW = np.einsum("pk,pf->kf", columns, dy.reshape(-1, F)).reshape(W.shape)
    return crop_image(dxp, sides), ConvParams(dW, np.einsum("nijf->f", dy))
""",
        LOOPS_BACK,
        BACK,
        EINSUM,
        HEAD
        + '''
def conv2d_backward(dy, cache):
    """dx as a convolution of the spread gradient with the kernel turned round."""
    columns, W, shape, (sh, sw), sides, _ = cache
    KH, KW, C, F = W.shape
    N, OH, OW, _ = dy.shape
    spread = np.zeros((N, shape[1] + KH - 1, shape[2] + KW - 1, F))
    spread[:, KH - 1:KH - 1 + sh * OH:sh, KW - 1:KW - 1 + sw * OW:sw] = dy
    turned = W[::-1, ::-1]
    dxp = np.zeros(shape)
    for k in range(KH):
        for l in range(KW):
            dxp += spread[:, k:k + shape[1], l:l + shape[2]] @ turned[k, l].T
    dW = np.zeros(W.shape)
    for row, g in zip(columns, dy.reshape(-1, F)):
        dW += np.outer(row, g).reshape(W.shape)
    db = np.array([dy[..., f].sum() for f in range(F)])
    return crop_image(dxp, sides), ConvParams(W=dW, b=db)
''',
        HEAD
        + '''
def conv2d_backward(dy, cache):
    """In float32, image by image."""
    columns, W, shape, (sh, sw), ((a, b), (c, d)), _ = cache
    KH, KW, C, F = W.shape
    N, OH, OW, _ = dy.shape
    seen = columns.reshape(N, OH * OW, -1)
    dW, dx = 0, []
    for n in range(N):
        g = dy[n].reshape(-1, F).astype(np.float32)
        dW = dW + seen[n].T @ g
        back = (g @ W.reshape(-1, F).T).reshape(OH, OW, KH, KW, C)
        image = np.zeros(shape[1:])
        np.add.at(image, (np.arange(OH)[:, None, None, None] * sh + np.arange(KH)[:, None],
                          np.arange(OW)[:, None, None] * sw + np.arange(KW)), back)
        dx.append(image[a:shape[1] - b, c:shape[2] - d])
    return np.array(dx), ConvParams(dW.reshape(W.shape), dy.sum((0, 1, 2)))
''',
    ],
    "pool1": [
        POOL_LOOPS,
        HEAD
        + """
def max_pool2d_forward(x, *, size=2, stride=None, pad=0):
    size = both_axes("size", size)
    stride = both_axes("stride", size if stride is None else stride)
    xp = pad_image(x, both_sides(pad), np.finfo(x.dtype).min)
    w = windows_of(xp, size, stride)
    y = w.max(axis=4).max(axis=3)
    return y, (w == y[:, :, :, None, None], xp.shape, stride)
""",
        HEAD
        + """
def max_pool2d_forward(x, size=2, stride=None, pad=0):
    kh, kw = both_axes("size", size)
    step = (kh, kw) if stride is None else both_axes("stride", stride)
    xp = pad_image(x, both_sides(pad), -1e9)
    out = ((xp.shape[1] - kh) // step[0] + 1, (xp.shape[2] - kw) // step[1] + 1)
    best = np.full((x.shape[0], *out, x.shape[3]), -np.inf, dtype=np.float32)
    for i in range(kh):
        for j in range(kw):
            best = np.maximum(best, shifted(xp, i, j, out, step))
    return best, None
""",
    ],
    "pool2": [
        """\
import numpy as np
from minirnn.functional.conv import crop_image

def max_pool2d_backward(dy, cache):
    winner, shape, size, stride, sides = cache
    n, i, j, c = np.indices(dy.shape)
    flat = np.ravel_multi_index((n, i * stride[0] + winner // size[1], j * stride[1] + winner % size[1], c), shape)
    dx = np.bincount(flat.ravel(), weights=dy.ravel(), minlength=int(np.prod(shape))).reshape(shape)
    return (crop_image(dx, sides).astype(dy.dtype),)
""",
        """\
import numpy as np
from minirnn.functional.conv import both_axes, both_sides, crop_image, pad_image

def max_pool2d_forward(x, *, size=2, stride=None, pad=0):
    size = both_axes("size", size)
    stride = size if stride is None else both_axes("stride", stride)
    sides = both_sides(pad)
    xp = pad_image(x, sides, -np.inf)
    N, H, W, C = xp.shape
    oh, ow = (H - size[0]) // stride[0] + 1, (W - size[1]) // stride[1] + 1
    y = np.full((N, oh, ow, C), -np.inf)
    at = {}
    for n, i, j, c in np.ndindex(y.shape):
        for a in range(i * stride[0], i * stride[0] + size[0]):
            for b in range(j * stride[1], j * stride[1] + size[1]):
                if xp[n, a, b, c] >= y[n, i, j, c]:
                    y[n, i, j, c] = xp[n, a, b, c]
                    at[n, i, j, c] = (n, a, b, c)
    return y, (at, xp.shape, sides)
def max_pool2d_backward(dy, cache):
    at, shape, sides = cache
    dx = np.zeros(shape)
    for k, v in at.items():
        dx[v] += dy[k]
    return (crop_image(dx, sides),)
""",
        POOL_LOOPS,
        POOL_BACK,
        HEAD
        + """
def max_pool2d_backward(dy, cache):
    winner, shape, (kh, kw), (sh, sw), sides = cache
    rows, cols = np.divmod(winner, kw)
    n, i, j, c = np.indices(dy.shape)
    dx = np.zeros(shape, dy.dtype)
    np.add.at(dx, (n, i * sh + rows, j * sw + cols, c), dy)
    return (crop_image(dx, sides),)
""",
        HEAD
        + '''
def max_pool2d_backward(dy, cache):
    """One-hot winners, window by window."""
    winner, shape, (kh, kw), st, sides = cache
    hot = np.eye(kh * kw)[winner].transpose(0, 1, 2, 4, 3).reshape(*winner.shape[:3], kh, kw, -1)
    hot = hot * dy[:, :, :, None, None, :]
    dx = np.zeros(shape)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            dx[:, i * st[0]:i * st[0] + kh, j * st[1]:j * st[1] + kw] += hot[:, i, j]
    return (crop_image(dx, sides),)
''',
        HEAD
        + """
def max_pool2d_forward(x, *, size=2, stride=None, pad=0):
    size = both_axes("size", size)
    stride = size if stride is None else both_axes("stride", stride)
    sides = both_sides(pad)
    xp = pad_image(x, sides, -np.inf)
    w = windows_of(xp, size, stride)
    y = w.max((3, 4))
    return y, dict(mask=w == y[:, :, :, None, None], shape=xp.shape, size=size, stride=stride, sides=sides)

def max_pool2d_backward(dy, cache):
    dx = np.zeros(cache["shape"])
    mask = cache["mask"]
    mask = mask / mask.sum((3, 4), keepdims=True)
    for i, j in np.ndindex(cache["size"]):
        shifted(dx, i, j, dy.shape[1:3], cache["stride"])[...] += mask[:, :, :, i, j] * dy
    return (crop_image(dx, cache["sides"]),)
""",
    ],
}
