"""Mistakes in the fast twins of the loss, the embedding, the affine map and Adam."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

SHARE = "share = (weight / total).reshape(-1)"
BEHIND = "dscores * dloss if dloss != 1 else dscores"

LOSSES = mutants(
    "fast cross-entropy",
    "fast/losses.py",
    {
        "mean over masked rows too": {SHARE: "share = (weight / weight.dtype.type(weight.size)).reshape(-1)"},
        "weights as booleans": {SHARE: "share = (np.sign(weight) / np.sign(weight).sum()).reshape(-1)"},
        "loss of the last block": {"loss += share": "loss = share"},
        "targets not compacted as the rows are": {"right[rows]": "right[first : first + height]"},
        "one subtracted at the target, not its share": {"p[at_target] -= share[rows]": "p[at_target] -= 1"},
        "shifted by the largest score of the block": {".max(axis=1, keepdims=True)": ".max()"},
        "dloss ignored": {BEHIND: "dscores"},
        "dloss multiplied into the cache": {BEHIND: "np.multiply(dscores, dloss, out=dscores)"},
        "rows left out that fill no block": {
            "range(0, len(counts), height)": "range(0, max(1, len(counts) - height + 1), height)"
        },
        "gradient of masked rows is what memory held": {"dlogits = np.zeros(": "dlogits = 7 + np.zeros("},
    },
)

ADDED = "np.add.reduceat(dy.reshape(-1, *shape[1:])[order], first, axis=0)"

EMBEDDING = mutants(
    "fast embedding",
    "fast/embedding.py",
    {
        "gradient of the first of a repeated id": {ADDED: "dy.reshape(-1, *shape[1:])[order][first]"},
        "id 0 never begins": {"prepend=-1": "prepend=0"},
        "last id without its gradient": {
            ADDED: f"{ADDED} * (ordered[first] < len(dW) - 1).reshape(-1, *[1] * (dy.ndim - ids.ndim))"
        },
        "dy not sorted with the ids": {"[order], first": ", first"},
        "dW always in float64": {"np.zeros(shape, dy.dtype)": "np.zeros(shape)"},
    },
)

AFFINE = mutants(
    "fast affine",
    "fast/affine.py",
    {
        "db of the first rows": {"column_sums(drows)": "column_sums(drows[: shape[0]])"},
        "dW of the first axis": {"rows.T @ drows": "rows[: shape[0]].T @ drows[: shape[0]]"},
        "bias goes into x where W is square": {
            "y = rows @ params.W": "y = np.matmul(rows, params.W, out=rows if params.W.shape[0] == params.W.shape[1] else None)",
            "from typing import Any\n": "from typing import Any\n\nimport numpy as np\n",
        },
    },
)

BLOCKED = "for first in range(0, len(w), BLOCK):"

ADAM = mutants(
    "fast adam",
    "fast/optim.py",
    {
        "counts steps from 0": {"t = int(state.step) + 1": "t = max(1, int(state.step))"},
        "bias correction of m and v exchanged": {
            "np.sqrt(1 - beta2**t)": "np.sqrt(1 - beta1**t)",
            "/ (1 - beta1**t)": "/ (1 - beta2**t)",
        },
        "eps not scaled by the root": {"eps * root, 1": "eps, 1"},
        "eps inside the root": {"np.sqrt(v_new, out=a)\n        a += small": "np.sqrt(v_new + small * small, out=a)"},
        "state written in place": {
            "w, m, v = (np.empty_like(w0) for _ in range(3))": "w, m, v = np.empty_like(w0), m0, v0"
        },
        "weights written in place": {
            "w, m, v = (np.empty_like(w0) for _ in range(3))": "w, m, v = w0, np.empty_like(w0), np.empty_like(w0)"
        },
        "gradient written in place": {"g = np.add(g, b, out=b)": "g += b"},
        "AdamW decays inside the gradient too": {
            "inside=0.0, shrink=weight_decay": "inside=weight_decay, shrink=weight_decay"
        },
        "decay of the first block": {
            "np.multiply(w0[part], inside, out=b)": "np.multiply(w0[part], inside * (first == 0), out=b)"
        },
        "values left out that fill no block": {BLOCKED: "for first in range(0, max(1, len(w) - BLOCK + 1), BLOCK):"},
        "a tree in another order taken for the flat array": {
            ' or leaf.__array_interface__["data"][0] != place': "",
        },
        "parts of a flat array taken for all of it": {" and base.size == sum(leaf.size for leaf in leaves)": ""},
        "transposed leaves read in memory order": {" or not leaf.flags.c_contiguous": ""},
        "weights lie in scratch": {
            "w, m, v = (np.empty_like(w0) for _ in range(3))": 'w, m, v = scratch("w", w0.shape, w0.dtype), np.empty_like(w0), np.empty_like(w0)'
        },
    },
)

MUTANTS = LOSSES + EMBEDDING + AFFINE + ADAM
