"""How near each workload comes to the rate of matrix products: a plot from the figures of `benchmarks.compare`.

    python -m benchmarks.compare --json > COMPARE.json
    python -m benchmarks.roofline COMPARE.json [--out runs/roofline.png]

One panel per number of threads, one line per workload with matrix products, sorted by what minirnn reaches in the first
panel. GFLOP/s are the flops of the direct algorithm by the time that each side took, so Winograd's convolution, which
does fewer, can pass the line: the best rate of NumPy's float32 matrix products on that machine. Exit status 2 when the
file is not one that `compare` wrote.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.parser import Parser
from minirnn.plots import BLUE, GREY, ORANGE, _figure, _plain, _save

NAMES = {"torch": "PyTorch", "compile": "PyTorch, compiled", "readable": "the readable pairs"}


class Reached(NamedTuple):
    """GFLOP/s of one workload; the other side's is None where it did not work."""

    minirnn: float
    other: float | None


class Panel(NamedTuple):
    """One number of threads."""

    threads: int
    rate: float  # of matrix products, GFLOP/s
    reached: dict[str, Reached]


def load(path: Path) -> tuple[str, list[Panel]]:
    """The name of the other side, and a panel for each number of threads.

    Raises:
        ValueError: not the JSON of `compare`, or no workload in it has matrix products.
        OSError: the file cannot be read.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        other = NAMES[result["against"]]
        panels = [panel_of(int(count), float(rate), result["rows"]) for count, rate in _rates(result)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not what `python -m benchmarks.compare --json` prints") from error
    panels = [panel for panel in panels if panel.reached]
    if not panels:
        raise ValueError(f"{path} holds no workload with matrix products")
    return other, panels


def _rates(result: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(result["machine"]["sgemm_gflops"].items())


def panel_of(threads: int, rate: float, rows: list[dict[str, Any]]) -> Panel:
    """What the workloads reach; a row says which share of the rate minirnn does, and how long the sides take."""
    reached = {}
    for row in rows:
        if row["threads"] == threads and row["sgemm_share"] is not None:
            mine = row["sgemm_share"] * rate
            theirs = mine * row["minirnn_ms"] / row["other_ms"] if row["other_ms"] else None
            reached[row["name"]] = Reached(mine, theirs)
    return Panel(threads, rate, reached)


def draw_roofline(path: Path, other: str, panels: list[Panel]) -> Path:
    """Dots for both sides beside the rate of matrix products."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.reached))
    names.sort(key=lambda name: panels[0].reached.get(name, Reached(0, None)).minirnn)  # the highest line last
    figure = _figure(figsize=(3.2 + 3.9 * len(panels), 1.3 + 0.29 * len(names)))
    row = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    for axes, panel in zip(row, panels):
        for y, name in enumerate(names):
            if name not in panel.reached:
                continue
            mine, theirs = panel.reached[name]
            if theirs is not None:
                axes.plot([mine, theirs], [y, y], color=GREY, alpha=0.4, linewidth=2, zorder=1)
                axes.plot(theirs, y, "o", color=ORANGE, markersize=6, clip_on=False, label=other)
            axes.plot(mine, y, "o", color=BLUE, markersize=6, clip_on=False, label="minirnn")
        axes.axvline(panel.rate, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), zorder=0)
        axes.annotate(
            f"NumPy's matrix products {panel.rate:.0f}", (panel.rate, 1.0), xycoords=("data", "axes fraction"),
            textcoords="offset points", xytext=(2, 5), ha="right", color=GREY, fontsize=9,
        )  # fmt: skip
        most = max(v for pair in panel.reached.values() for v in (*pair, panel.rate) if v is not None)
        axes.set(xlim=(0, 1.06 * most), ylim=(-0.7, len(names) - 0.3), xlabel="GFLOP/s")
        axes.set_title(f"{panel.threads} thread{'s' * (panel.threads > 1)}", fontsize=11, loc="left")
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", length=0, labelsize=9, labelleft=axes is row[0])
        axes.tick_params(axis="x", labelsize=9)
        _plain(axes)
    handles = {text: dot for axes in row for dot, text in zip(*axes.get_legend_handles_labels())}
    sides = [side for side in ("minirnn", other) if side in handles]
    figure.legend([handles[side] for side in sides], sides, loc="upper left", bbox_to_anchor=(0, 1), ncols=2,
                  frameon=False, fontsize=10, handletextpad=0.2, columnspacing=1)  # fmt: skip
    figure.tight_layout(w_pad=1.5)
    return _save(figure, path)


def main(argv: list[str] | None = None) -> int:
    parser = Parser("roofline", __doc__)
    parser.add_argument("file", type=Path, metavar="COMPARE.json", help="what benchmarks.compare --json printed")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/roofline.png"), help="the plot (default runs/roofline.png)"
    )
    args = parser.parse_args(argv)
    try:
        print(f"plot: {draw_roofline(args.out, *load(args.file))}")
    except (ValueError, OSError) as error:
        print(f"roofline: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
