"""The recurrent layers and attention for `test_torch`; see `torch_cases` for what a draw is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as T
from torch.func import functional_call
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch_cases import Draw, Rng, sizes

from minirnn import functional as F
from minirnn.pair import Pair
from minirnn.tree import tree_map
from minirnn.unroll import Both, bidirectional, stacked, unroll

STEPS = {"rnn": F.rnn_step, "lstm": F.lstm_step, "gru": F.gru_step}
CELLS = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
LAYERS_OF = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def draw_state(rng: Rng, cell: str, N: int, H: int) -> Any:
    """A random state before the first step: zeros would hide whoever ignores it."""
    kind = {"rnn": F.RNNState, "lstm": F.LSTMState, "gru": F.GRUState}[cell]
    return kind(*(rng.standard_normal((N, H)) for _ in kind._fields))


def draw_params(rng: Rng, cell: str, D: int, H: int) -> Any:
    kind, gates = {"rnn": (F.RNNParams, 1), "lstm": (F.LSTMParams, 4), "gru": (F.GRUParams, 3)}[cell]
    biases = (rng.standard_normal(gates * H) for _ in kind._fields[2:])
    return kind(rng.standard_normal((D, gates * H)) / 2, rng.standard_normal((H, gates * H)) / 2, *biases)


def weights(p: Any, suffix: str = "") -> dict[str, Any]:
    """Our parameters under PyTorch's names: transposed; where we hold one bias, PyTorch's second one is zero."""
    bx, bh = (p.bx, p.bh) if isinstance(p, F.GRUParams) else (p.b, torch.zeros_like(p.b))
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {name + suffix: w for name, w in zip(names, (p.Wx.mT, p.Wh.mT, bx, bh))}


def run_layers(cell: str, x: Any, states: tuple[Any, ...], params: tuple[Any, ...], lengths: Any = None) -> Any:
    """torch.nn.RNN, LSTM or GRU of several layers, from our states and parameters: (h of the top layer, last state).

    The last state is the tuple (h_n,) or (h_n, c_n), each (layers * directions, N, H) as PyTorch has it.
    """
    both_ways = isinstance(params[0], Both)
    first = params[0].ahead if both_ways else params[0]
    module = LAYERS_OF[cell](
        first.Wx.shape[0], first.Wh.shape[0], len(params), batch_first=True, bidirectional=both_ways, dtype=x.dtype
    )
    named = {}
    for k, p in enumerate(params):
        named |= weights(p.ahead if both_ways else p, f"_l{k}")
        named |= weights(p.back, f"_l{k}_reverse") if both_ways else {}
    flat = [s for state in states for s in (state if both_ways else (state,))]
    initial = tuple(torch.stack(parts) for parts in zip(*flat))
    if lengths is not None:
        x = pack_padded_sequence(x, torch.from_numpy(lengths), batch_first=True, enforce_sorted=False)
    h, last = functional_call(module, named, (x, initial if cell == "lstm" else initial[0]))
    if lengths is not None:
        h, _ = pad_packed_sequence(h, batch_first=True, total_length=int(lengths.max()))
    return h, last if cell == "lstm" else (last,)


def run_step(cell: str, x: Any, state: Any, p: Any) -> Any:
    """torch.nn.RNNCell, LSTMCell or GRUCell, from our state to our state."""
    module = CELLS[cell](*(p.Wx.shape[0], p.Wh.shape[0]), dtype=x.dtype)
    new = functional_call(module, weights(p), (x, tuple(state) if cell == "lstm" else state.h))
    return type(state)(*(new if cell == "lstm" else (new,)))


def seen(pair: Pair, look: Callable[[Any], Any], back: Callable[[Any, Any], Any]) -> Pair:
    """`pair` followed by `look`, which picks what PyTorch returns too; `back(dseen, out)` is the gradient of `look`."""

    def forward(*args: Any, **options: Any) -> Any:
        out, cache = pair.forward(*args, **options)
        return look(out), (cache, out)

    def backward(dseen: Any, cache: Any) -> Any:
        return pair.backward(back(dseen, cache[1]), cache[0])

    return Pair(forward, backward, f"seen {pair.name}")


def step(cell: str) -> Callable[[Rng], Draw]:
    """One time step."""

    def draw(rng: Rng) -> Draw:
        N, D, H = sizes(rng, 5, 6, 6)
        args = (rng.standard_normal((N, D)), draw_state(rng, cell, N, H), draw_params(rng, cell, D, H))
        return Draw(STEPS[cell], args, lambda x, state, p: run_step(cell, x, state, p))

    return draw


def every_step(cell: str) -> Callable[[Rng], Draw]:
    """`unroll` against a loop over PyTorch's cell: the whole state of every step is compared and has a gradient."""

    def draw(rng: Rng) -> Draw:
        N, steps, D, H = sizes(rng, 3, 6, 5, 5)

        def theirs(x: Any, state: Any, p: Any) -> Any:
            states = []
            for t in range(steps):
                state = run_step(cell, x[:, t], state, p)
                states.append(state)
            return tree_map(lambda *s: torch.stack(s, dim=1), *states)

        args = (rng.standard_normal((N, steps, D)), draw_state(rng, cell, N, H), draw_params(rng, cell, D, H))
        return Draw(unroll(STEPS[cell]), args, theirs)

    return draw


def layers(cell: str) -> Callable[[Rng], Draw]:
    """`stacked` unrolls against torch.nn.RNN, LSTM, GRU: h of the top layer and the last state of every layer."""

    def draw(rng: Rng) -> Draw:
        N, steps, D, H, count = sizes(rng, 3, 5, 5, 5, 3)

        def look(outs: Any) -> Any:
            return outs[-1].h, tuple(tree_map(lambda leaf: leaf[:, -1], out) for out in outs)

        def back(dseen: Any, outs: Any) -> Any:
            douts = tree_map(np.zeros_like, outs)
            for dout, dlast in zip(douts, dseen[1]):
                tree_map(lambda d, last: d.__setitem__((slice(None), -1), last), dout, dlast)
            douts[-1].h[...] += dseen[0]
            return douts

        def theirs(x: Any, states: Any, params: Any) -> Any:
            h, last = run_layers(cell, x, states, params)
            return h, tuple(type(states[0])(*(part[k] for part in last)) for k in range(count))

        states = tuple(draw_state(rng, cell, N, H) for _ in range(count))
        params = tuple(draw_params(rng, cell, D if k == 0 else H, H) for k in range(count))
        pair = stacked(*[unroll(STEPS[cell])] * count)
        return Draw(seen(pair, look, back), (rng.standard_normal((N, steps, D)), states, params), theirs)

    return draw


def both_ways(cell: str, most: int) -> Callable[[Rng], Draw]:
    """`bidirectional` layers against PyTorch's: h of the top layer, and where each reader of each layer ended.

    Half of the draws have rows of unequal length: PyTorch packs them, so only what lies inside a row is compared.
    """

    def draw(rng: Rng) -> Draw:
        N, steps, D, H = sizes(rng, 3, 5, 5, 4)
        count = int(rng.integers(1, most + 1)) if most > 1 else 1
        lengths = None
        if rng.random() < 0.5:
            lengths = rng.integers(1, steps + 1, size=N)
            steps = int(lengths.max())
        ends = np.full(N, steps) if lengths is None else lengths
        inside = (np.arange(steps) < ends[:, None])[:, :, None]
        rows = np.arange(N)

        def look(outs: Any) -> Any:
            outs = outs if most > 1 else (outs,)
            return outs[-1].h * inside, tuple((out.h[rows, ends - 1, :H], out.h[:, 0, H:]) for out in outs)

        def back(dseen: Any, outs: Any) -> Any:
            douts = tree_map(np.zeros_like, outs if most > 1 else (outs,))
            for dout, (dahead, dback) in zip(douts, dseen[1]):
                dout.h[rows, ends - 1, :H] += dahead
                dout.h[:, 0, H:] += dback
            douts[-1].h[...] += dseen[0] * inside
            return douts if most > 1 else douts[0]

        def theirs(x: Any, states: Any, params: Any) -> Any:
            several = most > 1
            h, last = run_layers(cell, x, states if several else (states,), params if several else (params,), lengths)
            return h, tuple((last[0][2 * k], last[0][2 * k + 1]) for k in range(count))

        states = tuple(Both(draw_state(rng, cell, N, H), draw_state(rng, cell, N, H)) for _ in range(count))
        params = tuple(
            Both(*(draw_params(rng, cell, D if k == 0 else 2 * H, H) for _ in range(2))) for k in range(count)
        )
        x = rng.standard_normal((N, steps, D))
        if most > 1:
            pair, args = stacked(*[bidirectional(STEPS[cell])] * count), (x, states, params)
        else:
            pair, args = bidirectional(STEPS[cell]), (x, states[0], params[0])
        return Draw(seen(pair, look, back), args, theirs, {"lengths": lengths})

    return draw


def draw_attention(rng: Rng) -> tuple[Any, Any, Any, Any]:
    """Queries, keys, values and a mask: none, one for all queries, causal, or one of its own for each query."""
    N, steps, L, A, M = sizes(rng, 3, 5, 6, 5, 5)
    q, k, v = (rng.standard_normal(shape) for shape in ((N, steps, A), (N, L, A), (N, L, M)))
    kind = rng.integers(4)
    if kind == 0:
        return q, k, v, None
    if kind == 1:
        return q, k, v, np.tril(np.ones((steps, L), dtype=bool))
    mask = rng.random((N, 1 if kind == 2 else steps, L)) < 0.5
    mask[..., rng.integers(L)] = True
    return q, k, v, mask


def weights_of(s: Any, mask: Any) -> Any:
    return T.softmax(s if mask is None else torch.where(mask, s, -torch.inf), dim=-1)


def dot_attention(rng: Rng) -> Draw:
    """Against scaled_dot_product_attention; it does not return the weights, so these come from its formula."""
    q, k, v, mask = draw_attention(rng)
    with_weights = bool(rng.integers(2))  # else nobody reads the weights, and their gradient is None

    def theirs(q: Any, k: Any, v: Any, mask: Any) -> Any:
        y = T.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        p = weights_of(q @ k.mT / q.shape[-1] ** 0.5, mask)
        return y, p if with_weights else None

    return Draw(F.dot_attention, (q, k, v, mask), theirs)


def additive_attention(rng: Rng) -> Draw:
    """Against Bahdanau's formula, differentiated by PyTorch."""
    q, k, v, mask = draw_attention(rng)
    with_weights = bool(rng.integers(2))
    params = F.AdditiveParams(rng.standard_normal(q.shape[2]))

    def theirs(q: Any, k: Any, v: Any, mask: Any, params: Any) -> Any:
        p = weights_of(torch.tanh(q[:, :, None] + k[:, None]) @ params.w, mask)
        return p @ v, p if with_weights else None

    return Draw(F.additive_attention, (q, k, v, mask, params), theirs)


SEQUENCES: dict[str, Callable[[Rng], Draw]] = {
    "dot_attention": dot_attention,
    "additive_attention": additive_attention,
}
for _cell in STEPS:
    SEQUENCES |= {
        f"{_cell}_step": step(_cell),
        f"unroll {_cell}": every_step(_cell),
        f"stacked {_cell}": layers(_cell),
        f"bidirectional {_cell}": both_ways(_cell, 1),
        f"stacked bidirectional {_cell}": both_ways(_cell, 3),
    }
