"""The offline reader: from the picture of a line of text to its labels, without knowing where one ends.

    columns   picture -> one vector per 4 pixels of width     blocks of convolution, batch norm and ReLU; the first two
                                                               pool 2x2, the others move two rows down at a time
    reading   vectors -> what each column shows                bidirectional recurrent layers, which see the whole line
    loss      logits = affine(h), CTC with the labels          it sums over all places where the labels could stand

Lines of unequal width share a batch: padding on the right, as background. What lies behind a line's end is set to zero
after every block and never read, so that a line reads the same alone and beside wider ones. (In training, batch norm's
statistics do count the padding.)

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.affine import AffineParams
from minirnn.models.cells import CELLS, cell_params, rest
from minirnn.models.encoder import BlockParams, Running
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair, require_float
from minirnn.unroll import Both, BothWays

HALVED = 2  # so many blocks halve the width, all of them the height
STRIDE = 2**HALVED  # pixels per column


@dataclass(frozen=True)
class ReaderConfig:
    """Everything that fixes the shapes of a reader."""

    classes: int  # labels, and the blank as class 0
    height: int = 32  # pixels; every block halves it
    channels: tuple[int, ...] = (16, 32, 64)  # one block each, at least 2
    hidden: int = 96  # size of h, for each direction
    layers: int = 1  # bidirectional layers on top of each other; 0: the labels are chosen from the columns alone
    cell: str = "lstm"  # rnn, lstm or gru
    drop: float = 0.0  # dropout on what each layer reads, and on what the labels are chosen from

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ValueError(f"cell is {self.cell!r}; expected one of {', '.join(CELLS)}")
        if len(self.channels) < HALVED or min(self.channels) < 1:
            raise ValueError(f"channels is {self.channels}; expected at least {HALVED} blocks of at least one channel")
        for name, least in (("classes", 2), ("height", 1), ("hidden", 1), ("layers", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {least}")
        if self.height % 2 ** len(self.channels):
            raise ValueError(
                f"height is {self.height}; {len(self.channels)} blocks need a multiple of {2 ** len(self.channels)}"
            )
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop is {self.drop}; expected 0 or more, below 1")

    @property
    def features(self) -> int:
        """Size of a column's vector."""
        rows: int = self.height // 2 ** len(self.channels)
        return self.channels[-1] * rows


class ReaderParams(NamedTuple):
    blocks: tuple[BlockParams, ...]
    layers: tuple[Both, ...]  # parameters of the two readers of each layer
    out: AffineParams


def init_reader(rng: np.random.Generator, c: ReaderConfig, dtype: Any = np.float32) -> tuple[ReaderParams, Running]:
    """First values of the parameters, and of batch norm's running statistics."""
    inputs = (1, *c.channels)
    blocks = tuple(
        BlockParams(init.conv_params(rng, 3, C, F, dtype), init.norm_params(F, dtype))
        for C, F in zip(inputs, c.channels)
    )
    sizes = (c.features, *[2 * c.hidden] * (c.layers - 1))[: c.layers]
    layers = tuple(cell_params(c.cell, rng, D, c.hidden, dtype, both=True) for D in sizes)
    out = init.affine_params(rng, 2 * c.hidden if c.layers else c.features, c.classes, dtype)
    return ReaderParams(blocks, layers, out), tuple(init.running_stats(F, dtype) for F in c.channels)


def columns_of(widths: Array) -> Array:
    """How many columns the reader sees of lines so many pixels wide."""
    columns: Array = -(-widths // STRIDE)
    return columns


def read_forward(
    images: Array, widths: Array, running: Running, p: ReaderParams, *, config: ReaderConfig, training: bool,
    rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Array, Running], Any]:  # fmt: skip
    """((logits (N, T, classes) with T = ceil(W / 4), the next running statistics), cache); arguments as `reader`."""
    columns = _require_lines(images, widths, config)
    norm_relu = ops.norm_relu(ops.batch_norm, ops.relu)
    pairs = (*[ops.conv_pool(ops.conv2d, ops.max_pool2d)] * HALVED, *[ops.conv2d.bind(stride=(2, 1))] * len(p.blocks))
    drop: dict[str, Any] = {"p": config.drop, "training": training, "rng": rng}
    x = np.pad(images, ((0, 0), (0, 0), (0, -images.shape[2] % STRIDE)))[..., None]
    caches, after = [], []
    for k, (block, stats) in enumerate(zip(p.blocks, running)):
        x, conv = pairs[k].forward(x, block.conv, pad=1, need_dx=k > 0)  # (1)
        (x, stats), norm = norm_relu.forward(x, stats, block.norm, training=training)  # (2)
        ends = columns * 2 ** max(HALVED - 1 - k, 0)
        inside = (np.arange(x.shape[2]) < ends[:, None]).astype(x.dtype)[:, None, :, None]
        x = x * inside  # (3)
        caches.append((pairs[k], conv, norm, inside))
        after.append(stats)
    grid = x.shape
    x = x.transpose(0, 2, 1, 3).reshape(grid[0], grid[2], -1)  # (4) a column: its rows, one after the other
    layer, inner = ops.bidirectional(ops.step(config.cell)), []
    for shared in p.layers:
        x, dropped = ops.dropout.forward(x, **drop)  # (5)
        before = rest(config.cell, len(x), config.hidden, x.dtype, both=True)
        out, cache = layer.forward(x, before, shared, lengths=columns)  # (6)
        x = out.h
        inner.append((dropped, cache))
    x, dropped = ops.dropout.forward(x, **drop)  # (7)
    logits, affine = ops.affine.forward(x, p.out)  # (8)
    return (logits, tuple(after)), (caches, grid, layer, inner, dropped, affine, norm_relu, ops)


def read_backward(dlogits: Array, cache: Any) -> ReaderParams:
    """dlogits (N, T, classes) -> ReaderParams of gradients."""
    caches, grid, layer, inner, dropped, affine, norm_relu, ops = cache
    dx, dout = ops.affine.backward(dlogits, affine)  # (8)
    (dx,) = ops.dropout.backward(dx, dropped)  # (7)
    dlayers, dblocks = [], []
    for dropped, cache in reversed(inner):
        dx, _, dshared = layer.backward(BothWays(dx), cache)  # (6)
        (dx,) = ops.dropout.backward(dx, dropped)  # (5)
        dlayers.append(dshared)
    dx = dx.reshape(grid[0], grid[2], grid[1], grid[3]).transpose(0, 2, 1, 3)  # (4)
    for pair, conv, norm, inside in reversed(caches):
        dx, _, dnorm = norm_relu.backward((dx * inside, None), norm)  # (3) (2)
        dx, dconv = pair.backward(dx, conv)  # (1)
        dblocks.append(BlockParams(dconv, dnorm))
    return ReaderParams(tuple(reversed(dblocks)), tuple(reversed(dlayers)), dout)


def reader_forward(
    images: Array, widths: Array, targets: Array, target_lengths: Array, running: Running, params: ReaderParams,
    *, config: ReaderConfig, training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, Running], Any]:  # fmt: skip
    """The reader's loss on a batch of lines.

        loss = sum of the lines' CTC losses / number of labels

    Args:
        images: (N, height, W) floats from 0, the background, to 1, ink; 0 behind a line's end.
        widths: (N,) integers from 1 to W: the pixels of each line.
        targets: (N, U) integers: labels from 1; what stands behind a target's end is not read.
        target_lengths: (N,) integers.
        running: batch norm's running statistics.
        params: ReaderParams.
        config, training, rng, ops: the model's config; whether dropout and batch statistics are on; where dropout's
            masks come from; the pairs to use.
    Returns:
        ((loss in nats per label, the next running statistics), cache). A line too narrow for its labels makes the loss
        infinite: see `functional.ctc.feasible`, with `columns_of(widths)`.
    Raises:
        ValueError, IndexError: an empty batch, pictures of another height, widths out of range; as the pairs.
    Source: Shi et al. 2017 (CRNN); Graves and Schmidhuber 2008 for recurrent reading with CTC.
    """
    (logits, running), read = read_forward(
        images, widths, running, params, config=config, training=training, rng=rng, ops=ops
    )  # (1)
    losses, ctc = ops.ctc_loss.forward(logits, targets, columns_of(widths), target_lengths)  # (2)
    share = losses.dtype.type(1 / max(int(target_lengths.sum()), 1))
    return (losses.sum() * share, running), (read, ctc, np.full_like(losses, share), ops)  # (3)


def reader_backward(dout: tuple[Any, Any], cache: Any) -> tuple[None, None, None, None, None, ReaderParams]:
    """(dloss, ignored) -> None for the data and the running statistics, ReaderParams of gradients."""
    read, ctc, share, ops = cache
    dlogits, _, _, _ = ops.ctc_loss.backward(dout[0] * share, ctc)  # (3) (2)
    return None, None, None, None, None, read_backward(dlogits, read)  # (1)


reader = Pair(reader_forward, reader_backward, "reader")


def _require_lines(images: Array, widths: Array, config: ReaderConfig) -> Array:
    """The columns of each line (N,), once pictures and widths are known to fit."""
    require_float("images", images, 3, "(N, height, W)")
    N, H, W = images.shape
    if N == 0 or config.height != H or W == 0:
        raise ValueError(
            f"images have shape {images.shape}; expected lines of height {config.height}; no line counts nothing"
        )
    if not isinstance(widths, np.ndarray) or widths.shape != (N,) or not np.issubdtype(widths.dtype, np.integer):
        came = f"shape {np.shape(widths)}, dtype {getattr(widths, 'dtype', type(widths).__name__)}"
        raise ValueError(f"widths have {came}; expected {N} integers")
    if widths.min() < 1 or widths.max() > W:
        bad = widths[(widths < 1) | (widths > W)][0]
        raise ValueError(f"widths hold {bad}; expected 1 to W = {W}")
    return columns_of(widths.astype(np.int64))
