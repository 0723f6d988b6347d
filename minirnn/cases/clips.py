"""Cases of the models that watch clips: the clip classifier, looking for a class in a picture, the tracker."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.cases.case import Case
from minirnn.cases.draw import Rng, affine, normal, running
from minirnn.models.clip_classifier import ClipConfig, clip_classifier, clip_logits, init_clips
from minirnn.models.tracker import track, tracker
from minirnn.models.tracker_look import LookParams, look_for
from minirnn.models.tracker_params import TrackerConfig, TrackerRunning, init_tracker
from minirnn.pair import Tree
from minirnn.tree import tree_map


def _shaken(rng: Rng, params: Tree) -> Tree:
    """Parameters of which no bias is 0 and no scale is 1."""
    return tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)


def _clips(name: str, *, loss: bool = True, training: bool = True, **config: Any) -> Case:
    """The clip classifier, or its logits alone, on frames of 8x8: few pixels, few kinks."""
    c = ClipConfig(classes=4, size=8, channels=(2,), features=3, hidden=2, **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_clips(rng, c, np.float64)
        params, stats = _shaken(rng, params), tuple(running(rng, len(s.mean)) for s in stats)
        frames, labels = rng.uniform(0, 1, (N, T, 8, 8)), rng.integers(0, 4, N)
        return (frames, labels, stats, params) if loss else (frames, stats, params)

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    pair = clip_classifier if loss else clip_logits
    return Case(f"{pair.name}-{name}", pair, make, options, constants=("frames", "running", "out.1"),
                least=int(training or loss), model=True)  # fmt: skip


def _look(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
    """Pictures of 3x3 places; every class but one is asked for, and the first picture asks for one of them twice."""
    asked = (np.arange(N)[:, None] + [0, 1, 2]) % 4
    asked[:1, 2] = asked[:1, 0]
    return normal(rng, N, 3, 3, 2), asked, LookParams(affine(rng, 2, 4), normal(rng, 4))


def _tracker(name: str, *, loss: bool = True, training: bool = True, **config: Any) -> Case:
    """The tracker, or its boxes alone, on frames of 8x8 with two things to follow, some of them hidden."""
    c = TrackerConfig(classes=3, size=8, channels=(2,), features=3, hidden=2, **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_tracker(rng, c, np.float64)
        stats = tree_map(lambda leaf: rng.uniform(0.5, 1.5, leaf.shape), stats)
        frames, asked = rng.uniform(0, 1, (N, T, 8, 8)), (np.arange(N)[:, None] + [0, 2]) % 3
        if not loss:
            return frames, asked, stats, _shaken(rng, params)
        low = rng.uniform(0, 4, (N, 2, T, 2))
        boxes = np.concatenate([low, low + rng.uniform(1, 4, low.shape)], axis=3)
        hidden = np.arange(N * 2 * T).reshape(N, 2, T) % 3 == 1
        return frames, asked, boxes, hidden, TrackerRunning(*stats), _shaken(rng, params)

    options: dict[str, Any] = {"config": c, "training": training}
    constants = ("frames", "boxes", "running", "out.1") if loss else ("frames", "running", "out.2")
    return Case(f"{'tracker' if loss else 'track'}-{name}", tracker if loss else track, make, options,
                constants=constants, least=int(training or loss), model=True)  # fmt: skip


CLIPS = (
    _clips("recurrent", cell="lstm", drop=0.3),
    _clips("one-way", cell="gru", both=False),
    _clips("mean", order="mean", drop=0.3),
    _clips("evaluation", loss=False, training=False, drop=0.3),
    _clips("mean-evaluation", loss=False, training=False, order="mean"),
    Case("look_for", look_for, _look),
    _tracker("both-ways", cell="gru", deep=(3,)),
    _tracker("one-way", cell="lstm", both=False, deep=()),
    _tracker("frame-by-frame", recurrent=False, deep=(2, 3)),
    _tracker("evaluation", loss=False, training=False, deep=(3,)),
)
