"""The captioning system: batches, baselines, pointing, and what a run remembers having seen."""

from dataclasses import replace

import numpy as np
import pytest

from minirnn.data.captioning import (
    Batches,
    CaptionSplit,
    build_vocabulary,
    most_frequent_caption,
    random_crops,
    scene_split,
)
from minirnn.data.scenes import SHAPES
from minirnn.data.vocabulary import END, PAD, START
from minirnn.errors import DataError
from minirnn.models.captioner_params import CaptionerConfig
from minirnn.tasks import captioning
from tests.tiny import TRAIN, tiny_system


def split_of(*captions, side=6):
    """One picture per entry, each with its captions."""
    images = np.random.default_rng(0).integers(0, 255, (len(captions), side, side, 3), dtype=np.uint8)
    words = tuple(tuple(tuple(c.split()) for c in several) for several in captions)
    return CaptionSplit(images, words, ("",) * len(captions))


def test_a_batch_holds_every_caption_of_its_pictures_and_says_whose_it_is():
    split = split_of(["a dog", "the dog runs"], ["a cat"], ["a bird", "a bird sings"])
    vocabulary = build_vocabulary(split, 1)
    batches = Batches.of(split, vocabulary, 6, 20, augment=False)
    images, which, inputs, targets, mask = batches(np.array([2, 0]), np.random.default_rng(0))
    np.testing.assert_array_equal(which, [0, 0, 1, 1])
    np.testing.assert_allclose(images[1], split.images[0] / np.float32(255))
    assert [vocabulary.decode(list(row)) for row in targets] == [
        ["a", "bird"], ["a", "bird", "sings"], ["a", "dog"], ["the", "dog", "runs"],
    ]  # fmt: skip
    assert (inputs[:, 0] == START).all()
    assert targets[1, 3] == END
    assert mask.sum(axis=1).tolist() == [3, 4, 3, 4]
    assert targets[0, 3] == PAD


def test_crops_are_cut_from_the_picture_and_mirrored_half_of_the_time():
    image = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(1, 8, 8, 3)
    crops = random_crops(np.repeat(image, 400, axis=0), 6, np.random.default_rng(0))
    whole = image[0] / np.float32(255)
    windows = [whole[y : y + 6, x : x + 6] for y in range(3) for x in range(3)]
    seen = {(k, mirrored) for crop in crops for k, w in enumerate(windows) for mirrored in (False, True)
            if np.array_equal(crop, w[:, ::-1] if mirrored else w)}  # fmt: skip
    assert len(seen) == 18
    mirrored = sum(any(np.array_equal(crop, w[:, ::-1]) for w in windows) for crop in crops)
    assert 150 < mirrored < 250


def test_the_most_frequent_caption_and_ties():
    assert most_frequent_caption(split_of(["b"], ["a"], ["b", "c"])) == "b"
    assert most_frequent_caption(split_of(["b"], ["a"])) == "a"


def test_a_picture_is_known_by_its_pixels():
    split = split_of(["a"], ["b"])
    other = replace(split, names=("x", "y"), images=split.images[::-1])
    assert split.fingerprints() == other.fingerprints()[::-1]
    assert len(set(split.fingerprints())) == 2


def test_scene_splits_do_not_depend_on_the_seed_of_the_run_but_training_does():
    assert (scene_split("test", 0, 16, 4).images == scene_split("test", 9, 16, 4).images).all()
    assert (scene_split("train", 0, 16, 4).images != scene_split("train", 9, 16, 4).images).any()
    with pytest.raises(DataError, match="no split"):
        scene_split("all", 0, 16)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tiny run with its baseline."""
    folder = tmp_path_factory.mktemp("run")
    events = list(captioning.train_captioner(tiny_system(image="attention"), TRAIN, folder))
    assert events
    return folder


def test_the_baselines_are_what_they_say(trained, monkeypatch):
    split = scene_split("test", 0, 16, 8)
    made = {}

    def score(split, hypotheses, *, exact):
        made[len(made)] = hypotheses
        return {"exact_match": 0.0}

    monkeypatch.setattr(captioning, "score", score)
    captioning.evaluate(trained, split, exact=True)
    model, frequent, blind, shuffled = made.values()
    assert sorted(model) == sorted(shuffled)
    assert len(set(frequent)) == 1
    assert len(set(blind)) == 1  # without the image every picture gets the same caption


def test_shuffling_moves_every_caption_to_another_picture(trained, monkeypatch):
    split = scene_split("test", 0, 16, 9)
    monkeypatch.setattr(captioning.Captioner, "captions", lambda self, images: [str(i) for i in range(len(images))])
    made = []
    monkeypatch.setattr(captioning, "score", lambda split, hypotheses, *, exact: made.append(hypotheses) or {})
    captioning.evaluate(trained, split, exact=True)
    shuffled = [int(h) for h in made[-1]]
    assert sorted(shuffled) == list(range(9))
    assert all(i != k for k, i in enumerate(shuffled))


def test_captions_do_not_depend_on_the_batch(trained, monkeypatch):
    model, _ = captioning.load_captioner(trained)
    images = scene_split("test", 0, 16, 20).images
    together = model.captions(images)
    monkeypatch.setattr(captioning, "DECODE_BATCH", 3)
    assert model.captions(images) == together


def test_pointing_counts_peaks_inside_the_boxes_that_are_named(trained):
    model, _ = captioning.load_captioner(trained)
    split = scene_split("test", 0, 16, 30)
    grid = model.config.grid
    oracle = {}
    for n, (caption, things) in enumerate(zip(split.scenes.captions, split.scenes.things)):
        oracle[n] = (caption, things)

    class Pointer:
        """Says the right caption and looks at the centre of what it names, or always at the first location."""

        config, vocabulary = model.config, model.vocabulary

        def __init__(self, right):
            self.right, self.at = right, 0

        def text(self, words):
            return model.text(words)

        def greedy(self, images, maps):
            told = []
            for _ in images:
                caption, things = oracle[self.at]
                self.at += 1
                kept, mention = [], 0
                for word in [*caption.split(), "end"]:
                    weights = np.zeros(grid**2)
                    thing = next((t for t in things if t.mention == mention), things[0])
                    here = min(int(thing.y * grid), grid - 1) * grid + min(int(thing.x * grid), grid - 1)
                    weights[here if self.right else 0] = 1
                    kept.append(weights)
                    mention += word.removesuffix("s") in SHAPES
                told.append(captioning.decode.Hypothesis(model.vocabulary.encode(caption.split()), 0.0, True, kept))
            return told

    assert captioning.pointing(Pointer(True), split) > 0.9
    assert captioning.pointing(Pointer(False), split) < 0.5


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no trained captioner"):
        captioning.load_captioner(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"cell": "elman"}, {"image": "none at all"}, {"hidden": 0}, {"image_size": 8}, {"channels": ()}, {"attend": 9}],
)
def test_configs_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected|need"):
        CaptionerConfig(**{"vocab": 9, "image": "attention", **wrong})
