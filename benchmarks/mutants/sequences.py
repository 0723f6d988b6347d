"""Mistakes in what surrounds the recurrent cells: both directions, embedding, affine over time, loss, attention."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

CONCAT = "h = np.concatenate([ahead.h, _take(back.h, order)], axis=2)"
HALVES = "dh_ahead, dh_back = np.split(dout.h, 2, axis=2)"
BOTH = "dx = dx_ahead + _take(dx_back, order)"

BIDIRECTIONAL = mutants(
    "bidirectional",
    "unroll.py",
    {
        "what the backward reader says stays reversed": {
            CONCAT: CONCAT.replace("_take(back.h, order)", "back.h"),
            "empty._replace(h=_take(dh_back, order))": "empty._replace(h=dh_back)",
        },
        "the backward reader reads forward": {
            "reader.forward(_take(x, order), state.back": "reader.forward(x, state.back",
            BOTH: "dx = dx_ahead + dx_back",
        },
        "dx of the backward reader stays reversed": {BOTH: "dx = dx_ahead + dx_back"},
        "dx of the forward reader alone": {BOTH: "dx = dx_ahead"},
        "the halves of dh exchanged": {HALVES: HALVES.replace("dh_ahead, dh_back", "dh_back, dh_ahead")},
        "the halves of h exchanged": {
            CONCAT: "h = np.concatenate([_take(back.h, order), ahead.h], axis=2)",
            HALVES: HALVES.replace("dh_ahead, dh_back", "dh_back, dh_ahead"),
        },
        "h is the sum of both": {CONCAT: "h = ahead.h + _take(back.h, order)", HALVES: "dh_ahead = dh_back = dout.h"},
        "rows reversed together with their padding": {"x.shape[1], lengths)\n": "x.shape[1], None)\n"},
    },
)

ZEROS = "dW = np.zeros(shape, dtype=dy.dtype)"
ADD = "np.add.at(dW, ids, dy)"

EMBEDDING = mutants(
    "embedding",
    "functional/embedding.py",
    {
        "gradient of a repeated id divided by its count": {
            ADD: f"{ADD}\n    count = np.bincount(ids.ravel(), minlength=len(dW))\n"
            "    dW /= np.maximum(count, 1).reshape(-1, *[1] * (dW.ndim - 1))"
        },
        "dW divided by N": {ADD: "np.add.at(dW, ids, dy / len(ids))"},
        "dW only as large as the largest id": {ZEROS: "dW = np.zeros((ids.max() + 1, *shape[1:]), dtype=dy.dtype)"},
        "dW goes on adding up over calls": {
            "return W[ids], (ids, W.shape)": "return W[ids], (ids, np.zeros_like(W))",
            f"ids, shape = cache\n    {ZEROS}": "ids, dW = cache",
        },
    },
)

Y = "y = x @ W + b\n    return"
DW = "dW = rows.T @ drows"
DB = "db = drows.sum(axis=0)"

TEMPORAL_AFFINE = mutants(
    "affine over time",
    "functional/affine.py",
    {
        "db summed over the first axis only": {DB: "db = dy.sum(axis=0)"},
        "db is the mean over rows and steps": {DB: "db = drows.mean(axis=0)"},
        "dW of the last step": {DW: f"dW = x[:, -1].T @ dy[:, -1] if x.ndim == 3 else {DW[5:]}"},
        "dW divided by N": {DW: f"{DW} / len(x)"},
        "rows taken for steps when unfolding": {
            Y: "y = x @ W + b\n"
            "    y = y if y.ndim != 3 else y.reshape(*y.shape[1::-1], y.shape[2]).transpose(1, 0, 2)\n    return",
            "x, W = cache\n": (
                "x, W = cache\n    dy = dy if dy.ndim != 3 else dy.transpose(1, 0, 2).reshape(dy.shape)\n"
            ),
        },
        "no bias": {Y: Y.replace(" + b", "")},
    },
)

SHIFTED = "shifted = x - x.max(axis=-1, keepdims=True)"
LOGP = "logp = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))"

LOSS_SOFTMAX = mutants(
    "cross-entropy",
    "functional/activations.py",
    {
        "one maximum for all rows subtracted": {SHIFTED: "shifted = x - x.max(initial=-np.inf)"},
        "logarithm of softmax": {LOGP: "logp = np.log(softmax_rows(x))"},
        "softmax over the first axis": {
            SHIFTED: SHIFTED.replace("axis=-1", "axis=0"),
            LOGP: LOGP.replace("axis=-1", "axis=0"),
        },
    },
)

WEIGHT = "weight = counted(logits, targets, mask)"
MEAN = "loss = -(weight * picked).sum() / total"
CACHE = "(logp, targets, weight / total)"
PROBABILITIES = "dlogits = np.exp(logp)"
SCALED = "return dlogits * (dloss * share)[..., None], None, None"

LOSS = mutants(
    "cross-entropy",
    "functional/losses.py",
    {
        "gradient not masked": {CACHE: "(logp, targets, np.ones_like(weight) / total)"},
        "mask ignored": {WEIGHT: "weight = counted(logits, targets, None)"},
        "divided by N T instead of the mask's sum": {MEAN: f"total = logits.dtype.type(weight.size)\n    {MEAN}"},
        "gradient not divided": {CACHE: "(logp, targets, weight)"},
        "gradient is the probability": {"at_target - 1": "at_target"},
        "gradient negated": {SCALED: SCALED.replace("dlogits", "-dlogits")},
        "gradient at the target alone": {
            PROBABILITIES: "dlogits = np.zeros_like(logp)",
            "np.take_along_axis(dlogits, ": "np.take_along_axis(np.exp(logp), ",
        },
        "column of weights times row of losses": {
            MEAN: "loss = -(weight.reshape(-1, 1) * picked.reshape(-1)).mean(axis=1).sum() / total"
        },
    },
)

SOFTMAX = "p = softmax_rows(_masked(s, mask))  # (2)"
SOFTMAX_BACK = "p * (dp - (dp * p).sum(axis=-1, keepdims=True))"
DQ_DK = "dq, dk = ds @ k * scale, ds.transpose(0, 2, 1) @ q * scale  # (1)"

ATTENTION = mutants(
    "attention",
    "functional/attention.py",
    {
        "scaled by 1 / A": {"1 / float(np.sqrt(q.shape[2]))": "1 / float(q.shape[2])"},
        "softmax over queries": {
            SOFTMAX: "p = softmax_rows(_masked(s, mask).transpose(0, 2, 1)).transpose(0, 2, 1)",
            SOFTMAX_BACK: SOFTMAX_BACK.replace("axis=-1", "axis=1"),
        },
        "score times mask": {
            "np.where(mask, s, np.array(-np.inf, dtype=s.dtype))": "s * mask",
            "(q, k, v, p, scale)  # (3)": "(q, k, v, p, scale, mask)",
            "q, k, v, p, scale = cache": "q, k, v, p, scale, mask = cache",
            DQ_DK: f"ds = ds if mask is None else ds * mask\n    {DQ_DK}",
        },
        "the causal mask shows one step of the future": {"dtype=bool))\n": "dtype=bool), k=1)\n"},
        "derivative of softmax is p (1 - p)": {SOFTMAX_BACK: "dp * p * (1 - p)"},
        "derivative of softmax is p": {SOFTMAX_BACK: "p * dp"},
        "dk = ds q without transposing": {DQ_DK: DQ_DK.replace("ds.transpose(0, 2, 1) @ q", "ds @ q")},
        "dv = p dy without transposing": {"dv = p.transpose(0, 2, 1) @ dy  # (3)": "dv = p @ dy"},
    },
)

MUTANTS = BIDIRECTIONAL + EMBEDDING + TEMPORAL_AFFINE + LOSS_SOFTMAX + LOSS + ATTENTION
