"""Scenes: pictures of one to three coloured shapes, each with its one canonical caption, drawn from a seed.

    a small red circle                                       one shape
    a small red circle left of a large blue square           two shapes; the left, or the upper, one comes first
    three large green stars                                  two or three of a kind
    two small red circles and a large blue square            two of a kind and another

Things of different kinds differ in colour, and may differ in size and shape.

Pictures of the splits `train`, `val` and `test` never show a combination of size, colour and shape in `HELD_OUT`;
every picture of `novel` does, although each of its words, and each two of them, are seen in training. Nothing is
downloaded or stored: the same seed draws the same scenes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minirnn.pair import Array

SIZES = ("small", "large")
COLOURS = {
    "red": (214, 48, 49),
    "green": (46, 160, 67),
    "blue": (44, 92, 220),
    "yellow": (240, 196, 25),
    "purple": (142, 68, 173),
    "orange": (240, 120, 20),
}
SHAPES = ("circle", "square", "triangle", "star")
COUNTS = ("two", "three")
HELD_OUT = (
    ("small", "red", "triangle"),
    ("large", "green", "circle"),
    ("small", "blue", "star"),
    ("large", "yellow", "square"),
    ("small", "purple", "circle"),
    ("large", "orange", "star"),
)
SPLITS = ("train", "val", "test", "novel")
RADIUS = {"small": (0.11, 0.125), "large": (0.185, 0.205)}  # of the picture's side


class Thing(NamedTuple):
    """One shape: its words, its centre and its radius in shares of the picture's side, its place in the caption."""

    size: str
    colour: str
    shape: str
    x: float
    y: float
    radius: float
    mention: int  # which noun of the caption names it: 0 or 1

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) in shares of the picture's side."""
        r = self.radius
        return self.x - r, self.y - r, self.x + r, self.y + r


@dataclass(frozen=True)
class Scenes:
    """Pictures with their captions and what is in them."""

    images: Array  # (N, S, S, 3) uint8
    captions: tuple[str, ...]
    things: tuple[tuple[Thing, ...], ...]

    def __len__(self) -> int:
        return len(self.captions)


def make_scenes(n: int, *, split: str = "train", seed: int = 0, size: int = 48) -> Scenes:
    """Draw `n` scenes of a split; the same arguments give the same scenes.

    Args:
        n: how many, at least 1.
        split: train, val, test or novel; each has its own stream of random numbers.
        seed: at least 0.
        size: side of the pictures in pixels, at least 16.
    Raises:
        ValueError: an argument out of range.
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; expected one of {', '.join(SPLITS)}")
    if n < 1 or seed < 0 or size < 16:
        raise ValueError(f"n = {n}, seed = {seed}, size = {size}; expected at least 1, 0 and 16")
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    things = tuple(_compose(rng, novel=split == "novel") for _ in range(n))
    images = np.concatenate([_draw(rng, things[k : k + 256], size) for k in range(0, n, 256)])
    return Scenes(images, tuple(caption_of(t) for t in things), things)


def make_shapes(n: int, *, split: str = "train", seed: int = 0, size: int = 48) -> tuple[Array, tuple[Thing, ...]]:
    """Draw `n` pictures (n, size, size, 3) of one shape each, of any size and colour, and say what is on them.

    Raises:
        ValueError: as `make_scenes`.
    """
    if split not in SPLITS or n < 1 or seed < 0 or size < 16:
        raise ValueError(f"split = {split!r}, n = {n}, seed = {seed}, size = {size}; expected as for make_scenes")
    rng = np.random.default_rng([seed, SPLITS.index(split), 1])
    looks = [tuple(str(rng.choice(words)) for words in (SIZES, tuple(COLOURS), SHAPES)) for _ in range(n)]
    scenes = tuple(_place(rng, [look], (1,)) or () for look in looks)  # type: ignore[list-item]  # one always fits
    images = np.concatenate([_draw(rng, scenes[k : k + 256], size) for k in range(0, n, 256)])
    return images, tuple(scene[0] for scene in scenes)


def caption_of(things: tuple[Thing, ...]) -> str:
    """The one right caption of a scene."""
    groups = [[t for t in things if t.mention == m] for m in range(1 + max(t.mention for t in things))]
    nouns = []
    for group in groups:
        t = group[0]
        count, plural = ("a", "") if len(group) == 1 else (COUNTS[len(group) - 2], "s")
        nouns.append(f"{count} {t.size} {t.colour} {t.shape}{plural}")
    if len(groups) == 1:
        return nouns[0]
    if len(things) == 3:
        return f"{nouns[0]} and {nouns[1]}"
    first, second = things
    relation = "left of" if abs(first.x - second.x) > abs(first.y - second.y) else "above"
    return f"{nouns[0]} {relation} {nouns[1]}"


def shape_words(caption: str) -> list[int]:
    """Positions in the caption (in words) of its shape words, in the order of `Thing.mention`."""
    return [k for k, word in enumerate(caption.split()) if word.removesuffix("s") in SHAPES]


def _compose(rng: np.random.Generator, *, novel: bool) -> tuple[Thing, ...]:
    """Choose what is in one scene and where."""
    kind = rng.choice(4, p=[0.15, 0.45, 0.2, 0.2])  # one, two with a relation, a group, a group and another
    counts = {0: (1,), 1: (1, 1), 2: (int(rng.integers(2, 4)),), 3: (2, 1)}[int(kind)]
    while True:
        looks = [
            (SIZES[rng.integers(2)], tuple(COLOURS)[rng.integers(len(COLOURS))], SHAPES[rng.integers(len(SHAPES))])
            for _ in counts
        ]
        unseen = any(look in HELD_OUT for look in looks)
        if unseen == novel and len({colour for _, colour, _ in looks}) == len(looks):
            break
    while True:
        things = _place(rng, looks, counts)
        if things is not None:
            return things


def _place(
    rng: np.random.Generator, looks: list[tuple[str, str, str]], counts: tuple[int, ...]
) -> tuple[Thing, ...] | None:
    """Put shapes down without overlap; None when they do not fit or the relation is not plain."""
    things: list[Thing] = []
    for mention, (look, count) in enumerate(zip(looks, counts)):
        for _ in range(count):
            r = rng.uniform(*RADIUS[look[0]])
            x, y = rng.uniform(r + 0.02, 0.98 - r, 2)
            if any(max(abs(x - t.x), abs(y - t.y)) < r + t.radius + 0.02 for t in things):
                return None
            things.append(Thing(*look, float(x), float(y), float(r), mention))
    if counts == (1, 1):
        first, second = things
        dx, dy = second.x - first.x, second.y - first.y
        across, along = sorted((abs(dx), abs(dy)))
        if along < 1.5 * across or (dx if abs(dx) > abs(dy) else dy) < 0:
            return None  # too near the diagonal to be plain, or not in reading order
    return tuple(things)


def _draw(rng: np.random.Generator, scenes: tuple[tuple[Thing, ...], ...], size: int) -> Array:
    """Rasterise scenes with soft edges on a light, slightly noisy ground: (N, size, size, 3) uint8."""
    N = len(scenes)
    ground = rng.uniform(215, 245, (N, 1, 1, 1)) + rng.uniform(-6, 6, (N, 1, 1, 3))  # light grey, hardly tinted
    image = np.broadcast_to(ground, (N, size, size, 3)).astype(np.float32)
    centre = (np.arange(size, dtype=np.float32) + 0.5) / size
    for k in range(max(len(s) for s in scenes)):
        rows = [n for n, s in enumerate(scenes) if len(s) > k]
        things = [scenes[n][k] for n in rows]
        x, y, r = (np.array([getattr(t, a) for t in things], np.float32)[:, None, None] for a in ("x", "y", "radius"))
        u, v = (centre[None, None, :] - x) / r, (centre[None, :, None] - y) / r  # shape-sized coordinates, v down
        depth = np.empty((len(rows), size, size), np.float32)  # inside above 0, in shares of the radius
        for shape in SHAPES:
            these = [i for i, t in enumerate(things) if t.shape == shape]
            if these:
                depth[these] = _depth(shape, u[these], v[these])
        cover = np.clip(depth * r * size + 0.5, 0, 1)[..., None]  # one pixel of soft edge
        colour = np.array([COLOURS[t.colour] for t in things], np.float32) + rng.normal(0, 8, (len(rows), 3))
        image[rows] += cover * (colour[:, None, None].astype(np.float32) - image[rows])
    image += rng.normal(0, 4, image.shape).astype(np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


def _depth(shape: str, u: Array, v: Array) -> Array:
    """How far inside the unit shape a point is (below 0: outside)."""
    if shape == "circle":
        out = 1 - np.hypot(u, v)
    elif shape == "square":
        out = 0.88 - np.maximum(abs(u), abs(v))
    elif shape == "triangle":  # sides at 60 degrees, base at the bottom
        out = np.minimum(0.8 - v, (v + 1 - 2 * abs(u)) / np.sqrt(5))
    else:  # five points: the edge of the star along the direction of each pixel
        angle = np.mod(np.arctan2(u, -v) + np.pi / 5, 2 * np.pi / 5) - np.pi / 5
        a, b = np.hypot(u, v) * np.cos(angle), np.hypot(u, v) * abs(np.sin(angle))
        inner = 0.45  # radius of the notches
        cx, cy = inner * np.cos(np.pi / 5), inner * np.sin(np.pi / 5)
        nx, ny = cy, 1 - cx  # normal of the edge from the tip (1, 0) to the notch (cx, cy)
        out = ((1 - a) * nx - b * ny) / np.hypot(nx, ny)
    return np.asarray(out, dtype=u.dtype)


depth_of = _depth  # for films of the same shapes
