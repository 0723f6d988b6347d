"""Answers to the exercises of lesson 06 as learners write them: wrong ones with the names of their mistakes, right ones."""

HEAD_RNN2 = """
import numpy as np
from minirnn.functional import RNNParams, RNNState
"""

HEAD_UNROLL2 = """
import numpy as np
from minirnn.tree import tree_add, tree_map
"""

HEAD_CLIP1 = """
import math
import numpy as np
from minirnn.tree import tree_leaves, tree_map
"""

WRONG = {
    "rnn2": [
        # derivative of tanh missing
        (
            "no-tanh-derivative",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    dh = dstate.h
    dx = np.dot(dh, p.Wx.T)
    dh_prev = np.dot(dh, p.Wh.T)
    dWx = np.dot(x.T, dh)
    dWh = np.dot(prev.h.T, dh)
    db = np.sum(dh, axis=0)
    return dx, RNNState(dh_prev), RNNParams(dWx, dWh, db)
""",
        ),
        # derivative of sigmoid h(1-h) in place of that of tanh
        (
            "sigmoid-derivative",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    dz = dstate.h * h * (1 - h)
    grads = RNNParams(Wx=x.T @ dz, Wh=prev.h.T @ dz, b=dz.sum(0))
    return dz @ p.Wx.T, RNNState(dz @ p.Wh.T), grads
""",
        ),
        # tanh taken once more of h, which is tanh already
        (
            "tanh-of-tanh",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    dtanh = 1 - np.tanh(h) ** 2
    da = dtanh * dstate.h
    dx = da.dot(p.Wx.T)
    dprev = da.dot(p.Wh.T)
    return dx, RNNState(dprev), RNNParams(x.T.dot(da), prev.h.T.dot(da), da.sum(axis=0))
""",
        ),
        # dWh with the new h instead of the previous one (loops)
        (
            "dWh-from-h",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    N, D = x.shape
    H = h.shape[1]
    dx = np.zeros_like(x)
    dprev = np.zeros_like(prev.h)
    dWx, dWh, db = np.zeros_like(p.Wx), np.zeros_like(p.Wh), np.zeros_like(p.b)
    for n in range(N):
        for j in range(H):
            g = dstate.h[n, j] * (1 - h[n, j] ** 2)
            db[j] += g
            for d in range(D):
                dWx[d, j] += g * x[n, d]
                dx[n, d] += g * p.Wx[d, j]
            for k in range(H):
                dWh[k, j] += g * h[n, k]
                dprev[n, k] += g * p.Wh[k, j]
    return dx, RNNState(dprev), RNNParams(dWx, dWh, db)
""",
        ),
        # einsum: dh_prev with Wh not transposed
        (
            "Wh-not-transposed",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = (1 - h * h) * dstate.h
    dx = np.einsum("nh,dh->nd", da, p.Wx)
    dh_prev = np.einsum("nh,hk->nk", da, p.Wh)
    dWx = np.einsum("nd,nh->dh", x, da)
    dWh = np.einsum("nk,nh->kh", prev.h, da)
    db = np.einsum("nh->h", da)
    return dx, RNNState(dh_prev), RNNParams(dWx, dWh, db)
""",
        ),
        # db is a mean, not a sum
        (
            "db-mean",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - np.square(h))
    return (
        da @ p.Wx.T,
        RNNState(da @ p.Wh.T),
        RNNParams(x.T @ da, prev.h.T @ da, np.mean(da, axis=0)),
    )
""",
        ),
        # parameters' gradients divided by the batch size
        (
            "mean-over-batch",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    m = x.shape[0]
    da = dstate.h * (1 - h**2)
    dWx = (1 / m) * x.T @ da
    dWh = (1 / m) * prev.h.T @ da
    db = (1 / m) * np.sum(da, axis=0)
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(dWx, dWh, db)
""",
        ),
        # dWx and dWh transposed (outer product the wrong way round)
        (
            "both-transposed",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - h**2)
    dWx = da.T @ x
    dWh = da.T @ prev.h
    db = da.sum(axis=0)
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(dWx, dWh, db)
""",
        ),
        # dx and dh_prev without the derivative of tanh
        (
            ("dh-prev-from-dh", "dx-from-dh"),
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    dh = dstate.h
    da = dh * (1 - h**2)
    dx = dh @ p.Wx.T
    dh_prev = dh @ p.Wh.T
    return dx, RNNState(dh_prev), RNNParams(x.T @ da, prev.h.T @ da, da.sum(axis=0))
""",
        ),
        # derivative taken of the pre-activation (1 - a^2)
        (
            "tanh-derivative-of-a",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    a = x @ p.Wx + prev.h @ p.Wh + p.b
    da = dstate.h * (1 - a**2)
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(x.T @ da, prev.h.T @ da, da.sum(axis=0))
""",
        ),
        # loops: dx assigned instead of added over the hidden units
        (
            ("last-unit-only-1", "last-unit-only-2", "last-unit-only-3"),
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - h * h)
    N, D = x.shape
    H = h.shape[1]
    dx = np.zeros_like(x)
    dprev = np.zeros_like(prev.h)
    for n in range(N):
        for j in range(H):
            for d in range(D):
                dx[n, d] = da[n, j] * p.Wx[d, j]
            for k in range(H):
                dprev[n, k] = da[n, j] * p.Wh[k, j]
    return dx, RNNState(dprev), RNNParams(x.T @ da, prev.h.T @ da, da.sum(0))
""",
        ),
        # returns dh_prev as a bare array and a tuple of gradients
        (
            "not-packed",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - h**2)
    return da @ p.Wx.T, da @ p.Wh.T, (x.T @ da, prev.h.T @ da, da.sum(axis=0))
""",
        ),
        # dWh from the gradient of the earlier state
        (
            "dWh-from-dh-prev",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - h**2)
    dprev = da @ p.Wh.T
    dWh = prev.h.T @ dprev
    return da @ p.Wx.T, RNNState(dprev), RNNParams(x.T @ da, dWh, da.sum(axis=0))
""",
        ),
        # db summed over the hidden units
        (
            "db-wrong-axis",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = np.multiply(dstate.h, 1 - h**2)
    db = da @ np.ones(da.shape[1])
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(x.T @ da, prev.h.T @ da, db)
""",
        ),
        # derivative applied twice: da multiplied by (1-h^2) again for the weights
        (
            "tanh-derivative-squared",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - h**2)
    dx = da @ p.Wx.T
    dprev = da @ p.Wh.T
    da = da * (1 - h**2)
    return dx, RNNState(dprev), RNNParams(x.T @ da, prev.h.T @ da, da.sum(axis=0))
""",
        ),
        # dx and dh_prev exchanged in the return
        (
            "pieces-exchanged",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - h**2)
    dx = da @ p.Wh.T
    dh_prev = da @ p.Wx.T
    return dx, RNNState(dh_prev), RNNParams(x.T @ da, prev.h.T @ da, da.sum(0))
""",
        ),
        # bias gradient forgotten: zeros
        (
            "all-zero",
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h * (1 - h**2)
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(x.T @ da, prev.h.T @ da, np.zeros_like(p.b))
""",
        ),
        # cache unpacked in another order than it was packed (h and prev swapped use)
        (
            ("dWh-from-h", "tanh-derivative-prev"),
            HEAD_RNN2
            + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    h_old, h_new = h, prev.h
    da = dstate.h * (1 - h_new**2)
    return da @ p.Wx.T, RNNState(da @ p.Wh.T), RNNParams(x.T @ da, h_old.T @ da, da.sum(axis=0))
""",
        ),
    ],
    "unroll2": [
        # only the last step's upstream gradient is used
        (
            "only-last-dstates",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    d = tree_map(lambda a: a[:, -1], dstates)
    dxs, dshared = [], None
    for t in range(T - 1, -1, -1):
        dx_t, d, ds = step.backward(d, caches[t])
        dxs.insert(0, dx_t)
        dshared = tree_add(dshared, ds)
    return np.stack(dxs, axis=1), d, dshared
""",
        ),
        # what comes back from t+1 is dropped
        (
            "not-flowing",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dshared = [], None
    for t in reversed(range(len(caches))):
        dstate = tree_map(lambda d: d[:, t], dstates)
        dx_t, dprev, dshared_t = step.backward(dstate, caches[t])
        dshared = tree_add(dshared, dshared_t)
        dx.append(dx_t)
    dx.reverse()
    return np.stack(dx, axis=1), dprev, dshared
""",
        ),
        # dx left in the order of the loop, back to front
        (
            "dx-order",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(len(caches))):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))
        dx_t, dstate, g = step.backward(dstate, caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    return np.stack(dx, axis=1), dstate, dshared
""",
        ),
        # dshared overwritten: only that of t = 0 is left
        (
            "shared-not-added",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, carry = cache
    T = len(caches)
    dx = [None] * T
    for t in range(T - 1, -1, -1):
        here = tree_map(lambda d: d[:, t], dstates)
        total = tree_map(lambda a, b: a + b, here, carry)
        dx[t], carry, dshared = step.backward(total, caches[t])
    return np.stack(dx, axis=1), carry, dshared
""",
        ),
        # dshared averaged over time
        (
            "averaged-over-time",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(T)):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))
        dx_t, dstate, g = step.backward(dstate, caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    dshared = tree_map(lambda g: g / T, dshared)
    return np.stack(dx[::-1], axis=1), dstate, dshared
""",
        ),
        # runs forwards in time
        (
            ("forward-order", "forward-order-2"),
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dstate = zeros
    dshared = None
    dx = []
    for t in range(len(caches)):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))
        dx_t, dstate, dshared_t = step.backward(dstate, caches[t])
        dx.append(dx_t)
        dshared = tree_add(dshared, dshared_t)
    return np.stack(dx, axis=1), dstate, dshared
""",
        ),
        # upstream of step 0 added to the gradient of the first state once more
        (
            "dstate-extra",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    dshared = None
    dx = []
    dnext = tree_map(lambda d: d[:, T - 1], dstates)
    for t in reversed(range(T)):
        dx_t, dprev, g = step.backward(dnext, caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
        dnext = tree_add(dprev, tree_map(lambda d: d[:, max(t - 1, 0)], dstates))
    return np.stack(dx[::-1], axis=1), dnext, dshared
""",
        ),
        # writes into dstates
        (
            "in-place",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    dxs, dshared = [], None
    for t in range(T - 1, -1, -1):
        dx_t, dprev, g = step.backward(tree_map(lambda d: d[:, t], dstates), caches[t])
        if t > 0:
            for d, p in zip(dstates, dprev):
                d[:, t - 1] += p
        dxs.append(dx_t)
        dshared = tree_add(dshared, g)
    return np.stack(dxs[::-1], axis=1), dprev, dshared
""",
        ),
        # dstates added one step too late
        (
            "upstream-late-2",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    dxs, dshared = [None] * T, None
    carry = tree_map(lambda d: d[:, T - 1], dstates)
    for t in range(T - 1, -1, -1):
        dxs[t], carry, g = step.backward(carry, caches[t])
        carry = tree_add(carry, tree_map(lambda d: d[:, t], dstates))
        dshared = tree_add(dshared, g)
    return np.stack(dxs, axis=1), carry, dshared
""",
        ),
        # what comes back is cut off at every second step
        (
            ("truncated-1", "truncated-2"),
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(T)):
        up = tree_map(lambda d: d[:, t], dstates)
        if t % 2 == 1:
            dstate = zeros
        dx_t, dstate, g = step.backward(tree_add(dstate, up), caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared
""",
        ),
        # returns only dx and the state's gradient
        (
            ("dstate-missing", "shared-missing"),
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dstate = [], zeros
    for t in reversed(range(len(caches))):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))
        dx_t, dstate, g = step.backward(dstate, caches[t])
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate
""",
        ),
        # dstates divided by T
        (
            "upstream-averaged",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(T)):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t] / T, dstates))
        dx_t, dstate, g = step.backward(dstate, caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared
""",
        ),
        # dshared counted once more for the last step
        (
            "shared-last-twice",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    last = tree_map(lambda d: d[:, T - 1], dstates)
    _, _, dshared = step.backward(last, caches[T - 1])
    dx, dstate = [], zeros
    for t in reversed(range(T)):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))
        dx_t, dstate, g = step.backward(dstate, caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared
""",
        ),
        # the sum of all upstream gradients goes in at the last step
        (
            "upstream-summed",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dshared = [], None
    dstate = tree_map(lambda d: d.sum(axis=1), dstates)
    for t in reversed(range(len(caches))):
        dx_t, dstate, g = step.backward(dstate, caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared
""",
        ),
        # the carry subtracted
        (
            "carry-subtracted",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(len(caches))):
        up = tree_map(lambda d: d[:, t], dstates)
        dx_t, dstate, g = step.backward(tree_map(lambda a, b: a - b, up, dstate), caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared
""",
        ),
        # dx from the upstream gradient alone
        (
            "not-flowing",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(len(caches))):
        up = tree_map(lambda d: d[:, t], dstates)
        dx_t, _, _ = step.backward(up, caches[t])
        _, dstate, g = step.backward(tree_add(up, dstate), caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared
""",
        ),
        # the first state's gradient is the total gradient of the state of step 0
        (
            "dstate-before-step",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(len(caches))):
        total = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))
        dx_t, dstate, g = step.backward(total, caches[t])
        dshared = tree_add(dshared, g)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), total, dshared
""",
        ),
        # gradients of shared subtracted from each other
        (
            "over-time",
            HEAD_UNROLL2
            + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dstate, dshared = [], zeros, None
    for t in reversed(range(len(caches))):
        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))
        dx_t, dstate, g = step.backward(dstate, caches[t])
        dshared = g if dshared is None else tree_map(lambda a, b: a - b, dshared, g)
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dstate, dshared
""",
        ),
    ],
    "clip1": [
        # every array by its own norm
        (
            ("each-its-own", "each-its-own-2", "each-its-own-3"),
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    def clip(g):
        n = np.linalg.norm(g)
        return g * (max_norm / n) if n > max_norm else g
    norm = np.sqrt(sum((g ** 2).sum() for g in tree_leaves(grads)))
    return tree_map(clip, grads), norm
""",
        ),
        # element by element clipping
        (
            ("by-value", "by-value-always"),
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    total = 0.0
    for g in tree_leaves(grads):
        total += float(np.sum(g * g))
    norm = math.sqrt(total)
    return tree_map(lambda g: np.clip(g, -max_norm, max_norm), grads), norm
""",
        ),
        # square root forgotten
        (
            "no-root",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = sum(np.sum(np.square(g)) for g in tree_leaves(grads))
    scale = min(1.0, max_norm / norm)
    return tree_map(lambda g: scale * g, grads), norm
""",
        ),
        # sum of the arrays' norms
        (
            "sum-of-norms",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norms = [np.sqrt((g**2).sum()) for g in tree_leaves(grads)]
    norm = float(np.sum(norms))
    if norm > max_norm:
        grads = tree_map(lambda g: g * max_norm / norm, grads)
    return grads, norm
""",
        ),
        # returns the norm after clipping
        (
            "norm-after",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    flat = np.concatenate([g.ravel() for g in tree_leaves(grads)])
    norm = np.sqrt(flat @ flat)
    factor = min(1, max_norm / norm)
    clipped = tree_map(lambda g: g * factor, grads)
    flat = np.concatenate([g.ravel() for g in tree_leaves(clipped)])
    return clipped, np.sqrt(flat @ flat)
""",
        ),
        # always scaled to max_norm, small gradients too
        (
            "always-scaled",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = 0
    for leaf in tree_leaves(grads):
        norm = norm + np.sum(leaf**2)
    norm = norm**0.5
    return tree_map(lambda leaf: leaf / norm * max_norm, grads), norm
""",
        ),
        # in place
        (
            "in-place",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    leaves = tree_leaves(grads)
    norm = np.sqrt(sum(np.sum(g * g) for g in leaves))
    if norm > max_norm:
        for g in leaves:
            g *= max_norm / norm
    return grads, norm
""",
        ),
        # ratio upside down: norm / max_norm
        (
            "inverse-2",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = np.sqrt(sum([np.sum(g**2) for g in tree_leaves(grads)]))
    scale = min(1, norm / max_norm)
    return tree_map(lambda g: g * scale, grads), norm
""",
        ),
        # values added up instead of their squares
        (
            "sum-of-values",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    total = sum(g.sum() for g in tree_leaves(grads))
    norm = abs(total)
    if norm > max_norm:
        return tree_map(lambda g: g * max_norm / norm, grads), norm
    return grads, norm
""",
        ),
        # scaled to length 1
        (
            "divided-by-norm",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = math.sqrt(sum(float(np.sum(g * g)) for g in tree_leaves(grads)))
    if norm > max_norm:
        grads = tree_map(lambda g: g / norm, grads)
    return grads, norm
""",
        ),
        # returns a list of clipped arrays rather than the tree
        (
            "not-packed",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    leaves = tree_leaves(grads)
    norm = np.sqrt(sum(np.sum(g**2) for g in leaves))
    scale = min(1.0, max_norm / norm)
    return [g * scale for g in leaves], norm
""",
        ),
        # max_norm / (norm + max_norm)
        (
            "norm-plus-limit",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in tree_leaves(grads)))
    return tree_map(lambda g: g * max_norm / (norm + max_norm), grads), norm
""",
        ),
        # biases (1-D arrays) left out of the norm
        (
            "biases-left-out",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = math.sqrt(sum(float((g * g).sum()) for g in tree_leaves(grads) if g.ndim > 1))
    scale = min(1.0, max_norm / norm)
    return tree_map(lambda g: g * scale, grads), norm
""",
        ),
        # only the values above max_norm are scaled
        (
            "large-values-scaled",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = math.sqrt(sum(float((g * g).sum()) for g in tree_leaves(grads)))
    return tree_map(lambda g: np.where(np.abs(g) > max_norm, g * max_norm / norm, g), grads), norm
""",
        ),
        # running norm: arrays scaled while the norm is still growing
        (
            "turned",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    total = 0.0
    out = []
    for g in tree_leaves(grads):
        total += float((g * g).sum())
        out.append(g * min(1.0, max_norm / math.sqrt(total)))
    it = iter(out)
    return tree_map(lambda g: next(it), grads), math.sqrt(total)
""",
        ),
        # returns the same gradients, clipped ones thrown away
        (
            "not-clipped",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g * g) for g in tree_leaves(grads)))
    if norm > max_norm:
        tree_map(lambda g: g * max_norm / norm, grads)
    return grads, norm
""",
        ),
        # divides by max_norm when above
        (
            "divided-by-max-norm",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g * g) for g in tree_leaves(grads)))
    if norm > max_norm:
        grads = tree_map(lambda g: g / max_norm, grads)
    return grads, norm
""",
        ),
        # the largest absolute value as the norm
        (
            "max-norm",
            HEAD_CLIP1
            + """
def clip_by_global_norm(grads, max_norm):
    norm = max(float(np.abs(g).max()) for g in tree_leaves(grads))
    if norm > max_norm:
        grads = tree_map(lambda g: g * (max_norm / norm), grads)
    return grads, norm
""",
        ),
    ],
}

RIGHT = {
    "rnn2": [
        # loops over everything
        HEAD_RNN2
        + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    N, D = x.shape
    H = h.shape[1]
    dx = np.zeros_like(x)
    dprev = np.zeros_like(prev.h)
    dWx, dWh, db = np.zeros_like(p.Wx), np.zeros_like(p.Wh), np.zeros_like(p.b)
    for n in range(N):
        for j in range(H):
            g = dstate.h[n, j] * (1 - h[n, j]) * (1 + h[n, j])
            db[j] += g
            for d in range(D):
                dWx[d, j] += g * x[n, d]
                dx[n, d] += g * p.Wx[d, j]
            for k in range(H):
                dWh[k, j] += g * prev.h[n, k]
                dprev[n, k] += g * p.Wh[k, j]
    return dx, RNNState(dprev), RNNParams(dWx, dWh, db)
""",
        # einsum
        HEAD_RNN2
        + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = np.einsum("nh,nh->nh", 1 - h * h, dstate.h)
    dx = np.einsum("nh,dh->nd", da, p.Wx)
    dh_prev = np.einsum("nh,kh->nk", da, p.Wh)
    dWx = np.einsum("nd,nh->dh", x, da)
    dWh = np.einsum("nk,nh->kh", prev.h, da)
    db = np.einsum("nh->h", da)
    return dx, RNNState(dh_prev), RNNParams(dWx, dWh, db)
""",
        # own forward with another cache
        HEAD_RNN2
        + """
def rnn_step_forward(x, state, params):
    both = np.hstack([x, state.h, np.ones((len(x), 1), dtype=x.dtype)])
    W = np.vstack([params.Wx, params.Wh, params.b])
    a = both @ W
    return RNNState(np.tanh(a)), (both, W, a, x.shape[1])

def rnn_step_backward(dstate, cache):
    both, W, a, D = cache
    da = dstate.h / np.cosh(a) ** 2
    dboth, dW = da @ W.T, both.T @ da
    return dboth[:, :D], RNNState(dboth[:, D:-1]), RNNParams(dW[:D], dW[D:-1], dW[-1])
""",
        # cosh and recomputed pre-activation from the framework's cache
        HEAD_RNN2
        + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    a = np.dot(x, p.Wx) + np.dot(prev.h, p.Wh) + p.b
    da = dstate.h * (1.0 - np.tanh(a) ** 2)
    dx = (p.Wx @ da.T).T
    dh_prev = (p.Wh @ da.T).T
    dWx = (da.T @ x).T
    dWh = (da.T @ prev.h).T
    db = np.ones(len(x), dtype=x.dtype) @ da
    return dx, RNNState(dh_prev), RNNParams(Wx=dWx, Wh=dWh, b=db)
""",
        # outer products one row at a time
        HEAD_RNN2
        + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    da = dstate.h - dstate.h * h * h
    dWx = sum(np.outer(x[n], da[n]) for n in range(len(x)))
    dWh = sum(np.outer(prev.h[n], da[n]) for n in range(len(x)))
    db = sum(da[n] for n in range(len(x)))
    dx = np.array([p.Wx @ row for row in da])
    dh_prev = np.array([p.Wh @ row for row in da])
    return dx, RNNState(dh_prev), RNNParams(dWx, dWh, db)
""",
        # float32 inside
        HEAD_RNN2
        + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    kind = x.dtype
    da = dstate.h.astype(np.float32) * (1 - h.astype(np.float32) ** 2)
    f = lambda a: a.astype(kind)
    return (f(da @ p.Wx.T.astype(np.float32)), RNNState(f(da @ p.Wh.T.astype(np.float32))),
            RNNParams(f(x.T.astype(np.float32) @ da), f(prev.h.T.astype(np.float32) @ da), f(da.sum(0))))
""",
        # stacked
        HEAD_RNN2
        + """
def rnn_step_backward(dstate, cache):
    x, prev, p, h = cache
    (dh,) = dstate
    dz = dh * (1 - h) * (1 + h)
    W = np.vstack((p.Wx, p.Wh, p.b))
    inp = np.hstack((x, prev.h, np.ones((len(x), 1), x.dtype)))
    dinp, dW = dz @ W.T, inp.T @ dz
    D = x.shape[1]
    return dinp[:, :D], RNNState(dinp[:, D:-1]), RNNParams(dW[:D], dW[D:-1], dW[-1])
""",
    ],
    "unroll2": [
        # preallocated, while loop
        HEAD_UNROLL2
        + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    T = len(caches)
    carry, total, dx = None, None, None
    t = T - 1
    while t >= 0:
        up = tree_map(lambda d: d[:, t], dstates)
        dx_t, carry, g = step.backward(tree_add(up, carry), caches[t])
        if dx is None:
            dx = np.zeros((dx_t.shape[0], T) + dx_t.shape[1:], dtype=dx_t.dtype)
        dx[:, t] = dx_t
        total = tree_add(total, g)
        t -= 1
    return dx, carry, total
""",
        # own cache
        HEAD_UNROLL2
        + """
def unroll_forward(step, x, state, shared):
    out, tape = [], []
    for t in range(x.shape[1]):
        state, c = step.forward(x[:, t], state, shared)
        out.append(state)
        tape.append((t, c))
    return tree_map(lambda *s: np.stack(s, axis=1), *out), tape

def unroll_backward(step, dstates, cache):
    back, dxs, shared = None, {}, []
    for t, c in cache[::-1]:
        d = tree_add(tree_map(lambda a: a[:, t], dstates), back)
        dxs[t], back, g = step.backward(d, c)
        shared.append(g)
    dshared = tree_map(lambda *gs: sum(gs), *shared)
    return np.stack([dxs[t] for t in sorted(dxs)], 1), back, dshared
""",
        # copy of dstates and +=
        HEAD_UNROLL2
        + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    d = tree_map(np.copy, dstates)
    T = len(caches)
    dxs, dshared = [None] * T, None
    for t in range(T)[::-1]:
        dxs[t], dprev, g = step.backward(tree_map(lambda a: a[:, t].copy(), d), caches[t])
        if t:
            for a, b in zip(d, dprev):
                a[:, t - 1] += b
        dshared = g if dshared is None else tree_map(np.add, dshared, g)
    return np.stack(dxs, axis=1), dprev, dshared
""",
        # recursion
        HEAD_UNROLL2
        + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache

    def go(t):
        "gradients of x[:, t:], of the state before t and of shared from t on"
        if t == len(caches):
            return [], zeros, None
        later, dnext, dshared = go(t + 1)
        dx, dprev, g = step.backward(tree_add(dnext, tree_map(lambda d: d[:, t], dstates)), caches[t])
        return [dx] + later, dprev, tree_add(g, dshared)

    dxs, dstate, dshared = go(0)
    return np.stack(dxs, axis=1), dstate, dshared
""",
        # linearity: every step's upstream gradient sent back by itself
        HEAD_UNROLL2
        + """
def unroll_backward(step, dstates, cache):
    caches, zeros = cache
    dx, dstate, dshared = [None] * len(caches), None, None
    for s in range(len(caches)):
        d = tree_map(lambda a: a[:, s], dstates)
        for t in range(s, -1, -1):
            dx_t, d, g = step.backward(d, caches[t])
            dx[t] = tree_add(dx[t], dx_t)
            dshared = tree_add(dshared, g)
        dstate = tree_add(dstate, d)
    return np.stack(dx, axis=1), dstate, dshared
""",
        # deque
        HEAD_UNROLL2
        + """
from collections import deque

def unroll_backward(step, dstates, cache):
    caches, carry = cache
    dx, grads = deque(), []
    for t, c in zip(reversed(range(len(caches))), reversed(caches)):
        merged = type(dstates)(*(d[:, t] + k for d, k in zip(dstates, carry)))
        dx_t, carry, g = step.backward(merged, c)
        dx.appendleft(dx_t)
        grads.append(g)
    total = type(grads[0])(*(np.sum([g[i] for g in grads], axis=0) for i in range(len(grads[0]))))
    return np.stack(list(dx), axis=1), carry, total
""",
    ],
    "clip1": [
        # concatenate
        HEAD_CLIP1
        + """
def clip_by_global_norm(grads, max_norm):
    flat = np.concatenate([g.ravel() for g in tree_leaves(grads)]).astype(float)
    norm = float(np.linalg.norm(flat))
    if norm > max_norm:
        return tree_map(lambda g: (g * (max_norm / norm)).astype(g.dtype), grads), norm
    return tree_map(np.copy, grads), norm
""",
        # norm of norms
        HEAD_CLIP1
        + """
def clip_by_global_norm(grads, max_norm):
    norm = math.hypot(*(float(np.linalg.norm(g)) for g in tree_leaves(grads)))
    factor = max_norm / max(norm, max_norm)
    return tree_map(lambda g: g * factor, grads), norm
""",
        # explicit loops, division
        HEAD_CLIP1
        + """
def clip_by_global_norm(grads, max_norm):
    total = 0.0
    for g in tree_leaves(grads):
        for v in np.asarray(g).flatten():
            total += float(v) * float(v)
    norm = total ** 0.5
    if norm == 0:
        return grads, 0.0
    divide = max(1.0, norm / max_norm)
    return tree_map(lambda g: g / divide, grads), norm
""",
        # numpy numbers throughout
        HEAD_CLIP1
        + """
def clip_by_global_norm(grads, max_norm):
    norm = np.sqrt(np.sum([np.vdot(g, g) for g in tree_leaves(grads)]))
    if norm <= max_norm:
        return grads, norm
    return tree_map(lambda g: np.multiply(g, float(max_norm / norm)), grads), norm
""",
        # np.minimum
        HEAD_CLIP1
        + """
def clip_by_global_norm(grads, max_norm):
    squares = [float(np.einsum("...,...->", g, g)) if g.ndim == 0 else float(np.tensordot(g, g, axes=g.ndim)) for g in tree_leaves(grads)]
    norm = math.fsum(squares) ** 0.5
    ratio = max_norm / norm if norm > 0 else math.inf
    return tree_map(lambda g: g * min(1.0, ratio), grads), norm
""",
    ],
}
