"""What one ONNX node asks for, how an adapter says no, and the nodes that only stand between the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from onnx import numpy_helper


class Declined(Exception):
    """Raised where minirnn has no words for what a node asks; the message is the reason that the test counts."""


class Node(NamedTuple):
    op: str
    attrs: dict[str, Any]
    inputs: list[Any]  # None where an optional input is left out
    wanted: list[bool]  # which outputs the graph names
    opset: int


def constant(node: Node) -> Any:
    (value,) = node.attrs.values()
    return np.float32(value) if isinstance(value, float) else numpy_helper.to_array(value)


def reshape(node: Node) -> Any:
    x, shape = node.inputs
    return x.reshape([x.shape[k] if n == 0 else n for k, n in enumerate(shape)])


def unsqueeze(node: Node) -> Any:
    return np.expand_dims(node.inputs[0], tuple(node.attrs["axes"]))


def squeeze(node: Node) -> Any:
    return np.squeeze(node.inputs[0], tuple(node.attrs["axes"]))


# What stands between our operators in the graphs: moving values about and plain arithmetic.
GLUE: dict[str, Callable[[Node], Any]] = {
    "Add": lambda node: node.inputs[0] + node.inputs[1],
    "CastLike": lambda node: node.inputs[0].astype(node.inputs[1].dtype),
    "Constant": constant,
    "Identity": lambda node: node.inputs[0],
    "Mul": lambda node: node.inputs[0] * node.inputs[1],
    "Neg": lambda node: -node.inputs[0],
    "Reshape": reshape,
    "Shape": lambda node: np.array(node.inputs[0].shape),
    "Split": lambda node: tuple(np.split(node.inputs[0], len(node.wanted), axis=node.attrs.get("axis", 0))),
    "Squeeze": squeeze,
    "Transpose": lambda node: node.inputs[0].transpose(node.attrs.get("perm")),
    "Unsqueeze": unsqueeze,
}
