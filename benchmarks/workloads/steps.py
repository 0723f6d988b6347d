"""A whole training step of a model, as `minirnn.train` makes an update, and the same in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.sides import Kit, Results, Run, compiled, named
from minirnn.optim import OPTIMISERS
from minirnn.pair import Pair, Tree
from minirnn.problem import TrainConfig


def our_step(
    kit: Kit, model: Pair, batch: tuple[Any, ...], running: Tree, params: Tree, config: Any, train: TrainConfig
) -> Run:
    """Forward, backward, clipping and the optimiser, always on the same batch."""
    update = {"adam": kit.tools.adam, "adamw": kit.tools.adamw}[train.optimiser]
    state, k = OPTIMISERS[train.optimiser].init(params), 0

    def step() -> Any:
        nonlocal params, running, state, k
        rng, k = np.random.default_rng([0, 2, k]), k + 1
        (loss, running), cache = model.forward(
            *batch, running, params, config=config, ops=kit.ops, training=True, rng=rng
        )
        grads = model.backward((np.ones_like(loss), None), cache)[-1]
        grads, _ = kit.tools.clip(grads, train.clip)
        params, state = update(params, grads, state, lr=train.lr, weight_decay=train.weight_decay)
        return loss, grads

    def results(out: Any) -> Results:
        return {"loss": np.asarray(out[0]), **without_noise(named(d=out[1]))}

    return Run(step, results)


def their_step(model: Any, batch: tuple[Any, ...], train: TrainConfig, through_compile: bool) -> Run:
    """The same for a module that gives the loss of a batch, and its gradients `in_our_layout`."""
    import torch

    weights = [p for p in model.parameters() if p.requires_grad]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[train.optimiser]
    optimiser = kind(weights, lr=train.lr, weight_decay=train.weight_decay)
    run = compiled(model, through_compile)

    def step() -> Any:
        optimiser.zero_grad(set_to_none=True)
        loss = run(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, train.clip)
        optimiser.step()
        return loss.item()  # minirnn's loop reads the loss too

    def results(loss: Any) -> Results:
        grads = {f"d.{name}": grad for name, grad in model.in_our_layout("grad").items()}
        return {"loss": np.asarray(loss), **without_noise(grads)}

    return Run(step, results)


def without_noise(grads: Results) -> Results:
    """Without the biases of the convolutions: batch norm takes them away again, their gradient is rounding noise."""
    return {name: grad for name, grad in grads.items() if not name.endswith("conv.b")}
