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
# # 02. Trust, but check
#
# **Two networks learn to read digits. One of them has a wrong gradient. Which?**

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from minirnn import Pair, gradcheck
from minirnn import functional as F
from minirnn.course import check, my_ops
from minirnn.gradcheck import epsilon_curve
from minirnn.init import affine_params
from minirnn.optim import sgd
from minirnn.plots import BLUE, GREY, ORANGE, RED

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})

ops = my_ops()
digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.data))
images, labels = (digits.data[order] / 16).astype(np.float32), digits.target[order]


def forward(hidden, x, labels, first, second):
    """The network of lesson 01, with another pair in place of the relu."""
    a, cache_first = ops.affine.forward(x, first)
    h, cache_hidden = hidden.forward(a)
    logits, cache_second = ops.affine.forward(h, second)
    loss, cache_loss = ops.cross_entropy.forward(logits, labels, None)
    return loss, (cache_first, cache_hidden, cache_second, cache_loss, logits)


def backward(hidden, dloss, cache):
    """Gradients of both layers."""
    cache_first, cache_hidden, cache_second, cache_loss, _ = cache
    dlogits, _, _ = ops.cross_entropy.backward(dloss, cache_loss)
    dh, dsecond = ops.affine.backward(dlogits, cache_second)
    (da,) = hidden.backward(dh, cache_hidden)
    _, dfirst = ops.affine.backward(da, cache_first)
    return dfirst, dsecond


def train(hidden, epochs=15):
    """Losses, and the share of held-out digits that are read correctly."""
    rng = np.random.default_rng(1)
    params = (affine_params(rng, 64, 32), affine_params(rng, 32, 10))
    state, losses = sgd.init(params), []
    for _epoch in range(epochs):
        for rows in np.array_split(rng.permutation(1400), 43):
            loss, cache = forward(hidden, images[rows], labels[rows], *params)
            params, state = sgd.update(params, backward(hidden, np.float32(1), cache), state, lr=0.1)
            losses.append(float(loss))
    logits = forward(hidden, images[1400:], labels[1400:], *params)[1][-1]
    return np.array(losses), float((logits.argmax(axis=1) == labels[1400:]).mean())


def suspicious_backward(dy, cache):
    """Is this the gradient of a sigmoid?"""
    return (dy * 1,)


suspicious = Pair(F.sigmoid.forward, suspicious_backward, "suspicious sigmoid")
runs = {"network A": train(suspicious), "network B": train(F.sigmoid)}

figure, ax = plt.subplots(figsize=(8, 3))
for (name, (losses, share)), colour in zip(runs.items(), (ORANGE, BLUE)):
    smooth = np.convolve(losses, np.ones(15) / 15, mode="valid")
    ax.plot(np.arange(len(smooth)) + 7, smooth, color=colour, label=f"{name}: {share:.1%} of held-out digits right")
ax.set(xlabel="step", ylabel="loss (mean of 15 steps)", ylim=(0, None))
ax.legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# A is wrong. Its sigmoid passes the upstream gradient on unchanged, as if the slope were 1 everywhere; it is
# `y * (1 - y)`, never more than 1/4. Yet the loss falls, at first even faster than that of B, and at the end A reads
# most of the digits. In a report it would look like a small difference in "accuracy", and nobody would look for a
# mistake.
#
# Wrong gradients rarely crash. As long as they point roughly downhill, training makes something of them. So **"the
# loss goes down" is no evidence for a gradient**. What is evidence: to measure the slope, without any calculus, and
# compare.

# %% [markdown]
# ## Measuring a slope
#
# The derivative is the limit of a difference quotient. A computer cannot take the limit, but it can take a small
# step. Two ways, for one number:
#
#     one-sided    n = (f(x + eps) - f(x)) / eps
#     central      n = (f(x + eps) - f(x - eps)) / (2 eps)
#
# On paper, with f(x) = x³ at x = 1, where the slope is 3, and eps = 0.1:
#
# | | | n | error |
# |---|---|---|---|
# | one-sided | (1.331 - 1) / 0.1 | 3.31 | 0.31 |
# | central | (1.331 - 0.729) / 0.2 | 3.01 | 0.01 |
#
# Why is the central one so much better? Near x, every smooth function is a line plus a parabola plus smaller terms.
# The parabola is the same on both sides, and the central difference subtracts it away. So the error of one-sided
# differences shrinks with eps, that of central ones with eps². Halve the step: half the error, or a quarter.
#
# For an array, do this for each element in turn, with all others left alone. Here are one-sided differences in full.
# The central ones are your first exercise.


# %%
def one_sided(f, x, eps=1e-7):
    """Slope of f (array -> one number) with respect to each element of x, by one-sided differences."""
    slopes = np.zeros_like(x)
    here = f(x)
    for index in np.ndindex(x.shape):
        moved = x.copy()  # x itself stays as it is: f may be looking at it
        moved[index] += eps
        slopes[index] = (f(moved) - here) / eps
    return slopes


print("slopes of sum(x^3) at 1, 2, 3:", one_sided(lambda x: (x**3).sum(), np.array([1.0, 2.0, 3.0])))

# %% [markdown]
# It wants a function with *one number* as its value. A layer returns a whole array, and its backward function gets an
# upstream gradient. Both problems have one answer: draw a random `dout`, and take
#
#     L(x) = sum(dout * forward(x))
#
# By the chain rule the gradient of L with respect to x is exactly what `backward(dout, cache)` claims to return.

# %%
rng = np.random.default_rng(0)
x = rng.standard_normal((3, 4))
dy = rng.standard_normal((3, 4))
measured = one_sided(lambda x: (dy * F.sigmoid.forward(x)[0]).sum(), x)
_, cache = F.sigmoid.forward(x)
np.set_printoptions(precision=6, suppress=True)
print("measured, first row:  ", measured[0])
print("F.sigmoid.backward:   ", F.sigmoid.backward(dy, cache)[0][0])
print("suspicious_backward:  ", suspicious_backward(dy, cache)[0][0])

# %% [markdown]
# ### How different is different?
#
# A difference of 0.001 is much if the gradient is 0.002 and nothing if it is 5,000. So compare with the size of the
# numbers: for a claimed (analytic) gradient a and a measured (numeric) one n,
#
#     error = |a - n| / max(|a|, |n|, floor)        element by element; the worst element counts
#
# The small `floor` is there for gradients that are 0: without it, 0 against 0 would be 0 / 0, and rounding errors
# against 0 an error of 1. In float64 with central differences, right gradients come out below 1e-7, mostly around
# 1e-10. Wrong ones lie at 1e-2 and above: factors, signs and forgotten terms are not small. In between lies a wide
# empty band, and that is what makes the method so useful. An error of 1e-4 deserves your suspicion: a mistake in a
# small term, or a kink (below).
#
# ## The step: small, but not too small
#
# With half the step a smaller error; so why not eps = 1e-15? Because a float64 keeps 16 digits. `f(x + eps)` and
# `f(x)` then agree in almost all of them; their difference consists of the rounding of the last digits, and dividing
# by a tiny eps blows it up. The rounding error grows as 1/eps. The sum of both errors is a valley:

# %%
steps = np.logspace(-1, -12, 34)


def one_sided_errors(x, dy):
    """Relative error of the whole gradient for every step, in the dtype of x."""
    right = F.sigmoid.backward(dy, F.sigmoid.forward(x)[1])[0]
    slopes = (one_sided(lambda x: (dy * F.sigmoid.forward(x)[0]).sum(), x, x.dtype.type(eps)) for eps in steps)
    return [float(np.linalg.norm(n - right) / np.linalg.norm(right)) for n in slopes]


_, central_right = epsilon_curve(F.sigmoid, (x,), epsilons=steps)
_, central_wrong = epsilon_curve(suspicious, (x,), epsilons=steps)
figure, ax = plt.subplots(figsize=(8, 4))
ax.loglog(steps, central_wrong, color=RED, label="central, wrong gradient")
ax.loglog(steps, one_sided_errors(x.astype(np.float32), dy.astype(np.float32)), color=GREY, label="one-sided, float32")
ax.loglog(steps, one_sided_errors(x, dy), color=ORANGE, label="one-sided")
ax.loglog(steps, central_right, color=BLUE, label="central")
ax.annotate("rounding: ~ 1/eps", (3e-11, 3e-10), color=GREY)
ax.annotate("truncation: ~ eps²", (3e-3, 1e-8), color=GREY)
ax.set(xlabel="eps", ylabel="relative error", ylim=(1e-12, 1e5))
ax.legend(frameon=False, loc="upper center", ncols=2)
figure.tight_layout()

# %% [markdown]
# Read it from right to left, from large steps to small ones.
#
# - **Central** (blue) falls two decades for each decade of eps, down to an error below 1e-10 around eps = 1e-5, then
#   rounding takes over. That is why 1e-5 is the usual step.
# - **One-sided** (orange) falls one decade per decade, and its best is near 1e-8. Good enough to find a mistake, not
#   good enough to be calm.
# - **float32** (grey) never gets much below 1e-4, and for very small steps `x + eps` *is* x: the measured slope is 0
#   and the error 1. So: **train in float32, check in float64**.
# - **The wrong gradient** (red) has no valley. Whatever the step, it is wrong by the same amount.
#
# The last point is the sharpest test there is. When you doubt whether an error of 1e-5 is rounding or a mistake,
# change eps. Rounding and truncation move, mistakes stay.
#
# ## What a check cannot see
#
# ### Kinks
#
# The relu has no slope at 0. Left of it the slope is 0, right of it 1, and central differences see the mean. Here eps
# is 0.25, so that it can be seen:

# %%
figure, axes = plt.subplots(1, 3, figsize=(8, 2.6), sharey=True)
line = np.linspace(-1, 1, 201)
for ax, place in zip(axes, (-0.7, 0.1, 0.0)):
    ends = np.array([place - 0.25, place + 0.25])
    heights = F.relu.forward(ends)[0]
    slope = (heights[1] - heights[0]) / 0.5
    ax.plot(line, F.relu.forward(line)[0], color=BLUE)
    ax.plot(ends, heights, "o-", color=ORANGE)
    ax.set_title(f"x = {place:g}: differences say {slope:g}", fontsize=10)
    ax.set(xlabel="x")
axes[0].set_ylabel("relu(x)")
figure.tight_layout()

# %% [markdown]
# The middle picture shows that x need not be exactly at the kink, only within eps of it. With eps = 1e-5 and random
# numbers this is rare, but it happens, and whole pictures of zeros are not random. `max_pool` has kinks too, where
# two pixels are equal. A check that fails at *one* element, and passes with another seed, met a kink. The framework's
# check says so:

# %%
kinked = x.copy()
kinked[0, 0] = 0
print(gradcheck(F.relu, (kinked,)))

# %% [markdown]
# ### A function that changes its input
#
# Here is a sigmoid that saves memory. It computes in the array that it was given:


# %%
def hasty_forward(x):
    """A sigmoid without a temporary array."""
    x *= -1
    np.exp(x, out=x)
    x += 1
    y = 1 / x
    return y, y


values = np.log([[1.0, 3.0, 9.0]])  # sigmoid: 1/2, 3/4, 9/10
print("first call: ", hasty_forward(values)[0])
print("second call:", hasty_forward(values)[0])
print(gradcheck(Pair(hasty_forward, F.sigmoid.backward, "hasty sigmoid"), (x,)))

# %% [markdown]
# The numbers of the first call are right, and so is every gradient. The second call gets an input that the first one
# has overwritten. In a network the same array goes to several places: to the next layer, into a cache, around a
# shortcut. Whoever comes later reads rubbish, and the mistake shows up *there*. The check hands every function arrays
# that it watches, and reports who wrote into them, gradient right or not. A backward function that does `dy *= ...`
# is caught in the same way.
#
# ### A wrong forward pass
#
# And here is a sigmoid with a wrong sign, `1 / (1 + exp(x))`, and the derivative of exactly that:


# %%
def wrong_forward(x):
    """Not the sigmoid."""
    y = 1 / (1 + np.exp(x))
    return y, y


def its_backward(dy, cache):
    """The right gradient of the wrong function."""
    y = cache
    return (-dy * y * (1 - y),)


print(gradcheck(Pair(wrong_forward, its_backward, "wrong sigmoid"), (x,)))
print("sigmoid(log 3) should be 3/4; this one says", wrong_forward(np.log([3.0]))[0][0])

# %% [markdown]
# It passes, and rightly so: the check compares backward with forward, and they agree. **Who differentiates their own
# mistake passes a gradient check.** No amount of care with eps helps. You need numbers from outside: a case worked on
# paper, a published table, another program. That is why `minirnn check` compares your forward functions with known
# values, and why the framework's own tests hold every layer against PyTorch as well.
#
# ### A lazy probe
#
# A check is as good as the point where it looks. Take softmax, `p = exp(x) / sum(exp(x))`, and a backward function
# that takes away the plain mean of the upstream gradient, where it should be a mean weighted by p:


# %%
def lazy_backward(dp, cache):
    """Wrong: the mean should be weighted."""
    p = cache
    return (p * (dp - dp.mean(axis=-1, keepdims=True)),)


_, p = F.softmax.forward(x)
ones = np.ones_like(x)
difference = lazy_backward(ones, p)[0] - F.softmax.backward(ones, p)[0]
print("difference with an upstream gradient of ones:", np.abs(difference).max().round(12))
print(gradcheck(Pair(F.softmax.forward, lazy_backward, "lazy softmax"), (x,)))

# %% [markdown]
# With an upstream gradient of ones both say 0: probabilities sum to 1 whatever x is, so the slope of their sum is 0.
# A test that checks "the sum of the outputs", as many do, can never see this mistake. Other probes that hide
# mistakes: one row (N = 1), where a sum over rows and a missing one agree; equal sizes (D = M), where a transpose
# goes unnoticed; zeros for a state or a bias; weights that are all equal. Use **small, unequal sizes and random
# numbers**, the upstream gradient included.
#
# ## The whole instrument
#
# `gradcheck(pair, args)` puts it together: it draws a random `dout`, compares every element of every argument by
# central differences in float64, watches for writes, runs backward twice, and checks that the gradients have the
# structure of the arguments. A whole network is a pair as well. This is network B from the beginning, with its 2,410
# numbers, then A. Mode "directional" moves all elements of an array at once along random directions, which costs a
# handful of forward passes whatever the size:

# %%
params = (affine_params(rng, 64, 32, np.float64), affine_params(rng, 32, 10, np.float64))
batch, classes = images[:5].astype(np.float64), labels[:5]
for hidden, name in ((F.sigmoid, "network B"), (suspicious, "network A")):

    def network_forward(first, second, hidden=hidden):
        """Both layers -> loss, for a fixed batch of 5 digits."""
        return forward(hidden, batch, classes, first, second)

    def network_backward(dloss, cache, hidden=hidden):
        """Gradients of both layers."""
        return backward(hidden, dloss, cache)

    print(gradcheck(Pair(network_forward, network_backward, name), params, mode="directional"), "\n")

# %% [markdown]
# Read the second report as a detective would. `second.W` and `second.b` are right; `first.W` and `first.b` are wrong.
# Gradients travel backwards, through the second layer, then the sigmoid, then the first layer. What is right lies
# before the mistake on that way, what is wrong lies behind it. So the mistake is between the two layers, and only the
# sigmoid is there.
#
# Four more habits of detectives, for the exercises below:
#
# - **Look at the ratio** a / n, element by element. The same everywhere: a forgotten factor (2, 1/N, a sign). One
#   value per row or per column: a sum or mean over the wrong axis.
# - **Look at which elements are right.** Only positive inputs? Only the first row? Only where a cached value is
#   small?
# - **Run it twice** with the same arguments. The second answer may be the interesting one.
# - **Make the input trivial** until it becomes right: one row, one column, gamma of ones. What you had to remove is
#   where the mistake is.
#
# `minirnn gradcheck` runs the check on all pairs and models of the framework, and
# `minirnn gradcheck sigmoid --plot valley.png` draws the valley for one.

# %% [markdown]
# ## Exercises
#
# ### grad1: `exercises/02_checking/grad1.py`
#
# `numeric_gradient(f, x, *, eps=1e-5)`: central differences. f takes an array and returns one number; the result has
# the shape of x.
#
#     n[i] = (f(x + eps at element i) - f(x - eps at element i)) / (2 eps)
#
# Traps: x may have any number of axes; and x must come back unchanged, also if you move its elements in place.
# `minirnn watch` checks at each save, `minirnn check grad1` once, and `minirnn hint grad1` helps. Against known
# slopes the relative error should be under 1e-7.

# %%
check("grad1")

# %% [markdown]
# ### grad2: `exercises/02_checking/grad2.py`
#
# `relative_error(a, n, *, floor=1e-12)`: one number, the worst element of
#
#     |a - n| / max(|a|, |n|, floor)
#
# Traps: the maximum in the denominator is taken element by element, over three things. Two arrays of zeros agree:
# their error is zero. Swapping a and n must change nothing.

# %%
check("grad2")

# %% [markdown]
# ### bug1, bug2, bug3: find the mistake
#
# Each of these files holds a backward function, `planted_...`, that somebody wrote and that is wrong. The shapes are
# right, nothing crashes, a network would train with it. Leave it as it is and write the right one below it. First
# find out *what* is wrong by experiment: copy the planted function into a cell of this notebook and give it to
# `gradcheck(Pair(F.tanh.forward, planted_tanh_backward), (x,))`.
#
# **bug1**, `exercises/02_checking/bug1.py`, `tanh_backward`. The derivative of `y = tanh(x)` is `1 - y²`. The planted
# version is nearly right where x is small. Why only there?

# %%
check("bug1")

# %% [markdown]
# **bug2**, `exercises/02_checking/bug2.py`, `global_avg_pool_backward`. Forward takes the mean over all pixels:
#
#     y[n, c]        = 1/(H*W) * sum over i and j of x[n, i, j, c]
#     dx[n, i, j, c] = dy[n, c] / (H*W)
#
# Here x is `(N, H, W, C)` and dy `(N, C)`. This time every number that the planted version returns is right. Read the
# last line of its report, and then say in which network this would do harm.

# %%
check("bug2")

# %% [markdown]
# **bug3**, `exercises/02_checking/bug3.py`, `layer_norm_backward`. Forward normalises each row by its own mean and
# standard deviation, then scales and shifts:
#
#     xhat = (x - mean(x)) / std(x)         mean and std over the last axis, std with a small eps inside
#     y    = gamma * xhat + beta
#
# Every x[i] reaches y on three ways: directly, through the mean, through the standard deviation. With
# `dxhat = dy * gamma`,
#
#     dx = (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / std        means over the last axis
#     dgamma = sum of dy * xhat,   dbeta = sum of dy                      over all rows
#
# Which of the three gradients of the planted version are right? And if you add the same number to all features of a
# row, y does not change: which sum over dx must therefore be 0? Is it? Lesson 04 derives the formula.

# %%
check("bug3")

# %% [markdown]
# ## To think about
#
# 1. Central differences need two forward passes per number. How long would a full check of the captioner with its
#    568,323 numbers take if one forward pass takes 10 ms? What do random directions give up in exchange for being
#    fast?
# 2. A dropout layer sets random elements to 0, others in each call. What would a gradient check of it say, and what
#    must be held fixed to make it meaningful?
# 3. You find an error of 3e-6 where all else is at 1e-10. Name three causes, and for each an experiment that would
#    confirm it.
#
# ## Where it goes next
#
# From here on every backward function that you write is held against differences, by the instrument that you have
# just built. Lesson 03 needs it: a convolution has more indices than one can keep in one's head, and its backward
# pass is where guesses stop working.
#
# ## Sources
#
# - Karpathy and others, CS231n course notes, *Neural Networks Part 3*, "Gradient checks" (Stanford, since 2015):
#   central differences, relative error, kinks, the habit of checking few but random points.
# - Baydin, Pearlmutter, Radul, Siskind (2018), *Automatic Differentiation in Machine Learning: a Survey*, JMLR 18.
#   Its figure of the error of forward and central differences against the step is the valley above.
# - Griewank and Walther (2008), *Evaluating Derivatives*: why derivatives by differences lose half of the digits or
#   more.
