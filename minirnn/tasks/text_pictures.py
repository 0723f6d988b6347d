"""What a run of the text system shows: its curves, and held-out text shaded by how much it surprised the model."""

from __future__ import annotations

from pathlib import Path

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.text import parts
from minirnn.tasks import text
from minirnn.tasks.text import System
from minirnn.train import LAST

SHOWN = 640  # characters


def pictures(system: System, folder: Path) -> list[Path]:
    """Curves, and the beginning of the validation part, character by character."""
    progress = load(folder / LAST)[1]["progress"]
    curves = plots.curves(
        folder / "curves.png", progress["losses"], progress["checks"], "bits_per_character",
        unit="nats per character", least=True,
    )  # fmt: skip
    model, _ = text.load_text(folder)
    first, last = parts(len(system.ids))["val"]
    last = min(last, first + SHOWN)
    shaded = plots.shaded_text(
        folder / "surprise.png",
        model.alphabet.decode(system.ids[first:last]),
        model.surprise(system.ids, first, last),
        "Text that the model was not trained on: the darker, the more bits a character took",
    )
    return [curves, shaded]
