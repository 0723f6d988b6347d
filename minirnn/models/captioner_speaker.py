"""Saying captions quickly: the twin of `start` and `advance` in `minirnn.models.captioner`.

Whoever says a caption word by word reads the same weights and the same picture at every step. What they do to a word
does not depend on the words before it, and what they do to the picture not on any word:

    words @ Wx_words + b      once for the whole vocabulary: a table with a row for every word
    picture @ Wx_picture      once for every picture

So a step is a row of the table, a row of the picture, and the product with h. The results are those of `advance` up to
rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minirnn.fast.time import sigmoid_of_negated
from minirnn.functional.activations import log_softmax
from minirnn.models.captioner import Telling
from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams
from minirnn.models.captioner_parts import attention_of, begin_forward, see_forward
from minirnn.models.encoder import Running
from minirnn.ops import Ops
from minirnn.pair import Array, Tree

NEGATED = {"rnn": (1,), "gru": (-1, -1, 1), "lstm": (-1, -1, 1, -1)}  # sigmoids turn the sign of their argument


@dataclass(frozen=True)
class Speaker:
    """A captioner with all that its steps share worked out."""

    params: CaptionerParams
    running: Running
    config: CaptionerConfig
    ops: Ops
    table: Array  # (V, gates * H): what each word adds to the pre-activations, with the bias
    picture: Array | None  # (·, gates * H): from what was seen to what it adds; None where the cell does not read it
    Wh: Array  # (H, gates * H)
    bn: Array | None  # (H,) GRU: the bias that the reset gate scales

    @classmethod
    def of(cls, params: CaptionerParams, running: Running, config: CaptionerConfig, ops: Ops) -> Speaker:
        """Work out what the steps share."""
        cell, E = params.cell, config.embed
        scale = np.repeat(np.array(NEGATED[config.cell], params.words.dtype), config.hidden)
        Wx, Wh = cell.Wx * scale, cell.Wh * scale
        bias, bn = cell[2] * scale, None
        if config.cell == "gru":
            bias, bn = bias + cell.bh * scale, cell.bh[2 * config.hidden :]
            bias[2 * config.hidden :] = cell.bx[2 * config.hidden :]
        table = params.words @ Wx[:E] + bias
        return cls(params, running, config, ops, table, Wx[E:] if len(Wx) > E else None, Wh, bn)

    def start(self, images: Array) -> Telling:
        """Look at pictures (N, S, S, 3) and get ready to say the first word."""
        p, config, ops = self.params, self.config, self.ops
        (seen, _), _ = see_forward(images, self.running, p, config=config, training=False, ops=ops)
        state, _ = begin_forward(seen, len(images), p, config=config, ops=ops)
        adds = None if self.picture is None else seen.vector @ self.picture
        return Telling(seen._replace(vector=adds), state, None)

    def advance(self, words: Array, telling: Telling) -> tuple[Array, Telling]:
        """Read one word (N,) per caption: log-probabilities (N, V) of the next one, and the caption under way."""
        seen, where, out = telling.seen, None, self.params.out
        a = self.table[words]
        if seen.vector is not None:
            a += seen.vector
        state = self._step(a, telling.state)
        says = state.h
        if seen.keys is not None:
            q = state.h @ self.params.query.W + self.params.query.b  # type: ignore[union-attr]
            attention, score = attention_of(self.params, self.ops)
            (context, maps), _ = attention.forward(q[:, None], seen.keys, seen.values, None, *score)
            says, where = np.concatenate([says, context[:, 0]], axis=1), maps[:, 0]
        logits = says @ out.W
        logits += out.b
        logp, _ = log_softmax.forward(logits)
        return logp, Telling(seen, state, where)

    def _step(self, a: Array, state: Any) -> Tree:
        """The cell, from the pre-activations (N, gates * H) without h; as in `functional/recurrent.py`."""
        H, ah = self.config.hidden, state.h @ self.Wh
        if self.config.cell == "rnn":
            a += ah
            return state._replace(h=np.tanh(a))
        if self.config.cell == "gru":
            rz = a[:, : 2 * H] + ah[:, : 2 * H]
            sigmoid_of_negated(rz)
            n = np.tanh(a[:, 2 * H :] + rz[:, :H] * (ah[:, 2 * H :] + self.bn))
            return state._replace(h=n + rz[:, H:] * (state.h - n))
        a += ah
        i_f, g, o = a[:, : 2 * H], a[:, 2 * H : 3 * H], a[:, 3 * H :]
        sigmoid_of_negated(i_f)
        sigmoid_of_negated(o)
        c = i_f[:, H:] * state.c
        c += i_f[:, :H] * np.tanh(g)
        return state._replace(h=o * np.tanh(c), c=c)
