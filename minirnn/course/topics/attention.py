"""Exercises of lesson 12: scaled dot-product attention, forward and backward."""

from __future__ import annotations

import numpy as np

from minirnn.course.exercise import Exercise, Probe
from minirnn.course.topics.attention_mistakes import BACKWARD, FORWARD
from minirnn.course.topics.sequences import normal
from minirnn.functional.attention import causal_mask, dot_attention_backward, dot_attention_forward
from minirnn.pair import Array


def attention_args(
    rng: np.random.Generator, mask: str = "", N: int = 3, T: int = 4, L: int = 5, A: int = 3, M: int = 2
) -> tuple[Array, Array, Array, Array | None]:
    """Arguments of attention. The mask: "" none, "full" (N, T, L), "keys" (N, 1, L), "causal" (T, T)."""
    q, k, v = 1.5 * normal(rng, N, T, A), 1.5 * normal(rng, N, L, A), normal(rng, N, L, M)
    if mask == "causal":
        return q, k, v, causal_mask(T)
    if not mask:
        return q, k, v, None
    allowed = rng.random((N, T if mask == "full" else 1, L)) < 0.5
    # the first and the last location are closed to some and open to others, and everyone has one to look at
    allowed[0, 0] = np.arange(L) % 2 == 0
    allowed[0, 0, 0], allowed[-1, -1, -1], allowed[..., 1] = False, False, True
    allowed[0, 0, -1] = True
    return q, k, v, allowed


def _raised(args: tuple[Array, Array, Array, Array | None], by: float) -> tuple[Array, Array, Array, Array | None]:
    """The same weights from scores that are all larger by `by`: their exponentials overflow (or vanish)."""
    q, k, v, mask = args
    q, k = q.copy(), k.copy()
    q[..., 0], k[..., 0] = 32.0, by * np.sqrt(q.shape[2]) / 32
    return q, k, v, mask


def _probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        Probe(attention_args(rng)),
        Probe(attention_args(rng, "full"), note="a mask"),
        Probe(attention_args(rng, "causal", 2, 4, 4, 3, 3), note="a causal mask"),
        Probe(attention_args(rng, "keys", 3, 2, 6, 4, 5), note="one mask for all queries of a row"),
        Probe(attention_args(rng, "", 3, 3, 3, 3, 3), note="N = T = L = A = M"),
        Probe(_raised(attention_args(rng), 2000), note="large scores"),
        Probe(_raised(attention_args(rng, "full"), -2000), note="scores far below 0 and a mask"),
        Probe(attention_args(rng, "", 1, 1, 4, 2, 3), note="N = 1 and T = 1"),
        Probe(attention_args(rng, "", 2, 3, 1, 2, 3), note="L = 1"),
    )


def _backward_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        Probe(attention_args(rng)),
        Probe(attention_args(rng, "full"), note="a mask"),
        Probe(attention_args(rng, "", 2, 3, 4, 5, 2), note="dp = None", dout=(normal(rng, 2, 3, 2), None)),
        Probe(attention_args(rng, "causal", 2, 4, 4, 3, 3), note="a causal mask"),
        Probe(attention_args(rng, "", 3, 3, 3, 3, 3), note="N = T = L = A = M"),
        Probe(
            attention_args(rng, "keys", 3, 2, 6, 4, 5), note="a mask and dp = None", dout=(normal(rng, 3, 2, 5), None)
        ),
        Probe(attention_args(rng, "", 1, 1, 4, 2, 3), note="N = 1 and T = 1"),
    )


INPUTS = {"q": "N T A", "k": "N L A", "v": "N L M"}  # the mask broadcasts: its sizes say nothing

attend1 = Exercise(
    name="attend1",
    function="dot_attention_forward",
    folder="12_attention",
    title="Scaled dot-product attention",
    truth=dot_attention_forward,
    probes=_probes,
    inputs=INPUTS,
    outputs=(("y", "N T M"), ("p", "N T L")),
    cache=True,
    slot="ops.dot_attention.forward",
    hints=(
        "For one query: how well does it fit each of the L keys, and how do L scores become L weights that sum to 1?",
        "The scores are dot products of queries and keys, (N, T, L), divided by sqrt(A). Where a query may not look, the score "
        "is -inf, so that its exponential is 0. The softmax runs over the last axis, the locations.",
        "Exchange the last two axes of k and one `@` gives all scores. Subtract each row's own largest score before np.exp. "
        "The weights, times the values, give y. Return ((y, p), cache): two tuples, one inside the other.",
    ),
    why="A dot product of A features grows like sqrt(A); the division keeps the softmax from turning into a hard choice, "
    "whose gradient is 0. With -inf before the softmax the masked weights are exactly 0 and the others still sum to 1, "
    "which a multiplication after it would not give. Each y is a weighted mean of the values.",
    mistakes=FORWARD,
)

attend2 = Exercise(
    name="attend2",
    function="dot_attention_backward",
    folder="12_attention",
    title="Backward through attention",
    truth=dot_attention_backward,
    truth_forward=dot_attention_forward,
    forward="attend1",
    probes=_backward_probes,
    inputs=INPUTS,
    outputs=(("dq", "N T A"), ("dk", "N L A"), ("dv", "N L M")),
    slot="ops.dot_attention.backward",
    hints=(
        "The weights p have up to two readers: the mean y = p @ v, and whoever reads p itself. What follows for their gradient?",
        "y = p @ v is undone like an affine map: dv from p and dy, dp from dy and v. Add the dp that came from outside, when "
        "there is one. Then go through the softmax, then through the scores.",
        "A change of one score moves all weights of its row: the softmax gives to each score p times (dp minus the mean of dp "
        "with weights p). Then s = q @ k^T * scale is a product again: dq takes k, dk takes q, each times the scale. Look at "
        "the shapes to see what has to be transposed.",
    ),
    why="dv and dp undo the product p @ v. Because the weights of a row sum to 1, raising one lowers the others: ds = p * (dp - "
    "sum(p * dp)), and each row of ds sums to 0. Where the mask is False p is 0, so ds is 0 there and no mask is needed. "
    "The scale stands in s, so it stands in both dq and dk. A key is read by all queries: the product with ds "
    "transposed adds up over T.",
    mistakes=BACKWARD,
)

EXERCISES = (attend1, attend2)
