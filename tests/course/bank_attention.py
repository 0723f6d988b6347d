"""Answers to the exercises of lesson 12 as learners write them: wrong ones with the names of their mistakes, right ones."""

FORWARD = """
import math
import numpy as np

def softmax(a):
    a = a - np.max(a, axis=2, keepdims=True)
    a = np.exp(a)
    return a / np.sum(a, axis=2, keepdims=True)

def dot_attention_forward(q, k, v, mask):
    N, T, A = q.shape
    scores = np.matmul(q, np.swapaxes(k, 1, 2)) / math.sqrt(A)
    if mask is not None:
        scores = np.where(mask, scores, -1e9)
    weights = softmax(scores)
    y = np.matmul(weights, v)
    return (y, weights), (q, k, v, weights)
"""

BACKWARD = """
import numpy as np

def dot_attention_backward(dout, cache):
    q, k, v, p, scale = cache
    dy, dp_extra = dout
    kT = np.swapaxes(k, 1, 2)
    dv = np.matmul(np.swapaxes(p, 1, 2), dy)
    dp = np.matmul(dy, np.swapaxes(v, 1, 2))
    if dp_extra is not None:
        dp = dp + dp_extra
    mean = np.sum(dp * p, axis=2, keepdims=True)
    ds = p * (dp - mean)
    ds = ds * scale
    dq = np.matmul(ds, np.swapaxes(kT, 1, 2))
    dk = np.matmul(np.swapaxes(ds, 1, 2), q)
    return dq, dk, dv, None
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with changes; each must occur once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


WRONG = {
    "attend1": [
        ("not-scaled", changed(FORWARD, (" / math.sqrt(A)", ""))),
        ("scaled-by-A", changed(FORWARD, ("math.sqrt(A)", "A"))),
        (("over-queries", "over-queries-finite"), changed(FORWARD, ("np.max(a, axis=2", "np.max(a, axis=1"), ("np.sum(a, axis=2", "np.sum(a, axis=1"))),
        ("overflow", changed(FORWARD, ("    a = a - np.max(a, axis=2, keepdims=True)\n", ""))),
        ("mask-ignored", changed(FORWARD, ("np.where(mask, scores, -1e9)", "scores"))),
        (("mask-turned-round", "mask-turned-round-finite"), changed(FORWARD, ("np.where(mask, scores, -1e9)", "np.where(mask, -1e9, scores)"))),
        ("mask-times-score", changed(FORWARD, ("np.where(mask, scores, -1e9)", "scores * mask"))),
        ("mask-after", changed(FORWARD, ("        scores = np.where(mask, scores, -1e9)\n", "        pass\n"),
                               ("weights = softmax(scores)", "weights = softmax(scores)\n    if mask is not None:\n        weights = weights * mask"))),
        ("small-mask", changed(FORWARD, ("-1e9", "-10"))),
        ("exchanged", changed(FORWARD, ("return (y, weights)", "return (weights, y)"))),
        (("p-missing",), changed(FORWARD, ("return (y, weights)", "return y"))),
        ("three-results", changed(FORWARD, ("return (y, weights)", "return y, weights"))),
        (("no-exponential", "no-exponential-finite"), changed(FORWARD, ("    a = np.exp(a)\n", ""), ("    a = a - np.max(a, axis=2, keepdims=True)\n", ""))),
        ("values-for-keys", changed(FORWARD, ("np.swapaxes(k, 1, 2)", "np.swapaxes(v, 1, 2)"))),
    ],
    "attend2": [
        (("dp-outside-ignored", "dv-with-dp"), """\


def dot_attention_backward(dout, cache):
    q, k, v, p, scale = cache
    dy, ex = dout
    dp = dy @ v.swapaxes(1, 2)
    w = p if ex is None else p + ex
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) * scale
    return ds @ k, ds.swapaxes(1, 2) @ q, w.swapaxes(1, 2) @ dy, None
"""),
        ("dp-outside-late", """\


def dot_attention_backward(dout, cache):
    q, k, v, p, scale = cache
    dy, extra = dout
    dp = dy @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True))
    if extra is not None:
        ds = ds + extra
    ds = ds * scale
    return ds @ k, ds.transpose(0, 2, 1) @ q, p.transpose(0, 2, 1) @ dy, None
"""),
        ("dp-outside-ignored", changed(BACKWARD, ("dp = dp + dp_extra", "pass"))),
        ("dp-None", changed(BACKWARD, ("    if dp_extra is not None:\n        dp = dp + dp_extra\n", "    dp = dp + dp_extra\n"))),
        ("softmax-diagonal", changed(BACKWARD, ("p * (dp - mean)", "dp * (p - p ** 2)"))),
        ("softmax-p-dp", changed(BACKWARD, ("p * (dp - mean)", "p * dp"))),
        ("softmax-p-missing", changed(BACKWARD, ("p * (dp - mean)", "dp - mean"))),
        ("softmax-over-queries", changed(BACKWARD, ("axis=2", "axis=1"))),
        ("scale-missing", changed(BACKWARD, ("    ds = ds * scale\n", ""))),
        ("scale-inverse", changed(BACKWARD, ("ds * scale", "ds / scale"))),
        ("dk-not-transposed", changed(BACKWARD, ("np.swapaxes(ds, 1, 2)", "ds"))),
        ("dv-not-transposed", changed(BACKWARD, ("np.swapaxes(p, 1, 2)", "p"))),
        ("swapped-qk", changed(BACKWARD, ("return dq, dk, dv", "return dk, dq, dv"))),
        ("mask-left-out", changed(BACKWARD, ("dv, None", "dv"))),
        ("in-place", changed(BACKWARD, ("dp = np.matmul(dy, np.swapaxes(v, 1, 2))", "dp = np.matmul(dy, np.swapaxes(v, 1, 2))\n    dy *= 2"))),
        ("softmax-plain-mean", changed(BACKWARD, ("np.sum(dp * p, axis=2, keepdims=True)", "np.mean(dp, axis=-1, keepdims=True)"))),
    ],
}  # fmt: skip

RIGHT = {
    "attend1": [
        FORWARD,
        '''
import numpy as np

def dot_attention_forward(q, k, v, mask):
    N, T, A = q.shape
    L, M = v.shape[1:]
    y, p = np.zeros((N, T, M), q.dtype), np.zeros((N, T, L), q.dtype)
    allowed = np.ones((N, T, L), bool) if mask is None else np.broadcast_to(mask, (N, T, L))
    for n in range(N):
        for t in range(T):
            places = np.flatnonzero(allowed[n, t])
            s = np.array([q[n, t] @ k[n, l] for l in places]) / A ** 0.5
            w = np.exp(s - s.max())
            w /= w.sum()
            p[n, t, places] = w
            y[n, t] = sum(w[j] * v[n, l] for j, l in enumerate(places))
    return (y, p), {"q": q, "k": k}
''',
        '''
import numpy as np

def dot_attention_forward(q, k, v, mask):
    s = np.einsum("nta,nla->ntl", q / np.sqrt(q.shape[-1]).astype(q.dtype), k)
    e = np.exp(s - s.max(-1, keepdims=True))
    if mask is not None:
        e = e * mask
    p = e / e.sum(-1)[..., None]
    return (np.einsum("ntl,nlm->ntm", p, v), p), None
''',
        '''
import numpy as np

def dot_attention_forward(q, k, v, mask):
    s = q @ np.moveaxis(k, 2, 1) * q.shape[2] ** -0.5
    if mask is not None:
        s = s + np.where(mask, 0.0, -np.inf).astype(s.dtype)
    top = s.max(axis=-1, keepdims=True)
    logp = s - top - np.log(np.exp(s - top).sum(axis=-1, keepdims=True))
    p = np.exp(logp)
    y = (p[..., None] * v[:, None]).sum(axis=2)
    return (y, p), [q, k, v, logp]
''',
    ],
    "attend2": [
        """\
import math
import numpy as np

class Att:
    __slots__ = ("q", "k", "v", "p")
def dot_attention_forward(q, k, v, mask):
    a = Att()
    a.q, a.k, a.v = q, k, v
    s = np.einsum("nta,nla->ntl", q, k) / np.sqrt(q.shape[2])
    if mask is not None:
        s = s + np.where(mask, 0, -1e30)
    s = s - s.max(2, keepdims=True)
    a.p = np.exp(s) / np.exp(s).sum(2, keepdims=True)
    return (np.einsum("ntl,nlm->ntm", a.p, v), a.p), a
def dot_attention_backward(dout, a):
    f = lambda z: np.asarray(z, np.float32)
    dp = f(dout[0]) @ f(a.v).transpose(0, 2, 1)
    if dout[1] is not None:
        dp = dp + f(dout[1])
    p = f(a.p)
    ds = p * (dp - (p * dp).sum(2, keepdims=True)) / np.float32(math.sqrt(a.q.shape[2]))
    return ds @ f(a.k), ds.transpose(0, 2, 1) @ f(a.q), p.transpose(0, 2, 1) @ f(dout[0]), None
""",
        """\
import numpy as np

def dot_attention_backward(dout, cache):
    q, k, v, p, scale = cache
    dy, extra = dout
    y = p @ v
    delta = (dy * y).sum(-1, keepdims=True)
    dp = dy @ np.transpose(v, (0, 2, 1))
    if extra is not None:
        delta = delta + (extra * p).sum(-1, keepdims=True)
        dp = dp + extra
    ds = p * (dp - delta) * scale
    return np.matmul(ds, k), np.matmul(np.transpose(ds, (0, 2, 1)), q), np.matmul(np.transpose(p, (0, 2, 1)), dy), None
""",
        BACKWARD,
        # einsum throughout
        '''
import numpy as np

def dot_attention_backward(dout, cache):
    q, k, v, p, scale = cache
    dy, dp = dout
    g = np.einsum("ntm,nlm->ntl", dy, v)
    g = g if dp is None else g + dp
    ds = (p * g - p * np.einsum("ntl,ntl->nt", p, g)[:, :, None]) * scale
    return np.einsum("ntl,nla->nta", ds, k), np.einsum("ntl,nta->nla", ds, q), np.einsum("ntl,ntm->nlm", p, dy), None
''',
        # the whole derivative of the softmax, query by query
        '''
import numpy as np

def dot_attention_backward(dout, cache):
    q, k, v, p, scale = cache
    dy, dp = dout
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for n in range(len(q)):
        for t in range(q.shape[1]):
            w = p[n, t]
            g = v[n] @ dy[n, t]
            if dp is not None:
                g = g + dp[n, t]
            ds = (np.diag(w) - np.outer(w, w)) @ g
            dv[n] += np.outer(w, dy[n, t])
            dq[n, t] = scale * (ds @ k[n])
            dk[n] += scale * np.outer(ds, q[n, t])
    return dq, dk, dv, None
''',
        # another cache, with the mask
        FORWARD.replace("(q, k, v, weights)", "(mask, q, k, v, weights)") + '''
def dot_attention_backward(dout, cache):
    mask, q, k, v, w = cache
    dy = dout[0]
    extra = 0 if dout[1] is None else dout[1]
    root = math.sqrt(q.shape[-1])
    dw = dy @ v.transpose(0, 2, 1) + extra
    ds = w * dw
    ds = ds - w * ds.sum(-1, keepdims=True)
    if mask is not None:
        ds = np.where(mask, ds, 0)
    return ds @ k / root, (q.transpose(0, 2, 1) @ ds).transpose(0, 2, 1) / root, w.transpose(0, 2, 1) @ dy, None
''',
        # float32 inside
        '''
import numpy as np

def dot_attention_backward(dout, cache):
    dtype = cache[0].dtype
    q, k, v, p = [a.astype(np.float32) for a in cache[:4]]
    dy, dp = dout
    dy = dy.astype(np.float32)
    dp = np.zeros_like(p) if dp is None else dp.astype(np.float32)
    dp = dp + dy @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(2, keepdims=True)) / np.float32(np.sqrt(q.shape[2]))
    grads = ds @ k, ds.transpose(0, 2, 1) @ q, p.transpose(0, 2, 1) @ dy
    return (*[g.astype(dtype) for g in grads], None)
''',
        # y for the mean of the gradient: sum_l p_l (dy . v_l) = dy . y
        FORWARD.replace("(q, k, v, weights)", "(q, k, v, weights, y)") + '''
def dot_attention_backward(dout, cache):
    q, k, v, w, y = cache
    dy, dw = dout
    mean = (dy * y).sum(axis=-1, keepdims=True)
    g = dy @ np.swapaxes(v, 1, 2)
    if dw is not None:
        mean = mean + (dw * w).sum(axis=-1, keepdims=True)
        g = g + dw
    ds = w * (g - mean) / math.sqrt(q.shape[2])
    return ds @ k, np.swapaxes(ds, 1, 2) @ q, np.swapaxes(w, 1, 2) @ dy, None
''',
    ],
}  # fmt: skip
