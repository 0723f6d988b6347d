"""Mistakes in scaled dot-product attention that are known by name."""

from __future__ import annotations

from minirnn.course.exercise import Mistake

SCALE = "scale = 1 / float(np.sqrt(q.shape[2]))"
SCORES = "s = q @ k.transpose(0, 2, 1) * scale"
MASK = "s = np.where(mask, s, -np.inf)"
MASKED = "    if mask is not None:\n        s = np.where(mask, s, -np.inf)\n"
EXP = "e = np.exp(s - s.max(axis=-1, keepdims=True))"
NORM = "p = e / e.sum(axis=-1, keepdims=True)"
MEAN = "y = p @ v"

# how many write the mask; it gives other results where everything is masked
FINITE = (MASK, "s = np.where(mask, s, -1e9)")


def _with_finite_mask(*mistakes: Mistake) -> tuple[Mistake, ...]:
    """These mistakes, and the same in code that masks with a large negative number."""
    return (*mistakes, *(Mistake(f"{m.key}-finite", m.says, (*m.changes, FINITE), m.convention) for m in mistakes))


FORWARD = (
    Mistake("not-scaled", "the scores are not divided by sqrt(A)", ((SCALE, "scale = 1.0"),)),
    Mistake("scaled-by-A", "the scores are divided by A (or by sqrt(A) twice); they are divided once, by the square root of A", ((SCALE, "scale = 1 / q.shape[2]"),)),
    Mistake("multiplied-by-root", "the scores are multiplied by sqrt(A); they are divided by it", ((SCALE, "scale = float(np.sqrt(q.shape[2]))"),)),
    Mistake("scaled-by-L", "the scores are divided by the square root of L, the number of locations; A, the number of features that are multiplied and added up, belongs there",
            ((SCALE, "scale = 1 / float(np.sqrt(k.shape[1]))"),)),
    Mistake("scaled-by-T", "the scores are divided by the square root of T; A, the number of features that are multiplied and added up, belongs there",
            ((SCALE, "scale = 1 / float(np.sqrt(q.shape[1]))"),)),
    Mistake("scaled-by-M", "the scores are divided by the square root of M, the size of a value; A, the size of a query, belongs there",
            ((SCALE, "scale = 1 / float(np.sqrt(v.shape[2]))"),)),
    Mistake("scaled-by-N", "the scores are divided by the square root of N, the batch; A, the size of a query, belongs there",
            ((SCALE, "scale = 1 / float(np.sqrt(len(q)))"),)),
    Mistake("scaled-after", "sqrt(A) divides the weights after the softmax; it divides the scores before it, and the weights of a row sum to 1",
            ((SCORES, "s = q @ k.transpose(0, 2, 1)"), (NORM, "p = e / e.sum(axis=-1, keepdims=True) * scale"))),
    Mistake("cosine", "queries and keys are divided by their lengths (cosine similarity); here the dot product is divided by sqrt(A)",
            ((SCORES, "s = (q / np.linalg.norm(q, axis=-1, keepdims=True)) @ (k / np.linalg.norm(k, axis=-1, keepdims=True)).transpose(0, 2, 1)"),), convention=True),
    *_with_finite_mask(
        Mistake("over-queries", "the softmax runs over the queries; it runs over the locations, so that the weights of each query sum to 1",
                ((EXP, "e = np.exp(s - s.max(axis=1, keepdims=True))"), (NORM, "p = e / e.sum(axis=1, keepdims=True)"))),
        Mistake("over-batch", "the softmax runs over the batch; it runs over the locations",
                ((EXP, "e = np.exp(s - s.max(axis=0, keepdims=True))"), (NORM, "p = e / e.sum(axis=0, keepdims=True)"))),
    ),
    Mistake("over-everything", "the softmax runs over queries and locations together; the weights of each query sum to 1",
            ((NORM, "p = np.exp(s - s.max(axis=(1, 2), keepdims=True))\n    p = p / p.sum(axis=(1, 2), keepdims=True)"),)),
    Mistake("over-all", "the softmax runs over the whole array; the weights of each query sum to 1",
            ((EXP, "e = np.exp(s - s.max())"), (NORM, "p = e / e.sum()"))),
    *_with_finite_mask(
        Mistake("no-softmax", "there is no softmax: the scores themselves are the weights", ((NORM, "p = s"),)),
    ),
    Mistake("not-normalised", "the weights do not sum to 1: the division by the sum of a row is missing", ((NORM, "p = e"),)),
    Mistake("overflow", "the exponential of a large score is infinity: subtract each row's own maximum first", ((EXP, "e = np.exp(s)"),)),
    Mistake("softmax-twice", "the softmax is taken twice", ((NORM, "p = e / e.sum(axis=-1, keepdims=True)\n    p = np.exp(p) / np.exp(p).sum(axis=-1, keepdims=True)"),)),
    *_with_finite_mask(
        Mistake("no-exponential", "the scores are divided by their sum; the softmax takes the exponential first", ((EXP, "e = s"),)),
    ),
    Mistake("sigmoid", "each weight is a sigmoid of its score; a softmax makes the weights of a query sum to 1", ((NORM, "p = 0.5 * (np.tanh(0.5 * s) + 1)"),)),
    Mistake("hard", "only the best location is looked at (an argmax); the softmax looks at all of them, weighted",
            ((NORM, "p = (s == s.max(axis=-1, keepdims=True)).astype(s.dtype)"),)),
    Mistake("negative", "the scores have the wrong sign: the best fit gets the smallest weight", ((SCORES, "s = -q @ k.transpose(0, 2, 1) * scale"),)),
    Mistake("mask-ignored", "the mask is not used", ((MASKED, ""),)),
    Mistake("mask-turned-round", "the mask is turned round: True is where a query may look (some libraries mean by True what is hidden)",
            ((MASK, "s = np.where(mask, -np.inf, s)"),), convention=True),
    *_with_finite_mask(
        Mistake("none-hides-all", "without a mask (None) every location counts as masked; then every query may look everywhere",
                ((MASKED, "    if mask is None:\n        mask = np.zeros(s.shape, bool)\n" + MASKED),)),
    ),
    Mistake("mask-turned-round-finite", "the mask is turned round: True is where a query may look (some libraries mean by True what is hidden)",
            ((MASK, "s = np.where(mask, -1e9, s)"),), convention=True),
    Mistake("mask-turned-round-added", "the mask is turned round: True is where a query may look (some libraries mean by True what is hidden)",
            ((MASK, "s = s - 1e9 * mask"),), convention=True),
    Mistake("mask-times-score", "masked scores are set to 0 (or nearly 0), and exp(0) is 1: they still get weight; they must be -inf", ((MASK, "s = s * mask"),)),
    Mistake("mask-after", "the mask multiplies the weights after the softmax, so they no longer sum to 1; it belongs before it",
            ((MASKED, ""), (NORM, "p = e / e.sum(axis=-1, keepdims=True)\n    p = p if mask is None else p * mask"))),
    Mistake("mask-added", "the mask is added to the scores as a number, so that a masked score is lower by 1; it must be -inf", ((MASK, "s = s + mask"),)),
    Mistake("mask-plus-large", "masked scores are set to a large positive number, so masked locations get all the weight; the sign is wrong, -inf hides them",
            ((MASK, "s = np.where(mask, s, 1e9)"),)),
    Mistake("mask-nan", "the mask is made with -inf * mask or 0 * inf, and 0 times infinity is NaN; choose with np.where instead",
            ((MASK, "s = s + ~mask * -np.inf"),)),
    Mistake("mask-in-mean", "the mask reaches y but not p: the weights that are returned are those before masking",
            ((MEAN, "y = p @ v\n    f = np.exp(q @ k.transpose(0, 2, 1) * scale - (q @ k.transpose(0, 2, 1) * scale).max(axis=-1, keepdims=True))\n"
              "    p = f / f.sum(axis=-1, keepdims=True)"),)),
    Mistake("mask-values", "the mask is used on y (or on the values) only; it belongs on the scores, before the softmax",
            ((MASKED, ""), (MEAN, "y = (p if mask is None else p * mask) @ v"))),
    Mistake("one-mask-for-all", "the mask of the first row of the batch is used for all", ((MASK, "s = np.where(mask if mask.ndim < 3 else mask[:1], s, -np.inf)"),)),
    Mistake("strictly-causal", "under the causal mask a step looks one too far or cannot see itself: the mask is shifted",
            ((MASK, "s = np.where(mask if mask.ndim > 2 else np.tril(np.ones(mask.shape, bool), 1), s, -np.inf)"),)),
    Mistake("always-causal", "a causal mask is put on though none was asked for; use the mask that comes in", ((MASKED, MASKED + "    s = np.where(np.tril(np.ones(s.shape[1:], bool)), s, -np.inf)\n"),)),
    Mistake("none-is-causal", "without a mask (None) a causal one is put on; then every query may look everywhere",
            ((MASKED, "    if mask is None:\n        s = np.where(np.tril(np.ones(s.shape[1:], bool)), s, -np.inf)\n    if mask is not None:\n        " + MASK + "\n"),)),
    Mistake("small-mask", "masked scores are lowered too little: they still get weight; -inf is what hides them", ((MASK, "s = np.where(mask, s, -10.0)"),)),
    Mistake("minus-1e3", "masked scores are a fixed number, -1000; other scores can be lower still. -inf is below all of them", ((MASK, "s = np.where(mask, s, -1e3)"),)),
    Mistake("values-for-keys", "the scores are made with v; queries are compared with the keys k", ((SCORES, "s = q @ v.transpose(0, 2, 1) * scale"),)),
    Mistake("keys-for-values", "y is a mean of the keys; it is a mean of the values v", ((MEAN, "y = p @ k"),)),
    Mistake("keys-with-keys", "keys are compared with keys; the queries q ask", ((SCORES, "s = k @ k.transpose(0, 2, 1) * scale"),)),
    Mistake("queries-with-queries", "queries are compared with queries; they are compared with the keys", ((SCORES, "s = q @ q.transpose(0, 2, 1) * scale"),)),
    Mistake("not-transposed", "k is not transposed: the scores are dot products of queries and keys, over their features", ((SCORES, "s = q @ k * scale"),)),
    Mistake("reshaped", "k is reshaped to (N, A, L), which mixes locations and features; exchange the two axes instead",
            ((SCORES, "s = q @ k.reshape(len(k), k.shape[2], k.shape[1]) * scale"),)),
    Mistake("p-transposed", "p is transposed where y is made: each query takes its own row of weights", ((MEAN, "y = p.transpose(0, 2, 1) @ v"),)),
    *_with_finite_mask(
        Mistake("s-for-p", "y is made from the scores; it is made from the weights, behind the softmax", ((MEAN, "y = s @ v"),)),
    ),
    Mistake("mean-divided", "y is divided by L; the weights already sum to 1", ((MEAN, "y = p @ v / k.shape[1]"),)),
    Mistake("y-plus-q", "the query is added to y; y is the weighted mean alone", ((MEAN, "y = p @ v + q"),)),
    Mistake("exchanged", "y and p are exchanged: the result is ((y, p), cache)", (("return (y, p), ", "return (p, y), "),)),
    Mistake("p-missing", "the weights p are not returned: the result is ((y, p), cache)", (("return (y, p), ", "return y, "),)),
    Mistake("three-results", "y, p and the cache stand side by side; the result is ((y, p), cache)", (("return (y, p), ", "return y, p, "),)),
    Mistake("scores-returned", "the scores are returned where the weights p belong", (("return (y, p), ", "return (y, q @ k.transpose(0, 2, 1) * scale), "),)),
    Mistake("logs-returned", "the logs of the weights are returned where the weights p belong", (("return (y, p), ", "return (y, np.log(p)), "),)),
)  # fmt: skip

DV = "dv = p.transpose(0, 2, 1) @ dy"
DP = "dp = dy @ v.transpose(0, 2, 1)"
OUTSIDE = "    if dp_outside is not None:\n        dp = dp + dp_outside\n"
DS = "ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))"
DQ = "dq = ds @ k * scale"
DK = "dk = ds.transpose(0, 2, 1) @ q * scale"

BACKWARD = (
    Mistake("dp-outside-ignored", "the dp that came from outside is not used: the weights have two readers, y and whoever reads p", ((OUTSIDE, ""),)),
    Mistake("dp-outside-only", "the dp from outside replaces the one from y; both are added", ((OUTSIDE, OUTSIDE.replace("dp + dp_outside", "dp_outside")),)),
    Mistake("dp-outside-minus", "the dp from outside is subtracted; the two gradients of p add up", ((OUTSIDE, OUTSIDE.replace("dp + dp_outside", "dp - dp_outside")),)),
    Mistake("dp-outside-late", "the dp from outside is added after the softmax; it is a gradient of p, so it goes through the softmax too",
            ((OUTSIDE, ""), (DS, DS + "\n    ds = ds if dp_outside is None else ds + dp_outside"))),
    Mistake("dp-None", "dp may be None, when nobody reads the weights; then only y's part counts", ((OUTSIDE, "    dp = dp + dp_outside\n"),)),
    Mistake("dv-with-dp", "dv gets a part from dp; v reaches only y", ((DV, DV + " + (0 if dp_outside is None else dp_outside.transpose(0, 2, 1) @ dy)"),)),
    Mistake("no-softmax", "the softmax is not undone: dq and dk use dp where ds belongs", ((DS, "ds = dp"),)),
    Mistake("softmax-diagonal", "p * (1 - p) is only the diagonal of the softmax's derivative: a score moves all weights of its row",
            ((DS, "ds = dp * p * (1 - p)"),)),
    Mistake("softmax-p-dp", "the mean of dp is missing in the softmax: because the weights of a row sum to 1, each row of ds sums to 0", ((DS, "ds = p * dp"),)),
    Mistake("softmax-plain-mean", "the plain mean of dp is subtracted; the mean has the weights p", ((DS, "ds = p * (dp - dp.mean(axis=-1, keepdims=True))"),)),
    Mistake("softmax-plain-sum", "the sum of dp is subtracted; it is the sum of p * dp", ((DS, "ds = p * (dp - dp.sum(axis=-1, keepdims=True))"),)),
    Mistake("softmax-p-missing", "the factor p in front is missing in the softmax", ((DS, "ds = dp - (dp * p).sum(axis=-1, keepdims=True)"),)),
    Mistake("softmax-second-p-missing", "the subtracted term lacks the factor p: p multiplies the whole difference", ((DS, "ds = p * dp - (dp * p).sum(axis=-1, keepdims=True)"),)),
    Mistake("softmax-plus", "the weighted sum is added; it is subtracted", ((DS, "ds = p * (dp + (dp * p).sum(axis=-1, keepdims=True))"),)),
    Mistake("softmax-sign", "the softmax's derivative has the wrong sign", ((DS, "ds = p * ((dp * p).sum(axis=-1, keepdims=True) - dp)"),)),
    Mistake("softmax-over-queries", "the sum in the softmax runs over the queries; it runs over the locations, as the softmax did",
            ((DS, "ds = p * (dp - (dp * p).sum(axis=1, keepdims=True))"),)),
    Mistake("softmax-over-all", "the sum in the softmax runs over the whole array; it runs over the locations of each query", ((DS, "ds = p * (dp - (dp * p).sum())"),)),
    Mistake("softmax-mean-of-product", "the mean of p * dp is subtracted; it is the sum", ((DS, "ds = p * (dp - (dp * p).mean(axis=-1, keepdims=True))"),)),
    Mistake("softmax-cross-entropy", "dp - p is cross-entropy's way; here the softmax is undone for any dp", ((DS, "ds = p - dp"),)),
    Mistake("softmax-tanh", "the derivative is that of tanh; the weights come from a softmax", ((DS, "ds = dp * (1 - p**2)"),)),
    Mistake("scale-missing", "the factor 1 / sqrt(A) is missing in dq and dk: it stands in the scores", ((DQ, "dq = ds @ k"), (DK, "dk = ds.transpose(0, 2, 1) @ q"))),
    Mistake("scale-missing-dq", "the factor 1 / sqrt(A) is missing in dq", ((DQ, "dq = ds @ k"),)),
    Mistake("scale-missing-dk", "the factor 1 / sqrt(A) is missing in dk", ((DK, "dk = ds.transpose(0, 2, 1) @ q"),)),
    Mistake("scale-twice", "the factor 1 / sqrt(A) stands twice, so dq and dk are divided by A; the scores have it once", ((DQ, "dq = ds @ k * scale**2"), (DK, "dk = ds.transpose(0, 2, 1) @ q * scale**2"))),
    Mistake("scale-inverse", "dq and dk are multiplied by sqrt(A); they are divided by it", ((DQ, "dq = ds @ k / scale"), (DK, "dk = ds.transpose(0, 2, 1) @ q / scale"))),
    Mistake("scale-on-dv", "dv has the factor 1 / sqrt(A); the scale stands only in the scores", ((DV, DV + " * scale"),)),
    Mistake("dk-not-transposed", "ds is not transposed in dk: each key adds up over the queries that read it", ((DK, "dk = ds @ q * scale"),)),
    Mistake("dq-transposed", "ds is transposed in dq; each query adds up over the keys that it read", ((DQ, "dq = ds.transpose(0, 2, 1) @ k * scale"),)),
    Mistake("dv-not-transposed", "p is not transposed in dv: each value adds up over the queries that read it", ((DV, "dv = p @ dy"),)),
    Mistake("dv-reshaped", "p is reshaped in dv, which mixes queries and locations; exchange the two axes instead",
            ((DV, "dv = p.reshape(len(p), p.shape[2], p.shape[1]) @ dy"),)),
    Mistake("dk-reshaped", "ds is reshaped in dk, which mixes queries and locations; exchange the two axes instead",
            ((DK, "dk = ds.reshape(len(p), p.shape[2], p.shape[1]) @ q * scale"),)),
    Mistake("v-not-transposed", "v is not transposed on the way from dy to dp", ((DP, "dp = dy @ v"),)),
    Mistake("dp-with-k", "dp is made with the keys; the weights were multiplied by the values v", ((DP, "dp = dy @ k.transpose(0, 2, 1)"),)),
    Mistake("dq-with-q", "dq uses q; the other factor in the scores is k", ((DQ, "dq = ds @ q * scale"),)),
    Mistake("dk-with-k", "dk uses k; the other factor in the scores is q", ((DK, "dk = ds.transpose(0, 2, 1) @ k * scale"),)),
    Mistake("dq-with-v", "dq uses the values; the queries were compared with the keys", ((DQ, "dq = ds @ v * scale"),)),
    Mistake("dv-with-ds", "dv uses ds; the values were multiplied by the weights p", ((DV, "dv = p.transpose(0, 2, 1) @ dy"), (DK, DK + "\n    dv = ds.transpose(0, 2, 1) @ dy"))),
    Mistake("dv-is-dy", "dv is dy spread over the locations without the weights", ((DV, "dv = np.ones_like(p).transpose(0, 2, 1) @ dy"),)),
    Mistake("dk-from-p", "dk uses p where ds belongs", ((DK, "dk = p.transpose(0, 2, 1) @ q * scale"),)),
    Mistake("dq-from-p", "dq uses p where ds belongs", ((DQ, "dq = p @ k * scale"),)),
    Mistake("dq-zero", "dq is 0: nothing reaches the queries", ((DQ, "dq = 0 * q"),)),
    Mistake("dk-zero", "dk is 0: nothing reaches the keys", ((DK, "dk = 0 * k"),)),
    Mistake("dv-mean", "dv is divided by T; a value is read by all queries, and their gradients add up", ((DV, DV + " / q.shape[1]"),)),
    Mistake("dq-through-dp", "dq uses dp; the softmax has to be undone first, as for dk", ((DQ, "dq = dp @ k * scale"),)),
    Mistake("dk-through-dp", "dk uses dp; the softmax has to be undone first, as for dq", ((DK, "dk = dp.transpose(0, 2, 1) @ q * scale"),)),
    Mistake("dk-mean", "dk and dv are divided by T; a key and a value are read by all queries, and their gradients add up",
            ((DK, DK + " / q.shape[1]"), (DV, DV + " / q.shape[1]"))),
    Mistake("swapped-qk", "dq and dk are exchanged: the order is dq, dk, dv", (("return dq, dk, dv, None", "return dk, dq, dv, None"),)),
    Mistake("swapped-kv", "dk and dv are exchanged: the order is dq, dk, dv", (("return dq, dk, dv, None", "return dq, dv, dk, None"),)),
    Mistake("swapped-all", "the order is turned round: dq, dk, dv as in the arguments", (("return dq, dk, dv, None", "return dv, dk, dq, None"),)),
    Mistake("mask-left-out", "the fourth gradient is missing: the mask is an argument too, and its gradient is None", (("return dq, dk, dv, None", "return dq, dk, dv"),)),
)  # fmt: skip
