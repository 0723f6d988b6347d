"""Written words as pictures of lines: pen strokes drawn with a slant, a stretch and a pen of their own each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from minirnn.data.digest import digest
from minirnn.data.digit_strings import HEIGHT
from minirnn.data.line_pictures import FULL, MARGIN, PITCH, Rng, widening
from minirnn.data.lines import ImageLines, least_width
from minirnn.data.text import tidy
from minirnn.data.unipen import Ink
from minirnn.pair import Array

SPACING = 0.07  # between the points of a stroke that are drawn, in heights of the word
FINER = 2
PEN = 1.7  # pixels


@dataclass(frozen=True)
class Look:
    """How a word is drawn."""

    slant: float = 0.0  # shift to the right for each unit of height
    turn: float = 0.0  # radians, counter clockwise
    stretch: float = 1.0  # of the width
    fill: float = 1.0  # share of the `FULL` rows that the word fills
    rise: float = 0.0  # from the middle, in rows
    pen: float = PEN


def some_look(rng: Rng) -> Look:
    """A look that people's hands could have."""
    return Look(
        slant=rng.uniform(-0.35, 0.35),
        turn=rng.normal(0, 0.04),
        stretch=np.exp(rng.normal(0, 0.13)),
        fill=rng.uniform(0.85, 1.08),
        rise=rng.uniform(-1.2, 1.2),
        pen=rng.uniform(1.1, 2.4),
    )


@dataclass(frozen=True)
class WordLines:
    """Words that are drawn anew each time."""

    strokes: tuple[tuple[Array, ...], ...]  # of each word, scaled to a height of 1, y up
    texts: tuple[str, ...]
    widened: tuple[float, ...]  # how much wider than written each is drawn

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def of(cls, inks: Sequence[Ink], pitch: float = PITCH) -> WordLines:
        """Words of UNIPEN, their strokes about `pitch` pixels apart."""
        strokes = thinned([ink.strokes for ink in inks])
        widened = tuple(widening(draw_word(word, Look(), finer=1), pitch) for word in strokes)
        return cls(strokes, tuple(tidy(ink.label) for ink in inks), widened)

    @cached_property
    def sizes(self) -> Array:
        """Widths in pixels, about; not narrower than a text needs."""
        wide = [max(float(s[:, 0].max()) for s in word) for word in self.strokes]
        drawn = np.array(self.widened) * (FULL * np.array(wide)) + 2 * MARGIN
        out: Array = np.maximum(drawn, [least_width(text) for text in self.texts])
        return out

    def draw(self, indices: Array, rng: Rng | None) -> tuple[list[Array], list[str]]:
        """Some of the words; with a generator, each with a look of its own and wide enough for its text."""
        texts = [self.texts[int(n)] for n in indices]
        if rng is None:
            return [draw_word(self.strokes[int(n)], Look(), self.widened[int(n)]) for n in indices], texts
        return [
            draw_word(self.strokes[int(n)], some_look(rng), self.widened[int(n)], least_width(text))
            for n, text in zip(indices, texts)
        ], texts

    def fixed(self) -> ImageLines:
        """All words as pictures that are always the same."""
        images, texts = self.draw(np.arange(len(self)), None)
        return ImageLines(tuple(images), tuple(texts))

    def fingerprint(self) -> str:
        """Changes when any word does."""
        return digest(("", text, word) for text, word in zip(self.texts, self.strokes))


def thinned(words: Sequence[Sequence[Array]]) -> tuple[tuple[Array, ...], ...]:
    """Strokes of many words, each word scaled to a height of 1, with about as many points as can be seen.

    Of a stroke's points those are kept that lie `SPACING` further along it than the last, and its first and last.
    """
    if not words:
        return ()
    lengths = [len(stroke) for word in words for stroke in word]
    points = np.concatenate([stroke for word in words for stroke in word]).astype(np.float64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    of_word = np.cumsum([0, *(len(word) for word in words)])
    begins = starts[of_word[:-1]]
    low, high = np.minimum.reduceat(points, begins), np.maximum.reduceat(points, begins)
    wide, tall = (high - low).T
    scale = np.maximum(tall, wide / 20)  # a dash is not made a bar
    scale[scale == 0] = 1
    many = np.diff([*begins, len(points)])
    points = (points - np.repeat(low, many, axis=0)) / np.repeat(scale, many)[:, None]
    steps = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    steps[starts] = 0
    along = np.floor(np.cumsum(steps) / SPACING)
    kept = np.diff(along, prepend=-1.0) > 0
    kept[starts] = kept[ends - 1] = True
    cuts = np.concatenate([[0], np.cumsum(kept)])[[0, *ends]]
    points = points[kept].astype(np.float32)
    strokes = [points[i:j] for i, j in zip(cuts, cuts[1:])]
    return tuple(tuple(strokes[i:j]) for i, j in zip(of_word, of_word[1:]))


def draw_word(
    strokes: Sequence[Array], look: Look, widened: float = 1.0, least: int = 0, finer: int = FINER
) -> Array:  # fmt: skip
    """A word's picture (32, W) uint8, 255 where there is ink.

    Args:
        strokes: (n, 2) each, scaled to a height of about 1, y up.
        look: how.
        widened: times as wide as written.
        least: pixels that it is wide at least; a narrower one is stretched.
        finer: drawn so many times larger, then made smaller: soft edges.
    """
    from PIL import Image, ImageDraw  # on first use: not everybody draws

    points = np.concatenate(strokes).astype(np.float64)
    sine, cosine = np.sin(look.turn), np.cos(look.turn)
    x = points[:, 0] + look.slant * points[:, 1]
    x, y = x * cosine - points[:, 1] * sine, x * sine + points[:, 1] * cosine
    x, y = x - x.min(), y.max() - y
    wide, high = float(x.max()), float(y.max())
    room = look.fill * FULL - look.pen
    scale = room / max(high, wide / 20, 1e-6)  # a dash is not made a bar
    across = scale * look.stretch * widened
    if wide > 0:
        across = max(across, (least - look.pen - 2 * MARGIN) / wide)
    width = max(int(np.ceil(wide * across + look.pen)) + 2 * MARGIN, least)
    edge = look.pen / 2
    top = np.clip((HEIGHT - high * scale) / 2 + look.rise, edge, max(edge, HEIGHT - edge - high * scale))
    x, y = finer * (x * across + MARGIN + edge), finer * (y * scale + top)
    at = np.stack([x, y], axis=1)
    big = Image.new("L", (width * finer, HEIGHT * finer), 0)
    draw, radius = ImageDraw.Draw(big), look.pen * finer / 2
    thick, first = max(1, round(2 * radius)), 0
    for stroke in strokes:
        line = at[first : first + len(stroke)].ravel().tolist()
        first += len(stroke)
        if len(stroke) > 1:
            draw.line(line, fill=255, width=thick)
        else:
            draw.ellipse((line[0] - radius, line[1] - radius, line[0] + radius, line[1] + radius), fill=255)
    return np.asarray(big.reduce(finer) if finer > 1 else big, np.uint8)
