"""A character model ready for use: it goes on with a text, and says how much a text surprises it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minirnn import decode
from minirnn.data.text import UNKNOWN, Alphabet, tidy
from minirnn.errors import DataError
from minirnn.models.text import TextConfig, advance, first_state, read_forward
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree

ROWS, CHUNK = 64, 64  # judging: rows side by side, characters of each at once
WARM = 192  # characters that a row reads before the first that counts


@dataclass(frozen=True)
class TextModel:
    """A character model ready for use."""

    config: TextConfig
    alphabet: Alphabet
    params: Tree
    ops: Ops = FAST

    def read(self, ids: Array, state: Tree) -> tuple[Array, Tree]:
        """Characters (N, T) to logits (N, T, V) of what follows each, and the state after the last."""
        out, _ = read_forward(ids, state, self.params, config=self.config, training=False, ops=self.ops)
        return out

    def begin(self, n: int) -> Tree:
        """The state before a text, for `n` of them."""
        return first_state(self.config, n, self.params.characters.dtype)

    def complete(self, prompt: str, length: int, temperature: float, seed: int) -> str:
        """What the model writes after a prompt: `length` characters; temperature 0 is the most probable each time."""
        prompt = tidy(prompt)
        if not prompt:
            raise DataError("the prompt is empty; expected at least one character")
        ids = self.alphabet.encode(prompt)
        if (ids == UNKNOWN).any():
            place = int(np.flatnonzero(ids == UNKNOWN)[0])
            raise DataError(
                f"the prompt has {prompt[place]!r} at position {place}, which the model does not know; "
                f"expected some of its {len(self.alphabet.characters)} characters: {self.known()}"
            )
        return self.go_on(ids, length, temperature, seed)

    def go_on(self, ids: Array, length: int, temperature: float, seed: int) -> str:
        """As `complete`, after character numbers (at least one)."""
        state = self.begin(1)
        for k in range(0, len(ids) - 1, CHUNK):
            _, state = self.read(ids[None, k : min(k + CHUNK, len(ids) - 1)], state)

        def step(characters: Array, state: Tree) -> tuple[Array, Tree]:
            logp, state = advance(characters, state, self.params, config=self.config, ops=self.ops)
            logp[:, UNKNOWN] = -np.inf  # nobody can read it
            return logp, state

        (told,) = decode.sample(
            step, state, 1, rng=np.random.default_rng([seed, 4]), temperature=temperature,
            start=int(ids[-1]), end=UNKNOWN, max_length=length, never=(),
        )  # fmt: skip
        return self.alphabet.decode(told.words)

    def known(self) -> str:
        """The alphabet, or the beginning of a long one."""
        shown = "".join(self.alphabet.characters[:100])
        return repr(shown) + (" …" if len(self.alphabet.characters) > 100 else "")

    def surprise(self, ids: Array, first: int, last: int) -> Array:
        """Bits that the model needs for each of the characters ids[first:last], given those before it.

        The part is cut into rows that are read side by side. Each row first reads the characters before it, so that
        no row begins without a context. `first` is at least 1: nothing is before the first character of a text.
        """
        if not 1 <= first < last <= len(ids):
            raise ValueError(f"first and last are {first} and {last}; expected 1 <= first < last <= {len(ids)}")
        count = last - first
        rows = max(1, min(ROWS, count // WARM))
        length = math.ceil(count / rows)
        place = first - 1 + length * np.arange(rows)[:, None] + np.arange(-WARM, length)  # of what is read
        out, state = np.empty((rows, WARM + length)), self.begin(rows)
        for k in range(0, WARM + length, CHUNK):
            at = place[:, k : k + CHUNK]
            logits, state = self.read(ids[np.clip(at, 0, last - 1)], state)
            logp, _ = self.ops.log_softmax.forward(logits)
            right = ids[np.clip(at + 1, 0, last - 1)]
            out[:, k : k + CHUNK] = -np.take_along_axis(logp, right[..., None], axis=2)[..., 0] / math.log(2)
        return out[:, WARM:].reshape(-1)[:count]
