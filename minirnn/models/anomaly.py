"""Where did the NaN come from? Run a model again with every pair watched, and name the first that made one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from minirnn.ops import READABLE, Ops
from minirnn.pair import Pair, Tree
from minirnn.tree import tree_items


class Anomaly(ArithmeticError):
    """A pair made, or was given, NaN or infinity."""


def bad_leaf(tree: Tree) -> str | None:
    """The name of the first float leaf that holds NaN or infinity ("" for a bare array), or None."""
    for name, leaf in tree_items(tree):
        if np.issubdtype(np.asarray(leaf).dtype, np.floating) and not np.isfinite(leaf).all():
            return name
    return None


def watch(ops: Ops, params: Tree) -> Ops:
    """The same table with every pair watched: the first NaN or infinity raises `Anomaly`, naming pair and layer.

    A layer is named by the parameters that a call was given, found by identity in `params`.
    """
    names = {id(leaf): name for name, leaf in tree_items(params)}
    last = ["the input"]

    def watched(op: str, pair: Pair) -> Pair:
        def forward(*args: Any, **options: Any) -> tuple[Any, Any]:
            mine = [names[id(leaf)] for _, leaf in tree_items(args) if id(leaf) in names]
            layer = mine[0].rpartition(".")[0] or mine[0] if mine else ""
            where = f"{op} at {layer}" if layer else f"{op} after {last[0]}"
            last[0] = layer or last[0]
            if bad_leaf(args) is not None:
                raise Anomaly(f"{where} was given NaN or infinity")
            out, cache = pair.forward(*args, **options)
            if bad_leaf(out) is not None:
                raise Anomaly(f"{where} made NaN or infinity of finite input")
            return out, (where, cache)

        def backward(dout: Any, cache: Any) -> tuple[Any, ...]:
            where, inner = cache
            grads = pair.backward(dout, inner)
            if bad_leaf(grads) is not None:
                raise Anomaly(f"the backward pass of {where} made NaN or infinity")
            return grads

        return Pair(forward, backward, pair.name)

    found = {f.name: getattr(ops, f.name) for f in fields(ops)}
    pairs: dict[str, Any] = {name: watched(name, pair) for name, pair in found.items() if isinstance(pair, Pair)}
    return replace(ops, **pairs)


def find_anomaly(
    model: Pair, args: tuple[Any, ...], options: Mapping[str, Any], rng: np.random.Generator
) -> str | None:
    """Run forward and backward with every pair of `options["ops"]` watched; the first anomaly in words, or None.

    A parameter that is already bad is named at once; the parameters are the last of `args`.
    """
    params = args[-1]
    bad = bad_leaf(params)
    if bad is not None:
        return f"the parameter {bad} holds NaN or infinity"
    ops = watch(options.get("ops", READABLE), params)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            (loss, _), cache = model.forward(*args, **{**options, "ops": ops, "rng": rng})
            model.backward((np.ones_like(loss), None), cache)
    except Anomaly as anomaly:
        return str(anomaly)
    return None
