"""Answers to the exercises of lesson 07 as learners write them: wrong ones with the names of their mistakes, right ones."""

HEAD = """
import numpy as np
from minirnn.functional import LSTMParams, LSTMState

def sig(a):
    return 1 / (1 + np.exp(-a))
"""

FORWARD = (
    HEAD
    + """
def lstm_step_forward(x, state, params):
    H = state.h.shape[1]
    a = np.dot(x, params.Wx) + np.dot(state.h, params.Wh) + params.b
    i = sig(a[:, :H])
    f = sig(a[:, H:2*H])
    g = np.tanh(a[:, 2*H:3*H])
    o = sig(a[:, 3*H:])
    next_c = f * state.c + i * g
    next_h = o * np.tanh(next_c)
    return LSTMState(next_h, next_c), (x, state, params, a, next_c)
"""
)

BACKWARD = (
    HEAD
    + """
def lstm_step_backward(dstate, cache):
    x, prev, p, i, f, g, o, tc = cache
    H = prev.h.shape[1]
    do = dstate.h * tc
    dc = dstate.c + dstate.h * o * (1 - tc * tc)
    di = dc * g
    df = dc * prev.c
    dg = dc * i
    dc_prev = dc * f
    da = np.empty((len(x), 4 * H), dtype=x.dtype)
    da[:, :H] = di * i * (1 - i)
    da[:, H:2*H] = df * f * (1 - f)
    da[:, 2*H:3*H] = dg * (1 - g ** 2)
    da[:, 3*H:] = do * o * (1 - o)
    dx = da.dot(p.Wx.T)
    dh_prev = da.dot(p.Wh.T)
    dWx = x.T.dot(da)
    dWh = prev.h.T.dot(da)
    db = np.sum(da, axis=0)
    return dx, LSTMState(dh_prev, dc_prev), LSTMParams(dWx, dWh, db)
"""
)


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with changes; each must occur once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


WRONG = {
    "lstm1": [
        ("order-ifog", changed(FORWARD, ("g = np.tanh(a[:, 2*H:3*H])", "g = np.tanh(a[:, 3*H:])"), ("o = sig(a[:, 3*H:])", "o = sig(a[:, 2*H:3*H])"))),
        ("order-figo", changed(FORWARD, ("sig(a[:, :H])", "sig(a[:, H:2*H])"), ("f = sig(a[:, H:2*H])", "f = sig(a[:, :H])"))),
        ("h-without-tanh", changed(FORWARD, ("o * np.tanh(next_c)", "o * next_c"))),
        ("h-from-c-prev", changed(FORWARD, ("o * np.tanh(next_c)", "o * np.tanh(state.c)"))),
        ("g-sigmoid", changed(FORWARD, ("np.tanh(a[:, 2*H:3*H])", "sig(a[:, 2*H:3*H])"))),
        ("coupled-gates", changed(FORWARD, ("i * g", "(1 - f) * g"))),
        ("forget-bias", changed(FORWARD, ("sig(a[:, H:2*H])", "sig(a[:, H:2*H] + 1.0)"))),
        ("exchanged", changed(FORWARD, ("LSTMState(next_h, next_c), (", "LSTMState(next_c, next_h), ("))),
        (("interleaved",), changed(FORWARD, ("a[:, :H]", "a[:, 0::4]"), ("a[:, H:2*H]", "a[:, 1::4]"), ("a[:, 2*H:3*H]", "a[:, 2::4]"), ("a[:, 3*H:]", "a[:, 3::4]"))),
        (("not-a-state", "h-only", "three-results"), changed(FORWARD, ("return LSTMState(next_h, next_c), (x", "return next_h, next_c, (x"))),
        (("c-not-renewed",), changed(FORWARD, ("LSTMState(next_h, next_c), (", "LSTMState(next_h, state.c), ("))),
        ("in-place", HEAD + '''
def lstm_step_forward(x, state, params):
    ai, af, ag, ao = np.hsplit(x @ params.Wx + state.h @ params.Wh + params.b, 4)
    c = state.c
    c *= sig(af)
    c += sig(ai) * np.tanh(ag)
    return LSTMState(sig(ao) * np.tanh(c), c), None
'''),
    ],
    "lstm2": [
        ("forward-not-right", """\
import numpy as np
from minirnn.functional import LSTMParams, LSTMState
from minirnn.functional.activations import logistic as sigmoid

def lstm_step_forward(x, state, params):
    ai, af, ag, ao = np.split(x @ params.Wx + state.h @ params.Wh + params.b, 4, 1)
    i, f, g, o = sigmoid(ai), sigmoid(af), np.tanh(ag), sigmoid(ao)
    c = f * state.c + i * g
    return LSTMState(o * c, c), dict(x=x, s=state, p=params, g=(i, f, g, o), c=c)
def lstm_step_backward(dstate, cache):
    i, f, g, o = cache["g"]
    s, p, x = cache["s"], cache["p"], cache["x"]
    dc = dstate.c + dstate.h * o
    da = np.concatenate([dc * g * i * (1 - i), dc * s.c * f * (1 - f), dc * i * (1 - g ** 2), dstate.h * cache["c"] * o * (1 - o)], 1)
    return da @ p.Wx.T, LSTMState(da @ p.Wh.T, dc * f), LSTMParams(x.T @ da, s.h.T @ da, da.sum(0))
"""),
        ("dc-added-late", """\
import numpy as np
from minirnn.functional import LSTMParams, LSTMState

def lstm_step_backward(dstate, cache):
    x, prev, p, i, f, g, o, tc = cache
    dh, dcn = dstate
    dc = dh * o * (1 - tc ** 2)
    da = np.concatenate([dc * g * i * (1 - i), dc * prev.c * f * (1 - f), dc * i * (1 - g ** 2), dh * tc * o * (1 - o)], 1)
    dc = dc + dcn
    return da @ p.Wx.T, LSTMState(da @ p.Wh.T, dc * f), LSTMParams(x.T @ da, prev.h.T @ da, da.sum(0))
"""),
        ("dc-not-added", changed(BACKWARD, ("dc = dstate.c + dstate.h", "dc = dstate.h"))),
        ("dc-prev-whole", changed(BACKWARD, ("dc_prev = dc * f", "dc_prev = dc"))),
        ("dc-prev-with-i", changed(BACKWARD, ("dc_prev = dc * f", "dc_prev = i * dc"))),
        ("no-tanh-c-derivative", changed(BACKWARD, (" * (1 - tc * tc)", ""))),
        ("o-missing-in-dc", changed(BACKWARD, ("dstate.h * o * (1 - tc * tc)", "dstate.h * (1 - tc * tc)"))),
        ("df-with-c", changed(BACKWARD, ("df = dc * prev.c", "c = np.arctanh(tc)\n    df = dc * c"))),
        ("dc-only", changed(BACKWARD, ("dc = dstate.c + dstate.h * o * (1 - tc * tc)", "dc = dstate.c"))),
        ("dg-whole", changed(BACKWARD, ("dg = dc * i", "dg = dc"))),
        ("half-sigmoid-derivative", changed(BACKWARD, ("i * (1 - i)", "i"), ("f * (1 - f)", "f"), ("o * (1 - o)", "o"))),
        ("order-ifog", changed(BACKWARD, ("da[:, 2*H:3*H] = dg", "da[:, 3*H:] = dg"), ("da[:, 3*H:] = do", "da[:, 2*H:3*H] = do"))),
        ("sigmoid-everywhere", changed(BACKWARD, ("(1 - g ** 2)", "g * (1 - g)"))),
        ("db-mean", changed(BACKWARD, ("np.sum(da, axis=0)", "np.mean(da, axis=0)"))),
        ("dWh-from-h", changed(BACKWARD, ("prev.h.T.dot(da)", "(o * tc).T.dot(da)"))),
        ("dh-prev-plus-dh", changed(BACKWARD, ("da.dot(p.Wh.T)", "da.dot(p.Wh.T) + dstate.h"))),
        ("exchanged", changed(BACKWARD, ("LSTMState(dh_prev, dc_prev)", "LSTMState(dc_prev, dh_prev)"))),
        ("in-place", changed(BACKWARD, ("dc = dstate.c + dstate.h * o * (1 - tc * tc)", "dc = dstate.c\n    dc += dstate.h * o * (1 - tc * tc)"))),
        # two mistakes at once
        (("dc-prev-whole", "db-mean"), changed(BACKWARD, ("dc_prev = dc * f", "dc_prev = dc"), ("np.sum(da, axis=0)", "da.mean(0)"))),
    ],
}  # fmt: skip

RIGHT = {
    "lstm1": [
        """\
import math
import numpy as np
from minirnn.functional import LSTMState

def lstm_step_forward(x, state, params):
    N, D = x.shape
    H = state.h.shape[1]
    sig = lambda v: 1 / (1 + math.exp(-v))
    h, c = np.zeros((N, H)), np.zeros((N, H))
    for n in range(N):
        for u in range(H):
            a = []
            for gate in range(4):
                k = gate * H + u
                a.append(math.fsum([params.b[k]] + [x[n, d] * params.Wx[d, k] for d in range(D)] + [state.h[n, e] * params.Wh[e, k] for e in range(H)]))
            c[n, u] = sig(a[1]) * state.c[n, u] + sig(a[0]) * math.tanh(a[2])
            h[n, u] = sig(a[3]) * math.tanh(c[n, u])
    return LSTMState(h, c), None
""",
        FORWARD,
        HEAD + '''
def lstm_step_forward(x, state, params):
    h_prev, c_prev = state
    N, H = h_prev.shape
    h, c = np.zeros_like(h_prev), np.zeros_like(c_prev)
    for n in range(N):
        for j in range(H):
            a = [params.b[q * H + j] + sum(x[n, d] * params.Wx[d, q * H + j] for d in range(x.shape[1]))
                 + sum(h_prev[n, k] * params.Wh[k, q * H + j] for k in range(H)) for q in range(4)]
            c[n, j] = sig(a[1]) * c_prev[n, j] + sig(a[0]) * np.tanh(a[2])
            h[n, j] = sig(a[3]) * np.tanh(c[n, j])
    return LSTMState(h=h, c=c), {"x": x}
''',
        HEAD + '''
def lstm_step_forward(x, state, params):
    z = np.concatenate([x, state.h], axis=1) @ np.concatenate([params.Wx, params.Wh], axis=0) + params.b[None]
    a = z.reshape(len(x), 4, -1).transpose(1, 0, 2)
    f, i, o = [np.exp(-np.logaddexp(0, -a[k])) for k in (1, 0, 3)]
    c = state.c * f + np.tanh(a[2]) * i
    return LSTMState(np.tanh(c) * o, c), [x, state, params, a]
''',
        HEAD + '''
def lstm_step_forward(x, state, params):
    x32, h32 = x.astype(np.float32), state.h.astype(np.float32)
    a = np.einsum("nd,dk->nk", x32, params.Wx.astype(np.float32)) + np.einsum("nh,hk->nk", h32, params.Wh.astype(np.float32)) + params.b
    i, f, g, o = np.split(a, 4, axis=-1)
    c = sig(f) * state.c + sig(i) * np.tanh(g)
    h = sig(o) * np.tanh(c)
    return LSTMState(h.astype(x.dtype), c.astype(x.dtype)), None
''',
    ],
    "lstm2": [
        """\
import numpy as np
from minirnn.functional import LSTMParams, LSTMState
from minirnn.functional.activations import logistic as sigmoid

class Tape:
    def __init__(self, back):
        self.back = back
def lstm_step_forward(x, state, params):
    a = x @ params.Wx + state.h @ params.Wh + params.b
    ai, af, ag, ao = np.split(a, 4, 1)
    i, f, g, o = sigmoid(ai), sigmoid(af), np.tanh(ag), sigmoid(ao)
    c = f * state.c + i * g
    t = np.tanh(c)
    def back(dh, dc):
        dc = dc + dh * o * (1 - t ** 2)
        da = np.hstack([dc * g * i * (1 - i), dc * state.c * f * (1 - f), dc * i * (1 - g ** 2), dh * t * o * (1 - o)])
        return da @ params.Wx.T, LSTMState(da @ params.Wh.T, dc * f), LSTMParams(x.T @ da, state.h.T @ da, da.sum(0))
    return LSTMState(o * t, c), Tape(back)
def lstm_step_backward(dstate, cache):
    return cache.back(dstate.h, dstate.c)
""",
        BACKWARD,
        # another cache: the pre-activations and c
        FORWARD + '''
def lstm_step_backward(dstate, cache):
    x, prev, p, a, c = cache
    H = c.shape[1]
    s = sig(a)
    i, f, o, g = s[:, :H], s[:, H:2*H], s[:, 3*H:], np.tanh(a[:, 2*H:3*H])
    dc = dstate.c + dstate.h * o / np.cosh(c) ** 2
    d = s * (1 - s)
    d[:, :H] *= dc * g
    d[:, H:2*H] *= dc * prev.c
    d[:, 2*H:3*H] = dc * i * (1 - g * g)
    d[:, 3*H:] *= dstate.h * np.tanh(c)
    dz = d @ np.vstack([p.Wx, p.Wh]).T
    dW = np.hstack([x, prev.h]).T @ d
    D = x.shape[1]
    return dz[:, :D], LSTMState(dz[:, D:], f * dc), LSTMParams(dW[:D], dW[D:], d.sum(0))
''',
        # one row of the batch after the other
        HEAD + '''
def lstm_step_backward(dstate, cache):
    x, prev, p, i, f, g, o, tc = cache
    dx, dh0, dc0 = np.zeros_like(x), np.zeros_like(prev.h), np.zeros_like(prev.c)
    dWx, dWh, db = np.zeros_like(p.Wx), np.zeros_like(p.Wh), np.zeros_like(p.b)
    for n in range(len(x)):
        dc = dstate.c[n] + dstate.h[n] * o[n] * (1 - tc[n]) * (1 + tc[n])
        da = np.concatenate([
            dc * g[n] * (i[n] - i[n] ** 2), dc * prev.c[n] * (f[n] - f[n] ** 2),
            dc * i[n] * (1 - g[n]) * (1 + g[n]), dstate.h[n] * tc[n] * (o[n] - o[n] ** 2)])
        dx[n] = p.Wx @ da
        dh0[n] = p.Wh @ da
        dc0[n] = dc * f[n]
        dWx += np.outer(x[n], da)
        dWh += np.outer(prev.h[n], da)
        db += da
    return dx, LSTMState(dh0, dc0), LSTMParams(dWx, dWh, db)
''',
        # gate by gate, with einsum
        HEAD + '''
def lstm_step_backward(dstate, cache):
    x, prev, p, i, f, g, o, tc = cache
    dh, dc = dstate
    dc = dc + dh * o - dh * o * tc * tc
    Wx = p.Wx.reshape(x.shape[1], 4, -1)
    Wh = p.Wh.reshape(prev.h.shape[1], 4, -1)
    da = np.stack([dc * g * i * (1 - i), dc * prev.c * f * (1 - f), dc * i * (1 - g**2), dh * tc * o * (1 - o)], axis=1)
    dx = np.einsum("ngh,dgh->nd", da, Wx)
    dhp = np.einsum("ngh,kgh->nk", da, Wh)
    dWx = np.einsum("nd,ngh->dgh", x, da).reshape(p.Wx.shape)
    dWh = np.einsum("nk,ngh->kgh", prev.h, da).reshape(p.Wh.shape)
    return dx, LSTMState(h=dhp, c=dc * f), LSTMParams(Wx=dWx, Wh=dWh, b=np.einsum("ngh->gh", da).ravel())
''',
        # float32 inside
        HEAD + '''
def lstm_step_backward(dstate, cache):
    dtype = cache[0].dtype
    x, prev, p, i, f, g, o, tc = [v.astype(np.float32) if isinstance(v, np.ndarray) else v for v in cache]
    dh = dstate.h.astype(np.float32)
    dc = dstate.c.astype(np.float32) + dh * o * (1 - tc**2)
    da = np.hstack([dc * g * i * (1 - i), dc * prev.c.astype(np.float32) * f * (1 - f), dc * i * (1 - g**2), dh * tc * o * (1 - o)]).astype(np.float32)
    grads = da @ p.Wx.T, da @ p.Wh.T, dc * f, x.T @ da, prev.h.T @ da, da.sum(0)
    dx, dhp, dcp, dWx, dWh, db = [v.astype(dtype) for v in grads]
    return dx, LSTMState(dhp, dcp), LSTMParams(dWx, dWh, db)
''',
        # another cache: a dict of everything
        HEAD + '''
def lstm_step_forward(x, state, params):
    ai, af, ag, ao = np.split(x @ params.Wx + state.h @ params.Wh + params.b, 4, 1)
    k = dict(x=x, h0=state.h, c0=state.c, p=params, i=sig(ai), f=sig(af), g=np.tanh(ag), o=sig(ao))
    k["c"] = k["f"] * state.c + k["i"] * k["g"]
    k["h"] = k["o"] * np.tanh(k["c"])
    return LSTMState(k["h"], k["c"]), k

def lstm_step_backward(dstate, k):
    t = np.tanh(k["c"])
    d_o = dstate.h * t * k["o"] * (1 - k["o"])
    dc = dstate.c + dstate.h * k["o"] * (1 - t**2)
    d_i = dc * k["g"] * k["i"] * (1 - k["i"])
    d_f = dc * k["c0"] * k["f"] * (1 - k["f"])
    d_g = dc * k["i"] * (1 - k["g"] ** 2)
    H = t.shape[1]
    W, U = k["p"].Wx, k["p"].Wh
    blocks = [d_i, d_f, d_g, d_o]
    dx = sum(d @ W[:, q*H:(q+1)*H].T for q, d in enumerate(blocks))
    dh = sum(d @ U[:, q*H:(q+1)*H].T for q, d in enumerate(blocks))
    dW = np.concatenate([k["x"].T @ d for d in blocks], 1)
    dU = np.concatenate([k["h0"].T @ d for d in blocks], 1)
    return dx, LSTMState(dh, dc * k["f"]), LSTMParams(dW, dU, np.concatenate([d.sum(0) for d in blocks]))
''',
    ],
}  # fmt: skip
