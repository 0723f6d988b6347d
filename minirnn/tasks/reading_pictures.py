"""What the pictures of both readers share: which lines a sheet shows, and saving."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minirnn import plots

SHEET = 18  # lines in a sheet


def wrong_first(says: Sequence[str], truths: Sequence[str]) -> tuple[list[int], list[int]]:
    """Which lines a sheet shows, at most a third of it wrong ones, those in front; and all that are read right."""
    right = [k for k, (said, truth) in enumerate(zip(says, truths, strict=True)) if said == truth]
    wrong = sorted({*range(len(says))} - {*right})[: SHEET // 3]
    return [*wrong, *right[: SHEET - len(wrong)]], right


def reading_of(said: str, truth: str) -> str:
    """What stands below a line: what is read, and what is right where that is something else."""
    text = said or "(nothing)"
    return text if said == truth else f"{text}   (right: {truth})"


def save(figure: Any, path: Path) -> Path:
    """Write a figure; characters that the font does not have are drawn as boxes, without a word."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        return plots._save(figure, path)
