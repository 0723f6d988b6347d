"""`minirnn demo when-rnn`: what is compared, what is shown, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from minirnn.checkpoint import RunLock
from minirnn.cli import main
from minirnn.data import moving_digits
from minirnn.problem import TrainConfig
from minirnn.tasks import when_rnn
from minirnn.train import BEST, LAST
from minirnn.tree import tree_items


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Few digits are drawn, and few examples judged."""
    monkeypatch.setattr(moving_digits, "PARTS", {"train": 80, "val": 20, "test": 40})
    monkeypatch.setattr(when_rnn, "COUNTS", {"val": 8, "test": 24})


@pytest.fixture
def small(monkeypatch):
    """Ten updates each."""
    monkeypatch.setattr(
        when_rnn, "config_of",
        lambda network, seconds, seed: TrainConfig(epochs=10 * 8 / network.problem.examples, batch=8, checks=1, seed=seed),
    )  # fmt: skip


def shapes(network):
    return {name: leaf.shape for name, leaf in tree_items(network.problem.params)}


def test_networks_of_a_row_differ_in_the_recurrent_part_alone():
    networks = {network.name: network for network in when_rnn.build("drawn", 0, "gru").networks}
    for one, other, shared in (
        ("digit-cnn", "digit-rnn", "0.encoder"), ("string-cnn", "string-rnn", "blocks"),
        ("motion-any-order", "motion-rnn", "encoder"),
    ):  # fmt: skip
        a, b = shapes(networks[one]), shapes(networks[other])
        common = [name for name in a if name.startswith(shared.split(".")[-1])]
        assert common
        assert all(a[name] == b[name] for name in common)
    assert not any("Wh" in leaf for name in ("digit-cnn", "string-cnn", "motion-one-frame", "motion-any-order")
                   for leaf in shapes(networks[name]))  # fmt: skip
    assert all(
        any("Wh" in leaf for leaf in shapes(networks[name])) for name in ("digit-rnn", "string-rnn", "motion-rnn")
    )
    assert sum(network.share for network in networks.values()) == pytest.approx(1.0)
    for _, without, with_it in when_rnn.ROWS.values():
        assert networks[without].share == networks[with_it].share  # equally long


def test_fewer_digits_than_are_asked_for_are_counted_as_they_are(monkeypatch):
    monkeypatch.setattr(when_rnn, "COUNTS", {"val": 8, "test": 60})
    networks = {network.name: network for network in when_rnn.build("drawn", 0, "gru").networks}
    assert networks["digit-cnn"].unseen == networks["digit-rnn"].unseen == 40
    assert networks["string-rnn"].unseen == networks["motion-rnn"].unseen == 60


def test_two_experiments_in_one_folder_are_refused(tmp_path, capsys):
    with RunLock(tmp_path):
        assert main(["demo", "when-rnn", "--out", str(tmp_path)]) == 2
    assert "is writing to this folder" in capsys.readouterr().err


def test_the_examples_are_unseen_and_longer_strings_are_longer():
    examples = when_rnn.build("drawn", 0, "gru").examples()
    assert examples["digit"].shape == (28, 28)
    assert examples["motion"].ndim == 3
    assert examples["longer"].shape[1] > examples["string"].shape[1]


def test_a_table_and_a_picture(small, tmp_path, capsys):
    folder = tmp_path / "when"
    assert main(["demo", "when-rnn", "--out", str(folder), "--cell", "rnn", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["rows"]) == ["digit", "string", "longer", "one_frame", "any_order"]
    for row in told["rows"].values():
        assert row["n"] == 24
        for key in ("cnn", "cnn_and_rnn"):
            assert 0 <= row[key] <= 1
            assert row[key] * 24 == pytest.approx(round(row[key] * 24))
    assert told["rows"]["one_frame"]["cnn_and_rnn"] == told["rows"]["any_order"]["cnn_and_rnn"]
    assert all(network["steps"] == 10 for network in told["networks"].values())
    assert json.loads((folder / "when-rnn.json").read_text(encoding="utf-8")) == told
    assert (folder / "when-rnn.png").stat().st_size > 5000

    before = (folder / "digit-cnn" / BEST).read_bytes()
    assert main(["demo", "when-rnn", "--out", str(folder), "--seed", "1"]) == 0  # anew
    out = capsys.readouterr().out
    assert "CNN  CNN + RNN" in out
    assert "strings of 2 to 5 digits" in out
    assert (folder / "digit-cnn" / BEST).read_bytes() != before


def test_scores_are_those_of_what_was_trained(small, tmp_path):
    """The digit network that knows the answers is right; the table reads its file, not its first parameters."""
    experiment = when_rnn.build("drawn", 0, "gru")
    for _ in when_rnn.train_all(experiment, 1.0, tmp_path):
        pass
    network = experiment.networks[0]
    found = when_rnn.table(experiment, tmp_path)["rows"]["digit"]["cnn"]
    trained = when_rnn.load_best((network.problem.params, network.problem.running), tmp_path / network.name)
    assert found == network.scores(*trained)["digit"]
    images, labels = experiment.digits["test"].images[:24], experiment.digits["test"].labels[:24]
    logp = when_rnn.log_probabilities(
        np.float32(images[..., None]) / 255, trained[1], trained[0],
        config=network.problem.options["config"], ops=experiment.ops,
    )  # fmt: skip
    assert found == pytest.approx((logp.argmax(axis=1) == labels).mean())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["when-rnn", "--attention"], "--attention belongs to the captioner's demo"),
        (["--data", "mnist"], "--data belongs to when-rnn"),
        (["when-rnn", "--seconds", "0"], "--seconds is 0; expected more than 0"),
        (
            ["when-rnn", "--data", "/nowhere"],
            "/nowhere is no folder; expected 'drawn' or the folder of MNIST's IDX files",
        ),
    ],
)
def test_what_is_refused(words, said, tmp_path, capsys):
    assert main(["demo", *words, "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_a_run_is_never_overwritten(tmp_path, capsys):
    (tmp_path / LAST).write_bytes(b"somebody's run")
    assert main(["demo", "when-rnn", "--out", str(tmp_path)]) == 2
    assert f"{tmp_path} holds a run; choose another folder" in capsys.readouterr().err
    assert (tmp_path / LAST).read_bytes() == b"somebody's run"
