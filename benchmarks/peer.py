"""The demo's captioner trained end to end by minirnn and by PyTorch: which of the two is there first?

    python -m benchmarks.peer [--seconds 96] [--steps N] [--every 50] [--threads 2] [--json]

Same drawn scenes, architecture, first weights, batches, learning rates, clipping and Adam, so the two learn alike step
by step and what differs is how long a step takes. Each side trains in a process of its own, one after the other. First
both time a few steps; then both train as many as the slower one makes in --seconds, at most the demo's six epochs
(--steps says how many instead). Every few steps the same 256 pictures are captioned; the time of that is not counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measuring import Worker, WorkerError, serve
from benchmarks.workloads.sides import ops_of, tools_of
from minirnn.data.captioning import centre
from minirnn.metrics import exact_match
from minirnn.optim import OPTIMISERS, learning_rate
from minirnn.pair import Array
from minirnn.tasks.captioning import DECODE_BATCH, JUDGE, System, build, settings_for, train_defaults

SIDES = {"fast": "minirnn", "torch": "PyTorch"}
GOAL = 0.9  # share of captions that are right word for word
WARM, TIMED = 5, 20  # steps that are made to find out how long one takes


class Ours:
    """The captioner in minirnn."""

    def __init__(self, system: System) -> None:
        self.system, self.problem, self.config = system, system.problem(), train_defaults(system.settings)
        self.params, self.running = self.problem.params, self.problem.running
        self.moments = OPTIMISERS[self.config.optimiser].init(self.params)

    def step(self, batch: tuple[Array, ...], lr: float) -> float:
        (loss, self.running), cache = self.problem.model.forward(
            *batch, self.running, self.params, **self.problem.options, training=True
        )
        grads = self.problem.model.backward((np.ones_like(loss), None), cache)[-1]
        grads, _ = self.problem.clip(grads, self.config.clip)
        self.params, self.moments = self.system.tools.adam(self.params, grads, self.moments, lr=lr)
        return float(loss)

    def captions(self, images: Array) -> list[str]:
        return self.system.model(self.params, self.running).captions(images)


class Theirs:
    """The captioner in PyTorch."""

    def __init__(self, system: System) -> None:
        import torch

        from benchmarks.workloads import torch_captioner

        self.system, self.config, self.tools, self.torch = (
            system,
            train_defaults(system.settings),
            torch_captioner,
            torch,
        )
        problem = system.problem()
        model: Any = torch_captioner.TorchCaptioner(system.config).load(problem.params, problem.running)
        self.model = model.to(memory_format=torch.channels_last).train()
        self.weights = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(self.weights, lr=self.config.lr)

    def step(self, batch: tuple[Array, ...], lr: float) -> float:
        images, which, inputs, targets, _ = batch  # targets are PAD where the mask is False
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.zero_grad(set_to_none=True)
        from_numpy = self.torch.from_numpy
        loss = self.model(self.tools.pictures(images), from_numpy(which), from_numpy(inputs), from_numpy(targets))
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.weights, self.config.clip)
        self.optimiser.step()
        return float(loss.item())

    def captions(self, images: Array) -> list[str]:
        self.model.eval()
        out, steps = [], self.system.settings.max_words + 1
        for k in range(0, len(images), DECODE_BATCH):
            seen = centre(images[k : k + DECODE_BATCH], self.system.config.image_size)
            for words in self.tools.greedy(self.model, seen, steps):
                out.append(" ".join(self.system.vocabulary.decode(self.tools.cut(words))))
        self.model.train()
        return out


class Training:
    """What a worker of this benchmark does when it is asked."""

    def __init__(self, side: str) -> None:
        self.make: Callable[[System], Any] = Ours if side == "fast" else Theirs
        self.system, _ = build(settings_for("scenes"), ops=ops_of("fast"), tools=tools_of("fast"))
        self.problem, self.config = self.system.problem(), train_defaults(self.system.settings)

    def batch(self, k: int) -> tuple[Any, ...]:
        chosen = self.problem.order(self.problem.examples, self.config.batch, k, self.config.seed)
        return self.problem.batch(chosen, np.random.default_rng([self.config.seed, 1, k]))

    def most(self) -> int:
        """The steps of the demo's epochs."""
        return round(self.config.epochs * (self.problem.examples // self.config.batch))

    def pace(self) -> float:
        """Seconds that a step takes, on a model that is thrown away."""
        side = self.make(self.system)
        for k in range(WARM + TIMED):
            if k == WARM:
                began = time.perf_counter()
            side.step(self.batch(k), self.config.lr)
        return (time.perf_counter() - began) / TIMED

    def train(self, total: int, every: int) -> dict[str, Any]:
        """Train from the first weights; `seconds` leaves the checks out."""
        side, c = self.make(self.system), self.config
        val = self.system.splits["val"].take(np.arange(JUDGE))
        seconds, losses, checks = 0.0, [], []
        for k in range(total):
            began = time.perf_counter()
            lr = learning_rate(k, total, peak=c.lr, warmup=c.warmup, schedule=c.schedule)
            losses.append(side.step(self.batch(k), lr))
            seconds += time.perf_counter() - began
            if (k + 1) % every == 0 or k + 1 == total:
                score = exact_match(val.references(), side.captions(val.images))
                checks.append({"step": k + 1, "seconds": round(seconds, 2), "exact": score})
        there = next((check for check in checks if check["exact"] >= GOAL), None)
        return {
            "steps": total, "seconds": seconds, "step_ms": 1e3 * seconds / total,
            "goal_seconds": there and there["seconds"], "goal_step": there and there["step"],
            "exact": checks[-1]["exact"], "first_loss": losses[0], "last_loss": losses[-1], "checks": checks,
        }  # fmt: skip


def compare(seconds: float, steps: int | None, every: int, threads: int) -> dict[str, Any]:
    """Both sides, one after the other.

    Raises:
        WorkerError: a side failed.
    """
    workers = {side: Worker(side, threads, "benchmarks.peer", patience=20 * seconds + 3600) for side in SIDES}
    try:
        if steps is None:
            paces = [worker.ask("pace") for worker in workers.values()]
            steps = min(int(workers["fast"].ask("most")), max(1, int(seconds / max(paces))))
        sides = {SIDES[side]: worker.ask("train", total=steps, every=every) for side, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.close()
    ratio = sides["PyTorch"]["seconds"] / sides["minirnn"]["seconds"]
    return {"threads": threads, "steps": steps, "goal": GOAL, "ratio": ratio, **sides}


def show(result: dict[str, Any]) -> None:
    """A small table."""
    from rich.console import Console
    from rich.table import Table

    table = Table("side", "steps", "ms a step", "seconds", f"to {GOAL:.0%} exact", "exact at the end", box=None)
    for name in SIDES.values():
        side = result[name]
        there = "never" if side["goal_seconds"] is None else f"{side['goal_seconds']:.1f} s, step {side['goal_step']}"
        table.add_row(
            name, str(side["steps"]), f"{side['step_ms']:.1f}", f"{side['seconds']:.1f}", there, f"{side['exact']:.1%}"
        )
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    console.print(f"PyTorch takes {result['ratio']:.2f} times as long as minirnn", highlight=False)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=96, help="that the slower side trains (default 96)")
    parser.add_argument("--steps", type=int, help="how many steps both make, instead of --seconds")
    parser.add_argument("--every", type=int, default=50, help="steps from one check to the next (default 50)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    args = parser.parse_args(argv)
    try:
        for name in ("seconds", "steps", "every", "threads"):
            value = getattr(args, name)
            if value is not None and not value > 0:
                raise ValueError(f"--{name} is {value}; expected more than 0")
        if importlib.util.find_spec("torch") is None:
            raise ValueError("PyTorch is not installed: pip install torch")
        result = compare(args.seconds, args.steps, args.every, args.threads)
    except (ValueError, WorkerError) as error:
        print(f"peer: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if args.json:
        print(json.dumps(result, indent=1))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1] in SIDES:
        serve(sys.argv[1], Training)
    else:
        sys.exit(main())
