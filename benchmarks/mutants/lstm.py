"""Mistakes in the LSTM."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

SPLIT = "ai, af, ag, ao = np.split("
CELL = "c = f * state.c + i * g  # (3)"
THROUGH_H = "do, dc = dh * tc, dc + dh * o * (1 - tc**2)  # (4)"
THROUGH_C = "df, dc_prev, di, dg = dc * prev.c, dc * f, dc * g, dc * i  # (3)"
GATES = "dai, daf, dag, dao = di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)  # (2)"
JOIN = "da = np.concatenate([dai, daf, dag, dao], axis=1)"
WEIGHTS = "dWx, dWh, db = x.T @ da, prev.h.T @ da, da.sum(axis=0)  # (1)\n"
C = "(f * prev.c + i * g)"  # c again: the backward pass has only its tanh

START = "states, caches = [], []"

STEP_MUTANTS = mutants(
    "lstm",
    "functional/recurrent.py",
    {
        "gate order i, f, o, g": {SPLIT: "ai, af, ao, ag = np.split(", JOIN: JOIN.replace("dag, dao", "dao, dag")},
        "gradients of g and o joined in the wrong order": {JOIN: JOIN.replace("dag, dao", "dao, dag")},
        "gradients of i and f joined in the wrong order": {JOIN: JOIN.replace("dai, daf", "daf, dai")},
        "db of every gate is that of f": {WEIGHTS: WEIGHTS.replace("da.sum(axis=0)", "np.tile(daf.sum(axis=0), 4)")},
        "h = o c": {"h = o * tc  # (4)": "h = o * c"},
        "1 added inside the forget gate": {"sigmoid(af), np.tanh": "sigmoid(af + 1), np.tanh"},
        "c = f c_prev + (1 - f) g": {CELL: "c = f * state.c + (1 - f) * g"},
        "dc without what comes back from t + 1": {THROUGH_H: THROUGH_H.replace("dc + dh", "dh")},
        "dc_prev = dc": {THROUGH_C: THROUGH_C.replace("dc * f", "dc")},
        "dc_prev = dc i": {THROUGH_C: THROUGH_C.replace("dc * f", "dc * i")},
        "do = dh c": {THROUGH_H: THROUGH_H.replace("dh * tc", f"dh * {C}")},
        "derivative of tanh(c) is 1 - c^2": {THROUGH_H: THROUGH_H.replace("tc**2", f"{C} ** 2")},
        "derivative of tanh(c) is 1 - tanh(tanh(c))^2": {THROUGH_H: THROUGH_H.replace("tc**2", "np.tanh(tc) ** 2")},
        "dc through tanh(c) instead of o": {THROUGH_H: THROUGH_H.replace("dh * o", "dh * tc")},
        "df = dc c of this step": {THROUGH_C: THROUGH_C.replace("dc * prev.c", f"dc * {C}")},
        "df is zero": {THROUGH_C: THROUGH_C.replace("dc * prev.c", "0 * dc")},
        "dg = dc": {THROUGH_C: THROUGH_C.replace("dc * i", "dc")},
        "derivative of the sigmoids from their arguments": {
            GATES: "ai, af, ao = (np.log(s / (1 - s)) for s in (i, f, o))\n    "
            "dai, daf, dag, dao = di * ai * (1 - ai), df * af * (1 - af), dg * (1 - g**2), do * ao * (1 - ao)"
        },
        "derivative of the sigmoids is s": {GATES: "dai, daf, dag, dao = di * i, df * f, dg * (1 - g**2), do * o"},
        "derivative of the forget gate is sigmoid(f)": {GATES: GATES.replace("f * (1 - f)", "sigmoid(f)")},
        "derivative of g is g (1 - g)": {GATES: GATES.replace("(1 - g**2)", "g * (1 - g)")},
        "no derivative of g": {GATES: GATES.replace("dg * (1 - g**2)", "dg")},
        "db is the mean over the batch": {WEIGHTS: WEIGHTS.replace("sum(axis=0)", "mean(axis=0)")},
    },
)

TIME_MUTANTS = mutants(
    "lstm",
    "unroll.py",
    {
        "c0 ignored": {START: f"{START}\n    state = state._replace(c=np.zeros_like(state.c))"},
        "c never handed on": {
            "state, cache = step.forward(x[:, t], state, shared)": "new, cache = step.forward(x[:, t], state, shared)",
            "states.append(state)": "states.append(new)\n        state = state._replace(h=new.h)",
        },
        "dh and dc never handed on": {
            "dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))": (
                "dstate = tree_add(zeros, tree_map(lambda d: d[:, t], dstates))"
            )
        },
        "weight gradients of one step instead of the sum": {
            "dshared = tree_add(dshared, dshared_t)": "dshared = dshared_t"
        },
    },
)

MUTANTS = STEP_MUTANTS + TIME_MUTANTS
