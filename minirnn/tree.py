"""Trees of arrays: `None`, an array, or a (named) tuple of trees.

Parameters, states and gradients are trees, so an optimiser, a checkpoint and a gradient check are one loop each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minirnn.pair import Array, Tree


def _rebuild(like: tuple[Any, ...], parts: list[Any]) -> tuple[Any, ...]:
    """A tuple of the type of `like`: named tuples take their fields one by one."""
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)


def tree_map(f: Callable[..., Any], tree: Tree, *rest: Tree) -> Tree:
    """Apply `f` leaf by leaf to trees of one structure; `None` stays `None`."""
    if tree is None:
        return None
    if isinstance(tree, tuple):
        return _rebuild(tree, [tree_map(f, *parts) for parts in zip(tree, *rest, strict=True)])
    return f(tree, *rest)


def tree_items(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its name: `("lstm.Wx", array)`; places in plain tuples are numbered from 0."""
    if tree is None:
        return
    if isinstance(tree, tuple):
        names = getattr(tree, "_fields", range(len(tree)))
        for name, part in zip(names, tree):
            yield from tree_items(part, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, tree


def tree_leaves(tree: Tree) -> list[Any]:
    """The leaves, in the order of `tree_items`."""
    if tree is None:
        return []
    return [leaf for part in tree for leaf in tree_leaves(part)] if isinstance(tree, tuple) else [tree]


def tree_from_items(like: Tree, items: Mapping[str, Any], prefix: str = "") -> Tree:
    """The tree with the structure of `like` and the leaves of `items` (the inverse of `tree_items`)."""
    if like is None:
        return None
    if isinstance(like, tuple):
        names = getattr(like, "_fields", range(len(like)))
        parts = [tree_from_items(p, items, f"{prefix}.{n}" if prefix else str(n)) for n, p in zip(names, like)]
        return _rebuild(like, parts)
    return items[prefix]


def tree_from_leaves(like: Tree, leaves: Iterable[Any]) -> Tree:
    """The tree with the structure of `like` and these leaves (the inverse of `tree_leaves`)."""
    rest = iter(leaves)
    return tree_map(lambda _: next(rest), like)


def tree_add(a: Tree, b: Tree) -> Tree:
    """Leaf by leaf sum; `None` stands for zero. How the gradients of what is shared add up."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, tuple):
        return _rebuild(a, [tree_add(x, y) for x, y in zip(a, b, strict=True)])
    return a + b


def tree_zeros(tree: Tree) -> Tree:
    """Zeros of the shapes and dtypes of `tree`."""
    return tree_map(np.zeros_like, tree)


def tree_cast(tree: Tree, dtype: Any) -> Tree:
    """Float leaves as `dtype`; integers and booleans as they are."""

    def cast(leaf: Array) -> Array:
        return leaf.astype(dtype) if np.issubdtype(leaf.dtype, np.floating) else leaf

    return tree_map(cast, tree)


def tree_size(tree: Tree) -> int:
    """Number of values in all leaves."""
    return sum(leaf.size for leaf in tree_leaves(tree))
