"""Mistakes in the models that watch clips: order of frames, looking for a class, boxes, memories, walls."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

CLIPS = mutants(
    "clip classifier",
    "models/clip_classifier.py",
    {
        "the mean over frames is not divided in backward": {
            "dx = np.repeat(dmean[:, None] / T, T, axis=1)": "dx = np.repeat(dmean[:, None], T, axis=1)"
        },
        "the rectifier behind the mean is left out": {
            "vector, bent = ops.relu.forward(b)  # (6)": "vector = b",
            "(db,) = ops.relu.backward(dvector, bent)  # (6)": "db = dvector",
            "judged = (inner, bent, dropped, out)": "judged = (inner, None, dropped, out)",
        },
        "the rectifier is left out of backward": {
            "(da,) = ops.relu.backward(dx.reshape(N * T, D), rectified)": "da = dx.reshape(N * T, D)"
        },
        "frames of different clips follow each other": {
            "x = x.reshape(N, T, config.features)  # (4)": "x = x.reshape(T, N, config.features).swapaxes(0, 1)  # (4)",
            "dx.reshape(N * T, D)": "dx.swapaxes(0, 1).reshape(N * T, D)",
        },
    },
)
LOOK = mutants(
    "look_for",
    "models/tracker_look.py",
    {
        "scores read from outside give no gradient": {
            "ds = ds if ds_outside is None else ds + ds_outside": "ds = ds + 0"
        },
        "the gradient of features as values is forgotten": {
            "return (dfeatures + dscored).reshape(shape)": "return dscored.reshape(shape)"
        },
        "x and y exchanged": {
            "np.stack([np.tile(x, height), np.repeat(y, width)], axis=1)": (
                "np.stack([np.repeat(y, width), np.tile(x, height)], axis=1)"
            )
        },
        "nowhere is beaten by nothing": {
            "seen = np.concatenate([mean, p[:, :, :1]], axis=2)  # (5)": (
                "seen = np.concatenate([mean / (1 - p[:, :, :1]), p[:, :, :1]], axis=2)  # (5)"
            )
        },
        "nowhere of all classes gets the gradient of one": {
            "dnowhere = np.tensordot(ds[:, :, 0], which, axes=2)": (
                "dnowhere = np.zeros(which.shape[2], p.dtype) + ds[:, :, 0].sum()"
            )
        },
    },
)
TRACKER = mutants(
    "tracker",
    "models/tracker.py",
    {
        "what is followed changes places over time": {
            "seen.reshape(N, T, K, config.seen).swapaxes(1, 2).reshape(N * K, T, config.seen)": (
                "seen.reshape(N * K, T, config.seen)"
            ),
            "(dseen + dseen_glance).reshape(N, K, T, config.seen).swapaxes(1, 2).reshape(N * T, K, config.seen)": (
                "(dseen + dseen_glance).reshape(N * T, K, config.seen)"
            ),
        },
        "the gradient of seen through the glance is forgotten": {
            "dseen = (dseen + dseen_glance).reshape": "dseen = dseen.reshape"
        },
        "boxes weigh one in backward": {
            "ops.smooth_l1.backward(dloss * BOX, smooth)": "ops.smooth_l1.backward(dloss, smooth)"
        },
        "hidden things have a place": {
            "np.where(hidden, 0, 1 + cell[..., 1] * config.grid + cell[..., 0])": (
                "1 + cell[..., 1] * config.grid + cell[..., 0]"
            )
        },
        "places run column by column": {
            "1 + cell[..., 1] * config.grid + cell[..., 0]": "1 + cell[..., 0] * config.grid + cell[..., 1]"
        },
        "corners are twice as far from the middle": {
            "np.maximum(boxes[..., 2:], 0) / 2": "np.maximum(boxes[..., 2:], 0)"
        },
    },
)
JUDGING = mutants(
    "tracking",
    "tasks/tracking_scores.py",
    {
        "hidden frames are those seen": {"found[behind].mean()": "found[~behind].mean()"},
        "the next box is used where the last is asked for": {
            "np.searchsorted(known, t[lost]) - 1": "np.minimum(np.searchsorted(known, t[lost]), len(known) - 1)"
        },
    },
)
MUTANTS = CLIPS + LOOK + TRACKER + JUDGING
