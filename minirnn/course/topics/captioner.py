"""Exercises of lesson 10: the captioner's wiring, forward and backward, and greedy decoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Exercise, Given, Probe
from minirnn.course.given import Walk
from minirnn.course.topics.captioner_mistakes import BACKWARD, FORWARD, GREEDY
from minirnn.course.topics.examining import examine_greedy
from minirnn.decode import greedy
from minirnn.models.captioner import captioner_backward, captioner_forward
from minirnn.models.captioner_params import CaptionerConfig, init_captioner
from minirnn.pair import Array
from minirnn.tree import tree_map

SIZES: dict[str, Any] = {
    "vocab": 7, "image_size": 8, "channels": (2, 3), "features": 4, "local": 3, "embed": 3, "hidden": 2, "attend": 1,
    "glance": 2,
}  # fmt: skip


def _wiring(
    rng: np.random.Generator, N: int, M: int, T: int, note: str, *, training: bool = True, **config: Any
) -> Probe:
    """A small captioner on pictures of 8x8, M captions for N pictures."""
    values = {**SIZES, **config}
    c = CaptionerConfig(**values)
    params, running = init_captioner(rng, c, np.float64)
    params = tree_map(lambda w: w + 0.4 * rng.standard_normal(w.shape), params)  # no bias is 0, no scale is 1
    running = tree_map(lambda r: np.abs(r + 0.3 * rng.standard_normal(r.shape)) + 0.2, running)
    which = rng.permutation(np.arange(M) % N)
    if M == N and N > 1:
        which = np.roll(np.arange(N), 1)
    words = rng.integers(0, c.vocab, (2, M, T))
    mask = np.arange(T) < rng.integers(1, T + 1, M)[:, None]
    mask[0], mask[-1, -1] = True, False
    mask[-1, 0] = True
    args = (rng.uniform(0, 1, (N, 8, 8, 3)), which, words[0], words[1], mask, running, params)
    options = {
        "config": Given("captioner_config", (values,)),
        "training": training,
        "rng": Given("rng", (int(rng.integers(99)),)),
    }
    return Probe(args, options, note, dout=(np.array(0.7), None))


def _wiring_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        _wiring(rng, 2, 3, 4, "", image="first", cell="lstm"),
        _wiring(rng, 3, 3, 2, "the picture beside every word", image="every", cell="gru"),
        _wiring(rng, 2, 4, 3, "attention", image="attention", cell="rnn"),
        _wiring(rng, 2, 3, 3, "dropout", image="first", cell="gru", drop_words=0.4, drop_image=0.2),
        _wiring(rng, 2, 3, 3, "evaluation", image="first", cell="rnn", drop_words=0.5, drop_image=0.3, training=False),
        _wiring(rng, 2, 2, 3, "no picture", image="none", cell="lstm"),
    )


captioner1 = Exercise(
    name="captioner1",
    function="captioner_forward",
    folder="10_captioner",
    title="Wire the captioner, forward",
    truth=captioner_forward,
    probes=_wiring_probes,
    inputs={"images": "N S S C", "which": "M", "inputs": "M T", "targets": "M T", "mask": "M T"},
    outputs=(),
    names=("loss", "running"),
    cache=True,
    slot="tools.captioner.forward",
    hints=(
        "Which of the nine lines needs the result of which other? Draw the arrows before you write.",
        "Every line is one call, in the order of the list; each gives (what comes next, its cache). Give the new `running` "
        "that see_forward returns on to your own result.",
        "mine is a Seen of three: for each leaf of seen that is not None, ops.embedding.forward(which, leaf). Dropout comes "
        "twice, once on the word vectors and once on what the decoder says; keep all nine caches.",
    ),
    why="Nine lines, each a pair: what a picture shows, which caption sees which picture, the words as vectors, the state "
    "before the first word, the decoder through time, the logits, the loss. Teacher forcing gives the decoder the "
    "right words so far, so that all time steps are judged in one pass. The embedding with `which` lets a picture be "
    "encoded once for all its captions; backward its gradients add up, as those of a repeated word.",
    mistakes=FORWARD,
)  # fmt: skip

captioner2 = Exercise(
    name="captioner2",
    function="captioner_backward",
    folder="10_captioner",
    title="Wire the captioner, backward",
    truth=captioner_backward,
    truth_forward=captioner_forward,
    forward="captioner1",
    probes=_wiring_probes,
    inputs={"images": "N S S C", "which": "M", "inputs": "M T", "targets": "M T", "mask": "M T"},
    outputs=(),
    names=("dimages", "dwhich", "dinputs", "dtargets", "dmask", "drunning", "dparams"),
    slot="tools.captioner.backward",
    hints=(
        "Read your forward function from the last line to the first. Which line is undone first?",
        "Nine lines forward, nine lines back: each takes the gradient of what its line made and its cache, and gives the "
        "gradients of what its line read. Collect the parameters' gradients in a dict by field.",
        "Two things were read twice: the image vector, by begin and by tell, so their gradients add up (tree_add) before line "
        "(2) is undone; and each picture, by all its captions, which the embedding's backward adds up. tell, begin and see "
        "give dicts of gradients; merge them all into one CaptionerParams.",
    ),
    why="The mirror of the forward function: line (9) first, line (1) last. Where a value had two readers its two gradients "
    "are added, which happens once here (the picture at the start and along the way). Data get None, since nobody "
    "trains pictures or word numbers; parameters that this kind of captioner does not have get None as well.",
    mistakes=BACKWARD,
)  # fmt: skip


def model(rng: np.random.Generator, V: int = 6, K: int = 5, scale: float = 1.5, end: float = 0.0) -> Given:
    """A small random language model that remembers what it has read; `end` raises the odds of END (word 2)."""
    here, before = scale * rng.standard_normal((V, V)), scale * rng.standard_normal((K, V))
    before[:, 2] += end
    return Given("walker", (here, before))


def walks(rng: np.random.Generator, n: int) -> Walk:
    """First states: each sequence has read something else."""
    return Walk(rng.integers(0, 5, n))


def told(value: Any) -> Any:
    """Hypotheses as arrays of one size: word numbers (40, -1 behind the end), score, whether finished."""
    if not isinstance(value, list) or any(
        getattr(h, "_fields", ())[:3] != ("words", "score", "finished") for h in value
    ):
        return value
    return tuple((_padded(h.words), np.float64(h.score), int(bool(h.finished))) for h in value)


def _padded(words: Any) -> Any:
    if not isinstance(words, list | tuple | np.ndarray) or not all(
        isinstance(w, int | float | np.number) for w in words
    ):
        return words
    padded: Array = np.full(40, -1)
    padded[: len(words)] = words[:40]
    return padded


def _greedy_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    def probe(n: int, note: str, end: float = 0.0, **options: Any) -> Probe:
        return Probe((model(rng, end=end), walks(rng, n), n), options, note)

    long = Given("walker", (np.zeros((6, 6)), rng.standard_normal((5, 6)) + np.array([4.0, 3.0, -9.0, 0, 0, 0])))
    return (
        probe(5, "", end=1.0, max_length=8),
        Probe((long, walks(rng, 3), 3), {"max_length": 6}, "no sentence that ends"),
        Probe(
            (model(rng), walks(rng, 4), 4),
            {"start": 0, "end": 5, "never": (0, 3), "max_length": 7},
            "other numbers for START, END and never",
        ),
        probe(1, "n = 1", end=1.0, max_length=9),
        probe(6, "sentences that end early", end=4.0, max_length=5),
    )


greedy1 = Exercise(
    name="greedy1",
    function="greedy",
    folder="10_captioner",
    title="Say the most probable word at every step",
    truth=greedy,
    probes=_greedy_probes,
    inputs={},
    outputs=(),
    normal=told,
    examine=examine_greedy,
    slot="tools.greedy",
    hints=(
        "What does the model need to say its first word, and what does it need for every later one?",
        "A loop of at most max_length turns: one call of step for all sequences, one word for each of them; the words chosen "
        "are what step reads in the next turn.",
        "Words in `never` get the log-probability -inf before argmax over axis 1 (in a copy). END is not put among the words, but "
        "its log-probability counts in the score; after END nothing more is added. Stop when all have ended.",
    ),
    why="At each step the word with the largest log-probability is taken and read back in, so the state is the one that belongs "
    "to what was said. Log-probabilities add up where probabilities would be multiplied. A sentence that has said END stays "
    "in the batch, which costs a little time and no correctness.",
    mistakes=GREEDY,
)  # fmt: skip

EXERCISES = (captioner1, captioner2, greedy1)
