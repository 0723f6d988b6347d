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
# # 05. Sequences in vision
#
# **When does a network that sees need a memory?**
#
# Digits pass a camera, one after the other. At every moment only one is in view. What was the last even digit?

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from sklearn.datasets import load_digits

from minirnn import functional as F
from minirnn import init, optim
from minirnn.course import check, my_ops
from minirnn.plots import BLUE, GREEN, GREY, ORANGE
from minirnn.tree import tree_size

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
ops = my_ops()

digits = load_digits()
pictures = (digits.images / 16).astype(np.float32)  # (1797, 8, 8), from 0 to 1
labels = digits.target
train_set, test_set = np.arange(1200), np.arange(1200, 1797)  # in order, as in lesson 04


def lines(rng, part, N, T, even=0.2):
    """N lines of T digits: pictures (N, T, 64) and labels (N, T). One digit in five is even."""
    wanted = 2 * rng.integers(5, size=(N, T)) + (rng.random((N, T)) >= even)
    chosen = np.zeros((N, T), int)
    for d in range(10):
        chosen[wanted == d] = rng.choice(part[labels[part] == d], (wanted == d).sum())
    return pictures[chosen].reshape(N, T, 64), labels[chosen]


def last_even(y):
    """The right answer after each digit: 0 to 4 for the digits 0, 2, 4, 6, 8, and 5 for 'none yet'."""
    answer, latest = np.zeros_like(y), np.full(len(y), 5)
    for t in range(y.shape[1]):
        latest = np.where(y[:, t] % 2 == 0, y[:, t] // 2, latest)
        answer[:, t] = latest
    return answer


NAMES = ("0", "2", "4", "6", "8", "none")
x, y = lines(np.random.default_rng(484), test_set, 1, 12)
figure, axes = plt.subplots(1, 12, figsize=(8.4, 1.3))
for t, ax in enumerate(axes):
    ax.imshow(x[0, t].reshape(8, 8), cmap="gray_r", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"t = {t}", fontsize=9, color=GREY)
    ax.set_xlabel(NAMES[last_even(y)[0, t]], fontsize=11, color=GREEN)
    ax.spines[:].set_visible(False)
figure.tight_layout()

# %% [markdown]
# In green: the right answer at each moment. Cover the line and uncover it digit by digit, and notice what you do. You
# keep one digit in mind. Most of the time you only hold it, and now and then you replace it. The picture in view does
# not contain the answer; it tells you what to do with the answer you have.
#
# A *recurrent network* does this: besides its input it reads its own earlier state.
#
# ## Four forms
#
# Where do sequences occur in vision? Sort the tasks by what is a sequence: the input, the output, both or neither.


# %%
def form(ax, left, name, inputs, outputs, T, examples):
    """A network through T time steps from x = left: which steps have an input and which an output."""
    for t in range(T):
        at = left + t
        ax.add_patch(FancyBboxPatch((at - 0.27, 0.77), 0.54, 0.46, boxstyle="round,pad=0.03", facecolor="#dbe4fb",
                                    edgecolor=BLUE))  # fmt: skip
        ax.text(at, 1, "h", ha="center", va="center", fontsize=9)
        arrows = [((at + 0.31, 1), (at + 0.69, 1))] * (t < T - 1)
        if t in inputs:
            ax.add_patch(plt.Rectangle((at - 0.22, -0.22), 0.44, 0.44, facecolor="#fdebd3", edgecolor=ORANGE))
            ax.text(at, 0, "x", ha="center", va="center", fontsize=9)
            arrows.append(((at, 0.23), (at, 0.73)))
        if t in outputs:
            ax.add_patch(plt.Circle((at, 2), 0.25, facecolor="#dcf2e1", edgecolor=GREEN))
            ax.text(at, 2, "y", ha="center", va="center", fontsize=9)
            arrows.append(((at, 1.27), (at, 1.75)))
        for start, end in arrows:
            ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, color=GREY, shrinkA=0,
                                         shrinkB=0))  # fmt: skip
    middle = left + (T - 1) / 2
    ax.text(middle, 2.45, name, ha="center", va="bottom", fontsize=9.5)
    ax.text(middle, -0.45, examples, ha="center", va="top", fontsize=8.5, color=GREY, linespacing=1.4)


forms = (
    (0, "one to one", [0], [0], 1, "name\nthe digit"),
    (2.2, "one to many", [0], [0, 1, 2], 3, "picture to\nsentence"),
    (6.2, "many to one", [0, 1, 2], [2], 3, "frames to\nan action"),
    (10.2, "many to many,\nin step", [0, 1, 2], [0, 1, 2], 3, "a label for every\nframe or digit"),
    (14.2, "many to many,\nafter reading", [0, 1, 2], [2, 3, 4], 5, "film to sentence,\nline of writing to text"),
)
figure, ax = plt.subplots(figsize=(9.2, 2.6))
for left, name, inputs, outputs, T, examples in forms:
    form(ax, left, name, inputs, outputs, T, examples)
ax.set(xlim=(-0.9, 18.8), ylim=(-1.5, 3.6), aspect="equal")
ax.axis("off")
figure.tight_layout()

# %% [markdown]
# Time runs to the right; `h` is the state, handed from step to step.
#
# | form | in vision |
# |---|---|
# | one to one | classify a photograph; lesson 04 |
# | one to many | describe a picture in words; lessons 10 to 13, the goal of this course |
# | many to one | name the action in a clip, the sign in sign language; say whether a recording is unusual |
# | many to many, in step | label each frame of a film, follow an object; answer after each digit, as above |
# | many to many, after reading | read a line of handwriting, describe a film: the answer has a length of its own |
#
# A sequence need not be time. A line of writing is one from left to right, a large picture looked at part by part is
# one of glances, and a sentence about a picture is one although the picture stands still.
#
# ## A memory with one number
#
# The simplest state is a *leaky average*: keep a share `a` of the old state and let in `1 - a` of the new input.
#
#     h = a * h_prev + (1 - a) * x
#
# No weights, no tanh. Here is the cell, one time step, and the loop that runs it over a sequence x `(N, T, D)`.


# %%
def leaky_step(x, h_prev, a):
    """One time step: x (N, D), h_prev (N, D) -> h (N, D)."""
    return a * h_prev + (1 - a) * x


def leaky_average(x, h, a):
    """Every state: x (N, T, D), h (N, D) before the first step -> (N, T, D)."""
    states = np.zeros_like(x)
    for t in range(x.shape[1]):
        h = leaky_step(x[:, t], h, a)
        states[:, t] = h
    return states


shares = (0.0, 0.5, 0.8)
figure, axes = plt.subplots(4, 10, figsize=(8.4, 3.9))
rows = [x[0, :10], *(leaky_average(x, np.zeros((1, 64), np.float32), a)[0, :10] for a in shares)]
for row, pictures_of_row, name in zip(axes, rows, ("x", *(f"h, a = {a:g}" for a in shares))):
    for t, ax in enumerate(row):
        ax.imshow(pictures_of_row[t].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
figure.tight_layout(w_pad=0.2, h_pad=0.3)

# %% [markdown]
# Each state is a picture of the past, with the present on top. With a = 0 there is no memory; with a = 0.8 many digits
# lie on each other and none is clear. Written out, the loop says how much of an input is left after k further steps:
#
#     h_t = sum over k = 0 … t of  (1 - a) * a^k * x_(t-k)   +   a^(t+1) * h_(-1)

# %%
a, T = 0.8, x.shape[1]
before = np.ones((1, 64))
written_out = sum((1 - a) * a**k * x[:, T - 1 - k] for k in range(T)) + a**T * before
np.testing.assert_allclose(leaky_average(x.astype(float), before, a)[:, -1], written_out, atol=1e-7)

figure, ax = plt.subplots(figsize=(5.6, 2.6))
for a, colour in ((0.5, BLUE), (0.8, ORANGE), (0.95, GREEN)):
    ax.plot(np.arange(20), (1 - a) * a ** np.arange(20.0), "o-", markersize=4, color=colour, label=f"a = {a:g}")
ax.set(xlabel="k, steps ago", ylabel="weight in h", xticks=range(0, 20, 5))
ax.legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# The weight falls like a power of a. Two things are missing, and both matter for the last even digit:
#
# - It forgets by the clock. A memory for this task must hold for as long as odd digits pass, and let go at once when
#   an even one comes. *What comes in has to decide.*
# - It stores pixels. It should store what matters about them, in a form of its own.
#
# ## The recurrent network
#
# So let the new state be a *learned* function of input and old state. The plainest choice is an affine map of both,
# and a tanh that keeps the state between -1 and 1:
#
#     h = tanh(x @ Wx + h_prev @ Wh + b)
#
# x is `(N, D)`, the states are `(N, H)`, `Wx (D, H)`, `Wh (H, H)`, `b (H,)`. The same three arrays are used at every
# time step: they are shared over time as a kernel is shared over places. This is the network of Elman (1990), often
# called *vanilla RNN*. Running any cell through time is always the same loop, so minirnn writes it once:
#
#     state_t = step(x[:, t], state_(t-1), shared)         for t = 0 … T-1
#
# `shared` is everything that each step reads, here the three arrays. Both the step and the loop are your exercises, so
# their code is not on this page. `ops.unroll(ops.rnn_step)` runs yours, once they pass.
#
# ## An experiment: one digit
#
# First where memory is *not* needed. Read a lone digit, either by a recurrent network that sees its eight columns from
# left to right, or by a plain network that sees all 64 pixels. Same number of parameters (nearly), same pictures,
# same number of steps.
#
# Three small networks will do for both experiments. Each has an encoder, affine and ReLU, that turns what is in view
# into features; then a recurrence, or a plain layer; then the answer.


# %%
def rnn_forward(x, params):
    """x (N, T, D) -> an answer at every step (N, T, V), states (N, T, H), cache."""
    encoder, cell, out = params
    seen, at_encoder = ops.affine.forward(x, encoder)
    seen, at_relu = ops.relu.forward(seen)
    first = F.RNNState(np.zeros((len(x), len(cell.b)), x.dtype))
    states, at_cell = ops.unroll(ops.rnn_step).forward(seen, first, cell)
    logits, at_out = ops.affine.forward(states.h, out)
    return logits, states.h, (at_encoder, at_relu, at_cell, at_out)


def rnn_backward(dlogits, cache):
    at_encoder, at_relu, at_cell, at_out = cache
    dh, dout = ops.affine.backward(dlogits, at_out)
    dseen, _, dcell = ops.unroll(ops.rnn_step).backward(F.RNNState(dh), at_cell)
    _, dencoder = ops.affine.backward(ops.relu.backward(dseen, at_relu)[0], at_encoder)
    return dencoder, dcell, dout


def beside(x, K):
    """x (N, T, D) -> (N, T, K*D): at each step the last K inputs side by side, zeros before the first."""
    N, T, D = x.shape
    padded = np.concatenate([np.zeros((N, K - 1, D), x.dtype), x], axis=1)
    return np.concatenate([padded[:, k : k + T] for k in range(K)], axis=2)


def beside_backward(d, K):
    """The transpose of `beside`: what was copied K times adds up."""
    N, T, D = d.shape[0], d.shape[1], d.shape[2] // K
    dpadded = np.zeros((N, T + K - 1, D), d.dtype)
    for k in range(K):
        dpadded[:, k : k + T] += d[:, :, k * D : (k + 1) * D]
    return dpadded[:, K - 1 :]


def window_forward(x, params, K):
    """As `rnn_forward`, without memory: at each step it sees the features of the last K inputs."""
    encoder, middle, out = params
    seen, at_encoder = ops.affine.forward(x, encoder)
    seen, at_relu = ops.relu.forward(seen)
    hidden, at_middle = ops.affine.forward(beside(seen, K), middle)
    hidden, at_hidden = ops.relu.forward(hidden)
    logits, at_out = ops.affine.forward(hidden, out)
    return logits, hidden, (at_encoder, at_relu, at_middle, at_hidden, at_out)


def window_backward(dlogits, cache, K):
    at_encoder, at_relu, at_middle, at_hidden, at_out = cache
    d, dout = ops.affine.backward(dlogits, at_out)
    d, dmiddle = ops.affine.backward(ops.relu.backward(d, at_hidden)[0], at_middle)
    _, dencoder = ops.affine.backward(ops.relu.backward(beside_backward(d, K), at_relu)[0], at_encoder)
    return dencoder, dmiddle, dout


def train(params, forward, backward, batch_of, steps, lr=0.005):
    """Adam on `steps` batches; `batch_of(rng)` gives x (N, T, D) and answers (N, T), or (N,) for the last step."""
    rng, state = np.random.default_rng(0), optim.adam.init(params)
    for step in range(steps):
        x, answers = batch_of(rng)
        logits, _, cache = forward(x, params)
        judged = logits if answers.ndim == 2 else logits[:, -1]
        _, at_loss = ops.cross_entropy.forward(judged, answers, None)
        d, _, _ = ops.cross_entropy.backward(1.0, at_loss)
        if answers.ndim == 1:  # nobody asked at the earlier steps
            d = np.concatenate([np.zeros_like(logits[:, :-1]), d[:, None]], axis=1)
        grads, _ = optim.clip_by_global_norm(backward(d, cache), 1.0)
        params, state = optim.adam.update(params, grads, state, lr=lr * optim.cosine(step, steps))
    return params


# %% [markdown]
# (`clip_by_global_norm` keeps single steps from being too large; lesson 06 says why recurrent networks need it.)


# %%
def lone_digits(columns):
    """Batches of single digits, as eight columns or as one step of 64 pixels."""

    def batch_of(rng):
        rows = rng.choice(train_set, 64)
        x = pictures[rows]
        return (x.transpose(0, 2, 1) if columns else x.reshape(64, 1, 64)), labels[rows]

    return batch_of


def plain_forward(x, params):
    return window_forward(x, params, 1)


def plain_backward(dlogits, cache):
    return window_backward(dlogits, cache, 1)


test_pictures = pictures[test_set]
print("                                 parameters   right in the test")
for seed in range(3):
    rng = np.random.default_rng(seed)
    plain = (init.affine_params(rng, 64, 40), init.affine_params(rng, 40, 30), init.affine_params(rng, 30, 10))
    columns = (init.affine_params(rng, 8, 32), init.rnn_params(rng, 32, 42), init.affine_params(rng, 42, 10))
    for name, params, forward, backward, x in (
        ("plain, all pixels at once", plain, plain_forward, plain_backward, test_pictures.reshape(-1, 1, 64)),
        ("recurrent, column by column", columns, rnn_forward, rnn_backward, test_pictures.transpose(0, 2, 1)),
    ):
        params = train(params, forward, backward, lone_digits(forward is rnn_forward), 500)
        right = (forward(x, params)[0][:, -1].argmax(axis=1) == labels[test_set]).mean()
        print(f"seed {seed}  {name:28} {tree_size(params):7,} {right:17.1%}")

# %% [markdown]
# The plain network is as good, and it has nothing to carry over eight steps. A lone digit of fixed size is
# one to one: everything is in view at once. *Do not use a recurrent network where nothing has to be remembered.*
#
# ## An experiment: a line of digits
#
# Now the last even digit. Four networks answer after every digit. Three have no memory but a window: they see the last
# 1, 3 or 6 digits. The fourth sees one digit and its own state. All have about 6,200 parameters and the same encoder,
# and train for 1,200 steps on lines of 1 to 8 digits. Then they read lines of 16, written by other people.
#
# For the windows we also know the best that *any* method with that window can do. If an even digit is in the window,
# it can be right always. If not, it can only bet: on "none yet" or on one of five even digits, whichever is likelier.


# %%
def best_of_window(K, T, even=0.2):
    """The largest share of right answers after 1 … T digits for any method that sees the last K."""
    outside = np.maximum(np.arange(1, T + 1) - K, 0)  # digits that are out of view
    none_yet = (1 - even) ** outside
    bet = np.maximum(none_yet, (1 - none_yet) / 5)
    nothing_in_view = (1 - even) ** np.minimum(np.arange(1, T + 1), K)
    return 1 - nothing_in_view * (1 - bet)


def line_batches(rng):
    x, y = lines(rng, train_set, 64, int(rng.integers(1, 9)))
    return x, last_even(y)


rng = np.random.default_rng(1)
long_x, long_y = lines(np.random.default_rng(2), test_set, 1000, 16)
curves = {}
for K, hidden in ((1, 108), (3, 40), (6, 21)):
    params = (
        init.affine_params(rng, 64, 32),
        init.affine_params(rng, 32 * K, hidden),
        init.affine_params(rng, hidden, 6),
    )
    params = train(
        params,
        lambda x, p, K=K: window_forward(x, p, K),
        lambda d, cache, K=K: window_backward(d, cache, K),
        line_batches,
        1200,
    )
    curves[K] = (window_forward(long_x, params, K)[0].argmax(axis=2) == last_even(long_y)).mean(axis=0)
    print(f"window of {K}    {tree_size(params):,} parameters   after 16 digits {curves[K][-1]:.0%} right")
reader = (init.affine_params(rng, 64, 32), init.rnn_params(rng, 32, 48), init.affine_params(rng, 48, 6))
reader = train(reader, rnn_forward, rnn_backward, line_batches, 1200)
curves["rnn"] = (rnn_forward(long_x, reader)[0].argmax(axis=2) == last_even(long_y)).mean(axis=0)
print(f"with a state   {tree_size(reader):,} parameters   after 16 digits {curves['rnn'][-1]:.0%} right")

# %%
read = np.arange(1, 17)
figure, ax = plt.subplots(figsize=(7.6, 3.6))
ax.axvspan(8.5, 16.5, color="#f1f3f5", zorder=0)
ax.text(12.5, 0.04, "longer than any line in training", ha="center", color=GREY, fontsize=9)
for K, colour in ((1, GREY), (3, ORANGE), (6, GREEN)):
    ax.plot(read, best_of_window(K, 16), ":", color=colour, linewidth=1.3)
    ax.plot(
        read, curves[K], "o-", color=colour, markersize=4, label=f"sees the last {K}" if K > 1 else "sees one digit"
    )
ax.plot(read, curves["rnn"], "o-", color=BLUE, markersize=5, linewidth=2.2, label="sees one digit and its own state")
ax.plot([], [], ":", color="black", linewidth=1.3, label="best possible for a window")
ax.set(xlabel="digits read", ylabel="share of right answers", ylim=(0, 1.03), xlim=(0.5, 16.5), xticks=read)
ax.legend(frameon=False, fontsize=8, loc="lower left", ncol=2)
figure.tight_layout()

# %% [markdown]
# While everything fits into the window, windows are fine. Beyond it they fall, and the dotted lines say that no
# training could save them: what they need is out of view. A larger window only moves the point where this happens, and
# costs weights for every place; the window of 6 has to learn six times what an even digit looks like *there*, and stays
# well below its own limit.
#
# The network with a state falls much less, and goes on working on lines twice as long as any it was trained on; at
# the end it is above what any window of 6 could reach. Its state has the same size however long the line is. It is
# not perfect: a digit that is misread as even stays in the memory until the next even one, so errors are remembered
# too.
#
# Is there really no plain way? One could give a network the whole line, padded to the longest length. That works up to
# that length, pays for every place, and has to wait for the end. Or one could keep a running count of what was seen.
# But that is a state: *whatever solves this task in a stream carries something from step to step.*
#
# ## Watching it remember
#
# Here is one line, the state of all 48 units over time, and the answers with their probabilities.

# %%
x, y = lines(np.random.default_rng(12), test_set, 1, 16)
logits, h, _ = rnn_forward(x, reader)
says = np.exp(ops.log_softmax.forward(logits)[0])[0]
answer = last_even(y)[0]

figure = plt.figure(figsize=(8.4, 6))
grid = figure.add_gridspec(3, 16, height_ratios=[0.55, 3, 1.3], hspace=0.12, wspace=0.1)
for t in range(16):
    ax = figure.add_subplot(grid[0, t])
    ax.imshow(x[0, t].reshape(8, 8), cmap="gray_r", interpolation="nearest")
    ax.axis("off")
comes_in = y[0] % 2 == 0
change = np.abs(np.diff(h[0], axis=0))  # of every unit, from step to step
order = np.argsort(-change[comes_in[1:]].mean(axis=0) / (change[~comes_in[1:]].mean(axis=0) + 0.02))
middle = figure.add_subplot(grid[1, :])
middle.imshow(h[0].T[order], cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
middle.set(ylabel="state h, 48 units", xticks=[], yticks=[])
below = figure.add_subplot(grid[2, :])
below.imshow(says.T, cmap="Greens", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
below.plot(np.arange(16), answer, "o", markersize=9, markerfacecolor="none", markeredgecolor="black")
below.set(xticks=range(16), yticks=range(6), yticklabels=NAMES, xlabel="t", ylabel="answer")
for ax in (middle, below):
    for t in np.flatnonzero(comes_in):
        ax.axvline(t - 0.5, color="black", linewidth=1)

# %% [markdown]
# Red is 1, blue -1. The black lines mark where an even digit comes in, the circles the right answer. The units are
# sorted: on top are those that change much at the black lines and little elsewhere. These keep their colour while odd
# digits pass. That is the memory; many units together hold which digit it was. The rows at the bottom follow whatever
# is in view, or do not change at all.
#
# As published, this line also shows an error being remembered. At t = 7 a heavy 1 is half taken for an 8. From then on
# the network wavers between 0 and 8, although nothing but odd digits passes, until a clear 2 sets it right.
#
# Nobody told the network which units should remember, or when. It was told only how wrong its answers were, and the
# gradient found the rest, through all the steps between the digit and the answer. How a gradient goes back through
# time is lesson 06.

# %% [markdown]
# ## Your turn
#
# Two functions, in `exercises/05_sequences/`. `minirnn watch` checks a file when you save it, `minirnn check rnn1`
# checks one now, `minirnn hint rnn1` helps. Both are forward functions: they are compared with known right outputs, up
# to rounding.
#
# **rnn1** (`rnn1.py`): `rnn_step_forward(x, state, params)`, one time step. It takes `RNNState(h)` and `RNNParams(Wx,
# Wh, b)` and returns `(RNNState(h), cache)`. Trap: what will the backward step want to know? The cache is yours to
# choose, and lesson 06 will open it.

# %%
check("rnn1")

# %% [markdown]
# **unroll1** (`unroll1.py`): `unroll_forward(step, x, state, shared)`, the loop through time for *any* cell. `step`
# is a `Pair`; call `step.forward(x_t, state, shared)`. Return all states, stacked on axis 1, and the cache. Traps: an
# LSTM's state has two arrays, so do not reach for `.h`: `tree_map` from `minirnn.tree` does something to each array
# of a state, and takes several states at once. And a state written over in place would change all those you kept.

# %%
check("unroll1")

# %% [markdown]
# ## Three questions
#
# 1. Choose H = 1, `Wx = [[0]]`, `Wh = [[1]]`, `b = [0]` in the RNN and start with h = 0.5. What happens over 100 steps?
#    What does the tanh do to a memory, and how could a larger `Wh` hold it?
# 2. The network answers after every digit and is judged after every digit. What would be harder if it were judged only
#    at the end of the line?
# 3. Which of the four forms is: counting cars in a film; colouring a grey photograph; reading a number plate; finding
#    the frame where a ball crosses a line?
#
# ## Where it goes next
#
# The training above used the backward pass of the loop. Lesson 06 takes it apart: backpropagation through time, why
# gradients vanish or explode on the way, and clipping. Lessons 07 and 08 build cells that hold on to things better.
#
# ## Sources
#
# - J. Elman, 1990, "Finding structure in time": the vanilla RNN, with its state fed back (figure 2).
# - P. Werbos, 1990, "Backpropagation through time: what it does and how to do it": the loop and its gradient.
# - A. Karpathy, 2015, "The unreasonable effectiveness of recurrent neural networks", a blog post: its first diagram
#   sorts tasks by one and many.
# - J. Donahue and others, 2015, "Long-term recurrent convolutional networks for visual recognition and description":
#   three of the forms in vision, for actions, pictures and films.
# - A. Graves, J. Schmidhuber, 2009, "Offline handwriting recognition with multidimensional recurrent neural networks":
#   reading a line from its pixels.
# - V. Mnih, N. Heess, A. Graves, K. Kavukcuoglu, 2014, "Recurrent models of visual attention": a still picture as a
#   sequence of glances.
