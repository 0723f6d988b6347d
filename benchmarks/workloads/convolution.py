"""Convolutions, pooling and batch norm: one layer, forward and backward."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.workloads.sides import Kit, Results, Run, Workload, array, compiled, draw, named, rng_of, table
from minirnn.functional import ConvParams, ConvTransposeParams, NormParams, RunningStats
from minirnn.pair import Array

BACK = (0, 2, 3, 1)  # from (N, C, H, W) to (N, H, W, C)


class Conv(NamedTuple):
    """Shape of a convolution with stride 1 that keeps the size of the picture."""

    N: int
    H: int
    C: int
    F: int
    size: int = 3
    pad: int = 1
    need_dx: bool = True


def to_torch(x: Array, *, channels_last: bool, grad: bool) -> Any:
    """A picture batch (N, H, W, C) as a tensor (N, C, H, W); channels_last keeps the order in memory."""
    import torch

    t = torch.from_numpy(x).permute(0, 3, 1, 2)
    return t.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format).requires_grad_(
        grad
    )


def torch_layer(
    module: Any, x: Array, dy: Array, through_compile: bool, *, channels_last: bool, need_dx: bool = True,
    weights: dict[str, tuple[int, ...]],
) -> Run:  # fmt: skip
    """Forward and backward of a module of images; `weights`: its parameters, and the order of axes that is ours."""
    import torch

    if channels_last:
        module = module.to(memory_format=torch.channels_last)
    inputs = to_torch(x, channels_last=channels_last, grad=need_dx)
    dout = to_torch(dy, channels_last=channels_last, grad=False)
    run = compiled(module, through_compile)

    def step() -> Any:
        module.zero_grad(set_to_none=True)
        inputs.grad = None
        y = run(inputs)
        y.backward(dout)
        return y

    def results(y: Any) -> Results:
        out = {"y": array(y, *BACK)}
        if need_dx:
            out["dx"] = array(inputs.grad, *BACK)
        parameters = dict(module.named_parameters())
        return out | {f"d{name}": array(parameters[name].grad, *order) for name, order in weights.items()}

    return Run(step, results)


def conv(name: str, shape: Conv, *, channels_last: bool = True) -> Workload:
    """A convolution layer."""
    N, H, C, F, size, pad, need_dx = shape

    def inputs() -> tuple[Array, ConvParams, Array]:
        rng = rng_of(name)
        W = draw(rng, size, size, C, F, scale=float(np.sqrt(2 / (size * size * C))))
        return draw(rng, N, H, H, C), ConvParams(W, draw(rng, F, scale=0.1)), draw(rng, N, H, H, F)

    def ours(kit: Kit, exact: bool) -> Run:
        (x, p, dy), pair = inputs(), kit.ops.conv2d

        def step() -> Any:
            y, cache = pair.forward(x, p, pad=pad, need_dx=need_dx)
            return y, *pair.backward(dy, cache)

        return Run(step, lambda out: named(y=out[0], dx=out[1], dweight=out[2].W, dbias=out[2].b))

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        x, p, dy = inputs()
        module: Any = torch.nn.Conv2d(C, F, size, padding=pad)
        with torch.no_grad():
            module.weight.copy_(torch.from_numpy(p.W).permute(3, 2, 0, 1))
            module.bias.copy_(torch.from_numpy(p.b))
        return torch_layer(
            module, x, dy, through_compile,
            channels_last=channels_last, need_dx=need_dx, weights={"weight": (2, 3, 1, 0), "bias": ()},
        )  # fmt: skip

    flops = 2.0 * N * H * H * size * size * C * F * (3 if need_dx else 2)
    return Workload(name, flops, ours, theirs)


def conv_transpose(name: str, N: int, H: int, C: int, F: int) -> Workload:
    """A transposed convolution, 4x4, that doubles the picture."""

    def inputs() -> tuple[Array, ConvTransposeParams, Array]:
        rng = rng_of(name)
        W = draw(rng, 4, 4, C, F, scale=float(np.sqrt(1 / (4 * C))))
        return draw(rng, N, H, H, C), ConvTransposeParams(W, draw(rng, F, scale=0.1)), draw(rng, N, 2 * H, 2 * H, F)

    def ours(kit: Kit, exact: bool) -> Run:
        (x, p, dy), pair = inputs(), kit.ops.conv_transpose2d

        def step() -> Any:
            y, cache = pair.forward(x, p, stride=2, pad=1)
            return y, *pair.backward(dy, cache)

        return Run(step, lambda out: named(y=out[0], dx=out[1], dweight=out[2].W, dbias=out[2].b))

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        x, p, dy = inputs()
        module: Any = torch.nn.ConvTranspose2d(C, F, 4, stride=2, padding=1)
        with torch.no_grad():
            module.weight.copy_(torch.from_numpy(p.W).permute(2, 3, 0, 1))
            module.bias.copy_(torch.from_numpy(p.b))
        weights = {"weight": (2, 3, 0, 1), "bias": ()}
        return torch_layer(module, x, dy, through_compile, channels_last=True, weights=weights)

    return Workload(name, 2.0 * N * H * H * C * 16 * F * 3, ours, theirs)


def max_pool(name: str, N: int, H: int, C: int) -> Workload:
    """Max-pooling over windows of 2x2."""

    def inputs() -> tuple[Array, Array]:
        rng = rng_of(name)
        return draw(rng, N, H, H, C), draw(rng, N, H // 2, H // 2, C)

    def ours(kit: Kit, exact: bool) -> Run:
        (x, dy), pair = inputs(), kit.ops.max_pool2d

        def step() -> Any:
            y, cache = pair.forward(x, size=2)
            return y, *pair.backward(dy, cache)

        return Run(step, lambda out: named(y=out[0], dx=out[1]))

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        x, dy = inputs()
        return torch_layer(torch.nn.MaxPool2d(2), x, dy, through_compile, channels_last=True, weights={})

    return Workload(name, None, ours, theirs)


def norm_relu(name: str, N: int, H: int, C: int) -> Workload:
    """Batch norm with the batch's own statistics, then ReLU."""

    def inputs() -> tuple[Array, NormParams, Array]:
        rng = rng_of(name)
        x = draw(rng, N, H, H, C) * (1 + draw(rng, C) ** 2) + draw(rng, C)
        return x, NormParams(1 + draw(rng, C, scale=0.1), draw(rng, C, scale=0.1)), draw(rng, N, H, H, C)

    def ours(kit: Kit, exact: bool) -> Run:
        (x, p, dy), pair = inputs(), kit.ops.norm_relu(kit.ops.batch_norm, kit.ops.relu)
        running = RunningStats(np.zeros(C, p.gamma.dtype), np.ones(C, p.gamma.dtype))

        def step() -> Any:
            nonlocal running
            (y, running), cache = pair.forward(x, running, p, training=True)
            dx, _, dp = pair.backward((dy, None), cache)
            return y, dx, dp

        return Run(step, lambda out: {**named(y=out[0], dx=out[1]), "d0.weight": out[2].gamma, "d0.bias": out[2].beta})

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        x, p, dy = inputs()
        module: Any = torch.nn.Sequential(torch.nn.BatchNorm2d(C), torch.nn.ReLU(inplace=True))
        with torch.no_grad():
            module[0].weight.copy_(torch.from_numpy(p.gamma))
            module[0].bias.copy_(torch.from_numpy(p.beta))
        weights: dict[str, tuple[int, ...]] = {"0.weight": (), "0.bias": ()}
        return torch_layer(module, x, dy, through_compile, channels_last=True, weights=weights)

    return Workload(name, None, ours, theirs)


WORKLOADS = table([
    conv("conv 3x3 64x48x48x3-8 first layer", Conv(64, 48, 3, 8, need_dx=False)),
    conv("conv 3x3 64x32x32x32-32", Conv(64, 32, 32, 32)),
    conv("conv 3x3 64x16x16x32-64", Conv(64, 16, 32, 64)),
    conv("conv 3x3 16x56x56x64-64", Conv(16, 56, 64, 64)),
    conv("conv 5x5 128x28x28x1-16", Conv(128, 28, 1, 16, size=5, pad=2, need_dx=False)),
    conv_transpose("conv transpose 4x4 stride 2 pad 1, 64x16x16x64-32", 64, 16, 64, 32),
    max_pool("max pool 2x2 64x32x32x32", 64, 32, 32),
    norm_relu("batch norm + relu 64x32x32x32", 64, 32, 32),
])  # fmt: skip
