"""Does the time of a layer grow in proportion to its input? Forward and backward of the tuned pairs, 16-fold in 5 sizes.

    python -m benchmarks.growth [--json] [--out runs/growth.png] [--threads 1]

One row per layer and what grows of its input: N (sequences or pictures), T (steps) or the pixels of a picture. The
exponent is the slope of log(time) over log(size) by least squares: 1 is in proportion, 2 is quadratic. The range is that
of the single rounds. Exit status 1 when an exponent is above 1.05, 2 for a wrong command.

The sizes take turns, so that what else the machine does meets all of them; a size counts with the median of its turns, a
turn with the median of its calls. The smallest size takes about a millisecond or more, much longer than NumPy needs to be
called: less would make the curve look flatter than it is. Small sizes fit a cache that large ones do not; the
exponent holds that too. On a busy machine it may come out larger than it is: short calls find a free moment, long ones do
not.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.compare import machine
from benchmarks.measuring import Worker, WorkerError, serve, timed, turn
from benchmarks.parser import Parser
from benchmarks.workloads.recurrent import sequence
from benchmarks.workloads.sides import Kit, draw, ops_of, rng_of, tools_of
from minirnn.functional import ConvParams, NormParams, RunningStats
from minirnn.plots import BLUE, GREY, RED, _figure, _plain, _save

SIDE = "fast"
BAR = 1.05
FACTORS = (1, 2, 4, 8, 16)
ROUNDS = 9
TURN, LEAST_CALLS = 0.04, 3  # seconds that a turn should take; calls of the slowest size
PICTURES = 16  # in a batch whose pictures grow
LABELS = {"pixels": "pixels of a picture"}
Step = Callable[[], Any]


class Case(NamedTuple):
    """A layer, what grows of its input, and the smallest size."""

    grows: str
    base: int
    set_up: Callable[[int], Step]  # from a size: forward and backward

    @property
    def sizes(self) -> list[int]:
        return [factor * self.base for factor in FACTORS]


def kit() -> Kit:
    return Kit(ops_of(SIDE), tools_of(SIDE))


def recurrent(cell: str, N: int, T: int, D: int, H: int) -> Step:
    """A recurrent layer over (N, T, D)."""
    return sequence(cell, N, T, D, H).set_up(SIDE).step


def conv(N: int, pixels: int, C: int, F: int) -> Step:
    """A 3x3 convolution that keeps the size of the pictures."""
    rng, pair, (H, W) = rng_of("growth of conv"), kit().ops.conv2d, sides(pixels)
    x, dy = draw(rng, N, H, W, C), draw(rng, N, H, W, F)
    p = ConvParams(draw(rng, 3, 3, C, F, scale=math.sqrt(2 / (9 * C))), draw(rng, F, scale=0.1))

    def step() -> Any:
        y, cache = pair.forward(x, p, pad=1)
        return y, *pair.backward(dy, cache)

    return step


def max_pool(N: int, pixels: int, C: int) -> Step:
    """Max-pooling over windows of 2x2."""
    rng, pair, (H, W) = rng_of("growth of max pool"), kit().ops.max_pool2d, sides(pixels)
    x, dy = draw(rng, N, H, W, C), draw(rng, N, H // 2, W // 2, C)

    def step() -> Any:
        y, cache = pair.forward(x, size=2)
        return y, *pair.backward(dy, cache)

    return step


def norm_relu(N: int, pixels: int, C: int) -> Step:
    """Batch norm with the batch's own statistics, then ReLU."""
    rng, ops, (H, W) = rng_of("growth of batch norm"), kit().ops, sides(pixels)
    pair = ops.norm_relu(ops.batch_norm, ops.relu)
    x, dy = draw(rng, N, H, W, C), draw(rng, N, H, W, C)
    p = NormParams(1 + draw(rng, C, scale=0.1), draw(rng, C, scale=0.1))
    running = RunningStats(np.zeros(C, np.float32), np.ones(C, np.float32))

    def step() -> Any:
        (y, _), cache = pair.forward(x, running, p, training=True)
        return y, *pair.backward((dy, None), cache)

    return step


def sides(pixels: int) -> tuple[int, int]:
    """Height and width of a picture with a power of two of pixels: a square, or two side by side."""
    height = 2 ** ((pixels.bit_length() - 1) // 2)
    return height, pixels // height


CASES = {
    "LSTM T16 D64 H128": Case("N", 16, lambda N: recurrent("lstm", N, 16, 64, 128)),
    "conv 3x3 32-32, 32x32": Case("N", 4, lambda N: conv(N, 32 * 32, 32, 32)),
    "LSTM N32 D64 H128": Case("T", 8, lambda T: recurrent("lstm", 32, T, 64, 128)),
    "GRU N32 D64 H128": Case("T", 8, lambda T: recurrent("gru", 32, T, 64, 128)),
    "conv 3x3 3-8": Case("pixels", 1024, lambda pixels: conv(PICTURES, pixels, 3, 8)),
    "conv 3x3 32-32": Case("pixels", 1024, lambda pixels: conv(PICTURES, pixels, 32, 32)),
    "max pool 2x2, 32 channels": Case("pixels", 1024, lambda pixels: max_pool(PICTURES, pixels, 32)),
    "batch norm + relu, 32 channels": Case("pixels", 1024, lambda pixels: norm_relu(PICTURES, pixels, 32)),
}


class Growing:
    """What a worker of this benchmark does when it is asked."""

    def grow(self, name: str, rounds: int) -> list[list[float]]:
        """Seconds of a call of each size, one list for each round."""
        steps = [CASES[name].set_up(size) for size in CASES[name].sizes]
        for step in steps:
            step()
        calls = [max(LEAST_CALLS, round(TURN / timed(step))) for step in steps]
        return [[statistics.median(turn(step, n)) for step, n in zip(steps, calls)] for _ in range(rounds)]


def exponent(sizes: list[int], times: list[float]) -> float:
    """k of time = c * size^k, by least squares on the logarithms."""
    return statistics.linear_regression([math.log(size) for size in sizes], [math.log(t) for t in times]).slope


def row_of(name: str, rounds: list[list[float]]) -> dict[str, Any]:
    """The figures of one case from the seconds of its rounds."""
    case = CASES[name]
    times = [statistics.median(turns) for turns in zip(*rounds)]
    single = [exponent(case.sizes, turns) for turns in rounds]
    return {
        "name": name, "grows": case.grows, "sizes": case.sizes, "ms": [1e3 * t for t in times],
        "exponent": exponent(case.sizes, times), "exponent_min": min(single), "exponent_max": max(single),
    }  # fmt: skip


def measure(threads: int) -> list[dict[str, Any]]:
    """One row per case, each measured in a process of its own.

    Raises:
        WorkerError: a case failed.
    """
    rows = []
    for name in CASES:
        worker = Worker(SIDE, threads, "benchmarks.growth")
        try:
            rows.append(row_of(name, worker.ask("grow", name=name, rounds=ROUNDS)))
        finally:
            worker.close()
        if sys.stderr.isatty():
            print(f"\r{len(rows)} of {len(CASES)}", end="\r", file=sys.stderr, flush=True)
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """The table and the worst exponent."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "layer", "grows", "from", "to", *(f"ms, x{factor}" for factor in FACTORS), "exponent", "range", box=None
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for row in rows:
        first, last = row["sizes"][0], row["sizes"][-1]
        spread = f"{row['exponent_min']:.2f} - {row['exponent_max']:.2f}"
        table.add_row(
            row["name"], row["grows"], str(first), str(last), *(_three_digits(ms) for ms in row["ms"]),
            f"{row['exponent']:.3f}", spread,
        )  # fmt: skip
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    worst = max(rows, key=lambda row: row["exponent"])
    verdict = "within" if worst["exponent"] <= BAR else "above"
    console.print(
        f"worst exponent {worst['exponent']:.3f}, {worst['name']}, in {worst['grows']}: {verdict} the bar of {BAR}",
        markup=False, highlight=False,
    )  # fmt: skip


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def draw_growth(path: Path, rows: list[dict[str, Any]], threads: int) -> Path:
    """One panel per row: time over size, both logarithmic, beside a line of slope 1 through the first point."""
    columns = min(4, len(rows))
    lines = -(-len(rows) // columns)
    figure = _figure(figsize=(2.9 * columns, 3.0 * lines + 0.6))
    panels = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    for axes, row in zip(panels, rows):
        sizes, ms = np.array(row["sizes"], float), np.array(row["ms"])
        proportional = ms[0] * sizes / sizes[0]
        colour = BLUE if row["exponent"] <= BAR else RED
        (slope,) = axes.loglog(sizes, proportional, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.loglog(sizes, ms, color=colour, marker="o", markersize=4.5, linewidth=1.6)
        axes.annotate(
            f"{row['exponent']:.2f}", (0.07, 0.93), xycoords="axes fraction", va="top", color=colour, fontsize=15
        )
        axes.set_title(row["name"], fontsize=9.5)
        axes.set_xlabel(LABELS.get(row["grows"], row["grows"]), fontsize=9)
        low, high = ms.min() / 1.4, 1.4 * max(ms.max(), proportional.max())
        ticks = [tick for k in range(-4, 6) for tick in (10.0**k, 3 * 10.0**k) if low <= tick <= high]
        axes.set_xticks(sizes[::2], [f"{size:,.0f}" for size in sizes[::2]])
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_ylim(low, high)
        axes.minorticks_off()
        axes.tick_params(labelsize=8.5)
        _plain(axes)
    for axes in panels[len(rows) :]:
        axes.axis("off")
    for axes in panels[::columns]:
        axes.set_ylabel("ms", fontsize=9)
    figure.suptitle(
        f"Forward and backward over 16-fold input, {threads} thread{'s' * (threads > 1)}: exponent of time, bar {BAR}",
        fontsize=12, y=1.0,
    )  # fmt: skip
    figure.legend([slope], ["in proportion (slope 1)"], loc="upper center", bbox_to_anchor=(0.5, 0.975), frameon=False,
                  fontsize=9)  # fmt: skip
    figure.tight_layout(h_pad=1.4, w_pad=1.2, rect=(0, 0, 1, 0.965))
    return _save(figure, path)


def main(argv: list[str] | None = None) -> int:
    parser = Parser("growth", __doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--out", type=Path, default=Path("runs/growth.png"), help="the plot (default runs/growth.png)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the BLAS (default 1)")
    args = parser.parse_args(argv)
    try:
        if args.threads < 1:
            raise ValueError(f"--threads is {args.threads}; expected at least 1")
        if args.out.is_dir():
            raise ValueError(f"--out is {args.out}, a folder; expected the name of a PNG file")
        args.out.parent.mkdir(parents=True, exist_ok=True)  # not found out after a minute of measuring
        rows = measure(args.threads)
        if args.json:
            print(json.dumps({"machine": machine(), "threads": args.threads, "bar": BAR, "rows": rows}, indent=1))
        else:
            show(rows)
        draw_growth(args.out, rows, args.threads)
    except (ValueError, OSError, WorkerError) as error:
        print(f"growth: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if not args.json:
        print(f"plot: {args.out}")
    return 0 if all(row["exponent"] <= BAR for row in rows) else 1


if __name__ == "__main__":
    if sys.argv[1:] == [SIDE]:
        serve(SIDE, lambda side: Growing())
    else:
        sys.exit(main())
