"""What a run of the film system shows: curves, films as strips with their captions, attention over the frames."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.films import FilmSplit, sentence
from minirnn.pair import Array
from minirnn.plots import BLUE, GREEN, GREY, RED, _figure, _save
from minirnn.tasks import film
from minirnn.tasks.film import FIRST_FRAME
from minirnn.train import LAST

SHEET = 12  # films on the sheet
WRONG = 4  # of them wrong ones, at most


def pictures(folder: Path, test: FilmSplit) -> list[Path]:
    """Curves, a sheet of films with their captions, and where the model looked at each word of the longest."""
    model, _ = film.load_describer(folder)
    progress, first = (load(f / LAST)[1]["progress"] for f in (folder, folder / FIRST_FRAME))
    curves = plots.curves(
        folder / "curves.png", progress["losses"], progress["checks"], "exact_match", blind=first["losses"],
        names=("all frames", "first frame"),
    )  # fmt: skip
    frames = test.draw(model.config.image_size)
    told = model.captions(frames)
    right = np.array([said == caption for said, caption in zip(told, test.captions)])
    some = _chosen(right)
    sheet = film_sheet(
        folder / "films.png", frames[some], [told[n] for n in some], [test.captions[n] for n in some],
        title=f"What the model says of {len(test)} films that it was not trained on: {right.mean():.1%} word for word",
    )  # fmt: skip
    longest = max(some, key=lambda n: (right[n], len(told[n].split())))
    (hypothesis,) = model.greedy(frames[longest : longest + 1])
    words = model.text(hypothesis.words).split()
    return [curves, sheet, attention_picture(folder / "attention.png", frames[longest], words, hypothesis.kept)]


def _chosen(right: Array) -> Array:
    """Which films to show: some wrong ones, where there are any, then right ones."""
    wrong = np.flatnonzero(~right)[:WRONG]
    good = np.flatnonzero(right)[: SHEET - len(wrong)]
    return np.concatenate([good, wrong])


def film_sheet(
    path: Path, frames: Array, told: Sequence[str], captions: Sequence[str], *, columns: int = 2, title: str = ""
) -> Path:
    """Films (N, T, S, S, 3) uint8 as strips with what the model says below: in green where right, else red, and what
    is right below that.
    """
    rows = -(-len(frames) // columns)
    figure = _figure(figsize=(6.6 * columns, 1.28 * rows))
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, strip, said, caption in zip(grid, frames, told, captions):
        _strip(axes, strip)
        text = {"transform": axes.transAxes, "ha": "left", "va": "top"}
        good = said == caption
        says = textwrap.shorten(sentence(said) or "(nothing)", 84, placeholder=" …")  # as wide as the strip
        axes.text(0, -0.08, says, fontsize=10, color=GREEN if good else RED, **text)
        if not good:
            axes.text(0, -0.42, f"right: {sentence(caption)}", fontsize=9, color=GREY, **text)
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, wspace=0.05, hspace=0.9)
    if title:
        figure.suptitle(title, fontsize=12, y=1 + 0.45 / (1.28 * rows))
    return _save(figure, path)


def attention_picture(path: Path, frames: Array, words: Sequence[str], weights: Sequence[Array]) -> Path:
    """At which frames (T, S, S, 3) the model looked for each word: a row a word, the stronger the darker."""
    T, words = len(frames), words or ["(nothing)"]
    tall = 6.2 / T  # inches of a frame: the axes are so wide
    figure = _figure(figsize=(8, 1.3 * (tall + 0.27 * len(words))))
    top, below = figure.subplots(2, 1, height_ratios=(tall, 0.27 * len(words)), gridspec_kw={"hspace": 0.04})
    _strip(top, frames)
    top.set_aspect("auto")  # each frame above its column
    top.axis("off")
    table = np.array(weights)[: len(words)]  # END is no word
    below.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    for row, weight in enumerate(table):
        for column in np.flatnonzero(weight >= 0.1):
            dark = weight[column] > 0.6
            below.text(column, row, f"{weight[column]:.0%}", ha="center", va="center", fontsize=8,
                       color="white" if dark else "black")  # fmt: skip
    below.set_yticks(range(len(words)), words, fontsize=10)
    below.set_xticks(range(T), [str(t) for t in range(1, T + 1)], fontsize=9)
    below.set_xlabel("frame", color=BLUE)
    below.tick_params(length=0)
    below.spines[:].set_visible(False)
    return _save(figure, path)


def _strip(axes: object, frames: Array) -> None:
    """A film as a row of frames with a white line between them."""
    T, S = frames.shape[:2]
    row = np.full((S, T * (S + 1) - 1, 3), 255, np.uint8)
    for t, frame in enumerate(frames):
        row[:, t * (S + 1) : t * (S + 1) + S] = frame
    axes.imshow(row, interpolation="nearest")  # type: ignore[attr-defined]
