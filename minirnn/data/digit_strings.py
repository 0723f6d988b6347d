"""Lines of two to eight digits, composed from pictures of single digits: the same seed composes the same lines.

Every digit gets a size, a slant, a place above or below the middle and a distance from the one before, all drawn at
random; neighbours may touch. Where no pictures of digits are at hand (MNIST has them), `stroke_digits` draws some:
nothing is downloaded or stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from minirnn.pair import Array

Rng = np.random.Generator

HEIGHT = 32  # pixels of a line
SIDE = 28  # pixels of a digit's picture
TILE = 36  # room for one digit, widened by its slant
SCALE = (0.8, 1.1)
SLANT = 0.35  # largest shift of a row against the next, in pixels, to either side
RISE = 2.0  # largest shift up or down, in pixels
GAP = (-1, 7)  # pixels between the ink of neighbours; below 0 they overlap
MARGIN = (2, 9)  # pixels before the first and behind the last digit
ADVANCE = 10  # pixels from a digit's beginning to the next one's, at least: a reader needs two columns for each
INK = 48  # of 255: fainter pixels are no ink where distances are measured


class Lines(NamedTuple):
    """A batch of lines, the narrower ones padded with background on the right."""

    images: Array  # (N, 32, W) uint8: 0 is the background, 255 ink
    widths: Array  # (N,) int64, pixels
    targets: Array  # (N, U) int64: digit + 1, so that 0 is left for the blank; 0 behind a line's end
    lengths: Array  # (N,) int64, digits
    cuts: Array  # (N, U, 2) int64: first and last column + 1 of each digit's ink; 0 behind a line's end

    @property
    def texts(self) -> list[str]:
        """What stands there, as strings."""
        return [text_of(row[:length]) for row, length in zip(self.targets, self.lengths)]


def text_of(labels: Sequence[int] | Array) -> str:
    """Labels 1 to 10 as digits."""
    return "".join(str(int(label) - 1) for label in labels)


def compose(
    rng: Rng, digits: Array, labels: Array, n: int, *, least: int = 2, most: int = 8, padded: int | None = None,
    lengths: Array | None = None,
) -> Lines:  # fmt: skip
    """Compose `n` lines of `least` to `most` digits, each drawn from `digits` with replacement.

    Args:
        rng: where all that is random comes from.
        digits: (M, 28, 28) uint8, ink bright on a dark ground, as in MNIST.
        labels: (M,) integers from 0 to 9.
        n: number of lines, at least 1.
        least, most: digits per line, 1 <= least <= most.
        padded: width of the batch in pixels; None: as the widest line.
        lengths: (n,) integers of at least 1, digits of each line; None draws them.
    Raises:
        ValueError: arrays of other shapes or types, numbers out of range.
    """
    _require_digits(digits, labels)
    if n < 1 or not 1 <= least <= most:
        raise ValueError(f"n = {n}, least = {least}, most = {most}; expected n of at least 1 and 1 <= least <= most")
    if lengths is None:
        lengths = rng.integers(least, most + 1, size=n)
    elif lengths.shape != (n,) or lengths.min() < 1:
        raise ValueError(f"lengths have shape {lengths.shape}; expected {n} integers of at least 1")
    which = rng.integers(len(digits), size=int(lengths.sum()))
    tiles = _place(rng, digits[which])
    left, right = _ink(tiles)
    gaps = rng.integers(GAP[0], GAP[1] + 1, size=len(which))
    margins = rng.integers(MARGIN[0], MARGIN[1] + 1, size=(n, 2))
    firsts = np.concatenate([[0], np.cumsum(lengths)[:-1]])

    cuts = np.zeros((n, int(lengths.max()), 2), np.int64)
    targets = np.zeros(cuts.shape[:2], np.int64)
    widths = np.zeros(n, np.int64)
    for row, (first, length) in enumerate(zip(firsts, lengths)):
        at = int(margins[row, 0])
        for k in range(length):
            broad = int(right[first + k] - left[first + k])
            cuts[row, k] = at, at + broad
            at += max(broad + int(gaps[first + k]), ADVANCE)
        targets[row, :length] = labels[which[first : first + length]] + 1
        widths[row] = cuts[row, length - 1, 1] + margins[row, 1]

    wide = int(widths.max()) if padded is None else padded
    if wide < widths.max():
        raise ValueError(f"padded is {padded}; a line is {widths.max()} pixels wide")
    images = np.zeros((n, HEIGHT, wide), np.uint8)
    for row, (first, length) in enumerate(zip(firsts, lengths)):
        for k in range(length):
            begin, end = cuts[row, k]
            here, ink = images[row, :, begin:end], tiles[first + k, :, left[first + k] : right[first + k]]
            np.maximum(here, ink, out=here)
    return Lines(images, widths, targets, lengths, cuts)


def _place(rng: Rng, digits: Array) -> Array:
    """Each digit (M, 28, 28) with a size, slant and height of its own on a tile: (M, 32, 36) uint8, bilinear."""
    M = len(digits)
    scale = rng.uniform(*SCALE, (M, 1, 1))
    slant = rng.uniform(-SLANT, SLANT, (M, 1, 1))
    rise = rng.uniform(-RISE, RISE, (M, 1, 1))
    v = np.arange(HEIGHT)[:, None] - (HEIGHT - 1) / 2 - rise  # (M, 32, 1): where a pixel of the tile lies …
    u = np.arange(TILE)[None, None] - (TILE - 1) / 2 + slant * v
    y, x = v / scale + (SIDE - 1) / 2, u / scale + (SIDE - 1) / 2  # … in the digit's picture
    wide = np.zeros((M, SIDE + 2, SIDE + 2), np.float32)  # background all around
    wide[:, 1:-1, 1:-1] = digits
    y, x = np.clip(y + 1, 0, SIDE + 0.999), np.clip(x + 1, 0, SIDE + 0.999)
    i, j = y.astype(np.int64), x.astype(np.int64)
    b, a = (y - i).astype(np.float32), (x - j).astype(np.float32)
    start = np.arange(M)[:, None, None] * (SIDE + 2) ** 2 + i * (SIDE + 2) + j
    flat = wide.ravel()
    upper = flat[start] * (1 - a) + flat[start + 1] * a
    lower = flat[start + SIDE + 2] * (1 - a) + flat[start + SIDE + 3] * a
    out: Array = np.rint(upper * (1 - b) + lower * b).astype(np.uint8)
    return out


def _ink(tiles: Array) -> tuple[Array, Array]:
    """First column of each tile's ink and the one behind its last; the whole tile where there is none."""
    columns = tiles.max(axis=1) >= INK
    left, right = columns.argmax(axis=1), TILE - columns[:, ::-1].argmax(axis=1)
    return left, right


def _arc(x: float, y: float, rx: float, ry: float, first: float, last: float) -> list[tuple[float, float]]:
    """Points of an ellipse's arc; angles in degrees, 0 to the right, 90 down."""
    angles = np.radians(np.linspace(first, last, 13))
    return [(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in angles]


# The strokes of each digit in a square from 0 to 1, y down.
STROKES: tuple[tuple[list[tuple[float, float]], ...], ...] = (
    (_arc(0.5, 0.5, 0.27, 0.4, -90, 90) + _arc(0.5, 0.5, 0.27, 0.4, 90, 270),),
    ([(0.36, 0.26), (0.54, 0.1), (0.54, 0.9)],),
    ([*_arc(0.5, 0.32, 0.26, 0.22, 190, 395), (0.24, 0.9), (0.78, 0.9)],),
    (_arc(0.46, 0.3, 0.24, 0.2, 205, 450) + _arc(0.46, 0.7, 0.28, 0.2, 270, 515),),
    ([(0.6, 0.1), (0.22, 0.62), (0.8, 0.62)], [(0.62, 0.36), (0.62, 0.92)]),
    ([(0.74, 0.1), (0.34, 0.1), (0.31, 0.45), *_arc(0.47, 0.66, 0.28, 0.24, 240, 515)],),
    ([(0.66, 0.1), (0.42, 0.3), *_arc(0.5, 0.67, 0.25, 0.23, 190, -190)],),
    ([(0.22, 0.12), (0.78, 0.12), (0.42, 0.9)],),
    (_arc(0.5, 0.3, 0.21, 0.2, 90, 450) + _arc(0.5, 0.7, 0.26, 0.2, 270, 630),),
    ([*_arc(0.5, 0.33, 0.23, 0.23, 0, 360), (0.73, 0.33), (0.66, 0.9)],),
)


def stroke_digits(n: int, seed: int = 0) -> tuple[Array, Array]:
    """Draw `n` digits as bent lines of varying thickness, with a tilt, a stretch and a tremble of their own.

    Args:
        n: how many, at least 1.
        seed: at least 0.
    Returns:
        Pictures (n, 28, 28) uint8, ink bright on a dark ground as in MNIST, and what they show (n,) int64.
    Raises:
        ValueError: n or seed out of range.
    """
    if n < 1 or seed < 0:
        raise ValueError(f"n = {n}, seed = {seed}; expected at least 1 and 0")
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, size=n)
    images = np.empty((n, SIDE, SIDE), np.uint8)
    pixel = np.stack(np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5), axis=-1)  # (28, 28, 2): x, y
    for digit in range(10):
        rows = np.flatnonzero(labels == digit)
        parts = [np.array(stroke) for stroke in STROKES[digit]]
        begins, ends = np.concatenate([s[:-1] for s in parts]), np.concatenate([s[1:] for s in parts])
        for some in np.array_split(rows, max(1, len(rows) // 64)):  # a few at a time: memory
            bend = _bend(rng, len(some))
            a, b = bend(begins), bend(ends)  # (m, segments, 2) in pixels
            thick = rng.uniform(0.8, 1.7, (len(some), 1, 1))
            gap = np.full((len(some), SIDE, SIDE), np.inf)
            for k in range(len(begins)):
                along = b[:, k] - a[:, k]
                off = pixel - a[:, k, None, None]
                t = (off * along[:, None, None]).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), 1e-9)[:, None, None]
                foot = off - np.clip(t, 0, 1)[..., None] * along[:, None, None]
                gap = np.minimum(gap, np.hypot(foot[..., 0], foot[..., 1]))
            images[some] = np.rint(255 * np.clip(thick + 0.5 - gap, 0, 1))  # one pixel of soft edge
    return images, labels


def _bend(rng: Rng, m: int) -> Callable[[Array], Array]:
    """A map from points of the unit square (K, 2) to m pictures (m, K, 2): turned, stretched, bent by a slow wave."""
    turn = rng.normal(0, 0.1, (m, 1))
    stretch = rng.uniform(0.82, 1.08, (m, 1, 2))
    waves = rng.normal(0, 0.035, (m, 2, 1))
    phase, pitch = rng.uniform(0, 2 * np.pi, (m, 2, 1)), rng.uniform(3, 7, (m, 2, 1))

    def bend(points: Array) -> Array:
        x, y = points[:, 0] - 0.5, points[:, 1] - 0.5
        u = x + waves[:, 0] * np.sin(pitch[:, 0] * y + phase[:, 0])
        v = y + waves[:, 1] * np.sin(pitch[:, 1] * x + phase[:, 1])
        u, v = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
        out: Array = np.stack([u, v], axis=-1) * stretch * 22 + SIDE / 2
        return out

    return bend


def _require_digits(digits: Array, labels: Array) -> None:
    """Raise ValueError unless these are pictures of digits and what they show."""
    if not isinstance(digits, np.ndarray) or digits.dtype != np.uint8 or digits.shape[1:] != (SIDE, SIDE):
        came = f"dtype {getattr(digits, 'dtype', type(digits).__name__)}, shape {np.shape(digits)}"
        raise ValueError(f"digits have {came}; expected uint8 (M, {SIDE}, {SIDE})")
    if (
        not isinstance(labels, np.ndarray)
        or not np.issubdtype(labels.dtype, np.integer)
        or labels.shape != digits.shape[:1]
    ):
        came = f"dtype {getattr(labels, 'dtype', type(labels).__name__)}, shape {np.shape(labels)}"
        raise ValueError(f"labels have {came}; expected {len(digits)} integers")
    if not len(digits) or labels.min() < 0 or labels.max() > 9:
        raise ValueError("expected at least one digit, and labels from 0 to 9")
