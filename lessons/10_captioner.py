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
# # 10. The captioner
#
# You have written a network that sees (lessons 03 and 04), one that remembers (05 to 08) and one that reads and says
# words (09). **How do you wire them into one that looks at a picture and says what is in it, and how does one wrong
# word at the end correct a convolution at the beginning?**
#
# The answer is short: no new mathematics, only wiring. Each part is a pair. Forward runs the parts in order and keeps
# their caches; backward runs them in the opposite order. This lesson wires a small classifier in full. The captioner
# is yours.

# %%
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from minirnn import Pair, gradcheck, init
from minirnn.course import check, my_parts, source
from minirnn.data.captioning import build_vocabulary, centre, scene_split
from minirnn.data.scenes import SHAPES, make_scenes
from minirnn.data.vocabulary import pad_captions
from minirnn.metrics import exact_match
from minirnn.models.captioner_params import CaptionerConfig
from minirnn.models.captioner_parts import (
    begin_backward,
    begin_forward,
    see_backward,
    see_forward,
    tell_backward,
    tell_forward,
)
from minirnn.models.encoder import encoder, init_encoder
from minirnn.optim import adam
from minirnn.plots import smooth
from minirnn.problem import Checked
from minirnn.tasks.captioning import System, settings_for, train_defaults
from minirnn.train import load_best, train
from minirnn.unroll import beside

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False})
BLUE, ORANGE, GREEN, RED, GREY = "#2c5cdc", "#e07b00", "#1a7f37", "#c62828", "#6b7280"
parts = my_parts()  # the pairs in `ops` and the wiring, decoders and optimiser in `tools`
ops = parts.ops

# %% [markdown]
# ## The picture first
#
# Blue is the encoder: it runs once per picture. Orange is the decoder: the same weights, once per word. Solid arrows
# are the forward pass; the gradient runs back along each of them.

# %%
example = make_scenes(12, split="test", size=48)
shown = next(n for n, things in enumerate(example.things) if len(things) == 1)
spoken = example.captions[shown].split()


def box(ax, x, y, width, text, colour):
    patch = FancyBboxPatch(
        (x, y), width, 0.8, boxstyle="round,pad=0.05", facecolor=colour, alpha=0.16, edgecolor="none"
    )
    ax.add_patch(patch)
    ax.text(x + width / 2, y + 0.4, text, ha="center", va="center", fontsize=9)


def arrow(ax, start, end, colour=GREY):
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=colour, linewidth=1))


fig, ax = plt.subplots(figsize=(9, 4), layout="constrained")
picture = ax.inset_axes((0, 2.4, 2.2, 2.2), transform=ax.transData)
picture.imshow(example.images[shown], interpolation="nearest")
picture.axis("off")
ax.text(1.1, 2.2, "images\n(N, S, S, 3)", ha="center", va="top", fontsize=8.5, color=GREY)
box(ax, 2.9, 3.1, 1.7, "encoder", BLUE)
box(ax, 5.2, 3.1, 1.8, "affine, relu", BLUE)
arrow(ax, (2.25, 3.5), (2.85, 3.5))
arrow(ax, (4.65, 3.5), (5.15, 3.5))
ax.text(6.1, 4.1, "image vector (N, features)", ha="center", fontsize=8.5, color=BLUE)
steps = ["<start>", *spoken]
for t, (read, say) in enumerate(zip(steps, [*spoken, "<end>"])):
    x = 8.0 + 2.25 * t
    box(ax, x, 0.9, 1.5, "embedding", ORANGE)
    box(ax, x, 2.1, 1.5, "LSTM step", ORANGE)
    box(ax, x, 4.1, 1.5, "affine", ORANGE)
    ax.text(x + 0.75, 0.25, read, ha="center", va="center", fontsize=9.5)
    ax.text(x + 0.75, 5.6, say, ha="center", va="center", fontsize=9.5, color=GREEN)
    for low, high in ((0.45, 0.85), (1.75, 2.05), (2.95, 4.05), (4.95, 5.4)):
        arrow(ax, (x + 0.75, low), (x + 0.75, high))
    if t + 1 < len(steps):
        arrow(ax, (x + 1.55, 2.5), (x + 2.2, 2.5), ORANGE)
    arrow(ax, (x - 0.5, 3.5), (x + 0.35, 2.95), BLUE)
ax.plot([7.05, x - 0.5], [3.5, 3.5], color=BLUE, linewidth=1)
ax.text(7.7, 0.25, "inputs", ha="right", va="center", fontsize=9, color=GREY)
ax.text(7.7, 5.6, "targets", ha="right", va="center", fontsize=9, color=GREY)
ax.set(xlim=(-0.1, x + 1.7), ylim=(-0.1, 6), aspect="auto")
ax.axis("off")
plt.show()

# %% [markdown]
# ## A smaller wiring, in full
#
# Take the left half of the diagram and finish it with something simpler than a decoder: which shape is in the picture?
# That is a classifier. Its forward pass, with `grid (N, h, w, C)` the encoder's last output:
#
#     grids  = encoder(images)
#     logits = affine(flat(grid))          (N, 4)
#     loss   = cross_entropy(logits, shapes)
#
# The encoder is the one from lesson 04 in a loop over blocks. Here it is as the captioner uses it. Read the backward
# pass against the forward pass: the same two lines, from the last to the first. The four layers of a block come as two
# couples: `conv_pool` is a convolution and the pooling behind it, `norm_relu` is batch norm and ReLU. In the readable
# table they simply run one after the other; `minirnn.fast` does each couple in one sweep.

# %%
source(encoder)

# %% [markdown]
# Two habits of this code are worth taking over into yours.
#
# - **Number the lines.** Each backward line carries the number of the forward line that it undoes. If a number is
#   missing, so is a gradient.
# - **Two readers, one sum.** A grid may be read by the next block *and* from outside. `tree_add(dgrid, dx)` adds the
#   two gradients, and `None` counts as zero.
#
# Now the classifier, as a pair in the framework's contract: one gradient per positional argument, `None` for what is
# not differentiated. Its output is `(loss, running)`: batch norm's running statistics go in and come out changed.

# %%


def classifier_forward(images, shapes, running, params, *, training, ops=ops):
    blocks, out = params
    (grids, running), encoder_cache = encoder.forward(images, running, blocks, training=training, ops=ops)  # (1)
    flat = grids[-1].reshape(len(images), -1)  # (2)
    logits, out_cache = ops.affine.forward(flat, out)  # (3)
    loss, loss_cache = ops.cross_entropy.forward(logits, shapes, None)  # (4)
    unread = (None,) * (len(grids) - 1)  # nobody reads the finer grids but the next block
    return (loss, running), (encoder_cache, unread, grids[-1].shape, out_cache, loss_cache, ops)


def classifier_backward(dout, cache):
    encoder_cache, unread, shape, out_cache, loss_cache, ops = cache
    dloss, _ = dout
    dlogits, _, _ = ops.cross_entropy.backward(dloss, loss_cache)  # (4)
    dflat, d_out = ops.affine.backward(dlogits, out_cache)  # (3)
    dgrid = dflat.reshape(shape)  # (2)
    _, _, d_blocks = encoder.backward(((*unread, dgrid), None), encoder_cache)  # (1)
    return None, None, None, (d_blocks, d_out)


classifier = Pair(classifier_forward, classifier_backward, "classifier")


def new_classifier(rng, size, channels, dtype=np.float32):
    blocks, running = init_encoder(rng, channels, dtype)
    cells = (size // 2 ** len(channels)) ** 2 * channels[-1]
    return (blocks, init.affine_params(rng, cells, len(SHAPES), dtype)), running


# %% [markdown]
# A wiring is a pair like any other, so the gradient check applies to the whole of it, from the loss to the first
# kernel. One wrong line anywhere shows up here.

# %%
rng = np.random.default_rng(0)
params, running = new_classifier(rng, 8, (2, 3), np.float64)
images, shapes = rng.uniform(0, 1, (4, 8, 8, 3)), np.array([0, 3, 1, 2])
report = gradcheck(
    classifier, (images, shapes, running, params), {"training": True},
    constants=("images", "running", "out.1"),
)  # fmt: skip
print(report)

# %% [markdown]
# And it learns. Pictures of one shape only, 400 to learn from, 200 to judge by.

# %%
scenes = make_scenes(4500, size=24)
alone = [n for n, things in enumerate(scenes.things) if len(things) == 1][:600]
pictures = centre(scenes.images[alone], 24)
shapes = np.array([SHAPES.index(scenes.things[n][0].shape) for n in alone])
params, running = new_classifier(rng, 24, (8, 16, 32))
moments, accuracy = adam.init(params), []
for _ in range(12):
    for chosen in rng.permutation(400).reshape(-1, 40):
        (loss, running), cache = classifier.forward(pictures[chosen], shapes[chosen], running, params, training=True)
        grads = classifier.backward((np.ones_like(loss), None), cache)[-1]
        params, moments = adam.update(params, grads, moments, lr=3e-3)
    (grids, _), _ = encoder.forward(pictures[400:], running, params[0], training=False, ops=ops)
    logits, _ = ops.affine.forward(grids[-1].reshape(200, -1), params[1])
    accuracy.append((logits.argmax(axis=1) == shapes[400:]).mean())
print("guessing: 25%; right on pictures not trained on, after each pass:", " ".join(f"{a:.0%}" for a in accuracy))

# %% [markdown]
# ## The parts you are given
#
# The captioner has four parts. Three of them are given, because each handles several variants (with attention, with
# three kinds of cell) and that bookkeeping teaches little. What you write is the wiring.
#
# | part | forward: from … to … |
# |---|---|
# | see | images to what the decoder knows of each picture |
# | begin | what was seen to the state before the first word |
# | tell | word vectors, state, what was seen to what it says at each step |
# | loss | what it says to logits to cross-entropy |
#
# **See** is the classifier's first half: encoder, affine, ReLU. Stop reading at `if config.image != "attention"`; what
# follows is for lesson 12.

# %%
source(see_forward, see_backward)

# %% [markdown]
# It gives a `Seen(vector, keys, values)`, of which only `vector (N, features)` is filled without attention.
#
# **Begin** makes the first state. This lesson shows the picture to the decoder at every step (`config.image == "every"`),
# and then the first state is plain zeros. With `"first"` the picture is the first state, as in Vinyals et al. 2015.

# %%
source(begin_forward, begin_backward)

# %% [markdown]
# **Tell** puts the image vector beside each word vector and runs the cell through time, by your `unroll`. Putting it
# there is the job of `beside`. Its backward pass sums the gradient of the image vector over time: the same vector was
# read at every step.

# %%
source(beside, tell_forward, tell_backward)

# %% [markdown]
# ## Teacher forcing: every word at once
#
# While it trains, the decoder does not read its own guesses. At each step it reads the *right* previous word, whatever
# it said itself. That is called teacher forcing. It makes training simple: all inputs are known beforehand, so one
# `tell` handles all steps, and a wrong guess at step 1 does not spoil steps 2 to 9.
#
# It is the table of lesson 09, now with one caption for each picture. Read each column from bottom to top: the word
# that goes in, the word that should come out. Only the columns with a 1 count in the loss.

# %%
captions = [caption.split() for caption in (example.captions[shown], "two small red circles and a large blue square")]
split = scene_split("train", 0, 16, 400)
vocabulary = build_vocabulary(split, 1)
batch = pad_captions([vocabulary.encode(caption) for caption in captions])
fig, axes = plt.subplots(2, 1, figsize=(8.6, 3.6), layout="constrained")
for ax, n in zip(axes, range(2)):
    for t in range(batch.inputs.shape[1]):
        counts = bool(batch.mask[n, t])
        rows = (vocabulary.words[batch.inputs[n, t]], vocabulary.words[batch.targets[n, t]], str(int(counts)))
        for k, (word, colour) in enumerate(zip(rows, ("#fdebd3", "#d5ecdb", "#e5e7eb"))):
            ground = colour if counts else "#f5f5f5"
            ax.add_patch(plt.Rectangle((t, k), 0.94, 0.9, facecolor=ground, edgecolor="none"))
            shade = "black" if counts else "#9ca3af"
            ax.text(t + 0.47, k + 0.45, word, ha="center", va="center", fontsize=8, color=shade)
    ax.set(xlim=(-0.05, batch.inputs.shape[1]), ylim=(0, 3), xticks=[], yticks=(0.45, 1.45, 2.45))
    ax.set_yticklabels(["reads", "should say", "mask"], fontsize=9)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
axes[1].set(xlabel="time step t (left to right)")
plt.show()

# %% [markdown]
# When the captioner is *used*, there is no teacher. It reads `START`, says a word, reads that word, and so on until it
# says `END`. So it meets its own mistakes for the first time in use (this gap is called exposure bias).
#
# ## The equations of the wiring
#
# Letters: N pictures, M captions (a photograph has five, a scene one), T steps. `which (M,)` says which picture each
# caption belongs to.
#
#     1  seen, running = see(images)                          each picture once
#     2  mine          = rows of seen by which                each caption its own: a lookup, as for words
#     3  words         = embedding(inputs, W)                 (M, T, E)
#     4  words         = dropout(words)
#     5  state         = begin(mine)
#     6  says          = tell(words, state, mine)             (M, T, H)
#     7  says          = dropout(says)
#     8  logits        = affine(says)                         (M, T, V)
#     9  loss          = cross_entropy(logits, targets, mask)
#
# Going back, two places deserve thought.
#
# - `mine` is read twice, by line 5 and by line 6. What is read twice collects two gradients.
# - Line 2 is a lookup. Five captions of one photograph send five gradients to one picture. You have written the
#   function that does this.

# %% [markdown]
# ## Exercises: the wiring
#
# **captioner1** (`exercises/10_captioner/captioner1.py`): `captioner_forward(images, which, inputs, targets, mask,
# running, params, *, config, training, rng=None, ops=...)` gives `((loss, running), cache)`. The nine lines above, each
# one call that returns an output and a cache. `Seen` has fields that may be `None`: what is `None` stays `None`.
# Traps: `dropout` is on only when `training`, and draws from `rng`; `running` comes out changed.

# %%
check("captioner1")

# %% [markdown]
# **captioner2** (`exercises/10_captioner/captioner2.py`): `captioner_backward(dout, cache)` gives six times `None` and
# a `CaptionerParams` of gradients. The mirror, from line 9 to line 1. `see_backward`, `begin_backward` and
# `tell_backward` return their parameters' gradients as a dictionary by field name; fields of `CaptionerParams` that
# nobody read stay `None`. Expected: relative error under 1e-6 in every parameter. When one field alone is wrong, look
# at the line that reads it; when all fields *before* some line are wrong, look at that line.

# %%
check("captioner2")

# %% [markdown]
# **greedy1** (`exercises/10_captioner/greedy1.py`): `greedy(step, state, n, ...)`, how a trained captioner speaks.
# `step(words, state)` reads one word per sequence and gives the log-probabilities of the next, with the next state.
#
#     read START;   then at every step:   word = the most probable one;   score += its log-probability;   read word
#
# A sequence that says `END` is finished, and its score includes `END`. One that does not say it within `max_length`
# steps comes back as unfinished. Words in `never` (PAD and START) are never chosen, however probable. Traps: sequences
# of a batch finish at different times, and the finished ones must keep their words and score; of two equally probable
# words the smaller number wins.

# %%
check("greedy1")

# %% [markdown]
# In the terminal: `minirnn watch`, `minirnn check captioner1`, `minirnn hint captioner1`.
#
# ## Training it
#
# Now it all runs: five passes over 6,000 drawn scenes of 32 pixels a side, about half a minute. `seconds` is a limit: a
# slow or busy machine makes fewer steps and gets a worse captioner. Inside are the functions of `parts`: yours where
# they pass, from the convolution to your `captioner_forward` and `greedy`. The `System` binds data, model and settings;
# `train` is a generator that says what happens. Clipping, Adam with a warm-up, and a check on unseen pictures now and
# then are the things of lessons 04 and 06.

# %%
SIZE = 32
splits = {name: scene_split(name, 0, SIZE, count) for name, count in (("train", 6000), ("val", 200), ("test", 200))}
vocabulary = build_vocabulary(splits["train"], 1)
config = CaptionerConfig(
    vocab=len(vocabulary), image_size=SIZE, channels=(8, 24, 48, 96), features=192, embed=32, hidden=128
)
settings = settings_for("scenes")
system = System(settings, splits, vocabulary, config, ops, parts.tools)
problem = system.problem()

losses = []
with tempfile.TemporaryDirectory() as folder:
    plan = replace(train_defaults(settings), epochs=5, seconds=30, checks=5)
    for event in train(problem, plan, Path(folder)):
        if isinstance(event, Checked):
            print(f"step {event.step:4}: loss {losses[-1]:.2f}, {event.scores['exact_match']:4.0%} of unseen captions "
                  f"word for word right; e.g. {event.sample!r}")  # fmt: skip
        else:
            losses.append(event.loss)
    best = load_best((problem.params, problem.running), Path(folder))
model = system.model(*best)

# %%
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
width = 15
ax.plot(np.arange(1, len(losses) + 1), losses, color=BLUE, alpha=0.25, linewidth=0.7)
ax.plot(
    np.arange(len(smooth(losses, width))) + (width + 1) / 2, smooth(losses, width), color=BLUE, label="with the picture"
)
ax.axhline(0.96, color=GREY, linestyle="--", linewidth=1)
ax.text(len(losses), 1.04, "about where the language model of lesson 09 stops", ha="right", color=GREY, fontsize=9)
ax.set(xlabel="step", ylabel="loss (nats per word)", ylim=(0, 3.4), xlim=(0, len(losses)))
plt.show()

# %% [markdown]
# Watch the curve pass the dashed line. Above it, the captioner could be learning what captions sound like. Below it,
# the words must come from the picture.
#
# ## What it says of pictures it has never seen

# %%
test = splits["test"]
said = model.captions(test.images)
right = [told in references for told, references in zip(said, test.references())]
print(f"{exact_match(test.references(), said):.0%} of {len(said)} captions word for word right")

for number in (1, 2, 3):
    these = [hit for hit, things in zip(right, test.scenes.things) if len(things) == number]
    print(f"  of the {len(these):3} with {number} shape{'s' if number > 1 else ''}: {np.mean(these):.0%}")

fig, axes = plt.subplots(2, 4, figsize=(8, 5.4), layout="constrained")
for ax, k in zip(axes.ravel(), range(0, len(test), 25)):
    ax.imshow(test.images[k], interpolation="nearest")
    ax.axis("off")
    text, colour = textwrap.fill(said[k], 24), GREEN
    if not right[k]:
        text, colour = f"{text}\n({textwrap.fill(test.references()[k][0], 24)})", RED
    ax.text(0.5, -0.04, text, transform=ax.transAxes, ha="center", va="top", fontsize=7.5, color=colour)
plt.show()

# %% [markdown]
# Green is right word for word. Red is what it said, with the right caption in brackets. The pictures are every 25th of
# the test set, whatever it says of them. (The first dozen would flatter it: they happen to be mostly of the easy kinds.)
# Eight pictures are an impression; the shares printed above, over all 200, are the measurement.
#
# *Which* words go wrong? Below, for captions of the right length, how often the word at each kind of place is right.

# %%
kinds = {
    "count": {"a", "two", "three"},
    "size": {"small", "large"},
    "colour": {"red", "green", "blue", "yellow", "purple", "orange"},
    "shape": {shape + s for shape in SHAPES for s in ("", "s")},
    "relation": {"left", "above", "and", "of"},
}
hits = {kind: [] for kind in kinds}
for told, (reference,) in zip(said, test.references()):
    if len(told.split()) == len(reference.split()):
        for word, true in zip(told.split(), reference.split()):
            kind = next(kind for kind, members in kinds.items() if true in members)
            hits[kind].append(word == true)
shares = [np.mean(hit) for hit in hits.values()]
fig, ax = plt.subplots(figsize=(6, 2.4), layout="constrained")
ax.barh(list(kinds), shares, color=[GREEN if share > 0.9 else ORANGE for share in shares])
for k, share in enumerate(shares):
    ax.text(share - 0.01, k, f"{share:.0%}", ha="right", va="center", color="white", fontsize=9)
ax.set(xlim=(0, 1), xlabel="share of words that are right", ylim=(4.6, -0.6))
plt.show()

# %% [markdown]
# Usually the shape is the hardest word, for large things too: size and colour can be read from a few pixels, a shape
# only from its whole outline, and five passes over the pictures are little for that.
#
# And does it really look? Deal the captions out to the wrong pictures and count again. A model that only knows what
# captions sound like would not notice.

# %%
shuffled = said[1:] + said[:1]
print(f"with the right picture: {exact_match(test.references(), said):.0%}")
print(f"each caption given to the next picture: {exact_match(test.references(), shuffled):.0%}")

# %% [markdown]
# ## Your own captioner in the terminal
#
# The same on all 20,000 scenes, with every function that you have written in place of ours, in about two minutes:
#
#     minirnn demo --mine
#
# It prints which functions are yours, trains, judges the captioner on scenes that it has never seen, and leaves
# pictures in `runs/demo`.
#
# ## Questions to think about
#
# 1. The image vector is read at every step here. With `image="first"` it is read once, before the first word. What does
#    the state then have to do that it need not do here, and which gates of the LSTM matter for it?
# 2. With five captions per photograph, why is it better to encode each picture once and look it up, than to repeat the
#    picture five times in the batch? Think of time, of memory, and of what batch norm would see.
# 3. Teacher forcing trains the decoder on right words only. What could go wrong after the first wrong word of a long
#    caption? How could one train against it?
#
# ## Where it goes next
#
# Greedy takes the best word at each step, which need not make the best sentence. Lesson 11 draws samples, follows
# several sentences at once, and asks how to score a caption that is right in other words.
#
# ## Sources
#
# - Vinyals, Toshev, Bengio and Erhan 2015, "Show and tell": encoder, decoder, and the picture as the first input
#   (Figure 1 and section 3.1).
# - Karpathy and Fei-Fei 2015, "Deep visual-semantic alignments": a captioner from the same months.
# - Mao et al. 2015, "Deep captioning with multimodal recurrent neural networks": the picture beside every word.
# - Williams and Zipser 1989, "A learning algorithm for continually running fully recurrent neural networks": teacher
#   forcing (section 2).
# - Bengio, Vinyals, Jaitly and Shazeer 2015, "Scheduled sampling": what teacher forcing leaves out, and one remedy.
