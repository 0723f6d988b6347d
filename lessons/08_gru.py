# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08. GRU
#
# **How much of the LSTM is needed?**
#
# Two states and four sets of weights: that is a lot to keep one number. Perhaps a single state and a single gate that
# *slides* from keeping to writing will do. Below is that gate on its own. A unit holds 0, sees a 1 for ten steps,
# then -1, and a gate `z` decides how fast it follows. A gate that is opened and closed by what is seen can do both:
# take a value at once, and keep it.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from minirnn import functional as F
from minirnn import init, optim
from minirnn.course import check, my_ops, source
from minirnn.plots import BLUE, GREEN, GREY, ORANGE, RED
from minirnn.tree import tree_cast, tree_map, tree_size

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
ops = my_ops()

seen = np.repeat([1.0, -1.0], 10)
gates = (
    ("z = 0.5 always", np.full(20, 0.5), BLUE),
    ("z = 0.95 always", np.full(20, 0.95), ORANGE),
    ("z = 0 at t = 3, else 1", np.where(np.arange(20) == 3, 0.0, 1.0), GREEN),
)
figure, ax = plt.subplots(figsize=(6.4, 2.7))
ax.step(np.arange(20), seen, where="mid", color=GREY, linewidth=0.8, label="seen")
for label, z, color in gates:
    held = [0.0]
    for t in range(20):
        held.append((1 - z[t]) * seen[t] + z[t] * held[-1])
    ax.plot(np.arange(20), held[1:], "o-", markersize=3, color=color, label=label)
ax.set(xlabel="t (steps)", ylabel="held", xlim=(-0.5, 27))
ax.legend(frameon=False, fontsize=8, loc="center right")
figure.tight_layout()

# %% [markdown]
# ## The LSTM once more
#
# You have written the LSTM, so here is the framework's, to read beside yours. Each line of the backward function
# names the line that it undoes.

# %%
source(F.lstm_step)

# %% [markdown]
# Two places to compare with your own. In the line marked (4), `dc` is made of what the next step sent and of what
# comes through `h`, as a new array: `dc += …` would have written into the caller's `dstate`. And the four gates'
# gradients are put side by side once, so that line (1) is undone by one product for each weight matrix.
#
# ## The GRU
#
# The gated recurrent unit has one state `h` and three sets of weights, in the order r, z, n:
#
#     axr, axz, axn = the three thirds of  x @ Wx + bx             (1)
#     ahr, ahz, ahn = the three thirds of  h_prev @ Wh + bh        (2)
#     r = sigmoid(axr + ahr)       z = sigmoid(axz + ahz)          (3)
#     n = tanh(axn + r * ahn)                                      (4)
#     h = (1 - z) * n + z * h_prev                                 (5)
#
# - **`z`, the update gate, is a blend.** What is not kept is replaced: `1 - z` of the new, `z` of the old. It is the
#   gated cell of lesson 07 with `z` for `f`. So `h` stays between -1 and 1, always, and a GRU cannot count upwards as
#   an LSTM can.
# - **`r`, the reset gate,** decides how much of the past is used for the *proposal* `n`. With `r = 0` the unit
#   proposes as if the sequence had just begun.
# - **There are two biases,** `bx` and `bh`. For r and z one would do, since they are only ever added. For n they
#   differ: `r` scales the one and not the other.
#
# Conventions differ, and mixing them up gives networks that run and are wrong. Here the reset comes *after* the
# matrix product, `r * (h_prev @ Wh_n + bh_n)`, as in cuDNN and PyTorch. Cho et al. 2014 reset *before* it, `(r *
# h_prev) @ Wh_n`. Both learn about equally well; after the product is faster, as (2) is then a single product. Also,
# in some papers `z` is the share of the *new*, with the roles in (5) swapped. Weights can move between programs only
# if both agree on all of this and on the order of the gates.
#
# Backward, `h_prev` has two uses, in (5) and in (2), and `n` has two inputs that `r` treats differently. That makes
# two matrices of pre-activation gradients, `(N, 3H)` each, one for the side of `x` and one for the side of `h_prev`.
# The two have two thirds in common and differ in one.
#
# ## Three cells, one task
#
# The task is that of lesson 07: 40 steps, two flagged values, say their mean. The cells start as `minirnn.init` makes
# them. There are two more for fairness. A plain RNN with 65 units has as many parameters as the LSTM with 32. A GRU
# whose update gate has a bias of 1 starts with the same keeping share, 0.73, as the LSTM's forget gate.

# %%
T, N = 40, 32


def two_flags(rng, N):
    """x (N, T, 2): a value from -1 to 1 and a flag. y (N, 1): the mean of the two flagged values, one in each half."""
    x = np.zeros((N, T, 2), np.float32)
    x[..., 0] = rng.uniform(-1, 1, (N, T))
    n, first, second = np.arange(N), rng.integers(0, T // 2, N), rng.integers(T // 2, T, N)
    x[n, first, 1] = x[n, second, 1] = 1
    return x, (x[n, first, 0] + x[n, second, 0])[:, None] / 2


def start(cell, rng, H, bias):
    """Fresh parameters; `bias` is that of the update gate of a GRU."""
    params = {"rnn": init.rnn_params, "lstm": init.lstm_params, "gru": init.gru_params}[cell](rng, 2, H)
    if cell == "gru":
        params.bx[H : 2 * H] = bias
    return params


def zero_state(cell, N, H, dtype=np.float32):
    zeros = np.zeros((N, H), dtype)
    return {"rnn": F.RNNState(zeros), "gru": F.GRUState(zeros), "lstm": F.LSTMState(zeros, zeros)}[cell]


def train(cell, H, bias, seed, updates=300, lr=0.01):
    """Parameters (cell, output layer) after training, and the loss of every update as a share of the variance."""
    rng = np.random.default_rng(seed)
    params = (start(cell, rng, H, bias), init.affine_params(rng, H, 1))
    adam, net, losses = optim.adam_init(params), ops.unroll(ops.step(cell)), []
    for _ in range(updates):
        x, y = two_flags(rng, N)
        states, net_cache = net.forward(x, zero_state(cell, N, H), params[0])
        answer, out_cache = ops.affine.forward(states.h[:, -1], params[1])
        losses.append(((answer - y) ** 2).mean() * 6)  # the variance of y is 1/6
        dh, dout = ops.affine.backward(2 * (answer - y) / N, out_cache)
        dstates = tree_map(np.zeros_like, states)
        dstates.h[:, -1] = dh
        grads, _ = optim.clip_by_global_norm((net.backward(dstates, net_cache)[2], dout), 1.0)
        params, adam = optim.adam_update(params, grads, adam, lr=lr)
    return params, np.array(losses)


def speed(cell, H, seconds=0.25):
    """Time steps per second, forward and backward, of a batch of N; the best of several passes."""
    rng = np.random.default_rng(0)
    x, _ = two_flags(rng, N)
    params, net, best = start(cell, rng, H, 0), ops.unroll(ops.step(cell)), np.inf
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        states, cache = net.forward(x, zero_state(cell, N, H), params)
        net.backward(states, cache)
        best = min(best, time.perf_counter() - began)
    return T / best


CELLS = {
    "RNN, 32 units": ("rnn", 32, 0, RED),
    "RNN, 65 units": ("rnn", 65, 0, "#e58a8a"),
    "GRU, 32 units": ("gru", 32, 0, GREEN),
    "GRU, 32 units, bias 1": ("gru", 32, 1, "#6fbf85"),
    "LSTM, 32 units": ("lstm", 32, 0, BLUE),
}
figure, ax = plt.subplots(figsize=(6.4, 3.1))
table, learned = {}, {}
for name, (cell, H, bias, color) in CELLS.items():
    ends = []
    for seed in (0, 1):
        learned[cell], losses = train(cell, H, bias, seed)
        smooth = np.convolve(losses, np.ones(20) / 20, mode="valid")
        ax.plot(np.arange(len(smooth)) + 10, smooth, color=color, label=None if seed else name)
        ends.append(losses[-30:].mean())
    table[name] = (tree_size(learned[cell][0]), speed(cell, H), np.mean(ends))
ax.axhline(1, color=GREY, linewidth=0.8)
ax.set(xlabel="updates", ylabel="loss (1: always 0)", ylim=(0, 1.9), title="two flags in 40 steps")
ax.legend(frameon=False, fontsize=8, loc="upper right", ncols=2)
figure.tight_layout()
print(f"{'':24}{'parameters':>12}{'steps/s':>10}{'loss at the end':>18}")
for name, (size, rate, end) in table.items():
    print(f"{name:24}{size:12,}{rate:10,.0f}{end:18.3f}")

# %%
figure, axes = plt.subplots(1, 3, figsize=(8, 2.4), sharey=True)
titles = ("parameters", "steps per second", "loss at the end")
for k, (ax, title) in enumerate(zip(axes, titles)):
    ax.barh(list(table), [row[k] for row in table.values()], color=[c[3] for c in CELLS.values()])
    ax.set_title(title, fontsize=10)
    ax.tick_params(labelsize=8)
axes[0].invert_yaxis()
figure.tight_layout()

# %% [markdown]
# What differs, and what does not:
#
# - **Memory.** Both gated cells find the rule, the plain cell does not in this time, nor with more units (two runs
#   each, one learning rate; lesson 07 tried a second one for 32 units). Between the GRU and the LSTM this task does
#   not decide: start, learning rate and seed matter as much as the letters.
# - **Size.** With `H` units the LSTM has four times the plain cell's weights, the GRU three times (and one bias
#   vector more for each gate).
# - **Speed.** It depends on the machine; the order usually does not. A plain step is much the fastest: one product,
#   one `tanh`. The GRU's parameters are three quarters of the LSTM's, its speed here is not four thirds: at this size
#   most of the time goes into starting NumPy operations, and the GRU has about as many of them. Only for large `H` do
#   the products count.
#
# Larger comparisons came to a similar end. The gated cells are clearly better than the plain one, and neither of the
# two wins everywhere (Chung et al. 2014; Jozefowicz et al. 2015). Take the one whose equations you like, and spend
# your time on the start and the data.
#
# ## Gates over time
#
# What do the gates do at a flag? For the LSTM, `f` and `i` follow from its equations. For the GRU there is a trick
# that works with any implementation, yours included: silence the proposal. With all weights of `n` at 0, `n` is 0,
# and line (5) is just `h = z * h_prev`. So one step from each state of a real run, with those weights silenced, gives
# `z` as `h / h_prev`.

# %%
x, _ = two_flags(np.random.default_rng(2), 1)
first, second = np.flatnonzero(x[0, :, 1])
H = 32

p = learned["lstm"][0]
states, _ = ops.unroll(ops.lstm_step).forward(x, zero_state("lstm", 1, H), p)
h_prev = np.concatenate([np.zeros((1, H), np.float32), states.h[0, :-1]])  # (T, H)
a = x[0] @ p.Wx + h_prev @ p.Wh + p.b
i, f = F.sigmoid.forward(a[:, :H])[0], F.sigmoid.forward(a[:, H : 2 * H])[0]

p = learned["gru"][0]
states, _ = ops.unroll(ops.gru_step).forward(x, zero_state("gru", 1, H), p)
kept = np.repeat([1.0, 1.0, 0.0], H)  # of the thirds r, z, n the last is silenced
silenced = tree_map(lambda w: w * kept, tree_cast(p, float))
before = states.h[0, :-1].astype(float)  # (T - 1, H): all steps but the first, as one batch
z = ops.gru_step.forward(x[0, 1:].astype(float), F.GRUState(before), silenced)[0].h / before

figure, axes = plt.subplots(3, 1, figsize=(7.2, 5.2), sharex=True, layout="constrained")
for ax, gate, offset, title in (
    (axes[0], f, 0, "LSTM: forget gate f (1: keep)"),
    (axes[1], i, 0, "LSTM: input gate i (1: write)"),
    (axes[2], z, 1, "GRU: update gate z (1: keep)"),
):
    order = np.argsort(gate[first - offset])  # by what the gate does at the first flag
    shown = ax.imshow(gate.T[order], aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest",
                      extent=(offset - 0.5, T - 0.5, H, 0))  # fmt: skip
    for t in (first, second):
        ax.plot([t], [-1.4], "v", color=ORANGE, clip_on=False)
    ax.set(yticks=[])
    ax.set_ylabel("units")
    ax.set_title(title, fontsize=10, pad=9)
axes[-1].set_xlabel("t (steps); flags at the orange marks")
_ = figure.colorbar(shown, ax=axes, pad=0.01, aspect=40)
for name, gate, offset in (("f", f, 0), ("i", i, 0), ("z", z, 1)):
    at = np.isin(np.arange(offset, T), (first, second))
    print(f"{name}: mean {gate[at].mean():.2f} at the flags, {gate[~at].mean():.2f} elsewhere;", end=" ")
    print(f"the unit with the largest: {gate[~at].mean(axis=0).max():.2f}")

# %% [markdown]
# The flags are plain to see in all three: part of the units let go or write there, and the units differ in what they
# do. But the gates are not switches, all open or all shut. Most stay in the middle. For the LSTM this is worth a
# thought: no unit keeps much more than the share printed above, and such a share to the power of 28, the steps
# between the flags, is next to nothing. Yet this is the very network whose memory you saw in lesson 07, held at a
# steady level. So what `f` lets go, `i * g` must write back, step after step, through `h` and its matrix. The
# equations say what a cell can do; what a trained network does has to be looked at.
#
# The GRU shown started at a share of 0.73 and has moved its update gate towards keeping.
#
# ## Exercises
#
# **`gru1`: `gru_step_forward(x, state, params)`** in `exercises/08_gru/gru1.py`: one step, from a `GRUState(h)` to
# the next one, and a cache of your own choice. The trap: where the reset gate multiplies, and which bias is inside. A
# reset before the product runs and learns just as well, and is another cell; the check tells you.

# %%
check("gru1")

# %% [markdown]
# **`gru2`: `gru_step_backward(dstate, cache)`** in `exercises/08_gru/gru2.py`: from the gradient of `h` to `dx`, the
# gradient of the state before and a `GRUParams` of gradients. Undo the lines in the order (5) to (1). Expect relative
# errors under 1e-7. The trap: `bx` and `bh` are not given the same gradient, and `h_prev` is used in two lines.

# %%
check("gru2")

# %% [markdown]
# `minirnn watch` checks a file whenever you save it; `minirnn check gru2` and `minirnn hint gru2` work in the
# terminal. With both passed, `minirnn demo --mine --cell gru` trains the captioner on your cell.
#
# ## Questions to think about
#
# 1. A GRU is to count how many flags it has seen, up to 100. Which line makes this hard, and why is it easy for an
#    LSTM?
# 2. The GRU has no output gate: what it remembers is what it says. When might that be a drawback?
# 3. Which start of `bx` would let a GRU keep for about 40 steps? Look at the rule of lesson 07, and try it on the
#    task above.
#
# ## Where it goes next
#
# So far the inputs were numbers and pictures. A caption is made of words. Lesson 09 makes vectors of them and deals
# with sentences of unequal length; the cells stay as they are.
#
# ## Sources
#
# - Cho et al. 2014, *Learning phrase representations using RNN encoder-decoder for statistical machine translation*:
#   the GRU, with the reset before the product.
# - Chung, Gulcehre, Cho and Bengio 2014, *Empirical evaluation of gated recurrent neural networks on sequence
#   modeling*: the comparison.
# - Jozefowicz, Zaremba and Sutskever 2015, *An empirical exploration of recurrent network architectures*: a search
#   among very many cells.
# - Greff et al. 2017, *LSTM: a search space odyssey*: which parts of the LSTM matter.
# - The documentation of PyTorch's `GRU` and of ONNX's `GRU` (`linear_before_reset`): the two conventions.
