"""The captioning system: its data, its model, its training defaults, and its evaluation beside honest baselines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn import decode, metrics
from minirnn.checkpoint import CheckpointError, restore
from minirnn.data.captioning import (
    Batches,
    CaptionSplit,
    build_vocabulary,
    centre,
    load_photos,
    most_frequent_caption,
    scene_split,
)
from minirnn.data.scenes import shape_words
from minirnn.data.vocabulary import PAD, START, UNK, Vocabulary
from minirnn.errors import DataError
from minirnn.models.captioner import advance, start
from minirnn.models.captioner_params import CaptionerConfig, init_captioner
from minirnn.models.captioner_speaker import Speaker
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Checked, Note, Problem, Step, TrainConfig, as_json
from minirnn.tasks.captioning_settings import Settings, model_defaults, settings_for, train_defaults
from minirnn.tasks.captioning_tools import FAST_TOOLS, Tools
from minirnn.tasks.runs import open_run, resume_command, tuples
from minirnn.train import BEST, train

__all__ = [
    "Captioner", "Settings", "System", "Tools", "build", "evaluate", "load_captioner", "model_defaults", "pointing",
    "score", "settings_for", "train_captioner", "train_defaults",
]  # fmt: skip

NO_IMAGE = "no-image"  # folder of the baseline inside a run
DECODE_BATCH = 128  # pictures a batch when captioning many
NEVER = (PAD, START, UNK)  # what no caption says
JUDGE = 256  # validation pictures that a check while training looks at, at most


@dataclass(frozen=True)
class Captioner:
    """A captioner ready for use."""

    config: CaptionerConfig
    vocabulary: Vocabulary
    params: Tree
    running: Tree
    max_words: int
    ops: Ops = FAST
    tools: Tools = FAST_TOOLS

    def begin(self, images: Array) -> tuple[decode.Step, Tree]:
        """The step function and first state for the decoders of `decode.py`; images (N, S, S, 3) floats."""
        if self.ops is FAST:
            return self.speaker.advance, self.speaker.start(images)
        state = start(images, self.running, self.params, config=self.config, ops=self.ops)

        def step(words: Array, telling: Any) -> tuple[Array, Any]:
            return advance(words, telling, self.params, config=self.config, ops=self.ops)

        return step, state

    @cached_property
    def speaker(self) -> Speaker:
        """What all steps of all captions share, worked out once."""
        return Speaker.of(self.params, self.running, self.config, self.ops)

    def captions(self, images: Array) -> list[str]:
        """Greedy captions of pictures (N, S, S, 3) uint8, in batches."""
        out = []
        for k in range(0, len(images), DECODE_BATCH):
            out += [self.text(h.words) for h in self.greedy(images[k : k + DECODE_BATCH])]
        return out

    def greedy(self, images: Array, *, maps: bool = False) -> list[decode.Hypothesis]:
        """Greedy decoding of one batch (N, S, S, 3) uint8; with `maps`, where the decoder looked, word by word."""
        step, state = self.begin(centre(images, self.config.image_size))
        keep = (lambda telling: telling.where) if maps else None
        return self.tools.greedy(step, state, len(images), max_length=self.max_words + 1, never=NEVER, keep=keep)

    def beam(self, image: Array, beam: int, *, maps: bool = False) -> list[decode.Hypothesis]:
        """Beam search for one picture (S, S, 3) uint8, best caption first, ranked by log-probability per word."""
        step, state = self.begin(centre(image[None], self.config.image_size))
        keep = (lambda telling: telling.where) if maps else None
        return self.tools.beam(
            step, state, beam=beam, length_penalty=1.0, max_length=self.max_words + 1, never=NEVER, keep=keep
        )

    def text(self, words: list[int]) -> str:
        """Word numbers as a string."""
        return " ".join(self.vocabulary.decode(words))


@dataclass(frozen=True)
class System:
    """A captioner to be trained: data, model and settings together."""

    settings: Settings
    splits: Mapping[str, CaptionSplit]
    vocabulary: Vocabulary
    config: CaptionerConfig
    ops: Ops = FAST
    tools: Tools = FAST_TOOLS

    @property
    def drawn(self) -> bool:
        """Whether the data are drawn scenes, with one right caption each."""
        return self.settings.data == "scenes"

    def problem(self) -> Problem:
        """What the training loop needs."""
        rng = np.random.default_rng([self.settings.seed, 3])
        params, running = init_captioner(rng, self.config)
        batches = Batches.of(
            self.splits["train"],
            self.vocabulary,
            self.config.image_size,
            self.settings.max_words,
            self.settings.augment,
            self.tools.pad,
        )
        val = self.splits["val"].take(np.arange(min(JUDGE, len(self.splits["val"]))))

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            return score(val, self.model(params, running).captions(val.images), exact=self.drawn)

        def sample(params: Tree, running: Tree) -> str:
            return self.model(params, running).captions(val.images[:1])[0]

        best = ("exact_match", "cider") if self.drawn else ("cider",)
        return Problem(
            self.tools.captioner, params, running, len(batches.split), batches, judge, best,
            sample, {"config": self.config, "ops": self.ops}, self.meta(), self.tools.clip,
            {"adam": self.tools.adam, "adamw": self.tools.adamw},
        )  # fmt: skip

    def model(self, params: Tree, running: Tree) -> Captioner:
        """A captioner with these parameters."""
        return Captioner(self.config, self.vocabulary, params, running, self.settings.max_words, self.ops, self.tools)

    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint: enough to use the model, and to know what it has seen."""
        train, val = self.splits["train"], self.splits["val"]
        seen = [] if self.drawn else train.fingerprints() + val.fingerprints()
        return {
            "task": "captioner",
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "vocabulary": list(self.vocabulary.words),
            "seen": seen,
            "captions": hashlib.sha256(repr(train.captions).encode()).hexdigest(),
            "most_frequent": most_frequent_caption(train),
        }


def build(
    settings: Settings, *, ops: Ops = FAST, tools: Tools = FAST_TOOLS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[System, list[str]]:  # fmt: skip
    """Load or draw the data, build the vocabulary and size the model; and what was left out, in words."""
    bad: list[str] = []
    probe = model_defaults(settings, 4)
    if settings.data == "scenes":
        splits = {name: scene_split(name, settings.seed, probe.image_size) for name in ("train", "val")}
    else:
        splits, bad = load_photos(
            Path(settings.data), probe.image_size, seed=settings.seed, skip_bad=settings.skip_bad, progress=progress
        )
    vocabulary = build_vocabulary(splits["train"], settings.min_count)
    return System(settings, splits, vocabulary, model_defaults(settings, len(vocabulary)), ops, tools), bad


def train_captioner(
    system: System, config: TrainConfig, folder: Path, *, resume: bool = False
) -> Generator[Step | Checked | Note, None, None]:
    """Train the captioner, then the same decoder without the image, the baseline that every report shows.

    Of a time limit the captioner gets most, the baseline what is left.
    """
    share = 0.9 if system.drawn else 0.85  # the baseline of drawn scenes has little to learn
    yield from train(system.problem(), replace(config, share=share), folder, resume=resume)
    yield Note("now the baseline: the same decoder, trained without the image")
    blind = replace(system, config=replace(system.config, image="none"))
    yield from train(blind.problem(), replace(config, share=round(1 - share, 2)), folder / NO_IMAGE, resume=resume)


def load_captioner(folder: Path, ops: Ops = FAST, tools: Tools = FAST_TOOLS) -> tuple[Captioner, dict[str, Any]]:
    """The best captioner of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, "captioner", "captioner")
    try:
        config, vocabulary = CaptionerConfig(**tuples(meta["model"])), Vocabulary(tuple(meta["vocabulary"]))
        settings = Settings(**meta["settings"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} was made by another version of minirnn ({error!r})") from error
    like = init_captioner(np.random.default_rng(0), config)
    params, running = restore(like, arrays, "model", path)
    return Captioner(config, vocabulary, params, running, settings.max_words, ops, tools), meta


def load_baseline(
    folder: Path, meta: Mapping[str, Any], ops: Ops = FAST, tools: Tools = FAST_TOOLS
) -> Captioner:  # fmt: skip
    """The no-image baseline of a run whose metadata is `meta`."""
    if not (folder / NO_IMAGE / BEST).exists():
        raise DataError(f"{folder} has no baseline yet; go on with: {resume_command('captioner', folder)}")
    blind, theirs = load_captioner(folder / NO_IMAGE, ops, tools)
    if blind.config.image != "none" or any(theirs[k] != meta[k] for k in ("settings", "vocabulary", "seen")):
        raise DataError(f"{folder / NO_IMAGE} is not the baseline of the run in {folder}; train it anew")
    return blind


def score(split: CaptionSplit, hypotheses: list[str], *, exact: bool) -> dict[str, float]:
    """BLEU, ROUGE-L and CIDEr against the human captions; exact match where captions are canonical."""
    references = split.references()
    scores = metrics.caption_scores(references, hypotheses)
    if exact:
        scores = {"exact_match": metrics.exact_match(references, hypotheses), **scores}
    return scores


def evaluate(
    folder: Path, split: CaptionSplit, *, exact: bool, ops: Ops = FAST, tools: Tools = FAST_TOOLS
) -> dict[str, Any]:  # fmt: skip
    """Scores of a run on some pictures, beside three baselines that do not look at them.

    Returns:
        n, the scores, `pointing` for a model with attention on drawn scenes (share of shape words at which the peak of
        the map lies in the box of what is named), and `baselines`: `most_frequent` (the most frequent training
        caption for every picture), `no_image` (the same decoder trained without the image), `shuffled` (each picture
        gets the caption made for another; needs two pictures).
    """
    model, meta = load_captioner(folder, ops, tools)
    blind = load_baseline(folder, meta, ops, tools)
    hypotheses = model.captions(split.images)
    n = len(split)
    guesses = {"most_frequent": [meta["most_frequent"]] * n, "no_image": blind.captions(split.images)}
    if n > 1:
        order = np.random.default_rng(0).permutation(n)
        other = np.empty(n, int)
        other[order] = np.roll(order, 1)  # everybody gets the caption of somebody else
        guesses["shuffled"] = [hypotheses[i] for i in other]
    report: dict[str, Any] = {"n": n, **score(split, hypotheses, exact=exact)}
    if split.scenes is not None and model.config.image == "attention":
        report["pointing"] = pointing(model, split)
    report["baselines"] = {name: score(split, guess, exact=exact) for name, guess in guesses.items()}
    return report


def pointing(model: Captioner, split: CaptionSplit) -> float:
    """Share of shape words, in captions that are right, at which the attention peaks inside a box that is named."""
    assert split.scenes is not None
    hits = total = 0
    for k in range(0, len(split), DECODE_BATCH):
        told = model.greedy(split.images[k : k + DECODE_BATCH], maps=True)
        for n, hypothesis in enumerate(told, start=k):
            caption, grid = model.text(hypothesis.words), model.config.grid
            if caption != split.scenes.captions[n]:
                continue
            for mention, word in enumerate(shape_words(caption)):
                row, column = divmod(int(hypothesis.kept[word].argmax()), grid)
                x, y = (column + 0.5) / grid, (row + 0.5) / grid
                boxes = [thing.box for thing in split.scenes.things[n] if thing.mention == mention]
                hits += any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in boxes)
                total += 1
    return hits / total if total else 0.0
