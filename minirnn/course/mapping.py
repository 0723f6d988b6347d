"""The one-page map of the course: which function is written where, and what it becomes in the captioner."""

from __future__ import annotations

from minirnn.course.exercise import Exercise
from minirnn.course.table import LESSONS, exercise
from minirnn.course.titles import TITLES

ROLES = {
    "affine": "the image vector, the logits, attention's queries and keys",
    "relu": "after every block of the encoder",
    "tanh": "the first state, where the picture comes in there",
    "conv2d": "every block of the encoder",
    "max_pool2d": "every block of the encoder",
    "batch_norm": "every block of the encoder",
    "dropout": "on the image vector and the word vectors",
    "embedding": "words to vectors; each caption's picture",
    "rnn_step": "the decoder with --cell rnn",
    "lstm_step": "the decoder",
    "gru_step": "the decoder with --cell gru",
    "unroll": "the decoder's time loop",
    "dot_attention": "where to look, with --attention",
    "cross_entropy": "the loss per word",
    "adam": "every update",
    "clip": "before every update",
    "pad": "captions to batches",
    "captioner": "the wiring of all of it",
    "greedy": "validation and captions",
    "beam": "minirnn caption",
}


def place(e: Exercise) -> str:
    """The name of a function's place in the captioner, "" where it has none."""
    return e.slot.split(".", 1)[1].removesuffix(".forward").removesuffix(".backward") if e.slot else ""


def page() -> str:
    """The map as Markdown."""
    lines = [
        "# Map of the course",
        "",
        (
            "Every function that you write, in order, and what it becomes in the captioner. `minirnn map` prints it"
            " with your"
        ),
        "progress, `minirnn demo --mine` trains the captioner on those that pass.",
        "",
        "| lesson | write | function | in the captioner |",
        "|---|---|---|---|",
    ]
    for folder, title in TITLES.items():
        names = LESSONS.get(folder, ("", ()))[1]
        if not names:
            lines.append(f"| {folder[:2]} [{title}]({folder}.ipynb) | | | |")
        for k, name in enumerate(names):
            e = exercise(name)
            lesson = f"{folder[:2]} [{title}]({folder}.ipynb)" if k == 0 else ""
            lines.append(f"| {lesson} | {name} | `{e.function}` | {ROLES[place(e)] if place(e) else ''} |")
    return "\n".join([
        *lines,
        "",
        "The way of a caption:",
        "",
        "```text",
        "picture -> [conv2d, max_pool2d, batch_norm, relu] x 4 -> affine, relu, dropout -> image vector",
        "                                                                                     |",
        "START a red square ->  embedding, dropout -> word vectors --------------------------+|",
        "                                                                                     v",
        "                                     unroll(lstm_step): h at every time step <- [word, image]",
        "                                                                                     |",
        "a red square END  <-  cross_entropy (mask) <- affine <- dropout <--------------------+",
        "```",
        "",
        "Backward runs the same way from the last arrow to the first; clip and adam make the next step of it.",
        "",
    ])  # fmt: skip
