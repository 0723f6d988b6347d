"""Pictures with boxes: where they come from, how they are changed, and what each anchor is to say of them."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn.boxes import Truth, iou
from minirnn.data import detection as data
from minirnn.data.detection import BoxedImages, load_splits, scene_split, size_of
from minirnn.data.detection_batches import Batches, Change, changed, find_anchors, targets_of
from minirnn.errors import DataError
from minirnn.models.detector import DetectorConfig, anchor_boxes, shifted, shifts_to

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")) / "bccd"
real = pytest.mark.skipif(not DATA.exists(), reason=f"no data at {DATA}")
STILL = Change(0, 0, 0, 0, 0, mirror=False, upside=False)
CONFIG = DetectorConfig(2, ((4.0, 4.0), (12.0, 8.0)), height=16, width=24, channels=(2, 2), head=())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nobody's real cache is touched."""
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "cache"))


def truth(*rows, labels=None, difficult=None):
    n = len(rows)
    return Truth(
        np.array(rows, float).reshape(-1, 4), np.array(labels or [0] * n, int), np.array(difficult or [False] * n, bool)
    )


XML = (
    "<annotation><filename>{name}</filename><size><width>{size[0]}</width><height>{size[1]}</height></size>{things}"
    "</annotation>"
)
THING = (
    "<object><name>{0}</name><bndbox><xmin>{1}</xmin><ymin>{2}</ymin><xmax>{3}</xmax><ymax>{4}</ymax></bndbox></object>"
)


def squares(folder, parts, *, size=(96, 64), seed=0, names=("dark", "light")):
    """A folder in VOC's layout: noisy grey pictures with one or two dark or light squares of 16 to 24 pixels."""
    rng = np.random.default_rng(seed)
    for sub in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    for part, count in parts.items():
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text("".join(f"{part}{k}\n" for k in range(count)))
        for k in range(count):
            image, things = rng.normal(128, 8, (size[1], size[0], 3)), ""
            for half in range(1 + k % 2):  # one in each half: they never overlap
                side = int(rng.integers(16, 25))
                x = int(rng.integers(0, size[0] // 2 - side + 1)) + half * size[0] // 2
                y, label = int(rng.integers(0, size[1] - side + 1)), (k + half) % 2
                image[y : y + side, x : x + side] += (-90, 90)[label]
                things += THING.format(names[label], x + 1, y + 1, x + side, y + side)
            Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / "JPEGImages" / f"{part}{k}.png")
            text = XML.format(name=f"{part}{k}.png", size=size, things=things)
            (folder / "Annotations" / f"{part}{k}.xml").write_text(text)
    return folder


# --- where they come from --------------------------------------------------------------------------------------------


def test_drawn_scenes_have_tight_boxes(monkeypatch):
    """Around a thing the ground is light and hardly coloured; inside its box every edge touches colour."""
    monkeypatch.setattr(data, "SCENE_COUNTS", {"train": 60, "val": 2, "test": 2})
    split = scene_split("train", 0)
    checked = set()
    for image, t in zip(split.images, split.truth):
        if len(t.boxes) != 1:
            continue
        coloured = np.ptp(image.astype(int), axis=2) > 40
        rows, columns = np.flatnonzero(coloured.any(axis=1)), np.flatnonzero(coloured.any(axis=0))
        seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(t.boxes[0], seen, atol=2.5)
        checked.add(int(t.labels[0]))
    assert len(checked) >= 3
    assert split.classes[0] == "circle"


def test_only_training_scenes_depend_on_the_seed(monkeypatch):
    monkeypatch.setattr(data, "SCENE_COUNTS", {"train": 3, "val": 3, "test": 3})
    a, b = (load_splits("scenes", None, seed=seed)[0] for seed in (0, 1))
    assert [a[part].fingerprint() == b[part].fingerprint() for part in a] == [False, True, True]
    assert a["train"].fingerprints() != b["train"].fingerprints()


def test_boxes_are_scaled_with_their_pictures_and_kept_in_the_cache(tmp_path, monkeypatch):
    folder = squares(tmp_path / "set", {"train": 3, "val": 1, "test": 1})
    whole, bad = load_splits(str(folder), (64, 96))
    half, _ = load_splits(str(folder), (32, 24))
    assert bad == []
    assert half["train"].images.shape == (3, 32, 24, 3)
    for a, b in zip(whole["train"].truth, half["train"].truth):
        np.testing.assert_allclose(b.boxes, a.boxes * [0.25, 0.5, 0.25, 0.5])
    first = whole["train"]
    left, top, right, bottom = first.truth[0].boxes[0].astype(int)
    inside = first.images[0, top:bottom, left:right].mean()
    assert abs(inside - 128) > 70
    assert size_of(str(folder), 48, 16) == (32, 48)

    def never(*_, **__):
        raise AssertionError("decoded again")

    monkeypatch.setattr(data, "load_annotated", never)
    again, _ = load_splits(str(folder), (32, 24))
    assert again["train"].fingerprints() == half["train"].fingerprints()
    assert again["train"].fingerprint() == half["train"].fingerprint()


def test_a_box_may_reach_the_edge_whatever_the_scale(tmp_path):
    folder = squares(tmp_path / "set", {"train": 3, "val": 1, "test": 1}, size=(588, 60))
    text = XML.format(name="train0.png", size=(588, 60), things=THING.format("dark", 500, 20, 588, 60))
    (folder / "Annotations" / "train0.xml").write_text(text)
    split = load_splits(str(folder), (32, 320))[0]["train"]  # 588 * (320 / 588) is 320.00000000000006
    assert split.truth[0].boxes[0, 2:].tolist() == [320, 32]


def test_what_could_not_be_opened_is_tried_again(tmp_path, monkeypatch):
    folder = squares(tmp_path / "set", {"train": 3, "val": 1, "test": 1})
    load, closed = data.load_annotated, ["train1.png"]

    def some(annotation):
        if annotation.path.name in closed:
            raise PermissionError(f"{annotation.path} may not be read")
        return load(annotation)

    monkeypatch.setattr(data, "load_annotated", some)
    splits, bad = load_splits(str(folder), (32, 48), skip_bad=True)
    assert len(splits["train"]) == 2
    assert "train1.png may not be read" in bad[0]
    closed.clear()
    assert len(load_splits(str(folder), (32, 48), skip_bad=True)[0]["train"]) == 3


def test_missing_parts_are_cut_from_the_training_pictures(tmp_path):
    folder = squares(tmp_path / "set", {"train": 10})
    splits, _ = load_splits(str(folder), (32, 48))
    assert [len(splits[part]) for part in ("train", "val", "test")] == [7, 1, 2]
    names = [name for split in splits.values() for name in split.names]
    assert len(set(names)) == 10
    with pytest.raises(DataError, match="has 2 training pictures; expected at least 3"):
        load_splits(str(squares(tmp_path / "few", {"train": 2})), (32, 48))


def test_what_is_wrong_is_said_in_one_sentence(tmp_path):
    folder = squares(tmp_path / "set", {"train": 2, "val": 1, "test": 1})
    annotation = folder / "Annotations" / "train1.xml"
    text = annotation.read_text()

    annotation.write_text(text.replace("<width>96</width>", "<width>200</width>"))
    with pytest.raises(DataError, match=r"train1.png is 96 x 64 pixels, but its annotation says 200 x 64"):
        load_splits(str(folder), (32, 48))
    annotation.write_text(XML.format(name="train1.png", size=(96, 64), things=THING.format("dark", 90, 1, 97, 20)))
    with pytest.raises(DataError, match=r"object 1 \(dark\) reaches outside its 96 x 64 picture"):
        load_splits(str(folder), (32, 48))
    splits, bad = load_splits(str(folder), (32, 48), skip_bad=True)
    assert len(splits["train"]) == 1
    assert "reaches outside" in bad[0]
    annotation.write_text(text)
    (folder / "Annotations" / "val0.xml").write_text(
        XML.format(name="val0.png", size=(96, 64), things=THING.format("grey", 1, 1, 9, 9))
    )
    with pytest.raises(DataError, match="the class 'grey'; expected one of dark, light"):
        load_splits(str(folder), (32, 48))


@pytest.mark.parametrize(
    ("row", "label", "says"),
    [
        ([0, 0, 25, 8], 0, "24 x 16 pixels has the box 0, 0, 25, 8; expected"),
        ([-1, 0, 5, 8], 0, "has the box -1, 0, 5, 8"),
        ([5, 0, 5, 8], 0, "has the box 5, 0, 5, 8"),
        ([0, 0, np.nan, 8], 0, "has the box 0, 0, nan, 8"),
        ([0, 0, 5, 8], 2, "has the label 2; expected 0 to 1"),
        ([0, 0, 5, 8], -1, "has the label -1"),
    ],
)
def test_boxes_outside_the_picture_and_unknown_labels_are_refused(row, label, says):
    with pytest.raises(DataError, match=f"picture here .*{says}"):
        BoxedImages(np.zeros((1, 16, 24, 3), np.uint8), (truth(row, labels=[label]),), ("a", "b"), ("here",))


# --- how they are changed --------------------------------------------------------------------------------------------


def test_no_change_changes_nothing():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (6, 8, 3), np.uint8)
    same, boxes = changed(image, truth([1, 2, 5, 4]), STILL, rng)
    np.testing.assert_allclose(same, image / np.float32(255), atol=1e-6)
    assert same.dtype == np.float32
    assert boxes.boxes.tolist() == [[1, 2, 5, 4]]


@pytest.mark.parametrize("seed", range(12))
def test_a_box_stays_on_its_thing(seed):
    """A light rectangle on black: after any zoom, shift and flip the pixels of the box are light, those outside dark."""
    rng = np.random.default_rng(seed)
    image = np.zeros((60, 80, 3), np.uint8)
    image[20:35, 30:50] = 255
    change = Change(zoom=0.4, shift=0.1, light=0, contrast=0, colour=0, mirror=True, upside=True)
    moved, t = changed(image, truth([30, 20, 50, 35]), change, rng)
    (left, top, right, bottom) = np.rint(t.boxes[0]).astype(int)
    inner = moved[top + 2 : bottom - 2, left + 2 : right - 2]
    assert inner.size > 50
    assert inner.min() > 0.99
    outside = moved.copy()
    outside[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = 0
    assert outside.max() < 0.01


def test_pictures_are_flipped_zoomed_and_coloured_each_by_itself():
    image = np.zeros((8, 12, 3), np.uint8)
    image[0, 0] = 255
    t = truth([0, 0, 1, 1])
    corners = set()
    for seed in range(40):
        flips = Change(0, 0, 0, 0, 0, mirror=True, upside=True)
        moved, boxes = changed(image, t, flips, np.random.default_rng(seed))
        left, top = boxes.boxes[0, :2].astype(int)
        assert moved[top, left, 0] == pytest.approx(1)
        corners.add((top, left))
    assert corners == {(0, 0), (0, 11), (7, 0), (7, 11)}
    grey = np.full((4, 4, 3), 128, np.uint8)
    lit = [changed(grey, t, Change(0, 0, 0.2, 0, 0, False), np.random.default_rng(k))[0] for k in range(20)]
    values = np.array([x[0, 0, 0] for x in lit])
    assert np.ptp(values) > 0.2
    assert (np.abs(values - 128 / 255) <= 0.2 + 1e-6).all()
    assert all(np.ptp(x) < 1e-6 for x in lit)
    tinted, _ = changed(np.full((4, 4, 3), 200, np.uint8), t, Change(0, 0, 0, 0, 0.3, False), np.random.default_rng(0))
    assert np.ptp(tinted[0, 0]) > 0.02


def test_boxes_that_leave_the_picture_are_difficult_or_gone():
    image, t = np.zeros((20, 40, 3), np.uint8), truth([0, 5, 10, 15], [20, 5, 30, 15], labels=[1, 0])
    kinds = set()
    for seed in range(60):
        _, moved = changed(image, t, Change(0, 0.5, 0, 0, 0, False), np.random.default_rng(seed))
        sides = moved.boxes[:, 2:] - moved.boxes[:, :2]
        assert (moved.boxes >= 0).all()
        assert (moved.boxes <= [40, 20, 40, 20]).all()
        assert (moved.difficult == (sides.prod(axis=1) < 50 - 1e-9)).all()
        kinds.add((len(moved.boxes), int(moved.difficult.sum())))
    assert {(2, 0), (2, 1)} <= kinds
    assert any(n == 1 for n, _ in kinds)


# --- what each anchor is to say --------------------------------------------------------------------------------------


def test_anchors_are_the_usual_sizes():
    rng = np.random.default_rng(0)
    sizes = np.concatenate([rng.normal((10, 10), 0.5, (100, 2)), rng.normal((40, 20), 1, (10, 2)), [[1, 30]]])
    t = Truth(np.concatenate([np.zeros_like(sizes), sizes], axis=1), np.zeros(111, int), np.zeros(111, bool))
    (w, h), (wide, high) = find_anchors((t,), 2)
    assert (abs(w - 10), abs(h - 10), abs(wide - 40), abs(high - 20)) < (0.2, 0.2, 1, 1)
    assert find_anchors((truth([0, 0, 3, 5], [2, 2, 5, 7]),), 1) == ((3.0, 5.0),)
    with pytest.raises(DataError, match="have 1 boxes of at least 2 pixels a side; expected at least 2"):
        find_anchors((truth([0, 0, 5, 1.5], [0, 0, 4, 4]),), 2)


def test_shifts_there_and_back():
    rng = np.random.default_rng(0)
    anchors = anchor_boxes(CONFIG)
    assert anchors.shape == (4, 6, 2, 4)
    assert anchors[1, 2, 0].tolist() == [10, 6, 4, 4]
    low = rng.uniform(0, 20, (4, 6, 2, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 30, low.shape)], axis=-1)
    np.testing.assert_allclose(shifted(shifts_to(boxes, anchors), anchors), boxes)
    assert shifts_to(np.array([4.0, 4, 16, 12]), np.array([10.0, 6, 12, 8])).tolist() == [0, 0.25, 0, 0]
    assert np.isfinite(shifted(np.full(4, 1000.0), anchors[0, 0, 0])).all()


def test_targets_by_hand():
    """A 4 x 4 box in the middle of cell (1, 2), and a 12 x 8 one a little off the middle of cell (2, 4)."""
    t = targets_of(truth([8, 4, 12, 8], [13, 6, 25, 14], labels=[1, 0]), CONFIG)
    assert t.things[1, 2].tolist() == [True, False]
    assert t.things[2, 4].tolist() == [False, True]
    assert t.shifts[1, 2, 0].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(t.shifts[2, 4, 1], [1 / 12, 0, 0, 0], rtol=1e-6)
    assert (t.labels[1, 2, 0], t.labels[2, 4, 1]) == (1, 0)
    assert t.things[..., 0].sum() == 1  # no other small anchor overlaps its box by 0.6
    neighbour = iou(shifted(np.zeros((1, 4)), anchor_boxes(CONFIG)[2, 3, 1][None]), np.array([[13.0, 6, 25, 14]]))
    assert 0.4 <= neighbour[0, 0] < 0.6
    assert not t.counts[2, 3, 1]
    assert not t.things[2, 3, 1]
    assert t.counts[0, 0].all()


def test_every_thing_has_an_anchor_however_odd_its_shape():
    t = targets_of(truth([0, 0, 24, 2.5], [1, 14, 4, 16]), CONFIG)
    assert t.things.sum() == 2
    assert t.things[0, 3, 1]  # its centre is at x = 12, the edge of cell 3
    assert t.things[3, 0, 0]
    back = shifted(t.shifts.astype(float), anchor_boxes(CONFIG))
    np.testing.assert_allclose(back[0, 3, 1], [0, 0, 24, 2.5], atol=1e-5)
    corner = targets_of(truth([20, 12, 24, 16], [24 - 1e-9 - 3, 13, 24, 16]), CONFIG)
    assert corner.things[3, 5, 0]


def test_difficult_and_tiny_boxes_are_neither_things_nor_nothing():
    t = targets_of(truth([8, 4, 12, 8], difficult=[True]), CONFIG)
    assert not t.things.any()
    assert not t.counts[1, 2, 0]
    tiny = targets_of(truth([8, 4, 9, 5]), CONFIG)
    assert not tiny.things.any()
    empty = targets_of(truth(), CONFIG)
    assert not empty.things.any()
    assert empty.counts.all()


def test_batches_hold_what_the_model_takes():
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), np.uint8)
    split = BoxedImages(
        images, (truth([8, 4, 12, 8]), truth(), truth([0, 0, 9, 9], labels=[1])), ("a", "b"), tuple("xyz")
    )
    batches = Batches(split, CONFIG, Change())
    batch = batches(np.array([2, 1]), np.random.default_rng(0))
    assert [b.shape for b in batch] == [(2, 16, 24, 3), (2, 4, 6, 2), (2, 4, 6, 2), (2, 4, 6, 2, 4), (2, 4, 6, 2)]
    assert [str(b.dtype) for b in batch] == ["float32", "bool", "bool", "float32", "int64"]
    assert batch[1][0].any()
    assert not batch[1][1].any()
    again = batches(np.array([2, 1]), np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(batch, again))


@real
def test_blood_cells_as_they_are():
    """Annotations only: decoding all pictures would take seconds."""
    counts = {part: len(data.load_part(DATA, part).pictures) for part in ("train", "val", "test")}
    assert counts == {"train": 205, "val": 87, "test": 72}
    train = data.load_part(DATA, "train")
    assert train.classes == ("Platelets", "RBC", "WBC")
    assert size_of(str(DATA), 320, 16) == (240, 320)
    sizes = find_anchors(tuple(data._truth(a, train.classes, (240, 320)) for a in train.pictures), 3)
    assert [round(w / 10) for w, _ in sizes] == [2, 5, 10]
    few, bad = data.load_listed(train.pictures[:2], train.classes, (240, 320))
    assert (bad, few.images.shape) == ([], (2, 240, 320, 3))
