"""Drawn cells: pictures like those of an electron microscope, with the membranes between the cells as masks."""

from __future__ import annotations

import numpy as np

from minirnn.data.segmentation_crops import smooth_field
from minirnn.pair import Array

SPLITS = ("train", "val", "test")
ACROSS = 26  # pixels from cell to cell
THICK = 3.0  # pixels: a membrane


def draw_cells(count: int, size: int, *, split: str = "train", seed: int = 0) -> tuple[Array, Array]:
    """Cells, their membranes, and dark spots inside them that are none.

    A cell is what lies nearest to one of many points, seen through a bent glass. Membranes are dark but not equally so,
    cells differ in their grey, spots are as dark as membranes, and noise lies over all: no grey tells them apart.

    Args:
        count, size: pictures, and pixels a side.
        split: each has pictures of its own.
    Returns:
        images (count, size, size, 1) uint8, masks (count, size, size) booleans: True on a membrane.
    """
    images, masks = np.empty((count, size, size, 1), np.uint8), np.empty((count, size, size), bool)
    for k in range(count):
        rng = np.random.default_rng([seed, SPLITS.index(split), k])
        images[k, :, :, 0], masks[k] = _cells(size, rng)
    return images, masks


def _cells(size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    shape = (size, size)
    grid = np.mgrid[-1 : size // ACROSS + 2, -1 : size // ACROSS + 2].reshape(2, -1) + 0.5
    points = (grid + rng.uniform(-0.45, 0.45, grid.shape)) * ACROSS
    y, x = (side + 3 * smooth_field(shape, 24, rng) for side in np.mgrid[:size, :size].astype(float))  # the bent glass
    distance = np.hypot(y[..., None] - points[0], x[..., None] - points[1])
    nearest = distance.argmin(axis=2)
    two = np.partition(distance, 1, axis=2)
    membrane = two[..., 1] - two[..., 0] < THICK  # on both sides of the line that is equally far from two points
    grey = 165 + 12 * rng.standard_normal((points.shape[1],))[nearest] + 8 * smooth_field(shape, 6, rng)
    spots = _spots(size, rng) & ~membrane
    dark = 95 + 20 * smooth_field(shape, 16, rng)
    drawn = blur(np.where(membrane, dark, np.where(spots, 80, grey)), 0.9) + 26 * rng.standard_normal(shape)
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8), membrane


def _spots(size: int, rng: np.random.Generator) -> Array:
    """Some ellipses of a few pixels."""
    y, x = np.mgrid[:size, :size]
    spots = np.zeros((size, size), bool)
    middles = rng.uniform(0, size, (int(1.6 * (size / ACROSS) ** 2), 2))
    for cy, cx in middles:
        angle, (a, b) = rng.uniform(0, np.pi), rng.uniform(2, 5.5, 2)
        u = np.cos(angle) * (x - cx) + np.sin(angle) * (y - cy)
        v = np.cos(angle) * (y - cy) - np.sin(angle) * (x - cx)
        spots |= (u / a) ** 2 + (v / b) ** 2 < 1
    return spots


def blur(image: Array, sigma: float) -> Array:
    """A grey picture (H, W) of floats, every pixel the Gaussian mean of those around it; mirrored beyond its edge."""
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(image, reach, mode="symmetric")
    H, W = image.shape
    down: Array = np.zeros((H, W + 2 * reach), image.dtype)
    out: Array = np.zeros_like(image)
    for k, weight in enumerate(kernel):
        down += weight * padded[k : k + H]
    for k, weight in enumerate(kernel):
        out += weight * down[:, k : k + W]
    return out
