"""The commands `minirnn train text`, `minirnn evaluate` and `minirnn complete`, and the line in the table of tasks."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from minirnn.checkpoint import load
from minirnn.data.text import LEAST, parts, read_text
from minirnn.display import console, show
from minirnn.errors import DataError
from minirnn.models.cells import CELLS
from minirnn.models.text import LAYERS
from minirnn.problem import TrainConfig
from minirnn.tasks import text
from minirnn.tasks.runs import (
    data_of,
    goes_on,
    lengthened,
    positive,
    refuse_skip_bad,
    require_new,
    run_arguments,
    seed_of,
    show_trained,
    stored,
    summary,
)
from minirnn.tasks.task import Command, Result, Task
from minirnn.tasks.text import Settings
from minirnn.tasks.text_pictures import pictures
from minirnn.train import LAST, train

# train text


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--data", metavar="FILE", help="the text: one UTF-8 file")
    run_arguments(parser)
    parser.add_argument("--cell", choices=CELLS, help="of every layer (default: lstm)")
    parser.add_argument("--layers", type=int, choices=LAYERS, help="recurrent layers (default: 2)")
    parser.add_argument("--hidden", type=int, metavar="N", help="size of each layer (default: 192)")
    parser.add_argument("--dropout", type=float, metavar="P", help="above every layer (default: 0.1)")


def _train(args: Namespace) -> Result:
    out, began = console(), time.monotonic()
    settings, config = _stored(args) if goes_on(args) else _new(args)
    system = text.build(settings)
    if goes_on(args) and load(args.out / LAST)[1]["problem"].get("text") != system.fingerprint:
        raise DataError(f"{settings.data} has changed since the run in {args.out} began; expected the text as it was")
    counts = ", ".join(f"{last - first} for {name}" for name, (first, last) in parts(len(system.ids)).items())
    out.print(f"characters: {counts}; {len(system.alphabet.characters)} different ones", markup=False)
    show(train(system.problem(config.batch), config, args.out, resume=args.resume), out)
    result: Result = {
        "run": str(args.out),
        "seconds": round(time.monotonic() - began, 1),
        **summary(args.out),
        "pictures": [str(p) for p in pictures(system, args.out)],
        "next": f'minirnn complete {args.out} "{system.prompt()}"',
    }
    result["validation"] = {k: v for k, v in result["validation"].items() if k != "minus_bits"}
    return result


def _new(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of a run that starts now; a short text is read in fewer streams."""
    require_new(args.out)
    if args.data is None:
        raise DataError("--data is missing; expected a UTF-8 text file")
    chosen = {name: value for name, value in _given(args).items() if value is not None}
    settings = Settings(**{**chosen, "seed": seed_of(args)})
    if settings.hidden < 1:
        raise DataError(f"--hidden is {settings.hidden}; expected at least 1")
    if not 0 <= settings.dropout < 1:
        raise DataError(f"--dropout is {settings.dropout:g}; expected at least 0 and below 1")
    pieces = len(text.build(settings).pieces())
    settings = replace(settings, streams=max(1, min(settings.streams, pieces // text.GOES_ON)))
    return settings, lengthened(args, text.train_defaults(settings))


def _stored(args: Namespace) -> tuple[Settings, TrainConfig]:
    """The settings of the run in `args.out`."""
    return stored(args, Settings, {**_given(args), "seed": args.seed})


def _given(args: Namespace) -> Result:
    """What the command line says about the settings."""
    names = ("cell", "layers", "hidden", "dropout")
    return {"data": data_of(args, "a UTF-8 text file"), **{name: getattr(args, name) for name in names}}


# evaluate


def _evaluate(args: Namespace) -> Result:
    refuse_skip_bad(args, "texts")
    model, meta = text.load_text(args.run)
    mine, data, part = meta["settings"]["data"], data_of(args, "a UTF-8 text file"), args.split
    if part == "novel":
        raise DataError("a text has no split 'novel'; expected train, val, test or all")
    train = read_text(Path(mine))
    other = None if data is None or data == mine else read_text(Path(data))
    if other is None or text.fingerprint(other) == meta["text"]:
        part, other = "test" if part == "all" else part, None  # of its own text a run has seen all but the end
    elif len(other) < (least := 2 if part == "all" else LEAST):
        raise DataError(f"{data} has {len(other)} characters; expected at least {least} to judge on ({part})")
    return {"data": data or mine, "split": part, **text.evaluate(model, train, meta, other, part)}


def _show_evaluation(report: Result) -> str:
    unknown = f", {report['unknown']} of them unknown" if report["unknown"] else ""
    rows = {
        "this model": report["bits_per_character"],
        f"n-gram ({report['ngram_order']} characters of context)": report["baselines"]["ngram"],
        "frequency of each character": report["baselines"]["unigram"],
    }
    width = max(map(len, rows)) + 2
    lines = [f"{name:<{width}}{bits:6.3f} bits a character" for name, bits in rows.items()]
    return "\n".join([f"{report['characters']} characters ({report['split']}{unknown})", *lines])


# complete


def _complete_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained text model")
    parser.add_argument("prompt", metavar="PROMPT", help="what the text begins with")
    parser.add_argument("--length", type=int, default=200, metavar="N", help="characters to write (default: 200)")
    parser.add_argument(
        "--temperature", type=float, default=0.7, metavar="T",
        help="0 writes the most probable character each time, 1 draws as the model thinks (default: 0.7)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, help="of the draws (default: 0)")


def _complete(args: Namespace) -> Result:
    model, _ = text.load_text(args.run)
    length, seed = int(positive("--length", args.length)), seed_of(args)
    completion = model.complete(args.prompt, length, args.temperature, seed)
    return {
        "run": str(args.run),
        "prompt": args.prompt,
        "completion": completion,
        "temperature": args.temperature,
        "seed": seed,
    }


COMPLETE = Command(
    "complete", "let a text model go on with what you begin", 'minirnn complete runs/text "To be" --temperature 0.5',
    _complete_arguments, _complete, lambda result: f"{result['prompt']}{result['completion']}",
)  # fmt: skip

TASK = Task(
    name="text",
    train=Command(
        "text",
        "train a character model on a text",
        "minirnn train text --data shakespeare.txt --out runs/text --minutes 10",
        _train_arguments,
        _train,
        show_trained,
        resumes="text",
    ),
    evaluate=_evaluate,
    show_evaluation=_show_evaluation,
    commands=(COMPLETE,),
)
