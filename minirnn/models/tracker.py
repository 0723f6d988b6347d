"""The tracker: a box around the digit that is asked for, in every frame of a clip, seen or hidden.

    grid   = encoder(blocks of 2x2 pixels), then convolutions that do not shrink it      each frame by itself
    seen   = look_for(grid, asked)                     where it is in the frame, or that it is nowhere
    glance = relu(affine(seen))
    h      = recurrent(glance)                         what was seen before (and, both ways, after)
           | glance                                    without recurrence, the baseline: frame by frame
    out    = affine([h, seen])                         box, and whether it is hidden
    loss   = smooth L1 of the boxes / 2 + cross-entropy of "hidden" + cross-entropy of the place in the grid

Four pixels become one with four channels at first: the frame is a quarter as large where convolutions cost most.

Each backward function undoes its forward function from the last line to the first; the numbers say which line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.models.clip_classifier import in_blocks, require_frames
from minirnn.models.encoder import BlockParams, encoder
from minirnn.models.tracker_look import look_for
from minirnn.models.tracker_params import TrackerConfig, TrackerParams, TrackerRunning, zero_state
from minirnn.ops import READABLE, Ops
from minirnn.pair import Array, Pair
from minirnn.unroll import BothWays

BOX = 0.5  # weight of the boxes' loss: more and it drowns the others, which teach where to look; less, boxes stay rough


def track_forward(
    frames: Array, asked: Array, running: TrackerRunning, params: TrackerParams, *, config: TrackerConfig,
    training: bool, ops: Ops = READABLE,
) -> tuple[tuple[Array, Array, TrackerRunning], Any]:  # fmt: skip
    """A box for every frame.

    Args:
        frames: (N, T, S, S) floats in [0, 1], T at least 1.
        asked: (N, K) integers, the classes to follow in each clip, each by itself.
        running: batch norm's running statistics.
        params: TrackerParams.
        config, training, ops: the model's config; whether batch statistics are used; the pairs.
    Returns:
        ((out (N, K, T, 5): middle x and y, width, height in pixels, logit of "hidden"; scores (N * T, K, 1 + G * G)
        of "nowhere" and of each place; the next running statistics), cache).
    Raises:
        ValueError, IndexError: a shape that does not fit, a class that there is not.
    Source: the parts of Ning et al. 2017 (ROLO), with a spatial softmax for the frame.
    """
    require_frames(frames, config.size)
    (N, T, _, _), p = frames.shape, params
    if np.ndim(asked) != 2 or len(asked) != N:
        raise ValueError(f"asked has shape {np.shape(asked)}; expected ({N}, K): the classes to follow in each clip")
    K = asked.shape[1]
    pictures, every = in_blocks(frames), np.repeat(asked, T, axis=0)  # (1)
    (grids, blocks), encoded = encoder.forward(pictures, running.encoder, p.encoder, training=training, ops=ops)  # (2)
    x, norm_relu, convolved, stats = grids[-1], ops.norm_relu(ops.batch_norm, ops.relu), [], []
    for block, stat in zip(p.deep, running.deep):
        x, conv = ops.conv2d.forward(x, block.conv, pad=1)  # (3)
        (x, stat), norm = norm_relu.forward(x, stat, block.norm, training=training)  # (4)
        convolved.append((conv, norm))
        stats.append(stat)
    (seen, scores), looked = look_for.forward(x, every, p.look, ops=ops)  # (5)
    seen = seen.reshape(N, T, K, config.seen).swapaxes(1, 2).reshape(N * K, T, config.seen)  # a row for each to follow
    a, glanced = ops.affine.forward(seen, p.glance)  # (6)
    glance, rectified = ops.relu.forward(a)  # (7)
    h, time_cache, time, kind = glance, None, None, None
    if config.recurrent:
        time = (ops.bidirectional if config.both else ops.unroll)(ops.step(config.cell))
        states, time_cache = time.forward(h, zero_state(config, N * K, h.dtype), p.cell)  # (8)
        h, kind = states.h, None if config.both else type(states)
    both = np.concatenate([h, seen], axis=2)  # (9)
    out, judged = ops.affine.forward(both, p.out)  # (10)
    out = out * scale_of(config, out.dtype) + middle_of(config, out.dtype)  # (11)
    out = out.reshape(N, K, T, 5)
    shapes = [grid.shape for grid in grids]
    caches = (encoded, shapes, convolved, norm_relu, looked, glanced, rectified, time, time_cache, kind, judged)
    return (out, scores, TrackerRunning(blocks, tuple(stats))), (caches, h.shape[2], config, ops)


def track_backward(dout: tuple[Array, Array | None, Any], cache: Any) -> tuple[None, None, None, TrackerParams]:
    """(dout (N, K, T, 5), dscores or None, ignored) -> None for the data and the statistics, TrackerParams."""
    caches, H, config, ops = cache
    encoded, shapes, convolved, norm_relu, looked, glanced, rectified, time, time_cache, kind, judged = caches
    d, dscores, _ = dout
    N, K, T, _ = d.shape
    d = (d * scale_of(config, d.dtype)).reshape(N * K, T, 5)  # (11)
    dboth, dout_params = ops.affine.backward(d, judged)  # (10)
    dh, dseen = dboth[:, :, :H], dboth[:, :, H:]  # (9)
    dcell = None
    if config.recurrent:
        dstates = BothWays(dh) if kind is None else kind(dh, *[None] * (len(kind._fields) - 1))
        dh, _, dcell = time.backward(dstates, time_cache)  # (8)
    (da,) = ops.relu.backward(dh, rectified)  # (7)
    dseen_glance, dglance = ops.affine.backward(da, glanced)  # (6)
    dseen = (dseen + dseen_glance).reshape(N, K, T, config.seen).swapaxes(1, 2).reshape(N * T, K, config.seen)
    dx, _, dlook = look_for.backward((dseen, dscores), looked)  # (5)
    ddeep = []
    for conv, norm in reversed(convolved):
        dx, _, dnorm = norm_relu.backward((dx, None), norm)  # (4)
        dx, dconv = ops.conv2d.backward(dx, conv)  # (3)
        ddeep.append(BlockParams(dconv, dnorm))
    dgrids = (*[None] * (len(shapes) - 1), dx)
    _, _, dencoder = encoder.backward((dgrids, None), encoded)  # (2)
    return None, None, None, TrackerParams(dencoder, tuple(reversed(ddeep)), dlook, dglance, dcell, dout_params)


def scale_of(config: TrackerConfig, dtype: Any) -> Array:
    """What the last layer's numbers are multiplied by: half a frame is 1; the logit stays."""
    return np.array([config.size / 2] * 4 + [1], dtype)


def middle_of(config: TrackerConfig, dtype: Any) -> Array:
    """What is then added: places are counted from the middle of the frame, a box is a quarter of it."""
    return np.array([config.size / 2] * 2 + [config.size / 4] * 2 + [0], dtype)


track = Pair(track_forward, track_backward, "track")


def tracker_forward(
    frames: Array, asked: Array, boxes: Array, hidden: Array, running: TrackerRunning, params: TrackerParams, *,
    config: TrackerConfig, training: bool, rng: np.random.Generator | None = None, ops: Ops = READABLE,
) -> tuple[tuple[Any, TrackerRunning], Any]:  # fmt: skip
    """The loss of a batch of clips.

    Args:
        frames, asked, running, params, config, training, ops: as `track_forward`; rng is not used.
        boxes: (N, K, T, 4) floats: x0, y0, x1, y1 of each box in pixels, hidden or not, inside the frame.
        hidden: (N, K, T) booleans; where True, the right place in the grid is "nowhere".
    Returns:
        ((loss: pixels and nats per frame, the next running statistics), cache).
    Raises:
        ValueError, IndexError: as the pairs; boxes that leave the frame; an empty batch has no mean.
    Source: as `track_forward`.
    """
    (out, scores, running), tracked = track_forward(
        frames, asked, running, params, config=config, training=training, ops=ops
    )  # (1)
    place = places_asked(boxes, hidden, config)
    off, smooth = ops.smooth_l1.forward(out[..., :4], middles(boxes), None)  # (2)
    unsure, binary = ops.binary_cross_entropy.forward(out[..., 4], hidden, None)  # (3)
    astray, cross = ops.cross_entropy.forward(scores, place, None)  # (4)
    return (off * BOX + unsure + astray, running), (tracked, smooth, binary, cross, ops)


def tracker_backward(
    dout: tuple[Any, Any], cache: Any
) -> tuple[None, None, None, None, None, TrackerParams]:  # fmt: skip
    """(dloss, ignored) -> None for the data and the running statistics, TrackerParams of gradients."""
    tracked, smooth, binary, cross, ops = cache
    dloss = dout[0]
    dscores, _, _ = ops.cross_entropy.backward(dloss, cross)  # (4)
    dhidden, _, _ = ops.binary_cross_entropy.backward(dloss, binary)  # (3)
    dbox, _, _ = ops.smooth_l1.backward(dloss * BOX, smooth)  # (2)
    d = np.concatenate([dbox, dhidden[..., None]], axis=3)
    return None, None, None, None, None, track_backward((d, dscores, None), tracked)[-1]  # (1)


def middles(boxes: Array) -> Array:
    """Corners (…, 4) x0, y0, x1, y1 -> middle x and y, width, height."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def corners(boxes: Array, size: int) -> Array:
    """Middle x and y, width, height (…, 4) -> corners, inside a frame of `size` pixels."""
    middle, half = boxes[..., :2], np.maximum(boxes[..., 2:], 0) / 2
    out: Array = np.clip(np.concatenate([middle - half, middle + half], axis=-1), 0, size)
    return out


def places_asked(boxes: Array, hidden: Array, config: TrackerConfig) -> Array:
    """The place that a look should find, (N * T, K): 0 for "nowhere", then 1 + the place, row by row.

    Raises:
        ValueError: boxes and hidden do not fit, or a box leaves the frame or ends before it begins.
    """
    if boxes.ndim != 4 or boxes.shape[3] != 4 or hidden.shape != boxes.shape[:3] or hidden.dtype != bool:
        raise ValueError(
            f"boxes have shape {boxes.shape}, hidden {hidden.shape}, {hidden.dtype}; expected (N, K, T, 4) and bool"
        )
    if not ((boxes >= 0) & (boxes <= config.size)).all() or (boxes[..., 2:] < boxes[..., :2]).any():
        raise ValueError(f"a box leaves the frame of {config.size} pixels or ends before it begins")
    cell = np.minimum((middles(boxes)[..., :2] * (config.grid / config.size)).astype(np.int64), config.grid - 1)
    place: Array = np.where(hidden, 0, 1 + cell[..., 1] * config.grid + cell[..., 0])
    N, K, T = place.shape
    return place.swapaxes(1, 2).reshape(N * T, K)


tracker = Pair(tracker_forward, tracker_backward, "tracker")
