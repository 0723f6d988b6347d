"""Mistakes in the vanilla RNN: half of them in its step, half in the time loop."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

HIDDEN = "h = np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)  # (1)"
TANH = "da = dstate.h * (1 - h**2)  # (1) tanh"
WEIGHTS = "dWx, dWh, db = x.T @ da, prev.h.T @ da, da.sum(axis=0)  # (1) the sum inside it"
PARAMS = "RNNParams(dWx, dWh, db)\n\n"

START = "states, caches = [], []"
STEP = "state, cache = step.forward(x[:, t], state, shared)"
LOOP = "for t in reversed(range(len(caches))):"
UPSTREAM = "dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))"
BACK = "dx_t, dstate, dshared_t = step.backward(dstate, caches[t])"
SUM = "dshared = tree_add(dshared, dshared_t)"
RETURN = "return np.stack(dx[::-1], axis=1), dstate, dshared"

STEP_MUTANTS = mutants(
    "rnn",
    "functional/recurrent.py",
    {
        "weight gradients divided by N": {PARAMS: "RNNParams(dWx / len(x), dWh / len(x), db / len(x))\n\n"},
        "db is the mean over the batch": {WEIGHTS: WEIGHTS.replace("sum(axis=0)", "mean(axis=0)")},
        "no derivative of tanh": {TANH: "da = dstate.h"},
        "derivative of tanh is 1 - h": {TANH: "da = dstate.h * (1 - h)"},
        "derivative of tanh is 1 - tanh(h)^2": {TANH: "da = dstate.h * (1 - np.tanh(h) ** 2)"},
        "derivative of tanh is h (1 - h)": {TANH: "da = dstate.h * h * (1 - h)"},
        "dWx and dWh returned in the wrong order": {PARAMS: "RNNParams(dWh, dWx, db)\n\n"},
        "dh_prev = da, without Wh": {"RNNState(da @ p.Wh.T)": "RNNState(da)"},
        "h_prev @ Wh.T": {HIDDEN: HIDDEN.replace("params.Wh", "params.Wh.T")},
        "bias outside tanh": {HIDDEN: "h = np.tanh(x @ params.Wx + state.h @ params.Wh) + params.b"},
    },
)

TIME_MUTANTS = mutants(
    "rnn",
    "unroll.py",
    {
        "weight gradients of one step instead of the sum": {SUM: "dshared = dshared_t"},
        "dWh of one step": {SUM: f"{SUM[:-1]})._replace(Wh=dshared_t.Wh)"},
        "db of the first step": {SUM: f"{SUM[:-1]})._replace(b=dshared_t.b)"},
        "db of the last step": {
            SUM: "dshared = dshared_t if dshared is None else tree_add(dshared, dshared_t)._replace(b=dshared.b)"
        },
        "dh without what comes back from t + 1": {UPSTREAM: "dstate = tree_map(lambda d: d[:, t], dstates)"},
        "dh from outside only at the last step": {UPSTREAM: f"{UPSTREAM} if t == len(caches) - 1 else dstate"},
        "dout changed in place": {
            UPSTREAM: "tree_map(lambda d, s: d[:, t].__iadd__(s), dstates, dstate)\n"
            "        dstate = tree_map(lambda d: d[:, t], dstates)"
        },
        "backward from the first step to the last": {LOOP: "for t in range(len(caches)):", "dx[::-1]": "dx"},
        "dWh from h0 at every step": {
            BACK: f"da = dstate.h * (1 - caches[t][3] ** 2)\n        {BACK}\n"
            "        dshared_t = dshared_t._replace(Wh=caches[0][1].h.T @ da)"
        },
        "dh0 is zero": {RETURN: RETURN.replace("dstate", "tree_zeros(dstate)")},
        "dh0 is the upstream gradient of the first step": {
            RETURN: RETURN.replace("dstate", "tree_map(lambda d: d[:, 0], dstates)")
        },
        "dh0 has the upstream gradient of the first step twice": {
            RETURN: RETURN.replace("dstate", "tree_add(dstate, tree_map(lambda d: d[:, 0], dstates))")
        },
        "one buffer for the states of all steps": {
            START: f"{START}\n    state = tree_map(np.copy, state)",
            STEP: "new, cache = step.forward(x[:, t], tree_map(np.copy, state), shared)\n"
            "        tree_map(lambda s, n: s.__setitem__(..., n), state, new)",
        },
        "h0 ignored": {START: f"{START}\n    state = tree_zeros(state)"},
        "x of the first step at every step": {STEP: STEP.replace("x[:, t]", "x[:, 0]")},
    },
)

MUTANTS = STEP_MUTANTS + TIME_MUTANTS
