"""How good the boxes of a tracker are, and a memory made by hand to compare with."""

from __future__ import annotations

import numpy as np

from minirnn.boxes import iou_of_pairs
from minirnn.data.occlusions import Scenes
from minirnn.pair import Array


def scores(boxes: Array, hidden: Array, scenes: Scenes) -> dict[str, float]:
    """Mean IoU over all frames, over those where the digit is seen, over those where it is hidden; `hidden_told`: the
    share of frames where "hidden" is told rightly."""
    truth, behind = scenes.boxes[:, 0], scenes.hidden[:, 0]
    found = iou_of_pairs(boxes.astype(np.float64), truth.astype(np.float64))
    return {
        "iou": float(found.mean()),
        "iou_seen": float(found[~behind].mean()),
        "iou_hidden": float(found[behind].mean()),
        "hidden_told": float((hidden == behind).mean()),
    }


def filled(boxes: Array, hidden: Array, *, ahead: bool) -> Array:
    """Boxes (N, T, 4) with those of hidden frames made from the frames around: a memory made by hand.

    Args:
        hidden: (N, T) booleans.
        ahead: whether the next frame that is not hidden is known: then the box goes straight from the last one to it;
            else the last box stays. Where there is neither, the box is left as it is.
    """
    out = boxes.copy()
    t = np.arange(boxes.shape[1])
    for row, lost in zip(out, hidden):
        known = t[~lost]
        if not len(known):
            continue
        if ahead:
            for k in range(4):
                row[lost, k] = np.interp(t[lost], known, row[known, k])
        else:
            last = np.searchsorted(known, t[lost]) - 1
            row[t[lost][last >= 0]] = row[known[last[last >= 0]]]
    return out


def middle_box(train: Scenes, size: int) -> Array:
    """The box (4,) in the middle of frames of `size` pixels that is as large as what is followed is on average."""
    truth = train.boxes[:, 0].astype(np.float64)
    half = (truth[..., 2:] - truth[..., :2]).mean(axis=(0, 1)) / 2
    return np.concatenate([size / 2 - half, size / 2 + half])
