"""Mistakes in connectionist temporal classification: states, the two recursions, lengths, targets that cannot be."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

ALPHA = "alpha[t, 2:] = y[t] + _add(alpha[t - 1, 2:], alpha[t - 1, 1:-1], alpha[t - 1, :-2] + skip)"
LOSS = "losses = -_add(alpha[last, end + 2, n], alpha[last, end + 1, n], -np.inf)  # (4)"
BETA = "beta[t] = np.where(last == t, ends, _add(after[:-2], after[1:-1], after[2:] + skip))"
ENDS = "ends = np.where((s == end) | (s == end - 1), "
SKIP = "((label[:, 2:] != blank) & (label[:, 2:] != label[:, :-2])).T"
SKIP_BACK = "skip = np.concatenate([skip[2:], np.full((min(S, 2), N), -np.inf, y.dtype)])"
GAMMA = "gamma = np.exp(alpha + beta + np.where(possible, losses, 0))"
DLOGP = "dlogp = weight * (gamma.transpose(2, 0, 1) @ is_label)  # (2)"
SOFTMAX = "(dlogits,) = log_softmax_backward(dlogp, log_softmax)  # (1)"
PADDING = "dlogits[~(possible[:, None] & (np.arange(T) <= last[:, None]))] = 0"
ZERO = "return np.where(losses == np.inf, losses.dtype.type(0), losses) if zero_infinity else losses.copy(), cache"
LABELS = "label[:, 1::2] = np.where(np.arange(U) < target_lengths[:, None], targets, blank)"
LAST = "last, end, n = input_lengths.astype(np.int64) - 1, 2 * target_lengths.astype(np.int64), np.arange(N)"
FEASIBLE = "fits: Array = target_lengths + repeats <= input_lengths"

MUTANTS = mutants(
    "ctc",
    "functional/ctc.py",
    {
        "no step leaves out a blank": {SKIP: "np.zeros_like(label[:, 2:], bool).T"},
        "two equal labels need no blank between them": {SKIP: "(label[:, 2:] != blank).T"},
        "labels can be left out as blanks can": {SKIP: "(label[:, 2:] != label[:, :-2]).T | (label[:, 2:] == blank).T"},
        "a state cannot stay": {ALPHA: ALPHA.replace("_add(alpha[t - 1, 2:],", "_add(alpha[t - 1, 2:] - np.inf,")},
        "paths begin in the blank alone": {"alpha[0, 2:4] = y[0, :2]": "alpha[0, 2] = y[0, 0]"},
        "paths begin in any of the first three states": {"alpha[0, 2:4] = y[0, :2]": "alpha[0, 2:5] = y[0, :3]"},
        "paths end in the last blank alone": {
            LOSS: "losses = -alpha[last, end + 2, n]",
            ENDS: "ends = np.where(s == end, ",
        },
        "paths end in the last label alone": {
            LOSS: "losses = -alpha[last, end + 1, n]",
            ENDS: "ends = np.where(s == end - 1, ",
        },
        "an empty target ends in a state before the first": {
            ENDS: "ends = np.where((s == end) | (s == abs(end - 1)), "
        },
        "the best path instead of the sum of all": {
            "out: Array = np.log(np.exp(a - top) + np.exp(b - top) + np.exp(c - top)) + top": "out: Array = top"
        },
        "beta counts the step's own probability too": {GAMMA: GAMMA.replace("alpha + beta", "alpha + beta + y")},
        "beta uses the skips of alpha where they are": {SKIP_BACK: "skip = skip.copy()"},
        "beta begins at the last step of the batch": {BETA: BETA.replace("last == t", "t == T - 1")},
        "beta leaves out the emission of the next step": {"after[:-2] = beta[t] + y[t]": "after[:-2] = beta[t]"},
        "the loss is read at the last step of the batch": {
            LAST: LAST.replace("input_lengths.astype(np.int64)", "np.full(N, T)"),
        },
        "the last state of the batch is everybody's": {
            LAST: LAST.replace("target_lengths.astype(np.int64)", "np.full(N, targets.shape[1])"),
        },
        "what stands behind a target is read": {LABELS: "label[:, 1::2] = targets"},
        "only one state of a repeated label gets its gradient": {
            DLOGP: "dlogp = weight * np.where(is_label[:, None], gamma.transpose(2, 0, 1)[..., None], 0).max(axis=2)  # (2)"
        },
        "gradient of log-probabilities taken for that of logits": {SOFTMAX: "dlogits = dlogp.copy()"},
        "gradient negated": {"weight = -np.where(": "weight = np.where("},
        "gradient of the sum of losses whatever dlosses says": {
            "np.where(possible, dlosses, 0)": "possible.astype(y.dtype)"
        },
        "gradient of the mean loss": {"weight = -np.where(": "weight = -1 / max(N, 1) * np.where("},
        "padding is not set to zero": {PADDING: "dlogits[~possible] = 0"},
        "infinite losses are not set to zero": {ZERO: "return losses.copy(), cache"},
        "infinite losses are always set to zero": {ZERO: ZERO.replace("if zero_infinity", "if T")},
        "NaN where no path reads as the target": {"possible = losses != np.inf": "possible = losses > -1"},
        "blank is always class 0": {"label = np.full((N, 2 * U + 1), blank)": "label = np.full((N, 2 * U + 1), 0)"},
        "feasible forgets that repeats need a blank": {FEASIBLE: FEASIBLE.replace(" + repeats", "")},
        "feasible counts repeats behind the target's end": {
            " & inside).sum(axis=1)\n    fits": ").sum(axis=1)\n    fits"
        },
        "feasible wants a step more than needed": {FEASIBLE: FEASIBLE.replace("<=", "<")},
    },
)
