"""The captioner as its commands run it: a whole training step, and captioning one picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.workloads.sides import Kit, Precision, Run, Workload, compiled, rng_of, table
from benchmarks.workloads.steps import our_step, their_step
from minirnn.data.vocabulary import END, SPECIAL, Vocabulary, pad_captions
from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams, init_captioner
from minirnn.models.encoder import Running
from minirnn.pair import Array
from minirnn.tasks.captioning import Captioner
from minirnn.tasks.captioning_settings import Settings, model_defaults, train_defaults
from minirnn.tree import tree_map

SCENES, PHOTOS = Settings(), Settings(data="flickr8k", augment=True)
# Like the batches of the real data: the scenes know 27 words and say up to 10 at once.
SIZES = {
    "scenes": {"settings": SCENES, "vocab": 27, "captions": 1, "words": (5, 10)},
    "flickr8k": {"settings": PHOTOS, "vocab": 3000, "captions": 5, "words": (7, 17)},
}
STEPS = 12  # words of a caption whose latency is measured
WIDTH = 5  # of the beam


def config_of(data: str, *, exact: bool = False) -> CaptionerConfig:
    """The model for a kind of data; with `exact` without dropout."""
    config = model_defaults(SIZES[data]["settings"], SIZES[data]["vocab"])  # type: ignore[arg-type]
    return replace(config, drop_image=0.0, drop_words=0.0) if exact else config


def batch_of(data: str) -> tuple[Array, Array, Array, Array, Array]:
    """(images, which, inputs, targets, mask) as `minirnn.data.captioning.Batches` gives them, at random."""
    sizes: Any = SIZES[data]
    rng, config = rng_of(f"batch of {data}"), config_of(data)
    N, each, (least, most) = train_defaults(sizes["settings"]).batch, sizes["captions"], sizes["words"]
    images = rng.random((N, config.image_size, config.image_size, 3), np.float32).astype(Precision.dtype)
    lengths = rng.integers(least, most + 1, N * each)
    lengths[0] = most
    captions = [[int(w) for w in rng.integers(len(SPECIAL), config.vocab, n)] for n in lengths]
    return images, np.repeat(np.arange(N), each), *pad_captions(captions, most)


def fresh(data: str, *, exact: bool) -> tuple[CaptionerConfig, CaptionerParams, Running]:
    """Config, and the first parameters and statistics of a run."""
    config = config_of(data, exact=exact)
    return config, *init_captioner(rng_of(f"weights of {data}"), config, Precision.dtype)


def training_step(data: str) -> Workload:
    """Forward, backward, clipping and the optimiser, as `minirnn.train` makes an update."""
    name = f"captioner step {data}"
    train = train_defaults(SIZES[data]["settings"])  # type: ignore[arg-type]

    def ours(kit: Kit, exact: bool) -> Run:
        config, params, running = fresh(data, exact=exact)
        return our_step(kit, kit.tools.captioner, batch_of(data), running, params, config, train)

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        from benchmarks.workloads.torch_captioner import TorchCaptioner, pictures

        torch.manual_seed(0)
        config, params, running = fresh(data, exact=exact)
        model: Any = TorchCaptioner(config).load(params, running)
        model = model.to(memory_format=torch.channels_last).train()
        images, which, inputs, targets, _ = batch_of(data)  # targets are PAD where the mask is False
        batch = (pictures(images), *(torch.from_numpy(a) for a in (which, inputs, targets)))
        return their_step(model, batch, train, through_compile)

    images, _, inputs, _, _ = batch_of(data)
    return Workload(name, step_flops(config_of(data), len(images), *inputs.shape), ours, theirs)


def encoder_flops(config: CaptionerConfig, *, training: bool) -> float:
    """Of one picture, from pixels to its vector."""
    flops, side = 0.0, config.image_size
    for k, (C, F) in enumerate(zip((3, *config.channels), config.channels)):
        flops += 2.0 * side**2 * 9 * C * F * ((2 if k == 0 else 3) if training else 1)  # no dx for the picture
        side //= 2
    return flops + 2.0 * side**2 * config.channels[-1] * config.features * (3 if training else 1)


def word_flops(config: CaptionerConfig) -> float:
    """Forward, of one word of one caption: the LSTM and the scores of the vocabulary."""
    reads = config.embed + config.features + config.hidden
    return 2.0 * (reads * 4 * config.hidden + config.hidden * config.vocab)


def step_flops(config: CaptionerConfig, N: int, M: int, T: int) -> float:
    """A training step on N pictures and M captions of T words."""
    return N * encoder_flops(config, training=True) + 3 * M * T * word_flops(config)


def latency(width: int) -> Workload:
    """From the bytes of one picture to its caption, greedily or by beam search; END never comes before STEPS words."""
    name = f"caption latency {f'beam {width}' if width > 1 else 'greedy'}"

    def inputs(exact: bool) -> tuple[CaptionerConfig, CaptionerParams, Running, Array]:
        config, params, running = fresh("scenes", exact=exact)
        rng = rng_of("caption latency")
        # fresh weights say one word for ever: larger ones say different words
        larger = tree_map(lambda w: w * np.float32(4), (params.cell, params.out))
        params = params._replace(words=params.words * np.float32(10), cell=larger[0], out=larger[1])
        params.out.b[:] = rng.standard_normal(config.vocab)
        params.out.b[END] = -1e4
        return config, params, running, rng.integers(0, 256, (config.image_size, config.image_size, 3), np.uint8)

    def ours(kit: Kit, exact: bool) -> Run:
        config, params, running, image = inputs(exact)
        vocabulary = Vocabulary((*SPECIAL, *(f"word{k}" for k in range(len(SPECIAL), config.vocab))))
        model = Captioner(config, vocabulary, params, running, STEPS - 1, kit.ops, kit.tools)

        def step() -> list[int]:
            hypotheses = model.beam(image, width) if width > 1 else model.greedy(image[None])
            return hypotheses[0].words

        return Run(step, lambda words: {"words": np.array(words)})

    def theirs(through_compile: bool, exact: bool) -> Run:
        import torch

        from benchmarks.workloads import torch_captioner

        config, params, running, image = inputs(exact)
        model: Any = torch_captioner.TorchCaptioner(config).load(params, running).eval()
        model = model.to(memory_format=torch.channels_last)
        if through_compile:
            model.see, model.advance = compiled(model.see, True), compiled(model.advance, True)

        def step() -> list[int]:
            if width > 1:
                return torch_captioner.beam(model, image, width, STEPS)
            return torch_captioner.cut(torch_captioner.greedy(model, image[None], STEPS)[0])

        return Run(step, lambda words: {"words": np.array(words)})

    config = config_of("scenes")
    rows = 1 + width * (STEPS - 1)  # the first word has one parent
    return Workload(name, encoder_flops(config, training=False) + rows * word_flops(config), ours, theirs)


WORKLOADS = table([training_step("scenes"), training_step("flickr8k"), latency(1), latency(WIDTH)])
