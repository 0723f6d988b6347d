"""The picture of `minirnn demo when-rnn`: an example of each row, and a bar for each network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.pair import Array
from minirnn.plots import BLUE, GREY, _figure, _save

FRAMES = 5  # of a clip that are shown


def bars(path: Path, rows: Mapping[str, Mapping[str, Any]], examples: Mapping[str, Array], title: str) -> Path:
    """A line for each row: what it looks like, what it is, and how often it is told right without and with an RNN."""
    figure = _figure(figsize=(10, 1.15 * len(rows) + 0.9))
    grid = figure.add_gridspec(len(rows), 2, width_ratios=(1, 2.1), wspace=0.08, hspace=0.75)
    for k, (name, row) in enumerate(rows.items()):
        left, right = figure.add_subplot(grid[k, 0]), figure.add_subplot(grid[k, 1])
        left.imshow(_shown(name, examples), cmap="gray_r", vmin=0, vmax=255, aspect="equal")
        left.set_axis_off()
        for y, key, colour, words in ((1, "cnn", GREY, "CNN"), (0, "cnn_and_rnn", BLUE, "CNN + RNN")):
            right.barh(y, row[key], color=colour, height=0.72)
            right.text(row[key] + 0.01, y, f"{row[key]:.1%}  {words}", va="center", fontsize=9, color=colour)
        right.set(xlim=(0, 1.3), ylim=(-0.6, 1.6))
        right.set_title(row["what"], fontsize=10, loc="left")
        right.set_axis_off()
    figure.suptitle(title, fontsize=11, y=0.985)
    return _save(figure, path)


def _shown(name: str, examples: Mapping[str, Array]) -> Array:
    """The example of a row: a digit, a line, one frame, or some frames of a clip side by side."""
    if name in ("one_frame", "any_order"):
        clip: Array = examples["motion"]
        if name == "one_frame":
            middle: Array = clip[len(clip) // 2]
            return middle
        some = clip[np.linspace(0, len(clip) - 1, FRAMES).astype(int)]
        line = np.full((some.shape[1], 1), 160, np.uint8)
        parts = [part for frame in some for part in (frame, line)][:-1]
        return np.concatenate(parts, axis=1)
    return examples[name]
