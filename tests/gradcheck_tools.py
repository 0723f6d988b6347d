"""What the tests of the gradient check share: right arguments, and ways to spoil a backward pass."""

from __future__ import annotations

import numpy as np

from minirnn import functional as F
from minirnn.cases import CASES
from minirnn.pair import Pair

RNG = np.random.default_rng(0)
X, W, B = RNG.standard_normal((3, 5)), RNG.standard_normal((5, 2)), RNG.standard_normal(2)
AFFINE = (X, F.AffineParams(W, B))
BY_NAME = {case.name: case for case in CASES}
LSTM = BY_NAME["lstm_step"].args()
SEQUENCE = BY_NAME["lstm"].args()


def with_backward(pair, change):
    """The pair with `change(grads, dout, cache)` applied to what its backward pass returns."""
    return Pair(pair.forward, lambda dout, cache: change(pair.backward(dout, cache), dout, cache), pair.name)


def row(report, name):
    return next(row for row in report.rows if row.name == name)


def wrong(report):
    return [row.name for row in report.rows if not row.ok]
