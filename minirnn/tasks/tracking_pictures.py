"""What a run of the tracker shows: curves, how good the boxes are around a hiding, scenes with boxes drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minirnn import plots
from minirnn.boxes import iou_of_pairs
from minirnn.checkpoint import load
from minirnn.data.frames import save_gif
from minirnn.data.occlusions import Scenes
from minirnn.pair import Array
from minirnn.tasks.tracking import Tracker
from minirnn.train import LAST

ROWS, COLUMNS = 6, 8  # scenes on the sheet, frames of each
REACH = 6  # frames before and after a hiding that begins or ends
TRUE, MODEL, LOST = "#1a7f37", "#e07b00", "#c62828"


def pictures(model: Tracker, alone: Tracker, scenes: Scenes, folder: Path) -> list[Path]:
    """curves.png, hiding.png and tracks.png, of scenes that the model was not trained on."""
    progress = load(folder / LAST)[1]["progress"]
    asked = scenes.digits[:, 0]
    boxes, chance = model.follow(scenes.frames, asked)
    theirs, _ = alone.follow(scenes.frames, asked)
    losses, checks = progress["losses"], progress["checks"]
    return [
        plots.curves(folder / "curves.png", losses, checks, "iou", unit="pixels and nats per frame"),
        hiding(scenes, boxes, theirs, folder / "hiding.png"),
        sheet(scenes, boxes, chance > 0.5, folder / "tracks.png"),
    ]


def around(hidden: Array) -> Array:
    """For each frame of (N, T) booleans, the frames since the first True of its row: below 0 before it."""
    first = np.where(hidden.any(axis=1), hidden.argmax(axis=1), 10**6)
    out: Array = np.arange(hidden.shape[1]) - first[:, None]
    return out


def hiding(scenes: Scenes, boxes: Array, theirs: Array, path: Path) -> Path:
    """Mean IoU by the number of frames since the digit was hidden first: the tracker's and frame by frame."""
    truth, hidden = scenes.boxes[:, 0], scenes.hidden[:, 0]
    since = around(hidden)
    figure = plots._figure(figsize=(7, 3.6))
    axes = figure.subplots()
    steps = np.arange(-REACH, REACH + 3)
    share = [float(hidden[since == k].mean()) if (since == k).any() else 0.0 for k in steps]
    axes.bar(steps, share, width=0.9, color=plots.GREY, alpha=0.22, label="share of scenes where it is hidden")
    for found, colour, name in ((boxes, plots.BLUE, "with a memory"), (theirs, plots.ORANGE, "frame by frame")):
        good = iou_of_pairs(found, truth)
        mean = [float(good[since == k].mean()) if (since == k).any() else np.nan for k in steps]
        axes.plot(steps, mean, marker="o", markersize=4, color=colour, label=f"mean IoU, {name}")
    axes.set(xlabel="frames since the digit was hidden first", ylim=(0, 1.02), xticks=steps)
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)
    plots._plain(axes)
    return plots._save(figure, path)


def sheet(scenes: Scenes, boxes: Array, lost: Array, path: Path) -> Path:
    """Scenes as rows of frames: the true box dashed, the model's as a line, in red where it says that it is hidden."""
    from matplotlib.lines import Line2D

    T = scenes.frames.shape[1]
    some = np.linspace(0, T - 1, min(COLUMNS, T)).round().astype(int)
    rows = min(ROWS, len(scenes.frames))
    figure = plots._figure(figsize=(1.35 * len(some), 1.42 * rows + 0.6))
    grid = figure.subplots(rows, len(some), squeeze=False)
    good = iou_of_pairs(boxes, scenes.boxes[:, 0])
    for n, line in enumerate(grid):
        for axes, t in zip(line, some):
            axes.imshow(scenes.frames[n, t], cmap="gray", vmin=0, vmax=255, interpolation="nearest",
                        extent=(0, *scenes.frames.shape[2:], 0))  # fmt: skip
            _box(axes, scenes.boxes[n, 0, t], TRUE, linestyle=(0, (3, 2)))
            _box(axes, boxes[n, t], LOST if lost[n, t] else MODEL)
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(f"{good[n, t]:.2f}", fontsize=8, color=plots.GREY, labelpad=2)
            if n == 0:
                axes.set_title(f"frame {t + 1}", fontsize=9)
        line[0].set_ylabel(f"follow the {scenes.digits[n, 0]}", fontsize=9)
    names: dict[str, tuple[str, Any]] = {
        "true box": (TRUE, "--"),
        "tracker": (MODEL, "-"),
        'tracker says "hidden"': (LOST, "-"),
    }
    keys = [Line2D([], [], color=colour, linestyle=style, label=name) for name, (colour, style) in names.items()]
    figure.subplots_adjust(wspace=0.06, hspace=0.22, top=0.9)
    figure.legend(handles=keys, loc="upper center", ncols=3, frameon=False, fontsize=9, bbox_to_anchor=(0.5, 0.985))
    figure.text(0.5, 0.985, "Validation scenes; below each frame its IoU", ha="center", fontsize=11)
    return plots._save(figure, path)


def _box(axes: Any, box: Array, colour: str, **style: Any) -> None:
    from matplotlib.patches import Rectangle

    x0, y0, x1, y1 = map(float, box)
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=colour, linewidth=1.4, **style))


def draw_tracks(frames: Array, boxes: Array, lost: Array, path: Path, *, zoom: int = 4) -> Path:
    """The frames (T, H, W, 3) uint8 with their boxes (T, 4) as an animated GIF: orange, in red where it is hidden."""
    from PIL import Image, ImageDraw

    zoom = max(1, min(zoom, 1200 // max(frames.shape[1:3])))
    out = []
    for frame, box, gone in zip(frames, boxes, lost):
        image = Image.fromarray(frame)
        image = image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)
        edges = [float(edge) * zoom for edge in box]
        ImageDraw.Draw(image).rectangle(edges, outline=LOST if gone else MODEL, width=2)
        out.append(np.array(image))
    return save_gif(path, np.stack(out))
