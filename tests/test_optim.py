"""Optimisers, clipping and schedules: against numbers worked out by hand, and against torch.optim."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest

from minirnn import optim
from minirnn.tree import tree_cast, tree_items, tree_leaves, tree_map


class Weights(NamedTuple):
    W: Any
    b: Any


def draw_tree(rng: np.random.Generator) -> Any:
    """Parameters of three shapes, nested, with a place that holds nothing."""
    return (Weights(rng.standard_normal((3, 4)), rng.standard_normal(4)), None, rng.standard_normal((2, 1, 3)))


def freeze(tree: Any) -> Any:
    for leaf in tree_leaves(tree):
        leaf.setflags(write=False)
    return tree


def assert_same(ours: Any, theirs: Any, rtol: float = 0) -> None:
    ours, theirs = dict(tree_items(ours)), dict(tree_items(theirs))
    assert ours.keys() == theirs.keys()
    for name, leaf in ours.items():
        np.testing.assert_allclose(leaf, theirs[name], rtol=rtol, atol=0, err_msg=name)


def run(optimiser: optim.Optimiser, w: float, grads: list[float], **options: float) -> list[float]:
    """One weight after each update."""
    params, path = np.array([w]), []
    state = optimiser.init(params)
    for g in grads:
        params, state = optimiser.update(params, np.array([g]), state, **options)
        path.append(float(params[0]))
    return path


def test_sgd_by_hand() -> None:
    # v = 2; v = 0.5 * 2 - 1 = 0; v = 0.5 * 0 + 3 = 3
    assert run(optim.sgd, 1, [2, -1, 3], lr=0.1, momentum=0.5) == pytest.approx([0.8, 0.8, 0.5], rel=1e-12)
    # g = 2 + 0.5 * 4 = 4: the penalty pulls the weight towards 0
    assert run(optim.sgd, 4, [2], lr=0.1, momentum=0, weight_decay=0.5) == pytest.approx([3.6], rel=1e-12)


def test_rmsprop_by_hand() -> None:
    # s = 0.1 * 4 = 0.4; then s = 0.9 * 0.4 + 0.1 * 1 = 0.46; eps stands outside the root
    first = 1 - 0.01 * 2 / (math.sqrt(0.4) + 0.1)
    second = first - 0.01 * -1 / (math.sqrt(0.46) + 0.1)
    assert run(optim.rmsprop, 1, [2, -1], lr=0.01, decay=0.9, eps=0.1) == pytest.approx([first, second], rel=1e-12)


def test_adam_by_hand() -> None:
    # Step 1: both corrections give back g and g^2, so the step is lr * g / (|g| + eps).
    first = 1 - 0.01 * 2 / (2 + 0.1)
    # Step 2, g = -1: m = 0.9 * 0.2 - 0.1 = 0.08, v = 0.999 * 0.004 + 0.001 = 0.004996
    second = first - 0.01 * (0.08 / 0.19) / (math.sqrt(0.004996 / 0.001999) + 0.1)
    assert run(optim.adam, 1, [2, -1], lr=0.01, eps=0.1) == pytest.approx([first, second], rel=1e-12)


def test_first_step_of_adam_has_the_size_of_the_learning_rate() -> None:
    for g in (1e-3, -7.0, 1e4):
        assert run(optim.adam, 0, [g], lr=0.25) == pytest.approx([-0.25 * math.copysign(1, g)], rel=1e-4)


def test_weight_decay_of_adam_and_adamw_by_hand() -> None:
    # Adam: the penalty is part of the gradient, 2 + 0.5 * 4 = 4. AdamW: the weight itself shrinks by 0.1 * 0.5.
    assert run(optim.adam, 4, [2], lr=0.1, eps=0.1, weight_decay=0.5) == pytest.approx([4 - 0.1 * 4 / 4.1], rel=1e-12)
    expected = 4 * (1 - 0.1 * 0.5) - 0.1 * 2 / 2.1
    assert run(optim.adamw, 4, [2], lr=0.1, eps=0.1, weight_decay=0.5) == pytest.approx([expected], rel=1e-12)


TORCH = {
    "sgd": (optim.sgd, "SGD", {"momentum": 0.0}),
    "sgd momentum": (optim.sgd, "SGD", {"momentum": 0.9}),
    "sgd decay": (optim.sgd, "SGD", {"momentum": 0.8, "weight_decay": 0.3}),
    "rmsprop": (optim.rmsprop, "RMSprop", {"decay": 0.95}),
    "rmsprop eps": (optim.rmsprop, "RMSprop", {"decay": 0.9, "eps": 0.1, "weight_decay": 0.2}),
    "adam": (optim.adam, "Adam", {}),
    "adam eps": (optim.adam, "Adam", {"beta1": 0.8, "beta2": 0.95, "eps": 0.1}),
    "adam decay": (optim.adam, "Adam", {"weight_decay": 0.3}),
    "adamw": (optim.adamw, "AdamW", {}),
    "adamw eps": (optim.adamw, "AdamW", {"beta1": 0.7, "beta2": 0.9, "eps": 0.1, "weight_decay": 0.3}),
}


def torch_options(options: dict[str, float]) -> dict[str, Any]:
    """Our names as PyTorch's: decay is its alpha, the two betas are one tuple."""
    named: dict[str, Any] = dict(options)
    if "decay" in named:
        named["alpha"] = named.pop("decay")
    if "beta1" in named:
        named["betas"] = named.pop("beta1"), named.pop("beta2")
    return named


@pytest.mark.parametrize("name", TORCH)
def test_twenty_steps_equal_torch(name: str) -> None:
    """Random gradients, some of them zero, and a learning rate that changes at every step."""
    torch = pytest.importorskip("torch")
    optimiser, theirs, options = TORCH[name]
    rng = np.random.default_rng(7)
    params = draw_tree(rng)
    tensors = [torch.from_numpy(leaf.copy()).requires_grad_() for leaf in tree_leaves(params)]
    reference = getattr(torch.optim, theirs)(tensors, lr=0.1, **torch_options(options))
    state = optimiser.init(params)
    for step in range(20):
        grads = tree_map(lambda w: rng.standard_normal(w.shape) * (rng.random(w.shape) < 0.8), params)
        lr = 0.1 / (step + 1)
        params, state = optimiser.update(freeze(params), freeze(grads), freeze(state), lr=lr, **options)
        reference.param_groups[0]["lr"] = lr
        for tensor, g in zip(tensors, tree_leaves(grads)):
            tensor.grad = torch.from_numpy(g.copy())
        reference.step()
        for ours, tensor in zip(tree_leaves(params), tensors, strict=True):
            np.testing.assert_allclose(ours, tensor.detach().numpy(), rtol=1e-9, atol=1e-12, err_msg=f"step {step}")


@pytest.mark.parametrize("optimiser", optim.OPTIMISERS.values(), ids=optim.OPTIMISERS)
def test_structure_and_dtype_stay(optimiser: optim.Optimiser) -> None:
    """float32 in, float32 out, and a tree of the same shape; the caller's arrays are not written to."""
    rng = np.random.default_rng(3)
    params, grads = (freeze(tree_cast(draw_tree(rng), np.float32)) for _ in range(2))
    state = optimiser.init(params)
    for _ in range(3):
        params, state = optimiser.update(freeze(params), grads, freeze(state), lr=0.1)
    assert isinstance(params[0], Weights)
    assert params[1] is None
    floats = [leaf for leaf in tree_leaves((params, state)) if leaf.dtype.kind == "f"]
    assert {leaf.dtype for leaf in floats} == {np.dtype(np.float32)}
    assert len(floats) >= 6


def test_adam_counts_its_steps() -> None:
    params = np.zeros(2)
    state = optim.adam.init(params)
    for expected in (0, 1, 2):
        assert int(state.step) == expected
        params, state = optim.adam.update(params, np.ones(2), state, lr=0.1)


@pytest.mark.parametrize(
    ("optimiser", "options", "message"),
    [
        (optim.sgd, {"lr": -0.1}, "lr is -0.1"),
        (optim.sgd, {"lr": float("nan")}, "lr is nan"),
        (optim.sgd, {"lr": 0.1, "momentum": 1.0}, "momentum is 1.0"),
        (optim.rmsprop, {"lr": 0.1, "decay": -0.1}, "decay is -0.1"),
        (optim.adam, {"lr": 0.1, "beta1": 1.0}, "beta1 is 1.0"),
        (optim.adam, {"lr": 0.1, "beta2": 1.5}, "beta2 is 1.5"),
        (optim.adamw, {"lr": 0.1, "weight_decay": -1}, "weight_decay is -1"),
    ],
)
def test_options_out_of_range(optimiser: optim.Optimiser, options: dict[str, float], message: str) -> None:
    params = np.ones(2)
    with pytest.raises(ValueError, match=message):
        optimiser.update(params, np.ones(2), optimiser.init(params), **options)


def test_clip_by_hand() -> None:
    """The norm of (3, 4) and (12) together is 13; half of 13 halves every value."""
    grads = freeze((np.array([3.0, 4.0]), None, Weights(np.array([[12.0]]), None)))
    clipped, norm = optim.clip_by_global_norm(grads, 6.5)
    assert norm == pytest.approx(13)
    assert_same(clipped, (np.array([1.5, 2.0]), None, Weights(np.array([[6.0]]), None)), rtol=1e-15)
    assert optim.global_norm(clipped) == pytest.approx(6.5)


def test_clip_leaves_small_gradients_alone() -> None:
    grads = (np.array([3.0, 4.0]), np.zeros(3))
    for bound in (5.0, 100.0):
        clipped, norm = optim.clip_by_global_norm(grads, bound)
        assert norm == 5.0
        assert_same(clipped, grads)
    zeros = (np.zeros(3),)
    assert_same(optim.clip_by_global_norm(zeros, 1.0)[0], zeros)


def test_clip_keeps_float32() -> None:
    grads = (np.full(3, 9, np.float32), np.full(2, 4, np.float32))
    clipped, norm = optim.clip_by_global_norm(grads, 1.0)
    assert isinstance(norm, float)
    assert {g.dtype for g in clipped} == {np.dtype(np.float32)}


def test_clip_equals_torch() -> None:
    """PyTorch divides by norm + 1e-6; undone here."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(11)
    for _ in range(50):
        grads = draw_tree(rng)
        bound = float(rng.uniform(0.1, 8))
        tensors = [torch.zeros(g.shape, dtype=torch.float64).requires_grad_() for g in tree_leaves(grads)]
        for tensor, g in zip(tensors, tree_leaves(grads)):
            tensor.grad = torch.from_numpy(g.copy())
        total = float(torch.nn.utils.clip_grad_norm_(tensors, bound))
        clipped, norm = optim.clip_by_global_norm(freeze(grads), bound)
        assert norm == pytest.approx(total, rel=1e-12)
        undo = (norm + 1e-6) / norm if norm > bound else 1
        for ours, tensor in zip(tree_leaves(clipped), tensors, strict=True):
            np.testing.assert_allclose(ours, tensor.grad.numpy() * undo, rtol=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_clip_refuses_what_is_not_finite(value: float) -> None:
    """It raises, names the array, and changes nothing."""
    grads = (np.array([1.0, 2.0]), Weights(np.array([3.0]), np.array([4.0, value])))
    before = tree_map(np.copy, grads)
    with pytest.raises(FloatingPointError, match=r"gradient of 1\.b holds NaN or infinity"):
        optim.clip_by_global_norm(grads, 1.0)
    assert_same(grads, before)


def test_clip_names_an_overflow_of_the_norm() -> None:
    with pytest.raises(FloatingPointError, match="norm overflows"):
        optim.clip_by_global_norm((np.array([1e200, 1e200]),), 1.0)


@pytest.mark.parametrize("bound", [0, -1, float("nan")])
def test_clip_wants_a_bound_above_zero(bound: float) -> None:
    with pytest.raises(ValueError, match=f"max_norm is {bound}"):
        optim.clip_by_global_norm((np.ones(2),), bound)


def rates(schedule: str, total: int, warmup: int = 0) -> list[float]:
    return [optim.learning_rate(k, total, peak=2.0, warmup=warmup, schedule=schedule) for k in range(total + 1)]


def test_schedules_by_hand() -> None:
    assert rates("constant", 4) == [2, 2, 2, 2, 2]
    assert rates("linear", 4) == pytest.approx([2, 1.5, 1, 0.5, 0])
    assert rates("cosine", 4) == pytest.approx([2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5), 0])
    assert rates("step_decay", 8) == pytest.approx([2, 2, 2, 2, 0.2, 0.2, 0.02, 0.02, 0.02])


def test_warmup_rises_to_the_peak_and_hands_over() -> None:
    assert rates("linear", 7, warmup=3) == pytest.approx([0.5, 1, 1.5, 2, 1.5, 1, 0.5, 0])
    assert rates("constant", 4, warmup=1) == pytest.approx([1, 2, 2, 2, 2])


@pytest.mark.parametrize("schedule", optim.SCHEDULES)
def test_schedules_fall_and_never_pass_below_zero(schedule: str) -> None:
    path = [optim.learning_rate(k, 10, peak=1.0, schedule=schedule) for k in range(14)]
    assert path[0] == 1
    assert all(0 <= later <= earlier for earlier, later in zip(path, path[1:]))
    assert optim.learning_rate(5, 5, peak=1.0, warmup=5, schedule=schedule) == 1  # a warm-up that fills the run


def test_cosine_and_linear_equal_torch() -> None:
    torch = pytest.importorskip("torch")
    for name, make in (
        ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=12)),
        ("linear", lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.0, total_iters=12)),
    ):
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
        scheduler = make(optimiser)
        for expected in rates(name, 12):
            assert scheduler.get_last_lr()[0] == pytest.approx(expected, rel=1e-9, abs=1e-12)
            optimiser.step()
            scheduler.step()


def test_unknown_schedule() -> None:
    with pytest.raises(ValueError, match="schedule is 'poly'; expected one of constant, linear, cosine, step_decay"):
        optim.learning_rate(0, 10, peak=1.0, schedule="poly")
