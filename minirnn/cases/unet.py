"""Cases of the U-Net and its levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import functional as F
from minirnn.cases.case import Case
from minirnn.cases.draw import Rng, holes, norm, normal, running
from minirnn.models.encoder import BlockParams
from minirnn.models.unet import UNetConfig, init_unet, unet, unet_logits
from minirnn.models.unet_parts import UpParams, rise, two_convs
from minirnn.pair import Tree
from minirnn.tree import tree_map


def _blocks(rng: Rng, C: int, M: int) -> tuple[BlockParams, BlockParams]:
    """Two convolutions of 3x3 with their norms."""
    first, second = (BlockParams(F.ConvParams(normal(rng, 3, 3, c, M), normal(rng, M)), norm(rng, M)) for c in (C, M))
    return first, second


def _two_convs(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
    """Grids of 4x6."""
    return normal(rng, N, 4, 6, 3), (running(rng, 2), running(rng, 2)), _blocks(rng, 3, 2)


def _rise(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
    """Grids of 2x3 up to 4x6."""
    up = UpParams(F.ConvTransposeParams(normal(rng, 2, 2, 3, 2), normal(rng, 2)), _blocks(rng, 4, 2))
    return normal(rng, N, 2, 3, 3), normal(rng, N, 4, 6, 2), (running(rng, 2), running(rng, 2)), up


def _unet(name: str, *, training: bool = True, loss: bool = True, weighted: bool = True, **config: Any) -> Case:
    """The whole U-Net on pictures of 8x12, or its logits."""
    c = UNetConfig(channels=(2, 3, 4), **config)

    def make(rng: Rng, N: int, T: int) -> tuple[Tree, ...]:
        params, stats = init_unet(rng, c, np.float64)
        params = tree_map(lambda w: w + 0.3 * rng.standard_normal(w.shape), params)
        stats = tree_map(lambda s: s + 0.3 * rng.random(s.shape), stats)
        images, labels = rng.uniform(0, 1, (N, 8, 12, c.colours)), rng.integers(0, c.classes, (N, 8, 12))
        weights = rng.uniform(0.5, 2, (N, 8, 12)) * holes(N, 8, 12) if weighted else None
        return (images, labels, weights, stats, params) if loss else (images, stats, params)

    options = {"config": c, "training": training, "rng": np.random.default_rng(1)}
    constants = ("images", "weights", "running", "out.1")
    pair = unet if loss else unet_logits
    return Case(f"{pair.name}-{name}", pair, make, options, constants=constants, least=1, model=True)


LEVEL = ("running", "out.1")

UNETS = (
    Case("two_convs", two_convs, _two_convs, {"training": True}, constants=LEVEL, least=1, model=True),
    Case("rise", rise, _rise, {"training": True}, constants=LEVEL, least=1, model=True),
    _unet("training", classes=3, drop=0.3),
    _unet("evaluation", training=False, weighted=False, colours=3),
    _unet("training", loss=False, classes=3),
)
