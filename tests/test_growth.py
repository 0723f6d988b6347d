"""The benchmarks of growth and of the roofline: the fit is exact, a quadratic is noticed, the plots are drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import growth, roofline
from benchmarks.growth import BAR, CASES, FACTORS, Case, Growing, exponent
from benchmarks.measuring import Worker

PNG = b"\x89PNG"


class InThisProcess:
    """Stands in for the worker: measures here, where a planted case can be seen."""

    def __init__(self, *_: Any) -> None:
        self.close = list

    def ask(self, do: str, **request: Any) -> Any:
        return getattr(Growing(), do)(**request)


def taking(seconds: Callable[[int], float]) -> Any:
    """Stands in for `grow`: every round takes exactly so long."""
    return lambda self, name, rounds: [[seconds(size) for size in CASES[name].sizes]] * rounds


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(growth, "Worker", InThisProcess)
    return monkeypatch


@pytest.mark.parametrize("k", [0.5, 1.0, 1.3, 2.0])
def test_the_exponent_of_exact_data(k: float) -> None:
    sizes = [12 * factor for factor in FACTORS]
    assert exponent(sizes, [3e-4 * size**k for size in sizes]) == pytest.approx(k, abs=1e-12)


def test_the_exponent_is_that_of_least_squares() -> None:
    rng, sizes = np.random.default_rng(0), [8 * factor for factor in FACTORS]
    times = [float(size * rng.uniform(0.5, 2)) for size in sizes]
    wanted, _ = np.polyfit(np.log(sizes), np.log(times), 1)
    assert exponent(sizes, times) == pytest.approx(wanted, abs=1e-9)


def test_a_row_takes_medians_and_says_how_far_the_rounds_differ() -> None:
    name = next(iter(CASES))
    sizes = CASES[name].sizes
    rounds = [[1e-3 * size**k for size in sizes] for k in (1.0, 1.0, 1.5)]
    row = growth.row_of(name, rounds)
    assert row["ms"] == pytest.approx(sizes)
    assert row["exponent"] == row["exponent_min"] == pytest.approx(1.0)
    assert row["exponent_max"] == pytest.approx(1.5)


def test_what_is_in_proportion_passes(
    here: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.setattr(Growing, "grow", taking(lambda size: 1e-5 * size))
    assert growth.main(["--out", str(tmp_path / "a" / "growth.png")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(name in out for name in CASES)
    assert f"within the bar of {BAR}" in out
    assert (tmp_path / "a" / "growth.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(("k", "status"), [(1.04, 0), (1.06, 1)])
def test_the_bar(k: float, status: int, here: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here.setattr(Growing, "grow", taking(lambda size: 1e-5 * size**k))
    here.setattr(growth, "draw_growth", lambda *_: None)
    assert growth.main(["--out", str(tmp_path / "growth.png")]) == status


def test_a_planted_quadratic_is_caught(
    here: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Really measured: every pair of n values is multiplied."""

    def quadratic(n: int) -> growth.Step:
        x, out = np.ones(n, np.float32), np.empty((n, n), np.float32)
        return lambda: np.multiply(x[:, None], x, out=out)

    here.setitem(CASES, "quadratic", Case("N", 256, quadratic))
    for name in list(CASES)[:-1]:
        here.delitem(CASES, name)
    here.setattr(growth, "ROUNDS", 3)
    assert growth.main(["--json", "--out", str(tmp_path / "growth.png")]) == 1
    result = json.loads(capsys.readouterr().out)
    (row,) = result["rows"]
    assert row["sizes"] == [256, 512, 1024, 2048, 4096]
    assert row["exponent"] > 1.5
    assert (result["threads"], result["bar"]) == (1, BAR)


def test_a_worker_measures_every_size_in_every_round() -> None:
    worker = Worker(growth.SIDE, 1, "benchmarks.growth")
    try:
        rounds = worker.ask("grow", name="max pool 2x2, 32 channels", rounds=1)
    finally:
        worker.close()
    assert [len(turns) for turns in rounds] == [len(FACTORS)]
    assert min(rounds[0]) > 0


@pytest.mark.parametrize("name", CASES)
def test_every_case_runs_and_twice_the_size_is_twice_the_input(name: str) -> None:
    case = CASES[name]
    small, large = (case.set_up(case.base * factor)()[0].shape for factor in (1, 2))
    assert np.prod(large) == 2 * np.prod(small)


@pytest.mark.parametrize(
    ("command", "says"), [(["--threads", "0"], "--threads is 0"), (["--threads", "one"], "invalid int value: 'one'"),
                          (["--out", "."], "--out is ., a folder")],
)  # fmt: skip
def test_a_wrong_command_gets_one_sentence(command: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: Any = growth.main(command)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1


def compared(**changes: Any) -> dict[str, Any]:
    """What `compare --json` prints, as far as the roofline reads it."""
    rows = [
        {"name": "conv", "threads": 1, "minirnn_ms": 10.0, "other_ms": 5.0, "sgemm_share": 0.25},
        {"name": "lstm", "threads": 1, "minirnn_ms": 4.0, "other_ms": None, "sgemm_share": 0.5},
        {"name": "max pool", "threads": 1, "minirnn_ms": 1.0, "other_ms": 2.0, "sgemm_share": None},
        {"name": "conv", "threads": 2, "minirnn_ms": 6.0, "other_ms": 3.0, "sgemm_share": 0.2},
    ]
    return {"machine": {"sgemm_gflops": {"1": 40.0, "2": 80.0}}, "against": "torch", "rows": rows} | changes


def written(folder: Path, result: Any) -> Path:
    path = folder / "compare.json"
    path.write_text(json.dumps(result))
    return path


def test_what_is_reached_is_flops_by_time(tmp_path: Path) -> None:
    other, (one, two) = roofline.load(written(tmp_path, compared()))
    assert other == "PyTorch"
    assert (one.threads, one.rate, two.threads, two.rate) == (1, 40.0, 2, 80.0)
    assert one.reached == {"conv": (10.0, 20.0), "lstm": (20.0, None)}  # no matrix products, no line
    assert two.reached == {"conv": (16.0, 32.0)}


@pytest.mark.parametrize("rows", [slice(None), slice(0, 1), slice(1, 2)])
def test_the_roofline_is_drawn(rows: slice, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = written(tmp_path, compared(rows=compared()["rows"][rows])), tmp_path / "new" / "roofline.png"
    assert roofline.main([str(path), "--out", str(out)]) == 0
    assert out.read_bytes().startswith(PNG)
    assert capsys.readouterr().out.split() == ["plot:", str(out)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("not JSON", "is not what"),
        ("[]", "is not what"),
        ('{"rows": []}', "is not what"),
        (json.dumps(compared(against="another")), "is not what"),
        (json.dumps(compared(rows=[{"name": "conv"}])), "is not what"),
        (json.dumps(compared(rows=[compared()["rows"][0] | {"minirnn_ms": "10"}])), "is not what"),
        (json.dumps(compared(rows=compared()["rows"][2:3])), "holds no workload with matrix products"),
        (json.dumps(compared(machine={"sgemm_gflops": {}})), "holds no workload with matrix products"),
    ],
)
def test_a_bad_file_gets_one_sentence(
    content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "compare.json"
    if content is not None:
        path.write_text(content)
    assert roofline.main([str(path), "--out", str(tmp_path / "roofline.png")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "roofline.png").exists()
