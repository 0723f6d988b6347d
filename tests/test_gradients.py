"""Every gradient of every pair against central differences, in float64."""

from __future__ import annotations

import numpy as np
import pytest

from minirnn.cases import CASES, Case, check_case
from minirnn.checking.structure import is_constant
from minirnn.tree import tree_items

every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def differentiable(case: Case, args: tuple, names: list[str]) -> list[str]:
    leaves = [(name, leaf) for n, arg in zip(names, args) for name, leaf in tree_items(arg, n)]
    return [name for name, leaf in leaves if leaf.dtype == np.float64 and not is_constant(name, case.constants)]


@every_case
def test_every_element_of_every_argument(case):
    report = check_case(case, "full")
    assert report.ok, f"\n{report}"


@every_case
def test_no_argument_is_left_out(case):
    """A check that compares nothing passes: hold its rows to the floats that went in."""
    args = case.args()
    report = check_case(case, "directional")
    assert report.ok, f"\n{report}"
    roots = list(dict.fromkeys(row.name.split(".")[0] for row in report.rows))
    constant = [c for c in case.constants if not c.startswith("out")]
    floats = [any(leaf.dtype == np.float64 for _, leaf in tree_items(arg)) for arg in args]
    assert len(roots) + len(constant) == sum(floats) - sum(
        not any(True for _ in tree_items(arg)) and f for arg, f in zip(args, floats)
    )
    compared = [args[i] for i in range(len(args)) if floats[i]]
    assert len(report.rows) >= len(roots)
    assert compared


@every_case
@pytest.mark.parametrize(("N", "T"), [(1, 4), (3, 1), (1, 1), (2, 5)])
def test_other_sizes(case, N, T):
    if case.least > N:
        pytest.skip(f"needs a batch of {case.least}")
    report = check_case(case, "directional" if case.model else "full", seed=5, N=N, T=T)
    assert report.ok, f"\n{report}"


@every_case
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_draws(case, seed):
    report = check_case(case, "directional", seed=seed)
    assert report.ok, f"\n{report}"
