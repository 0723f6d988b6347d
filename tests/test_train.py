"""The training loop: resuming bit for bit, stopping at any time, naming the layer of a NaN."""

import re
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from minirnn import checkpoint
from minirnn.data.captioning import centre
from minirnn.errors import DataError
from minirnn.models.captioner import captioner
from minirnn.ops import READABLE
from minirnn.pair import Pair
from minirnn.problem import Checked, Note, Step, TrainConfig, TrainingError, batch_indices
from minirnn.train import BEST, LAST, load_best, train
from minirnn.tree import tree_from_items, tree_items, tree_leaves
from tests.runs import same, state_of, until
from tests.tiny import TRAIN, shorter, tiny_system


def run(folder, system=None, config=TRAIN, resume=False, stop_after=None, judge=None):
    """Train, and return the events; stop by closing the generator after so many steps."""
    problem = (system or tiny_system()).problem()
    return until(train(replace(problem, judge=judge or problem.judge), config, folder, resume=resume), stop_after)


def test_a_run_reports_its_steps_and_checks_and_learns(tmp_path):
    events = run(tmp_path, config=replace(shorter(20), lr=0.01))
    steps = [e for e in events if isinstance(e, Step)]
    checks = [e for e in events if isinstance(e, Checked)]
    assert [s.step for s in steps] == list(range(1, 81))
    assert [c.step for c in checks] == [27, 54, 80]
    assert np.mean([s.loss for s in steps[-5:]]) < steps[0].loss - 0.3
    assert {"exact_match", "bleu4", "cider"} <= set(checks[0].scores)
    assert (tmp_path / BEST).exists()


@pytest.mark.parametrize("stop_after", [1, 4, 7, 11])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path, stop_after, cell):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(whole, tiny_system(cell=cell))
    run(parts, tiny_system(cell=cell), stop_after=stop_after)
    events = run(parts, tiny_system(cell=cell), resume=True)
    assert isinstance(events[0], Note)
    assert same(state_of(whole), state_of(parts))


def test_two_runs_of_one_seed_are_equal_and_of_two_seeds_are_not(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(tmp_path / name, config=replace(TRAIN, seed=seed))
    assert same(state_of(tmp_path / "a"), state_of(tmp_path / "b"))
    assert not same(state_of(tmp_path / "a"), state_of(tmp_path / "c"))


@pytest.mark.parametrize(
    "lost", ["params", "running", "optimiser.m", "optimiser.v", "optimiser.step", "best_params", "step", "best_score"]
)
def test_each_part_of_the_state_is_needed(tmp_path, lost):
    """A checkpoint that forgets one part resumes to something else: the comparison above can fail."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"

    def judge(params, running):
        return {"exact_match": 0.0, "cider": 0.0}  # so that the best parameters are those of the first check

    run(whole, judge=judge)
    run(parts, stop_after=9, judge=judge)
    arrays, meta = checkpoint.load(parts / LAST)
    forgotten = {k: np.zeros_like(v) for k, v in arrays.items() if k.startswith(f"state.{lost}")}
    if lost == "params":
        forgotten = {k: v + np.float32(1e-6) for k, v in arrays.items() if k.startswith("state.params")}
    if lost in meta["progress"]:
        meta["progress"][lost] = {"step": meta["progress"]["step"] - 1, "best_score": [1e9]}[lost]
    else:
        assert forgotten
    checkpoint.save(parts / LAST, {**arrays, **forgotten}, meta)
    run(parts, resume=True, judge=judge)
    assert not same(state_of(whole), state_of(parts))


@pytest.mark.parametrize("changed", [{"lr": 0.001}, {"seed": 5}, {"batch": 4}, {"epochs": 4.0}])
def test_resuming_with_other_settings_is_refused(tmp_path, changed):
    run(tmp_path, stop_after=3)
    with pytest.raises(DataError, match=f"{next(iter(changed))} was"):
        run(tmp_path, config=replace(TRAIN, **changed), resume=True)


def test_resuming_with_another_model_is_refused(tmp_path):
    run(tmp_path, stop_after=3)
    with pytest.raises(DataError, match=r"\(cell was 'lstm', now 'gru'\)"):
        run(tmp_path, tiny_system(cell="gru"), resume=True)


def test_resuming_elsewhere_says_that_digits_may_differ(tmp_path, monkeypatch):
    run(tmp_path, stop_after=3)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "17")
    notes = [e.text for e in run(tmp_path, resume=True) if isinstance(e, Note)]
    assert any("results may differ" in note for note in notes)


def test_every_epoch_has_its_own_order_and_shows_every_example_once():
    epochs = [np.concatenate([batch_indices(32, 8, 4 * e + k, seed=0) for k in range(4)]) for e in range(3)]
    assert all(sorted(epoch) == list(range(32)) for epoch in epochs)
    assert (epochs[0] != epochs[1]).any()
    assert (epochs[1] != epochs[2]).any()


def test_a_batch_larger_than_the_training_set_takes_all_of_it():
    assert sorted(batch_indices(5, 8, 3, seed=0)) == list(range(5))


def test_ctrl_c_saves_and_the_run_goes_on_from_there(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(whole)
    system = tiny_system()
    problem, calls = system.problem(), []

    def interrupted(indices, rng):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return problem.batch(indices, rng)

    with pytest.raises(KeyboardInterrupt):
        list(train(replace(problem, batch=interrupted), TRAIN, parts))
    assert state_of(parts)[1]["step"] == 5
    run(parts, resume=True)
    assert same(state_of(whole), state_of(parts))


def test_the_lock_is_free_again_and_a_second_run_is_refused(tmp_path):
    loop = train(tiny_system().problem(), TRAIN, tmp_path)
    next(loop)
    with pytest.raises(DataError, match=re.escape(str(tmp_path))):
        next(train(tiny_system().problem(), TRAIN, tmp_path))
    loop.close()
    assert run(tmp_path, stop_after=1)


def test_the_best_parameters_are_those_of_the_best_check(tmp_path):
    system = tiny_system()
    scores, seen = iter([0.1, 0.5, 0.3]), []

    def judge(params, running):
        seen.append(params)
        return {"exact_match": next(scores), "cider": 0.0}

    events = list(train(replace(system.problem(), judge=judge), TRAIN, tmp_path))
    assert [e.better for e in events if isinstance(e, Checked)] == [True, True, False]
    problem = system.problem()
    params, _ = load_best((problem.params, problem.running), tmp_path)
    assert all((a == b).all() for a, b in zip(tree_leaves(params), tree_leaves(seen[1])))


def test_of_equal_scores_the_next_one_decides(tmp_path):
    ciders = iter([0.1, 0.5, 0.3])
    problem = replace(
        tiny_system().problem(), judge=lambda params, running: {"exact_match": 0.0, "cider": next(ciders)}
    )
    events = list(train(problem, TRAIN, tmp_path))
    assert [e.better for e in events if isinstance(e, Checked)] == [True, True, False]


def test_early_stop_after_checks_without_a_better_score(tmp_path):
    scores = iter([0.5, 0.4, 0.4, 0.4, 0.4, 0.4])
    problem = replace(
        tiny_system().problem(), judge=lambda params, running: {"exact_match": next(scores), "cider": 0.0}
    )
    config = replace(TRAIN, checks=6, patience=2)
    events = list(train(problem, config, tmp_path))
    assert len([e for e in events if isinstance(e, Checked)]) == 3


def test_a_run_shorter_than_its_checks_is_checked_once_a_step(tmp_path):
    events = run(tmp_path, config=replace(shorter(0.5), checks=10))  # two steps
    assert [type(e) for e in events] == [Step, Checked, Step, Checked]


class Clock:
    """Stands in for `time`: a step takes what `per_step` says at that moment, a validation a fixed time."""

    def __init__(self, monkeypatch, per_step, judging):
        self.now, self.per_step, self.judging = 1000.0, per_step, judging
        monkeypatch.setattr("minirnn.train.time", SimpleNamespace(monotonic=lambda: self.now))

    def timed(self, problem):
        start = self.now

        def batch(indices, rng):
            self.now += self.per_step(self.now - start)
            return problem.batch(indices, rng)

        def judge(params, running):
            self.now += self.judging
            return problem.judge(params, running)

        return replace(problem, batch=batch, judge=judge)


@pytest.mark.parametrize(
    "per_step",
    [
        lambda now: 1.0,
        lambda now: 5.0 if now < 120 else 1.0,  # something else ran while the first steps were timed
        lambda now: 1.0 if now < 200 else 3.0,  # … or came later
    ],
    ids=["even", "slow first", "slow later"],
)
def test_a_run_with_a_time_limit_is_planned_again_at_every_validation(tmp_path, monkeypatch, per_step):
    clock = Clock(monkeypatch, per_step, judging=20)
    problem = clock.timed(tiny_system().problem())
    config = replace(TRAIN, epochs=1000, seconds=600, checks=10)
    events = list(train(problem, config, tmp_path))
    steps = [e for e in events if isinstance(e, Step)]
    assert steps[0].total == 0 < steps[25].total
    assert 0.93 * 600 < events[-1].seconds <= 600  # the time is used
    assert steps[-1].step == steps[-1].total  # and the schedule of the learning rate came to its end
    assert len([e for e in events if isinstance(e, Checked)]) == 10


def test_a_planned_run_goes_on_as_if_it_had_never_stopped(tmp_path, monkeypatch):
    config = replace(TRAIN, epochs=1000, seconds=100, checks=5)

    def sitting(folder, stop_after=None, resume=False):
        problem = Clock(monkeypatch, lambda now: 1.0, judging=0.5).timed(tiny_system().problem())
        return until(train(problem, config, folder, resume=resume), stop_after)[-1]

    whole = sitting(tmp_path / "whole")
    sitting(tmp_path / "parts", stop_after=47)
    assert sitting(tmp_path / "parts", resume=True).step == whole.step
    assert same(state_of(tmp_path / "whole"), state_of(tmp_path / "parts"))


def test_a_run_without_a_time_limit_is_checked_at_even_steps(tmp_path):
    events = run(tmp_path, config=replace(shorter(5), checks=4))
    total = next(e for e in events if isinstance(e, Step)).total
    at = [e.step for e in events if isinstance(e, Checked)]
    assert at == [-(-total * k // 4) for k in (1, 2, 3, 4)]


PARAMETERS = [name for name, _ in tree_items(tiny_system(image="attention").problem().params)]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_nan_in_any_layer_stops_the_run_and_is_named(tmp_path, name):
    problem = tiny_system(image="attention").problem()
    leaves = {k: v.copy() for k, v in tree_items(problem.params)}
    leaves[name].flat[:] = np.nan
    broken = replace(problem, params=tree_from_items(problem.params, leaves))
    with pytest.raises(TrainingError, match=rf"stopped at step 1: the parameter {name} holds NaN"):
        list(train(broken, TRAIN, tmp_path))


@pytest.mark.parametrize("op", ["conv2d", "max_pool2d", "batch_norm", "relu", "affine", "lstm_step", "cross_entropy"])
@pytest.mark.parametrize("way", ["forward", "backward"])
def test_a_pair_that_makes_a_nan_is_named(tmp_path, op, way):
    good: Pair = getattr(READABLE, op)

    def spoil(tree):
        leaves = [(k, v) for k, v in tree_items(tree) if v is not None]
        name, value = leaves[0]
        spoilt = np.array(value, copy=True)
        spoilt.flat[:1] = np.nan
        return tree_from_items(tree, {**dict(leaves), name: spoilt})

    def forward(*args, **options):
        out, cache = good.forward(*args, **options)
        return (spoil(out) if way == "forward" else out), cache

    def backward(dout, cache):
        grads = good.backward(dout, cache)
        return spoil(grads) if way == "backward" else grads

    system = tiny_system(ops=replace(READABLE, **{op: Pair(forward, backward, op)}))
    with pytest.raises(TrainingError, match=rf"step 1: (the backward pass of )?{op}.* made NaN"):
        list(train(system.problem(), TRAIN, tmp_path))


def test_a_nan_in_a_picture_is_named_as_input(tmp_path):
    problem = tiny_system().problem()

    def batch(indices, rng):
        images, *rest = problem.batch(indices, rng)
        return images * np.float32(np.nan), *rest

    with pytest.raises(TrainingError, match="conv2d at encoder.0.conv was given NaN or infinity"):
        list(train(replace(problem, batch=batch), TRAIN, tmp_path))


def test_an_exploding_run_stops_with_the_step_and_keeps_its_last_checkpoint(tmp_path):
    run(tmp_path, stop_after=5)
    before = (tmp_path / LAST).read_bytes()
    problem = tiny_system().problem()

    def batch(indices, rng):
        images, *rest = problem.batch(indices, rng)
        return images * np.float32(np.inf), *rest

    with pytest.raises(TrainingError, match="stopped at step 6"), np.errstate(all="ignore"):
        list(train(replace(problem, batch=batch), TRAIN, tmp_path, resume=True))
    assert (tmp_path / LAST).read_bytes() == before


@pytest.mark.parametrize(
    "wrong",
    [{"lr": 0}, {"batch": 0}, {"epochs": -1}, {"optimiser": "adamm"}, {"schedule": "x"}, {"seconds": 0}, {"seed": -1}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        TrainConfig(**wrong)


def test_training_does_not_change_the_problem(tmp_path):
    problem = tiny_system().problem()
    before = [leaf.copy() for leaf in tree_leaves((problem.params, problem.running))]
    list(train(problem, TRAIN, tmp_path))
    after = tree_leaves((problem.params, problem.running))
    assert all((a == b).all() for a, b in zip(before, after))


def test_your_own_pair_drives_the_captioner():
    calls = []
    good = READABLE.lstm_step

    def mine(x, state, params):
        calls.append(x.shape)
        return good.forward(x, state, params)

    system = tiny_system(ops=replace(READABLE, lstm_step=Pair(mine, good.backward, "mine")))
    problem = system.problem()
    data = problem.batch(np.arange(4), np.random.default_rng(0))
    (loss, _), cache = captioner.forward(*data, problem.running, problem.params, training=False, **problem.options)
    reference = tiny_system().problem()
    (expected, _), _ = captioner.forward(
        *data, reference.running, reference.params, training=False, **reference.options
    )
    assert loss == expected
    assert len(calls) == data[2].shape[1]
    assert captioner.backward((np.ones_like(loss), None), cache)[-1].cell.Wx.shape == problem.params.cell.Wx.shape


def test_config_is_stored_with_the_run(tmp_path):
    run(tmp_path, stop_after=2)
    _, meta = checkpoint.load(tmp_path / LAST)
    assert meta["train"] == asdict(TRAIN)
    assert meta["problem"]["settings"]["cell"] == "lstm"
    assert "numpy" in str(meta["environment"]).lower()


def test_evaluation_sees_the_middle_of_a_picture():
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    np.testing.assert_allclose(centre(images, 2), images[:, 1:3, 1:3] / np.float32(255))
