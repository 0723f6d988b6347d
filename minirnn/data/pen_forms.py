"""What strokes can be turned into for the online reader, as a table: evenly spaced points, or Bézier pieces.

Pieces are about a fifth as many as points, but have to be fitted. The fitted ones are kept in the folder of what
minirnn can make again (see `image_cache.cache_folder`); any file of it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minirnn.data.bezier import CURVE_FEATURES, Pieces, bezier_pieces, curve_features
from minirnn.data.image_cache import cache_folder
from minirnn.data.pen import POINT_FEATURES, Rng, bend, point_batch, require_ink, scale_of, tracks_of
from minirnn.data.unipen_text import Ink
from minirnn.pair import Array
from minirnn.runfolder import write_whole

TOLERANCE = 0.03  # how far a Bézier piece may be from its stroke, in heights of the writing
PIECE_FEATURES = CURVE_FEATURES + 1
WORTH_KEEPING = 1000  # items: fitting fewer takes no time


def pieces_of(inks: Sequence[Ink]) -> list[Pieces]:
    """Every item as Bézier pieces, scaled and moved as its points would be; kept where minirnn keeps what it can make
    again, as fitting takes most of a minute for 25,000 words.

    Raises:
        DataError: a stroke that is not (n, 2) finite numbers.
    """
    if not inks:
        return []
    for ink in inks:
        require_ink(ink)
    middle, height = scale_of(inks)
    items = [
        [((np.asarray(s, np.float64) - [ink.strokes[0][0, 0], m]) / h).astype(np.float32) for s in ink.strokes]
        for ink, m, h in zip(inks, middle, height)
    ]
    key = hashlib.sha256(f"pieces 1 {TOLERANCE}".encode())
    for strokes in items:
        key.update(len(strokes).to_bytes(4, "little"))
        for stroke in strokes:
            key.update(len(stroke).to_bytes(4, "little") + stroke.tobytes())
    path = cache_folder() / f"pieces-{key.hexdigest()[:32]}.cache"
    kept = _read_pieces(path, len(inks)) if len(inks) >= WORTH_KEEPING else None
    if kept is not None:
        return kept
    made = bezier_pieces(items, TOLERANCE)
    if len(inks) >= WORTH_KEEPING:
        _write_pieces(path, made)
    return made


def piece_batch(items: Sequence[Pieces], rng: Rng | None = None) -> tuple[Array, Array]:
    """What the model reads of Bézier pieces: `curve_features` and the height of the piece's end above the middle line.

    Args:
        rng: bends the items at random, in training; None leaves them as they are.
    Returns:
        features (N, T, 8) float32 and lengths (N,) int64.
    """
    if rng is not None:
        longest = max(len(p.control) for p in items)
        control = np.zeros((len(items), longest, 4, 2), np.float32)
        for row, p in zip(control, items):
            row[: len(p.control)] = p.control
        bent = bend(control, rng)
        items = [Pieces(row[: len(p.control)], p.stroke) for row, p in zip(bent, items)]
    rows = [curve_features(p) for p in items]
    lengths = np.array([len(r) for r in rows], np.int64)
    features = np.zeros((len(rows), int(lengths.max()), PIECE_FEATURES), np.float32)
    for out, row, p in zip(features, rows, items):
        out[: len(row), :CURVE_FEATURES] = row
        out[: len(row), CURVE_FEATURES] = p.control[0, 0, 1] + np.cumsum(row[:, 1])
    return features, lengths


def _write_pieces(path: Path, items: list[Pieces]) -> None:
    """Keep pieces in a file, their SHA-256 in front; where that does not work they are fitted again next time."""
    data = io.BytesIO()
    counts = np.array([len(p.control) for p in items])
    np.savez(data, control=np.concatenate([p.control for p in items]), counts=counts,
             stroke=np.concatenate([p.stroke for p in items]))  # fmt: skip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, hashlib.sha256(data.getbuffer()).digest() + data.getbuffer())
    except OSError as error:
        warnings.warn(f"the Bézier pieces are not kept in {path.parent}: {error}", stacklevel=3)


def _read_pieces(path: Path, n: int) -> list[Pieces] | None:
    """What a file of pieces holds; None when there is none, or when it is damaged in any way."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    with np.load(io.BytesIO(data[32:]), allow_pickle=False) as kept:  # as it was written
        control, stroke, counts = kept["control"], kept["stroke"], kept["counts"]
    ends = np.cumsum(counts)
    if len(counts) != n:
        return None
    return [Pieces(control[i:j], stroke[i:j]) for i, j in zip(ends - counts, ends)]


class Form(NamedTuple):
    """What strokes can be turned into."""

    features: int  # of a point or piece
    prepare: Callable[[Sequence[Ink]], list[Any]]
    length: Callable[[Any], int]  # of an item, in points or pieces
    batch: Callable[[Sequence[Any], Rng | None], tuple[Array, Array]]


def _piece_count(pieces: Pieces) -> int:
    """Pieces and moves between strokes, as `curve_features` has them."""
    return len(pieces.control) + int(pieces.stroke[-1])


FORMS = {
    "points": Form(POINT_FEATURES, tracks_of, lambda track: len(track.points), point_batch),
    "bezier": Form(PIECE_FEATURES, pieces_of, _piece_count, piece_batch),
}
