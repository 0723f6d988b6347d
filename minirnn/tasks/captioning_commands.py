"""The commands of the captioner: `train captioner`, `caption`, `demo`, and its part of `evaluate`."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.captioning import CaptionSplit, load_photos, scene_split, stored_size
from minirnn.data.images import fit_square, load_image
from minirnn.display import clock, console, scores_text, show
from minirnn.errors import DataError
from minirnn.models.captioner_params import CELLS
from minirnn.problem import TrainConfig
from minirnn.tasks import captioning
from minirnn.tasks.captioning import NO_IMAGE, Settings, System
from minirnn.tasks.task import Command, Result, Task
from minirnn.train import BEST, LAST

DEMO_SECONDS = 100.0  # of training; drawing, judging and pictures take the rest of two minutes
SHEET = 12  # pictures on a contact sheet


def _model_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--cell", choices=CELLS, help="the decoder's cell (default: lstm)")
    parser.add_argument("--attention", action="store_true", default=None, help="look at the picture through attention")
    parser.add_argument("--seed", type=int, help="of the weights, the data order and drawn scenes (default: 0)")


def _settings(args: Namespace, data: str) -> Settings:
    seed = 0 if args.seed is None else args.seed
    if seed < 0:
        raise DataError(f"--seed is {seed}; expected at least 0")
    image = "attention" if args.attention else "every"
    photos: dict[str, Any] = {} if data == "scenes" else {"min_count": 5, "augment": True}
    return Settings(data=data, seed=seed, cell=args.cell or "lstm", image=image, **photos)


# train captioner


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'scenes' (drawn, the default), or the folder or file of captioned photographs:"
        " Flickr8k's captions.txt or Flickr8k.token.txt, Karpathy's dataset.json, COCO captions JSON",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    _model_arguments(parser)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, metavar="M", help="train for about so long, baseline included")
    length.add_argument("--epochs", type=float, metavar="E", help="passes over the training pictures")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, with its own settings")
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave unreadable pictures and captions out, and say so"
    )


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    if args.resume and (args.out / LAST).exists():
        settings, config = _stored(args)
    else:
        settings = _settings(args, args.data or "scenes")
        config = captioning.train_defaults(settings)
        if args.minutes is not None:
            config = replace(config, seconds=_positive("--minutes", args.minutes) * 60, epochs=1000.0)
        if args.epochs is not None:
            config = replace(config, epochs=_positive("--epochs", args.epochs))
    system, bad = captioning.build(settings, skip_bad=args.skip_bad)
    for line in bad:
        out.print(f"left out: {line}", markup=False)
    counts = ", ".join(f"{len(split)} for {name}" for name, split in system.splits.items())
    out.print(f"pictures: {counts}; {len(system.vocabulary)} words", markup=False)
    show(captioning.train_captioner(system, config, args.out, resume=args.resume), out)
    return {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        "left_out": bad,
        **_summary(args.out),
        "pictures": [str(p) for p in _pictures(system, args.out, "val")],
    }


def _positive(name: str, value: float) -> float:
    if not value > 0:
        raise DataError(f"{name} is {value:g}; expected more than 0")
    return value


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`; a flag that says otherwise is refused."""
    _, meta = load(args.out / LAST)
    settings = Settings(**meta["problem"]["settings"])
    config = TrainConfig(**meta["train"])
    whole = None if config.seconds is None else config.seconds / captioning.CAPTIONER_SHARE
    config = replace(config, seconds=whole)
    mine = {
        "data": settings.data,
        "cell": settings.cell,
        "attention": settings.image == "attention",
        "seed": settings.seed,
        "minutes": None if whole is None else whole / 60,
        "epochs": config.epochs,
    }
    for name, value in mine.items():
        asked = getattr(args, name)
        if asked is not None and asked != value:
            raise DataError(f"--{name} is {asked}, but the run in {args.out} was started with {value}; leave it out")
    return settings, config


def _summary(folder: Path) -> Result:
    """How the training went."""
    _, meta = load(folder / LAST)
    progress = meta["progress"]
    best: Result = next((c for c in progress["checks"] if c["step"] == progress["best_step"]), {})
    return {"steps": progress["step"], "best_step": progress["best_step"], "validation": best}


def _pictures(system: System, folder: Path, split: str, data: CaptionSplit | None = None) -> list[Path]:
    """Curves and a contact sheet of captioned pictures; a map of the attention where there is one."""
    model, _ = captioning.load_captioner(folder)
    progress, blind = (load(f / LAST)[1]["progress"] for f in (folder, folder / NO_IMAGE))
    best = "exact_match" if system.drawn else "cider"
    made = [plots.curves(folder / "curves.png", progress["losses"], progress["checks"], best, blind=blind["losses"])]
    data = data or system.splits[split]
    some = data.take(np.arange(min(SHEET, len(data))))
    size = model.config.image_size
    edge = (some.images.shape[1] - size) // 2
    views = some.images[:, edge : edge + size, edge : edge + size]
    captions = model.captions(some.images)
    sheet = plots.contact_sheet(
        folder / "captions.png", views, captions, some.references(), exact=system.drawn,
        title=f"What the model says of pictures it has never seen ({split})",
    )  # fmt: skip
    made.append(sheet)
    if model.config.image == "attention":
        longest = int(np.argmax([len(c) for c in captions]))
        made.append(_attention_map(model, some.images[longest], folder / "attention.png"))
    return made


def _attention_map(model: captioning.Captioner, image: Any, path: Path) -> Path:
    (told,) = model.greedy(image[None], maps=True)
    size = model.config.image_size
    edge = (image.shape[0] - size) // 2
    view = image[edge : edge + size, edge : edge + size]
    return plots.attention_map(path, view, model.text(told.words).split(), told.kept, model.config.grid)


def _show_train(result: Result) -> str:
    return (
        f"{result['steps']} steps in {clock(result['seconds'])}; best at step {result['best_step']}: "
        f"{scores_text(result['validation'])}\n"
        f"Pictures: {'  '.join(result['pictures'])}\n"
        f"Next: minirnn evaluate {result['run']}"
    )


# evaluate


def _evaluate(args: Namespace) -> Result:
    _, meta = load(args.run / BEST)
    settings = Settings(**meta["settings"])
    data = args.data or settings.data
    bad: list[str] = []
    left_out = 0
    if data == "scenes":
        split = scene_split("test" if args.split == "all" else args.split, settings.seed, meta["model"]["image_size"])
    else:
        split, left_out, bad = _photos(Path(data), args, settings, meta)
    report = captioning.evaluate(args.run, split, exact=data == "scenes")
    return {"data": data, "split": args.split, **report, "left_out": bad, "already_seen": left_out}


def _photos(source: Path, args: Namespace, settings: Settings, meta: Result) -> tuple[CaptionSplit, int, list[str]]:
    """A split of a photo set; for test and all, without any picture that the run has trained or chosen on."""
    if args.split == "novel":
        raise DataError("photographs have no split 'novel'; expected train, val, test or all")
    size = meta["model"]["image_size"]
    splits, bad = load_photos(source, size, seed=settings.seed, skip_bad=args.skip_bad)
    names = tuple(splits) if args.split == "all" else (args.split,)
    parts = [splits[name] for name in names]
    whole = CaptionSplit(
        np.concatenate([p.images for p in parts]),
        tuple(c for p in parts for c in p.captions),
        tuple(n for p in parts for n in p.names),
    )
    if args.split in ("train", "val"):
        return whole, 0, bad
    seen = set(meta["seen"])
    new = np.array([k for k, mark in enumerate(whole.fingerprints()) if mark not in seen], int)
    if not len(new):
        raise DataError(f"the run in {args.run} has seen every picture of {source}; there is nothing to judge it on")
    return whole.take(new), len(whole) - len(new), bad


def show_report(report: Result) -> str:
    """Scores beside the baselines, as a table."""
    names = [k for k in ("exact_match", "bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider") if k in report]
    rows = {"this model": report, **{k.replace("_", " "): v for k, v in report["baselines"].items()}}
    lines = [" " * 16 + "".join(f"{name:>13}" for name in names)]
    lines += [f"{label:<16}" + "".join(f"{row[name]:13.3f}" for name in names) for label, row in rows.items()]
    if "pointing" in report:
        lines.append(f"attention peaks on the shape being named: {report['pointing']:.1%} of shape words")
    return "\n".join(lines)


def _show_evaluation(report: Result) -> str:
    head = f"{report['n']} pictures ({report['split']})"
    if report["already_seen"]:
        head += f"; {report['already_seen']} left out because the run has seen them"
    return "\n".join([head, show_report(report), *(f"left out: {line}" for line in report["left_out"])])


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
        told = model.beam(image, args.beam)
        captions.append({
            "image": str(path),
            "caption": model.text(told[0].words),
            "logprob": round(told[0].score, 4),
            "alternatives": [model.text(h.words) for h in told[1:]],
        })  # fmt: skip
        if args.attention_map:
            _attention_map(model, image, args.attention_map)
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


def _demo_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=DEMO_SECONDS, metavar="S",
                        help=f"longest training time (default: {DEMO_SECONDS:g})")  # fmt: skip
    _model_arguments(parser)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="default: runs/demo")


def _demo(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings = _settings(args, "scenes")
    config = replace(captioning.train_defaults(settings), seconds=_positive("--seconds", args.seconds))
    out.print("Drawing scenes: one to three coloured shapes and one caption each.", markup=False)
    system, _ = captioning.build(settings)
    what = f"{settings.cell.upper()}{' with attention' if settings.image == 'attention' else ''}"
    out.print(
        f"Training a captioner from nothing on {len(system.splits['train'])} of them: a convolutional encoder and an "
        f"{what} decoder, every gradient written by hand. At most {clock(args.seconds)}.",
        markup=False,
    )  # fmt: skip
    show(captioning.train_captioner(system, config, args.out), out)
    reports, splits = {}, {}
    for name in ("test", "novel"):
        splits[name] = scene_split(name, settings.seed, system.config.image_size)
        reports[name] = captioning.evaluate(args.out, splits[name], exact=True)
    pictures = _pictures(system, args.out, "test", splits["test"])
    example = _save_example(splits["test"], args.out)
    return {
        "run": str(args.out),
        "settings": asdict(settings),
        **_summary(args.out),
        **reports,
        "pictures": [str(p) for p in pictures],
        "example": str(example),
        "seconds": round(time.monotonic() - began, 1),
    }


def _save_example(split: CaptionSplit, folder: Path) -> Path:
    """One unseen scene as a file, for the next command."""
    from PIL import Image

    path = folder / "scene.png"
    Image.fromarray(split.images[1]).save(path)
    return path


def _show_demo(result: Result) -> str:
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


TASK = Task(
    name="captioner",
    train=Command(
        "captioner",
        "train an image captioner on drawn scenes or on your photographs",
        "minirnn train captioner --data flickr8k --out runs/photos --minutes 15",
        _train_arguments,
        _train,
        _show_train,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(
        Command(
            "demo",
            "train a captioner on drawn scenes in about two minutes and look at what it says",
            "minirnn demo --cell gru --out runs/gru",
            _demo_arguments,
            _demo,
            _show_demo,
        ),
        Command(
            "caption",
            "caption pictures with a trained model",
            "minirnn caption runs/photos picture.jpg --beam 5",
            _caption_arguments,
            _caption,
            _show_captions,
        ),
    ),
)
