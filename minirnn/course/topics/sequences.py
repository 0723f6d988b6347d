"""Exercises of lesson 05: the vanilla RNN's step and the time loop, forward."""

from __future__ import annotations

import numpy as np

from minirnn.course.exercise import Exercise, Given, Mistake, Probe
from minirnn.course.given import LeakyParams, LeakyState
from minirnn.functional.recurrent import RNNParams, RNNState, rnn_step_forward
from minirnn.pair import Array
from minirnn.unroll import unroll_forward


def normal(rng: np.random.Generator, *shape: int) -> Array:
    """Random numbers of about the size that layers see."""
    return 0.7 * rng.standard_normal(shape)


def rnn_args(rng: np.random.Generator, N: int = 3, D: int = 2, H: int = 4) -> tuple[Array, RNNState, RNNParams]:
    """Arguments of a step: x, a state that is not zero, parameters."""
    return (
        normal(rng, N, D),
        RNNState(normal(rng, N, H)),
        RNNParams(normal(rng, D, H), normal(rng, H, H), normal(rng, H)),
    )


def _step_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, state, params = rnn_args(rng, 4, 3, 3)
    zero = RNNState(np.zeros_like(state.h))
    return (
        Probe(rnn_args(rng)),
        Probe((x, state, params), note="D = H"),
        Probe((x, zero, params), note="a state of zero"),
        Probe(rnn_args(rng, 1, 5, 2), note="N = 1"),
    )


def unroll_args(rng: np.random.Generator, N: int = 3, T: int = 4, D: int = 2) -> tuple[Given, Array, LeakyState, LeakyParams]:  # fmt: skip
    """Arguments of a time loop over a cell that is no answer to any exercise."""
    shared = LeakyParams(normal(rng, D), normal(rng, D))
    return Given("leaky"), normal(rng, N, T, D), LeakyState(normal(rng, N, D)), shared


def unroll_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Several lengths; T = N = D once, so that exchanged axes show as values."""
    return (
        Probe(unroll_args(rng)),
        Probe(unroll_args(rng, 2, 5, 3), note="T = 5"),
        Probe(unroll_args(rng, 3, 1, 2), note="T = 1"),
        Probe(unroll_args(rng, 1, 3, 2), note="N = 1"),
        Probe(unroll_args(rng, 3, 3, 3), note="N = T = D"),
    )


RNN_INPUTS = {"x": "N D", "state.h": "N H", "params.Wx": "D H", "params.Wh": "H H", "params.b": "H"}
UNROLL_INPUTS = {"x": "N T D", "state.h": "N D", "shared.a": "D", "shared.b": "D"}
_TANH = "np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)"

rnn1 = Exercise(
    name="rnn1",
    function="rnn_step_forward",
    folder="05_sequences",
    title="One step of the vanilla RNN",
    truth=rnn_step_forward,
    probes=_step_probes,
    inputs=RNN_INPUTS,
    outputs=(("h", "N H"),),
    cache=True,
    slot="ops.rnn_step.forward",
    hints=(
        "Which two things does the cell know at time t, and how does each of them become H numbers?",
        "Both x and the earlier h go through a matrix of their own; the two results have one shape and are added.",
        "Add the bias before anything bends the sum; the last thing that happens to the sum is tanh. Return the new "
        "state as an RNNState, and beside it what you will need to undo this line.",
    ),
    why="x @ Wx and h_prev @ Wh are both (N, H), one row per example, so they add up; tanh keeps h between -1 and 1 "
    "however many steps follow. The cache keeps x, the earlier state and the parameters, which the weight gradients "
    "need, and h itself, from which the derivative of tanh is 1 - h**2.",
    mistakes=(
        Mistake("bias-outside", "the bias stands outside tanh; it belongs inside, and then h stays between -1 and 1",
                (("+ params.b)", ") + params.b"),)),
        Mistake("state-ignored", "the earlier state is not used (or taken as zero); h_prev @ Wh is what makes the cell remember",
                (("state.h @ params.Wh", "0 * state.h @ params.Wh"),)),
        Mistake("Wh-transposed", "Wh is transposed; row k of Wh says what hidden unit k of the earlier state gives to each unit",
                (("state.h @ params.Wh", "state.h @ params.Wh.T"),)),
        Mistake("no-bias", "the bias is missing", ((" + params.b", ""),)),
        Mistake("no-tanh", "tanh is missing; without it the step is linear and the state grows without bound",
                (("np.tanh(x", "(x"),)),
        Mistake("sigmoid", "you used a sigmoid (0 to 1) where the equation has tanh (-1 to 1)",
                (("h = np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)",
                  "h = 1 / (1 + np.exp(-(x @ params.Wx + state.h @ params.Wh + params.b)))"),)),
        Mistake("relu", "you used a ReLU where the equation has tanh",
                (("np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)",
                  "np.maximum(x @ params.Wx + state.h @ params.Wh + params.b, 0)"),)),
        Mistake("input-ignored", "the input x is not used", (("x @ params.Wx + ", ""),)),
        Mistake("tanh-apart", "tanh is taken of each part by itself; it is taken once, of the sum",
                (("np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)",
                  "np.tanh(x @ params.Wx) + np.tanh(state.h @ params.Wh) + params.b"),)),
        Mistake("tanh-of-state", "tanh is taken of the earlier state once more; h_prev has been through tanh already",
                (("state.h @ params.Wh", "np.tanh(state.h) @ params.Wh"),)),
        Mistake("state-added", "the earlier state is added as it is; it goes through Wh",
                (("state.h @ params.Wh", "state.h"),)),
        Mistake("minus", "the recurrent part is subtracted; the two parts add up",
                (("+ state.h @ params.Wh", "- state.h @ params.Wh"),)),
        Mistake("product", "the two parts are multiplied; they add up",
                (("x @ params.Wx + state.h @ params.Wh", "(x @ params.Wx) * (state.h @ params.Wh)"),)),
        *(Mistake(f"tanh-apart-{k}", "tanh is taken of each part by itself; it is taken once, of the sum", ((_TANH, new),))
          for k, new in enumerate(("np.tanh(x @ params.Wx) + np.tanh(state.h @ params.Wh + params.b)",
                                   "np.tanh(x @ params.Wx + params.b) + np.tanh(state.h @ params.Wh)"), 2)),
        *(Mistake(f"tanh-of-part-{k}", "tanh is taken of one part alone; it is taken of the whole sum", ((_TANH, new),))
          for k, new in enumerate(("x @ params.Wx + np.tanh(state.h @ params.Wh + params.b)", "x @ params.Wx + np.tanh(state.h @ params.Wh) + params.b",
                                   "np.tanh(x @ params.Wx + params.b) + state.h @ params.Wh", "np.tanh(x @ params.Wx) + state.h @ params.Wh + params.b"), 1)),
        Mistake("stacked-order", "x and h_prev are put side by side in one order, Wx and Wh below each other in the other: x must meet Wx",
                ((_TANH, "np.tanh(np.hstack([state.h, x]) @ np.vstack([params.Wx, params.Wh]) + params.b)"),)),
        Mistake("weights-exchanged", "the weights are exchanged: x goes through Wx, the earlier state through Wh",
                ((_TANH, "np.tanh(x @ params.Wh + state.h @ params.Wx + params.b)"),)),
        Mistake("Wx-transposed", "Wx is transposed; row d of Wx says what input d gives to each hidden unit", (("x @ params.Wx", "x @ params.Wx.T"),)),
        Mistake("bias-twice", "the bias is added twice; once is enough for both parts", (("+ params.b)", "+ 2 * params.b)"),)),
        Mistake("bias-subtracted", "the bias is subtracted; it is added", (("+ params.b)", "- params.b)"),)),
        Mistake("state-kept", "the earlier state is added to the new one behind tanh; it reaches h only through Wh", ((_TANH, _TANH + " + state.h"),)),
        Mistake("tanh-twice", "tanh is taken twice", ((_TANH, f"np.tanh({_TANH})"),)),
        Mistake("tanh-half", "tanh(a) is (exp(2a) - 1) / (exp(2a) + 1): a factor 2 in the exponent is missing", (("np.tanh(", "np.tanh(0.5 * ("), ("+ params.b)", "+ params.b))"))),
        Mistake("tanh-double", "tanh(a) is (exp(a) - exp(-a)) / (exp(a) + exp(-a)): there is a factor 2 too many in the exponent", (("np.tanh(", "np.tanh(2 * ("), ("+ params.b)", "+ params.b))"))),
        Mistake("tanh-derivative", "the derivative of tanh is taken; the forward pass takes tanh itself", ((_TANH, f"1 - {_TANH} ** 2"),)),
        *(Mistake(f"other-function-{f}", f"you used np.{f}; the equation has tanh", (("np.tanh(", f"np.{f}("),)) for f in ("tan", "arctan", "arctanh", "sinh", "sin", "exp")),
        *(Mistake(f"last-term-{k}", "a sum over inputs or hidden units holds its last term alone: the terms overwrite each other instead of adding up", changes)
          for k, changes in enumerate(((("x @ params.Wx", "x[:, -1:] * params.Wx[-1]"),), (("state.h @ params.Wh", "state.h[:, -1:] * params.Wh[-1]"),),
                                       (("x @ params.Wx", "x[:, -1:] * params.Wx[-1]"), ("state.h @ params.Wh", "state.h[:, -1:] * params.Wh[-1]"))), 1)),
        Mistake("own-units-only", "each hidden unit reads its own earlier value alone (the diagonal of Wh); it reads all of them: state.h @ Wh",
                (("state.h @ params.Wh", "state.h * np.diag(params.Wh)"),)),
        Mistake("overwritten-state", "the earlier state is overwritten while it is still being read: later units see new values of earlier ones",
                ((f"    h = {_TANH}\n", "    h = state.h.copy()\n    for j in range(h.shape[1]):\n        h[:, j] = np.tanh(x @ params.Wx[:, j] + h @ params.Wh[:, j] + params.b[j])\n"),)),
        Mistake("averaged-parts", "the two parts are averaged; they add up", ((_TANH, "np.tanh((x @ params.Wx + state.h @ params.Wh) / 2 + params.b)"),)),
        *(Mistake(f"running-sum-{k}", "the sum is not begun anew for each hidden unit: it still holds what earlier units added", ((_TANH, new),))
          for k, new in enumerate(("np.tanh(np.cumsum(x @ params.Wx + state.h @ params.Wh, axis=1) + params.b)", "np.tanh(np.cumsum(x @ params.Wx + state.h @ params.Wh + params.b, axis=1))",
                                   "np.tanh(np.cumsum(x @ params.Wx + state.h @ params.Wh).reshape(state.h.shape) + params.b)", "np.tanh(np.cumsum(x @ params.Wx + state.h @ params.Wh + params.b).reshape(state.h.shape))"), 1)),
        *(Mistake(f"mixed-{k}", "the new state is a mix with the earlier one: that is a leaky cell; here it is the tanh alone", ((_TANH, f"{a} * state.h + {1 - a} * {_TANH}"),)) for k, a in enumerate((0.5, 0.9, 0.1, 0.75, 0.25, 0.8, 0.2), 1)),
        Mistake("pair-exchanged", "the cache comes first; the result does: RNNState(h), cache", (("return RNNState(h), (x, state, params, h)", "return (x, state, params, h), RNNState(h)"),)),
        Mistake("bias-multiplied", "the sum is multiplied by the bias; the bias is added", ((_TANH, "np.tanh((x @ params.Wx + state.h @ params.Wh) * params.b)"),)),
        Mistake("first-state-for-all", "every row reads the first row's earlier state; row n reads row n", (("state.h @ params.Wh", "state.h[:1] @ params.Wh"),)),
        Mistake("state-returned", "the earlier state is returned; the new one is asked for", (("return RNNState(h)", "return state"),)),
    ),
)  # fmt: skip

unroll1 = Exercise(
    name="unroll1",
    function="unroll_forward",
    folder="05_sequences",
    title="Run a cell through time",
    truth=unroll_forward,
    probes=unroll_probes,
    inputs=UNROLL_INPUTS,
    outputs=(("states.h", "N T D"),),
    time_axis={"states.h": 1},
    cache=True,
    slot="ops.unroll.forward",
    hints=(
        "What does step t need that only step t - 1 can give?",
        "Loop over t; each turn calls step.forward on x[:, t], keeps the state it returns for the next turn, and puts "
        "state and cache on a list.",
        "After the loop, np.stack with axis=1 makes (N, T, H) of T arrays (N, H); tree_map does it for every leaf of the "
        "state. The backward pass wants the caches of all steps.",
    ),
    why="The loop knows nothing of the cell: any pair (x_t, state, shared) -> state will do, so one loop serves the RNN, "
    "the LSTM and the GRU. Time goes on axis 1, where x has it. The caches are kept in order because the backward pass "
    "undoes the steps from the last to the first.",
    mistakes=(
        Mistake("first-input", "every step reads x[:, 0]; step t reads x[:, t]", (("x[:, t]", "x[:, 0]"),)),
        Mistake("state-not-handed-on", "every step starts from the first state; step t starts from the state of step t - 1",
                (("state, cache = step.forward(x[:, t], state, shared)", "new, cache = step.forward(x[:, t], state, shared)"),
                 ("states.append(state)", "states.append(new)"))),
        Mistake("state-ignored", "the first state is not used (or taken as zero)",
                (("states, caches = [], []", "states, caches = [], []\n    state = tree_map(np.zeros_like, state)"),)),
        Mistake("reversed", "time runs backwards: the loop goes from the last step to the first",
                (("range(x.shape[1])", "reversed(range(x.shape[1]))"),)),
        Mistake("one-late", "the states are one step late: the first state is in the list, the last one is not",
                (("        states.append(state)\n", ""),
                 ("        state, cache =", "        states.append(state)\n        state, cache ="))),
        Mistake("stacked-on-0", "the states are stacked on axis 0, which gives (T, N, H); time is axis 1",
                (("axis=1", "axis=0"),)),
        Mistake("stacked-last", "the states are stacked on the last axis; time is axis 1", (("axis=1", "axis=-1"),)),
        Mistake("last-only", "only the last state is returned; the result holds the states of all steps",
                (("tree_map(lambda *s: np.stack(s, axis=1), *states)", "states[-1]"),)),
        Mistake("last-repeated", "the last state stands at every step: one buffer is used for all of them",
                (("*states)", "*([states[-1]] * len(states)))"),)),
        Mistake("over-batch", "the loop runs over the batch (axis 0); time is axis 1",
                (("range(x.shape[1])", "range(x.shape[0])"), ("x[:, t]", "x[t]"))),
        Mistake("step-missed", "the last step is missing: the loop ends too early",
                (("range(x.shape[1])", "range(x.shape[1] - 1)"),)),
        Mistake("first-missed", "the first step is missing: the loop starts at t = 1",
                (("range(x.shape[1])", "range(1, x.shape[1])"),)),
        Mistake("previous-input", "step t reads x[:, t - 1]; it reads x[:, t]", (("x[:, t]", "x[:, t - 1]"),)),
        Mistake("summed", "the states are added up over time; each step's own state is returned",
                (("np.stack(s, axis=1)", "np.cumsum(np.stack(s, axis=1), axis=1)"),)),
        Mistake("step-missed-2", "the last step is missing: the loop ends too early",
                (("range(x.shape[1])", "range(x.shape[1] - 1)"), ("    return tree_map(lambda", "    states.append(tree_map(np.zeros_like, state))\n    return tree_map(lambda"))),
        Mistake("first-missed-2", "the first step is missing: the loop starts at t = 1",
                (("range(x.shape[1])", "range(1, x.shape[1])"), ("states, caches = [], []", "states, caches = [tree_map(np.zeros_like, state)], []"))),
        Mistake("first-state-included", "the first state is in the list too, which makes T + 1 of them; the result holds the states after each step",
                (("states, caches = [], []", "states, caches = [state], []"),)),
        Mistake("not-stacked", "the states come as a list, one for each step; they are stacked on axis 1, leaf by leaf", (("return tree_map(lambda *s: np.stack(s, axis=1), *states)", "return states"),)),
        Mistake("not-stacked-2", "the states come as a list, one for each step; they are stacked on axis 1, leaf by leaf", (("return tree_map(lambda *s: np.stack(s, axis=1), *states)", "return [s[0] for s in states]"),)),
        Mistake("not-stacked-3", "the states come as a tuple, one for each step; they are stacked on axis 1, leaf by leaf", (("return tree_map(lambda *s: np.stack(s, axis=1), *states)", "return tuple(states)"),)),
        Mistake("concatenated", "the states are joined along an axis that they have already (concatenate, hstack); time is a new axis, 1", (("np.stack(s, axis=1)", "np.concatenate(s, axis=1)"),)),
        Mistake("concatenated-0", "the states are joined along the batch (concatenate, vstack); time is a new axis, 1", (("np.stack(s, axis=1)", "np.concatenate(s, axis=0)"),)),
        Mistake("reversed-2", "time runs backwards: the loop goes from the last step to the first",
                (("range(x.shape[1])", "reversed(range(x.shape[1]))"), ("*states)", "*states[::-1])"))),
        Mistake("step-called", "a step is a pair, not a function: call step.forward(x_t, state, shared)", (("= step.forward(", "= step("),)),
        Mistake("pair-kept", "step.forward returns two things, the next state and a cache; here both are taken for the state", (("state, cache = step", "state = cache = step"),)),
        Mistake("next-input", "step t reads x[:, t + 1]; it reads x[:, t]", (("x[:, t]", "x[:, (t + 1) % x.shape[1]]"),)),
        Mistake("time-on-axis-0", "time is read off axis 0 of x; x is (N, T, D), so step t reads x[:, t]", (("x[:, t]", "x[t]"),)),
        Mistake("inputs-as-they-are", "every step reads the whole of x; step t reads x[:, t]", (("x[:, t]", "x"),)),
        Mistake("state-added", "each step's state is added to the one before; the step has read the earlier state already",
                (("state, cache = step.forward(x[:, t], state, shared)", "new, cache = step.forward(x[:, t], state, shared)\n        state = tree_map(np.add, state, new)"),)),
        Mistake("averaged", "the states are averaged over time; each step's own state is returned", (("np.stack(s, axis=1)", "np.mean(s, axis=0)"),)),
        Mistake("pair-exchanged", "the cache comes first; the result does: states, cache",
                (("return tree_map(lambda *s: np.stack(s, axis=1), *states), (tuple(caches), tree_map(np.zeros_like, state))", "return (tuple(caches), tree_map(np.zeros_like, state)), tree_map(lambda *s: np.stack(s, axis=1), *states)"),)),
        Mistake("state-reset", "the state is set to zero before every step; step t starts from the state of step t - 1",
                (("        state, cache = step", "        state = tree_map(np.zeros_like, state) if t else state\n        state, cache = step"),)),
        Mistake("state-reset-2", "the state is set to zero before every step; step t starts from the state of step t - 1",
                (("        state, cache = step", "        state = tree_map(np.zeros_like, state)\n        state, cache = step"),)),
        Mistake("time-on-axis-2", "time is read off the last axis of x; x is (N, T, D), so step t reads x[:, t]", (("x[:, t]", "x[:, :, t]"), ("range(x.shape[1])", "range(x.shape[2])"))),
        Mistake("time-on-axis-2b", "time is read off the last axis of x; x is (N, T, D), so step t reads x[:, t]", (("x[:, t]", "x[:, :, t]"),)),
        Mistake("over-inputs", "the loop runs over the inputs (axis 2); time is axis 1", (("range(x.shape[1])", "range(x.shape[2])"),)),
        Mistake("over-batch-2", "the loop runs over the batch (axis 0); time is axis 1", (("range(x.shape[1])", "range(x.shape[0])"),)),
        Mistake("over-batch-3", "the loop runs over the batch (axis 0); time is axis 1", (("range(x.shape[1])", "range(len(x))"), ("x[:, t]", "x[t]"), ("axis=1", "axis=0"))),
        Mistake("previous-input-2", "step t reads x[:, t - 1]; it reads x[:, t]", (("x[:, t]", "x[:, max(t - 1, 0)]"),)),
        Mistake("previous-input-3", "step t reads x[:, t - 1]; it reads x[:, t]", (("x[:, t]", "(x[:, t - 1] if t else 0 * x[:, 0])"),)),
        Mistake("next-input-2", "step t reads x[:, t + 1]; it reads x[:, t]", (("x[:, t]", "x[:, min(t + 1, x.shape[1] - 1)]"),)),
    ),
)  # fmt: skip

EXERCISES = (rnn1, unroll1)
