"""The commands `minirnn train classifier`, `minirnn evaluate` for its runs, and `minirnn classify`."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from minirnn.data.classification import LabelledImages, kind_of, load_splits
from minirnn.data.images import fit_square, load_image
from minirnn.display import console, decoding, show
from minirnn.errors import DataError
from minirnn.pair import Array
from minirnn.problem import TrainConfig
from minirnn.tasks import classification
from minirnn.tasks.classification import NAME, Classifier, fit, joined, load_classifier
from minirnn.tasks.classification_pictures import pictures, show_report
from minirnn.tasks.classification_settings import SIZES, Settings, train_defaults
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

TOP = 3  # classes that `classify` names

# train classifier


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'shapes' (drawn, the default), or a folder: MNIST's IDX files, CIFAR-10's binary files,"
        " or a folder of pictures for each class (with training/ and test/ above, or without)",
    )  # fmt: skip
    run_arguments(parser)
    parser.add_argument("--size", type=int, help="pictures of any size become squares of so many pixels (default: 64)")
    parser.add_argument("--skip-bad", action="store_true", help="leave unreadable pictures out, and say so")


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    system, bad = classification.build(settings, progress=decoding(out))
    for line in bad:
        out.print(f"left out: {line}", markup=False)
    counts = ", ".join(f"{len(split)} for {name}" for name, split in system.splits.items())
    out.print(f"pictures: {counts}; {system.config.classes} classes", markup=False)
    show(train(system.problem(), config, args.out, resume=args.resume), out)
    model, _ = load_classifier(args.out)
    return {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        "left_out": bad,
        **summary(args.out),
        "pictures": [str(p) for p in pictures(model, system.splits["val"], args.out)],
    }


def _new(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of a run that starts now."""
    require_new(args.out)
    data = _data_of(args) or "shapes"
    kind = kind_of(data)
    if args.size is not None and kind not in SIZES:
        raise DataError(f"--size is {args.size}, but the pictures in {data} keep their own size; leave it out")
    size = SIZES.get(kind, 0) if args.size is None else args.size
    if kind in SIZES and size < 16:
        raise DataError(f"--size is {size}; expected at least 16")
    settings = Settings(data, kind, seed_of(args), size, args.skip_bad)
    return settings, lengthened(args, train_defaults(settings))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`."""
    return stored(args, Settings, {"data": _data_of(args), "seed": args.seed, "size": args.size})


def _data_of(args: Namespace) -> str | None:
    """`--data` as it is stored; one file of a set stands for the set."""
    data = data_of(args, "'shapes' or a folder of labelled pictures", "shapes")
    if data and os.path.isfile(data) and kind_of(os.path.dirname(data)) in ("idx", "cifar10"):
        return os.path.dirname(data)
    return data


# evaluate


def _evaluate(args: Namespace) -> Result:
    model, meta = load_classifier(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    if args.split == "novel":
        raise DataError("labelled pictures have no split 'novel'; expected train, val, test or all")
    progress = decoding(console())
    skip_bad = args.skip_bad or settings.skip_bad
    own, bad = load_splits(settings.data, settings.size, seed=settings.seed, skip_bad=skip_bad, progress=progress)
    data = _data_of(args) or settings.data
    if data == settings.data:
        splits = own
    else:
        size = settings.size or model.config.height
        splits, bad = load_splits(data, size, seed=settings.seed, skip_bad=skip_bad, progress=progress)
    split = joined(splits) if args.split == "all" else splits[args.split]
    split = fit(split, model, data)
    other = data != settings.data
    drawn = settings.kind == "shapes"  # these are not stored: they are drawn again
    marks = [mark for name in ("train", "val") for mark in own[name].fingerprints()] if drawn else meta["seen"].split()
    split, seen = _unseen(split, args, other, set(marks))
    report = classification.evaluate(model, split, own["train"])
    return {
        "data": data,
        "split": args.split,
        **report,
        "left_out": bad,
        "already_seen": seen,
        "whole": not other and args.split != "all",
    }


def _unseen(split: LabelledImages, args: Namespace, other: bool, seen: set[str]) -> tuple[LabelledImages, int]:
    """Of other data, and of everything, the pictures that the run has not trained or chosen on; and how many it has.

    A set's own test part stays whole, so that its score can be compared with others'.
    """
    if args.split in ("train", "val") and not other:
        return split, 0
    new = np.array([k for k, mark in enumerate(split.fingerprints()) if mark not in seen], np.int64)
    if not len(new):
        raise DataError(f"the run in {args.run} has seen every picture of these; there is nothing to judge it on")
    known = len(split) - len(new)
    return (split.take(new) if other or args.split == "all" else split), known


def _show_evaluation(report: Result) -> str:
    head = f"{report['n']} pictures ({report['split']})"
    if report["already_seen"]:
        kept = "kept, it is the set's own test part" if report["whole"] else "left out"
        head += f"; {report['already_seen']} pictures that the run has seen in training ({kept})"
    return "\n".join([head, show_report(report), *(f"left out: {line}" for line in report["left_out"])])


# classify


def _classify_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained classifier")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="picture files")
    parser.add_argument("--invert", action="store_true", help="black on white becomes white on black, as MNIST has it")
    parser.add_argument("--skip-bad", action="store_true", help="leave unreadable pictures out, and say so")


def _classify(args: Namespace) -> Result:
    model, _ = load_classifier(args.run)
    told, bad = [], []
    for path in args.images:
        try:
            image = as_seen(load_image(path), model)
        except (DataError, OSError) as error:
            if not args.skip_bad:
                raise
            bad.append(str(error))
            continue
        logp = model.log_probabilities(255 - image[None] if args.invert else image[None])[0]
        top = [
            {"class": model.classes[k], "probability": float(np.exp(logp[k]))} for k in np.argsort(-logp)[:TOP].tolist()
        ]
        told.append({"image": str(path), **top[0], "top": top})
    return {"images": told, "left_out": bad}


def as_seen(image: Array, model: Classifier) -> Array:
    """A picture (H, W, 3) as the model was trained to see it: its size, and grey where the training pictures were."""
    from PIL import Image

    height, width, colours = model.config.height, model.config.width, model.config.colours
    if colours not in (1, 3):
        raise DataError(f"the model was trained on pictures of {colours} channels; no picture file has so many")
    if height == width:
        image = fit_square(image, height)
    else:
        image = np.array(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
    if colours == 3:
        return image
    return np.array(Image.fromarray(image).convert("L"))[..., None]


def _show_classes(result: Result) -> str:
    lines = []
    for told in result["images"]:
        others = ", ".join(f"{other['class']} {other['probability']:.1%}" for other in told["top"][1:])
        lines.append(f"{told['image']}: {told['class']} {told['probability']:.1%}" + (f" ({others})" if others else ""))
    return "\n".join([*lines, *(f"left out: {line}" for line in result["left_out"])])


CLASSIFY = Command(
    "classify",
    "say which class pictures belong to",
    "minirnn classify runs/digits seven.png --json",
    _classify_arguments,
    _classify,
    _show_classes,
)
TASK = Task(
    name=NAME,
    train=Command(
        NAME,
        "train an image classifier on drawn shapes, MNIST, CIFAR-10 or your folders of pictures",
        "minirnn train classifier --data mnist --out runs/digits --minutes 5",
        _train_arguments,
        _train,
        show_trained,
        resumes=NAME,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(CLASSIFY,),
)
