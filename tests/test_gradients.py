"""Every gradient of every pair and model against central differences, in float64."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from minirnn.cases import CASES, check_case
from minirnn.tree import tree_items

every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def floats_of(case):
    """Names of all float arrays that went in, apart from the case's constants."""
    names = list(inspect.signature(case.pair.forward).parameters)
    leaves = [(name, leaf) for argument, arg in zip(names, case.args()) for name, leaf in tree_items(arg, argument)]
    constant = tuple(c + "." for c in case.constants)
    return {name for name, leaf in leaves if leaf.dtype.kind == "f" and not (name + ".").startswith(constant or ("?",))}


@every_case
def test_every_element_of_every_argument(case):
    report = check_case(case, "full")
    assert report.ok, f"\n{report}"
    assert {row.name for row in report.rows} == floats_of(case)  # a check that leaves something out passes too


@every_case
@pytest.mark.parametrize(("N", "T"), [(1, 4), (3, 1), (1, 1), (2, 5)])
def test_other_sizes(case, N, T):
    if case.least > N:
        pytest.skip(f"needs a batch of {case.least}")
    report = check_case(case, "directional" if case.model else "full", seed=5, N=N, T=T)
    assert report.ok, f"\n{report}"


@every_case
@pytest.mark.parametrize("seed", [1, 2])
def test_other_draws(case, seed):
    report = check_case(case, "directional", seed=seed)
    assert report.ok, f"\n{report}"
    assert {row.name for row in report.rows} == floats_of(case)


def test_the_cases_have_names_of_their_own():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_the_inputs_are_not_lazy():
    """What hides mistakes (see `minirnn.cases`): equal sizes, zero states, a batch or sequence of one, constants."""
    for case in CASES:
        leaves = [(name, leaf) for name, leaf in tree_items(case.args()) if leaf.dtype.kind == "f"]
        for name, leaf in leaves:
            assert leaf.dtype == np.float64
            assert leaf.size == 1 or np.ptp(leaf) > 0, f"{case.name}: {name} is constant"
            assert leaf.any(), f"{case.name}: {name} is zero"
