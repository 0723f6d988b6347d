"""When is a recurrent network needed in vision? The same digits shown in three ways, each with and without one.

    single digits            what it is                 CNN and affine map      CNN, then its columns through a GRU
    strings of digits        what stands there (CTC)    CNN                     CNN, then its columns through a GRU
    clips of a moving digit  how it moves               CNN, one frame          CNN, then the frames through a GRU
                                                        CNN, mean of all frames

The networks of a row share all that comes before the recurrent part, and train equally long.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.data.augment import Jitter, jitter
from minirnn.data.images import to_float
from minirnn.data.lines import DigitLines, ImageLines, stack
from minirnn.data.moving_digits import Clips, Digits, clip_split, digit_splits
from minirnn.data.text import Alphabet
from minirnn.fast import optim as fast_optim
from minirnn.models.classifier import ClassifierConfig, classifier, init_classifier, log_probabilities
from minirnn.models.column_classifier import ColumnConfig, column_classifier, column_logits, init_columns
from minirnn.models.reader import ReaderConfig, init_reader, reader
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Pair, Tree
from minirnn.problem import Checked, Note, Problem, Step, TrainConfig
from minirnn.tasks import clips as clips_task
from minirnn.tasks.reader import Reader
from minirnn.tasks.reading import judge, targets_of
from minirnn.tasks.runs import summary
from minirnn.train import load_best, train
from minirnn.tree import tree_items

SECONDS = 240.0  # of training, all networks together
COUNTS = {"val": 400, "test": 1500}  # of strings and of clips; of single digits at most as many
TRAINED, LONGER = (2, 5), (6, 8)  # digits of a string: as in training, and more than that
CHANNELS = (8, 16, 32)
HIDDEN = 48
ALPHABET = Alphabet(tuple("0123456789"))
BATCH = 250  # examples looked at together


@dataclass(frozen=True)
class Network:
    """One network of the experiment."""

    name: str  # of its folder
    words: str  # for people
    share: float  # of the time; equal for all networks of a row
    unseen: int  # examples that it is judged on
    problem: Problem
    scores: Callable[[Tree, Tree], dict[str, float]]  # (params, running) -> by row of the table, on unseen examples


ROWS = {  # what it is, the network without recurrence and the one with it
    "digit": ("single digits", "digit-cnn", "digit-rnn"),
    "string": (f"strings of {TRAINED[0]} to {TRAINED[1]} digits", "string-cnn", "string-rnn"),
    "longer": (f"strings of {LONGER[0]} to {LONGER[1]} digits, longer than in training", "string-cnn", "string-rnn"),
    "one_frame": ("motion of a digit, the CNN sees one frame", "motion-one-frame", "motion-rnn"),
    "any_order": ("motion of a digit, the CNN sees all frames in no order", "motion-any-order", "motion-rnn"),
}


@dataclass(frozen=True)
class Experiment:
    """The digits, and what is made of them."""

    digits: Mapping[str, Digits]
    seed: int
    cell: str = "gru"
    ops: Ops = FAST

    @cached_property
    def networks(self) -> list[Network]:
        """All networks, in the order of their training."""
        return [*self._single(), *self._strings(), *self._clips()]

    def examples(self) -> dict[str, Array]:
        """A picture of each kind, uint8: (28, 28), (32, W), (T, S, S)."""
        return {
            "digit": self.digits["test"].images[0],
            "string": self._lines("test", TRAINED, 1).images[0],
            "longer": self._lines("test", LONGER, 1).images[0],
            "motion": self._shown("test").frames[2],
        }

    def _problem(
        self, model: Pair, first: tuple[Tree, Tree], batch: Any, count: int, score: Any, config: Any
    ) -> Problem:
        params, running = first
        return Problem(
            model, params, running, count, batch, lambda p, r: {"accuracy": score(p, r)}, ("accuracy",),
            options={"config": config, "ops": self.ops}, meta={"task": "when-rnn"},
            updates={"adam": fast_optim.adam_update},
        )  # fmt: skip

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, 3])

    # single digits

    def _single(self) -> list[Network]:
        known, val, test = self.digits["train"], self.digits["val"], self.digits["test"]
        amount = Jitter(shift=0.08, degrees=12, zoom=0.12, shear=0.15)

        def batch(indices: Array, rng: np.random.Generator) -> tuple[Array, Array]:
            return jitter(known.images[indices][..., None], amount, rng), known.labels[indices]

        def share(told: Callable[[Array], Array], some: Digits, count: int) -> float:
            images, labels = to_float(some.images[:count, ..., None]), some.labels[:count]
            parts = [told(images[k : k + BATCH]).argmax(axis=1) for k in range(0, len(images), BATCH)]
            return float((np.concatenate(parts) == labels).mean())

        alone = ClassifierConfig(10, channels=CHANNELS)
        columns = ColumnConfig(10, channels=CHANNELS, hidden=HIDDEN, cell=self.cell)

        def cnn(params: Tree, running: Tree) -> Callable[[Array], Array]:
            return lambda x: log_probabilities(x, running, params, config=alone, ops=self.ops)

        def rnn(params: Tree, running: Tree) -> Callable[[Array], Array]:
            def told(x: Array) -> Array:
                options: dict[str, Any] = {"config": columns, "training": False, "ops": self.ops}
                out: Array = column_logits.forward(x, running, params, **options)[0][0]
                return out

            return told

        def network(name: str, words: str, model: Pair, first: tuple[Tree, Tree], config: Any, told: Any) -> Network:
            problem = self._problem(
                model, first, batch, len(known.labels),
                lambda p, r: share(told(p, r), val, COUNTS["val"]), config,
            )  # fmt: skip
            n = min(COUNTS["test"], len(test.labels))
            return Network(name, words, 0.05, n, problem, lambda p, r: {"digit": share(told(p, r), test, n)})

        return [
            network("digit-cnn", "single digits, CNN", classifier, init_classifier(self._rng(), alone), alone, cnn),
            network(
                "digit-rnn",
                "single digits, CNN and RNN",
                column_classifier,
                init_columns(self._rng(), columns),
                columns,
                rnn,
            ),
        ]

    # strings

    def _lines(self, split: str, digits: tuple[int, int], count: int) -> ImageLines:
        some = self.digits[split]
        return DigitLines(some.images, some.labels, count, *digits).fixed(count, self.seed)

    def _strings(self) -> list[Network]:
        known = self.digits["train"]
        source = DigitLines(known.images, known.labels, 6400, *TRAINED)
        held = {
            "val": self._lines("val", TRAINED, COUNTS["val"]),
            "string": self._lines("test", TRAINED, COUNTS["test"]),
            "longer": self._lines("test", LONGER, COUNTS["test"]),
        }

        def batch(indices: Array, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
            images, texts = source.draw(indices, rng)
            return (*stack(images), *targets_of(texts, ALPHABET))

        def network(name: str, words: str, layers: int) -> Network:
            config = ReaderConfig(11, channels=CHANNELS, hidden=HIDDEN, layers=layers, cell=self.cell)

            def share(params: Tree, running: Tree, lines: ImageLines) -> float:
                model = Reader(config, ALPHABET, params, running, 0, 0.0, self.ops)
                return judge(lines.texts, [told.text for told in model.read(lines.images)])["exact_match"]

            problem = self._problem(
                reader, init_reader(self._rng(), config), batch, len(source),
                lambda p, r: share(p, r, held["val"]), config,
            )  # fmt: skip
            return Network(name, words, 0.21, COUNTS["test"], problem, lambda p, r: {
                row: share(p, r, held[row]) for row in ("string", "longer")
            })  # fmt: skip

        return [network("string-cnn", "strings, CNN", 0), network("string-rnn", "strings, CNN and RNN", 1)]

    # clips

    def _shown(self, split: str) -> Clips:
        return clip_split(self.digits[split], COUNTS[split], self.seed)

    def _clips(self) -> list[Network]:
        unseen = self._shown("test")
        networks = []
        for kind, name, words in (
            ("one_frame", "motion-one-frame", "motions, CNN on one frame"),
            ("any_order", "motion-any-order", "motions, CNN on all frames"),
            ("recurrent", "motion-rnn", "motions, CNN and RNN"),
        ):
            settings = clips_task.Settings(seed=self.seed, kind=kind)
            system = clips_task.System(settings, self.digits, self.ops, {"cell": self.cell, "channels": CHANNELS})

            def scores(params: Tree, running: Tree, system: clips_task.System = system) -> dict[str, float]:
                chance = system.model(params, running).probabilities(unseen.frames)
                found = float((chance.argmax(axis=1) == unseen.motions).mean())
                return {"one_frame": found, "any_order": found}

            networks.append(Network(name, words, 0.16, COUNTS["test"], system.problem(), scores))
        return networks


def config_of(network: Network, seconds: float, seed: int) -> TrainConfig:
    """How each of them is trained."""
    return TrainConfig(epochs=1000.0, seconds=seconds, share=network.share, batch=32, lr=4e-3, clip=2.0, warmup=50,
                       checks=3, seed=seed)  # fmt: skip


def train_all(experiment: Experiment, seconds: float, folder: Path) -> Generator[Step | Checked | Note, None, None]:
    """Train all networks one after the other, each in a folder of its own."""
    for network in experiment.networks:
        yield Note(f"now: {network.words}")
        yield from train(network.problem, config_of(network, seconds, experiment.seed), folder / network.name)


def table(experiment: Experiment, folder: Path) -> dict[str, Any]:
    """What the trained networks make of unseen examples.

    Returns:
        rows: by name, what the row is, the shares that are told right without and with a recurrent network, and of how
        many; networks: by name, how many parameters, and how the training went.
    """
    found, networks, unseen = {}, {}, {}
    for network in experiment.networks:
        first = (network.problem.params, network.problem.running)
        found[network.name] = network.scores(*load_best(first, folder / network.name))
        unseen[network.name] = network.unseen
        size = sum(int(leaf.size) for _, leaf in tree_items(first[0]))
        went = summary(folder / network.name)
        networks[network.name] = {"parameters": size, "steps": went["steps"], "best_step": went["best_step"]}
    rows = {
        row: {"what": what, "cnn": found[without][row], "cnn_and_rnn": found[with_it][row], "n": unseen[without]}
        for row, (what, without, with_it) in ROWS.items()
    }
    return {"rows": rows, "networks": networks}


def build(data: str, seed: int, cell: str, ops: Ops = FAST) -> Experiment:
    """Load or draw the digits."""
    return replace(Experiment(digit_splits(data, seed), seed, cell), ops=ops)
