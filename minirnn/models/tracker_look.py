"""Looking for a named thing in a picture: where it is, what it looks like there, or that it is nowhere.

    s       = one score for each place, of the class that is asked for; before them the score of "nowhere"
    p       = softmax(s)
    seen    = [sum over places of p * (features, x, y), p of "nowhere"]

The mean place is a number that moves smoothly with the thing: a spatial softmax, with one map for each class.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.functional.activations import softmax
from minirnn.functional.affine import AffineParams
from minirnn.functional.embedding import require_ids
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair, require_float, require_shape


class LookParams(NamedTuple):
    score: AffineParams  # features of a place -> a score for each class
    nowhere: Array  # (classes,): what must be beaten


def look_for_forward(
    grid: Array, asked: Array, params: LookParams, *, ops: Ops = READABLE
) -> tuple[tuple[Array, Array], Any]:
    """Look for some classes in each picture.

    Args:
        grid: (M, G, G, F) floats, features of each place.
        asked: (M, K) integers, the classes that each picture is searched for.
        params: LookParams.
        ops: the pairs to use.
    Returns:
        ((seen (M, K, F + 3): mean features, mean x and y from -1 to 1, probability of "nowhere"; scores
        (M, K, 1 + G * G): "nowhere", then row by row), cache).
    Raises:
        ValueError, IndexError: a shape that does not fit, a class that there is not.
    Source: Levine et al. 2016 for the spatial softmax.
    """
    require_float("grid", grid, 4, "(M, G, G, F)")
    M, G, W, F = grid.shape
    features = grid.reshape(M, G * W, F)
    every, affine = ops.affine.forward(features, params.score)  # (1)
    require_shape("nowhere", params.nowhere, every.shape[2:], "one for each class")
    require_ids("label", asked, len(params.nowhere), "classes")
    if asked.ndim != 2 or len(asked) != M:
        raise ValueError(f"asked has shape {asked.shape}; expected ({M}, K): the classes to look for in each picture")
    which = np.eye(len(params.nowhere), dtype=grid.dtype)[asked]  # (M, K, classes)
    s = np.concatenate([params.nowhere[asked][..., None], which @ every.transpose(0, 2, 1)], axis=2)  # (2)
    p, soft = softmax.forward(s)  # (3)
    places = np.broadcast_to(places_of(G, W, grid.dtype), (M, G * W, 2))
    values = np.concatenate([features, places], axis=2)
    mean = p[:, :, 1:] @ values  # (4)
    seen = np.concatenate([mean, p[:, :, :1]], axis=2)  # (5)
    return (seen, s), (grid.shape, which, affine, soft, p, values, ops)


def look_for_backward(dout: tuple[Array, Array | None], cache: Any) -> tuple[Array, None, LookParams]:
    """(dseen, dscores or None) -> dgrid (M, G, G, F), None, LookParams of gradients."""
    shape, which, affine, soft, p, values, ops = cache
    (dseen, ds_outside), F = dout, shape[3]
    dmean = dseen[:, :, :-1]
    dp = np.concatenate([dseen[:, :, -1:], dmean @ values.transpose(0, 2, 1)], axis=2)  # (5), (4)
    dfeatures = p[:, :, 1:].transpose(0, 2, 1) @ dmean[:, :, :F]
    (ds,) = softmax.backward(dp, soft)  # (3)
    ds = ds if ds_outside is None else ds + ds_outside  # scores are read from outside too
    dnowhere = np.tensordot(ds[:, :, 0], which, axes=2)  # (2) classes that are asked for twice add up
    dscored, dscore = ops.affine.backward(ds[:, :, 1:].transpose(0, 2, 1) @ which, affine)  # (1)
    return (dfeatures + dscored).reshape(shape), None, LookParams(dscore, dnowhere)


def places_of(height: int, width: int, dtype: Any) -> Array:
    """The middles of a grid's places, row by row: (height * width, 2) x, y from -1 to 1."""
    y, x = ((2 * np.arange(n, dtype=dtype) + 1) / n - 1 for n in (height, width))
    return np.stack([np.tile(x, height), np.repeat(y, width)], axis=1)


look_for = Pair(look_for_forward, look_for_backward, "look_for")
