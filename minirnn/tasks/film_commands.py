"""The commands `minirnn train film`, `minirnn evaluate` and `minirnn describe`, and the line in the table."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from minirnn.data import films
from minirnn.data.films import FilmSplit, film_split, sentence
from minirnn.data.frames import load_moments, save_gif
from minirnn.display import console, show
from minirnn.errors import DataError
from minirnn.models.cells import CELLS
from minirnn.problem import TrainConfig
from minirnn.tasks import film
from minirnn.tasks.film import Settings
from minirnn.tasks.film_pictures import attention_picture, pictures
from minirnn.tasks.runs import (
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

EXAMPLES = 4  # clips that a run leaves as files, for `minirnn describe`
ZOOM = 4  # pixels of theirs for one of the model's
SCORES = {"exact_match": "word for word", "things": "things", "acts": "acts", "bleu4": "BLEU-4", "cider": "CIDEr"}

# train film


def _train_arguments(parser: ArgumentParser) -> None:
    run_arguments(parser)
    parser.add_argument("--cell", choices=tuple(CELLS), help="the recurrent cell (default: gru)")


def _train(args: Namespace) -> Result:
    out = console()
    began = time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    out.print("Drawing films: one or two coloured shapes that move, grow, turn back, stop or disappear.", markup=False)
    system = film.build(settings)
    counts = ", ".join(f"{len(split)} for {name}" for name, split in system.splits.items())
    out.print(f"films: {counts}; {system.config.frames} frames each; {len(system.vocabulary)} words", markup=False)
    show(film.train_film(system, config, args.out, resume=args.resume), out)
    test = film_split("test", settings.seed, system.config.frames)
    examples = _save_examples(test, args.out, system.config.image_size)
    return {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        **summary(args.out),
        "pictures": [str(p) for p in pictures(args.out, test)],
        "examples": examples,
        "next": f"minirnn describe {args.out} {examples[0]['clip']}",
    }


def _new(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of a run that starts now."""
    require_new(args.out)
    settings = Settings(seed_of(args), args.cell or "gru")
    return settings, lengthened(args, film.train_defaults(settings))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`."""
    return stored(args, Settings, {"cell": args.cell, "seed": args.seed})


def _save_examples(test: FilmSplit, folder: Path, size: int) -> list[Result]:
    """Some unseen films as files, with what is right to say of each."""
    frames = test.draw(size)[:EXAMPLES]
    made = [save_gif(folder / f"clip-{k}.gif", some, scale=ZOOM) for k, some in enumerate(frames, start=1)]
    return [{"clip": str(path), "caption": sentence(caption)} for path, caption in zip(made, test.captions)]


# evaluate


def _evaluate(args: Namespace) -> Result:
    refuse_skip_bad(args, "films")
    if args.data not in (None, "drawn"):
        raise DataError(f"--data is {args.data}; films are always drawn: leave it out")
    _, meta = film.load_describer(args.run)
    settings = from_meta(Settings, meta["settings"], str(args.run))
    part = "test" if args.split == "all" else args.split  # every film of train and val is one that a run may have seen
    count = min(films.COUNTS[part], film.MOST)
    report = film.evaluate(args.run, film_split(part, settings.seed, meta["model"]["frames"], count))
    return {"split": part, "whole": count == films.COUNTS[part], "films": meta["films"], **report}


def _show_evaluation(result: Result) -> str:
    rows = {"this model": result, **{name.replace("_", " "): row for name, row in result["baselines"].items()}}
    seen = ", ".join(f"{count} for {name}" for name, count in result["films"].items())
    part = result["split"] if result["whole"] else f"the first of {result['split']}"
    lines = [f"{result['n']} films ({part}); the run has seen {seen}", " " * 16
             + "".join(f"{title:>15}" for title in SCORES.values())]  # fmt: skip
    for label, row in rows.items():
        shares = "".join(f"{row[name]:>15.1%}" for name in ("exact_match", "things", "acts"))
        lines.append(f"{label:<16}{shares}{row['bleu4']:>15.3f}{row['cider']:>15.3f}")
    lines.append("things: every size, colour and shape is right; acts: what they do is")
    return "\n".join(lines)


# describe


def _describe_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained model")
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP",
                        help="animated GIF, PNG or WebP, folder of pictures, or .npy file")  # fmt: skip
    parser.add_argument("--beam", type=int, default=3, metavar="K", help="beam width; 1 is greedy (default: 3)")
    parser.add_argument("--attention-map", type=Path, metavar="PNG", help="draw at which frames each word looked")


def _describe(args: Namespace) -> Result:
    if args.beam < 1:
        raise DataError(f"--beam is {args.beam}; expected at least 1")
    if args.attention_map and len(args.clips) > 1:
        raise DataError(f"--attention-map takes one clip; {len(args.clips)} were given")
    model, _ = film.load_describer(args.run)
    told = []
    for path in args.clips:
        frames, count = load_moments(path, model.config.frames, model.config.image_size)
        found = model.beam(frames, args.beam)
        told.append({
            "clip": str(path),
            "frames": count,
            "caption": sentence(model.text(found[0].words)),
            "logprob": round(found[0].score, 4),
            "alternatives": [sentence(model.text(h.words)) for h in found[1:]],
        })  # fmt: skip
        if args.attention_map:
            attention_picture(args.attention_map, frames, model.text(found[0].words).split(), found[0].kept)
    result: Result = {"captions": told}
    if args.attention_map:
        result["attention_map"] = str(args.attention_map)
    return result


def _show_described(result: Result) -> str:
    lines = [f"{row['clip']}: {row['caption']}" for row in result["captions"]]
    return "\n".join([*lines, *([f"Picture: {result['attention_map']}"] if "attention_map" in result else [])])


TASK = Task(
    name="film",
    train=Command(
        "film",
        "train a model that says what happens in drawn clips",
        "minirnn train film --out runs/film --minutes 10",
        _train_arguments,
        _train,
        show_trained,
        resumes="film",
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(
        Command(
            "describe",
            "say what happens in clips",
            "minirnn describe runs/film runs/film/clip-1.gif",
            _describe_arguments,
            _describe,
            _show_described,
        ),
    ),
)
