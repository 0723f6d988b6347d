"""The commands `minirnn train gestures`, `minirnn evaluate` and `minirnn gesture`, and the line in the table."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from minirnn import plots
from minirnn.checkpoint import load
from minirnn.data.gestures import ASPECT, FOLDS, GROUPS, Tracks, load_tracks, load_unlabelled, recordings
from minirnn.display import console, show
from minirnn.errors import DataError
from minirnn.models.cells import CELLS
from minirnn.pair import Array
from minirnn.problem import TrainConfig
from minirnn.tasks import gestures
from minirnn.tasks.gestures import Settings, System
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
from minirnn.train import LAST

SHEET = 12  # tracks in the picture

# train gestures


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'drawn' (the default), or the folder or CSV file of fingertip tracks:"
        " a class and 16 points x,y a line, as point_history.csv",
    )  # fmt: skip
    run_arguments(parser)
    parser.add_argument("--cell", choices=CELLS, help="the recurrent cell (default: gru)")
    parser.add_argument("--by", choices=GROUPS, help="hold out single tracks, or whole unbroken recordings, whose"
                        " windows overlap (default: row)")  # fmt: skip
    parser.add_argument("--folds", action="store_true", default=None,
                        help=f"train {FOLDS} models, each judged on a fifth that it has not seen")  # fmt: skip


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    system = System(settings, gestures.load_data(settings))
    counts = ", ".join(f"{len(split)} for {name}" for name, split in system.splits.items())
    out.print(f"tracks: {counts}; classes: {', '.join(system.tracks.names)}", markup=False)
    show(gestures.train_gestures(system, config, args.out, resume=args.resume), out)
    result: Result = {"run": str(args.out), "seconds": 0.0, **summary(args.out)}
    if settings.folds:
        result["folds"] = _folds(args.out, system.tracks, "test")
    result["pictures"] = [str(p) for p in _pictures(system, args.out)]
    result["seconds"] = round(time.monotonic() - began, 1)
    track = _save_example(system.splits["test"], args.out)
    result["next"] = f"minirnn gesture {args.out} {track}"
    return result


def _new(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of a run that starts now."""
    require_new(args.out)
    settings = Settings(_data_of(args) or "drawn", seed_of(args), args.cell or "gru", args.by or "row",
                        bool(args.folds))  # fmt: skip
    return settings, lengthened(args, gestures.train_defaults(settings))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`."""
    given = {"data": _data_of(args), "cell": args.cell, "by": args.by, "folds": args.folds, "seed": args.seed}
    settings, config = stored(args, Settings, given)
    return settings, TrainConfig(**{**vars(config), "share": 1.0})


def _data_of(args: Namespace) -> str | None:
    """`--data` as it is stored."""
    return data_of(args, "'drawn' or the folder or file of fingertip tracks", "drawn")


def _folds(folder: Path, tracks: Tracks, split: str) -> Result:
    """The mean over all folds, and each."""
    return gestures.mean_of([gestures.evaluate_fold(folder, fold, split, tracks) for fold in range(FOLDS)])


def _save_example(split: Tracks, folder: Path) -> Path:
    """One unseen track as a file, for the next command."""
    path = folder / "track.csv"
    path.write_text("".join(f"{x:.6f},{y:.6f}\n" for x, y in split.xy[0]), encoding="utf-8")
    return path


def _pictures(system: System, folder: Path) -> list[Path]:
    """Curves, the confusion matrix of the test fold, and some of its tracks: wrong ones first."""
    model, _ = gestures.load_recogniser(folder)
    progress = load(folder / LAST)[1]["progress"]
    test = system.splits["test"]
    chance = model.probabilities(test.xy)
    right = chance.argmax(axis=1) == test.labels
    curves = plots.curves(
        folder / "curves.png", progress["losses"], progress["checks"], "accuracy", unit="nats per track"
    )
    title = f"{len(test)} unseen tracks, {right.mean():.1%} right"
    matrix = plots.confusion(
        folder / "confusion.png", gestures.confusion(chance, test), test.names, title
    )  # fmt: skip
    return [curves, matrix, _sheet(test, chance, folder / "tracks.png")]


def _sheet(test: Tracks, chance: Array, path: Path) -> Path:
    """Up to four wrong tracks, then right ones of every class in turn."""
    says = chance.argmax(axis=1)
    wrong = np.flatnonzero(says != test.labels)
    once = {test.xy[n].tobytes(): n for n in reversed(wrong)}  # the same mistake once
    wrong = np.sort(np.array(list(once.values()), np.int64))[:4]
    turns = [np.flatnonzero((says == test.labels) & (test.labels == c)) for c in range(len(test.names))]
    others = [int(t[k]) for k in range(SHEET) for t in turns if k < len(t)][: SHEET - len(wrong)]
    some = np.array([*wrong, *others], int)
    xy = test.xy[some] * np.array([ASPECT, 1], np.float32)
    size = np.ptp(xy, axis=1).max(axis=1)
    good = says[some] == test.labels[some]
    notes = [
        f"{'' if fine else f'labelled {test.names[test.labels[n]]}, '}{s:.1%} of the height"
        for n, fine, s in zip(some, good, size)
    ]
    words = [f"{test.names[says[n]]} ({chance[n].max():.0%})" for n in some]
    title = "What the model says of tracks that it was not trained on, wrong ones first"
    return plots.tracks_sheet(path, xy, words, good.tolist(), notes, title=title)


def _show_train(result: Result) -> str:
    text = show_trained(result)
    return f"{show_folds(result['folds'])}\n{text}" if "folds" in result else text


# evaluate


def _evaluate(args: Namespace) -> Result:
    refuse_skip_bad(args, "fingertip tracks")
    model, meta = gestures.load_recogniser(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    split = args.split
    if split == "novel":
        raise DataError("fingertip tracks have no split 'novel'; expected train, val, test or all")
    data = _data_of(args) or settings.data
    own = gestures.load_data(settings)
    if gestures.fingerprint(own) != meta["tracks"]:
        raise DataError(f"{settings.data} has changed since the run in {args.run} was trained on it; train it anew")
    given = own if data == settings.data else load_tracks(Path(data))
    if gestures.fingerprint(given) == meta["tracks"]:
        split = "test" if split == "all" else split  # the rest of the file is what the run has seen
        result = gestures.evaluate_fold(args.run, 0, split, own)
        if settings.folds:
            result["folds"] = _folds(args.run, own, split)
    else:
        if given.names != model.names:
            raise DataError(f"{data} has the classes {', '.join(given.names)}; expected {', '.join(model.names)}")
        splits, split = System(settings, own).splits, "all"
        result = gestures.report(model, gestures.joined(splits["train"], splits["val"]), given)
    found = int(recordings(own.xy)[-1]) + 1
    return {"data": data, "split": split, "by": settings.by, "recordings": found, "tracks": len(own), **result}


def _show_evaluation(result: Result) -> str:
    width = max(len(name) for name in result["classes"])
    rows = {"this model": result["accuracy"]} | {
        name.replace("_", " "): row["accuracy"] for name, row in result["baselines"].items()
    }
    lines = [f"{result['n']} tracks ({result['split']}, held out by {result['by']})", f"{'':<20}accuracy"]
    lines += [f"{name:<20}{share:8.1%}" for name, share in rows.items()]
    lines.append("taken for:  " + "  ".join(result["classes"]))
    for name, counts in zip(result["classes"], result["confusion"]):
        lines.append(f"  {name:<{width}}  " + "  ".join(f"{n:>5}" for n in counts))
    if "folds" in result:
        lines.append(show_folds(result["folds"]))
    if result["by"] == "row" and result["recordings"] < result["tracks"] / 2:
        lines.append(f"The {result['tracks']} tracks are windows of {result['recordings']} recordings that overlap: the"
                     " model has trained on neighbours of these. Stricter: train with --by recording")  # fmt: skip
    return "\n".join(lines)


def show_folds(found: Result) -> str:
    """The mean of the folds and each."""
    each = ", ".join(f"{share:.2%}" for share in found["each"])
    others = ", ".join(f"{name.replace('_', ' ')} {share:.1%}" for name, share in found["baselines"].items())
    return f"mean of {len(found['each'])} folds: {found['accuracy']:.2%} ({each}); baselines: {others}"


# gesture


def _gesture_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained model")
    parser.add_argument("tracks", type=Path, nargs="+", metavar="TRACK",
                        help="CSV file: 16 lines x,y, or 16 pairs a line, one track each")  # fmt: skip


def _gesture(args: Namespace) -> Result:
    model, _ = gestures.load_recogniser(args.run)
    found = []
    for path in args.tracks:
        for k, chance in enumerate(model.probabilities(load_unlabelled(path)), start=1):
            best = int(chance.argmax())
            shares = {name: round(float(p), 4) for name, p in zip(model.names, chance)}
            found.append({"file": str(path), "track": k, "gesture": model.names[best],
                          "probability": shares[model.names[best]], "probabilities": shares})  # fmt: skip
    return {"tracks": found}


def _show_gesture(result: Result) -> str:
    many = any(row["track"] > 1 for row in result["tracks"])
    return "\n".join(
        f"{row['file']}{', track ' + str(row['track']) if many else ''}: {row['gesture']} ({row['probability']:.1%})"
        for row in result["tracks"]
    )


TASK = Task(
    name="gestures",
    train=Command(
        "gestures",
        "train a recogniser of hand gestures on drawn or recorded fingertip tracks",
        "minirnn train gestures --data point_history.csv --out runs/gestures --folds",
        _train_arguments,
        _train,
        _show_train,
        resumes="gestures",
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(
        Command(
            "gesture",
            "say which gesture a fingertip track is",
            "minirnn gesture runs/gestures track.csv",
            _gesture_arguments,
            _gesture,
            _show_gesture,
        ),
    ),
)
