"""The commands `minirnn train tracker`, `minirnn evaluate` for its runs, and `minirnn track`."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from minirnn.data.frames import grey_squares, load_clip, save_gif
from minirnn.data.moving_digits import fingerprint
from minirnn.display import console, show
from minirnn.errors import DataError
from minirnn.problem import TrainConfig
from minirnn.tasks import tracking
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
from minirnn.tasks.tracking import NAME, Settings, load_baseline, load_tracker
from minirnn.tasks.tracking_pictures import draw_tracks, pictures

# train tracker


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="what the digits that move are: 'drawn' (the default), or the folder of MNIST's four IDX files"
    )
    run_arguments(parser)
    parser.add_argument("--one-way", action="store_true", default=None,
                        help="know only what was before a frame, as where the clip is still going on")  # fmt: skip


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    system = tracking.build(settings)
    if config is None:
        config = lengthened(args, tracking.train_defaults(settings, len(system.digits["train"].labels)))
    counts = ", ".join(f"{len(split.labels)} for {name}" for name, split in system.digits.items())
    out.print(f"digits: {counts}", markup=False)
    show(tracking.train_tracker(system, config, args.out, resume=args.resume), out)
    model, meta = load_tracker(args.out)
    unseen = tracking.scenes_of(system.digits, "test", settings.seed)
    example = save_gif(args.out / "scene.gif", unseen.frames[0])
    return {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        **summary(args.out),
        "pictures": [str(p) for p in pictures(model, load_baseline(args.out, meta), system.val, args.out)],
        "next": f"minirnn track {args.out} {example} --digit {unseen.digits[0, 0]}",
    }


def _new(args: Namespace) -> tuple[Settings, TrainConfig | None]:
    """The settings of a run that starts now; how it is trained depends on how many digits there are."""
    require_new(args.out)
    return Settings(_data_of(args) or "drawn", seed_of(args), bool(args.one_way)), None


def _stored(args: Namespace) -> tuple[Settings, TrainConfig | None]:
    """The settings of the run in `args.out`."""
    given = {"data": _data_of(args), "seed": args.seed, "one-way": args.one_way}
    return stored(args, Settings, given, {"one-way": "one_way"})


def _data_of(args: Namespace) -> str | None:
    """`--data` as it is stored."""
    return data_of(args, "'drawn' or the folder of MNIST's IDX files", "drawn")


# evaluate


def _evaluate(args: Namespace) -> Result:
    refuse_skip_bad(args, "scenes of digits")
    _, meta = load_tracker(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    if args.split == "novel":
        raise DataError("scenes of digits have no split 'novel'; expected train, val, test or all")
    split = "test" if args.split == "all" else args.split  # the rest is what the run has seen
    data = _data_of(args) or settings.data
    own = tracking.load_digits(settings.data, settings.seed)
    if fingerprint(own) != meta["digits"]:
        raise DataError(f"{settings.data} has changed since the run in {args.run} was trained on it; train it anew")
    digits = own if data == settings.data else tracking.load_digits(data, settings.seed)
    scenes, train = (tracking.scenes_of(some, name, settings.seed) for some, name in ((digits, split), (own, "train")))
    report = tracking.evaluate(args.run, scenes, train)
    counts = {name: len(part.labels) for name, part in digits.items()}
    return {"data": data, "split": split, "digits": counts, **report}


def _show_evaluation(report: Result) -> str:
    counts = ", ".join(f"{n} {name}" for name, n in report["digits"].items())
    hidden = f"{report['hidden_frames']} of {report['frames']} frames with the digit hidden"
    lines = [f"{report['n']} scenes ({report['split']}), {hidden}; digits: {counts}"]
    ahead = "" if report["one_way"] else ", both ways"
    names = {
        "middle": "mean training box in the middle",
        "frame_by_frame": "frame by frame (the same CNN)",
        "last_seen": "  and where hidden, its last box",
        "straight_line": "  and where hidden, a straight line (sees ahead)",
    }
    rows = {f"this model (CNN, recurrent{ahead})": report}
    rows |= {names[name]: row for name, row in report["baselines"].items()}
    width = max(map(len, rows))
    lines.append(f"{'mean IoU':<{width}}  {'all':>6}  {'seen':>6}  {'hidden':>6}")
    for name, row in rows.items():
        lines.append(f"{name:<{width}}  {row['iou']:6.3f}  {row['iou_seen']:6.3f}  {row['iou_hidden']:6.3f}")
    lines.append(f"in hidden frames {report['hidden_ratio']:.2f} times the frame-by-frame CNN's;"
                 f' "hidden" told rightly in {report["hidden_told"]:.1%} of the frames')  # fmt: skip
    return "\n".join(lines)


# track


def _track_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained tracker")
    parser.add_argument(
        "clip", type=Path, metavar="CLIP",
        help="animated GIF, PNG or WebP, folder of pictures, or .npy file; bright digits on a dark ground",
    )  # fmt: skip
    parser.add_argument("--digit", type=int, required=True, metavar="D", help="the digit to follow, 0 to 9")
    parser.add_argument("--draw", type=Path, metavar="GIF", help="write the clip with its boxes there")


def _track(args: Namespace) -> Result:
    model, _ = load_tracker(args.run)
    if not 0 <= args.digit < model.config.classes:
        raise DataError(f"--digit is {args.digit}; expected 0 to {model.config.classes - 1}")
    if args.draw is not None and args.draw.suffix.lower() != ".gif":
        raise DataError(f"--draw is {args.draw}; expected a name that ends in .gif")
    clip = load_clip(args.clip)
    (T, height, width, _), size = clip.shape, model.config.size
    boxes, hidden = model.follow(grey_squares(clip, size)[None], np.array([args.digit]))
    scaled = boxes[0] * np.array([width, height, width, height]) / size
    drawn = None if args.draw is None else str(draw_tracks(clip, scaled, hidden[0] > 0.5, args.draw))
    frames = [
        {"frame": t + 1, "box": [round(float(edge), 1) for edge in scaled[t]], "hidden": round(float(hidden[0, t]), 4)}
        for t in range(T)
    ]
    return {"clip": str(args.clip), "digit": args.digit, "frames": frames, "drawn": drawn}


def _show_track(result: Result) -> str:
    lines = [f"{result['clip']}: the {result['digit']}, in pixels (left, top, right, bottom)"]
    for row in result["frames"]:
        box = "  ".join(f"{edge:6.1f}" for edge in row["box"])
        lines.append(f"frame {row['frame']:>3}  {box}" + ("  hidden" if row["hidden"] > 0.5 else ""))
    return "\n".join([*lines, *([f"Drawn: {result['drawn']}"] if result["drawn"] else [])])


TASK = Task(
    name=NAME,
    train=Command(
        NAME,
        "train a tracker that follows a digit behind a wall",
        "minirnn train tracker --data mnist --out runs/tracker --minutes 15",
        _train_arguments,
        _train,
        show_trained,
        resumes=NAME,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(
        Command(
            "track",
            "say where a digit is in every frame of a clip, seen or hidden",
            "minirnn track runs/tracker scene.gif --digit 3 --draw boxes.gif",
            _track_arguments,
            _track,
            _show_track,
        ),
    ),
)
