"""What a run of the detector is made of: its settings, and the model and training that go with a kind of data."""

from __future__ import annotations

from dataclasses import dataclass

from minirnn.data.detection import SCENES, BoxedImages
from minirnn.data.detection_batches import Change, find_anchors
from minirnn.models.detector import DetectorConfig
from minirnn.problem import TrainConfig

FLIPS = ("sideways", "both")
CHANNELS = {"scenes": (16, 32, 64), "voc": (16, 32, 64, 128)}
HEAD = {"scenes": (64,), "voc": (128, 128)}


@dataclass(frozen=True)
class Settings:
    """What a run of the detector is made of; stored with every checkpoint."""

    data: str = SCENES  # "scenes", or a folder in PASCAL VOC's layout
    seed: int = 0
    width: int = 0  # in pixels that pictures from files become; 0 for scenes
    height: int = 0
    anchors: int = 3  # boxes of a usual size
    flips: str = "sideways"  # how training pictures may be mirrored: sideways, or both ways
    skip_bad: bool = False  # leave unreadable pictures out

    @property
    def kind(self) -> str:
        """Of the data: scenes or voc."""
        return "scenes" if self.data == SCENES else "voc"

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of pictures from files; None for scenes."""
        return (self.height, self.width) if self.width else None


def multiple_of(kind: str) -> int:
    """Heights and widths of pictures must be multiples of this."""
    return int(2 ** len(CHANNELS[kind]))


def model_defaults(settings: Settings, train: BoxedImages) -> DetectorConfig:
    """The model for the pictures that it is to learn from."""
    _, height, width, _ = train.images.shape
    anchors = find_anchors(train.truth, settings.anchors)
    return DetectorConfig(len(train.classes), anchors, height, width, CHANNELS[settings.kind], HEAD[settings.kind])


def change_of(settings: Settings) -> Change:
    """How training pictures are changed."""
    return Change(upside=settings.flips == "both")


def train_defaults(settings: Settings) -> TrainConfig:
    """How to train it."""
    if settings.kind == "scenes":
        return TrainConfig(epochs=6, batch=16, lr=3e-3, checks=3, clip=10.0, optimiser="adamw", weight_decay=0.02,
                           seed=settings.seed)  # fmt: skip
    return TrainConfig(epochs=60, batch=8, lr=2e-3, checks=12, clip=10.0, optimiser="adamw", weight_decay=0.05,
                       seed=settings.seed)  # fmt: skip
