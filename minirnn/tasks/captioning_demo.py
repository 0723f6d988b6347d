"""The captioner in use: its demo, and `minirnn caption`."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path

from minirnn.checkpoint import load
from minirnn.data.captioning import CaptionSplit, scene_split, stored_size
from minirnn.data.images import fit_square, load_image
from minirnn.display import clock, console, show
from minirnn.errors import DataError
from minirnn.ops import FAST
from minirnn.tasks import captioning
from minirnn.tasks.captioning import NO_IMAGE
from minirnn.tasks.captioning_options import settings_of
from minirnn.tasks.captioning_pictures import attention_map, pictures, show_report
from minirnn.tasks.captioning_tools import FAST_TOOLS
from minirnn.tasks.runs import summary
from minirnn.tasks.task import Command, Result
from minirnn.train import BEST, LAST

DEMO_SECONDS = 96.0  # of training; drawing, judging and pictures take the rest of two minutes


# caption


def _caption_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained captioner")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="picture files")
    parser.add_argument("--beam", type=int, default=3, metavar="K", help="beam width; 1 is greedy (default: 3)")
    parser.add_argument("--attention-map", type=Path, metavar="PNG", help="draw where the model looked at each word")
    parser.add_argument("--skip-bad", action="store_true", help="leave unreadable pictures out, and say so")


def _caption(args: Namespace) -> Result:
    if args.beam < 1:
        raise DataError(f"--beam is {args.beam}; expected at least 1")
    model, meta = captioning.load_captioner(args.run)
    if args.attention_map and model.config.image != "attention":
        raise DataError(f"--attention-map needs a model with attention; {args.run} was trained without --attention")
    if args.attention_map and len(args.images) > 1:
        raise DataError(f"--attention-map takes one picture; {len(args.images)} were given")
    drawn = meta["settings"]["data"] == "scenes"
    size = model.config.image_size if drawn else stored_size(model.config.image_size)
    captions, bad = [], []
    for path in args.images:
        try:
            image = fit_square(load_image(path), size)
        except (DataError, OSError) as error:
            if not args.skip_bad:
                raise
            bad.append(str(error))
            continue
        told = model.beam(image, args.beam, maps=args.attention_map is not None)
        captions.append({
            "image": str(path),
            "caption": model.text(told[0].words),
            "logprob": round(told[0].score, 4),
            "alternatives": [model.text(h.words) for h in told[1:]],
        })  # fmt: skip
        if args.attention_map:
            attention_map(model, image, told[0], args.attention_map)
    result: Result = {"captions": captions, "left_out": bad}
    if args.attention_map and captions:
        result["attention_map"] = str(args.attention_map)
    return result


def _show_captions(result: Result) -> str:
    lines = [f"{c['image']}: {c['caption']}" for c in result["captions"]]
    lines += [f"left out: {line}" for line in result["left_out"]]
    if "attention_map" in result:
        lines.append(f"Picture: {result['attention_map']}")
    return "\n".join(lines)


# demo


def run_demo(args: Namespace) -> Result:
    """Train a captioner on drawn scenes, judge it, draw pictures."""
    out = console()
    began = time.monotonic()
    settings = settings_of(args, "scenes")
    config = replace(captioning.train_defaults(settings), seconds=args.seconds)
    _clear(args.out)
    out.print("Drawing scenes: one to three coloured shapes and one caption each.", markup=False)
    ops, tools = args.ops or FAST, args.tools or FAST_TOOLS
    system, _ = captioning.build(settings, ops=ops, tools=tools)
    what = f"{settings.cell.upper()}{' with attention' if settings.image == 'attention' else ''}"
    out.print(
        f"Training a captioner from nothing on {len(system.splits['train'])} of them: a convolutional encoder and an "
        f"{what} decoder, every gradient written by hand. About {clock(args.seconds)}.",
        markup=False,
    )  # fmt: skip
    show(captioning.train_captioner(system, config, args.out), out)
    reports, splits = {}, {}
    for name in ("test", "novel"):
        splits[name] = scene_split(name, settings.seed, system.config.image_size)
        reports[name] = captioning.evaluate(args.out, splits[name], exact=True, ops=ops, tools=tools)
    made = pictures(system, args.out, "test", splits["test"])
    example = _save_example(splits["test"], args.out)
    return {
        "run": str(args.out),
        "settings": asdict(settings),
        **summary(args.out),
        **reports,
        "pictures": [str(p) for p in made],
        "example": str(example),
        "seconds": round(time.monotonic() - began, 1),
    }


def _clear(folder: Path) -> None:
    """Take an earlier demo away: each starts from nothing. A run on other data is never touched."""
    for path in (folder / LAST, folder / BEST):
        meta = load(path)[1] if path.exists() else {}
        if meta.get("problem", meta).get("settings", {"data": "scenes"})["data"] != "scenes":
            raise DataError(f"{folder} holds a run on other data; choose another folder for the demo")
    for name in (LAST, BEST, "curves.png", "captions.png", "attention.png", "scene.png"):
        (folder / name).unlink(missing_ok=True)
        (folder / NO_IMAGE / name).unlink(missing_ok=True)


def _save_example(split: CaptionSplit, folder: Path) -> Path:
    """One unseen scene as a file, for the next command."""
    from PIL import Image

    path = folder / "scene.png"
    Image.fromarray(split.images[1]).save(path)
    return path


def show_demo(result: Result) -> str:
    """The text of the captioner's demo."""
    test, novel = result["test"], result["novel"]
    return "\n".join([
        "",
        f"{test['n']} scenes it has never seen:",
        show_report(test),
        "",
        f"{novel['n']} scenes with combinations of size, colour and shape that training never showed: "
        f"{novel['exact_match']:.1%} captions word for word right",
        f"Done in {clock(result['seconds'])}. Look at: {'  '.join(result['pictures'])}",
        f"Next: minirnn caption {result['run']} {result['example']}",
    ])  # fmt: skip


CAPTION = Command(
    "caption",
    "caption pictures with a trained model",
    "minirnn caption runs/photos picture.jpg --beam 5",
    _caption_arguments,
    _caption,
    _show_captions,
)
