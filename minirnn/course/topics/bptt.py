"""Exercises of lesson 06: backward through a step and through time; clipping."""

from __future__ import annotations

import numpy as np

from minirnn.course.exercise import Exercise, Mistake, Probe
from minirnn.course.topics.sequences import RNN_INPUTS, UNROLL_INPUTS, normal, rnn_args, unroll_probes
from minirnn.functional.recurrent import RNNParams, rnn_step_backward, rnn_step_forward
from minirnn.optim import clip_by_global_norm
from minirnn.unroll import unroll_backward, unroll_forward


def _step_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, state, params = rnn_args(rng, 4, 3, 3)
    return (
        Probe(rnn_args(rng)),
        Probe((x, state, params), note="D = H"),
        Probe(rnn_args(rng, 1, 5, 2), note="N = 1"),
        Probe(rnn_args(rng, 5, 2, 3), note="N = 5"),
    )


def _clip_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    def grads(scale: float) -> RNNParams:
        return RNNParams(scale * normal(rng, 2, 3), 3 * scale * normal(rng, 3, 3), 0.2 * scale * normal(rng, 3))

    one = (grads(1.0).Wx,)
    return (
        Probe((grads(5.0), 1.0)),
        Probe((grads(1.0), 1000.0), note="a norm below the limit"),
        Probe((grads(4.0), 2.5), note="max_norm = 2.5"),
        Probe((one, 0.25), note="one array alone"),
    )


rnn2 = Exercise(
    name="rnn2",
    function="rnn_step_backward",
    folder="06_bptt",
    title="Backward through one step",
    truth=rnn_step_backward,
    truth_forward=rnn_step_forward,
    forward="rnn1",
    probes=_step_probes,
    inputs=RNN_INPUTS,
    outputs=(("dx", "N D"), ("dh_prev", "N H"), ("dWx", "D H"), ("dWh", "H H"), ("db", "H")),
    slot="ops.rnn_step.backward",
    hints=(
        "Call a = x @ Wx + h_prev @ Wh + b, so that h = tanh(a). If you knew da, how would each of the five gradients follow?",
        "First da from dh, through the derivative of tanh, which needs only h. Then a is a sum of an affine map of x and "
        "one of h_prev: each is undone as in affine2.",
        "da has the shape of h. A weight gradient is (what came in) transposed times da, so its shape is that of the "
        "weight; the gradient of what came in is da times the weight transposed; db adds da up over the batch.",
    ),
    why="da = dh * (1 - h**2) undoes tanh, since d tanh(a)/da = 1 - tanh(a)**2. Then a = x @ Wx + h_prev @ Wh + b is linear "
    "in everything: dWx = x.T @ da adds up over the batch, dx = da @ Wx.T sends every unit's share back along its weights, "
    "and the same holds for Wh and h_prev. db is the sum over the batch because b was added to every row.",
    mistakes=(
        Mistake("no-tanh-derivative", "the derivative of tanh is missing: da = dh * (1 - h**2)",
                (("dstate.h * (1 - h**2)", "dstate.h"),)),
        Mistake("tanh-derivative-1-h", "you used 1 - h as the derivative of tanh; it is 1 - h**2",
                (("(1 - h**2)", "(1 - h)"),)),
        Mistake("tanh-of-tanh", "you took tanh of h once more in the derivative; h is tanh(a) already, so it is 1 - h**2",
                (("(1 - h**2)", "(1 - np.tanh(h) ** 2)"),)),
        Mistake("sigmoid-derivative", "h * (1 - h) is the derivative of the sigmoid; that of tanh is 1 - h**2",
                (("(1 - h**2)", "(h * (1 - h))"),)),
        Mistake("tanh-derivative-sign", "h**2 - 1 has the wrong sign: the derivative of tanh is 1 - h**2",
                (("(1 - h**2)", "(h**2 - 1)"),)),
        Mistake("tanh-derivative-plus", "1 + h**2 is not the derivative of tanh: it is 1 - h**2",
                (("(1 - h**2)", "(1 + h**2)"),)),
        Mistake("tanh-derivative-h2", "h**2 alone is not the derivative of tanh: it is 1 - h**2",
                (("(1 - h**2)", "(h**2)"),)),
        Mistake("tanh-derivative-prev", "the derivative of tanh is taken at the earlier state; it is 1 - h**2 with the new h",
                (("(1 - h**2)", "(1 - prev.h**2)"),)),
        Mistake("tanh-value", "you multiplied by h instead of by the derivative 1 - h**2", (("(1 - h**2)", "h"),)),
        Mistake("mean-over-batch", "dWx, dWh and db are divided by N; the loss has already been averaged, gradients add up",
                (("x.T @ da, prev.h.T @ da, da.sum(axis=0)", "x.T @ da / len(x), prev.h.T @ da / len(x), da.mean(axis=0)"),)),
        Mistake("db-mean", "db is the mean over the batch; b was added to every row, so its gradients add up",
                (("da.sum(axis=0)", "da.mean(axis=0)"),)),
        Mistake("db-wrong-axis", "db is summed over the hidden units; it has one entry per unit and adds up over the batch",
                (("da.sum(axis=0)", "da.sum(axis=1)"),)),
        Mistake("db-not-summed", "db is not added up over the batch", (("da.sum(axis=0)", "da"),)),
        Mistake("db-total", "db is one number; b has one entry per hidden unit, so the sum is over the batch only",
                (("da.sum(axis=0)", "da.sum()"),)),
        Mistake("swapped-weights", "dWx and dWh are exchanged: the order is that of RNNParams(Wx, Wh, b)",
                (("RNNParams(dWx, dWh, db)", "RNNParams(dWh, dWx, db)"),)),
        Mistake("dh-prev-without-Wh", "dh_prev is da as it is; it has to go back through Wh: da @ Wh.T",
                (("RNNState(da @ p.Wh.T)", "RNNState(da)"),)),
        Mistake("Wh-not-transposed", "Wh is not transposed on the way back: dh_prev = da @ Wh.T",
                (("RNNState(da @ p.Wh.T)", "RNNState(da @ p.Wh)"),)),
        Mistake("dx-not-transposed", "Wx is not transposed on the way back: dx = da @ Wx.T",
                (("return da @ p.Wx.T", "return da @ p.Wx"),)),
        Mistake("dx-through-Wh", "dx goes back through Wh; x came in through Wx", (("return da @ p.Wx.T", "return da @ p.Wh.T"),)),
        Mistake("dWh-from-h", "dWh uses the new h; what was multiplied by Wh is the earlier state, h_prev",
                (("prev.h.T @ da", "h.T @ da"),)),
        Mistake("dWh-from-x", "dWh uses x; what was multiplied by Wh is the earlier state, h_prev", (("prev.h.T @ da", "x.T @ da"),)),
        Mistake("dWh-transposed", "dWh is transposed: rows belong to what came in, columns to what went out",
                (("prev.h.T @ da", "da.T @ prev.h"),)),
        Mistake("dWx-transposed", "dWx is transposed: rows belong to what came in (D), columns to what went out (H)",
                (("x.T @ da,", "da.T @ x,"),)),
        Mistake("dh-prev-zero", "dh_prev is 0: nothing flows to the step before", (("RNNState(da @ p.Wh.T)", "RNNState(0 * da)"),)),
        Mistake("dh-prev-from-dh", "dh_prev goes back from dh itself; it starts from da, behind tanh",
                (("RNNState(da @ p.Wh.T)", "RNNState(dstate.h @ p.Wh.T)"),)),
        Mistake("dx-from-dh", "dx goes back from dh itself; it starts from da, behind tanh", (("return da @ p.Wx.T", "return dstate.h @ p.Wx.T"),)),
        Mistake("dW-from-dh", "the weight gradients use dh; they use da, behind tanh",
                (("x.T @ da, prev.h.T @ da, da.sum(axis=0)", "x.T @ dstate.h, prev.h.T @ dstate.h, dstate.h.sum(axis=0)"),)),
        Mistake("dh-prev-plus-dh", "dh is added to dh_prev; h_prev reaches h only through Wh and tanh",
                (("RNNState(da @ p.Wh.T)", "RNNState(da @ p.Wh.T + dstate.h)"),)),
        Mistake("db-from-dh", "db adds up dh; it adds up da, behind tanh", (("da.sum(axis=0)", "dstate.h.sum(axis=0)"),)),
        Mistake("flat", "the gradients of state and parameters are not packed: return dx, RNNState(...), RNNParams(...)",
                (("RNNState(da @ p.Wh.T), RNNParams(dWx, dWh, db)", "da @ p.Wh.T, dWx, dWh, db"),)),
    ),
)  # fmt: skip

unroll2 = Exercise(
    name="unroll2",
    function="unroll_backward",
    folder="06_bptt",
    title="Backward through time",
    truth=unroll_backward,
    truth_forward=unroll_forward,
    forward="unroll1",
    lead=1,
    probes=unroll_probes,
    inputs=UNROLL_INPUTS,
    outputs=(("dx", "N T D"), ("dstate.h", "N D"), ("dshared.a", "D"), ("dshared.b", "D")),
    time_axis={"dx": 1},
    slot="ops.unroll.backward",
    hints=(
        "The state of step t is read twice. By whom?",
        "Step t's state has two readers: whoever uses the sequence (dstates at t), and step t + 1. Both gradients add up. "
        "So which step can be undone first?",
        "Walk from t = T-1 to 0. Each turn: add dstates[:, t] to what came back from t + 1, call step.backward with the "
        "cache of t, keep its state gradient for the next turn, add its shared gradient to a total. tree_add(a, b) adds "
        "trees and takes None as zero.",
    ),
    why="Every step read the same weights, so their gradients add up over time; every state was read by the next step and by "
    "whoever uses the sequence, so its two gradients add up before the step is undone. Going from the last step to the "
    "first makes sure that both are known. What is left over after t = 0 is the gradient of the first state.",
    mistakes=(
        Mistake("not-flowing", "the gradient from t + 1 is not flowing: dstates at t must be added to what step t + 1 sent back",
                (("dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))", "dstate = tree_map(lambda d: d[:, t], dstates)"),)),
        Mistake("only-last-dstates", "the upstream gradient is used at the last step only; every step's own dstates[:, t] must be added",
                (("dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))",
                  "dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates)) if t == len(caches) - 1 else dstate"),)),
        Mistake("forward-order", "the loop runs from the first step to the last; step t can be undone only after step t + 1",
                (("reversed(range(len(caches)))", "range(len(caches))"), ("dx[::-1]", "dx"))),
        Mistake("dx-order", "dx is in the order of the loop, last step first; turn it round before stacking", (("dx[::-1]", "dx"),)),
        Mistake("shared-not-added", "the gradient of what is shared is overwritten at every step; it adds up over time",
                (("dshared = tree_add(dshared, dshared_t)", "dshared = dshared_t"),)),
        Mistake("shared-last-only", "the gradient of what is shared is that of the last step alone; it adds up over time",
                (("dshared = tree_add(dshared, dshared_t)", "dshared = dshared_t if dshared is None else dshared"),)),
        Mistake("averaged-over-time", "you averaged over time; shared weights *add up* over time",
                (("dstate, dshared\n", "dstate, tree_map(lambda d: d / len(caches), dshared)\n"),)),
        Mistake("dstate-zero", "the gradient of the first state is 0; what comes back from step 0 is the gradient of the first state",
                (("axis=1), dstate,", "axis=1), tree_map(np.zeros_like, dstate),"),)),
        Mistake("dstate-upstream", "the gradient of the first state is dstates at t = 0; it is what step 0 sends back",
                (("axis=1), dstate,", "axis=1), tree_map(lambda d: d[:, 0], dstates),"),)),
        Mistake("dstate-extra", "dstates at t = 0 is added to the gradient of the first state once more; step 0 has used it already",
                (("axis=1), dstate,", "axis=1), tree_add(dstate, tree_map(lambda d: d[:, 0], dstates)),"),)),
        Mistake("same-cache", "every step is undone with the same cache; step t needs the cache of step t", (("caches[t]", "caches[-1]"),)),
        Mistake("first-cache", "every step is undone with the cache of step 0; step t needs its own", (("caches[t]", "caches[0]"),)),
        Mistake("caches-reversed", "the caches are read in the wrong order: step t needs the cache of step t",
                (("caches[t]", "caches[len(caches) - 1 - t]"),)),
        Mistake("upstream-doubled", "what comes back from t + 1 is counted twice",
                (("dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))",
                  "dstate = tree_add(tree_add(dstate, dstate), tree_map(lambda d: d[:, t], dstates))"),)),
        Mistake("dx-stacked-0", "dx is stacked on axis 0; time is axis 1, as in x", (("np.stack(dx[::-1], axis=1)", "np.stack(dx[::-1], axis=0)"),)),
        Mistake("shift-back", "dstates is read one step too early: the gradient of the state of step t is dstates[:, t]",
                (("d[:, t]", "d[:, t - 1]"),)),
        Mistake("first-step-dropped", "the first time step is left out: the loop must reach t = 0",
                (("for t in reversed(range(len(caches))):", "for t in reversed(range(len(caches))):\n        if t == 0 and len(caches) > 1:\n            dx.append(0 * dx[-1])\n            break"),)),
        Mistake("truncated-1", "what comes back is dropped at every second step: the gradient is cut off",
                (("dstate = tree_add(dstate,", "dstate = tree_add(dstate if t % 2 else tree_map(np.zeros_like, dstate),"),)),
    ),
)  # fmt: skip

clip1 = Exercise(
    name="clip1",
    function="clip_by_global_norm",
    folder="06_bptt",
    title="Clip all gradients together",
    truth=clip_by_global_norm,
    probes=_clip_probes,
    inputs={},
    outputs=(),
    slot="tools.clip",
    hints=(
        "Clipping should shorten the step without turning it. What must all arrays have in common for that?",
        "One norm over everything: the square root of the sum of the squares of all values in all arrays.",
        "If the norm is at most max_norm, nothing changes; else every array is multiplied by the same number, "
        "chosen so that the new norm is max_norm. Return the gradients and the norm before clipping.",
    ),
    why="All arrays are one long vector: scaling them by the same number keeps its direction and sets its length to "
    "max_norm. Clipping each array by itself, or each value, would turn the step away from the steepest descent.",
    mistakes=(
        Mistake("each-its-own", "each array is clipped by its own norm; one norm over all arrays keeps the direction",
                (("    scale = max_norm / norm\n    return tree_map(lambda g: g * scale, grads), norm",
                  "    return tree_map(lambda g: g * min(1.0, max_norm / np.sqrt((g * g).sum())), grads), norm"),)),
        Mistake("by-value", "each value is clipped (np.clip); that turns the step. Scale all arrays by one number",
                (("    scale = max_norm / norm\n    return tree_map(lambda g: g * scale, grads), norm",
                  "    return tree_map(lambda g: np.clip(g, -max_norm, max_norm), grads), norm"),), convention=True),
        Mistake("by-value-always", "each value is clipped (np.clip); that turns the step. Scale all arrays by one number",
                (("    if norm <= max_norm:\n        return grads, norm\n    scale = max_norm / norm\n    return tree_map(lambda g: g * scale, grads), norm",
                  "    return tree_map(lambda g: np.clip(g, -max_norm, max_norm), grads), norm"),), convention=True),
        Mistake("no-root", "the square root is missing: the norm is sqrt(sum of squares)", (("float(np.sqrt(sum(", "float((sum("),)),
        Mistake("sum-of-norms", "you added the norms of the arrays; the squares are added, and then one root is taken",
                (("float(np.sqrt(sum(float((g * g).sum())", "float((sum(float(np.sqrt((g * g).sum()))"),)),
        Mistake("always-scaled", "small gradients are scaled up: nothing should change when the norm is within the limit",
                (("    if norm <= max_norm:\n        return grads, norm\n", ""),)),
        Mistake("norm-after", "the norm after clipping is returned; the norm before clipping is asked for",
                (("grads), norm\n", "grads), max_norm\n"),)),
        Mistake("divided-by-norm", "the gradients are scaled to length 1, not to max_norm", (("scale = max_norm / norm", "scale = 1 / norm"),)),
        Mistake("inverse", "the factor is upside down: it is max_norm / norm", (("scale = max_norm / norm", "scale = norm / max_norm"),)),
        Mistake("not-clipped", "nothing is clipped", (("scale = max_norm / norm", "scale = 1.0"),)),
        Mistake("mean-of-squares", "the norm is the root of the *sum* of squares, not of the mean",
                (("float((g * g).sum())", "float((g * g).mean())"),)),
        Mistake("max-norm", "the largest value is taken as the norm; the norm is the root of the sum of squares",
                (("float(np.sqrt(sum(float((g * g).sum()) for g in tree_leaves(grads))))",
                  "float(max(np.abs(g).max() for g in tree_leaves(grads)))"),)),
        Mistake("abs-sum", "absolute values are added up; the norm is the root of the sum of squares",
                (("float(np.sqrt(sum(float((g * g).sum()) for g in tree_leaves(grads))))",
                  "float(sum(np.abs(g).sum() for g in tree_leaves(grads)))"),)),
        Mistake("norm-missing", "only the gradients are returned; the norm before clipping comes with them",
                (("return tree_map(lambda g: g * scale, grads), norm", "return tree_map(lambda g: g * scale, grads)"),
                 ("return grads, norm", "return grads"))),
    ),
)  # fmt: skip

EXERCISES = (rnn2, unroll2, clip1)
