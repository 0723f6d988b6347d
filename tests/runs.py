"""What the tests of training share: a run that is stopped, and whether two runs ended in the same state."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from minirnn import checkpoint
from minirnn.problem import Note, Step
from minirnn.train import LAST

Events = Generator[Any, None, None]


def until(loop: Events, steps: int | None = None) -> list[Any]:
    """The events of a run that is left after so many steps; None trains it to its end."""
    events, left = [], steps
    for event in loop:
        events.append(event)
        if left is not None and isinstance(event, Step):
            left -= 1
            if not left:
                loop.close()
    return events


def state_of(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """All arrays of the run, and its counters without the clock."""
    arrays, meta = checkpoint.load(folder / LAST)
    progress = {k: v for k, v in meta["progress"].items() if k != "seconds"}
    progress["checks"] = [{k: v for k, v in row.items() if k != "seconds"} for row in progress["checks"]]
    return dict(arrays), progress


def same(a: tuple[dict[str, Any], dict[str, Any]], b: tuple[dict[str, Any], dict[str, Any]]) -> bool:
    """Whether two runs ended in the same state, bit for bit."""
    (arrays_a, progress_a), (arrays_b, progress_b) = a, b
    assert arrays_a.keys() == arrays_b.keys()
    return progress_a == progress_b and all(arrays_a[k].tobytes() == arrays_b[k].tobytes() for k in arrays_a)


def assert_resumes(
    start: Callable[..., Events], folder: Path, stop_after: int, *, inside: Sequence[str] = ("",)
) -> int:  # fmt: skip
    """A run that is stopped and gone on with must equal one that never stopped, bit for bit.

    Args:
        start: of (folder, resume=…), gives the run's generator; called once for each sitting.
        folder: where the runs are made: the whole one in `whole`.
        stop_after: steps, of all runs together that the generator makes one after the other.
        inside: the folders of these runs, inside the folder of the first.
    Returns:
        How many steps the first of them makes.
    """
    whole, parts = folder / "whole", folder / "parts"
    assert until(start(whole))
    until(start(parts), stop_after)
    assert sum(state_of(parts / name)[1]["step"] for name in inside if (parts / name / LAST).exists()) == stop_after
    assert isinstance(until(start(parts, resume=True))[0], Note)
    for name in inside:
        assert same(state_of(whole / name), state_of(parts / name)), name
    steps: int = state_of(whole / inside[0])[1]["step"]
    return steps
