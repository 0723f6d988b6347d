"""What `test_torch` compares with PyTorch: one function per layer, which draws sizes and values.

A draw holds our pair, its positional arguments (float64; the test casts them) and the same function in PyTorch.
`theirs` takes the same arguments as tensors *in our layout* (images (N, H, W, C), kernels (KH, KW, C, F), weights
(inputs, outputs)) and transposes inside, so that PyTorch's gradients come back in our layout too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as T

from minirnn import functional as F
from minirnn.functional.dropout import dropout_forward
from minirnn.pair import Pair, chain

Rng = np.random.Generator


class Draw(NamedTuple):
    pair: Pair
    args: tuple[Any, ...]
    theirs: Callable[..., Any]
    options: dict[str, Any] = {}  # noqa: RUF012  read, never written


def shape_of(rng: Rng, most: int = 4) -> tuple[int, ...]:
    """One to four axes of 1 to 6."""
    return tuple(int(n) for n in rng.integers(1, 7, size=rng.integers(1, most + 1)))


def sizes(rng: Rng, *highest: int) -> list[int]:
    """One integer from 1 to each of `highest`."""
    return [int(rng.integers(1, high + 1)) for high in highest]


def elementwise(pair: Pair, theirs: Callable[..., Any], spread: float) -> Callable[[Rng], Draw]:
    def draw(rng: Rng) -> Draw:
        x = rng.standard_normal(shape_of(rng)) * spread
        x[rng.random(x.shape) < 0.1] = 0  # relu decides what happens at exactly 0
        return Draw(pair, (x,), theirs)

    return draw


def over_rows(pair: Pair, theirs: Callable[..., Any]) -> Callable[[Rng], Draw]:
    """Softmax and its logarithm, with rows so far apart that one maximum for all would underflow in the others."""

    def draw(rng: Rng) -> Draw:
        return Draw(pair, (draw_scores(rng, shape_of(rng)),), theirs)

    return draw


def draw_scores(rng: Rng, shape: tuple[int, ...]) -> Any:
    scores = rng.standard_normal(shape) * rng.choice([1, 20])
    return scores + 1000 * rng.integers(-1, 2, size=(*shape[:-1], 1))


def affine(rng: Rng) -> Draw:
    D, M = sizes(rng, 6, 6)
    x = rng.standard_normal((*shape_of(rng, 3), D))
    params = F.AffineParams(rng.standard_normal((D, M)), rng.standard_normal(M))
    return Draw(F.affine, (x, params), lambda x, p: T.linear(x, p.W.mT, p.b))


def chained(rng: Rng) -> Draw:
    """A small network: affine, relu, affine, log_softmax."""
    N, D, H, M = sizes(rng, 5, 5, 5, 5)
    first = F.AffineParams(rng.standard_normal((D, H)), rng.standard_normal(H))
    second = F.AffineParams(rng.standard_normal((H, M)), rng.standard_normal(M))
    net = chain(F.affine, F.relu, F.affine, F.log_softmax)

    def theirs(x: Any, p: Any) -> Any:
        return T.log_softmax(T.linear(T.relu(T.linear(x, p[0].W.mT, p[0].b)), p[2].W.mT, p[2].b), dim=-1)

    return Draw(net, (rng.standard_normal((N, D)), (first, None, second, None)), theirs)


def batch_norm(rng: Rng) -> Draw:
    """PyTorch's momentum is 1 - ours; its running variance divides by count - 1, ours (as ONNX's) by the count."""
    C = int(rng.integers(1, 6))
    training = bool(rng.random() < 0.7)
    shape = (*shape_of(rng, 3), C)
    while training and np.prod(shape[:-1]) < 2:  # one value per feature has no variance: both refuse it
        shape = (*shape_of(rng, 3), C)
    n = int(np.prod(shape[:-1]))
    x = rng.standard_normal(shape) * rng.uniform(0.5, 3, C) + rng.standard_normal(C)
    running = F.RunningStats(rng.standard_normal(C), rng.uniform(0.5, 2, C))
    params = F.NormParams(rng.standard_normal(C), rng.standard_normal(C))
    momentum, eps = float(rng.uniform(0, 1)), float(10 ** rng.uniform(-5, -1))

    def theirs(x: Any, running: Any, p: Any) -> Any:
        mean, var = running.mean.detach().clone(), running.var.detach().clone()
        y = T.batch_norm(x.movedim(-1, 1), mean, var, p.gamma, p.beta, training, 1 - momentum, eps).movedim(1, -1)
        if training:
            old = momentum * running.var.detach()
            var = old + (var - old) * (n - 1) / n
        return y, F.RunningStats(mean, var)

    return Draw(F.batch_norm, (x, running, params), theirs, {"training": training, "momentum": momentum, "eps": eps})


def layer_norm(rng: Rng) -> Draw:
    """The features of a row stay apart: the rounding errors of a nearly constant row have no bound in float32."""
    D = int(rng.integers(2, 7))
    shape = (*shape_of(rng, 3), D)
    x = rng.permuted(np.broadcast_to(2.0 * np.arange(D), shape), axis=-1) + rng.uniform(-0.8, 0.8, shape)
    params = F.NormParams(rng.standard_normal(D), rng.standard_normal(D))
    eps = float(10 ** rng.uniform(-5, -1))
    return Draw(F.layer_norm, (x, params), lambda x, p: T.layer_norm(x, (D,), p.gamma, p.beta, eps), {"eps": eps})


def dropout(rng: Rng) -> Draw:
    """Our mask, transplanted: the same generator says which values are kept."""
    x = rng.standard_normal(shape_of(rng))
    p, training, seed = float(rng.uniform(0, 0.9)), bool(rng.random() < 0.8), int(rng.integers(2**31))
    kept = np.random.default_rng(seed).random(x.shape) >= p

    def forward(x: Any) -> Any:
        return dropout_forward(x, p=p, training=training, rng=np.random.default_rng(seed))

    def theirs(x: Any) -> Any:
        return x * torch.from_numpy(kept) / (1 - p) if training else T.dropout(x, p, training=False)

    return Draw(Pair(forward, F.dropout.backward, "dropout"), (x,), theirs)


def embedding(rng: Rng) -> Draw:
    """Few rows and many ids, so that ids repeat."""
    V, D = sizes(rng, 6, 5)
    row = (D,) if rng.random() < 0.7 else (D, 2)
    ids = rng.integers(0, V, size=shape_of(rng, 3))

    def theirs(ids: Any, W: Any) -> Any:
        return T.embedding(ids, W.flatten(1)).unflatten(-1, row)

    return Draw(F.embedding, (ids, rng.standard_normal((V, *row))), theirs)


def windows(rng: Rng) -> Draw:
    """A random convolution kernel of one output says which step stands where in a window."""
    N, steps, D, stride = sizes(rng, 4, 9, 4, 3)
    size = stride + int(rng.integers(0, 4))
    kernel = rng.standard_normal((size, D))
    left, count = (size - stride) // 2, -(-steps // stride)

    def forward(x: Any) -> Any:
        y, cache = F.windows.forward(x, size=size, stride=stride)
        return y @ kernel.reshape(-1).astype(x.dtype), cache

    def backward(dout: Any, cache: Any) -> Any:
        return F.windows.backward(dout[..., None] * kernel.reshape(-1).astype(dout.dtype), cache)

    def theirs(x: Any) -> Any:
        padded = T.pad(x.mT, (left, (count - 1) * stride + size - left - steps))
        return T.conv1d(padded, torch.from_numpy(kernel.T[None].copy()).to(x.dtype), stride=stride)[:, 0]

    return Draw(Pair(forward, backward, "windows"), (rng.standard_normal((N, steps, D)),), theirs)


def cross_entropy(rng: Rng) -> Draw:
    """No mask, a boolean mask (PyTorch's ignore_index) or a weight for each word."""
    V = int(rng.integers(1, 7))
    shape = shape_of(rng, 3)
    logits = draw_scores(rng, (*shape, V))
    targets = rng.integers(0, V, size=shape)
    kind = rng.integers(3)
    mask: Any = None
    if kind == 1:
        mask = rng.random(shape) < 0.6
        mask.flat[rng.integers(mask.size)] = True  # a mean over nothing is not defined
    elif kind == 2:
        mask = rng.uniform(0, 2, shape) * (rng.random(shape) < 0.8)
        mask.flat[rng.integers(mask.size)] = 1.5

    def theirs(logits: Any, targets: Any, mask: Any) -> Any:
        rows, labels = logits.reshape(-1, V), targets.reshape(-1)
        if mask is None:
            return T.cross_entropy(rows, labels)
        if mask.dtype == torch.bool:
            return T.cross_entropy(rows, torch.where(mask.reshape(-1), labels, -100), ignore_index=-100)
        weight = mask.detach().reshape(-1)
        return (T.cross_entropy(rows, labels, reduction="none") * weight).sum() / weight.sum()

    return Draw(F.cross_entropy, (logits, targets, mask), theirs)


def draw_weight(rng: Rng, shape: tuple[int, ...]) -> Any:
    """None, booleans, or weights some of which are 0; something always counts."""
    kind = rng.integers(3)
    if kind == 0:
        return None
    mask = rng.random(shape) < 0.6 if kind == 1 else rng.uniform(0, 2, shape) * (rng.random(shape) < 0.8)
    mask.flat[rng.integers(mask.size)] = 1
    return mask


def weighted_mean(each: Any, mask: Any) -> Any:
    """The mean of a loss over everything that counts."""
    weight = torch.ones_like(each) if mask is None else mask.detach().to(each.dtype)
    return (each * weight).sum() / weight.sum()


def binary_cross_entropy(rng: Rng) -> Draw:
    """Yes, no or in between; some logits shout."""
    shape = shape_of(rng, 3)
    logits = draw_scores(rng, shape)
    targets = rng.uniform(0, 1, shape) if rng.random() < 0.5 else (rng.random(shape) < 0.5).astype(float)

    def theirs(logits: Any, targets: Any, mask: Any) -> Any:
        each = T.binary_cross_entropy_with_logits(logits, targets.detach(), reduction="none")
        return weighted_mean(each, mask)

    return Draw(F.binary_cross_entropy, (logits, targets, draw_weight(rng, shape)), theirs)


def smooth_l1(rng: Rng) -> Draw:
    """Far off and close, with the two forms meeting at different places."""
    shape = shape_of(rng, 3)
    beta = float(rng.choice([0.1, 1.0, 2.5]))

    def theirs(x: Any, targets: Any, mask: Any) -> Any:
        return weighted_mean(T.smooth_l1_loss(x, targets.detach(), reduction="none", beta=beta), mask)

    x, targets = 2 * rng.standard_normal(shape), rng.standard_normal(shape)
    return Draw(F.smooth_l1, (x, targets, draw_weight(rng, shape)), theirs, {"beta": beta})


def ctc_loss(rng: Rng) -> Draw:
    """Empty targets, repeats, one step, logits that shout blank; targets without a path only where their loss is 0."""
    N, V = sizes(rng, 4, 6)
    V += 1
    steps = 1 if rng.random() < 0.1 else int(rng.integers(1, 13))
    longest, blank = int(rng.integers(0, 6)), int(rng.integers(V))
    zero_infinity = bool(rng.random() < 0.5)
    targets = (blank + rng.integers(1, min(V, 3) if rng.random() < 0.5 else V, size=(N, longest))) % V
    input_lengths = rng.integers(1, steps + 1, size=N)
    target_lengths = rng.integers(0, longest + 1, size=N)
    while not zero_infinity and not (fits := F.feasible(targets, target_lengths, input_lengths)).all():
        target_lengths = np.where(fits, target_lengths, target_lengths - 1)
    logits = draw_scores(rng, (N, steps, V))
    logits[..., blank] += rng.choice([0, 30], p=[0.8, 0.2])

    def theirs(logits: Any, *rest: Any) -> Any:
        logp = T.log_softmax(logits, dim=-1).transpose(0, 1)
        return T.ctc_loss(logp, *rest, blank=blank, reduction="none", zero_infinity=zero_infinity)

    options = {"blank": blank, "zero_infinity": zero_infinity}
    return Draw(F.ctc_loss, (logits, targets, input_lengths, target_lengths), theirs, options)


LAYERS: dict[str, Callable[[Rng], Draw]] = {
    "relu": elementwise(F.relu, T.relu, 2),
    "sigmoid": elementwise(F.sigmoid, torch.sigmoid, 10),
    "tanh": elementwise(F.tanh, torch.tanh, 5),
    "softmax": over_rows(F.softmax, lambda x: T.softmax(x, dim=-1)),
    "log_softmax": over_rows(F.log_softmax, lambda x: T.log_softmax(x, dim=-1)),
    "affine": affine,
    "chain": chained,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "dropout": dropout,
    "embedding": embedding,
    "windows": windows,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "smooth_l1": smooth_l1,
    "ctc_loss": ctc_loss,
}
