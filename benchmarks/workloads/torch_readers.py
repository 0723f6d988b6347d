"""The character model and the offline reader in PyTorch, written as its users write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy, ctc_loss
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.workloads import torch_model as shared
from minirnn.models.reader import HALVED, STRIDE, ReaderConfig
from minirnn.models.text import TextConfig


class TorchText(shared.TorchModel):
    """A character model that carries its state from piece to piece."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        if config.cell != "lstm":
            raise ValueError(f"cell={config.cell!r}: only 'lstm' is written")
        self.characters = nn.Embedding(config.vocab, config.embed)
        drop = config.dropout if config.layers > 1 else 0.0
        lstm = nn.LSTM(config.embed, config.hidden, config.layers, batch_first=True, dropout=drop)
        self.lstm, self.drop = shared.one_bias(lstm), nn.Dropout(config.dropout)
        self.out = nn.Linear(config.hidden, config.vocab)
        self.state: Any = None

    def forward(self, inputs: Any, targets: Any) -> Any:
        h, state = self.lstm(self.characters(inputs), self.state)
        self.state = tuple(s.detach() for s in state)
        return cross_entropy(self.out(self.drop(h)).flatten(0, 1), targets.flatten())

    def parts(self) -> Iterator[shared.Part]:
        yield shared.Part("characters", self.characters.weight, shared.same, shared.same)
        for k in range(self.lstm.num_layers):
            yield from shared.lstm_parts(f"cells.{k}", self.lstm, f"_l{k}")
        yield from shared.affine_parts("out", self.out)


class TorchReader(shared.TorchModel):
    """Convolutions, a bidirectional LSTM over the columns, CTC."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        if config.cell != "lstm":
            raise ValueError(f"cell={config.cell!r}: only 'lstm' is written")
        channels = (1, *config.channels)
        self.convs: Any = nn.ModuleList(
            nn.Conv2d(C, F, 3, padding=1, stride=1 if k < HALVED else (2, 1))
            for k, (C, F) in enumerate(zip(channels, channels[1:]))
        )
        self.norms: Any = nn.ModuleList(nn.BatchNorm2d(F) for F in config.channels)
        lstm = nn.LSTM(
            config.features, config.hidden, config.layers, batch_first=True, bidirectional=True, dropout=config.drop
        )
        self.lstm, self.drop = shared.one_bias(lstm), nn.Dropout(config.drop)
        self.out = nn.Linear(2 * config.hidden, config.classes)

    def forward(self, images: Any, widths: Any, targets: Any, lengths: Any) -> Any:
        x, columns = images, -(-widths // STRIDE)
        for k, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = conv(x)
            x = torch.relu(norm(nn.functional.max_pool2d(x, 2) if k < HALVED else x))
            ends = columns * 2 ** max(HALVED - 1 - k, 0)
            x = x * (torch.arange(x.shape[3]) < ends[:, None])[:, None, None]
        N, C, H, W = x.shape
        # our columns are rows of channels, (W, H, C)
        packed = pack_padded_sequence(
            self.drop(x.permute(0, 3, 2, 1).reshape(N, W, H * C)), columns, batch_first=True, enforce_sorted=False
        )
        h, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        logp = self.out(self.drop(h)).log_softmax(2).transpose(0, 1)
        return ctc_loss(logp, targets, columns, lengths, reduction="sum") / lengths.sum()

    def parts(self) -> Iterator[shared.Part]:
        for k, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            yield from shared.conv_parts(f"blocks.{k}.conv", conv)
            yield from shared.norm_parts(f"blocks.{k}.norm", norm)
        for k in range(self.lstm.num_layers):
            yield from shared.lstm_parts(f"layers.{k}.ahead", self.lstm, f"_l{k}")
            yield from shared.lstm_parts(f"layers.{k}.back", self.lstm, f"_l{k}_reverse")
        yield from shared.affine_parts("out", self.out)
