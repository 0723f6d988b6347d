"""Answers to the exercises of lesson 04 as learners write them: wrong ones with the names of their mistakes, right ones."""

HEAD = """
import numpy as np
from minirnn.functional import NormParams, RunningStats
from minirnn.optim import AdamState
from minirnn.tree import tree_leaves, tree_map
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with changes; each must occur once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


NORM = (
    HEAD
    + """
def batch_norm_forward(x, running, params, *, training, momentum=0.9, eps=1e-5):
    gamma, beta = params
    axes = tuple(range(x.ndim - 1))
    if training:
        mu = np.mean(x, axis=axes)
        sigma2 = np.var(x, axis=axes)
        stats = RunningStats(
            mean=running.mean * momentum + mu * (1 - momentum),
            var=running.var * momentum + sigma2 * (1 - momentum),
        )
    else:
        mu = running.mean
        sigma2 = running.var
        stats = running
    centered = x - mu
    inv = 1.0 / np.sqrt(sigma2 + eps)
    out = gamma * centered * inv + beta
    return (out, stats), (x, mu, sigma2, eps, gamma, training)
"""
)

# step by step, as in a well-known course's assignment, with a cache of its own
STAGED = (
    NORM
    + """

def batch_norm_backward(dout, cache):
    x, mu, var, eps, gamma, training = cache
    shape = x.shape
    C = shape[-1]
    dy = dout[0].reshape(-1, C)
    xmu = x.reshape(-1, C) - mu
    N, D = xmu.shape
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    dbeta = np.sum(dy, axis=0)
    dgamma = np.sum(dy * xhat, axis=0)
    dxhat = dy * gamma
    if not training:
        return (dxhat * ivar).reshape(shape), None, NormParams(dgamma, dbeta)
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar ** 2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dx1, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx.reshape(shape), None, NormParams(dgamma, dbeta)
"""
)

# the short formula, with the framework's cache
SHORT = (
    HEAD
    + """
def batch_norm_backward(dout, cache):
    xhat, std, gamma, training, shape = cache
    g = dout[0].reshape(-1, shape[-1])
    n = g.shape[0]
    dbeta = g.sum(0)
    dgamma = (g * xhat).sum(0)
    if training:
        dx = gamma / (n * std) * (n * g - dbeta - xhat * dgamma)
    else:
        dx = gamma / std * g
    return dx.reshape(shape), None, NormParams(dgamma, dbeta)
"""
)

ADAM = (
    HEAD
    + """
def adam_update(params, grads, state, *, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    t = state.step + 1

    def first(w, dw, m):
        g = dw + weight_decay * w
        return beta1 * m + (1 - beta1) * g

    def second(w, dw, v):
        g = dw + weight_decay * w
        return beta2 * v + (1 - beta2) * g * g

    m = tree_map(first, params, grads, state.m)
    v = tree_map(second, params, grads, state.v)

    def step(w, m, v):
        mhat = m / (1 - beta1 ** t)
        vhat = v / (1 - beta2 ** t)
        return w - lr * mhat / (np.sqrt(vhat) + eps)

    return tree_map(step, params, m, v), AdamState(t, m, v)
"""
)

DROP = (
    HEAD
    + """
def dropout_forward(x, *, p, training, rng=None):
    if training:
        mask = (rng.random(x.shape) > p) / (1 - p)
        return x * mask, mask
    return x, None
"""
)

# with the cache of the framework, or of DROP: a mask with its scale, or None
UNDROP = (
    HEAD
    + """
def dropout_backward(dy, cache):
    if cache is None:
        return (dy,)
    return (np.multiply(dy, cache),)
"""
)

# another cache: a mask of True and False, and the share that is kept
OWN = (
    HEAD
    + """
def dropout_forward(x, *, p, training, rng=None):
    q = 1.0 - p
    if not training:
        return x, (None, 1.0)
    mask = rng.random(size=x.shape) < q
    return np.where(mask, x / q, 0.0), (mask, q)

def dropout_backward(dy, cache):
    mask, q = cache
    if mask is None:
        return (dy,)
    return (np.where(mask, dy / q, 0.0),)
"""
)

WRONG = {
    "norm1": [
        ("layer-norm", """\
import numpy as np

def batch_norm_forward(x, running, params, *, training, momentum=0.9, eps=1e-5):
    m, v = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    y = (x - m) / np.sqrt(v + eps) * params.gamma + params.beta
    return (y, running), None
"""),
        ("eps-outside", changed(NORM, ("1.0 / np.sqrt(sigma2 + eps)", "1.0 / (np.sqrt(sigma2) + eps)"))),
        ("no-eps", changed(NORM, ("np.sqrt(sigma2 + eps)", "np.sqrt(sigma2)"))),
        ("no-root", changed(NORM, ("1.0 / np.sqrt(sigma2 + eps)", "1.0 / (sigma2 + eps)"))),
        ("beta-inside", changed(NORM, ("gamma * centered * inv + beta", "gamma * (centered * inv + beta)"))),
        ("momentum", changed(NORM, ("running.mean * momentum + mu * (1 - momentum)", "running.mean * (1 - momentum) + mu * momentum"), ("running.var * momentum + sigma2 * (1 - momentum)", "running.var * (1 - momentum) + sigma2 * momentum"))),
        ("running-unbiased", changed(NORM, ("sigma2 * (1 - momentum)", "np.var(x, axis=axes, ddof=1) * (1 - momentum)"))),
        ("unbiased", changed(NORM, ("np.var(x, axis=axes)", "np.var(x, axis=axes, ddof=1)"))),
        ("not-updated", changed(NORM, ("return (out, stats)", "return (out, running)"))),
        ("training-ignored", changed(NORM, ("    if training:", "    if True:"))),
        (("batch-in-evaluation",), changed(NORM, ("mu = running.mean\n", "mu = np.mean(x, axis=axes)\n"), ("sigma2 = running.var\n", "sigma2 = np.var(x, axis=axes)\n"))),
        ("pixels-apart", changed(NORM, ("axes = tuple(range(x.ndim - 1))", "axes = 0"))),
        ("running-std", changed(NORM, ("sigma2 * (1 - momentum)", "np.std(x, axis=axes) * (1 - momentum)"))),
        ("per-row-kept", HEAD + '''
def batch_norm_forward(x, running, params, *, training, momentum=0.9, eps=1e-5):
    rows = x.reshape(-1, x.shape[-1])
    if training:
        mu, var = rows.mean(1, keepdims=True), rows.var(1, keepdims=True)
        running = RunningStats(momentum * running.mean + (1 - momentum) * mu, momentum * running.var + (1 - momentum) * var)
    else:
        mu, var = running.mean, running.var
    y = (rows - mu) / np.sqrt(var + eps) * params.gamma + params.beta
    return (y.reshape(x.shape), running), None
'''),
        (("running-std-with-eps",), HEAD + '''
def batch_norm_forward(x, running, params, *, training, momentum=0.9, eps=1e-5):
    rows = x.reshape(-1, x.shape[-1])
    if training:
        mean = rows.mean(axis=0)
        std = np.sqrt(((rows - mean) ** 2).mean(axis=0) + eps)
        new = RunningStats(momentum * running.mean + (1 - momentum) * mean, momentum * running.var + (1 - momentum) * std)
    else:
        mean, std, new = running.mean, np.sqrt(running.var + eps), running
    y = params.gamma * ((rows - mean) / std) + params.beta
    return (y.reshape(x.shape), new), (rows, mean, std)
'''),
    ],
    "norm2": [
        (("means", "no-var-term"), """\
from minirnn.functional import NormParams

def batch_norm_backward(dout, cache):
    xhat, std, gamma, training, shape = cache
    dy = dout[0].reshape(-1, shape[-1])
    g = dy * gamma
    dx = (g - g.mean(0)) / std if training else g / std
    return dx.reshape(shape), None, NormParams((dy * xhat).mean(0), dy.mean(0))
"""),
        ("statistics-constant", changed(SHORT, ("dx = gamma / (n * std) * (n * g - dbeta - xhat * dgamma)", "dx = gamma / std * g"))),
        ("no-mean-term", changed(SHORT, ("n * g - dbeta - xhat", "n * g - xhat"))),
        ("no-var-term", changed(SHORT, ("n * g - dbeta - xhat * dgamma", "n * g - dbeta"))),
        ("training-ignored", changed(SHORT, ("    if training:", "    if True:"))),
        ("means", changed(SHORT, ("    return", "    dbeta, dgamma = dbeta / n, dgamma / n\n    return"))),
        ("var-divides", changed(SHORT, ("gamma / (n * std)", "gamma / (n * std**2)"), ("gamma / std * g", "gamma / std**2 * g"))),
        ("divided-by-batch", changed(SHORT, ("dx = gamma / (n * std) * (n * g - dbeta - xhat * dgamma)", "N = shape[0]\n        dx = gamma / (N * std) * (N * g - dbeta - xhat * dgamma)"))),
        ("no-gamma", changed(SHORT, ("gamma / (n * std)", "1 / (n * std)"), ("gamma / std * g", "g / std"))),
        ("swapped", changed(SHORT, ("NormParams(dgamma, dbeta)", "NormParams(dbeta, dgamma)"))),
        ("dgamma-centred", changed(SHORT, ("dgamma = (g * xhat).sum(0)", "dgamma = (g * xhat).sum(0)"), ("    return", "    dgamma = (g * (xhat * std)).sum(0)\n    return"))),
        # step by step, with their own cache
        ("var-term-double", changed(STAGED, ("dvar = 0.5 * 1.0", "dvar = 1.0"))),
        ("var-term-half", changed(STAGED, ("dxmu2 = 2 * xmu", "dxmu2 = xmu"))),
        (("var-term-sign",), changed(STAGED, ("dsqrtvar = -1.0 /", "dsqrtvar = 1.0 /"))),
        (("no-mean-term",), changed(STAGED, ("dx = dx1 + dx2", "dx = dx1"))),
        (("mean-term-sign",), changed(STAGED, ("dmu = -1 * np", "dmu = np"))),
        (("var-term-summed",), changed(STAGED, ("dsq = 1.0 / N * np", "dsq = np"))),
        (("no-var-term",), changed(STAGED, ("dx1 = dxmu1 + dxmu2", "dx1 = dxmu1"))),
    ],
    "adam1": [
        ("no-correction", changed(ADAM, ("m / (1 - beta1 ** t)", "m"), ("v / (1 - beta2 ** t)", "v"))),
        ("eps-inside", changed(ADAM, ("(np.sqrt(vhat) + eps)", "np.sqrt(vhat + eps)"))),
        ("step-not-counted", changed(ADAM, ("t = state.step + 1", "t = state.step"))),
        ("step-returned-unchanged", changed(ADAM, ("AdamState(t, m, v)", "AdamState(state.step, m, v)"))),
        ("ascent", changed(ADAM, ("return w - lr", "return w + lr"))),
        ("decay-ignored", changed(ADAM.replace("dw + weight_decay * w", "dw"), ("    t = state", "    t = state"))),
        ("adamw", changed(ADAM.replace("dw + weight_decay * w", "dw"), ("return w - lr * mhat / (np.sqrt(vhat) + eps)", "return w - lr * (mhat / (np.sqrt(vhat) + eps) + weight_decay * w)"))),
        ("betas-swapped-everywhere", ADAM.replace("beta1", "beta3").replace("beta2", "beta1").replace("beta3", "beta2").replace("beta2=0.9, beta1=0.999", "beta1=0.9, beta2=0.999")),
        ("v-not-squared", changed(ADAM, ("(1 - beta2) * g * g", "(1 - beta2) * g"))),
        ("m-undamped", changed(ADAM, ("(1 - beta1) * g", "g"))),
        ("no-root", changed(ADAM, ("np.sqrt(vhat)", "vhat"))),
        ("corrected-kept", HEAD + '''
def adam_update(params, grads, state, *, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    t = int(state.step) + 1
    grads = tree_map(lambda g, w: g + weight_decay * w, grads, params)
    m = tree_map(lambda m, g: (beta1 * m + (1 - beta1) * g) / (1 - beta1**t), state.m, grads)
    v = tree_map(lambda v, g: (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t), state.v, grads)
    new = tree_map(lambda w, m, v: w - lr * m / (v**0.5 + eps), params, m, v)
    return new, AdamState(np.array(t), m, v)
'''),
    ],
    "drop1": [
        ("none-not-handled", """\


def dropout_forward(x, *, p, training, rng=None):
    mask = (rng.random(x.shape) >= p) / (1 - p)
    if not training:
        return x, None
    return x * mask, mask
"""),
        ("not-scaled", changed(DROP, (" / (1 - p)", ""))),
        ("keep-inverted", changed(DROP, ("> p", "< p"))),
        ("p-keeps", changed(DROP, ("> p) / (1 - p)", "< p) / p"))),
        ("divided-by-p", changed(DROP, ("/ (1 - p)", "/ (p + 1e-12)"))),
        ("eval-scaled", changed(DROP, ("return x, None", "return x * (1 - p), None"))),
        ("eval-dropped", changed(DROP, ("if training:", "if p > 0:"))),
        ("same-mask", changed(DROP, ("rng.random(x.shape)", "rng.random(x.shape[1:])"))),
        ("other-randomness", changed(DROP, ("rng.random(x.shape)", "np.random.rand(*x.shape)"))),
        ("rng-ignored", changed(DROP, ("rng.random(x.shape)", "np.random.default_rng(42).random(x.shape)"))),
        ("training-reversed", changed(DROP, ("if training:", "if not training:"))),
        ("scaled-twice", changed(DROP, ("return x * mask, mask", "return x * mask / (1 - p), mask"))),
        ("classic", changed(DROP, (" / (1 - p)", ""), ("return x, None", "return x * (1 - p), None"))),
        ("shape", changed(DROP, ("return x * mask, mask", "return x * mask"), ("return x, None", "return x"))),
        ("mask-returned", changed(DROP, ("return x * mask, mask", "return mask, mask"))),
    ],
    "drop2": [
        ("not-scaled", changed(UNDROP, ("np.multiply(dy, cache)", "np.where(cache > 0, dy, 0)"))),
        ("mask-ignored", changed(UNDROP, ("np.multiply(dy, cache)", "dy"))),
        ("no-tuple", changed(UNDROP, ("(dy,)", "dy"), ("(np.multiply(dy, cache),)", "np.multiply(dy, cache)"))),
        ("evaluation-crashes", changed(UNDROP, ("    if cache is None:\n        return (dy,)\n", ""))),
        ("divided", changed(UNDROP, ("np.multiply(dy, cache)", "np.divide(dy, cache)"))),
        # with their own forward and cache
        ("not-scaled", changed(OWN, ("dy / q, 0.0", "dy, 0.0"))),
        ("scaled-down", changed(OWN, ("dy / q, 0.0", "dy * q, 0.0"))),
        ("mask-inverted", changed(OWN, ("np.where(mask, dy / q, 0.0)", "np.where(mask, 0.0, dy / q)"))),
        ("only-scaled", changed(OWN, ("np.where(mask, dy / q, 0.0)", "dy / q"))),
        (("fresh-mask", "kept-between-calls"), changed(OWN, ("np.where(mask, dy / q, 0.0)", "np.where(np.random.random(dy.shape) < q, dy / q, 0.0)"))),
    ],
}  # fmt: skip

RIGHT = {
    "norm1": [
        """\
import numpy as np
from minirnn.functional import RunningStats

def batch_norm_forward(x, running, params, *, training, momentum=0.9, eps=1e-5):
    r = x.reshape(-1, x.shape[-1])
    if training:
        mean = r.sum(0) / len(r)
        var = np.einsum("rc,rc->c", r, r) / len(r) - mean ** 2
        running = RunningStats(running.mean + (1 - momentum) * (mean - running.mean), running.var + (1 - momentum) * (var - running.var))
    else:
        mean, var = running
    y = params.gamma * ((r - mean) * (var + eps) ** -0.5) + params.beta
    return (y.reshape(x.shape), running), (mean, var)
""",
        NORM,
        HEAD
        + '''
def batch_norm_forward(x, running, params, *, training, momentum=0.9, eps=1e-5):
    """Feature by feature, with loops."""
    y, means, variances = np.zeros(x.shape), [], []
    for c in range(x.shape[-1]):
        values = x[..., c]
        n = values.size
        if training:
            mean = sum(values.ravel()) / n
            var = sum((v - mean) ** 2 for v in values.ravel()) / n
            means.append(running.mean[c] + (1 - momentum) * (mean - running.mean[c]))
            variances.append(running.var[c] + (1 - momentum) * (var - running.var[c]))
        else:
            mean, var = running.mean[c], running.var[c]
            means.append(mean)
            variances.append(var)
        y[..., c] = params.gamma[c] * (values - mean) * (var + eps) ** -0.5 + params.beta[c]
    return (y, RunningStats(np.array(means), np.array(variances))), (x, running, params)
''',
        HEAD
        + '''
def batch_norm_forward(x, running, params, *, training, momentum=0.9, eps=1e-5):
    """One scale and one shift; the variance as the mean of squares less the square of the mean."""
    if training:
        axes = (0,) if x.ndim == 2 else (0, 1, 2)
        mean, var = x.mean(axes), (x * x).mean(axes) - x.mean(axes) ** 2
        nxt = RunningStats(*(momentum * o + (1 - momentum) * n for o, n in zip(running, (mean, var))))
    else:
        (mean, var), nxt = running, running
    scale = params.gamma / np.sqrt(var + eps)
    return (x * scale + (params.beta - mean * scale), nxt), {"scale": scale, "x": x}
''',
    ],
    "norm2": [
        """\
import numpy as np
from minirnn.functional import NormParams

def batch_norm_backward(dout, cache):
    xhat, std, gamma, training, shape = cache
    dy = dout[0].reshape(-1, shape[-1])
    R, C = dy.shape
    dx = np.zeros((R, C))
    for c in range(C):
        J = np.eye(R)
        if training:
            J = J - 1.0 / R - np.outer(xhat[:, c], xhat[:, c]) / R
        dx[:, c] = J @ dy[:, c] * gamma[c] / std[c]
    return dx.reshape(shape), None, NormParams(np.array([dy[:, c] @ xhat[:, c] for c in range(C)]), dy.sum(0))
""",
        STAGED,
        SHORT,
        HEAD
        + '''
def batch_norm_backward(dout, cache):
    """The whole Jacobian of each feature."""
    xhat, std, gamma, training, shape = cache
    dy = np.asarray(dout[0]).reshape(xhat.shape)
    R, C = xhat.shape
    dx = np.zeros((R, C))
    for c in range(C):
        J = np.eye(R)
        if training:
            J = J - 1.0 / R - np.outer(xhat[:, c], xhat[:, c]) / R
        dx[:, c] = J @ dy[:, c] * gamma[c] / std[c]
    return dx.reshape(shape), None, NormParams(np.einsum("rc,rc->c", dy, xhat), np.einsum("rc->c", dy))
''',
        NORM
        + '''
def batch_norm_backward(dout, cache):
    """The derivatives by variance and mean, as in the paper."""
    x, mu, var, eps, gamma, training = cache
    dy = dout[0]
    axes = tuple(range(x.ndim - 1))
    m = x.size / x.shape[-1]
    xhat = (x - mu) / np.sqrt(var + eps)
    dxhat = dy * gamma
    dx = dxhat / np.sqrt(var + eps)
    if training:
        dvar = np.sum(dxhat * (x - mu) * -0.5 * (var + eps) ** (-1.5), axis=axes)
        dmu = np.sum(-dxhat / np.sqrt(var + eps), axis=axes) + dvar * np.sum(-2 * (x - mu), axis=axes) / m
        dx = dx + dvar * 2 * (x - mu) / m + dmu / m
    return dx, None, NormParams(np.sum(dy * xhat, axis=axes), np.sum(dy, axis=axes))
''',
        HEAD
        + '''
def batch_norm_backward(dout, cache):
    """Take away the projections, in float32."""
    xhat, std, gamma, training, shape = cache
    dy, _ = dout
    flat = dy.reshape(-1, shape[-1]).astype(np.float32)
    z = xhat.astype(np.float32)
    params = NormParams(gamma=(flat * z).sum(axis=0), beta=flat.sum(axis=0))
    back = flat
    if training:
        back = flat - params.beta / len(flat) - z * params.gamma / len(flat)
    return np.reshape(back * (gamma / std), shape), None, params
''',
    ],
    "adam1": [
        ADAM,
        HEAD
        + '''
def adam_update(params, grads, state, *, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    """The corrections in the learning rate; eps scaled to match."""
    step = int(state.step) + 1
    c1, c2 = 1 - beta1**step, np.sqrt(1 - beta2**step)

    def one(w, g, m, v):
        g = g + weight_decay * w
        m = m + (1 - beta1) * (g - m)
        v = v - (1 - beta2) * (v - np.square(g))
        return w - (lr * c2 / c1) * m / (np.sqrt(v) + eps * c2), m, v

    def pick(k):
        return tree_map(lambda *leaves: one(*leaves)[k], params, grads, state.m, state.v)

    return pick(0), AdamState(step, pick(1), pick(2))
''',
        HEAD
        + '''
def adam_update(params, grads, state, *, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    """By recursion over the tuples."""
    t = np.array(state.step + 1)

    def walk(w, g, m, v):
        if isinstance(w, tuple):
            parts = list(zip(*[walk(*four) for four in zip(w, g, m, v)]))
            make = (lambda p: type(w)(*p)) if hasattr(w, "_fields") else tuple
            return [make(p) for p in parts]
        g = g.copy()
        g += weight_decay * w
        m = beta1 * m + (1.0 - beta1) * g
        v = beta2 * v + (1.0 - beta2) * np.power(g, 2)
        return w - lr * (m / (1.0 - np.power(beta1, t))) / (np.sqrt(v / (1.0 - np.power(beta2, t))) + eps), m, v

    new, m, v = walk(params, grads, state.m, state.v)
    return new, AdamState(t, m, v)
''',
    ],
    "drop1": [
        DROP,
        OWN,
        HEAD
        + """
def dropout_forward(x, *, p, training, rng=None):
    if not training or p == 0:
        return x.copy(), None
    mask = rng.binomial(1, 1 - p, size=x.shape)
    return x * mask / (1 - p), (mask, p)
""",
        HEAD
        + """
def dropout_forward(x, *, p, training, rng=None):
    if not training:
        return x, np.ones_like(x)
    y = x / (1 - p)
    u = rng.uniform(0, 1, x.shape)
    y[u < p] = 0
    return y, (u >= p) / (1 - p)
""",
        HEAD
        + '''
def dropout_forward(x, *, p, training, rng=None):
    """Row by row, in float32, from integers."""
    if p == 0 or not training:
        return x, None
    rows = [rng.choice([0.0, 1.0 / (1.0 - p)], size=row.shape, p=[p, 1 - p]) for row in x]
    scale = np.stack(rows).astype(np.float32)
    return (x * scale).astype(np.float32), scale
''',
    ],
    "drop2": [
        UNDROP,
        OWN,
        HEAD
        + """
def dropout_forward(x, *, p, training, rng=None):
    factor = np.ones(x.shape)
    if training:
        factor[rng.uniform(size=x.shape) < p] = 0
        factor /= 1 - p
    return x * factor, {"factor": factor}

def dropout_backward(dout, cache):
    return (dout * cache["factor"],)
""",
        HEAD
        + '''
def dropout_backward(dy, cache):
    """With a loop."""
    dx = dy.copy()
    if cache is not None:
        for index in np.ndindex(dy.shape):
            dx[index] = dy[index] * cache[index]
    return (dx,)
''',
    ],
}
