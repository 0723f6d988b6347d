"""The benchmark of single tricks: both ways compute the same where they return something, and nothing stays changed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchmarks import tricks
from benchmarks.tricks import TRICKS, Trick, Trying
from minirnn.fast import columns
from minirnn.pair import Array
from minirnn.tree import tree_leaves


@pytest.mark.parametrize("trick", TRICKS, ids=[trick.what for trick in TRICKS])
def test_both_ways_compute_the_same(trick: Trick) -> None:
    usual = columns.KEEP
    plainly, with_trick = (tree_leaves(work()) for work in trick.set_up())
    assert usual == columns.KEEP
    if plainly and with_trick and len(plainly) == len(with_trick):
        for a, b in zip(plainly, with_trick):
            assert np.abs(np.ravel(a) - np.ravel(b)).max() <= 1e-3 * np.abs(a).max(), trick.what


def test_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def ask(self: Any, do: str, k: int) -> list[tuple[float, float]]:
        return [(3e-3, 1e-3), (4e-3, 2e-3), (8e-3, 2e-3)]

    monkeypatch.setattr("benchmarks.measuring.Worker.ask", ask)
    assert tricks.main(["--json"]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert (row["before_ms"], row["after_ms"], row["gain"]) == pytest.approx((4.0, 2.0, 3.0))


def test_a_round_is_timed_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tricks, "ROUNDS", 2)
    rounds = Trying().compare(0)
    assert len(rounds) == 2
    assert all(a > 0 and b > 0 for a, b in rounds)


@pytest.mark.parametrize(
    ("command", "says"), [(["--threads", "0"], "--threads is 0"), (["--threads", "x"], "invalid int value: 'x'")]
)
def test_a_wrong_command_gets_one_sentence(command: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: Any = tricks.main(command)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1


def test_draws_are_seeded() -> None:
    first: Array = tricks.draw(3, 2)
    assert np.array_equal(first, tricks.draw(3, 2))
