"""Wrong and right answers to the exercises of lesson 01, as learners write them."""

NP = "import numpy as np\n"
AFFINE = "import numpy as np\nfrom minirnn.functional import AffineParams\n"
SGD = "import numpy as np\nfrom minirnn.optim import SGDState\nfrom minirnn.tree import tree_map\n"

WRONG = {
    "affine1": [
        ("wrong-factor", """\
import numpy as np

def affine_forward(x, params):
    y = np.zeros(x.shape[:-1] + (params.W.shape[1],))
    for d in range(x.shape[-1]):
        y += x[..., d, None] * params.W[d] + params.b
    return y, (x, params.W)
"""),
        ("no-bias", AFFINE + """
def affine_forward(x, params):
    out = np.dot(x, params.W)
    return out, (x, params)
"""),
        ("W-transposed", AFFINE + """
def affine_forward(x, params):
    W, b = params
    return np.matmul(x, W.T) + b, (x, W, b)
"""),
        (("bias-before-W", "bias-on-input"), AFFINE + """
def affine_forward(x, params):
    shifted = params.W + params.b
    out = np.einsum("...d,dm->...m", x, shifted)
    return out, (x, params.W)
"""),
        ("steps-joined", AFFINE + """
def affine_forward(x, params):
    N = x.shape[0]
    flat = x.reshape(N, -1)
    out = flat @ params.W + params.b
    return out, (x, params.W)
"""),
        ("flat", AFFINE + """
def affine_forward(x, params):
    D = x.shape[-1]
    rows = x.reshape(-1, D)
    out = rows.dot(params.W) + params.b[None, :]
    return out, (x, params.W)
"""),
        ("no-cache", AFFINE + """
def affine_forward(x, params):
    return x @ params.W + params.b
"""),
        ("relu-added", AFFINE + """
def affine_forward(x, params):
    z = x @ params.W + params.b
    z[z < 0] = 0
    return z, (x, params.W)
"""),
        ("bias-per-row", AFFINE + """
def affine_forward(x, params):
    W, b = params
    y = x @ W
    y = y + b.reshape(-1, 1)
    return y, (x, W)
"""),
        ("elementwise", AFFINE + """
def affine_forward(x, params):
    y = np.multiply(x, params.W) + params.b
    return y, (x, params.W)
"""),
    ],
    "affine2": [
        ("forward-not-right", """\
from minirnn.functional import AffineParams

def affine_forward(x, params):
    return x @ params.W, {"x": x, "W": params.W}
def affine_backward(dy, cache):
    x, W = cache["x"], cache["W"]
    x2 = x.reshape(-1, x.shape[-1])
    d2 = dy.reshape(-1, dy.shape[-1])
    return dy @ W.T, AffineParams(x2.T @ d2, d2.sum(0))
"""),
        ("dx-not-transposed", AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    xr = x.reshape(-1, x.shape[-1])
    dr = dy.reshape(-1, dy.shape[-1])
    dx = dr @ W
    return dx.reshape(x.shape), AffineParams(xr.T @ dr, dr.sum(0))
"""),
        (("averaged-over-batch", "averaged-over-N"), AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    xr = x.reshape(-1, x.shape[-1])
    dr = dy.reshape(-1, dy.shape[-1])
    n = xr.shape[0]
    return dy @ W.T, AffineParams((xr.T @ dr) / n, np.mean(dr, axis=0))
"""),
        (("db-first-axis", "dW-two-axes"), AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    dW = x.reshape(-1, x.shape[-1]).T.dot(dy.reshape(-1, dy.shape[-1]))
    db = np.sum(dy, axis=0)
    return np.einsum("...m,dm->...d", dy, W), AffineParams(dW, db)
"""),
        ("dW-last-step", AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    db = dy.reshape(-1, W.shape[1]).sum(axis=0)
    if x.ndim == 3:
        for t in range(x.shape[1]):
            dW = x[:, t].T @ dy[:, t]
    else:
        dW = x.T @ dy
    return dy @ W.T, AffineParams(dW, db)
"""),
        ("dW-transposed", AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    dW = np.tensordot(dy, x, axes=(tuple(range(dy.ndim - 1)), tuple(range(x.ndim - 1))))
    db = dy.sum(axis=tuple(range(dy.ndim - 1)))
    return dy @ W.T, AffineParams(dW, db)
"""),
        ("order", AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    dW = x.reshape(-1, W.shape[0]).T @ dy.reshape(-1, W.shape[1])
    db = dy.reshape(-1, W.shape[1]).sum(0)
    return AffineParams(dW, db), dy @ W.T
"""),
        ("all-negative", AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    down = -1 * dy
    dW = x.reshape(-1, W.shape[0]).T @ down.reshape(-1, W.shape[1])
    return down @ W.T, AffineParams(dW, down.reshape(-1, W.shape[1]).sum(0))
"""),
        (("dW-last-row", "dW-first-row"), AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    xr, dr = x.reshape(-1, W.shape[0]), dy.reshape(-1, W.shape[1])
    dW = np.zeros_like(W)
    for row in range(len(xr)):
        dW = np.outer(xr[row], dr[row])
    return dy @ W.T, AffineParams(dW, dr.sum(0))
"""),
        ("dW-averaged", AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    xr, dr = x.reshape(-1, W.shape[0]), dy.reshape(-1, W.shape[1])
    dW = np.stack([np.outer(p, q) for p, q in zip(xr, dr)]).mean(axis=0)
    return dy @ W.T, AffineParams(dW, dr.sum(0))
"""),
    ],
    "relu1": [
        ("abs", NP + """
def relu_forward(x):
    out = np.where(x > 0, x, -x)
    return out, x
"""),
        (("max-axis", "one-maximum"), NP + """
def relu_forward(x):
    return x.max(0), x
"""),
        ("step", NP + """
def relu_forward(x):
    y = np.zeros_like(x)
    y[x > 0] = 1
    return y, x
"""),
        ("leaky", NP + """
def relu_forward(x):
    y = x.copy()
    y[x < 0] *= 0.01
    return y, x
"""),
        ("in-place", NP + """
def relu_forward(x):
    x[x < 0] = 0
    return x, x
"""),
        ("no-cache", NP + """
def relu_forward(x):
    return x * (x > 0)
"""),
        ("minimum", NP + """
def relu_forward(x):
    return x * (x < 0), x
"""),
    ],
    "relu2": [
        ("by-dy", NP + """
def relu_backward(dy, cache):
    return (np.maximum(dy, 0),)
"""),
        ("dy-ignored", NP + """
def relu_backward(dy, cache):
    d = np.zeros_like(cache)
    d[cache > 0] = 1
    return (d,)
"""),
        ("in-place", NP + """
def relu_backward(dy, cache):
    dy[cache <= 0] = 0
    return (dy,)
"""),
        ("at-zero-1", NP + """
def relu_backward(dy, cache):
    dx = dy.copy()
    dx[cache < 0] = 0
    return (dx,)
"""),
        ("no-tuple", NP + """
def relu_backward(dy, cache):
    x = cache
    return np.where(x > 0, dy, 0)
"""),
        ("passed-on", NP + """
def relu_backward(dy, cache):
    return (dy.copy(),)
"""),
        ("inverted", NP + """
def relu_backward(dy, cache):
    dx = dy.copy()
    dx[cache > 0] = 0
    dx[cache == 0] = 0
    return (dx,)
"""),
        ("times-x", NP + """
def relu_backward(dy, cache):
    x = cache
    y = np.maximum(0, x)
    return (y * dy,)
"""),
    ],
    "xent1": [
        ("no-shift", NP + """
def cross_entropy_forward(logits, targets, mask):
    p = np.exp(logits)
    logp = logits - np.log(np.sum(p, axis=-1, keepdims=True))
    loss = -np.take_along_axis(logp, targets[..., None], -1).mean()
    return loss, (logp, targets, None)
"""),
        ("log-of-softmax", NP + """
def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)

def cross_entropy_forward(logits, targets, mask):
    p = softmax(logits)
    right = p.reshape(-1, p.shape[-1])[np.arange(targets.size), targets.reshape(-1)]
    return -np.mean(np.log(right)), (p, targets)
"""),
        (("log-plus-1e-12", "log-plus-1e-10"), NP + """
def cross_entropy_forward(logits, targets, mask):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    p = np.maximum(e / e.sum(-1, keepdims=True), 1e-10)
    right = p.reshape(-1, p.shape[-1])[np.arange(targets.size), targets.reshape(-1)]
    return -np.log(right).sum() / targets.size, (p, targets)
"""),
        (("global-max", "max-of-batch"), NP + """
def cross_entropy_forward(logits, targets, mask):
    z = logits - np.max(logits)
    V = z.shape[-1]
    z = z.reshape(-1, V)
    t = targets.ravel()
    lse = np.log(np.exp(z).sum(axis=1))
    losses = lse - z[np.arange(len(t)), t]
    return losses.mean(), (z, t)
"""),
        ("over-N", NP + """
def cross_entropy_forward(logits, targets, mask):
    N, V = logits.shape[0], logits.shape[-1]
    z = (logits - logits.max(axis=-1, keepdims=True)).reshape(-1, V)
    t = targets.reshape(-1)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -logp[np.arange(t.size), t].sum() / N, (logp, targets)
"""),
        (("two-axes",), NP + """
def cross_entropy_forward(logits, targets, mask):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    N = logits.shape[0]
    loss = -np.mean(logp[np.arange(N), targets])
    return loss, (logp, targets)
"""),
        ("sign", NP + """
def cross_entropy_forward(logits, targets, mask):
    m = logits.max(-1)
    logsum = m + np.log(np.exp(logits - m[..., None]).sum(-1))
    picked = np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return (picked - logsum).mean(), (logits, targets)
"""),
        ("max-not-given-back", NP + """
def cross_entropy_forward(logits, targets, mask):
    m = logits.max(-1, keepdims=True)
    logsum = np.log(np.exp(logits - m).sum(-1))
    picked = np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return (logsum - picked).mean(), (logits, targets)
"""),
        (("no-shift", "log-plus-1e-9"), NP + """
def cross_entropy_forward(logits, targets, mask):
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(p, targets[..., None], -1) + 1e-9).mean(), (p, targets)
"""),
        (("factor-half",), NP + """
def cross_entropy_forward(logits, targets, mask):
    m = logits.max(-1, keepdims=True)
    logp = logits - m - np.log(np.exp(logits - m).sum(-1, keepdims=True))
    return -0.5 * np.take_along_axis(logp, targets[..., None], -1).mean(), (logp, targets)
"""),
        (("softmax-axis-1", "sum-axis-1"), NP + """
def cross_entropy_forward(logits, targets, mask):
    z = logits - logits.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.take_along_axis(logp, targets[..., None], -1).mean(), (logp, targets)
"""),
    ],
    "xent2": [
        ("softmax-over-batch", """\
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    e = np.exp(logp)
    p = e / e.sum(0)
    return dloss * (p - np.eye(logp.shape[-1])[targets]) * share[..., None], None, None
"""),
        ("sign", """\
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    d = np.eye(logp.shape[-1])[targets] - np.exp(logp)
    return dloss * d, None, None
"""),
        (("only-target", "not-finite"), """\
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    p = np.exp(logp)
    onehot = np.eye(logp.shape[-1])[targets]
    dp = -onehot / p * share[..., None] * dloss
    dlogits = dp * p * (1 - p)
    return dlogits, None, None
"""),
        (("no-minus-one",), NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    return np.exp(logp) * dloss / targets.size, None, None
"""),
        ("not-divided", NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    V = logp.shape[-1]
    d = np.exp(logp).reshape(-1, V)
    d[np.arange(len(d)), targets.ravel()] -= 1
    return d.reshape(logp.shape) * dloss, None, None
"""),
        ("dloss-ignored", NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    V = logp.shape[-1]
    d = np.exp(logp).reshape(-1, V)
    d[np.arange(len(d)), targets.ravel()] -= 1
    return (d / len(d)).reshape(logp.shape), None, None
"""),
        ("over-N", NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    onehot = np.eye(logp.shape[-1], dtype=logp.dtype)[targets]
    return dloss * (np.exp(logp) - onehot) / logp.shape[0], None, None
"""),
        ("sign", NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    onehot = np.eye(logp.shape[-1], dtype=logp.dtype)[targets]
    return dloss * (onehot - np.exp(logp)) / targets.size, None, None
"""),
        (("two-axes", "all-pairs"), NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    d = np.exp(logp)
    d[np.arange(len(d)), targets] -= 1
    return d * share[..., None] * dloss, None, None
"""),
        (("by-p",), NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    p = np.exp(logp)
    d = np.zeros_like(p)
    right = np.take_along_axis(p, targets[..., None], -1)
    np.put_along_axis(d, targets[..., None], -1 / right, -1)
    return d * dloss / targets.size, None, None
"""),
        ("only-target", NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    onehot = np.eye(logp.shape[-1], dtype=logp.dtype)[targets]
    p = np.exp(logp)
    return onehot * (p - onehot) * share[..., None] * dloss, None, None
"""),
        (("tuple-of-one", "bare"), NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    onehot = np.eye(logp.shape[-1], dtype=logp.dtype)[targets]
    return (np.exp(logp) - onehot) * share[..., None] * dloss
"""),
        ("in-place", NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    np.exp(logp, out=logp)
    onehot = np.eye(logp.shape[-1], dtype=logp.dtype)[targets]
    return (logp - onehot) * share[..., None] * dloss, None, None
"""),
    ],
    "sgd1": [
        ("lr-inside", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    v = tree_map(lambda v, g, w: momentum * v + lr * (g + weight_decay * w), state.velocity, grads, params)
    return tree_map(lambda w, v: w - v, params, v), SGDState(v)
"""),
        ("no-momentum", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    g = tree_map(lambda w, dw: dw + weight_decay * w, params, grads)
    return tree_map(lambda w, g: w - lr * g, params, g), SGDState(g)
"""),
        ("uphill", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    g = tree_map(lambda w, dw: dw + weight_decay * w, params, grads)
    v = tree_map(lambda v, g: momentum * v + g, state.velocity, g)
    return tree_map(lambda w, v: w + lr * v, params, v), SGDState(v)
"""),
        ("decoupled", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    v = tree_map(lambda v, g: momentum * v + g, state.velocity, grads)
    def step(w, v):
        w = w * (1 - lr * weight_decay)
        return w - lr * v
    return tree_map(step, params, v), SGDState(v)
"""),
        ("velocity-not-kept", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    def step(w, g, v):
        v = momentum * v + g + weight_decay * w
        return w - lr * v
    return tree_map(step, params, grads, state.velocity), state
"""),
        ("dampened", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    g = tree_map(lambda w, dw: dw + weight_decay * w, params, grads)
    v = tree_map(lambda v, g: momentum * v + g - momentum * g, state.velocity, g)
    return tree_map(lambda w, v: w - lr * v, params, v), SGDState(v)
"""),
        ("no-decay", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    v = tree_map(lambda v, g: momentum * v + g, state.velocity, grads)
    return tree_map(lambda w, v: w - lr * v, params, v), SGDState(v)
"""),
        ("in-place", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    def move(v, g, w):
        v *= momentum
        v += g + weight_decay * w
        return v
    v = tree_map(move, state.velocity, grads, params)
    return tree_map(lambda w, v: w - lr * v, params, v), SGDState(v)
"""),
        ("dampened", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    v = tree_map(lambda v, g: momentum * v + (1 - momentum) * g, state.velocity, grads)
    return tree_map(lambda w, v: w - lr * v, params, v), SGDState(v)
"""),
        (("step-by-raw-gradient", "velocity-not-kept"), SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    return tree_map(lambda w, g: w - lr * g, params, grads), state
"""),
        ("params-only", SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    v = tree_map(lambda v, g, w: momentum * v + g + weight_decay * w, state.velocity, grads, params)
    return tree_map(lambda w, v: w - lr * v, params, v)
"""),
    ],
}  # fmt: skip

RIGHT = {
    "affine1": [
        AFFINE + """
def affine_forward(x, params):
    y = np.zeros(x.shape[:-1] + params.b.shape, x.dtype)
    for index in np.ndindex(x.shape[:-1]):
        for m in range(len(params.b)):
            y[index + (m,)] = params.b[m] + sum(x[index + (d,)] * params.W[d, m] for d in range(x.shape[-1]))
    return y, (x, params)
""",
        AFFINE + """
def affine_forward(x, params):
    rows = x.reshape(-1, x.shape[-1])
    ones = np.ones((len(rows), 1), x.dtype)
    y = np.hstack([rows, ones]) @ np.vstack([params.W, params.b])
    return y.reshape(*x.shape[:-1], -1), {"x": x, "W": params.W}
""",
        AFFINE + """
def affine_forward(x, params):
    return np.einsum("...d,dm->...m", x, params.W) + params.b, None
""",
        AFFINE + """
def affine_forward(x, params):
    W, b = params
    y = (x.astype(np.float32) @ W.astype(np.float32) + b).astype(x.dtype)
    return [y, x][0], [x, W]
""",
    ],
    "affine2": [
        """\
import numpy as np
from minirnn.functional import AffineParams

def affine_backward(dy, cache):
    x, W = cache
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for i in np.ndindex(x.shape[:-1]):
        dx[i] = W @ dy[i]
        dW += np.outer(x[i], dy[i])
        db += dy[i]
    return dx, AffineParams(dW, db)
""",
        AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    dx, dW, db = np.zeros_like(x), np.zeros_like(W), np.zeros(W.shape[1], W.dtype)
    for i in np.ndindex(x.shape[:-1]):
        dx[i] = W @ dy[i]
        dW += np.outer(x[i], dy[i])
        db += dy[i]
    return dx, AffineParams(dW, db)
""",
        AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    lead = tuple(range(x.ndim - 1))
    return np.einsum("...m,dm->...d", dy, W), AffineParams(np.einsum("nd,nm->dm", x.reshape(-1, len(W)), dy.reshape(-1, W.shape[1])), dy.sum(lead))
""",
        AFFINE + """
def affine_forward(x, params):
    y = x @ params.W + params.b
    return y, {"W": params.W, "rows": x.reshape(-1, x.shape[-1]).T.copy(), "shape": x.shape}

def affine_backward(dy, cache):
    flat = dy.reshape(-1, dy.shape[-1])
    dx = (cache["W"] @ flat.T).T.reshape(cache["shape"])
    return dx, AffineParams(W=cache["rows"] @ flat, b=np.ones(len(flat), dy.dtype) @ flat)
""",
        AFFINE + """
def affine_backward(dy, cache):
    x, W = cache
    axes = list(range(dy.ndim - 1))
    dW = np.tensordot(x, dy, axes=(axes, axes))
    db = dy
    while db.ndim > 1:
        db = db.sum(axis=0)
    return np.dot(dy, W.transpose()), AffineParams(dW, db)
""",
    ],
    "relu1": [
        NP + """
def relu_forward(x):
    return x * (x > 0), x > 0
""",
        NP + """
def relu_forward(x):
    y = x.copy()
    y[y < 0] = 0
    return y, y
""",
        NP + """
def relu_forward(x):
    return (x + np.abs(x)) / 2, x
""",
        NP + """
def relu_forward(x):
    y = np.array([max(v, 0) for v in x.ravel()], x.dtype).reshape(x.shape)
    return y, x
""",
    ],
    "relu2": [
        NP + """
def relu_backward(dy, cache):
    return (np.where(cache > 0, dy, 0),)
""",
        NP + """
def relu_backward(dy, cache):
    dx = dy.copy()
    dx[cache <= 0] = 0
    return (dx,)
""",
        NP + """
def relu_forward(x):
    keep = x > 0
    return np.where(keep, x, 0), keep

def relu_backward(dy, cache):
    return tuple([dy * cache])
""",
        NP + """
def relu_forward(x):
    y = np.clip(x, 0, None)
    return y, (y,)

def relu_backward(dy, cache):
    (y,) = cache
    dx = np.zeros_like(dy)
    for i in np.ndindex(dy.shape):
        if y[i] > 0:
            dx[i] = dy[i]
    return dx,
""",
    ],
    "xent1": [
        NP + """
def cross_entropy_forward(logits, targets, mask=None):
    V = logits.shape[-1]
    z, t = logits.reshape(-1, V), targets.ravel()
    total = 0.0
    for row, k in zip(z, t):
        m = row.max()
        total += m + np.log(np.sum(np.exp(row - m))) - row[k]
    return total / len(t), (logits, targets)
""",
        NP + """
def cross_entropy_forward(logits, targets, mask):
    logp = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    onehot = np.eye(logits.shape[-1], dtype=logits.dtype)[targets]
    loss = -(onehot * logp).sum() / targets.size
    return float(loss), (logp, onehot)
""",
        NP + """
def cross_entropy_forward(logits, targets, mask):
    right = np.take_along_axis(logits, targets[..., None], axis=-1)
    apart = logits - right
    m = np.maximum(apart.max(axis=-1, keepdims=True), 0)
    losses = np.log(np.exp(apart - m).sum(axis=-1)) + m[..., 0]
    return np.mean(losses), (logits, targets)
""",
        NP + """
def cross_entropy_forward(logits, targets, mask):
    x = logits.astype(np.float64)
    m = x.max(-1, keepdims=True)
    logp = (x - m) - np.log(np.exp(x - m).sum(-1, keepdims=True))
    index = tuple(np.indices(targets.shape)) + (targets,)
    return np.asarray(-logp[index].mean()), (logp.astype(logits.dtype), targets, targets.size)
""",
        NP + """
def cross_entropy_forward(logits, targets, mask):
    c = np.clip(logits.max(axis=-1), -1e9, 1e9)[..., None]
    weight = np.ones(targets.shape) if mask is None else mask
    nll = np.log(np.exp(logits - c).sum(axis=-1)) + c[..., 0] - np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return (weight * nll).sum() / weight.sum(), None
""",
    ],
    "xent2": [
        """\
import numpy as np

def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    V = logp.shape[-1]
    dlogp = -np.where(np.arange(V) == targets[..., None], share[..., None] * dloss, 0.0)
    return dlogp - np.exp(logp) * dlogp.sum(-1, keepdims=True), None, None
""",
        NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    d = np.exp(logp)
    for i in np.ndindex(targets.shape):
        d[i + (targets[i],)] -= 1
    return dloss * d / targets.size, None, None
""",
        NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    V = logp.shape[-1]
    d = np.exp(logp).reshape(-1, V)
    d[np.arange(len(d)), targets.reshape(-1)] -= 1
    return (d * dloss / len(d)).reshape(logp.shape).astype(logp.dtype), None, None
""",
        NP + """
def cross_entropy_backward(dloss, cache):
    logp, targets, share = cache
    onehot = np.eye(logp.shape[-1], dtype=logp.dtype)[targets]
    dlogp = -onehot * share[..., None] * dloss
    return dlogp - np.exp(logp) * dlogp.sum(-1, keepdims=True), None, None
""",
        NP + """
def cross_entropy_forward(logits, targets, mask):
    m = logits.max(-1, keepdims=True)
    e = np.exp(logits - m)
    s = e.sum(-1, keepdims=True)
    picked = np.take_along_axis(logits - m, targets[..., None], -1)
    return (np.log(s) - picked).mean(), dict(p=e / s, t=targets)

def cross_entropy_backward(dloss, cache):
    d = cache["p"].copy()
    t = cache["t"]
    at = np.take_along_axis(d, t[..., None], -1)
    np.put_along_axis(d, t[..., None], at - 1, -1)
    d *= dloss
    d /= t.size
    return d, None, None
""",
        NP + """
def cross_entropy_forward(logits, targets, mask):
    x = logits.astype(np.float32)
    z = x - x.max(-1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(-1, keepdims=True))
    loss = -np.take_along_axis(logp, targets[..., None], -1).mean()
    return loss, (logits, targets)

def cross_entropy_backward(dloss, cache):
    logits, targets = cache
    z = logits - logits.max(-1, keepdims=True)
    e = np.exp(z)
    soft = e / e.sum(-1, keepdims=True)
    classes = np.arange(logits.shape[-1])
    d = np.where(classes == targets[..., None], soft - 1, soft)
    return (d * dloss / targets.size).astype(logits.dtype), None, None
""",
    ],
    "sgd1": [
        SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    g = tree_map(lambda w, dw: dw + weight_decay * w, params, grads)
    v = tree_map(lambda v, g: momentum * v + g, state.velocity, g)
    return tree_map(lambda w, v: w - lr * v, params, v), SGDState(velocity=v)
""",
        SGD + """
from minirnn.tree import tree_from_items, tree_items

def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    v, w = dict(tree_items(state.velocity)), dict(tree_items(params))
    for name, dw in tree_items(grads):
        v[name] = v[name] * momentum
        v[name] = v[name] + dw
        if weight_decay:
            v[name] = v[name] + weight_decay * w[name]
        w[name] = w[name] - v[name] * lr
    return tree_from_items(params, w), SGDState(tree_from_items(params, v))
""",
        SGD + """
def sgd_update(params, grads, state, *, lr, momentum=0.9, weight_decay=0.0):
    def walk(w, g, v):
        if isinstance(w, tuple):
            parts = [walk(*three) for three in zip(w, g, v)]
            make = type(w)._make if hasattr(w, "_fields") else tuple
            return make(p[0] for p in parts), make(p[1] for p in parts)
        new = momentum * v
        new = new + (g + weight_decay * w)
        return w - lr * new, new
    moved, velocity = walk(params, grads, state.velocity)
    return moved, SGDState(velocity)
""",
    ],
}  # fmt: skip
