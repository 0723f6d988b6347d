"""The commands `minirnn train segmenter`, `minirnn evaluate` for its runs, and `minirnn segment`."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from minirnn.data.images import load_image
from minirnn.data.segmentation import COLOURS, LEAST, Masked, is_grey, load_folder, load_splits
from minirnn.display import console, decoding, show
from minirnn.errors import DataError
from minirnn.pair import Array
from minirnn.problem import TrainConfig
from minirnn.tasks import segmentation
from minirnn.tasks.runs import (
    data_of,
    from_meta,
    goes_on,
    lengthened,
    refuse_skip_bad,
    require_new,
    run_arguments,
    seed_of,
    show_trained,
    stored,
    summary,
)
from minirnn.tasks.segmentation import NAME, Segmenter, Settings, joined, load_segmenter, train_defaults
from minirnn.tasks.segmentation_pictures import pictures, shade, sheet, show_report
from minirnn.tasks.task import Command, Result, Task
from minirnn.train import train

CROP = {"cells": 96, "folder": 128}  # pixels a side of what is learnt from at once

# train segmenter


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'cells' (drawn, the default), or a folder of pictures and masks under the same names:"
        " image/ and label/, or train/image and train/label",
    )  # fmt: skip
    run_arguments(parser)
    parser.add_argument("--positive", choices=COLOURS,
                        help="colour of what is to be found, in the masks of a folder (default: black)")  # fmt: skip


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    system = segmentation.build(settings, progress=decoding(out))
    counts = ", ".join(f"{len(split)} for {name}" for name, split in system.splits.items())
    out.print(f"pictures with masks: {counts}", markup=False)
    show(train(system.problem(), config, args.out, resume=args.resume), out)
    model, _ = load_segmenter(args.out)
    result = {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        **summary(args.out),
        "pictures": [str(p) for p in pictures(model, system.splits["val"], args.out)],
    }
    if settings.data == "cells":
        result["next"] = f"minirnn segment {args.out} {_save_example(system.splits['test'], args.out)}"
    return result


def _new(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of a run that starts now."""
    require_new(args.out)
    data = _data_of(args) or "cells"
    if data == "cells" and args.positive:
        raise DataError("--positive is about the masks of a folder; drawn cells need none")
    crop = CROP["cells" if data == "cells" else "folder"]
    settings = Settings(data, seed_of(args), args.positive or "black", crop)
    return settings, lengthened(args, train_defaults(settings))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`."""
    return stored(args, Settings, {"data": _data_of(args), "seed": args.seed, "positive": args.positive})


def _data_of(args: Namespace) -> str | None:
    """`--data` as it is stored."""
    return data_of(args, "'cells' or a folder of pictures and masks", "cells")


def _save_example(split: Masked, folder: Path) -> Path:
    """One unseen picture as a file, for the next command."""
    path = folder / "cells.png"
    _write(path, split.images[0][..., 0])
    return path


def _write(path: Path, pixels: Array) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(path)


# evaluate


def _evaluate(args: Namespace) -> Result:
    refuse_skip_bad(args, "pictures with masks")
    model, meta = load_segmenter(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    if args.split == "novel":
        raise DataError("pictures with masks have no split 'novel'; expected train, val, test or all")
    progress = decoding(console())
    own = load_splits(settings.data, seed=settings.seed, positive=settings.positive, progress=progress)
    if f"{own['train'].digest()} {own['val'].digest()}" != meta["data"]:
        raise DataError(f"{settings.data} has changed since the run in {args.run} was trained on it; train it anew")
    learnt = joined(own["train"], own["val"])
    data, seen = _data_of(args) or settings.data, 0
    if data == settings.data:
        name = "test" if args.split == "all" else args.split  # the rest is what the run has seen
        split = own[name]
    else:
        name = "all"
        given = load_splits(data)["test"] if data == "cells" else load_folder(Path(data), settings.positive, progress)
        split, seen = _unseen(given, model, meta, data)
    report = segmentation.evaluate(model, split, learnt)
    sheet(model, split, args.run / f"masks_{name}.png", f"pictures ({name})")
    return {"data": data, "split": name, "counts": {part: len(own[part]) for part in own}, "already_seen": seen,
            **report, "pictures": [str(args.run / f"masks_{name}.png")]}  # fmt: skip


def _unseen(given: Masked, model: Segmenter, meta: Result, data: str) -> tuple[Masked, int]:
    """Of other data the pictures that the run has not learnt from, as it takes them; and how many it has."""
    fitted = Masked(tuple(_fit(image, model) for image in given.images), given.masks, given.names)
    seen = set(meta["seen"].split())
    new = np.array([k for k, mark in enumerate(fitted.fingerprints()) if mark not in seen], np.int64)
    if not len(new):
        raise DataError(f"the run has seen every picture of {data}; there is nothing to judge it on")
    return fitted.take(new), len(given) - len(new)


def _show_evaluation(report: Result) -> str:
    counts = ", ".join(f"{n} {part}" for part, n in report["counts"].items())
    head = f"{report['n']} pictures ({report['split']}; the run's own: {counts}), {report['share']:.1%} of their pixels"
    lines = [f"{head} to be found", show_report(report)]
    lines.append(f"Threshold {report['threshold']:.2f}, chosen on the validation pictures; those of the grey on the"
                 " training and validation pictures.")  # fmt: skip
    if report["already_seen"]:
        lines.insert(1, f"{report['already_seen']} pictures that the run has learnt from are left out")
    return "\n".join([*lines, f"Pictures: {'  '.join(report['pictures'])}"])


# segment


def _segment_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained segmenter")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="picture files, of any size")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the masks (default: masks in RUN)")
    parser.add_argument("--flips", action="store_true", help="mean of four answers, for the picture and its mirrors")


def _segment(args: Namespace) -> Result:
    model, _ = load_segmenter(args.run)
    folder = args.out or args.run / "masks"
    targets = [folder / f"{path.stem}.png" for path in args.images]
    for k, target in enumerate(targets):
        if target in targets[:k]:
            other = args.images[targets.index(target)]
            raise DataError(f"the masks of {other} and {args.images[k]} would both be {target}; name one at a time")
        if target.exists() and target.resolve() in [path.resolve() for path in args.images]:
            raise DataError(f"the mask {target} would replace a picture; choose another folder with --out")
    told = []
    folder.mkdir(parents=True, exist_ok=True)
    for path, target in zip(args.images, targets):
        image = load_image(path)
        if min(image.shape[:2]) < LEAST:
            raise DataError(f"{path} is {image.shape[1]} x {image.shape[0]} pixels large; expected at least {LEAST}")
        mask = model.mask(_fit(image, model), flips=args.flips)
        _write(target, shade(mask, model))
        told.append({"image": str(path), "mask": str(target), "share": float(mask.mean())})
    return {"images": told, "threshold": model.threshold, "colour": model.positive}


def _fit(image: Array, model: Segmenter) -> Array:
    """A picture (H, W, C) with as many channels as the model was trained on."""
    if image.shape[2] == model.config.colours:
        return image
    if model.config.colours == 3:
        return np.repeat(image, 3, axis=2)
    if is_grey(image):
        return image[..., :1]
    grey: Array = np.rint(image @ np.array([0.299, 0.587, 0.114]))[..., None].astype(np.uint8)
    return grey


def _show_segments(result: Result) -> str:
    return "\n".join(f"{told['image']}: {told['share']:.1%} found, mask {told['mask']}" for told in result["images"])


SEGMENT = Command(
    "segment",
    "find cell membranes, or what a run was trained to find, pixel by pixel",
    "minirnn segment runs/cells slice.png --out masks",
    _segment_arguments,
    _segment,
    _show_segments,
)
TASK = Task(
    name=NAME,
    train=Command(
        NAME,
        "train a U-Net that marks pixels, on drawn cells or your pictures with masks",
        "minirnn train segmenter --data membrane --out runs/membrane --minutes 10",
        _train_arguments,
        _train,
        show_trained,
        resumes=NAME,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(SEGMENT,),
)
