"""Initial values of weights. All take a `numpy.random.Generator`; the dtype is float32 unless asked otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional.affine import AffineParams
from minirnn.functional.conv import ConvParams
from minirnn.functional.norm import NormParams, RunningStats
from minirnn.functional.recurrent import GRUParams, LSTMParams, RNNParams
from minirnn.pair import Array

Rng = np.random.Generator


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight whose last two axes are inputs and outputs; kernel axes before them multiply."""
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(f"shape is {shape}; expected at least (inputs, outputs), each at least 1")
    window = int(np.prod(shape[:-2]))
    return window * shape[-2], window * shape[-1]


def xavier(rng: Rng, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """Uniform with variance 2 / (fan_in + fan_out); for tanh and sigmoid. Source: Glorot and Bengio 2010."""
    limit = np.sqrt(6 / sum(fans(shape)))
    return rng.uniform(-limit, limit, shape).astype(dtype)


def he(rng: Rng, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """Normal with variance 2 / fan_in; for relu. Source: He et al. 2015."""
    return (rng.standard_normal(shape) * float(np.sqrt(2 / fans(shape)[0]))).astype(dtype)


def orthogonal(rng: Rng, shape: tuple[int, int], dtype: Any = np.float32) -> Array:
    """Random matrix with orthonormal rows or columns, whichever are fewer. Source: Saxe et al. 2014."""
    rows, cols = shape
    a = rng.standard_normal((max(rows, cols), min(rows, cols)))
    q, r = np.linalg.qr(a)
    q = q * np.sign(np.diag(r))  # the signs of qr are a convention of the library; this makes q uniform
    out: Array = (q if rows >= cols else q.T).astype(dtype)
    return out


def _gates(rng: Rng, D: int, H: int, gates: int, dtype: Any) -> tuple[Array, Array]:
    """Wx and Wh of a cell: each gate on its own, Xavier for the input and orthogonal for the recurrence."""
    Wx = np.concatenate([xavier(rng, (D, H), dtype) for _ in range(gates)], axis=1)
    Wh = np.concatenate([orthogonal(rng, (H, H), dtype) for _ in range(gates)], axis=1)
    return Wx, Wh


def rnn_params(rng: Rng, D: int, H: int, dtype: Any = np.float32) -> RNNParams:
    """Xavier Wx, orthogonal Wh, zero b. Source: Le et al. 2015 for a recurrence that neither grows nor shrinks."""
    Wx, Wh = _gates(rng, D, H, 1, dtype)
    return RNNParams(Wx, Wh, np.zeros(H, dtype))


def lstm_params(rng: Rng, D: int, H: int, dtype: Any = np.float32, forget_bias: float = 1.0) -> LSTMParams:
    """Xavier Wx, orthogonal Wh, b zero but for the forget gate. Source: Jozefowicz et al. 2015 for forget bias 1."""
    Wx, Wh = _gates(rng, D, H, 4, dtype)
    b = np.zeros(4 * H, dtype)
    b[H : 2 * H] = forget_bias
    return LSTMParams(Wx, Wh, b)


def gru_params(rng: Rng, D: int, H: int, dtype: Any = np.float32) -> GRUParams:
    """Xavier Wx, orthogonal Wh, zero bx and bh."""
    Wx, Wh = _gates(rng, D, H, 3, dtype)
    return GRUParams(Wx, Wh, np.zeros(3 * H, dtype), np.zeros(3 * H, dtype))


def affine_params(rng: Rng, D: int, M: int, dtype: Any = np.float32) -> AffineParams:
    """Xavier W, zero b."""
    return AffineParams(xavier(rng, (D, M), dtype), np.zeros(M, dtype))


def conv_params(rng: Rng, K: int, C: int, F: int, dtype: Any = np.float32) -> ConvParams:
    """He W (K, K, C, F), zero b."""
    return ConvParams(he(rng, (K, K, C, F), dtype), np.zeros(F, dtype))


def norm_params(C: int, dtype: Any = np.float32) -> NormParams:
    """Scale 1, shift 0."""
    return NormParams(np.ones(C, dtype), np.zeros(C, dtype))


def running_stats(C: int, dtype: Any = np.float32) -> RunningStats:
    """Mean 0, variance 1."""
    return RunningStats(np.zeros(C, dtype), np.ones(C, dtype))
