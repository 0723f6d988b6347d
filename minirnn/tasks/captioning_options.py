"""Options that several commands of the captioner share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minirnn.models.cells import CELLS
from minirnn.tasks import runs
from minirnn.tasks.captioning import Settings, settings_for
from minirnn.tasks.runs import seed_of


def cell_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--cell", choices=CELLS, help="the decoder's cell (default: lstm)")
    parser.add_argument("--attention", action="store_true", default=None, help="look at the picture through attention")


def model_arguments(parser: ArgumentParser) -> None:
    cell_arguments(parser)
    parser.add_argument("--seed", type=int, help="of the weights, the data order and drawn scenes (default: 0)")


def settings_of(args: Namespace, data: str, *, skip_bad: bool = False) -> Settings:
    """The settings of a new run from the command line."""
    image = "attention" if args.attention else "every"
    return settings_for(data, seed=seed_of(args), cell=args.cell or "lstm", image=image, skip_bad=skip_bad)


def data_of(args: Namespace) -> str | None:
    """`--data` as it is stored."""
    return runs.data_of(args, "'scenes' or the folder or file of captioned photographs", "scenes")
