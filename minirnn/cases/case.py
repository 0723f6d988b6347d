"""`Case`: one pair and what to check it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minirnn.checking.report import Report
from minirnn.gradcheck import gradcheck
from minirnn.pair import Pair, Tree


@dataclass(frozen=True)
class Case:
    """One pair and what to check it on."""

    name: str
    pair: Pair
    make: Callable[[np.random.Generator, int, int], tuple[Tree, ...]]
    """(rng, N, T) -> positional arguments in float64, for N rows (or pictures) of T time steps"""
    options: Mapping[str, Any] = field(default_factory=dict)  # keyword options of forward, copied before every call
    time_axis: Mapping[str, int] = field(default_factory=dict)  # which axis of which array is time
    constants: tuple[str, ...] = ()  # arguments and outputs that are not differentiated, as in `gradcheck`
    least: int = 0  # smallest batch: with fewer rows forward raises ValueError
    model: bool = False  # a whole model: held to 1e-5 instead of 1e-6

    def args(self, seed: int = 0, N: int = 3, T: int = 4) -> tuple[Tree, ...]:
        """The positional arguments of one draw."""
        return self.make(np.random.default_rng(seed), N, T)


def check_case(case: Case, mode: str = "full", seed: int = 0, N: int = 3, T: int = 4) -> Report:
    """Gradient check of one case: mode "full" or "directional", as in `gradcheck`."""
    args, rtol = case.args(seed, N, T), 1e-5 if case.model else 1e-6
    report = gradcheck(
        case.pair,
        args,
        case.options,
        mode=mode,
        rtol=rtol,
        seed=seed,
        time_axis=case.time_axis,
        constants=case.constants,
    )
    return replace(report, name=case.name)
