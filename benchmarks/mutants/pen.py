"""Mistakes in the online reader: windows over time, the model, points and Bézier pieces, where letters are."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

MODEL = mutants(
    "pen reader",
    "models/pen_reader.py",
    {
        "what stands behind the end is read": {
            "x = np.where(behind, features.dtype.type(0), features)  # (1)": "x = features  # (1)"
        },
        "frames behind the end are not set to zero": {
            "x = np.where(outside, x.dtype.type(0), x)  # (5)": "x = x * 1  # (5)",
            "dx = np.where(outside, dx.dtype.type(0), dx)  # (5)": "dx = dx * 1  # (5)",
        },
        "a frame's gradient passes where the frame was set to zero": {
            "dx = np.where(outside, dx.dtype.type(0), dx)  # (5)": "dx = dx * 1  # (5)"
        },
        "the readers turn round at the end of the batch": {
            "shared, lengths=lengths)  # (7)": "shared, lengths=np.full(len(x), x.shape[1]))  # (7)"
        },
        "gradients of the layers in reversed order": {
            "tuple(reversed(dlayers)), dout)": "tuple(dlayers), dout)",
        },
        "frames are counted rounded down": {
            "for _ in config.channels:\n        lengths = -(-lengths // config.stride)": (
                "for _ in config.channels:\n        lengths = np.maximum(lengths // config.stride, 1)"
            )
        },
        "the gradient is not divided by the number of labels": {
            "ops.ctc_loss.backward(dout[0] * share, ctc)": "ops.ctc_loss.backward(dout[0] * np.ones_like(share), ctc)"
        },
        "the middle of a frame is its first point": {"- left + (config.window - 1) / 2": "- left"},
    },
)

WINDOWS = mutants(
    "windows",
    "functional/windows.py",
    {
        "only the last window that a step is in gets its gradient": {
            "stride] += dwindows[:, :, k]  # (2)": "stride] = dwindows[:, :, k]  # (2)"
        },
        "windows begin at their step": {"(size - stride) // 2\n    padded": "0\n    padded"},
        "a window less": {"count, left = -(-T // stride)": "count, left = max(1, T // stride)"},
    },
)

DATA = mutants(
    "pen strokes",
    "data/pen.py",
    {
        "the way above the paper is drawn": {"drawn = np.where(lifted, 0, step": "drawn = np.where(lifted, step, step"},
        "the first point of every stroke but the first is lost": {"first[ends - counts] = True": "first[0] = True"},
        "a line counts as its two ends": {" + (leg[:, 1] * joined) ** 2 / 12": " + 0 * leg[:, 1]"},
        "long stretches of the path count no more than short ones": {
            "np.where(joined, np.hypot(leg[:, 0], leg[:, 1]), 0)": "joined.astype(float)"
        },
        "padding is not zero": {"features[np.arange(features.shape[1]) >= lengths[:, None]] = 0": "pass"},
        "the width is bent twice": {"wide * cos, wide * sin": "wide * wide * 2 * cos, wide * sin"},
    },
)

PLACES = mutants(
    "peaks",
    "tasks/alignment.py",
    {
        "a repeat needs no blank": {" & (state[2:] != state[:-2])": ""},
        "a path ends in the last blank": {"s = 2 * U if best[2 * U] > best[2 * U - 1] else 2 * U - 1": "s = 2 * U"},
        "no blank is left out": {"np.where(skips[2:], best[:-2], -np.inf)": "-np.inf"},
        "the first step of a letter instead of the surest": {"some[logp[some, label].argmax()]": "some[0]"},
    },
)

MUTANTS = [*MODEL, *WINDOWS, *DATA, *PLACES]
