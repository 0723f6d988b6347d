"""What a run of the classifier is made of: its settings, and the model and training that go with a kind of data."""

from __future__ import annotations

from dataclasses import dataclass

from minirnn.data.augment import Jitter
from minirnn.data.classification import LabelledImages
from minirnn.models.classifier import ClassifierConfig
from minirnn.problem import TrainConfig

SIZES = {"shapes": 32, "folder": 64}  # pixels a side; IDX and CIFAR-10 pictures keep their own
CHANNELS = {"shapes": (8, 16, 32), "idx": (12, 32, 80), "cifar10": (32, 64, 128), "folder": (16, 32, 64, 64)}
DROP = {"shapes": 0.1, "idx": 0.2, "cifar10": 0.4, "folder": 0.4}
JITTER = {
    "shapes": Jitter(shift=0.05),
    "idx": Jitter(shift=0.08, degrees=12, zoom=0.12, shear=0.15),  # digits: a mirrored one is none
    "cifar10": Jitter(shift=0.12, mirror=True),
    "folder": Jitter(shift=0.08, degrees=5, zoom=0.15, mirror=True),
}


@dataclass(frozen=True)
class Settings:
    """What a run of the classifier is made of; stored with every checkpoint."""

    data: str = "shapes"  # "shapes", or the folder of a set of labelled pictures
    kind: str = "shapes"  # of the data: shapes, idx, cifar10 or folder
    seed: int = 0
    size: int = 32  # side in pixels of drawn shapes and of pictures from files
    skip_bad: bool = False  # leave unreadable pictures out


def model_defaults(settings: Settings, train: LabelledImages) -> ClassifierConfig:
    """The model for a kind of data and the pictures that it is to learn from."""
    _, height, width, colours = train.images.shape
    channels = CHANNELS[settings.kind]
    while len(channels) > 1 and min(height, width) < 2 ** len(channels):
        channels = channels[:-1]
    return ClassifierConfig(len(train.classes), height, width, colours, channels, DROP[settings.kind])


def train_defaults(settings: Settings) -> TrainConfig:
    """How to train it."""
    kind, seed = settings.kind, settings.seed
    if kind == "shapes":
        return TrainConfig(epochs=12, batch=64, lr=5e-3, checks=6, optimiser="adamw", weight_decay=0.02, seed=seed)
    if kind == "folder":  # few checks: a small validation part is soon told all right, by models that are not settled
        return TrainConfig(epochs=60, batch=16, lr=2e-3, checks=3, optimiser="adamw", weight_decay=0.05, seed=seed)
    epochs = 12 if kind == "idx" else 20
    return TrainConfig(epochs=epochs, batch=64, lr=4e-3, checks=8, optimiser="adamw", weight_decay=0.02, seed=seed)
