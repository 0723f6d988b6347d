"""Gestures: where a fingertip was in 16 video frames, and which of a few movements that was.

A file holds one track a line: the number of the class, then 16 pairs x, y relative to the first point, in shares of the
picture's width and height, y down. `point_history_classifier_label.csv` beside it, one name a line, says what the
numbers mean; without it they are the four of `CLASSES`. Source of the format: K. Takahashi's
hand-gesture-recognition-using-mediapipe.

The lines of such a file are mostly windows that slide by one frame over a recording, so a track and the next share 15
of 16 points. Folds by row, as usual for this set, test on tracks whose neighbours were trained on; folds by recording
do not. `drawn_tracks` makes tracks of the four classes from a seed, each on its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minirnn.data.files import read_file
from minirnn.errors import DataError
from minirnn.pair import Array

POINTS = 16
CLASSES = ("stop", "clockwise", "counter clockwise", "move")
TRACK_FILE, NAME_FILE = "point_history.csv", "point_history_classifier_label.csv"
FOLDS = 5
GROUPS = ("row", "recording")  # what a fold is made of
LIMIT = 2.0  # a finger on screen cannot be further from its first point: coordinates are shares of the picture
ASPECT = 16 / 9  # width by height of the pictures that the tracks were taken from


@dataclass(frozen=True)
class Tracks:
    """Fingertip tracks with their classes."""

    xy: Array  # (N, POINTS, 2) float32, relative to the first point, shares of width and height, y down
    labels: Array  # (N,) integers, numbers in `names`
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.xy)

    def take(self, indices: Array) -> Tracks:
        """Some of the tracks."""
        return Tracks(self.xy[indices], self.labels[indices], self.names)


def load_tracks(source: Path) -> Tracks:
    """Read a file of tracks, or the one in a folder (`TRACK_FILE`).

    Raises:
        DataError: names file and line: not 33 values, no number, a value out of range, an unknown class; no track.
        FileNotFoundError: no such file.
    """
    path = Path(source) / TRACK_FILE if Path(source).is_dir() else Path(source)
    lines = _lines(path)
    names = _names(path.parent / NAME_FILE)
    labels, tracks = [], []
    for where, fields in lines:
        if len(fields) != 1 + 2 * POINTS:
            raise DataError(f"{where} holds {len(fields)} values; expected 33: a class and {POINTS} pairs x, y")
        if not fields[0].isdecimal() or int(fields[0]) >= len(names):
            known = ", ".join(f"{k} ({name})" for k, name in enumerate(names))
            raise DataError(f"{where}: the class is {fields[0]!r}; expected one of {known}")
        labels.append(int(fields[0]))
        tracks.append([_number(where, field) for field in fields[1:]])
    xy = np.array(tracks, np.float32).reshape(-1, POINTS, 2)
    return Tracks(xy - xy[:, :1], np.array(labels, np.int64), names)


def load_unlabelled(path: Path) -> Array:
    """The tracks (N, POINTS, 2) float32 of a file without classes, relative to their first points.

    Either 16 lines `x,y`, one track, or one track a line: 32 values, or 33 as in the training file.

    Raises:
        DataError: names file and line and what is wrong.
        FileNotFoundError: no such file.
    """
    lines = _lines(path)
    if len(lines[0][1]) == 2:
        if len(lines) != POINTS:
            raise DataError(f"{path} holds {len(lines)} points; expected {POINTS} lines x,y")
        lines = [(where, fields) for where, fields in lines]
        for where, fields in lines:
            if len(fields) != 2:
                raise DataError(f"{where} holds {len(fields)} values; expected 2: x and y, as in the lines above")
        rows = [[_number(where, field) for where, fields in lines for field in fields]]
    else:
        rows = []
        for where, fields in lines:
            if len(fields) not in (2 * POINTS, 2 * POINTS + 1):
                raise DataError(f"{where} holds {len(fields)} values; expected {POINTS} pairs x, y")
            rows.append([_number(where, field) for field in fields[-2 * POINTS :]])
    xy = np.array(rows, np.float32).reshape(-1, POINTS, 2)
    return xy - xy[:, :1]


def _lines(path: Path) -> list[tuple[str, list[str]]]:
    """The lines that are not empty: (file and line for messages, values)."""
    try:
        text = read_file(path, "a CSV file of fingertip tracks").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}); expected a CSV file of fingertip tracks") from error
    found = [
        (f"{path}, line {k}", [field.strip() for field in line.strip().split(",")])
        for k, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    if not found:
        raise DataError(f"{path} holds no track; expected one a line")
    return found


def _names(path: Path) -> tuple[str, ...]:
    """The names of the classes in the file beside the tracks; `CLASSES` where there is none."""
    if not path.is_file():
        return CLASSES
    try:
        lines = read_file(path, "names of classes, one a line").decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}); expected names of classes, one a line") from error
    names = tuple(line.strip().lower() for line in lines if line.strip())
    if len(names) < 2 or len(set(names)) < len(names):
        raise DataError(f"{path} names {len(names)} classes ({', '.join(names)}); expected at least 2, each once")
    return names


def _number(where: str, field: str) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: {field!r} is not a number; expected a coordinate")
    if abs(value) > LIMIT:
        raise DataError(f"{where}: {field} is too large; expected shares of the picture's width or height, not pixels")
    return value


def recordings(xy: Array) -> Array:
    """Which unbroken recording each track (N, POINTS, 2) belongs to: numbers that rise, (N,).

    A track goes on with the one before when it is the same window moved by one frame.
    """
    steps = np.diff(xy, axis=1)
    goes_on = np.abs(steps[1:, :-1] - steps[:-1, 1:]).max(axis=(1, 2), initial=0) < 1e-5
    return np.concatenate([[0], np.cumsum(~goes_on)])[: len(xy)]


def folds(tracks: Tracks, seed: int = 0, by: str = "row") -> Array:
    """Which of the `FOLDS` random folds, 0 to 4, each track is in: (N,).

    Args:
        by: "row": each track on its own; "recording": all tracks of an unbroken recording in one fold.
    Raises:
        DataError: fewer tracks (or recordings) than folds.
    """
    groups = np.arange(len(tracks)) if by == "row" else recordings(tracks.xy)
    count = int(groups[-1]) + 1 if len(groups) else 0
    if count < 2 * FOLDS:
        raise DataError(f"there are {count} {by}s of fingertip tracks; expected at least {2 * FOLDS}: two a fold")
    order = np.random.default_rng([seed, 4]).permutation(count)
    place = np.empty(count, np.int64)
    place[order] = np.arange(count) % FOLDS
    return place[groups]


def split_tracks(tracks: Tracks, fold: int, seed: int = 0, by: str = "row") -> dict[str, Tracks]:
    """One fold as `test`; of the rest a tenth as `val` (by row or by recording), the others as `train`."""
    held = folds(tracks, seed, by) == fold
    rest = np.flatnonzero(~held)
    groups = rest if by == "row" else recordings(tracks.xy)[rest]
    names = np.unique(groups)
    chosen = np.random.default_rng([seed, 5, fold]).permutation(names)[: max(1, len(names) // 10)]
    val = np.isin(groups, chosen)
    return {"train": tracks.take(rest[~val]), "val": tracks.take(rest[val]), "test": tracks.take(np.flatnonzero(held))}


def drawn_tracks(n: int, seed: int = 0) -> Tracks:
    """Draw `n` tracks of the four classes, as a hand before a camera makes them: unsteady, of many sizes and speeds."""
    rng = np.random.default_rng([seed, 6])
    labels = rng.integers(0, len(CLASSES), n)
    t = np.linspace(0, 1, POINTS)
    pace = t + rng.uniform(-0.5, 0.5, (n, 1)) * t * (1 - t)  # speeding up or slowing down
    size = np.exp(rng.uniform(np.log(0.02), np.log(0.15), (n, 1)))  # in shares of the height
    start, turn = rng.uniform(0, 2 * np.pi, (n, 1)), rng.uniform(0.4, 2.0, (n, 1)) * 2 * np.pi
    sense = np.where(labels == 1, 1.0, -1.0)[:, None]  # y is down: rising angles turn clockwise
    angle = start + sense * turn * pace
    circle = np.stack([size * np.cos(angle), rng.uniform(0.5, 1.0, (n, 1)) * size * np.sin(angle)], axis=2)
    bend = rng.uniform(-0.6, 0.6, (n, 1)) * pace  # a hand does not move along a ruler
    line = (
        rng.uniform(1, 6, (n, 1, 1))
        * (size * pace)[:, :, None]
        * np.stack([np.cos(start + bend), np.sin(start + bend)], axis=2)
    )
    xy = np.where((labels == 3)[:, None, None], line, circle)
    xy = np.where((labels == 0)[:, None, None], 0.0, xy)
    xy = xy + rng.normal(0, 1, xy.shape) * np.exp(rng.uniform(np.log(0.002), np.log(0.01), (n, 1, 1)))
    xy[:, :, 0] /= ASPECT
    return Tracks((xy - xy[:, :1]).astype(np.float32), labels, CLASSES)


def features(xy: Array) -> Array:
    """What the model reads of tracks (N, T, 2): (N, T, 7), of the dtype of `xy`.

    Per point: the step from the point before and the place, both relative to the size of the track and the place also
    to its middle, so that a large and a small circle look the same; the cosine and sine of the turn since the step
    before; the logarithm of the size, which tells a finger at rest from one that moves.
    """
    real = np.array([ASPECT, 1], xy.dtype)
    p = xy * real
    middle = p.mean(axis=1, keepdims=True)
    size = np.sqrt(((p - middle) ** 2).sum(axis=2).mean(axis=1))[:, None, None] + xy.dtype.type(1e-3)
    step = np.diff(p, axis=1, prepend=p[:, :1])
    before = np.concatenate([step[:, :1], step[:, :-1]], axis=1)
    length = np.linalg.norm(step, axis=2) * np.linalg.norm(before, axis=2) + xy.dtype.type(1e-6)
    cos = (step * before).sum(axis=2) / length
    sin = (before[:, :, 0] * step[:, :, 1] - before[:, :, 1] * step[:, :, 0]) / length
    spread = np.broadcast_to(np.log(size) + 3, (*xy.shape[:2], 1))
    parts = [3 * step / size, (p - middle) / size, cos[..., None], sin[..., None], spread]
    return np.concatenate(parts, axis=2).astype(xy.dtype, copy=False)


FEATURES = 7


def augment(xy: Array, rng: np.random.Generator) -> Array:
    """Tracks (N, T, 2) turned by up to 30 degrees, scaled by up to 1.3, squeezed, and shaken by the width of a hair."""
    n = len(xy)
    angle, scale = rng.uniform(-np.pi / 6, np.pi / 6, n), np.exp(rng.uniform(-1, 1, n) * np.log(1.3))
    squeeze = np.exp(rng.uniform(-0.15, 0.15, n))
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.stack([np.stack([cos * squeeze, sin * squeeze], 1), np.stack([-sin / squeeze, cos / squeeze], 1)], 1)
    real = np.array([ASPECT, 1])
    moved = np.einsum("ntd,nde->nte", xy * real, turn) / real
    moved += rng.normal(0, 0.001, xy.shape)
    return np.asarray(moved - moved[:, :1], xy.dtype)
