"""How long `import minirnn` takes beside `import numpy`: whole processes, in turn, and the ratio of the medians.

python -m benchmarks.start [--runs 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time


def seconds(code: str) -> float:
    """Wall time of a fresh interpreter that runs `code`."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def main() -> int:
    """Print both medians and their ratio; exit status 1 above 1.3."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    pairs = [(seconds("import numpy"), seconds("import minirnn")) for _ in range(runs + 1)][1:]  # the first warms up
    numpy, minirnn = (statistics.median(column) for column in zip(*pairs))
    print(f"numpy {1e3 * numpy:.0f} ms, minirnn {1e3 * minirnn:.0f} ms: {minirnn / numpy:.2f} times")
    return 0 if minirnn <= 1.3 * numpy else 1


if __name__ == "__main__":
    sys.exit(main())
