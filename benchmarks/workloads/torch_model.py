"""What the models in PyTorch share: our weights into theirs, and their gradients back under our names.

minirnn's LSTM has one bias and PyTorch's has two that are added. The second one is held at zero, so that both sides
optimise the same parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

from minirnn.pair import Array, Tree
from minirnn.tree import tree_items


class Part(NamedTuple):
    """One parameter on both sides."""

    name: str  # ours
    parameter: Any  # theirs
    turn: Callable[[Any], Any]  # ours to PyTorch's layout
    back: Callable[[Any], Any]


class TorchModel(nn.Module):
    """A model whose parameters are known by our names."""

    def parts(self) -> Iterator[Part]:
        """Every parameter."""
        raise NotImplementedError

    @torch.no_grad()
    def take(self, params: Tree) -> None:
        """Take our weights."""
        ours = dict(tree_items(params))
        for name, parameter, turn, _ in self.parts():
            parameter.copy_(turn(torch.from_numpy(ours.pop(name))))
        if ours:
            raise ValueError(f"nowhere to put {', '.join(ours)}")

    def in_our_layout(self, what: str) -> dict[str, Array]:
        """The parameters ("data") or their gradients ("grad") under our names and in our layouts."""
        return {name: back(getattr(p, what)).detach().numpy().copy() for name, p, _, back in self.parts()}


def same(w: Any) -> Any:
    """A vector, or a table, as it is."""
    return w


def turned(w: Any) -> Any:
    """A matrix the other way round."""
    return w.T


def conv_parts(name: str, conv: Any) -> Iterator[Part]:
    """Of a convolution: our kernels are (K, K, C, F), theirs (F, C, K, K)."""
    yield Part(f"{name}.W", conv.weight, lambda w: w.permute(3, 2, 0, 1), lambda w: w.permute(2, 3, 1, 0))
    yield Part(f"{name}.b", conv.bias, same, same)


def norm_parts(name: str, norm: Any) -> Iterator[Part]:
    """Of batch norm."""
    yield Part(f"{name}.gamma", norm.weight, same, same)
    yield Part(f"{name}.beta", norm.bias, same, same)


def affine_parts(name: str, linear: Any) -> Iterator[Part]:
    """Of an affine map."""
    yield Part(f"{name}.W", linear.weight, turned, turned)
    yield Part(f"{name}.b", linear.bias, same, same)


def lstm_parts(name: str, lstm: Any, suffix: str = "_l0") -> Iterator[Part]:
    """Of one layer of an LSTM, in one direction."""
    yield Part(f"{name}.Wx", getattr(lstm, f"weight_ih{suffix}"), turned, turned)
    yield Part(f"{name}.Wh", getattr(lstm, f"weight_hh{suffix}"), turned, turned)
    yield Part(f"{name}.b", getattr(lstm, f"bias_ih{suffix}"), same, same)


def one_bias(lstm: Any) -> Any:
    """An LSTM whose second biases are zero and stay so."""
    for name, bias in lstm.named_parameters():
        if name.startswith("bias_hh"):
            bias.requires_grad_(False).zero_()
    return lstm
