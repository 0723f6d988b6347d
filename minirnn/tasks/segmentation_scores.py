"""How well masks are found: F1, precision, recall and IoU of pixels, the best threshold, and what must be beaten."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minirnn.data.cells import blur
from minirnn.data.segmentation import Masked
from minirnn.pair import Array

LEVELS = 1000  # thresholds that are tried on probabilities
SIGMAS = (1.0, 2.0, 3.0)  # pixels: how much pictures are smoothed for the second baseline


def mask_scores(found: Sequence[Array], truth: Sequence[Array]) -> dict[str, float]:
    """Pixels of all pictures together, what is to be found being the positive class.

        precision = TP / (TP + FP)               recall = TP / (TP + FN)
        F1        = 2 TP / (2 TP + FP + FN)      IoU    = TP / (TP + FP + FN)

    A quotient of nothing by nothing is 0, but 1 for F1 and IoU where there is nothing to find and nothing was found.
    """
    hit = sum(int((f & t).sum()) for f, t in zip(found, truth))
    said, there = sum(int(f.sum()) for f in found), sum(int(t.sum()) for t in truth)
    pixels, wrong = sum(t.size for t in truth), said + there - 2 * hit
    return {
        "f1": 2 * hit / (said + there) if said + there else 1.0,
        "precision": hit / said if said else 0.0,
        "recall": hit / there if there else 0.0,
        "iou": hit / (said + there - hit) if said + there else 1.0,
        "accuracy": 1 - wrong / pixels,
    }


def best_threshold(values: Sequence[Array], truth: Sequence[Array]) -> tuple[float, float]:
    """The threshold with the largest F1 for "positive where value >= threshold", and that F1.

    Args:
        values: (H, W) from 0 to 1; they are sorted into `LEVELS` steps.
        truth: (H, W) booleans.
    Returns:
        0.5 and 0 where nothing is positive: then no threshold is better than another.
    """
    hits, others = np.zeros(LEVELS + 1), np.zeros(LEVELS + 1)
    for value, mask in zip(values, truth):
        level = np.minimum((value * LEVELS).astype(np.int64), LEVELS)
        hits += np.bincount(level[mask], minlength=LEVELS + 1)
        others += np.bincount(level[~mask], minlength=LEVELS + 1)
    if not hits.any():
        return 0.5, 0.0
    hit, said = hits[::-1].cumsum()[::-1], (hits + others)[::-1].cumsum()[::-1]
    f1 = 2 * hit / np.maximum(said + hits.sum(), 1)
    best = int(f1.argmax())
    return best / LEVELS, float(f1[best])


def baselines(train: Masked, test: Masked) -> dict[str, dict[str, float]]:
    """Scores on `test` of what is made from `train` alone.

    `everything`: all pixels are positive. `grey_threshold`: the best threshold on the grey of a pixel, above or below.
    `smoothed_threshold`: the same on pictures smoothed by the best of `SIGMAS`.
    """
    everything = mask_scores([np.ones_like(mask) for mask in test.masks], test.masks)
    return {
        "everything": everything,
        "grey_threshold": _threshold(train, test, (0.0,)),
        "smoothed_threshold": _threshold(train, test, SIGMAS),
    }


def _threshold(train: Masked, test: Masked, sigmas: Sequence[float]) -> dict[str, float]:
    best = (-1.0, 0.0, 0.0, False)
    for sigma in sigmas:
        greys = [grey_of(image, sigma) for image in train.images]
        for dark in (True, False):
            threshold, f1 = best_threshold([1 - g if dark else g for g in greys], train.masks)
            best = max(best, (f1, threshold, sigma, dark))
    _, threshold, sigma, dark = best
    greys = [grey_of(image, sigma) for image in test.images]
    level = [np.floor((1 - g if dark else g) * LEVELS) / LEVELS for g in greys]
    return {**mask_scores([v >= threshold for v in level], test.masks), "sigma": sigma}


def grey_of(image: Array, sigma: float = 0.0) -> Array:
    """The grey (H, W) of a picture (H, W, C) uint8 from 0 to 1, smoothed; colours weigh as the eye sees them."""
    grey: Array = image.astype(np.float64) / 255
    grey = grey @ np.array([0.299, 0.587, 0.114]) if image.shape[2] == 3 else grey[..., 0]
    return np.clip(blur(grey, sigma) if sigma else grey, 0, 1)
