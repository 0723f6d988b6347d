"""gru2: Backward through one step of the GRU (lesson 08, GRU).

Check it with `minirnn check gru2`, or on every save with `minirnn watch`. Stuck? `minirnn hint gru2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.functional import GRUParams, GRUState


def gru_step_backward(dstate: GRUState, cache: Any):
    """GRUState(dh) -> dx, the gradient of the state before, GRUParams(dWx, dWh, dbx, dbh).

    Undo:

        axr, axz, axn = split(x @ Wx + bx, 3);  ahr, ahz, ahn = split(h_prev @ Wh + bh, 3)
        r, z = sigmoid(axr + ahr), sigmoid(axz + ahz)
        n = tanh(axn + r * ahn)
        h = (1 - z) * n + z * h_prev

    Args:
        dstate: GRUState(dh), dh (N, H).
        cache: what the forward function kept.
    Returns:
        dx (N, D), GRUState(dh_prev) with dh_prev (N, H), GRUParams(dWx, dWh, dbx, dbh) in the shapes of Wx, Wh, bx, bh.
    """
    # `prev.h` is the state before, `p` holds Wx, Wh, bx and bh. Make new arrays; dstate and the cache stay as they are.
    x, prev, p, ahn, r, z, n = cache  # of the framework; if your gru1 keeps something else, unpack that
    dh = dstate.h
    dn, dz, dh_prev = dh * (1 - z), dh * (prev.h - n), dh * z
    dan = dn * (1 - n**2)
    dr, dahn = dan * ahn, dan * r
    dar, daz = dr * r * (1 - r), dz * z * (1 - z)
    dah = np.concatenate([dar, daz, dahn], axis=1)
    dax = np.concatenate([dar, daz, dan], axis=1)
    dWx, dbx, dx = x.T @ dax, dax.sum(axis=0), dax @ p.Wx.T
    dWh, dbh = prev.h.T @ dah, dah.sum(axis=0)
    dh_prev = dh_prev + dah @ p.Wh.T
    return dx, GRUState(dh_prev), GRUParams(dWx, dWh, dbx, dbh)
