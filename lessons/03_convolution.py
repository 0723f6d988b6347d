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
# # 03. Convolution
#
# **What can nine numbers do to a picture?**
#
# Below is a drawn scene in grey, and what becomes of it when a small grid of numbers, a *kernel*, slides over it. At
# every place the kernel is laid on the picture, each of its numbers is multiplied with the pixel below it, and the
# products are added up. That sum is the new pixel.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_digits

from minirnn import Pair, gradcheck
from minirnn import functional as F
from minirnn.course import check, my_ops, source
from minirnn.data.scenes import make_scenes
from minirnn.functional import conv
from minirnn.plots import BLUE, GREEN, GREY, ORANGE

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
ops = my_ops()

# %%
scene = make_scenes(8, seed=3).images[4] / 255.0  # (48, 48, 3), from 0 to 1
grey = scene.mean(axis=2)[None, :, :, None]  # (N, H, W, C) = (1, 48, 48, 1)

kernels = {
    "blur": np.ones((3, 3)) / 9,
    "vertical edges": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4,
    "horizontal edges": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]) / 4,
    "outlines": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]) / 8,
}


def numbers(ax, grid, names, limit=1.0):
    """A small grid as coloured cells with a text in each."""
    ax.imshow(grid, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for (i, j), name in np.ndenumerate(names):
        dark = abs(grid[i, j]) > 0.6 * limit
        ax.text(j, i, name, ha="center", va="center", fontsize=8, color="white" if dark else "black")
    ax.set(xticks=[], yticks=[])


figure, axes = plt.subplots(2, 5, figsize=(8.4, 3.6), height_ratios=[2.2, 1])
axes[0, 0].imshow(grey[0, :, :, 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
axes[0, 0].set_title("the picture", fontsize=10)
axes[1, 0].axis("off")
axes[1, 0].text(0.5, 0.5, "red: above 0\nwhite: 0\nblue: below 0", ha="center", va="center", fontsize=9, color=GREY)
for (name, kernel), top, below in zip(kernels.items(), axes[0, 1:], axes[1, 1:]):
    seen, _ = ops.conv2d.forward(grey, F.ConvParams(kernel[:, :, None, None], np.zeros(1)))
    style = {"cmap": "gray", "vmin": 0, "vmax": 1} if name == "blur" else {"cmap": "RdBu_r", "vmin": -0.6, "vmax": 0.6}
    top.imshow(seen[0, :, :, 0], interpolation="nearest", **style)
    top.set_title(name, fontsize=10)
    numbers(below, kernel, np.vectorize("{:.2g}".format)(kernel))
for ax in axes[0]:
    ax.set(xticks=[], yticks=[])
figure.tight_layout()

# %% [markdown]
# Look at the kernel for vertical edges: minus on the left, plus on the right. On an even ground the two sides cancel
# and the sum is 0. Where dark turns to bright from left to right, the sum is large: the kernel has found a vertical
# edge.
#
# So a kernel is a *question asked everywhere*: "how much does the picture look like this, here?" The answers make a
# new picture, called a *feature map*. These kernels were chosen by hand. A network learns its own, and for that it
# needs the gradient of this operation.
#
# Two properties make it right for pictures:
#
# - **local**: an answer depends on a few neighbouring pixels;
# - **shared**: the same few numbers are used at every place. What is learned at the left is known at the right.
#
# Sharing also makes it cheap. From an 8x8 picture to 16 feature maps of 8x8:

# %%
print(f"3x3 convolution: {3 * 3 * 1 * 16 + 16:>7,} parameters")
print(f"fully connected: {64 * (64 * 16) + 64 * 16:>7,} parameters")

# %% [markdown]
# ## One dimension, in full
#
# A row of pixels is enough to see everything that matters. Take a batch of rows `x (N, L, C)`: N rows, L places, C
# channels. A kernel sees K neighbouring places and all channels; there are F of them: `W (K, C, F)`, `b (F,)`.
#
#     y[n, i, f] = sum over k, c of  xpad[n, i*stride + k, c] * W[k, c, f]   +  b[f]
#
# `xpad` is x with `pad` zeros added at both ends. `stride` is the step from one window to the next. Here are the
# windows of a row of 8 places, for three choices.


# %%
def draw_windows(ax, L, K, pad, stride):
    """A padded row, the windows over it, and the outputs below."""
    out = (L + 2 * pad - K) // stride + 1
    for i in range(L + 2 * pad):
        inside = pad <= i < pad + L
        ax.add_patch(plt.Rectangle((i, 0), 1, 1, facecolor="#dbe4fb" if inside else "white", edgecolor=GREY,
                                   linestyle="-" if inside else ":"))  # fmt: skip
        ax.text(i + 0.5, 0.5, f"x{i - pad}" if inside else "0", ha="center", va="center", fontsize=9)
    for i in range(out):
        left, depth = i * stride, -0.35 - 0.32 * (i % K)
        ax.plot([left + 0.1, left + K - 0.1], [depth, depth], color=ORANGE, linewidth=3, solid_capstyle="round")
        middle = left + K / 2
        ax.text(middle, -1.75, f"y{i}", ha="center", va="center", fontsize=9, color=GREEN)
    ax.set(xlim=(-0.2, 10.2), ylim=(-2.1, 1.3), aspect="equal")
    ax.axis("off")
    ax.set_title(f"K={K}, pad={pad}, stride={stride}:  ({L} + 2*{pad} - {K}) // {stride} + 1 = {out}", fontsize=10)


figure, axes = plt.subplots(3, 1, figsize=(6.4, 6))
for ax, (pad, stride) in zip(axes, [(0, 1), (1, 1), (1, 2)]):
    draw_windows(ax, 8, 3, pad, stride)
figure.tight_layout()

# %% [markdown]
# The number of outputs is the number of places where the whole window fits:
#
#     L' = (L + 2*pad - K) // stride + 1
#
# Read it from the right: the first window always fits (`+ 1`); after it there are `L + 2*pad - K` places left to move
# on, and each move takes `stride` of them. What does not divide is never seen, as the last zero in the third row.
# With K odd, stride 1 and pad = (K - 1) / 2, the output is as long as the input. In two dimensions the same formula
# holds for height and width.
#
# ### First version: loops
#
# The equation, word for word.


# %%
def conv1d_loops(x, W, b, stride=1):
    """x (N, L, C), W (K, C, F), b (F,) -> y (N, L', F); x is padded already."""
    (N, L, _), (K, _, F) = x.shape, W.shape
    out = (L - K) // stride + 1
    y = np.zeros((N, out, F), x.dtype)
    for n in range(N):
        for i in range(out):
            for f in range(F):
                y[n, i, f] = (x[n, i * stride : i * stride + K] * W[:, :, f]).sum() + b[f]
    return y


# %% [markdown]
# ### Second version: windows
#
# NumPy can show an array *as if* every window had been cut out, without copying anything: `sliding_window_view`. It
# puts the place inside the window on a new last axis, so one transpose brings the axes into our order. What is left is
# a sum over k and c, which `einsum` takes literally.


# %%
def windows_1d(x, K, stride=1):
    """A view of x (N, L, C) as windows (N, L', K, C)."""
    return sliding_window_view(x, K, axis=1)[:, ::stride].transpose(0, 1, 3, 2)


def conv1d_windows(x, W, b, stride=1):
    return np.einsum("nikc,kcf->nif", windows_1d(x, len(W), stride), W) + b


row = np.arange(8.0).reshape(1, 8, 1)
view = windows_1d(row, 3)
print("windows", view.shape, "of a row", row.shape, "- a copy?", not np.shares_memory(view, row))
print(view[0, :, :, 0].astype(int))

# %% [markdown]
# ### Third version: one matrix product
#
# Each window is a list of K * C numbers, each kernel too. Write the windows below each other as the rows of a matrix,
# the kernels as the columns of another, and all dot products of windows with kernels are one matrix product. This
# copies every pixel up to K times, and still it wins: matrix products are what computers are best at.


# %%
def conv1d_forward(x, params, *, stride=1):
    """x (N, L, C), params W (K, C, F) and b (F,) -> y (N, L', F), cache."""
    W, b = params
    K, C, F = W.shape
    windows = windows_1d(x, K, stride)
    N, out = windows.shape[:2]
    columns = windows.reshape(N * out, K * C)  # (1) one row per window; this copies
    y = columns @ W.reshape(K * C, F) + b  # (2)
    return y.reshape(N, out, F), (columns, W, x.shape, stride)


rng = np.random.default_rng(0)
x, W, b = rng.standard_normal((8, 64, 8)), rng.standard_normal((5, 8, 16)), rng.standard_normal(16)
y = conv1d_loops(x, W, b)
np.testing.assert_allclose(conv1d_windows(x, W, b), y, atol=1e-12)
np.testing.assert_allclose(conv1d_forward(x, (W, b))[0], y, atol=1e-12)
np.testing.assert_allclose(conv1d_forward(x, (W, b), stride=2)[0], conv1d_loops(x, W, b, stride=2), atol=1e-12)


def milliseconds(f, repeats=5):
    """The fastest of a few runs: the least disturbed one."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        f()
        times.append(1000 * (time.perf_counter() - began))
    return min(times)


timing = {
    "loops": milliseconds(lambda: conv1d_loops(x, W, b)),
    "windows and einsum": milliseconds(lambda: conv1d_windows(x, W, b)),
    "one matrix product": milliseconds(lambda: conv1d_forward(x, (W, b))),
}
for name, ms in timing.items():
    print(f"{name:20} {ms:8.3f} ms   {timing['loops'] / ms:6.1f} times the speed of the loops")

# %% [markdown]
# The three agree to twelve digits. Your times differ from those printed here; the order rarely does.

# %% [markdown]
# ## Backward
#
# Go back to the loops, where one line does all the work: `y[n, i, f]` is a sum of products `x * W`, plus `b[f]`. Let
# `dy[n, i, f]` be the gradient that arrives there. A product passes to each factor the other factor times `dy`:
#
#     dW[k, c, f]                += dy[n, i, f] * x[n, i*stride + k, c]
#     dx[n, i*stride + k, c]     += dy[n, i, f] * W[k, c, f]
#     db[f]                      += dy[n, i, f]
#
# All three are `+=`. The same `W` was used at every place i, so `dW` collects from every place: what is shared adds up.
# And neighbouring windows overlap, so one pixel of x took part in up to K outputs and collects from each of them.


# %%
def conv1d_backward_loops(dy, x, W, stride=1):
    """The three lines above, place by place."""
    dx, dW, db = np.zeros_like(x), np.zeros_like(W), np.zeros(W.shape[2])
    for n, i, f in np.ndindex(dy.shape):
        window = slice(i * stride, i * stride + len(W))
        dW[:, :, f] += dy[n, i, f] * x[n, window]
        dx[n, window] += dy[n, i, f] * W[:, :, f]
        db[f] += dy[n, i, f]
    return dx, dW, db


# %% [markdown]
# Here is the overlap as a picture: the matrix of windows of a row of 8 pixels. Pixel 3 stands in three rows. In
# forward, making this matrix copied it three times; in backward, three gradients come back and are added.

# %%
index = view[0, :, :, 0].astype(int)  # which pixel stands where
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.2), width_ratios=[1, 1.6])
numbers(left, np.where(index == 3, 0.5, 0.0), np.vectorize("x{}".format)(index))
left.set(xlabel="k, place in the window", ylabel="i, window", title="one row per window")
right.bar(np.arange(8), np.bincount(index.ravel()), color=[ORANGE if i == 3 else BLUE for i in range(8)], width=0.7)
right.set(
    xlabel="pixel of the row", ylabel="copies made of it", title="K = 3, stride 1", xticks=range(8), yticks=range(4)
)
figure.tight_layout()

# %% [markdown]
# Now without the loops. Line (2) was an affine map of the rows of `columns`, so its backward is the one from lesson 01:
# `dW = columns.T @ dy` and `dcolumns = dy @ W.T`. What remains is to undo line (1), the cutting of windows. Do not loop
# over places, of which there are many, but over k, of which there are few: what position k of *all* windows saw is a
# strided slice of x, in which no pixel occurs twice. So one `+=` per k adds everything to its place.


# %%
def conv1d_backward(dy, cache):
    """dy (N, L', F) -> dx (N, L, C), (dW, db)."""
    columns, W, shape, stride = cache
    K, C, F = W.shape
    N, out, _ = dy.shape
    rows = dy.reshape(N * out, F)
    dW = (columns.T @ rows).reshape(W.shape)  # (2)
    db = rows.sum(axis=0)  # (2)
    dwindows = (rows @ W.reshape(K * C, F).T).reshape(N, out, K, C)  # (2)
    dx = np.zeros(shape, dy.dtype)
    for k in range(K):  # (1)
        dx[:, k : k + stride * out : stride] += dwindows[:, :, k]
    return dx, (dW, db)


conv1d = Pair(conv1d_forward, conv1d_backward, "conv1d")
small = rng.standard_normal((2, 9, 3)), (rng.standard_normal((3, 3, 4)), rng.standard_normal(4))
y, cache = conv1d_forward(*small, stride=2)
dy = rng.standard_normal(y.shape)
dx, (dW, db) = conv1d_backward(dy, cache)
for fast, slow in zip((dx, dW, db), conv1d_backward_loops(dy, small[0], small[1][0], stride=2)):
    np.testing.assert_allclose(fast, slow, atol=1e-12)
print(gradcheck(conv1d, small, {"stride": 2}))

# %% [markdown]
# The check passes for every element of x, W and b.
#
# One slice looks risky: can `k + stride * out` run past the end of the row? It can, by less than one stride, and
# slicing does not mind. The number of elements is right all the same. Try K = 3, L = 9, stride = 2 on paper.

# %% [markdown]
# ## Two dimensions
#
# Nothing new happens, there are only two more indices:
#
#     y[n, i, j, f] = sum over k, l, c of  xpad[n, i*stride + k, j*stride + l, c] * W[k, l, c, f]   +  b[f]
#
# Pictures are `(N, H, W, C)`, kernels `(KH, KW, C, F)`. The framework has helpers that you may import in the
# exercises from `minirnn.functional.conv`. They are the two-dimensional forms of what you just read.

# %%
source(conv.pad_image, conv.crop_image, conv.windows_of, conv.shifted)

# %%
picture = np.arange(5 * 6.0).reshape(1, 5, 6, 1)
print("picture              ", picture.shape)
padded = conv.pad_image(picture, ((1, 1), (1, 1)))
print("padded by 1          ", padded.shape)
windows = conv.windows_of(padded, (3, 3), (2, 2))
print("3x3 windows, stride 2", windows.shape)
print("what pixel (1, 2) of every window sees, two ways:")
corner = conv.shifted(padded, 1, 2, windows.shape[1:3], (2, 2))
print(np.hstack([windows[0, :, :, 1, 2, 0], corner[0, :, :, 0]]).astype(int))

# %% [markdown]
# `windows_of` looks at the picture window by window, `shifted` pixel by pixel. Both are views: reading costs nothing,
# and adding into a `shifted` view of an array of zeros adds into that array.
#
# ## Pooling
#
# A pooling layer makes a feature map smaller. It slides a window too, but asks only for its mean or its largest value,
# channel by channel, and usually moves by the window's own size. Average pooling is short enough to read here. Its
# helper `add_windows` is the transpose of `windows_of`: it adds every window back to its place.

# %%
source(F.avg_pool2d)

# %% [markdown]
# The mean treats all pixels of a window alike, so in backward each gets the same share of the gradient. Max pooling
# is different:
#
#     y[n, i, j, c] = max over k, l of  xpad[n, i*stride + k, j*stride + l, c]
#
# Only the winner of a window has an influence on y: were another pixel a tiny bit larger, y would not change. So the
# winner gets the whole gradient and the others get 0. Where several pixels are equal, minirnn gives the gradient to
# the first in reading order. Some rule is needed, and giving it to all of them would multiply it.

# %%
digits = load_digits()
images = (digits.images / 16.0)[..., None]  # (1797, 8, 8, 1)
three = images[3:4]
edges, _ = ops.conv2d.forward(three, F.ConvParams(kernels["vertical edges"][:, :, None, None], np.zeros(1)), pad=1)
largest, cache = ops.max_pool2d.forward(edges)
mean, _ = ops.avg_pool2d.forward(edges)
(winners,) = ops.max_pool2d.backward(np.ones_like(largest), cache)

panels = {"a digit": three, "vertical edges": edges, "max of 2x2": largest, "mean of 2x2": mean,
          "gradient of max\nfor dy = 1": winners}  # fmt: skip
figure, axes = plt.subplots(1, 5, figsize=(8.4, 2.3))
for ax, (name, panel) in zip(axes, panels.items()):
    grid = panel[0, :, :, 0]
    style = {"cmap": "gray_r"} if panel is three or panel is winners else {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}
    ax.imshow(grid, interpolation="nearest", extent=(0, 8, 8, 0), **style)
    ax.set(xticks=range(0, 9, 2), yticks=range(0, 9, 2), xticklabels=[], yticklabels=[])
    ax.grid(color=GREY, linewidth=0.5)
    ax.set_title(f"{name}\n{grid.shape[0]}x{grid.shape[1]}" if panel is not winners else name, fontsize=10)
figure.tight_layout()

# %% [markdown]
# Every 2x2 block on the right has exactly one black pixel: the one whose value went on.
#
# What does pooling buy, apart from less work? A digit that moves a little should look much the same to the layers
# above. Move every digit one pixel to the right and measure how much its feature map changes, as a share of its own
# size.

# %%
moved = np.roll(images, 1, axis=2)
bank = F.ConvParams(
    np.stack([kernels["vertical edges"], kernels["horizontal edges"]], axis=-1)[:, :, None], np.zeros(2)
)


def features(x):
    """relu(conv(x)): (N, 8, 8, 2)."""
    return ops.relu.forward(ops.conv2d.forward(x, bank, pad=1)[0])[0]


for name, pool in {
    "no pooling": lambda f: f,
    "max of 2x2": lambda f: ops.max_pool2d.forward(f)[0],
    "max of 4x4": lambda f: ops.max_pool2d.forward(f, size=4)[0],
    "max of 8x8": lambda f: ops.max_pool2d.forward(f, size=8)[0],
}.items():
    a, b = pool(features(images)), pool(features(moved))
    change = np.linalg.norm(a - b) / np.linalg.norm(a)
    print(f"{name:12} {a.shape[1]}x{a.shape[2]}   moved by one pixel, the features change by {change:.0%}")

# %% [markdown]
# The larger the window, the smaller the change, and the less is known about *where* the edge was. Networks therefore
# pool a little at a time, with convolutions in between.
#
# ## A kernel that is learned
#
# Here is the evidence that the gradient is good for something. Somebody has filtered the digits with a kernel that we
# do not know. We have the pictures before and after. Start with random numbers, compare, and follow `dW` downhill.
#
#     loss = mean of (y - target)^2,    dy = 2 * (y - target) / number of values

# %%
secret = np.array([[2.0, 1, 0], [1, 0, -1], [0, -1, -2]])
target, _ = ops.conv2d.forward(images[:100], F.ConvParams(secret[:, :, None, None], np.zeros(1)), pad=1)

params = F.ConvParams(np.random.default_rng(1).standard_normal((3, 3, 1, 1)), np.zeros(1))
kept, losses = {}, []
for step in range(301):
    y, cache = ops.conv2d.forward(images[:100], params, pad=1)
    losses.append(np.mean((y - target) ** 2))
    if step in (0, 10, 50, 300):
        kept[step] = params.W[:, :, 0, 0]
    _, grads = ops.conv2d.backward(2 * (y - target) / y.size, cache)
    params = F.ConvParams(params.W - 0.3 * grads.W, params.b - 0.3 * grads.b)

figure, axes = plt.subplots(1, 6, figsize=(9.2, 2.2), width_ratios=[2, 1, 1, 1, 1, 1])
axes[0].semilogy(losses, color=BLUE)
axes[0].set(xlabel="step", ylabel="loss")
for ax, (step, kernel) in zip(axes[1:], [*kept.items(), ("secret", secret)]):
    numbers(ax, kernel, np.vectorize("{:.1f}".format)(kernel), limit=2.5)
    ax.set_title(step if step == "secret" else f"step {step}", fontsize=10)
figure.tight_layout()
print(f"largest difference from the secret kernel: {abs(params.W[:, :, 0, 0] - secret).max():.4f}")

# %% [markdown]
# A network does the same without being shown the target of any one layer: the gradient of its loss comes down to every
# kernel, and each becomes a question whose answer helps.

# %% [markdown]
# ## Your turn
#
# Four functions, in `exercises/03_convolution/`. `minirnn watch` in a terminal checks a file whenever you save it;
# `minirnn check conv1` checks one now, and `minirnn hint conv1` helps when you are stuck. The backward exercises are
# compared with numeric gradients in float64; a right one has relative errors under 1e-7, often under 1e-9.
#
# **conv1** (`conv1.py`): `conv2d_forward(x, params, *, stride=1, pad=0, need_dx=True)`. Reach one matrix product. Trap:
# in which order do the axes stand before you reshape the windows, and in which order does `W.reshape(-1, F)` read the
# kernel? They must be the same.

# %%
check("conv1")

# %% [markdown]
# **conv2** (`conv2.py`): `conv2d_backward(dy, cache)`. You may leave `need_dx` alone and return dx always; the framework
# returns None for the picture itself, whose gradient is of no use in training and the most expensive one. Traps: windows
# overlap; the gradient of padding is not part of the gradient of x.

# %%
check("conv2")

# %% [markdown]
# **pool1** (`pool1.py`): `max_pool2d_forward(x, *, size=2, stride=None, pad=0)`. Trap: a border of zeros wins against
# negative values. What number never wins?

# %%
check("pool1")

# %% [markdown]
# **pool2** (`pool2.py`): `max_pool2d_backward(dy, cache)`. Traps: windows that overlap
# (stride 1, size 2), where one pixel may win several times; and equal values in one window, as there are many behind a
# ReLU. The gradient goes to one of them, in the framework to the first in reading order; the check takes another rule too,
# if what arrives adds up to what was sent.

# %%
check("pool2")

# %% [markdown]
# ## Three questions
#
# 1. Two 3x3 convolutions on top of each other see 5x5 pixels, as one 5x5 convolution does. Count the weights of both
#    for C = F = 16. What else differs if there is a ReLU between the two?
# 2. With stride 1, `dx` is itself a convolution of `dy`. With which kernel, and with how much padding? Take K = 3 and
#    write down which outputs used one pixel in the middle, and with which weight.
# 3. A convolution with pad answers questions at the border about pixels that do not exist. What could a network learn
#    from the zeros there that it could not learn otherwise?
#
# ## Where it goes next
#
# Lesson 04 stacks these layers into a network that reads digits, and adds what makes deep stacks trainable. The same
# 1-D windows come back in lesson 05, where the row is time and the window turns out to be too short.
#
# ## Sources
#
# - K. Fukushima, 1980, "Neocognitron": layers of local, shared detectors, each followed by a layer that tolerates
#   small shifts.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, 1998, "Gradient-based learning applied to document recognition": the
#   digit reader whose figure 2 is the plan of most networks since.
# - K. Chellapilla, S. Puri, P. Simard, 2006, "High performance convolutional neural networks for document processing":
#   convolution unrolled into one matrix product.
# - M. Ranzato, F. J. Huang, Y. Boureau, Y. LeCun, 2007, "Unsupervised learning of invariant feature hierarchies": max
#   pooling inside a trained network.
# - V. Dumoulin, F. Visin, 2016, "A guide to convolution arithmetic for deep learning": padding and stride in pictures.
