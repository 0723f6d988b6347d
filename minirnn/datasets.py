"""`minirnn data list` and `minirnn data get NAME`: sets of data that have a public address."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from minirnn.display import console
from minirnn.errors import DataError
from minirnn.tasks.task import Command, Result

EVERY = 2**23  # bytes between lines


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "get"), help="list: what there is; get: bring a set")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the set to get")
    parser.add_argument("--to", type=Path, metavar="DIR", help="the set's folder (default: data/NAME)")


def _run(args: Namespace) -> Result:
    from minirnn.data import downloads  # on use: what it needs for the network takes a while to load

    if args.action == "list":
        if args.name is not None or args.to is not None:
            raise DataError("data list takes nothing else; to bring a set: minirnn data get NAME")
        return {
            "sets": [
                {"name": s.name, "what": s.what, "licence": s.licence, "bytes": s.size, "from": s.files[0].urls[0]}
                for s in downloads.SETS
            ]
        }
    if args.name is None:
        raise DataError(f"data get needs a name: one of {', '.join(s.name for s in downloads.SETS)}")
    wanted = downloads.find_set(args.name, downloads.SETS)
    folder = args.to or Path("data") / wanted.name
    files = downloads.get(wanted, folder, _lines(console()))
    return {
        "name": wanted.name,
        "folder": str(folder),
        "files": [str(file) for file in files],
        "licence": wanted.licence,
        "next": wanted.use.format(folder=folder),
    }


def _lines(out: Console) -> Callable[[str, int, int], None]:
    """Says how far it is, every few megabytes."""
    last: dict[str, int] = {}

    def progress(name: str, have: int, size: int) -> None:
        if have == size or have - last.get(name, 0) >= EVERY:
            last[name] = have
            out.print(f"{name}: {have / 1e6:.1f} of {size / 1e6:.1f} MB", markup=False)

    return progress


def _show(result: Result) -> str:
    if "sets" in result:
        width = max(len(s["name"]) for s in result["sets"])
        lines = [
            f"{s['name']:<{width}}  {s['bytes'] / 1e6:6.1f} MB  {s['what']}; licence: {s['licence']}"
            for s in result["sets"]
        ]
        return "\n".join([*lines, "Bring one with: minirnn data get NAME"])
    return f"{len(result['files'])} files in {result['folder']}; licence: {result['licence']}\nNext: {result['next']}"


DATA = Command("data", "list public data sets, or bring one", "minirnn data get mnist", _arguments, _run, _show)
