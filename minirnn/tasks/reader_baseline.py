"""The baseline of strings of digits: a network for single digits that is told where each one begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.checkpoint import load, restore
from minirnn.data.digit_strings import HEIGHT, compose
from minirnn.data.images import to_float
from minirnn.data.line_sets import LineSets
from minirnn.data.lines import DigitLines, ImageLines
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.models.classifier import ClassifierConfig, classifier, init_classifier, log_probabilities
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Problem, TrainConfig, as_json
from minirnn.tasks.reading import judge
from minirnn.tasks.runs import resume_command
from minirnn.train import BEST

CUTS = "single-digits"  # folder of the baseline inside a run
TILE = 32  # columns of a digit that is cut out
LINES = 12  # composed for a batch
CONFIG = ClassifierConfig(classes=10, height=HEIGHT, width=TILE, channels=(16, 32, 64))


def tiles_of(images: Sequence[Array], cuts: Sequence[Array]) -> Array:
    """The digits of some lines, cut out and put into the middle of a tile of background: (M, 32, 32, 1) uint8."""
    tiles = np.zeros((sum(map(len, cuts)), HEIGHT, TILE, 1), np.uint8)
    k = 0
    for image, places in zip(images, cuts):
        for begin, end in places:
            wide = min(int(end - begin), TILE)
            left = (TILE - wide) // 2
            tiles[k, :, left : left + wide, 0] = image[:, begin : begin + wide]
            k += 1
    return tiles


def cuts_problem(
    sets: LineSets, config: TrainConfig, seed: int, meta: dict[str, Any], ops: Ops
) -> tuple[Problem, TrainConfig]:
    """What the training loop needs, and how to train it: on digits from composed lines, as they are judged."""
    source, val = sets.train, sets.held["val"]
    assert isinstance(source, DigitLines)
    params, running = init_classifier(np.random.default_rng([seed, 4]), CONFIG)

    def batch(indices: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        found = compose(rng, source.digits, source.labels, LINES)
        cuts = [cut[:length] for cut, length in zip(found.cuts, found.lengths)]
        labels = [row[:length] - 1 for row, length in zip(found.targets, found.lengths)]
        return to_float(tiles_of(list(found.images), cuts)), np.concatenate(labels)

    def score(params: Tree, running: Tree) -> dict[str, float]:
        return {"exact_match": judge(val.texts, read_cuts(val, params, running, ops))["exact_match"]}

    problem = Problem(
        classifier, params, running, len(source), batch, score, ("exact_match",),
        options={"config": CONFIG, "ops": ops},
        meta={**meta, "task": f"{meta['task']}: {CUTS}", "cuts": as_json(CONFIG)},
        updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update},
    )  # fmt: skip
    return problem, replace(config, batch=LINES, epochs=min(config.epochs, 8.0) / 4, checks=4)


def read_cuts(lines: ImageLines, params: Tree, running: Tree, ops: Ops) -> list[str]:
    """What stands on lines whose cuts are given."""
    tiles = tiles_of(lines.images, lines.cuts)
    found = [
        log_probabilities(to_float(tiles[k : k + 256]), running, params, config=CONFIG, ops=ops).argmax(axis=1)
        for k in range(0, len(tiles), 256)
    ]
    digits = "".join(map(str, np.concatenate(found).tolist()))
    ends = np.cumsum([len(cut) for cut in lines.cuts])
    return [digits[end - len(cut) : end] for end, cut in zip(ends, lines.cuts)]


def cuts_scores(folder: Path, lines: ImageLines, ops: Ops = FAST) -> dict[str, float]:
    """Exact match and error rates of the baseline that was trained with a run.

    Raises:
        DataError: it has not been trained yet.
    """
    path = folder / CUTS / BEST
    if not path.exists():
        raise DataError(f"{folder} has no baseline yet; go on with: {resume_command('reader', folder)}")
    arrays, _ = load(path)
    params, running = restore(init_classifier(np.random.default_rng(0), CONFIG), dict(arrays), "model", str(path))
    return judge(lines.texts, read_cuts(lines, params, running, ops))
