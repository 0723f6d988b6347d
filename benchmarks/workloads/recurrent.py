"""Recurrent layers over whole sequences, forward and backward, and the decoder with attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.sides import (
    Kit,
    Precision,
    Results,
    Run,
    Workload,
    array,
    compiled,
    draw,
    named,
    rng_of,
    table,
)
from minirnn import init
from minirnn.functional import GRUState, LSTMState, RNNState
from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams, init_captioner, zero_state
from minirnn.models.captioner_parts import Seen, tell_backward, tell_forward
from minirnn.pair import Array
from minirnn.unroll import Both, BothWays

INIT: Any = {"rnn": init.rnn_params, "lstm": init.lstm_params, "gru": init.gru_params}
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def first_state(cell: str, N: int, H: int) -> Any:
    """Zeros."""
    h = np.zeros((N, H), Precision.dtype)
    return {"rnn": RNNState(h), "lstm": LSTMState(h, h), "gru": GRUState(h)}[cell]


def states_of(cell: str, dh: Array) -> Any:
    """The gradient of all states when only h is read from outside."""
    nothing: Any = None
    return {"rnn": RNNState(dh), "lstm": LSTMState(dh, nothing), "gru": GRUState(dh)}[cell]


def load(module: Any, p: Any, suffix: str = "_l0") -> None:
    """Our weights into a recurrent module of PyTorch; where we hold one bias, its second one is zero."""
    import torch

    bx, bh = (p.bx, p.bh) if hasattr(p, "bx") else (p.b, np.zeros_like(p.b))
    with torch.no_grad():
        for name, ours in (("weight_ih", p.Wx.T), ("weight_hh", p.Wh.T), ("bias_ih", bx), ("bias_hh", bh)):
            getattr(module, name + suffix).copy_(torch.from_numpy(ours.copy()))


def gradients(module: Any, two_biases: bool, suffix: str = "_l0") -> Results:
    """The gradients of a recurrent module, in our layouts."""
    ours = {"Wx": ("weight_ih", (1, 0)), "Wh": ("weight_hh", (1, 0))}
    biases = {"bx": ("bias_ih", ()), "bh": ("bias_hh", ())} if two_biases else {"b": ("bias_ih", ())}
    both: dict[str, tuple[str, tuple[int, ...]]] = {**ours, **biases}
    return {name: array(getattr(module, theirs + suffix).grad, *order) for name, (theirs, order) in both.items()}


def prefixed(prefix: str, results: Results) -> Results:
    return {f"{prefix}.{name}": value for name, value in results.items()}


def sequence(cell: str, N: int, T: int, D: int, H: int, *, both_ways: bool = False) -> Workload:
    """A recurrent layer over (N, T, D), or two that read it from both ends."""
    name = f"{'bidirectional ' if both_ways else ''}{cell} N{N} T{T} D{D} H{H}"

    def inputs() -> tuple[Array, Any, Array]:
        rng = rng_of(name)
        p = (
            Both(*(INIT[cell](rng, D, H, Precision.dtype) for _ in range(2)))
            if both_ways
            else INIT[cell](rng, D, H, Precision.dtype)
        )
        return draw(rng, N, T, D), p, draw(rng, N, T, (1 + both_ways) * H)

    def ours(kit: Kit, exact: bool) -> Run:
        (x, p, dh), cell_step = inputs(), kit.ops.step(cell)
        pair = kit.ops.bidirectional(cell_step) if both_ways else kit.ops.unroll(cell_step)

        def step() -> Any:
            state = Both(first_state(cell, N, H), first_state(cell, N, H)) if both_ways else first_state(cell, N, H)
            out, cache = pair.forward(x, state, p)
            dx, _, dp = pair.backward(BothWays(dh) if both_ways else states_of(cell, dh), cache)
            return out.h, dx, dp

        return Run(step, lambda out: named(h=out[0], dx=out[1], dp=out[2]))

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        x, p, dh = inputs()
        kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
        module = kind(D, H, batch_first=True, bidirectional=both_ways)
        for part, suffix in zip(p, ("_l0", "_l0_reverse")) if both_ways else ((p, "_l0"),):
            load(module, part, suffix)
        tensor, dout = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dh)
        run = compiled(module, through_compile)

        def step() -> Any:
            module.zero_grad(set_to_none=True)
            tensor.grad = None
            h, _ = run(tensor)
            h.backward(dout)
            return h

        def results(h: Any) -> Results:
            out = {"h": array(h), "dx": array(tensor.grad)}
            if not both_ways:
                return out | prefixed("dp", gradients(module, cell == "gru"))
            ahead = prefixed("dp.ahead", gradients(module, cell == "gru"))
            return out | ahead | prefixed("dp.back", gradients(module, cell == "gru", "_l0_reverse"))

        return Run(step, results)

    return Workload(name, 2.0 * N * T * (D + H) * GATES[cell] * H * 3 * (1 + both_ways), ours, theirs)


def attention_decoder(name: str, N: int, T: int) -> Workload:
    """The captioner's decoder over T words, looking at 7x7 locations after each."""
    config = CaptionerConfig(
        vocab=32, image_size=56, channels=(8, 16, 32), embed=128, glance=128, hidden=192, local=128, image="attention"
    )
    L, H, D = config.grid**2, config.hidden, config.embed + config.glance

    def inputs() -> tuple[CaptionerParams, Array, Seen, Array]:
        rng = rng_of(name)
        p, _ = init_captioner(rng, config, Precision.dtype)
        seen = Seen(draw(rng, N, config.glance), draw(rng, N, L, H), draw(rng, N, L, config.local))
        return p, draw(rng, N, T, config.embed), seen, draw(rng, N, T, H + config.local)

    def ours(kit: Kit, exact: bool) -> Run:
        p, words, seen, dsays = inputs()

        def step() -> Any:
            state = zero_state(config, N, words.dtype)
            (says, _, _), cache = tell_forward(words, state, seen, p, config=config, ops=kit.ops)
            dwords, _, dseen, dparams = tell_backward(dsays, cache)
            return says, dwords, dseen, dparams["query"], dparams["cell"]

        return Run(
            step, lambda out: named(says=out[0], dwords=out[1], dseen=out[2], dquery=out[3], dcell=out[4])
        )  # fmt: skip

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        from benchmarks.workloads.torch_captioner import AttentionDecoder

        p, words, seen, dsays = inputs()
        module = AttentionDecoder(D, H)
        load(module.lstm, p.cell)
        with torch.no_grad():
            module.query.weight.copy_(torch.from_numpy(p.query.W.T.copy()))  # type: ignore[union-attr]
            module.query.bias.copy_(torch.from_numpy(p.query.b))  # type: ignore[union-attr]
        leaves = [torch.from_numpy(a).requires_grad_() for a in (words, *seen)]
        dout = torch.from_numpy(dsays)
        run = compiled(module, through_compile)

        def step() -> Any:
            module.zero_grad(set_to_none=True)
            for leaf in leaves:
                leaf.grad = None
            says = run(*leaves)
            says.backward(dout)
            return says

        def results(says: Any) -> Results:
            names = ("dwords", "dseen.vector", "dseen.keys", "dseen.values")
            out = {"says": array(says), **{n: array(leaf.grad) for n, leaf in zip(names, leaves)}}
            query = {"dquery.W": array(module.query.weight.grad, 1, 0), "dquery.b": array(module.query.bias.grad)}
            return out | query | prefixed("dcell", gradients(module.lstm, False))

        return Run(step, results)

    rows = 2.0 * N * T * 3
    flops = rows * ((D + H) * 4 * H + H * H + L * (H + config.local))
    return Workload(name, flops, ours, theirs)


WORKLOADS = table([
    sequence("rnn", 64, 32, 64, 128),
    sequence("lstm", 32, 16, 64, 128),
    sequence("lstm", 64, 16, 256, 512),
    sequence("lstm", 64, 64, 64, 256),
    sequence("lstm", 80, 20, 256, 192),
    sequence("gru", 64, 32, 64, 256),
    sequence("lstm", 32, 64, 64, 100, both_ways=True),
    attention_decoder("attention decoder N64 T16 L49", 64, 16),
])  # fmt: skip
