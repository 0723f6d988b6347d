"""3x3 convolution with 16 products where the sum over windows has 36: Winograd's F(2x2, 3x3).

Two neighbouring outputs of a 1-D convolution with 3 weights read 4 inputs. Written out they need 6 products; after
adding and subtracting the inputs (`spread`) 4 are enough, and the outputs are sums of these (`gather`):

    v = [d0 - d2, d1 + d2, d2 - d1, d1 - d3]        u = [w0, (w0 + w1 + w2) / 2, (w0 - w1 + w2) / 2, w2]
    m = v * u                                       y = [m0 + m1 + m2, m1 - m2 - m3]

Along both axes of a picture 2x2 outputs (a *tile*) take 16 products instead of 36. The sums over channels then are 16
matrix products, one for each place in the tile, of all tiles at once: (tiles, C) @ (C, F).

Source: Lavin and Gray 2016; Winograd 1980.
"""

from __future__ import annotations

import numpy as np

from minirnn.fast.rows import add_bias
from minirnn.fast.scratch import scratch
from minirnn.functional.conv import Sides
from minirnn.pair import Array

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])  # w -> u
BLOCK = 2**19  # values of all 16 arrays of a block: what a processor's cache holds


def convolve(x: Array, W: Array, sides: Sides, b: Array | None = None) -> Array:
    """y (N, H', W', F) of a 3x3 convolution of stride 1 with W (3, 3, C, F), pad `sides` and bias b."""
    C, F = W.shape[2:]
    (OH, OW), (th, tw), start = _geometry(x, sides)
    u = np.einsum("ik,jl,klcf->jicf", G.astype(W.dtype), G.astype(W.dtype), W, optimize=True).reshape(16, C, F)
    y = np.empty((len(x), th, 2, tw, 2, F), x.dtype)
    for images, tiles in _blocks(len(x), th, tw, max(C, F)):
        v = _spread_windows(x[images], start, tiles, tw)
        m = scratch("m", (*v.shape[:5], F), x.dtype)
        np.matmul(v.reshape(16, -1, C), u, out=m.reshape(16, -1, F))
        columns = _gather(m, "y columns")  # (2, 4, images, tiles, columns, F)
        both = _gather(columns.swapaxes(0, 1), "y rows")  # (2 rows, 2 columns of a tile, …)
        if b is not None:
            add_bias(both.reshape(-1, F), b)
        y[images, tiles] = both.transpose(2, 3, 0, 4, 1, 5)
    return y.reshape(len(x), 2 * th, 2 * tw, F)[:, :OH, :OW]


def weight_gradient(x: Array, dy: Array, sides: Sides) -> Array:
    """dW (3, 3, C, F) from x (N, H, W, C) and dy (N, H', W', F)."""
    C, F = x.shape[3], dy.shape[3]
    _, (th, tw), start = _geometry(x, sides)
    du = np.zeros((16, C, F), x.dtype)
    for images, tiles in _blocks(len(x), th, tw, max(C, F)):
        v = _spread_windows(x[images], start, tiles, tw).reshape(16, -1, C)
        dpart = _planes("dy", dy[images], (2 * tiles.start, 0), tiles.stop - tiles.start, tw)
        dm = _ungather(_ungather(dpart, "dm rows").swapaxes(0, 1), "dm")
        du += np.matmul(v.swapaxes(1, 2), dm.reshape(16, -1, F))
    g = G.astype(x.dtype)
    dW: Array = np.einsum("ik,jl,jicf->klcf", g, g, du.reshape(4, 4, C, F), optimize=True)
    return dW


def _geometry(x: Array, sides: Sides) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Height and width of the output, the grid of tiles that covers it, and where in x the first tile begins."""
    (top, bottom), (left, right) = sides
    OH, OW = x.shape[1] + top + bottom - 2, x.shape[2] + left + right - 2
    return (OH, OW), (-(-OH // 2), -(-OW // 2)), (-top, -left)


def _blocks(N: int, th: int, tw: int, channels: int) -> list[tuple[slice, slice]]:
    """Parts of the work that fit the cache: some whole pictures, or some rows of tiles of one picture."""
    fit = max(1, BLOCK // (16 * channels))
    images, tiles = max(1, fit // (th * tw)), min(th, max(1, fit // tw))
    return [
        (slice(n, min(N, n + images)), slice(r, min(th, r + tiles)))
        for n in range(0, N, images)
        for r in range(0, th, tiles)
    ]


def _planes(name: str, x: Array, start: tuple[int, int], height: int, width: int) -> Array:
    """Even and odd rows and columns of x from `start` on, (2, 2, N, height, width, C); zeros outside the picture."""
    N, _, _, C = x.shape
    planes = scratch(name, (2, 2, N, height, width, C), x.dtype)
    planes[...] = 0
    for a, b in np.ndindex(2, 2):
        i, j = start[0] + a, start[1] + b
        i0, j0 = max(0, -(i // 2)), max(0, -(j // 2))  # rows and columns of the plane that lie before the picture
        part = x[:, i + 2 * i0 : i + 2 * height : 2, j + 2 * j0 : j + 2 * width : 2]
        planes[a, b, :, i0 : i0 + part.shape[1], j0 : j0 + part.shape[2]] = part
    return planes


def _spread_windows(x: Array, start: tuple[int, int], tiles: slice, tw: int) -> Array:
    """v (4, 4, N, tiles, columns, C) of x: what is multiplied, by column and row of the tile."""
    first = start[0] + 2 * tiles.start, start[1]
    planes = _planes("x", x, first, tiles.stop - tiles.start + 1, tw + 1)
    by_row = _spread(planes[0], planes[1], 2, "v rows")  # (4, 2, N, tiles, columns + 1, C)
    return _spread(by_row[:, 0], by_row[:, 1], 3, "v")


def _spread(even: Array, odd: Array, axis: int, name: str) -> Array:
    """d -> v along an axis: window t reads even[t], odd[t], even[t + 1], odd[t + 1]."""
    here, there = [(slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None))]
    d0, d1, d2, d3 = even[here], odd[here], even[there], odd[there]
    v = scratch(name, (4, *d0.shape), d0.dtype)
    np.subtract(d0, d2, out=v[0])
    np.add(d1, d2, out=v[1])
    np.subtract(d2, d1, out=v[2])
    np.subtract(d1, d3, out=v[3])
    return v


def _gather(m: Array, name: str) -> Array:
    """m (4, …) -> y (2, …)."""
    y = scratch(name, (2, *m.shape[1:]), m.dtype)
    np.add(m[1], m[2], out=y[0])
    y[0] += m[0]
    np.subtract(m[1], m[2], out=y[1])
    y[1] -= m[3]
    return y


def _ungather(dy: Array, name: str) -> Array:
    """dy (2, …) -> dm (4, …)."""
    dm = scratch(name, (4, *dy.shape[1:]), dy.dtype)
    dm[0] = dy[0]
    np.add(dy[0], dy[1], out=dm[1])
    np.subtract(dy[0], dy[1], out=dm[2])
    np.negative(dy[1], out=dm[3])
    return dm
