"""What a run of the captioner is made of: its settings, and the model and training that go with a kind of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minirnn.models.captioner_params import CaptionerConfig
from minirnn.problem import TrainConfig


@dataclass(frozen=True)
class Settings:
    """What a run of the captioner is made of; stored with every checkpoint."""

    data: str = "scenes"  # "scenes", or the folder or file of a captioned photo set
    seed: int = 0
    cell: str = "lstm"
    image: str = "every"
    min_count: int = 1  # rarer words become <unk>
    max_words: int = 20  # longest caption
    augment: bool = False  # random crops and mirror images while training
    skip_bad: bool = False  # leave unreadable pictures and captions out


def settings_for(data: str, **chosen: Any) -> Settings:
    """The settings for a kind of data, with what the user chose."""
    photos = {} if data == "scenes" else {"min_count": 5, "augment": True}
    return Settings(data=data, **{**photos, **chosen})


def model_defaults(settings: Settings, vocab: int) -> CaptionerConfig:
    """The model for a kind of data: drawn scenes, or photographs."""
    chosen: dict[str, Any] = {"vocab": vocab, "cell": settings.cell, "image": settings.image}
    if settings.data == "scenes":
        return CaptionerConfig(**chosen, image_size=48, channels=(8, 24, 48, 96), features=256, embed=32, hidden=160)
    return CaptionerConfig(
        **chosen, image_size=64, channels=(16, 32, 64, 96, 96), features=128, glance=128, embed=128, hidden=192,
        drop_image=0.5, drop_words=0.4,
    )  # fmt: skip


def train_defaults(settings: Settings) -> TrainConfig:
    """How to train it."""
    if settings.data == "scenes":
        return TrainConfig(epochs=6, batch=64, lr=5e-3, clip=1.0, checks=6, seed=settings.seed)
    return TrainConfig(
        epochs=90, batch=16, lr=1e-3, optimiser="adamw", weight_decay=0.05, clip=5.0, checks=18, seed=settings.seed
    )
