"""Moving digits and walls: no frame tells the motion, boxes fit the ink, hidden is hidden."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from minirnn.data import moving_digits, occlusions
from minirnn.data.digit_strings import stroke_digits
from minirnn.data.moving_digits import MOTIONS, Digits, clip_split, digit_splits, draw_clips, draw_moving
from minirnn.data.occlusions import draw_scenes, require_hidable, scene_split
from minirnn.errors import DataError

DIGITS = Digits(*stroke_digits(60, seed=5))


def middles(frames):
    """Where the ink of clips (N, T, S, S) is on average, on a picture without a border: (N, T, 2) y, x."""
    S = frames.shape[2]
    turn = np.exp(2j * np.pi * (np.arange(S) + 0.5) / S)
    ink = frames.astype(float)
    around = [(ink.sum(axis=3) * turn).sum(axis=2), (ink.sum(axis=2) * turn).sum(axis=2)]
    return np.stack([np.angle(a) * S / (2 * np.pi) % S for a in around], axis=2)


def steps(clips):
    """What the digits move by from frame to frame: (N, T - 1, 2) y, x."""
    S = clips.frames.shape[2]
    return (np.diff(middles(clips.frames), axis=1) + S / 2) % S - S / 2


def moving(name, count=40):
    which = np.arange(count) % 60
    return draw_clips(np.random.default_rng(3), DIGITS, which, motions=np.full(count, MOTIONS.index(name)))


def test_the_same_seed_moves_the_same():
    a, b, c = clip_split(DIGITS, 70, 1), clip_split(DIGITS, 70, 1), clip_split(DIGITS, 70, 2)
    assert all((x == y).all() for x, y in zip(a, b))
    assert (a.frames != c.frames).any()
    assert a.frames.shape == (70, 12, 32, 32)
    assert a.frames.dtype == np.uint8
    assert set(np.bincount(a.motions)) == {8, 9}
    np.testing.assert_array_equal(np.sort(a.digits[:60]), np.sort(DIGITS.labels))


@pytest.mark.parametrize(
    ("name", "axis", "sign"), [("left", 1, -1), ("right", 1, 1), ("up", 0, -1), ("down", 0, 1)]
)  # fmt: skip
def test_straight_ways_go_where_they_say(name, axis, sign):
    mean = steps(moving(name)).mean(axis=1)
    assert (sign * mean[:, axis] > 1).all()
    assert (np.abs(mean[:, 1 - axis]) < 0.25 * np.abs(mean[:, axis]) + 0.2).all()


@pytest.mark.parametrize(("name", "sign"), [("clockwise", 1), ("anticlockwise", -1)])
def test_circles_turn_as_they_say(name, sign):
    dy, dx = np.moveaxis(steps(moving(name)), 2, 0)
    turned = dx[:, :-1] * dy[:, 1:] - dy[:, :-1] * dx[:, 1:]  # y is down: positive is clockwise
    assert (sign * turned.sum(axis=1) > 0).all()


def test_what_stands_still_trembles_and_a_zigzag_turns():
    assert np.abs(steps(moving("still"))).max() < 2
    zigzag = steps(moving("zigzag"))
    back = [(np.diff(np.sign(zigzag[:, :, k]), axis=1) != 0).sum(axis=1) for k in (0, 1)]
    assert (np.max(back, axis=0) >= 3).all()
    assert (np.abs(zigzag.mean(axis=1)).max(axis=1) > 0.4).all()


def test_no_frame_tells_the_motion():
    """In every frame of every motion the digit is as likely here as there."""
    which = np.arange(480) % 60
    clips = draw_clips(np.random.default_rng(0), DIGITS, which, motions=np.arange(480) % 8)
    for t in (0, 6, 11):
        place = middles(clips.frames[:, [t]])[:, 0]
        for motion in range(8):
            here = place[clips.motions == motion]
            counts = [np.histogram(here[:, k], bins=4, range=(0, 32))[0] for k in (0, 1)]
            assert np.min(counts) >= 4  # of 60, 15 expected
    ink = clips.frames.reshape(480, 12, -1).sum(axis=2).astype(float)
    np.testing.assert_allclose(ink / ink[:, :1], 1, atol=0.25)  # nothing gets lost at the border


def test_a_picture_in_the_middle_is_itself():
    frame = draw_moving(DIGITS.images[:1], np.full((1, 1, 2), 16.0), np.ones(1), 32)
    np.testing.assert_allclose(frame[0, 0, 2:30, 2:30], DIGITS.images[0], atol=1e-3)
    moved = draw_moving(DIGITS.images[:1], np.full((1, 1, 2), [14.0, 19.0]), np.ones(1), 32)
    np.testing.assert_allclose(moved[0, 0, 0:28, 5:32], DIGITS.images[0][:, :27], atol=1e-3)


def test_bad_numbers():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="frames = 1, size = 32"):
        draw_clips(rng, DIGITS, np.arange(2), frames=1)
    with pytest.raises(ValueError, match="count is 0"):
        clip_split(DIGITS, 0, 0)
    with pytest.raises(ValueError, match="frames = 5, size = 48"):
        draw_scenes(rng, DIGITS, np.arange(2), frames=5)
    with pytest.raises(ValueError, match="count is 0"):
        scene_split(DIGITS, 0, 0)


# digits from files


def idx(folder, name, array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    (folder / name).write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


def mnist(folder, images=None, labels=None):
    folder.mkdir(exist_ok=True)
    images, labels = (DIGITS.images if images is None else images), (DIGITS.labels if labels is None else labels)
    for part, some in (("train", slice(20, None)), ("t10k", slice(0, 20))):
        idx(folder, f"{part}-images-idx3-ubyte.gz", images[some])
        idx(folder, f"{part}-labels-idx1-ubyte.gz", labels[some])
    return folder


def test_digits_from_files_are_in_one_split_each(tmp_path):
    splits = digit_splits(str(mnist(tmp_path / "mnist")), 3)
    assert [len(split.labels) for split in splits.values()] == [36, 4, 20]
    np.testing.assert_array_equal(splits["test"].images, DIGITS.images[:20])
    known = [image.tobytes() for name in ("train", "val") for image in splits[name].images]
    assert sorted(known) == sorted(image.tobytes() for image in DIGITS.images[20:])


def test_digits_that_are_none(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"no folder; expected 'drawn' or"):
        digit_splits(str(tmp_path / "nothing"))
    with pytest.raises(DataError, match="lacks train-images"):
        digit_splits(str(tmp_path))
    with pytest.raises(DataError, match=r"labels from 1 to 10; expected 28 x 28 and digits"):
        digit_splits(str(mnist(tmp_path / "letters", labels=DIGITS.labels + 1)))
    with pytest.raises(DataError, match="pictures of 27 x 28 pixels"):
        digit_splits(str(mnist(tmp_path / "small", images=DIGITS.images[:, 1:])))
    monkeypatch.setattr(moving_digits, "PARTS", {"train": 6, "val": 2, "test": 3})
    drawn, other = digit_splits("drawn", 0), digit_splits("drawn", 1)
    assert [len(split.labels) for split in drawn.values()] == [6, 2, 3]
    pictures = [image.tobytes() for splits in (drawn, other) for split in splits.values() for image in split.images]
    assert len(set(pictures)) == len(pictures)


# scenes


def test_boxes_fit_the_ink_and_hidden_is_hidden(monkeypatch):
    monkeypatch.setattr(occlusions, "OTHERS", 0)
    scenes = scene_split(DIGITS, 40, 0)
    again = scene_split(DIGITS, 40, 0)
    assert all((a == b).all() for a, b in zip(scenes, again))
    boxes, hidden = scenes.boxes[:, 0], scenes.hidden[:, 0]
    assert hidden.sum(axis=1).min() >= 2
    assert hidden.sum(axis=1).max() <= 8
    assert not hidden[:, [0, -1]].any()
    assert (boxes >= 0).all()
    assert (boxes <= 48).all()
    for n in range(40):
        for t in range(16):
            ink = scenes.frames[n, t] > 135  # brighter than any wall
            y, x = np.nonzero(ink)
            x0, y0, x1, y1 = boxes[n, t]
            if len(x):  # no ink lies outside the box, but for the soft edge of a pixel
                assert x.min() >= x0 - 1.5
                assert x.max() + 1 <= x1 + 1.5
                assert y.min() >= y0 - 1.5
                assert y.max() + 1 <= y1 + 1.5
            if t == 0:  # in the open the box is no wider than the ink
                faint = np.nonzero((scenes.frames[n, t] > 20) & (scenes.frames[n, t] != wall_of(scenes.frames[n, t])))
                assert faint[1].min() <= x0 + 1.5
                assert faint[1].max() + 1 >= x1 - 1.5
            if hidden[n, t]:
                inside = ink[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
                assert inside.mean() < 0.2


def wall_of(frame):
    """The grey of the wall: the most frequent one that is not black."""
    return np.bincount(frame[frame > 0].ravel()).argmax()


def test_three_digits_no_two_the_same():
    scenes = draw_scenes(np.random.default_rng(1), DIGITS, np.arange(60))
    assert scenes.digits.shape == (60, 3)
    assert scenes.boxes.shape == (60, 3, 16, 4)
    np.testing.assert_array_equal(scenes.digits[:, 0], DIGITS.labels)
    assert all(len(set(row)) == 3 for row in scenes.digits.tolist())
    step = np.diff(scenes.boxes[:, :, :, :2], axis=2)
    assert np.hypot(step[..., 0], step[..., 1]).max() < 4.1


def test_digits_that_no_scene_can_be_drawn_of(monkeypatch):
    monkeypatch.setattr(occlusions, "SCALE", (0.9, 0.95))  # 28 pixels become more than a wall can hide
    images, labels = DIGITS.images.copy(), DIGITS.labels
    require_hidable(DIGITS, "all")
    two = Digits(images[labels < 2], labels[labels < 2])
    for draws in (lambda: require_hidable(two, "mnist (val)"), lambda: scene_split(two, 3, 0)):
        with pytest.raises(DataError, match=r": 2 different digits \(0, 1\); expected at least 3"):
            draws()
    images[[4, 9]] = 0
    with pytest.raises(DataError, match=r"mnist: 2 of 60 pictures cannot be .* \(number 5 has no ink\)"):
        require_hidable(Digits(images, labels), "mnist")
    images[4] = 200
    with pytest.raises(DataError, match="number 5 has ink of 28 x 28 pixels"):
        require_hidable(Digits(images, labels), "mnist")
    with pytest.raises(DataError, match="no way hides ink of 28 x 28 pixels"):
        draw_scenes(np.random.default_rng(0), Digits(images, labels), np.array([3, 4]))


def test_two_rare_digits_are_found_among_many():
    labels = np.array([7] * 9_998 + [1, 2])
    others = occlusions._another(np.random.default_rng(0), labels, np.array([[7], [7], [1]]))
    assert set(labels[others[:2]]) <= {1, 2}
    assert labels[others[2]] != 1
