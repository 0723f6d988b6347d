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
# # 06. Backpropagation through time
#
# **A network has read a sequence and is wrong at the end. Which of the earlier steps is to blame, and by how much?**
#
# In lesson 05 you wrote one step and a loop that runs it. The loop uses the same parameters at every step and hands a
# state from step to step. Written out, it looks like the upper picture: a long chain of functions, and nothing about
# it is new. So the backward pass is nothing new either. It is the lower picture: every arrow turned round.

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np

from minirnn import functional as F
from minirnn import gradcheck, init, optim
from minirnn.course import check, my_ops
from minirnn.pair import Pair
from minirnn.plots import BLUE, GREEN, GREY, ORANGE, RED

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
ops = my_ops()

# %% jupyter={"source_hidden": true}
T = 4


def arrow(ax, start, end, color, **line):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.5, **line})


def draw_unrolled(ax, backward):
    color, d = (ORANGE, "d") if backward else (BLUE, "")
    ends = (lambda a, b: (b, a)) if backward else (lambda a, b: (a, b))  # the same arrows, turned round
    for t in range(T):
        x = 2.4 * t
        box = {"boxstyle": "round,pad=0.45", "fc": "white", "ec": GREY}
        ax.text(x, 0, "step", ha="center", va="center", bbox=box)
        ax.text(x, 1.12, f"L[{t}]", ha="center", va="center")
        ax.text(x - 0.2, -1.12, f"{d}x[{t}]", ha="center", va="center", color=color)
        ax.text(x - 1.2, 0.14, f"{d}h[{t - 1}]", ha="center", color=color)
        arrow(ax, *ends((x - 0.2, -0.95), (x - 0.2, -0.28)), color)
        arrow(ax, *ends((x, 0.28), (x, 0.95)), color)
        arrow(ax, *ends((x - 1.95, 0), (x - 0.45, 0)), color)
        arrow(ax, *ends((x + 0.25, -1.62), (x + 0.25, -0.28)), GREEN)
    ax.plot([0.25, 7.45], [-1.6, -1.6], color=GREEN, lw=1.5)
    shared = "dp: what the steps send back, added up" if backward else "p: one set of parameters for all steps"
    ax.text(3.85, -1.9, shared, ha="center", va="center", color=GREEN)
    ax.set(xlim=(-2.1, 7.9), ylim=(-2.1, 1.3), title="backward" if backward else "forward")
    ax.axis("off")


figure, axes = plt.subplots(2, 1, figsize=(7.6, 5.4))
draw_unrolled(axes[0], backward=False)
draw_unrolled(axes[1], backward=True)
figure.tight_layout()

# %% [markdown]
# Three rules can be read off the lower picture, and they are the whole of backpropagation through time:
#
# 1. **Two gradients meet at every state.** `h[t]` goes to the loss of its own step and to the next step. Both send a
#    gradient back, and the two are added before the step is undone.
# 2. **The state's gradient travels on.** Undoing step `t` gives, besides `dx[t]`, the gradient of `h[t - 1]`. Step `t
#    - 1` waits for it.
# 3. **What is shared adds up.** The parameters went into all steps, so all steps send back a gradient for them. The
#    gradient of the parameters is the sum.
#
# The order follows from rule 2: the last step first. (`h[-1]` stands for the state before the first step.)

# %% [markdown]
# ## A cell small enough for pencil and paper
#
# The leaky average of lesson 05 forgets a part of what it knew and takes in a part of what it sees:
#
#     h[t] = a * h[t-1] + (1 - a) * x[t]
#
# One step has three inputs, `h[t-1]`, `x[t]` and `a`, so undoing it gives three gradients. With `dh` for the whole
# gradient of `h[t]`:
#
#     gradient of h[t-1]:   a * dh
#     gradient of x[t]:     (1 - a) * dh
#     part of da:           (h[t-1] - x[t]) * dh
#
# Take `a = 0.5`, `x = 4, 0, 2` and a start at 0. The states are `2, 1, 1.5`. Let the loss be `L = h[1] + h[2]`, so
# that the gradients from outside are `0, 1, 1`. From the last step to the first:
#
# | t | from outside | from t+1 | `dh` | `dx[t]` | part of `da` | to t-1 |
# |---|---|---|---|---|---|---|
# | 2 | 1 | 0 | 1 | 0.5 | (1 - 2) * 1 = -1 | 0.5 |
# | 1 | 1 | 0.5 | 1.5 | 0.75 | (2 - 0) * 1.5 = 3 | 0.75 |
# | 0 | 0 | 0.75 | 0.75 | 0.375 | (0 - 4) * 0.75 = -3 | 0.375 |
#
# The parts add up to `da = -1`. This can be checked without any chain rule. Put the steps into each other and the
# loss is a polynomial, `L = 2 + 2a - 4a³`. Its derivative `2 - 12a²` is `-1` at `a = 0.5`.

# %% [markdown]
# In code, for a batch: `x` is `(N, T, D)`, the state `(N, D)`, and each of the `D` features has a leak of its own.


# %%
def leaky_forward(x, h, a):
    """h_t = a * h_prev + (1 - a) * x_t: x (N, T, D), h (N, D), a (D,) -> all states (N, T, D)."""
    before, states = [], []
    for t in range(x.shape[1]):
        before.append(h)
        h = a * h + (1 - a) * x[:, t]
        states.append(h)
    return np.stack(states, axis=1), (x, a, before)


def leaky_backward(dstates, cache):
    """Gradients of all states (N, T, D) -> dx (N, T, D), the gradient of the first state (N, D), da (D,)."""
    x, a, before = cache
    dx, da, from_later = np.zeros_like(x), np.zeros_like(a), np.zeros_like(before[0])
    for t in reversed(range(x.shape[1])):
        dh = dstates[:, t] + from_later  # rule 1: two gradients meet
        dx[:, t] = (1 - a) * dh
        da = da + ((before[t] - x[:, t]) * dh).sum(axis=0)  # rule 3: over time, and over the batch as ever
        from_later = a * dh  # rule 2: this travels on
    return dx, from_later, da


x = np.array([4.0, 0.0, 2.0]).reshape(1, 3, 1)
states, cache = leaky_forward(x, np.zeros((1, 1)), np.array([0.5]))
dx, dh, da = leaky_backward(np.array([0.0, 1.0, 1.0]).reshape(1, 3, 1), cache)
print("states", states.ravel())
print("dx    ", dx.ravel())
print("dh    ", dh.ravel(), "  da", da)

# %% [markdown]
# The numbers are those of the table. The gradient check of lesson 02 says the same of random ones:

# %%
rng = np.random.default_rng(6)
sizes = (rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 3)), rng.uniform(0.2, 0.9, 3))
print(gradcheck(Pair(leaky_forward, leaky_backward, "leaky"), sizes))

# %% [markdown]
# ## What is shared adds up
#
# Rule 3 deserves a look of its own. Each step sends back its own opinion about the leak, and the opinions differ in
# sign and size. Here a noisy sine wave of 30 steps is averaged, and the loss compares every state with the clean
# wave.
#
# To see one step's part, cut the sequence before step `t` and treat the state there as a constant: `da` is then the
# sum over the steps from `t` on. What it gains when the cut moves one step back is that step's part.

# %%
T = 30
clean = np.sin(np.arange(T) / 4).reshape(1, T, 1)
noisy = clean + 0.5 * rng.standard_normal(clean.shape)
leak = np.array([0.3])
states, cache = leaky_forward(noisy, np.zeros((1, 1)), leak)
dstates = 2 * (states - clean) / T  # of the mean squared error


def da_from(t):
    """da when only the steps t, t+1, … can be changed: the sequence is cut there, its first state is a constant."""
    first = states[:, t - 1] if t else np.zeros((1, 1))
    return leaky_backward(dstates[:, t:], leaky_forward(noisy[:, t:], first, leak)[1])[2].item()


total_from = np.array([da_from(t) for t in range(T)] + [0.0])
parts = total_from[:-1] - total_from[1:]  # what step t adds

figure, ax = plt.subplots(figsize=(6.4, 2.7))
ax.bar(np.arange(T), parts, color=BLUE, label="part of step t")
ax.plot(total_from[:-1], color=GREEN, linewidth=2, label="sum, from the end to t")
ax.axhline(0, color=GREY, linewidth=0.6)
ax.legend(frameon=False, fontsize=8, loc="lower right")
ax.set(xlabel="t (steps)", title="the gradient da is a sum over time")
figure.tight_layout()
print(f"da = {total_from[0]:.4f}")

# %% [markdown]
# Read the picture from right to left, as the backward loop runs. The bars point up and down; the green line, their
# running sum, ends at `t = 0` with the gradient that the optimiser gets. `da` is negative: a larger `a`, more
# averaging, would lower the loss.
#
# Keep the trick of `da_from`: **cut the sequence at `t`, and `backward` returns the gradient of the state before the
# cut.** We use it below to look inside a time loop without touching it.

# %% [markdown]
# ## Errors over time tell where the mistake is
#
# Backpropagation through time goes wrong in few ways, and each leaves its mark. Below are three versions of
# `leaky_backward`, each with one line spoiled. For each, the error of `dx` is shown *at every time step*.

# %%
good = inspect.getsource(leaky_backward)
spoiled = {
    "forgets what comes from t+1": ("dstates[:, t] + from_later", "dstates[:, t]"),
    "stops before t = 0": ("reversed(range(x.shape[1]))", "reversed(range(1, x.shape[1]))"),
    "a wrong line in the step": ("dx[:, t] = (1 - a) * dh", "dx[:, t] = a * dh"),
}
figure, axes = plt.subplots(1, 3, figsize=(8, 2.7), sharey=True)
for ax, (name, (right, wrong)) in zip(axes, spoiled.items()):
    assert right in good
    namespace = {"np": np}
    exec(good.replace(right, wrong), namespace)
    pair = Pair(leaky_forward, namespace["leaky_backward"], name)
    rng = np.random.default_rng(6)
    args = (rng.standard_normal((2, 8, 3)), rng.standard_normal((2, 3)), rng.uniform(0.6, 0.9, 3))
    report = gradcheck(pair, args, time_axis={"x": 1})
    row = next(row for row in report.rows if row.name == "x")
    ax.semilogy(np.maximum(row.per_step, 1e-13), "o-", color=RED)
    ax.axhline(1e-6, color=GREY, linewidth=0.8, linestyle="--")
    ax.set(xlabel="t (steps)", ylim=(1e-14, 1e2), title=name)
    ax.title.set_fontsize(10)
axes[0].set_ylabel("relative error of dx[t]")
axes[0].annotate("allowed", (0.1, 2e-6), color=GREY, fontsize=8)
figure.tight_layout()

# %% [markdown]
# - **Right at `t = T - 1`, wrong before:** the step itself is right, the *hand-over* is not. At the last step nothing
#   comes from later, so a forgotten hand-over does not show there.
# - **Wrong at `t = 0` only:** the loop ends one step early.
# - **Wrong everywhere:** look into the step. The time loop is not to blame.
#
# `gradcheck` prints this when told which axis is time, `gradcheck(pair, args, time_axis={"x": 1})`, and the checks of
# this lesson's exercises do so. Read that line first.

# %% [markdown]
# ## The same for the RNN
#
# The step of lesson 05, with the sum `s` in front of tanh:
#
# $$s_t = x_t W_x + h_{t-1} W_h + b \qquad h_t = \tanh(s_t)$$
#
# What undoes it follows from what you have: the derivative of tanh is $1 - \tanh(s)^2$ (lesson 02, bug1), and `s` is two
# affine maps added up (lesson 01, affine2). What arrives at $h_t$ is the sum of rule 1, and each step's weight gradients are
# added to the others' by rule 3. You will write the first part, one step, as `rnn2`. You will
# write the loop as `unroll2`, once, for *any* step: it never looks inside a cell. It only knows that a step's
# `backward` takes the gradient of a state and gives back three things.

# %% [markdown]
# ## A gradient on a long way
#
# The way from `dh[t]` to `dh[t-1]` multiplies by `1 - h²`, which is at most 1, and by `Wh` transposed. Over 50 steps
# that is 50 multiplications. What is left of the gradient after them?
#
# Here the loss looks at the last state only. By the trick above, `dL/dh[t]` is what `backward` returns as the
# gradient of the state before the cut. On the left `Wh` is a rotation (all its singular values are 1) times a scale,
# and the input is so small that `tanh` is almost a straight line. On the right `Wh` is a matrix of independent normal
# numbers, scaled, and the input is as loud as in real use.

# %%
N, T, D, H = 4, 50, 3, 48
net = ops.unroll(ops.rnn_step)


def gradient_over_time(params, x, dlast):
    """The norm of dL/dh[t] for t = 0 … T-1 when the loss looks only at h[T-1] with the gradient dlast (N, H)."""
    states, _ = net.forward(x, F.RNNState(np.zeros_like(dlast)), params)
    norms = [np.linalg.norm(dlast)]
    for t in reversed(range(1, x.shape[1])):  # cut before step t
        part, cache = net.forward(x[:, t:], F.RNNState(states.h[:, t - 1]), params)
        dstates = np.zeros_like(part.h)
        dstates[:, -1] = dlast
        norms.append(np.linalg.norm(net.backward(F.RNNState(dstates), cache)[1].h))
    return np.array(norms[::-1])


rng = np.random.default_rng(0)
rotation = init.rnn_params(rng, D, H, np.float64)
normal = rotation._replace(Wh=rng.standard_normal((H, H)) / np.sqrt(H))
x, dlast = rng.standard_normal((N, T, D)), rng.standard_normal((N, H))

figure, axes = plt.subplots(1, 2, figsize=(8, 3.3))
for ax, params, volume, scales in ((axes[0], rotation, 1e-9, (0.6, 0.8, 1, 1.2, 1.5)),
                                   (axes[1], normal, 0.5, (0.6, 1, 1.5, 2.2, 3.0))):  # fmt: skip
    for scale, color in zip(scales, (BLUE, "#7d9cf0", GREEN, ORANGE, RED)):
        norms = gradient_over_time(params._replace(Wh=scale * params.Wh), volume * x, dlast)
        ax.semilogy(norms / norms[-1], color=color)
        ax.annotate(f"{scale}", (0, norms[0] / norms[-1]), (-3, 0), textcoords="offset points", color=color,
                    ha="right", va="center", fontsize=9)  # fmt: skip
    ax.set(xlabel="t (steps)", xlim=(-6, T))
axes[0].set(ylabel="norm of dL/dh[t], 1 at the end", title="scale × rotation, quiet input")
axes[1].set(title="scale × normal numbers, loud input")
figure.tight_layout()

# %% [markdown]
# The axis counts powers of ten, so a straight line means a factor per step. On the left the factor is exactly the
# scale. With 0.6, the first step's gradient is smaller than the last one's by more than ten powers of ten: it
# **vanishes**, and the network cannot learn what the first step has to do with the end. With 1.5 it **explodes**.
# Only a scale of 1 brings the gradient home as it was. On the right `1 - h²` shrinks the gradient at every step, so
# the balance lies at a scale above 1, and it is never exact.
#
# The norm hides one more thing. A matrix of normal numbers stretches some directions and shrinks others, and many
# steps of it make that extreme. The next picture shows the singular values of the whole way, of the matrix `dh[k] /
# dh[0]`, for several lengths `k`. (A batch of `H` equal sequences with the `H` unit vectors as gradients returns this
# matrix from a single `backward`.)


# %%
def singular_values(params, steps):
    """The H singular values of dh[k] / dh[0] after k steps of the input x[0]."""
    same = np.repeat(0.1 * x[:1, :steps], H, axis=0)
    states, cache = net.forward(same, F.RNNState(np.zeros((H, H))), params)
    dstates = np.zeros_like(states.h)
    dstates[:, -1] = np.eye(H)
    return np.linalg.svd(net.backward(F.RNNState(dstates), cache)[1].h, compute_uv=False)


figure, ax = plt.subplots(figsize=(6, 2.8))
for steps, color in ((1, BLUE), (10, ORANGE), (40, RED)):
    ax.semilogy(singular_values(normal, steps), color=color, label=f"{steps} step{'s' * (steps > 1)}, normal numbers")
ax.semilogy(singular_values(rotation, 40), "--", color=GREEN, label="40 steps, rotation")
ax.set(xlabel="direction, strongest first", ylabel="stretched by", ylim=(1e-16, 1e2))
ax.legend(frameon=False, fontsize=8, loc="lower left")
figure.tight_layout()

# %% [markdown]
# After 40 steps the matrix of normal numbers lets through only a few of its 48 directions. A rotation treats all of
# them much alike. This is why `minirnn.init.rnn_params` starts `Wh` as a rotation. It is a good start, not a cure:
# training changes `Wh`, and loud inputs bring `1 - h²` back.
#
# ## A rope for the cliff
#
# Exploding gradients come from steep places in the loss. Here is the smallest recurrent network, one unit and no
# input, `h = tanh(w * h_prev - 0.1)` from `h = 0.3`, for 20 steps, and a loss that asks for `h = 0.6` at the end. For
# `w` left of the cliff the state falls to the negative side, right of it the state climbs to the positive one.


# %%
def loss_and_gradient(w):
    """The loss after 20 steps and its derivative by w."""
    params = F.RNNParams(np.zeros((1, 1)), np.array([[w]]), np.array([-0.1]))
    states, cache = net.forward(np.zeros((1, 20, 1)), F.RNNState(np.array([[0.3]])), params)
    dstates = np.zeros_like(states.h)
    error = states.h[0, -1, 0] - 0.6
    dstates[0, -1, 0] = 2 * error
    return error**2, net.backward(F.RNNState(dstates), cache)[2].Wh.item()


grid = np.linspace(1.1, 1.7, 601)
losses, gradients = np.array([loss_and_gradient(w) for w in grid]).T
steepest = np.abs(gradients).argmax()
print(f"largest gradient: {gradients[steepest]:.1f} at w = {grid[steepest]:.3f}; at w = 1.6: {gradients[500]:.2f}")


def clip_by_value(g, limit):
    """Every element on its own into -limit … limit."""
    return np.clip(g, -limit, limit)


def degrees(g):
    return np.degrees(np.arctan2(g[1], g[0]))


g = np.array([3.0, 0.4])
by_value = clip_by_value(g, 1.0)
(by_norm,), norm = optim.clip_by_global_norm((g,), 1.0)
print(f"g        {g}, norm {norm:.3f}, direction {degrees(g):.1f} degrees")
print(f"by value {by_value}, direction {degrees(by_value):.1f} degrees")
print(f"by norm  {by_norm.round(3)}, direction {degrees(by_norm):.1f} degrees")

figure, axes = plt.subplots(1, 2, figsize=(8, 2.9), width_ratios=(1, 1.3))
axes[0].plot(grid, losses, color=GREY)
axes[0].plot(grid[steepest], losses[steepest], "o", color=RED)
axes[0].annotate(f"slope {gradients[steepest]:.0f}", (grid[steepest], losses[steepest]), (8, 0),
                 textcoords="offset points", color=RED)  # fmt: skip
axes[0].set(xlabel="w", ylabel="loss", title="a cliff in the loss")
turn = np.linspace(0, 2 * np.pi, 200)
axes[1].plot(np.cos(turn), np.sin(turn), color=BLUE, linewidth=0.8)
axes[1].plot([-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1], color=ORANGE, linewidth=0.8)
for v, color, label in ((g, GREY, "gradient"), (by_value, ORANGE, "clipped by value"), (by_norm, BLUE, "by norm")):
    axes[1].annotate(
        "", v, (0, 0), arrowprops={"arrowstyle": "-|>", "color": color, "lw": 2, "shrinkA": 0, "shrinkB": 0}
    )
    axes[1].plot([], [], color=color, linewidth=2, label=label)
axes[1].set(xlim=(-1.2, 3.3), ylim=(-1.2, 1.2), aspect="equal", title="two ways to clip")
axes[1].legend(frameon=False, fontsize=8, loc="lower right")
figure.tight_layout()

# %% [markdown]
# The gradient is right: that is the slope at the red dot. But a step of that length leaves the picture, and what
# training had found is lost. **Clipping** shortens the step where the slope is too steep to be trusted.
#
# `clip_by_value` treats each number alone. It turned the gradient above from 8 degrees to 22 degrees: of two
# parameters the one with the small gradient now moves as if it mattered more. Clipping by the **global norm** takes
# the length of the *whole* gradient, over all arrays together, and scales all of them by one factor:
#
#     norm = sqrt(sum of squares over all arrays);    g = g * min(1, max_norm / norm)
#
# The direction stays. This is `clip1`. Clipping cures explosions. A gradient that has vanished stays so, whatever it
# is multiplied with.
#
# ## Cut on purpose: truncated backpropagation
#
# A stream has no end, and the backward pass keeps a cache for every step. So one cuts: run a window of `W` steps, go
# back through these steps only, update, and hand the *state* to the next window. Values cross the border, gradients
# do not.
#
# What does this cost? Here the network sees a stream of random bits and must say, at every step, the bit of 8 steps
# ago. Nothing helps but remembering. Guessing costs `log 2 = 0.69`.

# %%
LAG, H, N, STREAM = 8, 32, 16, 10_000


def learn_stream(window, seed=0):
    """The loss of every window of a stream, one update each."""
    rng = np.random.default_rng(seed)
    params = (init.rnn_params(rng, 2, H), init.affine_params(rng, H, 2))
    adam = optim.adam_init(params)
    bits = rng.integers(0, 2, (N, STREAM + LAG))
    state, losses = F.RNNState(np.zeros((N, H), np.float32)), []
    for t in range(LAG, STREAM + LAG - window + 1, window):
        x, target = np.eye(2, dtype=np.float32)[bits[:, t : t + window]], bits[:, t - LAG : t - LAG + window]
        states, net_cache = net.forward(x, state, params[0])
        logits, out_cache = ops.affine.forward(states.h, params[1])
        loss, loss_cache = ops.cross_entropy.forward(logits, target, None)
        dh, dout = ops.affine.backward(ops.cross_entropy.backward(1.0, loss_cache)[0], out_cache)
        dnet = net.backward(F.RNNState(dh), net_cache)[2]
        grads, _ = optim.clip_by_global_norm((dnet, dout), 1.0)
        params, adam = optim.adam_update(params, grads, adam, lr=0.003)
        state = F.RNNState(states.h[:, -1])  # the value goes on; its gradient is never asked for
        losses.append(float(loss))
    return np.array(losses)


figure, ax = plt.subplots(figsize=(6.4, 3))
for window, color in ((4, RED), (6, ORANGE), (10, BLUE), (20, GREEN)):
    losses = learn_stream(window)
    shown = losses[: len(losses) // 25 * 25].reshape(25, -1).mean(axis=1)
    ax.plot((np.arange(25) + 0.5) * STREAM / 25, shown, color=color, label=f"window of {window}")
    print(f"window {window:2}: loss at the end {shown[-1]:.3f}")
ax.axhline(np.log(2), color=GREY, linewidth=0.8, linestyle="--")
ax.annotate("guessing", (0, np.log(2)), (2, 3), textcoords="offset points", color=GREY, fontsize=8)
ax.set(xlabel="steps of the stream seen", ylabel="loss (nats per bit)", ylim=(0, 0.8))
ax.legend(frameon=False, fontsize=8, loc=(0.72, 0.2))
ax.set_title(f"the answer lies {LAG} steps back", fontsize=11)
figure.tight_layout()

# %% [markdown]
# A window longer than the dependency learns it. The short windows are the interesting ones. They *begin* well: the
# random rotation happens to keep old bits, and the output layer learns to read them. No gradient ever tells the
# recurrent weights that those bits are wanted, though. So they change for the sake of what the short window sees, and
# the memory that was there by luck is worn away. A gradient that stops too early is not a smaller gradient, it is the
# gradient of a different question.
#
# ## Exercises
#
# **`rnn2`: `rnn_step_backward(dstate, cache)`** in `exercises/06_bptt/rnn2.py` undoes one step. Return `dx`, the
# gradient of the state before, and the gradients of the parameters as an `RNNParams`. Expect a relative error under
# 1e-7. The trap: which of the arrays belongs before the step and which after it, and which of them `tanh`'s
# derivative needs.

# %%
check("rnn2")

# %% [markdown]
# **`unroll2`: `unroll_backward(step, dstates, cache)`** in `exercises/06_bptt/unroll2.py` is backpropagation through
# time for any step. `dstates` has the structure of the states, stacked on axis 1, and `step.backward` returns `dx_t`,
# the gradient of the state before, and that of what is shared. States and parameters are trees: `minirnn.tree` has
# `tree_map` and `tree_add`, which do leaf by leaf what `+` does for one array. The check says at which
# steps dx is wrong: read that with the three pictures above in mind. The trap: what is added to what, before which call. And `dx`
# comes out of the loop in which order?

# %%
check("unroll2")

# %% [markdown]
# **`clip1`: `clip_by_global_norm(grads, max_norm)`** in `exercises/06_bptt/clip1.py` returns the clipped tree and the
# norm *before* clipping. The trap: one norm for the whole tree, not one per array. And what must happen to a gradient
# that is already short enough?

# %%
check("clip1")

# %% [markdown]
# In a terminal, `minirnn watch` checks a file whenever you save it, `minirnn check unroll2` checks it once, and
# `minirnn hint unroll2` helps when you are stuck. When all three pass, run this lesson again: its curves are then
# drawn by your own step and loop.
#
# ## Questions to think about
#
# 1. In the table of the leaky average, which numbers change when the loss is `h[2]` alone? Which of the three spoiled
#    versions would then still be found?
# 2. A network reads 1000 frames, and its forward pass fits into memory many times over. Why can the backward pass be
#    too large, and what would it cost to compute the states a second time instead of keeping them?
# 3. Clip at a norm of 1 and the gradients' norm is 5 at every update. What does clipping then do to the learning
#    rate? Does this also hold for Adam?
#
# ## Where it goes next
#
# A vanished gradient is the fault of the way it takes: a product at every step. Lesson 07 builds a second way beside
# it, on which the state is carried on almost unchanged.
#
# ## Sources
#
# - Werbos 1990, *Backpropagation through time: what it does and how to do it*: the method.
# - Bengio, Simard and Frasconi 1994, *Learning long-term dependencies with gradient descent is difficult*: why
#   gradients vanish.
# - Pascanu, Mikolov and Bengio 2013, *On the difficulty of training recurrent neural networks*: the cliff (its figure
#   6) and clipping by the norm.
# - Williams and Peng 1990, *An efficient gradient-based algorithm for on-line training of recurrent network
#   trajectories*: truncation.
# - Saxe, McClelland and Ganguli 2014, *Exact solutions to the nonlinear dynamics of learning in deep linear neural
#   networks*: why a rotation is a good start.
