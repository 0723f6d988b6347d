"""The shape of gradients: one per positional argument, each with the structure of its argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minirnn.pair import Array, Tree
from minirnn.tree import tree_items, tree_leaves


def is_float(leaf: Any) -> bool:
    """Whether a leaf is differentiated: floats are, integers and booleans are not."""
    return np.issubdtype(np.asarray(leaf).dtype, np.floating)


def is_constant(name: str, constants: tuple[str, ...]) -> bool:
    """Whether `constants` names this array or something that it is part of."""
    return any(name == c or name.startswith(c + ".") for c in constants)


def kind(thing: Any) -> str:
    """What something is, for a message: "an array of shape (3, 2)", "a tuple of 2", "LSTMParams", "None"."""
    if isinstance(thing, np.ndarray):
        return f"an array of shape {thing.shape}"
    if type(thing) in (tuple, list):
        return f"a {type(thing).__name__} of {len(thing)}"
    return "None" if thing is None else type(thing).__name__


def gradient_arrays(
    arguments: Mapping[str, Tree], grads: Any, constants: tuple[str, ...], failures: list[str]
) -> dict[str, Array]:
    """The gradients of all differentiable arrays by name; what has the wrong structure is left out and named.

    Args:
        arguments: the positional arguments by name.
        grads: what backward returned.
        constants: names of what is not differentiated.
        failures: gets one sentence per mistake.
    """
    if not isinstance(grads, tuple) or len(grads) != len(arguments) or hasattr(grads, "_fields"):
        expected = f"a plain tuple of {len(arguments)}, one gradient per argument: ({', '.join(arguments)},)"
        failures.append(f"backward returned {kind(grads)}; expected {expected}")
        return {}
    shapes = {name: np.shape(leaf) for n, arg in arguments.items() for name, leaf in tree_items(arg, n)}
    found: dict[str, Array] = {}
    for (name, arg), grad in zip(arguments.items(), grads):
        _collect(name, arg, grad, constants, shapes, found, failures)
    return found


def _collect(
    name: str,
    arg: Tree,
    grad: Any,
    constants: tuple[str, ...],
    shapes: dict[str, tuple[int, ...]],
    found: dict[str, Array],
    failures: list[str],
) -> None:
    leaves = [is_float(leaf) and not is_constant(n, constants) for n, leaf in tree_items(arg, name)]
    if not any(leaves):
        if tree_leaves(grad):
            failures.append(f"the gradient of {name} is {kind(grad)}; expected None: it is not differentiated")
    elif isinstance(arg, tuple):
        if type(grad) is not type(arg) or len(grad) != len(arg):
            failures.append(f"the gradient of {name} is {kind(grad)}; expected {kind(arg)} like the argument")
            return
        parts = getattr(arg, "_fields", range(len(arg)))
        for part, a, g in zip(parts, arg, grad):
            _collect(f"{name}.{part}", a, g, constants, shapes, found, failures)
    elif not isinstance(grad, np.ndarray) and not (arg.ndim == 0 and isinstance(grad, np.generic)):
        failures.append(f"the gradient of {name} is {kind(grad)}; expected {kind(arg)}")
    elif grad.shape != arg.shape:
        same = [n for n, shape in shapes.items() if shape == grad.shape]
        hint = f", the shape of {' and '.join(same)}" if same else ""
        failures.append(f"the gradient of {name} has shape {grad.shape}{hint}; expected {arg.shape}")
    else:
        if grad.dtype != arg.dtype:
            failures.append(f"the gradient of {name} has dtype {grad.dtype}; expected {arg.dtype} like the argument")
        found[name] = np.array(grad, dtype=float)
