"""Training shown live: a progress bar with loss, speed and time left in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from minirnn.problem import Checked, Note, Step

LINE_EVERY = 10.0  # seconds between plain lines


def console() -> Console:
    """Where people read: standard error, so that standard output stays free for results."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def decoding(out: Console) -> Callable[[int, int], None]:
    """Says now and then how many pictures have been decoded; says nothing of a few."""

    def progress(done: int, total: int) -> None:
        if total >= 2000 and done % 1000 == 0:
            out.print(f"decoded {done} of {total} pictures", markup=False)

    return progress


def clock(seconds: float) -> str:
    """3:07, or 1:02:03."""
    s = int(max(0, seconds))
    return f"{s // 3600}:{s // 60 % 60:02d}:{s % 60:02d}" if s >= 3600 else f"{s // 60}:{s % 60:02d}"


class Meter:
    """Loss, speed and time left, from the steps of the last seconds."""

    def __init__(self) -> None:
        self.recent: deque[Step] = deque(maxlen=50)

    def add(self, step: Step) -> None:
        """Take one more step into account."""
        if self.recent and step.step <= self.recent[-1].step:
            self.recent.clear()  # another run began: the baseline
        self.recent.append(step)

    def text(self) -> str:
        """One line for people."""
        last = self.recent[-1]
        loss = sum(s.loss for s in self.recent) / len(self.recent)
        span = last.seconds - self.recent[0].seconds
        speed = (len(self.recent) - 1) / span if span > 0 else 0.0
        left = f"{clock((last.total - last.step) / speed)} left" if speed and last.total else "timing the first steps"
        return f"loss {loss:.3f}  {speed:.1f} steps/s  {left}"


def scores_text(scores: dict[str, float]) -> str:
    """The scores that fit on a line; a score turned round, so that larger is better, would say the same again."""
    names = [k for k in scores if not k.startswith("minus_")]
    shown = [k for k in ("exact_match", "bleu4", "rouge_l", "cider") if k in names] or names[:4]
    return "  ".join(f"{k} {scores[k]:.3f}" for k in shown)


def show(events: Generator[Step | Checked | Note, None, None], out: Console | None = None) -> None:
    """Run a training to its end, showing what happens. Interrupted, it closes the training, which saves its state."""
    out = out or console()
    with closing(events):
        if out.is_terminal:
            _show_live(events, out)
        else:
            _show_lines(events, out)


def _checked(event: Checked) -> str:
    sample = f'  "{event.sample}"' if event.sample else ""
    mark = " *" if event.better else ""
    return f"{clock(event.seconds):>7}  step {event.step}  {scores_text(event.scores)}{mark}{sample}"


def _show_live(events: Iterable[Step | Checked | Note], out: Console) -> None:
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.fields[line]}"))
    meter = Meter()
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("", total=None, line="")
        for event in events:
            if isinstance(event, Step):
                meter.add(event)
                bar.update(task, completed=event.step, total=event.total or None, line=meter.text())
            elif isinstance(event, Checked):
                out.print(_checked(event), markup=False)
            else:
                out.print(event.text, markup=False)


def _show_lines(events: Iterable[Step | Checked | Note], out: Console) -> None:
    meter, last = Meter(), 0.0
    for event in events:
        if isinstance(event, Step):
            meter.add(event)
            if not 0 <= event.seconds - last < LINE_EVERY:
                last = event.seconds
                out.print(f"{clock(last):>7}  step {event.step}/{event.total or '?'}  {meter.text()}", markup=False)
        elif isinstance(event, Checked):
            out.print(_checked(event), markup=False)
        else:
            out.print(event.text, markup=False)
        sys.stderr.flush()
