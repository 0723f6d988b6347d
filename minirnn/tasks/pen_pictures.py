"""What a pen reader shows: its curves, words with what it reads, and which part of the ink made which letter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.bezier import Pieces, curve
from minirnn.data.evenly import evenly
from minirnn.models.pen_reader import centres
from minirnn.pair import Array
from minirnn.plots import BLUE, GREEN, GREY, ORANGE, RED, as_text
from minirnn.tasks.alignment import peaks
from minirnn.tasks.pen import PenReader, Written
from minirnn.tasks.reading import labels_of
from minirnn.tasks.reading_pictures import reading_of, save, wrong_first
from minirnn.train import LAST

MOST = 8  # words in a picture of letters
COLOURS = (BLUE, ORANGE, GREEN, "#a21caf", RED, "#0e7490")  # neighbours differ


def pictures(model: PenReader, val: Written, folder: Path) -> list[Path]:
    """Curves, some validation words (wrong ones first), and the letters of some that are read right."""
    progress = load(folder / LAST)[1]["progress"]
    curves = plots.curves(
        folder / "curves.png", progress["losses"], progress["checks"], "cer", unit="nats per character", least=True
    )
    some = evenly(len(val.items), 200)
    items, truths = [val.items[k] for k in some], [val.texts[k] for k in some]
    logp = model.logp(items)
    says = [told.text for told in model.decode(logp)]
    shown, right = wrong_first(says, truths)
    sheet = words_sheet(
        folder / "words.png", [items[k] for k in shown], [says[k] for k in shown], [truths[k] for k in shown],
        f"Words of writers that the model was not trained on, wrong ones first;"
        f" of {len(says)} it reads {len(right) / len(says):.0%} right",
    )  # fmt: skip
    longest = sorted(right, key=lambda k: -len(truths[k]))[:3] or [0]
    letters = letters_picture(
        folder / "letters.png", model, [items[k] for k in longest], [logp[k] for k in longest],
        [says[k] for k in longest],
    )  # fmt: skip
    return [curves, sheet, letters]


def lines_of(item: Any) -> list[tuple[Array, Array]]:
    """The strokes of an item for drawing: (n, 2) points each, and the place (n,) of each among what the model reads."""
    if isinstance(item, Pieces):
        drawn = curve(item.control.astype(np.float64), np.tile(np.linspace(0, 1, 12), (len(item.control), 1)))
        places = np.arange(len(drawn)) + item.stroke  # a move stands before each further stroke
        return [
            (drawn[item.stroke == k].reshape(-1, 2), np.repeat(places[item.stroke == k], 12))
            for k in range(int(item.stroke[-1]) + 1)
        ]
    cuts = np.flatnonzero(item.first)[1:]
    return list(zip(np.split(item.points, cuts), np.split(np.arange(len(item.points)), cuts)))


def letters_picture(
    path: Path, model: PenReader, items: Sequence[Any], logp: Sequence[Array], texts: Sequence[str],
    names: Sequence[str] = (),
) -> Path:  # fmt: skip
    """For each item the ink, coloured by the letter whose peak is nearest in time, beside what the model says when.

    A peak, a dot on the ink, is where the model is surest of a letter; CTC does not say where a letter begins or ends,
    so the ends of a colour are only halfway between two peaks.

    Args:
        items, logp, texts: as the model reads them, what it says of each frame, and what was read.
        names: what each item is, for its title.
    """
    shown = min(len(items), MOST)
    figure = plots._figure(figsize=(10, 2.1 * shown + 0.5))
    grid = figure.subplots(shown, 2, squeeze=False, gridspec_kw={"width_ratios": [1, 1.25]})
    for k, (ink, over) in enumerate(grid):
        labels = labels_of(texts[k], model.alphabet)
        found = peaks(logp[k], labels.tolist())
        steps = np.zeros(0, np.int64) if found is None else found
        at = centres(len(logp[k]), model.config)[steps]
        _ink(ink, items[k], at, texts[k])
        name = f"{names[k]}: " if names else ""
        said = f"“{as_text(texts[k])}”" if texts[k] else "(nothing)"
        ink.set_title(f"{as_text(name)}{said}", fontsize=11, loc="left")
        _over_time(over, np.exp(logp[k]), steps, labels, texts[k])
        if k < shown - 1:
            over.set_xlabel("")
    figure.tight_layout(h_pad=1.2, w_pad=1.5)
    return save(figure, path)


def _ink(axes: Any, item: Any, at: Array, text: str) -> None:
    """The strokes, coloured by the nearest of the places `at`, and the letters below."""
    from matplotlib.collections import LineCollection

    everything = np.concatenate([points for points, _ in lines_of(item)])
    low = everything[:, 1].min()
    owned: dict[int, list[Array]] = {}
    for points, places in lines_of(item):
        owner = np.abs(places[:, None] - at).argmin(axis=1) if len(at) else np.zeros(len(points), np.int64)
        colours = [COLOURS[u % len(COLOURS)] if len(at) else GREY for u in owner]
        if len(points) == 1:
            axes.plot(*points[0], "o", markersize=3, color=colours[0])
        axes.add_collection(
            LineCollection(list(np.stack([points[:-1], points[1:]], axis=1)), colors=colours, linewidths=1.8)
        )
        for u in np.unique(owner):
            owned.setdefault(int(u), []).append(points[owner == u])
    order = np.concatenate([places for _, places in lines_of(item)])
    for u, place in enumerate(at):  # where the model is surest
        x, y = everything[np.abs(order - place).argmin()]
        axes.plot(x, y, "o", markersize=6, color=COLOURS[u % len(COLOURS)], markeredgecolor="white", zorder=3)
    for u, letter in enumerate(text if len(at) else ""):
        if u in owned:
            x = float(np.median(np.concatenate(owned[u])[:, 0]))
            axes.text(
                x, low - 0.12, as_text(letter), ha="center", va="top", fontsize=11, color=COLOURS[u % len(COLOURS)]
            )
    (left, bottom), (right, top) = everything.min(axis=0), everything.max(axis=0)
    axes.set(xlim=(left - 0.2, right + 0.2), ylim=(bottom - 0.65, top + 0.15), aspect="equal", anchor="W")
    axes.axis("off")


def _over_time(axes: Any, p: Array, steps: Array, labels: Array, text: str) -> None:
    """The probability of the blank and of each letter that was read, frame by frame."""
    axes.plot(p[:, 0], color=GREY, linewidth=0.9, alpha=0.6)
    middle = (steps[1:] + steps[:-1]) / 2
    bounds = np.concatenate([[0], middle, [len(p) - 1]])
    for u, (step, label) in enumerate(zip(steps, labels)):
        colour = COLOURS[u % len(COLOURS)]
        here = np.arange(max(0, int(bounds[u])), min(len(p), int(np.ceil(bounds[u + 1])) + 1))
        axes.fill_between(here, p[here, label], color=colour, alpha=0.35, linewidth=0)
        axes.plot(here, p[here, label], color=colour, linewidth=1.2)
        axes.text(step, p[step, label] + 0.04, as_text(text[u]), ha="center", va="bottom", fontsize=10, color=colour)
    axes.set(xlim=(-0.7, len(p) - 0.3), ylim=(0, 1.25), yticks=[0, 0.5, 1], xlabel="frame (grey: the blank)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("probability", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def words_sheet(path: Path, items: Sequence[Any], says: Sequence[str], truths: Sequence[str], title: str) -> Path:
    """Words with what is read below them: right ones in green, wrong ones in red with what was written."""
    columns = 3
    rows = -(-len(items) // columns)
    figure = plots._figure(figsize=(10, 1.35 * rows))
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, item, said, truth in zip(grid, items, says, truths):
        for points, _ in lines_of(item):
            axes.plot(points[:, 0], points[:, 1], "-" if len(points) > 1 else "o", markersize=2, color="black",
                      linewidth=1.3, solid_capstyle="round")  # fmt: skip
        axes.set_aspect("equal")
        axes.text(0.5, -0.08, as_text(reading_of(said, truth)), fontsize=10, ha="center", va="top",
                  transform=axes.transAxes, color=GREEN if said == truth else RED)  # fmt: skip
    figure.tight_layout(h_pad=2.0)
    figure.suptitle(title, fontsize=11, y=1.02 + 0.1 / rows)
    return save(figure, path)
