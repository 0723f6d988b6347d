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
# # 01. Gradients by hand
#
# **A network has thousands of numbers in it. How does it find out which of them to change, in which direction, and by
# how much?**
#
# It asks each number one question: if you were a little larger, would the answer be more wrong or less? Below is one
# weight of one neuron. The curve says how wrong the neuron is for each value of the weight. The line touches the
# curve where the weight is now; its slope is the answer to the question.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from minirnn import Pair, gradcheck
from minirnn import functional as F
from minirnn.course import check, my_ops, source
from minirnn.init import affine_params
from minirnn.optim import sgd
from minirnn.plots import BLUE, GREEN, GREY, ORANGE

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})


def neuron_loss(w1):
    """(sigmoid(w1 * 2 + 1 * (-1)) - 1)^2: how wrong one neuron is that should say 1."""
    return (1 / (1 + np.exp(-(w1 * 2 - 1))) - 1) ** 2


weights = np.linspace(-1.5, 2.5, 200)
figure, ax = plt.subplots(figsize=(8, 3))
ax.plot(weights, neuron_loss(weights), color=BLUE)
ax.plot([0.1, 0.9], [0.25 + 0.5 * 0.4, 0.25 - 0.5 * 0.4], color=ORANGE, linewidth=2)
ax.plot(0.5, 0.25, "o", color=ORANGE)
ax.annotate("slope -0.5: a larger weight, a smaller loss", (0.62, 0.27), color=ORANGE)
ax.set(xlabel="weight w1", ylabel="loss", ylim=(0, 1))
figure.tight_layout()

# %% [markdown]
# The slope of the loss with respect to a number is called that number's **gradient**. Learning is: compute the
# gradient of every number, move every number a small step against its gradient, repeat.
#
# This lesson computes gradients three times: with numbers that you can check on paper, then with arrays, then for a
# network that learns to read digits in about a second.
#
# ## Numbers first
#
# The neuron from the picture has two inputs, and should say `t = 1`:
#
#     a    = w1 * x1 + w2 * x2 + b          weighted sum
#     y    = 1 / (1 + exp(-a))              sigmoid: squeezes any number into 0 … 1
#     loss = (y - t)^2                      how wrong
#
# Take x1 = 2, x2 = -1, w1 = 0.5, w2 = 1, b = 0. Then a = 1 - 1 + 0 = 0, y = 1/2, and loss = 1/4. That is the *forward
# pass*. Now backwards, one small question at a time. We write `dy` for "the slope of the loss with respect to y".
#
# 1. The loss is (y - t)², and the derivative of a square is twice what is squared:
#    `dy = 2 * (y - t) = 2 * (-1/2) = -1`.
# 2. y is the sigmoid of a, and the slope of the sigmoid is y * (1 - y), here 1/4. If a grows by a little bit, y grows
#    by a quarter of it, and the loss by -1 times that: `da = dy * y * (1 - y) = -1 * 1/4 = -1/4`.
# 3. a is a sum. If w1 grows by a little bit, a grows x1 = 2 times as much: `dw1 = da * x1 = -1/4 * 2 = -1/2`. In the
#    same way `dw2 = da * x2 = 1/4`, and `db = da * 1 = -1/4`.
# 4. The inputs have gradients as well: `dx1 = da * w1 = -1/8`, `dx2 = da * w2 = -1/4`. If x1 was made by another
#    neuron, that neuron goes on from here.
#
# That is the **chain rule**: the slope of the loss at one place is the slope at the next place, times how much the
# next place moves when this one does. Going from the loss back to the inputs, every slope is computed once, from the
# one after it. This is *backpropagation*, all of it. The rest is bookkeeping.

# %%
x1, x2, w1, w2, b, t = 2.0, -1.0, 0.5, 1.0, 0.0, 1.0
a = w1 * x1 + w2 * x2 + b
y = 1 / (1 + np.exp(-a))
loss = (y - t) ** 2

dy = 2 * (y - t)
da = dy * y * (1 - y)
dw1, dw2, db, dx1, dx2 = da * x1, da * x2, da, da * w1, da * w2

# %%
boxes = {  # name: (column, row, value, gradient)
    "x1": (0, 4, x1, dx1), "w1": (0, 3, w1, dw1), "x2": (0, 2, x2, dx2), "w2": (0, 1, w2, dw2), "b": (1.25, 0.2, b, db),
    "w1 * x1": (1.25, 3.5, w1 * x1, da), "w2 * x2": (1.25, 1.5, w2 * x2, da),
    "a": (2.5, 2, a, da), "y": (3.6, 2, y, dy), "loss": (4.7, 2, loss, 1.0),
}  # fmt: skip
arrows = ["x1>w1 * x1", "w1>w1 * x1", "x2>w2 * x2", "w2>w2 * x2", "w1 * x1>a", "w2 * x2>a", "b>a", "a>y", "y>loss"]
figure, ax = plt.subplots(figsize=(8.4, 4))
for arrow in arrows:
    (c0, r0, *_), (c1, r1, *_) = (boxes[name] for name in arrow.split(">"))
    ax.annotate("", (c1 - 0.42, r1), (c0 + 0.42, r0), arrowprops={"arrowstyle": "->", "color": GREY})
for name, (column, place, value, gradient) in boxes.items():
    rectangle = plt.Rectangle((column - 0.4, place - 0.38), 0.8, 0.76, facecolor="white", edgecolor=GREY)
    ax.add_patch(rectangle)
    ax.text(column, place + 0.2, name, ha="center", va="center", fontsize=10)
    ax.text(column - 0.03, place - 0.17, f"{value:g}", ha="right", va="center", fontsize=10, color=BLUE)
    ax.text(column + 0.06, place - 0.17, f"{gradient:g}", ha="left", va="center", fontsize=10, color=ORANGE)
ax.text(3.1, 4.1, "values, computed left to right", color=BLUE)
ax.text(3.1, 3.6, "gradients, computed right to left", color=ORANGE)
ax.set(xlim=(-0.5, 5.2), ylim=(-0.5, 4.5))
ax.axis("off")
figure.tight_layout()

# %% [markdown]
# Do not believe it; try it. Make w1 larger by 0.001. The gradient says that the loss changes by about -0.5 * 0.001:

# %%
print("predicted change:", dw1 * 0.001)
print("measured change: ", neuron_loss(0.501) - neuron_loss(0.5))

# %% [markdown]
# And step against all gradients at once, twenty times:

# %%
for step in range(21):
    a = w1 * x1 + w2 * x2 + b
    y = 1 / (1 + np.exp(-a))
    if step % 5 == 0:
        print(f"step {step:2}: w1 {w1:6.3f}  w2 {w2:6.3f}  b {b:6.3f}  y {y:.3f}  loss {(y - t) ** 2:.4f}")
    da = 2 * (y - t) * y * (1 - y)
    w1, w2, b = w1 - 0.5 * da * x1, w2 - 0.5 * da * x2, b - 0.5 * da

# %% [markdown]
# **One more rule, and it is the one that people forget.** If a number is used in two places, its change reaches the
# loss on two ways, and the two slopes *add up*. Take `q = a * sigmoid(a)` at a = 0. Through the first factor the
# slope is sigmoid(0) = 1/2, through the second it is a * (slope of the sigmoid) = 0 * 1/4; together 1/2. A weight of
# a network is used once for *every picture in the batch*, so its gradient is a sum over the batch. In a recurrent
# network it is used again at every time step, so its gradient is a sum over time. It is the same rule.

# %% [markdown]
# ## From numbers to pairs
#
# Nobody writes a network out in single numbers. We cut it into functions of whole arrays, and write two functions for
# each:
#
#     f_forward(x, …)        -> (out, cache)      compute, and keep what the way back will need
#     f_backward(dout, cache) -> (dx, …)          one gradient for each argument of forward, in a tuple
#
# `dout` is the gradient that arrives from the next function, the *upstream gradient*. It has the shape of `out`. Each
# gradient that goes on has the shape of its argument. The backward function neither knows nor needs to know what
# comes after it: `dout` tells it everything. That is why pieces can be put together in any way.
#
# ### Sigmoid
#
# Equation: `y = 1 / (1 + exp(-x))`, for every element by itself. Its slope is `y * (1 - y)`. (On paper: the
# derivative of 1/u is -1/u² times that of u; with u = 1 + exp(-x) this gives exp(-x) / u², which is y * (1 - y).) So:


# %%
def sigmoid_forward(x):
    """Any shape -> the same shape."""
    y = 1 / (1 + np.exp(-x))
    return y, y  # the slope can be written with y alone, so y is all that the cache needs


def sigmoid_backward(dy, cache):
    """Upstream gradient -> gradient of x."""
    y = cache
    return (dy * y * (1 - y),)


# %% [markdown]
# Two things to see. The backward function returns a tuple even for one gradient: one entry for each argument. And its
# first factor is `dy`: forgetting it is right for exactly one upstream gradient, 1.
#
# Does it agree with the framework? And with differences, as we measured a change above? `gradcheck` does that for
# every element, with a random upstream gradient:

# %%
rng = np.random.default_rng(0)
x = rng.standard_normal((3, 4))
dy = rng.standard_normal((3, 4))
y, cache = sigmoid_forward(x)
truth, truth_cache = F.sigmoid.forward(x)
np.testing.assert_allclose(y, truth)
np.testing.assert_allclose(sigmoid_backward(dy, cache)[0], F.sigmoid.backward(dy, truth_cache)[0])
print(gradcheck(Pair(sigmoid_forward, sigmoid_backward, "my sigmoid"), (x,)))

# %% [markdown]
# How to read it: one line per argument, with its *worst relative error*. Lesson 02 explains that number, and has you
# build it. Here is the framework's own. Its forward differs in one point: for very negative x the first version
# computes exp of a large number, which overflows; this form of the same function cannot.

# %%
source(F.sigmoid)

# %% [markdown]
# ### Squared error
#
# A loss turns answers `y (N, M)` and right values `t (N, M)` into one number. The sum of squares, as a mean over the
# N examples:
#
#     loss = 1/N * sum over n and m of (y[n, m] - t[n, m])^2
#
# Raise `y[n, m]` by a little bit, and only one term of the sum changes: its slope is `2 * (y[n, m] - t[n, m]) / N`. A
# loss is a function like any other, so it too gets an upstream gradient, `dloss`, a single number. It is 1 when the
# loss is the end.


# %%
def squared_error_forward(y, t):
    """(N, M), (N, M) -> one number."""
    difference = y - t
    return (difference**2).sum() / len(y), difference


def squared_error_backward(dloss, cache):
    """One number -> gradients of y and of t."""
    difference = cache
    dy = dloss * 2 * difference / len(difference)
    return dy, -dy  # two arguments, two gradients: raising t does the opposite of raising y


targets = rng.standard_normal((3, 4))
print(gradcheck(Pair(squared_error_forward, squared_error_backward, "squared error"), (x, targets)))

# %% [markdown]
# ### Log-softmax
#
# To choose among V classes, a network gives V scores, called *logits*. Softmax makes probabilities of them; we need
# their logarithms:
#
#     p[j]    = exp(x[j]) / sum over k of exp(x[k])
#     logp[j] = log p[j] = x[j] - log(sum over k of exp(x[k]))
#
# Here every output depends on *every* input of its row, so all upstream gradients of the row reach each x[i]:
#
# - through the first term, `logp[i]` moves one for one with `x[i]`: it contributes `dlogp[i]`;
# - through the sum, **all** `logp[j]` fall when `x[i]` rises, each by `p[i]`, because the slope of `log(sum(exp))`
#   with respect to `x[i]` is `exp(x[i]) / sum = p[i]`: together `-p[i] * (sum over j of dlogp[j])`.
#
# On paper: let exp(x) be 1, 2, 1. Then p = 1/4, 1/2, 1/4. With upstream gradient 0, 1, 0 (only the logarithm of the
# middle probability matters to the loss) its sum is 1, and dx = 0 - 1/4, 1 - 1/2, 0 - 1/4.
#
# In code, `keepdims=True` keeps the row axis, so that each row's sum meets its own row:


# %%
def log_softmax_forward(x):
    """(..., V) -> (..., V), logarithms of probabilities."""
    logp = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return logp, logp


def log_softmax_backward(dlogp, cache):
    """(..., V) -> (..., V)."""
    p = np.exp(cache)
    return (dlogp - p * dlogp.sum(axis=-1, keepdims=True),)


by_hand = np.log([[1.0, 2.0, 1.0]])
logp, cache = log_softmax_forward(by_hand)
print("p  =", np.exp(logp).round(4))
print("dx =", log_softmax_backward(np.array([[0.0, 1.0, 0.0]]), cache)[0].round(4))

np.testing.assert_allclose(log_softmax_forward(x)[0], F.log_softmax.forward(x)[0])
print(gradcheck(Pair(log_softmax_forward, log_softmax_backward, "my log_softmax"), (x,)))

# %% [markdown]
# The gradients of a row sum to 0 (check it on the line above). Can you say why, from what softmax does when all
# logits rise together?
#
# The equation is right, but the code is not finished. Logits of 1000 are unusual, not forbidden:

# %%
large = np.array([[1000.0, 999.0]])
with np.errstate(over="ignore"):
    print("first version:", log_softmax_forward(large)[0])
print("framework:    ", F.log_softmax.forward(large)[0])

# %% [markdown]
# exp(1000) is larger than any float64. The repair uses what you just thought about: taking the same number away from
# all logits of a row changes nothing. The framework takes away the largest, so that no exponent is above 0:

# %%
source(F.log_softmax)

# %% [markdown]
# ## A network that reads digits
#
# scikit-learn brings 1,797 handwritten digits, scanned and shrunk to 8 by 8 pixels. The first 1,400 of a shuffled
# order are for training, the other 397 only for judging.

# %%
digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.data))
images = (digits.data[order] / 16).astype(np.float32)  # (N, 64), from 0 to 1
labels = digits.target[order]  # (N,) integers from 0 to 9
train_x, train_y, test_x, test_y = images[:1400], labels[:1400], images[1400:], labels[1400:]

figure, axes = plt.subplots(1, 10, figsize=(8, 1.3))
for ax, picture, label in zip(axes, test_x, test_y):
    ax.imshow(picture.reshape(8, 8), cmap="gray_r", interpolation="nearest")
    ax.set_title(f"{label}", fontsize=11)
    ax.axis("off")
figure.tight_layout()

# %% [markdown]
# The network has two layers of neurons. With N pictures in a batch, 64 pixels, 32 hidden neurons and 10 classes:
#
#     a      = x W1 + b1            (N, 64) -> (N, 32)     affine: 32 neurons at once, for all N pictures
#     h      = max(a, 0)            (N, 32)                relu: negative sums become 0
#     logits = h W2 + b2            (N, 32) -> (N, 10)     affine
#     loss   = cross-entropy(logits, labels)               how little probability the right class got
#
# Without the relu, two affine layers would only be one affine layer in disguise. The functions are the ones that you
# are going to write. `ops` holds yours where they pass and the framework's elsewhere, so the network runs in either
# case. Read how it is wired: the backward pass calls the same pieces in reverse, and hands each one's gradient to the
# one before.

# %%
ops = my_ops()


def network_forward(x, labels, first, second):
    """(N, 64), (N,), two layers of parameters -> loss, cache."""
    a, cache_first = ops.affine.forward(x, first)
    h, cache_relu = ops.relu.forward(a)
    logits, cache_second = ops.affine.forward(h, second)
    loss, cache_loss = ops.cross_entropy.forward(logits, labels, None)  # None: every label counts
    return loss, (cache_first, cache_relu, cache_second, cache_loss)


def network_backward(dloss, cache):
    """One number -> gradients of x, labels (none), and both layers."""
    cache_first, cache_relu, cache_second, cache_loss = cache
    dlogits, _, _ = ops.cross_entropy.backward(dloss, cache_loss)
    dh, dsecond = ops.affine.backward(dlogits, cache_second)
    (da,) = ops.relu.backward(dh, cache_relu)
    dx, dfirst = ops.affine.backward(da, cache_first)
    return dx, None, dfirst, dsecond


def accuracy(x, labels, params):
    """Share of pictures whose largest logit is the right one."""
    h, _ = ops.relu.forward(ops.affine.forward(x, params[0])[0])
    return float((ops.affine.forward(h, params[1])[0].argmax(axis=1) == labels).mean())


# %% [markdown]
# Training: draw 32 pictures, compute the loss and the gradients, take one step, and so on for 30 passes over the
# training pictures (*epochs*). The step is stochastic gradient descent with momentum: a *velocity* remembers earlier
# gradients, as a ball that rolls downhill.

# %%
rng = np.random.default_rng(1)
params = (affine_params(rng, 64, 32), affine_params(rng, 32, 10))
state = sgd.init(params)
losses, scores = [], [accuracy(test_x, test_y, params)]
for _epoch in range(30):
    for rows in np.array_split(rng.permutation(len(train_x)), len(train_x) // 32):
        loss, cache = network_forward(train_x[rows], train_y[rows], *params)
        _, _, *grads = network_backward(np.float32(1), cache)
        params, state = sgd.update(params, tuple(grads), state, lr=0.05)
        losses.append(float(loss))
    scores.append(accuracy(test_x, test_y, params))
print(f"before training: {scores[0]:.1%} of the held-out digits right; after: {scores[-1]:.1%}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
left.plot(losses, color=BLUE, linewidth=0.6)
left.axhline(np.log(10), color=GREY, linestyle="--", linewidth=1)
left.text(len(losses), np.log(10) + 0.05, "guessing: log(10)", color=GREY, ha="right")
left.set(xlabel="step", ylabel="loss (nats per digit)", ylim=(0, 2.7))
right.plot(np.arange(31), scores, color=GREEN)
right.set(xlabel="epoch", ylabel="held-out digits right", ylim=(0, 1.02))
figure.tight_layout()

# %% [markdown]
# The loss starts near log(10) = 2.3, the loss of giving every digit the same probability, and falls within the first
# passes. Remember that number: **a new network whose first loss is far above log(V) has weights that are too large,
# or a mistake**.
#
# What did the hidden neurons learn? Each has 64 weights, one per pixel, so it can be shown as a picture: ink on green
# speaks for the neuron, ink on purple against it. These are the 16 with the largest weights; some of the others
# stayed near their random start.

# %%
W1 = params[0].W
figure, axes = plt.subplots(2, 8, figsize=(8, 2.3))
largest = np.argsort(-np.abs(W1).max(axis=0))
for ax, column in zip(axes.ravel(), W1.T[largest]):
    ax.imshow(column.reshape(8, 8), cmap="PRGn", vmin=-0.7, vmax=0.7, interpolation="nearest")
    ax.axis("off")
figure.tight_layout()

# %% [markdown]
# No one told them what a stroke is. And because `dx` exists as well, the network can be asked which pixels an answer
# hangs on. Take one picture, and the gradient of the loss with respect to the *pixels*, with another digit as the
# label: against that gradient lies the change that would turn its answer.

# %%
picture, label, wanted = test_x[:1], int(test_y[0]), 8 if test_y[0] != 8 else 3
_, cache = network_forward(picture, np.array([wanted]), *params)
pixels = -network_backward(np.float32(1), cache)[0]
figure, axes = plt.subplots(1, 2, figsize=(5, 2.4))
axes[0].imshow(picture.reshape(8, 8), cmap="gray_r", interpolation="nearest")
axes[0].set_title(f"a {label}", fontsize=10)
reach = float(np.abs(pixels).max())
axes[1].imshow(pixels.reshape(8, 8), cmap="PRGn", vmin=-reach, vmax=reach, interpolation="nearest")
axes[1].set_title(f"green: more ink here\nmakes it more of a{'n' if wanted == 8 else ''} {wanted}", fontsize=10)
for ax in axes:
    ax.axis("off")
figure.tight_layout()

# %% [markdown]
# ## Exercises
#
# Seven short functions: the whole network above, and its step of learning. Open each file, write, save.
# `minirnn watch` checks at every save; `minirnn check affine1` checks once; `minirnn hint affine1` helps. Every check
# compares your numbers with known ones on several inputs, in float64 and in float32. Backward functions are also held
# against differences, and the relative error should be under 1e-6; usually it is near 1e-9.
#
# ### affine1: `exercises/01_gradients/affine1.py`
#
#     y[n, m] = sum over d of x[n, d] * W[d, m]  +  b[m]           x (N, D), W (D, M), b (M,) -> y (N, M)
#
# `params` is a named tuple `AffineParams(W, b)`. Trap: x may have more axes in front, `(N, T, D)`; the sum is always
# over the last. And think ahead: which of x, W and b will the way back need?

# %%
check("affine1")

# %% [markdown]
# ### affine2: `exercises/01_gradients/affine2.py`
#
#     dx[n, d] = sum over m of dy[n, m] * W[d, m]
#     dW[d, m] = sum over n of x[n, d] * dy[n, m]
#     db[m]    = sum over n of dy[n, m]
#
# Return `(dx, AffineParams(dW, db))`. Each equation is one line of array code. Write the shapes of the factors beside
# it and there is only one way to put them together. Trap: the sum over n is a sum over *every place* where W was
# used, so with `(N, T, D)` over n and t. A mean would be wrong: the division by N has its place in the loss.

# %%
check("affine2")

# %% [markdown]
# ### relu1, relu2: `exercises/01_gradients/relu1.py` and `relu2.py`
#
#     y = max(x, 0)                         element by element
#     dx = dy where x > 0, else 0
#
# Trap: return new arrays. Writing into x or dy gives right numbers today and wrong ones tomorrow (lesson 02). The
# slope at exactly 0 is a choice; the course chooses 0.

# %%
check("relu1")
check("relu2")

# %% [markdown]
# ### xent1: `exercises/01_gradients/xent1.py`
#
#     loss = -1/N * sum over n of logp[n, targets[n]],     logp = log_softmax(logits)
#
# `logits (N, V)`, `targets (N,)` integers. The third argument, `mask`, is None in this lesson; lesson 09 gives it a
# use. Trap: logits of 1000 must not overflow. You may call `minirnn.functional.log_softmax.forward`, or write that
# line again. `(N, T, V)` works the same way, with the mean over all N * T targets.

# %%
check("xent1")

# %% [markdown]
# ### xent2: `exercises/01_gradients/xent2.py`
#
#     dlogits[n, j] = dloss / N * (p[n, j] - 1 if j is targets[n] else p[n, j])
#
# Probability minus one at the target, over N. It follows from the log-softmax example above with the upstream
# gradient 0, 1, 0, negated and divided by N. One gradient per argument: `(dlogits, None, None)`, because integers and
# masks have none. Trap: forgetting `dloss`, which is 1 here and not elsewhere.

# %%
check("xent2")

# %% [markdown]
# ### sgd1: `exercises/01_gradients/sgd1.py`
#
#     g = dw + weight_decay * w
#     v = momentum * v + g
#     w = w - lr * v
#
# `params` and `grads` are *trees*: tuples of tuples of arrays, such as `(AffineParams(W, b), AffineParams(W, b))`.
# `minirnn.tree.tree_map(f, a, b)` applies f leaf by leaf and returns a tree of the same structure. Return the new
# params and `SGDState(v)`. Trap: new arrays again; whoever holds the old params must find them unchanged.

# %%
check("sgd1")

# %% [markdown]
# When they pass, run this notebook again from the top. The line above the network then names your functions: the
# digits are read by your affine maps and your relu. The loss stays the framework's for now: `ops.cross_entropy` needs
# the mask that comes in lesson 09. The step in this notebook is the framework's too (`minirnn.optim.sgd`). To train
# on your loss as well, copy both functions into a cell below `ops = my_ops()` and put them into the table:
# `ops = dataclasses.replace(ops, cross_entropy=Pair(cross_entropy_forward, cross_entropy_backward))`.

# %% [markdown]
# ## To think about
#
# 1. In the neuron by hand, let y be very near 0 while t is 1: the answer is as wrong as can be. What is da then, and
#    what does that mean for learning? Do the same with loss = -log(y) in place of the square.
# 2. If the whole batch holds the same picture 32 times, how does the gradient of W1 compare with that of the picture
#    alone? What if cross-entropy summed instead of taking the mean?
# 3. Start training with all weights 0. Which gradients are 0 in the first step, and which of the 2,410 numbers can
#    ever change?
#
# ## Where it goes next
#
# You wrote seven functions and a check said that they are right. How does it know? In lesson 02 you build the
# instrument, learn what it cannot see, and then use it to find planted mistakes in three backward functions.
#
# ## Sources
#
# - Rumelhart, Hinton, Williams (1986), *Learning representations by back-propagating errors*, Nature 323. Equations 4
#   to 7 are the four steps of the neuron by hand.
# - Karpathy, *micrograd* (2020): the idea of teaching the chain rule on a graph of single numbers, each with its
#   gradient.
# - Bridle (1990) for softmax as a network's output; Nair and Hinton (2010) for the relu; Sutskever, Martens, Dahl,
#   Hinton (2013) for momentum.
# - Alpaydin and Kaynak (1998), *Optical Recognition of Handwritten Digits*, UCI repository: the data in scikit-learn.
