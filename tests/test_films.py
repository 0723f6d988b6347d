"""Films: captions that are true of what is drawn, splits that keep their promise."""

from __future__ import annotations

import numpy as np
import pytest

from minirnn.data.films import (
    ACTS,
    ALONE,
    APART,
    LATER,
    STEPS,
    WORDS,
    Actor,
    caption_of,
    draw_films,
    film_split,
    looks_and_acts,
    sentence,
)
from minirnn.data.scenes import COLOURS, HELD_OUT
from minirnn.errors import DataError


@pytest.fixture(scope="module")
def films():
    return film_split("train", 0, count=600).films


def actor(acts=("waits",), track=None, look=("small", "red", "circle")):
    return Actor(*look, acts, np.array([[0.5, 0.5, 0.12]] * 3) if track is None else np.array(track))


# what is drawn


def test_the_same_seed_draws_the_same_films_and_another_seed_others():
    a, b, c = (film_split("train", seed, count=20) for seed in (3, 3, 4))
    assert a.captions == b.captions != c.captions
    np.testing.assert_array_equal(a.draw(32), b.draw(32))
    assert a.draw(32).shape == (20, 8, 32, 32, 3)
    assert a.draw(32).dtype == np.uint8
    other = a.draw(32, np.random.default_rng(9))
    assert (other != a.draw(32)).mean() > 0.5  # new noise, the same things
    assert np.abs(other.astype(int) - a.draw(32)).mean() < 20


def test_val_test_and_novel_do_not_depend_on_the_seed_of_the_run_and_differ():
    parts = {name: film_split(name, 0, count=20).captions for name in ("train", "val", "test", "novel")}
    assert len(set(parts.values())) == 4
    for name in ("val", "test", "novel"):
        assert film_split(name, 7, count=20).captions == parts[name]


def test_held_out_combinations_are_in_every_novel_film_and_in_no_other(films):
    for split in (films, film_split("test", 0, count=60).films):
        assert not any((a.size, a.colour, a.shape) in HELD_OUT for film in split for a in film)
    for film in film_split("novel", 0, count=60).films:
        assert any((a.size, a.colour, a.shape) in HELD_OUT for a in film)


def test_captions():
    assert caption_of((actor(("moves left", "stops")),)) == "a small red circle moves left then stops"
    two = (actor(("moves up",)), actor(("grows",), look=("large", "blue", "star")))
    caption = caption_of(two)
    assert caption == "a small red circle moves up while a large blue star grows"
    assert looks_and_acts(caption) == (["a small red circle", "a large blue star"], ["moves up", "grows"])
    assert sentence("a small red circle grows then turns back") == "a small red circle grows, then turns back"


def test_every_pair_of_acts_occurs_and_the_words_are_those_of_the_grammar(films):
    assert {a.acts for film in films for a in film} >= {acts for acts in ACTS if len(acts) == 1}
    assert {second for film in films for a in film for second in a.acts[1:]} == set(LATER)
    assert {word for film in films for word in caption_of(film).split()} == set(WORDS)
    assert ("moves left", "moves right") not in ACTS  # that is "turns back"
    assert ("waits", "stops") not in ACTS
    assert ("moves left", "moves up") in ACTS
    assert len(ACTS) == len(set(ACTS)) == 56


def _does(track, act, before):
    """Whether steps (k, 3) of a track show an act; `before` is the way that it went."""
    *way, dr = np.diff(track, axis=0).T
    way = np.stack(way, axis=1)
    if act in STEPS or act == "turns back":
        wanted = np.array(STEPS.get(act, -before))
        return np.allclose(way, wanted * np.abs(way).max()) and np.abs(way).max() > 0.03 and np.abs(dr).max() < 1e-9
    if act == "disappears":
        return (track[1:, 2] == 0).all() and track[0, 2] > 0
    grown = {"grows": dr.min() > 0, "shrinks": dr.max() < 0}.get(act, np.abs(dr).max() < 1e-9)
    return grown and np.abs(way).max() < 1e-9


def test_tracks_show_what_the_caption_says(films):
    checked = set()
    for a in (a for film in films for a in film):
        assert len(a.track) == 8
        before = a.track[1, :2] - a.track[0, :2]
        before = before / max(np.linalg.norm(before), 1e-9)
        if len(a.acts) == 1:
            assert _does(a.track, a.acts[0], before)
        else:
            fits = [
                c
                for c in range(2, 6)
                if _does(a.track[: c + 1], a.acts[0], before) and _does(a.track[c:], a.acts[1], before)
            ]
            assert len(fits) == 1, a.acts
        checked.add(a.acts)
    assert len(checked) > 45


def test_things_stay_inside_and_apart_and_the_left_one_comes_first(films):
    for film in films:
        for a in film:
            there = a.track[a.track[:, 2] > 0]
            assert (there[:, :2] - there[:, 2:]).min() > 0.01
            assert (there[:, :2] + there[:, 2:]).max() < 0.99
            assert (there[0, 2] < 0.15) == (a.size == "small")
        if len(film) == 2:
            one, two = film
            assert two.track[0, 0] - one.track[0, 0] > APART
            gap = np.abs(one.track[:, :2] - two.track[:, :2]).max(axis=1)
            assert (gap > one.track[:, 2] + two.track[:, 2]).all()
            assert one.colour != two.colour
            assert all(len(a.acts) == 1 and a.acts[0] in ALONE for a in film)


def test_the_frames_show_each_thing_in_its_colour_where_it_is(films):
    frames = draw_films(films[:40], 48, np.random.default_rng(0)).astype(float)
    gone = 0
    for film, clip in zip(films, frames):
        for a in film:
            for (x, y, r), frame in zip(a.track, clip):
                pixel = frame[int(y * 48), int(x * 48)]
                nearest = min(COLOURS, key=lambda name: np.abs(pixel - COLOURS[name]).sum())
                if r:
                    assert nearest == a.colour
                else:
                    gone += 1
                    assert pixel.min() > 190  # the ground
    assert gone > 5


def test_directions_are_those_of_the_screen(films):
    seen = set()
    for film, (first, *_, last) in zip(films[:150], draw_films(films[:150], 32, np.random.default_rng(0)).astype(int)):
        if len(film) == 1 and len(film[0].acts) == 1 and film[0].acts[0] in STEPS:
            start, end = (np.argwhere(np.ptp(f, axis=2) > 60).mean(axis=0) for f in (first, last))
            down, right = end - start
            act = max(
                (abs(down), "moves down" if down > 0 else "moves up"),
                (abs(right), "moves right" if right > 0 else "moves left"),
            )[1]
            assert act == film[0].acts[0]
            seen.add(act)
    assert seen == set(STEPS)


def test_two_things_of_one_shape_are_both_drawn():
    film = (actor(track=[[0.25, 0.5, 0.12]]), actor(track=[[0.75, 0.5, 0.12]], look=("small", "blue", "circle")))
    (clip,) = draw_films((film,), 32, np.random.default_rng(0)).astype(int)
    for x, colour in ((8, "red"), (24, "blue")):
        assert np.abs(clip[0, 16, x] - COLOURS[colour]).max() < 45


@pytest.mark.parametrize(
    "wrong", [{"split": "all"}, {"seed": -1}, {"frames": 5}, {"count": 0}], ids=lambda wrong: next(iter(wrong))
)
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(DataError, match="expected"):
        film_split(**{"split": "train", "seed": 0, "count": 2, **wrong})
