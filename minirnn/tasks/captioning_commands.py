"""The commands `minirnn train captioner` and `minirnn evaluate`, and the captioner's line in the table of tasks."""

from __future__ import annotations

import math
import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.checkpoint import CheckpointError, load
from minirnn.data.captioning import CaptionSplit, load_all_photos, load_photos, scene_split
from minirnn.display import clock, console, decoding, scores_text, show
from minirnn.errors import DataError
from minirnn.problem import TrainConfig
from minirnn.tasks import captioning
from minirnn.tasks.captioning import Settings
from minirnn.tasks.captioning_demo import CAPTION, DEMO
from minirnn.tasks.captioning_options import data_of, model_arguments, positive, settings_of
from minirnn.tasks.captioning_pictures import pictures, show_report, summary
from minirnn.tasks.task import Command, Result, Task
from minirnn.train import BEST, LAST

# train captioner


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'scenes' (drawn, the default), or the folder or file of captioned photographs:"
        " Flickr8k's captions.txt or Flickr8k.token.txt, Karpathy's dataset.json, COCO captions JSON",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    model_arguments(parser)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, metavar="M", help="train for about so long, baseline included")
    length.add_argument("--epochs", type=float, metavar="E", help="passes over the training pictures")
    parser.add_argument("--patience", type=int, metavar="N", help="stop after N validations without a better score")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, with its own settings")
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave unreadable pictures and captions out, and say so"
    )


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    resumes = args.resume and (args.data is None or (args.out / LAST).exists())
    settings, config = _stored(args) if resumes else _new(args)
    system, bad = captioning.build(settings, progress=decoding(out))
    for line in bad:
        out.print(f"left out: {line}", markup=False)
    counts = ", ".join(f"{len(split)} for {name}" for name, split in system.splits.items())
    out.print(f"pictures: {counts}; {len(system.vocabulary)} words", markup=False)
    show(captioning.train_captioner(system, config, args.out, resume=args.resume), out)
    return {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        "left_out": bad,
        **summary(args.out),
        "pictures": [str(p) for p in pictures(system, args.out, "val")],
    }


def _new(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of a run that starts now; a folder that holds one already is refused."""
    if any((args.out / name).exists() for name in (LAST, BEST)):
        raise DataError(f"{args.out} holds a run; add --resume to go on with it, or choose another folder")
    settings = settings_of(args, data_of(args) or "scenes", skip_bad=args.skip_bad)
    config = captioning.train_defaults(settings)
    if args.minutes is not None:
        config = replace(config, seconds=positive("--minutes", args.minutes) * 60, epochs=1000.0)
    if args.epochs is not None:
        config = replace(config, epochs=positive("--epochs", args.epochs))
    if args.patience is not None:
        config = replace(config, patience=int(positive("--patience", args.patience)))
    return settings, config


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`; a flag that says otherwise is refused."""
    if not (args.out / LAST).exists():
        raise DataError(f"{args.out} holds no run to go on with: {LAST} is missing; leave --resume out to start one")
    _, meta = load(args.out / LAST)
    try:
        settings, config = Settings(**meta["problem"]["settings"]), TrainConfig(**meta["train"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{args.out / LAST} is no run of this version of minirnn ({error!r})") from error
    given = {
        "data": data_of(args), "cell": args.cell, "attention": args.attention, "seed": args.seed,
        "minutes": args.minutes, "epochs": args.epochs, "patience": args.patience,
    }  # fmt: skip
    stored: dict[str, Any] = {
        "data": settings.data, "cell": settings.cell, "attention": settings.image == "attention", "seed": settings.seed,
        "minutes": config.seconds and config.seconds / 60, "epochs": config.epochs, "patience": config.patience,
    }  # fmt: skip
    for name, value in given.items():
        then = stored[name]
        close = isinstance(value, float) and then is not None and math.isclose(value, then)
        if value is not None and value != then and not close:
            raise DataError(f"--{name} is {value}, but the run in {args.out} was started with {then}; leave it out")
    return settings, config


def _show_train(result: Result) -> str:
    return (
        f"{result['steps']} steps in {clock(result['seconds'])}; best at step {result['best_step']}: "
        f"{scores_text(result['validation'])}\n"
        f"Pictures: {'  '.join(result['pictures'])}\n"
        f"Next: minirnn evaluate {result['run']}"
    )


# evaluate


def _evaluate(args: Namespace) -> Result:
    _, meta = captioning.load_captioner(args.run)
    settings = Settings(**meta["settings"])
    data = data_of(args) or settings.data
    bad: list[str] = []
    seen, part = 0, args.split
    if data == "scenes":
        part = "test" if part == "all" else part  # every scene of train and val is one that a run may have seen
        split = scene_split(part, settings.seed, meta["model"]["image_size"])
    else:
        split, seen, bad = _photos(Path(data), args, settings, meta)
    report = captioning.evaluate(args.run, split, exact=data == "scenes")
    return {"data": data, "split": part, **report, "left_out": bad, "already_seen": seen}


def _photos(source: Path, args: Namespace, settings: Settings, meta: Result) -> tuple[CaptionSplit, int, list[str]]:
    """A split of a photo set; for test and all, without any picture that the run has trained or chosen on."""
    if args.split == "novel":
        raise DataError("photographs have no split 'novel'; expected train, val, test or all")
    size, skip_bad = meta["model"]["image_size"], args.skip_bad or settings.skip_bad
    if args.split == "all":
        whole, bad = load_all_photos(source, size, skip_bad=skip_bad, progress=decoding(console()))
    else:
        splits, bad = load_photos(source, size, seed=settings.seed, skip_bad=skip_bad, progress=decoding(console()))
        whole = splits[args.split]
    if args.split in ("train", "val"):
        return whole, 0, bad
    seen = set(meta["seen"])
    new = np.array([k for k, mark in enumerate(whole.fingerprints()) if mark not in seen], int)
    if not len(new):
        raise DataError(f"the run in {args.run} has seen every picture of {source}; there is nothing to judge it on")
    return whole.take(new), len(whole) - len(new), bad


def _show_evaluation(report: Result) -> str:
    head = f"{report['n']} pictures ({report['split']})"
    if report["already_seen"]:
        head += f"; {report['already_seen']} left out because the run has seen them"
    return "\n".join([head, show_report(report), *(f"left out: {line}" for line in report["left_out"])])


TASK = Task(
    name="captioner",
    train=Command(
        "captioner",
        "train an image captioner on drawn scenes or on your photographs",
        "minirnn train captioner --data flickr8k --out runs/photos --minutes 10",
        _train_arguments,
        _train,
        _show_train,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(DEMO, CAPTION),
)
