"""Pictures as PNG files: training curves, captioned pictures, attention maps, the error of a gradient check."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn.pair import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARES = ("accuracy", "exact_match", "f1")  # scores from 0 to 1
BLUE, ORANGE, GREEN, RED, GREY = "#2c5cdc", "#e07b00", "#1a7f37", "#c62828", "#6b7280"


def _figure(figsize: tuple[float, float]) -> Figure:
    from matplotlib.figure import Figure  # on first use: it takes longer to load than most commands to run

    return Figure(figsize=figsize)


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=120, bbox_inches="tight", facecolor="white")
    return path


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)


def as_text(text: str, room: int | None = None) -> str:
    """Text as matplotlib draws it: a dollar would begin a formula; what is longer than `room` characters is cut."""
    if room is not None and len(text) > room:
        text = f"{text[: room - 2].rstrip()} …"
    return text.replace("$", r"\$")


def smooth(values: Sequence[float], width: int) -> Array:
    """Mean over a sliding window of `width` values; as many as fit whole."""
    width = max(1, min(width, len(values)))
    total = np.cumsum(np.concatenate([[0.0], np.asarray(values, float)]))
    return np.asarray((total[width:] - total[:-width]) / width)


def curves(
    path: Path, losses: Sequence[float], checks: Sequence[dict[str, float]], score: str, *, blind: Sequence[float] = (),
    unit: str = "nats per word", names: tuple[str, str] = ("with the image", "no image"), least: bool = False,
    low: float = 0.0,
) -> Path:  # fmt: skip
    """Loss per step and the validation score over a run.

    Args:
        score: which of the scores in `checks`.
        blind: losses of a second run, a baseline; `names` are the two runs' in the legend.
        unit: of the loss.
        least: whether the smallest score is the best one.
        low: where the axis of a score from 0 to 1 begins.
    """
    figure = _figure(figsize=(9, 3.4))
    left, right = figure.subplots(1, 2)
    width = max(1, len(losses) // 50)
    smoothed = smooth(losses, width)
    left.plot(np.arange(1, len(losses) + 1), losses, color=BLUE, alpha=0.2, linewidth=0.6)
    left.plot(np.arange(len(smoothed)) + (width + 1) / 2, smoothed, color=BLUE, linewidth=1.6, label=names[0])
    if len(blind):
        line = smooth(blind, width)
        left.plot(np.arange(len(line)) + (width + 1) / 2, line, color=GREY, linewidth=1.6, label=names[1])
        left.legend(frameon=False)
    left.set(xlabel="step", ylabel=f"training loss ({unit})", ylim=(0, None), title="Loss")
    steps, scores = [c["step"] for c in checks], [c[score] for c in checks]
    right.plot(steps, scores, color=ORANGE, marker="o", markersize=4, linewidth=1.6)
    if scores:
        best = int(np.argmin(scores) if least else np.argmax(scores))
        right.annotate(f"{scores[best]:.3g}", (steps[best], scores[best]), textcoords="offset points", xytext=(0, 7),
                       ha="center", color=ORANGE)  # fmt: skip
    right.set(xlabel="step", title=f"Validation: {score.replace('_', ' ')}", xlim=(0, None),
              ylim=(low, low + 1.12 * (1 - low)) if score in SHARES else (0, 1.15 * max([*scores, 1e-3])))  # fmt: skip
    for axes in (left, right):
        _plain(axes)
    figure.tight_layout()
    return _save(figure, path)


def shaded_text(path: Path, text: str, values: Array, title: str, *, columns: int = 72) -> Path:
    """A text in rows of at most `columns` characters, each on a shade of its value; line ends are shown."""
    cells, row, column = [], 0, 0
    for character, value in zip(text, values):
        cells.append((row, column, character, float(value)))
        column += 1
        if character == "\n" or column == columns:
            row, column = row + 1, 0
    rows, columns = row + (column > 0), 1 + max((column for _, column, _, _ in cells), default=0)
    shades = np.full((rows, columns), np.nan)
    for row, column, _, value in cells:
        shades[row, column] = value
    figure = _figure(figsize=(0.135 * columns + 1.2, 0.24 * rows + 0.8))
    axes = figure.subplots()
    top = max(1.0, float(np.quantile(values, 0.98)))
    picture = axes.imshow(shades, cmap="Oranges", vmin=0, vmax=top, aspect="auto", interpolation="nearest")
    for row, column, character, value in cells:
        shown = "\u21b5" if character == "\n" else character if character.isprintable() else "\u00b7"
        axes.text(column, row, shown, ha="center", va="center", family="monospace", fontsize=8,
                  color="white" if value > 0.75 * top else "black")  # fmt: skip
    axes.axis("off")
    axes.set_title(title, fontsize=10, loc="left")
    figure.colorbar(picture, ax=axes, fraction=0.02, pad=0.01, label="bits", extend="max")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # what the font does not have is drawn as a box
        return _save(figure, path)


def contact_sheet(
    path: Path, images: Array, captions: Sequence[str], references: Sequence[Sequence[str]] | None = None,
    *, columns: int = 4, exact: bool = False, title: str = "",
) -> Path:  # fmt: skip
    """Pictures (N, S, S, 3) uint8 with what the model says below; with `exact`, right ones in green, wrong in red."""
    rows = -(-len(images) // columns)
    beside_humans = references is not None and not exact
    figure = _figure(figsize=(2.5 * columns, (3.5 if beside_humans else 3.1) * rows))
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes in grid:
        axes.axis("off")
    for k, (axes, image, caption) in enumerate(zip(grid, images, captions)):
        axes.imshow(image, interpolation="nearest")
        axes.set_anchor("N")
        says, colour = textwrap.fill(caption or "(nothing)", 30, max_lines=3, placeholder=" …"), "black"
        if exact and references is not None:
            right = caption in references[k]
            colour = GREEN if right else RED
            says = says if right else f"{says}\n(right: {textwrap.fill(references[k][0], 26)})"
        elif references is not None:
            human = textwrap.fill(f"human: {references[k][0]}", 36, max_lines=2, placeholder=" …")
            below = -0.07 - 0.09 * (says.count("\n") + 1)
            axes.text(0.5, below, human, transform=axes.transAxes, ha="center", va="top", fontsize=7.5, color=GREY)
        axes.text(0.5, -0.04, says, transform=axes.transAxes, ha="center", va="top", fontsize=9.5, color=colour)
    figure.tight_layout(h_pad=3.2 if beside_humans else 1.6)
    if title:
        figure.suptitle(title, fontsize=12, y=1.03)
    return _save(figure, path)


def attention_map(path: Path, image: Array, words: Sequence[str], weights: Sequence[Array], grid: int) -> Path:
    """Where the model looked at each word: the picture (S, S, 3) uint8, brighter where the weight is larger."""
    columns = min(6, len(words) + 1)
    rows = -(-(len(words) + 1) // columns)
    figure = _figure(figsize=(2 * columns, 2.3 * rows))
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    size = image.shape[0]
    for ax in axes:
        ax.axis("off")
    axes[0].imshow(image, interpolation="nearest")
    axes[0].set_title("the picture", fontsize=10, color=GREY)
    for ax, word, weight in zip(axes[1:], words, weights):
        share = weight.reshape(grid, grid) / weight.max()
        ax.imshow(image, interpolation="nearest", extent=(0, size, size, 0))
        ax.imshow(1 - share, cmap="gray_r", alpha=0.75 * (1 - share), extent=(0, size, size, 0), vmin=0, vmax=1)
        row, column = divmod(int(weight.argmax()), grid)
        cell = size / grid
        ax.plot((column + 0.5) * cell, (row + 0.5) * cell, "o", markersize=6, color="white", markeredgecolor="black")
        ax.set_title(word, fontsize=11)
    figure.tight_layout()
    return _save(figure, path)


def tracks_sheet(
    path: Path, tracks: Array, says: Sequence[str], right: Sequence[bool], notes: Sequence[str], *,
    columns: int = 4, title: str = "",
) -> Path:  # fmt: skip
    """Paths of a point (N, T, 2), y down, from a light start to a dark end, each to its own scale.

    Args:
        says, right: what the model says of each, in green where right, in red where wrong.
        notes: a second line below each: how large it is, what it should be.
    """
    rows = -(-len(tracks) // columns)
    figure = _figure(figsize=(2.3 * columns, 2.6 * rows))
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, track, word, good, note in zip(grid, tracks, says, right, notes):
        middle, reach = (track.max(axis=0) + track.min(axis=0)) / 2, max(float(np.ptp(track, axis=0).max()), 1e-6)
        x, y = ((track - middle) / reach).T
        axes.plot(x, y, color=GREY, linewidth=0.8, zorder=1)
        axes.scatter(x, y, c=np.linspace(0.25, 1, len(x)), cmap="Blues", vmin=0, vmax=1, s=22, zorder=2)
        axes.plot(x[-1], y[-1], "o", markersize=7, color=BLUE, markeredgecolor="black", zorder=3)
        axes.set(xlim=(-0.62, 0.62), ylim=(0.62, -0.62), aspect="equal")
        text = {"transform": axes.transAxes, "ha": "center", "va": "top"}
        axes.text(0.5, 0.0, word, fontsize=10, color=GREEN if good else RED, **text)
        axes.text(0.5, -0.1, note, fontsize=8, color=GREY, **text)
    figure.tight_layout(h_pad=2.4)
    if title:
        figure.suptitle(title, fontsize=12, y=1.04)
    return _save(figure, path)


def confusion(path: Path, counts: Array, classes: Sequence[str], title: str = "") -> Path:
    """How often each class (row) is told as each class (column): counts (K, K), shaded by their share of the row."""
    K = len(classes)
    side = min(12.0, 2.4 + 0.5 * K)
    figure = _figure(figsize=(side, side))
    axes = figure.subplots()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    off = 1 - np.eye(K)  # mistakes in red, what is right in blue
    shade = np.ones((K, K, 3))
    for mask, colour in ((1 - off, BLUE), (off, RED)):
        rgb = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        strength = (np.sqrt(share) if colour == RED else share * 0.85) * mask
        shade -= strength[..., None] * (1 - rgb)
    axes.imshow(shade, interpolation="nearest")
    for i, j in np.argwhere(counts > 0) if K <= 25 else ():
        dark = shade[i, j].mean() < 0.6
        axes.text(j, i, f"{counts[i, j]}", ha="center", va="center", fontsize=8, color="white" if dark else "black")
    long = max(map(len, classes)) > 6  # wider than a cell
    axes.set_xticks(range(K), classes, rotation=45 if long else 0, ha="right" if long else "center", fontsize=9)
    axes.set_yticks(range(K), classes, fontsize=9)
    axes.set(xlabel="the model says", ylabel="right class", title=title)
    axes.title.set_fontsize(10)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return _save(figure, path)


def epsilon_curves(path: Path, curves: dict[str, tuple[Array, Array]]) -> Path:
    """The error of central differences against the step epsilon: truncation on the right, rounding on the left."""
    figure = _figure(figsize=(7, 4.4))
    axes = figure.subplots()
    for name, (epsilons, errors) in curves.items():
        axes.loglog(epsilons, np.maximum(errors, 1e-17), marker="o", markersize=3.5, linewidth=1.4, label=name)
    axes.set(xlabel="epsilon", ylabel="relative error of the numeric gradient")
    axes.annotate("rounding: ~ 1/epsilon", (0.03, 0.06), xycoords="axes fraction", color=GREY)
    axes.annotate("truncation: ~ epsilon²", (0.97, 0.06), xycoords="axes fraction", color=GREY, ha="right")
    if len(curves) <= 10:
        axes.legend(frameon=False, fontsize=8)
    _plain(axes)
    return _save(figure, path)
