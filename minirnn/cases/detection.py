"""Cases of the detector."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.cases.case import Case
from minirnn.cases.draw import Rng, holes, normal, running
from minirnn.models.detector import DetectorConfig, answers, detector, init_detector
from minirnn.pair import Tree
from minirnn.tree import tree_map


def _detector(name: str, *, things: bool = True, loss: bool = True, training: bool = True, **config: Any) -> Case:
    """The detector, or its answers alone, on pictures of 8x12 pixels: two rows of three cells."""
    c = DetectorConfig(
        classes=3,
        anchors=((3.0, 4.0), (7.0, 5.0)),
        height=8,
        width=12,
        channels=(2, 3),
        weights=(2.0, 3.0, 0.5),
        **config,
    )

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_detector(rng, c, np.float64)
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)
        stats = type(stats)(*(tuple(running(rng, len(s.mean)) for s in part) for part in stats))
        images, there = rng.uniform(0, 1, (N, 8, 12, 3)), (N, *c.grid)
        if not loss:
            return images, stats, params
        something = things & holes(*there) & (np.arange(N) != 1)[:, None, None, None]  # the second picture is empty
        counts = something | (rng.random(there) < 0.7) | (np.arange(2) == 0)
        labels = rng.integers(0, c.classes, there)
        return images, something, counts, normal(rng, *there, 4), labels, stats, params

    options = {"config": c, "training": training, **({"rng": np.random.default_rng(1)} if loss else {})}
    constants = ("images", "shifts", "running", "out.1")
    return Case(name, detector if loss else answers, make, options, constants=constants, least=1, model=True)


DETECTION = (
    _detector("detector", head=(3, 2)),
    _detector("detector-nothing", things=False, head=()),
    _detector("detector-evaluation", training=False, head=(2,)),
    _detector("answers", loss=False, head=(3,)),
)
