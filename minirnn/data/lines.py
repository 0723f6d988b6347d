"""Sources of lines of text, for training and judging: line pictures that are there, strings composed of digits.

A line is an array (32, W) uint8: 0 is the background, 255 ink. A *source* has `texts`, how wide each line is about
(`sizes`), and `draw(indices, rng)`: the lines and what stands on them. With a generator every draw is a little
different (slant, size, thickness, place), which is how training sees it; with None a line is always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from minirnn.data.digest import digest
from minirnn.data.digit_strings import HEIGHT, compose
from minirnn.data.evenly import evenly
from minirnn.data.line_pictures import Rng, jitter
from minirnn.models.reader import STRIDE
from minirnn.pair import Array


class Source(Protocol):
    """Lines of one split."""

    @property
    def sizes(self) -> Array:
        """How wide each line is, about: (N,)."""

    def draw(self, indices: Array, rng: Rng | None) -> tuple[list[Array], list[str]]:
        """Some of the lines, and what stands on them."""

    def fingerprint(self) -> str:
        """Changes when any of it does."""

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class ImageLines:
    """Lines that are pictures."""

    images: tuple[Array, ...]  # (32, W) uint8 each
    texts: tuple[str, ...]
    cuts: tuple[Array, ...] = field(default=())  # of strings of digits: (digits, 2), first and last column + 1 of each

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def sizes(self) -> Array:
        """Widths in pixels."""
        return np.array([image.shape[1] for image in self.images], np.int64)

    def draw(self, indices: Array, rng: Rng | None) -> tuple[list[Array], list[str]]:
        """Some of the lines; with a generator, jittered where they stay wide enough for their text."""
        images, texts = [self.images[int(n)] for n in indices], [self.texts[int(n)] for n in indices]
        if rng is not None:
            other = [jitter(image, rng) for image in images]
            images = [b if b.shape[1] >= least_width(t) else a for a, b, t in zip(images, other, texts)]
        return images, texts

    def some(self, n: int) -> ImageLines:
        """At most `n` of the lines, evenly spread: neighbours are often of one hand."""
        where = evenly(len(self), n)
        cuts = tuple(self.cuts[k] for k in where) if self.cuts else ()
        return ImageLines(tuple(self.images[k] for k in where), tuple(self.texts[k] for k in where), cuts)

    def fingerprint(self) -> str:
        """Changes when any line does."""
        return digest(("", text, [image.T]) for text, image in zip(self.texts, self.images))


@dataclass(frozen=True)
class DigitLines:
    """Strings of two to eight digits, composed anew from pictures of single digits at every draw."""

    digits: Array  # (M, 28, 28) uint8
    labels: Array  # (M,)
    count: int = 12_800  # of lines in an epoch
    least: int = 2
    most: int = 8

    def __len__(self) -> int:
        return self.count

    @property
    def sizes(self) -> Array:
        """Digits of each line."""
        return self.least + np.arange(self.count) % (self.most - self.least + 1)

    def draw(self, indices: Array, rng: Rng | None) -> tuple[list[Array], list[str]]:
        """Lines of as many digits as `sizes` says, none of which was there before."""
        if rng is None:
            raise ValueError("strings of digits are composed anew at every draw; expected a generator")
        found = compose(rng, self.digits, self.labels, len(indices), lengths=self.sizes[indices])
        return [image[:, :width] for image, width in zip(found.images, found.widths)], found.texts

    def fixed(self, n: int, seed: int) -> ImageLines:
        """`n` lines that are always the same, with the cuts between their digits."""
        lengths = np.random.default_rng([seed, 0]).integers(self.least, self.most + 1, size=n)
        images, texts, cuts = [], [], []
        for k in range(0, n, 256):
            rng = np.random.default_rng([seed, 1, k])
            found = compose(rng, self.digits, self.labels, len(lengths[k : k + 256]), lengths=lengths[k : k + 256])
            images += [image[:, :width].copy() for image, width in zip(found.images, found.widths)]
            texts += found.texts
            cuts += [cut[:length] for cut, length in zip(found.cuts, found.lengths)]
        return ImageLines(tuple(images), tuple(texts), tuple(cuts))

    def fingerprint(self) -> str:
        """Changes when any digit does."""
        lengths = f"{self.count} of {self.least} to {self.most}"
        return digest([("", lengths, ()), ("", "digits", [self.digits]), ("", "labels", [self.labels])])


def stack(images: Sequence[Array]) -> tuple[Array, Array]:
    """Lines side by side: (N, 32, W) float32 from 0 to 1, 0 behind a line's end, and their widths (N,) int64."""
    widths = np.array([image.shape[1] for image in images], np.int64)
    out = np.zeros((len(images), HEIGHT, int(widths.max())), np.float32)
    for row, image in zip(out, images):
        row[:, : image.shape[1]] = image
    out /= 255
    return out, widths


def least_width(text: str) -> int:
    """Pixels that a reader needs for a text: a column for every character, and one between two equal ones.

    The last column may be cut short: see `columns_of` and `functional.ctc.feasible`.
    """
    columns = len(text) + sum(a == b for a, b in zip(text, text[1:]))
    return max(0, int(STRIDE * (columns - 1)) + 1)
