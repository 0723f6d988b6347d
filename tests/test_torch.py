"""Outputs and every gradient equal PyTorch's, over 200 drawn shapes for each layer and dtype.

An array agrees when its largest difference is at most the tolerance times its largest value in PyTorch, or times a
floor where that is larger: a gradient that is zero in theory, as behind the normalisation of two values, holds
rounding errors and nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch_cases import LAYERS, Draw  # noqa: E402  it needs torch
from torch_images import IMAGES  # noqa: E402
from torch_sequences import SEQUENCES  # noqa: E402

import minirnn.functional as F  # noqa: E402
from minirnn.cases.twins import twin_of  # noqa: E402
from minirnn.pair import Pair  # noqa: E402
from minirnn.tree import tree_cast, tree_items, tree_leaves, tree_map  # noqa: E402

torch.set_num_threads(1)
# oneDNN's float32 convolution corrupts memory for some small odd shapes on CPUs without AVX-512 (PyTorch 2.13):
# PyTorch's own kernels are the oracle.
torch.backends.mkldnn.enabled = False
DRAWS = 200
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-4}
FLOOR = {np.float64: 1e-4, np.float32: 0.1}


def has_twin(draw: Callable[[np.random.Generator], Draw]) -> bool:
    """Whether the pair of these draws has a fast twin."""
    return twin_of(draw(rng_of("twin", 0)).pair) is not None


def twin_case(draw: Callable[[np.random.Generator], Draw]) -> Callable[[np.random.Generator], Draw]:
    """The same draws with the fast twin."""
    return lambda rng: (drawn := draw(rng))._replace(pair=twin_of(drawn.pair))


def rng_of(layer: str, k: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(layer.encode()), k])


READABLE = LAYERS | IMAGES | SEQUENCES
CASES = READABLE | {f"fast {name}": twin_case(draw) for name, draw in READABLE.items() if has_twin(draw)}


def describe(draw: Draw) -> str:
    """The shapes and options of a draw, for the message of a failure."""
    shapes = ", ".join(f"{name} {leaf.shape}" for name, leaf in tree_items(draw.args))
    return f"{shapes}; {draw.options}"


def to_tensor(leaf: Any) -> Any:
    tensor = torch.from_numpy(leaf.copy())
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


def error(ours: Any, theirs: Any, floor: float) -> float:
    """Largest difference relative to the largest value; NaN must stand where NaN stands."""
    if theirs.size == 0:
        return 0.0
    if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
        return np.inf
    ours, theirs = np.nan_to_num(ours), np.nan_to_num(theirs)
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), floor))


def gradients(name: str, arg: Any, grad: Any, tensor: Any) -> Iterator[tuple[str, Any, Any]]:
    """Our gradient and PyTorch's of every array in one argument; asserts that they have the argument's structure."""
    if grad is None:
        assert all(leaf.grad is None for leaf in tree_leaves(tensor)), f"no gradient for {name}"
    elif isinstance(arg, tuple):
        assert type(grad) is type(arg), f"the gradient of {name} is a {type(grad).__name__}"
        names = getattr(arg, "_fields", range(len(arg)))
        for part in zip(names, arg, grad, tensor, strict=True):
            yield from gradients(f"{name}.{part[0]}", *part[1:])
    else:
        yield name, grad, tensor.grad.numpy()


def compare(draw: Draw, dtype: Any, rng: np.random.Generator) -> list[str]:
    """Run both; the list of what differs."""
    args = tree_cast(draw.args, dtype)
    out, cache = draw.pair.forward(*args, **draw.options)
    tensors = tree_map(to_tensor, args)
    expected = draw.theirs(*tensors)

    def upstream(leaf: Any) -> Any:
        """A random gradient for every output that PyTorch differentiates."""
        return dtype(rng.standard_normal(leaf.shape)) if leaf.requires_grad else None

    dout = tree_map(upstream, expected)
    grads = draw.pair.backward(dout, cache)
    flows = [leaf for leaf in tree_leaves(expected) if leaf.requires_grad]
    torch.autograd.backward(flows, [torch.from_numpy(np.asarray(d)) for d in tree_leaves(dout)])

    assert len(grads) == len(args), f"{len(grads)} gradients for {len(args)} arguments"
    ours = dict(tree_items(out))
    checks = [(f"out.{name}", ours[name], leaf.detach().numpy()) for name, leaf in tree_items(expected)]
    for k, parts in enumerate(zip(args, grads, tensors)):
        checks += gradients(f"d(argument {k})", *parts)
    faults = []
    for name, mine, reference in checks:
        if mine.dtype != dtype or mine.shape != reference.shape:
            faults.append(f"{name}: {mine.dtype} {mine.shape}, PyTorch has {reference.dtype} {reference.shape}")
        elif not (difference := error(mine, reference, FLOOR[dtype])) <= TOLERANCE[dtype]:
            faults.append(f"{name}: relative difference {difference:.1e}")
    return faults


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layer", CASES)
def test_layer(layer: str, dtype: Any) -> None:
    for k in range(DRAWS):
        rng = rng_of(layer, k)
        draw = CASES[layer](rng)
        faults = compare(draw, dtype, rng)
        assert not faults, f"draw {k} ({describe(draw)}): " + "; ".join(faults)


def test_conv2d_without_dx() -> None:
    """The option that saves the gradient of the picture leaves the others as they are."""
    rng = rng_of("conv2d", 0)
    draw = CASES["conv2d"](rng)
    y, cache = draw.pair.forward(*draw.args, **draw.options)
    dy = rng.standard_normal(y.shape)
    _, params = draw.pair.backward(dy, cache)
    dx, saved = draw.pair.backward(dy, draw.pair.forward(*draw.args, **draw.options, need_dx=False)[1])
    assert dx is None
    np.testing.assert_array_equal(saved.W, params.W)
    np.testing.assert_array_equal(saved.b, params.b)


def test_causal_mask() -> None:
    for n in range(1, 6):
        np.testing.assert_array_equal(F.causal_mask(n), torch.ones(n, n).tril().bool().numpy())


def test_every_pair_is_compared() -> None:
    pairs = {name for name, value in vars(F).items() if isinstance(value, Pair)}
    assert pairs - set(CASES) == set()
    assert len([name for name in CASES if name.startswith("fast ")]) >= 10
