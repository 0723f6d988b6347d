# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12. Attention
#
# Cover the third picture below with your hand, say "a large green star left of …", and lift the hand for a blink. You
# know where you would look. The captioner of lesson 10 cannot look anywhere: it got the picture once, squeezed into
# one vector. In this lesson it keeps the picture as a grid and chooses, at every word, which places to look at.
#
# That choice is called *attention*. It is a weighted mean, nothing more. What makes it work is that the weights are
# differentiable, so they can be learned. You will write the form that most models use today.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from minirnn import Pair, gradcheck
from minirnn import functional as F
from minirnn.course import check, my_ops, source
from minirnn.data.captioning import build_vocabulary, scene_split
from minirnn.data.scenes import shape_words
from minirnn.functional.attention import AdditiveParams
from minirnn.models.captioner_parts import tell_forward
from minirnn.problem import Checked, Note
from minirnn.tasks import captioning
from minirnn.tasks.captioning_pictures import show_report
from minirnn.tree import tree_map

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
BLUE, ORANGE, GREEN, RED, GREY = "#2c5cdc", "#e07b00", "#1a7f37", "#c62828", "#6b7280"
ops = my_ops()

# %% [markdown]
# ## The question: where does it look?

# %%
GRID = 6  # places a side; L = 36
scene = scene_split("test", 0, 48, 8)
shown = [k for k, things in enumerate(scene.scenes.things) if len(things) > 1][:3]
fig, axes = plt.subplots(1, 3, figsize=(8, 3), layout="constrained")
for ax, k in zip(axes, shown):
    ax.imshow(scene.images[k], interpolation="nearest", extent=(0, GRID, GRID, 0))
    ax.set_xticks(range(GRID + 1), [])
    ax.set_yticks(range(GRID + 1), [])
    ax.grid(color=GREY, alpha=0.5, linewidth=0.6)
    ax.tick_params(length=0)
    ax.set_title(scene.references()[k][0].replace(" left ", "\nleft ").replace(" above ", "\nabove ")
                 .replace(" and ", "\nand "), fontsize=9)  # fmt: skip
plt.show()

# %% [markdown]
# Each picture is cut into 6 by 6 places. A place has its own feature vector, made by the first layers of the encoder
# from that part of the picture. Go through a caption word by word and put your finger on the place that you need. For
# a colour or a shape word it is the thing that is being named. For `left of` you need two places. For the first word
# you need all of them: `a`, `two` or `three` depends on how many things there are.
#
# There are 36 vectors and there is one decoder. It should get a mix of them, and a different mix at every word.
#
# ## Additive attention
#
# Three roles, with letters that have become usual:
#
# - the **query** q `(A,)`: what the decoder wants to know at this word; made from its state h;
# - a **key** k_l `(A,)` for each place l: what can be found out there;
# - a **value** v_l `(M,)` for each place l: what is handed over when somebody looks.
#
# The first attention of this kind (Bahdanau, Cho and Bengio 2015) lets a small network score how well a query and a
# key fit:
#
#     e_l = tanh(q + k_l)                       (A,)  for each place
#     s_l = e_l · w                             a score: one number per place
#     p_l = exp(s_l) / sum_m exp(s_m)           weights: above 0, and they sum to 1
#     y   = sum_l p_l v_l                       (M,)  what was seen: the weighted mean
#
# The softmax turns scores into shares. Choosing *one* place would be a jump, with a derivative of zero or none. A
# soft choice has a derivative everywhere: moving a little weight from one place to another changes y a little.
#
# First version, one query at a time:


# %%
def look(q, k, v, w):
    """One query (A,) at places with keys (L, A) and values (L, M): what it sees (M,), and its weights (L,)."""
    e = np.tanh(q + k)  # (L, A): the query is added to every key
    s = e @ w  # (L,)
    p = np.exp(s - s.max())  # the same weights, and nothing can overflow
    p = p / p.sum()
    return p @ v, p


rng = np.random.default_rng(0)
N, T, L, A, M = 2, 3, 5, 4, 6
q, k, v = rng.standard_normal((N, T, A)), rng.standard_normal((N, L, A)), rng.standard_normal((N, L, M))
w = rng.standard_normal(A)
(y, p), _ = F.additive_attention.forward(q, k, v, None, AdditiveParams(w))
for n in range(N):
    for t in range(T):
        y_nt, p_nt = look(q[n, t], k[n], v[n], w)
        np.testing.assert_allclose(y[n, t], y_nt, rtol=1e-12)
        np.testing.assert_allclose(p[n, t], p_nt, rtol=1e-12)
print("one query at a time equals the framework's; its shapes: y", y.shape, " p", p.shape)

# %% [markdown]
# In a batch there are N pictures and T words: queries `(N, T, A)`, keys `(N, L, A)`, values `(N, L, M)`, and weights
# `(N, T, L)`. Keys and values belong to the picture and are computed once. Only the query changes from word to word.
#
# ## Backward: how a softmax moves weight
#
# Go back from y to the scores. The last line first. If dy is the gradient of the loss with respect to y, then
#
#     dp_l = dy · v_l
#
# says how much the loss would change with a little more weight on place l. But weights cannot grow on their own: they
# sum to 1. The softmax knows that. Its derivative is
#
#     d p_l / d s_m = p_l * ((1 if l == m else 0) - p_m)
#
# Multiply by dp_l and sum over l; the result has two parts:
#
#     ds_m = p_m * (dp_m - sum_l p_l dp_l)
#
# Read it aloud. The sum is the *mean* of dp under the present weights. A place gains when it is better than what the
# decoder sees now on average, and loses when it is worse. And all is multiplied by p_m: a place with hardly any
# weight learns hardly anything.

# %%
scores = np.array([1.0, 2.0, 0.0, -0.5, -4.0, 0.5])
dp = np.array([0.4, 0.9, -0.2, -1.0, -1.4, 0.3])  # below 0 where more weight would lower the loss
p, cache = F.softmax.forward(scores)
(ds,) = F.softmax.backward(dp, cache)
np.testing.assert_allclose(ds, p * (dp - (p * dp).sum()))
np.testing.assert_allclose(ds.sum(), 0, atol=1e-15)  # what one place gains, others lose

fig, axes = plt.subplots(1, 4, figsize=(8, 2.5), layout="constrained", width_ratios=[1, 1, 1, 1.25])
places = np.arange(1, 7)
axes[0].bar(places, p, color=GREY)
axes[0].set(title="weights p", ylim=(0, 1))
axes[1].bar(places, -dp, color=np.where(dp < (p * dp).sum(), GREEN, RED))
axes[1].axhline(-(p * dp).sum(), color="black", linewidth=0.8, linestyle="--")
axes[1].set(title="-dp: wish for more")
axes[2].bar(places, -ds, color=np.where(ds < 0, GREEN, RED))
axes[2].axhline(0, color="black", linewidth=0.8)
axes[2].set(title="-ds: how scores move")
s, history = scores.copy(), []
for _ in range(121):
    p_now, cache = F.softmax.forward(s)
    history.append(p_now)
    s = s - 0.5 * F.softmax.backward(dp, cache)[0]  # gradient descent on sum(p * dp)
history = np.array(history)
for place, colour in zip(range(6), (GREY, RED, GREY, GREEN, ORANGE, GREY)):
    named = f"place {place + 1}" if colour != GREY else None
    axes[3].plot(history[:, place], color=colour, label=named, linewidth=1.6 if named else 0.8)
axes[3].set(title="weights, step by step", xlabel="step", ylim=(0, 1))
axes[3].legend(frameon=False, fontsize=8)
for ax in axes[:3]:
    ax.set(xticks=places, xlabel="place")
plt.show()
print(f"after 120 steps: place 4 has {history[-1, 3]:.2f}, place 5 has {history[-1, 4]:.2f}")

# %% [markdown]
# Green places are better than the present mean (dashed), red ones worse. Place 2 has most of the weight and is the
# worst, so it loses. Place 4 takes over. Place 5 would be the best of all, but it began with a weight near 0: its bar
# in the third panel is hardly visible, and after 120 steps it is still far behind. *A place that nobody looks at
# cannot say that it is worth a look.* This is why attention starts soft, with small weights and scores near 0.
#
# Now the whole backward pass, line by line against the forward pass. `softmax_rows` and `_softmax_backward` are the
# two formulas above; `_masked` puts minus infinity where a query may not look.

# %%
source(F.additive_attention)

# %% [markdown]
# Three things to see. Line (4) has two factors, so it gives two gradients: one to the values, one to the weights. The
# query was added to *every* key, so its gradient sums over places, and that of a key sums over all queries that read
# it: shared things add up, as always. And `dp` may come from outside too, should the loss look at the weights.
#
# The check, on our own shapes:

# %%
print(gradcheck(F.additive_attention, (q, k, v, None, AdditiveParams(w))))

# %% [markdown]
# ## Dot-product attention
#
# The additive score needs `(N, T, L, A)` numbers, one small network run per word and place. Cheaper is to ask for
# agreement directly, by the dot product of query and key:
#
#     s_l = (q · k_l) / sqrt(A)
#     p   = softmax(s)                        over places
#     y   = sum_l p_l v_l
#
# This is yours to write, so here is no code for it. One question is worth an experiment first: why the square root?
# Take random queries and keys whose entries have variance 1. A dot product sums A such products, so its spread grows
# as sqrt(A). Large scores make a softmax hard, and a hard softmax learns nothing (the factor p above).

# %%
sizes = np.array([1, 4, 16, 64, 256, 1024])
largest = {"q · k": [], "q · k / sqrt(A)": []}
for size in sizes:
    products = (rng.standard_normal((400, 36, size)) * rng.standard_normal((400, 1, size))).sum(axis=2)
    for name, s in (("q · k", products), ("q · k / sqrt(A)", products / np.sqrt(size))):
        weights, _ = F.softmax.forward(s)
        largest[name].append(weights.max(axis=1).mean())
fig, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
for (name, values), colour in zip(largest.items(), (RED, BLUE)):
    ax.plot(sizes, values, "o-", color=colour, label=name)
ax.axhline(1 / 36, color=GREY, linewidth=0.8, linestyle="--", label="1 / 36: all places alike")
ax.set_xscale("log", base=4)
ax.set_xticks(sizes, [str(size) for size in sizes])
ax.set(xlabel="A, size of query and key", ylabel="largest weight, mean", ylim=(0, 1))
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# Without the scale, a query of a few hundred numbers starts by staring at one random place. With it, the start is
# equally soft for every A.
#
# ## In the captioner
#
# The decoder is the LSTM that you know. After it has read a word, its h asks (line 2), the places answer (line 3),
# and both together choose the next word (line 4). `ops.dot_attention` in the table is the function you are about to
# write.

# %%
source(tell_forward)

# %% [markdown]
# Two decisions are worth naming. The decoder also gets the whole picture at a glance, but only in 8 numbers, enough
# for "three things, mostly red" and too little for the details; those have to be looked up. And each place sees
# little more than its own part of the picture. Were a place to know the whole picture, looking at it would not mean
# looking *there*.
#
# We train it on drawn scenes, and beside it the same decoder without the image.

# %%
settings = captioning.settings_for("scenes", image="attention")
splits = {name: scene_split(name, 0, 48, n) for name, n in (("train", 8000), ("val", 100), ("test", 300))}
vocabulary = build_vocabulary(splits["train"], min_count=1)
config = replace(
    captioning.model_defaults(settings, len(vocabulary)), channels=(8, 16, 32, 48), features=96, hidden=96, local=64
)
assert config.grid == GRID
system = captioning.System(settings, splits, vocabulary, config, ops)
plan = replace(captioning.train_defaults(settings), epochs=2.8, batch=32, lr=1.5e-2, checks=3, seconds=100)
folder = tempfile.TemporaryDirectory()
run = Path(folder.name)
for event in captioning.train_captioner(system, plan, run):
    if isinstance(event, Checked):
        print(f"step {event.step:4d}  exact match {event.scores['exact_match']:.3f}  {event.sample}")
    elif isinstance(event, Note):
        print(event.text)
model, _ = captioning.load_captioner(run, ops)
test = splits["test"]

# %% [markdown]
# ## Where it looked
#
# A picture that it has never seen, and the weights at each word of its own caption. Bright places have weight; the
# dot is the largest.


# %%
def draw_looks(split, k, told):
    """One small picture per word, brighter where the weight is larger."""
    words = model.text(told.words).split()
    rows = -(-len(words) // 6)
    fig, axes = plt.subplots(rows, 6, figsize=(8, 1.6 * rows), layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for ax, word, weight in zip(axes.flat, words, told.kept):
        share = weight.reshape(GRID, GRID) / weight.max()
        ax.imshow(split.images[k], interpolation="nearest", extent=(0, GRID, GRID, 0))
        ax.imshow(np.zeros((GRID, GRID)), cmap="gray", alpha=0.8 * (1 - share), extent=(0, GRID, GRID, 0))
        row, column = divmod(int(weight.argmax()), GRID)
        ax.plot(column + 0.5, row + 0.5, "o", markersize=5, color="white", markeredgecolor="black")
        ax.set_title(word, fontsize=10)
    plt.show()


looks = model.greedy(test.images, maps=True)
right = [model.text(h.words) == test.references()[k][0] for k, h in enumerate(looks)]
relation = next(k for k, ok in enumerate(right) if ok and "left of" in test.references()[k][0])
draw_looks(test, relation, looks[relation])

# %%
group = next(k for k, ok in enumerate(right) if ok and " and " in test.references()[k][0])
draw_looks(test, group, looks[group])

# %% [markdown]
# Nobody told it where to look. There is no box and no position in the training data, only captions. The weights moved
# because looking there made the next word more probable. At words that name no thing, such as `left` or
# `and`, the peak may well lie on empty ground: there is nothing to look up.
#
# ## Pointing: how often does the peak lie on the thing?
#
# Two pictures are no evidence. The scenes know where each thing is, so we can count: at every shape word of a right
# caption, does the largest weight lie inside the box of a thing that is being named? And how often would a place
# drawn at random lie there?

# %%
centres = (np.arange(GRID) + 0.5) / GRID
x, y = np.tile(centres, GRID), np.repeat(centres, GRID)  # where the places are, in shares of the picture's side
chance = []
for n, ok in enumerate(right):
    for mention, _ in enumerate(shape_words(test.references()[n][0])):
        boxes = [thing.box for thing in test.scenes.things[n] if ok and thing.mention == mention]
        inside = [(x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1) for x0, y0, x1, y1 in boxes]
        if inside:
            chance.append(np.any(inside, axis=0).mean())
print(f"right captions:                      {np.mean(right):.1%} of {len(test)}")
print(f"peak on the thing that is named:     {captioning.pointing(model, test):.1%}")
print(f"a place drawn at random:             {np.mean(chance):.1%}")

# %% [markdown]
# Two cautions. The figure counts right captions only. That is deliberate, since in a wrong caption it is not clear
# what is being named, but it flatters the model.
#
# And looking is learned late. We train with a large learning rate because the run is short. With 6e-3 instead of
# 1.5e-2 and as many steps, one run still got 37 % of the test captions right, while only 8 % of its peaks lay on the
# thing, less than chance. Such a model reads what it knows from the glance and from odd places. A good caption does
# not prove that the map behind it points anywhere.
#
# ## What the caption loses without the image
#
# First the baselines of lesson 11, none of which looks at the picture:

# %%
report = captioning.evaluate(run, test, exact=True, ops=ops)
folder.cleanup()
print(show_report(report))

# %% [markdown]
# Then a sharper question. The picture reaches the words in two ways: the glance (8 numbers at every step) and the
# looks. We take the trained model and spoil one way at a time:
#
# - **uniform**: every place gets the weight 1 / 36;
# - **shuffled weights**: the same weights, handed to other places;
# - **no glance**: the 8 numbers are set to 0.


# %%
def looking(change):
    """The table of functions with the attention weights changed before the values are mixed."""

    def forward(q, k, v, mask):
        (_, p), cache = ops.dot_attention.forward(q, k, v, mask)
        p = change(p)
        return (p @ v, p), cache

    return replace(ops, dot_attention=Pair(forward, ops.dot_attention.backward))


rng = np.random.default_rng(0)
no_glance = model.params._replace(glance=tree_map(np.zeros_like, model.params.glance))
spoiled = {
    "as trained": model,
    "uniform weights": replace(model, ops=looking(lambda p: np.full_like(p, 1 / p.shape[-1]))),
    "shuffled weights": replace(model, ops=looking(lambda p: rng.permuted(p, axis=-1))),
    "no glance": replace(model, params=no_glance),
}
before = model.captions(test.images)
for name, one in spoiled.items():
    captions = one.captions(test.images)
    exact = captioning.score(test, captions, exact=True)["exact_match"]
    same = np.mean([a == b for a, b in zip(captions, before)])
    print(f"{name:17} exact {exact:.3f}   says the same as before: {same:.3f}")

# %% [markdown]
# ## What a map explains, and what not
#
# The maps are pretty and invite a story: "it says *star* because it looked at the star". How much of that is
# warranted?
#
# **What we have shown.** Here the places are local by design. The peak lies on the thing far more often than chance.
# And when the weights are shuffled or made equal, most captions change: the model does use what it looks at. The same
# goes for the glance, which no map shows.
#
# **What we have not shown.** A weight says how much of a vector was mixed in, not what was taken from it, nor whether
# the word would have been another without it. Jain and Wallace (2019) put this to the test on text classifiers. They
# found that attention weights often agree poorly with gradient-based measures of importance, and that very different
# weights can often be found which leave the output the same. Their models had recurrent encoders, so that every
# "place" had already read the whole sentence. Wiegreffe and Pinter (2019) answered that the existence of other
# weights does not make the model's own meaningless, and that it depends on what one calls an explanation.
#
# So treat a map as a *hint* at what the model used, and check the hint by changing something: the weights, as above,
# or the picture. Two more limits. A map shows one of the two ways in which the picture reaches the words; the glance
# is on no map. And a map that looks right does not make a caption right: people trust a wrong caption more when it
# comes with a plausible map.

# %% [markdown]
# ## Your turn
#
# Two files in `exercises/12_attention/`. `minirnn watch` checks while you write, `minirnn check attend1` checks once,
# and `minirnn hint attend1` helps.
#
# **attend1** (`exercises/12_attention/attend1.py`): `dot_attention_forward(q, k, v, mask)` gives `((y, p), cache)`.
# With a mask (booleans that broadcast to `(N, T, L)`) a query may only look where it is True: everywhere else p is
# exactly 0, and the rest still sums to 1. The traps: over which axis the softmax runs; when the mask comes in, before
# or after the softmax; and scores of 1000, which must not give NaN.

# %%
check("attend1")

# %% [markdown]
# **attend2** (`exercises/12_attention/attend2.py`): `dot_attention_backward(dout, cache)` gives `(dq, dk, dv, None)`.
# `dout` is `(dy, dp)`, where dp may be None. Expected: relative error under 1e-7. The traps: v gets its gradient by
# way of y only, but p has two readers when dp is given; and the scale stands in the forward pass once but reaches two
# gradients. Write the softmax part first and compare it with `F.softmax.backward`.

# %%
check("attend2")

# %% [markdown]
# When both pass, run this notebook again: the captioner above then looks through your function. In the terminal,
# `minirnn demo --attention --mine` trains the larger one on everything that you have written.
#
# ## Questions to think about
#
# 1. A place with weight 0.001 holds the answer. How large is its gradient compared with a place of weight 0.5, all
#    else equal? Name two things in this lesson that keep training from starting in that state.
# 2. At `left of` there is no thing to look at. Where did the model look in the pictures above, and what does it need
#    to have looked at *before* in order to say it?
# 3. Suppose all keys were equal. What does dot-product attention then compute, and which gradients are 0?

# %% [markdown]
# ## Where it goes next
#
# Everything so far was drawn. Lesson 13 takes real pictures, with real confusions, and asks how sure we may be of a
# score that was measured on a few hundred of them.
#
# ## Sources
#
# - Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly learning to align and translate": additive
#   attention; Figure 3 shows its maps.
# - Luong, Pham and Manning 2015, "Effective approaches to attention-based neural machine translation": dot products.
# - Xu et al. 2015, "Show, attend and tell": attention over the places of a picture, and the maps word by word.
# - Vaswani et al. 2017, "Attention is all you need": the scale 1 / sqrt(A), and its reason in a footnote.
# - Zhang et al. 2018, "Top-down neural attention by excitation backprop": the pointing game, a peak inside a box.
# - Jain and Wallace 2019, "Attention is not explanation".
# - Wiegreffe and Pinter 2019, "Attention is not not explanation".
