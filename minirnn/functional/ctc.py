"""Connectionist temporal classification: the loss of a label sequence when nobody says which step shows which label.

A network says at every step one of V classes: a label or the blank. A *path* is one class per step; it reads as the
labels that remain when repeats are merged and then blanks removed, so that with - for the blank

    a a - b      - a b b      a - - b      all read as      a b
    a - a b      reads as      a a b      (only a blank between them keeps two equal labels apart)

The loss is -log of the sum of the probabilities of all paths that read as the target. There are exponentially many,
but they all walk along one line of *states*: the labels with a blank before, between and after them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional.activations import log_softmax_backward, log_softmax_forward
from minirnn.functional.embedding import require_ids
from minirnn.pair import Array, Pair, require_float


def ctc_loss_forward(
    logits: Array, targets: Array, input_lengths: Array, target_lengths: Array, *, blank: int = 0,
    zero_infinity: bool = False,
) -> tuple[Array, Any]:  # fmt: skip
    """CTC loss of every sample, from logits, summed over all paths in log space.

        label       = blank, target[0], blank, target[1], …, blank               the S = 2 U + 1 states
        logp        = log_softmax(logits)                                                   (1)
        y_t(s)      = logp_t(label(s))                                                      (2)
        alpha_0(s)  = y_0(s) for s = 0 and s = 1, -inf elsewhere                            (3)
        alpha_t(s)  = y_t(s) + log(exp alpha_t-1(s) + exp alpha_t-1(s-1) + exp alpha_t-1(s-2))
        loss        = -log(exp alpha_last(2 U) + exp alpha_last(2 U - 1))                   (4)

    alpha_t(s) is the log-probability of all ways to be in state s at step t. The step from s-2 leaves out a blank; it
    exists only between two labels that differ. A path may end in the last label or in the blank behind it.

    Args:
        logits: (N, T, V) floats, T at least 1; log_softmax is taken here, do not take it before.
        targets: (N, U) integers from 0 to V - 1, none of them the blank; what stands behind a target's length is
            padding and never read. U may be 0.
        input_lengths: (N,) integers from 1 to T: the steps of each sample; the steps behind them are padding.
        target_lengths: (N,) integers from 0 to U. An empty target is valid: its one path is all blank.
        blank: the class that stands for no label.
        zero_infinity: whether a target that no path reads as (too long for its steps, see `feasible`) has loss 0
            instead of infinity.
    Returns:
        losses (N,) in nats, of the dtype of logits, and the cache. Neither a mean nor divided by lengths.
    Raises:
        ValueError: shapes that differ, ids or lengths that are not integers, a length out of range, the blank in a
            target, a blank that is no class.
        IndexError: a label out of range.
    Source: Graves et al. 2006, equations 5 to 8, in log space.
    """
    _require_targets(logits, targets, input_lengths, target_lengths, blank)
    N, T, _ = logits.shape
    label, skip = _states(targets, target_lengths, blank, logits.dtype)
    logp, log_softmax = log_softmax_forward(logits)  # (1)
    y = np.take_along_axis(logp, label[:, None], axis=2).transpose(1, 2, 0).copy()  # (2) (T, S, N), for the loop
    alpha = np.full((T, 2 + label.shape[1], N), -np.inf, logits.dtype)  # two states before the first: nobody is there
    alpha[0, 2:4] = y[0, :2]
    last, end, n = input_lengths.astype(np.int64) - 1, 2 * target_lengths.astype(np.int64), np.arange(N)
    with np.errstate(divide="ignore"):  # the logarithm of nothing is -inf
        for t in range(1, T):  # (3)
            alpha[t, 2:] = y[t] + _add(alpha[t - 1, 2:], alpha[t - 1, 1:-1], alpha[t - 1, :-2] + skip)
        losses = -_add(alpha[last, end + 2, n], alpha[last, end + 1, n], -np.inf)  # (4)
    cache = (log_softmax, label, skip, y, alpha[:, 2:], losses, last, end)
    return np.where(losses == np.inf, losses.dtype.type(0), losses) if zero_infinity else losses.copy(), cache


def ctc_loss_backward(dlosses: Array, cache: Any) -> tuple[Array, None, None, None]:
    """dlosses (N,) -> dlogits (N, T, V), None, None, None.

        beta_last(s) = 0 for s = 2 U and s = 2 U - 1, -inf elsewhere
        beta_t(s)    = log(exp next(s) + exp next(s+1) + exp next(s+2))      next(s) = beta_t+1(s) + y_t+1(s)
        gamma_t(s)   = exp(alpha_t(s) + beta_t(s) + loss)                    how probable state s is at step t
        dlogits_t(k) = dloss * (softmax(logits_t)(k) - sum of gamma_t(s) over the states of label k)

    Steps behind a sample's length have gradient 0, and so have all steps of a sample whose loss is infinite, with or
    without `zero_infinity` (nothing that the network could say changes it; PyTorch gives NaN without it).
    """
    log_softmax, label, skip, y, alpha, losses, last, end = cache
    T, S, N = y.shape
    s = np.arange(S)[:, None]
    ends = np.where((s == end) | (s == end - 1), y.dtype.type(0), y.dtype.type(-np.inf))  # (4)
    skip = np.concatenate([skip[2:], np.full((min(S, 2), N), -np.inf, y.dtype)])  # from s to s+2
    beta = np.empty_like(y)
    after = np.full((S + 2, N), -np.inf, y.dtype)  # next(s), and two states behind the last
    with np.errstate(divide="ignore"):
        for t in reversed(range(T)):  # (3)
            beta[t] = np.where(last == t, ends, _add(after[:-2], after[1:-1], after[2:] + skip))
            after[:-2] = beta[t] + y[t]
    possible = losses != np.inf  # NaN goes on
    gamma = np.exp(alpha + beta + np.where(possible, losses, 0))
    weight = -np.where(possible, dlosses, 0)[:, None, None]
    is_label = (label[:, :, None] == np.arange(log_softmax.shape[2])).astype(y.dtype)
    dlogp = weight * (gamma.transpose(2, 0, 1) @ is_label)  # (2) the states of one label add up
    (dlogits,) = log_softmax_backward(dlogp, log_softmax)  # (1)
    dlogits[~(possible[:, None] & (np.arange(T) <= last[:, None]))] = 0  # also where the padding holds NaN
    return dlogits, None, None, None


def feasible(targets: Array, target_lengths: Array, input_lengths: Array) -> Array:
    """Which samples have a path: a step for every label, and one more for the blank between two equal neighbours.

        target_length + number of neighbours that are equal <= input_length

    Args:
        targets: (N, U) integers; target_lengths, input_lengths: (N,) integers, as in `ctc_loss`.
    Returns:
        (N,) booleans.
    """
    inside = np.arange(1, targets.shape[1]) < target_lengths[:, None]
    repeats = ((targets[:, 1:] == targets[:, :-1]) & inside).sum(axis=1)
    fits: Array = target_lengths + repeats <= input_lengths
    return fits


def _states(targets: Array, target_lengths: Array, blank: int, dtype: Any) -> tuple[Array, Array]:
    """Label (N, S) of each state, and whether it can be entered from two states before (S, N): 0 if so, else -inf."""
    N, U = targets.shape
    label = np.full((N, 2 * U + 1), blank)
    label[:, 1::2] = np.where(np.arange(U) < target_lengths[:, None], targets, blank)
    skip = np.full(label.T.shape, -np.inf, dtype)
    skip[2:][((label[:, 2:] != blank) & (label[:, 2:] != label[:, :-2])).T] = 0
    return label, skip


def _add(a: Array, b: Array, c: Any) -> Array:
    """log(exp a + exp b + exp c), where any of them may be -inf."""
    top = np.maximum(np.maximum(a, b), c)
    top = np.maximum(top, np.finfo(top.dtype).min)  # -inf less -inf would be NaN
    out: Array = np.log(np.exp(a - top) + np.exp(b - top) + np.exp(c - top)) + top
    return out


def _require_targets(logits: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int) -> None:
    """Raise unless all arguments of `ctc_loss` fit together."""
    require_float("logits", logits, 3, "(N, T, V)")
    N, T, V = logits.shape
    if T == 0:
        raise ValueError(f"logits has shape {logits.shape}: no time step; expected T of at least 1")
    if not isinstance(blank, (int, np.integer)) or not 0 <= blank < V:
        raise ValueError(f"blank is {blank}; expected a class of logits, an integer from 0 to {V - 1}")
    if not isinstance(targets, np.ndarray) or not np.issubdtype(targets.dtype, np.integer):
        came = getattr(targets, "dtype", type(targets).__name__)
        raise ValueError(f"targets have dtype {came}; expected an integer array")
    if targets.ndim != 2 or len(targets) != N:
        raise ValueError(
            f"targets have shape {targets.shape}; expected (N, U) with N = {N} as in logits {logits.shape}"
        )
    for name, lengths, least, most in (
        ("input_lengths", input_lengths, 1, ("T", T)),
        ("target_lengths", target_lengths, 0, ("U", targets.shape[1])),
    ):
        if not isinstance(lengths, np.ndarray) or not np.issubdtype(lengths.dtype, np.integer):
            came = getattr(lengths, "dtype", type(lengths).__name__)
            raise ValueError(f"{name} has dtype {came}; expected an integer array of shape ({N},)")
        if lengths.shape != (N,):
            raise ValueError(f"{name} has shape {lengths.shape}; expected ({N},), one length per sample")
        bad = np.flatnonzero((lengths < least) | (lengths > most[1]))
        if bad.size:
            n = int(bad[0])
            raise ValueError(f"{name} holds {lengths[n]} for sample {n}; expected {least} to {most[0]} = {most[1]}")
    inside = np.arange(targets.shape[1]) < target_lengths[:, None]
    require_ids("target", np.where(inside, targets, targets.dtype.type(blank)), V, "classes in logits")
    if (inside & (targets == blank)).any():
        n, u = (int(i) for i in np.argwhere(inside & (targets == blank))[0])
        raise ValueError(f"target {blank} at position {(n, u)} is the blank, which stands for no label; leave it out")


ctc_loss = Pair(ctc_loss_forward, ctc_loss_backward, "ctc_loss")
