"""Mistakes in the fast twins of sequences, loss, embedding, affine map and Adam, and in what all twins share."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

LOOP = (
    "for s in (a[:2], a[3]):\n            s *= 0.5\n            s += 0.5\n        i, f, g, o = a\n        np.multiply(f"
)
OUT = "return LSTMState(h[1:].swapaxes(0, 1), c[1:].swapaxes(0, 1))"
SUM_BACK = "np.add(back[0], back[1], out=dh)\n        dh += back[2]\n        dh += back[3]"

LSTM = mutants(
    "fast lstm",
    "fast/lstm.py",
    {
        "halving in the order i, f, o, g": {"HALVED = (0.5, 0.5, 1, 0.5)": "HALVED = (0.5, 0.5, 0.5, 1)"},
        "no halving in the weights": {"HALVED = (0.5, 0.5, 1, 0.5)": "HALVED = (1, 1, 1, 1)"},
        "g goes through the sigmoid too": {"for s in (a[:2], a[3]):": "for s in (a[:3], a[3]):"},
        "gates in the order i, f, o, g": {LOOP: LOOP.replace("i, f, g, o = a", "i, f, o, g = a")},
        "c from the first state": {"np.multiply(f, c[t], out": "np.multiply(f, c[0], out"},
        "h one step late": {OUT: OUT.replace("h[1:]", "h[:-1]")},
        "first state's c not read": {"h[0], c[0] = state": "h[0], c[0] = state.h, 0"},
        "df = dc c of this step": {"d[1] *= c[t]": "d[1] *= c[t + 1]"},
        "dc without what comes back from t + 1": {
            "dc += dstates.c[:, t]\n": "dc[...] = dstates.c[:, t]\n",
        },
        "dc handed on before the forget gate": {"        dc *= f\n": ""},
        "dh without the output gate's part": {SUM_BACK: SUM_BACK.replace("\n        dh += back[3]", "")},
        "dh adds up over the steps": {
            SUM_BACK: SUM_BACK.replace("np.add(back[0], back[1], out=dh)", "dh += back[0] + back[1]")
        },
        "derivative of g is g - g^2": {"np.subtract(1, d[2], out=d[2])": "np.subtract(g, d[2], out=d[2])"},
        "dWh from the states of this step": {"rows(h[:T]).T": "rows(h[1:]).T"},
        "dc of the outputs lost": {"if dstates.c is not None:": "if dstates.h is None:"},
        "None for dh not allowed": {"if dstates.h is not None:": "if True:"},
    },
)

RZ = "np.matmul(d[:2], Wh[:2], out=back)"

GRU = mutants(
    "fast gru",
    "fast/gru.py",
    {
        "z not halved": {"HALVED = (0.5, 0.5, 1)": "HALVED = (0.5, 1, 1)"},
        "n halved": {"HALVED = (0.5, 0.5, 1)": "HALVED = (0.5, 0.5, 0.5)"},
        "bh of n outside the reset gate": {
            "bx[:2] += bh[:2]": "bx += bh",
            "np.add(ah[2], bh[2], out=ahn[t])": "ahn[t] = ah[2]",
        },
        "bh of r and z forgotten": {"bx[:2] += bh[:2]": "pass"},
        "z and 1 - z exchanged": {
            "np.subtract(h[t], n, out=h[t + 1])  # (5) as n + z * (h_prev - n)": "np.subtract(n, h[t], out=h[t + 1])",
            "h[t + 1] += n": "h[t + 1] += h[t]",
        },
        "dbh of n is dbx": {"np.concatenate([dbx[:2], column_sums(dhn_rows)[None]])": "dbx"},
        "dWh of n without the reset gate": {"(h_rows.T @ dhn_rows)[None]": "(h_rows.T @ drows[2])[None]"},
        "what goes straight to h_prev dropped": {"        dh += through\n": ""},
        "dn without 1 - z": {"        dh -= through  # (5) (1 - z) * dh\n": ""},
        "dz from this step's h": {"np.subtract(h[t], n, out=u)": "np.subtract(h[t + 1], n, out=u)"},
        "dr from ah without bh": {
            "np.multiply(d[2], ahn[t], out=u)": "np.multiply(d[2], ahn[t] - params.bh[2 * H :], out=u)"
        },
        "dh through r only": {"np.add(back[0], back[1], out=dh)": "dh[...] = back[0]"},
    },
)

RNN = mutants(
    "fast rnn",
    "fast/rnn.py",
    {
        "tanh of the first step's state": {"np.matmul(h[t], params.Wh": "np.matmul(h[0], params.Wh"},
        "derivative from the previous state": {
            "np.multiply(h[t + 1], h[t + 1], out=da[t])": "np.multiply(h[t], h[t], out=da[t])"
        },
        "dh through Wh instead of its transpose": {
            "np.ascontiguousarray(params.Wh.T)": "np.ascontiguousarray(params.Wh)"
        },
        "dWh of the states after the step": {"rows(h[:T]).T": "rows(h[1:]).T"},
        "db of the last step": {"column_sums(rows(da))": "column_sums(da[-1])"},
        "first state not read": {"h[0] = state.h": "h[0] = 0"},
        "dh of t only": {"dh += dstates.h[:, t]": "dh[...] = dstates.h[:, t]"},
    },
)

TIME = mutants(
    "fast time",
    "fast/time.py",
    {
        "dx with batch and time exchanged": {".reshape(x.shape).swapaxes(0, 1)": ".reshape(x.shape[1], x.shape[0], D)"},
        "dx of the first gate": {"for k in range(1, len(d)):": "for k in range(1, 1):"},
        "dsame of the last step": {"total = da.sum(axis=1)": "total = da[:, -1]"},
        "what stays the same in the first step only": {
            "(np.matmul(same, Wx[:, D:]) + b[:, None])[:, None]": "b[:, None, None]",
            "    return a\n": "    if same is not None:\n        a[:, 0] += np.matmul(same, Wx[:, D:])\n    return a\n",
        },
        "no bias beside what stays the same": {
            "(np.matmul(same, Wx[:, D:]) + b[:, None])": "np.matmul(same, Wx[:, D:])"
        },
        "dWx of what changes and what does not exchanged": {
            "[dWx, np.matmul(same.T, total)], axis=1": "[np.matmul(same.T, total), dWx], axis=1"
        },
        "gates as rows of H instead of columns": {
            "np.moveaxis(w.reshape(*w.shape[:-1], gates, -1), -2, 0)": "np.moveaxis(w.reshape(*w.shape[:-1], -1, gates), -1, 0)"
        },
        "sigmoid without its shift": {"    a += 0.5\n": ""},
    },
)

SHARE = "share = (weight / total).reshape(-1)"
BEHIND = "dscores * dloss if dloss != 1 else dscores"

LOSSES = mutants(
    "fast cross-entropy",
    "fast/losses.py",
    {
        "sum instead of mean": {SHARE: "share = weight.reshape(-1)"},
        "mean over masked rows too": {SHARE: "share = (weight / weight.dtype.type(weight.size)).reshape(-1)"},
        "weights as booleans": {SHARE: "share = (np.sign(weight) / np.sign(weight).sum()).reshape(-1)"},
        "loss of the last block": {"loss += share": "loss = share"},
        "targets not compacted as the rows are": {"right[rows]": "right[first : first + height]"},
        "shares not compacted as the rows are": {"loss += share[rows] @": "loss += share[first : first + len(rows)] @"},
        "one subtracted at the target, not its share": {"p[at_target] -= share[rows]": "p[at_target] -= 1"},
        "softmax not weighted": {"(share[rows] / norm)": "(1 / norm)"},
        "shifted by the largest score of the block": {".max(axis=1, keepdims=True)": ".max()"},
        "not shifted at all": {"scores[rows].max(axis=1, keepdims=True)": "logits.dtype.type(0)"},
        "dloss ignored": {BEHIND: "dscores"},
        "dloss multiplied into the cache": {BEHIND: "np.multiply(dscores, dloss, out=dscores)"},
        "rows left out that fill no block": {
            "range(0, len(counts), height)": "range(0, max(1, len(counts) - height + 1), height)"
        },
        "gradient of masked rows is what memory held": {"dlogits = np.zeros(": "dlogits = 7 + np.zeros("},
        "loss always in float64": {"logits.dtype.type(0)": "np.float64(0)"},
    },
)

ADDED = "np.add.reduceat(dy.reshape(-1, *shape[1:])[order], first, axis=0)"

EMBEDDING = mutants(
    "fast embedding",
    "fast/embedding.py",
    {
        "gradient of the first of a repeated id": {ADDED: "dy.reshape(-1, *shape[1:])[order][first]"},
        "id 0 never begins": {"prepend=-1": "prepend=0"},
        "last id left out": {"dW[ordered[first]] = np.add": "dW[ordered[first]][:-1] = np.add"},
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
        "no bias": {"    add_bias(y, params.b)\n": ""},
        "db of the first rows": {"column_sums(drows)": "column_sums(drows[: shape[0]])"},
        "db is a mean": {"column_sums(drows)": "column_sums(drows) / len(drows)"},
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
        "no eps": {"        a += small\n": ""},
        "no root of the bias correction": {"root = float(np.sqrt(1 - beta2**t))": "root = float(1 - beta2**t)"},
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
        "AdamW's decay without the learning rate": {"1 - lr * shrink": "1 - shrink"},
        "decay of the first block": {
            "np.multiply(w0[part], inside, out=b)": "np.multiply(w0[part], inside * (first == 0), out=b)"
        },
        "values left out that fill no block": {BLOCKED: "for first in range(0, max(1, len(w) - BLOCK + 1), BLOCK):"},
        "v keeps the root": {"np.sqrt(v_new, out=a)": "np.sqrt(v_new, out=v_new)\n        a[...] = v_new"},
        "a tree in another order taken for the flat array": {
            ' or leaf.__array_interface__["data"][0] != place': "",
        },
        "parts of a flat array taken for all of it": {" and base.size == sum(leaf.size for leaf in leaves)": ""},
        "transposed leaves read in memory order": {" or not leaf.flags.c_contiguous": ""},
        "weights lie in scratch": {
            "w, m, v = (np.empty_like(w0) for _ in range(3))": 'w, m, v = scratch("w", w0.shape, w0.dtype), np.empty_like(w0), np.empty_like(w0)'
        },
        "correction in float64 spoils float32": {
            "root = float(": "root = np.float64(",
            "        a *= step\n": "        a = a * step\n",
        },
    },
)

TIMES = "times = gcd(rows, 2 ** max(0, (LONG // max(C, 1)).bit_length()))"

ROWS = mutants(
    "fast rows",
    "fast/rows.py",
    {
        "vectors stretched instead of repeated": {"np.tile(v, times)": "np.repeat(v, times)"},
        "rows that are left over forgotten": {
            TIMES: "times = min(rows, 2 ** max(0, (LONG // max(C, 1)).bit_length()))\n"
            "    x = x[: rows // max(times, 1) * max(times, 1)]\n    rows = len(x)"
        },
        "bias added to a copy of what is not contiguous": {" or not x.flags.c_contiguous": ""},
        "sums always in float64": {"np.ones(len(x), x.dtype)": "np.ones(len(x))"},
        "the last row not summed": {"total: Array = ones @ x": "total: Array = ones[:-1] @ x[:-1]"},
    },
)

SCRATCH = mutants(
    "fast scratch",
    "fast/scratch.py",
    {
        "one buffer for all names": {
            "buffer = _kept.buffers.get(name)\n": 'name = ""\n    buffer = _kept.buffers.get(name)\n'
        },
        "one buffer for all threads": {"class _Kept(threading.local):": "class _Kept:"},
        "never grows": {
            "if buffer is None or buffer.size < size:": "if buffer is None or buffer.size < 1:",
        },
        "size in values instead of bytes": {"prod(shape) * np.dtype(dtype).itemsize": "prod(shape)"},
        "new memory for each call": {"if buffer is None or buffer.size < size:": "if buffer is None or size:"},
    },
)

MUTANTS = LSTM + GRU + RNN + TIME + LOSSES + EMBEDDING + AFFINE + ADAM + ROWS + SCRATCH
