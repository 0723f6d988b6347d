"""The command `minirnn detect`: what is in pictures of any size."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from minirnn.boxes import Found
from minirnn.data.detection import squashed
from minirnn.data.images import load_image
from minirnn.errors import DataError
from minirnn.pair import Array
from minirnn.tasks.detection import Detector, load_detector
from minirnn.tasks.detection_pictures import above, boxes_sheet
from minirnn.tasks.task import Command, Result


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
