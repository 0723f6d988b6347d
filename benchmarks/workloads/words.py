"""From word numbers to a loss: embedding, affine map and softmax cross-entropy over a vocabulary of photographs."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.sides import Kit, Results, Run, Workload, array, compiled, draw, named, rng_of, table
from minirnn.data.vocabulary import PAD
from minirnn.functional import AffineParams
from minirnn.pair import Array

N, T, V, E = 80, 20, 3000, 128
NAME = f"embedding + softmax V{V}"


def _inputs() -> tuple[Array, Array, Array, Array, AffineParams]:
    """(words, targets, mask, table of vectors, affine): targets are PAD where the mask is False."""
    rng = rng_of(NAME)
    mask = np.arange(T) < rng.integers(T // 2, T + 1, (N, 1))
    words, targets = (np.where(mask, rng.integers(4, V, (N, T)), PAD) for _ in range(2))
    return words, targets, mask, draw(rng, V, E), AffineParams(draw(rng, E, V, scale=0.1), draw(rng, V, scale=0.1))


def _ours(kit: Kit, exact: bool) -> Run:
    words, targets, mask, vectors, affine = _inputs()
    ops = kit.ops

    def step() -> Any:
        x, embedding = ops.embedding.forward(words, vectors)
        logits, out = ops.affine.forward(x, affine)
        loss, cross_entropy = ops.cross_entropy.forward(logits, targets, mask)
        dlogits, _, _ = ops.cross_entropy.backward(np.ones_like(loss), cross_entropy)
        dx, daffine = ops.affine.backward(dlogits, out)
        _, dvectors = ops.embedding.backward(dx, embedding)
        return loss, dvectors, daffine

    return Run(step, lambda out: named(loss=out[0], dvectors=out[1], daffine=out[2]))


def _theirs(through_compile: bool, exact: bool) -> Run:
    import torch

    words, targets, _, vectors, affine = _inputs()
    module: Any = torch.nn.Sequential(torch.nn.Embedding(V, E), torch.nn.Linear(E, V))
    with torch.no_grad():
        module[0].weight.copy_(torch.from_numpy(vectors))
        module[1].weight.copy_(torch.from_numpy(affine.W.T.copy()))
        module[1].bias.copy_(torch.from_numpy(affine.b))
    ids, wanted = torch.from_numpy(words), torch.from_numpy(targets)

    def loss_of(ids: Any, wanted: Any) -> Any:
        logits = module(ids)
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=PAD)

    run = compiled(loss_of, through_compile)

    def step() -> Any:
        module.zero_grad(set_to_none=True)
        loss = run(ids, wanted)
        loss.backward()
        return loss

    def results(loss: Any) -> Results:
        vectors, linear = module
        out = {"loss": array(loss), "dvectors": array(vectors.weight.grad)}
        return out | {"daffine.W": array(linear.weight.grad, 1, 0), "daffine.b": array(linear.bias.grad)}

    return Run(step, results)


WORKLOADS = table([Workload(NAME, 2.0 * N * T * E * V * 3, _ours, _theirs)])
