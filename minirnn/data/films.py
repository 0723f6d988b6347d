"""Films: short clips of one or two coloured shapes that do something, each with its one right caption, from a seed.

    a small red circle moves left                             one act, from the first frame to the last
    a small red circle moves left then stops                  two acts
    a large blue star waits while a small red circle grows    two things, the left one of the first frame first

The words for size, colour and shape are true of the first frame; what happens cannot be told from it. A thing that
disappears is gone from one frame to the next.

Films of the splits `train`, `val` and `test` never show a combination of size, colour and shape in `HELD_OUT` (that of
`minirnn.data.scenes`); every film of `novel` does. Nothing is downloaded or stored: the same seed draws the same films.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from minirnn.data.scenes import COLOURS, HELD_OUT, SHAPES, SIZES, SPLITS, depth_of
from minirnn.errors import DataError
from minirnn.pair import Array

STEPS = {"moves left": (-1, 0), "moves right": (1, 0), "moves up": (0, -1), "moves down": (0, 1)}  # y goes down
ALONE = (*STEPS, "waits", "grows", "shrinks")  # what a thing may do for the whole film
BENDS = {"grows": 1, "shrinks": -1}
LATER = ("stops", "turns back", *STEPS, "grows", "shrinks", "disappears")
RADIUS = {"small": (0.11, 0.125), "large": (0.17, 0.19)}  # in the first frame, in shares of a frame's side
SPEED = (0.045, 0.075)  # of what moves, in shares of the side per frame
GROWTH = (0.1, 0.14)  # of what grows, in shares of its radius per frame
APART = 0.12  # of two things one is so much further left in the first frame, in shares of the side
COUNTS = {"train": 20_000, "val": 500, "test": 500, "novel": 500}


def _follows(first: str, second: str) -> bool:
    """Whether one act can come after another and be told from it."""
    if first in STEPS and second in STEPS:
        return STEPS[first][0] * STEPS[second][0] + STEPS[first][1] * STEPS[second][1] == 0  # back is "turns back"
    if second == "turns back":
        return first in STEPS
    return second != first and not (first == "waits" and second == "stops")


ACTS = (*((act,) for act in ALONE), *((a, b) for a, b in product(ALONE, LATER) if _follows(a, b)))
WORDS = tuple(dict.fromkeys(
    " ".join(("a", *SIZES, *COLOURS, *SHAPES, *ALONE, "then", *LATER, "while")).split()
))  # fmt: skip  # all that captions are made of


class Actor(NamedTuple):
    """One thing in a film."""

    size: str  # in the first frame
    colour: str
    shape: str
    acts: tuple[str, ...]  # one or two
    track: Array  # (T, 3) centre x, y and radius in shares of a frame's side; radius 0 where it is gone

    @property
    def clause(self) -> str:
        """What it is and does."""
        return f"a {self.size} {self.colour} {self.shape} {' then '.join(self.acts)}"


Film = tuple[Actor, ...]


@dataclass(frozen=True)
class FilmSplit:
    """Films with their captions; the pixels are drawn when they are asked for."""

    films: tuple[Film, ...]
    captions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.films)

    def take(self, indices: Array) -> FilmSplit:
        """Some of the films."""
        return FilmSplit(tuple(self.films[i] for i in indices), tuple(self.captions[i] for i in indices))

    def draw(self, size: int, rng: np.random.Generator | None = None) -> Array:
        """The frames (N, T, size, size, 3) uint8. `rng`: of ground, tint and noise; without it always the same."""
        return draw_films(self.films, size, rng or np.random.default_rng([0, len(self)]))


def film_split(split: str, seed: int, frames: int = 8, count: int | None = None) -> FilmSplit:
    """A split of the films. The seed of a run draws its training films; val, test and novel never change.

    Args:
        split: train, val, test or novel; each has its own stream of random numbers.
        frames: of each film, at least 6, so that each of two acts takes two steps or more.
        count: how many films; None takes `COUNTS`.
    Raises:
        DataError: an argument out of range.
    """
    if split not in SPLITS:
        raise DataError(f"films have no split {split!r}; expected one of {', '.join(SPLITS)}")
    count = COUNTS[split] if count is None else count
    if seed < 0 or frames < 6 or count < 1:
        raise DataError(f"seed = {seed}, frames = {frames}, count = {count}; expected at least 0, 6 and 1")
    rng = np.random.default_rng([seed if split == "train" else 0, SPLITS.index(split), 3])
    films = tuple(_compose(rng, frames, novel=split == "novel") for _ in range(count))
    return FilmSplit(films, tuple(caption_of(film) for film in films))


def caption_of(film: Film) -> str:
    """The one right caption of a film: words with one space between them."""
    return " while ".join(actor.clause for actor in film)


def sentence(caption: str) -> str:
    """A caption as people write it: with its commas."""
    return caption.replace(" then ", ", then ")


def looks_and_acts(caption: str) -> tuple[list[str], list[str]]:
    """What a caption says is there, and what it says they do: the first four words of each clause, and the others."""
    clauses = [clause.split() for clause in caption.split(" while ")]
    return [" ".join(words[:4]) for words in clauses], [" ".join(words[4:]) for words in clauses]


def _compose(rng: np.random.Generator, frames: int, *, novel: bool) -> Film:
    """Choose who is in one film, what they do and where."""
    two = rng.random() < 0.35
    while True:
        looks = [
            (SIZES[rng.integers(2)], tuple(COLOURS)[rng.integers(len(COLOURS))], SHAPES[rng.integers(len(SHAPES))])
            for _ in range(1 + two)
        ]
        unseen = any(look in HELD_OUT for look in looks)
        if unseen == novel and len({colour for _, colour, _ in looks}) == len(looks):
            break
    while True:
        acts = [(ALONE[rng.integers(len(ALONE))],) if two else _acts(rng) for _ in looks]
        film = [Actor(*look, some, _track(rng, look[0], some, frames)) for look, some in zip(looks, acts)]
        film.sort(key=lambda actor: actor.track[0, 0])
        if not two or _clear(film[0].track, film[1].track):
            return tuple(film)


def _acts(rng: np.random.Generator) -> tuple[str, ...]:
    """What one thing does: first any act, then any that can follow or, as often as each of these, nothing more."""
    first = ALONE[rng.integers(len(ALONE))]
    choices = [acts for acts in ACTS if acts[0] == first]
    return choices[rng.integers(len(choices))]


def _clear(a: Array, b: Array) -> bool:
    """Whether two things never touch, and which is the left one at first is plain."""
    gap = np.abs(a[:, :2] - b[:, :2]).max(axis=1) - a[:, 2] - b[:, 2]
    return bool(gap.min() > 0.02 and abs(a[0, 0] - b[0, 0]) > APART)


def _track(rng: np.random.Generator, size: str, acts: tuple[str, ...], frames: int) -> Array:
    """Where a thing is and how large, frame by frame (T, 3), inside the frame from first to last."""
    first, second = acts[0], acts[-1]
    way = STEPS.get(first, (0, 0))
    after = (-way[0], -way[1]) if second == "turns back" else STEPS.get(second, (0, 0))
    while True:
        change = int(rng.integers(frames // 3, frames - frames // 3)) if len(acts) > 1 else frames - 1
        speed, growth = rng.uniform(*SPEED), rng.uniform(*GROWTH)
        track = np.zeros((frames, 3))
        track[1 : change + 1, :2], track[change + 1 :, :2] = way, after
        track[:, :2] = speed * track.cumsum(axis=0)[:, :2]
        track[:, 2] = rng.uniform(*RADIUS[size])
        for act, start, end in ((first, 0, change), (second, change, frames - 1)):
            by = 1 + growth * np.arange(1, end - start + 1)
            if act in BENDS:
                track[start + 1 : end + 1, 2] *= by ** BENDS[act]
                track[end + 1 :, 2] = track[end, 2]
        there = track[: change + 1 if second == "disappears" else frames]
        low = 0.02 - (there[:, :2] - there[:, 2:]).min(axis=0)
        room = 0.98 - (there[:, :2] + there[:, 2:]).max(axis=0) - low
        if room.min() >= 0:
            track[:, :2] += low + room * rng.random(2)
            track[len(there) :, 2] = 0
            return track


def draw_films(films: tuple[Film, ...], size: int, rng: np.random.Generator) -> Array:
    """Rasterise films with soft edges on a light, slightly noisy ground: (N, T, size, size, 3) uint8."""
    N, T = len(films), len(films[0][0].track)
    ground = rng.uniform(215, 245, (N, 1, 1, 1, 1)) + rng.uniform(-6, 6, (N, 1, 1, 1, 3))  # light grey, hardly tinted
    frames = rng.integers(0, 15, (N, T, size, size, 3), np.uint8).astype(np.float32)
    frames += (ground - 7).astype(np.float32)
    centre = (np.arange(size, dtype=np.float32) + 0.5) / size
    for shape in SHAPES:
        cast = [(n, actor) for n, film in enumerate(films) for actor in film if actor.shape == shape]
        if not cast:
            continue
        rows = np.array([n for n, _ in cast])
        x, y, r = np.stack([actor.track for _, actor in cast]).astype(np.float32).transpose(2, 0, 1)[..., None, None]
        r = np.maximum(r, 1e-3)  # what is gone covers nothing
        depth = depth_of(shape, (centre - x) / r, (centre[:, None] - y) / r)
        cover = np.where(r > 1e-3, np.clip(depth * r * size + 0.5, 0, 1), np.float32(0))[..., None]
        colour = np.array([COLOURS[actor.colour] for _, actor in cast]) + rng.normal(0, 8, (len(cast), 3))
        for k, tint in enumerate(colour.astype(np.float32)):  # two things of one shape may be in one film
            n = rows[k]
            frames[n] += cover[k] * (tint - frames[n])
    return np.clip(frames, 0, 255, out=frames).astype(np.uint8)
