"""IDX, CIFAR-10, folders of pictures, PASCAL VOC: what they hold, and every way in which they go wrong."""

import gzip
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn.data import cifar10, idx, voc
from minirnn.data.augment import Jitter, jitter
from minirnn.data.cifar10 import RECORD, read_batch, read_part
from minirnn.data.classification import LabelledImages, kind_of, load_splits
from minirnn.data.folders import list_folder, load_listed, parts_of
from minirnn.data.idx import read_idx, read_labelled
from minirnn.data.scenes import make_shapes
from minirnn.errors import DataError

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nobody's real cache is touched."""
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "cache"))


def idx_bytes(array, magic=None):
    magic = 0x0800 + array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def idx_folder(folder, n=40, m=10, classes=2, zipped=False):
    """Four IDX files; the mean of a picture tells its class."""
    folder.mkdir(exist_ok=True)
    for part, count in (("train", n), ("t10k", m)):
        labels = (np.arange(count) % classes).astype(np.uint8)
        images = np.clip(pixels(count, 8, 6, seed=count) // 4 + 100 * labels[:, None, None], 0, 255).astype(np.uint8)
        for what, array in (("images", images), ("labels", labels)):
            data = idx_bytes(array)
            name = f"{part}-{what}-idx{array.ndim}-ubyte"
            (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)
    return folder


# --- IDX -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("shape", [(5,), (3, 4, 2), (0,), (0, 4, 2)])
def test_idx_comes_back_as_it_was(tmp_path, shape, zipped):
    array = pixels(*shape)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx_bytes(array)) if zipped else idx_bytes(array))
    read = read_idx(path)
    np.testing.assert_array_equal(read, array)
    assert read.flags.writeable
    assert read_idx(path, array.ndim).dtype == np.uint8


IMAGE = idx_bytes(pixels(3, 4, 2))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (IMAGE[:-1], r"holds 23 bytes after its header; the header says 3 x 4 x 2 = 24"),
        (IMAGE + b"x", r"holds 25 bytes"),
        (IMAGE[:10], r"cut off in its header: 10 bytes; expected at least 16"),
        (IMAGE[:2], r"holds 2 bytes; .* magic number of 4"),
        (idx_bytes(pixels(3), magic=2050), r"magic number 2050; expected 2049 \(labels\) or 2051 \(pictures\)"),
        (b"<html>not found", r"magic number 1013478509"),
        (struct.pack(">4I", 2051, 2**32 - 1, 2**32 - 1, 2**32 - 1) + b"x", r"holds 1 bytes .* 4294967295"),
        (gzip.compress(IMAGE)[:-12], r"cut off: its gzip data ends after"),
        (gzip.compress(IMAGE)[:-8] + b"12345678", r"damaged gzip file: CRC"),
        (gzip.compress(IMAGE + b"xyz"), r"holds at least 25 bytes after its header"),
        (gzip.compress(struct.pack(">4I", 2051, 2**16, 2**16, 2)), r"announces 8,589,934,608 bytes; at most 2,147,483,648"),
        (gzip.compress(b"\0\0\x08\x09" + bytes(9999)), r"magic number 2057"),
        (b"\x1f\x8b" + b"junk" * 9, r"damaged gzip file"),
        (b"", r"empty \(0 bytes\)"),
    ],
)  # fmt: skip
def test_a_bad_idx_file_is_named_with_its_numbers(tmp_path, data, says):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(DataError, match=says) as error:
        read_idx(path)
    assert str(path) in str(error.value)


def test_a_gzip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(struct.pack(">2I", 2049, 5) + bytes(10**7)))
    asked = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, size=-1: asked.append(size) or read(self, size))
    with pytest.raises(DataError, match="holds at least 9 bytes after its header; the header says 5 = 5"):
        read_idx(path)
    assert all(0 <= size < 100 for size in asked)


def test_labels_for_pictures_and_missing_files(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(idx_bytes(pixels(3)))
    with pytest.raises(DataError, match=r"magic number 2049; expected 2051 \(pictures\)"):
        read_idx(path, 3)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(DataError, match="lacks train-images-idx3-ubyte"):
        read_labelled(tmp_path, "train")


def test_as_many_labels_as_pictures(tmp_path):
    folder = idx_folder(tmp_path / "set", zipped=True)
    images, labels = read_labelled(folder, "train")
    assert images.shape == (40, 8, 6, 1)
    assert labels.dtype == np.int64
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(idx_bytes(pixels(39)))
    with pytest.raises(DataError, match="holds 40 pictures but train-labels-idx1-ubyte.gz 39 labels"):
        read_labelled(folder, "train")
    for what, empty in (("images-idx3", pixels(0, 8, 6)), ("labels-idx1", pixels(0))):
        (folder / f"train-{what}-ubyte.gz").write_bytes(idx_bytes(empty))
    with pytest.raises(DataError, match="holds no pixels"):
        read_labelled(folder, "train")


# --- CIFAR-10 ------------------------------------------------------------------------------------------------------


def cifar_bytes(labels):
    """Red falls with the row, green rises with the column, blue is the label."""
    y, x = np.mgrid[:32, :32].astype(np.uint8)
    return b"".join(
        bytes([label]) + (255 - y).tobytes() + x.tobytes() + np.full((32, 32), label, np.uint8).tobytes()
        for label in labels
    )


def test_cifar_planes_become_colours(tmp_path):
    (tmp_path / "b.bin").write_bytes(cifar_bytes([3, 9]))
    images, labels = read_batch(tmp_path / "b.bin")
    assert images.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(labels, [3, 9])
    np.testing.assert_array_equal(images[1, 5, 7], [250, 7, 9])


def test_bad_cifar_files(tmp_path):
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(cifar_bytes([1, 2])[:-1])
    with pytest.raises(DataError, match=rf"holds 6145 bytes; expected a multiple of {RECORD}: 3073 or 6146"):
        read_batch(path)
    path.write_bytes(cifar_bytes([1, 10]))
    with pytest.raises(DataError, match="record 1 has the label 10; expected 0 to 9"):
        read_batch(path)
    with pytest.raises(DataError, match=r"lacks data_batch_2.bin"):
        read_part(tmp_path, "train")


class Hostile:
    def __reduce__(self):
        return (os.mkdir, (str(Hostile.target),))


def test_a_pickled_batch_is_refused_and_not_run(tmp_path):
    Hostile.target = tmp_path / "ran"
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in ("data_batch_1", "test_batch"):
        (folder / name).write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(DataError, match=r"pickled file, .* cifar-10-binary.tar.gz"):
        read_batch(folder / "data_batch_1")
    with pytest.raises(DataError, match=r"pickled version of CIFAR-10, which is not read; take the binary version"):
        load_splits(str(folder), 0)
    assert not Hostile.target.exists()


def test_cifar_as_splits(tmp_path):
    for name in cifar10.TRAIN:
        (tmp_path / name).write_bytes(cifar_bytes([*range(10), *range(10)]))
    (tmp_path / cifar10.TEST).write_bytes(cifar_bytes(range(10)))
    splits, bad = load_splits(str(tmp_path), 0)
    assert {name: len(split) for name, split in splits.items()} == {"train": 80, "val": 20, "test": 10}
    assert splits["test"].classes[3] == "cat"
    assert bad == []


# --- folders -------------------------------------------------------------------------------------------------------


def picture_folder(folder, parts=("training", "test"), classes=("cat", "dog"), n=8):
    for p, part in enumerate(parts or [""]):
        for c, name in enumerate(classes):
            (folder / part / name).mkdir(parents=True)
            for k in range(n):
                image = pixels(20, 30, 3, seed=100 * p + 10 * c + k) // 2 + 100 * c
                Image.fromarray(image).save(folder / part / name / f"{k}.png")
    return folder


def test_a_folder_with_parts(tmp_path):
    folder = picture_folder(tmp_path / "set")
    (folder / "training" / "cat" / "notes.txt").write_text("not a picture")
    (folder / "training" / ".hidden").mkdir()
    splits, bad = load_splits(str(folder), 16)
    assert {name: len(split) for name, split in splits.items()} == {"train": 14, "val": 2, "test": 16}
    assert splits["val"].labels.tolist() == [0, 1]
    assert splits["test"].names[0] == "cat/0.png"
    assert splits["test"].classes == ("cat", "dog")
    assert splits["train"].images.shape[1:] == (16, 16, 3)
    assert bad == []
    again = load_splits(str(folder), 16, seed=1)[0]
    assert again["val"].names != splits["val"].names
    assert again["test"].names == splits["test"].names


def test_a_folder_without_parts_is_split_in_three(tmp_path):
    splits, _ = load_splits(str(picture_folder(tmp_path / "set", parts=())), 16)
    assert sorted(name for split in splits.values() for name in split.names) == sorted(
        f"{c}/{k}.png" for c in ("cat", "dog") for k in range(8)
    )
    assert {name: len(split) for name, split in splits.items()} == {"train": 12, "val": 2, "test": 2}
    splits, _ = load_splits(str(picture_folder(tmp_path / "three", parts=(), n=3)), 16)
    assert {name: len(split) for name, split in splits.items()} == {"train": 2, "val": 2, "test": 2}


def test_a_validation_part_of_its_own_is_used(tmp_path):
    splits, _ = load_splits(str(picture_folder(tmp_path / "set", parts=("Train", "valid", "test"))), 16)
    assert {name: len(split) for name, split in splits.items()} == {"train": 16, "val": 16, "test": 16}


def test_bad_folders(tmp_path):
    with pytest.raises(DataError, match="does not exist; expected a folder"):
        parts_of(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file"):
        load_splits(str(tmp_path / "file"), 16)
    folder = picture_folder(tmp_path / "set")
    (folder / "test" / "bird").mkdir()
    with pytest.raises(DataError, match=r"bird is no class of the training part; expected cat, dog"):
        load_splits(str(folder), 16)
    (folder / "test" / "bird").rename(folder / "training" / "bird")
    with pytest.raises(DataError, match=r"bird holds no picture"):
        load_splits(str(folder), 16)
    with pytest.raises(DataError, match="holds 1 folders; expected one for each class"):
        load_splits(str(picture_folder(tmp_path / "one", parts=(), classes=("cat",))), 16)
    with pytest.raises(DataError, match="holds test but no training part"):
        load_splits(str(picture_folder(tmp_path / "half", parts=("test",))), 16)
    with pytest.raises(DataError, match="the class cat has 2 pictures; expected at least 3"):
        load_splits(str(picture_folder(tmp_path / "few", parts=(), n=2)), 16)


def test_an_unreadable_picture_is_named_or_left_out(tmp_path):
    folder = picture_folder(tmp_path / "set", parts=())
    (folder / "cat" / "3.png").write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"3.png is no picture"):
        load_splits(str(folder), 16)
    splits, bad = load_splits(str(folder), 16, skip_bad=True)
    assert sum(map(len, splits.values())) == 15
    assert len(bad) == 1
    assert "3.png" in bad[0]
    loaded = load_listed(list_folder(folder), 16, skip_bad=True)
    assert loaded.names == tuple(f"{c}/{k}.png" for c in ("cat", "dog") for k in range(8) if (c, k) != ("cat", 3))
    assert loaded.labels.tolist() == [0] * 7 + [1] * 8


# --- one form ------------------------------------------------------------------------------------------------------


def test_labels_must_fit():
    images = pixels(2, 4, 4, 1)
    with pytest.raises(DataError, match="picture b has the label 2; expected 0 to 1"):
        LabelledImages(images, np.array([0, 2]), ("x", "y"), ("a", "b"))
    with pytest.raises(DataError, match="picture b has the label -1"):
        LabelledImages(images, np.array([0, -1]), ("x", "y"), ("a", "b"))
    with pytest.raises(DataError, match="2 pictures, 1 labels and 2 names"):
        LabelledImages(images, np.array([0]), ("x", "y"), ("a", "b"))


def test_validation_is_cut_from_every_class_and_nothing_is_lost(tmp_path):
    folder = idx_folder(tmp_path / "set", n=200, classes=4)
    assert kind_of(str(folder)) == "idx"
    splits, _ = load_splits(str(folder), 0)
    assert np.bincount(splits["val"].labels).tolist() == [8, 8, 8, 8]  # 15 % of 50
    assert np.bincount(splits["train"].labels).tolist() == [42] * 4
    marks = splits["train"].fingerprints() + splits["val"].fingerprints()
    images, _ = read_labelled(folder, "train")
    whole = LabelledImages.numbered(images, np.zeros(200, np.int64), ("a",), "x")
    assert sorted(marks) == sorted(whole.fingerprints())
    assert len(set(marks)) == 200


def test_parts_of_different_sizes_are_refused(tmp_path):
    folder = idx_folder(tmp_path / "set")
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(pixels(10, 8, 8)))
    with pytest.raises(DataError, match=r"training pictures are \(8, 6\) pixels large, test ones \(8, 8\)"):
        load_splits(str(folder), 0)


def test_drawn_shapes_are_where_they_say(tmp_path):
    images, things = make_shapes(40, size=32, split="val")
    assert {thing.shape for thing in things} == {"circle", "square", "triangle", "star"}
    for image, thing in zip(images, things):
        inside = image[int(thing.y * 32), int(thing.x * 32)].astype(int)
        assert np.ptp(inside) > 60  # coloured, on a grey ground
    np.testing.assert_array_equal(make_shapes(40, size=32, split="val")[0], images)
    assert (make_shapes(40, size=32, split="test")[0] != images).any()
    with pytest.raises(ValueError, match="expected as for make_scenes"):
        make_shapes(0)


# --- jitter --------------------------------------------------------------------------------------------------------


def test_no_jitter_is_the_picture_itself():
    images = pixels(3, 7, 5, 2)
    out = jitter(images, Jitter(), np.random.default_rng(0))
    np.testing.assert_allclose(out, images / np.float32(255), atol=1e-6)
    assert out.dtype == np.float32


def test_mirrors_half_of_the_time():
    image = pixels(1, 6, 5, 1)
    out = jitter(np.repeat(image, 400, axis=0), Jitter(mirror=True), np.random.default_rng(0))
    plain, mirrored = image[0] / np.float32(255), image[0, :, ::-1] / np.float32(255)
    as_was = sum(np.allclose(o, plain, atol=1e-5) for o in out)
    assert 150 < as_was < 250
    assert as_was + sum(np.allclose(o, mirrored, atol=1e-5) for o in out) == 400


@pytest.mark.parametrize(
    ("amount", "within"),
    [(Jitter(shift=0.1), 2.1), (Jitter(degrees=30), 0.1), (Jitter(zoom=0.3), 0.1), (Jitter(shear=0.3), 0.1)],
)
def test_each_change_stays_within_its_amount(amount, within):
    """A disc in the middle: shifting moves its centre by at most a tenth of 20 pixels, the rest leaves it there."""
    y, x = np.mgrid[:21, :21] - 10.0
    disc = (255 * np.clip(6 - np.hypot(y, x), 0, 1)).astype(np.uint8)[None, :, :, None]
    out = jitter(np.repeat(disc, 100, axis=0), amount, np.random.default_rng(0))[..., 0]
    mass = out.sum(axis=(1, 2))
    centres = np.stack([(out * y).sum(axis=(1, 2)) / mass, (out * x).sum(axis=(1, 2)) / mass])
    assert np.abs(centres).max() < within
    if amount.shift:
        assert np.abs(centres).max(axis=1).min() > 1.5
    if amount.zoom:
        assert mass.max() / mass.min() > 2  # exp(0.3) ** 2 up and down: at most 3.3
        assert mass.max() / mass.min() < 3.4
    else:
        np.testing.assert_allclose(mass, mass.mean(), rtol=0.05)


def test_turning_goes_both_ways_and_no_further_than_it_may():
    bar = np.zeros((1, 31, 31, 1), np.uint8)
    bar[0, 14:17, 3:28] = 255
    y, x = np.mgrid[:31, :31] - 15.0
    out = jitter(np.repeat(bar, 100, axis=0), Jitter(degrees=20), np.random.default_rng(0))[..., 0]
    angles = np.rad2deg(0.5 * np.arctan2(2 * (out * x * y).sum(axis=(1, 2)), (out * (x**2 - y**2)).sum(axis=(1, 2))))
    assert np.abs(angles).max() < 20.5
    assert angles.min() < -15
    assert angles.max() > 15


def test_jitter_takes_pixels_only():
    with pytest.raises(DataError, match="dtype float32; expected uint8"):
        jitter(np.zeros((1, 4, 4, 1), np.float32), Jitter(), np.random.default_rng(0))


# --- PASCAL VOC ----------------------------------------------------------------------------------------------------

BOX = "<object><name>{name}</name><difficult>{hard}</difficult><bndbox>{edges}</bndbox></object>"


def box_xml(xmin, ymin, xmax, ymax, name="cell", hard=0):
    edges = "".join(f"<{k}>{v}</{k}>" for k, v in (("xmin", xmin), ("ymin", ymin), ("xmax", xmax), ("ymax", ymax)))
    return BOX.format(name=name, hard=hard, edges=edges)


def voc_folder(folder, **boxes):
    """A folder in VOC's layout, a picture of 40 x 30 per keyword."""
    for sub in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    for name, xml in boxes.items():
        Image.fromarray(pixels(30, 40, 3)).save(folder / "JPEGImages" / f"{name}.jpg")
        size = "<size><width>40</width><height>30</height><depth>3</depth></size>"
        text = f"<annotation><filename>{name}.jpg</filename>{size}{xml}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(text, encoding="utf-8")
    (folder / "ImageSets" / "Main" / "train.txt").write_text(
        "".join(f"{name}  1\n" for name in boxes), encoding="utf-8"
    )
    return folder


def test_voc_boxes_and_classes(tmp_path):
    folder = voc_folder(tmp_path, a=box_xml(1, 1, 40, 30) + box_xml(5, 6, 5, 9, "speck", 1), b="")
    part = voc.load_part(folder, "train")
    assert part.classes == ("cell", "speck")
    first, second = part.pictures
    assert (first.width, first.height) == (40, 30)
    assert first.path == folder / "JPEGImages" / "a.jpg"
    assert first.boxes[0] == voc.Box("cell", 0, 0, 40, 30, False)
    assert first.boxes[1] == voc.Box("speck", 4, 5, 5, 9, True)
    assert second.boxes == ()
    assert part.bad == []


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (box_xml(1, 1, 41, 30), r"object 1 \(cell\) reaches outside its 40 x 30 picture: xmin 1, ymin 1, xmax 41"),
        (box_xml(1, 1, 40, 31), "reaches outside"),
        (box_xml(-1, 1, 40, 30), "reaches outside"),
        (box_xml(1, 1, 9, 9) + box_xml(9, 3, 8, 9), r"object 2 \(cell\) has a box that ends before it begins"),
        (box_xml(1, 1, "many", 30), r"bndbox/xmax 'many'; expected a number"),
        (box_xml(1, 1, "nan", 30), r"bndbox/xmax 'nan'; expected a number"),
        (box_xml(1, 1, 9, 9).replace("<xmax>9</xmax>", ""), r"no <bndbox><xmax>"),
        (box_xml(1, 1, 9, 9, name=" "), "object 1 has no name"),
        ("<size>", "broken XML: mismatched tag"),
        ("&lol;", "broken XML: undefined entity"),
    ],
)
def test_bad_annotations_are_one_sentence_or_left_out(tmp_path, xml, says):
    folder = voc_folder(tmp_path, good="", bad=xml)
    with pytest.raises(DataError, match=says) as error:
        voc.load_part(folder, "train")
    assert "bad.xml" in str(error.value)
    part = voc.load_part(folder, "train", skip_bad=True)
    assert [p.path.stem for p in part.pictures] == ["good"]
    assert part.bad == [str(error.value)]


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><annotation>&x;</annotation>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>',
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><annotation>&b;&b;</annotation>',
        '<!DOCTYPE annotation SYSTEM "http://127.0.0.1:9/a.dtd"><annotation/>',
    ],
)
def test_entities_are_not_expanded_but_refused(tmp_path, xml):
    path = tmp_path / "a.xml"
    path.write_text(xml, encoding="utf-8")
    with pytest.raises(DataError, match="has a DOCTYPE"):
        voc.read_annotation(path)


def test_other_xml_and_other_sizes(tmp_path):
    path = tmp_path / "a.xml"
    for xml, says in (
        ("<html></html>", "holds <html>; expected a VOC <annotation>"),
        ("<annotation></annotation>", "has no <size><width>"),
        ("<annotation><size><width>0</width><height>3</height></size></annotation>", "the picture is 0 x 3"),
        ("not xml", "broken XML"),
    ):
        path.write_text(xml, encoding="utf-8")
        with pytest.raises(DataError, match=says):
            voc.read_annotation(path)


def test_lists_of_names(tmp_path):
    folder = voc_folder(tmp_path, a="", b="")
    listing = folder / "ImageSets" / "Main" / "train.txt"
    with pytest.raises(FileNotFoundError, match=r"test.txt does not exist; the parts there are: train"):
        voc.load_part(folder, "test")
    for text, says in (
        (b"a\r\n\r\nb\n", None),
        (b"\n\n", "names no picture"),
        (b"a\na\n", "names a twice"),
        (b"../../etc/passwd\n", "without its folder"),
        (b"a\n\xff\n", "is not UTF-8 at byte 2"),
    ):
        listing.write_bytes(text)
        if says is None:
            assert voc.read_names(folder, "train") == ("a", "b")
        else:
            with pytest.raises(DataError, match=says):
                voc.read_names(folder, "train")
    listing.write_text("a\nc\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"c.xml"):
        voc.load_part(folder, "train")
    assert len(voc.load_part(folder, "train", skip_bad=True).bad) == 1


def test_pictures_that_are_missing_and_classes_that_are_unknown(tmp_path):
    folder = voc_folder(tmp_path, a=box_xml(1, 1, 9, 9))
    with pytest.raises(DataError, match=r"a.xml has the class 'cell'; expected one of dog"):
        voc.load_part(folder, "train", classes=("dog",))
    (folder / "JPEGImages" / "a.jpg").rename(folder / "JPEGImages" / "a.PNG")
    assert voc.load_part(folder, "train").pictures[0].path.name == "a.PNG"
    (folder / "JPEGImages" / "a.PNG").unlink()
    with pytest.raises(DataError, match=r"there is no picture a.jpg in .*JPEGImages"):
        voc.load_part(folder, "train")
    with pytest.raises(DataError, match="none of the 1 pictures of train can be used"):
        voc.load_part(folder, "train", skip_bad=True)


# --- real data -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason=f"no data at {DATA}")
def test_mnist_as_it_comes():
    images, labels = idx.read_labelled(DATA / "mnist", "t10k")
    assert images.shape == (10_000, 28, 28, 1)
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.skipif(not (DATA / "bccd").is_dir(), reason=f"no data at {DATA}")
def test_blood_cells_as_they_come():
    parts = {part: voc.load_part(DATA / "bccd", part) for part in ("train", "val", "test")}
    assert {part: len(a.pictures) for part, a in parts.items()} == {"train": 205, "val": 87, "test": 72}
    assert parts["test"].classes == ("Platelets", "RBC", "WBC")


@pytest.mark.skipif(not (DATA / "day_night").is_dir(), reason=f"no data at {DATA}")
def test_day_and_night_as_they_come():
    parts = parts_of(DATA / "day_night")
    assert {part: len(list_folder(path).paths) for part, path in parts.items()} == {"train": 240, "test": 160}
