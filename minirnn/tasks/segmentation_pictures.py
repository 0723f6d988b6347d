"""What a run of the segmenter shows: curves; pictures beside their masks, what was found, and what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.segmentation import Masked
from minirnn.pair import Array
from minirnn.tasks.segmentation import Segmenter
from minirnn.tasks.segmentation_scores import mask_scores
from minirnn.tasks.task import Result
from minirnn.train import LAST

SHEET = 3  # pictures on the sheet
COLUMNS = ("picture", "mask", "found", "wrong")


def pictures(model: Segmenter, split: Masked, folder: Path) -> list[Path]:
    """curves.png and masks.png, of pictures that the model was not trained on."""
    progress = load(folder / LAST)[1]["progress"]
    curves = plots.curves(folder / "curves.png", progress["losses"], progress["checks"], "f1", unit="nats per pixel")
    return [curves, sheet(model, split, folder / "masks.png", "validation pictures")]


def sheet(model: Segmenter, split: Masked, path: Path, what: str) -> Path:
    """The first pictures of a split in rows: picture, mask, what was found, and the errors in colours."""
    some = split.take(np.arange(min(SHEET, len(split))))
    figure = plots._figure(figsize=(10.4, 2.55 * len(some) + 0.9))
    grid = np.atleast_2d(figure.subplots(len(some), len(COLUMNS)))
    for k, (axes, image, truth) in enumerate(zip(grid, some.images, some.masks)):
        found = model.mask(image)
        shown = (image if image.shape[2] == 3 else image[..., 0], shade(truth, model), shade(found, model),
                 errors(image, found, truth))  # fmt: skip
        for cell, pixels, title in zip(axes, shown, COLUMNS):
            cell.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            cell.set(xticks=[], yticks=[])
            cell.spines[:].set_color("#bbbbbb")
            if k == 0:
                cell.set_title(title, fontsize=11)
        f1 = mask_scores([found], [truth])["f1"]
        axes[0].set_ylabel(f"{plots.as_text(some.names[k])}: F1 {f1:.2f}", fontsize=10)
    counted = f"{len(some)} of {len(split)}" if len(some) < len(split) else f"{len(some)}"
    figure.suptitle(f"{counted} {what}", fontsize=12, y=0.985)
    marks = ((plots.ORANGE, "found, but not in the mask"), (plots.BLUE, "in the mask, but missed"))
    for x, (colour, text) in zip((0.27, 0.6), marks):
        figure.text(x, 0.012, "\u25a0", color=colour, fontsize=13, ha="right", va="center")
        figure.text(x + 0.008, 0.012, text, fontsize=10, va="center")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    return plots._save(figure, path)


def shade(mask: Array, model: Segmenter) -> Array:
    """A mask as it is kept in a file: what was to be found in its own colour, 0 or 255."""
    return np.where(mask ^ (model.positive == "black"), np.uint8(255), np.uint8(0))


def errors(image: Array, found: Array, truth: Array) -> Array:
    """A pale picture with what was found too much in orange and what was missed in blue."""
    grey = image.mean(axis=2, keepdims=True)
    out = np.repeat(127 + grey / 2, 3, axis=2)
    for colour, wrong in ((plots.ORANGE, found & ~truth), (plots.BLUE, truth & ~found)):
        out[wrong] = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    painted: Array = out.astype(np.uint8)
    return painted


def show_report(report: Result) -> str:
    """Scores beside the baselines, as a table."""
    sigma = report["baselines"]["smoothed_threshold"]["sigma"]
    rows = {
        "this model": report,
        "this model, mean of four flips": report["with_flips"],
        f"best grey threshold, smoothed ({sigma:g} px)": report["baselines"]["smoothed_threshold"],
        "best grey threshold": report["baselines"]["grey_threshold"],
        "every pixel": report["baselines"]["everything"],
    }
    width = max(map(len, rows))
    lines = [f"{'':<{width}}      F1  precision  recall     IoU"]
    lines += [
        f"{name:<{width}}  {row['f1']:6.3f}  {row['precision']:9.3f}  {row['recall']:6.3f}  {row['iou']:6.3f}"
        for name, row in rows.items()
    ]
    worst = min(report["per_picture"], key=report["per_picture"].__getitem__)
    if report["n"] > 1:
        lines.append(f"hardest picture: {worst}, F1 {report['per_picture'][worst]:.3f}")
    return "\n".join(lines)
