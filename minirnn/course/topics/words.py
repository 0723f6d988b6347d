"""Exercises of lesson 09: the word table, captions as a batch, cross-entropy with a mask."""

from __future__ import annotations

import numpy as np

from minirnn.course.exercise import Exercise, Probe
from minirnn.course.topics import masked_mistakes, words_mistakes
from minirnn.course.topics.sequences import normal
from minirnn.data.vocabulary import pad_captions
from minirnn.functional.embedding import embedding_backward, embedding_forward
from minirnn.functional.losses import cross_entropy_backward, cross_entropy_forward
from minirnn.pair import Array


def _ids(rng: np.random.Generator, V: int, *shape: int) -> Array:
    """Ids with the first and the last row of the table among them, and one id three times where there is room."""
    ids = rng.integers(1, V - 1, shape)
    flat = ids.reshape(-1)
    flat[0], flat[-1] = V - 1, 0
    flat[1:-1][:3] = V - 2
    return ids


def _lookup_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    distinct = rng.permutation(9)[:6].reshape(2, 3)
    return (
        Probe((_ids(rng, 7, 3, 4), normal(rng, 7, 5))),
        Probe((_ids(rng, 6, 8), normal(rng, 6, 4)), note="ids of one axis"),
        Probe((_ids(rng, 5, 2, 4), normal(rng, 5, 5)), note="V = E"),
        Probe((_ids(rng, 5, 7), normal(rng, 5, 2, 3)), note="a table of three axes"),
        Probe((distinct, normal(rng, 9, 2)), note="ids that do not repeat"),
        Probe((np.full((1, 1), 2), normal(rng, 4, 3)), note="one id alone"),
    )


def _caption(rng: np.random.Generator, words: int) -> list[int]:
    return [int(i) for i in rng.integers(4, 30, words)]


def _pad_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    captions = [_caption(rng, n) for n in (3, 5, 1)]
    return (
        Probe((captions,)),
        Probe((captions,), {"length": 3}, note="length = 3"),
        Probe(([_caption(rng, n) for n in (2, 0, 4, 4)],), note="an empty caption"),
        Probe(([_caption(rng, n) for n in (2, 1)],), {"length": 6}, note="a length above all captions"),
        Probe(([_caption(rng, 3) for _ in range(4)],), note="captions of one length"),
        Probe(([_caption(rng, 4)],), {"length": 4}, note="N = 1, cut to its own length"),
        Probe(([_caption(rng, 6), _caption(rng, 7)],), {"length": 1}, note="length = 1"),
        Probe(([[], []],), note="no words at all"),
        Probe(([[3, 5, 3], [4]],), note="an unknown word"),
    )


def _weights(rng: np.random.Generator, *shape: int) -> Array:
    """Weights of which some are 0 and the largest is 1."""
    weights = rng.uniform(0.2, 0.9, shape)
    weights.reshape(-1)[:3] = 1.0, 0.0, 0.3
    weights.reshape(-1)[-1] = 0.0
    return weights


def _counted(rng: np.random.Generator, N: int, T: int) -> Array:
    """The mask of captions: the first row full, the last row shorter."""
    lengths = np.concatenate([[T], rng.integers(1, T, N - 1)])
    return np.arange(T) < lengths[:, None]


def _loss_args(rng: np.random.Generator, *shape: int) -> tuple[Array, Array]:
    """Logits (…, V) and targets in which 0 and V - 1 occur."""
    targets = rng.integers(0, shape[-1], shape[:-1])
    targets.reshape(-1)[:2] = shape[-1] - 1, 0
    return 2 * normal(rng, *shape), targets


def _loss_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    rows, targets = _loss_args(rng, 3, 4, 5)
    # each row moved as a whole: the loss is the same, but exponentials overflow, or vanish beside those of other rows
    moved = rows + np.array([-2000.0, 0.0, 1500.0, 40.0])[:, None] * np.array([1, -1, 0.5])[:, None, None]
    gaps = np.ones(4, dtype=bool)
    gaps[[0, 2]] = False
    return (
        Probe((*_loss_args(rng, 3, 4, 5), _weights(rng, 3, 4)), note="weights as the mask"),
        Probe((*_loss_args(rng, 3, 4, 6), _counted(rng, 3, 4)), note="a mask of booleans"),
        Probe((*_loss_args(rng, 2, 3, 4), None), note="mask = None"),
        Probe((*_loss_args(rng, 4, 3), gaps), note="logits of two axes"),
        Probe((*_loss_args(rng, 3, 3, 3), _counted(rng, 3, 3)), note="N = T = V"),
        Probe((moved, targets, _counted(rng, 3, 4)), note="large logits, positive and negative"),
        Probe((rows + 1200.0, targets, _counted(rng, 3, 4)), note="logits that are all large"),
        Probe((*_loss_args(rng, 1, 4, 5), np.array([[True, True, False, False]])), note="N = 1"),
    )


def _loss_forward_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    logits, targets = _loss_args(rng, 2, 3, 4)
    logits[0, 0] = 0.0
    logits[0, 0, targets[0, 0]] = -900.0  # so improbable that its probability underflows to 0
    return (*_loss_probes(rng), Probe((logits, targets, _counted(rng, 2, 3)), note="a target of tiny probability"))


def _loss_backward_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    probes = _loss_probes(rng)
    one = Probe((*_loss_args(rng, 2, 3, 4), _counted(rng, 2, 3)), note="dloss = 1", dout=np.float64(1.0))
    return (*probes, one)


LOOKUP_INPUTS = {"ids": "N T", "W": "V E"}
LOSS_INPUTS = {"logits": "N T V", "targets": "N T", "mask": "N T"}

embed1 = Exercise(
    name="embed1",
    function="embedding_forward",
    folder="09_words",
    title="Look up words",
    truth=embedding_forward,
    probes=_lookup_probes,
    inputs=LOOKUP_INPUTS,
    outputs=(("y", "N T E"),),
    cache=True,
    slot="ops.embedding.forward",
    hints=(
        "A one-hot row times W is one row of W. Which row is it, and is the product needed?",
        "NumPy can take an integer array where an index goes: what has the shape of the ids before, has rows in it after.",
        "Index the first axis of W with the ids as they came, without a loop and without changing their shape. The backward "
        "pass needs the ids and how large the table is.",
    ),
    why="Indexing W with an integer array puts row ids[n, t] at place [n, t], whatever the number of axes. It is the same "
    "linear map as one-hot rows times W, without building the one-hot rows, of which all but one entry are 0.",
    mistakes=words_mistakes.LOOKUP,
)

embed2 = Exercise(
    name="embed2",
    function="embedding_backward",
    folder="09_words",
    title="The gradient of the word table",
    truth=embedding_backward,
    truth_forward=embedding_forward,
    forward="embed1",
    probes=_lookup_probes,
    inputs=LOOKUP_INPUTS,
    outputs=(("dW", "V E"),),
    slot="ops.embedding.backward",
    hints=(
        "The word `a` occurs five times in a batch. How many gradients does its row of the table get?",
        "Start from zeros of the shape of W. Every place of dy belongs to one row of dW, and rows that several places belong to "
        "get the sum. Rows that nobody looked up stay 0.",
        "dW[ids] += dy reads first and writes later, so of a repeated id only one gradient is left. NumPy has ufunc methods "
        "named `at` that add one by one; a loop over all places will do as well.",
    ),
    why="A row that was read several times is shared, and gradients of what is shared add up. np.add.at adds one place after "
    "the other, while `dW[ids] += dy` computes all sums from the old values and writes them over each other. There is no "
    "division by how often a word occurs: the loss has already been averaged.",
    mistakes=words_mistakes.TABLE,
)

pad1 = Exercise(
    name="pad1",
    function="pad_captions",
    folder="09_words",
    title="Captions as a batch",
    truth=pad_captions,
    probes=_pad_probes,
    inputs={"ids": ""},
    outputs=(("inputs", "N T"), ("targets", "N T"), ("mask", "N T")),
    slot="tools.pad",
    hints=(
        "The decoder reads a word and is to say the next one. What does it read first, and what is it to say last?",
        "A caption of n words gives n + 1 steps: START and the words as inputs, the words and END as targets. How long must "
        "the arrays be for the longest caption?",
        "Cut first, then take T from the longest of what is left. Fill both arrays with PAD and write each caption into its row, "
        "once from place 1 on and once from place 0 on. The mask is True at the words and at END.",
    ),
    why="inputs and targets are the same words, moved by one step: at every step the target is the next input. END counts, "
    "since stopping must be learnt too; PAD does not, since it is there only to fill the array. A cut caption also gets "
    "END, so that every row ends in the same way.",
    mistakes=words_mistakes.PADDING,
)

masked1 = Exercise(
    name="masked1",
    function="cross_entropy_forward",
    folder="09_words",
    title="Cross-entropy with padding",
    truth=cross_entropy_forward,
    probes=_loss_forward_probes,
    inputs=LOSS_INPUTS,
    outputs=(("loss", ""),),
    cache=True,
    slot="ops.cross_entropy.forward",
    hints=(
        "A batch holds 3 captions of 12, 7 and 5 words, padded to 12. Over how many words should the mean be taken?",
        "log softmax over the last axis, one number for every place, picked out by the target. Then a weighted mean over all "
        "places, with the mask as the weights.",
        "Subtract each row's own maximum before np.exp, and take the log of the sum, not of each probability. np.take_along_axis "
        "picks the target's entry. Multiply by the mask, add everything up, divide by what the mask adds up to. No mask means "
        "that every weight is 1.",
    ),
    why="Dividing by the mask's sum makes the loss the mean over words that count: adding padding changes nothing, and batches of "
    "short and long captions can be compared. Each row's own maximum is subtracted because softmax does not change when all "
    "logits of a row move together, while exp of a large number does.",
    mistakes=masked_mistakes.FORWARD,
)

masked2 = Exercise(
    name="masked2",
    function="cross_entropy_backward",
    folder="09_words",
    title="The gradient of cross-entropy with padding",
    truth=cross_entropy_backward,
    truth_forward=cross_entropy_forward,
    forward="masked1",
    probes=_loss_backward_probes,
    inputs=LOSS_INPUTS,
    outputs=(("dlogits", "N T V"),),
    slot="ops.cross_entropy.backward",
    hints=(
        "What should the gradient be at a place that does not count, and how much of the loss does a place that counts make up?",
        "At each place: the probabilities, minus 1 at the target. Then the weight of that place, divided by the sum of all "
        "weights, and dloss.",
        "The weights are (N, T), the probabilities (N, T, V): one more axis at the end of the weights lets them multiply. Targets "
        "and mask are not differentiated, so their gradients are None.",
    ),
    why="The loss is a weighted mean of -log softmax, and the gradient of each -log softmax is the probabilities minus the one-hot "
    "target. A place gets its share of the mean, mask / sum(mask), so places with mask 0 get exactly 0. Each row sums to 0: "
    "moving all logits of a row together changes nothing.",
    mistakes=masked_mistakes.BACKWARD,
)

EXERCISES = (embed1, embed2, pad1, masked1, masked2)
