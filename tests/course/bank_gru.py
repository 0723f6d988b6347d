"""Answers to the exercises of lesson 08 as learners write them: wrong ones with the names of their mistakes, right ones."""

HEAD = """
import numpy as np
from minirnn.functional import GRUParams, GRUState

def sig(a):
    return 1 / (1 + np.exp(-a))
"""

FORWARD = (
    HEAD
    + """
def gru_step_forward(x, state, params):
    h0 = state.h
    H = h0.shape[1]
    Wx, Wh, bx, bh = params
    ax = x.dot(Wx) + bx
    ah = h0.dot(Wh) + bh
    r = sig(ax[:, :H] + ah[:, :H])
    z = sig(ax[:, H:2*H] + ah[:, H:2*H])
    n = np.tanh(ax[:, 2*H:] + r * ah[:, 2*H:])
    h = (1 - z) * n + z * h0
    return GRUState(h), dict(x=x, h0=h0, p=params, ah=ah, r=r, z=z, n=n)
"""
)

BACKWARD = (
    HEAD
    + """
def gru_step_backward(dstate, cache):
    x, prev, p, ahn, r, z, n = cache
    dh = dstate.h
    H = dh.shape[1]
    dz = dh * prev.h - dh * n
    da_z = dz * z * (1 - z)
    da_n = dh * (1 - z) * (1 - n * n)
    dr = da_n * ahn
    da_r = dr * r * (1 - r)
    da_hn = da_n * r
    d_in = np.hstack((da_r, da_z, da_n))
    d_rec = np.hstack((da_r, da_z, da_hn))
    dx = d_in @ p.Wx.T
    dWx = x.T @ d_in
    dbx = d_in.sum(0)
    dWh = prev.h.T @ d_rec
    dbh = d_rec.sum(0)
    dprev = d_rec @ p.Wh.T + dh * z
    return dx, GRUState(dprev), GRUParams(dWx, dWh, dbx, dbh)
"""
)


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with changes; each must occur once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


WRONG = {
    "gru1": [
        (("reset-before", "mean-turned-round"), """\
import numpy as np
from minirnn.functional import GRUState
from minirnn.functional.activations import logistic as sigmoid

def gru_step_forward(x, state, params):
    H = state.h.shape[1]
    ax, ah = x @ params.Wx + params.bx, state.h @ params.Wh + params.bh
    rz = sigmoid(ax[:, :2 * H] + ah[:, :2 * H])
    r, z = rz[:, :H], rz[:, H:]
    n = np.tanh(ax[:, 2 * H:] + (r * state.h) @ params.Wh[:, 2 * H:] + params.bh[2 * H:])
    return GRUState(z * n + (1 - z) * state.h), None
"""),
        ("reset-before", changed(FORWARD, ("r * ah[:, 2*H:]", "(r * h0) @ Wh[:, 2*H:] + bh[2*H:]"))),
        ("mean-turned-round", changed(FORWARD, ("(1 - z) * n + z * h0", "z * n + (1 - z) * h0"))),
        ("bias-outside-reset", changed(FORWARD, ("r * ah[:, 2*H:]", "r * (h0 @ Wh[:, 2*H:]) + bh[2*H:]"))),
        ("reset-missing", changed(FORWARD, ("r * ah[:, 2*H:]", "ah[:, 2*H:]"))),
        ("state-not-kept", changed(FORWARD, (" + z * h0", ""))),
        ("order-zrn", changed(FORWARD, ("r = sig(ax[:, :H] + ah[:, :H])", "r = sig(ax[:, H:2*H] + ah[:, H:2*H])"),
                              ("z = sig(ax[:, H:2*H] + ah[:, H:2*H])", "z = sig(ax[:, :H] + ah[:, :H])"))),
        ("n-sigmoid", changed(FORWARD, ("np.tanh(", "sig("))),
        ("no-bh", changed(FORWARD, ("h0.dot(Wh) + bh", "h0.dot(Wh)"))),
        ("reset-on-both", changed(FORWARD, ("ax[:, 2*H:] + r * ah[:, 2*H:]", "r * (ax[:, 2*H:] + ah[:, 2*H:])"))),
        ("not-a-state", changed(FORWARD, ("return GRUState(h), ", "return h, "))),
    ],
    "gru2": [
        ("dh-prev-without-n", """\
import numpy as np
from minirnn.functional import GRUParams, GRUState

def gru_step_backward(dstate, cache):
    x, prev, p, ahn, r, z, n = cache
    H = r.shape[1]
    dh = dstate.h
    dan = dh * (1 - z) * (1 - n ** 2)
    dar = dan * ahn * r * (1 - r)
    daz = dh * (prev.h - n) * z * (1 - z)
    dax, dah = np.hstack([dar, daz, dan]), np.hstack([dar, daz, dan * r])
    dprev = dar @ p.Wh[:, :H].T + daz @ p.Wh[:, H:2 * H].T + dh * z
    return dax @ p.Wx.T, GRUState(dprev), GRUParams(x.T @ dax, prev.h.T @ dah, dax.sum(0), dah.sum(0))
"""),
        ("direct-path-missing", changed(BACKWARD, ("d_rec @ p.Wh.T + dh * z", "d_rec @ p.Wh.T"))),
        ("matrix-path-missing", changed(BACKWARD, ("d_rec @ p.Wh.T + dh * z", "dh * z"))),
        ("dz-sign", changed(BACKWARD, ("dh * prev.h - dh * n", "dh * n - dh * prev.h"))),
        ("dz-only-state", changed(BACKWARD, ("dh * prev.h - dh * n", "dh * prev.h"))),
        ("dn-whole", changed(BACKWARD, ("dh * (1 - z) * (1 - n * n)", "dh * (1 - n * n)"))),
        ("dr-with-h", changed(BACKWARD, ("da_n * ahn", "da_n * prev.h"))),
        ("dr-without-bias", changed(BACKWARD, ("da_n * ahn", "da_n * (prev.h @ p.Wh[:, 2*H:])"))),
        ("dWh-dbh-without-reset", changed(BACKWARD, ("prev.h.T @ d_rec", "prev.h.T @ d_in"), ("d_rec.sum(0)", "d_in.sum(0)"))),
        ("reset-missing", changed(BACKWARD, ("da_hn = da_n * r", "da_hn = da_n"))),
        ("dbh-without-reset", changed(BACKWARD, ("d_rec.sum(0)", "dbx"))),
        ("no-gate-derivatives", changed(BACKWARD, ("dz * z * (1 - z)", "dz"), ("dr * r * (1 - r)", "dr"))),
        ("biases-exchanged", changed(BACKWARD, ("GRUParams(dWx, dWh, dbx, dbh)", "GRUParams(dWx, dWh, dbh, dbx)"))),
        ("in-place", changed(BACKWARD, ("da_n = dh * (1 - z)", "da_n = dh\n    da_n *= 1 - z\n    da_n = da_n"))),
        # two mistakes at once
        (("dWh-from-h", "dWh-from-x", "dbh-without-reset", "direct-path-missing"),
         changed(BACKWARD, ("d_rec.sum(0)", "dbx"), ("d_rec @ p.Wh.T + dh * z", "d_rec @ p.Wh.T"))),
    ],
}  # fmt: skip

RIGHT = {
    "gru1": [
        FORWARD,
        HEAD + '''
def gru_step_forward(x, state, params):
    N, H = state.h.shape
    h = np.empty_like(state.h)
    for k in range(N):
        a = params.Wx.T @ x[k] + params.bx
        b = params.Wh.T @ state.h[k] + params.bh
        for j in range(H):
            r = sig(a[j] + b[j])
            z = sig(a[H + j] + b[H + j])
            n = np.tanh(a[2 * H + j] + r * b[2 * H + j])
            h[k, j] = n + z * (state.h[k, j] - n)
    return GRUState(h=h), None
''',
        HEAD + '''
def gru_step_forward(x, state, params):
    ax = np.einsum("nd,dgh->gnh", x, params.Wx.reshape(x.shape[1], 3, -1)) + params.bx.reshape(3, 1, -1)
    ah = np.einsum("nk,kgh->gnh", state.h, params.Wh.reshape(state.h.shape[1], 3, -1)) + params.bh.reshape(3, 1, -1)
    gates = sig((ax + ah)[:2])
    n = np.tanh(ax[2] + gates[0] * ah[2])
    return GRUState(n * (1 - gates[1]) + state.h * gates[1]), (ax, ah, gates, n)
''',
    ],
    "gru2": [
        """\
import numpy as np
from minirnn.functional import GRUParams, GRUState
from minirnn.functional.activations import logistic as sigmoid

def gru_step_forward(x, state, params):
    out, _ = _step(x, state.h, params)
    return GRUState(out), {"in": [x, state.h], "params": params}
def _step(x, h, params):
    r, z, xn = np.split(x @ params.Wx + params.bx, 3, axis=1)
    hr, hz, hn = np.split(h @ params.Wh + params.bh, 3, axis=1)
    r, z = sigmoid(r + hr), sigmoid(z + hz)
    n = np.tanh(xn + r * hn)
    return (1 - z) * n + z * h, (r, z, n, hn)
def gru_step_backward(dstate, cache):
    (x, h), p = cache["in"], cache["params"]
    _, (r, z, n, hn) = _step(x, h, p)
    dn = (dstate.h - dstate.h * z) * (1 - n ** 2)
    dr, dz = dn * hn * r * (1 - r), dstate.h * (h - n) * z * (1 - z)
    both = np.concatenate([dr, dz], 1)
    gx, gh = np.concatenate([both, dn], 1), np.concatenate([both, r * dn], 1)
    return gx.dot(p.Wx.T), GRUState(gh.dot(p.Wh.T) + z * dstate.h), GRUParams(x.T.dot(gx), h.T.dot(gh), gx.sum(0), gh.sum(0))
""",
        """\
import numpy as np
from minirnn.functional import GRUParams, GRUState
from minirnn.functional.activations import logistic as sigmoid

class C:
    pass
def gru_step_forward(x, state, params):
    k = C()
    k.x, k.h, k.p = x, state.h, params
    gx, gh = x @ params.Wx + params.bx, state.h @ params.Wh + params.bh
    H = state.h.shape[1]
    k.rz = sigmoid(gx[:, :2 * H] + gh[:, :2 * H])
    k.r, k.z = k.rz[:, :H], k.rz[:, H:]
    k.hn = gh[:, 2 * H:]
    k.n = np.tanh(gx[:, 2 * H:] + k.r * k.hn)
    return GRUState(k.n + k.z * (state.h - k.n)), k
def gru_step_backward(dstate, k):
    dh = dstate.h
    dan = dh * (1 - k.z) * (1 - k.n ** 2)
    drz = np.hstack([dan * k.hn, dh * (k.h - k.n)]) * k.rz * (1 - k.rz)
    ax, ah = np.hstack([drz, dan]), np.hstack([drz, dan * k.r])
    return ax @ k.p.Wx.T, GRUState(ah @ k.p.Wh.T + dh * k.z), GRUParams(k.x.T @ ax, k.h.T @ ah, ax.sum(0), ah.sum(0))
""",
        BACKWARD,
        # the forward function with a cache of its own
        FORWARD + '''
def gru_step_backward(dstate, cache):
    x, h0, p, ah, r, z, n = (cache[k] for k in ("x", "h0", "p", "ah", "r", "z", "n"))
    H = h0.shape[1]
    dh = dstate.h
    d = np.empty_like(ah)
    d[:, 2*H:] = dh * (1 - z) / np.cosh(np.arctanh(n)) ** 2
    d[:, H:2*H] = dh * (h0 - n) * z * (1 - z)
    d[:, :H] = d[:, 2*H:] * ah[:, 2*H:] * r * (1 - r)
    e = d.copy()
    e[:, 2*H:] *= r
    return (d.dot(p.Wx.T), GRUState(dh * z + e.dot(p.Wh.T)),
            GRUParams(x.T.dot(d), h0.T.dot(e), d.sum(axis=0), e.sum(axis=0)))
''',
        # matrices cut into gates
        HEAD + '''
def gru_step_backward(dstate, cache):
    x, prev, p, ahn, r, z, n = cache
    (dh,), h0 = dstate, prev.h
    Wr, Wz, Wn = np.split(p.Wx, 3, axis=1)
    Ur, Uz, Un = np.split(p.Wh, 3, axis=1)
    dn = (1 - z) * dh
    dpre = dn * (1 - n) * (1 + n)
    dar = dpre * ahn * r * (1 - r)
    daz = (h0 - n) * dh * (z - z ** 2)
    dq = r * dpre
    dx = dar @ Wr.T + daz @ Wz.T + dpre @ Wn.T
    dh0 = z * dh + dar @ Ur.T + daz @ Uz.T + dq @ Un.T
    dWx = np.concatenate([x.T @ dar, x.T @ daz, x.T @ dpre], axis=1)
    dWh = np.concatenate([h0.T @ dar, h0.T @ daz, h0.T @ dq], axis=1)
    bias = lambda *parts: np.concatenate([part.sum(axis=0) for part in parts])
    return dx, GRUState(dh0), GRUParams(dWx, dWh, bias(dar, daz, dpre), bias(dar, daz, dq))
''',
        # row by row
        HEAD + '''
def gru_step_backward(dstate, cache):
    x, prev, p, ahn, r, z, n = cache
    dx = np.zeros_like(x)
    dh0 = np.zeros_like(prev.h)
    g = [np.zeros_like(a) for a in p]
    for k in range(len(x)):
        dh = dstate.h[k]
        dan = dh * (1 - z[k]) * (1 - n[k] ** 2)
        dar = dan * ahn[k] * r[k] * (1 - r[k])
        daz = dh * (prev.h[k] - n[k]) * z[k] * (1 - z[k])
        din = np.r_[dar, daz, dan]
        drec = np.r_[dar, daz, dan * r[k]]
        dx[k] = p.Wx @ din
        dh0[k] = dh * z[k] + p.Wh @ drec
        g[0] += x[k][:, None] * din
        g[1] += prev.h[k][:, None] * drec
        g[2] += din
        g[3] += drec
    return dx, GRUState(dh0), GRUParams(*g)
''',
        # float32 inside
        HEAD + '''
def gru_step_backward(dstate, cache):
    dtype = cache[0].dtype
    low = lambda a: a.astype(np.float32)
    x, prev, p, ahn, r, z, n = cache
    x, h0, ahn, r, z, n = map(low, (x, prev.h, ahn, r, z, n))
    dh = low(dstate.h)
    dan = dh * (1 - z) * (1 - n**2)
    dar, daz = dan * ahn * r * (1 - r), dh * (h0 - n) * z * (1 - z)
    dax, dah = np.hstack([dar, daz, dan]), np.hstack([dar, daz, r * dan])
    up = lambda a: a.astype(dtype)
    return (up(dax @ low(p.Wx).T), GRUState(up(dah @ low(p.Wh).T + z * dh)),
            GRUParams(up(x.T @ dax), up(h0.T @ dah), up(dax.sum(0)), up(dah.sum(0))))
''',
        # everything computed again from the arguments
        HEAD + '''
def gru_step_forward(x, state, params):
    return GRUState(_run(x, state, params)[0]), (x, state, params)

def _run(x, state, params):
    ar, az, an = np.hsplit(x @ params.Wx + params.bx, 3)
    br, bz, bn = np.hsplit(state.h @ params.Wh + params.bh, 3)
    r, z = sig(ar + br), sig(az + bz)
    n = np.tanh(an + r * bn)
    return (1 - z) * n + z * state.h, r, z, n, bn

def gru_step_backward(dstate, cache):
    x, state, params = cache
    _, r, z, n, bn = _run(*cache)
    g = dstate.h
    an = g * (1 - z) * (1 - n**2)
    ar = an * bn * r * (1 - r)
    az = g * (state.h - n) * z * (1 - z)
    top, bottom = np.c_[ar, az, an], np.c_[ar, az, an * r]
    return (np.einsum("nk,dk->nd", top, params.Wx), GRUState(g * z + np.einsum("nk,hk->nh", bottom, params.Wh)),
            GRUParams(np.einsum("nd,nk->dk", x, top), np.einsum("nh,nk->hk", state.h, bottom), top.sum(0), bottom.sum(0)))
''',
    ],
}  # fmt: skip
