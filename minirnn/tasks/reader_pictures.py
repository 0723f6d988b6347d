"""What a reader shows: its curves, lines with what it reads, and what each column of a line says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.lines import ImageLines
from minirnn.data.text import Alphabet
from minirnn.decode_ctc import best_path
from minirnn.functional.activations import log_softmax
from minirnn.models.reader import STRIDE
from minirnn.pair import Array
from minirnn.plots import BLUE, GREEN, GREY, RED, as_text
from minirnn.tasks.reader import Reader
from minirnn.tasks.reading_pictures import reading_of, save, wrong_first
from minirnn.train import LAST

SHOWN = 0.04  # a label that never gets more than this is not in the picture of columns


def pictures(model: Reader, val: ImageLines, folder: Path) -> list[Path]:
    """Curves, some validation lines (wrong ones first), and the columns of one of them."""
    progress = load(folder / LAST)[1]["progress"]
    curves = plots.curves(
        folder / "curves.png", progress["losses"], progress["checks"], "cer", unit="nats per character", least=True
    )
    val = val.some(200)
    images, truths = val.images, val.texts
    says = [told.text for told in model.read(images)]
    shown, right = wrong_first(says, truths)
    sheet = lines_sheet(
        folder / "lines.png", [images[k] for k in shown], [says[k] for k in shown], [truths[k] for k in shown],
        f"Lines that the model was not trained on, wrong ones first;"
        f" of {len(says)} it reads {len(right) / len(says):.0%} right",
    )  # fmt: skip
    k = shown[-1]
    (logits,) = model.logits([images[k]])
    return [curves, sheet, columns_picture(folder / "columns.png", images[k], logits, model.alphabet)]


def lines_sheet(path: Path, images: Sequence[Array], says: Sequence[str], truths: Sequence[str], title: str) -> Path:
    """Lines with what is read below them: right ones in green, wrong ones in red with what stands there."""
    widest = max(image.shape[1] for image in images)
    columns = 3 if widest < 330 else 2 if widest < 600 else 1
    rows = -(-len(images) // columns)
    figure = plots._figure(figsize=(3.6 * columns, 1.02 * rows))
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes in grid:
        axes.axis("off")
    room = 90 // columns + 10
    for axes, image, said, truth in zip(grid, images, says, truths):
        padded = np.pad(image, ((0, 0), (0, widest - image.shape[1])))
        axes.imshow(255 - padded, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
        axes.text(0, -0.06, as_text(reading_of(said, truth), room), transform=axes.transAxes, ha="left", va="top",
                  fontsize=10, color=GREEN if said == truth else RED)  # fmt: skip
    figure.tight_layout(h_pad=1.4)
    figure.suptitle(title, fontsize=11, y=1.02 + 0.1 / rows)
    return save(figure, path)


def columns_picture(path: Path, image: Array, logits: Array, alphabet: Alphabet, title: str = "") -> Path:
    """What each column of a line says: the probability of every label above the line, column above column.

    Args:
        image: (32, W) uint8, ink bright.
        logits: (T, classes) of its columns.
        title: "" for what the best path reads.
    """
    p = np.exp(log_softmax.forward(logits)[0])
    columns, classes = p.shape
    strong = [k for k in range(1, classes) if p[:, k].max() > SHOWN]
    best = p.argmax(axis=1)
    first = {k: int((best == k).argmax() if (best == k).any() else p[:, k].argmax()) for k in strong}
    order = [*sorted(sorted(strong, key=lambda k: -p[:, k].max())[:24], key=lambda k: first[k]), 0]  # the blank below
    (path_labels,) = best_path(logits[None], np.array([columns]))
    text = alphabet.decode(path_labels)
    width = float(np.clip(columns * 0.16, 6, 22))
    high = 0.24 * len(order) + 0.3
    line = width * 32 / (columns * STRIDE)
    figure = plots._figure(figsize=(width + 1.0, high + line + 1.3))
    top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [high, line], "hspace": 0.06})
    top.imshow(p[:, order].T, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest",
               extent=(0, columns, len(order) - 0.5, -0.5))  # fmt: skip
    names = [alphabet.characters[k - 1] if k else "blank" for k in order]
    names = ["space" if name == " " else as_text(name) for name in names]
    top.set_yticks(range(len(order)), names, fontsize=10)
    top.tick_params(length=0, labelbottom=False)
    top.set_ylabel("label", fontsize=9, color=GREY)
    padded = np.pad(image, ((0, 0), (0, columns * STRIDE - image.shape[1])))
    bottom.imshow(255 - padded, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="bilinear",
                  extent=(0, columns, 32, 0))  # fmt: skip
    bottom.set_yticks([])
    bottom.set_xlabel(f"column (each {STRIDE} pixels wide)", fontsize=9, color=GREY)
    begins = [t for t in range(columns) if best[t] and (t == 0 or best[t] != best[t - 1])]
    for t in begins:
        end = next((u for u in range(t, columns) if best[u] != best[t]), columns)
        peak = t + int(p[t:end, best[t]].argmax()) + 0.5
        for axes in (top, bottom):
            axes.axvline(peak, color=RED, linewidth=0.7, alpha=0.55)
        row = order.index(int(best[t]))
        chance = float(p[t:end, best[t]].max())
        top.plot(peak, row, "o", markersize=3, color=RED if chance < 0.5 else BLUE, markeredgecolor="white")
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
    top.set_title(as_text(title or f"reads: {text or '(nothing)'}"), fontsize=11, loc="left")
    return save(figure, path)
