"""Exercises of lesson 06: backward through a step and through time; clipping."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.compare import relative_error
from minirnn.course.exercise import Exercise, Mistake, Probe, Wrong
from minirnn.course.topics.sequences import RNN_INPUTS, UNROLL_INPUTS, normal, rnn_args, unroll_probes
from minirnn.functional.recurrent import RNNParams, rnn_step_backward, rnn_step_forward
from minirnn.optim import clip_by_global_norm
from minirnn.tree import tree_leaves
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
    nested = (grads(2.0), (grads(1.0).b, None))
    return (
        Probe((grads(5.0), 1.0)),
        Probe((grads(1.0), 1000.0), note="a norm below the limit"),
        Probe((grads(4.0), 2.5), note="max_norm = 2.5"),
        Probe((one, 0.25), note="one array alone"),
        Probe((nested, 0.8), note="a tree inside a tree"),
    )


_DX, _DPREV = "da @ p.Wx.T", "da @ p.Wh.T"


def examine_clipped(answers: list[Any]) -> list[Wrong]:
    """What wrongly clipped gradients are: scaled by another number, turned, or right beside a wrong norm."""
    turned, factors, norms = False, False, False
    for a in answers:
        if a.error or not isinstance(a.value, tuple) or len(a.value) != 2:
            return []
        mine, right, given = (tree_leaves(tree) for tree in (a.value[0], a.truth[0], a.probe.args[0]))
        if [np.shape(g) for g in mine] != [np.shape(g) for g in right]:
            return []
        flat, true, before = (
            np.concatenate([np.ravel(g) for g in leaves]).astype(float) for leaves in (mine, right, given)
        )
        factor = float(flat @ before) / float(before @ before)
        turned |= relative_error(flat, factor * before) > 1e-5
        factors |= relative_error(flat, true) > 1e-5
        norms |= abs(float(a.value[1]) - a.truth[1]) > 1e-5 * a.truth[1]
    if turned:
        return [
            Wrong(
                "gradients",
                "",
                "the gradients do not keep their direction: all values of all arrays are multiplied by one number",
                "turned",
            )
        ]
    if factors and norms:
        return [
            Wrong(
                "gradients",
                "",
                "the norm is not that of all arrays together, and so the factor is wrong too",
                "wrong-norm",
            )
        ]
    if factors:
        return [
            Wrong(
                "gradients",
                "",
                "the norm is right, but the factor that follows from it is not: the smaller of 1 and max_norm / norm",
                "wrong-factor",
            )
        ]
    return (
        [
            Wrong(
                "norm",
                "",
                "the gradients are right, but the number beside them is not their norm before clipping",
                "wrong-norm-returned",
            )
        ]
        if norms
        else []
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
        Mistake("both-transposed", "dWx and dWh are transposed: rows belong to what came in, columns to what went out",
                (("x.T @ da, prev.h.T @ da", "da.T @ x, da.T @ prev.h"),)),
        Mistake("order", "dWx, dWh and db are packed where dh_prev stands: the order is dx, RNNState(dh_prev), RNNParams(dWx, dWh, db)",
                (("RNNState(da @ p.Wh.T), RNNParams(dWx, dWh, db)", "RNNParams(dWx, dWh, db), RNNState(da @ p.Wh.T)"),)),
        Mistake("tanh-derivative-root", "the derivative of tanh is 1 - h**2, without a square root", (("(1 - h**2)", "np.sqrt(1 - h**2)"),)),
        Mistake("tanh-derivative-squared", "the derivative of tanh is 1 - h**2; yours is its square (1 - h is squared, or 1 - h**2)", (("(1 - h**2)", "(1 - h**2) ** 2"),)),
        Mistake("tanh-derivative-1-h-squared", "(1 - h)**2 is not the derivative of tanh: it is 1 - h**2", (("(1 - h**2)", "(1 - h) ** 2"),)),
        Mistake("tanh-derivative-2h", "1 - 2h is not the derivative of tanh: it is 1 - h**2", (("(1 - h**2)", "(1 - 2 * h)"),)),
        Mistake("tanh-derivative-divided", "dh is divided by the derivative of tanh; it is multiplied", (("dstate.h * (1 - h**2)", "dstate.h / (1 - h**2)"),)),
        Mistake("relu-derivative", "that is the derivative of a ReLU; the step bends with tanh: 1 - h**2", (("(1 - h**2)", "(h > 0)"),)),
        Mistake("tanh-derivative-of-x", "the derivative of tanh is taken at dh; it is 1 - h**2 with the new h", (("(1 - h**2)", "(1 - dstate.h**2)"),)),
        Mistake("dh-prev-through-Wx", "dh_prev goes back through Wx; the earlier state came in through Wh", (("RNNState(da @ p.Wh.T)", "RNNState(da @ p.Wx.T)"),)),
        Mistake("dWx-from-h", "dWx uses the earlier state; what was multiplied by Wx is x", (("x.T @ da,", "prev.h.T @ da,"),)),
        Mistake("dh-prev-with-derivative", "dh_prev is multiplied by 1 - h_prev**2: that derivative belongs to the step before, which takes it itself",
                (("RNNState(da @ p.Wh.T)", "RNNState(da @ p.Wh.T * (1 - prev.h**2))"),)),
        Mistake("loop-overwrites", "the rows of the batch overwrite each other; what they contribute to dWx, dWh and db adds up",
                (("x.T @ da, prev.h.T @ da, da.sum(axis=0)", "x[-1:].T @ da[-1:], prev.h[-1:].T @ da[-1:], da[-1]"),)),
        Mistake("db-divided", "everything is divided by N; the loss has already been averaged, gradients add up", (("dstate.h * (1 - h**2)", "dstate.h * (1 - h**2) / len(x)"),)),
        Mistake("pieces-exchanged", "dx and dh_prev are exchanged", (("return da @ p.Wx.T, RNNState(da @ p.Wh.T)", "return da @ p.Wh.T, RNNState(da @ p.Wx.T)"),)),
        Mistake("tanh-derivative-of-a", "the derivative is taken at a, the sum inside tanh: with the new h = tanh(a) it is 1 - h**2, with a it is 1 - tanh(a)**2", (("(1 - h**2)", "(1 - (x @ p.Wx + prev.h @ p.Wh + p.b) ** 2)"),)),
        *(Mistake(f"last-unit-only-{k}", "the shares of the hidden units overwrite each other; what they send back adds up", changes)
          for k, changes in enumerate((((_DX, "da[:, -1:] * p.Wx[:, -1]"),), ((_DPREV, "da[:, -1:] * p.Wh[:, -1]"),), ((_DX, "da[:, -1:] * p.Wx[:, -1]"), (_DPREV, "da[:, -1:] * p.Wh[:, -1]"))), 1)),
        Mistake("dWh-from-dh-prev", "dWh uses dh_prev; it uses da, what came back to the sum inside tanh", (("prev.h.T @ da", "prev.h.T @ (da @ p.Wh.T)"),)),
        Mistake("dWh-from-h-and-dh", "dWh is made of the new h and dh; it is made of h_prev and da", (("prev.h.T @ da", "h.T @ dstate.h"),)),
    ),
)  # fmt: skip
_UPSTREAM = "dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))"

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
        "Walk from t = T-1 to 0. Each turn: take step t of every array in dstates (tree_map), tree_add what came back from t + 1, call step.backward with the "
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
        Mistake("upstream-late", "dstates at t is added after step t was undone; the step is undone with both gradients together",
                ((_UPSTREAM, "pass"), ("        dshared = tree_add", "        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))\n        dshared = tree_add"))),
        Mistake("dstate-wrapped", "behind step 0 a gradient is added once more (index -1 is the last step's): what step 0 sends back is the gradient of the first state",
                (("axis=1), dstate,", "axis=1), tree_add(dstate, tree_map(lambda d: d[:, -1], dstates)),"),)),
        Mistake("not-through-step", "the gradient is carried to step t - 1 as it is; it goes back through the step: what step.backward returns second",
                (("dx_t, dstate, dshared_t", "dx_t, _, dshared_t"),)),
        Mistake("carry-accumulated", "the gradient of the state is added to what step.backward returns; what it returns is all that flows on",
                (("dx_t, dstate, dshared_t = step.backward(dstate, caches[t])", "dx_t, back, dshared_t = step.backward(dstate, caches[t])\n        dstate = tree_add(dstate, back)"),)),
        Mistake("first-step-dropped-2", "the first time step is left out: the loop must reach t = 0", (("range(len(caches)))", "range(1, len(caches)))"),)),
        Mistake("first-step-dropped-3", "the first time step is left out: the loop must reach t = 0",
                (("range(len(caches)))", "range(1, len(caches)))"), ("    return np.stack(dx[::-1], axis=1)", "    dx.append(np.zeros_like(step.backward(zeros, caches[0])[0]))\n    return np.stack(dx[::-1], axis=1)"))),
        Mistake("last-step-dropped", "the last time step is left out: the loop begins at t = T - 1", (("range(len(caches)))", "range(len(caches) - 1))"),)),
        Mistake("last-step-dropped-2", "the last time step is left out: the loop begins at t = T - 1",
                (("range(len(caches)))", "range(len(caches) - 1))"), ("    dx, dstate, dshared = [], zeros, None\n", "    dx, dstate, dshared = [np.zeros_like(step.backward(zeros, caches[0])[0])], zeros, None\n"))),
        Mistake("forward-order-2", "the loop runs from the first step to the last; step t can be undone only after step t + 1", (("reversed(range(len(caches)))", "range(len(caches))"),)),
        Mistake("dstates-reversed", "dstates is read in the wrong order: the gradient of the state of step t is dstates[:, t]", (("d[:, t]", "d[:, -1 - t]"),)),
        Mistake("time-on-axis-0", "time is read off axis 0 of dstates; it is axis 1: dstates[:, t]", (("d[:, t]", "d[t]"),)),
        Mistake("dstates-first", "every step gets the upstream gradient of step 0; step t has its own, dstates[:, t]", (("d[:, t]", "d[:, 0]"),)),
        Mistake("dstates-last", "every step gets the upstream gradient of the last step; step t has its own, dstates[:, t]", (("d[:, t]", "d[:, -1]"),)),
        Mistake("shift-forward", "dstates is read one step too late: the gradient of the state of step t is dstates[:, t]", (("d[:, t]", "d[:, (t + 1) % len(caches)]"),)),
        Mistake("dx-summed", "dx is added up over time; x had a row for each step, and so has dx", (("np.stack(dx[::-1], axis=1)", "sum(dx)"),)),
        Mistake("dx-last-only", "dx is that of one step alone; it holds all steps", (("np.stack(dx[::-1], axis=1)", "dx[-1]"),)),
        Mistake("dx-accumulated", "dx of a step holds what the later steps gave as well; each step's dx is its own", (("        dx.append(dx_t)", "        dx.append(dx_t + dx[-1] if dx else dx_t)"),)),
        Mistake("dx-concatenated", "dx is joined along an axis that it has already; time is a new axis, 1", (("np.stack(dx[::-1], axis=1)", "np.concatenate(dx[::-1], axis=1)"),)),
        Mistake("dstate-averaged", "the gradient of the first state is divided by T; it is what step 0 sends back", (("axis=1), dstate,", "axis=1), tree_map(lambda d: d / len(caches), dstate),"),)),
        Mistake("dstate-summed", "the gradients of all steps' states are added up; that of the first state is what step 0 sends back",
                (("dshared = tree_add(dshared, dshared_t)", "dshared = tree_add(dshared, dshared_t)\n        total = tree_add(total if len(dx) else None, dstate)"), ("axis=1), dstate,", "axis=1), total,"))),
        Mistake("dstate-before-step", "the gradient of the first state is that of the state of step 0: it must go back through step 0 once more",
                (("dx_t, dstate, dshared_t = step.backward(dstate, caches[t])", "last = dstate\n        dx_t, dstate, dshared_t = step.backward(dstate, caches[t])"), ("axis=1), dstate,", "axis=1), last,"))),
        Mistake("shared-averaged-running", "the gradients of what is shared are averaged two by two; they add up", (("dshared = tree_add(dshared, dshared_t)", "dshared = dshared_t if dshared is None else tree_map(lambda a, b: (a + b) / 2, dshared, dshared_t)"),)),
        Mistake("order", "the gradients of what is shared and of the first state are exchanged: the order is dx, dstate, dshared", (("dstate, dshared\n", "dshared, dstate\n"),)),
        Mistake("upstream-late-2", "dstates is added one step too late: what goes back into step t - 1 is its own dstates[:, t - 1] and what step t sent back",
                ((_UPSTREAM, "dstate = tree_map(lambda d: d[:, -1], dstates) if t == len(caches) - 1 else dstate"), ("        dshared = tree_add", "        dstate = tree_add(dstate, tree_map(lambda d: d[:, t], dstates))\n        dshared = tree_add"))),
        Mistake("truncated-2", "what comes back is dropped at every second step: the gradient is cut off",
                (("dstate = tree_add(dstate,", "dstate = tree_add(tree_map(np.zeros_like, dstate) if t % 2 else dstate,"),)),
        Mistake("shared-missing", "two results are returned; there are three: dx, the gradient of the first state, the gradient of `shared`", (("dstate, dshared\n", "dstate\n"),)),
        Mistake("dstate-missing", "two results are returned; there are three: dx, the gradient of the first state, the gradient of `shared`", (("axis=1), dstate, dshared\n", "axis=1), dshared\n"),)),
        Mistake("dx-alone", "dx alone is returned; there are three results: dx, the gradient of the first state, the gradient of `shared`", (("axis=1), dstate, dshared\n", "axis=1)\n"),)),
        Mistake("dx-list", "dx comes as a list, one for each step; they are stacked on axis 1", (("np.stack(dx[::-1], axis=1)", "dx[::-1]"),)),
        Mistake("shared-list", "the gradients of `shared` come as a list, one for each step; they add up", (("dshared = tree_add(dshared, dshared_t)", "dshared = [dshared_t, *(dshared or [])]"),)),
        Mistake("upstream-averaged", "dstates is divided by T; each step's upstream gradient is used as it is", (("lambda d: d[:, t], dstates", "lambda d: d[:, t] / len(caches), dstates"),)),
        Mistake("shared-last-twice", "the last step's share of the gradient of `shared` is counted twice",
                (("    for t in reversed(range(len(caches))):", "    dshared = step.backward(tree_map(lambda d: d[:, -1], dstates), caches[-1])[2]\n    for t in reversed(range(len(caches))):"),)),
        Mistake("upstream-summed", "all of dstates goes in at the last step; each step gets its own dstates[:, t]",
                ((_UPSTREAM, "dstate = tree_map(lambda d: d.sum(axis=1), dstates) if t == len(caches) - 1 else dstate"),)),
        Mistake("carry-subtracted", "what comes back from t + 1 is subtracted; the two gradients add up", ((_UPSTREAM, "dstate = tree_map(lambda d, c: d[:, t] - c, dstates, dstate)"),)),
        Mistake("carry-averaged", "the two gradients of a state are averaged; they add up", ((_UPSTREAM, "dstate = tree_map(lambda d, c: (d[:, t] + c) / 2, dstates, dstate)"),)),
        Mistake("carry-multiplied", "the two gradients of a state are multiplied; they add up", ((_UPSTREAM, "dstate = tree_map(lambda d, c: d[:, t] * c, dstates, dstate)"),)),
        Mistake("upstream-twice", "dstates at t is counted twice", ((_UPSTREAM, "dstate = tree_map(lambda d, c: 2 * d[:, t] + c, dstates, dstate)"),)),
    ),
)  # fmt: skip
_SCALE = ("    if norm <= max_norm:\n        return grads, norm\n", "")
_NORM = "float(np.sqrt(sum(float((g * g).sum()) for g in tree_leaves(grads))))"

clip1 = Exercise(
    name="clip1",
    function="clip_by_global_norm",
    folder="06_bptt",
    title="Clip all gradients together",
    truth=clip_by_global_norm,
    probes=_clip_probes,
    inputs={},
    outputs=(),
    examine=examine_clipped,
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
                  "    return tree_map(lambda g: np.clip(g, -max_norm, max_norm), grads), norm"),)),
        Mistake("by-value-always", "each value is clipped (np.clip); that turns the step. Scale all arrays by one number",
                (("    if norm <= max_norm:\n        return grads, norm\n    scale = max_norm / norm\n    return tree_map(lambda g: g * scale, grads), norm",
                  "    return tree_map(lambda g: np.clip(g, -max_norm, max_norm), grads), norm"),), convention=False),
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
        Mistake("inverse-2", "the factor is upside down: it is max_norm / norm, and at most 1", (_SCALE, ("scale = max_norm / norm", "scale = min(1.0, norm / max_norm)"))),
        Mistake("limits-exchanged", "gradients below the limit are scaled up and those above it left alone: the factor is the smaller of 1 and max_norm / norm",
                (_SCALE, ("scale = max_norm / norm", "scale = max(1.0, max_norm / norm)"))),
        Mistake("times-max-norm", "the gradients are multiplied by max_norm; the factor is max_norm / norm", (("scale = max_norm / norm", "scale = max_norm"),)),
        Mistake("divided-by-max-norm", "the gradients are divided by max_norm; the factor is max_norm / norm", (("scale = max_norm / norm", "scale = 1 / max_norm"),)),
        Mistake("factor-squared", "the factor uses norm**2; it is max_norm / norm", (("scale = max_norm / norm", "scale = max_norm / norm**2"),)),
        Mistake("factor-root", "the factor uses the root of the norm; it is max_norm / norm", (("scale = max_norm / norm", "scale = (max_norm / norm) ** 0.5"),)),
        Mistake("subtracted", "something is subtracted from the gradients; all are multiplied by one number", (("lambda g: g * scale", "lambda g: g - (norm - max_norm)"),)),
        Mistake("norm-squared-returned", "the squared norm is returned; the norm has a square root", (("grads), norm\n", "grads), norm**2\n"), ("return grads, norm", "return grads, norm**2"))),
        Mistake("factor-returned", "the factor is returned; the norm before clipping is asked for", (("grads), norm\n", "grads), scale\n"), ("return grads, norm", "return grads, 1.0"))),
        Mistake("order", "the norm comes first; it is the gradients that do",
                (("        return grads, norm", "        return norm, grads"), ("return tree_map(lambda g: g * scale, grads), norm", "return norm, tree_map(lambda g: g * scale, grads)"))),
        Mistake("first-array-only", "the norm is that of the first array alone; all arrays have one norm together", (("for g in tree_leaves(grads))))", "for g in tree_leaves(grads)[:1])))"),)),
        Mistake("last-array-only", "the norm is that of the last array alone: the squares overwrite each other instead of adding up", (("for g in tree_leaves(grads))))", "for g in tree_leaves(grads)[-1:])))"),)),
        Mistake("largest-norm", "the largest of the arrays' norms is taken; the squares of all arrays are added, and then one root is taken",
                ((_NORM, "float(max(np.sqrt((g * g).sum()) for g in tree_leaves(grads)))"),)),
        Mistake("mean-norm", "the arrays' norms are averaged; the squares of all arrays are added, and then one root is taken",
                ((_NORM, "float(np.mean([np.sqrt((g * g).sum()) for g in tree_leaves(grads)]))"),)),
        Mistake("mean-of-array-squares", "the sum of squares is divided by the number of arrays; the norm is the root of the whole sum",
                ((_NORM, "float(np.sqrt(np.mean([(g * g).sum() for g in tree_leaves(grads)])))"),)),
        Mistake("root-mean-square", "the sum of squares is divided by the number of values; the norm is the root of the whole sum",
                ((_NORM, "float(np.sqrt(np.mean(np.concatenate([g.ravel() for g in tree_leaves(grads)]) ** 2)))"),)),
        Mistake("square-of-sum", "values are added up before they are squared; the squares are added", ((_NORM, "float(np.sqrt(sum(g.sum() ** 2 for g in tree_leaves(grads))))"),)),
        Mistake("spectral", "np.linalg.norm(g, 2) of a matrix is its largest singular value; the root of the sum of squares is np.linalg.norm(g)",
                ((_NORM, "float(np.sqrt(sum(np.linalg.norm(g, 2) ** 2 for g in tree_leaves(grads))))"),)),
        Mistake("each-its-own-2", "each array is clipped by its own norm; one norm over all arrays keeps the direction",
                (("lambda g: g * scale", "lambda g: g * max_norm / np.sqrt((g * g).sum())"),)),
        Mistake("each-its-own-3", "each array is clipped by its own norm; one norm over all arrays keeps the direction",
                (_SCALE, ("lambda g: g * scale", "lambda g: g * max_norm / np.sqrt((g * g).sum())"))),
        Mistake("largest-value", "the gradients are scaled by their largest value; one factor follows from the norm of all of them", (("lambda g: g * scale", "lambda g: g * max_norm / np.abs(g).max()"),)),
        Mistake("half", "the gradients are halved (or scaled by a fixed number); the factor is max_norm / norm", (("scale = max_norm / norm", "scale = 0.5"),)),
        Mistake("sum-of-values", "the values are added up; the norm is the root of the sum of their squares", ((_NORM, "float(abs(sum(g.sum() for g in tree_leaves(grads))))"),)),
        Mistake("norm-plus-limit", "the factor is max_norm / norm; yours has more below the line", (_SCALE, ("scale = max_norm / norm", "scale = max_norm / (norm + max_norm)"))),
        Mistake("biases-left-out", "the biases (arrays of one axis) are left out of the norm; all arrays have one norm together", (("for g in tree_leaves(grads))))", "for g in tree_leaves(grads) if g.ndim > 1)))"),)),
        Mistake("large-values-scaled", "only the values above the limit are scaled; all are multiplied by the same number", ((_SCALE[0], ""), ("lambda g: g * scale", "lambda g: np.where(np.abs(g) > max_norm, g * scale, g)"))),
    ),
)  # fmt: skip

EXERCISES = (rnn2, unroll2, clip1)
