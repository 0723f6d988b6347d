"""The commands `minirnn train detector`, `minirnn evaluate` for its runs, and `minirnn detect`."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

from minirnn.boxes import Found, Truth
from minirnn.data.detection import SCENES, BoxedImages, load_splits, size_of, squashed
from minirnn.data.images import load_image
from minirnn.display import console, decoding, show
from minirnn.errors import DataError
from minirnn.pair import Array
from minirnn.problem import TrainConfig
from minirnn.tasks import detection
from minirnn.tasks.detection import NAME, Detector, load_detector
from minirnn.tasks.detection_pictures import above, boxes_sheet, pictures, show_report
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
    show(detection.train_detector(system, config, args.out, resume=args.resume), out)
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
    data = data_of(args, EXPECTED, SCENES) or settings.data
    other = data != settings.data
    if other:
        if data == SCENES or settings.kind == "scenes":
            raise DataError(f"the run in {args.run} was trained on {settings.data}; it cannot be judged on {data}")
        splits, bad = load_splits(data, settings.size, seed=settings.seed, skip_bad=skip_bad, progress=progress)
    else:
        splits = own
    split = fit(joined(splits) if args.split == "all" else splits[args.split], model.classes, data)
    drawn = settings.kind == "scenes"  # these are not stored: they are drawn again
    marks = [mark for name in ("train", "val") for mark in own[name].fingerprints()] if drawn else meta["seen"].split()
    seen = set(marks)
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


# detect


def _detect_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained detector")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="picture files")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write a PNG of the pictures with their boxes")
    parser.add_argument("--threshold", type=float, metavar="P", help="the least score of a box, 0 to 1"
                        " (default: the one that suited the validation pictures best)")  # fmt: skip
    parser.add_argument("--skip-bad", action="store_true", help="leave unreadable pictures out, and say so")


def _detect(args: Namespace) -> Result:
    model, _ = load_detector(args.run)
    if args.threshold is not None and not 0 <= args.threshold <= 1:
        raise DataError(f"--threshold is {args.threshold:g}; expected from 0 to 1")
    threshold = model.threshold if args.threshold is None else args.threshold
    images, paths, bad = [], [], []
    for path in args.images:
        try:
            images.append(load_image(path))
            paths.append(path)
        except (DataError, OSError) as error:
            if not args.skip_bad:
                raise
            bad.append(str(error))
    found = [above(find_in(model, image), threshold) for image in images]
    told = [
        {"image": str(path), "width": image.shape[1], "height": image.shape[0], "boxes": _rows(f, model.classes)}
        for path, image, f in zip(paths, images, found)
    ]
    result: Result = {"images": told, "threshold": threshold, "left_out": bad}
    if args.picture is not None and images:
        names = [path.name for path in paths]
        boxes_sheet(args.picture, images, found, model.classes, names=names, scores=len(images) == 1)
        result["picture"] = str(args.picture)
    return result


def find_in(model: Detector, image: Array) -> Found:
    """What is in a picture (H, W, 3) uint8 of any size, in its own pixels."""
    size = model.config.height, model.config.width
    found = model.find(squashed(image, size)[None])[0]
    scale = np.tile([image.shape[1] / size[1], image.shape[0] / size[0]], 2)
    return found._replace(boxes=found.boxes * scale)


def _rows(found: Found, classes: tuple[str, ...]) -> list[Result]:
    """One row a box, as JSON has it."""
    edges = ("left", "top", "right", "bottom")
    return [
        {"class": classes[int(label)], "score": round(float(score), 4)}
        | {edge: round(float(value), 1) for edge, value in zip(edges, box)}
        for box, score, label in zip(*found)
    ]


def _show_boxes(result: Result) -> str:
    lines = []
    for told in result["images"]:
        names = [row["class"] for row in told["boxes"]]
        counts = ", ".join(f"{names.count(name)} {name}" for name in sorted(set(names)))
        lines.append(f"{told['image']}: {counts or 'nothing'} (score at least {result['threshold']:.2f})")
        lines += [
            f"  {row['class']} {row['score']:.2f}  left {row['left']:g}, top {row['top']:g},"
            f" right {row['right']:g}, bottom {row['bottom']:g}"
            for row in told["boxes"]
        ]
    lines += [f"left out: {line}" for line in result["left_out"]]
    return "\n".join([*lines, f"Picture: {result['picture']}"] if "picture" in result else lines)


DETECT = Command(
    "detect",
    "find things in pictures: a box, a class and a score for each",
    "minirnn detect runs/cells smear.jpg --picture found.png",
    _detect_arguments,
    _detect,
    _show_boxes,
)
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
