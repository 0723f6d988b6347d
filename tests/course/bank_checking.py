"""Wrong and right answers to the exercises of lesson 02, as learners write them."""

NP = "import numpy as np\n"
NORM = "import numpy as np\nfrom minirnn.functional import NormParams\n"

WRONG = {
    "grad1": [
        ("one-sided", NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    base = f(x)
    grad = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        moved = x.copy()
        moved[i] += eps
        grad[i] = (f(moved) - base) / eps
    return grad
"""),
        (("over-eps",), NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        i = it.multi_index
        old = x[i]
        x[i] = old + eps
        up = f(x)
        x[i] = old - eps
        down = f(x)
        x[i] = old
        grad[i] = (up - down) / eps
        it.iternext()
    return grad
"""),
        (("not-restored-minus", "one-copy"), NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    grad = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += eps
        up = f(x)
        x[i] -= 2 * eps
        down = f(x)
        grad[i] = (up - down) / (2 * eps)
    return grad
"""),
        (("all-at-once-number", "all-at-once"), NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    return (f(x + eps) - f(x - eps)) / (2 * eps)
"""),
        (("cancelled",), NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    grad = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        up = x
        down = x
        up[i] += eps
        down[i] -= eps
        grad[i] = (f(up) - f(down)) / (2 * eps)
    return grad
"""),
        (("one-sided-half",), NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    grad = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        up = x.copy()
        up[i] += eps
        down = up
        fu = f(up)
        down[i] -= eps
        grad[i] = (fu - f(down)) / (2 * eps)
    return grad
"""),
        (("row-at-once",), NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    grad = np.zeros(x.shape)
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i] += eps
        down[i] -= eps
        grad[i] = (f(up) - f(down)) / (2 * eps)
    return grad
"""),
        (("precedence",), NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    grad = np.zeros(x.shape)
    e = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        e[i] = eps
        grad[i] = (f(x + e) - f(x - e)) / 2 * eps
        e[i] = 0
    return grad
"""),
        (("in-place",), NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    grad = np.zeros(x.shape)
    start = x.copy()
    for i in np.ndindex(x.shape):
        x[...] = start
        x[i] += eps
        up = f(x)
        x[i] = start[i] - eps
        grad[i] = (up - f(x)) / (2 * eps)
    return grad
"""),
    ],
    "grad2": [
        ("sum-of-sizes", NP + """
def relative_error(a, n, *, floor=1e-12):
    return np.max(np.abs(a - n) / np.maximum(floor, np.abs(a) + np.abs(n)))
"""),
        ("mean", NP + """
def relative_error(a, n, *, floor=1e-12):
    size = np.maximum(np.maximum(abs(a), abs(n)), floor)
    return np.mean(abs(a - n) / size)
"""),
        ("no-floor", NP + """
def relative_error(a, n, *, floor=1e-12):
    size = np.maximum(abs(a), abs(n))
    return np.max(abs(a - n) / size)
"""),
        ("floor-added", NP + """
def relative_error(a, n, *, floor=1e-12):
    size = np.where(abs(a) > abs(n), abs(a), abs(n)) + floor
    return np.max(abs(a - n) / size)
"""),
        ("norms", NP + """
def relative_error(a, n, *, floor=1e-12):
    top = np.sqrt(((a - n) ** 2).sum())
    bottom = max(np.sqrt((a**2).sum()), np.sqrt((n**2).sum()), floor)
    return top / bottom
"""),
        ("no-abs-below", NP + """
def relative_error(a, n, *, floor=1e-12):
    return np.max(np.abs(a - n) / np.maximum(floor, np.maximum(n, a)))
"""),
        ("absolute-error", NP + """
def relative_error(a, n, *, floor=1e-12):
    return max(abs(x - y) for x, y in zip(a.ravel(), n.ravel()))
"""),
        ("largest-of-all", NP + """
def relative_error(a, n, *, floor=1e-12):
    biggest = np.abs(np.concatenate([a.ravel(), n.ravel()])).max()
    return np.abs(a - n).max() / max(biggest, floor)
"""),
        (("signed",), NP + """
def relative_error(a, n, *, floor=1e-12):
    size = np.maximum(np.maximum(abs(a), abs(n)), floor)
    return np.max((a - n) / size)
"""),
    ],
    "bug1": [
        (("planted",), NP + """
def tanh_backward(dy, cache):
    t = np.tanh(cache)
    return (dy * (1 - t * t),)
"""),
        (("planted",), NP + """
def tanh_backward(dy, cache):
    return (dy / np.cosh(cache) ** 2,)
"""),
        (("sigmoid-derivative",), NP + """
def tanh_backward(dy, cache):
    y = cache
    return (dy * y * (1 - y),)
"""),
        (("one-minus-y",), NP + """
def tanh_backward(dy, cache):
    y = cache
    return (dy - dy * y,)
"""),
        (("no-tuple",), NP + """
def tanh_backward(dy, cache):
    return (1 - cache**2) * dy
"""),
        (("in-place",), NP + """
def tanh_backward(dy, cache):
    cache **= 2
    return (dy * (1 - cache),)
"""),
        (("no-derivative", "passed-on"), NP + """
def tanh_backward(dy, cache):
    return (dy,)
"""),
        (("as-x",), NP + """
def tanh_backward(dy, cache):
    x = np.arctanh(cache)
    return (dy * (1 - x**2),)
"""),
    ],
    "bug2": [
        ("in-place", NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    dy /= H * W
    return (np.tile(dy[:, None, None, :], (1, H, W, 1)),)
"""),
        ("in-place", NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    share = dy.reshape(N, 1, 1, C)
    share *= 1 / (H * W)
    return (np.repeat(np.repeat(share, H, 1), W, 2),)
"""),
        ("not-divided", NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    dx = np.zeros(cache, dy.dtype)
    for i in range(H):
        for j in range(W):
            dx[:, i, j] = dy
    return (dx,)
"""),
        ("over-WC", NP + """
def global_avg_pool_backward(dy, cache):
    dx = np.empty(cache, dy.dtype)
    dx[...] = dy[:, None, None, :]
    return (dx / (cache[-1] * cache[-2]),)
"""),
        ("channels-first", NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    return (np.tile(dy[:, :, None, None], (1, 1, H, W)) / (H * W),)
"""),
        (("one-pixel-whole",), NP + """
def global_avg_pool_backward(dy, cache):
    dx = np.zeros(cache, dy.dtype)
    dx[:, 0, 0, :] = dy
    return (dx,)
"""),
        (("not-spread",), NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    return ((dy / (H * W))[:, None, None, :],)
"""),
        (("over-H", "over-W"), NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    dx = np.zeros(cache, dy.dtype)
    dx += dy[:, None, None] / H
    return (dx,)
"""),
    ],
    "bug3": [
        ("planted", NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    lead = tuple(range(dy.ndim - 1))
    g = dy * gamma
    dx = (g - g.mean(0) - xhat * np.mean(g * xhat, axis=-1, keepdims=True)) / std
    return dx, NormParams((dy * xhat).sum(lead), dy.sum(lead))
"""),
        ("no-statistics", NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    lead = tuple(range(dy.ndim - 1))
    return dy * gamma / std, NormParams((dy * xhat).sum(lead), dy.sum(lead))
"""),
        ("no-tilt", NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    lead = tuple(range(dy.ndim - 1))
    g = dy * gamma / std
    return g - g.mean(-1, keepdims=True), NormParams((dy * xhat).sum(lead), dy.sum(lead))
"""),
        (("both-over-batch", "rows-over-batch"), NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    lead = tuple(range(dy.ndim - 1))
    g = dy * gamma
    dx = (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0)) / std
    return dx, NormParams((dy * xhat).sum(lead), dy.sum(lead))
"""),
        ("no-gamma", NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    lead = tuple(range(dy.ndim - 1))
    dx = (dy - dy.mean(-1, keepdims=True) - xhat * (dy * xhat).mean(-1, keepdims=True)) / std
    return dx, NormParams((dy * xhat).sum(lead), dy.sum(lead))
"""),
        ("params-axis-0", NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    g = dy * gamma
    dx = (g - g.mean(-1, keepdims=True) - xhat * (g * xhat).mean(-1, keepdims=True)) / std
    return dx, NormParams(np.sum(dy * xhat, axis=0), np.sum(dy, axis=0))
"""),
        ("sums", NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    lead = tuple(range(dy.ndim - 1))
    g = dy * gamma
    dx = (g - g.sum(-1, keepdims=True) - xhat * (g * xhat).sum(-1, keepdims=True)) / std
    return dx, NormParams((dy * xhat).sum(lead), dy.sum(lead))
"""),
        (("swapped",), NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    lead = tuple(range(dy.ndim - 1))
    g = dy * gamma
    dx = (g - g.mean(-1, keepdims=True) - xhat * (g * xhat).mean(-1, keepdims=True)) / std
    return dx, NormParams(dy.sum(lead), (dy * xhat).sum(lead))
"""),
    ],
}  # fmt: skip

RIGHT = {
    "grad1": [
        NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    for _ in it:
        i = it.multi_index
        old = x[i]
        x[i] = old + eps
        up = f(x)
        x[i] = old - eps
        down = f(x)
        x[i] = old
        grad[i] = (up - down) / (2 * eps)
    return grad
""",
        NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    flat = x.reshape(-1)
    grad = []
    for k in range(flat.size):
        flat[k] += eps
        up = f(x)
        flat[k] -= 2 * eps
        down = f(x)
        flat[k] += eps
        grad.append((up - down) / 2 / eps)
    return np.array(grad).reshape(x.shape)
""",
        NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    steps = eps * np.eye(x.size).reshape(-1, *x.shape)
    return np.array([(f(x + e) - f(x - e)) / (2 * eps) for e in steps]).reshape(x.shape)
""",
        NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    def along(i):
        e = np.zeros_like(x)
        e[np.unravel_index(i, x.shape)] = eps
        return 0.5 * ((f(x + e) - f(x)) / eps + (f(x) - f(x - e)) / eps)
    return np.reshape([along(i) for i in range(x.size)], x.shape)
""",
        NP + """
def numeric_gradient(f, x, *, eps=1e-5):
    keep = x.copy()
    grad = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += eps
        grad[i] = f(x)
        x[:] = keep
        x[i] -= eps
        grad[i] -= f(x)
        x[:] = keep
    return grad / (2 * eps)
""",
    ],
    "grad2": [
        NP + """
def relative_error(a, n, *, floor=1e-12):
    worst = 0.0
    for p, q in zip(a.ravel(), n.ravel()):
        worst = max(worst, abs(p - q) / max(abs(p), abs(q), floor))
    return worst
""",
        NP + """
def relative_error(a, n, *, floor=1e-12):
    both = np.abs(np.stack([a, n, np.full_like(a, floor)]))
    return np.max(np.abs(n - a) / both.max(axis=0))
""",
        NP + """
def relative_error(a, n, *, floor=1e-12):
    size = np.where(np.abs(a) < np.abs(n), np.abs(n), np.abs(a))
    size[size < floor] = floor
    return np.linalg.norm(((a - n) / size).ravel(), ord=np.inf)
""",
        NP + """
def relative_error(a, n, *, floor=1e-12):
    a, n = np.asarray(a, dtype=np.float64), np.asarray(n, dtype=np.float64)
    return np.abs(a - n).__truediv__(np.clip(np.maximum(abs(a), abs(n)), floor, None)).max().item()
""",
    ],
    "bug1": [
        NP + """
def tanh_backward(dy, cache):
    return (dy - dy * cache * cache,)
""",
        NP + """
def tanh_backward(dy, cache):
    return ((1 - cache) * (1 + cache) * dy,)
""",
        NP + """
def tanh_backward(dy, cache):
    dx = np.array([d * (1 - y * y) for d, y in zip(dy.ravel(), cache.ravel())], dy.dtype)
    return tuple([dx.reshape(dy.shape)])
""",
    ],
    "bug2": [
        NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    return (np.broadcast_to((dy / (H * W)).reshape(N, 1, 1, C), cache),)
""",
        NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    dx = np.zeros(cache, dy.dtype)
    for n in range(N):
        for c in range(C):
            dx[n, :, :, c] = dy[n, c] / (H * W)
    return (dx,)
""",
        NP + """
def global_avg_pool_backward(dy, cache):
    dy = dy.copy()
    N, H, W, C = cache
    dy /= H
    dy /= W
    return (np.ones((N, H, W, C), dy.dtype) * dy[:, None, None, :],)
""",
        NP + """
def global_avg_pool_backward(dy, cache):
    N, H, W, C = cache
    return (np.einsum("nc,hw->nhwc", dy, np.full((H, W), 1 / (H * W), dy.dtype)),)
""",
    ],
    "bug3": [
        NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    D = dy.shape[-1]
    g = dy * gamma
    dx = (D * g - g.sum(-1, keepdims=True) - xhat * (g * xhat).sum(-1, keepdims=True)) / (D * std)
    flat, hat = dy.reshape(-1, D), xhat.reshape(-1, D)
    return dx, NormParams(np.einsum("nd,nd->d", flat, hat), flat.sum(axis=0))
""",
        NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    D = dy.shape[-1]
    dx, dgamma, dbeta = np.zeros_like(dy), np.zeros_like(gamma), np.zeros_like(gamma)
    for i in np.ndindex(dy.shape[:-1]):
        h, d = xhat[i], dy[i] * gamma
        J = (np.eye(D, dtype=dy.dtype) - 1 / D - np.outer(h, h) / D) / std[i]
        dx[i] = (J.T @ d).astype(dy.dtype)
        dgamma += dy[i] * h
        dbeta += dy[i]
    return dx, NormParams(dgamma, dbeta)
""",
        NORM + """
def layer_norm_backward(dy, cache):
    xhat, std, gamma = cache
    D = xhat.shape[-1]
    lead = tuple(range(dy.ndim - 1))
    dxhat = dy * gamma
    dvar = (dxhat * xhat).sum(-1, keepdims=True) * -0.5 / std**2
    dcentred = dxhat / std + 2 * dvar * (xhat * std) / D
    dx = dcentred - dcentred.sum(-1, keepdims=True) / D
    return dx, NormParams(gamma=(dy * xhat).sum(lead), beta=dy.sum(lead))
""",
    ],
}  # fmt: skip
