"""The sequence classifier: what a whole sequence is, from features per time step.

    read      features -> h of every step      recurrent layers, forwards or both ways: `unroll`, `bidirectional`
    pool      h -> one vector                  the last state of each direction, or the mean over time
    judge     vector -> logits                 affine

`sequence_logits` does these three. It does not ask where the features come from: a front that makes them of frames
(differences of points, a small CNN for each picture) goes before it and gets back d loss / d features.
`sequence_classifier` puts the softmax cross-entropy behind it; that is what the training loop takes.

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.models.cells import CELLS, cell_params, rest
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair, Tree, require_float
from minirnn.unroll import BothWays

POOLS = ("last", "mean")


@dataclass(frozen=True)
class SequenceConfig:
    """Everything that fixes the shapes of a sequence classifier."""

    features: int  # per time step
    classes: int
    cell: str = "lstm"  # rnn, lstm or gru
    hidden: int = 64  # size of h, of each direction
    layers: int = 1
    both: bool = True  # read from both ends
    pool: str = "last"  # what is judged: the last state of each direction, or the mean over time
    drop: float = 0.0  # dropout on what each layer above the first and the judge reads

    def __post_init__(self) -> None:
        for name, choices in (("cell", CELLS), ("pool", POOLS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}")
        for name, least in (("features", 1), ("classes", 2), ("hidden", 1), ("layers", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {least}")
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected a probability of at least 0 and below 1")


class SequenceParams(NamedTuple):
    cells: tuple[Tree, ...]  # one per layer; `Both` where it reads both ways
    out: AffineParams


def init_sequence(rng: np.random.Generator, config: SequenceConfig, dtype: Any = np.float32) -> SequenceParams:
    """Fresh parameters."""
    c = config
    width = c.hidden * (1 + c.both)
    sizes = (c.features, *[width] * (c.layers - 1))
    cells = tuple(cell_params(c.cell, rng, inputs, c.hidden, dtype, both=c.both) for inputs in sizes)
    return SequenceParams(cells, init.affine_params(rng, width, c.classes, dtype))


def zero_state(config: SequenceConfig, n: int, dtype: Any) -> Tree:
    """The first state of one layer for `n` sequences."""
    return rest(config.cell, n, config.hidden, dtype, both=config.both)


def sequence_logits_forward(
    features: Array, lengths: Array, params: SequenceParams, *, config: SequenceConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[Array, Any]:  # fmt: skip
    """How much speaks for each class.

    Args:
        features: (N, T, D) floats; what stands behind a sequence's length is never read.
        lengths: (N,) integers from 1 to T.
        params: SequenceParams.
        config, training, rng, ops: the model's config; whether dropout is on; where its masks come from; the pairs.
    Returns:
        logits (N, classes), and the cache.
    Raises:
        ValueError: a shape that does not fit, a length that is not in 1 … T.
    Source: Graves 2012 for reading both ways; Hochreiter and Schmidhuber 1997 for the LSTM.
    """
    require_lengths(features, lengths)
    drop: dict[str, Any] = {"p": config.drop, "training": training, "rng": rng}
    layer = (ops.bidirectional if config.both else ops.unroll)(ops.step(config.cell))
    options = {"lengths": lengths} if config.both else {}
    h, caches = features, []
    for k, cell in enumerate(params.cells):
        h, dropped = ops.dropout.forward(h, **drop) if k else (h, None)  # (1)
        states, cache = layer.forward(h, zero_state(config, len(h), h.dtype), cell, **options)  # (2)
        h = states.h
        caches.append((dropped, cache, None if config.both else type(states)))
    vector, pooled = _pool(h, lengths, config)  # (3)
    vector, thinned = ops.dropout.forward(vector, **drop)  # (4)
    logits, out = ops.affine.forward(vector, params.out)  # (5)
    return logits, (caches, layer, pooled, thinned, out, ops)


def sequence_logits_backward(dlogits: Array, cache: Any) -> tuple[Array, None, SequenceParams]:
    """dlogits (N, classes) -> dfeatures (N, T, D), None, SequenceParams of gradients."""
    caches, layer, pooled, thinned, out, ops = cache
    dvector, dout = ops.affine.backward(dlogits, out)  # (5)
    (dvector,) = ops.dropout.backward(dvector, thinned)  # (4)
    dh = _unpool(dvector, pooled)  # (3)
    dcells = []
    for dropped, inner, kind in reversed(caches):
        dstates = BothWays(dh) if kind is None else kind(dh, *[None] * (len(kind._fields) - 1))
        dh, _, dcell = layer.backward(dstates, inner)  # (2)
        dcells.append(dcell)
        if len(dcells) < len(caches):  # the lowest layer reads the features as they are
            (dh,) = ops.dropout.backward(dh, dropped)  # (1)
    return dh, None, SequenceParams(tuple(reversed(dcells)), dout)


def _pool(h: Array, lengths: Array, config: SequenceConfig) -> tuple[Array, Any]:
    """h (N, T, ·) -> one vector each, and the weight (N, T, ·) that each step has in it."""
    t, last = np.arange(h.shape[1]), lengths[:, None] - 1
    if config.pool == "mean":
        weight = ((t <= last) / lengths[:, None])[:, :, None].astype(h.dtype)
    elif config.both:  # the forward reader ends at the last step, the backward reader at the first
        ends = np.stack([t == last, np.broadcast_to(t == 0, (len(h), len(t)))], axis=2)
        weight = np.repeat(ends, config.hidden, axis=2).astype(h.dtype)
    else:
        weight = (t == last)[:, :, None].astype(h.dtype)
    return (h * weight).sum(axis=1), weight


def _unpool(dvector: Array, weight: Array) -> Array:
    """d vector (N, ·) -> dh (N, T, ·)."""
    return dvector[:, None] * weight


def require_lengths(features: Array, lengths: Array) -> None:
    """Raise ValueError unless features are (N, T, D) floats and lengths (N,) integers from 1 to T."""
    require_float("features", features, 3, "(N, T, D)")
    N, T = features.shape[:2]
    kind = getattr(lengths, "dtype", np.dtype(object)).kind
    if np.shape(lengths) != (N,) or kind not in "iu":
        raise ValueError(f"lengths has shape {np.shape(lengths)}; expected {N} integers, one per sequence")
    if N and (lengths.min() < 1 or lengths.max() > T):
        bad = lengths[(lengths < 1) | (lengths > T)][0]
        raise ValueError(f"lengths holds {bad}; expected 1 to T = {T}")


sequence_logits = Pair(sequence_logits_forward, sequence_logits_backward, "sequence_logits")


def sequence_classifier_forward(
    features: Array, lengths: Array, targets: Array, running: tuple[()], params: SequenceParams, *,
    config: SequenceConfig, training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, tuple[()]], Any]:  # fmt: skip
    """The loss of a batch of sequences.

    Args:
        features, lengths, params, config, training, rng, ops: as `sequence_logits_forward`.
        targets: (N,) integers from 0 to classes - 1.
        running: (), as it came: this model keeps no running statistics.
    Returns:
        ((loss in nats per sequence, running), cache).
    Raises:
        ValueError, IndexError: as the pairs; an empty batch has no mean.
    Source: as `sequence_logits_forward`.
    """
    logits, read = sequence_logits_forward(
        features, lengths, params, config=config, training=training, rng=rng, ops=ops
    )  # (1)
    loss, cross_entropy = ops.cross_entropy.forward(logits, targets, None)  # (2)
    return (loss, running), (read, cross_entropy, ops, running)


def sequence_classifier_backward(dout: tuple[Any, Any], cache: Any) -> tuple[Array, None, None, Any, SequenceParams]:
    """(dloss, ignored) -> dfeatures (N, T, D), None for lengths and targets, (), SequenceParams of gradients."""
    read, cross_entropy, ops, running = cache
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)  # (2)
    dfeatures, _, dparams = sequence_logits_backward(dlogits, read)  # (1)
    return dfeatures, None, None, running, dparams


sequence_classifier = Pair(sequence_classifier_forward, sequence_classifier_backward, "sequence_classifier")
