"""The film system: captions of clips, the model's training defaults, and its evaluation beside honest baselines."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minirnn import decode, metrics
from minirnn.checkpoint import restore
from minirnn.data.films import WORDS, FilmSplit, film_split, looks_and_acts
from minirnn.data.images import to_float
from minirnn.data.vocabulary import PAD, SPECIAL, START, UNK, Vocabulary, pad_captions
from minirnn.errors import DataError
from minirnn.fast import optim as fast_optim
from minirnn.models.video_captioner import advance, start, video_captioner
from minirnn.models.video_captioner_params import VideoConfig, init_video
from minirnn.ops import FAST, Ops
from minirnn.pair import Array, Tree
from minirnn.problem import Checked, Note, Problem, Step, TrainConfig, as_json
from minirnn.tasks.runs import from_meta, open_run, resume_command
from minirnn.train import BEST, train

FIRST_FRAME = "first-frame"  # folder of the baseline inside a run
BATCH = 64  # clips a batch when captioning many
JUDGE = 256  # validation clips that a check while training looks at, at most
MAX_WORDS = 20  # longest caption
NEVER = (PAD, START, UNK)  # what no caption says
SHARE = 0.68  # of a time limit; a step of the baseline costs about half as much, so that it makes as many in the rest
MOST = 500  # films of a split that are judged: all but those of train


@dataclass(frozen=True)
class Settings:
    """What a run is made of; stored with every checkpoint."""

    seed: int = 0
    cell: str = "gru"


def train_defaults(settings: Settings) -> TrainConfig:
    """How to train it."""
    return TrainConfig(epochs=6, batch=32, lr=5e-3, clip=1.0, checks=10, seed=settings.seed)


@dataclass(frozen=True)
class Describer:
    """A trained model ready for use."""

    config: VideoConfig
    vocabulary: Vocabulary
    params: Tree
    running: Tree
    ops: Ops = FAST

    def begin(self, frames: Array) -> tuple[decode.Step, Tree]:
        """The step function and first state for the decoders of `decode.py`; frames (N, T, S, S, 3) uint8."""
        state = start(to_float(frames), self.running, self.params, config=self.config, ops=self.ops)

        def step(words: Array, telling: Any) -> tuple[Array, Any]:
            return advance(words, telling, self.params, config=self.config, ops=self.ops)

        return step, state

    def captions(self, frames: Array) -> list[str]:
        """Greedy captions of clips (N, T, S, S, 3) uint8, in batches."""
        out = []
        for k in range(0, len(frames), BATCH):
            out += [self.text(told.words) for told in self.greedy(frames[k : k + BATCH])]
        return out

    def greedy(self, frames: Array) -> list[decode.Hypothesis]:
        """Greedy decoding of one batch; `kept` is at which frames it looked, word by word."""
        step, state = self.begin(frames)
        return decode.greedy(step, state, len(frames), max_length=MAX_WORDS + 1, never=NEVER, keep=_where)

    def beam(self, frames: Array, beam: int) -> list[decode.Hypothesis]:
        """Beam search for one clip (T, S, S, 3) uint8, best caption first, ranked by log-probability per word."""
        step, state = self.begin(frames[None])
        return decode.beam_search(
            step, state, beam=beam, length_penalty=1.0, max_length=MAX_WORDS + 1, never=NEVER, keep=_where
        )

    def text(self, words: Sequence[int]) -> str:
        """Word numbers as a string."""
        return " ".join(self.vocabulary.decode(words))


def _where(telling: Any) -> Array:
    where: Array = telling.where
    return where


@dataclass(frozen=True)
class System:
    """A describer to be trained: data, model and settings together."""

    settings: Settings
    splits: Mapping[str, FilmSplit]
    config: VideoConfig
    ops: Ops = FAST

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Every word of the grammar."""
        return Vocabulary(SPECIAL + WORDS)

    def problem(self) -> Problem:
        """What the training loop needs."""
        rng = np.random.default_rng([self.settings.seed, 3])
        params, running = init_video(rng, self.config)
        val = self.splits["val"].take(np.arange(min(JUDGE, len(self.splits["val"]))))
        frames = val.draw(self.config.image_size)

        def judge(params: Tree, running: Tree) -> dict[str, float]:
            return score(val.captions, self.model(params, running).captions(frames))

        def sample(params: Tree, running: Tree) -> str:
            return self.model(params, running).captions(frames[:1])[0]

        return Problem(
            video_captioner, params, running, len(self.splits["train"]), self.batches(), judge,
            ("exact_match", "cider"), sample, {"config": self.config, "ops": self.ops}, self.meta(),
            updates={"adam": fast_optim.adam_update},
        )  # fmt: skip

    def batches(self) -> Callable[[Array, np.random.Generator], tuple[Array, Array, Array, Array]]:
        """Numbers of training films -> (frames, inputs, targets, mask); ground, tint and noise are new every time."""
        part = self.splits["train"]
        ids = [self.vocabulary.encode(caption.split()) for caption in part.captions]

        def batch(indices: Array, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
            captions = pad_captions([ids[i] for i in indices], MAX_WORDS)
            return to_float(part.take(indices).draw(self.config.image_size, rng)), *captions

        return batch

    def model(self, params: Tree, running: Tree) -> Describer:
        """A describer with these parameters."""
        return Describer(self.config, self.vocabulary, params, running, self.ops)

    def meta(self) -> dict[str, Any]:
        """What is stored with every checkpoint."""
        counts = Counter(self.splits["train"].captions)
        return {
            "task": "film",
            "settings": as_json(self.settings),
            "model": as_json(self.config),
            "vocabulary": list(self.vocabulary.words),
            "films": {name: len(split) for name, split in self.splits.items()},
            "captions": hashlib.sha256(repr(self.splits["train"].captions).encode()).hexdigest(),
            "most_frequent": min(counts, key=lambda caption: (-counts[caption], caption)),
        }


def build(settings: Settings, *, ops: Ops = FAST) -> System:
    """Draw the films and size the model."""
    config = VideoConfig(vocab=len(SPECIAL) + len(WORDS), cell=settings.cell)
    splits = {name: film_split(name, settings.seed, config.frames) for name in ("train", "val")}
    return System(settings, splits, config, ops)


def train_film(
    system: System, config: TrainConfig, folder: Path, *, resume: bool = False
) -> Generator[Step | Checked | Note, None, None]:
    """Train the model, then the same model on first frames alone, the baseline that every report shows.

    Of a time limit the baseline gets the smaller share: it has fewer frames to read, and makes about as many steps.
    """
    yield from train(system.problem(), replace(config, share=SHARE), folder, resume=resume)
    yield Note("now the baseline: the same model, trained on the first frame alone")
    first = replace(system, config=replace(system.config, sees="first"))
    share = replace(config, share=round(1 - SHARE, 2))
    yield from train(first.problem(), share, folder / FIRST_FRAME, resume=resume)


def load_describer(folder: Path, ops: Ops = FAST) -> tuple[Describer, dict[str, Any]]:
    """The best model of a run, and what is stored with it."""
    arrays, meta, path = open_run(folder, "film", "describer of films")
    config = from_meta(VideoConfig, meta["model"], path)
    params, running = restore(init_video(np.random.default_rng(0), config), arrays, "model", path)
    return Describer(config, Vocabulary(tuple(meta["vocabulary"])), params, running, ops), meta


def load_baseline(folder: Path, meta: Mapping[str, Any], ops: Ops = FAST) -> Describer:
    """The first-frame baseline of a run whose metadata is `meta`."""
    if not (folder / FIRST_FRAME / BEST).exists():
        raise DataError(f"{folder} has no baseline yet; go on with: {resume_command('film', folder)}")
    first, theirs = load_describer(folder / FIRST_FRAME, ops)
    if first.config.sees != "first" or any(theirs[key] != meta[key] for key in ("settings", "captions")):
        raise DataError(f"{folder / FIRST_FRAME} is not the baseline of the run in {folder}; train it anew")
    return first


def score(captions: Sequence[str], told: Sequence[str]) -> dict[str, float]:
    """Exact match; the share of films with all things right, and with all acts right; BLEU, ROUGE-L and CIDEr."""
    references = [[caption] for caption in captions]
    pairs = [(looks_and_acts(right), looks_and_acts(said)) for right, said in zip(captions, told)]
    return {
        "exact_match": metrics.exact_match(references, told),
        "things": float(np.mean([right[0] == said[0] for right, said in pairs])),
        "acts": float(np.mean([right[1] == said[1] for right, said in pairs])),
        **metrics.caption_scores(references, told),
    }


def evaluate(folder: Path, split: FilmSplit, *, ops: Ops = FAST) -> dict[str, Any]:
    """Scores of a run on some films, beside three baselines.

    Returns:
        n, the scores, and `baselines`: `most_frequent` (the most frequent training caption for every film),
        `first_frame` (the same model, trained on first frames alone), `shuffled` (each film gets the caption made for
        another; needs two films).
    """
    model, meta = load_describer(folder, ops)
    first = load_baseline(folder, meta, ops)
    frames, n = split.draw(model.config.image_size), len(split)
    told = model.captions(frames)
    guesses = {"most_frequent": [meta["most_frequent"]] * n, "first_frame": first.captions(frames)}
    if n > 1:
        guesses["shuffled"] = [*told[1:], told[0]]
    baselines = {name: score(split.captions, guess) for name, guess in guesses.items()}
    return {"n": n, **score(split.captions, told), "baselines": baselines}
