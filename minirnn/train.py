"""Training: one loop for every model.

`train` is a generator: it yields what happens (`Step`, `Checked`, `Note`), and whoever runs it draws a progress bar,
writes lines, or does nothing. Leave it at any time: the state is an immutable tree, saved at every check, on Ctrl-C and
when the generator is closed; a run that goes on from there equals one that never stopped, bit for bit.

All randomness comes from the seed and a counter (epoch or step), so that there is no generator state to save.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minirnn import checkpoint
from minirnn.errors import DataError
from minirnn.models.anomaly import find_anomaly
from minirnn.optim import OPTIMISERS, learning_rate
from minirnn.problem import Checked, Note, Problem, Progress, Step, TrainConfig, TrainingError, TrainState, as_json

LAST, BEST = "last.safetensors", "best.safetensors"
CALIBRATION = 20  # steps that are timed before a run with a time limit is planned; every validation plans it again


def train(
    problem: Problem, config: TrainConfig, folder: Path, *, resume: bool = False
) -> Generator[Step | Checked | Note, None, None]:
    """Train a model, checkpointing into `folder`.

    Args:
        problem: model, data and judge.
        config: how to train; stored with the run.
        folder: where `last.safetensors` (to go on) and `best.safetensors` (to use) are kept; made when missing.
        resume: go on from `last.safetensors`; starts afresh when there is none.
    Yields:
        `Step` after every update and `Checked` after every validation.
    Raises:
        TrainingError: loss or gradient not finite; nothing is saved of that step.
        DataError: the folder is in use by another run, or holds a run that differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with checkpoint.RunLock(folder):
        optimiser = OPTIMISERS[config.optimiser]
        first = optimiser.init(problem.params)
        state = TrainState(problem.params, problem.running, first, problem.params, problem.running)
        progress = Progress(total=0 if config.seconds else _steps(problem, config))
        if resume and (folder / LAST).exists():
            state, progress, notes = _load(state, config, problem, folder / LAST)
            yield from notes
        else:
            _save(state, progress, config, problem, folder / LAST)  # finds out now whether the folder can be written
        began = time.monotonic() - progress.seconds
        try:
            while True:
                if _check_due(progress, config):
                    state, progress, checked = _check(problem, config, state, progress, began, folder)
                    yield checked
                if _done(progress, config):
                    break
                if config.seconds and not progress.total and progress.step >= CALIBRATION:
                    progress = _plan(problem, config, state, progress, began)
                state, progress, step = _update(problem, config, state, progress, began)
                yield step
        except (KeyboardInterrupt, GeneratorExit):
            _save(state, progress, config, problem, folder / LAST)
            raise


def _steps(problem: Problem, config: TrainConfig) -> int:
    per_epoch = max(1, problem.examples // config.batch)
    return max(1, round(config.epochs * per_epoch))


def _done(progress: Progress, config: TrainConfig) -> bool:
    if config.seconds and progress.seconds > 1.1 * config.share * config.seconds:
        return True  # the machine became slower than when the run was planned
    waited = sum(check["step"] > progress.best_step for check in progress.checks)
    return 0 < progress.total <= progress.step or 0 < config.patience <= waited


def _update(
    problem: Problem, config: TrainConfig, state: TrainState, progress: Progress, began: float
) -> tuple[TrainState, Progress, Step]:
    """One update of the parameters."""
    k = progress.step
    data = problem.batch(
        problem.order(problem.examples, config.batch, k, config.seed), np.random.default_rng([config.seed, 1, k])
    )
    options = {**problem.options, "training": True}
    args = (*data, state.running, state.params)
    (loss, running), cache = problem.model.forward(*args, **options, rng=np.random.default_rng([config.seed, 2, k]))
    dparams = problem.model.backward((np.ones_like(loss), None), cache)[-1]
    try:
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss}")
        dparams, norm = problem.clip(dparams, config.clip)
    except FloatingPointError as error:
        where = find_anomaly(problem.model, args, options, np.random.default_rng([config.seed, 2, k]))
        raise TrainingError(f"stopped at step {k + 1}: {where or error}") from error
    lr = learning_rate(k, progress.total or 10**9, peak=config.lr, warmup=config.warmup, schedule=config.schedule)
    update: Callable[..., Any] = problem.updates.get(config.optimiser, OPTIMISERS[config.optimiser].update)
    decay = config.weight_decay
    params, moments = update(state.params, dparams, state.optimiser, lr=lr, weight_decay=decay)
    state = state._replace(params=params, running=running, optimiser=moments)
    progress = replace(
        progress, step=k + 1, seconds=time.monotonic() - began, losses=(*progress.losses, round(float(loss), 6))
    )
    return state, progress, Step(k + 1, progress.total, float(loss), lr, norm, progress.seconds)


def _plan(problem: Problem, config: TrainConfig, state: TrainState, progress: Progress, began: float) -> Progress:
    """The first plan of a run with a time limit, from the speed of its first steps and of one validation."""
    per_step = progress.seconds / progress.step
    start = time.monotonic()
    problem.judge(state.params, state.running)
    return _planned(problem, config, progress, per_step, time.monotonic() - start, began)


def _planned(
    problem: Problem, config: TrainConfig, progress: Progress, per_step: float, judging: float, began: float
) -> Progress:
    """The same progress with as many steps as fit into what is left of the time, validations included."""
    assert config.seconds is not None
    seconds = time.monotonic() - began
    left = config.share * config.seconds - seconds - (config.checks - len(progress.checks)) * judging
    total = min(_steps(problem, config), progress.step + max(1, int(left / per_step)))
    return replace(progress, total=total, seconds=seconds, timed=(progress.step, seconds))


def _check_due(progress: Progress, config: TrainConfig) -> bool:
    """Whether a validation is due: those left are spread evenly over the steps left, the last when the run ends."""
    before = progress.checks[-1]["step"] if progress.checks else 0
    if progress.step == before:
        return False  # nothing has changed since
    left = config.checks - len(progress.checks)
    due = 0 < progress.total - before <= left * (progress.step - before)
    return due or _done(progress, config)


def _check(
    problem: Problem, config: TrainConfig, state: TrainState, progress: Progress, began: float, folder: Path
) -> tuple[TrainState, Progress, Checked]:
    """Validate, keep the parameters when they are the best so far, plan what is left, and write the checkpoints."""
    start = time.monotonic()
    scores = problem.judge(state.params, state.running)
    judging = time.monotonic() - start
    score = tuple(scores[name] for name in problem.best)
    better = score > progress.best_score  # any score is more than none
    row = {"step": progress.step, "seconds": round(time.monotonic() - began, 3), **scores}
    progress = replace(progress, checks=(*progress.checks, row), seconds=time.monotonic() - began)
    if better:
        state = state._replace(best_params=state.params, best_running=state.running)
        progress = replace(progress, best_score=score, best_step=progress.step)
        meta = {**problem.meta, "step": progress.step, "scores": scores}
        checkpoint.save(folder / BEST, checkpoint.flatten("model", (state.params, state.running)), meta)
    if progress.total and config.seconds and not _done(progress, config):
        step, seconds = progress.timed
        per_step = (start - began - seconds) / (progress.step - step)
        progress = _planned(problem, config, progress, per_step, judging, began)
    _save(state, progress, config, problem, folder / LAST)
    sample = problem.sample(state.params, state.running)
    return state, progress, Checked(progress.step, scores, better, sample, progress.seconds)


def _save(state: TrainState, progress: Progress, config: TrainConfig, problem: Problem, path: Path) -> None:
    meta = {
        "train": as_json(config),
        "progress": as_json(progress),
        "environment": checkpoint.environment(),
        "problem": dict(problem.meta),
    }
    checkpoint.save(path, checkpoint.flatten("state", state), meta)


def _load(
    like: TrainState, config: TrainConfig, problem: Problem, path: Path
) -> tuple[TrainState, Progress, list[Note]]:
    """The state to go on from. Refuses a run that was made with other settings or other data."""
    arrays, meta = checkpoint.load(path)
    if "progress" not in meta:
        raise DataError(f"{path} holds no state of training to go on from")
    now = {**as_json(config), **problem.meta}
    then = {**meta.get("train", {}), **meta.get("problem", {})}
    differ = [_difference(k, then.get(k), now.get(k)) for k in sorted({*now, *then}) if now.get(k) != then.get(k)]
    if differ:
        raise DataError(
            f"{path} was made by another run ({'; '.join(dict.fromkeys(differ))}); start anew in another folder"
        )
    progress = Progress(**meta["progress"])
    losses, checks, (step, seconds) = tuple(progress.losses), tuple(progress.checks), progress.timed
    progress = replace(progress, losses=losses, checks=checks, timed=(step, seconds))
    progress = replace(progress, best_score=tuple(progress.best_score))
    here = checkpoint.environment()
    changed = sorted(k for k in here if here[k] != meta["environment"].get(k))
    notes = [Note(f"going on from step {progress.step}")]
    if changed:
        notes.append(Note(f"{', '.join(changed)} changed since: results may differ from one run in the last digits"))
    return checkpoint.restore(like, arrays, "state", str(path)), progress, notes


def _difference(name: str, then: Any, now: Any) -> str:
    """What differs between two runs, in a few words."""
    if isinstance(then, dict) and isinstance(now, dict):
        return ", ".join(_difference(k, then.get(k), now.get(k)) for k in now if then.get(k) != now[k])
    if isinstance(then, list) or isinstance(now, list):
        return f"{name} differs"
    return f"{name} was {then!r}, now {now!r}"


def load_best(like: Any, folder: Path) -> Any:
    """(params, running) of the best validation, for a tree `like` of the same structure."""
    arrays, _ = checkpoint.load(folder / BEST)
    return checkpoint.restore(like, arrays, "model", str(folder / BEST))
