"""Captioned photo sets: four formats, every bad row, and the split by picture."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.data.captions import CaptionSet, Photo, folder_images, load_captions, split_photos
from minirnn.errors import DataError

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
GOOD = ["a.jpg,A dog .", 'b.jpg,"A cat , asleep ."', 'a.jpg,"A ""big"" dog ."']


def pictures(folder, *names):
    """Files with these names; nobody decodes them here."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


@pytest.fixture
def root(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg", "c.jpg")
    return tmp_path


def write(root, text, name="captions.txt"):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def csv_file(root, *lines):
    return write(root, "\n".join(["image,caption", *lines, ""]))


def json_file(root, content, name="dataset.json"):
    return write(root, json.dumps(content), name)


def told(found):
    return [(p.path.name, p.captions, p.split) for p in found.photos]


def refused(source, *what):
    """The one sentence with which a source is refused."""
    with pytest.raises(DataError) as error:
        load_captions(source)
    message = str(error.value)
    assert "\n" not in message
    for part in what:
        assert part in message, message
    return message


def both(source, *what, left):
    """A bad row stops the loading; with skip_bad it is reported, and `left` is what stays."""
    message = refused(source, *what)
    found = load_captions(source, skip_bad=True)
    assert found.bad == (message,)
    assert [name for name, _, _ in told(found)] == left
    return found


def karpathy(*records):
    return {"dataset": "x", "images": [{"sentids": [0], "imgid": n, **record} for n, record in enumerate(records)]}


def coco(images, annotations):
    return {"info": {}, "images": images, "annotations": annotations}


# --- formats -----------------------------------------------------------------------------------------------------

EXPECTED = [("a.jpg", ("A dog .", 'A "big" dog .'), ""), ("b.jpg", ("A cat , asleep .",), "")]


def test_flickr8k_as_on_kaggle(root):
    file = csv_file(root, *GOOD)
    found = load_captions(root)
    assert isinstance(found, CaptionSet)
    assert told(found) == EXPECTED
    assert found.bad == ()
    assert found.photos[0].path == root / "images" / "a.jpg"
    assert load_captions(file) == found


def test_flickr8k_token_file(root):
    lines = ["a.jpg#0\tA dog .", "b.jpg#0\tA cat , asleep .", 'a.jpg#1\tA "big" dog .']
    file = write(root, "\n".join(lines), "Flickr8k.token.txt")
    assert told(load_captions(root)) == told(load_captions(file)) == EXPECTED
    pictures(root / "images", "d#1.jpg")
    assert told(load_captions(write(root, "d#1.jpg#4\tX", "other.txt"))) == [("d#1.jpg", ("X",), "")]


def test_karpathys_dataset_json(root):
    content = karpathy(
        {"filename": "a.jpg", "split": "train", "sentences": [{"raw": "A dog .", "tokens": ["a"]}, {"raw": "Dog"}]},
        {"filename": "b.jpg", "split": "restval", "sentences": [{"tokens": ["a", "cat"]}]},
        {"filename": "c.jpg", "split": "val", "sentences": [{"raw": "A cow"}]},
    )
    json_file(root, content)
    expected = [("a.jpg", ("A dog .", "Dog"), "train"), ("b.jpg", ("a cat",), "train"), ("c.jpg", ("A cow",), "val")]
    assert told(load_captions(root)) == expected


def test_karpathys_coco_names_a_folder(root):
    pictures(root, "val2014/x.jpg", "images/train2014/x.jpg")
    pair = [{"filename": "x.jpg", "filepath": f, "sentences": [{"raw": f}]} for f in ("val2014", "train2014")]
    found = load_captions(json_file(root, karpathy(*pair), "dataset_coco.json"))
    assert [p.path for p in found.photos] == [root / "val2014" / "x.jpg", root / "images" / "train2014" / "x.jpg"]
    assert load_captions(root) == found


def test_coco_captions_json(tmp_path):
    pictures(tmp_path, "val2014/a.jpg", "val2014/b.jpg")
    content = coco(
        [{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "b.jpg"}],
        [
            {"image_id": 9, "id": 1, "caption": "A cat , asleep ."},
            {"image_id": 7, "id": 2, "caption": "A dog .\n"},
            {"image_id": 7, "id": 3, "caption": 'A "big" dog .'},
        ],
    )
    file = json_file(tmp_path, content, "annotations/captions_val2014.json")
    assert told(load_captions(tmp_path)) == told(load_captions(file)) == EXPECTED
    assert load_captions(file).photos[0].path == tmp_path / "val2014" / "a.jpg"


@pytest.mark.parametrize(
    "place", ["images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "Flickr8k_Dataset/Flicker8k_Dataset", "."]
)
def test_where_pictures_may_be(tmp_path, place):
    pictures(tmp_path / place, "a.jpg", "b.jpg")
    csv_file(tmp_path, *GOOD)
    assert told(load_captions(tmp_path)) == EXPECTED


def test_the_kind_is_told_by_the_content_and_not_the_name(root):
    content = json.dumps(karpathy({"filename": "a.jpg", "sentences": [{"raw": "A dog"}]}))
    assert told(load_captions(write(root, content, "captions.txt"))) == [("a.jpg", ("A dog",), "")]
    assert told(load_captions(write(root, "image,caption\na.jpg,A dog", "x.csv"))) == [("a.jpg", ("A dog",), "")]


def test_the_first_kind_in_a_folder_is_taken_and_two_of_a_kind_are_refused(root):
    json_file(root, karpathy({"filename": "c.jpg", "sentences": [{"raw": "A cow"}]}))
    assert told(load_captions(root)) == [("c.jpg", ("A cow",), "")]
    csv_file(root, *GOOD)
    assert told(load_captions(root)) == EXPECTED
    (root / "captions.txt").unlink()
    (root / "dataset.json").unlink()
    json_file(root, {}, "captions_train.json")
    json_file(root, {}, "annotations/captions_val.json")
    refused(root, "2 caption files", "captions_train.json", "captions_val.json", "name one")


# --- text: rows 42 to 45 -----------------------------------------------------------------------------------------


def test_latin_1_is_named_by_line_and_offset(root):
    data = "image,caption\na.jpg,A dog .\nb.jpg,A café .\nb.jpg,A cat .\n".encode("latin-1")
    offset = str(data.index(0xE9))
    found = both(
        write(root, data), "captions.txt, line 3", "0xe9", f"offset {offset} ", "UTF-8", left=["a.jpg", "b.jpg"]
    )
    assert found.photos[1].captions == ("A cat .",)


def test_latin_1_in_json(root):
    content = '{"images": [\n{"filename": "a.jpg", "sentences": [{"raw": "café"}]}]}'
    data = content.encode("latin-1")
    refused(write(root, data, "x.json"), "x.json, line 2", "0xe9", f"offset {data.index(0xE9)} ", "UTF-8")


def test_utf_16_is_refused(root):
    refused(write(root, "image,caption\na.jpg,x\n".encode("utf-16")), "line 1", "0xff", "offset 0 ")


def test_a_byte_order_mark_is_no_part_of_the_first_word(root):
    for text, name in (
        ("image,caption\na.jpg,A dog", "captions.txt"),
        ("a.jpg#0\tA dog", "t.txt"),
        (json.dumps(karpathy({"filename": "a.jpg", "sentences": [{"raw": "A dog"}]})), "d.json"),
    ):
        data = b"\xef\xbb\xbf" + text.encode()
        assert told(load_captions(write(root, data, name))) == [("a.jpg", ("A dog",), "")]
        assert told(load_captions(write(root, data, "captions.txt"))) == [("a.jpg", ("A dog",), "")]
    data = b"\xef\xbb\xbfimage,caption\na.jpg,caf\xe9"
    refused(write(root, data), "line 2", f"offset {len(data) - 1} ")


def test_captions_are_nfc(root):
    nfd = unicodedata.normalize("NFD", "Café")
    assert len(nfd) == 5
    csv_file(root, f"a.jpg,{nfd}")
    assert load_captions(root).photos[0].captions == ("Café",)


def test_lines_end_at_newlines_alone(root):
    data = "image,caption\r\na.jpg,A dog\x0bor\u2028two\x85x\x1cy\r\n\r\nb.jpg,A cat\r\n"
    assert told(load_captions(write(root, data))) == [
        ("a.jpg", ("A dog\x0bor\u2028two\x85x\x1cy",), ""),
        ("b.jpg", ("A cat",), ""),
    ]


def test_line_numbers_count_empty_lines(root):
    both(csv_file(root, "a.jpg,A dog", "", "", "b.jpg"), "line 5:", left=["a.jpg"])


def test_nul_is_refused(root):
    file = write(root, b"image,caption\na.jpg,A dog\nb.jpg,A\0cat\n")
    both(file, "line 3", "NUL", "byte 33", left=["a.jpg"])
    assert file.read_bytes()[33] == 0
    sentences = [{"raw": "a\0b"}, {"raw": "A dog"}]
    both(json_file(root, karpathy({"filename": "a.jpg", "sentences": sentences})), "NUL", left=["a.jpg"])


def test_half_a_surrogate_pair_is_refused(root):
    text = '{"images": [{"filename": "a.jpg", "sentences": [{"raw": "x\\ud83d"}, {"raw": "\\ud83d\\udc36"}]}]}'
    found = both(write(root, text, "d.json"), "surrogate", left=["a.jpg"])
    assert found.photos[0].captions == ("\N{DOG FACE}",)


# --- JSON: rows 46 and 47 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"images": [{"filename": "a.jpg", "filename": "b.jpg", "sentences": []}]}', "'filename' stands twice"),
        ('{"images": [], "n": NaN}', "holds NaN"),
        ('{"images": [], "n": -Infinity}', "holds -Infinity"),
        ("[" * 100_000, "too deep"),
        ('{"a":' * 100_000, "too deep"),
        ('{"images": [', "is no JSON"),
        ('{"images": ' + "1" * 5000 + "}", "is no JSON"),
        ("image,caption\na.jpg,A dog", "is no JSON"),
        ("[]", "no list 'images'"),
        ('{"images": {}}', "no list 'images'"),
        ('{"images": [], "annotations": {}}', "'annotations' is a dict"),
    ],
)
def test_json_that_is_refused(root, text, what):
    refused(write(root, text, "x.json"), "x.json", what)
    with pytest.raises(DataError, match=r"x\.json"):  # no single row is bad here, so there is nothing to skip
        load_captions(root / "x.json", skip_bad=True)


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ("a.jpg", "a str; expected an object"),
        ({"sentences": [{"raw": "x"}]}, "'filename' is 'None'; expected str"),
        ({"filename": 3, "sentences": [{"raw": "x"}]}, "'filename' is '3'; expected str"),
        ({"filename": "b.jpg"}, "'sentences' is 'None'; expected list"),
        ({"filename": "b.jpg", "sentences": [{}]}, "'tokens' is 'None'; expected list"),
        ({"filename": "b.jpg", "sentences": ["x"]}, "a str; expected an object"),
        ({"filename": "b.jpg", "sentences": [{"tokens": ["a", None]}]}, "'tokens' holds something else"),
        ({"filename": "b.jpg", "sentences": [{"raw": " "}]}, "is empty"),
        ({"filename": "b.jpg", "sentences": []}, "'b.jpg' has no caption"),
        ({"filename": "b.jpg", "split": "dev", "sentences": [{"raw": "x"}]}, "split is 'dev'"),
        ({"filename": "no.jpg", "sentences": [{"raw": "x"}]}, "'no.jpg' does not exist"),
        ({"filename": "b.jpg", "filepath": "..", "sentences": [{"raw": "x"}]}, "'..' leaves the folder"),
        ({"filename": "b\0.jpg", "sentences": [{"raw": "x"}]}, "does not exist"),
        ({"filename": "b\ud83d.jpg", "sentences": [{"raw": "x"}]}, "does not exist"),
    ],
)
def test_bad_records_of_karpathys_json(root, record, what):
    good = {"imgid": 0, "filename": "a.jpg", "sentences": [{"raw": "A dog"}]}
    both(json_file(root, {"images": [good, record]}), "images[1]", what, left=["a.jpg"])


@pytest.mark.parametrize(
    ("image", "annotation", "what"),
    [
        ({"id": 2, "file_name": "b.jpg"}, None, "images[1]: the picture 'b.jpg' has no caption"),
        ({"id": 1, "file_name": "b.jpg"}, None, "images[1]: id 1 belongs to an earlier image"),
        ({"id": True, "file_name": "b.jpg"}, None, "images[1]: 'id' is 'True'; expected int or str"),
        ({"file_name": "b.jpg"}, None, "images[1]: 'id' is 'None'"),
        (None, {"image_id": 5, "caption": "x"}, "annotations[1]: image_id 5 is the id of no image"),
        (None, {"image_id": 1, "caption": 4}, "annotations[1]: 'caption' is '4'; expected str"),
        (None, {"image_id": 1, "caption": "\n"}, "images[0]: a caption of 'a.jpg' is empty"),
        (None, {"caption": "x"}, "annotations[1]: 'image_id' is 'None'"),
        (None, 7, "annotations[1]: a int; expected an object"),
    ],
)
def test_bad_records_of_cocos_json(root, image, annotation, what):
    images = [{"id": 1, "file_name": "a.jpg"}, image]
    annotations = [{"image_id": 1, "caption": "A dog"}, annotation]
    content = coco([i for i in images if i is not None], [a for a in annotations if a is not None])
    both(json_file(root, content), what, left=["a.jpg"])


# --- rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("b.jpg", "has 1 fields; expected 2"),
        ("b.jpg,A cat , asleep .", "has 3 fields; expected 2: image,caption (quote a comma)"),
        ("b.jpg,", "a caption of 'b.jpg' is empty"),
        ("b.jpg, \t ", "a caption of 'b.jpg' is empty"),
        ('b.jpg,"A cat', "is no row of a CSV file"),
        ("b.jpg,A cat\rb.jpg,A cow", "is no row of a CSV file"),
        (",A cat", "'' does not exist"),
        ("none.jpg,A cat", "'none.jpg' does not exist; looked in"),
        ("n" * 5000 + ".jpg,A cat", "does not exist"),
        ("images,A folder", "'images' does not exist"),
    ],
)
def test_bad_rows_of_a_csv_file(root, line, what):
    both(csv_file(root, "a.jpg,A dog", line), "captions.txt, line 3: ", what, left=["a.jpg"])


@pytest.mark.parametrize(
    "line", ["b.jpg\tA cat", "b.jpg#0 A cat", "b.jpg#0\tA cat\tasleep", "#0\tA cat", "b.jpg#x\tA cat"]
)
def test_bad_rows_of_a_token_file(root, line):
    file = write(root, f"a.jpg#0\tA dog\n{line}\n", "Flickr8k.token.txt")
    both(file, "line 2", "expected name.jpg#0, a tab and a caption", left=["a.jpg"])


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "images/../../secret.jpg",
        "..\\secret.jpg",
        "/etc/passwd",
        "\\\\host\\x.jpg",
        "C:\\x.jpg",
        "C:x.jpg",
    ],
)
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    root = tmp_path / "set"
    pictures(root / "images", "a.jpg")
    pictures(tmp_path, "secret.jpg")
    assert (root / "images" / ".." / ".." / "secret.jpg").is_file()
    both(csv_file(root, "a.jpg,A dog", f"{name},A secret"), "line 3", "leaves the folder", left=["a.jpg"])


def test_an_absolute_name_is_refused_though_it_exists(root):
    both(csv_file(root, "a.jpg,A dog", f"{root / 'images' / 'b.jpg'},A cat"), "leaves the folder", left=["a.jpg"])


def test_a_missing_picture_is_listed_once(root):
    found = load_captions(csv_file(root, *["x.jpg,A dog"] * 5, *GOOD, *["y.jpg,A dog"] * 5), skip_bad=True)
    assert len(found.bad) == 2
    assert told(found) == EXPECTED


def test_several_bad_rows_are_all_listed_in_order(root):
    found = load_captions(csv_file(root, "b.jpg", *GOOD, "c.jpg,", "../x,y"), skip_bad=True)
    assert [message.split("line ")[1][0] for message in found.bad] == ["2", "6", "7"]
    assert told(found) == EXPECTED


def test_a_picture_listed_twice_is_one_photo(root):
    assert told(load_captions(csv_file(root, "a.jpg,1", "b.jpg,2", "./a.jpg,3", "a.jpg,1"))) == [
        ("a.jpg", ("1", "3", "1"), ""),
        ("b.jpg", ("2",), ""),
    ]


def test_a_picture_in_two_splits_is_refused(root):
    entries = [{"filename": "a.jpg", "split": s, "sentences": [{"raw": s}]} for s in ("train", "restval", "test")]
    found = both(json_file(root, karpathy(*entries)), "'train'", "'test'", left=["a.jpg"])
    assert found.photos[0].captions == ("train", "restval")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "empty (0 bytes)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        (b"image,caption\n", "holds no picture with a caption"),
        (b"\n\n\n", "line 1: ''"),
        (b"image,text\na.jpg,A dog\n", "'image,text'; expected captions"),
        (b"\x89PNG\r\n\x1a\n", "byte 0x89 at offset 0"),
    ],
)
def test_files_without_captions(root, text, what):
    refused(write(root, text), "captions.txt", what)
    with pytest.raises(DataError, match=r"captions\.txt"):
        load_captions(root, skip_bad=True)


def test_nothing_left_after_skipping(root):
    with pytest.raises(DataError, match=r"no picture with a caption: 2 bad rows; the first: .*line 2"):
        load_captions(csv_file(root, "x.jpg,A dog", "a.jpg,"), skip_bad=True)


def test_missing_sources_keep_their_type(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none does not exist; expected captions"):
        load_captions(tmp_path / "none")
    refused(tmp_path, "holds no caption file; expected one of captions.txt")


# --- splits ------------------------------------------------------------------------------------------------------


def photos(n, split=""):
    return [Photo(Path(f"p{k:04}.jpg"), (f"caption {k}", "same"), split) for k in range(n)]


@pytest.mark.parametrize(
    ("n", "sizes"), [(3, (1, 1, 1)), (4, (2, 1, 1)), (20, (16, 2, 2)), (34, (28, 3, 3)), (850, (700, 75, 75))]
)
def test_sizes_of_a_split(n, sizes):
    splits = split_photos(photos(n))
    assert tuple(splits) == ("train", "val", "test")
    assert tuple(len(part) for part in splits.values()) == sizes


@given(st.integers(3, 60), st.integers(0, 5), st.randoms())
@settings(max_examples=60, deadline=None)
def test_every_picture_is_in_one_split_whatever_the_order(n, seed, random):
    shuffled = photos(n)
    random.shuffle(shuffled)
    splits = split_photos(shuffled, seed)
    assert sorted(p for part in splits.values() for p in part) == photos(n)
    assert splits == split_photos(photos(n), seed)


def test_seeds_differ_and_shuffle():
    test = [split_photos(photos(340), seed)["test"] for seed in range(3)]
    assert len(set(test)) == 3
    for part in test:
        assert part[0].path.name < "p0100" < "p0240" < part[-1].path.name  # from all over the file
    assert split_photos(photos(340), 0) != split_photos(photos(340), 1)


def test_a_picture_listed_twice_lands_in_one_split():
    twice = photos(40) + [Photo(p.path, ("again",), "") for p in photos(40)]
    splits = split_photos(twice)
    together = [p for part in splits.values() for p in part]
    assert sorted(p.path for p in together) == [p.path for p in photos(40)]
    assert all(p.captions[-1] == "again" and len(p.captions) == 3 for p in together)


def test_the_files_own_splits():
    own = [p._replace(split=name) for p, name in zip(photos(6), ["test", "train", "val", "train", "train", "test"])]
    splits = split_photos(own, seed=3)
    assert {name: [p.path.name for p in part] for name, part in splits.items()} == {
        "train": ["p0001.jpg", "p0003.jpg", "p0004.jpg"],
        "val": ["p0002.jpg"],
        "test": ["p0000.jpg", "p0005.jpg"],
    }
    partly = own[:5] + photos(6)[5:]  # one does not say: all are drawn
    assert tuple(len(part) for part in split_photos(partly).values()) == (4, 1, 1)


@pytest.mark.parametrize(
    ("given_photos", "what"),
    [
        (photos(2), "there are 2 pictures; expected at least 3"),
        (photos(2) * 5, "there are 2 pictures"),
        ([], "there are 0 pictures"),
        (photos(5, "train"), "no picture is marked 'val'"),
        (photos(3, "train") + photos(3, "val"), "belongs to split 'train' and to 'val'"),
    ],
)
def test_photos_that_cannot_be_split(given_photos, what):
    with pytest.raises(DataError, match=what):
        split_photos(given_photos)


def test_a_negative_seed_is_refused():
    with pytest.raises(DataError, match="seed is -1"):
        split_photos(photos(9), -1)


# --- folders and real files --------------------------------------------------------------------------------------


def test_folder_images(tmp_path):
    pictures(tmp_path, "b.JPG", "a.png", "c.jpeg", ".hidden.jpg", "._a.jpg", "notes.txt", "below/d.jpg", "e.webp")
    (tmp_path / "folder.jpg").mkdir()
    assert folder_images(tmp_path) == [tmp_path / n for n in ("a.png", "b.JPG", "c.jpeg", "e.webp")]
    with pytest.raises(DataError, match=r"holds no picture; expected files that end in \.jpg"):
        folder_images(tmp_path / "folder.jpg")
    with pytest.raises(FileNotFoundError, match="none does not exist"):
        folder_images(tmp_path / "none")
    with pytest.raises(NotADirectoryError, match="is a file"):
        folder_images(tmp_path / "a.png")


def test_the_real_captions():
    folder = DATA / "flickr8k"
    if not folder.is_dir():
        pytest.skip(f"no data at {DATA}")
    found = load_captions(folder)
    assert found.bad == ()
    assert len(found.photos) == 850
    assert {len(p.captions) for p in found.photos} == {5}
    splits = split_photos(found.photos)
    assert {name: len(part) for name, part in splits.items()} == {"train": 700, "val": 75, "test": 75}
    assert len({p.path for part in splits.values() for p in part}) == 850
    assert [p.path for p in found.photos] == folder_images(folder / "images")
    assert sum("," in caption for p in found.photos for caption in p.captions) > 200  # quoted commas
