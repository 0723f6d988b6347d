"""Random inputs for the cases, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn import functional as F
from minirnn.pair import Array
from minirnn.unroll import Both

Rng = np.random.Generator

D, H, V, A, L = 5, 2, 6, 3, 4  # features, hidden, vocabulary, attention size, locations


def normal(rng: Rng, *shape: int) -> Array:
    """Standard normal values."""
    return rng.standard_normal(shape)


def apart(rng: Rng, *shape: int) -> Array:
    """Values from about -2 to 2 in random order, none close to another or to 0: what has kinks stays away from them."""
    size = int(np.prod(shape))
    return rng.permutation(np.arange(size) - size // 2 + 0.5).reshape(shape) / max(size / 4, 1)


def holes(*shape: int) -> Array:
    """A mask with holes in it; the first place of every row is True."""
    mask: Array = np.arange(int(np.prod(shape))).reshape(shape) % 3 != 1
    mask[..., :1] = True
    return mask


def ids(rng: Rng, *shape: int) -> Array:
    """Word numbers that repeat and leave two rows of the table unused."""
    drawn: Array = rng.integers(0, V - 2, shape)
    return drawn


def ctc(rng: Rng, N: int, T: int, blank: int = 0) -> tuple[Array, Array, Array, Array]:
    """Logits, targets, lengths: in turn two equal labels, two labels and none, or as many of them as T steps can hold.

    The samples end at unequal steps; what stands behind a target's end is no label at all.
    """
    n = np.arange(N)
    first = rng.integers(1, V, N)
    second = np.where(n % 3 == 0, first, 1 + first % (V - 1))
    input_lengths = np.maximum(T - n % 3 // 2, 1)  # T, T, T-1, …
    fits = np.where(n % 3 == 0, (input_lengths + 1) // 2, input_lengths)
    target_lengths = np.where(n % 3 == 2, 0, np.minimum(fits, 2))
    targets = np.stack([first, second, np.full(N, -7)], axis=1)
    targets[n, target_lengths] = -7
    return normal(rng, N, T, V), np.where(targets > 0, (targets + blank) % V, targets), input_lengths, target_lengths


def affine(rng: Rng, inputs: int, outputs: int) -> F.AffineParams:
    """Dense weights and biases."""
    return F.AffineParams(normal(rng, inputs, outputs), normal(rng, outputs))


def conv(rng: Rng, KH: int, KW: int) -> F.ConvParams:
    """A kernel from 2 to 3 channels."""
    return F.ConvParams(normal(rng, KH, KW, 2, 3), normal(rng, 3))


def norm(rng: Rng, features: int) -> F.NormParams:
    """Scale and shift."""
    return F.NormParams(rng.uniform(0.5, 1.5, features), normal(rng, features))


def running(rng: Rng, features: int) -> F.RunningStats:
    """Running statistics."""
    return F.RunningStats(normal(rng, features), rng.uniform(0.5, 1.5, features))


def rnn(rng: Rng, N: int, inputs: int = D, hidden: int = H) -> tuple[F.RNNState, F.RNNParams]:
    """State and parameters of a vanilla RNN."""
    return F.RNNState(normal(rng, N, hidden)), F.RNNParams(*_weights(rng, inputs, hidden, 1), normal(rng, hidden))


def lstm(rng: Rng, N: int, inputs: int = D, hidden: int = H) -> tuple[F.LSTMState, F.LSTMParams]:
    """State and parameters of an LSTM."""
    state = F.LSTMState(normal(rng, N, hidden), normal(rng, N, hidden))
    return state, F.LSTMParams(*_weights(rng, inputs, hidden, 4), normal(rng, 4 * hidden))


def gru(rng: Rng, N: int, inputs: int = D, hidden: int = H) -> tuple[F.GRUState, F.GRUParams]:
    """State and parameters of a GRU."""
    weights = _weights(rng, inputs, hidden, 3)
    return F.GRUState(normal(rng, N, hidden)), F.GRUParams(*weights, normal(rng, 3 * hidden), normal(rng, 3 * hidden))


def _weights(rng: Rng, inputs: int, hidden: int, gates: int) -> tuple[Array, Array]:
    return 0.5 * normal(rng, inputs, gates * hidden), 0.5 * normal(rng, hidden, gates * hidden)


def both(cell: Callable[..., Any], rng: Rng, N: int, inputs: int = D) -> tuple[Both, Both]:
    """States and parameters of two readers."""
    (state, params), (state_back, params_back) = cell(rng, N, inputs), cell(rng, N, inputs)
    return Both(state, state_back), Both(params, params_back)


def qkv(rng: Rng, N: int, T: int, locations: int = L) -> tuple[Array, Array, Array]:
    """Queries, keys and values."""
    return normal(rng, N, T, A), normal(rng, N, locations, A), normal(rng, N, locations, 2)
