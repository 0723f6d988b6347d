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
# # 09. Words
#
# A picture is an array of numbers before we touch it. A caption is not: it is a few words, and each caption has its
# own number of them. Two questions stand between a caption and a recurrent network.
#
# 1. How does a *word* become a row of numbers, and how does a gradient get back into that row?
# 2. How do captions of different *lengths* become one array, without the empty places spoiling the loss?
#
# You will write both answers: the embedding, the padding and the masked cross-entropy. With them a small LSTM learns
# to guess the next word of a caption, in a few seconds, and its word vectors turn out to know what a colour is.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minirnn import Pair, gradcheck, init
from minirnn.course import check, my_ops, source
from minirnn.data.scenes import COLOURS, HELD_OUT, SHAPES, SIZES, make_scenes
from minirnn.data.vocabulary import END, PAD, SPECIAL, START, Vocabulary, pad_captions, tokenise
from minirnn.functional.recurrent import LSTMState
from minirnn.optim import adam, clip_by_global_norm, learning_rate

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
BLUE, ORANGE, GREEN, RED, GREY = "#2c5cdc", "#e07b00", "#1a7f37", "#c62828", "#6b7280"
ops = my_ops()

# %% [markdown]
# ## The picture first
#
# Four captions of the drawn scenes, the data of this lesson and the next. Below they stand as the network gets them:
# two tables of words, `inputs` and `targets`, and a `mask` that says which targets count. Shaded cells are filler.

# %%
scenes = make_scenes(3000, size=16)  # this lesson reads only the captions; tiny pictures are drawn quickly
texts = [
    "a small red circle",
    "three large green stars",
    "a small red circle left of a large blue square",
    "two small red circles and a large blue star",
]
words = [tokenise(text) for text in texts]
vocabulary = Vocabulary.build([tokenise(caption) for caption in scenes.captions])
batch = pad_captions([vocabulary.encode(tokens) for tokens in words])


def show_table(ax, texts, colours, shades, title):
    """A table of words: one cell per place, with its own ground and text colour."""
    for (n, t), text in np.ndenumerate(texts):
        ax.add_patch(plt.Rectangle((t, n), 1, 1, facecolor=colours[n, t], edgecolor=GREY, linewidth=0.6))
        ax.text(t + 0.5, n + 0.5, text, ha="center", va="center", fontsize=7.5, color=shades[n, t])
    ax.set(xlim=(0, texts.shape[1]), ylim=(len(texts), 0), xticks=[], yticks=[])
    ax.set_title(title, loc="left", fontsize=9.5)
    ax.spines[:].set_visible(False)


def show_words(ax, numbers, counts, title):
    """Word numbers as words; START and END are coloured, filler is grey."""
    signals = {PAD: "#e5e7eb", START: "#cfe0ff", END: "#ffe3c2"}
    colours = np.vectorize(lambda number: signals.get(int(number), "white"))(numbers)
    shades = np.where(counts, "black", "#9ca3af")
    show_table(ax, np.array(vocabulary.words)[numbers], colours, shades, title)


fig, axes = plt.subplots(3, 1, figsize=(8, 4.4), layout="constrained")
show_words(axes[0], batch.inputs, batch.inputs != PAD, "inputs (N, T): what the network reads")
show_words(axes[1], batch.targets, batch.mask, "targets (N, T): what it should say next")
ground, ink = np.where(batch.mask, "#b7e4c0", "#e5e7eb"), np.where(batch.mask, "black", "#9ca3af")
show_table(axes[2], batch.mask.astype(int), ground, ink, "mask (N, T): 1 where a target counts")
plt.show()

# %% [markdown]
# ## From text to numbers
#
# Three small steps, each one line of use.
#
# **Tokenise.** Cut a text into words. Our rule: lower case, punctuation dropped, an apostrophe or hyphen inside a word
# stays. Every such rule is a decision; what matters is that training and use apply the same one.

# %%
tokenise("A small, RED circle: left of the dog's T-shirt.")

# %% [markdown]
# The rule is short enough to read whole:

# %%
source(tokenise)

# %% [markdown]
# **Number.** A vocabulary is a list of words. The number of a word is its place in the list, nothing more. Number 9 is
# not "larger" than number 5 in any sense the network should use.

# %%
for number in range(10):
    print(number, vocabulary.words[number])
print("… in all V =", len(vocabulary), "words")

# %% [markdown]
# The first four are not words of the language but signals.
#
# | number | name | what it is for |
# |---|---|---|
# | 0 | `PAD` | fills the table up to the longest caption; never counts |
# | 1 | `START` | the first thing the network reads, when no word has been said |
# | 2 | `END` | the last thing it should say; this is how it learns to stop |
# | 3 | `UNK` | stands for any word that the vocabulary does not know |
#
# The vocabulary is built from the training captions alone. A word that first turns up later is read as `UNK`:

# %%
numbers = vocabulary.encode(tokenise("a small red elephant"))
print(numbers, "->", vocabulary.decode(numbers))
assert SPECIAL[numbers[-1]] == "<unk>"

# %% [markdown]
# **Pad.** Captions of a batch have different lengths, an array has one. So the short ones are filled up with `PAD` to
# `T = longest caption + 1`. The one is for `START` in the inputs and for `END` in the targets.
#
# Look at the tables above once more, column by column. At step 0 every row reads `START` and should say its first
# word. At each later step it reads the word that it should have said one step before. The targets are the inputs
# moved one place to the left, with `END` in the place that became free. The mask is true wherever the target is a word
# or `END`, so a caption of k words has k + 1 places that count.

# %% [markdown]
# ## A word as a row: one-hot times a matrix
#
# The number of a word is only a name. To turn names into something to compute with, take the plainest code there is:
# a row of V zeros with a single 1 at the word's own place. This is a *one-hot* row. All words are then equally far
# from each other, and no order sneaks in.
#
# A layer on top of it is the affine map of lesson 01 without a bias. With `ids (N,)`, `X (N, V)` and `W (V, E)`:
#
#     X[n, v] = 1 if v == ids[n] else 0
#     Y = X @ W                               (N, E)
#
# and its backward pass is known too:
#
#     dW = X.T @ dY                           (V, E)
#
# The numbers in `ids` are not differentiated: there is no word "a little more than 9".

# %%


def one_hot(ids, V, dtype):
    X = np.zeros((*ids.shape, V), dtype)
    np.put_along_axis(X, ids[..., None], 1, axis=-1)
    return X


def one_hot_words_forward(ids, W):
    X = one_hot(ids, len(W), W.dtype)  # (1)
    return X @ W, X  # (2)


def one_hot_words_backward(dY, X):
    V, E = X.shape[-1], dY.shape[-1]
    dW = X.reshape(-1, V).T @ dY.reshape(-1, E)  # (2) a sum over every place where W was used
    return None, dW


one_hot_words = Pair(one_hot_words_forward, one_hot_words_backward, "one_hot_words")
rng = np.random.default_rng(0)
ids = np.array([[1, 4, 2], [1, 4, 4]])  # two captions of three words; word 4 comes three times
print(gradcheck(one_hot_words, (ids, rng.standard_normal((6, 3)))))

# %% [markdown]
# Seen as pictures, for the five words `1 4 2 4 4` (rows), a vocabulary of six and vectors of three numbers. Forward on
# top: each row of X picks one row of W. Backward below: each row of dY goes to the row of its word.

# %%
ids = np.array([1, 4, 2, 4, 4])
W, dY = np.round(rng.uniform(-1, 1, (6, 3)), 1) + 0.0, np.round(rng.uniform(-1, 1, (5, 3)), 1) + 0.0
Y, X = one_hot_words.forward(ids, W)
_, dW = one_hot_words.backward(dY, X)


def show_matrix(ax, a, title, rows, columns, form="{:.1f}"):
    ax.imshow(a, cmap="RdBu_r", vmin=-2, vmax=2, interpolation="nearest")
    for (i, j), value in np.ndenumerate(a):
        if value or form != "{:.0f}":  # the zeros of a one-hot matrix stay blank
            shade = "white" if abs(value) > 1.5 else "black"
            ax.text(j, i, form.format(value), ha="center", va="center", fontsize=7.5, color=shade)
    ax.set(xticks=[], yticks=range(len(a)), xlabel=columns, ylabel=rows)
    ax.set_title(title, fontsize=10)
    ax.tick_params(length=0, labelsize=7)


fig, axes = plt.subplots(2, 3, figsize=(8, 4.6), layout="constrained", width_ratios=[6, 3.6, 3.6])
show_matrix(axes[0, 0], X, "X (N, V)", "place n", "word", "{:.0f}")
show_matrix(axes[0, 1], W, "W (V, E)", "word", "E")
show_matrix(axes[0, 2], Y, "Y = X @ W", "place n", "E")
show_matrix(axes[1, 0], X.T, "X.T (V, N)", "word", "place n", "{:.0f}")
show_matrix(axes[1, 1], dY, "dY (N, E)", "place n", "E")
show_matrix(axes[1, 2], dW, "dW = X.T @ dY", "word", "E")
plt.show()

# %% [markdown]
# Three things to read off.
#
# - **Forward is a lookup.** Row n of Y is row `ids[n]` of W, copied. All the multiplying by 0 and 1 did nothing.
# - **Words that do not occur get no gradient.** Rows 0, 3 and 5 of dW are zero.
# - **A repeated word adds up.** Word 4 was used three times; its row of dW is the sum of three rows of dY. One row of
#   W fed three places of the output, so a change of it moves the loss in three ways at once. It is the rule of lesson
#   06 again: what is *shared* collects the gradients of all its uses.
#
# So the *embedding* does the same with no X at all:
#
#     y[n, t, :] = W[ids[n, t], :]
#     dW[v, :]   = sum of dy[n, t, :] over all places (n, t) with ids[n, t] == v
#
# How much does that save? Count the multiply-adds and the numbers in X for a batch of photographs' captions.

# %%
N, T, E = 64, 20, 128
for V in (27, 3_000, 30_000):
    print(f"V = {V:6,}: X holds {N * T * V:10,} numbers and X @ W takes {N * T * V * E:13,} multiply-adds")
print(f"a lookup, for any V: {N * T * E:,} numbers copied")

# %% [markdown]
# ## Places that do not count: a masked mean
#
# Padding must not change the loss. If it did, the score of a caption would depend on which other captions it happened
# to share a batch with.
#
# Here is the idea on a loss that you know, the squared error, masked. The cross-entropy you will do yourself. With
# `y, target, mask` all `(N, T)`:
#
#     loss = sum(mask * (y - target)^2) / sum(mask)
#
# The divisor is the number of places that count, not N * T. The divisor holds no y, so the backward pass only scales:
#
#     dy = dloss * mask / sum(mask) * 2 * (y - target)
#
# Where the mask is 0 the gradient is exactly 0.

# %%


def masked_squared_error_forward(y, target, mask):
    share = mask / mask.sum()  # (1) how much each place weighs; adds up to 1
    error = y - target  # (2)
    loss = (share * error**2).sum()  # (3)
    return loss, (share, error)


def masked_squared_error_backward(dloss, cache):
    share, error = cache
    dy = dloss * share * 2 * error  # (3)
    return dy, -dy, None  # (2)


masked_squared_error = Pair(masked_squared_error_forward, masked_squared_error_backward, "masked_squared_error")
mask = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
y, target = rng.standard_normal((2, 2, 4))
print(gradcheck(masked_squared_error, (y, target, mask)))

loss, cache = masked_squared_error.forward(y, target, mask)
elsewhere = np.where(mask, y, 1e6)  # nonsense in the places that do not count
assert masked_squared_error.forward(elsewhere, target, mask)[0] == loss
print(np.round(masked_squared_error.backward(1.0, cache)[0], 3))

# %% [markdown]
# What goes wrong without the mask? Let one caption keep its five words while its neighbour in the batch grows longer
# and longer, so that the table needs more and more padding. Suppose that the network has error 1 at every word and, as
# networks quickly learn, error near 0 at padding. Below, the loss of that caption, once over all places, once masked.

# %%
padded = np.arange(0, 26)
plain, masked = [], []
for extra in padded:
    y = np.concatenate([np.ones(5), np.zeros(extra)])[None]
    counts = (np.arange(5 + extra) < 5)[None]
    plain.append((y**2).mean())
    masked.append(masked_squared_error.forward(y, np.zeros_like(y), counts)[0])
fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.plot(padded, masked, color=GREEN, label="masked mean")
ax.plot(padded, plain, color=RED, label="mean over all places")
ax.set(xlabel="places of padding behind five words", ylabel="loss", ylim=(0, 1.1))
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# The red line falls although nothing got better: it measures how long the longest caption of the batch is. Its
# gradient shrinks in the same way, so the words of short captions would hardly be learned.
#
# For words the loss is the cross-entropy of lesson 01, now with this divisor. `logits (N, T, V)`, `targets (N, T)`:
#
#     logp = log_softmax(logits)                                         (N, T, V)
#     loss = sum(mask * -logp[n, t, targets[n, t]]) / sum(mask)
#
# in *nats per word*. A network that finds all V words equally likely has a loss of log V; a loss of L means that it is
# as unsure as if it chose among exp(L) equally likely words. That number, exp(L), is called perplexity.

# %% [markdown]
# ## A language model of captions
#
# Now everything together. A *language model* gives a probability to each possible next word, given the words so far:
#
#     words  = embedding(inputs, W)                     (N, T, E)
#     states = unroll(lstm_step)(words, zeros, cell)    h is (N, T, H)
#     logits = affine(h, out)                           (N, T, V)
#     loss   = cross_entropy(logits, targets, mask)
#
# It sees no picture yet. It learns what captions sound like. The pairs come from `ops`, so yours are used where they
# pass their checks.

# %%
V, E, H = len(vocabulary), 16, 48
time = ops.unroll(ops.lstm_step)


def zeros(n):
    return LSTMState(np.zeros((n, H), np.float32), np.zeros((n, H), np.float32))


def language_model(batch, params):
    """The loss on a batch of captions, and the gradient of every parameter."""
    W, cell, out = params
    words, embedding_cache = ops.embedding.forward(batch.inputs, W)  # (1)
    states, time_cache = time.forward(words, zeros(len(words)), cell)  # (2)
    logits, out_cache = ops.affine.forward(states.h, out)  # (3)
    loss, loss_cache = ops.cross_entropy.forward(logits, batch.targets, batch.mask)  # (4)

    dlogits, _, _ = ops.cross_entropy.backward(np.ones_like(loss), loss_cache)  # (4)
    dh, dout = ops.affine.backward(dlogits, out_cache)  # (3)
    dwords, _, dcell = time.backward(LSTMState(dh, None), time_cache)  # (2) nobody reads c from outside
    _, dW = ops.embedding.backward(dwords, embedding_cache)  # (1)
    return loss, (dW, dcell, dout)


# %% [markdown]
# `LSTMState(dh, None)` says: the loss reads `h` of each step and not `c`; `None` stands for a gradient of zero.
#
# Before training, two numbers to compare with, both measured on captions that training does not see.
#
# - **Unigram.** Ignore the words so far and always give the training frequencies of the words. Its loss is the
#   entropy of the word frequencies (on new captions, their cross-entropy). A model above this line has learned nothing
#   about order.
# - **Bigram.** Give the frequencies of the words that followed the *last* word in training. A model below this line
#   remembers more than one word.

# %%
encoded = [vocabulary.encode(tokenise(caption)) for caption in scenes.captions]
train_ids, held_ids = encoded[:2500], encoded[2500:]
train_all, held_out = pad_captions(train_ids), pad_captions(held_ids)


def pairs_of(batch):
    """(the word read, the word to say) at every place that counts."""
    return batch.inputs[batch.mask], batch.targets[batch.mask]


follows = np.full((V, V), 1e-3)  # a grain for pairs that were never seen, so that no logarithm is of zero
before, after = pairs_of(train_all)
for pair in zip(before, after):
    follows[pair] += 1
after_any = follows.sum(axis=0) / follows.sum()
after_last = follows / follows.sum(axis=1, keepdims=True)
before, after = pairs_of(held_out)
uniform, unigram = np.log(V), -np.log(after_any[after]).mean()
bigram = -np.log(after_last[before, after]).mean()
print(f"uniform {uniform:.2f}   unigram {unigram:.2f}   bigram {bigram:.2f}   nats per word")

# %%
rng = np.random.default_rng(0)
params = (
    (rng.standard_normal((V, E)) * 0.1).astype(np.float32),
    init.lstm_params(rng, E, H),
    init.affine_params(rng, H, V),
)
moments, losses, STEPS = adam.init(params), [], 1000
measured = {1, 3, 6, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 450, 630, 800, STEPS}  # evenly on a log scale
held_losses = {}
for step in range(STEPS):
    chosen = rng.choice(len(train_ids), 64, replace=False)
    loss, grads = language_model(pad_captions([train_ids[i] for i in chosen]), params)
    grads, _ = clip_by_global_norm(grads, 1.0)
    lr = learning_rate(step, STEPS, peak=1e-2, warmup=20)
    params, moments = adam.update(params, grads, moments, lr=lr, weight_decay=1e-4)
    losses.append(loss)
    if step + 1 in measured:
        held_losses[step + 1], _ = language_model(held_out, params)
final = held_losses[STEPS]
print(f"captions not trained on: {final:.3f} nats per word, perplexity {np.exp(final):.2f}")

# %%
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(np.arange(1, STEPS + 1), losses, color=BLUE, alpha=0.35, linewidth=0.8, label="LSTM, training batch")
ax.plot(*zip(*held_losses.items()), color=BLUE, linewidth=1.8, label="LSTM, captions not trained on")
for value, name in ((uniform, "all words equally likely: log V"), (unigram, "unigram"), (bigram, "bigram")):
    ax.axhline(value, color=GREY, linewidth=0.9, linestyle="--")
    ax.text(STEPS, value + 0.05, name, ha="right", color=GREY, fontsize=9)
ax.set(xlabel="step (log scale)", ylabel="loss (nats per word)", ylim=(0, 3.7), xlim=(1, STEPS), xscale="log")
ax.legend(frameon=False, loc="lower left")
plt.show()

# %% [markdown]
# The curve falls through all three lines. It also stops well above zero, and it must: which colour comes next is a
# free choice of whoever made the scene. No model without the picture can know. What is left is the part that the
# picture will have to explain in lesson 10.
#
# ### What it expects next
#
# Give it the beginning of a caption and look at the probabilities of the next word.

# %%


def next_word(text, params):
    """Probabilities (V,) of the word after the beginning of a caption."""
    W, cell, out = params
    ids = np.array([[START, *vocabulary.encode(tokenise(text))]])
    words, _ = ops.embedding.forward(ids, W)
    states, _ = time.forward(words, zeros(1), cell)
    logits, _ = ops.affine.forward(states.h[:, -1], out)
    return np.exp(ops.log_softmax.forward(logits)[0][0])


prefixes = ["", "a small", "a small red", "three large green stars", "a small red circle left"]
fig, axes = plt.subplots(1, len(prefixes), figsize=(10, 2.7), layout="constrained")
for ax, prefix in zip(axes, prefixes):
    probability = next_word(prefix, params)
    best = np.argsort(-probability)[:6]
    colours = [ORANGE if number == END else BLUE for number in best]
    ax.barh(range(6), probability[best], color=colours)
    ax.set(xlim=(0, 1.05), ylim=(5.6, -0.6), xlabel="probability", yticks=range(6))
    ax.set_yticklabels([vocabulary.words[number] for number in best], fontsize=8.5)
    ax.set_title(f"{prefix or '(nothing yet)'} …", fontsize=8.5)
plt.show()

# %% [markdown]
# It knows the grammar: a size is followed by a colour, a colour by a shape, "left" by "of". After "three large green
# stars" the caption is complete, and `END` is nearly certain.
#
# It has also learned something that nobody meant to teach it. The training scenes leave out six combinations of size,
# colour and shape on purpose, to see later whether a model can name what it has never seen. A small red triangle is one
# of them. Here is how likely the model finds the missing shape, and how likely the other three on average.

# %%
for size, colour, missing in HELD_OUT:
    probability = next_word(f"a {size} {colour}", params)
    by_shape = {shape: probability[vocabulary.encode([shape])[0]] for shape in SHAPES}
    others = np.mean([by_shape[shape] for shape in SHAPES if shape != missing])
    print(f"a {size} {colour:6} {missing:8} {by_shape[missing]:.3f}    another shape {others:.3f}")

# %% [markdown]
# The model has learned a habit of its data. It cannot know whether that is a law or an accident.
#
# ### What the word vectors know
#
# Each row of W started as random numbers. After training, words that are used alike have moved together. To look at 16
# dimensions on paper, rotate them so that the first two axes carry as much of the spread as possible (principal
# components: the singular value decomposition of the centred rows).

# %%
groups = {
    "sizes": (SIZES, GREY),
    "colours": (tuple(COLOURS), ORANGE),
    "shapes, one": (SHAPES, BLUE),
    "shapes, several": (tuple(shape + "s" for shape in SHAPES), GREEN),
    "articles and counts": (("a", "two", "three"), RED),
}
chosen = [word for group, _ in groups.values() for word in group]
vectors = params[0][vocabulary.encode(chosen)]
centred = vectors - vectors.mean(axis=0)
_, spread, axes_of = np.linalg.svd(centred, full_matrices=False)
flat = centred @ axes_of[:2].T
shown = (spread[:2] ** 2).sum() / (spread**2).sum()

fig, ax = plt.subplots(figsize=(8, 4.4), layout="constrained")
height = np.ptp(flat[:, 1]) / 20  # of a line of text
for name, (group, colour) in groups.items():
    points = flat[[chosen.index(word) for word in group]]
    ax.scatter(points[:, 0], points[:, 1], s=20, color=colour, label=name)
    side = -1 if name == "shapes, several" else 1  # where the names stand
    crowded = np.diff(np.sort(points[:, 1])).min() < height  # then they stand in a column beside all points
    column = side * (side * points[:, 0]).max() + side * 0.12
    order = np.argsort(points[:, 1])
    for k, n in enumerate(order):
        x, y = points[n]
        at = (column, points[:, 1].mean() + (k - (len(order) - 1) / 2) * height) if crowded else (x + 0.04, y)
        if crowded:
            ax.plot([x, at[0]], [y, at[1]], color=colour, linewidth=0.5)
        anchor = "left" if side > 0 else "right"
        ax.text(*at, f" {group[n]} ", fontsize=8.5, color=colour, va="center", ha=anchor)
ax.set(xlabel="first principal component", ylabel="second principal component")
ax.set_title(f"rows of W on two axes that hold {shown:.0%} of their spread", fontsize=10)
ax.margins(x=0.12)
ax.legend(frameon=False, fontsize=8.5, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
direction = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
cosine = direction @ direction.T
kind = np.array([name for name, (group, _) in groups.items() for _ in group])
same, itself = kind[:, None] == kind, np.eye(len(kind), dtype=bool)
print(f"mean cosine of two words: {cosine[same & ~itself].mean():.2f} in one group, {cosine[~same].mean():.2f} across")

# %% [markdown]
# Colours lie with colours and shapes with shapes. No line of code knows what a colour is. "Red" and "blue" are
# followed and preceded by the same words, so the loss pulled their rows in the same directions.

# %% [markdown]
# ## Exercises
#
# Open the files in `exercises/09_words/`. In the terminal, `minirnn watch` checks a file at every save;
# `minirnn check embed1` checks one by name; `minirnn hint embed1` helps when you are stuck.
#
# **embed1** (`exercises/09_words/embed1.py`): `embedding_forward(ids, W)`. Rows of W by number, for ids of *any*
# shape: `(N,)`, `(N, T)`, even `()`. W may have more than two axes; each row is then an array. Keep in the cache what
# the backward pass needs, and think about what that is: it does not need W itself. Think also about an id of -1: what
# does NumPy do with it, and would you notice?

# %%
check("embed1")

# %% [markdown]
# **embed2** (`exercises/09_words/embed2.py`): `embedding_backward(dy, cache)` gives `(None, dW)`. The trap is the
# repeated word. The statement that comes to mind first reads each row, adds, and writes it back, all places at once,
# so of several gradients for one word only one arrives. Test yourself on ids such as `[1, 4, 2, 4, 4]` against
# `X.T @ dY` above. Expected: relative error under 1e-7.

# %%
check("embed2")

# %% [markdown]
# **pad1** (`exercises/09_words/pad1.py`): `pad_captions(ids, length=None)` gives `CaptionIds(inputs, targets, mask)`.
# The picture at the top is the specification. Traps: a caption of no words still has one place that counts; a caption
# cut to `length` words still ends with `END`; the mask is boolean and comes from the lengths.

# %%
check("pad1")

# %% [markdown]
# **masked1** (`exercises/09_words/masked1.py`): `cross_entropy_forward(logits, targets, mask)`. Start from your
# `xent1`. `mask` is None (everything counts), booleans, or weights of at least 0. It must work for `(N, V)` and
# `(N, T, V)` alike. Trap: the divisor. And what should happen when the mask counts nothing at all?

# %%
check("masked1")

# %% [markdown]
# **masked2** (`exercises/09_words/masked2.py`): `cross_entropy_backward(dloss, cache)` gives `(dlogits, None, None)`.
# Expected: relative error under 1e-7, and exactly 0 in every row of `dlogits` where the mask is 0. Trap: `dloss` need
# not be 1, and the cache is not yours to overwrite, since backward may run twice.

# %%
check("masked2")

# %% [markdown]
# When all five pass, run this notebook again: the language model above then trains on your functions.
#
# ## Questions to think about
#
# 1. One could divide the summed loss by N, the number of captions, and not by the number of words that count. Which
#    captions would then have more say in the gradient, and what happens to the learning rate when captions get longer?
# 2. The row of W for `PAD` is read at every padded place. Does it get a gradient? Follow `dy` backwards from the loss
#    and think about the last place that counts.
# 3. The one-hot product and the embedding give the same numbers. For which other inputs would the product still work,
#    and the lookup not?
#
# ## Where it goes next
#
# The model knows what captions sound like and not what is in the picture. Lesson 10 puts your encoder in front of it
# and wires both together.
#
# ## Sources
#
# - Bengio, Ducharme, Vincent and Jauvin 2003, "A neural probabilistic language model": word vectors learned together
#   with the model that uses them (Figure 1).
# - Mikolov et al. 2010, "Recurrent neural network based language model": the recurrent version.
# - Shannon 1951, "Prediction and entropy of printed English": entropy as the yardstick for guessing what comes next,
#   and the frequency baselines.
# - Karpathy and Fei-Fei 2015, "Deep visual-semantic alignments": the plain tokeniser for captions.
