"""Mistakes in the U-Net, its crops, its tiles, and the scores of masks."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

SKIP_OUT = "dskip, dwide = dboth[..., :F], np.ascontiguousarray(dboth[..., F:])  # (2)"

MUTANTS = [
    *mutants(
        "u-net",
        "models/unet_parts.py",
        {
            "what came from below stands before the skip": {
                "both = np.concatenate([skip, wide], axis=3)  # (2)": "both = np.concatenate([wide, skip], axis=3)  # (2)",
                SKIP_OUT: "dwide, dskip = np.ascontiguousarray(dboth[..., :F]), dboth[..., F:]  # (2)",
            },
            "gradients of skip and grid exchanged": {
                SKIP_OUT: "dwide, dskip = np.ascontiguousarray(dboth[..., :F]), dboth[..., F:]  # (2)"
            },
            "the second convolution's gradients stand first": {
                "return dx, None, tuple(reversed(dparams))": "return dx, None, tuple(dparams)"
            },
        },
    ),
    *mutants(
        "u-net",
        "models/unet.py",
        {
            "a level hears only the level below, not its skip": {
                "dx = tree_add(dx, dskips.pop())  #": "dskips.pop()  #"
            },
            "skips give their gradients to the wrong levels": {
                "tree_add(dx, dskips.pop())": "tree_add(dx, dskips.pop(0))"
            },
            "gradients of the levels up stand coarse to fine reversed": {
                "tuple(reversed(dup)), dparams_out": "tuple(dup), dparams_out"
            },
            "every pixel counts the same": {
                "ops.cross_entropy.forward(logits, labels, weights)": "ops.cross_entropy.forward(logits, labels, None)"
            },
            "reach forgets the levels up": {
                "2 * (2 * self.multiple - 1) + 2 * (self.multiple - 1)": "2 * (2 * self.multiple - 1)"
            },
        },
    ),
    *mutants(
        "crops",
        "data/segmentation_crops.py",
        {
            "the picture is mirrored, its mask is not": {
                "target[n] = square[:, ::-1] if mirror else square": "target[n] = square[:, ::-1] if mirror and target is out else square"
            },
            "what lies outside counts": {"& (x >= 0) & (x < mask.shape[1])": "& (x >= -99) & (x < mask.shape[1] + 99)"},
            "the mask is read half a pixel off": {
                "np.rint(rows).astype(np.int64), ": "np.floor(rows).astype(np.int64), "
            },
        },
    ),
    *mutants(
        "tiles",
        "tasks/segmentation.py",
        {
            "tiles without a rim": {"max(0, top - reach), max(0, left - reach)": "top, left"},
            "flipped answers are not flipped back": {"tile)[turned]": "tile)"},
            "a pixel is positive below the threshold": {
                "flips=flips) >= self.threshold": "flips=flips) < self.threshold"
            },
        },
    ),
    *mutants(
        "mask scores",
        "tasks/segmentation_scores.py",
        {
            "F1 without the factor 2": {'"f1": 2 * hit / (said + there)': '"f1": hit / (said + there)'},
            "precision and recall exchanged": {
                '"precision": hit / said if said else 0.0': '"precision": hit / there if there else 0.0',
                '"recall": hit / there if there else 0.0': '"recall": hit / said if said else 0.0',
            },
            "the threshold that finds most": {"best = int(f1.argmax())": "best = int(hit.argmax())"},
            "the baseline's threshold is chosen on the test": {
                "greys = [grey_of(image, sigma) for image in train.images]": "greys = [grey_of(image, sigma) for image in test.images]"
            },
        },
    ),
]
