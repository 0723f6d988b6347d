"""What one ONNX node asks for, and how an adapter says no."""

from __future__ import annotations

from typing import Any, NamedTuple


class Declined(Exception):
    """Raised where minirnn has no words for what a node asks; the message is the reason that the test counts."""


class Node(NamedTuple):
    op: str
    attrs: dict[str, Any]
    inputs: list[Any]  # None where an optional input is left out
    wanted: list[bool]  # which outputs the graph names
    opset: int
