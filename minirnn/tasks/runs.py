"""What every `minirnn train NAME` shares: starting a run, going on with it, opening it again, and its summary."""

from __future__ import annotations

import math
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from minirnn.checkpoint import CheckpointError, load
from minirnn.display import clock, scores_text
from minirnn.errors import DataError
from minirnn.problem import TrainConfig
from minirnn.tasks.task import Result
from minirnn.train import BEST, LAST

Settings = TypeVar("Settings")
LENGTHS = ("minutes", "epochs", "patience")


def run_arguments(parser: ArgumentParser) -> None:
    """--out, --minutes or --epochs, --patience, --seed, --resume."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--seed", type=int, help="of the weights and the order of the data (default: 0)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, metavar="M", help="train for about so long")
    length.add_argument("--epochs", type=float, metavar="E", help="passes over the training data")
    parser.add_argument("--patience", type=int, metavar="N", help="stop after N validations without a better score")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, with its own settings")


def goes_on(args: Namespace) -> bool:
    """Whether the command goes on with a run: `--resume`, and there is one or nothing says how to start one."""
    return bool(args.resume and (getattr(args, "data", None) is None or (args.out / LAST).exists()))


def require_new(folder: Path) -> None:
    """A folder that holds a run already is refused."""
    if any((folder / name).exists() for name in (LAST, BEST)):
        raise DataError(f"{folder} holds a run; add --resume to go on with it, or choose another folder")


def seed_of(args: Namespace) -> int:
    """--seed, 0 when not given."""
    seed = 0 if args.seed is None else int(args.seed)
    if seed < 0:
        raise DataError(f"--seed is {seed}; expected at least 0")
    return seed


def data_of(args: Namespace, expected: str, drawn: str | None = None) -> str | None:
    """--data as it is stored: what is drawn, or a path that means the same from everywhere; None when not given.

    Args:
        expected: what it may be, for the message.
        drawn: the name that stands for drawn data; None where there are none.
    """
    data: str | None = args.data
    if data is None or data == drawn:
        return data
    if not data:
        raise DataError(f"--data is empty; expected {expected}")
    return os.path.abspath(data)


def refuse_skip_bad(args: Namespace, what: str) -> None:
    """`--skip-bad` where no file is ever left out; `what` the data are, for the message."""
    if args.skip_bad:
        raise DataError(f"--skip-bad has no meaning here: {what} are taken whole or not at all; leave it out")


def lengthened(args: Namespace, config: TrainConfig) -> TrainConfig:
    """The training defaults with what the command line says about the length."""
    if args.minutes is not None:
        config = replace(config, seconds=positive("--minutes", args.minutes) * 60, epochs=1000.0)
    if args.epochs is not None:
        config = replace(config, epochs=positive("--epochs", args.epochs))
    if args.patience is not None:
        config = replace(config, patience=int(positive("--patience", args.patience)))
    return config


def stored(
    args: Namespace, kind: type[Settings], given: Mapping[str, Any], names: Mapping[str, str] = {}
) -> tuple[Settings, TrainConfig]:  # fmt: skip
    """The settings of the run in `args.out`; a flag that says otherwise is refused.

    Args:
        kind: the dataclass of the settings.
        given: what the command line says, by option; None where it says nothing.
        names: the field of the settings that an option sets, where it has another name.
    Raises:
        DataError: there is no run, or an option says something else than the run.
        CheckpointError: the run is one of another version.
    """
    path = args.out / LAST
    if not path.exists():
        raise DataError(f"{args.out} holds no run to go on with: {LAST} is missing; leave --resume out to start one")
    _, meta = load(path)
    try:
        settings, config = kind(**tuples(meta["problem"]["settings"])), TrainConfig(**meta["train"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is no run of this version of minirnn ({error!r})") from error
    then = {field.name: getattr(settings, field.name) for field in fields(settings)}  # type: ignore[arg-type]
    lengths = {"minutes": config.seconds and config.seconds / 60, "epochs": config.epochs, "patience": config.patience}
    said = {**given, **{name: getattr(args, name, None) for name in LENGTHS}}
    for option, value in said.items():
        was = lengths[option] if option in lengths else then[names.get(option, option)]
        close = isinstance(value, float) and was is not None and math.isclose(value, was)
        if value is not None and value != was and not close:
            raise DataError(f"--{option} is {value}, but the run in {args.out} was started with {was}; leave it out")
    return settings, config


def open_run(folder: Path, name: str, what: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The arrays and metadata of the best model of a run, and its path for messages.

    Args:
        name: of the task, as `minirnn train` calls it.
        what: of the run, in words: "captioner".
    Raises:
        DataError: no run, one without a validation yet, or one of another task.
    """
    path = folder / BEST
    if not path.exists():
        if (folder / LAST).exists():
            again = resume_command(name, folder)
            raise DataError(f"{folder} has not reached its first validation; go on with: {again}")
        raise DataError(f"{folder} holds no trained {what}: {BEST} is missing")
    arrays, meta = load(path)
    if meta.get("task") != name:
        raise CheckpointError(f"{path} belongs to {meta.get('task')!r}, not to a {what}")
    return dict(arrays), meta, str(path)


def from_meta(kind: type[Settings], value: Mapping[str, Any], path: str) -> Settings:
    """A frozen dataclass as it was stored with a run.

    Raises:
        CheckpointError: it was stored by another version.
    """
    try:
        return kind(**tuples(value))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} was made by another version of minirnn ({error!r})") from error


def tuples(value: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples again: JSON knows no tuples."""
    return {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}


def resume_command(name: str, folder: Path) -> str:
    """What goes on with a run."""
    return f"minirnn train {name} --out {folder} --resume"


def summary(folder: Path) -> Result:
    """How the training went."""
    _, meta = load(folder / LAST)
    progress = meta["progress"]
    best: Result = next((c for c in progress["checks"] if c["step"] == progress["best_step"]), {})
    return {"steps": progress["step"], "best_step": progress["best_step"], "validation": best}


def show_trained(result: Result) -> str:
    """The text of `minirnn train NAME`: steps, time, best score, pictures and the next command."""
    pictures = f"Pictures: {'  '.join(result['pictures'])}\n" if result.get("pictures") else ""
    scores = {k: v for k, v in result["validation"].items() if k not in ("step", "seconds")}
    return (
        f"{result['steps']} steps in {clock(result['seconds'])}; best at step {result['best_step']}: "
        f"{scores_text(scores)}\n{pictures}Next: {result.get('next') or 'minirnn evaluate ' + result['run']}"
    )


def positive(name: str, value: float) -> float:
    """The value of an option that must be more than 0, and finite."""
    if not 0 < value < math.inf:
        raise DataError(f"{name} is {value:g}; expected more than 0, and finite")
    return value
