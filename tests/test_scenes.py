"""Drawn scenes: canonical captions, splits that keep their promise, pictures that show what is said."""

import numpy as np
import pytest

from minirnn.data.scenes import (
    COLOURS,
    HELD_OUT,
    SHAPES,
    SIZES,
    Thing,
    caption_of,
    make_scenes,
    shape_words,
)


def thing(size="small", colour="red", shape="circle", x=0.5, y=0.5, mention=0):
    return Thing(size, colour, shape, x, y, 0.1, mention)


def test_the_same_arguments_draw_the_same_scenes():
    a, b = make_scenes(20, seed=3), make_scenes(20, seed=3)
    np.testing.assert_array_equal(a.images, b.images)
    assert a.captions == b.captions
    assert a.images.shape == (20, 48, 48, 3)
    assert a.images.dtype == np.uint8


def test_seeds_and_splits_differ():
    drawn = [make_scenes(20, split=split, seed=seed).images for split in ("train", "val", "test") for seed in (0, 1)]
    for i, a in enumerate(drawn):
        assert all((a != b).any() for b in drawn[i + 1 :])


@pytest.mark.parametrize(
    ("things", "caption"),
    [
        ((thing(),), "a small red circle"),
        (
            (thing(x=0.2), thing("large", "blue", "star", x=0.7, mention=1)),
            "a small red circle left of a large blue star",
        ),
        (
            (thing(y=0.2), thing("large", "blue", "star", y=0.7, mention=1)),
            "a small red circle above a large blue star",
        ),
        ((thing(), thing(x=0.2)), "two small red circles"),
        ((thing(), thing(x=0.2), thing(x=0.8)), "three small red circles"),
        ((thing(), thing(x=0.2), thing(shape="square", mention=1)), "two small red circles and a small red square"),
    ],
)
def test_captions(things, caption):
    assert caption_of(things) == caption


def test_shape_words_follow_the_mentions():
    caption = "two small red circles and a large blue star"
    assert [caption.split()[k] for k in shape_words(caption)] == ["circles", "star"]


def test_held_out_combinations_are_never_seen_in_training_and_always_in_novel():
    for split in ("train", "val", "test"):
        for scene in make_scenes(1000, split=split).things:
            assert not any((t.size, t.colour, t.shape) in HELD_OUT for t in scene)
    for scene in make_scenes(300, split="novel").things:
        assert any((t.size, t.colour, t.shape) in HELD_OUT for t in scene)


def test_every_two_words_of_a_held_out_combination_are_seen_in_training():
    seen = {(t.size, t.colour, t.shape) for scene in make_scenes(3000).things for t in scene}
    assert len(seen) == len(SIZES) * len(COLOURS) * len(SHAPES) - len(HELD_OUT)
    for size, colour, shape in HELD_OUT:
        assert any(s[:2] == (size, colour) for s in seen)
        assert any(s[1:] == (colour, shape) for s in seen)
        assert any((s[0], s[2]) == (size, shape) for s in seen)


def test_things_of_different_kinds_differ_in_colour():
    for scene in make_scenes(500, seed=2).things:
        kinds = {t.mention: t.colour for t in scene}
        assert len(set(kinds.values())) == len(kinds)


def test_shapes_stay_inside_and_apart_and_relations_hold():
    for things, caption in zip(*(lambda s: (s.things, s.captions))(make_scenes(500, seed=5))):
        for i, t in enumerate(things):
            left, top, right, bottom = t.box
            assert 0 < left < right < 1
            assert 0 < top < bottom < 1
            for other in things[i + 1 :]:
                apart = max(abs(t.x - other.x), abs(t.y - other.y))
                assert apart > t.radius + other.radius
        if " left of " in caption:
            assert things[1].x - things[0].x > abs(things[1].y - things[0].y)
        if " above " in caption:
            assert things[1].y - things[0].y > abs(things[1].x - things[0].x)


def test_the_picture_shows_each_shape_in_its_colour_at_its_place():
    scenes = make_scenes(200, size=64)
    for image, things in zip(scenes.images.astype(float), scenes.things):
        for t in things:
            centre = image[int(t.y * 64), int(t.x * 64)]
            distances = {name: np.abs(centre - rgb).sum() for name, rgb in COLOURS.items()}
            assert min(distances, key=distances.get) == t.colour


def test_the_four_shapes_cover_different_areas():
    areas = {}
    for scene, image in zip(*(lambda s: (s.things, s.images))(make_scenes(800, size=64))):
        if len(scene) == 1 and scene[0].size == "large":
            ground = np.median(image.reshape(-1, 3), axis=0)
            covered = (np.abs(image - ground).sum(axis=2) > 90).mean() / (2 * scene[0].radius) ** 2
            areas.setdefault(scene[0].shape, []).append(covered)
    mean = {shape: np.mean(a) for shape, a in areas.items()}
    assert set(mean) == set(SHAPES)
    assert mean["star"] < mean["triangle"] < min(mean["square"], mean["circle"])


@pytest.mark.parametrize("wrong", [{"split": "training"}, {"n": 0}, {"seed": -1}, {"size": 8}])
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        make_scenes(**{"n": 2, **wrong})
