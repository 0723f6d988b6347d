"""Mistakes in batch norm, layer norm and dropout."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

STD = "std = np.sqrt(var + eps)"
SCALE = "y = params.gamma * xhat + params.beta"
EVALUATE = "centred, var = rows - running.mean, running.var"
NEXT_MEAN = "momentum * running.mean + (1 - momentum) * mean"
NEXT_VAR = "momentum * running.var + (1 - momentum) * var"
MOMENTS = (  # of the batch, also of an empty one
    "mean = rows.sum(axis=0) / max(len(rows), 1)\n        var = ((rows - mean) ** 2).sum(axis=0) / max(len(rows), 1)"
)
SUMS = "dgamma, dbeta = (dy * xhat).sum(axis=0), dy.sum(axis=0)"
TERMS = "dxhat = dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)"

BATCH_NORM = mutants(
    "batch norm",
    "functional/norm.py",
    {
        "dx without the term of the mean": {TERMS: TERMS.replace(" - dxhat.mean(axis=0)", "")},
        "dx without the term of the variance": {TERMS: TERMS.replace(" - xhat * (dxhat * xhat).mean(axis=0)", "")},
        "sums instead of means in dx": {TERMS: TERMS.replace("mean", "sum")},
        "dx divided by the variance": {"return (dxhat / std).reshape": "return (dxhat / std**2).reshape"},
        "dgamma and dbeta are means": {SUMS: SUMS.replace("sum", "mean")},
        "dgamma not summed": {SUMS: SUMS.replace("(dy * xhat).sum(axis=0)", "dy * xhat")},
        "eps outside the root": {STD: "std = np.sqrt(var) + eps"},
        "no eps": {STD: "std = np.sqrt(var)"},
        "gamma times beta too": {SCALE: "y = params.gamma * (xhat + params.beta)"},
        "statistics of the batch in evaluation": {
            EVALUATE: f"{MOMENTS}\n        centred = rows - mean",
            "(xhat, std, params.gamma, training, x.shape)": "(xhat, std, params.gamma, len(rows) > 0, x.shape)",
        },
        "running statistics never move": {NEXT_MEAN: "running.mean", NEXT_VAR: "running.var"},
        "momentum as PyTorch states it": {
            NEXT_MEAN: "(1 - momentum) * running.mean + momentum * mean",
            NEXT_VAR: "(1 - momentum) * running.var + momentum * var",
        },
        "running variance holds the standard deviation": {NEXT_VAR: f"{NEXT_VAR[:-3]}np.sqrt(var)"},
        "running statistics move in evaluation": {
            EVALUATE: f"{MOMENTS}\n        moved = RunningStats({NEXT_MEAN}, {NEXT_VAR})\n"
            f"        {EVALUATE}\n        running = moved"
        },
    },
)

LAYER_DX = "dx = dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)"
LAYER_SUMS = "dgamma, dbeta = (dy * xhat).sum(axis=rows), dy.sum(axis=rows)"

LAYER_NORM = mutants(
    "layer norm",
    "functional/norm.py",
    {
        "means over rows in dx": {LAYER_DX: LAYER_DX.replace("axis=-1", "axis=0")},
        "dx without the terms of mean and variance": {LAYER_DX: "dx = dxhat"},
        "dgamma summed over features": {LAYER_SUMS: LAYER_SUMS.replace("axis=rows", "axis=-1", 1)},
        "one gradient for all of gamma": {LAYER_SUMS: LAYER_SUMS.replace("axis=rows", "", 1)},
    },
)

KEEP = "keep = (rng.random(x.shape) >= p).astype(x.dtype) / (1 - p)"

DROPOUT = mutants(
    "dropout",
    "functional/dropout.py",
    {
        "scaled by 1 / p": {KEEP: KEEP.replace("(1 - p)", "p")},
        "p is the share that stays": {KEEP: KEEP.replace(">= p", "< p")},
        "scaled in evaluation too": {"return x.copy(), None": "return x * (1 - p), np.full_like(x, 1 - p)"},
        "drops in evaluation too": {"if not training or p == 0": "if (not training and rng is None) or p == 0"},
        "another mask in the backward pass": {
            "keep = cache\n": "keep = cache if cache is None else np.random.default_rng(0).permuted(cache)\n"
        },
        "gradient masked but not scaled": {"else dy * keep": "else dy * (keep > 0)"},
    },
)

MUTANTS = BATCH_NORM + LAYER_NORM + DROPOUT
