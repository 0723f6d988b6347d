"""Clips as files: animations, folders and arrays hold the same; frames by number and by time; what is no clip."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from minirnn.data import frames as module
from minirnn.data.frames import grey_squares, load_clip, load_moments, moments, save_gif
from minirnn.errors import DataError


def plain(count=5, side=16):
    """Frames of one grey each, from dark to light."""
    return np.stack([np.full((side, side, 3), 20 + 15 * t, np.uint8) for t in range(count)])


def levels(frames):
    return np.rint((frames.mean(axis=(1, 2, 3)) - 20) / 15).astype(int).tolist()


def folder_of(path, frames, name="frame{}.png"):
    path.mkdir()
    for t, frame in enumerate(frames):
        Image.fromarray(frame).save(path / name.format(t))
    return path


def animated(path, frames, **options):
    first, *others = [frame if isinstance(frame, Image.Image) else Image.fromarray(frame) for frame in frames]
    first.save(path, save_all=True, append_images=others, **{"duration": 100, **options})
    return path


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


# what they hold


def test_animations_folders_and_arrays_hold_the_same_clip(tmp_path):
    frames = plain(12)
    np.save(tmp_path / "clip.npy", frames)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(frames))
    np.save(tmp_path / "grey.npy", frames[..., 0])
    np.save(tmp_path / "grey_fortran.npy", np.asfortranarray(frames[..., 0]))
    folder_of(tmp_path / "folder", frames)  # 10 comes after 9
    (tmp_path / "folder" / "notes.txt").write_text("no picture")
    (tmp_path / "folder" / "._frame0.png").write_bytes(b"what macOS leaves beside a picture")
    save_gif(tmp_path / "clip.gif", frames)
    for name in ("clip.png", "clip.webp"):
        animated(tmp_path / name, frames, lossless=True)
    paths = sorted(tmp_path.iterdir())
    assert len(paths) == 8
    for path in paths:
        whole = load_clip(path)
        np.testing.assert_array_equal(whole, frames, err_msg=path.name)
        assert whole.dtype == np.uint8
        some, count = load_moments(path, 12, 8)
        assert some.shape == (12, 8, 8, 3)
        assert some.dtype == np.uint8
        assert count == 12
        assert levels(some) == list(range(12))


def test_numbers_in_names_put_frames_in_order(tmp_path):
    folder = folder_of(tmp_path / "odd", plain(1), name="²{}.png")  # a digit to Python's isdigit, but no number
    for t, name in enumerate(("3a2.png", "3a10.PNG", "12.png", "x.png", "x1.png", "x01.png"), start=1):
        Image.fromarray(plain(7)[t]).save(folder / name)
    assert levels(load_clip(folder)) == [1, 2, 3, 4, 6, 5, 0]


def test_a_gif_is_written_as_large_as_asked_and_grey_comes_back_exactly(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (4, 9, 6)).astype(np.uint8)
    path = save_gif(tmp_path / "made" / "clip.gif", grey)
    clip = load_clip(path)
    assert clip.shape == (4, 9, 6, 3)
    np.testing.assert_array_equal(clip[..., 1], grey)
    large = load_clip(save_gif(path, grey, scale=3))
    np.testing.assert_array_equal(large[:, 1::3, 1::3, 0], grey)
    assert large.shape == (4, 27, 18, 3)
    with Image.open(save_gif(path, plain(), milliseconds=250)) as image:
        assert (image.n_frames, image.info["duration"], image.info["loop"]) == (5, 250, 0)


def test_grey_squares():
    grey = np.random.default_rng(0).integers(0, 256, (3, 8, 8)).astype(np.uint8)
    np.testing.assert_array_equal(grey_squares(np.repeat(grey[..., None], 3, axis=3), 8), grey)
    assert grey_squares(np.zeros((3, 8, 5, 3), np.uint8), 16).shape == (3, 16, 16)


def test_transparent_cmyk_and_deep_frames_are_as_pictures_are(tmp_path):
    clear = [Image.new("RGBA", (8, 8), (10, 20, k, alpha)) for k, alpha in enumerate((0, 255, 255))]
    found = load_clip(animated(tmp_path / "clear.png", clear, disposal=1))
    assert found[0, 4, 4].tolist() == [255, 255, 255]
    assert found[2, 4, 4].tolist() == [10, 20, 2]
    folder = tmp_path / "folder"
    folder.mkdir()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(folder / "1.jpg", quality=100)
    Image.fromarray(np.full((8, 8), 65535 // 2, np.uint16)).save(folder / "2.png")
    first, second = load_clip(folder)
    assert np.abs(first[4, 4].astype(int) - [255, 0, 0]).max() < 4
    assert second[4, 4].tolist() == [127] * 3


# when frames are seen


def test_moments_are_spread_over_time_not_over_frames():
    assert moments(np.ones(10), 10) == list(range(10))
    assert moments(np.ones(5), 3) == [0, 2, 4]
    assert moments(np.ones(2), 4) == [0, 0, 1, 1]
    assert moments(np.array([300.0, 100, 100]), 5) == [0, 0, 0, 1, 2]
    assert moments(np.ones(30), 10)[-1] == 29


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_a_frame_of_an_animation_that_stays_longer_is_seen_longer(tmp_path, kind):
    path = animated(tmp_path / f"slow.{kind}", plain(3), duration=[300, 100, 100])
    assert levels(load_moments(path, 5, 8)[0]) == [0, 0, 0, 1, 2]
    assert levels(load_clip(path)) == [0, 0, 0, 1, 2]
    odd = animated(tmp_path / f"odd.{kind}", plain(3), duration=[250, 100, 100])
    assert levels(load_clip(odd)) == [0, 1, 2]
    long = animated(tmp_path / f"long.{kind}", plain(3), duration=[12000, 20, 20])
    assert levels(load_clip(long)) == [0, 1, 2]


def test_equal_frames_of_a_gif_come_back(tmp_path):
    frames = plain(3)[[0, 0, 1, 2, 2, 2]]
    np.testing.assert_array_equal(load_clip(save_gif(tmp_path / "waits.gif", frames)), frames)


def test_only_frames_that_are_seen_are_decoded(tmp_path):
    folder = folder_of(tmp_path / "folder", plain(9))
    for t in (1, 3, 5):
        (folder / f"frame{t}.png").write_bytes(b"no picture")
    assert levels(load_moments(folder, 3, 8)[0]) == [0, 4, 8]
    with pytest.raises(DataError, match="frame1.png is no picture"):
        load_clip(folder)


# what is no clip


def both_refuse(path, says):
    """`load_clip` and `load_moments` say the same in one sentence, and nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for load in (load_clip, lambda p: load_moments(p, 5, 8)):
            with pytest.raises(DataError, match=says) as caught:
                load(path)
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.gif", b"", "is empty"),
        ("a.gif", b"GIF89a", "damaged or unknown|is no clip"),
        ("a.gif", b"GIF89a" + bytes(20), "damaged or unknown|holds 1 frame|is no clip"),
        ("a.txt", b"not a clip", "is no clip; it begins with b'not a clip', expected a clip"),
        ("a.npy", npy(plain(1)), "holds 1 frame; expected a clip.*with 2 to"),
        ("a.npy", npy(plain().astype(float)), r"holds float64 \(5, 16, 16, 3\); expected uint8 frames"),
        ("a.npy", npy(plain()[0, ..., 0]), r"holds uint8 \(16, 16\); expected uint8 frames"),
        ("a.npy", npy(plain()[..., :2]), r"holds uint8 \(5, 16, 16, 2\); expected"),
        ("a.npy", npy(np.zeros((2, 0, 4), np.uint8)), r"\(2, 0, 4\); expected"),
        ("a.npy", npy(plain())[:-1], "holds 3839 bytes after its header; the header says .* = 3840"),
        ("a.npy", npy(plain())[:20], "is a damaged .npy file"),
        ("a.npy", npy(plain()).replace(b"(5, 16,", b"(5, -6,"), r"\(5, -6, 16, 3\); expected"),
        ("a.npy", npy(plain()).replace(b"{'descr'", b"{'discr'"), "is a damaged .npy file"),
        ("a.npy", npy(plain()).replace(b"), }", b" ,( "), "is a damaged .npy file"),
        ("a.npy", npy(np.array([print, None], object)), "holds object"),
        ("a.npy", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
)
def test_files_that_are_no_clips(tmp_path, name, data, says):
    path = tmp_path / name
    path.write_bytes(data)
    both_refuse(path, says)


def test_too_many_frames_or_pixels(tmp_path, monkeypatch):
    np.save(tmp_path / "long.npy", np.zeros((501, 2, 2), np.uint8))
    with pytest.raises(DataError, match="long.npy holds 501 frames; expected a clip.*with 2 to 500 frames"):
        load_clip(tmp_path / "long.npy")
    assert load_moments(tmp_path / "long.npy", 2, 2)[1] == 501
    monkeypatch.setattr(module, "PIXELS", 5 * 16 * 16 - 1)
    gif = save_gif(tmp_path / "large.gif", plain())
    with pytest.raises(DataError, match="holds 5 frames of 16 x 16 pixels; expected at most 1,279 pixels together"):
        load_clip(gif)
    assert load_moments(gif, 2, 2)[1] == 5
    monkeypatch.setattr(module, "MOST", 4)
    with pytest.raises(DataError, match="holds 5 frames; expected a clip.*with 2 to 4 frames"):
        load_moments(gif, 2, 2)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    both_refuse(gif, "claims more pixels than are safe to decode")


def test_frames_of_other_sizes(tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    for size in (8, 9):
        Image.fromarray(np.zeros((size, 8), np.uint8)).save(folder / f"{size}.png")
    both_refuse(folder, "9.png is 8 x 9 pixels; expected 8 x 8, as 8.png")
    gif = save_gif(tmp_path / "grows.gif", plain(3, side=8))
    data = gif.read_bytes()
    last = data.rindex(b"\x2c\0\0\0\0\x08\0\x08\0")  # where the last frame lies in the picture
    gif.write_bytes(data[: last + 1] + b"\x04\0" + data[last + 3 :])
    both_refuse(gif, "damaged .* frame 3 is 12 x 8 pixels; expected 8 x 8, as the first")


def test_a_single_picture_an_empty_folder_a_missing_file_and_one_cut_off(tmp_path):
    Image.fromarray(plain()[0]).save(tmp_path / "still.png")
    both_refuse(tmp_path / "still.png", "still.png holds 1 frame; expected a clip")
    (tmp_path / "empty").mkdir()
    both_refuse(tmp_path / "empty", "empty holds no picture; expected a clip")
    both_refuse(folder_of(tmp_path / "one", plain(1)), "one holds 1 frame; expected a clip")
    for load in (load_clip, lambda p: load_moments(p, 5, 8)):
        with pytest.raises(FileNotFoundError, match="does not exist"):
            load(tmp_path / "none.gif")
    whole = save_gif(tmp_path / "whole.gif", np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), np.uint8))
    (tmp_path / "cut.gif").write_bytes(whole.read_bytes()[:-900])
    both_refuse(tmp_path / "cut.gif", "cut.gif is a damaged")
