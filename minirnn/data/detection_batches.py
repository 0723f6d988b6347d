"""What a detector learns from: pictures with boxes, a little different every time, and what each anchor is to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minirnn.boxes import Truth, areas, iou
from minirnn.data.detection import BoxedImages
from minirnn.data.images import to_float
from minirnn.errors import DataError
from minirnn.models.detector import DetectorConfig, anchor_boxes, shifted, shifts_to
from minirnn.pair import Array

THING, NOTHING = 0.6, 0.4  # an anchor that overlaps a thing so much stands for it; one that does so less, for none
SMALLEST = 2.0  # pixels: boxes with a shorter side are slips of the pen
KEPT = 0.5  # share of a box that must remain in the picture for it to count
ROUNDS = 100  # of k-means


@dataclass(frozen=True)
class Change:
    """How much a picture may change; each amount is drawn evenly from minus to plus."""

    zoom: float = 0.2  # logarithm of the size
    shift: float = 0.15  # share of the side, each way
    light: float = 0.15  # of full brightness
    contrast: float = 0.2  # share
    colour: float = 0.1  # share, each colour by itself
    mirror: bool = True  # left and right exchanged, half of the time
    upside: bool = False  # top and bottom exchanged, half of the time


class Targets(NamedTuple):
    """What each anchor of each cell is to say; see `minirnn.models.detector.detector_forward`."""

    things: Array  # (R, S, A) booleans
    counts: Array  # (R, S, A) booleans
    shifts: Array  # (R, S, A, 4) float32
    labels: Array  # (R, S, A) int64


@dataclass(frozen=True)
class Batches:
    """Training examples as the detector takes them."""

    split: BoxedImages
    config: DetectorConfig
    change: Change

    def __call__(self, indices: Array, rng: np.random.Generator) -> tuple[Array, ...]:
        """(images, things, counts, shifts, labels) of some pictures."""
        images, targets = [], []
        for k in indices:
            image, truth = changed(self.split.images[k], self.split.truth[k], self.change, rng)
            images.append(image)
            targets.append(targets_of(truth, self.config))
        return (np.stack(images), *(np.stack(part) for part in zip(*targets)))


def find_anchors(truth: tuple[Truth, ...], count: int) -> tuple[tuple[float, float], ...]:
    """Widths and heights of `count` boxes that boxes of the training pictures are close to, the smallest first.

    k-means, where close means a large IoU of two boxes around one centre; it begins at boxes from the smallest to the
    largest, so that nothing is drawn at random.

    Raises:
        DataError: there are fewer boxes of at least two pixels a side than `count`.
    Source: Redmon and Farhadi 2017.
    """
    sizes = np.concatenate([t.boxes[:, 2:] - t.boxes[:, :2] for t in truth] or [np.zeros((0, 2))])
    sizes = sizes[sizes.min(axis=1) >= SMALLEST]
    if len(sizes) < count:
        raise DataError(f"the training pictures have {len(sizes)} boxes of at least {SMALLEST:g} pixels a side;"
                        f" expected at least {count}")  # fmt: skip
    sizes = sizes[np.argsort(sizes.prod(axis=1), kind="stable")]
    area = sizes.prod(axis=1)
    first = np.geomspace(area[0], area[-1], 2 * count + 1)[1::2]
    means = sizes[np.abs(np.log(area[:, None] / first)).argmin(axis=0)]
    for _ in range(ROUNDS):
        nearest = _shape_iou(sizes, means).argmax(axis=1)
        new = np.stack([sizes[nearest == k].mean(axis=0) if (nearest == k).any() else means[k] for k in range(count)])
        if np.array_equal(new, means):
            break
        means = new
    means = means[np.argsort(means.prod(axis=1), kind="stable")]
    return tuple((round(float(w), 1), round(float(h), 1)) for w, h in means)


def _shape_iou(a: Array, b: Array) -> Array:
    """IoU of boxes of sizes (A, 2) and (B, 2) around one centre: (A, B)."""
    inter = np.minimum(a[:, None], b[None]).prod(axis=2)
    out: Array = inter / (a.prod(axis=1)[:, None] + b.prod(axis=1)[None] - inter)
    return out


def targets_of(truth: Truth, config: DetectorConfig) -> Targets:
    """What each anchor is to say of a picture.

    An anchor stands for the thing that it overlaps most, if by an IoU of at least `THING`; and of the anchors in the
    cell of a thing's centre the one of the best shape stands for it in any case. Anchors between `NOTHING` and `THING`,
    and those on difficult things, do not count.
    """
    anchors = anchor_boxes(config)
    R, S, A = config.grid
    sides = (truth.boxes[:, 2:] - truth.boxes[:, :2]).min(axis=1, initial=np.inf)
    plain = ~truth.difficult & (sides >= SMALLEST)
    things, counts = np.zeros((R, S, A), bool), np.ones((R, S, A), bool)
    shifts, labels = np.zeros((R, S, A, 4), np.float32), np.zeros((R, S, A), np.int64)
    if not len(truth.boxes):
        return Targets(things, counts, shifts, labels)
    flat = shifted(np.zeros((R * S * A, 4)), anchors.reshape(-1, 4))
    overlap = iou(flat, truth.boxes)
    counts.reshape(-1)[(overlap >= NOTHING).any(axis=1)] = False
    if not plain.any():
        return Targets(things, counts, shifts, labels)
    boxes, overlap = truth.boxes[plain], overlap[:, plain]
    owner = overlap.argmax(axis=1)
    of_thing = overlap.max(axis=1) >= THING
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 // config.stride
    column, row = np.minimum(centre, [S - 1, R - 1]).astype(int).T
    shape = _shape_iou(boxes[:, 2:] - boxes[:, :2], np.array(config.anchors)).argmax(axis=1)
    sure = (row * S + column) * A + shape
    owner[sure], of_thing[sure] = np.arange(len(boxes)), True
    things.reshape(-1)[of_thing] = True
    counts.reshape(-1)[of_thing] = True
    mine = owner[of_thing]
    shifts.reshape(-1, 4)[of_thing] = shifts_to(boxes[mine], anchors.reshape(-1, 4)[of_thing])
    labels.reshape(-1)[of_thing] = truth.labels[plain][mine]
    return Targets(things, counts, shifts, labels)


def changed(image: Array, truth: Truth, change: Change, rng: np.random.Generator) -> tuple[Array, Truth]:
    """A picture changed at random, and its boxes with it.

    It is zoomed, shifted and mirrored; beyond its edge it goes on as its outermost pixels. A box of which less than
    `KEPT` remains inside is called difficult: it is neither to be found nor to be missed.

        x of the picture = (x of the result - W / 2) / (zoom * flip) + W / 2 - shift

    Args:
        image: (H, W, 3) uint8.
    Returns:
        (H, W, 3) float32 in [0, 1], and the boxes in it.
    """
    sides = np.array(image.shape[1::-1], float)  # W, H
    zoom = np.exp(rng.uniform(-1, 1) * change.zoom)
    flip = np.where((rng.random(2) < 0.5) & [change.mirror, change.upside], -1.0, 1.0)
    shift = rng.uniform(-1, 1, 2) * change.shift * sides
    x, y = (((np.arange(n) + 0.5 - n / 2) / (zoom * f) + n / 2 - s) for n, f, s in zip(sides, flip, shift))
    moved = _resampled(_resampled(to_float(image), y, 0), x, 1)
    colour = 1 + rng.uniform(-1, 1, 3) * change.colour
    gain, light = (1 + rng.uniform(-1, 1) * change.contrast) * colour, rng.uniform(-1, 1) * change.light
    gain, offset = gain.astype(np.float32), (0.5 + light - 0.5 * gain).astype(np.float32)
    moved *= gain
    moved += offset
    np.clip(moved, 0, 1, out=moved)
    return moved, _moved(truth, zoom * flip, shift, sides)


def _moved(truth: Truth, scale: Array, shift: Array, sides: Array) -> Truth:
    """The boxes of a picture that was changed."""
    ends = (truth.boxes.reshape(-1, 2, 2) + shift - sides / 2) * scale + sides / 2
    whole = np.concatenate([ends.min(axis=1), ends.max(axis=1)], axis=1)
    inside = np.clip(whole, 0, np.tile(sides, 2))
    share = areas(inside) / areas(whole)
    some = share > 0
    return Truth(inside[some], truth.labels[some], (truth.difficult | (share < KEPT))[some])


def _resampled(image: Array, places: Array, axis: int) -> Array:
    """Rows (axis 0) or columns (axis 1) of a picture at places between them, counted from the outer edge (linear)."""
    n = image.shape[axis]
    at = np.clip(places - 0.5, 0, n - 1)
    first = np.minimum(at.astype(int), max(n - 2, 0))
    share = (at - first).astype(image.dtype)
    share = share[:, None, None] if axis == 0 else share[None, :, None]
    low: Array = image.take(first, axis)
    high = image.take(np.minimum(first + 1, n - 1), axis)
    high -= low
    high *= share
    low += high
    return low
