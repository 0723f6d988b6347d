"""What a run of the classifier shows: curves, pictures with what it says of them, the confusion matrix, a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.classification import LabelledImages
from minirnn.tasks.classification import Classifier, confusion
from minirnn.tasks.task import Result
from minirnn.train import LAST

FIRST, WRONG = 8, 8  # pictures on the sheet: the first of the split, and of those told wrong the surest


def pictures(model: Classifier, split: LabelledImages, folder: Path) -> list[Path]:
    """curves.png, classes.png and confusion.png, of pictures that the model was not trained on."""
    progress = load(folder / LAST)[1]["progress"]
    losses, checks = progress["losses"], progress["checks"]
    low = 0.9 if min(check["accuracy"] for check in checks) > 0.9 else 0.0
    curves = plots.curves(folder / "curves.png", losses, checks, "accuracy", unit="nats per picture", low=low)
    made = [curves]
    made.append(sheet(model, split, folder / "classes.png"))
    counts = confusion(model, split)
    title = f"{len(split)} validation pictures, {np.trace(counts) / counts.sum():.1%} right"
    made.append(plots.confusion(folder / "confusion.png", counts, model.classes, title))
    return made


def sheet(model: Classifier, split: LabelledImages, path: Path) -> Path:
    """Pictures with what the model says of them: the first, as they come, and those that it is most wrong about."""
    logp = model.log_probabilities(split.images)
    said = logp.argmax(axis=1)
    first = np.random.default_rng(0).permutation(len(split))[:FIRST]
    wrong = np.setdiff1d(np.flatnonzero(said != split.labels), first)
    worst = wrong[np.argsort(-logp[wrong, said[wrong]], kind="stable")][:WRONG]
    some = split.take(np.concatenate([first, worst]))
    images = np.repeat(some.images, 3, axis=3) if some.images.shape[3] == 1 else some.images[..., :3]
    says = [model.classes[k] for k in said[np.concatenate([first, worst])]]
    right = [[some.classes[k]] for k in some.labels]
    errors = int((said != split.labels).sum())
    title = f"{len(first)} validation pictures at random"
    if len(worst):
        title += f", then {len(worst)} more of the {errors} told wrong (of {len(split)})"
    return plots.contact_sheet(path, images, says, right, columns=4, exact=True, title=title)


def show_report(report: Result) -> str:
    """Accuracy beside the baselines, as a table."""
    neighbour = f"nearest neighbour of {report['neighbours']}"
    names = {"nearest_neighbour": neighbour, "grey_threshold": "best grey threshold"}
    rows = {"this model": report["accuracy"]}
    rows |= {names.get(name, name.replace("_", " ")): value for name, value in report["baselines"].items()}
    width = max(map(len, rows))
    lines = [f"{label:<{width}}  {value:7.2%}" for label, value in rows.items()]
    if len(report["per_class"]) > 1:
        worst = min(report["per_class"], key=report["per_class"].__getitem__)
        lines.append(f"hardest class: {worst}, {report['per_class'][worst]:.1%} right")
    return "\n".join(lines)
