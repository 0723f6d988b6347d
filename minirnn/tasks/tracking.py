"""Following a digit behind a wall: data, model and training together, and the evaluation beside its baselines."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.checkpoint import restore
from minirnn.data.images import to_float
from minirnn.data.moving_digits import Digits, digit_splits, fingerprint
from minirnn.data.occlusions import Scenes, draw_scenes, require_hidable, scene_split
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.functional.activations import sigmoid
from minirnn.models.tracker import corners, track, tracker
from minirnn.models.tracker_params import TrackerConfig, init_tracker
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Checked, Note, Problem, Step, TrainConfig, as_json
from minirnn.tasks.runs import from_meta, open_run, resume_command
from minirnn.tasks.tracking_scores import filled, middle_box, scores
from minirnn.train import BEST, train

NAME = "tracker"
COUNTS = {"train": 200, "val": 200, "test": 1_000}  # scenes of each split when judging
BATCH = 16  # scenes at a time when only looking
BASELINE = "frame-by-frame"  # folder inside a run: the same CNN without recurrence
SHARE = 0.5  # of a time limit for the model; its baseline gets as much


@dataclass(frozen=True)
class Settings:
    """What a run is made of; stored with every checkpoint."""

    data: str = "drawn"  # "drawn" digits, or the folder of MNIST's IDX files
    seed: int = 0
    one_way: bool = False  # whether it knows only what was before; else what comes after as well


def train_defaults(settings: Settings, digits: int) -> TrainConfig:
    """How to train it, for so many training digits: an epoch follows each once, in a scene never seen before."""
    return TrainConfig(epochs=round(max(0.5, 24_000 / digits), 1), batch=8, lr=6e-3, clip=5.0, checks=8,
                       seed=settings.seed)  # fmt: skip


@dataclass(frozen=True)
class Tracker:
    """A trained tracker ready for use."""

    config: TrackerConfig
    params: Tree
    running: Tree
    ops: Ops = FAST

    def follow(self, frames: Array, asked: Array) -> tuple[Array, Array]:
        """Where a digit is in every frame.

        Args:
            frames: (N, T, S, S) uint8.
            asked: (N,), the digit to follow in each clip.
        Returns:
            boxes (N, T, 4), corners in pixels inside the frame; how probably it is hidden (N, T).
        """
        boxes, hidden = [], []
        for k in range(0, len(frames), BATCH):
            some = to_float(frames[k : k + BATCH])
            (out, _, _), _ = track.forward(
                some, asked[k : k + BATCH, None], self.running, self.params,
                config=self.config, training=False, ops=self.ops,
            )  # fmt: skip
            boxes.append(corners(out[:, 0, :, :4], self.config.size))
            hidden.append(sigmoid.forward(out[:, 0, :, 4])[0])
        return np.concatenate(boxes), np.concatenate(hidden)


@dataclass(frozen=True)
class Batches:
    """Training scenes: the digits that are named, each in a scene never seen before."""

    digits: Digits

    def __call__(self, indices: Array, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
        """(frames, digits, boxes, hidden) of some scenes: all three digits are followed."""
        scenes = draw_scenes(rng, self.digits, indices)
        return to_float(scenes.frames), scenes.digits, scenes.boxes, scenes.hidden


def scenes_of(digits: Mapping[str, Digits], split: str, seed: int) -> Scenes:
    """The scenes of a split to judge on."""
    return scene_split(digits[split], COUNTS[split], seed * len(COUNTS) + list(COUNTS).index(split))


@dataclass(frozen=True)
class System:
    """A tracker to be trained: data, model and settings together."""

    settings: Settings
    digits: Mapping[str, Digits]
    ops: Ops = FAST
    recurrent: bool = True
    sizes: Mapping[str, Any] | None = None  # of the model, instead of the defaults

    @property
    def config(self) -> TrackerConfig:
        """The shapes of the model."""
        return TrackerConfig(recurrent=self.recurrent, both=not self.settings.one_way, **(self.sizes or {}))

    @cached_property
    def val(self) -> Scenes:
        """The validation scenes."""
        return scenes_of(self.digits, "val", self.settings.seed)

    def problem(self) -> Problem:
        """What the training loop needs."""
        params, running = init_tracker(np.random.default_rng([self.settings.seed, 3]), self.config)

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            boxes, hidden = self.model(params, running).follow(self.val.frames, self.val.digits[:, 0])
            return scores(boxes, hidden > 0.5, self.val)

        return Problem(
            tracker, params, running, len(self.digits["train"].labels), Batches(self.digits["train"]), judge, ("iou",),
            options={"config": self.config, "ops": self.ops}, meta=self.meta,
            updates={"adam": fast_optim.adam_update, "adamw": fast_optim.adamw_update},
        )  # fmt: skip

    def model(self, params: Tree, running: Tree) -> Tracker:
        """The tracker with these parameters."""
        return Tracker(self.config, params, running, self.ops)

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint."""
        return {
            "task": NAME,
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "digits": fingerprint(self.digits),
        }


def build(settings: Settings) -> System:
    """Load or draw the digits."""
    return System(settings, load_digits(settings.data, settings.seed))


def load_digits(data: str, seed: int) -> dict[str, Digits]:
    """The digits of every split, all of which can be followed behind a wall.

    Raises:
        DataError, FileNotFoundError: as `digit_splits` and `require_hidable`.
    """
    digits = digit_splits(data, seed)
    for name, split in digits.items():
        require_hidable(split, f"{data} ({name})")
    return digits


def train_tracker(
    system: System, config: TrainConfig, folder: Path, *, resume: bool = False
) -> Generator[Step | Checked | Note, None, None]:
    """Train the tracker, then the same CNN without recurrence; each gets half of a time limit."""
    config = replace(config, share=SHARE)
    yield from train(system.problem(), config, folder, resume=resume)
    yield Note("now the baseline: frame by frame, the same CNN without recurrence")
    alone = replace(system, recurrent=False)
    yield from train(alone.problem(), config, folder / BASELINE, resume=resume)


def load_tracker(folder: Path, ops: Ops = FAST) -> tuple[Tracker, dict[str, Any]]:
    """The best model of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, NAME, NAME)
    config = from_meta(TrackerConfig, meta.get("model", {}), path)
    params, running = restore(init_tracker(np.random.default_rng(0), config), arrays, "model", path)
    return Tracker(config, params, running, ops), meta


def load_baseline(folder: Path, meta: Mapping[str, Any]) -> Tracker:
    """The frame-by-frame baseline of a run whose metadata is `meta`.

    Raises:
        DataError: there is none yet, or it belongs to another run.
    """
    if not (folder / BASELINE / BEST).exists():
        raise DataError(f"{folder} has no baseline yet; go on with: {resume_command(NAME, folder)}")
    alone, theirs = load_tracker(folder / BASELINE)
    if alone.config.recurrent or any(theirs[key] != meta[key] for key in ("settings", "digits")):
        raise DataError(f"{folder / BASELINE} is not the baseline of the run in {folder}; train it anew")
    return alone


def evaluate(folder: Path, scenes: Scenes, train: Scenes) -> dict[str, Any]:
    """Scores of a run on some scenes, beside baselines without a learned memory.

    Args:
        train: training scenes, for the baseline that looks at nothing.
    Returns:
        n (scenes), frames, hidden_frames, the scores, `hidden_ratio` (mean IoU in hidden frames, times that of
        `frame_by_frame`), and the scores of `baselines`: `middle` (a box of the mean size of training boxes, in the
        middle of the frame), `frame_by_frame` (the same CNN without recurrence), `last_seen` and `straight_line` (its
        boxes; where it says "hidden", the last one stays, or goes straight to the next one: a look into the future).
    """
    model, meta = load_tracker(folder)
    alone = load_baseline(folder, meta)
    asked = scenes.digits[:, 0]
    boxes, hidden = model.follow(scenes.frames, asked)
    theirs, chance = alone.follow(scenes.frames, asked)
    lost = chance > 0.5
    guesses = {
        "middle": np.broadcast_to(middle_box(train, model.config.size), scenes.boxes[:, 0].shape),
        "frame_by_frame": theirs,
        "last_seen": filled(theirs, lost, ahead=False),
        "straight_line": filled(theirs, lost, ahead=True),
    }
    mine = scores(boxes, hidden > 0.5, scenes)
    others = {name: scores(guess, lost & (name != "middle"), scenes) for name, guess in guesses.items()}
    return {
        "n": len(scenes.frames),
        "frames": int(scenes.hidden[:, 0].size),
        "hidden_frames": int(scenes.hidden[:, 0].sum()),
        "one_way": not model.config.both,
        **mine,
        "hidden_ratio": mine["iou_hidden"] / max(others["frame_by_frame"]["iou_hidden"], 1e-9),
        "baselines": others,
    }
