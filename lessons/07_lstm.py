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
# # 07. LSTM
#
# **How can a network keep a number for 40 steps, when every step multiplies?**
#
# A sensor reads one brightness value per step. Two of the 40 values carry a flag. At the end, say the mean of those
# two. A child can do it with two fingers. Lesson 06 shows why a plain recurrent network finds it hard: what the end
# should teach about the first flag has to come back through many products.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import functional as F
from minirnn import gradcheck, init, optim
from minirnn.course import check, my_ops
from minirnn.pair import Pair
from minirnn.plots import BLUE, GREEN, GREY, ORANGE, RED
from minirnn.tree import tree_map

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
ops = my_ops()

T = 40


def two_flags(rng, N):
    """x (N, T, 2): a value from -1 to 1 and a flag. y (N, 1): the mean of the two flagged values, one in each half."""
    x = np.zeros((N, T, 2), np.float32)
    x[..., 0] = rng.uniform(-1, 1, (N, T))
    n, first, second = np.arange(N), rng.integers(0, T // 2, N), rng.integers(T // 2, T, N)
    x[n, first, 1] = x[n, second, 1] = 1
    return x, (x[n, first, 0] + x[n, second, 0])[:, None] / 2


x, y = two_flags(np.random.default_rng(2), 1)
figure, ax = plt.subplots(figsize=(7.6, 2.4))
ax.bar(np.arange(T), x[0, :, 0], color=[ORANGE if flag else "#c9cdd4" for flag in x[0, :, 1]])
ax.axhline(0, color=GREY, linewidth=0.6)
ax.set(xlabel="t (steps)", ylabel="value", title=f"two values carry a flag (orange); the answer is {y.item():.2f}")
figure.tight_layout()

# %% [markdown]
# ## A memory with a gate
#
# The leaky average, `c = a * c_prev + (1 - a) * g`, keeps a share `a` of what it knew. The share is the same at every
# step, and that is its weakness. Whoever wants to keep a number for 40 steps needs `a` near 1, and then nothing new
# gets in. The way out is to let the network *decide at every step* how much to keep. Such a share, between 0 and 1
# and computed from what is seen, is called a **gate**. A sigmoid makes it:
#
#     f = sigmoid(x @ Wf + c_prev @ Uf + bf)     (1)  how much to keep, one number for each unit
#     g = tanh(x @ Wg + bg)                      (2)  what could be written instead
#     c = f * c_prev + (1 - f) * g               (3)
#
# With `f = 1` the cell holds what it has, to the last digit. With `f = 0` it forgets and writes.
#
# Backward, from the last line to the first. `c_prev` is used twice, in (3) and in (1), so its gradient has two parts:
#
#     df = dc * (c_prev - g)      dg = dc * (1 - f)      dc_prev = dc * f            (3)
#     dag = dg * (1 - g²)         dWg = x.T @ dag        dx  = dag @ Wg.T            (2)
#     daf = df * f * (1 - f)      dWf = x.T @ daf        dx += daf @ Wf.T            (1)
#                                 dUf = c_prev.T @ daf   dc_prev += daf @ Uf.T       (1)
#
# With numbers: one unit, one input. `x = 1`, `c_prev = 2`, `Wf = 1`, `Uf = -0.5`, everything else 0. Then `af = 1 - 1
# = 0`, so `f = 0.5`, and `g = 0`, so `c = 1`. Let `dc = 1`:
#
# | | | |
# |---|---|---|
# | `df = 1 * (2 - 0) = 2` | `daf = 2 * 0.5 * 0.5 = 0.5` | `dWf = 0.5`, `dUf = 2 * 0.5 = 1`, `dbf = 0.5` |
# | `dg = 1 * (1 - 0.5) = 0.5` | `dag = 0.5 * (1 - 0) = 0.5` | `dWg = 0.5`, `dbg = 0.5` |
# | `dc_prev = 0.5 + 0.5 * (-0.5) = 0.25` | | `dx = 0.5 * 0 + 0.5 * 1 = 0.5` |


# %%
def gated_forward(x, c_prev, Wf, Uf, bf, Wg, bg):
    """One step: x (N, D), c_prev (N, H), Wf and Wg (D, H), Uf (H, H), bf and bg (H,) -> c (N, H)."""
    f = F.sigmoid.forward(x @ Wf + c_prev @ Uf + bf)[0]  # (1)
    g = np.tanh(x @ Wg + bg)  # (2)
    c = f * c_prev + (1 - f) * g  # (3)
    return c, (x, c_prev, Wf, Uf, Wg, f, g)


def gated_backward(dc, cache):
    """dc (N, H) -> the gradients of all seven arguments."""
    x, c_prev, Wf, Uf, Wg, f, g = cache
    df, dg, dc_prev = dc * (c_prev - g), dc * (1 - f), dc * f  # (3)
    dag = dg * (1 - g**2)  # (2)
    daf = df * f * (1 - f)  # (1)
    dx = dag @ Wg.T + daf @ Wf.T
    dc_prev = dc_prev + daf @ Uf.T
    return dx, dc_prev, x.T @ daf, c_prev.T @ daf, daf.sum(axis=0), x.T @ dag, dag.sum(axis=0)


gated = Pair(gated_forward, gated_backward, "gated")
zero, one = np.zeros((1, 1)), np.ones((1, 1))
c, cache = gated.forward(one, 2 * one, one, -0.5 * one, zero[0], zero, zero[0])
names = ("dx", "dc_prev", "dWf", "dUf", "dbf", "dWg", "dbg")
print("c =", c.item(), " ", ", ".join(f"{n} = {d.item():g}" for n, d in zip(names, gated.backward(one, cache))))

rng = np.random.default_rng(7)
shapes = ((2, 3), (2, 4), (3, 4), (4, 4), (4,), (3, 4), (4,))
print(gradcheck(gated, tuple(rng.standard_normal(shape) for shape in shapes)))

# %% [markdown]
# ## The LSTM
#
# The LSTM takes this idea further, in three ways. Keeping and writing get a gate *each* (`f` and `i`), so that a cell
# can add to what it holds. What the cell remembers (`c`) is not what it says (`h`): a third gate (`o`) decides how
# much of it is shown. And all gates look at `h_prev` as well as at `x`.
#
#     ai, af, ag, ao = the four quarters of  x @ Wx + h_prev @ Wh + b        (1)
#     i = sigmoid(ai)    f = sigmoid(af)    g = tanh(ag)    o = sigmoid(ao)  (2)
#     c = f * c_prev + i * g                                                 (3)
#     h = o * tanh(c)                                                        (4)
#
# `Wx` is `(D, 4H)`, `Wh` is `(H, 4H)`, `b` is `(4H,)`: the weights of all four stand side by side, in the order i, f,
# g, o, so that one matrix product serves them all.

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(7.6, 3.6))


def arrow(start, end, color=GREY, style="-|>"):
    ax.annotate("", end, start, arrowprops={"arrowstyle": style, "color": color, "lw": 1.6, "shrinkA": 0, "shrinkB": 0})


def box(x, y, text, color):
    ax.text(x, y, text, ha="center", va="center", bbox={"boxstyle": "round,pad=0.4", "fc": "white", "ec": color})


def node(x, y, sign):
    ax.plot(x, y, "o", markersize=15, color="white", markeredgecolor=GREY)
    ax.text(x, y, sign, ha="center", va="center_baseline")


for start, end in (((0, 4), (2.32, 4)), ((2.68, 4), (5.02, 4)), ((5.38, 4), (10, 4))):
    arrow(start, end, BLUE)
arrow((0, 0.4), (7.4, 0.4), style="-")
arrow((1, -0.5), (1, 0.4), style="-")
gates = ((2.5, "f", "keep?"), (4.2, "i", "write?"), (6.2, "g", "what"), (7.4, "o", "say?"))
for x_gate, name, what in gates:
    arrow((x_gate, 0.4), (x_gate, 1.18))
    box(x_gate, 1.5, name, ORANGE if name != "g" else GREEN)
    ax.text(x_gate, 0.05, what, ha="center", va="top", color=ORANGE if name != "g" else GREEN, fontsize=9)
arrow((2.5, 1.85), (2.5, 3.72))
ax.plot([4.2, 4.2, 4.6], [1.85, 2.8, 2.8], color=GREY, lw=1.6)
arrow((4.5, 2.8), (5.02, 2.8))
ax.plot([6.2, 6.2, 5.8], [1.85, 2.8, 2.8], color=GREY, lw=1.6)
arrow((5.9, 2.8), (5.38, 2.8))
arrow((5.2, 3.05), (5.2, 3.72))
arrow((8.6, 4), (8.6, 3.35))
box(8.6, 3.05, "tanh", GREY)
arrow((8.6, 2.72), (8.6, 1.78))
arrow((7.72, 1.5), (8.42, 1.5))
ax.plot([8.6, 8.6], [1.22, 0.4], color=GREY, lw=1.6)
arrow((8.6, 0.4), (10, 0.4))
for place in ((2.5, 4, "×"), (5.2, 4, "+"), (5.2, 2.8, "×"), (8.6, 1.5, "×")):
    node(*place)
for x_text, y_text, text, color in (
    (-0.15, 4, "c_prev", BLUE), (10.15, 4, "c", BLUE), (-0.15, 0.4, "h_prev", GREY), (10.15, 0.4, "h", GREY),
):  # fmt: skip
    ax.text(x_text, y_text, text, color=color, ha="right" if x_text < 0 else "left", va="center", fontsize=11)
ax.text(1, -0.6, "x", color=GREY, ha="center", va="top", fontsize=11)
ax.set(xlim=(-1, 10.6), ylim=(-1.1, 4.5), title="one step of the LSTM")
ax.axis("off")
figure.tight_layout()

# %% [markdown]
# Follow the blue line. What the cell remembers goes through one product and one sum, and through no matrix. Backward,
# a sum hands the gradient on as it is, and the product multiplies it by `f`:
#
# $$dc_{t-1} = dc_t \cdot f_t$$
#
# Where the gate is open, `f` near 1, the gradient passes undiminished, however many steps there are. And `f` is not
# fixed: the network can learn *when* to keep.
#
# Two remarks for your own backward pass. `c` is used twice, by the next step and in (4) for `h`; so, before (3) is
# undone, two gradients meet in `dc`. And `h_prev` went into all four gates.
#
# ## The highway, measured
#
# With the trick of lesson 06 (cut the sequence at `t`; `backward` returns the gradient of the state before the cut),
# here is the gradient of a loss at the last step with respect to the state at step `t`: `dL/dh[t]` for the RNN,
# `dL/dc[t]` for the LSTM with several biases of the forget gate. All networks are fresh from `minirnn.init`,
# untrained.


# %%
def start_params(rng, cell, D, H, bias, dtype=np.float32):
    """Fresh parameters; `bias` is that of the LSTM's forget gate."""
    if cell == "lstm":
        return init.lstm_params(rng, D, H, dtype, forget_bias=bias)
    return init.rnn_params(rng, D, H, dtype)


def start_state(cell, N, H, dtype=np.float32):
    zeros = np.zeros((N, H), dtype)
    return F.LSTMState(zeros, zeros) if cell == "lstm" else F.RNNState(zeros)


def gradient_over_time(cell, params, x, dlast):
    """The norm of dL/dstate[t], c for the LSTM and h for the RNN, for a loss with gradient dlast at the last h."""
    net, H = ops.unroll(ops.step(cell)), dlast.shape[1]
    states, _ = net.forward(x, start_state(cell, len(x), H, x.dtype), params)
    norms = []
    for t in range(1, x.shape[1]):
        before = tree_map(lambda s: s[:, t - 1], states)  # noqa: B023
        part, cache = net.forward(x[:, t:], before, params)
        dstates = tree_map(np.zeros_like, part)
        dstates.h[:, -1] = dlast
        dstate = net.backward(dstates, cache)[1]
        norms.append(np.linalg.norm(dstate.c if cell == "lstm" else dstate.h))
    return np.array(norms)


rng = np.random.default_rng(1)
x, _ = two_flags(rng, 8)
x, dlast = 2 * x.astype(float), rng.standard_normal((8, 32))
figure, ax = plt.subplots(figsize=(6.4, 3.1))
for cell, bias, color in (("rnn", 0, RED), ("lstm", 0, "#9db5f2"), ("lstm", 1, "#6487e6"), ("lstm", 5, BLUE)):
    params = start_params(np.random.default_rng(0), cell, 2, 32, bias, float)
    name = "RNN" if cell == "rnn" else f"LSTM, forget bias {bias}"
    norms = gradient_over_time(cell, params, x, dlast)
    ax.semilogy(norms / norms[-1], color=color, label=name)
    if cell == "lstm":
        keep = F.sigmoid.forward(np.array([float(bias)]))[0].item()
        ax.semilogy(keep ** np.arange(len(norms))[::-1], "--", color=color, linewidth=1)
ax.set(xlabel="t (steps)", ylabel="norm of the gradient at t,\n1 at the end")
ax.legend(frameon=False, fontsize=8, loc="lower right")
figure.tight_layout()

# %% [markdown]
# The dashed lines are the blue line of the diagram alone: `sigmoid(bias)` for every step, which is 0.5 for a bias of
# 0, 0.73 for 1 and 0.993 for 5. With 5 it arrives almost whole. With 0 and 1 it is soon dwarfed by what takes the
# other way, through `h` and its matrix; that way exists in the LSTM too, and can vanish or, as with 5, make the sum
# grow. So the three letters promise nothing by themselves: an LSTM with a forget bias of 0 starts with *less* of a
# gradient than this RNN. What the gate gives is a way that can be *opened*, by a good start or by learning.
#
# ## Who can learn the two flags?
#
# Both cells get 32 units, the same data, Adam, clipping at 1, two learning rates and two seeds each. The LSTM starts
# with a forget bias of 1, the usual choice. A loss of 1 means: no better than always answering 0, the mean.


# %%
def first_value(rng, N):
    """x (N, T, 2) with the flag at t = 0, y (N, 1): the value there. For later."""
    x = np.zeros((N, T, 2), np.float32)
    x[..., 0] = rng.uniform(-1, 1, (N, T))
    x[:, 0, 1] = 1
    return x, x[:, 0, :1]


VARIANCE = {two_flags: 1 / 6, first_value: 1 / 3}  # the squared error of always answering 0


def train(cell, task, steps, seed, lr, bias=1.0, H=32, N=32):
    """Parameters (cell, output layer) after training, and the loss of every update as a share of the variance."""
    rng = np.random.default_rng(seed)
    params = (start_params(rng, cell, 2, H, bias), init.affine_params(rng, H, 1))
    adam, net, losses = optim.adam_init(params), ops.unroll(ops.step(cell)), []
    for _ in range(steps):
        x, y = task(rng, N)
        states, net_cache = net.forward(x, start_state(cell, N, H), params[0])
        answer, out_cache = ops.affine.forward(states.h[:, -1], params[1])
        losses.append(((answer - y) ** 2).mean() / VARIANCE[task])
        dh, dout = ops.affine.backward(2 * (answer - y) / N, out_cache)
        dstates = tree_map(np.zeros_like, states)
        dstates.h[:, -1] = dh  # only the last state is asked
        grads, _ = optim.clip_by_global_norm((net.backward(dstates, net_cache)[2], dout), 1.0)
        params, adam = optim.adam_update(params, grads, adam, lr=lr)
    return params, np.array(losses)


def smooth(losses, width=20):
    return np.convolve(losses, np.ones(width) / width, mode="valid")


def plot_curves(ax, losses, color, label=None, **style):
    ax.plot(np.arange(len(smooth(losses))) + 10, smooth(losses), color=color, label=label, **style)


figure, ax = plt.subplots(figsize=(6.4, 3.1))
ends = {"rnn": [], "lstm": []}
for cell, color in (("rnn", RED), ("lstm", BLUE)):
    for lr, line in ((0.003, "--"), (0.01, "-")):
        for seed in (0, 1):
            learned, losses = train(cell, two_flags, 300, seed, lr)
            ends[cell].append(losses[-30:].mean())
            plot_curves(ax, losses, color, None if seed else f"{cell.upper()}, learning rate {lr}", linestyle=line)
ax.axhline(1, color=GREY, linewidth=0.8)
ax.set(xlabel="updates", ylabel="loss (1: always 0)", ylim=(0, 1.8), title="two flags in 40 steps")
ax.legend(frameon=False, fontsize=8, loc="upper right", ncols=2)
figure.tight_layout()
for cell, values in ends.items():
    print(f"{cell:5} loss at the end:", " ".join(f"{v:.2f}" for v in values))

# %% [markdown]
# The LSTM finds the rule in every run, the RNN in none. That is not to say it never could: given ten times as many
# updates, the RNN also came down to about a tenth of the variance when we tried. The gradient of the early flag is
# small, not zero. What the gate buys here is time.
#
# ## How the forget gate is born
#
# The second task is easier to state: say the value of the *first* step at the end of the 40. There is no second flag
# half way that would help to find the rule. How does the start of the forget gate matter?

# %%
figure, ax = plt.subplots(figsize=(6.4, 3.1))
for bias, color in ((0, RED), (1, ORANGE), (3, "#6487e6"), (5, BLUE)):
    for seed in (0, 1):
        _, losses = train("lstm", first_value, 220, seed, lr=0.01, bias=bias)
        keep = F.sigmoid.forward(np.array([float(bias)]))[0].item()
        label = None if seed else f"LSTM, forget bias {bias}: keeps {keep:.3f}"
        plot_curves(ax, losses, color, label)
for seed in (0, 1):
    _, losses = train("rnn", first_value, 220, seed, lr=0.003)
    plot_curves(ax, losses, GREY, None if seed else "RNN", linestyle="--")
ax.set(
    xlabel="updates", ylabel="loss (1: always 0)", ylim=(0, 1.8), title="the first value, asked at the end of 40 steps"
)
ax.legend(frameon=False, fontsize=8, loc="upper right", ncols=2)
figure.tight_layout()

# %% [markdown]
# A bias of 0 halves the memory at every step; in these 40 steps nothing is left, and nothing is learned. With 3 or 5
# the memory is there from the beginning, and the LSTM only has to learn what to put into it. With 1, the usual start,
# luck decides: one of the two runs here finds the rule and loses it again. The advice of 1 fits dependencies of a few steps. For
# longer ones take more: a bias of `log(k)` keeps for about `k` steps.
#
# And look at the grey lines. *This* task the plain RNN learns for the most part, with its rotation for a start and a
# small learning rate, and the LSTM with a bias of 0 does not. A good start matters as much as the cell. Which network
# remembers better is a question about the cell, its start and the task together.
#
# We met this while looking for a task for this lesson. The first one we tried was to remember which of four symbols
# came first, through 40 to 60 steps of loud noise. At a learning rate of 0.01 the plain RNN got a part of it in most
# runs, and the LSTM with a bias of 1 nothing in 300 to 500 updates; with a bias of 3 or 5 the LSTM learned it. The
# two flags separate the cells more clearly, and that is why they are shown. One task is an example, not a ranking.
#
# ## What is kept, and where
#
# Back to the two flags, with the last LSTM trained above. To see its memory, run it twice on the same sequence. Only
# the first flagged value differs: 0.8 in one run, -0.8 in the other. Whatever differs between the two runs' cells
# afterwards is the memory of that value.

# %%
x, y = two_flags(np.random.default_rng(2), 1)
first, second = np.flatnonzero(x[0, :, 1])
pair_of_runs = np.concatenate([x, x])
pair_of_runs[:, first, 0] = 0.8, -0.8
states, _ = ops.unroll(ops.lstm_step).forward(pair_of_runs, start_state("lstm", 2, 32), learned[0])
memory = (states.c[0] - states.c[1]).T  # (H, T)

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
limit = np.abs(memory).max()
shown = ax.imshow(memory[np.argsort(memory[:, -1])], aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit,
                  interpolation="nearest")  # fmt: skip
for t in (first, second):
    ax.axvline(t - 0.5, color=ORANGE, linewidth=1)
ax.set(xlabel="t (steps); the flags in orange", ylabel="unit (sorted)", title="difference of c between the two runs")
_ = figure.colorbar(shown, ax=ax, pad=0.01)
size = np.linalg.norm(memory, axis=0)
print(f"size of the difference: {size[first]:.2f} at the flag, {size[second - 1]:.2f} before the second flag")

# %% [markdown]
# Before the first flag there is nothing to see. At the flag the value is written into many units at once. Some let go
# of it within a few steps. The others hold it, through all the noise between, at almost the same level: horizontal
# stripes. The second flag does not wipe them out, since the answer needs both values. No unit alone is "the memory";
# the output layer reads it from all of them.
#
# ## Exercises
#
# **`lstm1`: `lstm_step_forward(x, state, params)`** in `exercises/07_lstm/lstm1.py`: one step, from an `LSTMState(h,
# c)` to the next one, and a cache of your own choice for the way back. The trap: the order of the four quarters, i,
# f, g, o. A wrong order still runs, and still learns; the check tells you.

# %%
check("lstm1")

# %% [markdown]
# **`lstm2`: `lstm_step_backward(dstate, cache)`** in `exercises/07_lstm/lstm2.py`: from the gradients of `h` and `c`
# to `dx`, the gradients of the state before and an `LSTMParams` of gradients. Undo the numbered lines in the order
# (4), (3), (2), (1). Expect relative errors under 1e-7. The trap is the second use of `c`; and see that nothing is
# written into the arrays of `dstate`.

# %%
check("lstm2")

# %% [markdown]
# `minirnn watch` checks a file whenever you save it; `minirnn check lstm2` and `minirnn hint lstm2` work in the
# terminal. When both pass, run the lesson again: the LSTM in its curves is then yours.
#
# ## Questions to think about
#
# 1. The gated cell writes `1 - f` of the new, the LSTM has a separate gate `i`. What can the LSTM do that the gated
#    cell cannot? Think of counting.
# 2. Could you repair the plain RNN for the first task by hand, without any training? Which `Wh` would keep a number,
#    and what does `tanh` do to it over 40 steps?
# 3. With a very large forget bias, say 50, the sigmoid is 1 to the last digit. What becomes of the forget gate's own
#    gradient then?
#
# ## Where it goes next
#
# Four sets of weights, two states: is all of it needed? Lesson 08 builds a gated cell with one state and three sets
# of weights, the GRU, and compares the three cells.
#
# ## Sources
#
# - Hochreiter and Schmidhuber 1997, *Long short-term memory*: the cell, and the adding problem, of which the two
#   flags are a short version.
# - Gers, Schmidhuber and Cummins 2000, *Learning to forget: continual prediction with LSTM*: the forget gate.
# - Jozefowicz, Zaremba and Sutskever 2015, *An empirical exploration of recurrent network architectures*: the forget
#   bias of 1.
# - Tallec and Ollivier 2018, *Can recurrent neural networks warp time?*: biases chosen for the span to be remembered.
# - Le, Jaitly and Hinton 2015, *A simple way to initialize recurrent networks of rectified linear units*: a good
#   start for plain cells.
