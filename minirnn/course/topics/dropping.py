"""How an answer to drop1 is judged: by what came out, since everyone may draw the mask in another way."""

from __future__ import annotations

from collections.abc import Callable
from math import erf
from typing import Any, NamedTuple

import numpy as np

from minirnn.course.exercise import Probe, Wrong
from minirnn.course.running import Bare
from minirnn.course.topics.seeing_mistakes import DROP1
from minirnn.pair import Array

CLOSE = 1e-5
SIGMAS = 6  # a right answer is farther off once in 500 million draws

SAYS = {m.key: f"this is another convention, not a mistake: {m.says}" if m.convention else m.says for m in DROP1}
SCALES: dict[str, tuple[str, Callable[[float], float]]] = {  # what is kept was multiplied by this, not by 1 / (1 - p)
    "not-scaled": ("1", lambda p: 1.0),
    "scaled-down": ("1 - p", lambda p: 1 - p),
    "divided-by-p": ("1 / p", lambda p: 1 / p),
    "times-p": ("p", lambda p: p),
    "scaled-twice": ("1 / (1 - p)**2", lambda p: 1 / (1 - p) ** 2),
    "root": ("1 / sqrt(1 - p)", lambda p: float((1 - p) ** -0.5)),
    "one-plus-p": ("1 + p", lambda p: 1 + p),
    "sign": ("-1 / (1 - p)", lambda p: -1 / (1 - p)),
}


class Seen(NamedTuple):
    """What one probe shows."""

    p: float
    share: float  # of zeros
    slack: float  # how far the share may be from p
    scale: float | None  # what the other values were multiplied by; None where that differs from value to value
    x: Array
    y: Array

    def zeros(self, share: float) -> bool:
        """Whether the share of zeros is this one, within the bounds of chance."""
        return abs(self.share - share) <= self.slack

    def times(self, factor: float) -> bool:
        """Whether what is not zero was multiplied by this."""
        return self.scale is not None and abs(self.scale - factor) <= CLOSE * abs(factor)


def judge_dropout(probes: tuple[Probe, ...], values: tuple[Any, ...]) -> list[Wrong]:
    """What is wrong with the results; the masks themselves are free."""
    bad = [_structure(probe, value) or _not_finite(probe, value) for probe, value in zip(probes, values)]
    for wrong, probe in zip(bad, probes):
        if wrong and (wrong.key == "shape" or probe.note != "p = 0"):  # what is wrong with p = 0 alone is said last
            return [wrong]
    with np.errstate(all="ignore"):  # NaN and infinity are judged by their values
        seen = {probe.note: _look(probe, value) for probe, value in zip(probes, values)}
    first, again, other, more = seen[""], seen["the same generator"], seen["another generator"], seen["p = 0.7"]
    evaluation, never = seen["evaluation"], seen["p = 0"]
    found = _training([first, more]) or _draws(first, again, other)
    said = _evaluation(evaluation, [first, more])
    if said and said.key in ("classic", "training-reversed"):
        return [said]
    found += [said] if said else []
    if not found and bad[-1]:
        found.append(bad[-1])
    elif not found and not (never.share == 0 and never.times(1)):
        found.append(_known("p-zero", "p = 0 leaves x as it is", "y is not x"))
    return found


def _known(key: str, item: str, evidence: str) -> Wrong:
    return Wrong(item, evidence, SAYS[key], key)


def _structure(probe: Probe, value: Any) -> Wrong | None:
    x = probe.args[0]
    if isinstance(value, Bare):
        return Wrong("the result has the right structure", "expected a pair (y, cache)",
                     "only y is returned; the function returns a pair: y and what backward needs", "shape")  # fmt: skip
    if not isinstance(value, np.ndarray) or value.shape != x.shape or value.dtype.kind not in "fiub":
        came = f"shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        return Wrong("y has the shape of x", f"y is {came}; expected an array of shape {x.shape}", "", "shape")
    return None


def _not_finite(probe: Probe, value: Array) -> Wrong | None:
    if np.isfinite(value.astype(float)).all():
        return None
    with_ = f" with {probe.note}" if probe.note else ""
    cause = f"something becomes NaN or infinite{with_}: a division by 0, by p or by a mask"
    return Wrong("y holds numbers", f"y holds NaN or infinity{with_}", cause, "not-finite")


def _look(probe: Probe, value: Array) -> Seen:
    x, y, p = probe.args[0], value.astype(float), probe.options["p"]
    kept = y != 0
    ratios = y[kept] / x[kept]
    scale = float(np.median(ratios)) if ratios.size else None
    if scale is not None and float(np.abs(ratios - scale).max()) > CLOSE * abs(scale):
        scale = None
    slack = SIGMAS * float(np.sqrt(p * (1 - p) / x.size)) + 1 / x.size
    return Seen(p, float(1 - kept.mean()), slack, scale, x, y)


def _training(seen: list[Seen]) -> list[Wrong]:
    """The shares of zeros and the scale, in training."""
    item = "the share of zeros is p"
    if all(s.zeros(0) for s in seen):
        return [_nothing_dropped(seen)]
    if all(s.zeros(1) for s in seen):
        return [_known("everything-dropped", item, "everything is 0")]
    shared = _shared(seen[0])
    shares = " and ".join(f"{s.share:.1%} of the values are 0 with p = {s.p:g}" for s in seen)
    inverted = not shared and all(s.zeros(1 - s.p) for s in seen)
    if inverted and all(s.times(1 / s.p) for s in seen):
        return [_known("p-keeps", item, shares)]
    found = [shared] if shared else []
    if inverted:
        found.append(_known("keep-inverted", item, shares))
    elif not shared and not all(s.zeros(s.p) for s in seen):
        found.append(_other_share(item, shares, seen))
    if not all(s.times(1 / (1 - s.p)) for s in seen):
        found.append(_scaled(seen))
    return found


def _other_share(item: str, shares: str, seen: list[Seen]) -> Wrong:
    if all(s.zeros(0.5 * (1 + erf(s.p / 2**0.5))) for s in seen):  # the share of normal numbers below p
        return _known("normal-draw", item, shares)
    if abs(seen[0].share - seen[1].share) <= seen[0].slack + seen[1].slack:
        return _known("p-ignored", item, shares)
    return Wrong(item, shares)


def _scaled(seen: list[Seen]) -> Wrong:
    item = "what is kept is x / (1 - p)"
    for key, (formula, factor) in SCALES.items():
        if all(s.times(factor(s.p)) for s in seen):
            return _known(key, item, f"what is kept is x times {formula}; expected x / (1 - p)")
    if all(np.ptp(s.y[s.y != 0]) <= CLOSE * np.abs(s.y).max() for s in seen):
        return _known("mask-returned", item, "y is the same number wherever it is not 0")
    s = seen[0]
    if s.scale is not None:
        return Wrong(
            item, f"what is kept is x times {s.scale:.4g} with p = {s.p:g}; expected x times {1 / (1 - s.p):.4g}"
        )
    return Wrong(item, "the factor differs from value to value")


def _nothing_dropped(seen: list[Seen]) -> Wrong:
    item, evidence = "the share of zeros is p", "nothing is 0"
    if all(s.times(1) for s in seen):
        return _known("nothing-dropped", item, evidence + ", y is x")
    if all(s.scale is not None for s in seen):
        return _known("only-scaled", item, evidence + ", y is a multiple of x")
    factors = [s.y / s.x for s in seen]
    if all(
        np.minimum(np.abs(f - 1), np.abs(f - 1 / (1 - s.p))).max() <= CLOSE / (1 - s.p) for f, s in zip(factors, seen)
    ):
        return _known("dropped-kept", item, evidence + "; what is not scaled is x itself")
    if all(f.min() >= 0 and len(np.unique(f.round(6))) > f.size / 4 for f in factors):
        return _known("not-binary", item, evidence + "; every value has a factor of its own")
    return Wrong(item, evidence)


def _shared(s: Seen) -> Wrong | None:
    """One mask for all rows, or for a whole row."""
    mask = s.y != 0
    for axis in range(mask.ndim):
        if (mask == np.take(mask, [0], axis=axis)).all():
            key = "same-mask" if axis == 0 else "same-mask-along"
            return _known(key, "every value is dropped by itself", f"the zeros are the same all along axis {axis}")
    return None


def _draws(first: Seen, again: Seen, other: Seen) -> list[Wrong]:
    """Whether the mask comes from `rng`."""
    item = "the mask comes from rng"
    if not np.array_equal(first.y != 0, again.y != 0):
        return [_known("other-randomness", item, "generators with the same seed give different masks")]
    if np.array_equal(first.y != 0, other.y != 0):
        return [_known("rng-ignored", item, "generators with different seeds give the same mask")]
    return []


def _evaluation(s: Seen, training: list[Seen]) -> Wrong | None:
    item = "evaluation leaves x as it is"
    if s.share == 0 and s.times(1):
        return None
    if s.share == 0 and s.times(1 - s.p):
        classic = all(t.zeros(t.p) and t.times(1) for t in training)
        return _known("classic" if classic else "eval-scaled", item, "y is x times 1 - p")
    if s.share == 0 and s.times(1 / (1 - s.p)):
        return _known("eval-scaled-up", item, "y is x / (1 - p)")
    if s.share == 1:
        return _known("eval-zero", item, "y is 0 everywhere")
    if s.share > 0:
        reversed_ = all(t.share == 0 and t.times(1) for t in training)
        return _known("training-reversed" if reversed_ else "eval-dropped", item, f"{s.share:.0%} of the values are 0")
    return Wrong(item, "y is not x")
