"""How fast minirnn is beside PyTorch: the same work from the same inputs, in turns, one row per workload.

    python -m benchmarks.compare [--against torch|readable|compile] [--threads 1,2] [--only NAME ...] [--rounds N]
                                 [--no-memory] [--json] [--list]

--against torch     PyTorch, eager, written as its users write it (the default)
--against compile   PyTorch through torch.compile; where that does not work, the row says why
--against readable  minirnn's own readable pairs: what the tuned ones gain. They also stand in for the other teaching
                    frameworks in NumPy, which cannot be copied into this repository.

The two sides run in processes of their own and take turns, A B A B, so that what else the machine does meets both. A
turn takes about 0.2 s and counts with the median of its calls, a side with the median of its turns. `ratio` is the
other side's time by minirnn's: above 1 minirnn is faster; its range is that of the single rounds. `memory` is the peak
of a step beyond model and inputs, in MiB, on one thread. `of sgemm` is the share of NumPy's best rate of float32 matrix
products that minirnn reaches, by the arithmetic of the direct algorithm. Exit status 1 when a row could not be
measured on minirnn's side, 2 for a wrong command.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import TURN, Worker, WorkerError
from benchmarks.parser import Parser
from benchmarks.workloads import WORKLOADS

SIDES = ("torch", "readable", "compile")
SLEEP = 0.06  # seconds between turns: threads that still spin for the other side go to sleep
FIGURES = (
    "minirnn_ms", "other_ms", "ratio", "ratio_min", "ratio_max", "peak_mb", "other_peak_mb", "sgemm_share", "error",
)  # fmt: skip


def chosen(parts: list[str]) -> list[str]:
    """The workloads with one of these parts in their names; all without parts.

    Raises:
        ValueError: a part that is in no name.
    """
    for part in parts:
        if not any(part in name for name in WORKLOADS):
            raise ValueError(f"no workload has {part!r} in its name; --list prints the names")
    return [name for name in WORKLOADS if not parts or any(part in name for part in parts)]


def thread_counts(text: str) -> list[int]:
    """ "1,2" as numbers, each once.

    Raises:
        ValueError: not numbers of at least 1.
    """
    counts = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if min(counts) < 1:
        raise ValueError(f"--threads is {text!r}; expected numbers of at least 1 with commas between, as in 1,2")
    return list(dict.fromkeys(counts))


def measure(ours: Worker, other: Worker, workload: str, rounds: int, rate: float) -> dict[str, Any]:
    """The times of one workload, both sides in turn; the figures of a side that fails are None, and `error` says why."""
    workers, calls = {"minirnn": ours, "other": other}, {}
    error = None
    for name, worker in workers.items():
        time.sleep(SLEEP)
        try:
            calls[name] = max(1, round(TURN / worker.ask("prepare", workload=workload)))
        except WorkerError as failure:
            error = f"{worker.side} does not work: {failure}"
    medians: dict[str, list[float]] = {name: [] for name in workers}
    try:
        for _ in range(rounds):
            for name in calls:
                time.sleep(SLEEP)
                medians[name].append(statistics.median(workers[name].ask("turn", calls=calls[name])))
    except WorkerError as failure:
        error = f"{workers[name].side} does not work: {failure}"
        medians[name] = []
    mine, theirs = (statistics.median(times) if times else None for times in medians.values())
    flops = WORKLOADS[workload].flops
    row: dict[str, Any] = dict.fromkeys(FIGURES) | {"error": error}
    row["minirnn_ms"], row["other_ms"] = (None if t is None else 1e3 * t for t in (mine, theirs))
    if mine and theirs:
        ratios = [b / a for a, b in zip(*medians.values())]
        row |= {"ratio": theirs / mine, "ratio_min": min(ratios), "ratio_max": max(ratios)}
    if mine and flops:
        row["sgemm_share"] = flops / mine / rate
    return row


def memory_of(side: str, workload: str) -> float | None:
    """Peak memory of a step in MiB, in a process of its own."""
    worker = Worker(side, 1)
    try:
        peak: float | None = worker.ask("memory", workload=workload)
        return peak
    except WorkerError:
        return None  # the row of the times says why
    finally:
        worker.close()


def run(
    names: list[str], against: str, threads: list[int], rounds: int, memory: bool, rates: dict[str, float]
) -> Iterator[dict[str, Any]]:
    """One row per number of threads and workload; the rates of matrix products, in GFLOP/s, are put into `rates`."""
    peaks: dict[str, tuple[float | None, float | None]] = dict.fromkeys(names, (None, None))
    for count in threads:
        ours, other = Worker("fast", count), Worker(against, count)
        try:
            rate = ours.ask("rate")
            rates[str(count)] = rate / 1e9
            for name in names:
                row = measure(ours, other, name, rounds, rate)
                if memory and count == threads[0]:
                    peaks[name] = memory_of("fast", name), memory_of(against, name)
                row["peak_mb"], row["other_peak_mb"] = peaks[name]
                yield {"name": name, "threads": count, **row}
        finally:
            ours.close()
            other.close()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = (
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        )
        cpu = next(models, cpu)
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = None
    return {
        "cpu": cpu, "cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(),
        "numpy": np.__version__, "blas": f"{blas['name']} {blas['version']}", "torch": torch,
    }  # fmt: skip


def geometric_means(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Of the ratios, by number of threads; None where no row has one."""
    means: dict[str, float | None] = {}
    for count in dict.fromkeys(row["threads"] for row in rows):
        logs = [math.log(row["ratio"]) for row in rows if row["threads"] == count and row["ratio"]]
        means[str(count)] = math.exp(statistics.fmean(logs)) if logs else None
    return means


def show(result: dict[str, Any]) -> None:
    """The table, the means and the worst workload."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    other = result["against"]
    memory = any(row["peak_mb"] is not None for row in result["rows"])
    columns = ["workload", "threads", "minirnn ms", f"{other} ms", "ratio", "range"]
    table = Table(*columns, *(["memory", f"{other}'s"] if memory else []), "of sgemm", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in result["rows"]:
        name = f"{row['name']}\n  {row['error']}" if row["error"] else row["name"]
        cells = [escape(name), str(row["threads"]), _number(row["minirnn_ms"]), _number(row["other_ms"])]
        spread = "" if row["ratio"] is None else f"{row['ratio_min']:.2f} - {row['ratio_max']:.2f}"
        cells += ["" if row["ratio"] is None else f"{row['ratio']:.2f}", spread]
        cells += [_number(row["peak_mb"]), _number(row["other_peak_mb"])] if memory else []
        table.add_row(*cells, "" if row["sgemm_share"] is None else f"{row['sgemm_share']:.0%}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for count, mean in result["geomean"].items():
        rows = [row for row in result["rows"] if str(row["threads"]) == count and row["ratio"]]
        if mean and rows:
            worst = min(rows, key=lambda row: row["ratio"])
            console.print(
                f"{count} thread{'s' * (count != '1')}: geometric mean of {len(rows)} ratios {mean:.2f}; "
                f"worst {worst['ratio']:.2f}, {worst['name']}", markup=False, highlight=False,
            )  # fmt: skip


def _number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def main(argv: list[str] | None = None) -> int:
    parser = Parser("compare", __doc__)
    parser.add_argument("--against", choices=SIDES, default="torch", help="the other side (default torch)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, as in 1,2 (the default)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="parts of the names of workloads")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each side (default 7)")
    parser.add_argument("--no-memory", action="store_true", help="do not measure peak memory")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--list", action="store_true", help="print the names of the workloads and run nothing")
    args = parser.parse_args(argv)
    rates: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    try:
        names, threads = chosen(args.only), thread_counts(args.threads)
        if args.rounds < 1:
            raise ValueError(f"--rounds is {args.rounds}; expected at least 1")
        if args.list:
            print("\n".join(names))
            return 0
        if args.against != "readable" and importlib.util.find_spec("torch") is None:
            raise ValueError("PyTorch is not installed: pip install torch, or measure with --against readable")
        for row in run(names, args.against, threads, args.rounds, not args.no_memory, rates):
            rows.append(row)
            if sys.stderr.isatty():
                print(f"\r{len(rows)} of {len(names) * len(threads)}", end="\r", file=sys.stderr, flush=True)
    except (ValueError, WorkerError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    where = machine() | {"sgemm_gflops": rates}
    result = {"machine": where, "against": args.against, "rows": rows, "geomean": geometric_means(rows)}
    if args.json:
        print(json.dumps(result, indent=1))
    else:
        show(result)
    return 0 if all(row["minirnn_ms"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
