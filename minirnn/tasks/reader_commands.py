"""The commands `minirnn train reader`, `minirnn evaluate` and `minirnn read`, and the line in the table of tasks."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from minirnn.checkpoint import load
from minirnn.data.line_pictures import load_line, save_line
from minirnn.data.line_sets import LABELS, LineSets, kind_of, load_every, load_lines
from minirnn.data.lines import ImageLines
from minirnn.display import console, show
from minirnn.errors import DataError
from minirnn.models.cells import CELLS
from minirnn.problem import TrainConfig
from minirnn.tasks import reader
from minirnn.tasks.reader import NAME, Settings, System, load_reader
from minirnn.tasks.reader_baseline import CUTS
from minirnn.tasks.reader_pictures import columns_picture, pictures
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
from minirnn.train import BEST, LAST

EXAMPLES = 3  # lines that training leaves in the run's folder
SAID = 10  # lines left out that are named one by one

# train reader


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="'drawn' (the default: strings of drawn digits), a folder with MNIST's IDX files (strings"
        " of real digits), UNIPEN words (an npz file or a folder), or a folder of line images and labels.tsv (file,"
        " text)",
    )  # fmt: skip
    run_arguments(parser)
    parser.add_argument("--cell", choices=tuple(CELLS), help="the recurrent cell (default: lstm)")


def _train(args: Namespace) -> Result:
    out, began = console(), time.monotonic()
    given = Settings(_data_of(args) or "drawn", seed_of(args), args.cell or "lstm")
    if goes_on(args):
        settings, config = stored(args, Settings, {"data": _data_of(args), "seed": args.seed, "cell": args.cell})
        config = TrainConfig(**{**vars(config), "share": 1.0})
        sets = load_lines(settings.data, settings.seed, ("val",))
        if load(args.out / LAST)[1]["problem"].get("lines") != sets.fingerprint:
            raise DataError(f"{settings.data} has changed since the run in {args.out} began; expected it as it was")
    else:
        require_new(args.out)
        settings, sets = given, load_lines(given.data, given.seed, ("val",))
        config = lengthened(args, reader.train_defaults(settings, sets.kind))
    for line in sets.left_out[:SAID]:
        out.print(f"left out: {line}", markup=False)
    if len(sets.left_out) > SAID:
        out.print(f"left out: {len(sets.left_out) - SAID} more", markup=False)
    what = f"{len(sets.train)} for train, {len(sets.held['val'])} for val"
    out.print(f"lines: {what}; {len(sets.alphabet.characters)} characters", markup=False)
    system = System(settings, sets, reader.model_defaults(settings, sets))
    show(reader.train_reader(system, config, args.out, resume=args.resume), out)
    model, _ = load_reader(args.out)
    if sets.known:
        save_words(args.out, sets.known, reader.ways_of(model, sets.known, sets.held["val"])[as_read(sets.known)])
    shown = [str(path) for path in pictures(model, sets.held["val"], args.out)]
    examples = _save_examples(sets.held["val"], args.out)
    result: Result = {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        "left_out": list(sets.left_out),
        **summary(args.out),
        "pictures": shown,
        "examples": [str(path) for path in examples],
        "next": f"minirnn read {args.out} {' '.join(map(str, examples))} --picture {args.out / 'read.png'}",
    }
    result["validation"] = {k: v for k, v in result["validation"].items() if k != "minus_cer"}
    return result


def _data_of(args: Namespace) -> str | None:
    """`--data` as it is stored; one file of a set stands for the set."""
    data = data_of(args, "'drawn' or the path of digits, pen strokes or line images", "drawn")
    path = Path(data or "")
    return str(path.parent) if path.is_file() and (path.name in LABELS or "-ubyte" in path.name) else data


def _save_examples(val: ImageLines, folder: Path) -> list[Path]:
    """Some unseen lines as picture files, for the next command."""
    images = val.some(EXAMPLES).images
    return [save_line(image, folder / f"line-{k}.png") for k, image in enumerate(images, start=1)]


# evaluate


def _evaluate(args: Namespace) -> Result:
    refuse_skip_bad(args, "lines of text")
    model, meta = load_reader(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    if args.split not in ("val", "test", "all"):
        raise DataError(f"lines of text have no split {args.split!r} to be judged on; expected val, test or all")
    data = _data_of(args) or settings.data
    own = load_lines(settings.data, settings.seed, ("val", "test") if data == settings.data else ("val",))
    if own.fingerprint != meta["lines"]:
        raise DataError(f"{settings.data} has changed since the run in {args.run} was trained on it; train it anew")
    split = args.split
    if data == settings.data:
        split = "test" if split == "all" else split  # the rest is what the run has seen
        kind, lines, sizes = own.kind, own.held[split], _sizes(own)
    elif split == "all" and (every := load_every(data)) is not None:
        kind, lines, sizes = kind_of(data), every, {"all": len(every)}
    else:
        split = "test" if split == "all" else split  # strings of digits are composed: there is no end to them
        sets = load_lines(data, settings.seed, ("val", "test"))
        kind, lines, sizes = sets.kind, sets.held[split], _sizes(sets)
    if lines.cuts and not (args.run / CUTS / BEST).exists() and own.kind not in ("drawn", "digits"):
        lines = ImageLines(lines.images, lines.texts)  # a run of another kind has no such baseline
    found = reader.report(model, lines, own.known, own.held["val"], args.run)
    return {"data": data, "split": split, "kind": kind, "sizes": sizes, "trained_on": len(own.train), **found}


def _sizes(sets: LineSets) -> dict[str, int]:
    """Lines of each split."""
    return {"train": len(sets.train), **{name: len(lines) for name, lines in sets.held.items()}}


def _show_evaluation(result: Result) -> str:
    sizes = ", ".join(f"{n} for {name}" for name, n in result["sizes"].items())
    trained = f"the run was trained on {result['trained_on']}"
    lines = [f"{result['n']} lines ({result['split']}; lines: {sizes}; {trained})"]
    lines.append(show_scores({**result["readings"], **result["baselines"]}))
    if result["in_lexicon"] is not None:
        lines.append("Lexicon and n-gram are those of the training lines;"
                     f" {result['in_lexicon']:.1%} of the texts judged here are in the lexicon. `minirnn read` reads as"
                     f" in the row {result['as_read']!r}.")  # fmt: skip
    if result["too_narrow"]:
        lines.append(f"{result['too_narrow']} lines are too narrow for their text and cannot be read right.")
    return "\n".join(lines)


# read


def _read_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained reader")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="picture files of one line each")
    decoding_arguments(parser)
    parser.add_argument("--picture", type=Path, metavar="PNG", help="what each column says, above the line")


def _read(args: Namespace) -> Result:
    model, _ = load_reader(args.run)
    if args.picture and args.picture.suffix.lower() != ".png":
        raise DataError(f"--picture is {args.picture}; expected the name of a PNG file")
    how = decoding_of(args, model.alphabet)
    images = [load_line(path, ink=model.ink, pitch=model.pitch) for path in args.images]
    logits = model.logits(images)
    told = model.decode(logits, how)
    drawn = []
    for k, (image, row, found) in enumerate(zip(images, logits, told), start=1):
        if args.picture:
            one = args.picture if len(images) == 1 else args.picture.with_stem(f"{args.picture.stem}-{k}")
            title = f"{args.images[k - 1].name} reads: {found.text or '(nothing)'}"
            drawn.append(str(columns_picture(one, image, row, model.alphabet, title)))
    rows = [
        {"image": str(path), "text": found.text, "probability": round(found.probability, 4)}
        for path, found in zip(args.images, told)
    ]
    return {"lines": rows, "pictures": drawn}


def _show_read(result: Result) -> str:
    lines = [f"{row['image']}: {row['text'] or '(nothing)'} ({row['probability']:.1%})" for row in result["lines"]] + [
        f"Picture: {path}" for path in result["pictures"]
    ]
    return "\n".join(lines)


TASK = Task(
    name=NAME,
    train=Command(
        NAME,
        "train a reader of line images on strings of digits, UNIPEN words or your line images",
        "minirnn train reader --data mnist --out runs/reader --minutes 10",
        _train_arguments,
        _train,
        show_trained,
        resumes=NAME,
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(
        Command(
            "read",
            "read pictures of lines of text",
            "minirnn read runs/reader line.png --picture columns.png",
            _read_arguments,
            _read,
            _show_read,
        ),
    ),
)
