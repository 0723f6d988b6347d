"""Pen strokes as a few cubic Bézier pieces instead of many points.

    B(u) = (1-u)³ P0 + 3 (1-u)² u P1 + 3 (1-u) u² P2 + u³ P3,   0 <= u <= 1

A piece runs from P0 to P3 and leaves and arrives in the directions of P1 and P2. Strokes are cut where one piece does
not follow them closely enough. All pieces of all items are fitted together, level by level of cuts, so that a whole
data set takes seconds.

Source: Carbune et al. 2019, arXiv 1902.10525, for the features. They fit polynomials with time, of which nothing is
kept here; ends are fixed and the places u are found by Gauss-Newton steps, as in Schneider 1990.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minirnn.data.strokes import Strokes, resample
from minirnn.pair import Array

CURVE_FEATURES = 7  # dx, dy, two distances, two angles, pen up
SAMPLES = 16  # points of a stroke that a piece is fitted to
TOGETHER = 1024  # pieces that are fitted at once: their numbers stay in the cache
SHORTEST = 4  # steps between resampled points: what is shorter is not cut again


class Pieces(NamedTuple):
    """The Bézier pieces of one item, in the order they were written."""

    control: Array  # (S, 4, 2) P0 to P3
    stroke: Array  # (S,) which stroke each belongs to, rising from 0


def fit_cubics(points: Array, steps: int = 8) -> tuple[Array, Array]:
    """The cubic from the first to the last point that passes closest to those between.

    Half of the steps are least squares for P1 and P2 with the places u as they are (sure, but slow to end); half let
    the points slide along the curve and look only at how far they are beside it (quick to end; kept where it helps).

    Args:
        points: (S, K, 2) floats: K of at least 4 points for each of S curves, in order.
        steps: how often curve and places are improved.
    Returns:
        Control points (S, 4, 2) float64, and how far (S, K) each point is from its place on the curve.
    Raises:
        ValueError: points of another shape.
    """
    if points.ndim != 3 or points.shape[1] < 4 or points.shape[2] != 2:
        raise ValueError(f"points has shape {points.shape}; expected (S, K, 2) with K of at least 4")
    p = _complex(points)
    along = np.cumsum(abs(np.diff(p, axis=1, prepend=p[:, :1])), axis=1)
    whole = along[:, -1:]
    u = np.where(whole > 0, along / np.where(whole > 0, whole, 1), np.linspace(0, 1, p.shape[1]))
    control = _with_places(p, u)
    away, pace = p - _curve(control, u), np.ones((len(p), 1))
    for k in range(steps):
        target = _with_places(p, u) if k < steps // 2 else _across(away, control, u)
        move = control + pace * (target - control)
        places = _closer(p, move, u)
        now = p - _curve(move, places)
        better = _square(now).sum(axis=1) < _square(away).sum(axis=1)
        control = np.where(better[:, None], move, control)
        u, away = np.where(better[:, None], places, u), np.where(better[:, None], now, away)
        pace = np.where(better[:, None], np.minimum(1, 2 * pace), pace / 2)
    return np.stack([control.real, control.imag], axis=2), abs(away)


def curve(control: Array, u: Array) -> Array:
    """Points (S, K, 2) of cubics with control points (S, 4, 2) at the places u (S, K)."""
    at = _curve(_complex(control), u)
    return np.stack([at.real, at.imag], axis=2)


# below, a point x, y is the complex number x + iy


def _complex(points: Array) -> Array:
    return np.asarray(points[..., 0] + 1j * points[..., 1], np.complex128)


def _square(z: Array) -> Array:
    return np.asarray(z.real**2 + z.imag**2)


def _curve(control: Array, u: Array) -> Array:
    v = 1 - u
    P0, P1, P2, P3 = (control[:, k, None] for k in range(4))
    return np.asarray(v * v * (v * P0 + 3 * u * P1) + u * u * (3 * v * P2 + u * P3))


def _with_places(p: Array, u: Array) -> Array:
    """Least squares for P1 and P2 with the places as they are."""
    v = 1 - u
    b1, b2 = 3 * v * v * u, 3 * v * u * u
    rest = p - v**3 * p[:, :1] - u**3 * p[:, -1:]
    a11, a12, a22 = (b1 * b1).sum(axis=1), (b1 * b2).sum(axis=1), (b2 * b2).sum(axis=1)
    r1, r2 = (b1 * rest).sum(axis=1), (b2 * rest).sum(axis=1)
    det = a11 * a22 - a12 * a12
    det = np.where(det > 1e-12, det, np.inf)  # all points in one place
    return np.stack([p[:, 0], (a22 * r1 - a12 * r2) / det, (a11 * r2 - a12 * r1) / det, p[:, -1]], axis=1)


def _closer(p: Array, control: Array, u: Array) -> Array:
    """One Newton step of every place towards the point of the curve that is closest."""
    leg = np.diff(control, axis=1)
    turn = np.diff(leg, axis=1)
    v = 1 - u
    first = 3 * (v * v * leg[:, :1] + 2 * u * v * leg[:, 1:2] + u * u * leg[:, 2:])
    second = 6 * (v * turn[:, :1] + u * turn[:, 1:])
    away = (_curve(control, u) - p).conj()
    down = _square(first) + (away * second).real
    step = np.where(down > 1e-12, (away * first).real / np.where(down > 1e-12, down, 1), 0)
    u = np.clip(u - np.clip(step, -0.1, 0.1), 0, 1)
    u[:, 0], u[:, -1] = 0, 1
    return u


def _across(away: Array, control: Array, u: Array) -> Array:
    """Move P1 and P2 so that the curve meets the points, however these may slide along it (Gauss-Newton)."""
    leg, v = np.diff(control, axis=1), 1 - u
    first = v * v * leg[:, :1] + 2 * u * v * leg[:, 1:2] + u * u * leg[:, 2:]
    normal = 1j * first / np.sqrt(np.maximum(_square(first), 1e-24))
    n1, n2 = 3 * v * v * u * normal, 3 * v * u * u * normal
    J = np.stack([n1.real, n1.imag, n2.real, n2.imag], axis=1)  # (S, 4, K)
    r = (away * normal.conj()).real
    A = J @ J.transpose(0, 2, 1)
    A += (1e-9 * np.trace(A, axis1=1, axis2=2) + 1e-15)[:, None, None] * np.eye(4)
    x = np.linalg.solve(A, J @ r[:, :, None])[:, :, 0]
    out = control.copy()
    out[:, 1] += x[:, 0] + 1j * x[:, 1]
    out[:, 2] += x[:, 2] + 1j * x[:, 3]
    return out


def bezier_pieces(items: Sequence[Strokes], tolerance: float, spacing: float | None = None) -> list[Pieces]:
    """Cut the strokes of items into cubic pieces.

    Args:
        items: of each item its strokes, (n, 2) points.
        tolerance: how far a piece may be from its points, in their units; of a line of height 1, about 0.02.
        spacing: of the points that are fitted; default: the tolerance. Corners are only as sharp as this.
    Raises:
        ValueError: tolerance or spacing not more than 0.
        DataError: as `resample`.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance}; expected more than 0")
    parts = [resample(s, spacing or tolerance).astype(np.float64) for strokes in items for s in strokes]
    owner = np.repeat(np.arange(len(items)), [len(strokes) for strokes in items])
    number = np.concatenate([np.arange(len(strokes)) for strokes in items]) if len(items) else owner
    if not parts:
        return []
    points = np.concatenate(parts)
    ends = np.cumsum([len(part) for part in parts])
    starts, stops = ends - [len(part) for part in parts], ends - 1  # first and last point of every piece
    done: list[tuple[Array, Array]] = []
    while len(starts):
        at = starts[:, None] + (stops - starts)[:, None] * np.linspace(0, 1, SAMPLES)
        low = np.minimum(at.astype(np.int64), len(points) - 1)
        high = np.minimum(low + 1, len(points) - 1)
        between = (at - low)[:, :, None]
        samples = np.where(between > 0, points[low] * (1 - between) + points[high] * between, points[low])
        fitted = [fit_cubics(samples[k : k + TOGETHER]) for k in range(0, len(samples), TOGETHER)]
        control, away = (np.concatenate(part) for part in zip(*fitted))
        good = (away.max(axis=1) <= tolerance) | (stops - starts < SHORTEST)
        done.append((starts[good], control[good]))
        worst = np.clip(away[~good].argmax(axis=1) / (SAMPLES - 1), 0.25, 0.75)
        middle = starts[~good] + np.rint((stops - starts)[~good] * worst).astype(np.int64)
        starts, stops = np.concatenate([starts[~good], middle]), np.concatenate([middle, stops[~good]])
    begins, control = (np.concatenate(part) for part in zip(*done))
    order = np.argsort(begins, kind="stable")
    begins, control = begins[order], control[order].astype(np.float32)
    stroke = np.searchsorted(ends, begins, side="right")
    bounds = np.searchsorted(owner[stroke], np.arange(len(items) + 1))
    return [Pieces(control[i:j], number[stroke[i:j]]) for i, j in zip(bounds[:-1], bounds[1:])]


def curve_features(pieces: Pieces) -> Array:
    """(T, 7) float32, a row for every piece and for every move between strokes.

        dx, dy            from the start of the piece to its end
        d1, d2            |P1 - P0| and |P2 - P3|, as shares of the length of the line P0 P1 P2 P3
        a1, a2            angle in radians from the chord to P1 - P0, and from the chord, reversed, to P2 - P3
        pen up            1 for a move above the paper, which is a straight line

    Carbune et al. take shares of the distance from start to end, which grow without limit where a loop closes. The
    angles of a closed loop are those to the x axis; a dot is all zeros.
    """
    P = _complex(pieces.control)
    leaves, across, arrives = P[:, 1] - P[:, 0], P[:, 2] - P[:, 1], P[:, 2] - P[:, 3]
    chord = P[:, 3] - P[:, 0]
    whole = abs(leaves) + abs(across) + abs(arrives)
    whole = np.where(whole > 0, whole, 1)
    back = np.where(abs(chord) > 1e-6 * whole, chord.conj(), 1)  # turns the chord to the x axis
    a1, a2 = np.angle(leaves * back), np.angle(-arrives * back)
    down = np.zeros(len(P))
    rows = np.stack([chord.real, chord.imag, abs(leaves) / whole, abs(arrives) / whole, a1, a2, down], axis=1)
    lifted = 1 + np.flatnonzero(np.diff(pieces.stroke))  # the first piece of each further stroke
    way = P[lifted, 0] - P[lifted - 1, 3]
    third, none = np.full(len(way), 1 / 3), np.zeros(len(way))
    moves = np.stack([way.real, way.imag, third, third, none, none, none + 1], axis=1)
    return np.insert(rows, lifted, moves, axis=0).astype(np.float32)
