"""Plant known mistakes into copies of minirnn, one at a time, and count how many the tests notice.

    python -m benchmarks.mutate [NAME ...] [--jobs 2] [--json] [--list]

The mistakes are those of `benchmarks.mutants`: 485 that people make in hand-written backpropagation and what goes with
it. Each is planted into a temporary copy of the package, and the tests of its layer run there: gradient checks and the
contract first, then PyTorch, then values worked out by hand. A mistake counts as caught when one of these tests fails. Before that the same
tests must pass on a copy without a mistake. NAME picks layers or parts of descriptions ("gru", "dbh = dbx").
Exit status 1 when fewer than 98 % are caught, 2 when the table no longer fits the code.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from benchmarks.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent
ENOUGH = 0.98  # share of the mistakes that the tests must catch
SECONDS = 900  # longest run of one group of tests; a mistake that makes it hang is caught too


class Tests(NamedTuple):
    """What pytest runs."""

    files: tuple[str, ...]
    which: str = ""  # pytest's -k; all where it is empty


CHECKS = ("tests/test_gradients.py", "tests/test_contract.py")
FAST, TORCH, PINS = "tests/test_fast.py", "tests/test_torch.py", "tests/test_pins.py"
SEGMENTATION = "tests/test_segmentation.py"


def _layer_tests(which: str) -> tuple[Tests, ...]:
    return Tests(CHECKS, which), Tests((TORCH,), which), Tests((PINS,))


def _twin_tests(which: str) -> tuple[Tests, ...]:
    return Tests(CHECKS, f"fast and ({which})"), Tests((FAST,)), Tests((TORCH,), f"fast and ({which})")


TESTS: dict[str, tuple[Tests, ...]] = {  # the cheap ones first; what follows runs only while nothing has failed
    "rnn": _layer_tests("rnn"),
    "lstm": _layer_tests("lstm"),
    "gru": _layer_tests("gru"),
    "bidirectional": _layer_tests("bidirectional"),
    "embedding": _layer_tests("embedding"),
    "affine over time": _layer_tests("affine"),
    "cross-entropy": _layer_tests("cross_entropy or log_softmax"),
    "binary cross-entropy": _layer_tests("binary_cross_entropy"),
    "smooth L1": _layer_tests("smooth_l1"),
    "ctc": (Tests(CHECKS, "ctc"), Tests(("tests/test_ctc.py",)), Tests((TORCH,), "ctc")),
    "ctc decoding": (Tests(("tests/test_decode_ctc.py",)),),
    "offline reader": (
        Tests(("tests/test_lines.py",)),
        Tests(("tests/test_reader_task.py",), "order or ways or model or digits_are or report"),
    ),
    "boxes": (Tests(("tests/test_boxes.py",)),),
    "detector": (
        Tests(CHECKS, "detector or answers"),
        Tests(
            ("tests/test_detection_data.py", "tests/test_detection.py"), "shifts or guesses or loss_by_hand or targets"
        ),
    ),
    "detection batches": (Tests(("tests/test_detection_data.py",)),),
    "error rate": (Tests(("tests/test_error_rate.py",)),),
    "attention": _layer_tests("dot_attention"),
    "conv": _layer_tests("conv2d"),
    "max pool": _layer_tests("max_pool2d"),
    "average pool": _layer_tests("avg_pool2d"),
    "batch norm": _layer_tests("batch_norm"),
    "layer norm": _layer_tests("layer_norm"),
    "dropout": _layer_tests("dropout"),
    "clip classifier": (
        Tests(CHECKS, "clip_classifier"),
        Tests(("tests/test_clips.py",), "model or clip_is or belong_together"),
    ),
    "look_for": (Tests(("tests/test_tracking.py",), "look or places"), Tests(CHECKS, "look_for")),
    "tracker": (
        Tests(("tests/test_tracking.py",), "not train and not resuming and not larger and not bad_input"),
        Tests(CHECKS, "track"),
    ),
    "tracking": (Tests(("tests/test_tracking.py",), "scores or memories"),),
    "optimisers": (Tests(("tests/test_optim.py",)),),
    "clipping": (Tests(("tests/test_optim.py",)),),
    "video": (Tests(CHECKS, "video"), Tests(("tests/test_film.py",), "not describe and not resuming and not seed")),
    "films": (Tests(("tests/test_films.py", "tests/test_film.py"), "not describe and not resuming and not seed"),),
    "beam search": (Tests(("tests/test_decode.py",), "wide or narrow or beam_of_one or finished or search"),),
    "planning": (Tests(("tests/test_train.py",), "limit or planned or whole or checks"),),
    "pen reader": (Tests(CHECKS, "pen_"), Tests(("tests/test_pen.py",), "alone or middle_of")),
    "windows": (Tests(CHECKS, "windows"), Tests((TORCH,), "windows")),
    "pen strokes": (Tests(("tests/test_pen.py",), "strokes or size_and or straight or what_the or zeros or bending"),),
    "peaks": (Tests(("tests/test_pen.py",), "peaks"),),
    "fast lstm": _twin_tests("lstm"),
    "fast gru": _twin_tests("gru"),
    "fast rnn": _twin_tests("rnn"),
    "fast time": _twin_tests("lstm or beside"),
    "fast cross-entropy": _twin_tests("cross_entropy"),
    "fast embedding": _twin_tests("embedding"),
    "fast affine": _twin_tests("affine"),
    "fast adam": (Tests((FAST,)),),
    "fast rows": _twin_tests("affine or batch_norm or conv2d or rows"),
    "fast scratch": _twin_tests("conv2d"),
    "fast winograd": _twin_tests("winograd or conv2d"),
    "fast conv": _twin_tests("conv2d"),
    "fast conv transpose": _twin_tests("conv_transpose2d"),
    "fast max pool": _twin_tests("max_pool2d"),
    "fast conv pool": (Tests(CHECKS, "fast and conv_pool"), Tests((FAST,))),
    "fast batch norm": _twin_tests("batch_norm or norm_relu"),
    "u-net": (Tests((SEGMENTATION,), "u_net or reach or weight_0"), Tests(CHECKS, "unet or rise or two_convs")),
    "crops": (Tests((SEGMENTATION,), "crop or bent or turns or outside"),),
    "tiles": (Tests((SEGMENTATION,), "tiles or flips"),),
    "mask scores": (Tests((SEGMENTATION,), "scores or threshold or baselines"),),
}


class Outcome(NamedTuple):
    """What became of one mutant."""

    layer: str
    wrong: str
    caught: bool
    by: str  # the first test that failed, or ""
    message: str  # of that test
    seconds: float


def copy_code(source: Path, target: Path) -> Path:
    """Copy what the tests need: the package, the tests, pytest's settings."""
    for folder in ("minirnn", "tests"):
        shutil.copytree(source / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(source / "pyproject.toml", target)
    return target


def first_failure(folder: Path, tests: Tests) -> tuple[str, str] | None:
    """Run pytest in a copy: the first test that failed and its message, or None when all passed.

    Raises:
        RuntimeError: pytest could not run the tests.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-o", "addopts="]
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    settings = {"PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "400"}
    try:
        done = subprocess.run(
            [*command, *tests.files, "-k", tests.which],
            cwd=folder, env={**os.environ, **threads, **settings}, timeout=SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return tests.files[0], f"not finished after {SECONDS} seconds"
    if done.returncode == 0:
        return None
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR tests"))]
    if done.returncode != 1 or not failed:
        raise RuntimeError(f"{' '.join(tests.files)} ended with status {done.returncode}:\n{done.stdout}")
    test, _, message = failed[0].split(" ", 1)[1].partition(" - ")
    return test, message


def tests_of(layer: str) -> tuple[Tests, ...]:
    """The groups of tests of a layer; without those that need PyTorch where it is not installed."""
    torch = importlib.util.find_spec("torch") is not None
    return tuple(tests for tests in TESTS[layer] if torch or tests.files != (TORCH,))


def try_mutant(mutant: Mutant, original: Path) -> Outcome:
    """Plant one mistake and run the tests of its layer."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = copy_code(original, Path(name))
        mutant.plant(folder)
        failures = (first_failure(folder, tests) for tests in tests_of(mutant.layer))
        test, message = next((failure for failure in failures if failure is not None), ("", ""))
    return Outcome(mutant.layer, mutant.wrong, bool(test), test, message, round(time.perf_counter() - begin, 1))


def chosen(names: list[str]) -> list[Mutant]:
    """The mutants of these layers, or with these words in their description; all without names.

    Raises:
        ValueError: a name that fits none.
    """
    for name in names:
        if not any(name == m.layer or name in m.wrong for m in MUTANTS):
            raise ValueError(f"{name!r} is no layer and in no description; the layers are {', '.join(TESTS)}")
    return [m for m in MUTANTS if not names or any(name == m.layer or name in m.wrong for name in names)]


def check(mutants: list[Mutant], original: Path, pool: ThreadPoolExecutor) -> None:
    """Every mutant can be planted, and without any of them the tests pass.

    Raises:
        ValueError: a mutant that no longer fits the code.
        RuntimeError: a test that fails without a mutant.
    """
    for mutant in mutants:
        with tempfile.TemporaryDirectory() as name:
            target = Path(name) / mutant.file
            target.parent.mkdir(parents=True)
            shutil.copy2(original / mutant.file, target)
            mutant.plant(Path(name))
    groups: dict[tuple[str, ...], set[str]] = {}
    for tests in chain.from_iterable(tests_of(layer) for layer in {m.layer for m in mutants}):
        groups.setdefault(tests.files, set()).add(tests.which)
    joined = [Tests(files, " or ".join(sorted(which))) for files, which in groups.items()]
    for failure in pool.map(lambda tests: first_failure(original, tests), joined):
        if failure is not None:
            raise RuntimeError(f"without any mistake {failure[0]} fails: {failure[1]}")


def run(mutants: list[Mutant], jobs: int) -> Iterator[Outcome]:
    """What becomes of each mutant, in order; all work on one snapshot of the code."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(jobs) as pool:
        original = copy_code(ROOT, Path(name))
        check(mutants, original, pool)
        yield from pool.map(lambda mutant: try_mutant(mutant, original), mutants)


def table(outcomes: list[Outcome]) -> str:
    """Counts per layer: mistakes, caught, and by which file."""
    order = dict.fromkeys(file for groups in TESTS.values() for tests in groups for file in tests.files)
    files = [file for file in order if any(o.by.startswith(file) for o in outcomes)]
    by = Counter((o.layer, o.by.split("::")[0]) for o in outcomes if o.caught)
    layers = list(dict.fromkeys(o.layer for o in outcomes))
    rows = [["layer", "mistakes", "caught", *(Path(file).stem.removeprefix("test_") for file in files)]]
    for layer in [*layers, "total"]:
        mine = [o for o in outcomes if layer in (o.layer, "total")]
        counts = [sum(by[kind, file] for kind in layers if layer in (kind, "total")) for file in files]
        rows.append([layer, *(str(n) for n in (len(mine), sum(o.caught for o in mine), *counts))])
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]) for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutate", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="layers, or words of a description (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="how many mutants at once (default 2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--list", action="store_true", help="print the mistakes and run nothing")
    args = parser.parse_args(argv)
    begin = time.perf_counter()
    outcomes = []
    try:
        mutants = chosen(args.names)
        if args.list:
            print("\n".join(f"{mutant}    ({mutant.file})" for mutant in mutants))
            return 0
        for outcome in run(mutants, max(1, args.jobs)):
            outcomes.append(outcome)
            if sys.stderr.isatty():
                print(f"\r{len(outcomes)} of {len(mutants)}", end="\r", file=sys.stderr, flush=True)
    except (ValueError, RuntimeError) as error:
        print(f"mutate: {error}", file=sys.stderr)
        return 2
    caught = sum(o.caught for o in outcomes)
    seconds = time.perf_counter() - begin
    if args.json:
        totals = {"mistakes": len(outcomes), "caught": caught, "seconds": round(seconds)}
        print(json.dumps({**totals, "mutants": [o._asdict() for o in outcomes]}, indent=1))
    else:
        print(table(outcomes))
        print("".join(f"\nNOT caught: {o.layer}: {o.wrong}" for o in outcomes if not o.caught))
        print(f"{caught} of {len(outcomes)} mistakes caught ({caught / len(outcomes):.1%}) in {seconds:.0f} s")
    return 0 if caught >= ENOUGH * len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
