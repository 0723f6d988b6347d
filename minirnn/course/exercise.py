"""What an exercise is: the function that is asked for, what it is tried on, and which mistakes are known by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minirnn.pair import Array, Tree
from minirnn.tree import tree_cast, tree_items, tree_map


@dataclass(frozen=True)
class Given:
    """An argument that cannot travel to another process as it is: a generator, a cell, a function, a model.

    `GIVEN[kind](*values)` in `minirnn.course.given` makes it, anew for every call.
    """

    kind: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Probe:
    """One call that an answer is tried on.

    A lazy probe hides mistakes: an exercise has several, and one general probe first (unequal sizes, a state that is
    not zero, a random upstream gradient).
    """

    args: tuple[Any, ...]  # of the function; for a backward exercise of the forward function that makes the cache
    options: Mapping[str, Any] = field(default_factory=dict)  # keyword options of the same function
    note: str = ""  # what is special about it, in words that follow "with": "T = 1", "a state of zero"
    dout: Any = None  # upstream gradient of a backward exercise; drawn at random when None
    seed: int = 0  # of that draw


@dataclass(frozen=True)
class Mistake:
    """A mistake that is known by name, as changes to the reference solution.

    Where a learner's results equal those of the changed solution on every probe, the mistake is named. `convention`
    marks what is not wrong but another variant than the exercise asks for; it is never called a mistake.
    """

    key: str  # short and unique within the exercise: "averaged-over-time"
    says: str  # one or two sentences, lower case first, no full stop at the end: what was done, what is right and why
    changes: tuple[tuple[str, str], ...]  # text that occurs once in the solution -> what stands there instead
    convention: bool = False


@dataclass(frozen=True)
class Wrong:
    """What a judge of its own found (see `Exercise.judge`)."""

    item: str  # what was looked at: "the share of zeros"
    evidence: str  # what came and what was expected
    cause: str = ""  # the likely cause, where the evidence tells
    key: str = ""  # the mistake's name, for class reports


@dataclass(frozen=True)
class Exercise:
    """One function for the learner to write."""

    name: str  # "rnn2"
    function: str  # "rnn_step_backward"
    folder: str  # "06_bptt", of the exercise and of its lesson
    title: str  # "Backward through one step"
    truth: Callable[..., Any]  # the framework's function of that name
    probes: Callable[[np.random.Generator], tuple[Probe, ...]]  # anew from every seed
    inputs: Mapping[str, str]  # axes of the arguments by leaf: {"x": "N D", "state.h": "N H", "params.Wx": "D H"}
    outputs: tuple[tuple[str, str], ...]  # label and axes of every leaf of the result, in order: (("dx", "N D"), …)
    hints: tuple[str, str, str]  # a question, a pointer, almost there; never the line itself
    why: str  # shown with the solution: why it works
    mistakes: tuple[Mistake, ...] = ()
    forward: str = ""  # a backward exercise: the exercise that asks for its forward function ("rnn1")
    truth_forward: Callable[..., Any] | None = None  # a backward exercise: the framework's forward function
    lead: int = 0  # arguments that a backward function takes before (dout, cache): the `step` of unroll_backward
    cache: bool = False  # a forward exercise: returns (out, cache), and only out is compared
    slot: str = ""
    """where `demo --mine` uses it: "ops.rnn_step.backward", "tools.greedy"; "" where it has no place"""
    names: tuple[str, ...] = ()
    """names of the parts of the result, where its leaves are labelled by their path: dparams.out.W"""
    normal: Callable[[Any], Any] | None = None  # brings right and wrong results into one form before they are compared
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """{"dWx": ("i", "f", "g", "o")}: outputs whose last axis is made of one block for each gate"""
    time_axis: Mapping[str, int] = field(default_factory=dict)  # {"dx": 1}: which axis of which output is time
    single: bool = True  # the first probe is tried in float32 too; not where float32 has too few digits for the result
    restores: bool = False  # may write into its inputs while it runs, if all is as before when it returns
    numeric: bool = True  # a backward exercise: also held against finite differences of the forward function
    others: Callable[[Probe, Any], list[Any]] | None = None
    """(probe, dout) -> further results that are as right as that of `truth`: where a derivative does not exist, say"""
    redraw: Callable[[Probe, Any], Any] | None = None
    """(probe, what the learner's forward function returned) -> the framework's cache for the same draw: for backward
    exercises whose forward function draws at random; what is right, and what known mistakes give, follows from it"""
    judge: Callable[[tuple[Probe, ...], tuple[Any, ...]], list[Wrong]] | None = None
    """(probes, values) -> what is wrong, for results that differ from run to run; instead of comparing with `truth`"""
    examine: Callable[[list[Any]], list[Wrong]] | None = None
    """(answers, see `minirnn.course.diagnose.Answer`) -> what the behaviour of a wrong answer tells, where no known
    mistake explains it"""

    @property
    def backward(self) -> bool:
        """Whether the function is a backward function, which gets a cache from a forward function."""
        return self.truth_forward is not None

    @property
    def lesson(self) -> int:
        """The number of its lesson."""
        return int(self.folder[:2])

    @property
    def file(self) -> str:
        """Its place in a workspace: "exercises/06_bptt/rnn2.py"."""
        return f"exercises/{self.folder}/{self.name}.py"

    def draw(self, seed: int | list[int] = 0) -> tuple[Probe, ...]:
        """The probes of one seed, and the first of them again in float32."""
        probes = self.probes(np.random.default_rng(seed))
        first = probes[0]
        single = Probe(
            tree_cast_all(first.args, np.float32), first.options, "float32", tree_cast_all(first.dout, np.float32)
        )
        return (*probes, single) if self.single and any(_floats(a) for a in first.args) else probes


def tree_cast_all(tree: Any, dtype: Any) -> Any:
    """`tree_cast` that leaves everything but arrays as it is."""
    if isinstance(tree, np.ndarray):
        return tree_cast(tree, dtype)
    if isinstance(tree, tuple):
        parts = [tree_cast_all(part, dtype) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if isinstance(tree, Given):
        return Given(tree.kind, tree_cast_all(tree.values, dtype))
    return tree


def _floats(arg: Any) -> bool:
    leaves = [leaf for _, leaf in tree_items(arg)] if isinstance(arg, tuple) else [arg]
    return any(isinstance(leaf, np.ndarray) and leaf.dtype == np.float64 for leaf in leaves)


def upstream(like: Tree, seed: int) -> Tree:
    """A random upstream gradient of the shapes of `like`; None where `like` has no floats."""
    rng = np.random.default_rng([seed, 77])

    def draw(leaf: Any) -> Array | None:
        if not np.issubdtype(np.asarray(leaf).dtype, np.floating):
            return None
        return np.asarray(rng.standard_normal(np.shape(leaf)) + 0.1, dtype=np.asarray(leaf).dtype)

    return tree_map(draw, like)


def sizes(exercise: Exercise, args: tuple[Any, ...], names: tuple[str, ...]) -> dict[str, int]:
    """What each letter stands for in a call: {"N": 3, "T": 4, "D": 2}, read off the shapes of the arguments."""
    found: dict[str, int] = {}
    for name, arg in zip(names, args):
        for leaf_name, leaf in tree_items(arg, name) if isinstance(arg, tuple) else [(name, arg)]:
            letters = exercise.inputs.get(leaf_name, "").split()
            if isinstance(leaf, np.ndarray) and len(letters) == leaf.ndim:
                found.update({k: v for k, v in zip(letters, leaf.shape) if k.isalpha()})
    return found
