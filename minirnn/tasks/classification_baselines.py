"""What a classifier must beat: the most frequent class, the nearest mean, the nearest neighbour, one grey threshold."""

from __future__ import annotations

import numpy as np

from minirnn.data.classification import LabelledImages
from minirnn.data.images import to_float
from minirnn.pair import Array

NEIGHBOURS = 5000  # training pictures that nearest neighbour looks at, at most
CHUNK = 500  # pictures compared at a time


def baselines(train: LabelledImages, test: LabelledImages) -> dict[str, float]:
    """The accuracy of each baseline on `test`, each made from `train` alone.

    `most_frequent`: the class that training shows most often. `nearest_mean`: the class whose mean picture is nearest,
    pixel by pixel. `nearest_neighbour`: the class of the nearest of at most `NEIGHBOURS` training pictures.
    `grey_threshold`, for two classes: the threshold on the mean grey that tells the training pictures apart best.
    """
    counts = np.bincount(train.labels, minlength=len(train.classes))
    guesses = {
        "most_frequent": np.full(len(test), counts.argmax()),
        "nearest_mean": _nearest_mean(train, test),
        "nearest_neighbour": _nearest_neighbour(train, test),
    }
    if len(train.classes) == 2:
        guesses["grey_threshold"] = _grey_threshold(train, test)
    return {name: float((guess == test.labels).mean()) for name, guess in guesses.items()}


def _flat(images: Array) -> Array:
    return to_float(images).reshape(len(images), -1)


def _nearest(points: Array, images: Array) -> Array:
    """The place in `points` (M, D) nearest to each picture: |x - p|^2 = |x|^2 - 2 x.p + |p|^2, without the first."""
    norms = (points**2).sum(axis=1)
    chunks = [
        (norms - 2 * _flat(images[k : k + CHUNK]) @ points.T).argmin(axis=1) for k in range(0, len(images), CHUNK)
    ]
    return np.concatenate(chunks)


def _nearest_mean(train: LabelledImages, test: LabelledImages) -> Array:
    present = np.unique(train.labels)
    means = [train.images[train.labels == label].mean(axis=0, dtype=np.float64).ravel() / 255 for label in present]
    nearest: Array = present[_nearest(np.stack(means).astype(np.float32), test.images)]
    return nearest


def _nearest_neighbour(train: LabelledImages, test: LabelledImages) -> Array:
    some = np.sort(np.random.default_rng(0).permutation(len(train))[:NEIGHBOURS])
    nearest: Array = train.labels[some][_nearest(_flat(train.images[some]), test.images)]
    return nearest


def _grey(images: Array) -> Array:
    """The mean grey of each picture; colours weigh as the eye sees them (Rec. 601)."""
    means = images.mean(axis=(1, 2), dtype=np.float64)
    grey: Array = means @ np.array([0.299, 0.587, 0.114]) if means.shape[1] == 3 else means.mean(axis=1)
    return grey


def _grey_threshold(train: LabelledImages, test: LabelledImages) -> Array:
    grey = np.sort(_grey(train.images))
    labels = train.labels[np.argsort(_grey(train.images), kind="stable")]
    above = np.concatenate([[labels.sum()], labels.sum() - np.cumsum(labels)])  # class 1 above the k darkest
    below = np.concatenate([[0], np.cumsum(1 - labels)])  # class 0 among the k darkest
    right = above + below  # with class 1 the lighter one
    edges = np.concatenate([[grey[0] - 1], (grey[1:] + grey[:-1]) / 2, [grey[-1] + 1]])
    lighter_is_one = right.max() >= len(grey) - right.min()
    threshold = edges[right.argmax() if lighter_is_one else right.argmin()]
    return np.where(_grey(test.images) > threshold, int(lighter_is_one), int(not lighter_is_one))
