"""The character model: what comes next in a text, from all that came before.

    embed    character -> vector
    layers   one to three recurrent layers on top of each other, each reading the `h` of the one below: `unroll`
    loss     logits = affine(h of the last layer), softmax cross-entropy with the next character

A text is too long to go back through all of it. It is read piece by piece: the state at the end of a piece is the
first state of the next one, and no gradient goes back from there (truncated backpropagation through time). That state
is what goes from step to step beside the parameters, so it is `running` here, as batch norm's statistics elsewhere.

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
from minirnn.pair import Array, Pair, Tree
from minirnn.tree import tree_map

LAYERS = (1, 2, 3)


@dataclass(frozen=True)
class TextConfig:
    """Everything that fixes the shapes of a character model."""

    vocab: int  # number of characters, the unknown one included
    embed: int = 64  # size of a character's vector
    hidden: int = 192  # size of h, in every layer
    layers: int = 2  # 1 to 3
    cell: str = "lstm"  # rnn, lstm or gru
    dropout: float = 0.0  # on the h of every layer, where the layer above reads it

    def __post_init__(self) -> None:
        for name, choices in (("cell", CELLS), ("layers", LAYERS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(map(str, choices))}")
        for name in ("vocab", "embed", "hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; expected at least 0 and below 1")


class TextParams(NamedTuple):
    characters: Array  # (V, E) a vector for each character
    cells: tuple[Tree, ...]  # of the layers, the lowest first
    out: AffineParams


def init_text(rng: np.random.Generator, config: TextConfig, dtype: Any = np.float32) -> TextParams:
    """Fresh parameters."""
    c = config
    return TextParams(
        characters=rng.standard_normal((c.vocab, c.embed)).astype(dtype),  # far apart: there are few of them
        cells=tuple(cell_params(c.cell, rng, c.hidden if k else c.embed, c.hidden, dtype) for k in range(c.layers)),
        out=init.affine_params(rng, c.hidden, c.vocab, dtype),
    )


def first_state(config: TextConfig, n: int, dtype: Any = np.float32) -> tuple[Tree, ...]:
    """The state of `n` readers that have read nothing: one entry per layer."""
    return (rest(config.cell, n, config.hidden, dtype),) * config.layers


def read_forward(
    inputs: Array, state: tuple[Tree, ...], params: TextParams, *, config: TextConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Array, tuple[Tree, ...]], Any]:  # fmt: skip
    """Characters (N, T) to logits (N, T, V) of the character after each, and the state after the last one."""
    x, embedding = ops.embedding.forward(inputs, params.characters)  # (1)
    last, caches = [], []
    for before, cell in zip(state, params.cells, strict=True):
        states, through_time = ops.unroll(ops.step(config.cell)).forward(x, before, cell)  # (2)
        x, drop = ops.dropout.forward(states.h, p=config.dropout, training=training, rng=rng)  # (3)
        last.append(tree_map(lambda leaf: leaf[:, -1].copy(), states))
        caches.append((through_time, drop, tree_map(lambda leaf: None, states)))
    logits, out = ops.affine.forward(x, params.out)  # (4)
    return (logits, tuple(last)), (embedding, caches, out, config, ops)


def read_backward(dlogits: Array, cache: Any) -> TextParams:
    """dlogits (N, T, V) -> the gradient of the parameters; none goes to the state, and none comes from it."""
    embedding, caches, out, config, ops = cache
    dx, dout = ops.affine.backward(dlogits, out)  # (4)
    dcells = []
    for through_time, drop, empty in reversed(caches):
        (dh,) = ops.dropout.backward(dx, drop)  # (3)
        dx, _, dcell = ops.unroll(ops.step(config.cell)).backward(empty._replace(h=dh), through_time)  # (2)
        dcells.append(dcell)
    _, dcharacters = ops.embedding.backward(dx, embedding)  # (1)
    return TextParams(dcharacters, tuple(reversed(dcells)), dout)


def language_model_forward(
    inputs: Array, targets: Array, begins: Array, running: tuple[Tree, ...], params: TextParams,
    *, config: TextConfig, training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, tuple[Tree, ...]], Any]:  # fmt: skip
    """The loss on the next piece of N texts that are read side by side.

    Args:
        inputs: (N, T) character numbers.
        targets: (N, T) character numbers: the one after each.
        begins: (N,) booleans: True where a text begins, so that nothing is remembered.
        running: the state at the end of the piece before, one entry of (N, H) arrays per layer.
        params: TextParams.
        config, training, rng, ops: the model's config; whether dropout is on; where its masks come from; the pairs
            to use.
    Returns:
        ((loss in nats per character, the state at the end of this piece), cache).
    Raises:
        ValueError, IndexError: as the pairs; begins is not (N,) booleans.
    Source: Graves 2013; truncated backpropagation that carries the state, Mikolov et al. 2010.
    """
    if begins.shape != inputs.shape[:1] or begins.dtype != bool:
        raise ValueError(f"begins has shape {begins.shape}, dtype {begins.dtype}; expected {len(inputs)} booleans")
    state = tree_map(lambda leaf: np.where(begins[:, None], leaf.dtype.type(0), leaf), running)
    (logits, running), read = read_forward(inputs, state, params, config=config, training=training, rng=rng, ops=ops)
    loss, cross_entropy = ops.cross_entropy.forward(logits, targets, None)
    return (loss, running), (read, cross_entropy, ops)


def language_model_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, None, TextParams]:
    """(dloss, ignored) -> None for the text and the state, TextParams of gradients."""
    read, cross_entropy, ops = cache
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)
    return None, None, None, None, read_backward(dlogits, read)


language_model = Pair(language_model_forward, language_model_backward, "language_model")


def advance(
    characters: Array, state: tuple[Tree, ...], params: TextParams, *, config: TextConfig, ops: Ops = READABLE
) -> tuple[Array, tuple[Tree, ...]]:
    """Read one character (N,) per text: log-probabilities (N, V) of the next one, and the state after it."""
    x, _ = ops.embedding.forward(characters, params.characters)
    after = []
    for before, cell in zip(state, params.cells, strict=True):
        step, _ = ops.step(config.cell).forward(x, before, cell)
        x = step.h
        after.append(step)
    logits, _ = ops.affine.forward(x, params.out)
    logp, _ = ops.log_softmax.forward(logits)
    return logp, tuple(after)
