"""The recurrent cells that a model can be built of, by name: their states and their first parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minirnn import init
from minirnn.functional.recurrent import GRUState, LSTMState, RNNState
from minirnn.pair import Tree
from minirnn.unroll import Both


class Cell(NamedTuple):
    """What belongs to a cell beside its pair, which is `ops.step(name)`."""

    state: Callable[..., Tree]
    params: Callable[..., Tree]  # of (rng, inputs, hidden, dtype)
    arrays: int  # in a state, (n, hidden) each


CELLS = {
    "rnn": Cell(RNNState, init.rnn_params, 1),
    "lstm": Cell(LSTMState, init.lstm_params, 2),
    "gru": Cell(GRUState, init.gru_params, 1),
}


def cell_params(
    cell: str, rng: np.random.Generator, inputs: int, hidden: int, dtype: Any, *, both: bool = False
) -> Tree:  # fmt: skip
    """Fresh parameters of a layer; with `both`, of one that reads from both ends."""
    make = CELLS[cell].params
    one = make(rng, inputs, hidden, dtype)
    return Both(one, make(rng, inputs, hidden, dtype)) if both else one


def rest(cell: str, n: int, hidden: int, dtype: Any, *, both: bool = False) -> Tree:
    """The state of `n` sequences of which nothing has been read, zeros; with `both`, of each direction."""
    kind = CELLS[cell]
    one = kind.state(*(np.zeros((n, hidden), dtype) for _ in range(kind.arrays)))
    return Both(one, one) if both else one
