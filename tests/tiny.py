"""A captioner small enough for tests: a few drawn scenes, one second of training."""

from __future__ import annotations

from dataclasses import replace

from minirnn.data.captioning import build_vocabulary, scene_split
from minirnn.models.captioner_params import CaptionerConfig
from minirnn.ops import READABLE, Ops
from minirnn.problem import TrainConfig
from minirnn.tasks.captioning import Settings, System

TRAIN = TrainConfig(epochs=3, batch=8, checks=3, warmup=2, seed=1)  # 3 epochs of 32 pictures: 12 steps


def tiny_system(image: str = "every", cell: str = "lstm", ops: Ops = READABLE, pictures: int = 32) -> System:
    """A System on scenes of 16 pixels, with dropout so that its masks have to be right too."""
    splits = {"train": scene_split("train", 0, 16, pictures), "val": scene_split("val", 0, 16, 8)}
    vocabulary = build_vocabulary(splits["train"], 1)
    config = CaptionerConfig(
        vocab=len(vocabulary), image_size=16, channels=(4, 6), attend=1, features=8, embed=5, hidden=7, cell=cell,
        image=image, drop_image=0.1, drop_words=0.2,
    )  # fmt: skip
    return System(Settings(cell=cell, image=image), splits, vocabulary, config, ops)


def shorter(epochs: float) -> TrainConfig:
    """The training config with another length."""
    return replace(TRAIN, epochs=epochs)
