"""Pictures from files: every way in which they go wrong, the square, and the cache."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minirnn.data.images as module
from minirnn.data import image_cache
from minirnn.data.image_cache import cache_folder, cache_path, read_cache, write_cache
from minirnn.data.images import fit_square, load_image, load_images, to_float
from minirnn.errors import DataError

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nobody's real cache is touched."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MINIRNN_CACHE", str(folder))
    return folder


def noise(h=20, w=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)


def smooth(h, w):
    """A picture that JPEG keeps: gradients that differ by side."""
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([255 * y / h, 255 * x / w, 128 + 0 * x], axis=2).astype(np.uint8)


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def png(width, height, depth, colour, rows, chunks=b""):
    """A PNG file byte by byte, for what Pillow does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + body


# --- one picture -------------------------------------------------------------------------------------------------


def test_a_lossless_picture_comes_back_exactly(tmp_path):
    for name in ("a.png", "a.bmp", "a.tif", "a.ppm"):
        image = load_image(save(tmp_path / name, noise()))
        np.testing.assert_array_equal(image, noise())
        assert image.dtype == np.uint8
        assert image.flags.owndata
        assert image.flags.writeable


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.bmp", "a.tif", "a.webp", "a.ppm"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_cut_off_picture_is_refused_and_never_filled(tmp_path, name, share):
    path = save(tmp_path / name, noise(40, 50))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match=name):
        load_image(path)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "is no picture; it begins with b'<!DOCTYPE"),
        (LFS, "Git LFS pointer.*git lfs pull"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is no picture"),  # Pillow would start Ghostscript
    ],
)
def test_what_is_no_picture_is_named(tmp_path, data, what):
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=what) as error:
        load_image(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_transparent_pixels_show_white_and_not_their_hidden_colour(tmp_path):
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[:, 0] = 255, 0, 0, 0  # red, invisible
    rgba[:, 1] = 255, 0, 0, 255
    rgba[:, 2] = 0, 0, 0, 128
    row = load_image(save(tmp_path / "a.png", rgba))[0]
    np.testing.assert_array_equal(row, [[255, 255, 255], [255, 0, 0], [127, 127, 127]])
    la = np.array([[[10, 0], [10, 255]]], np.uint8)
    Image.frombytes("LA", (2, 1), la.tobytes()).save(tmp_path / "la.png")
    np.testing.assert_array_equal(load_image(tmp_path / "la.png")[0], [[255] * 3, [10] * 3])


def test_transparent_palette_and_key_colours_show_white(tmp_path):
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "p.png", transparency=0)
    palette.save(tmp_path / "p.gif", transparency=0)
    for name in ("p.png", "p.gif"):
        np.testing.assert_array_equal(load_image(tmp_path / name)[0], [[255] * 3, [200, 100, 50]])
    save(tmp_path / "rgb.png", np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8), transparency=(1, 2, 3))
    np.testing.assert_array_equal(load_image(tmp_path / "rgb.png")[0], [[255] * 3, [4, 5, 6]])


def test_grey_palette_and_one_bit_become_rgb(tmp_path):
    grey = np.arange(256, dtype=np.uint8).reshape(8, 32)
    expected = np.repeat(grey[..., None], 3, axis=2)
    np.testing.assert_array_equal(load_image(save(tmp_path / "l.png", grey)), expected)
    np.testing.assert_array_equal(load_image(save(tmp_path / "p.png", grey, "P")), expected)
    bits = load_image(save(tmp_path / "1.png", np.where(grey > 99, 255, 0).astype(np.uint8), "1"))
    np.testing.assert_array_equal(bits, np.where(expected > 99, 255, 0))


def test_cmyk_becomes_rgb(tmp_path):
    path = tmp_path / "cmyk.jpg"
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path, quality=95)  # no cyan, all magenta and yellow: red
    image = load_image(path)
    assert image.shape == (16, 16, 3)
    assert abs(image.astype(int) - [255, 0, 0]).max() < 12


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    grey = np.linspace(0, 65535, 16 * 16).round().astype(np.uint16).reshape(16, 16)
    grey[0, :4] = 128, 129, 385, 386  # around the halves of 257
    expected = np.repeat(np.round(grey / 257.0).astype(np.uint8)[..., None], 3, axis=2)
    save(tmp_path / "a.png", grey)
    save(tmp_path / "a.tif", grey)
    (tmp_path / "a.pgm").write_bytes(b"P5 16 16 65535\n" + grey.astype(">u2").tobytes())  # old Pillow only reads it
    for name in ("a.png", "a.tif", "a.pgm"):
        np.testing.assert_array_equal(load_image(tmp_path / name), expected, err_msg=name)
    rgb = (grey[..., None] * np.array([1, 0.5, 0.25])).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)
    (tmp_path / "rgb.png").write_bytes(png(16, 16, 16, 2, rows))
    assert abs(load_image(tmp_path / "rgb.png").astype(int) - rgb.astype(int) // 257).max() <= 1


def test_pixels_without_a_known_white_are_refused(tmp_path):
    for name, dtype in (("f.tif", np.float32), ("i.tif", np.int32)):
        with pytest.raises(DataError, match=f"{name}.*32-bit"):
            load_image(save(tmp_path / name, np.ones((4, 5), dtype)))


ORIENTED = {  # EXIF 2.3: where row 0 and column 0 of what is stored belong
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", ORIENTED)
def test_exif_rotation(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = ORIENTED[orientation](noise())
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(load_image(save(tmp_path / name, noise(), exif=exif)), upright)
    jpeg = save(tmp_path / "a.jpg", smooth(200, 300), exif=exif)
    upright = ORIENTED[orientation](smooth(200, 300))
    assert load_image(jpeg).shape == upright.shape
    square = load_images([jpeg], 10).images[0]  # decoded in a smaller size, then turned
    assert abs(square.astype(int) - fit_square(np.ascontiguousarray(upright), 10)).max() < 6


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_an_animation_gives_its_first_frame_and_one_warning(tmp_path, name):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="a.*animated, only the first frame") as caught:
        image = load_image(tmp_path / name)
    assert len(caught) == 1
    assert abs(image.astype(int) - [255, 0, 0]).max() < 8
    with pytest.warns(UserWarning, match="and 2 more: animated") as caught:
        load_images([tmp_path / name] * 3, 4)
    assert len(caught) == 1


def test_a_picture_that_claims_900_megapixels_is_refused(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(30_000, 30_000, 1, 0, b""))
    with pytest.raises(DataError, match=r"bomb\.png.*900000000 pixels"):
        load_image(path)


def test_a_large_honest_picture_passes_without_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)  # Pillow warns from here and refuses from twice this on
    assert load_image(save(tmp_path / "a.png", noise(20, 40))).shape == (20, 40, 3)
    with pytest.raises(DataError, match="pixels"):
        load_image(save(tmp_path / "b.png", noise(30, 40)))


def test_folders_and_missing_files_keep_their_type(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder; expected a picture"):
        load_image(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.jpg does not exist.*check the name"):
        load_image(tmp_path / "none.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this system's folders")
def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(DataError, match="pipe"):
        load_image(tmp_path / "pipe.jpg")


def test_damaged_pictures_raise_nothing_but_data_errors(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "x"
    refused = 0
    for name in ("a.jpg", "a.png", "a.gif", "a.bmp", "a.tif", "a.webp", "a.ppm"):
        data = save(tmp_path / name, noise()).read_bytes()
        for _ in range(40):
            damaged = bytearray(data)
            for place in rng.integers(0, min(len(data), 300), 3):
                damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            try:
                image = load_image(path)
            except DataError:
                refused += 1
            else:
                assert image.ndim == 3
    assert refused > 50


# --- squares and floats ------------------------------------------------------------------------------------------


def test_the_whole_picture_is_squashed():
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, :20, 0], wide[:, 20:, 2] = 200, 100
    square = fit_square(wide, 8)
    assert square.shape == (8, 8, 3)
    assert square.dtype == np.uint8
    np.testing.assert_array_equal(square[:, 0], [[200, 0, 0]] * 8)
    np.testing.assert_array_equal(square[:, -1], [[0, 0, 100]] * 8)
    np.testing.assert_array_equal(fit_square(square, 8), square)


def test_shrinking_averages_and_does_not_alias():
    stripes = np.zeros((96, 96, 3), np.uint8)
    stripes[:, ::2] = 255
    assert abs(fit_square(stripes, 12).astype(int) - 127).max() <= 8  # every 8th pixel alone would be all white


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (4, 4, 4), (0, 4, 3)])
def test_fit_square_refuses_other_arrays(shape):
    with pytest.raises(DataError, match="expected \\(H, W, 3\\) uint8"):
        fit_square(np.zeros(shape, np.uint8), 4)


def test_fit_square_refuses_floats_and_size_zero():
    with pytest.raises(DataError, match="float64"):
        fit_square(np.zeros((4, 4, 3)), 4)
    with pytest.raises(DataError, match="0 pixels"):
        fit_square(noise(), 0)


def test_to_float():
    pixels = np.arange(256, dtype=np.uint8)
    out = to_float(pixels)
    assert out.dtype == np.float32
    assert (out[0], out[255]) == (0, 1)
    np.testing.assert_allclose(out, np.arange(256) / 255, rtol=1e-7)
    assert to_float(np.zeros((0, 4, 4, 3), np.uint8)).shape == (0, 4, 4, 3)
    with pytest.raises(DataError, match="float32; expected uint8"):
        to_float(out)
    with pytest.raises(DataError, match="list; expected uint8"):
        to_float([1, 2])


def test_to_float_needs_no_pillow():
    code = "import sys; from minirnn.data.images import to_float, load_images; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- many pictures and the cache ---------------------------------------------------------------------------------


@pytest.fixture
def paths(tmp_path):
    return [save(tmp_path / f"{n}.png", noise(20, 30 + n, n)) for n in range(4)]


@pytest.fixture
def mixed(tmp_path, paths):
    """Five paths, of which 1 is no picture and 3 is damaged."""
    (tmp_path / "bad.jpg").write_bytes(b"<html>")
    (tmp_path / "cut.png").write_bytes(paths[3].read_bytes()[:99])
    return [paths[0], tmp_path / "bad.jpg", paths[1], tmp_path / "cut.png", paths[2]]


def squares(paths, size):
    return np.stack([fit_square(load_image(p), size) for p in paths])


def no_decoding(monkeypatch):
    def fail(*args, **options):
        raise AssertionError("decoded again")

    monkeypatch.setattr(module, "_decode", fail)


def cache_files(cache):
    return sorted(cache.iterdir()) if cache.exists() else []


def test_load_images(paths):
    images, kept, bad = load_images(paths, 9)
    np.testing.assert_array_equal(images, squares(paths, 9))
    assert images.dtype == np.uint8
    assert kept.tolist() == [0, 1, 2, 3]
    assert np.issubdtype(kept.dtype, np.integer)
    assert bad == []


def test_the_second_call_decodes_nothing(paths, monkeypatch, cache):
    first = load_images(paths, 9)
    assert len(cache_files(cache)) == 1  # and no temporary file
    no_decoding(monkeypatch)
    second = load_images(paths, 9)
    np.testing.assert_array_equal(second.images, first.images)
    np.testing.assert_array_equal(second.kept, first.kept)
    assert second.images.flags.writeable


def test_cache_false_neither_reads_nor_writes(paths, monkeypatch, cache):
    load_images(paths, 9, cache=False)
    assert not cache.exists()
    load_images(paths, 9)
    no_decoding(monkeypatch)
    with pytest.raises(AssertionError, match="decoded again"):
        load_images(paths, 9, cache=False)


def test_a_changed_file_another_size_or_order_is_decoded_again(paths, cache):
    load_images(paths, 9)
    assert load_images(paths, 8).images.shape == (4, 8, 8, 3)
    np.testing.assert_array_equal(load_images(paths[::-1], 9).images, squares(paths[::-1], 9))
    save(paths[2], noise(20, 32, 99))
    np.testing.assert_array_equal(load_images(paths, 9).images, squares(paths, 9))
    stat = paths[1].stat()
    os.utime(paths[1], ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))
    load_images(paths, 9)
    assert len(cache_files(cache)) == 5
    stat = paths[1].stat()
    paths[1].write_bytes(paths[1].read_bytes() + b"behind the end")
    os.utime(paths[1], ns=(stat.st_atime_ns, stat.st_mtime_ns))
    load_images(paths, 9)
    assert len(cache_files(cache)) == 6


def test_progress(paths, mixed):
    told = []
    load_images(paths, 9, progress=lambda *now: told.append(now))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    told.clear()
    load_images(paths, 9, progress=lambda *now: told.append(now))
    assert told == [(4, 4)]
    told.clear()
    load_images(mixed, 9, skip_bad=True, progress=lambda *now: told.append(now))
    assert told[-1] == (5, 5)


def test_a_bad_picture_stops_the_loading(mixed, cache):
    with pytest.raises(DataError, match=r"bad\.jpg is no picture"):
        load_images(mixed, 9)
    assert cache_files(cache) == []


def test_skip_bad_leaves_out_and_reports(mixed, monkeypatch):
    for _ in range(2):  # decoded, then from the cache
        images, kept, bad = load_images(mixed, 9, skip_bad=True)
        assert kept.tolist() == [0, 2, 4]
        np.testing.assert_array_equal(images, squares([mixed[0], mixed[2], mixed[4]], 9))
        assert len(bad) == 2
        assert "bad.jpg" in bad[0]
        assert "cut.png" in bad[1]
    with pytest.raises(DataError, match=r"bad\.jpg is no picture"):  # though the cache knows what is left
        load_images(mixed, 9)


def test_a_missing_file_is_not_remembered_as_bad(tmp_path, paths, cache):
    some = [paths[0], tmp_path / "late.png"]
    with pytest.raises(FileNotFoundError, match=r"late\.png"):
        load_images(some, 9)
    assert load_images(some, 9, skip_bad=True).kept.tolist() == [0]
    assert cache_files(cache) == []
    save(tmp_path / "late.png", noise())
    assert load_images(some, 9, skip_bad=True).kept.tolist() == [0, 1]


def test_nothing_to_load(tmp_path, mixed):
    with pytest.raises(DataError, match="no picture to load"):
        load_images([], 9)
    with pytest.raises(DataError, match=r"none of the 2 pictures.*bad\.jpg"):
        load_images([mixed[1], mixed[3]], 9, skip_bad=True)
    with pytest.raises(DataError, match="0 pixels"):
        load_images(mixed, 0)


def damage(data, how):
    flipped = bytearray(data)
    header = int.from_bytes(data[48:56], "little")
    place = {"magic": 0, "digest": 20, "length": 48, "header": 60, "first pixel": 56 + header, "last pixel": -1}
    if how in place:
        flipped[place[how]] ^= 1
        return bytes(flipped)
    return {"cut": data[:-1], "short": data[:30], "empty": b"", "longer": data + b"\0", "text": b"no cache" * 20}[how]


@pytest.mark.parametrize(
    "how",
    ["magic", "digest", "length", "header", "first pixel", "last pixel", "cut", "short", "empty", "longer", "text"],
)
def test_a_damaged_cache_is_rebuilt(paths, cache, monkeypatch, how):
    first = load_images(paths, 9)
    (file,) = cache_files(cache)
    whole = file.read_bytes()
    file.write_bytes(damage(whole, how))
    assert read_cache(file) is None
    np.testing.assert_array_equal(load_images(paths, 9).images, first.images)
    assert file.read_bytes() == whole
    no_decoding(monkeypatch)
    np.testing.assert_array_equal(load_images(paths, 9).images, first.images)


def test_no_single_flipped_bit_passes(tmp_path):
    file = tmp_path / "one.cache"
    write_cache(file, noise(2, 2)[None], {1: "why"})
    whole = file.read_bytes()
    for place, bit in enumerate(np.random.default_rng(0).integers(0, 8, len(whole))):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        file.write_bytes(flipped)
        assert read_cache(file) is None, (place, bit)
    file.write_bytes(whole)
    stored = read_cache(file)
    np.testing.assert_array_equal(stored.images, noise(2, 2)[None])
    assert stored.bad == {1: "why"}


def forged(header, pixels=b""):
    """A cache file whose SHA-256 is right."""
    rest = len(header).to_bytes(8, "little") + header + pixels
    return b"minirnn images 1" + hashlib.sha256(rest).digest() + rest


@pytest.mark.parametrize(
    "header",
    [
        b'{"name": "f.cache", "shape": [9000000, 2000, 1500, 3], "bad": []}',  # 80 TB
        b'{"name": "f.cache", "shape": [-1, -1, 1, 3], "bad": []}',
        b'{"name": "f.cache", "shape": [1, 0, 1, 3], "bad": []}',
        b'{"name": "f.cache", "shape": [1, 1, 3], "bad": []}',
        b'{"name": "g.cache", "shape": [1, 1, 1, 3], "bad": []}',  # copied from elsewhere
        b'{"name": "f.cache", "shape": null, "bad": []}',
        b'{"name": "f.cache", "shape": [1, 1, 1, 3]}',
        b"[" * 100_000,
        b"\x80\x04\x95",
        b"",
    ],
)
def test_a_forged_header_is_no_cache(tmp_path, header):
    file = tmp_path / "f.cache"
    for pixels in (b"abc", b""):
        file.write_bytes(forged(header, pixels))
        assert read_cache(file) is None
    good = b'{"name": "f.cache", "shape": [1, 1, 1, 3], "bad": []}'
    file.write_bytes(forged(good, b"abc"))
    assert read_cache(file).images.tobytes() == b"abc"


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path, paths, monkeypatch):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "taken"))
    with pytest.warns(UserWarning, match="not kept in .*taken"):
        images = load_images(paths, 9).images
    np.testing.assert_array_equal(images, squares(paths, 9))


def test_a_full_disk_leaves_no_part_of_a_cache(paths, cache, monkeypatch):
    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left"):
        load_images(paths, 9)
    assert cache_files(cache) == []


def test_the_cache_folder_of_each_system(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() == tmp_path / "cache"  # MINIRNN_CACHE comes first
    monkeypatch.setenv("MINIRNN_CACHE", "")
    for platform, place in (("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")):
        monkeypatch.setattr(image_cache.sys, "platform", platform)
        assert cache_folder() == tmp_path / place / "minirnn"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "minirnn"
    monkeypatch.setattr(image_cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "minirnn"


def test_relative_and_absolute_paths_share_a_cache(paths, monkeypatch):
    monkeypatch.chdir(paths[0].parent)
    assert cache_path([Path(p.name) for p in paths], 9) == cache_path(paths, 9)


def test_draft_changes_nothing_in_small_photographs_and_little_in_large_ones(tmp_path):
    small = save(tmp_path / "s.jpg", noise(79, 152), quality=90)
    np.testing.assert_array_equal(load_images([small], 10).images[0], fit_square(load_image(small), 10))
    large = save(tmp_path / "l.jpg", np.kron(noise(12, 16), np.ones((40, 40, 1), np.uint8)), quality=90)
    assert module._decode(large, at_least=40)[0].shape == (60, 80, 3)
    assert abs(load_images([large], 10).images[0].astype(int) - fit_square(load_image(large), 10)).max() < 8


def test_the_real_photographs(monkeypatch):
    folder = DATA / "flickr8k" / "images"
    if not folder.is_dir():
        pytest.skip(f"no data at {DATA}")
    paths = sorted(folder.glob("*.jpg"))
    first = load_images(paths, 72)
    assert first.images.shape == (850, 72, 72, 3)
    assert first.kept.tolist() == list(range(850))
    assert first.bad == []
    assert 90 < first.images.mean() < 140
    assert len({image.tobytes() for image in first.images}) == 850
    np.testing.assert_array_equal(first.images[17], fit_square(load_image(paths[17]), 72))
    no_decoding(monkeypatch)
    np.testing.assert_array_equal(load_images(paths, 72).images, first.images)
