"""Boxes: how much two overlap, which of many are the same thing, and how good a list of found boxes is.

A box is (x0, y0, x1, y1): its left, upper, right and lower edge in pixels, x to the right and y down. Edges lie between
pixels, so that a box is x1 - x0 wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minirnn.pair import Array

HIT, FALSE, IGNORED = 1, 0, -1  # what a found box can be


class Found(NamedTuple):
    """What a detector finds in one picture."""

    boxes: Array  # (D, 4)
    scores: Array  # (D,) larger is surer
    labels: Array  # (D,) integers, places in the classes


class Truth(NamedTuple):
    """What is in one picture."""

    boxes: Array  # (M, 4)
    labels: Array  # (M,) integers
    difficult: Array  # (M,) booleans: neither finding nor missing such a box counts


class Curve(NamedTuple):
    """Precision and recall of one class as the least score goes down."""

    scores: Array  # (D,) falling: the score of each box that counts
    precision: Array  # (D,) share of the boxes down to this one that are right
    recall: Array  # (D,) share of the things that these have found
    truths: int  # things that there are to find

    @property
    def average_precision(self) -> float:
        """The area under the curve, see `area_under`."""
        return area_under(self.precision, self.recall)


def iou(a: Array, b: Array) -> Array:
    """Intersection over union of every box of `a` with every box of `b`, see `iou_of_pairs`.

    Args:
        a: (A, 4).
        b: (B, 4).
    Returns:
        (A, B) from 0 to 1; 0 where both boxes have no area.
    Raises:
        ValueError: an array that is not (·, 4), or a box that ends before it begins.
    """
    for name, boxes in (("a", a), ("b", b)):
        require_boxes(name, boxes)
    return iou_of_pairs(a[:, None], b[None])


def iou_of_pairs(a: Array, b: Array) -> Array:
    """Intersection over union of boxes, each of `a` with the one at its own place in `b`.

        inter = max(0, min(x1) - max(x0)) * max(0, min(y1) - max(y0))
        iou   = inter / (area a + area b - inter)

    Args:
        a, b: (…, 4), shapes that broadcast, edges in order.
    Returns:
        (…) from 0 to 1; 0 where both boxes have no area.
    Raises:
        ValueError: a last axis that is not 4, or shapes that do not broadcast.
    """
    for name, boxes in (("a", a), ("b", b)):
        if boxes.shape[-1:] != (4,):
            raise ValueError(f"{name} has shape {boxes.shape}; expected (…, 4): x0, y0, x1, y1")
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., 2:], b[..., 2:])
    inter = np.maximum(high - low, 0).prod(axis=-1)
    union = areas(a) + areas(b) - inter
    out: Array = inter / np.where(union > 0, union, 1)
    return out


def areas(boxes: Array) -> Array:
    """Width times height of boxes (…, 4)."""
    out: Array = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return out


def non_maximum_suppression(boxes: Array, scores: Array, threshold: float) -> Array:
    """Of boxes that are the same thing the surest: each box is dropped that overlaps a surer one that was kept.

    Args:
        boxes: (N, 4).
        scores: (N,).
        threshold: the largest IoU that two kept boxes may have, from 0 to 1.
    Returns:
        Places of the kept boxes, the surest first; of equal scores the first in `boxes` comes first.
    Raises:
        ValueError: shapes that do not fit, a threshold outside 0 … 1, a score that is NaN.
    Source: Felzenszwalb et al. 2010 (greedy).
    """
    require_boxes("boxes", boxes)
    if scores.shape != (len(boxes),):
        raise ValueError(f"scores have shape {scores.shape} but there are {len(boxes)} boxes")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; expected from 0 to 1")
    if np.isnan(scores).any():
        raise ValueError(f"the score of box {int(np.flatnonzero(np.isnan(scores))[0])} is NaN")
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[iou(boxes[best][None], boxes[left])[0] <= threshold]
    return np.array(kept, np.int64)


def match(boxes: Array, scores: Array, truth: Array, difficult: Array, threshold: float = 0.5) -> Array:
    """Which found boxes of one class in one picture are right.

    From the surest on, a box looks for the thing that it overlaps most. With an IoU of at least `threshold` it is a
    hit, if nobody has found that thing before; else it is false. Boxes on a difficult thing are ignored.

    Args:
        boxes, scores: (D, 4) and (D,), what was found.
        truth, difficult: (M, 4) and (M,), what is there.
        threshold: the least IoU.
    Returns:
        (D,) HIT, FALSE or IGNORED, in the order of `boxes`.
    Source: Everingham et al. 2010 (PASCAL VOC).
    """
    result = np.full(len(boxes), FALSE)
    if not len(truth):
        return result
    overlap = iou(boxes, truth)
    taken = np.zeros(len(truth), bool)
    for k in np.argsort(-scores, kind="stable"):
        best = int(overlap[k].argmax())
        if overlap[k, best] < threshold:
            continue
        if difficult[best]:
            result[k] = IGNORED
        elif not taken[best]:
            result[k], taken[best] = HIT, True
    return result


def curve(found: Sequence[Found], truth: Sequence[Truth], label: int, threshold: float = 0.5) -> Curve:
    """Precision and recall of one class over many pictures."""
    results, scores, truths = [], [], 0
    for f, t in zip(found, truth, strict=True):
        mine, there = f.labels == label, t.labels == label
        results.append(match(f.boxes[mine], f.scores[mine], t.boxes[there], t.difficult[there], threshold))
        scores.append(f.scores[mine])
        truths += int((there & ~t.difficult).sum())
    result = np.concatenate(results) if results else np.zeros(0, int)
    score = np.concatenate(scores) if scores else np.zeros(0)
    counts = result != IGNORED
    result, score = result[counts], score[counts]
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(result[order] == HIT)
    return Curve(score[order], hits / np.arange(1, len(hits) + 1), hits / max(truths, 1), truths)


def area_under(precision: Array, recall: Array) -> float:
    """Average precision: the area under precision over recall, over all points.

        AP = sum over k of (recall[k] - recall[k-1]) * max(precision[k:])      recall[-1] = 0

    Source: PASCAL VOC since 2010; until 2009 it was the mean at eleven points.
    """
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * best).sum())


def mean_average_precision(curves: Sequence[Curve]) -> float:
    """The mean of the average precisions of the classes that there is something to find of; 0 when there is none."""
    each = [c.average_precision for c in curves if c.truths]
    return float(np.mean(each)) if each else 0.0


def require_boxes(name: str, boxes: Any) -> None:
    """Raise ValueError unless `boxes` is (N, 4) with edges in order."""
    if not isinstance(boxes, np.ndarray) or boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} has shape {np.shape(boxes)}; expected (N, 4): x0, y0, x1, y1")
    wrong = np.flatnonzero(~((boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1])))
    if len(wrong):
        raise ValueError(f"box {wrong[0]} of {name} ends before it begins: {boxes[wrong[0]].tolist()}")
