"""Strings of digits as many hands would write them with a pen: the same seed writes the same. Nothing is downloaded."""

from __future__ import annotations

import numpy as np

from minirnn.data.digit_strings import STROKES
from minirnn.data.strokes import resample
from minirnn.data.unipen_text import Ink


def drawn_inks(n: int, seed: int = 0, *, least: int = 2, most: int = 6) -> list[Ink]:
    """Strings of `least` to `most` digits, each written by one of many hands with a size, slant and spacing of its own.

    Raises:
        ValueError: n is not at least 1, or not 1 <= least <= most.
    """
    if n < 1 or not 1 <= least <= most:
        raise ValueError(f"n = {n}, least = {least}, most = {most}; expected n of at least 1 and 1 <= least <= most")
    rng = np.random.default_rng([seed, 7])
    hands = max(40, n // 30)
    slants, spaces = rng.normal(0, 0.2, hands), rng.uniform(0.7, 1.1, hands)
    wides, highs = rng.uniform(0.75, 1.1, hands), rng.uniform(40, 120, hands)
    inks = []
    for k in range(n):
        hand = k % hands
        digits = rng.integers(0, 10, rng.integers(least, most + 1))
        strokes, at = [], 0.0
        for digit in digits:
            turn, rise, wide = rng.normal(0, 0.09), rng.normal(0, 0.06), wides[hand] * rng.uniform(0.9, 1.1)
            waves, pitch = rng.normal(0, 0.04, 2), rng.uniform(3, 7, 2)
            for corners in STROKES[digit]:
                x, y = resample(np.array(corners), 0.05).T - 0.5
                u, v = x + waves[0] * np.sin(pitch[0] * y), -y + waves[1] * np.sin(pitch[1] * x)  # y up
                u, v = wide * (u - turn * v), v + turn * u + rise
                shaky = np.stack([at + u + slants[hand] * v, v], axis=1) + rng.normal(0, 0.012, (len(u), 2))
                strokes.append((shaky * highs[hand]).astype(np.float32))
            at += spaces[hand] * rng.uniform(0.85, 1.15) * wide
        inks.append(Ink(tuple(strokes), "".join(map(str, digits)), f"hand-{hand:04d}"))
    return inks
