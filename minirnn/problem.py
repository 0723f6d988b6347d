"""What the training loop works with: how to train, what to train, how far it is, and what it reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minirnn.optim import OPTIMISERS, SCHEDULES, clip_by_global_norm
from minirnn.pair import Array, Pair, Tree


@dataclass(frozen=True)
class TrainConfig:
    """Everything that fixes how a model is trained."""

    epochs: float = 10.0  # passes over the training set
    seconds: float | None = None  # time limit: planned at every validation to fit, and stopped if it still does not
    share: float = 1.0  # of the time limit; the rest is another run's
    batch: int = 64  # examples a step
    optimiser: str = "adam"  # sgd, rmsprop, adam or adamw
    lr: float = 3e-3  # peak learning rate
    schedule: str = "cosine"  # constant, linear, cosine or step_decay, after the warm-up
    warmup: int = 30  # steps of linear warm-up
    weight_decay: float = 0.0
    clip: float = 1.0  # largest norm of all gradients together
    checks: int = 10  # validations a run, evenly spread
    patience: int = 0  # stop after so many validations without a better score; 0 never stops early
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}")
        for name in ("epochs", "batch", "lr", "clip", "checks"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected more than 0")
        for name in ("warmup", "weight_decay", "patience", "seed"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 0")
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"seconds is {self.seconds}; expected more than 0")


def as_json(settings: Any) -> dict[str, Any]:
    """A dataclass as JSON keeps it: tuples become lists."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    return plain


def batch_indices(examples: int, batch: int, step: int, seed: int) -> Array:
    """The examples of an update: every epoch has its own order, and only full batches are used."""
    size = min(batch, examples)
    epoch, place = divmod(step, examples // size)
    order = np.random.default_rng([seed, 0, epoch]).permutation(examples)
    return order[place * size : (place + 1) * size]


@dataclass(frozen=True)
class Problem:
    """What a system gives to the loop: a model, its first values, its data and its judge."""

    model: Pair  # (*batch, running, params) -> ((loss, running), cache)
    params: Tree
    running: Tree
    examples: int  # in the training set
    batch: Callable[[Array, np.random.Generator], tuple[Any, ...]]  # numbers of examples -> the model's data
    judge: Callable[[Tree, Tree], dict[str, float]]  # (params, running) -> validation scores
    best: tuple[str, ...]  # the scores that choose the best parameters, the first counting most; larger is better
    sample: Callable[[Tree, Tree], str] = lambda params, running: ""  # something to read while it trains
    options: Mapping[str, Any] = field(default_factory=dict)  # of the model: config, ops
    meta: Mapping[str, Any] = field(default_factory=dict)  # stored with every checkpoint: config, vocabulary, …
    clip: Callable[[Tree, float], tuple[Tree, float]] = clip_by_global_norm
    updates: Mapping[str, Callable[..., Any]] = field(default_factory=dict)  # by optimiser, instead of the built-in
    # (examples, batch, step, seed) -> the numbers of the examples of an update; must depend on nothing else
    order: Callable[[int, int, int, int], Array] = batch_indices


class TrainState(NamedTuple):
    """All that training carries from step to step, beside the counters in `Progress`."""

    params: Tree
    running: Tree
    optimiser: Tree
    best_params: Tree
    best_running: Tree


@dataclass(frozen=True)
class Progress:
    """The counters of a run."""

    step: int = 0  # updates made
    total: int = 0  # updates planned; 0 until a run with a time limit has timed its first steps
    timed: tuple[int, float] = (0, 0.0)  # step and seconds from which on the speed is measured for the next plan
    seconds: float = 0.0  # spent so far, in all sittings
    best_score: tuple[float, ...] = ()  # of the best check so far
    best_step: int = 0
    losses: tuple[float, ...] = ()  # one per step
    checks: tuple[dict[str, float], ...] = ()  # one per validation: step, seconds and scores


class Step(NamedTuple):
    """One update was made."""

    step: int
    total: int  # 0 while the run is still being timed
    loss: float  # nats per word or label, this batch
    lr: float
    norm: float  # of the gradients, before clipping
    seconds: float  # since the start


class Checked(NamedTuple):
    """The model was validated and a checkpoint written."""

    step: int
    scores: dict[str, float]
    better: bool  # than every check before
    sample: str
    seconds: float


class Note(NamedTuple):
    """Something the user should know."""

    text: str


class TrainingError(ArithmeticError):
    """The loss or a gradient is NaN or infinite; the message names the step and the layer."""
