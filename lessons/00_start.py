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
# # 00. Start here
#
# **What does it take to look at a picture and say what is in it?**
#
# Here are eight pictures and, below each, the sentence that belongs to it.

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from minirnn import functional as F
from minirnn.course import check, my_ops
from minirnn.data.scenes import make_scenes
from minirnn.plots import BLUE, GREY, ORANGE, RED

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})

scenes = make_scenes(2000, seed=3)
figure, axes = plt.subplots(2, 4, figsize=(7.6, 5))
for ax, image, caption in zip(axes.ravel(), scenes.images, scenes.captions):
    ax.imshow(image, interpolation="nearest")
    ax.axis("off")
    ax.set_title(textwrap.fill(caption, 22), y=-0.03, va="top", fontsize=9)
figure.tight_layout(h_pad=3.5)

# %% [markdown]
# The pictures are drawn by a program, and so are these sentences: they were made together. At the end of the course
# you will have a program of your own that sees only the pixels of such a picture, one that it never saw before, and
# writes the sentence. It is called a *captioner*. You will have written, by hand and in NumPy, every function that it
# is trained with: about forty of them, most of them three to fifteen lines long.
#
# The framework's own captioner has this score. It starts from random numbers and trains for about 90 seconds on
# 20,000 such pictures:
#
# | judged on | captions right word for word |
# |---|---|
# | 500 pictures that it has never seen | 97.4 % |
# | 500 pictures with combinations that training never showed, such as a small red triangle | 83.8 % |
# | the same decoder, trained without looking at the picture | 0.0 % |
#
# Real photographs are far harder. After ten minutes on 700 photographs, with nothing learned elsewhere, the captioner
# scores 0.152 in CIDEr, the mean of three runs (CIDEr measures agreement with human captions, lesson 11). The most
# frequent caption, said of every photograph, scores 0.122 without looking. That is a small margin, and an honest one;
# lesson 13 takes it apart. All figures come from `benchmarks/README.md` in the repository, with the commands that
# measure them. Yours will differ a little.

# %% [markdown]
# ## The way there
#
# | lesson | what you write |
# |---|---|
# | 01 Gradients by hand | a layer, a loss, a step of learning: a network that reads digits |
# | 02 Trust, but check | the check that tells right gradients from plausible ones |
# | 03, 04 Seeing | convolution, pooling, normalisation, Adam, dropout |
# | 05, 06 Sequences | a recurrent step, the loop through time, and its way back |
# | 07, 08 Memory | LSTM and GRU |
# | 09, 10 Words | words as vectors, sentences of unequal length, the captioner |
# | 11, 12 Saying and looking | sampling, beam search, BLEU; attention |
# | 13 Photographs | nothing new: you use it all |
#
# `minirnn map` draws this with what you have solved so far.

# %% [markdown]
# ## How to work
#
# Make a folder of your own once. It gets one small file per exercise, and the lessons as notebooks:
#
#     minirnn start my-course
#     cd my-course
#     minirnn lab
#
# The last line opens the lessons. Keep a second terminal open in the same folder, with
#
#     minirnn watch
#
# Then read a lesson, open the file that its exercise names, for example `exercises/01_gradients/affine1.py`, and
# replace `raise NotImplementedError` by your own lines. **Save.** The watching terminal checks the file at once and
# says what is right, what is not, and where. Without it, ask for one check at a time:
#
#     minirnn check affine1
#
# A notebook can ask too. The cell below checks your file as it is on disk. If nothing has been written yet, it says
# so.

# %%
check("affine1")

# %% [markdown]
# If you are stuck, take help in this order. Each step gives away a little more:
#
# 1. Read the message of the check again. It compares single numbers and gradients, and often names the mistake.
# 2. Work one case on paper, with two rows and two columns.
# 3. `minirnn hint affine1`, and after a pause `minirnn hint affine1 --more`.
# 4. `minirnn solution affine1`. Read it, close it, wait an hour, write it from memory.
#
# `minirnn next` names the first exercise that is still open, `minirnn reset affine1` puts the empty file back, and
# `minirnn doctor` says what is wrong when nothing works.
#
# ### The answer key is already on your machine
#
# The package that you installed contains each function that you are going to write: your functions must behave as its
# functions do. It is the answer key, and it lies open. There is no point in hiding it, because a professional reads
# other people's source every day. But for *learning*, reading first does not work. A backward pass that you have read
# looks obvious; an hour later the page is empty again. What stays is what you worked out, got wrong, and repaired.
# So: write first, then read ours and compare. Where yours is shorter, keep yours.
#
# The lessons show source too, by `source(...)`, but only of functions that are not asked for: each lesson works
# through a *sibling* of what you will write. You meet the same ideas, in another place.
#
# Your functions are also used. From lesson 01 on, experiments run on a table of functions. `my_ops()` fills it with
# yours, where they pass their check, and with the framework's elsewhere:

# %%
ops = my_ops()

# %% [markdown]
# ## Arrays: everything here is a block of numbers
#
# A picture is an array. Its *shape* lists the length of each axis.

# %%
image = scenes.images[1]
print(image.shape, image.dtype)
print("the pixel in row 20, column 30:", image[20, 30])

# %% [markdown]
# 48 rows, 48 columns, 3 colours (red, green, blue), whole numbers from 0 to 255. All pictures together are one array
# with one axis more. The course gives each axis a letter, always the same one:
#
# | letter | axis | letter | axis |
# |---|---|---|---|
# | N | examples in a batch, always first | T | time steps, words of a sentence |
# | H, W | height and width of a picture | V | words in the vocabulary, or classes |
# | C, F | channels in, channels out | L | locations in a picture |
# | D | features going in | H | features of a hidden state |
# | M | features coming out | K | side of a kernel |
#
# So pictures are `(N, H, W, C)`, sequences of feature vectors `(N, T, D)`, scores for words `(N, T, V)`. H has two
# meanings; they never meet in one array. **Before you write a line, write down its shapes.** It is the habit that
# prevents most mistakes in this trade.
#
# Numbers for learning are floats, so pictures are divided by 255 first:

# %%
x = scenes.images.astype(np.float32) / 255
N, H, W, C = x.shape
print(x.shape, x.dtype, "from", x.min(), "to", x.max())

# %% [markdown]
# ### Reductions take an axis away
#
# `mean`, `sum` and `max` with `axis=` replace one axis (or several) by one number. Which axis you choose is what you
# ask. Read `x.mean(axis=0)` as "the mean *over* the pictures": the N is gone, the rest stays.

# %%
over_channels = x[1].mean(axis=-1)  # (H, W): how bright is each pixel
over_rows = x[1].mean(axis=0)  # (W, C): one colour for each column
over_pixels = x[1].mean(axis=(0, 1))  # (C,): one colour for the picture
over_pictures = x.mean(axis=0)  # (H, W, C): the mean picture
mean_picture = (over_pictures - over_pictures.min()) / np.ptp(over_pictures)  # contrast stretched, to be seen

pictures = (x[1], over_channels, over_rows[None], over_pixels[None, None], mean_picture)
titles = (
    "x[1]",
    "x[1].mean(axis=-1)",
    "x[1].mean(axis=0)",
    "x[1].mean(axis=(0, 1))",
    "x.mean(axis=0)\ncontrast stretched",
)
shapes = (x[1], over_channels, over_rows, over_pixels, over_pictures)
figure, axes = plt.subplots(1, 5, figsize=(10, 2.6))
for ax, picture, title, array in zip(axes, pictures, titles, shapes):
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)
    ax.set_xlabel(f"{array.shape}", fontsize=9)
    ax.set_box_aspect(1)
figure.tight_layout()

# %% [markdown]
# The last one is worth a look. The mean of 2,000 pictures shows where the program likes to put its shapes: in four
# places, hardly ever at the edge. You have just learned something about the data from one line.
#
# With `keepdims=True` the axis stays, with length 1. That matters when the result meets its array again. Say that
# each picture's own mean brightness is to be subtracted from it:

# %%
brightness = x.mean(axis=(1, 2, 3))  # (N,)
try:
    x - brightness
except ValueError as error:
    print("ValueError:", error)

brightness = x.mean(axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)
print(x.shape, "-", brightness.shape, "->", (x - brightness).shape)

# %% [markdown]
# ### Broadcasting: how shapes meet
#
# When two arrays of different shapes are added or multiplied, NumPy compares the shapes **from the right**. Two
# lengths fit if they are equal or if one of them is 1; an axis of length 1, or a missing one, is repeated as often as
# needed.
#
#     (N, H, W, C)          (N, H, W, C)          (3, 1)             (N, H, W, C)
#              (3,)         (N, 1, 1, 1)             (4,)                     (N,)
#     ------------          ------------          ------             ------------
#     fits if C is 3        fits                  -> (3, 4)          an error, or worse: fits if C is N
#
# Two small arrays, and what becomes of them:


# %%
def grid(ax, array, title):
    """Draw a small matrix as cells with their numbers."""
    ax.imshow(array, cmap="Blues", vmin=-5, vmax=70, interpolation="nearest")
    for (i, j), value in np.ndenumerate(array):
        ax.text(j, i, f"{value}", ha="center", va="center", fontsize=11)
    ax.set_xticks(np.arange(array.shape[1] + 1) - 0.5, [])
    ax.set_yticks(np.arange(array.shape[0] + 1) - 0.5, [])
    ax.grid(color="white", linewidth=2)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize=10)


column = np.array([[10], [20], [30]])
row = np.array([1, 2, 3, 4])
figure, axes = plt.subplots(1, 3, figsize=(8, 2.6), width_ratios=(1, 4, 4))
grid(axes[0], column, f"column {column.shape}")
grid(axes[1], row[None], f"row {row.shape}")
grid(axes[2], column + row, f"column + row {(column + row).shape}")
figure.tight_layout()

# %% [markdown]
# Broadcasting is also a trap, because it fits more often than you mean. Suppose that a network's answers have shape
# `(N, 1)` and the right values `(N,)`:

# %%
answers = np.array([[1.0], [2.0], [3.0]])  # (3, 1)
right = np.array([1.0, 2.0, 3.0])  # (3,)
print("all answers are right, but the mean squared error is", round(((answers - right) ** 2).mean(), 3))
print("because the difference has shape", (answers - right).shape)

# %% [markdown]
# No error, no warning: every answer was compared with every right value. Print shapes before you trust numbers.

# %% [markdown]
# ### Views and copies, and changes in place
#
# Slices and `reshape` usually return a *view*: other eyes on the same memory. Arithmetic makes a new array. Changing
# a view changes what it looks at.

# %%
a = np.arange(6.0).reshape(2, 3)
first = a[0]  # a view of the first row
first *= 100  # in place: writes into the memory of a
print("after first *= 100, a is\n", a)

a = np.arange(6.0).reshape(2, 3)
first = a[0]
first = first * 100  # a new array; the name now means that one
print("after first = first * 100, a is\n", a)
print("do they share memory?", np.shares_memory(a[0], a), np.shares_memory(first, a))

# %% [markdown]
# The rule of this course is short: **a function never writes into what it was given.** `x += 1`, `x[0] = 0`,
# `np.exp(x, out=x)` all write. The same array may be on its way to three other functions, and lesson 02 shows how
# such a mistake gives right numbers the first time and wrong ones the second. To build a new array step by step, make
# it yourself first (`np.zeros_like(x)`, `x.copy()`).

# %% [markdown]
# ### What a number can hold
#
# A float keeps a fixed count of digits, wherever the point is. `float32` keeps about 7, `float64` about 16. Pixels,
# as `uint8`, are whole numbers from 0 to 255 and start again at 0.

# %%
print("float32: 1 + 1e-8 =", np.float32(1) + np.float32(1e-8), "   smallest step above 1:", np.finfo(np.float32).eps)
print("float64: 1 + 1e-8 =", np.float64(1) + np.float64(1e-8), "   smallest step above 1:", np.finfo(np.float64).eps)
pixels = np.array([200, 100], dtype=np.uint8)
print("uint8:   200 + 100 =", (pixels[:1] + pixels[1:])[0])

# %% [markdown]
# Training uses float32: half the memory, about twice the speed, and learning does not need more digits. Checking
# gradients uses float64, because it subtracts numbers that are nearly equal. Your functions serve both, if they never
# name a dtype: what comes in decides. `np.zeros(shape)` makes float64, whatever your input was; `np.zeros_like(x)`
# follows x.

# %% [markdown]
# ### Reading a shape error
#
# You will see many. Each says which lengths did not fit; the work is to find out which of them you *meant*.

# %%
inputs = np.ones((8, 5))  # (N, D)
weights = np.ones((4, 3))  # (D, M), it should have been
for attempt in (
    lambda: inputs @ weights,
    lambda: inputs + weights,
    lambda: F.affine.forward(inputs, F.AffineParams(weights, np.ones(3))),
):
    try:
        attempt()
    except ValueError as error:
        print("ValueError:", error, "\n")

# %% [markdown]
# 1. A matrix product needs the last axis of the left and the first axis of the right equal. NumPy's text for it is
#    long; look for its last words, `size 4 is different from 5`.
# 2. An elementwise operation could not broadcast. The two shapes are given: align them from the right.
# 3. The framework's functions say it in the reader's terms. Yours need not check their inputs, but you may.
#
# Then go *up* from the error to where that shape was made. Put `print(x.shape)` there, compare with what you wrote
# down, and change one thing.

# %% [markdown]
# ## One neuron
#
# Now put shapes, reductions and broadcasting together. A *neuron* multiplies its inputs by weights, adds them up,
# adds a bias:
#
#     score = sum over c of x[c] * w[c]  +  b
#
# Let it tell pictures with something red from pictures with something blue. Its input is the mean colour of the
# picture, three numbers. The weights we choose by thinking: red speaks for, blue against, green is of no use.

# %%
has_red = np.array(["red" in caption for caption in scenes.captions])
has_blue = np.array(["blue" in caption for caption in scenes.captions])
chosen = has_red != has_blue  # one of the two, not both
colour = x[chosen].mean(axis=(1, 2))  # (N, C): mean over the pixels of each picture
is_red = has_red[chosen]  # (N,)

w = np.array([1, 0, -1], dtype=np.float32)  # (C,)
b = np.float32(0)
score = (colour * w).sum(axis=1) + b  # (N, C) * (C,) -> (N, C), summed over C -> (N,), plus one number
print(f"{colour.shape[0]} pictures, {((score > 0) == is_red).mean():.1%} told apart")

figure, ax = plt.subplots(figsize=(8, 2.8))
bins = np.linspace(-0.2, 0.2, 61)
ax.hist(score[is_red], bins, color=RED, alpha=0.7, label="something red")
ax.hist(score[~is_red], bins, color=BLUE, alpha=0.7, label="something blue")
ax.axvline(0, color=GREY, linestyle="--")
ax.annotate('says "blue"', (-0.005, 1.0), xycoords=("data", "axes fraction"), ha="right", va="top", color=GREY)
ax.annotate('says "red"', (0.005, 1.0), xycoords=("data", "axes fraction"), va="top", color=GREY)
ax.set(xlabel="score", ylabel="pictures", ylim=(0, 46))
ax.legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# Not bad for three numbers that nobody trained. But look at the ones it got wrong, farthest off first:

# %%
wrong = np.flatnonzero((score > 0) != is_red)
worst = wrong[np.argsort(-np.abs(score[wrong]))][:4]
figure, axes = plt.subplots(1, 4, figsize=(7.2, 2.8))
captions = np.array(scenes.captions)[chosen]
for ax, k in zip(axes, worst):
    ax.imshow(x[chosen][k], interpolation="nearest")
    ax.axis("off")
    ax.set_title(f"score {score[k]:+.3f}", fontsize=10, color=ORANGE)
    ax.text(0.5, -0.05, textwrap.fill(captions[k], 18), transform=ax.transAxes, ha="center", va="top", fontsize=8)
figure.tight_layout()

# %% [markdown]
# The neuron sees a mean over the whole picture. A thing of another colour pulls the mean to its side, and the neuron
# cannot know that there are two things. Better weights would not help much: it needs better *inputs*, colours in
# their places. That is what a convolution is for (lesson 03). And nobody can choose 568,323 weights by thinking (the
# captioner has so many); they have to be found. That is what gradients are for, and they come first.

# %% [markdown]
# ## To think about
#
# 1. `x` has shape `(N, H, W, C)`. What are the shapes of `x.mean(axis=(1, 2))`, `x.mean(axis=(1, 2), keepdims=True)`
#    and `x - x.mean(axis=(0, 1, 2))`, and what does each of them mean in words?
# 2. `scores (N, V)` minus `scores.max(axis=-1)` is an error for most N and V. For which does it run, and what does it
#    compute then? Which one word repairs it?
# 3. Which weights and bias would make the neuron say "the picture is bright"? Which task with these pictures can no
#    choice of three weights on the mean colour solve, however well chosen?
#
# ## Where it goes next
#
# Lesson 01 finds the weights: a loss that says how wrong an answer is, its slope with respect to every weight, and a
# network of 2,410 numbers that learns to read digits in about a second. Its first exercise, `affine1`, is a whole
# layer of neurons at once.
#
# ## Sources
#
# - Vinyals, Toshev, Bengio, Erhan (2015), *Show and Tell: A Neural Image Caption Generator*. Figure 1 is the plan of
#   the captioner: a convolutional network that looks, a recurrent one that speaks.
# - Harris et al. (2020), *Array programming with NumPy*, Nature 585. Figure 1 shows views, broadcasting and
#   reductions.
# - McCulloch and Pitts (1943) for the neuron as a weighted sum with a threshold; Rosenblatt (1958) for weights that
#   are learned.
