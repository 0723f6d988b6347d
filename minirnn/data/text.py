"""Text as numbers: the file, its characters, its parts, and pieces for training that follow one another."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from minirnn.data.files import read_file
from minirnn.errors import DataError
from minirnn.pair import Array

UNKNOWN = 0  # the number of every character that is not in the alphabet
LEAST = 1000  # characters that a text must have: the held-out parts are 2 and 5 % of it
PARTS = ("train", "val", "test")


def read_text(path: Path) -> str:
    """A UTF-8 text, as `tidy` leaves it; a byte order mark is dropped.

    Raises:
        DataError: not UTF-8, or a NUL in it: the message has the byte offset; empty, a device, or a Git LFS pointer.
        OSError: missing, a folder, or not readable.
    """
    data = read_file(path, "a UTF-8 text")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise DataError(
            f"{path} is not UTF-8: byte 0x{byte:02x} at byte offset {error.start}; expected a UTF-8 text"
        ) from error
    if "\0" in text:
        raise DataError(f"{path} holds NUL at byte offset {data.index(0)}; expected a UTF-8 text")
    return tidy(text)


def tidy(text: str) -> str:
    """Unicode NFC, and lines that end in LF alone."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n")


@dataclass(frozen=True)
class Alphabet:
    """The known characters. Character number k is `characters[k - 1]`; 0 is every other one.

    Raises:
        DataError: `characters` holds one twice, or something that is not a character.
    """

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        if len({*self.characters}) != len(self.characters) or any(len(c) != 1 for c in self.characters):
            raise DataError(f"an alphabet holds {len(self.characters)} entries that are not all different characters")

    @classmethod
    def of(cls, text: str, min_count: int = 1) -> Alphabet:
        """The characters of a text in the order of their code points; those rarer than `min_count` are left out."""
        return cls(tuple(sorted(c for c, count in Counter(text).items() if count >= min_count)))

    def __len__(self) -> int:
        """Of numbers: the characters, and one for all others."""
        return len(self.characters) + 1

    @cached_property
    def _numbers(self) -> tuple[Array, Array]:
        """Code points in order and the number of each."""
        points = np.array([ord(c) for c in self.characters], np.uint32)
        order = np.argsort(points)
        return points[order], order + 1

    def encode(self, text: str) -> Array:
        """(len(text),) int64 numbers."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        known, numbers = self._numbers
        if not len(known):
            return np.full(len(points), UNKNOWN)
        place = np.minimum(np.searchsorted(known, points), len(known) - 1)
        return np.where(known[place] == points, numbers[place], UNKNOWN).astype(np.int64)

    def decode(self, numbers: Array | list[int]) -> str:
        """Numbers to text; an unknown character is U+FFFD, the replacement character."""
        return "".join("\ufffd" if k == UNKNOWN else self.characters[k - 1] for k in numbers)


def parts(length: int) -> dict[str, tuple[int, int]]:
    """Where the parts of a text of `length` characters begin and end: the first 93 %, the next 2 %, the last 5 %.

    Raises:
        DataError: fewer than `LEAST` characters.
    """
    if length < LEAST:
        raise DataError(f"the text has {length} characters; expected at least {LEAST}")
    ends = (0, int(0.93 * length), int(0.95 * length), length)
    return dict(zip(PARTS, zip(ends, ends[1:])))


@dataclass(frozen=True)
class Pieces:
    """A text cut into pieces of T characters, read as N streams side by side.

        stream n reads the pieces n * P … (n + 1) * P - 1, one a step; P = number of pieces // N

    so that row n of a batch goes on where row n of the batch before it stopped, and the model's state can be carried.
    """

    ids: Array  # (length,) character numbers
    T: int

    def __len__(self) -> int:
        """Of pieces; each character is predicted from the one before it, so the last one is read by nobody."""
        return (len(self.ids) - 1) // self.T

    def __call__(self, which: Array, rng: np.random.Generator | None = None) -> tuple[Array, Array, Array]:
        """Pieces `which` (N,), as `in_order` gives them.

        Returns:
            inputs (N, T), targets (N, T) one character ahead, and begins (N,): True where a stream begins anew.
        """
        at = which[:, None] * self.T + np.arange(self.T)
        return self.ids[at], self.ids[at + 1], which % (len(self) // len(which)) == 0


def in_order(pieces: int, streams: int, step: int, seed: int) -> Array:
    """The pieces of an update: the next one of every stream. At an epoch's end the streams begin anew."""
    streams = min(streams, pieces)
    each = pieces // streams
    return np.arange(streams) * each + step % each
