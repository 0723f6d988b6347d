"""Mistakes in the losses of boxes and masks."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

STABLE = "each = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))"
BINARY = "return (logistic(logits) - targets) * (dloss * share), None, None"
NEAR = "np.where(near, d**2 / (2 * beta), np.abs(d) - beta / 2)"
SMOOTH = "return np.where(near, d / beta, np.sign(d)) * (dloss * share), None, None"

MUTANTS = [
    *mutants(
        "binary cross-entropy",
        "functional/losses.py",
        {
            "logits taken for probabilities": {BINARY: BINARY.replace("logistic(logits)", "logits")},
            "gradient not divided by the weights": {BINARY: BINARY.replace("(dloss * share)", "dloss")},
            "gradient the other way": {
                BINARY: BINARY.replace("logistic(logits) - targets", "targets - logistic(logits)")
            },
            "upstream gradient dropped": {BINARY: BINARY.replace("(dloss * share)", "share")},
            "overflows for large logits": {STABLE: "each = np.log(1 + np.exp(logits)) - logits * targets"},
            "the negative logits' part forgotten, in both passes": {
                STABLE: "each = np.maximum(logits, 0) - logits * targets",
                BINARY: "return ((logits > 0) - targets) * (dloss * share), None, None",
            },
        },
    ),
    *mutants(
        "smooth L1",
        "functional/losses.py",
        {
            "squared everywhere, in both passes": {
                NEAR: "d**2 / (2 * beta)",
                SMOOTH: "return d / beta * (dloss * share), None, None",
            },
            "the forms do not meet": {NEAR: NEAR.replace(" - beta / 2", "")},
            "not divided by beta, in both passes": {
                NEAR: NEAR.replace("d**2 / (2 * beta)", "d**2 / 2"),
                SMOOTH: SMOOTH.replace("d / beta", "d"),
            },
            "slope without its sign": {SMOOTH: SMOOTH.replace("np.sign(d)", "1.0")},
            "gradient not divided by the weights": {SMOOTH: SMOOTH.replace("(dloss * share)", "dloss")},
        },
    ),
]
