"""`minirnn gradcheck` and `minirnn doctor`: is the maths right, is the machine fit."""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
import time
from argparse import ArgumentParser, Namespace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from minirnn import __version__
from minirnn.checkpoint import environment
from minirnn.errors import DataError
from minirnn.tasks.task import Command, Result

# gradcheck


def _gradcheck_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases by name, * for any letters (default: all)")
    parser.add_argument("--directional", action="store_true", help="a few random directions instead of every element")
    parser.add_argument("--seed", type=int, default=0, help="of inputs and upstream gradient (default: 0)")
    parser.add_argument("--plot", type=Path, nargs="?", const=Path("gradcheck.png"), metavar="PNG",
                        help="draw the error against epsilon (default file: gradcheck.png)")  # fmt: skip


def _gradcheck(args: Namespace) -> Result:
    from minirnn.cases import CASES, check_case
    from minirnn.gradcheck import epsilon_curve

    if args.plot and args.plot.suffix != ".png":
        raise DataError(f"--plot is {args.plot}; expected a file name that ends in .png, or nothing")
    if args.seed < 0:
        raise DataError(f"--seed is {args.seed}; expected at least 0")
    chosen = [case for case in CASES if not args.names or any(_called(case.name, name) for name in args.names)]
    for name in args.names:
        if not any(_called(case.name, name) for case in CASES):
            raise DataError(f"no pair or model is called {name!r}; the names are {', '.join(c.name for c in CASES)}")
    mode = "directional" if args.directional else "full"
    reports = [check_case(case, mode, args.seed) for case in chosen]
    result: Result = {
        "ok": all(report.ok for report in reports),
        "mode": mode,
        "cases": [report.as_dict() for report in reports],
        "text": [str(report) for report in reports if not report.ok],
    }
    if args.plot:
        from minirnn import plots

        curves = {}
        for case in chosen:
            if any(report.name == case.name and report.rows for report in reports):
                arguments = case.args(args.seed)
                curves[case.name] = epsilon_curve(
                    case.pair, arguments, case.options, seed=args.seed, constants=case.constants
                )
        result["plot"] = str(plots.epsilon_curves(args.plot, curves))
    return result


def _show_gradcheck(result: Result) -> str:
    width = max(len(case["name"]) for case in result["cases"])
    lines = []
    for case in result["cases"]:
        errors = "  ".join(f"{name} {'NaN' if e is None else format(e, '.0e')}" for name, e in _worst(case["rows"]))
        lines.append(f"{'ok   ' if case['ok'] else 'WRONG'} {case['name']:<{width}}  {errors or 'nothing to compare'}")
    lines += ["", *result["text"]] if result["text"] else []
    wrong = len(result["text"])
    lines.append(
        f"{len(result['cases'])} cases, worst relative error per argument: "
        + (f"{wrong} WRONG" if wrong else "all within 1e-6 (whole models 1e-5)")
    )
    if "plot" in result:
        lines.append(f"Picture: {result['plot']}")
    return "\n".join(lines)


def _called(case: str, name: str) -> bool:
    """Whether `name` means a case: conv2d also means conv2d-gap, and conv* all that begins so."""
    return fnmatch(case, name) or case.startswith(f"{name}-")


def _worst(rows: list[Result]) -> list[tuple[str, float | None]]:
    """The error of every array, or the worst of each argument where there are many arrays; None for NaN."""
    if len(rows) <= 8:
        return [(row["name"], row["error"]) for row in rows]
    arguments: dict[str, list[float | None]] = {}
    for row in rows:
        arguments.setdefault(row["name"].split(".")[0], []).append(row["error"])
    return [
        (f"{name} ({len(e)} arrays)", None if None in e else max(x or 0.0 for x in e)) for name, e in arguments.items()
    ]


# doctor


def _doctor(args: Namespace) -> Result:
    from minirnn.cases import CASES, check_case
    from minirnn.data.image_cache import cache_folder

    packages = {}
    for name in ("numpy", "matplotlib", "Pillow", "pooch", "rich", "safetensors", "jupyter", "pytest", "torch"):
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            packages[name] = "not installed"
    needed = ("numpy", "matplotlib", "Pillow", "pooch", "rich", "safetensors")
    problems = [f"{name} is not installed: python -m pip install {name}" for name in needed
                if packages[name] == "not installed"]  # fmt: skip
    cache = cache_folder()
    for folder in (Path.cwd(), cache):
        if not _writable(folder):
            problems.append(f"{folder} cannot be written to")
    lstm = check_case(next(case for case in CASES if case.name == "lstm_step"))
    if not lstm.ok:
        problems.append(f"the gradient check of the LSTM fails here: {lstm}")
    speed = _matmul_speed()
    return {
        "ok": not problems,
        "minirnn": __version__,
        "environment": environment(),
        "packages": packages,
        "cores": os.cpu_count(),
        "gflops": round(speed, 1),
        "cache": str(cache),
        "problems": problems,
    }


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _matmul_speed(size: int = 1024, seconds: float = 0.5) -> float:
    """float32 matrix products of size x size, in 1e9 operations a second; the best of half a second."""
    a = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    best, began = np.inf, time.perf_counter()
    while time.perf_counter() - began < seconds:
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return float(2 * size**3 / best / 1e9)


def _show_doctor(result: Result) -> str:
    lines = [f"minirnn {result['minirnn']}"]
    lines += [f"{name}: {value}" for name, value in result["environment"].items()]
    lines += [f"{name}: {version}" for name, version in result["packages"].items()]
    lines.append(f"matrix products: {result['gflops']} GFLOP/s (float32, 1024 x 1024)")
    lines.append(f"cache of decoded pictures: {result['cache']}")
    lines += [f"problem: {problem}" for problem in result["problems"]] or ["everything is in order"]
    return "\n".join(lines)


GRADCHECK = Command(
    "gradcheck",
    "check every hand-written gradient against numeric differences",
    "minirnn gradcheck 'lstm*' --plot lstm.png",
    _gradcheck_arguments,
    _gradcheck,
    _show_gradcheck,
    lambda result: 0 if result["ok"] else 1,
)
DOCTOR = Command(
    "doctor",
    "say what this machine has and whether minirnn works here",
    "minirnn doctor --json",
    lambda parser: None,
    _doctor,
    _show_doctor,
    lambda result: 0 if result["ok"] else 1,
)
