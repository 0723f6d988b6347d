"""Your own functions in the captioner: those that pass take the place of the framework's in the table of pairs."""

from __future__ import annotations

import ast
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.course.checker import Code, check_exercise, function_of
from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, Verdict
from minirnn.course.process import execute_apart
from minirnn.course.table import NAMES, exercise
from minirnn.course.workspace import Workspace
from minirnn.display import console
from minirnn.errors import DataError
from minirnn.ops import READABLE, Ops
from minirnn.pair import Pair
from minirnn.tasks import captioning
from minirnn.tasks.captioning_tools import BUILT_IN, Tools
from minirnn.tasks.task import Command, Result
from minirnn.tree import tree_cast


@dataclass(frozen=True)
class Parts:
    """What the captioner is made of."""

    ops: Ops = READABLE
    tools: Tools = BUILT_IN


@dataclass(frozen=True)
class Mine:
    """The parts with the learner's functions in them, and what became of every exercise."""

    parts: Parts
    yours: dict[str, str]  # exercise -> the lines of the file
    refused: dict[str, str]  # exercise -> why
    alone: dict[str, str]  # passes, but the framework's other half cannot work with it: why
    unused: tuple[str, ...]  # pass, but the captioner does not use them
    missing: tuple[str, ...]  # not attempted

    def sentence(self, slots: str = "") -> str:
        """One line: which functions run here; with `slots` only those whose place begins so ("ops.")."""
        used = [name for name in self.yours if exercise(name).slot.startswith(slots)]
        if not used:
            return "Running on the framework's functions; none of yours yet."
        return f"Running on {len(used)} of your functions ({', '.join(used)}) and the framework's for the rest."

    def report(self) -> str:
        """Line by line: what is yours, what is the framework's, what is refused."""
        lines = []
        for name, where in self.yours.items():
            lines.append(f"  yours        {exercise(name).function:24} {where}")
        for name, why in self.alone.items():
            lines.append(f"  framework's  {exercise(name).function:24} {name} passes, but {why}")
        for name, why in self.refused.items():
            lines.append(f"  refused      {exercise(name).function:24} {name}: {why} (the framework's is used)")
        if self.unused:
            lines.append(f"  not needed   {', '.join(self.unused)}")
        missing = [name for name in self.missing if exercise(name).slot]
        if missing:
            lines.append(f"  framework's  what you have not written yet: {', '.join(missing)}")
        return "\n".join(lines)


def gather(workspace: Workspace) -> Mine:
    """Check every exercise and put what passes into the captioner's parts."""
    verdicts: dict[str, Verdict] = {}
    for name in NAMES:
        if workspace.known(name) == NOT_ATTEMPTED:
            verdicts[name] = Verdict(exercise(name), NOT_ATTEMPTED)
        else:
            verdicts[name] = workspace.check(name, execute_apart)
    right = {name for name, v in verdicts.items() if v.right}
    refused = {n: _why(v) for n, v in verdicts.items() if not v.right and v.outcome != NOT_ATTEMPTED}
    missing = tuple(n for n, v in verdicts.items() if v.outcome == NOT_ATTEMPTED)
    slots: dict[str, list[str]] = {}  # later exercises of the same function take the place of earlier ones
    for name in NAMES:
        slot = exercise(name).slot
        if slot:
            slots.setdefault(slot.removesuffix(".forward").removesuffix(".backward"), []).append(name)
    parts, yours, alone = Parts(), {}, {}
    for slot, names in slots.items():
        mine = [n for n in names if n in right]
        if not mine:
            continue
        value, used, why = _fill(slot, mine, workspace)
        if value is not None:
            parts = _put(parts, slot, value)
        yours.update({n: _lines(workspace, n) for n in used})
        alone.update({n: why for n in mine if n not in used})
    unused = tuple(n for n in NAMES if n in right and not exercise(n).slot)
    return Mine(parts, {n: yours[n] for n in NAMES if n in yours}, refused, alone, unused, missing)


def _why(verdict: Verdict) -> str:
    failed = next((i for i in verdict.items if not i.ok), None)
    reason = verdict.causes[0] if verdict.causes else failed.says if failed else ""
    if verdict.outcome == CRASHED and failed and failed.evidence:
        reason = failed.evidence[0]
    return f"{verdict.outcome}{': ' + reason if reason else ''}"


def _fill(slot: str, names: list[str], workspace: Workspace) -> tuple[Any, list[str], str]:
    """What goes into a slot (of a pair one half may be the framework's), which names it uses, why it uses no more."""
    halves = {}
    for name in names:
        e = exercise(name)
        half = e.slot.rsplit(".", 1)[1] if e.slot.endswith((".forward", ".backward")) else ""
        halves[half] = name
    if "" in halves:
        return _function(workspace, halves[""]), [halves[""]], ""
    forward, backward = halves.get("forward"), halves.get("backward")
    # exercises of the same slot that are not solved still say which functions belong together
    if forward and backward and _agree(backward, _function(workspace, backward), _function(workspace, forward)):
        return _pair(slot, _function(workspace, forward), _function(workspace, backward)), [forward, backward], ""
    if forward:
        other = _partner(forward)
        if other and _agree(other, exercise(other).truth, _function(workspace, forward)):
            pair = _pair(slot, _function(workspace, forward), exercise(other).truth)
            return pair, [forward], f"it does not understand the cache of your {forward}"
    if backward:
        e = exercise(backward)
        if _agree(backward, _function(workspace, backward), e.truth_forward):
            pair = _pair(slot, e.truth_forward, _function(workspace, backward))
            return pair, [backward], "the other half does not understand its cache"
    return None, [], "the other half does not understand its cache yet"


def _partner(forward: str) -> str:
    """The exercise that asks for the backward function of a forward exercise."""
    return next((n for n in NAMES if exercise(n).forward == forward), "")


def _agree(backward: str, f: Callable[..., Any], forward: Callable[..., Any] | None) -> bool:
    """Whether a backward function is right with the caches of a forward function, and no other."""
    verdict = check_exercise(exercise(backward), Code(function=f), lambda _: Code(function=forward))
    return verdict.right and not any("the two work together only" in note for note in verdict.notes)


def _function(workspace: Workspace, name: str) -> Callable[..., Any]:
    """The learner's function, as the captioner runs it: its results in the dtype of what it got."""
    e = exercise(name)
    f = function_of(Code(path=workspace.path(name)), e.function)
    if e.slot.startswith("tools.") and not e.cache and not e.backward and e.name not in ("adam1", "clip1"):
        return f  # sentences and word numbers
    return _keeping_dtype(f, e.cache)


def _keeping_dtype(f: Callable[..., Any], cache: bool) -> Callable[..., Any]:
    """`f` with float results cast to the dtype of its first float array: one np.zeros would turn a run into float64."""

    def kept(*args: Any, **options: Any) -> Any:
        given = [leaf for arg in args for leaf in _arrays(arg)]
        value = f(*args, **options)
        if not given:
            return value
        dtype = given[0].dtype
        return (_cast(value[0], dtype), value[1]) if cache else _cast(value, dtype)

    return kept


def _arrays(tree: Any) -> list[Any]:
    """The float arrays in nested tuples."""
    if isinstance(tree, tuple):
        return [leaf for part in tree for leaf in _arrays(part)]
    return [tree] if isinstance(tree, np.ndarray) and tree.dtype.kind == "f" else []


def _cast(tree: Any, dtype: Any) -> Any:
    """Nested tuples with their float arrays as `dtype`; all else as it is."""
    if isinstance(tree, tuple):
        parts = [_cast(part, dtype) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    is_float = isinstance(tree, np.ndarray | np.generic) and tree.dtype.kind == "f"
    return tree.astype(dtype) if is_float and tree.dtype != dtype else tree


def _pair(slot: str, forward: Any, backward: Any) -> Any:
    if slot == "ops.unroll":
        return lambda step: Pair(partial(forward, step), partial(backward, step), f"unroll({step.name})")
    return Pair(forward, backward, slot.rsplit(".", 1)[1])


def _put(parts: Parts, slot: str, value: Any) -> Parts:
    where, name = slot.split(".", 1)
    if where == "ops":
        return replace(parts, ops=replace(parts.ops, **{name: value}))
    return replace(parts, tools=replace(parts.tools, **{name: value}))


def _lines(workspace: Workspace, name: str) -> str:
    """`exercises/06_bptt/rnn2.py:16-20`: the lines of a function in the learner's file."""
    e = exercise(name)
    text = workspace.path(name).read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == e.function:
            return f"{workspace.shown(name)}:{node.lineno}-{node.end_lineno}"
    return workspace.shown(name)


def loss_of(parts: Parts, image: str = "every", cell: str = "lstm", n: int = 4) -> float:
    """The captioner's loss on a few drawn scenes, fresh weights, float64: the same for every right set of parts."""
    settings = replace(captioning.settings_for("scenes"), image=image, cell=cell)
    from minirnn.data.captioning import Batches, build_vocabulary, scene_split

    split = scene_split("train", 0, 32, n)
    vocabulary = build_vocabulary(split, 1)
    config = replace(
        captioning.model_defaults(settings, len(vocabulary)), image_size=32, drop_image=0.0, drop_words=0.0
    )
    from minirnn.models.captioner_params import init_captioner

    params, running = (tree_cast(tree, np.float64) for tree in init_captioner(np.random.default_rng(1), config))
    images, *words = Batches.of(split, vocabulary, 32, 20, False, parts.tools.pad)(
        np.arange(n), np.random.default_rng(2)
    )
    (loss, _), _ = parts.tools.captioner.forward(
        images.astype(np.float64), *words, running, params,
        config=config, training=True, rng=np.random.default_rng(3), ops=parts.ops,
    )  # fmt: skip
    return float(loss)


def _blame(error: BaseException, workspace: Workspace) -> str:
    """The learner's line that an error comes from, "" when it does not pass through their code."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(workspace.root)]
    ours = [f for f in frames if "exercises" in Path(f.filename).parts]
    return f"{ours[-1].filename}:{ours[-1].lineno}" if ours else ""


def with_mine(command: Command) -> Command:
    """A command that trains, with `--mine`: on the learner's own functions."""

    def arguments(parser: ArgumentParser) -> None:
        command.arguments(parser)
        parser.add_argument("--mine", nargs="?", const=Path(), type=Path, metavar="DIR",
                            help="train on your own functions, of the workspace you are in (or DIR)")  # fmt: skip

    def run(args: Namespace) -> Result:
        if args.mine is None:
            return command.run(args)
        mine = gather(Workspace.find(args.mine))
        out = console()
        out.print("Your functions, where a captioner has a place for them:", markup=False)
        out.print(mine.report(), markup=False, soft_wrap=True, highlight=False)
        image, cell = (
            "attention" if getattr(args, "attention", None) else "every",
            getattr(args, "cell", None) or "lstm",
        )
        theirs, ours = loss_of(mine.parts, image, cell), loss_of(Parts(), image, cell)
        if not abs(theirs - ours) <= 1e-6:
            raise DataError(
                f"with your functions the loss of the first batch is {theirs:.9f}, with the framework's {ours:.9f}:"
                " they do not work together"
            )
        out.print(
            f"Loss of a first batch: {theirs:.9f} with your functions, {ours:.9f} with the framework's: the same, as it"
            " should be.",
            markup=False,
        )
        args.ops, args.tools = mine.parts.ops, mine.parts.tools
        try:
            result = command.run(args)
        except (DataError, OSError, ArithmeticError, MemoryError):
            raise
        except Exception as error:
            place = _blame(error, Workspace.find(args.mine))
            if not place:
                raise
            raise DataError(f"{place}: your function passes its check but failed here: {error!r}") from error
        return {**result, "yours": mine.yours, "refused": mine.refused}

    return replace(command, arguments=arguments, run=run)
