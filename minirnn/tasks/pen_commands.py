"""The commands `minirnn train pen`, `minirnn evaluate` and `minirnn read-pen`, and the line in the table of tasks."""

from __future__ import annotations

import json
import math
import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

from minirnn.checkpoint import load
from minirnn.data.evenly import evenly
from minirnn.data.pen_files import fingerprint, load_unlabelled, load_written
from minirnn.data.pen_forms import FORMS
from minirnn.data.text import tidy
from minirnn.data.unipen import split_inks
from minirnn.data.unipen_text import Ink
from minirnn.display import console, show
from minirnn.errors import DataError
from minirnn.problem import TrainConfig
from minirnn.tasks import pen
from minirnn.tasks.pen import NAME, Settings, System, load_reader
from minirnn.tasks.pen_pictures import letters_picture, pictures
from minirnn.tasks.reading import as_read, show_scores
from minirnn.tasks.reading_words import decoding_arguments, decoding_of, save_words
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
from minirnn.train import LAST, train

EXAMPLES = 3  # words that training leaves in the run's folder
WHAT = "'drawn', an npz file of pen strokes, or a file or folder of UNIPEN files"

# train pen


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'drawn' (the default: strings of digits), or handwriting: an npz file with xy, pen_up, offsets,"
        " labels and writer_file, a UNIPEN file, or a folder of them",
    )  # fmt: skip
    run_arguments(parser)
    parser.add_argument("--features", choices=FORMS, help="what strokes are turned into: evenly spaced points, or a few"
                        " Bézier pieces (default: points)")  # fmt: skip


def _train(args: Namespace) -> Result:
    out, began = console(), time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    system = System(settings, pen.load_data(settings))
    if goes_on(args) and load(args.out / LAST)[1]["problem"].get("ink") != system.fingerprint:
        raise DataError(f"{settings.data} has changed since the run in {args.out} began; expected it as it was")
    problem = system.problem()
    left = len(system.inks["train"]) - problem.examples
    counts = ", ".join(f"{len(inks)} for {name}" for name, inks in system.inks.items())
    out.print(
        f"words: {counts}, by writer; {len(system.alphabet.characters)} characters"
        + (f"; {left} of train are left out: too long, or too short for their text" if left else ""),
        markup=False,
    )
    if config.seconds and not goes_on(args):  # reading and resampling are part of the time that was given
        spent = (time.monotonic() - began) / config.seconds
        config = replace(config, share=round(max(0.05, 1 - spent), 4))
    show(train(problem, config, args.out, resume=args.resume), out)
    model, _ = load_reader(args.out)
    known = [tidy(ink.label) for ink in system.inks["train"]]
    save_words(args.out, known, pen.ways_of(model, known, system.inks["val"])[as_read(known)])
    examples = _save_examples(system.inks["val"], args.out)
    result: Result = {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        "left_out": left,
        **summary(args.out),
        "pictures": [str(path) for path in pictures(model, system.written("val"), args.out)],
        "examples": [str(path) for path in examples],
        "next": f"minirnn read-pen {args.out} {' '.join(map(str, examples))} --picture {args.out / 'read.png'}",
    }
    result["validation"] = {k: v for k, v in result["validation"].items() if k != "minus_cer"}
    return result


def _new(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of a run that starts now."""
    require_new(args.out)
    settings = Settings(_data_of(args) or "drawn", seed_of(args), args.features or "points")
    return settings, lengthened(args, pen.train_defaults(settings))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`."""
    return stored(args, Settings, {"data": _data_of(args), "features": args.features, "seed": args.seed})


def _data_of(args: Namespace) -> str | None:
    """`--data` as it is stored."""
    return data_of(args, WHAT, "drawn")


def _save_examples(val: list[Ink], folder: Path) -> list[Path]:
    """Some unseen words as JSON files, y down as on a screen, for the next command."""
    paths = []
    for k, ink in enumerate([val[n] for n in evenly(len(val), EXAMPLES)], start=1):
        path = folder / f"word-{k}.json"
        size = float(np.ptp(np.concatenate(ink.strokes), axis=0).max())
        places = 4 - math.floor(math.log10(size)) if size else 6  # decimals: a ten thousandth of the word, or finer
        strokes = [[[round(float(x), places), round(-float(y), places)] for x, y in stroke] for stroke in ink.strokes]
        path.write_text(json.dumps(strokes) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


# evaluate


def _evaluate(args: Namespace) -> Result:
    refuse_skip_bad(args, "handwriting")
    model, meta = load_reader(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    split, data = args.split, _data_of(args) or settings.data
    if split not in ("train", "val", "test", "all"):
        raise DataError(f"handwriting has no split {split!r}; expected train, val, test or all")
    own = pen.load_data(settings)
    if fingerprint(own) != meta["ink"]:
        raise DataError(f"{settings.data} has changed since the run in {args.run} was trained on it; train it anew")
    if data == settings.data:
        split = "test" if split == "all" else split  # the rest is what the run has seen
        inks, sizes = own[split], own
    else:
        every = load_written(Path(data))
        sizes = {"all": every} if split == "all" else split_inks(every)
        inks = sizes[split]
    known = [tidy(ink.label) for ink in own["train"]]
    found = pen.report(model, inks, known, own["val"])
    counts = {name: len(some) for name, some in sizes.items()}
    return {"data": data, "split": split, "sizes": counts, "trained_on": len(own["train"]), **found}


def _show_evaluation(result: Result) -> str:
    sizes = ", ".join(f"{n} for {name}" for name, n in result["sizes"].items())
    return "\n".join([
        f"{result['n']} words of {result['writers']} writer files ({result['split']}; words: {sizes};"
        f" the run was trained on {result['trained_on']})",
        show_scores({**result["readings"], **result["baselines"]}),
        "Lexicon and n-gram are those of the training words;"
        f" {result['in_lexicon']:.1%} of the words judged here are in the lexicon. `minirnn read-pen` reads as in"
        f" the row {result['as_read']!r}.",
    ])  # fmt: skip


# read-pen


def _read_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained pen reader")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="pen strokes: JSON [[[x, y], …], …] with y"
                        " down, ndjson as of Quick, Draw!, npz, or UNIPEN")  # fmt: skip
    parser.add_argument("--first", type=int, default=8, metavar="N", help="words of each file to read (default: 8)")
    decoding_arguments(parser)
    parser.add_argument("--picture", type=Path, metavar="PNG",
                        help="the ink, coloured by what was read, and what the model says when")  # fmt: skip


def _read(args: Namespace) -> Result:
    model, _ = load_reader(args.run)
    if args.first < 1:
        raise DataError(f"--first is {args.first}; expected at least 1")
    if args.picture and args.picture.suffix.lower() != ".png":
        raise DataError(f"--picture is {args.picture}; expected the name of a PNG file")
    how = decoding_of(args, model.alphabet)
    inks: list[Ink] = []
    rows: list[Result] = []
    for path in args.files:
        found = load_unlabelled(path)[: args.first]
        inks += found
        labels = enumerate((tidy(ink.label) for ink in found), start=1)
        rows += [{"file": str(path), "word": k, "written": label or None} for k, label in labels]
    items = model.prepare(inks)
    logp = model.logp(items)
    told = model.decode(logp, how)
    rows = [{**row, "text": t.text, "probability": round(t.probability, 4)} for row, t in zip(rows, told)]
    drawn = []
    if args.picture:
        many = len(rows) > len(args.files)
        names = [f"{Path(r['file']).name}{', word ' + str(r['word']) if many else ''}" for r in rows]
        drawn.append(str(letters_picture(args.picture, model, items, logp, [t.text for t in told], names)))
    return {"words": rows, "pictures": drawn}


def _show_read(result: Result) -> str:
    many = any(row["word"] > 1 for row in result["words"])
    lines = []
    for row in result["words"]:
        wrong = f"; written: {row['written']}" if row["written"] not in (None, row["text"]) else ""
        name = f"{row['file']}{', word ' + str(row['word']) if many else ''}"
        lines.append(f"{name}: {row['text'] or '(nothing)'} ({row['probability']:.1%}{wrong})")
    return "\n".join([*lines, *[f"Picture: {path}" for path in result["pictures"]]])


TASK = Task(
    name=NAME,
    train=Command(
        NAME,
        "train a reader of pen strokes on strings of digits or on handwriting of your own",
        "minirnn train pen --data words.npz --out runs/pen --minutes 12",
        _train_arguments,
        _train,
        show_trained,
        resumes=NAME,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(
        Command(
            "read-pen",
            "read what a pen wrote",
            "minirnn read-pen runs/pen word-1.json --picture letters.png",
            _read_arguments,
            _read,
            _show_read,
        ),
    ),
)
