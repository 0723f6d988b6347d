"""Answers to the exercises of lesson 09 as learners write them: wrong ones with the names of their mistakes, right ones."""

LOOKUP = """
import numpy as np

def embedding_forward(ids, W):
    out = np.take(W, ids, axis=0)
    cache = (ids, W)
    return out, cache
"""

TABLE = """
import numpy as np

def embedding_backward(dy, cache):
    ids, shape = cache
    dW = np.zeros(shape, dtype=dy.dtype)
    flat_ids = ids.ravel()
    flat_dy = dy.reshape(len(flat_ids), *shape[1:])
    for j in range(len(flat_ids)):
        dW[flat_ids[j]] += flat_dy[j]
    return None, dW
"""

PAD = """
import numpy as np
from minirnn.data.vocabulary import END, PAD, START, CaptionIds

def pad_captions(ids, length=None):
    cut = []
    for caption in ids:
        if length is not None:
            caption = caption[:length]
        cut.append(caption)
    T = max([len(c) for c in cut]) + 1
    rows_in, rows_out, rows_mask = [], [], []
    for c in cut:
        rest = T - len(c) - 1
        rows_in.append([START] + c + [PAD] * rest)
        rows_out.append(c + [END] + [PAD] * rest)
        rows_mask.append([1] * (len(c) + 1) + [0] * rest)
    return CaptionIds(np.array(rows_in), np.array(rows_out), np.array(rows_mask, dtype=bool))
"""

LOSS = """
import numpy as np

def cross_entropy_forward(logits, targets, mask):
    V = logits.shape[-1]
    flat = logits.reshape(-1, V)
    y = targets.reshape(-1)
    m = np.ones(len(y), dtype=logits.dtype) if mask is None else mask.reshape(-1).astype(logits.dtype)
    flat = flat - flat.max(axis=1, keepdims=True)
    log_probs = flat - np.log(np.exp(flat).sum(axis=1, keepdims=True))
    losses = -log_probs[np.arange(len(y)), y]
    loss = np.sum(losses * m) / np.sum(m)
    return loss, (log_probs, y, m, logits.shape)
"""

GRADIENT = """
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    V = logp.shape[-1]
    probs = np.exp(logp).reshape(-1, V)
    rows = np.arange(len(probs))
    probs[rows, targets.reshape(-1)] -= 1
    probs *= share.reshape(-1, 1)
    return (probs * dloss).reshape(logp.shape), None, None
"""

# forward and backward with a cache of their own
OWN = (
    LOSS
    + """
def cross_entropy_backward(dloss, cache):
    log_probs, y, m, shape = cache
    d = np.exp(log_probs)
    d[np.arange(len(y)), y] -= 1
    d *= m[:, None]
    d /= m.sum()
    d = d * dloss
    return d.reshape(shape), None, None
"""
)


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with changes; each must occur once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


WRONG = {
    "embed1": [
        (("averaged-axis-2", "averaged-axis1", "averaged"), """\


def embedding_forward(ids, W):
    return W[ids].mean(axis=-2), (ids, W.shape)
"""),
        ("one-hot-too-short", """\
import numpy as np

def embedding_forward(ids, W):
    onehot = np.eye(ids.max() + 1)[ids]
    return onehot @ W, (ids, W.shape)
"""),
        ("take-without-axis", """\
import numpy as np

def embedding_forward(ids, W):
    return np.take(W, ids), (ids, W.shape)
"""),
        ("columns", changed(LOOKUP, ("axis=0", "axis=1"))),
        ("one-less", changed(LOOKUP, ("np.take(W, ids, axis=0)", "W[ids - 1]"))),
        ("flat", changed(LOOKUP, ("np.take(W, ids, axis=0)", "np.array([W[i] for i in ids.flatten()])"))),
        ("one-hot", changed(LOOKUP, ("np.take(W, ids, axis=0)", "(ids[..., None] == np.arange(len(W))).astype(W.dtype)"))),
        ("scaled", changed(LOOKUP, ("axis=0)", "axis=0) * W.shape[-1] ** 0.5"))),
        ("no-cache", changed(LOOKUP, ("return out, cache", "return out"))),
        ("averaged", changed(LOOKUP, ("axis=0)", "axis=0).mean(axis=ids.ndim - 1)"))),
        ("time-first", changed(LOOKUP, ("ids, axis", "np.transpose(ids), axis"))),
    ],
    "embed2": [
        ("added-per-first-axis", """\
import numpy as np

def embedding_backward(dy, cache):
    ids, shape = cache
    dW = np.zeros(shape, dy.dtype)
    for n in range(ids.shape[0]):
        dW[ids[n]] += dy[n]
    return None, dW
"""),
        ("overwritten", changed(TABLE, ("    for j in range(len(flat_ids)):\n        dW[flat_ids[j]] += flat_dy[j]\n", "    dW[flat_ids] += flat_dy\n"))),
        ("overwritten", changed(TABLE, ("] += flat_dy", "] = flat_dy"))),
        ("divided-by-count", changed(TABLE, ("    return None", "    for v in set(flat_ids):\n        dW[v] /= np.sum(ids == v)\n    return None"))),
        ("averaged-over-batch", changed(TABLE, ("return None, dW", "return None, dW / ids.shape[0]"))),
        ("too-small", changed(TABLE, ("np.zeros(shape, ", "np.zeros((int(ids.max()) + 1,) + shape[1:], "))),
        ("pad-zero", changed(TABLE, ("    return None", "    dW[0] = 0\n    return None"))),
        ("exchanged", changed(TABLE, ("return None, dW", "return dW, None"))),
        ("dW-alone", changed(TABLE, ("return None, dW", "return dW"))),
        ("one-less", changed(TABLE, ("dW[flat_ids[j]]", "dW[flat_ids[j] - 1]"))),
        ("kept-between-calls", changed(TABLE, ("def embedding_backward", "kept = {}\n\ndef embedding_backward"),
                                       ("np.zeros(shape, dtype=dy.dtype)", "kept.setdefault((shape, dy.dtype), np.zeros(shape, dtype=dy.dtype))"))),
    ],
    "pad1": [
        ("cut-in-all", """\
import numpy as np
from minirnn.data.vocabulary import CaptionIds, END, PAD, START

def pad_captions(ids, length=None):
    rows = [[START, *c, END] for c in ids]
    T = max(len(r) for r in rows) - 1
    if length is not None:
        T = min(T, length)
    inputs = np.full((len(ids), T), PAD)
    targets = np.full((len(ids), T), PAD)
    for n, r in enumerate(rows):
        inputs[n, :len(r[:-1][:T])] = r[:-1][:T]
        targets[n, :len(r[1:][:T])] = r[1:][:T]
    return CaptionIds(inputs, targets, targets != PAD)
"""),
        ("not-cut", changed(PAD, ("if length is not None", "if False"))),
        ("cut-without-end", PAD.replace("cut.append(caption)", "cut.append(caption)\n    full = ids")
         .replace("for c in cut:\n", "for c, old in zip(cut, ids):\n        end = END if len(c) == len(old) else PAD\n").replace("c + [END]", "c + [end]")),
        ("end-not-counted", changed(PAD, ("[1] * (len(c) + 1) + [0] * rest", "[1] * len(c) + [0] * (rest + 1)"))),
        ("mask-all", changed(PAD, ("[1] * (len(c) + 1) + [0] * rest", "[1] * T"))),
        ("no-end", changed(PAD, ("c + [END] + [PAD]", "c + [PAD] + [PAD]"))),
        ("start-in-targets", changed(PAD, ("c + [END] + [PAD] * rest", "[START] + c + [PAD] * rest"))),
        ("padded-to-length", changed(PAD, ("max([len(c) for c in cut]) + 1", "(length or max([len(c) for c in cut])) + 1"))),
        ("one-too-wide", changed(PAD, ("in cut]) + 1", "in cut]) + 2"))),
        ("cut-counts-end", changed(PAD, ("caption[:length]", "caption[:length - 1]"))),
        ("pad-targets-100", changed(PAD, ("[END] + [PAD]", "[END] + [-100]"))),
        ("padded-left", PAD.replace("[START] + c + [PAD] * rest", "[PAD] * rest + [START] + c")
         .replace("c + [END] + [PAD] * rest", "[PAD] * rest + c + [END]").replace("[1] * (len(c) + 1) + [0] * rest", "[0] * rest + [1] * (len(c) + 1)")),
        ("plain-tuple", changed(PAD, ("return CaptionIds(", "return ("))),
        ("lists", changed(PAD, ("np.array(rows_in), np.array(rows_out), np.array(rows_mask, dtype=bool)", "rows_in, rows_out, rows_mask"))),
        ("floats", changed(PAD, ("np.array(rows_in), np.array(rows_out)", "np.array(rows_in, float), np.array(rows_out, float)"))),
        ("in-place", changed(PAD, ("        rest = T", "        if length is None and c:\n            c[0] = c[0] + 1\n            c[0] = c[0] - 1\n            c.append(c[-1])\n            c.pop()\n            c.append(END)\n        words = c[:-1] if length is None and c else c\n        c = words\n        rest = T"))),
        ("exchanged", changed(PAD, ("np.array(rows_in), np.array(rows_out)", "np.array(rows_out), np.array(rows_in)"))),
    ],
    "masked1": [
        ("over-N", changed(LOSS, ("/ np.sum(m)", "/ logits.shape[0]"))),
        ("over-all-places", changed(LOSS, ("np.sum(losses * m) / np.sum(m)", "np.mean(losses * m)"))),
        ("summed", changed(LOSS, (" / np.sum(m)", ""))),
        ("mask-ignored", changed(LOSS, ("np.sum(losses * m) / np.sum(m)", "np.mean(losses)"))),
        ("mask-only-in-division", changed(LOSS, ("losses * m", "losses"))),
        ("weights-as-booleans", changed(LOSS, ("mask.reshape(-1).astype(logits.dtype)", "mask.reshape(-1).astype(bool)"))),
        ("overflow", changed(LOSS, ("    flat = flat - flat.max(axis=1, keepdims=True)\n", ""))),
        ("one-maximum", changed(LOSS, ("flat.max(axis=1, keepdims=True)", "flat.max()"))),
        (("log-of-zero",), changed(LOSS, ("flat - np.log(np.exp(flat).sum(axis=1, keepdims=True))", "np.log(np.exp(flat) / np.exp(flat).sum(axis=1, keepdims=True))"))),
        ("sign", changed(LOSS, ("-log_probs[", "log_probs["))),
        (("none-is-nothing", "none-not-handled"), changed(LOSS, ("np.ones(len(y), dtype=logits.dtype) if mask is None else ", ""))),
        ("log-cut-off-1e-12", changed(LOSS, ("-log_probs[np.arange(len(y)), y]", "-np.log(np.exp(log_probs[np.arange(len(y)), y]) + 1e-12)"))),
        ("mask-ignored", changed(LOSS, ("np.sum(losses * m) / np.sum(m)", "np.sum(losses[:, None] * m) / np.sum(m) / len(m)"))),
    ],
    "masked2": [
        (("sign", "dloss-ignored"), """\
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    d = np.eye(logp.shape[-1])[targets] - np.exp(logp)
    return d * share[..., None], None, None
"""),
        ("share-on-target-only", """\
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    d = np.exp(logp)
    onehot = np.eye(logp.shape[-1], dtype=d.dtype)[targets] * share[..., None]
    return dloss * (d - onehot), None, None
"""),
        ("mask-ignored-but-counted", """\
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    d = np.exp(logp)
    onehot = np.zeros_like(d)
    np.put_along_axis(onehot, targets[..., None], 1, -1)
    return dloss * (d - onehot) / np.count_nonzero(share), None, None
"""),
        ("mask-ignored", changed(GRADIENT, ("probs *= share.reshape(-1, 1)", "probs /= len(probs)"))),
        ("not-divided", changed(OWN, ("    d /= m.sum()\n", ""))),
        ("over-N", changed(OWN, ("d /= m.sum()", "d /= shape[0]"))),
        ("over-all-places", changed(OWN, ("d /= m.sum()", "d /= len(y)"))),
        ("mask-only-in-division", changed(OWN, ("    d *= m[:, None]\n", ""))),
        ("dloss-ignored", changed(GRADIENT, ("probs * dloss", "probs"))),
        ("target-not-subtracted", changed(GRADIENT, ("] -= 1", "] -= 0"))),
        ("sign", changed(GRADIENT, ("(probs * dloss)", "(-probs * dloss)"))),
        ("one-everywhere", changed(GRADIENT, ("probs[rows, targets.reshape(-1)] -= 1", "probs -= 1"))),
        ("flat", changed(GRADIENT, (".reshape(logp.shape), None", ", None"))),
        ("dlogits-alone", changed(GRADIENT, (", None, None", ""))),
        ("log-probabilities", changed(GRADIENT, ("np.exp(logp).reshape", "logp.copy().reshape"))),
        ("divided-by-N-too", changed(GRADIENT, ("share.reshape(-1, 1)", "share.reshape(-1, 1) / len(logp)"))),
        (("target-late",), changed(GRADIENT, ("    probs[rows, targets.reshape(-1)] -= 1\n", ""), ("    return (probs * dloss)", "    probs *= dloss\n    probs[rows, targets.reshape(-1)] -= 1\n    return (probs)"))),
        ("in-place", changed(GRADIENT, ("probs = np.exp(logp)", "np.exp(logp, out=logp)\n    probs = logp.copy()"))),
    ],
}  # fmt: skip

RIGHT = {
    "embed1": [
        LOOKUP,
        '''
import numpy as np

def embedding_forward(ids, W):
    y = np.empty(ids.shape + W.shape[1:], dtype=W.dtype)
    for place in np.ndindex(*ids.shape):
        y[place] = W[ids[place]]
    return y, {"ids": ids, "W": W}
''',
        '''
import numpy as np

def embedding_forward(ids, W):
    onehot = np.zeros((ids.size, len(W)), dtype=W.dtype)
    onehot[np.arange(ids.size), ids.reshape(-1)] = 1
    y = np.tensordot(onehot, W, axes=1)
    return y.reshape(*ids.shape, *W.shape[1:]), None
''',
    ],
    "embed2": [
        """\
import numpy as np

def embedding_forward(ids, W):
    return W[ids], {"ids": ids, "W": W}
def embedding_backward(dy, cache):
    ids, W = cache["ids"], cache["W"]
    return None, np.stack([dy[ids == v].sum(axis=0) for v in range(W.shape[0])]).astype(dy.dtype)
""",
        TABLE,
        '''
import numpy as np

def embedding_backward(dy, cache):
    ids, shape = cache
    dW = np.stack([dy[ids == v].sum(axis=0) for v in range(shape[0])])
    return None, dW
''',
        LOOKUP + '''
def embedding_backward(dy, cache):
    ids, W = cache
    onehot = (ids.reshape(-1)[:, None] == np.arange(len(W))).astype(dy.dtype)
    return None, np.tensordot(onehot.T, dy.reshape(ids.size, *W.shape[1:]), axes=1)
''',
        '''
import numpy as np

def embedding_backward(dy, cache):
    ids, shape = cache
    order = np.argsort(ids, axis=None, kind="stable")
    sorted_ids = ids.reshape(-1)[order]
    first = np.flatnonzero(np.r_[True, np.diff(sorted_ids) > 0])
    dW = np.zeros(shape, dy.dtype)
    dW[sorted_ids[first]] = np.add.reduceat(dy.reshape(-1, *shape[1:])[order], first, axis=0)
    return (None, dW)
''',
    ],
    "pad1": [
        PAD,
        '''
import numpy as np
from minirnn.data.vocabulary import END, PAD, START, CaptionIds

def pad_captions(ids, length=None):
    rows = [[START, *caption[:length], END] for caption in ids]
    T = max(map(len, rows)) - 1
    both = np.zeros((len(rows), T + 1), dtype=np.int32)
    for n, row in enumerate(rows):
        both[n, :len(row)] = row
    targets = both[:, 1:]
    inputs = np.where(targets == PAD, PAD, both[:, :-1])
    return CaptionIds(inputs, targets, (targets != PAD).astype(np.float32))
''',
        '''
import numpy as np
from minirnn.data.vocabulary import END, PAD, START, CaptionIds

def pad_captions(ids, length=None):
    lengths = np.array([len(c) if length is None else min(len(c), length) for c in ids])
    N, T = len(ids), lengths.max() + 1
    inputs, targets, mask = np.zeros((N, T), int), np.zeros((N, T), int), np.zeros((N, T), int)
    for n in range(N):
        inputs[n, 0] = START
        for t in range(lengths[n]):
            inputs[n, t + 1] = targets[n, t] = ids[n][t]
            mask[n, t] = 1
        targets[n, lengths[n]] = END
        mask[n, lengths[n]] = 1
    return CaptionIds(inputs=inputs, targets=targets, mask=mask)
''',
    ],
    "masked1": [
        LOSS,
        '''
import numpy as np

def cross_entropy_forward(logits, targets, mask):
    if mask is None:
        mask = np.ones(targets.shape)
    total, weight = 0.0, 0.0
    for place in np.ndindex(*targets.shape):
        row = logits[place].astype(np.float64)
        top = row.max()
        total += float(mask[place]) * (top + np.log(np.sum(np.exp(row - top))) - row[targets[place]])
        weight += float(mask[place])
    return logits.dtype.type(total / weight), None
''',
        '''
import numpy as np

def cross_entropy_forward(logits, targets, mask):
    lse = np.logaddexp.reduce(logits, axis=-1)
    right = np.take_along_axis(logits, np.expand_dims(targets, -1), -1).squeeze(-1)
    loss = np.average(lse - right, weights=mask)
    return loss, (logits, lse, targets, mask)
''',
        '''
import numpy as np

def cross_entropy_forward(logits, targets, mask):
    mask = np.full(targets.shape, True) if mask is None else mask
    keep = mask > 0
    z = logits[keep].astype(np.float32) if logits.dtype == np.float32 else logits[keep]
    z = z - z.max(1)[:, None]
    nll = np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), targets[keep]]
    w = mask[keep].astype(z.dtype)
    return (nll @ w) / w.sum(), (logits, targets, mask)
''',
    ],
    "masked2": [
        """\
import numpy as np

def cross_entropy_forward(logits, targets, mask):
    m = logits.max(-1, keepdims=True)
    logp = logits - m - np.log(np.exp(logits - m).sum(-1, keepdims=True))
    nll = -np.take_along_axis(logp, targets[..., None], -1)[..., 0]
    return np.average(nll, weights=mask), {"logp": logp, "targets": targets, "mask": mask}
def cross_entropy_backward(dloss, cache):
    mask = cache["mask"]
    t = cache["targets"]
    w = np.full(t.shape, 1 / t.size) if mask is None else mask / mask.sum()
    g = np.exp(cache["logp"])
    g[tuple(np.indices(t.shape)) + (t,)] -= 1
    return dloss * g * w[..., None], None, None
""",
        """\
import numpy as np

class Kept:
    def __init__(self, p, t, w):
        self.p, self.t, self.w = p, t, w
def cross_entropy_forward(logits, targets, mask):
    w = np.ones(targets.shape) if mask is None else np.asarray(mask, float)
    top = np.max(logits, axis=-1, keepdims=True)
    lse = np.log(np.sum(np.exp(logits - top), axis=-1, keepdims=True)) + top
    lp = logits - lse
    nll = lse[..., 0] - np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return (w * nll).sum() / w.sum(), Kept(np.exp(lp), targets, w)
def cross_entropy_backward(dloss, k):
    d = k.p * 1.0
    for i in np.ndindex(k.t.shape):
        d[i][k.t[i]] -= 1.0
    return d * (dloss * k.w / k.w.sum())[..., None], None, None
""",
        GRADIENT,
        OWN,
        # loops over everything
        '''
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    d = np.zeros_like(logp)
    for place in np.ndindex(*targets.shape):
        for v in range(logp.shape[-1]):
            d[place + (v,)] = dloss * share[place] * (np.exp(logp[place + (v,)]) - (v == targets[place]))
    return d, None, None
''',
        # one-hot targets
        '''
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    onehot = (targets[..., None] == np.arange(logp.shape[-1])).astype(logp.dtype)
    return np.einsum("...v,...->...v", np.exp(logp) - onehot, share) * dloss, None, None
''',
        # through log softmax: the gradient of the picked entries first
        '''
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    dlogp = np.zeros_like(logp)
    np.put_along_axis(dlogp, targets[..., None], -(share * dloss)[..., None], axis=-1)
    return dlogp - np.exp(logp) * dlogp.sum(axis=-1, keepdims=True), None, None
''',
        # another cache: logits and mask, only the places that count
        '''
import numpy as np

def cross_entropy_forward(logits, targets, mask):
    w = np.ones(targets.shape, logits.dtype) if mask is None else mask.astype(logits.dtype)
    z = logits - logits.max(-1, keepdims=True)
    nll = np.log(np.exp(z).sum(-1)) - np.take_along_axis(z, targets[..., None], -1)[..., 0]
    return (w * nll).sum() / w.sum(), {"z": z, "targets": targets, "w": w}

def cross_entropy_backward(dloss, cache):
    z, targets, w = cache["z"], cache["targets"], cache["w"]
    out = np.zeros_like(z)
    counts = w > 0
    e = np.exp(z[counts])
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), targets[counts]] -= 1
    out[counts] = p * (dloss * w[counts] / w.sum())[:, None]
    return out, None, None
''',
        # float32 inside
        '''
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    p = np.exp(logp.astype(np.float32))
    p -= np.eye(logp.shape[-1], dtype=np.float32)[targets]
    return (p * share.astype(np.float32)[..., None] * np.float32(dloss)).astype(logp.dtype), None, None
''',
    ],
}  # fmt: skip
