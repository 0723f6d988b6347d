"""The character model and the offline reader as their commands train them: a whole training step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.workloads.sides import Kit, Precision, Run, Workload, rng_of, table
from benchmarks.workloads.steps import our_step, their_step
from minirnn.data.digit_strings import compose, stroke_digits
from minirnn.models.reader import STRIDE, ReaderConfig, columns_of, init_reader, reader
from minirnn.models.text import TextConfig, first_state, init_text, language_model
from minirnn.problem import TrainConfig
from minirnn.tasks import text

VOCAB = 66  # characters of tinyshakespeare, and the unknown one
LINES = 32  # digit strings a step


def text_step() -> Workload:
    """A piece of every stream, the state carried from step to step."""
    settings = text.Settings(data="")
    train = text.train_defaults(settings)
    N, T = settings.streams, settings.piece
    config = TextConfig(VOCAB, settings.embed, settings.hidden, settings.layers, settings.cell, settings.dropout)
    ids = rng_of("characters").integers(0, VOCAB, (N, T + 1))

    def used(exact: bool) -> TextConfig:
        return replace(config, dropout=0.0) if exact else config  # the two sides draw different masks

    def ours(kit: Kit, exact: bool) -> Run:
        params = init_text(rng_of("weights of text"), config, Precision.dtype)
        batch, state = (ids[:, :-1], ids[:, 1:], np.zeros(N, bool)), first_state(config, N, Precision.dtype)
        return our_step(kit, language_model, batch, state, params, used(exact), train)

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        from benchmarks.workloads.torch_readers import TorchText

        model = TorchText(used(exact))
        model.take(init_text(rng_of("weights of text"), config, Precision.dtype))
        batch = (torch.from_numpy(ids[:, :-1].copy()), torch.from_numpy(ids[:, 1:].copy()))
        return their_step(model.train(), batch, train, through_compile)

    each = config.embed + (2 * config.layers - 1) * config.hidden  # what a step's gates read, all layers together
    flops = 3 * 2.0 * N * T * (each * 4 * config.hidden + config.hidden * VOCAB)
    return Workload("text step", flops, ours, theirs)


def reader_step() -> Workload:
    """Digit strings of two to eight digits, composed as for training."""
    config, train = ReaderConfig(11), TrainConfig(lr=3e-3, clip=1.0)
    lines = compose(rng_of("lines"), *stroke_digits(200), LINES)

    def fresh(exact: bool) -> tuple[ReaderConfig, Any, Any]:
        used = replace(config, drop=0.0) if exact else config
        return used, *init_reader(rng_of("weights of reader"), used, Precision.dtype)

    def pixels() -> Any:
        whole = np.pad(lines.images, ((0, 0), (0, 0), (0, -lines.images.shape[2] % STRIDE)))  # whole columns
        return whole.astype(Precision.dtype) / 255

    def ours(kit: Kit, exact: bool) -> Run:
        used, params, running = fresh(exact)
        batch = (pixels(), lines.widths, lines.targets, lines.lengths)
        return our_step(kit, reader, batch, running, params, used, train)

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        from benchmarks.workloads.torch_readers import TorchReader

        torch.manual_seed(0)
        used, params, _ = fresh(exact)
        model: Any = TorchReader(used)
        model.take(params)
        model = model.to(memory_format=torch.channels_last).train()
        images = torch.from_numpy(pixels())[:, None].contiguous(memory_format=torch.channels_last)
        batch = (images, *(torch.from_numpy(a) for a in (lines.widths, lines.targets, lines.lengths)))
        return their_step(model, batch, train, through_compile)

    return Workload("reader step", reader_flops(config, columns_of(lines.widths)), ours, theirs)


def reader_flops(config: ReaderConfig, columns: Any) -> float:
    """A training step on lines of so many columns, padded to the widest."""
    N, T, rows, flops = len(columns), int(columns.max()), config.height, 0.0
    for k, (C, F) in enumerate(zip((1, *config.channels), config.channels)):
        wide = T * 2 ** max(2 - k, 0)  # before pooling, or moving, down
        rows = rows if k < 2 else rows // 2
        flops += 2.0 * N * rows * wide * 9 * C * F * (2 if k == 0 else 3)
        rows = rows // 2 if k < 2 else rows
    steps, H = int(columns.sum()), config.hidden
    for D in (config.features, *[2 * H] * (config.layers - 1)):
        flops += 3 * 2 * 2.0 * steps * (D + H) * 4 * H
    return flops + 3 * 2.0 * steps * 2 * H * config.classes


WORKLOADS = table([text_step(), reader_step()])
