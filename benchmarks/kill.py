"""Kill a process that keeps saving checkpoints, at random moments, and count what is lost.

    python -m benchmarks.kill [--kills 200] [--naive] [--seed 0]

Each round starts a child that saves one checkpoint of 5 MB after the other, kills it (SIGKILL) at a random moment and
reads the file. It is lost when it cannot be read, is not the state that was saved under its step, or is older than
a save that the child had reported as done. The next child takes the run over and sweeps what the killed one left.
`--naive` saves with `np.savez` straight to the file, for contrast. Exit status 1 when a file was lost.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minirnn import checkpoint

_LONGEST = 0.15  # seconds until the kill, at most: a few saves


class Outcome(NamedTuple):
    kills: int
    saves: int  # reported as done by the children
    lost: int  # kills after which the file was unreadable, wrong or too old
    strays: int  # temporary files that killed children left
    left: int  # of these, there after one more start
    seconds: float


def state(step: int) -> dict[str, np.ndarray]:
    """What is saved at a step: 5 MB, parameters and two moments, every value another one at every step."""
    shapes = {"conv.w": (3, 3, 64, 96), "lstm.Wx": (192, 768), "lstm.Wh": (192, 768), "out.w": (192, 512)}
    arrays = {f"{part}.{k}": np.full(s, step, np.float32) for part in ("params", "m", "v") for k, s in shapes.items()}
    return {**arrays, "step": np.array(step)}


def keep_saving(path: Path, first: int, naive: bool) -> None:
    """The child: save step after step and report each, until killed."""
    if naive:
        for step in count(first):
            np.savez(path, **state(step))
            print(step, flush=True)
    with checkpoint.RunLock(path.parent):
        for step in count(first):
            checkpoint.save(path, state(step), {"step": step})
            print(step, flush=True)


def saved_step(path: Path, naive: bool) -> int:
    """The step of the file. Raises when the file is not exactly the state of that step."""
    if naive:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    else:
        arrays, _ = checkpoint.load(path)
    step = int(arrays["step"])
    expected = state(step)
    if arrays.keys() != expected.keys() or any(arrays[k].tobytes() != a.tobytes() for k, a in expected.items()):
        raise ValueError(f"the file is not the state of step {step}")
    return step


def measure(folder: Path, kills: int, naive: bool, seed: int) -> Outcome:
    """Start and kill `kills` children that save to one file in `folder`."""
    path = folder / ("naive.npz" if naive else "last.safetensors")
    rng = random.Random(seed)
    begin = time.perf_counter()
    saves = lost = done = 0  # done: the last step known to be on disk
    strays: set[str] = set()
    child = _start(path, naive)
    try:
        for _ in range(kills):
            reports = _kill(child, done + 1, rng.uniform(0, _LONGEST))
            child = _start(path, naive)  # its imports run while this process checks
            saves += len(reports)
            done = reports[-1] if reports else done
            strays |= {file.name for file in folder.iterdir()} - {path.name, "run.lock"}
            try:
                step = saved_step(path, naive) if done or path.exists() else 0
                if not done <= step <= done + 1:  # the last save may have been finished but not reported
                    raise ValueError(f"the file holds step {step}, the last save reported was {done}")
                done = step
            except Exception as error:  # noqa: BLE001  whatever it is, the file cannot be used
                lost += 1
                if not naive:
                    print(f"lost after step {done}: {type(error).__name__}: {error}", file=sys.stderr)
                path.unlink(missing_ok=True)
                done = 0
    finally:
        child.kill()
        child.communicate()
    with checkpoint.RunLock(folder):
        left = len({file.name for file in folder.iterdir()} & strays)
    return Outcome(kills, saves, lost, len(strays), left, time.perf_counter() - begin)


def _start(path: Path, naive: bool) -> subprocess.Popen[str]:
    """A child that has begun to import and will wait for its first step."""
    command = [sys.executable, "-m", "benchmarks.kill", "--child", str(path)] + ["--naive"] * naive
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _kill(child: subprocess.Popen[str], first: int, after: float) -> list[int]:
    """Let the child save from step `first` on, kill it `after` seconds later; returns the steps that it reported."""
    assert child.stdin is not None
    assert child.stdout is not None
    if child.stdout.readline() != "ready\n":
        raise RuntimeError("the child did not start")
    child.stdin.write(f"{first}\n")
    child.stdin.flush()
    time.sleep(after)
    if child.poll() is not None:
        raise RuntimeError("the child ended by itself")
    child.kill()
    reports = [int(line) for line in child.stdout]
    child.communicate()
    return reports


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="how many children to kill (default 200)")
    parser.add_argument("--naive", action="store_true", help="save with np.savez straight to the file, for contrast")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills (default 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.child:
        print("ready", flush=True)
        keep_saving(args.child, int(sys.stdin.readline()), args.naive)
    with tempfile.TemporaryDirectory() as folder:
        outcome = measure(Path(folder), args.kills, args.naive, args.seed)
    if args.json:
        print(json.dumps(outcome._asdict()))
    else:
        print(_table("np.savez" if args.naive else "checkpoint.save", outcome))
    return 1 if outcome.lost else 0


def _table(method: str, outcome: Outcome) -> str:
    cells: dict[str, Any] = {
        "saved with": method,
        "kills": outcome.kills,
        "saves": outcome.saves,
        "lost": outcome.lost,
        "stray files": outcome.strays,
        "after next start": outcome.left,
        "seconds": f"{outcome.seconds:.0f}",
    }
    widths = [max(len(name), len(str(value))) for name, value in cells.items()]
    rows = (list(cells), list(cells.values()))
    return "\n".join("  ".join(f"{cell!s:>{width}}" for cell, width in zip(row, widths)) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
