"""One update by Adam of all parameters of the captioner for photographs, about a million."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.captioning import fresh
from benchmarks.workloads.sides import Kit, Results, Run, Workload, compiled, draw, rng_of, table
from minirnn.optim import adam
from minirnn.tree import tree_items, tree_leaves, tree_map

NAME = "adam step"
LR = 1e-3


def _inputs() -> tuple[Any, Any]:
    """Parameters and gradients."""
    _, params, _ = fresh("flickr8k", exact=True)
    rng = rng_of(NAME)
    return params, tree_map(lambda w: draw(rng, *w.shape), params)


def _moved(before: Any, after: list[Any]) -> Results:
    """How far each array went, in learning rates: beside the weights themselves a step is too small to compare."""
    pairs = zip(tree_items(before), after)
    return {name: (np.asarray(new, np.float64) - old) / LR for (name, old), new in pairs}


def _ours(kit: Kit, exact: bool) -> Run:
    first, grads = _inputs()
    before = tree_map(np.copy, first)
    params, state = first, adam.init(first)

    def step() -> Any:
        nonlocal params, state
        params, state = kit.tools.adam(params, grads, state, lr=LR)
        return params

    return Run(step, lambda after: _moved(before, tree_leaves(after)))


def _theirs(through_compile: bool, exact: bool) -> Run:
    import torch

    first, grads = _inputs()
    weights = [torch.from_numpy(leaf.copy()).requires_grad_() for _, leaf in tree_items(first)]
    for weight, (_, grad) in zip(weights, tree_items(grads)):
        weight.grad = torch.from_numpy(grad)
    optimiser = torch.optim.Adam(weights, lr=LR)
    step = compiled(optimiser.step, through_compile)

    return Run(step, lambda _: _moved(first, [weight.detach().numpy() for weight in weights]))


WORKLOADS = table([Workload(NAME, None, _ours, _theirs)])
