"""The commands `minirnn train clips`, `minirnn evaluate` for its runs, and `minirnn clip`."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from minirnn.data.frames import grey_squares, load_clip, save_gif
from minirnn.data.moving_digits import digit_splits, fingerprint
from minirnn.display import console, show
from minirnn.errors import DataError
from minirnn.problem import TrainConfig
from minirnn.tasks import clips
from minirnn.tasks.clips import CLASSES, NAME, Settings, System, load_watcher
from minirnn.tasks.clips_pictures import pictures
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
from minirnn.tasks.task import Command, Result, Task

TOP = 3  # classes that `clip` names
WHAT = "'drawn' or the folder of MNIST's IDX files"

# train clips


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="what the digits that move are: 'drawn' (the default), or the folder of MNIST's four IDX files"
    )
    run_arguments(parser)
    parser.add_argument("--label", choices=tuple(CLASSES), help="what is to be told (default: motion)")


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    system = clips.build(settings)
    config = _with_defaults(args, config, system)
    counts = ", ".join(f"{len(split.labels)} for {name}" for name, split in system.digits.items())
    out.print(f"digits: {counts}; classes: {', '.join(CLASSES[settings.label])}", markup=False)
    show(clips.train_clips(system, config, args.out, resume=args.resume), out)
    model, _ = load_watcher(args.out)
    example = save_gif(args.out / "clip.gif", clips.clips_of(system.digits, "test", settings.seed).frames[0])
    return {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        **summary(args.out),
        "pictures": [str(p) for p in pictures(model, system.val, settings.label, args.out)],
        "next": f"minirnn clip {args.out} {example}",
    }


def _new(args: Namespace) -> tuple[Settings, TrainConfig | None]:
    """The settings of a run that starts now; how it is trained depends on how many digits there are."""
    require_new(args.out)
    return Settings(_data_of(args) or "drawn", args.label or "motion", seed_of(args)), None


def _with_defaults(args: Namespace, config: TrainConfig | None, system: System) -> TrainConfig:
    if config is not None:
        return config
    return lengthened(args, clips.train_defaults(system.settings, len(system.digits["train"].labels)))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig | None]:
    """The settings of the run in `args.out`."""
    return stored(args, Settings, {"data": _data_of(args), "label": args.label, "seed": args.seed})


def _data_of(args: Namespace) -> str | None:
    """`--data` as it is stored."""
    return data_of(args, WHAT, "drawn")


# evaluate


def _evaluate(args: Namespace) -> Result:
    refuse_skip_bad(args, "clips of digits")
    _, meta = load_watcher(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    if args.split == "novel":
        raise DataError("clips of digits have no split 'novel'; expected train, val, test or all")
    split = "test" if args.split == "all" else args.split  # the rest is what the run has seen
    data = _data_of(args) or settings.data
    digits = digit_splits(data, settings.seed)
    if data == settings.data and fingerprint(digits) != meta["digits"]:
        raise DataError(f"{data} has changed since the run in {args.run} was trained on it; train it anew")
    report = clips.evaluate(args.run, clips.clips_of(digits, split, settings.seed))
    counts = {name: len(part.labels) for name, part in digits.items()}
    return {"data": data, "split": split, "digits": counts, **report}


def _show_evaluation(report: Result) -> str:
    counts = ", ".join(f"{n} {name}" for name, n in report["digits"].items())
    lines = [f"{report['n']} clips ({report['split']}) of digits that move; digits: {counts}"]
    names = {
        "recurrent": "this model (CNN, recurrent)",
        "chance": "chance",
        "one_frame": "one frame (CNN, two layers)",
        "any_order": "all frames, no order (CNN, mean, two layers)",
    }
    width = max(map(len, names.values()))
    for kind, right in {"recurrent": report["accuracy"], **report["baselines"]}.items():
        after = f"  after {report['steps'][kind]} steps" if kind in report["steps"] else ""
        lines.append(f"{names[kind]:<{width}}  {right:7.2%}{after}")
    worst = min(report["per_class"], key=report["per_class"].__getitem__)
    lines.append(f"hardest {report['label']}: {worst}, {report['per_class'][worst]:.1%} right")
    return "\n".join(lines)


# clip


def _clip_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained model")
    parser.add_argument(
        "clips", type=Path, nargs="+", metavar="CLIP",
        help="animated GIF, PNG or WebP, folder of pictures, or .npy file; bright digits on a dark ground",
    )  # fmt: skip


def _clip(args: Namespace) -> Result:
    model, meta = load_watcher(args.run)
    told = []
    for path in args.clips:
        frames = grey_squares(load_clip(path), model.config.size)
        chance = model.probabilities(frames[None])[0]
        top = [{"class": model.names[k], "probability": round(float(chance[k]), 4)} for k in np.argsort(-chance)[:TOP]]
        told.append({"clip": str(path), "frames": len(frames), **top[0], "top": top})
    return {"label": meta["settings"]["label"], "clips": told}


def _show_clip(result: Result) -> str:
    lines = []
    for told in result["clips"]:
        others = ", ".join(f"{other['class']} {other['probability']:.1%}" for other in told["top"][1:])
        lines.append(f"{told['clip']}: {told['class']} {told['probability']:.1%} ({others})")
    return "\n".join(lines)


TASK = Task(
    name=NAME,
    train=Command(
        NAME,
        "train a recogniser of motions on clips of moving digits",
        "minirnn train clips --data mnist --out runs/clips --minutes 5",
        _train_arguments,
        _train,
        show_trained,
        resumes=NAME,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(
        Command(
            "clip",
            "say which motion a clip shows",
            "minirnn clip runs/clips clip.gif",
            _clip_arguments,
            _clip,
            _show_clip,
        ),
    ),
)
