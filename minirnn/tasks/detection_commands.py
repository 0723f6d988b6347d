"""The command `minirnn train detector`, `minirnn evaluate` for its runs, and the line in the table."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

from minirnn.boxes import Truth
from minirnn.data.detection import SCENES, BoxedImages, load_splits, size_of
from minirnn.display import console, decoding, show
from minirnn.errors import DataError
from minirnn.problem import TrainConfig
from minirnn.tasks import detection
from minirnn.tasks.detection import NAME, load_detector
from minirnn.tasks.detection_detect import DETECT
from minirnn.tasks.detection_pictures import pictures, show_report
from minirnn.tasks.detection_settings import FLIPS, Settings, multiple_of, train_defaults
from minirnn.tasks.runs import (
    data_of,
    from_meta,
    goes_on,
    lengthened,
    require_new,
    run_arguments,
    seed_of,
    show_trained,
    stored,
    summary,
)
from minirnn.tasks.task import Command, Result, Task
from minirnn.train import train

WIDTH = 320  # pixels that pictures from files become wide
EXPECTED = "'scenes' or a folder in PASCAL VOC's layout"

# train detector


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'scenes' (drawn, the default), or a folder in PASCAL VOC's layout:"
        " JPEGImages, Annotations and ImageSets/Main/train.txt (with val.txt and test.txt, or without)",
    )  # fmt: skip
    run_arguments(parser)
    parser.add_argument("--width", type=int, help=f"pictures from files become so many pixels wide (default: {WIDTH})")
    parser.add_argument("--anchors", type=int, help="boxes of a usual size that each cell starts from (default: 3)")
    parser.add_argument("--flips", choices=FLIPS, help="mirror training pictures left and right, or also upside down,"
                        " where there is no up and down, as under a microscope (default: sideways)")  # fmt: skip
    parser.add_argument("--skip-bad", action="store_true", help="leave unreadable pictures out, and say so")


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    system, bad = detection.build(settings, progress=decoding(out))
    for line in bad:
        out.print(f"left out: {line}", markup=False)
    counts = ", ".join(f"{len(split)} for {name}" for name, split in system.splits.items())
    anchors = ", ".join(f"{w:g} x {h:g}" for w, h in system.config.anchors)
    out.print(f"pictures: {counts}; classes: {', '.join(system.splits['train'].classes)}", markup=False)
    out.print(f"each {system.config.width} x {system.config.height} pixels; anchors: {anchors}", markup=False)
    show(train(system.problem(), config, args.out, resume=args.resume), out)
    model, _ = load_detector(args.out)
    result: Result = {"run": str(args.out), "left_out": bad, **summary(args.out)}
    result["pictures"] = [str(p) for p in pictures(model, system.splits["test"], args.out)]
    result["seconds"] = round(time.monotonic() - began, 1)
    if settings.kind == "scenes":
        picture = _save_example(system.splits["test"], args.out)
        result["next"] = f"minirnn detect {args.out} {picture} --picture found.png"
    return result


def _new(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of a run that starts now."""
    require_new(args.out)
    data = data_of(args, EXPECTED, SCENES) or SCENES
    settings = Settings(data, seed_of(args), flips=args.flips or "sideways", skip_bad=args.skip_bad)
    if args.anchors is not None:
        if args.anchors < 1:
            raise DataError(f"--anchors is {args.anchors}; expected at least 1")
        settings = replace(settings, anchors=args.anchors)
    if settings.kind == "scenes":
        if args.width is not None:
            raise DataError(f"--width is {args.width}, but drawn scenes have their own size; leave it out")
    else:
        width, multiple = args.width if args.width is not None else WIDTH, multiple_of(settings.kind)
        if width < 2 * multiple or width % multiple:
            raise DataError(f"--width is {width}; expected a multiple of {multiple}, at least {2 * multiple}")
        height, width = size_of(data, width, multiple)
        settings = replace(settings, width=width, height=height)
    return settings, lengthened(args, train_defaults(settings))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`."""
    given = {"data": data_of(args, EXPECTED, SCENES), "seed": args.seed, "width": args.width, "anchors": args.anchors,
             "flips": args.flips}  # fmt: skip
    return stored(args, Settings, given)


def _save_example(split: BoxedImages, folder: Path) -> Path:
    """One unseen picture as a file, for the next command."""
    from PIL import Image

    path = folder / "scene.png"
    Image.fromarray(split.images[0]).save(path)
    return path


# evaluate


def _evaluate(args: Namespace) -> Result:
    model, meta = load_detector(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    if args.split == "novel":
        raise DataError("pictures with boxes have no split 'novel'; expected train, val, test or all")
    skip_bad, progress = args.skip_bad or settings.skip_bad, decoding(console())
    own, bad = load_splits(settings.data, settings.size, seed=settings.seed, skip_bad=skip_bad, progress=progress)
    drawn = settings.kind == "scenes"  # the marks of these are not stored: they are drawn again
    marks = " ".join(mark for name in ("train", "val") for mark in own[name].fingerprints())
    boxes = f"{own['train'].fingerprint()} {own['val'].fingerprint()}"  # and classes
    if boxes != meta["boxes"] or not (drawn or marks == meta["seen"]):
        raise DataError(f"{settings.data} has changed since the run in {args.run} was trained on it; train it anew")
    data = data_of(args, EXPECTED, SCENES) or settings.data
    other = data != settings.data
    if other:
        if data == SCENES or settings.kind == "scenes":
            raise DataError(f"the run in {args.run} was trained on {settings.data}; it cannot be judged on {data}")
        splits, bad = load_splits(data, settings.size, seed=settings.seed, skip_bad=skip_bad, progress=progress)
    else:
        splits = own
    split = fit(joined(splits) if args.split == "all" else splits[args.split], model.classes, data)
    seen = set(marks.split())
    new = np.array([k for k, mark in enumerate(split.fingerprints()) if mark not in seen], np.int64)
    known = len(split) - len(new)
    if args.split == "all" or other:  # a set's own parts stay whole, so that scores can be compared with others'
        if not len(new):
            raise DataError(f"the run in {args.run} has seen every picture of these; there is nothing to judge it on")
        split = split.take(new)
    report = detection.evaluate(model, split, own["train"])
    sizes = {name: len(part) for name, part in splits.items()}
    return {"data": data, "split": args.split, **report, "sizes": sizes, "left_out": bad, "already_seen": known,
            "whole": not other and args.split != "all"}  # fmt: skip


def fit(split: BoxedImages, classes: tuple[str, ...], source: str) -> BoxedImages:
    """Other pictures with the labels as places in a run's classes.

    Raises:
        DataError: a class that the run does not know.
    """
    unknown = [name for name in split.classes if name not in classes]
    if unknown:
        raise DataError(f"{source} has the class {unknown[0]!r}; the run knows {', '.join(classes)}")
    place = np.array([classes.index(name) for name in split.classes], np.int64)
    truth = tuple(Truth(t.boxes, place[t.labels], t.difficult) for t in split.truth)
    return BoxedImages(split.images, truth, classes, split.names)


def joined(splits: dict[str, BoxedImages]) -> BoxedImages:
    """All splits as one."""
    parts = list(splits.values())
    truth, names = ([x for part in parts for x in getattr(part, name)] for name in ("truth", "names"))
    return BoxedImages(np.concatenate([p.images for p in parts]), tuple(truth), parts[0].classes, tuple(names))


def _show_evaluation(report: Result) -> str:
    sizes = ", ".join(f"{n} {name}" for name, n in report["sizes"].items())
    head = f"{report['n']} pictures ({report['split']}; there are {sizes})"
    if report["already_seen"] and report["split"] in ("test", "all"):
        head += f"; {report['already_seen']} pictures that the run has seen in training"
        head += " (kept, it is the set's own test part)" if report["whole"] else " (left out)"
    return "\n".join([head, show_report(report), *(f"left out: {line}" for line in report["left_out"])])


TASK = Task(
    name=NAME,
    train=Command(
        NAME,
        "train a detector on drawn scenes or on your pictures with boxes (PASCAL VOC)",
        "minirnn train detector --data bccd --out runs/cells --flips both --minutes 20",
        _train_arguments,
        _train,
        show_trained,
        resumes=NAME,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(DETECT,),
)
