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
# # 04. A network that sees
#
# **Can a stack of convolutions read the handwriting of people it has never met, and where does it go wrong?**
#
# These are real digits, 8x8 pixels each, written by different people. They come with scikit-learn.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from minirnn import functional as F
from minirnn import init, optim
from minirnn.course import check, my_ops, source
from minirnn.plots import BLUE, GREEN, GREY, ORANGE, RED
from minirnn.tree import tree_size

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
ops = my_ops()

digits = load_digits()
x_all = (digits.images / 16).astype(np.float32)[..., None]  # (1797, 8, 8, 1), from 0 to 1
x_train, y_train = x_all[:1200], digits.target[:1200]
x_test, y_test = x_all[1200:], digits.target[1200:]


def sheet(pictures, titles, columns, colour="black"):
    """Small pictures in rows, a title above each."""
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(8, (1.5 if "\n" in str(titles[0]) else 1.05) * rows), squeeze=False
    )
    for ax in axes.ravel():
        ax.axis("off")
    for ax, picture, title in zip(axes.ravel(), pictures, titles):
        ax.imshow(picture[:, :, 0], cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(title, fontsize=9, color=colour, pad=2)
    figure.tight_layout(h_pad=0.3)


sheet(x_test[:20], y_test[:20], 10)

# %% [markdown]
# The first 1200 are for training, the last 597 for testing. We do not shuffle before cutting, and that matters: the
# file is not in random order, and neighbours in it look like work of the same hand. Here is a measurement. Read every
# test digit by looking up the most similar training digit, first with this cut, then with a random one.


# %%
def nearest(known, labels, asked):
    """For each picture, the label of the known picture with the smallest squared distance."""
    a, b = asked.reshape(len(asked), -1), known.reshape(len(known), -1)
    distance = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)
    return labels[distance.argmin(axis=1)]


mixed = np.random.default_rng(0).permutation(len(x_all))
x_mixed, y_mixed = x_all[mixed], digits.target[mixed]
print(f"cut in order:  {(nearest(x_train, y_train, x_test) == y_test).mean():.1%} right")
print(f"cut at random: {(nearest(x_mixed[:1200], y_mixed[:1200], x_mixed[1200:]) == y_mixed[1200:]).mean():.1%} right")

# %% [markdown]
# The random cut flatters. We keep the harder one, and its first figure is the one to beat or to respect: no learning
# at all, and yet nearly everything is right.
#
# ## The network
#
# | layer | output for a batch of N |
# |---|---|
# | the picture | (N, 8, 8, 1) |
# | conv 3x3, pad 1; batch norm; ReLU | (N, 8, 8, 16) |
# | max pool 2x2 | (N, 4, 4, 16) |
# | conv 3x3, pad 1; batch norm; ReLU | (N, 4, 4, 32) |
# | max pool 2x2 | (N, 2, 2, 32) |
# | as one row; dropout | (N, 128) |
# | affine | (N, 10) |
#
# As the pictures get smaller, the channels become more: less is known about where, more about what. Forward is the
# table read downwards. Every call returns a cache; backward takes the caches in the opposite order. `ops` holds your
# own functions where you have written them.


# %%
def start(rng):
    """Parameters and running statistics."""
    params = (
        init.conv_params(rng, 3, 1, 16), init.norm_params(16),
        init.conv_params(rng, 3, 16, 32), init.norm_params(32),
        init.affine_params(rng, 2 * 2 * 32, 10),
    )  # fmt: skip
    return params, (init.running_stats(16), init.running_stats(32))


def forward(x, running, params, *, training, p=0.0, rng=None, norm=True):
    """Pictures -> (logits (N, 10), the next running statistics, the feature maps), cache."""
    *blocks, out = params
    caches, after, maps = [], [], []
    for k, stats in enumerate(running):
        x, conv = ops.conv2d.forward(x, blocks[2 * k], pad=1, need_dx=k > 0)
        bn = None
        if norm:
            (x, stats), bn = ops.batch_norm.forward(x, stats, blocks[2 * k + 1], training=training)
        x, relu = ops.relu.forward(x)
        maps.append(x)
        x, pool = ops.max_pool2d.forward(x)
        caches.append((conv, bn, relu, pool))
        after.append(stats)
    flat, drop = ops.dropout.forward(x.reshape(len(x), -1), p=p, training=training, rng=rng)
    logits, affine = ops.affine.forward(flat, out)
    return (logits, tuple(after), maps), (caches, x.shape, drop, affine)


def backward(dlogits, cache):
    """The gradients, in the structure of the parameters."""
    caches, shape, drop, affine = cache
    d, dout = ops.affine.backward(dlogits, affine)
    (d,) = ops.dropout.backward(d, drop)
    d, grads = d.reshape(shape), (dout,)
    for conv, bn, relu, pool in reversed(caches):
        (d,) = ops.max_pool2d.backward(d, pool)
        (d,) = ops.relu.backward(d, relu)
        dnorm = init.norm_params(d.shape[-1])  # without batch norm these are never used, whatever happens to them
        if bn is not None:
            d, _, dnorm = ops.batch_norm.backward((d, None), bn)
        d, dconv = ops.conv2d.backward(d, conv)
        grads = (dconv, dnorm, *grads)
    return grads


def train(optimiser, lr, steps, *, n=1200, p=0.0, norm=True, seed=0, fade=False, **options):
    """Train from random numbers on batches of 64 of the first n digits."""
    rng = np.random.default_rng(seed)
    params, running = start(rng)
    state, losses = optimiser.init(params), []
    for step in range(steps):
        batch = rng.integers(n, size=64)
        (logits, running, _), cache = forward(
            x_train[batch], running, params, training=True, p=p, rng=rng, norm=norm
        )  # fmt: skip
        loss, at_loss = ops.cross_entropy.forward(logits, y_train[batch], None)
        dlogits, _, _ = ops.cross_entropy.backward(1.0, at_loss)
        rate = lr * optim.cosine(step, steps) if fade else lr
        params, state = optimiser.update(params, backward(dlogits, cache), state, lr=rate, **options)
        losses.append(float(loss))
    return params, running, losses


print(f"{tree_size(start(np.random.default_rng(0))[0]):,} parameters")

# %% [markdown]
# Three things in this code are new: batch norm, dropout and the optimiser. Each gets a section with its reason, its
# equation and evidence.
#
# ## Why normalise
#
# Twenty layers of affine and ReLU, 100 wide. The weights are drawn at the scale of He et al. (`init.he`), then 20 %
# smaller or 25 % larger. How large are the activations after each layer?


# %%
def spread(scale, norm, depth=20, width=100):
    """Standard deviation of the activations after every layer."""
    rng = np.random.default_rng(0)
    x, sizes = rng.standard_normal((256, width)).astype(np.float32), []
    for _ in range(depth):
        x, _ = ops.affine.forward(x, F.AffineParams(scale * init.he(rng, (width, width)), np.zeros(width, np.float32)))
        if norm:
            stats = init.running_stats(width)
            (x, _), _ = ops.batch_norm.forward(x, stats, init.norm_params(width), training=True)
        x, _ = ops.relu.forward(x)
        sizes.append(x.std())
    return sizes


figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True)
for ax, norm in zip(axes, (False, True)):
    for scale, colour in ((1.25, RED), (1.0, GREEN), (0.8, BLUE)):
        width = {1.25: 5, 1.0: 3, 0.8: 1}[scale]  # on the right the lines lie on each other
        ax.semilogy(range(1, 21), spread(scale, norm), color=colour, linewidth=width if norm else 2,
                    label=f"weights x {scale:g}")  # fmt: skip
    ax.set(xlabel="layer", title="with batch norm" if norm else "without", xticks=(1, 5, 10, 15, 20))
axes[0].set_ylabel("spread of the activations")
axes[0].legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# Each layer multiplies the spread by the same factor, so a small mistake in the scale becomes a large one: it grows
# like a power of the depth. The gradients on the way back are multiplied too. While the network learns, its weights
# change, and with them the scale of everything above.
#
# Normalisation removes the factor. After each layer, make the values have mean 0 and variance 1, then let the network
# choose the scale and the shift it likes by two learned numbers per feature, `gamma` and `beta`:
#
#     xhat = (x - mean) / sqrt(var + eps)
#     y    = gamma * xhat + beta
#
# The question is: mean and variance of *what*? For x `(N, D)`, N pictures with D features each:


# %%
figure, axes = plt.subplots(1, 2, figsize=(7, 2.7))
for ax, name, grid in (
    (axes[0], "batch norm: each feature\nover the pictures of the batch", np.tile(np.arange(6) % 2, (5, 1))),
    (axes[1], "layer norm: each picture\nover its own features", np.tile(np.arange(5)[:, None] % 2, (1, 6))),
):
    ax.imshow(grid, cmap="Blues", vmin=-0.3, vmax=2.2)
    ax.set(xticks=np.arange(-0.5, 6), yticks=np.arange(-0.5, 5), xlabel="D, features", ylabel="N, pictures")
    ax.set(xticklabels=[], yticklabels=[])
    ax.grid(color="white")
    ax.set_title(name, fontsize=10)
    ax.tick_params(length=0)
figure.tight_layout()

# %% [markdown]
# Each stripe has a mean and a variance of its own. For pictures `(N, H, W, C)`, batch norm takes each channel over all
# pictures *and* all places: a kernel asks the same question everywhere, so its answers belong together.
#
# Here is layer norm, which you met in lesson 02. Read it now for its idea.

# %%
source(F.layer_norm)

# %% [markdown]
# Why does backward subtract two things? Because mean and variance were computed from x, so a change of x moves them.
# Add the same number to the whole row: the mean follows and y stays. Stretch the row around its mean: the standard
# deviation follows and y stays (but for eps). In these two directions the output does not move, so the gradient must
# not point there. `dxhat.mean(...)` is its part along "all up", `xhat * (dxhat * xhat).mean(...)` its part along
# "stretch", and both are taken away. You can see it in numbers:

# %%
rng = np.random.default_rng(0)
x = rng.standard_normal((3, 50))
_, cache = F.layer_norm.forward(x, F.NormParams(np.ones(50), np.zeros(50)))
dy = rng.standard_normal((3, 50))
dx, _ = F.layer_norm.backward(dy, cache)
print("sum of dy in each row:      ", dy.sum(axis=1).round(6))
print("sum of dx in each row:      ", dx.sum(axis=1).round(6) + 0.0)
print("dx along 'stretch the row': ", (dx * (x - x.mean(axis=1, keepdims=True))).sum(axis=1).round(3) + 0.0)

# %% [markdown]
# Batch norm needs one more idea. The answer for one picture depends on which others are in the batch. In training that
# is tolerable, even useful noise. When the network is used there may be only one picture, and its answer must not
# depend on its neighbours. So training keeps running averages of mean and variance, and evaluation uses those:
#
#     running = momentum * running + (1 - momentum) * (mean, var)        in training
#     mean, var = running                                                in evaluation
#
# In evaluation the two are constants. What does that do to the two subtractions? That is part of the exercise.
#
# ## Steps that fit every weight
#
# Plain gradient descent uses one learning rate for all weights. But a loss can be steep in one direction and nearly
# flat in another. Here is the smallest such loss, `(w0^2 + 50 * w1^2) / 2`, a valley with steep sides.


# %%
def walk(optimiser, lr, steps, **options):
    """Positions (steps + 1, 2) on the way down."""
    w, path = np.array([-4.0, 1.0]), []
    state = optimiser.init(w)
    for _ in range(steps):
        path.append(w)
        w, state = optimiser.update(w, np.array([1.0, 50.0]) * w, state, lr=lr, **options)
    return np.array([*path, w])


a, b = np.meshgrid(np.linspace(-4.5, 1, 200), np.linspace(-1.3, 1.3, 100))
figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.5), sharey=True)
for ax, name, path, colour in (
    (axes[0], "plain SGD, lr 0.037", walk(optim.sgd, 0.037, 30, momentum=0.0), GREY),
    (axes[1], "RMSprop, lr 0.2", walk(optim.rmsprop, 0.2, 30, decay=0.9), ORANGE),
    (axes[2], "Adam, lr 0.3", walk(optim.adam, 0.3, 30), BLUE),
):
    ax.contour(a, b, (a**2 + 50 * b**2) / 2, levels=[1.5, 8, 25], colors="#c9ced6", linewidths=0.8)
    ax.plot(*path.T, "o-", color=colour, markersize=3, linewidth=1.2)
    ax.plot(0, 0, "*", color=RED, markersize=11)
    ax.set(xlabel="w0", title=name)
axes[0].set_ylabel("w1")
figure.tight_layout()

# %% [markdown]
# Thirty steps each. SGD cannot use a larger rate: above 2/50 the steep direction blows up. So it jumps from side to
# side and creeps along the valley. The other two walk down the valley at once. Adam remembers its direction, so it runs
# past the goal and swings back.
#
# RMSprop keeps, for every single weight, a running mean of the squared gradient, and divides by its root. A weight
# with large gradients takes shorter steps, one with small gradients longer ones.

# %%
source(optim.rmsprop_update)

# %% [markdown]
# (`tree_map` does the same to every array of the parameters.) Adam adds a running mean of the gradient itself, in which
# jumps from side to side cancel, and a correction for the start:
#
#     t = t + 1                                    t = 1 at the first update
#     m = beta1 * m + (1 - beta1) * g
#     v = beta2 * v + (1 - beta2) * g^2
#     w = w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
#
# Why the correction? m and v start at 0. After one step, `m = 0.1 * g` and `v = 0.001 * g^2`: both are far too small,
# and not by the same factor. Dividing by `1 - beta^t`, the total weight given so far, makes them true averages. The
# first step then has the size lr in every weight, whether its gradient is 0.0001 or 10,000:

# %%
w, g = np.zeros(3), np.array([1e-4, 1.0, -1e4])
print(optim.adam.update(w, g, optim.adam.init(w), lr=0.01)[0])

# %% [markdown]
# Is that better on the digits? A fair comparison gives each method its own best learning rate. So: several rates each,
# 80 steps from the same start, and the mean loss of the last 20 steps.

# %%
rates = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
methods = {
    "plain SGD": (optim.sgd, {"momentum": 0.0}, GREY, "-"),
    "plain SGD, no batch norm": (optim.sgd, {"momentum": 0.0, "norm": False}, GREY, ":"),
    "RMSprop": (optim.rmsprop, {}, ORANGE, "-"),
    "Adam": (optim.adam, {}, BLUE, "-"),
}
runs = {
    name: {lr: train(optimiser, lr, 80, **options)[2] for lr in rates}
    for name, (optimiser, options, _, _) in methods.items()
}

figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.1))
for name, (_, _, colour, line) in methods.items():
    final = {lr: np.mean(losses[-20:]) for lr, losses in runs[name].items()}
    best = min(final, key=final.get)
    left.loglog(rates, list(final.values()), line, marker="o", markersize=4, color=colour)
    right.semilogy(runs[name][best], line, color=colour, label=name)
    print(f"{name:25} best learning rate {best:<6g} loss {final[best]:.3f}")
left.set(xlabel="learning rate", ylabel="loss of steps 61 to 80", title="every learning rate")
right.set(xlabel="step", ylabel="loss (nats)", title="each at its best", ylim=(3e-3, 4))
figure.legend(frameon=False, fontsize=9, loc="upper center", ncol=4)
figure.tight_layout(rect=(0, 0, 1, 0.92))

# %% [markdown]
# Read the left picture first: it is the one that reports usually leave out. The methods want different rates, so a
# comparison at one common rate would show whatever one likes. Each at its best, Adam learns fastest here and plain SGD
# slowest, and batch norm alone helps SGD a good deal. This is one small task and one seed; it is a reason to start
# with Adam, and no proof that SGD is worse in the end.

# %% [markdown]
# ## Dropout
#
# A large network can learn its training pictures by heart. Dropout makes that harder: at each training step it sets
# every value to 0 with probability p, and divides those that stay by 1 - p.
#
#     y = x * mask / (1 - p)      mask is 0 with probability p, else 1        in training
#     y = x                                                                   in evaluation
#
# The division keeps the expected value: `(1 - p) * x / (1 - p) = x`. So evaluation needs no correction.

# %%
ones = np.ones((40, 40))
figure, axes = plt.subplots(1, 3, figsize=(7, 2.4))
for ax, p in zip(axes, (0.2, 0.5, 0.8)):
    dropped, _ = ops.dropout.forward(ones, p=p, training=True, rng=np.random.default_rng(0))
    ax.imshow(dropped, cmap="Blues", vmin=0, vmax=5, interpolation="nearest")
    ax.set_title(f"p = {p:g}, mean {dropped.mean():.2f}", fontsize=10)
    ax.set(xticks=[], yticks=[])
figure.tight_layout()

# %% [markdown]
# Does it help? The danger is greatest with few pictures, so train on 100 digits only, with and without, three seeds.

# %%
print("                 loss on the 100    loss on the test    right in the test")
for p in (0.0, 0.5):
    rows = []
    for seed in range(3):
        params, running, _ = train(optim.adam, 0.01, 120, n=100, p=p, seed=seed, fade=True)
        for x, y in ((x_train[:100], y_train[:100]), (x_test, y_test)):
            (logits, _, _), _ = forward(x, running, params, training=False)
            rows.append((ops.cross_entropy.forward(logits, y, None)[0], (logits.argmax(axis=1) == y).mean()))
        (seen, _), (unseen, right) = rows[-2:]
        print(f"p = {p}, seed {seed}   {seen:10.4f} {unseen:18.3f} {right:19.1%}")

# %% [markdown]
# All losses on the 100 are close to 0, those on the test are not: the network knows its 100 pictures by heart and the
# rest less well. Now compare p = 0 and p = 0.5 seed by seed. As published, the effect on the test is small and has not
# even the same sign for every seed. A table with one seed would let you claim anything; keep this in mind when you
# read about a new trick. Dropout pays in larger networks, which have more to learn by heart with; the captioner of
# lesson 10 has it as an option.

# %% [markdown]
# ## What it learned
#
# Now all 1200 digits, Adam, a little dropout, and a learning rate that fades to 0.

# %%
params, running, losses = train(optim.adam, 0.01, 300, p=0.3, fade=True)
(logits, _, maps), _ = forward(x_test, running, params, training=False)
says = logits.argmax(axis=1)
wrong = np.flatnonzero(says != y_test)
print(f"{(says == y_test).mean():.1%} of the test digits are right; {len(wrong)} of {len(y_test)} are wrong")

# %% [markdown]
# Eight of the 16 kernels of the first layer: as they were at the random start, as they are now, and the feature map
# that each makes of the digit on the left.

# %%
at_start = start(np.random.default_rng(0))[0][0].W
learned = params[0].W
limit = abs(learned).max()
one = int(np.flatnonzero((y_test == 3) & (says == 3))[0])
figure, axes = plt.subplots(3, 9, figsize=(8.6, 3.2))
for ax in axes.ravel():
    ax.set(xticks=[], yticks=[])
for ax, text in zip(axes[:, 0], ("at the start", "now", "")):
    ax.text(0.5, 0.5, text, ha="center", va="center", fontsize=10, transform=ax.transAxes)
    ax.axis("off")
axes[2, 0].imshow(x_test[one, :, :, 0], cmap="gray_r", interpolation="nearest")
for k, (top, middle, below) in enumerate(axes[:, 1:].T):
    top.imshow(at_start[:, :, 0, k], cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    middle.imshow(learned[:, :, 0, k], cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    below.imshow(maps[0][one, :, :, k], cmap="gray_r", vmin=0, vmax=maps[0][one].max(), interpolation="nearest")
figure.tight_layout()

alike = [np.corrcoef(at_start[..., k].ravel(), learned[..., k].ravel())[0, 1] for k in range(16)]
print(f"correlation of a kernel with its random start: {min(alike):.2f} to {max(alike):.2f}")

# %% [markdown]
# Red is above 0, blue below, white 0. It is tempting to point at a kernel with a red and a blue side and say: look,
# it has learned an edge. The row above it says otherwise. Most kernels have hardly turned since the start. With batch
# norm, ReLU and a second layer on top, nine random numbers are already a useful question about a small picture; the
# layers above learn what to do with the answers. The celebrated pictures of learned edge filters come from large
# photographs and long training. Look at the start before you explain the end.
#
# ## Where it errs
#
# The confusion matrix: one row for each true digit, one column for each answer. The right answers, on the diagonal,
# are left out so that the rest can be seen.

# %%
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (y_test, says), 1)
figure, ax = plt.subplots(figsize=(4, 3.6))
errors = confusion * (1 - np.eye(10, dtype=int))
ax.imshow(errors, cmap="Reds", vmin=0, vmax=max(8, errors.max()))
for (i, j), count in np.ndenumerate(errors):
    if count:
        ax.text(j, i, count, ha="center", va="center", fontsize=9)
    elif i == j:
        ax.text(j, i, confusion[i, i], ha="center", va="center", fontsize=8, color=GREY)
ax.set(xticks=range(10), yticks=range(10), xlabel="what the network says", ylabel="what it is")
figure.tight_layout()

# %%
sure = np.exp(ops.log_softmax.forward(logits)[0]).max(axis=1)
show = wrong[np.argsort(-sure[wrong])][:16]
sheet(x_test[show], [f"{y_test[i]} as {says[i]}\n{sure[i]:.0%} sure" for i in show], 8, RED)

# %% [markdown]
# The surest errors come first. Take the most frequent confusion and compare three mean pictures: the training digits
# of the right kind, the misread ones, and the training digits of the kind they were taken for.

# %%
is_, said = np.unravel_index(errors.argmax(), errors.shape)
misread = x_test[(y_test == is_) & (says == said)]
means = [x_train[y_train == is_].mean(0), misread.mean(0), x_train[y_train == said].mean(0)]
figure, axes = plt.subplots(1, 3, figsize=(6, 2.3))
for ax, mean, title in zip(axes, means, (f"{is_} in training", f"{len(misread)} misread", f"{said} in training")):
    ax.imshow(mean[:, :, 0], cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set_title(title, fontsize=10)
    ax.axis("off")
figure.tight_layout()

# %% [markdown]
# As published, these are ones taken for nines. Most ones in training are a bar in the middle, some with a short flag.
# The misread ones have a long flag, and their stem stands further to the right, where a nine has its stem; at eight
# pixels, flag and stem nearly close the loop. They look alike, as if one hand had written them, and there is nothing
# quite like them in training. That asks for more writers, not for more layers.
#
# Some other errors would make a person hesitate too. And compare the total with the first figure of this lesson:
# looking up the nearest training digit is about as good on this small, clean task. What the network has gained is
# something else: it is a function with gradients, made of parts that can be put under a sentence.
#
# ## Your turn
#
# Five functions, in `exercises/04_seeing/`. `minirnn watch` checks a file when you save it, `minirnn check norm1`
# checks one now, `minirnn hint norm1` helps. Expect relative errors under 1e-7 for gradients, and equality to rounding
# for the rest.
#
# **norm1** (`norm1.py`): `batch_norm_forward(x, running, params, *, training, momentum=0.9, eps=1e-5)` returns
# `((y, running), cache)`. x is `(N, D)` or `(N, H, W, C)`. Trap: over which axes, when there are four? And the running
# variance divides by the count, not by the count minus one.

# %%
check("norm1")

# %% [markdown]
# **norm2** (`norm2.py`): `batch_norm_backward(dout, cache)` with `dout = (dy, ignored)`; returns
# `dx, None, NormParams(dgamma, dbeta)`. Trap: the backward pass of evaluation is not that of training.

# %%
check("norm2")

# %% [markdown]
# **adam1** (`adam1.py`): `adam_update(params, grads, state, *, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0)`
# with `AdamState(step, m, v)`. Trap: t of the first update, and eps stands outside the root.

# %%
check("adam1")

# %% [markdown]
# **drop1** (`drop1.py`): `dropout_forward(x, *, p, training, rng=None)`. Traps: what does `p` count, the values dropped
# or those kept? And what is the dtype of the result when x is float32?

# %%
check("drop1")

# %% [markdown]
# **drop2** (`drop2.py`): `dropout_backward(dy, cache)`. Trap: what was the derivative of a value that was kept?

# %%
check("drop2")

# %% [markdown]
# ## Three questions
#
# 1. A bias right before batch norm has a gradient of exactly 0. Why? Which parameter takes over its work?
# 2. Take a batch of one picture `(1, D)` in training. What do the equations of batch norm make of it, and why does
#    minirnn refuse? What does layer norm do?
# 3. Divide the loss by 1000. What happens to the steps of plain SGD, and what to those of Adam?
#
# ## Where it goes next
#
# This network sees one picture and says one thing. In lesson 05 the picture becomes a line of digits with no fixed
# length, and a network without memory will no longer do.
#
# ## Sources
#
# - S. Ioffe, C. Szegedy, 2015, "Batch normalization": algorithm 1, and the backward equations of section 3.
# - J. Ba, J. Kiros, G. Hinton, 2016, "Layer normalization".
# - K. He, X. Zhang, S. Ren, J. Sun, 2015, "Delving deep into rectifiers": the scale of weights that keeps the spread
#   through ReLU layers (section 2.2).
# - T. Tieleman, G. Hinton, 2012, "RMSprop", lecture 6.5 of a course on neural networks.
# - D. Kingma, J. Ba, 2015, "Adam": algorithm 1; section 3 derives the correction.
# - N. Srivastava and others, 2014, "Dropout": here in the "inverted" form that scales in training.
# - E. Alpaydin, C. Kaynak, 1998, "Optical recognition of handwritten digits", UCI repository: the digits.
