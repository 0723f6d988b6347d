"""Mistakes in the optimisers, in clipping, in beam search and in planning a run."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

BIAS = "bias1, bias2 = 1 - beta1**t, 1 - beta2**t"
DECAYED = "g = tree_map(lambda w, dw: dw + weight_decay * w, params, grads) if weight_decay else grads"
ROOT = "(np.sqrt(v / bias2) + eps)\n        return"
STORED = "AdamState(np.array(t), m, v)"

OPTIMISERS = mutants(
    "optimisers",
    "optim.py",
    {
        "Adam without bias correction": {BIAS: "bias1, bias2 = 1, 1"},
        "Adam counts steps from 0": {BIAS: "bias1, bias2 = 1 - beta1 ** (t - 1), 1 - beta2 ** (t - 1)"},
        "Adam keeps the corrected moments": {
            STORED: "AdamState(np.array(t), tree_map(lambda m: m / bias1, m), tree_map(lambda v: v / bias2, v))"
        },
        "Adam's eps inside the root": {ROOT: ROOT.replace("(np.sqrt(v / bias2) + eps)", "np.sqrt(v / bias2 + eps)")},
        "Adam without the root": {ROOT: ROOT.replace("np.sqrt(v / bias2)", "v / bias2")},
        "Adam with the weight decay of AdamW": {
            DECAYED: "g, params = grads, tree_map(lambda w: w - lr * weight_decay * w, params)"
        },
        "weight decay that makes weights grow": {DECAYED: DECAYED.replace("dw + weight_decay", "dw - weight_decay")},
        "SGD's velocity not kept": {"params, v), SGDState(v)": "params, v), state"},
        "RMSprop adds squares up for ever": {"decay * s + (1 - decay) * g**2, g, state": "s + g**2, g, state"},
    },
)

NORM = "return float(np.sqrt(sum(float(np.vdot(g, g)) for g in tree_leaves(grads))))"
SCALED = "tree_map(lambda g: g * scale, grads)"

CLIPPING = mutants(
    "clipping",
    "optim.py",
    {
        "each array by its own norm": {
            SCALED: "tree_map(lambda g: g * min(1.0, max_norm / max(global_norm(g), 1e-300)), grads)"
        },
        "each value by itself": {SCALED: "tree_map(lambda g: np.clip(g, -max_norm, max_norm), grads)"},
        "no root of the sum of squares": {NORM: "return sum(float(np.vdot(g, g)) for g in tree_leaves(grads))"},
        "sum of the norms": {NORM: "return sum(float(np.sqrt(np.vdot(g, g))) for g in tree_leaves(grads))"},
    },
)

SORTED = "pool = sorted(pool, key=rank, reverse=True)[:beam]"
PARENTS = "_take(state, [row for h, row in pool if not h.finished])"

BEAM = mutants(
    "beam search",
    "decode.py",
    {
        "what has said END is extended again": {
            "live = [h for h in hypotheses if not h.finished]\n        logp": "live = hypotheses\n        logp",
            "pool = [(h, -1) for h in hypotheses if h.finished]": "pool = []",
            PARENTS: "_take(state, [row for h, row in pool])",
            "[h.words[-1] for h in hypotheses if not h.finished]": (
                "[end if h.finished else h.words[-1] for h in hypotheses]"
            ),
        },
        "the state of its slot instead of its parent's": {
            PARENTS: "_take(state, [k % len(live) for k in range(sum(not h.finished for h in hypotheses))])"
        },
        "the last log-probability instead of the sum": {
            "totals = np.array([[h.score] for h in live]) + logp": "totals = logp",
            "(_extend(live[row], word": "(_extend(live[row]._replace(score=0.0), word",
        },
        "sorted by length": {SORTED: SORTED.replace("rank", "lambda c: len(c[0].words)")},
        "the worst of the beam first": {
            "return hypotheses\n\n\ndef rescore": "return hypotheses[::-1]\n\n\ndef rescore"
        },
        "score divided by length without being asked": {
            "+ hypothesis.finished) ** length_penalty": "+ hypothesis.finished) ** (length_penalty or 1)"
        },
    },
)

PLANNING = mutants(
    "planning",
    "train.py",
    {
        "planned once and never again": {
            "if progress.total and config.seconds and not _done": "if False and not _done"
        },
        "validations cost no time": {"(config.checks - len(progress.checks)) * judging": "0 * judging"},
        "a run that goes on times its first steps anew": {
            "progress = replace(progress, losses=losses, checks=checks, timed=(step, seconds))": (
                "progress = replace(progress, losses=losses, checks=checks, timed=(progress.step - 1, seconds))"
            )
        },
    },
)

MUTANTS = OPTIMISERS + CLIPPING + BEAM + PLANNING
