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
# # 11. Saying and judging
#
# A captioner does not give us a sentence. It gives a probability for every possible next word, again and again. Two
# questions are left, and both are harder than they look.
#
# 1. **Saying.** Which sentence should be said, when all that we have is probabilities of next words?
# 2. **Judging.** How good is the sentence that was said, when people would have said it in five other ways?
#
# You will write three answers: sampling, beam search and BLEU. Before that we look at a model so small that all its
# sentences fit into one picture.

# %%
import re
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from minirnn import decode, metrics
from minirnn import functional as F
from minirnn.course import check, my_ops, source
from minirnn.data.captioning import build_vocabulary, scene_split
from minirnn.data.scenes import COLOURS, SHAPES
from minirnn.data.vocabulary import START
from minirnn.problem import Checked, Note
from minirnn.tasks import captioning
from minirnn.tasks.captioning_pictures import show_report

plt.rcParams.update({"figure.dpi": 80, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
BLUE, ORANGE, GREEN, RED, GREY = "#2c5cdc", "#e07b00", "#1a7f37", "#c62828", "#6b7280"
ops = my_ops()

# %% [markdown]
# ## The picture first: all sentences of a small model
#
# The model knows a few words, and the next word depends on the last one only (a *Markov* model). `CHAIN` is all of
# it. After a verb comes END, for certain.

# %%
CHAIN = {
    "<start>": {"a": 0.6, "two": 0.4},
    "a": {"dog": 0.40, "cat": 0.35, "bird": 0.25},
    "two": {"dogs": 0.9, "birds": 0.1},
    "dog": {"runs": 0.6, "sleeps": 0.4},
    "cat": {"runs": 0.3, "sleeps": 0.7},
    "bird": {"sings": 1.0},
    "dogs": {"run": 0.8, "sleep": 0.2},
    "birds": {"sing": 1.0},
}


def sentences(last="<start>", words=(), p=1.0):
    """Every sentence of the model with its probability."""
    if last not in CHAIN:
        return {" ".join(words): p}
    found = {}
    for word, share in CHAIN[last].items():
        found.update(sentences(word, (*words, word), p * share))
    return found


ALL = sentences()


def draw_tree(ax, marked):
    """The tree of all sentences; `marked` is {sentence: colour}."""
    height = {s: -k for k, s in enumerate(ALL)}

    def place(words):
        below = [y for s, y in height.items() if s.split()[: len(words)] == list(words)]
        return len(words), (max(below) + min(below)) / 2

    drawn = set()
    for sentence in ALL:
        words = sentence.split()
        for k in range(len(words)):
            path = tuple(words[: k + 1])
            if path in drawn:
                continue
            drawn.add(path)
            (x0, y0), (x1, y1) = place(path[:-1]), place(path)
            p = CHAIN[path[-2] if k else "<start>"][path[-1]]
            here = [c for s, c in marked.items() if tuple(s.split()[: k + 1]) == path]
            colour = here[0] if here else "#b6bcc6"
            ax.plot([x0 + 0.17, x1 - 0.17], [y0, y1], color=colour, linewidth=0.8 + 5 * p, solid_capstyle="round")
            ax.text(
                0.45 * x0 + 0.55 * x1, 0.45 * y0 + 0.55 * y1, f"{p:g}", ha="center", va="center", fontsize=8,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )  # fmt: skip
            ax.text(x1, y1, path[-1], ha="center", va="center", color=colour if here else "black")
        ax.text(3.3, height[sentence], f"{ALL[sentence]:.3f}", va="center", color=marked.get(sentence, GREY))
    ax.text(0, place(())[1], "START", ha="center", va="center")
    ax.text(3.3, 0.75, "probability", color=GREY)
    ax.set(xlim=(-0.25, 3.75), ylim=(-len(ALL) + 0.5, 1.2))
    ax.axis("off")


fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
draw_tree(ax, {"a dog runs": ORANGE, "two dogs run": GREEN})
plt.show()
print(f"{len(ALL)} sentences, probabilities sum to {sum(ALL.values()):.3f}")

# %% [markdown]
# The probability of a sentence is the product along its path. Check one by hand: `two dogs run` has
# 0.4 · 0.9 · 0.8 = 0.288. No other sentence comes near.
#
# Now be greedy. At START the better word is `a` (0.6 against 0.4). Then `dog`, then `runs`: 0.6 · 0.4 · 0.6 = 0.144,
# the orange path. It chose the best word every time and ended with half the probability of the green path. The first
# step paid 0.6 for a word after which the model is unsure; it could not see that.

# %% [markdown]
# ## Greedy, in code
#
# Every decoder of minirnn takes the model as a function that reads one word per sequence and gives back
# log-probabilities and a new state:
#
#     step(words (B,), state) -> (logp (B, V), state)
#
# An LSTM captioner fits into this, and so does our chain; its state is empty, because the last word is all it needs.
# Products of many small numbers underflow, so the *score* of a sentence is the sum of log-probabilities:
#
#     score = sum_t logp[t, word_t]            probability = exp(score)

# %%
WORDS = ["<pad>", "<start>", "<end>", *sorted({w for nexts in CHAIN.values() for w in nexts})]
table = np.zeros((len(WORDS), len(WORDS)))
for last in WORDS:
    for word, p in CHAIN.get(last, {"<end>": 1.0}).items():
        table[WORDS.index(last), WORDS.index(word)] = p
with np.errstate(divide="ignore"):
    log_table = np.log(table)  # minus infinity where a word cannot follow


def chain_step(words, state):
    """Read one word per sequence: log-probabilities of the next one."""
    return log_table[words], state


def nothing(n):
    """The state of `n` sequences before START: a row each, with nothing in it."""
    return np.zeros((n, 0))


def say(hypothesis):
    """A hypothesis as text, with its probability."""
    text = " ".join(WORDS[w] for w in hypothesis.words)
    return f"{np.exp(hypothesis.score):.3f}  {text}{'' if hypothesis.finished else ' …'}"


(told,) = decode.greedy(chain_step, nothing(1), 1)
print(say(told))

# %% [markdown]
# You wrote greedy decoding in lesson 10. Here is the framework's, and the loop that it shares with sampling. Two
# things deserve a look: finished sequences leave the batch (`going`), and `pick` is a function that is passed in.

# %%
source(decode.greedy, decode._word_by_word)

# %% [markdown]
# ## Beam search
#
# Searching all sentences is exact and hopeless: V words and T steps make V^T of them. Beam search keeps a middle way.
# It follows the `beam` best beginnings at once:
#
# 1. Extend every beginning by every word.
# 2. The score of an extension is the score of its beginning plus the log-probability of the word.
# 3. Keep the `beam` best of them all, whichever beginning they came from.
# 4. A beginning that has said END is finished. It stays as it is and goes on competing. Stop when the best is
#    finished.
#
# Do it once by hand with beam = 2, on the tree above. Then compare: a search that is cut off after `k` words returns
# what was in its beam.

# %%
for length in (1, 2, 3, 4):
    found = decode.beam_search(chain_step, nothing(1), beam=2, max_length=length)
    print(f"after {length} words:   " + "     ".join(say(h) for h in found))

# %% [markdown]
# After two words `two dogs` (0.36) has overtaken `a dog` (0.24): the second-best first word was kept long enough to
# show what it is worth. The price was two paths instead of one.
#
# Beam search is still no exact search. Look at its second-best sentences:

# %%
truth = sorted(ALL.items(), key=lambda item: -item[1])
print("truth:   ", "     ".join(f"{p:.3f}  {s}" for s, p in truth[:3]))
for beam in (1, 2, 3, 4):
    found = decode.beam_search(chain_step, nothing(1), beam=beam)
    print(f"beam {beam}:  ", "     ".join(say(h) for h in found[:3]))

# %% [markdown]
# `a bird sings` (0.150) is the second-best sentence of the model. Beams of 2 and 3 drop `a bird` after two words,
# where it has 0.150 and three others have more. It never fell after that; but nobody was following any more.
#
# **Length.** Every further word can only lower the score, so long sentences start with a handicap. A common repair
# ranks by
#
#     rank = score / length ** length_penalty            length = words + 1 for END
#
# With `length_penalty = 1` this is the mean log-probability per word. Suppose `dogs` has score -2.0 at length 2, and
# `two dogs run on the grass` has -3.5 at length 7. By score the short one wins; per word it is -1.0 against -0.5, and
# the long one wins. No value of the penalty is right as such. It is a choice, made on validation data.

# %% [markdown]
# ## Sampling, and temperature
#
# Sometimes the best sentence is not wanted but a *typical* one, or several different ones. Then draw: choose each
# word with its own probability. Over many draws every sentence comes up as often as the model says, which we can see.

# %%
rng = np.random.default_rng(0)
draws = decode.sample(chain_step, nothing(3000), 3000, rng=rng)
counts = Counter(" ".join(WORDS[w] for w in h.words) for h in draws)
names = [s for s, _ in truth]
fig, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
at = np.arange(len(names))
ax.barh(at - 0.2, [ALL[s] for s in names], 0.38, color=GREY, label="probability, from the tree")
ax.barh(at + 0.2, [counts[s] / len(draws) for s in names], 0.38, color=BLUE, label="share of 3000 draws")
ax.set_yticks(at, names)
ax.invert_yaxis()
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# A *temperature* T stands between the two. Divide the log-probabilities by T and normalise again:
#
#     p_T[w] = exp(logp[w] / T) / sum_v exp(logp[v] / T)
#
# At T = 1 this is the model's own distribution. Towards 0 all weight moves to the best word, so that T = 0 means
# greedy. Above 1 the rare words gain. The name comes from physics: the Boltzmann distribution has the same form.
#
# For temperatures to matter we need a model that is unsure. So let us train one.

# %% [markdown]
# ## A captioner to decode
#
# It is the captioner of lesson 10, on drawn scenes of 32 by 32 pixels. We stop early on purpose: a model that is
# always right has nothing to decide. Beside it we train the same decoder *without the image*. It learns what captions
# sound like and nothing else. We will need it twice.

# %%
settings = captioning.settings_for("scenes")
splits = {name: scene_split(name, 0, 32, n) for name, n in (("train", 8000), ("val", 100), ("test", 300))}
vocabulary = build_vocabulary(splits["train"], min_count=1)
config = replace(
    captioning.model_defaults(settings, len(vocabulary)),
    image_size=32, channels=(8, 24, 48, 64), features=128, hidden=128,
)  # fmt: skip
system = captioning.System(settings, splits, vocabulary, config, ops)
plan = replace(
    captioning.train_defaults(settings), epochs=3.5, batch=32, checks=4, seconds=100
)  # shorter if it is slow


def watch(events):
    """Run a training and print its validations."""
    for event in events:
        if isinstance(event, Checked):
            print(f"step {event.step:4d}  exact match {event.scores['exact_match']:.3f}  {event.sample}")
        elif isinstance(event, Note):
            print(event.text)


folder = tempfile.TemporaryDirectory()
run = Path(folder.name)
watch(captioning.train_captioner(system, plan, run))
model, meta = captioning.load_captioner(run, ops)
blind = captioning.load_baseline(run, meta, ops)
test = splits["test"]

# %% [markdown]
# The last line of each half is worth comparing. The captioner finds the right caption for a good part of unseen
# pictures. The blind one says the same to every picture and is practically never right.
#
# Now the temperatures. Left: the picture on which the captioner, after `a` or a number word, is least sure of what
# comes next. Right: the distribution of the word at that point, at three temperatures.

# %%
NEVER = captioning.NEVER  # PAD, START and UNK are never said


def next_word(one, image, said):
    """Log-probabilities (V,) of the next word after `said`."""
    step, state = one.begin(captioning.centre(image[None], config.image_size))
    for word in [START, *vocabulary.encode(said)]:
        logp, state = step(np.array([word]), state)
    return logp[0]


firsts = [caption[0][:2] for caption in test.captions[:60]]
unsure = []
for image, said in zip(test.images, firsts):
    logp = next_word(model, image, said)
    unsure.append(-(np.exp(logp) * logp).sum())  # entropy in nats
k = int(np.argmax(unsure))
logp = next_word(model, test.images[k], firsts[k])
top = np.argsort(-logp)[:6]

fig, axes = plt.subplots(1, 4, figsize=(8, 2.3), layout="constrained", width_ratios=[1.1, 1, 1, 1])
axes[0].imshow(test.images[k], interpolation="nearest")
axes[0].set_title(f'"{" ".join(firsts[k])} …"')
axes[0].axis("off")
for ax, temperature in zip(axes[1:], (0.5, 1.0, 2.0)):
    p, _ = F.softmax.forward(logp / temperature)
    ax.barh(range(6), p[top], color=BLUE)
    ax.set(title=f"T = {temperature:g}", xlim=(0, 1), xlabel="probability")
    ax.set_yticks(range(6), [vocabulary.words[w] for w in top] if temperature == 0.5 else [""] * 6)
    ax.invert_yaxis()
plt.show()
print("the caption that was drawn with it:", test.references()[k][0])

# %% [markdown]
# The order of the words never changes, only how far apart they stand. This is all that a temperature can do. It does
# not make the model better informed.
#
# The same for whole captions, drawn from the blind model. *Different* counts the different captions among 200;
# *well formed* is the share that the grammar of our scenes could have written.

# %%
ONE, MANY = "a (small|large) (COLOURS) (SHAPES)", "(two|three) (small|large) (COLOURS) (SHAPES)s"
noun = f"({ONE}|{MANY})".replace("COLOURS", "|".join(COLOURS)).replace("SHAPES", "|".join(SHAPES))
grammar = re.compile(f"{noun}( (left of|above|and) {noun})?")

print("   T  mean score  different  well formed   two draws")
for temperature in (0.0, 0.1, 0.5, 1.0, 2.0):
    step, state = blind.begin(captioning.centre(test.images[:200], config.image_size))
    told = decode.sample(step, state, 200, rng=np.random.default_rng(1), temperature=temperature, never=NEVER)
    texts = [blind.text(h.words) for h in told]
    mean, formed = np.mean([h.score for h in told]), np.mean([grammar.fullmatch(text) is not None for text in texts])
    print(f"{temperature:4.1f}{mean:12.2f}{len(set(texts)):11d}{formed:13.2f}   {'  |  '.join(texts[:2])}")

# %% [markdown]
# At T = 0 there is one caption. A small temperature already brings variety, because the blind model has little reason
# to prefer one colour or shape to another. At T = 1 the captions look like those of the training set. At T = 2 the
# grammar breaks: what the model holds to be unlikely, such as an `s` that is missing after `two`, is drawn too often.
#
# And the decoders beside each other, on the model that sees. *Score* is the mean log-probability that the model
# itself gives to its captions. *Exact* is the share that is right, word for word.

# %%
some = test.take(np.arange(120))
references = some.references()
step, state = model.begin(captioning.centre(some.images, config.image_size))
answers = {"greedy": decode.greedy(step, state, len(some), never=NEVER)}
for beam in (2, 5):
    found = []
    for image in some.images:
        one_step, one_state = model.begin(captioning.centre(image[None], config.image_size))
        found.append(decode.beam_search(one_step, one_state, beam=beam, never=NEVER)[0])
    answers[f"beam {beam}"] = found
for temperature in (0.5, 1.0):
    answers[f"sample, T = {temperature:g}"] = decode.sample(
        step, state, len(some), rng=np.random.default_rng(2), temperature=temperature, never=NEVER
    )
for name, told in answers.items():
    exact = metrics.exact_match(references, [model.text(h.words) for h in told])
    print(f"{name:16} score {np.mean([h.score for h in told]):6.3f}   exact {exact:.3f}")
changed = sum(a.words != b.words for a, b in zip(answers["greedy"], answers["beam 5"]))
print(f"beam 5 says something else than greedy for {changed} of {len(some)} pictures")

# %% [markdown]
# Read the two columns apart. A beam finds captions that the *model* likes at least as much; the first column cannot
# fall much. Whether they are *right* more often is another matter, and the second column shows how little depends on
# it here: where the model is wrong, it is usually wrong about the picture, and no search repairs that. Drawing at T =
# 1 costs most, because it also draws the model's doubts.
#
# A higher score is not always a better sentence. For some translation models the most probable output of all is the
# *empty* one, and a wider beam finds it (Stahlberg and Byrne 2019). In open-ended text the most probable
# continuations are dull and repeat themselves (Holtzman et al. 2020).

# %% [markdown]
# ## Judging: exact match
#
# Each drawn scene has one right caption, so we may ask for it word for word:

# %%
source(metrics.exact_match)

# %% [markdown]
# Nothing is easier to understand, and on photographs nothing is more useless. Five people describe one photograph in
# five ways. A measure must give credit for parts.
#
# ## Judging: BLEU
#
# BLEU counts *n-grams*, runs of n words. For n = 1 to 4 it asks how many n-grams of the hypotheses stand in a
# reference, in the whole corpus:
#
#     correct_n = sum over pictures and n-grams w of min(count of w in hyp, largest count of w in one reference)
#     p_n       = correct_n / number of n-grams in all hypotheses
#     ratio     = words in all hypotheses / sum of the closest reference lengths
#     BP        = 1 if ratio >= 1 else exp(1 - 1 / ratio)
#     BLEU-n    = BP * (p_1 * … * p_n) ** (1 / n)
#
# *Closest* is the reference length nearest to the hypothesis's; of two that are equally near, the shorter.
# The `min` is there against cheats. Take the reference `the dog runs on the grass`, which has two `the`:
#
# | hypothesis | correct, n = 1 | p_1 | ratio | BP | BLEU-1 |
# |---|---|---|---|---|---|
# | the the the the the the | 2, clipped | 2 / 6 | 6 / 6 | 1 | 0.333 |
# | the dog | 2 | 2 / 2 | 2 / 6 | exp(1 - 3) = 0.135 | 0.135 |
# | the grass runs on the dog | 6 | 6 / 6 | 6 / 6 | 1 | 1.000 |
#
# The second line shows what the brevity penalty BP is for: precision alone would reward saying little. The third
# shows why n goes up to 4: BLEU-1 does not mind the order at all.

# %%
reference = [["the dog runs on the grass"]]
for hypothesis in ("the the the the the the", "the dog", "the grass runs on the dog", "the dog runs on the grass"):
    scores = metrics.bleu(reference, [hypothesis])
    print("  ".join(f"BLEU-{n} {s:.3f}" for n, s in enumerate(scores, start=1)), " ", hypothesis)

# %% [markdown]
# (`the dog` has no run of three words. There p_3 is taken as a very small number instead of 0 / 0; the docstring says
# which. Such conventions are why two programs can give two BLEUs for one text.)
#
# ## Judging: CIDEr
#
# To BLEU all n-grams are equal: `a` counts like `star`. CIDEr weighs an n-gram by how much it tells pictures apart, a
# weight known from search engines as *tf-idf*. With N pictures, df(w) of which have w in a reference:
#
#     g[w] = count of w in the caption * log(N / df(w))
#
# What stands in every picture weighs log(1) = 0. Then two captions are compared by the cosine of their g, for
# n = 1, 2, 3, 4 apart, and the mean is taken times 10. Work one out. Three pictures, one reference each:

# %%
three = [["a red star"], ["a red circle"], ["a blue star"]]
df = Counter(w for refs in three for w in set(" ".join(refs).split()))
for word, pictures in df.items():
    print(f"{word:7} in {pictures} of 3 pictures   weight log(3 / {pictures}) = {np.log(3 / pictures):.3f}")


def weights(caption):
    """g for n = 1: one weight per word of the caption."""
    return {w: n * np.log(3 / max(1, df[w])) for w, n in Counter(caption.split()).items()}


def cosine(g, h):
    """How far two weighted captions point the same way, 0 to 1."""
    norm = np.sqrt(sum(v * v for v in g.values()) * sum(v * v for v in h.values()))
    return sum(g[w] * h.get(w, 0.0) for w in g) / norm


for said in ("a red star", "a blue star", "a red circle"):
    print(f"'{said}' for 'a red star', n = 1:  {cosine(weights(said), weights('a red star')):.3f}")

# %% [markdown]
# `a` is worth nothing. `blue` stands in one picture only, so a wrong `blue` weighs more than a missing `red`: `a blue
# star` points further away than its two right words of three suggest. In the framework's source you find the four n,
# and two guards that make it CIDEr-*D*: the `min`, so that repeating a good word does not pay, and a penalty for a
# different length.

# %%
source(metrics.cider)

# %% [markdown]
# ## A number without a baseline says nothing
#
# Is a BLEU-4 of 0.2 good? Nobody can say. Three baselines tell, and none of them looks at the picture that it
# describes:
#
# - **most frequent**: the caption that training shows most often, said to every picture;
# - **no image**: the same decoder, trained as long, without the image;
# - **shuffled**: the model's own captions, each handed to another picture. The sentences are as good as before; all
#   that is lost is that they belong to *this* picture.

# %%
report = captioning.evaluate(run, test, exact=True, ops=ops)
print(show_report(report))

# %%
names = ["exact_match", "bleu1", "bleu4", "cider"]
rows = {"this model": report, **{k.replace("_", " "): v for k, v in report["baselines"].items()}}
fig, axes = plt.subplots(1, 4, figsize=(8, 2.5), layout="constrained", sharey=True)
for ax, name in zip(axes, names):
    values = [row[name] for row in rows.values()]
    ax.barh(range(len(rows)), values, color=[BLUE, "#b6bcc6", "#b6bcc6", "#b6bcc6"])
    for y, value in enumerate(values):
        ax.text(value, y, f" {value:.2f}", va="center", fontsize=8)
    ax.set(title=name.replace("_", " "), xlim=(0, 1.35 * max(values)))
axes[0].set_yticks(range(len(rows)), rows)
axes[0].invert_yaxis()
plt.show()

# %% [markdown]
# Look at the grey bars under BLEU-1. A program that has never seen the picture gets more than a third of the words
# right, because captions use the same few words. Exact match puts all three at 0, and CIDEr far below the model. A
# report of BLEU-1 alone, without this table, can make a blind model look as if it understood a good part.
#
# On photographs the gap is much smaller, and there the baselines decide whether there is a result at all. Lesson 13
# comes back to this.

# %% [markdown]
# ## Your turn
#
# Three files in `exercises/11_decoding/`. Leave `minirnn watch` running in a terminal: it checks a file each time you
# save it. `minirnn check sample1` checks once; `minirnn hint sample1` helps when you are stuck.
#
# **sample1** (`exercises/11_decoding/sample1.py`): `sample(step, state, n, *, rng, temperature=1.0, top_k=None, …)`,
# the same arguments and the same list of `Hypothesis` as above. The trap: a word of probability 0 must never be
# drawn, not even when the generator happens to return 0.0, nor at a temperature as small as 1e-300. Second trap:
# which log-probability goes into `score`, the model's own or the tempered one? The check counts many draws against
# the exact probabilities, so a slightly wrong distribution is found.

# %%
check("sample1")

# %% [markdown]
# **beam1** (`exercises/11_decoding/beam1.py`): `beam_search(step, state, *, beam=5, length_penalty=0.0, …)`. The
# trap: two of the best extensions may come from the *same* beginning, and each must go on from the state of its own
# parent. Second trap: when may the search stop, and does the answer depend on `length_penalty`? The check compares
# with exhaustive search on small chains like ours, where beam 1 must equal greedy and a very wide beam must equal the
# truth.

# %%
check("beam1")

# %% [markdown]
# **bleu1** (`exercises/11_decoding/bleu1.py`): `bleu(references, hypotheses)` gives the four numbers. The traps:
# counts are summed over the corpus *before* dividing; clipping uses the largest count in one reference, not the sum
# over references; and of two equally close lengths the shorter counts. The small constants are given in the stub.
# Expected: equal to the framework to within 1e-9, on the table above among others.

# %%
check("bleu1")

# %% [markdown]
# ## Questions to think about
#
# 1. In our chain, what is the smallest beam that finds the three best sentences in the right order? Change the two
#    probabilities at START so that even a beam of 2 misses the best sentence. (There is not much room.)
# 2. Top-k sampling draws from the k most probable words only. When is k = 5 too many, when too few? Think of the step
#    after `left` and the step after `a small`.
# 3. Swap the colours in `a small red circle left of a large blue square`. Which of the measures notice, and how much?
#    Work out BLEU-1 and BLEU-2 by hand, then call `metrics.bleu`.

# %% [markdown]
# ## Where it goes next
#
# The captioner squeezes a picture into one vector and carries it along. Lesson 12 lets it look again at every word,
# and lets us see where it looked. `minirnn demo` trains a better captioner than this one in about two minutes, and
# `minirnn caption` decodes with a beam.
#
# ## Sources
#
# - Graves 2012, "Sequence transduction with recurrent neural networks": beam search for a recurrent model.
# - Wu et al. 2016, "Google's neural machine translation system": ranking by score over a power of the length.
# - Ackley, Hinton and Sejnowski 1985, "A learning algorithm for Boltzmann machines": temperature.
# - Fan, Lewis and Dauphin 2018, "Hierarchical neural story generation": top-k sampling.
# - Stahlberg and Byrne 2019, "On NMT search errors and model errors": the empty sentence as the most probable one.
# - Holtzman et al. 2020, "The curious case of neural text degeneration": why the most probable text is dull.
# - Papineni et al. 2002, "BLEU": clipping (the example of the repeated `the`) and the brevity penalty.
# - Vedantam, Zitnick and Parikh 2015, "CIDEr": consensus weighted by tf-idf, and CIDEr-D.
# - Chen et al. 2015, "Microsoft COCO captions: data collection and evaluation server": the conventions used here.

# %%
folder.cleanup()
