"""Mistakes in finding boxes: overlap, suppression, average precision, the detector's losses, targets and pictures."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

UNION = "union = areas(a) + areas(b) - inter"
LEFT = "left = left[iou(boxes[best][None], boxes[left])[0] <= threshold]"
TAKEN = "elif not taken[best]:"
BEST = "best = np.maximum.accumulate(precision[::-1])[::-1]"
BACK = "danswers[..., 1:5], _, _ = ops.smooth_l1.backward(dout[0] * weights[1], shift)  # (3)"
HEAD = "return None, None, DetectorParams(dencoder, tuple(reversed(dhead)), dout_params)"
TO = "np.log((high - low) / anchors[..., 2:])"
FROM = "half = anchors[..., 2:] * np.exp(np.minimum(shifts[..., 2:], LARGEST)) / 2"
SURE = "owner[sure], of_thing[sure] = np.arange(len(boxes)), True"
IGNORED = "counts.reshape(-1)[(overlap >= NOTHING).any(axis=1)] = False"

MUTANTS = [
    *mutants(
        "boxes",
        "boxes.py",
        {
            "union counts what is common twice": {UNION: UNION.replace(" - inter", "")},
            "boxes that do not meet overlap where both ways are negative": {
                "inter = np.maximum(high - low, 0).prod(axis=-1)": "inter = np.maximum((high - low).prod(axis=-1), 0)"
            },
            "suppression keeps the least sure box": {
                "left = np.argsort(-scores, kind": "left = np.argsort(scores, kind"
            },
            "a dropped box drops others": {
                LEFT: "near = iou(boxes[best][None], boxes[left])[0] > threshold\n"
                "        near |= (iou(boxes[left[near]], boxes[left]) > threshold).any(axis=0)\n"
                "        left = left[~near]"
            },
            "a thing can be found twice": {TAKEN: "else:"},
            "a box takes the next best thing when its own is taken": {
                "best = int(overlap[k].argmax())": "best = int(np.where(taken, -1, overlap[k]).argmax())"
            },
            "difficult things count as found": {"if difficult[best]:": "if difficult[best] and taken[best]:"},
            "average precision without the envelope": {BEST: "best = precision"},
            "recall counts difficult things": {"(there & ~t.difficult).sum()": "there.sum()"},
            "classes that nobody has count as missed": {
                "each = [c.average_precision for c in curves if c.truths]": "each = [c.average_precision for c in curves]"
            },
        },
    ),
    *mutants(
        "detector",
        "models/detector.py",
        {
            "the loss of shift has no weight in the backward pass": {BACK: BACK.replace(" * weights[1]", "")},
            "objectness has no weight in the backward pass": {
                "ops.binary_cross_entropy.backward(dout[0] * weights[0], objectness)": "ops.binary_cross_entropy.backward(dout[0], objectness)"
            },
            "shifts are learnt where nothing is": {
                "each = np.broadcast_to(things[..., None], shifts.shape)": "each = np.broadcast_to(counts[..., None], shifts.shape)"
            },
            "gradients of the head in the order of the backward pass": {HEAD: HEAD.replace("reversed(dhead)", "dhead")},
            "ignored anchors are taught": {
                "ops.binary_cross_entropy.forward(answers[..., 0], things, counts)": "ops.binary_cross_entropy.forward(answers[..., 0], things, None)"
            },
            "the size of a box is no logarithm on the way back": {
                FROM: FROM.replace("np.exp(np.minimum(shifts[..., 2:], LARGEST))", "(1 + shifts[..., 2:])")
            },
            "sizes are measured upside down": {TO: "np.log(anchors[..., 2:] / (high - low))"},
            "anchors stand in the corners of the cells": {"(np.arange(S)[None, :, None] + 0.5)": "np.arange(S)[None, :, None]"},
        },
    ),
    *mutants(
        "detection batches",
        "data/detection_batches.py",
        {
            "things of odd shape have no anchor": {SURE: "owner[sure] = np.arange(len(boxes))"},
            "anchors that half overlap a thing are taught to say no": {IGNORED: "pass"},
            "boxes are flipped without their pictures": {
                "(np.arange(n) + 0.5 - n / 2) / (zoom * f) + n / 2 - s": "(np.arange(n) + 0.5 - n / 2) / zoom + n / 2 - s"
            },
            "boxes are zoomed the other way": {"_moved(truth, zoom * flip, shift, sides)": "_moved(truth, flip / zoom, shift, sides)"},
            "the shift is not zoomed with the rest": {
                "(truth.boxes.reshape(-1, 2, 2) + shift - sides / 2) * scale + sides / 2": "(truth.boxes.reshape(-1, 2, 2) - sides / 2) * scale + sides / 2 + shift"
            },
            "half a pixel is lost in each resampling": {"at = np.clip(places - 0.5, 0, n - 1)": "at = np.clip(places, 0, n - 1)"},
        },
    ),
]  # fmt: skip
