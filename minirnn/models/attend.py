"""A recurrent step that looks at the picture: a cell, then attention over image locations."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.functional.affine import AffineParams
from minirnn.functional.attention import AdditiveParams
from minirnn.ops import Ops
from minirnn.pair import Array, Pair, Tree


class AttendState(NamedTuple):
    cell: Tree  # state of the recurrent cell
    context: Array  # (N, M) what was seen
    weights: Any  # (N, L) where: one share per location, summing to 1


class AttendParams(NamedTuple):
    query: AffineParams  # from h (H) to a query (A)
    score: AdditiveParams | None  # for additive attention


class AttendShared(NamedTuple):
    """What every step reads; the gradients of all of it add up over time."""

    keys: Array  # (N, L, A)
    values: Array  # (N, L, M)
    cell: Tree
    attend: AttendParams


def attend_step(cell: Pair, ops: Ops) -> Pair:
    """One step of a decoder with attention.

        h, … = cell(concat(x, context_prev))
        q = affine(h)
        context, weights = attention(q, keys, values)

    Args (of forward):
        x: (N, D) floats, the word that came last.
        state: AttendState.
        shared: AttendShared; additive attention when it holds score parameters, else dot-product attention.
    Source: Bahdanau et al. 2015 and Xu et al. 2015; the query is the new h and the context feeds the next step
        (Luong et al. 2015), so that a word is chosen while looking at what it names.
    """

    def forward(x: Array, state: AttendState, shared: AttendShared) -> tuple[AttendState, Any]:
        seen = np.concatenate([x, state.context], axis=1)  # (1)
        inner, cell_cache = cell.forward(seen, state.cell, shared.cell)  # (2)
        q, query_cache = ops.affine.forward(inner.h, shared.attend.query)  # (3)
        attention, score = _attention(ops, shared.attend.score)
        (context, weights), attention_cache = attention.forward(
            q[:, None], shared.keys, shared.values, None, *score
        )  # (4)
        cache = (x.shape[1], state.weights, cell_cache, query_cache, attention, attention_cache)
        return AttendState(inner, context[:, 0], weights[:, 0]), cache

    def backward(dstate: AttendState, cache: Any) -> tuple[Array, AttendState, AttendShared]:
        D, weights_prev, cell_cache, query_cache, attention, attention_cache = cache
        dinner, dcontext, dweights = dstate
        dq, dkeys, dvalues, _, *dscore = attention.backward(
            (dcontext[:, None], dweights[:, None]), attention_cache
        )  # (4)
        dh, dquery = ops.affine.backward(dq[:, 0], query_cache)  # (3)
        dseen, dinner_prev, dcell = cell.backward(dinner._replace(h=dinner.h + dh), cell_cache)  # (2)
        dx, dcontext_prev = dseen[:, :D], dseen[:, D:]  # (1)
        dprev = AttendState(dinner_prev, dcontext_prev, np.zeros_like(weights_prev))  # the old weights are not read
        dattend = AttendParams(dquery, dscore[0] if dscore else None)
        return dx, dprev, AttendShared(dkeys, dvalues, dcell, dattend)

    return Pair(forward, backward, f"attend({cell.name})")


def _attention(ops: Ops, score: AdditiveParams | None) -> tuple[Pair, tuple[Any, ...]]:
    return (ops.dot_attention, ()) if score is None else (ops.additive_attention, (score,))
