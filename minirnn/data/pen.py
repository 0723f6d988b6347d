"""What the online reader reads of pen strokes: evenly spaced points, bent a little in training.

All items are scaled so that the height of their writing is about 1, wherever its tall letters and tails are, moved so
that their middle line is at 0, and batched with zeros behind the shorter ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minirnn.data.unipen_text import Ink
from minirnn.errors import DataError
from minirnn.pair import Array

Rng = np.random.Generator

SPACING = 0.1  # between points, in heights of the writing
POINT_FEATURES = 6
TOGETHER = 200  # items that are resampled at once: their numbers stay in the cache


class Track(NamedTuple):
    """An item as evenly spaced points."""

    points: Array  # (T, 2) float32
    first: Array  # (T,) bool: the first point of a stroke


def scale_of(inks: Sequence[Ink]) -> tuple[Array, Array]:
    """The middle line (n,) of each item's writing and its height (n,), which is 3.5 standard deviations of y.

    Every stretch of the path counts by its length, so that neither one tall letter nor the pen's speed matters.
    What is much wider than high (a dash) has a twentieth of its width; a dot has 1.
    """
    strokes = [np.asarray(s, np.float64) for ink in inks for s in ink.strokes]
    item = np.repeat(np.arange(len(inks)), [len(ink.strokes) for ink in inks])
    size = np.array([len(s) for s in strokes], np.int64)
    points, owner = np.concatenate(strokes), np.repeat(item, size)
    begins = np.concatenate([[0], np.cumsum(size)[:-1]])
    joined = np.ones(len(points), bool)
    joined[begins] = False
    leg = np.diff(points, axis=0, prepend=points[:1])
    length = np.where(joined, np.hypot(leg[:, 0], leg[:, 1]), 0)
    middle = points[:, 1] - leg[:, 1] / 2 * joined
    n = len(inks)
    starts = np.searchsorted(owner, np.arange(n))
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    whole = np.bincount(owner, length, n)
    weight = np.where(whole > 0, whole, 1)
    mean = np.where(whole > 0, np.bincount(owner, length * middle, n) / weight, low[:, 1])
    square = (middle - mean[owner]) ** 2 + (leg[:, 1] * joined) ** 2 / 12  # of a straight line, exactly
    height = 3.5 * np.sqrt(np.bincount(owner, length * square, n) / weight)
    height = np.maximum(height, (high[:, 0] - low[:, 0]) / 40)
    return mean, np.where(height > 0, height, 1)


def tracks_of(inks: Sequence[Ink]) -> list[Track]:
    """Every item as evenly spaced points; many are resampled at once, as `resample` does one stroke.

    Raises:
        DataError: a stroke that is not (n, 2) finite numbers.
    """
    return [track for k in range(0, len(inks), TOGETHER) for track in _tracks(inks[k : k + TOGETHER])]


def _tracks(inks: Sequence[Ink]) -> list[Track]:
    for ink in inks:
        require_ink(ink)
    middle, height = scale_of(inks)
    strokes = [
        (np.asarray(s, np.float64) - [ink.strokes[0][0, 0], m]) / h
        for ink, m, h in zip(inks, middle, height)
        for s in ink.strokes
    ]
    size = np.array([len(s) for s in strokes])
    begins = np.cumsum(size) - size
    points = np.concatenate(strokes)
    leg = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    leg[begins] = 1.0  # so that strokes lie apart
    along = np.cumsum(leg)
    start, length = along[begins], along[begins + size - 1] - along[begins]
    counts = np.where(length > 0, np.maximum(2, 1 + np.rint(length / SPACING)), 1).astype(np.int64)
    first = np.zeros(int(counts.sum()), bool)
    ends = np.cumsum(counts)
    first[ends - counts] = True
    step = np.arange(len(first)) - np.repeat(ends - counts, counts)
    at = np.repeat(start, counts) + step * np.repeat(length / np.maximum(counts - 1, 1), counts)
    at = np.minimum(at, np.repeat(start + length, counts))
    even = np.stack([np.interp(at, along, axis) for axis in points.T], axis=1).astype(np.float32)
    cuts = np.concatenate([[0], ends[np.cumsum([len(ink.strokes) for ink in inks]) - 1]])
    return [Track(even[i:j], first[i:j]) for i, j in zip(cuts[:-1], cuts[1:])]


def point_batch(tracks: Sequence[Track], rng: Rng | None = None) -> tuple[Array, Array]:
    """What the model reads of evenly spaced points.

    Per point: the step from the point before, in spacings, where the pen is down; the way above the paper to a stroke's
    first point, its logarithm taken so that long ways do not drown the rest; 1 for such a point; the height above the
    middle line.

    Args:
        rng: bends the items at random, in training; None leaves them as they are.
    Returns:
        features (N, T, 6) float32 and lengths (N,) int64.
    """
    lengths = np.array([len(t.points) for t in tracks], np.int64)
    xy, first = np.zeros((len(tracks), int(lengths.max()), 2), np.float32), np.zeros((len(tracks), lengths.max()), bool)
    for row, mark, t in zip(xy, first, tracks):
        row[: len(t.points)], row[len(t.points) :], mark[: len(t.points)] = t.points, t.points[-1], t.first
    if rng is not None:
        xy = bend(xy, rng)
    step = np.diff(xy, axis=1, prepend=xy[:, :1])
    lifted = first[:, :, None]
    drawn = np.where(lifted, 0, step / np.float32(SPACING))
    moved = np.where(lifted, 2 * np.sign(step) * np.log1p(np.abs(step)), 0)
    features = np.concatenate([drawn, moved, lifted, xy[:, :, 1:]], axis=2, dtype=np.float32)
    features[np.arange(features.shape[1]) >= lengths[:, None]] = 0
    return features, lengths


def bend(xy: Array, rng: Rng) -> Array:
    """Items (N, …, 2) each with a turn, a slant, a width, a height and a slow wave of its own."""
    n = len(xy)
    turn, slant = rng.normal(0, 0.08, n), rng.normal(0, 0.2, n)
    wide, high = np.exp(rng.normal(0, 0.15, n)), np.exp(rng.normal(0, 0.12, n))
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.empty((n, 2, 2))  # for rows x, y: x' = wide x + slant y, y' = high y, then the turn
    matrix[:, 0] = np.stack([wide * cos, wide * sin], axis=1)
    matrix[:, 1] = np.stack([slant * cos - high * sin, slant * sin + high * cos], axis=1)
    between = xy.reshape(n, -1, 2) @ matrix.astype(xy.dtype)
    size, pitch, phase = (v[:, None] for v in (rng.normal(0, 0.04, (n, 2)), rng.uniform(1, 4, (n, 2)),
                                               rng.uniform(0, 2 * np.pi, (n, 2))))  # fmt: skip
    wave = size * np.sin(pitch * between[:, :, :1] + phase)
    out: Array = (between + wave).astype(xy.dtype).reshape(xy.shape)
    return out


def require_ink(ink: Ink) -> None:
    """Raise DataError unless an item has strokes of finite points."""
    if not ink.strokes:
        raise DataError(f"{ink.label!r} of {ink.writer} has no stroke; expected at least one")
    for k, s in enumerate(ink.strokes):
        if np.ndim(s) != 2 or np.shape(s)[1] != 2 or not len(s):
            raise DataError(f"stroke {k} has shape {np.shape(s)}; expected (n, 2) with n of at least 1")
        if not math.isfinite(s.sum(dtype=np.float64)):
            raise DataError(f"stroke {k} holds NaN or infinity; expected coordinates")
