"""Clips of a digit that moves: the same seed draws the same clips.

The picture has no border: what leaves it on one side comes in on the other. A clip begins anywhere, so that every frame
of every motion looks the same on average: no single frame tells the motion. Six of the eight motions come in pairs of
which one is the other played backwards; frames without their order can tell the pair, from how the places of a clip lie
to each other, but not which of the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minirnn.data.digit_strings import SIDE, stroke_digits
from minirnn.data.idx import read_labelled
from minirnn.errors import DataError
from minirnn.pair import Array

Rng = np.random.Generator

MOTIONS = ("left", "right", "up", "down", "clockwise", "anticlockwise", "zigzag", "still")
DIGITS = tuple("0123456789")
FRAMES, SIZE = 12, 32  # frames of a clip, and their side in pixels
SCALE = (0.6, 0.8)  # of the digit's picture
SPEED = (1.4, 2.8)  # pixels a frame
RADIUS = (3.5, 6.0)  # of a circle, in pixels: 12 frames are at least five twelfths of it
LEAN = 12.0  # degrees by which a straight way may lean
TURN = (2, 4)  # frames after which a zigzag turns, the second not included
TREMBLE = 0.25  # pixels: spread of each place around its way
PARTS = {"train": 2_000, "val": 300, "test": 500}  # digits that are drawn where no pictures are given
HELD_OUT = 5_000  # of MNIST's training pictures, for validation; at most a tenth


class Digits(NamedTuple):
    """Pictures of single digits."""

    images: Array  # (M, 28, 28) uint8, ink bright on a dark ground
    labels: Array  # (M,) int64


class Clips(NamedTuple):
    """Clips and what is to be told of them."""

    frames: Array  # (N, T, S, S) uint8
    motions: Array  # (N,) int64, places in MOTIONS
    digits: Array  # (N,) int64


def digit_splits(data: str = "drawn", seed: int = 0) -> dict[str, Digits]:
    """Digits to move: train, val and test, none in two of them.

    Args:
        data: "drawn", or the folder of MNIST's four IDX files; its test files are the test split.
        seed: of the drawn digits, and of what is held out of the training files.
    Raises:
        DataError, FileNotFoundError: as `read_labelled`; pictures of another size, labels that are no digits.
    """
    if data == "drawn":
        return {
            name: Digits(*stroke_digits(count, seed * len(PARTS) + k)) for k, (name, count) in enumerate(PARTS.items())
        }
    folder = Path(data)
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; expected 'drawn' or the folder of MNIST's IDX files")
    both, test = (_digits(folder, part) for part in ("train", "t10k"))
    order = np.random.default_rng([seed, 4]).permutation(len(both.labels))
    val, train = np.split(order, [max(1, min(HELD_OUT, len(order) // 10))])
    return {
        "train": Digits(both.images[train], both.labels[train]),
        "val": Digits(both.images[val], both.labels[val]),
        "test": test,
    }


def _digits(folder: Path, part: str) -> Digits:
    images, labels = read_labelled(folder, part)
    if images.shape[1:3] != (SIDE, SIDE) or labels.max() > 9 or len(np.unique(labels)) < 2:
        size = f"{images.shape[1]} x {images.shape[2]}"
        raise DataError(
            f"{folder} ({part}) holds pictures of {size} pixels with labels from {labels.min()} to {labels.max()};"
            f" expected {SIDE} x {SIDE} and digits from 0 to 9, two of them at least"
        )
    return Digits(images[..., 0], labels)


def fingerprint(digits: Mapping[str, Digits]) -> str:
    """Changes when any picture or label of the training and validation digits does."""
    parts = (np.ascontiguousarray(array).tobytes() for name in ("train", "val") for array in digits[name])
    return hashlib.sha256(b"".join(parts)).hexdigest()


def draw_clips(
    rng: Rng, digits: Digits, which: Array, *, frames: int = FRAMES, size: int = SIZE, motions: Array | None = None
) -> Clips:
    """One clip for each digit that `which` names.

    Args:
        rng: where all that is random comes from.
        which: (N,) integers, places in `digits`.
        frames, size: T and S of the clips.
        motions: (N,) integers, places in MOTIONS; None draws them.
    Raises:
        ValueError: a clip of fewer than 2 frames, or so small that the digit meets itself at the other side.
    """
    if frames < 2 or size < 24:
        raise ValueError(f"frames = {frames}, size = {size}; expected at least 2 and 24")
    N = len(which)
    motions = rng.integers(len(MOTIONS), size=N) if motions is None else motions
    places = _ways(rng, motions, frames) + rng.uniform(0, size, (N, 1, 2))
    scale = rng.uniform(*SCALE, N)
    shown = draw_moving(digits.images[which], places, scale, size, around=True)
    return Clips(np.rint(shown).astype(np.uint8), motions, digits.labels[which])


def _ways(rng: Rng, motions: Array, T: int) -> Array:
    """Where a clip of each motion goes from its beginning: (N, T, 2) pixels y (down), x."""
    N, t = len(motions), np.arange(T)
    speed, radius = rng.uniform(*SPEED, (N, 1)), rng.uniform(*RADIUS, (N, 1))
    names = np.array(MOTIONS)[motions]
    aim = np.zeros((N, 1))  # straight ways: the angle they go, 0 to the right, 90 down
    for name, degrees in (("right", 0.0), ("down", 90.0), ("left", 180.0), ("up", 270.0)):
        aim[names == name] = degrees
    aim = np.deg2rad(aim + rng.uniform(-LEAN, LEAN, (N, 1)))
    straight = np.stack([np.sin(aim), np.cos(aim)], axis=2) * (speed * t)[..., None]

    turn = np.where(names == "clockwise", 1, -1)[:, None] * speed / radius  # y is down: a growing angle is clockwise
    angle = rng.uniform(0, 2 * np.pi, (N, 1)) + turn * t
    circle = radius[..., None] * np.stack([np.sin(angle), np.cos(angle)], axis=2)

    period = rng.integers(*TURN, (N, 1))
    phase = (t + rng.integers(0, 2 * TURN[1], (N, 1))) % (2 * period)
    across = speed * np.minimum(phase, 2 * period - phase)  # forth and back
    along = 0.6 * speed * t * rng.choice([-1, 1], (N, 1))
    zigzag = np.stack([across, along], axis=2)
    lying = rng.random(N) < 0.5
    zigzag[lying] = zigzag[lying][:, :, ::-1]

    round_about = np.isin(names, ("clockwise", "anticlockwise"))
    way = np.where(round_about[:, None, None], circle, straight)
    way = np.where((names == "zigzag")[:, None, None], zigzag, way) * (names != "still")[:, None, None]
    out: Array = way + rng.normal(0, TREMBLE, way.shape)
    return out


def draw_moving(images: Array, places: Array, scale: Array, size: int, *, around: bool = False) -> Array:
    """Pictures at places of their own in every frame, bilinear.

        frame[y, x] = sum over i, j of rows[y, i] * picture[i, j] * columns[x, j]

    Args:
        images: (N, 28, 28) uint8.
        places: (N, T, 2): the middle of the picture in each frame, y and x in pixels; pixel k reaches from k to k + 1.
        scale: (N,), pixels of the frame for a pixel of the picture.
        size: S.
        around: whether what leaves on one side comes in on the other.
    Returns:
        (N, T, S, S) float32, 0 to 255.
    """
    rows, columns = (_hats(places[:, :, k], scale, size, images.shape[1], around) for k in (0, 1))
    out: Array = rows @ images[:, None].astype(np.float32) @ columns.swapaxes(2, 3)
    return out


def _hats(middle: Array, scale: Array, size: int, side: int, around: bool) -> Array:
    """How much pixel k of a line of the frame takes of pixel i of a line of the picture: (N, T, S, side)."""
    away = np.arange(size) + 0.5 - middle[..., None]  # (N, T, S)
    if around:
        away = (away + size / 2) % size - size / 2
    there = (away / scale[:, None, None] + (side - 1) / 2).astype(np.float32)
    out: Array = np.maximum(0, 1 - np.abs(there[..., None] - np.arange(side, dtype=np.float32)))
    return out


def clip_split(digits: Digits, count: int, seed: int, *, frames: int = FRAMES, size: int = SIZE) -> Clips:
    """`count` clips of these digits, every motion equally often (but for a rest), every digit before any comes again.

    Raises:
        ValueError: a count below 1; as `draw_clips`.
    """
    if count < 1:
        raise ValueError(f"count is {count}; expected at least 1")
    rng = np.random.default_rng([seed, 5])
    which = in_turn(rng, len(digits.labels), count)
    motions = rng.permutation(np.arange(count) % len(MOTIONS))
    return draw_clips(rng, digits, which, frames=frames, size=size, motions=motions)


def in_turn(rng: Rng, n: int, count: int) -> Array:
    """`count` of the places 0 to n - 1, shuffled, every one before any comes again."""
    return np.concatenate([rng.permutation(n) for _ in range(-(-count // n))])[:count]
