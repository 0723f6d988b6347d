"""What a run of the detector shows: curves, pictures with boxes, precision over recall, a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minirnn import plots
from minirnn.boxes import Curve, Found, Truth
from minirnn.checkpoint import load
from minirnn.data.detection import BoxedImages
from minirnn.pair import Array
from minirnn.tasks.detection import Detector, curves
from minirnn.tasks.task import Result
from minirnn.train import LAST

ON_SHEET, COLUMNS = 6, 3
COLOURS = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.RED, "#8e24aa", "#00838f", "#ad1457", "#5d4037")


def pictures(model: Detector, split: BoxedImages, folder: Path) -> list[Path]:
    """curves.png, boxes.png and precision_recall.png, of pictures that the model was neither trained nor chosen on."""
    progress = load(folder / LAST)[1]["progress"]
    unit = "weighted sum"
    found = model.find(split.images)
    some = np.sort(np.random.default_rng(0).permutation(len(split))[:ON_SHEET])
    shown = [above(found[k], model.threshold) for k in some]
    few = split.take(some)
    title = f"{len(some)} of {len(split)} test pictures, boxes with a score of at least {model.threshold:.2f}"
    return [
        plots.curves(folder / "curves.png", progress["losses"], progress["checks"], "map50", unit=unit),
        boxes_sheet(folder / "boxes.png", list(few.images), shown, split.classes, truth=few.truth, title=title),
        precision_recall(folder / "precision_recall.png", curves(found, split), split.classes, model.threshold),
    ]


def above(found: Found, threshold: float) -> Found:
    """The boxes with a score of at least `threshold`."""
    return Found(*(part[found.scores >= threshold] for part in found))


def boxes_sheet(
    path: Path, images: Sequence[Array], found: Sequence[Found], classes: Sequence[str], *,
    truth: Sequence[Truth] = (), names: Sequence[str] = (), scores: bool = False, title: str = "",
) -> Path:  # fmt: skip
    """Pictures (H, W, 3) uint8 with the boxes that were found, and thin dashed ones around what is there.

    Args:
        names: what stands above each picture.
        scores: whether each box carries its class and score.
    """
    classes = [plots.as_text(name) for name in classes]
    columns = min(COLUMNS, len(images))
    rows = -(-len(images) // columns)
    wide = 8.0 if columns == 1 else 4.4
    shape = max(image.shape[0] / image.shape[1] for image in images)
    figure = plots._figure(figsize=(wide * columns, (wide * min(shape, 1.6) + 0.2) * rows + 0.8))
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes in grid:
        axes.axis("off")
    for k, (axes, image, boxes) in enumerate(zip(grid, images, found)):
        axes.imshow(image, interpolation="nearest", extent=(0, image.shape[1], image.shape[0], 0))
        for box in truth[k].boxes if len(truth) else ():
            _draw(axes, box, "black", linewidth=0.9, linestyle=(0, (4, 3)))
        for box, score, label in zip(*boxes):
            colour = COLOURS[int(label) % len(COLOURS)]
            _draw(axes, box, colour, linewidth=1.6)
            if scores:
                place = {"textcoords": "offset points", "xytext": (1, -1), "ha": "left", "va": "top", "fontsize": 7.5}
                ground = {"facecolor": colour, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
                axes.annotate(f"{classes[int(label)]} {score:.2f}", box[:2], color="white", bbox=ground, **place)
        axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0))
        if len(names):
            axes.set_title(plots.as_text(names[k]), fontsize=9)
    _legend(figure, classes, found, bool(len(truth)))
    figure.suptitle(title, fontsize=12)
    figure.tight_layout(rect=(0, 0.7 / figure.get_figheight() / 2, 1, 1))
    return plots._save(figure, path)


def _draw(axes: Any, box: Array, colour: str, **line: Any) -> None:
    from matplotlib.patches import Rectangle

    left, top, right, bottom = box
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, **line))


def _legend(figure: Any, classes: Sequence[str], found: Sequence[Found], truth: bool) -> None:
    """The colour of each class, below the pictures; of many classes only those that occur."""
    from matplotlib.lines import Line2D

    there = {int(label) for f in found for label in f.labels} if len(classes) > len(COLOURS) else range(len(classes))
    lines = [Line2D([], [], color=COLOURS[k % len(COLOURS)], linewidth=2, label=classes[k]) for k in sorted(there)]
    if truth:
        lines.append(Line2D([], [], color="black", linewidth=0.9, linestyle=(0, (4, 3)), label="what is there"))
    if lines:
        figure.legend(handles=lines, loc="lower center", ncols=min(8, len(lines)), frameon=False, fontsize=10)


def precision_recall(path: Path, each: Sequence[Curve], classes: Sequence[str], threshold: float) -> Path:
    """Precision over recall, a line for each class that there is something to find of, a point at the threshold."""
    figure = plots._figure(figsize=(6, 4.6))
    axes = figure.subplots()
    for k, (c, name) in enumerate(zip(each, map(plots.as_text, classes))):
        if not c.truths:
            continue
        colour, label = (
            COLOURS[k % len(COLOURS)],
            f"{name}: {c.average_precision:.2f} ({c.truths} boxes)",
        )
        axes.plot(c.recall, c.precision, color=colour, linewidth=1.6, label=label)
        here = int((c.scores >= threshold).sum()) - 1
        if here >= 0:
            axes.plot(c.recall[here], c.precision[here], "o", color=colour, markersize=7, markeredgecolor="black")
    axes.set(xlabel="recall (share of the things that are found)", xlim=(0, 1.02), ylim=(0, 1.05))
    axes.set(ylabel="precision (share of the boxes that are right)")
    axes.set_title(f"Test pictures; points: score at least {threshold:.2f}", fontsize=10)
    axes.legend(title="average precision at IoU 0.5", frameon=False, loc="lower left", fontsize=9)
    plots._plain(axes)
    return plots._save(figure, path)


def show_report(report: Result) -> str:
    """Average precision beside the baseline, as a table."""
    usual = report["baselines"]["usual_boxes"]
    width = max(len("all classes"), *map(len, report["per_class"]))
    lines = [f"{'':<{width}}  {'boxes':>6} {'AP':>7} {'precision':>10} {'recall':>7} {'baseline AP':>12}"]
    rows = {**report["per_class"], "all classes": {**report, "average_precision": report["map50"]}}
    others = {**usual["per_class"], "all classes": usual["map50"]}
    for name, row in rows.items():
        cells = (row["average_precision"], row["precision"], row["recall"], others[name])
        ap, precision, recall, other = ("-" if cell is None else f"{cell:.1%}" for cell in cells)
        lines.append(f"{name:<{width}}  {row['boxes']:>6} {ap:>7} {precision:>10} {recall:>7} {other:>12}")
    lines.append(
        f"AP at IoU 0.5; precision and recall of boxes with a score of at least {report['threshold']:.2f}, chosen on"
        " the validation pictures. Baseline: in every picture the same boxes, of each class as many as usual, of its"
        " mean size."
    )
    return "\n".join(lines)
