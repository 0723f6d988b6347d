"""Mistakes in the fast twins of the sequences, and in what all twins share."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

SUM_BACK = "np.add(back[0], back[1], out=dh)\n        dh += back[2]\n        dh += back[3]"

LSTM = mutants(
    "fast lstm",
    "fast/lstm.py",
    {
        "negated in the order i, f, o, g": {"NEGATED = (-1, -1, 1, -1)": "NEGATED = (-1, -1, -1, 1)"},
        "g goes through the sigmoid too": {"np.tanh(g, out=g)": "sigmoid_of_negated(g)"},
        "first state's c not read": {"h[0], c[0] = state": "h[0], c[0] = state.h, 0"},
        "df = dc c of this step": {"d[1] *= c[t]": "d[1] *= c[t + 1]"},
        "dc without what comes back from t + 1": {
            "dc += dstates.c[:, t]\n": "dc[...] = dstates.c[:, t]\n",
        },
        "dh without the output gate's part": {SUM_BACK: SUM_BACK.replace("\n        dh += back[3]", "")},
        "dWh from the states of this step": {"rows(h[:T]).T": "rows(h[1:]).T"},
        "None for dh not allowed": {"if dstates.h is not None:": "if True:"},
    },
)


GRU = mutants(
    "fast gru",
    "fast/gru.py",
    {
        "z not negated": {"NEGATED = (-1, -1, 1)": "NEGATED = (-1, 1, 1)"},
        "bh of n outside the reset gate": {
            "bx[:2] += bh[:2]": "bx += bh",
            "np.add(ah[2], bh[2], out=ahn[t])": "ahn[t] = ah[2]",
        },
        "bh of r and z forgotten": {"bx[:2] += bh[:2]": "pass"},
        "dbh of n is dbx": {"np.concatenate([dbx[:2], column_sums(dhn_rows)[None]])": "dbx"},
        "dWh of n without the reset gate": {"(h_rows.T @ dhn_rows)[None]": "(h_rows.T @ drows[2])[None]"},
        "what goes straight to h_prev dropped": {"        dh += through\n": ""},
        "dz from this step's h": {"np.subtract(h[t], n, out=u)": "np.subtract(h[t + 1], n, out=u)"},
    },
)

RNN = mutants(
    "fast rnn",
    "fast/rnn.py",
    {
        "derivative from the previous state": {
            "np.multiply(h[t + 1], h[t + 1], out=da[t])": "np.multiply(h[t], h[t], out=da[t])"
        },
        "dh through Wh instead of its transpose": {
            "np.ascontiguousarray(params.Wh.T)": "np.ascontiguousarray(params.Wh)"
        },
        "dWh of the states after the step": {"rows(h[:T]).T": "rows(h[1:]).T"},
        "db of the last step": {"column_sums(rows(da))": "column_sums(da[-1])"},
    },
)

TIME = mutants(
    "fast time",
    "fast/time.py",
    {
        "dx with batch and time exchanged": {".reshape(x.shape).swapaxes(0, 1)": ".reshape(x.shape[1], x.shape[0], D)"},
        "dx of the first gate": {"for k in range(1, len(d)):": "for k in range(1, 1):"},
        "dsame of the last step": {"total = da.sum(axis=1)": "total = da[:, -1]"},
        "no bias beside what stays the same": {
            "(np.matmul(same, Wx[:, D:]) + b[:, None])": "np.matmul(same, Wx[:, D:])"
        },
        "dWx of what changes and what does not exchanged": {
            "[dWx, np.matmul(same.T, total)], axis=1": "[np.matmul(same.T, total), dWx], axis=1"
        },
        "gates as rows of H instead of columns": {
            "np.moveaxis(w.reshape(*w.shape[:-1], gates, -1), -2, 0)": "np.moveaxis(w.reshape(*w.shape[:-1], -1, gates), -1, 0)"
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
    },
)

MUTANTS = LSTM + GRU + RNN + TIME + ROWS + SCRATCH
