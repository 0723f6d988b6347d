"""What a run on clips shows: curves, the confusion matrix, clips as rows of frames with what the model says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.moving_digits import Clips
from minirnn.pair import Array
from minirnn.tasks.clips import Watcher, confusion, labels_of
from minirnn.train import LAST

ROWS, WRONG = 10, 4  # clips on the sheet, at most so many of them told wrong


def pictures(model: Watcher, clips: Clips, label: str, folder: Path) -> list[Path]:
    """curves.png, confusion.png and clips.png, of clips that the model was not trained on."""
    progress = load(folder / LAST)[1]["progress"]
    losses, checks = progress["losses"], progress["checks"]
    labels, chance = labels_of(clips, label), model.probabilities(clips.frames)
    counts = confusion(chance, labels)
    title = f"{len(labels)} validation clips, {np.trace(counts) / counts.sum():.1%} right"
    return [
        plots.curves(folder / "curves.png", losses, checks, "accuracy", unit="nats per clip"),
        plots.confusion(folder / "confusion.png", counts, model.names, title),
        sheet(model.names, clips.frames, labels, chance, folder / "clips.png"),
    ]


def sheet(names: Sequence[str], frames: Array, labels: Array, chance: Array, path: Path) -> Path:
    """Up to four wrong clips, then right ones of every class in turn."""
    said = chance.argmax(axis=1)
    wrong = np.flatnonzero(said != labels)
    worst = wrong[np.argsort(-chance[wrong, said[wrong]], kind="stable")][:WRONG]
    turns = [np.flatnonzero((said == labels) & (labels == c)) for c in range(len(names))]
    others = [int(turn[k]) for k in range(ROWS) for turn in turns if k < len(turn)][: ROWS - len(worst)]
    some = [*map(int, worst), *others]
    says = [f"{names[said[n]]} ({chance[n].max():.0%})" for n in some]
    right = [bool(said[n] == labels[n]) for n in some]
    notes = ["" if good else f"is {names[labels[n]]}" for n, good in zip(some, right)]
    title = f"Validation clips, frame by frame ({len(wrong)} of {len(labels)} told wrong"
    title += ", the surest of these first)" if len(wrong) else ")"
    return strips(path, frames[some], says, right, notes, title)


def strips(
    path: Path, frames: Array, says: Sequence[str], right: Sequence[bool], notes: Sequence[str], title: str
) -> Path:  # fmt: skip
    """Clips (N, T, S, S) uint8 as rows of frames, beside them what is said: green where right, red where wrong."""
    N, T, S = frames.shape[:3]
    gap = 2
    figure = plots._figure(figsize=(1.6 + 0.72 * T, 0.8 * N + 0.5))
    for axes, clip, word, good, note in zip(np.atleast_1d(figure.subplots(N, 1)), frames, says, right, notes):
        row = np.full((S, T * (S + gap) - gap), 255, np.uint8)
        for t, frame in enumerate(clip):
            row[:, t * (S + gap) : t * (S + gap) + S] = frame
        axes.imshow(row, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.axis("off")
        place = {"transform": axes.transAxes, "ha": "right"}
        axes.text(-0.012, 0.6 if note else 0.5, word, va="center", fontsize=10,
                  color=plots.GREEN if good else plots.RED, **place)  # fmt: skip
        axes.text(-0.012, 0.22, note, va="center", fontsize=8, color=plots.GREY, **place)
    figure.subplots_adjust(hspace=0.12)
    figure.suptitle(title, fontsize=11, y=0.93)
    return plots._save(figure, path)
