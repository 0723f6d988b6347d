"""Mistakes in the GRU."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

HIDDEN_SIDE = "ahr, ahz, ahn = np.split(state.h @ p.Wh + p.bh, 3, axis=1)  # (2)"
CANDIDATE = "n = np.tanh(axn + r * ahn)  # (4)"
MIX = "h = (1 - z) * n + z * state.h  # (5)"
THROUGH_MIX = "dn, dz, dh_prev = dh * (1 - z), dh * (prev.h - n), dh * z  # (5)"
THROUGH_RESET = "dr, dahn = dan * ahn, dan * r  # (4) the product inside it"
WEIGHTS = "dWh, dbh, dh_prev = prev.h.T @ dah, dah.sum(axis=0), dh_prev + dah @ p.Wh.T  # (2)"
DAX = "np.concatenate([dar, daz, dan], axis=1)"  # the gradient of the input's side

MUTANTS = mutants(
    "gru",
    "functional/recurrent.py",
    {
        "bias of n outside the reset gate": {
            HIDDEN_SIDE: f"{HIDDEN_SIDE}\n    bhn = np.split(p.bh, 3)[2]\n    ahn = ahn - bhn",
            CANDIDATE: "n = np.tanh(axn + r * ahn + bhn)",
            WEIGHTS: WEIGHTS.replace("dah.sum", f"{DAX}.sum"),
        },
        "h = z n + (1 - z) h_prev": {
            MIX: "h = z * n + (1 - z) * state.h",
            THROUGH_MIX: "dn, dz, dh_prev = dh * z, dh * (n - prev.h), dh * (1 - z)",
        },
        "no reset gate": {
            CANDIDATE: "n = np.tanh(axn + ahn)",
            THROUGH_RESET: "dr, dahn = 0 * dan, dan",
        },
        "h = (1 - z) n": {
            MIX: "h = (1 - z) * n",
            THROUGH_MIX: "dn, dz, dh_prev = dh * (1 - z), -dh * n, 0 * dh",
        },
        "dh_prev without z dh": {WEIGHTS: WEIGHTS.replace("dh_prev + dah", "dah")},
        "dh_prev = z dh alone": {WEIGHTS: WEIGHTS.replace("dh_prev + dah @ p.Wh.T", "dh_prev")},
        "dn = dh": {THROUGH_MIX: THROUGH_MIX.replace("dh * (1 - z)", "dh")},
        "dz = dh (n - h_prev)": {THROUGH_MIX: THROUGH_MIX.replace("prev.h - n", "n - prev.h")},
        "dr is zero": {THROUGH_RESET: THROUGH_RESET.replace("dan * ahn", "0 * dan")},
        "dr = dan h_prev": {THROUGH_RESET: THROUGH_RESET.replace("dan * ahn", "dan * prev.h")},
        "dWh from the gradient of the input's side": {WEIGHTS: WEIGHTS.replace("prev.h.T @ dah", f"prev.h.T @ {DAX}")},
        "dbh = dbx": {WEIGHTS: WEIGHTS.replace("dah.sum", f"{DAX}.sum")},
    },
)
