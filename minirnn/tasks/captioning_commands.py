"""The commands `minirnn train captioner` and `minirnn evaluate`, and the captioner's line in the table of tasks."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from minirnn.data.captioning import CaptionSplit, load_all_photos, load_photos, scene_split
from minirnn.display import console, decoding, show
from minirnn.errors import DataError
from minirnn.problem import TrainConfig
from minirnn.tasks import captioning
from minirnn.tasks.captioning import Settings
from minirnn.tasks.captioning_demo import CAPTION
from minirnn.tasks.captioning_options import cell_arguments, data_of, settings_of
from minirnn.tasks.captioning_pictures import pictures, show_report
from minirnn.tasks.demo import DEMO
from minirnn.tasks.runs import goes_on, lengthened, require_new, run_arguments, show_trained, stored, summary
from minirnn.tasks.task import Command, Result, Task

# train captioner


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'scenes' (drawn, the default), or the folder or file of captioned photographs:"
        " Flickr8k's captions.txt or Flickr8k.token.txt, Karpathy's dataset.json, COCO captions JSON",
    )  # fmt: skip
    run_arguments(parser)
    cell_arguments(parser)
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave unreadable pictures and captions out, and say so"
    )


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
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
    """The settings of a run that starts now."""
    require_new(args.out)
    settings = settings_of(args, data_of(args) or "scenes", skip_bad=args.skip_bad)
    return settings, lengthened(args, captioning.train_defaults(settings))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`."""
    image = None if args.attention is None else "attention"
    given = {"data": data_of(args), "cell": args.cell, "attention": image, "seed": args.seed}
    return stored(args, Settings, given, {"attention": "image"})


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
        show_trained,
        resumes="captioner",
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(DEMO, CAPTION),
)
