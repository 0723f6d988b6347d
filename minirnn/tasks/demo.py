"""`minirnn demo`: the captioner in two minutes. `minirnn demo when-rnn`: when is a recurrent network needed?"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.console import Console

from minirnn.checkpoint import RunLock
from minirnn.display import clock, console, show
from minirnn.errors import DataError
from minirnn.ops import FAST
from minirnn.tasks import captioning_demo, when_rnn
from minirnn.tasks.captioning_options import model_arguments
from minirnn.tasks.runs import data_of, positive, seed_of
from minirnn.tasks.task import Command, Result
from minirnn.tasks.when_rnn_picture import bars
from minirnn.train import BEST, LAST

DEMOS = ("captioner", "when-rnn")
FOLDERS = {"captioner": Path("runs/demo"), "when-rnn": Path("runs/when-rnn")}
SECONDS = {"captioner": captioning_demo.DEMO_SECONDS, "when-rnn": when_rnn.SECONDS}
TABLE = "when-rnn.json"


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("which", nargs="?", choices=DEMOS, default="captioner",
                        help="captioner: drawn scenes and what it says of them (default); when-rnn: the same digits as"
                        " pictures, strings and clips, told with and without a recurrent network")  # fmt: skip
    parser.add_argument("--seconds", type=float, metavar="S", help="about how long to train (default: "
                        + ", ".join(f"{SECONDS[name]:g} for {name}" for name in DEMOS) + ")")  # fmt: skip
    model_arguments(parser)
    parser.add_argument("--data", metavar="MNIST", help="of when-rnn: folder of MNIST's IDX files (default: drawn)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/demo or runs/when-rnn")
    parser.set_defaults(ops=None, tools=None)  # of whoever brings functions of their own


def _run(args: Namespace) -> Result:
    args.out = args.out or FOLDERS[args.which]
    args.seconds = SECONDS[args.which] if args.seconds is None else positive("--seconds", args.seconds)
    if args.which == "when-rnn":
        if args.attention:
            raise DataError("--attention belongs to the captioner's demo; when-rnn has no attention")
        return _when_rnn(args)
    if args.data is not None:
        raise DataError("--data belongs to when-rnn; the captioner's demo draws its own scenes")
    return captioning_demo.run_demo(args)


def _when_rnn(args: Namespace) -> Result:
    out, began = console(), time.monotonic()
    data = data_of(args, "'drawn' or the folder of MNIST's IDX files", "drawn") or "drawn"
    cell = args.cell or "gru"
    args.out.mkdir(parents=True, exist_ok=True)
    experiment = when_rnn.build(data, seed_of(args), cell, args.ops or FAST)
    with RunLock(args.out):  # of all networks together: two experiments in one folder would mix
        return _experiment(args, experiment, data, cell, out, began)


def _experiment(
    args: Namespace, experiment: when_rnn.Experiment, data: str, cell: str, out: Console, began: float
) -> Result:  # fmt: skip
    """Train, judge and draw."""
    _clear(args.out, [network.name for network in experiment.networks])
    out.print(
        f"The same digits as single pictures, strings and clips; {len(experiment.networks)} small networks, with and"
        f" without {cell.upper()} layers. About {clock(args.seconds)}.",
        markup=False,
    )  # fmt: skip
    show(when_rnn.train_all(experiment, args.seconds, args.out), out)
    found = when_rnn.table(experiment, args.out)
    title = "When is a recurrent network needed? Unseen examples told right"
    picture = bars(args.out / "when-rnn.png", found["rows"], experiment.examples(), title)
    result: Result = {"demo": "when-rnn", "run": str(args.out), "data": data, "cell": cell, "seed": experiment.seed,
                      **found, "pictures": [str(picture)], "seconds": round(time.monotonic() - began, 1)}  # fmt: skip
    (args.out / TABLE).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _clear(folder: Path, names: list[str]) -> None:
    """Take an earlier experiment away: each starts from nothing. A run is never touched."""
    if (folder / LAST).exists() or (folder / BEST).exists():
        raise DataError(f"{folder} holds a run; choose another folder for the experiment")
    for name in names:
        for file in (LAST, BEST):
            (folder / name / file).unlink(missing_ok=True)


def _show(result: Result) -> str:
    if result.get("demo") != "when-rnn":
        return captioning_demo.show_demo(result)
    width = max(len(row["what"]) for row in result["rows"].values())
    lines = ["Unseen examples told right:", f"{'':<{width}}     CNN  CNN + RNN  examples"]
    lines += [
        f"{row['what']:<{width}}  {row['cnn']:>6.1%}     {row['cnn_and_rnn']:>6.1%}  {row['n']:>8}"
        for row in result["rows"].values()
    ]
    return "\n".join([
        "", *lines, f"Done in {clock(result['seconds'])}. Look at: {'  '.join(result['pictures'])}"
    ])  # fmt: skip


DEMO = Command(
    "demo",
    "train a captioner on drawn scenes in about two minutes and look at what it says; or see when an RNN is needed",
    "minirnn demo --cell gru --out runs/gru\n  minirnn demo when-rnn",
    _arguments,
    _run,
    _show,
    resumes="captioner",
    trains=True,
)
