"""Scenes to follow a digit in: three digits move about and rebound, and a wall hides whatever passes behind it.

The digit to follow is named ("follow the 3"); the other two are other digits. In every scene it is hidden for a while,
and comes out again. The same seed draws the same scenes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minirnn.data.digit_strings import INK, SIDE
from minirnn.data.moving_digits import Digits, draw_moving, in_turn
from minirnn.errors import DataError
from minirnn.pair import Array

Rng = np.random.Generator

FRAMES, SIZE = 16, 48  # frames of a scene, and their side in pixels
OTHERS = 2  # digits that are not to be followed
SCALE = (0.8, 0.95)  # of a digit's picture
SPEED = (2.2, 4.0)  # pixels a frame
WALL = (14, 19)  # thickness in pixels, the last not included
GREY = (70, 130)  # of a wall
COVERED = 0.75  # share of the box behind the wall from which on a digit counts as hidden
HIDDEN = (2, 8)  # frames in which the digit to follow is hidden
TRIES, ROUNDS = 24, 1_000  # ways drawn at once for every scene that has none yet, and how often at most
INKED = 24  # pixels of a digit's picture that its ink may fill both ways: what is larger hardly fits behind a wall
APART = 8  # ways drawn for each of the others: the one that keeps away most is taken; it may still cross


class Scenes(NamedTuple):
    """Clips, the digit to follow in each, and where it is."""

    frames: Array  # (N, T, S, S) uint8
    digits: Array  # (N, 3) int64: what moves about, no two the same; the first is the one to follow
    boxes: Array  # (N, 3, T, 4) float32: x0, y0, x1, y1 of their ink in pixels, hidden or not
    hidden: Array  # (N, 3, T) bool: at least COVERED of a box is behind the wall


def draw_scenes(rng: Rng, digits: Digits, which: Array, *, frames: int = FRAMES, size: int = SIZE) -> Scenes:
    """One scene for each digit to follow that `which` names.

    Args:
        rng: where all that is random comes from.
        digits: as `require_hidable` asks.
        which: (N,) integers, places in `digits`.
        frames, size: T and S of the scenes.
    Raises:
        ValueError: too few frames, or a picture too small to hide in.
        DataError: fewer than three different digits, or one that is never hidden as long as it should be.
    """
    _require_different(digits.labels, "the digits")
    if frames < HIDDEN[1] or size < 2 * WALL[1]:
        raise ValueError(f"frames = {frames}, size = {size}; expected at least {HIDDEN[1]} and {2 * WALL[1]}")
    N = len(which)
    edges = ink_boxes(digits.images[which])
    scale = rng.uniform(*SCALE, N)
    places, walls = _hiding(rng, edges, scale, frames, size)
    labels, boxes = [digits.labels[which]], [boxes_at(edges, places, scale)]
    shown = draw_moving(digits.images[which], places, scale, size)
    for _ in range(OTHERS):
        other = _another(rng, digits.labels, np.stack(labels, axis=1))
        theirs, edges = rng.uniform(*SCALE, N), ink_boxes(digits.images[other])
        ways = _ways(rng, edges, theirs, APART, frames, size)
        gap = np.hypot(*np.moveaxis(ways - places[:, None], 3, 0)).mean(axis=2)
        way = ways[np.arange(N), gap.argmax(axis=1)]
        labels.append(digits.labels[other])
        boxes.append(boxes_at(edges, way, theirs))
        np.maximum(shown, draw_moving(digits.images[other], way, theirs, size), out=shown)
    pixel = np.arange(size) + 0.5
    for n, wall in enumerate(walls):
        x0, y0, x1, y1 = wall
        inside = np.outer((pixel > y0) & (pixel < y1), (pixel > x0) & (pixel < x1))
        shown[n, :, inside] = rng.integers(*GREY)
    every = np.stack(boxes, axis=1)
    hidden = _covered(every, walls[:, None, None]) >= COVERED
    inside = np.clip(every, 0, size).astype(np.float32)  # rounding may put an edge beyond the border
    return Scenes(np.rint(shown).astype(np.uint8), np.stack(labels, axis=1), inside, hidden)


def scene_split(digits: Digits, count: int, seed: int) -> Scenes:
    """`count` scenes of these digits, every digit before any comes again.

    Raises:
        ValueError: a count below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}; expected at least 1")
    rng = np.random.default_rng([seed, 6])
    return draw_scenes(rng, digits, in_turn(rng, len(digits.labels), count))


def require_hidable(digits: Digits, what: str) -> None:
    """Raise DataError unless scenes can be drawn of these digits; `what` they are, for the message."""
    _require_different(digits.labels, what)
    x0, y0, x1, y1 = ink_boxes(digits.images).T
    bare = ~np.asarray((digits.images >= INK).any(axis=(1, 2)))
    bad = np.flatnonzero(bare | (np.minimum(x1 - x0, y1 - y0) > INKED))
    if len(bad):
        n = bad[0]
        first = "no ink" if bare[n] else f"ink of {x1[n] - x0[n]:g} x {y1[n] - y0[n]:g} pixels"
        raise DataError(
            f"{what}: {len(bad)} of {len(bare)} pictures cannot be followed behind a wall (number {n + 1} has"
            f" {first}); expected bright ink on a dark ground, at most {INKED} pixels wide or high"
        )


def _require_different(labels: Array, what: str) -> None:
    known = np.unique(labels)
    if len(known) <= OTHERS:
        said = ", ".join(map(str, known)) or "none"
        raise DataError(f"{what}: {len(known)} different digits ({said}); expected at least {OTHERS + 1}")


def ink_boxes(images: Array) -> Array:
    """The box of the ink of pictures (N, 28, 28), from the picture's middle: (N, 4) x0, y0, x1, y1 in its pixels."""
    ink: Array = images >= INK
    out = []
    for axis in (1, 2):  # columns, rows
        line: Array = np.asarray(ink.any(axis=axis))
        out.append((line.argmax(axis=1), SIDE - line[:, ::-1].argmax(axis=1)))
    (x0, x1), (y0, y1) = out
    return np.stack([x0, y0, x1, y1], axis=1) - SIDE / 2


def boxes_at(edges: Array, places: Array, scale: Array) -> Array:
    """Ink boxes (N, 4) of pictures whose middle is at places (N, …, 2) y, x: boxes (N, …, 4) in pixels."""
    around = (edges * scale[:, None]).reshape(len(edges), *[1] * (places.ndim - 2), 4)
    out: Array = places[..., [1, 0, 1, 0]] + around
    return out


def _ways(rng: Rng, edges: Array, scale: Array, tries: int, T: int, size: int) -> Array:
    """Straight ways that rebound from the border: (N, tries, T, 2) y, x of the picture's middle; no ink leaves it."""
    N = len(edges)
    low = -(edges[:, [1, 0]] * scale[:, None])[:, None, None]  # the least y, x of the middle, and the most
    high = size - (edges[:, [3, 2]] * scale[:, None])[:, None, None]
    speed, angle = rng.uniform(*SPEED, (N, tries, 1, 1)), rng.uniform(0, 2 * np.pi, (N, tries, 1))
    begin = rng.uniform(0, 1, (N, tries, 1, 2)) * (high - low)
    velocity = speed * np.stack([np.sin(angle), np.cos(angle)], axis=3)
    far = (begin + velocity * np.arange(T)[:, None]) % (2 * (high - low))
    out: Array = low + np.minimum(far, 2 * (high - low) - far)
    return out


def _hiding(rng: Rng, edges: Array, scale: Array, T: int, size: int) -> tuple[Array, Array]:
    """A way and a wall for each digit, drawn until it is hidden as long as HIDDEN says, not at first or last.

    Raises:
        DataError: none is found.
    """
    N = len(edges)
    places, walls = np.zeros((N, T, 2)), np.zeros((N, 4))
    left = np.arange(N)
    for _ in range(ROUNDS):
        if not len(left):
            return places, walls
        ways = _ways(rng, edges[left], scale[left], TRIES, T, size)
        thick = rng.integers(*WALL, (len(left), TRIES))
        at = rng.integers(4, size - 4 - thick)
        full = np.full(at.shape, size)
        upright = rng.random(at.shape) < 0.5
        standing = np.stack([at, 0 * at, at + thick, full], axis=2)
        lying = np.stack([0 * at, at, full, at + thick], axis=2)
        wall = np.where(upright[..., None], standing, lying)
        share = _covered(boxes_at(edges[left], ways, scale[left]), wall[:, :, None])
        count = (share >= COVERED).sum(axis=2)
        seen = (share[:, :, 0] == 0) & (share[:, :, -1] < COVERED)
        good = seen & (count >= HIDDEN[0]) & (count <= HIDDEN[1])
        found, first = good.any(axis=1), good.argmax(axis=1)
        places[left[found]] = ways[found, first[found]]
        walls[left[found]] = wall[found, first[found]]
        left = left[~found]
    wide, high = edges[left[0], 2:] - edges[left[0], :2]
    raise DataError(f"no way hides ink of {wide:g} x {high:g} pixels; expected less of it, or a larger frame")


def _covered(boxes: Array, walls: Array) -> Array:
    """Share of each box (…, 4) that lies behind a wall (…, 4)."""
    wide, high = (
        np.maximum(0, np.minimum(boxes[..., k + 2], walls[..., k + 2]) - np.maximum(boxes[..., k], walls[..., k]))
        for k in (0, 1)
    )
    out: Array = wide * high / ((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))
    return out


def _another(rng: Rng, labels: Array, not_these: Array) -> Array:
    """For each row of `not_these` (N, ·) a place in `labels` that holds another one."""
    out = rng.integers(len(labels), size=len(not_these))
    for _ in range(TRIES):
        same = np.asarray((labels[out][:, None] == not_these).any(axis=1))
        if not same.any():
            return out
        out[same] = rng.integers(len(labels), size=int(same.sum()))
    for n, known in enumerate(not_these):  # nearly all are the same digit
        if labels[out[n]] in known:
            out[n] = rng.choice(np.flatnonzero(~np.isin(labels, known)))
    return out
