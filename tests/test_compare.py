"""The speed benchmark: both sides compute the same, the command says what is wrong, its figures are what they say."""

from __future__ import annotations

import gc
import importlib.util
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import compare, measuring, peer
from benchmarks.measuring import Worker, WorkerError
from benchmarks.workloads import WORKLOADS, captioning, convolution

TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
TOLERANCE = 1e-6  # of the largest value of an array: PyTorch adds 1e-6 to the norm before it clips by it


@pytest.fixture(scope="module")
def workers() -> Iterator[dict[str, Worker]]:
    """A process for each side: PyTorch's settings in other tests do not reach it."""
    started = {side: Worker(side, 1) for side in ("fast", "readable", "torch")}
    yield started
    for worker in started.values():
        worker.close()


def results(worker: Worker, workload: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{worker.side}.npz"
    worker.ask("results", workload=workload, path=str(path))
    with np.load(path) as arrays:
        return dict(arrays)


def error(ours: Any, theirs: Any) -> float:
    scale = np.abs(theirs).max()
    return float(np.abs(ours.astype(np.float64) - theirs).max() / (scale or 1.0))


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("other", ["readable", pytest.param("torch", marks=needs_torch)])
def test_both_sides_compute_the_same(name: str, other: str, workers: dict[str, Worker], tmp_path: Path) -> None:
    ours, theirs = results(workers["fast"], name, tmp_path), results(workers[other], name, tmp_path)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert value.shape == theirs[key].shape, key
        assert np.isfinite(value).all(), key
        assert value.dtype in (np.float64, np.int64), key
        assert error(value, theirs[key]) <= (TOLERANCE if value.dtype.kind == "f" else 0), key


def test_every_array_of_the_captioner_is_compared(workers: dict[str, Worker], tmp_path: Path) -> None:
    """All but the biases of the convolutions, which batch norm takes away again."""
    ours = results(workers["fast"], "captioner step flickr8k", tmp_path)
    assert len(ours) == 1 + 5 * 3 + 2 + 1 + 3 + 2  # loss, blocks, image, words, cell, out
    assert all(np.abs(value).max() > 1e-6 for value in ours.values())


def test_captions_are_as_long_on_both_sides_and_vary(workers: dict[str, Worker], tmp_path: Path) -> None:
    for name in ("caption latency greedy", "caption latency beam 5"):
        words = results(workers["fast"], name, tmp_path)["words"]
        assert len(words) == captioning.STEPS
        assert len(set(words.tolist())) > 1


def test_flops_count_the_direct_algorithm() -> None:
    one = convolution.conv("a name", convolution.Conv(2, 4, 3, 5))
    assert one.flops == 3 * 2 * (2 * 4 * 4) * (3 * 3 * 3) * 5
    first = convolution.conv("a name", convolution.Conv(2, 4, 3, 5, need_dx=False))
    assert first.flops == one.flops * 2 / 3
    assert WORKLOADS["lstm N32 T16 D64 H128"].flops == 3 * 2 * 32 * 16 * (64 + 128) * 4 * 128
    assert WORKLOADS["max pool 2x2 64x32x32x32"].flops is None
    scenes = captioning.config_of("scenes")
    by_hand = 2 * 9 * (48**2 * 3 * 8 * 2 + 3 * (24**2 * 8 * 24 + 12**2 * 24 * 48 + 6**2 * 48 * 96)) + 3 * 2 * 864 * 256
    assert captioning.encoder_flops(scenes, training=True) == by_hand


def test_batches_are_like_the_real_ones() -> None:
    images, which, inputs, targets, mask = captioning.batch_of("flickr8k")
    assert images.shape == (16, 64, 64, 3)
    assert inputs.shape == targets.shape == mask.shape == (80, 18)
    assert which.tolist() == [k // 5 for k in range(80)]
    assert inputs.max() < 3000
    assert ((targets == 0) == ~mask).all()  # PyTorch's side finds the padding by its number


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["--only", "no such thing"], "no workload has 'no such thing' in its name"),
        (["--threads", "0"], "--threads is '0'"),
        (["--threads", "1,x"], "--threads is '1,x'"),
        (["--rounds", "0"], "--rounds is 0"),
        (["--rounds", "many"], "invalid int value: 'many'"),
        (["--against", "jax"], "invalid choice: 'jax'"),
    ],
)
def test_a_wrong_command_gets_one_sentence(command: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = compare.main(command)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("main", [compare.main, peer.main])
def test_without_pytorch_a_sentence(main: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "PyTorch is not installed" in err
    assert len(err.splitlines()) == 1


def test_list_prints_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--list", "--only", "gru", "adam"]) == 0
    assert capsys.readouterr().out.splitlines() == ["gru N64 T32 D64 H256", "adam step"]


def test_json_is_one_object_with_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--against", "readable", "--threads", "1", "--rounds", "2", "--only", "rnn N64", "adam", "--json"]
    assert compare.main(command) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert err == ""
    assert [row["name"] for row in result["rows"]] == ["rnn N64 T32 D64 H128", "adam step"]
    for row in result["rows"]:
        assert row["minirnn_ms"] > 0
        assert row["ratio"] == pytest.approx(row["other_ms"] / row["minirnn_ms"])
        assert row["ratio_min"] <= row["ratio_max"]
        assert row["error"] is None
    rnn, adam = result["rows"]
    rate = 1e9 * result["machine"]["sgemm_gflops"]["1"]
    flops = WORKLOADS[rnn["name"]].flops
    assert flops is not None
    assert rnn["sgemm_share"] == pytest.approx(flops / (rnn["minirnn_ms"] / 1e3) / rate)
    assert adam["sgemm_share"] is None
    assert result["geomean"]["1"] == pytest.approx(math.sqrt(rnn["ratio"] * adam["ratio"]))


def test_memory_is_that_of_the_step() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system does not say how much memory a process used")
    peak = compare.memory_of("readable", "conv 3x3 64x32x32x32-32")
    columns = 64 * 32 * 32 * 9 * 32 * 4 / 2**20  # the readable pair copies every window
    assert peak is not None
    assert columns < peak < 4 * columns


class Broken(Worker):
    """A side on which nothing works."""

    def ask(self, do: str, **request: Any) -> Any:
        raise WorkerError("ValueError: not today")


def test_a_side_that_fails_leaves_its_figures_empty_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    ours = Worker("fast", 1)
    try:
        row = compare.measure(ours, Broken("compile", 1), "adam step", 1, 1e9)
    finally:
        ours.close()
    assert row["minirnn_ms"] > 0
    assert row["other_ms"] is row["ratio"] is None
    assert row["error"] == "compile does not work: ValueError: not today"
    row |= {"name": "adam step", "threads": 1}
    compare.show({"against": "compile", "rows": [row], "geomean": compare.geometric_means([row])})
    assert "compile does not work: ValueError: not today" in capsys.readouterr().out


def test_a_worker_says_what_failed_and_goes_on() -> None:
    worker = Worker("readable", 1)
    try:
        with pytest.raises(WorkerError, match="KeyError: 'no such workload'"):
            worker.ask("prepare", workload="no such workload")
        assert worker.ask("prepare", workload="adam step") > 0
        times = worker.ask("turn", calls=3)
        assert len(times) == 3
        assert worker.process is not None
        worker.process.kill()
        with pytest.raises(WorkerError, match="the process of readable ended with status"):
            worker.ask("turn", calls=1)
        assert worker.ask("turn", calls=0) == []  # a new process
    finally:
        worker.close()


def test_a_step_that_fails_leaves_garbage_collection_on() -> None:
    def fails() -> None:
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        measuring.turn(fails, 1)
    assert gc.isenabled()


@needs_torch
@pytest.mark.slow
def test_the_captioner_learns_alike_on_both_sides() -> None:
    result = peer.compare(10, 30, 15, 1)
    ours, theirs = result["minirnn"], result["PyTorch"]
    assert ours["first_loss"] == pytest.approx(theirs["first_loss"], rel=1e-4)
    assert ours["last_loss"] == pytest.approx(theirs["last_loss"], rel=0.1)
    assert ours["steps"] == theirs["steps"] == 30
    assert [check["step"] for check in ours["checks"]] == [15, 30]
