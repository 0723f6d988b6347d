"""Films: captions that are true of what is drawn, splits that keep their promise, clips as files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from minirnn.data.film_files import _moments, load_clip, save_gif
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


# files


def plain(count=5, side=16):
    """Frames of one grey each, from dark to light."""
    return np.stack([np.full((side, side, 3), 20 + 40 * t, np.uint8) for t in range(count)])


def levels(frames):
    return np.rint((frames.mean(axis=(1, 2, 3)) - 20) / 40).astype(int).tolist()


def test_moments_are_spread_over_time_not_over_frames():
    assert _moments(np.ones(10), 10) == list(range(10))
    assert _moments(np.ones(5), 3) == [0, 2, 4]
    assert _moments(np.ones(2), 4) == [0, 0, 1, 1]
    assert _moments(np.array([300.0, 100, 100]), 5) == [0, 0, 0, 1, 2]
    assert _moments(np.ones(30), 10)[-1] == 29


def test_a_gif_a_folder_and_an_array_hold_the_same_clip(tmp_path):
    frames = plain()
    np.save(tmp_path / "clip.npy", frames)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(frames))
    (tmp_path / "folder").mkdir()
    for t, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "folder" / f"frame-{t}.png")
    (tmp_path / "folder" / "notes.txt").write_text("no picture")
    save_gif(tmp_path / "clip.gif", frames, scale=2)
    with Image.open(tmp_path / "clip.gif") as image:
        assert image.size == (32, 32)
        assert image.n_frames == 5
    first, *others = [Image.fromarray(frame) for frame in frames]
    for name in ("clip.png", "clip.webp"):
        first.save(tmp_path / name, save_all=True, append_images=others, duration=100, lossless=True)
    for name in ("clip.npy", "fortran.npy", "folder", "clip.gif", "clip.png", "clip.webp"):
        clip, count = load_clip(tmp_path / name, 5, 8)
        assert clip.shape == (5, 8, 8, 3)
        assert clip.dtype == np.uint8
        assert count == 5
        assert levels(clip) == [0, 1, 2, 3, 4]


def test_a_frame_of_a_gif_that_stays_longer_is_seen_longer(tmp_path):
    first, *others = [Image.fromarray(frame) for frame in plain(3)]
    first.save(tmp_path / "slow.gif", save_all=True, append_images=others, duration=[300, 100, 100])
    assert levels(load_clip(tmp_path / "slow.gif", 5, 8)[0]) == [0, 0, 0, 1, 2]


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.gif", b"", "is empty"),
        ("a.gif", b"GIF89a", "damaged or unknown|is no clip"),
        ("a.txt", b"not a clip", "is no clip; it begins with b'not a clip'"),
        ("a.npy", npy(plain(1)), "holds 1 frame; expected a clip"),
        ("a.npy", npy(plain().astype(float)), "of float64; expected .* uint8"),
        ("a.npy", npy(plain()[..., 0]), r"an array \(5, 16, 16\) of uint8; expected"),
        ("a.npy", npy(plain())[:-1], "holds 3839 bytes of pixels; its header"),
        ("a.npy", npy(plain())[:20], "damaged .npy"),
        ("a.npy", npy(np.array([print, None], object)), "of object; expected"),
        ("a.npy", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
)
def test_files_that_are_no_clips(tmp_path, name, data, says):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match=says) as caught:
        load_clip(path, 5, 8)
    assert name in str(caught.value)


def test_a_single_picture_an_empty_folder_and_a_missing_file(tmp_path):
    Image.fromarray(plain()[0]).save(tmp_path / "still.png")
    with pytest.raises(DataError, match="still.png holds 1 frame; expected"):
        load_clip(tmp_path / "still.png", 5, 8)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds 0 frames"):
        load_clip(tmp_path / "empty", 5, 8)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_clip(tmp_path / "none.gif", 5, 8)
    whole = save_gif(tmp_path / "whole.gif", np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), np.uint8))
    (tmp_path / "cut.gif").write_bytes(whole.read_bytes()[:-900])
    with pytest.raises(DataError, match=r"cut.gif is a damaged"):
        load_clip(tmp_path / "cut.gif", 5, 8)
