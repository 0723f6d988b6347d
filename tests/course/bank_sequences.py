"""Answers to the exercises of lesson 05 as learners write them: wrong ones with the names of their mistakes, right ones."""

HEAD_RNN1 = """
import numpy as np
from minirnn.functional import RNNParams, RNNState
"""

HEAD_UNROLL1 = """
import numpy as np
from minirnn import Pair
from minirnn.tree import tree_map
"""

WRONG = {
    "rnn1": [
        # bias added outside tanh
        (
            "bias-outside",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    Wx, Wh, b = params
    h = np.tanh(x @ Wx + state.h @ Wh) + b
    return RNNState(h), (x, state, params, h)
""",
        ),
        # sigmoid instead of tanh
        (
            "sigmoid",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    def act(z):
        return 1.0 / (1.0 + np.exp(-z))
    z = np.dot(x, params.Wx) + np.dot(state.h, params.Wh) + params.b
    h = act(z)
    return RNNState(h=h), (x, state, params, h)
""",
        ),
        # loops, Wh read transposed (Wh[j, k] instead of Wh[k, j])
        (
            "Wh-transposed",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    N, D = x.shape
    H = params.b.shape[0]
    h = np.zeros((N, H), dtype=x.dtype)
    for n in range(N):
        for j in range(H):
            s = params.b[j]
            for d in range(D):
                s = s + x[n, d] * params.Wx[d, j]
            for k in range(H):
                s = s + state.h[n, k] * params.Wh[j, k]
            h[n, j] = np.tanh(s)
    return RNNState(h), (x, state, params, h)
""",
        ),
        # bias forgotten
        (
            "no-bias",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    pre = np.einsum("nd,dh->nh", x, params.Wx)
    pre = pre + np.einsum("nk,kh->nh", state.h, params.Wh)
    out = RNNState(np.tanh(pre))
    return out, (x, state, params, out.h)
""",
        ),
        # previous state not used: zeros instead
        (
            "state-ignored",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    N = x.shape[0]
    H = params.Wh.shape[0]
    h_prev = np.zeros((N, H), dtype=x.dtype)
    h = np.tanh(x.dot(params.Wx) + h_prev.dot(params.Wh) + params.b)
    return RNNState(h), (x, RNNState(h_prev), params, h)
""",
        ),
        # stacked the weights in the other order than the inputs ([h, x] with [Wx; Wh])
        (
            "stacked-order",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    W = np.concatenate([params.Wx, params.Wh], axis=0)
    inp = np.concatenate([state.h, x], axis=1)
    h = np.tanh(inp @ W + params.b)
    return RNNState(h), (inp, W, h)
""",
        ),
        # returns h itself instead of RNNState(h)
        (
            "not-packed",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    a = x @ params.Wx
    a = a + state.h @ params.Wh
    a = a + params.b
    h = np.tanh(a)
    cache = (x, state, params, h)
    return h, cache
""",
        ),
        # two tanhs, one for each part
        (
            ("tanh-apart", "tanh-apart-2", "tanh-apart-3"),
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    from_input = np.tanh(x @ params.Wx)
    from_past = np.tanh(state.h @ params.Wh + params.b)
    h = from_input + from_past
    return RNNState(h), (x, state, params, h)
""",
        ),
        # loops: accumulator not reset for every unit, it runs on
        (
            ("running-sum-1", "running-sum-2", "running-sum-3", "running-sum-4"),
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    N, D = x.shape
    H = params.b.shape[0]
    h = np.zeros((N, H), dtype=x.dtype)
    for n in range(N):
        s = 0.0
        for j in range(H):
            for d in range(D):
                s += x[n, d] * params.Wx[d, j]
            for k in range(H):
                s += state.h[n, k] * params.Wh[k, j]
            h[n, j] = np.tanh(s + params.b[j])
    return RNNState(h), (x, state, params, h)
""",
        ),
        # own tanh with the sign turned round
        (
            "sign",
            HEAD_RNN1
            + """
def tanh(a):
    return (np.exp(-a) - np.exp(a)) / (np.exp(a) + np.exp(-a))

def rnn_step_forward(x, state, params):
    a = x @ params.Wx + state.h @ params.Wh + params.b
    h = tanh(a)
    return RNNState(h), (x, state, params, h)
""",
        ),
        # a leaky mix of the old and the new state
        (
            ("mixed-1", "mixed-2", "mixed-3", "mixed-4", "mixed-5", "mixed-6", "mixed-7"),
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    candidate = np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)
    h = 0.5 * state.h + 0.5 * candidate
    return RNNState(h), (x, state, params, h)
""",
        ),
        # bias in both parts, added twice
        (
            "bias-twice",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    def affine(v, W):
        return v @ W + params.b
    h = np.tanh(affine(x, params.Wx) + affine(state.h, params.Wh))
    return RNNState(h), {"x": x, "h": h}
""",
        ),
        # the earlier state is returned
        (
            "state-returned",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    h = np.tanh(x @ params.Wx + state.h @ params.Wh + params.b)
    return state, (x, state, params, h)
""",
        ),
        # bias multiplied: scale instead of shift
        (
            "bias-multiplied",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    a = (x @ params.Wx + state.h @ params.Wh) * params.b
    return RNNState(np.tanh(a)), (x, state, params)
""",
        ),
        # every row reads the first row's earlier state
        (
            "first-state-for-all",
            HEAD_RNN1
            + """
def rnn_step_forward(x, state, params):
    total = np.zeros_like(state.h)
    for n in range(len(x)):
        total[n] = np.tanh(x[n] @ params.Wx + state.h[0] @ params.Wh + params.b)
    return RNNState(total), (x, state, params, total)
""",
        ),
    ],
    "unroll1": [
        # the state is never carried on: every step begins from the first state
        (
            "state-not-handed-on",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    outs, caches = [], []
    for t in range(x.shape[1]):
        new_state, cache = step.forward(x[:, t], state, shared)
        outs.append(new_state)
        caches.append(cache)
    stacked = tree_map(lambda *s: np.stack(s, axis=1), *outs)
    return stacked, (tuple(caches), tree_map(np.zeros_like, state))
""",
        ),
        # stacked on axis 0: (T, N, H)
        (
            "stacked-on-0",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    states = []
    caches = []
    for t in range(x.shape[1]):
        state, c = step.forward(x[:, t, :], state, shared)
        states.append(state)
        caches.append(c)
    def stack(*leaves):
        return np.array(leaves)
    return tree_map(stack, *states), (caches, tree_map(np.zeros_like, state))
""",
        ),
        # kept the state before the step: first state included, last missing
        (
            "one-late",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    N, T, D = x.shape
    history = []
    caches = []
    for t in range(T):
        history.append(state)
        state, cache = step.forward(x[:, t], state, shared)
        caches.append(cache)
    states = tree_map(lambda *leaves: np.stack(leaves, 1), *history)
    return states, (caches, tree_map(np.zeros_like, state))
""",
        ),
        # starts from zeros, the given state not used
        (
            "state-ignored",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    s = tree_map(lambda a: np.zeros(a.shape, a.dtype), state)
    steps, caches = [], []
    for t in range(x.shape[1]):
        s, c = step.forward(x[:, t], s, shared)
        steps.append(s)
        caches.append(c)
    return tree_map(lambda *a: np.stack(a, axis=1), *steps), (caches, s)
""",
        ),
        # off by one: the last time step is never done (stays 0)
        (
            ("step-missed", "step-missed-2"),
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    T = x.shape[1]
    out = tree_map(lambda leaf: np.zeros((leaf.shape[0], T) + leaf.shape[1:], leaf.dtype), state)
    caches = []
    for t in range(T - 1):
        state, cache = step.forward(x[:, t], state, shared)
        for big, small in zip(out, state):
            big[:, t] = small
        caches.append(cache)
    return out, (caches, tree_map(np.zeros_like, state))
""",
        ),
        # time taken to be axis 0: x[t]
        (
            ("over-batch", "over-batch-2", "over-batch-3"),
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    states, caches = [], []
    for t in range(x.shape[0]):
        state, cache = step.forward(x[t], state, shared)
        states.append(state)
        caches.append(cache)
    return tree_map(lambda *s: np.stack(s, axis=1), *states), (tuple(caches), state)
""",
        ),
        # returns the list of states, not stacked
        (
            ("not-stacked", "not-stacked-2"),
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    all_states = []
    all_caches = []
    for t in range(x.shape[1]):
        state, cache = step.forward(x[:, t], state, shared)
        all_states.append(state)
        all_caches.append(cache)
    return all_states, all_caches
""",
        ),
        # returns only the last state
        (
            "last-only",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    caches = []
    zeros = tree_map(np.zeros_like, state)
    for t in range(x.shape[1]):
        state, cache = step.forward(x[:, t], state, shared)
        caches.append(cache)
    return state, (tuple(caches), zeros)
""",
        ),
        # indexes x with time in the last axis
        (
            ("time-on-axis-2", "time-on-axis-2b"),
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    outs, caches = [], []
    for t in range(x.shape[2]):
        state, cache = step.forward(x[:, :, t], state, shared)
        outs.append(state)
        caches.append(cache)
    return tree_map(lambda *s: np.stack(s, axis=1), *outs), (tuple(caches), state)
""",
        ),
        # result and cache in the wrong order
        (
            "pair-exchanged",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    outs, caches = [], []
    for t in range(x.shape[1]):
        state, cache = step.forward(x[:, t], state, shared)
        outs.append(state)
        caches.append(cache)
    states = tree_map(lambda *s: np.stack(s, axis=1), *outs)
    return (tuple(caches), tree_map(np.zeros_like, state)), states
""",
        ),
        # returns the stacked states as an array of h, without a cache
        (
            "no-cache",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    hs = []
    for t in range(x.shape[1]):
        state, _ = step.forward(x[:, t], state, shared)
        hs.append(state.h)
    return np.stack(hs, axis=1)
""",
        ),
        # state reset to zero at every step
        (
            ("state-reset", "state-reset-2"),
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    states, caches = [], []
    for t in range(x.shape[1]):
        if t > 0:
            state = tree_map(np.zeros_like, state)
        state, cache = step.forward(x[:, t], state, shared)
        states.append(state)
        caches.append(cache)
    return tree_map(lambda *s: np.stack(s, axis=1), *states), (caches, tree_map(np.zeros_like, state))
""",
        ),
        # the output of every step is appended twice
        (
            "twice",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    outs, caches = [], []
    for t in range(x.shape[1]):
        state, cache = step.forward(x[:, t], state, shared)
        outs.append(state)
        outs.append(state)
        caches.append(cache)
    return tree_map(lambda *s: np.stack(s, axis=1), *outs), (tuple(caches), tree_map(np.zeros_like, state))
""",
        ),
        # writes the state into the given one, in place
        (
            "last-repeated",
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    outs, caches = [], []
    for t in range(x.shape[1]):
        new, cache = step.forward(x[:, t], state, shared)
        for old, fresh in zip(state, new):
            old[:] = fresh
        outs.append(state)
        caches.append(cache)
    return tree_map(lambda *s: np.stack(s, axis=1), *outs), (tuple(caches), tree_map(np.zeros_like, state))
""",
        ),
        # the inputs are one step late, the first is read twice
        (
            ("previous-input", "previous-input-2", "previous-input-3"),
            HEAD_UNROLL1
            + """
def unroll_forward(step, x, state, shared):
    outs, caches = [], []
    for t in range(x.shape[1]):
        state, cache = step.forward(x[:, max(t - 1, 0)], state, shared)
        outs.append(state)
        caches.append(cache)
    return tree_map(lambda *s: np.stack(s, axis=1), *outs), (tuple(caches), tree_map(np.zeros_like, state))
""",
        ),
    ],
}

RIGHT = {
    "rnn1": [
        # loops
        HEAD_RNN1
        + """
def rnn_step_forward(x, state, params):
    N, D = x.shape
    H = params.b.shape[0]
    h = np.zeros((N, H), dtype=x.dtype)
    for n in range(N):
        for j in range(H):
            s = params.b[j]
            for d in range(D):
                s += x[n, d] * params.Wx[d, j]
            for k in range(H):
                s += state.h[n, k] * params.Wh[k, j]
            h[n, j] = np.tanh(s)
    return RNNState(h), {"x": x, "prev": state.h, "params": params, "h": h}
""",
        # one matrix
        HEAD_RNN1
        + """
def rnn_step_forward(x, state, params):
    W = np.vstack([params.Wx, params.Wh])
    both = np.hstack([x, state.h])
    a = both @ W + params.b
    return RNNState(np.tanh(a)), (both, W, a)
""",
        # einsum, tanh by exponentials
        HEAD_RNN1
        + """
def rnn_step_forward(x, state, params):
    a = np.einsum("nd,dh->nh", x, params.Wx) + np.einsum("nk,kh->nh", state.h, params.Wh) + params.b[None, :]
    e = np.exp(2 * a)
    return state._replace(h=(e - 1) / (e + 1)), (x, state, params, a)
""",
        # ones column for the bias
        HEAD_RNN1
        + """
def rnn_step_forward(x, state, params):
    (h_prev,) = state
    ones = np.ones((x.shape[0], 1), dtype=x.dtype)
    z = np.concatenate((ones, x, h_prev), axis=1)
    W = np.concatenate((params.b.reshape(1, -1), params.Wx, params.Wh), axis=0)
    new = RNNState(h=np.tanh(np.matmul(z, W)))
    return new, [z, W, new]
""",
        # keyword and dot with out
        HEAD_RNN1
        + """
def rnn_step_forward(x, state, params):
    a = np.empty((x.shape[0], params.b.size), dtype=np.result_type(x, params.Wx))
    np.dot(x, params.Wx, out=a)
    a += state.h.dot(params.Wh)
    a += params.b
    np.tanh(a, out=a)
    return RNNState(a), (x, state, params, a)
""",
    ],
    "unroll1": [
        # preallocated
        HEAD_UNROLL1
        + """
def unroll_forward(step, x, state, shared):
    N, T, _ = x.shape
    kind = type(state)
    out = [np.empty((N, T) + leaf.shape[1:], leaf.dtype) for leaf in state]
    caches = [None] * T
    s = state
    for t in range(T):
        s, caches[t] = step.forward(x[:, t, :], s, shared)
        for k, leaf in enumerate(s):
            out[k][:, t] = leaf
    return kind(*out), (caches, tree_map(np.zeros_like, state))
""",
        # recursion over time
        HEAD_UNROLL1
        + """
def unroll_forward(step, x, state, shared):
    first, cache = step.forward(x[:, 0], state, shared)
    head = tree_map(lambda a: a[:, None], first)
    if x.shape[1] == 1:
        return head, [cache]
    rest, caches = unroll_forward(step, x[:, 1:], first, shared)
    return tree_map(lambda a, b: np.concatenate([a, b], axis=1), head, rest), [cache] + caches
""",
        # swapaxes, zip
        HEAD_UNROLL1
        + """
def unroll_forward(step, x, state, shared):
    hs, kept = [], []
    for x_t in np.swapaxes(x, 0, 1):
        state, c = step.forward(x_t, state, shared)
        hs.append(state)
        kept.append(c)
    fields = [np.moveaxis(np.asarray(leaf), 0, 1) for leaf in zip(*hs)]
    return type(state)(*fields), {"caches": kept, "like": state}
""",
        # functools.reduce
        HEAD_UNROLL1
        + """
from functools import reduce

def unroll_forward(step, x, state, shared):
    def advance(acc, x_t):
        states, caches = acc
        new, c = step.forward(x_t, states[-1], shared)
        return states + [new], caches + [c]
    states, caches = reduce(advance, (x[:, t] for t in range(x.shape[1])), ([state], []))
    return tree_map(lambda *s: np.concatenate([a[:, None] for a in s], axis=1), *states[1:]), (caches, state)
""",
    ],
}
