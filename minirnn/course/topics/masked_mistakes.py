"""Mistakes in cross-entropy with a mask that are known by name."""

from __future__ import annotations

from minirnn.course.exercise import Mistake

WEIGHT = "weight = np.ones(targets.shape, logits.dtype) if mask is None else mask.astype(logits.dtype)"
SHARE = "share = weight / weight.sum()"
SHIFT = "shifted = logits - logits.max(axis=-1, keepdims=True)"
LOGP = "logp = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))"
PICK = "picked = np.take_along_axis(logp, targets[..., None], axis=-1)[..., 0]"
LOSS = "loss = -(share * picked).sum()"


def _broadcast() -> tuple[Mistake, ...]:
    """Every weight meets every loss; with each of the usual divisions."""
    return tuple(
        Mistake(f"places-multiplied{key}", "mask and losses have shapes that broadcast, (..., 1) against (...): every weight meets every loss. Both must have "
                "one shape",
                ((LOSS, f"loss = -(weight.reshape(-1, 1) * picked.reshape(-1)).sum() / {by}"),))
        for key, by in (("", "weight.sum()"), ("-over-N", "len(weight)"), ("-over-places", "weight.size"), ("-mean", "weight.size**2"))
    )  # fmt: skip


def _cut_off() -> tuple[Mistake, ...]:
    """The log of a probability that has been kept away from 0, by a number of the usual sizes."""
    return tuple(
        Mistake(f"log-cut-off-{tiny}", "a tiny number is added inside the log, or probabilities are clipped before it: the loss of an improbable "
                "target is cut off. Use log-sum-exp: the logit minus the log of the sum",
                ((LOGP, f"logp = np.log(np.exp(shifted) / np.exp(shifted).sum(axis=-1, keepdims=True) + {tiny})"),))
        for tiny in ("1e-7", "1e-8", "1e-9", "1e-10", "1e-12", "1e-15", "1e-16", "1e-20", "1e-30", "1e-300", "np.finfo(float).eps")
    )  # fmt: skip


FORWARD = (
    Mistake("over-N", "the loss is divided by N (the first axis), as in CS231n; here it is divided by the sum of the mask",
            ((SHARE, "share = weight / len(weight)"),), convention=True),
    Mistake("over-all-places", "the loss is divided by all places, N * T, padding too; here it is divided by the sum of the mask",
            ((SHARE, "share = weight / weight.size"),), convention=True),
    Mistake("over-T", "the loss is divided by T, the last axis of the targets; here it is divided by the sum of the mask", ((SHARE, "share = weight / weight.shape[-1]"),), convention=True),
    Mistake("summed", "the losses are added up and not divided; here they are divided by the sum of the mask", ((SHARE, "share = weight"),), convention=True),
    Mistake("over-NTV", "the loss is divided by all values of the logits, N * T * V; it is divided by the sum of the mask", ((SHARE, "share = weight / logits.size"),)),
    Mistake("over-places-that-count", "the loss is divided by the number of places that count; with weights it is divided by their sum",
            ((SHARE, "share = weight / (weight > 0).sum()"),), convention=True),
    Mistake("sum-plus-one", "the division is by the sum of the mask plus 1", ((SHARE, "share = weight / (1 + weight.sum())"),)),
    Mistake("mean-of-means", "each row's mean is taken first, and then the mean of those: long and short captions count the same. Here every counted word "
            "does: one sum, one division by the sum of the mask",
            ((SHARE, "share = weight / np.maximum(weight.sum(axis=-1, keepdims=True), 1e-30) / (len(weight) if weight.ndim > 1 else 1)"),), convention=True),
    Mistake("sum-of-means", "each row is divided by its own number of words and the rows are added up; here there is one division, by the sum of the whole mask",
            ((SHARE, "share = weight / np.maximum(weight.sum(axis=-1, keepdims=True), 1e-30)"),)),
    Mistake("mask-ignored", "the mask is not used (or it broadcasts, (..., 1) against (...), so that every weight meets every loss): padding is counted as if it were words", ((WEIGHT, "weight = np.ones(targets.shape, logits.dtype)"),)),
    Mistake("mask-only-in-division", "the mask is used in the division only: padding still adds to the sum",
            ((SHARE, "share = np.ones_like(weight) / weight.sum()"),)),
    Mistake("mask-turned-round", "the mask is turned round: it is 1 where a word counts", ((WEIGHT, "weight = np.ones(targets.shape, logits.dtype) if mask is None else 1 - mask.astype(logits.dtype)"),)),
    Mistake("weights-as-booleans", "weights are used as if they were booleans; a weight of 0.5 counts half",
            ((WEIGHT, "weight = np.ones(targets.shape, logits.dtype) if mask is None else (mask > 0).astype(logits.dtype)"),)),
    Mistake("weights-cut", "weights below 1 become 0: they are turned into integers on the way", ((WEIGHT, "weight = np.ones(targets.shape, logits.dtype) if mask is None else mask.astype(int).astype(logits.dtype)"),)),
    Mistake("weights-squared", "the mask is multiplied twice, so weights are squared; once is enough", ((LOSS, "loss = -(weight * share * picked).sum()"),)),
    Mistake("mask-on-logits", "the mask multiplies the logits; a row of zeros still has a loss of log(V). It multiplies each place's loss",
            ((SHIFT, "shifted = logits * weight[..., None]\n    shifted = shifted - shifted.max(axis=-1, keepdims=True)"), (SHARE, "share = np.ones_like(weight) / weight.sum()"))),
    Mistake("mask-on-logits-mean", "the mask multiplies the logits and the mean is over all places; a row of zeros still has a loss of log(V)",
            ((SHIFT, "shifted = logits * weight[..., None]\n    shifted = shifted - shifted.max(axis=-1, keepdims=True)"), (SHARE, "share = np.ones_like(weight) / weight.size"))),
    Mistake("pad-target", "places whose target is 0 are left out; the mask says what counts, whatever the target is",
            ((WEIGHT, WEIGHT + " * (targets > 0)".replace(" *", "\n    weight = weight *")),)),
    Mistake("none-is-nothing", "without a mask (None) nothing is counted, or the function fails; then every place counts", ((WEIGHT, "weight = mask.astype(logits.dtype)"),)),
    Mistake("none-divided-by-N", "without a mask (None) the loss is divided by N; then every place counts, and it is divided by how many there are",
            ((SHARE, "share = weight / (len(weight) if mask is None else weight.sum())"),), convention=True),
    Mistake("none-not-divided", "without a mask (None) the loss is not divided; then every place counts, and it is divided by how many there are",
            ((SHARE, "share = weight / (1 if mask is None else weight.sum())"),), convention=True),
    Mistake("sign", "the sign is missing: the loss is *minus* the log of the probability", ((LOSS, "loss = (share * picked).sum()"),)),
    Mistake("overflow", "the exponential of a large logit is infinity: subtract each row's own maximum first", ((SHIFT, "shifted = logits"),)),
    Mistake("overflow-two-steps", "the exponential of a large logit is infinity, and the log is taken of a probability that may have become 0: "
            "subtract each row's own maximum and use log-sum-exp",
            ((LOGP, "logp = np.log(np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True))"),)),
    Mistake("one-maximum", "one maximum is subtracted everywhere; rows far below it underflow. Each row has its own maximum", ((SHIFT, "shifted = logits - logits.max()"),)),
    Mistake("log-of-zero", "the log is taken of a probability that may have underflowed to 0; use log-sum-exp: the logit minus the log of the sum",
            ((LOGP, "logp = np.log(np.exp(shifted) / np.exp(shifted).sum(axis=-1, keepdims=True))"),)),
    *_cut_off(),
    Mistake("softmax-axis", "the softmax runs over the wrong axis; it runs over the words, the last one",
            ((SHIFT, "shifted = logits - logits.max(axis=-2, keepdims=True)"), (LOGP, "logp = shifted - np.log(np.exp(shifted).sum(axis=-2, keepdims=True))"))),
    Mistake("softmax-batch", "the softmax runs over the batch; it runs over the words, the last axis",
            ((SHIFT, "shifted = logits - logits.max(axis=0, keepdims=True)"), (LOGP, "logp = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))"))),
    Mistake("no-log", "the log is missing: minus the probability is no loss", ((PICK, "picked = np.exp(np.take_along_axis(logp, targets[..., None], axis=-1)[..., 0])"),)),
    Mistake("no-softmax", "the logits are used as they are; log softmax comes first", ((LOGP, "logp = logits"),)),
    Mistake("no-log-sum", "the log of the sum is missing: the logit minus the maximum is not yet a log probability", ((LOGP, "logp = shifted"),)),
    Mistake("log2", "the log is to base 2 (bits); the natural log (nats) is asked for", ((LOSS, "loss = -(share * picked).sum() / float(np.log(2))"),), convention=True),
    Mistake("perplexity", "exp(loss) is returned; the loss itself is asked for", ((LOSS, "loss = np.exp(-(share * picked).sum())"),)),
    Mistake("all-words", "the log probabilities of all words are added up; only that of the target counts", ((PICK, "picked = logp.sum(axis=-1)"),)),
    Mistake("best-word", "the most probable word is taken; the target's probability counts", ((PICK, "picked = logp.max(axis=-1)"),)),
    Mistake("binary", "the other words' log(1 - p) is added, as in binary cross-entropy; only the target's log probability counts",
            ((PICK, PICK + "\n    picked = picked + np.log(1 - np.exp(logp)).sum(axis=-1) - np.log(1 - np.exp(picked))"),)),
    Mistake("target-off", "the targets are off by one: they count from 0", ((PICK, "picked = np.take_along_axis(logp, targets[..., None] - 1, axis=-1)[..., 0]"),)),
    Mistake("target-next", "the target of the next step is used; inputs and targets are already one step apart",
            ((PICK, "targets = np.roll(targets, -1, axis=-1)\n    " + PICK),)),
    *_broadcast(),
    Mistake("squared", "the squared error of the probabilities is taken; the loss is minus the log of the target's probability",
            ((PICK, "picked = -((np.exp(logp) - np.eye(logits.shape[-1])[targets]) ** 2).sum(axis=-1)"),)),
    Mistake("focal", "each loss is multiplied by the target's probability (an expectation); -log of the probability alone is the loss",
            ((PICK, PICK + "\n    picked = picked * np.exp(picked)"),)),
    Mistake("half", "there is a factor 1/2 as in the squared error; cross-entropy has none", ((LOSS, "loss = -0.5 * (share * picked).sum()"),)),
    Mistake("not-summed", "there is one loss for each place; the mean over all of them is asked for", ((LOSS, "loss = -picked * weight"),)),
    Mistake("row-losses", "there is one loss for each row of the batch; one number is asked for", ((LOSS, "loss = -(share * picked).sum(axis=-1)"),)),
    Mistake("no-cache", "only the loss is returned; expected the loss and the cache", (("return loss, (logp, targets, share)", "return loss"),)),
)  # fmt: skip

TARGET = "np.put_along_axis(dlogits, targets[..., None], at_target - 1, axis=-1)"
SCALE = "dlogits = dlogits * (dloss * share)[..., None]"
RETURN = "return dlogits, None, None"
# in the probes the largest weight is 1, so that the mask and its sum can be told from the shares
MASK = "share / share.max()"

BACKWARD = (
    Mistake("mask-ignored", "the mask is not used: places that do not count get a gradient too. Their weight is 0", ((SCALE, "dlogits = dlogits * dloss / share.size"),)),
    Mistake("mask-ignored-but-counted", "the gradient is divided by the number of places that count, but places that do not count are not set to 0, and weights are not used",
            ((SCALE, "dlogits = dlogits * dloss / (share > 0).sum()"),)),
    Mistake("mask-only-in-division", "the gradient is divided by the sum of the mask, but places that do not count are not set to 0", ((SCALE, "dlogits = dlogits * dloss * share.max()"),)),
    Mistake("not-divided", "the division by the sum of the mask is missing", ((SCALE, f"dlogits = dlogits * (dloss * {MASK})[..., None]"),)),
    Mistake("over-N", "the gradient is divided by N (the first axis), as in CS231n; here it is divided by the sum of the mask",
            ((SCALE, f"dlogits = dlogits * (dloss * {MASK} / len(share))[..., None]"),), convention=True),
    Mistake("over-all-places", "the gradient is divided by all places, N * T, padding too; here it is divided by the sum of the mask",
            ((SCALE, f"dlogits = dlogits * (dloss * {MASK} / share.size)[..., None]"),), convention=True),
    Mistake("over-T", "the gradient is divided by T; here it is divided by the sum of the mask", ((SCALE, f"dlogits = dlogits * (dloss * {MASK} / share.shape[-1])[..., None]"),), convention=True),
    Mistake("over-places-that-count", "the gradient is divided by the number of places that count; with weights it is divided by their sum",
            ((SCALE, f"dlogits = dlogits * (dloss * {MASK} / (share > 0).sum())[..., None]"),), convention=True),
    Mistake("divided-by-N-too", "there is a division by N besides the one by the sum of the mask", ((SCALE, "dlogits = dlogits * (dloss * share / len(share))[..., None]"),)),
    Mistake("divided-twice", "the division by the sum of the mask is made twice", ((SCALE, "dlogits = dlogits * (dloss * share * share.max())[..., None]"),)),
    Mistake("divided-by-places-too", "there is a division by the number of places besides the one by the sum of the mask", ((SCALE, "dlogits = dlogits * (dloss * share / share.size)[..., None]"),)),
    Mistake("divided-by-V", "the gradient is divided by the number of words V besides", ((SCALE, "dlogits = dlogits * (dloss * share / logp.shape[-1])[..., None]"),)),
    Mistake("weights-as-booleans", "weights are used as if they were booleans; a weight of 0.5 counts half",
            ((SCALE, "dlogits = dlogits * (dloss * (share > 0) / (share > 0).sum())[..., None].astype(logp.dtype)"),)),
    Mistake("mask-on-but-booleans", "the sum of the weights is right, but the weights themselves are used as booleans; a weight of 0.5 counts half",
            ((SCALE, "dlogits = dlogits * (dloss * (share > 0) * share.max())[..., None].astype(logp.dtype)"),)),
    Mistake("weights-squared", "the mask is multiplied twice, so weights are squared; once is enough", ((SCALE, f"dlogits = dlogits * (dloss * share * {MASK})[..., None]"),)),
    Mistake("mask-turned-round", "the mask is turned round: it is 1 where a word counts", ((SCALE, f"dlogits = dlogits * (dloss * (1 - {MASK}) * share.max())[..., None]"),)),
    Mistake("row-means", "each row is divided by its own number of words; there is one division, by the sum of the whole mask",
            ((SCALE, "dlogits = dlogits * (dloss * share / np.maximum(share.sum(axis=-1, keepdims=True), 1e-30))[..., None]"),)),
    Mistake("mean-of-means", "each row is divided by its own number of words, and then by N: long and short captions count the same. Here every counted word does",
            ((SCALE, "dlogits = dlogits * (dloss * share / np.maximum(share.sum(axis=-1, keepdims=True), 1e-30) / (len(share) if share.ndim > 1 else 1))[..., None]"),), convention=True),
    Mistake("dloss-ignored", "dloss is not used: multiply by what comes from above", ((SCALE, "dlogits = dlogits * share[..., None]"),)),
    Mistake("dloss-added", "dloss is added; it multiplies", ((SCALE, "dlogits = dlogits * share[..., None] + dloss"),)),
    Mistake("dloss-squared", "dloss is multiplied twice", ((SCALE, "dlogits = dlogits * (dloss**2 * share)[..., None]"),)),
    Mistake("dloss-divides", "dloss divides; it multiplies", ((SCALE, "dlogits = dlogits * (share / dloss)[..., None]"),)),
    Mistake("target-not-subtracted", "the 1 at the target is missing: the gradient is the probabilities minus the one-hot target", ((TARGET, ""),)),
    Mistake("target-only", "only the target's entry has a gradient; the probabilities of all other words belong to it too",
            ((TARGET, "dlogits[:] = 0\n    " + TARGET),)),
    Mistake("minus-one-hot", "the probabilities are missing: the gradient is the probabilities minus the one-hot target", ((TARGET, "dlogits[:] = 0\n    np.put_along_axis(dlogits, targets[..., None], -1, axis=-1)"),)),
    Mistake("minus-inverse-p", "-1 / p is the gradient of the probability, before the softmax is undone", ((TARGET, "dlogits[:] = 0\n    np.put_along_axis(dlogits, targets[..., None], -1 / at_target, axis=-1)"),)),
    Mistake("sign", "the sign is turned round: it is the probabilities minus the one-hot target", ((SCALE, "dlogits = -dlogits * (dloss * share)[..., None]"),)),
    Mistake("target-plus", "1 is added at the target; it is subtracted", ((TARGET, "np.put_along_axis(dlogits, targets[..., None], at_target + 1, axis=-1)"),)),
    Mistake("target-minus-dloss", "dloss is subtracted at the target where 1 belongs; dloss multiplies the whole difference",
            ((TARGET, "np.put_along_axis(dlogits, targets[..., None], at_target - dloss, axis=-1)"),)),
    Mistake("target-minus-two", "2 is subtracted at the target; 1 is", ((TARGET, "np.put_along_axis(dlogits, targets[..., None], at_target - 2, axis=-1)"),)),
    Mistake("sum-plus-one", "the division is by the sum of the mask plus 1", ((SCALE, "dlogits = dlogits * (dloss * share / (1 + share.max()))[..., None]"),)),
    Mistake("target-late", "1 is subtracted at the target after the share has been multiplied; it is subtracted before",
            ((TARGET, ""), (SCALE, SCALE + "\n    np.put_along_axis(dlogits, targets[..., None], np.take_along_axis(dlogits, targets[..., None], axis=-1) - 1, axis=-1)"))),
    Mistake("target-late-masked", "the mask and the mean reach the probabilities but not the 1 at the target, or the 1 is subtracted after the division; all of it is one product",
            ((TARGET, ""), (SCALE, SCALE + f"\n    onehot = np.eye(logp.shape[-1], dtype=logp.dtype)[targets]\n    dlogits = dlogits - onehot * ({MASK})[..., None]"))),
    Mistake("share-on-target-only", "the share of each place is multiplied on the 1 at the target only; it multiplies the whole difference",
            ((TARGET, "np.put_along_axis(dlogits, targets[..., None], at_target - share[..., None], axis=-1)"), (SCALE, "dlogits = dlogits * dloss"))),
    Mistake("not-divided-booleans", "the division by the sum of the mask is missing, and weights are used as if they were booleans",
            ((SCALE, "dlogits = dlogits * (dloss * (share > 0))[..., None].astype(logp.dtype)"),)),
    Mistake("one-everywhere", "1 is subtracted from all words; it is subtracted at the target only", ((TARGET, "dlogits = dlogits - 1"),)),
    Mistake("log-probabilities", "the log probabilities are used; the gradient has the probabilities", (("dlogits = np.exp(logp)", "dlogits = logp.copy()"),)),
    Mistake("softmax-derivative", "p * (1 - p) is multiplied besides; probabilities minus one-hot is the whole gradient already",
            ((SCALE, "dlogits = dlogits * np.exp(logp) * (1 - np.exp(logp)) * (dloss * share)[..., None]"),)),
    Mistake("target-off", "the targets are off by one: they count from 0",
            ((TARGET, "np.put_along_axis(dlogits, targets[..., None] - 1, np.take_along_axis(dlogits, targets[..., None] - 1, axis=-1) - 1, axis=-1)"),)),
    Mistake("pad-target", "places whose target is 0 get no gradient; the mask says what counts, whatever the target is",
            ((SCALE, "dlogits = dlogits * (dloss * share * (targets > 0))[..., None]"),)),
    Mistake("columns-everywhere", "1 is subtracted in the column of every target for all places (dlogits[..., targets] -= 1); each place has one target of its own",
            ((TARGET, "dlogits[..., np.unique(targets)] -= 1"),)),
    Mistake("first-places", "1 is subtracted in the wrong rows: each place needs its own target", ((TARGET, "np.put_along_axis(dlogits, targets[..., ::-1][..., None], np.take_along_axis(dlogits, targets[..., ::-1][..., None], axis=-1) - 1, axis=-1)"),)),
    Mistake("summed-over-batch", "the gradient is added up over the batch; every place has its own", ((SCALE, SCALE + "\n    dlogits = dlogits.sum(axis=0)"),)),
    Mistake("log2", "this is the gradient of a loss in bits (log to base 2); the natural log is asked for", ((SCALE, "dlogits = dlogits * (dloss * share / float(np.log(2)))[..., None]"),), convention=True),
    Mistake("flat", "dlogits has lost its shape: it has the axes of the logits", ((RETURN, "return dlogits.reshape(-1, dlogits.shape[-1]), None, None"),)),
    Mistake("dlogits-alone", "dlogits alone is returned; there is one gradient per argument: dlogits, None, None", ((RETURN, "return dlogits"),)),
    Mistake("one-tuple", "one gradient is returned; there is one per argument: dlogits, None, None", ((RETURN, "return (dlogits,)"),)),
    Mistake("mask-left-out", "the third gradient is missing: dlogits, None for the targets, None for the mask", ((RETURN, "return dlogits, None"),)),
    Mistake("zeros-for-mask", "targets and mask get zeros as their gradients; they are not differentiated, so it is None", ((RETURN, "return dlogits, np.zeros(targets.shape), np.zeros(targets.shape)"),)),
)  # fmt: skip
