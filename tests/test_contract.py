"""What every pair promises (see `minirnn.pair`), tried on every case."""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest

from minirnn.cases import CASES
from minirnn.checking.watch import fingerprint, frozen
from minirnn.tree import tree_cast, tree_from_items, tree_items, tree_leaves, tree_map

every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def forward(case, args):
    return case.pair.forward(*args, **copy.deepcopy(dict(case.options)))


def upstream(case, out, name="out", zero=()):
    """A gradient with the structure and dtypes of `out`; None for constants, integers and the outputs in `zero`."""
    if out is None or name in case.constants or name in zero:
        return None
    if isinstance(out, tuple):
        fields = getattr(out, "_fields", range(len(out)))
        parts = [upstream(case, part, f"{name}.{field}", zero) for field, part in zip(fields, out)]
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)
    if not np.issubdtype(out.dtype, np.floating):
        return None
    d = np.random.default_rng(len(name)).standard_normal(out.shape).astype(out.dtype)
    return d if isinstance(out, np.ndarray) else out.dtype.type(d)


def assert_same(a, b, **tolerance):
    """Two trees of the same types with None in the same places and equal leaves (up to the tolerance, if given)."""
    assert type(a) is type(b)
    if isinstance(a, tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y, **tolerance)
    elif a is not None:
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if tolerance:
            np.testing.assert_allclose(a, b, **tolerance)
        else:
            np.testing.assert_array_equal(a, b)


def assert_structure(case, arg, grad, name):
    """A gradient looks like its argument; None, whole or leaf by leaf, for what is not differentiated."""
    if name in case.constants or not any(leaf.dtype.kind == "f" for leaf in tree_leaves(arg)):
        assert not tree_leaves(grad), f"{name} is not differentiated, but got {grad}"
    elif isinstance(arg, tuple):
        assert type(grad) is type(arg)
        assert len(grad) == len(arg)
        for field, a, g in zip(getattr(arg, "_fields", range(len(arg))), arg, grad):
            assert_structure(case, a, g, f"{name}.{field}")
    else:
        assert isinstance(grad, np.ndarray), f"{name} got {type(grad)}"
        assert grad.shape == arg.shape
        assert grad.dtype == arg.dtype


def argument_names(case):
    parameters = inspect.signature(case.pair.forward).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


@every_case
def test_writes_nowhere(case):
    args = case.args()
    before = fingerprint(args)
    with frozen(args):
        out, cache = forward(case, args)
    assert fingerprint(args) == before
    dout = upstream(case, out)
    held = (dout, cache, args)
    before = fingerprint(held)
    with frozen(held):
        case.pair.backward(dout, cache)
    assert fingerprint(held) == before


@every_case
def test_results_are_arrays_of_their_own(case):
    """Who changes an output or a gradient changes no input, parameter or upstream gradient."""
    args = case.args()
    out, cache = forward(case, args)
    dout = upstream(case, out)
    grads = case.pair.backward(dout, cache)
    given = tree_leaves((args, dout))
    constant = [c for c in case.constants if c.startswith("out")]  # running statistics that stay as they were
    made = [(name, leaf) for name, leaf in tree_items(out, "out") if not name.startswith(tuple(constant) or "?")]
    made += tree_items(grads, "gradients")
    for name, leaf in made:
        assert not any(np.shares_memory(leaf, other) for other in given), name


@every_case
def test_backward_repeats_itself(case):
    """The second time, and after another forward and backward pass on other inputs."""
    args, others = case.args(0), case.args(1)
    out, cache = forward(case, args)
    dout = upstream(case, out)
    first = copy.deepcopy(case.pair.backward(dout, cache))
    assert_same(case.pair.backward(dout, cache), first)
    out, other = forward(case, others)
    assert_same(case.pair.backward(dout, cache), first)
    case.pair.backward(upstream(case, out), other)
    assert_same(case.pair.backward(dout, cache), first)


@every_case
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("N", "T"), [(3, 4), (1, 4), (3, 1), (1, 1)])
def test_types_and_structure(case, dtype, N, T):
    """One gradient per positional argument with its structure; float32 in gives float32 out."""
    if case.least > N:
        pytest.skip(f"needs a batch of {case.least}")
    args = tree_cast(case.args(N=N, T=T), dtype)
    out, cache = forward(case, args)
    for name, leaf in tree_items(out, "out"):
        assert isinstance(leaf, np.ndarray | np.generic)
        assert leaf.dtype == dtype, name
    grads = case.pair.backward(upstream(case, out), cache)
    assert type(grads) is tuple
    names = argument_names(case)
    assert len(grads) == len(args) == len(names)
    for name, arg, grad in zip(names, args, grads):
        assert_structure(case, arg, grad, name)


@every_case
def test_float32_is_float64_in_fewer_digits(case):
    args = case.args()
    out, cache = forward(case, args)
    out32, cache32 = forward(case, tree_cast(args, np.float32))
    dout = upstream(case, out)
    grads = case.pair.backward(dout, cache)
    grads32 = case.pair.backward(tree_cast(dout, np.float32), cache32)
    largest = max(float(np.abs(leaf).max(initial=0)) for leaf in tree_leaves(grads))
    for (name, a), (_, b) in zip(tree_items((out, grads)), tree_items((out32, grads32)), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-5 * max(1, largest), err_msg=name)


def strided(leaf):
    """The same values with other strides: every second place of a larger array, last axis first."""
    wide = np.zeros((*(2 * n for n in leaf.shape[::-1]),), leaf.dtype)
    view = wide[(slice(None, None, 2),) * leaf.ndim].T
    view[...] = leaf
    assert view.size < 2 or not view.flags.c_contiguous
    return view


@every_case
def test_strides_do_not_matter(case):
    args = case.args()
    out, cache = forward(case, args)
    dout = upstream(case, out)
    expected = (out, case.pair.backward(dout, cache))
    out, cache = forward(case, tree_map(strided, args))
    dout = tree_map(lambda d: strided(d) if isinstance(d, np.ndarray) else d, dout)
    assert_same((out, case.pair.backward(dout, cache)), expected, rtol=1e-10, atol=1e-10)


@every_case
def test_empty_batch(case):
    """Nothing in, nothing out, and zero gradients for the parameters; a ValueError where a mean of nothing is asked."""
    if case.least:
        with pytest.raises(ValueError, match=r"at least two values|counts nothing"):
            forward(case, case.args(N=case.least - 1))
        return
    args = case.args(N=0)
    out, cache = forward(case, args)
    dout = upstream(case, out)
    assert all(leaf.shape[0] == 0 for leaf in tree_leaves(dout))
    grads = case.pair.backward(dout, cache)
    for name, arg, grad in zip(argument_names(case), args, grads, strict=True):
        assert_structure(case, arg, grad, name)
    assert not any(leaf.any() for leaf in tree_leaves(grads))


# Outputs that not everybody reads: who calls backward may give None for the gradient of these.
MAY_BE_NONE = [
    *((case, name) for case in CASES if case.name in ("lstm", "fast lstm") for name in ("out.h", "out.c")),
    *((case, name) for case in CASES if case.name == "stacked" for name in ("out.0", "out.0.h", "out.0.c")),
    *((case, "out.1") for case in CASES if "attention" in case.name),
]


@pytest.mark.parametrize(("case", "name"), MAY_BE_NONE, ids=[f"{case.name}-{name}" for case, name in MAY_BE_NONE])
def test_none_upstream_means_zero(case, name):
    out, cache = forward(case, case.args())
    dout = upstream(case, out)
    leaves = {n: leaf * (not n.startswith(name)) for n, leaf in tree_items(dout, "out")}
    zeros = tree_from_items(dout, leaves, "out")
    missing = upstream(case, out, zero=(name,))
    assert_same(case.pair.backward(missing, cache), case.pair.backward(zeros, cache))
