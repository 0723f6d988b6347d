"""The captioner in PyTorch, written as its users write it. Imported only where PyTorch is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.workloads import torch_model as shared
from minirnn.data.vocabulary import END, PAD, START, UNK
from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams
from minirnn.models.encoder import Running
from minirnn.pair import Array

NEVER = [PAD, START, UNK]


class AttentionDecoder(nn.Module):
    """An LSTM over words and picture, and attention from what it says to the locations."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True)
        self.query = nn.Linear(hidden, hidden)

    def forward(self, words: Any, vector: Any, keys: Any, values: Any) -> Any:
        every = vector[:, None].expand(-1, words.shape[1], -1)
        h, _ = self.lstm(torch.cat([words, every], 2))
        # on a CPU, forward and backward together, faster by hand than scaled_dot_product_attention
        p = (self.query(h) @ keys.mT / self.query.out_features**0.5).softmax(2)
        return torch.cat([h, p @ values], 2)


class TorchCaptioner(shared.TorchModel):
    """The captioner with an LSTM and the picture beside every word."""

    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__()
        if config.image != "every" or config.cell != "lstm":
            raise ValueError(f"image={config.image!r}, cell={config.cell!r}: only 'every' and 'lstm' are written")
        channels = (3, *config.channels)
        self.side = config.image_size // 2 ** len(config.channels)
        self.blocks: Any = nn.Sequential(*(self.block(C, F) for C, F in zip(channels, channels[1:])))
        self.image = nn.Linear(self.side**2 * channels[-1], config.features)
        self.drop_image = nn.Dropout(config.drop_image)
        self.drop_words = nn.Dropout(config.drop_words)
        self.words = nn.Embedding(config.vocab, config.embed)
        self.lstm = nn.LSTM(config.embed + config.features, config.hidden, batch_first=True)
        shared.one_bias(self.lstm)
        self.out = nn.Linear(config.hidden, config.vocab)
        self.cell = [self.lstm_cell()]  # in a list: its weights are the LSTM's and must not count twice

    @staticmethod
    def block(C: int, F: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(C, F, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(F), nn.ReLU(inplace=True))

    def lstm_cell(self) -> Any:
        """The same LSTM for one word at a time: faster than nn.LSTM over a sequence of one word."""
        cell = nn.LSTMCell(self.lstm.input_size, self.lstm.hidden_size)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            setattr(cell, name, getattr(self.lstm, f"{name}_l0"))
        return cell

    def see(self, images: Any) -> Any:
        """(N, 3, S, S) -> (N, features)."""
        return self.drop_image(torch.relu(self.image(self.blocks(images).flatten(1))))

    def forward(self, images: Any, which: Any, inputs: Any, targets: Any) -> Any:
        """The loss; targets are PAD where nothing counts."""
        seen = self.see(images)[which]
        words = self.drop_words(self.words(inputs))
        says, _ = self.lstm(torch.cat([words, seen[:, None].expand(-1, words.shape[1], -1)], 2))
        logits = self.out(self.drop_words(says))
        return cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)

    def advance(self, words: Any, seen: Any, state: Any) -> tuple[Any, Any]:
        """Read one word per caption (B,): logits of the next one, and the state."""
        h, c = self.cell[0](torch.cat([self.words(words), seen], 1), state)
        return self.out(h), (h, c)

    def parts(self) -> Iterator[shared.Part]:
        for k, (conv, _, norm, _) in enumerate(self.blocks):
            yield from shared.conv_parts(f"encoder.{k}.conv", conv)
            yield from shared.norm_parts(f"encoder.{k}.norm", norm)
        S, F = self.side, self.image.out_features
        yield shared.Part(  # we flatten (S, S, C), PyTorch (C, S, S)
            "image.W", self.image.weight,
            lambda w: w.reshape(S, S, -1, F).permute(3, 2, 0, 1).reshape(F, -1),
            lambda w: w.reshape(F, -1, S, S).permute(2, 3, 1, 0).reshape(-1, F),
        )  # fmt: skip
        yield shared.Part("image.b", self.image.bias, shared.same, shared.same)
        yield shared.Part("words", self.words.weight, shared.same, shared.same)
        yield from shared.lstm_parts("cell", self.lstm)
        yield from shared.affine_parts("out", self.out)

    @torch.no_grad()
    def load(self, params: CaptionerParams, running: Running) -> TorchCaptioner:
        """Take our weights and statistics."""
        self.take(params)
        for (_, _, norm, _), stats in zip(self.blocks, running):
            norm.running_mean.copy_(torch.from_numpy(stats.mean))
            norm.running_var.copy_(torch.from_numpy(stats.var))
        return self


def pictures(images: Array) -> Any:
    """Pictures (N, S, S, 3), floats or bytes, as a float tensor (N, 3, S, S) in channels_last order."""
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    return tensor if tensor.is_floating_point() else tensor.to(torch.get_default_dtype()).div_(255)


@torch.inference_mode()
def greedy(model: TorchCaptioner, images: Array, steps: int) -> Array:
    """The most probable word at every step, (N, up to `steps`) word numbers; behind END come more words to be cut."""
    seen = model.see(pictures(images))
    words, state, said = torch.full((len(images),), START), None, []
    over = torch.zeros(len(images), dtype=torch.bool)
    for _ in range(steps):
        logits, state = model.advance(words, seen, state)
        logits[:, NEVER] = -torch.inf
        words = logits.argmax(1)
        said.append(words)
        over |= words == END
        if over.all():
            break
    return torch.stack(said, 1).numpy()


@torch.inference_mode()
def beam(model: TorchCaptioner, image: Array, width: int, steps: int) -> list[int]:
    """The best caption that beam search finds for one picture, ranked by log-probability per word."""
    seen = model.see(pictures(image[None]))
    scores, state, words, told = torch.zeros(1), None, torch.tensor([START]), torch.empty((1, 0), dtype=torch.long)
    done: list[tuple[float, list[int]]] = []
    for t in range(1, steps + 1):
        logits, state = model.advance(words, seen.expand(len(words), -1), state)
        totals = scores[:, None] + logits.log_softmax(1)
        totals[:, NEVER] = -torch.inf
        scores, best = totals.flatten().topk(width - len(done))
        rows, words = best // totals.shape[1], best % totals.shape[1]
        told = torch.cat([told[rows], words[:, None]], 1)
        ended = words == END
        if ended.any():
            done += [(float(s) / t, w[:-1].tolist()) for s, w in zip(scores[ended], told[ended])]
            rows, words, scores, told = (a[~ended] for a in (rows, words, scores, told))
            if not len(words):
                break
        state = tuple(s[rows] for s in state)
    done += [(float(s) / steps, w.tolist()) for s, w in zip(scores, told)]
    return max(done)[1]


def cut(words: Array) -> list[int]:
    """One row of `greedy` up to END."""
    ends = np.flatnonzero(words == END)
    return [int(w) for w in (words[: ends[0]] if len(ends) else words)]
