"""What a run of the captioner shows: curves, captioned pictures, attention maps, scores as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.captioning import CaptionSplit, middle
from minirnn.decode import Hypothesis
from minirnn.tasks import captioning
from minirnn.tasks.captioning import NO_IMAGE, System
from minirnn.tasks.task import Result
from minirnn.train import LAST

SHEET = 12  # pictures on a contact sheet


def pictures(system: System, folder: Path, split: str, data: CaptionSplit | None = None) -> list[Path]:
    """Curves and a contact sheet of captioned pictures; a map of the attention where there is one."""
    model, _ = captioning.load_captioner(folder)
    progress, blind = (load(f / LAST)[1]["progress"] for f in (folder, folder / NO_IMAGE))
    best = "exact_match" if system.drawn else "cider"
    made = [plots.curves(folder / "curves.png", progress["losses"], progress["checks"], best, blind=blind["losses"])]
    data = data or system.splits[split]
    some = data.take(np.arange(min(SHEET, len(data))))
    views = middle(some.images, model.config.image_size)
    captions = model.captions(some.images)
    sheet = plots.contact_sheet(
        folder / "captions.png", views, captions, some.references(), exact=system.drawn,
        title="What the model says of pictures that it was not trained on",
    )  # fmt: skip
    made.append(sheet)
    if model.config.image == "attention":
        longest = int(np.argmax([len(c) for c in captions]))
        (told,) = model.greedy(some.images[longest : longest + 1], maps=True)
        made.append(attention_map(model, some.images[longest], told, folder / "attention.png"))
    return made


def attention_map(model: captioning.Captioner, image: Any, told: Hypothesis, path: Path) -> Path:
    """Where the model looked at each word of the caption `told` of a picture (S, S, 3) uint8."""
    (view,) = middle(image[None], model.config.image_size)
    return plots.attention_map(path, view, model.text(told.words).split(), told.kept, model.config.grid)


def show_report(report: Result) -> str:
    """Scores beside the baselines, as a table."""
    names = [k for k in ("exact_match", "bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider") if k in report]
    rows = {"this model": report, **{k.replace("_", " "): v for k, v in report["baselines"].items()}}
    lines = [" " * 16 + "".join(f"{name:>13}" for name in names)]
    lines += [f"{label:<16}" + "".join(f"{row[name]:13.3f}" for name in names) for label, row in rows.items()]
    if "pointing" in report:
        lines.append(
            f"attention peaks on the shape being named: {report['pointing']:.1%} of the shape words in right captions"
        )
    return "\n".join(lines)
