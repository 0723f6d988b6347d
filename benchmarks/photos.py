"""Captions of real photographs: train on several seeds, each with its own split, and judge beside the baselines.

python -m benchmarks.photos --data FLICKR8K [--minutes 10] [--seeds 0 1 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from minirnn.display import console, show
from minirnn.tasks import captioning


def run_seed(data: str, seed: int, minutes: float, attention: bool, out: Path) -> dict[str, Any]:
    """Train one captioner and its no-image baseline within `minutes`, and judge both on the test split."""
    image = "attention" if attention else "every"
    settings = captioning.settings_for(data, seed=seed, image=image)
    system, _ = captioning.build(settings)
    config = replace(captioning.train_defaults(settings), seconds=60 * minutes)
    began = time.monotonic()
    show(captioning.train_captioner(system, config, out), console())
    seconds = time.monotonic() - began
    report = captioning.evaluate(out, system.splits["test"], exact=False)
    baselines = {name: scores["cider"] for name, scores in report["baselines"].items()}
    return {
        "seed": seed,
        "pictures": {name: len(split) for name, split in system.splits.items()},
        "seconds": round(seconds, 1),
        "cider": report["cider"],
        "bleu4": report["bleu4"],
        **baselines,
    }


def peak_megabytes() -> int | None:
    """Largest memory of this process so far; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2))


def main() -> int:
    """Run the seeds and print a table; exit status 1 when the mean is below 1.2 times the best baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--attention", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = []
    for seed in args.seeds:
        with TemporaryDirectory() as folder:
            rows.append(run_seed(args.data, seed, args.minutes, args.attention, Path(folder)))
        print(json.dumps(rows[-1]), file=sys.stderr)
    names = ("cider", "no_image", "shuffled", "most_frequent")
    mean = {name: sum(row[name] for row in rows) / len(rows) for name in names}
    ratio = mean["cider"] / max(mean[name] for name in names[1:])
    peak = peak_megabytes()
    result = {"rows": rows, "mean": mean, "ratio": ratio, "peak_mb": peak}
    if args.json:
        print(json.dumps(result))
    else:
        table = Table("seed", "minutes", "CIDEr", "no image", "shuffled", "most frequent", "BLEU-4")
        for row in rows:
            table.add_row(str(row["seed"]), f"{row['seconds'] / 60:.1f}", *(f"{row[n]:.3f}" for n in names),
                          f"{row['bleu4']:.3f}")  # fmt: skip
        table.add_row("mean", "", *(f"{mean[n]:.3f}" for n in names), "")
        Console().print(table)
        print(f"CIDEr is {ratio:.2f} times the best baseline; peak memory {peak} MB")
    return 0 if ratio >= 1.2 else 1


if __name__ == "__main__":
    sys.exit(main())
