"""Online handwriting: the arrays form, UNIPEN files, and a split that keeps writers apart."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minirnn.data.unipen import Ink, load_arrays, load_ink, load_unipen, split_inks, split_of
from minirnn.errors import DataError

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")) / "unipen"
real = pytest.mark.skipif(not DATA.exists(), reason=f"no data at {DATA}")


def arrays(**changes):
    """Two items: a word of two strokes (3 and 2 points), and one of one stroke (2 points)."""
    return {
        "xy": np.arange(14, dtype=np.int16).reshape(7, 2),
        "pen_up": np.array([0, 0, 1, 0, 1, 0, 1], np.uint8),
        "offsets": np.array([0, 5, 7]),
        "labels": np.array(["it", "l"]),
        "writer_file": np.array(["data/6/abc/x.dat", "data/6/abc/y.dat"]),
    } | changes


def written(folder, **changes):
    path = folder / "ink.npz"
    np.savez(path, **{k: v for k, v in arrays(**changes).items() if v is not None})
    return path


def test_arrays_become_strokes(tmp_path):
    first, second = load_ink(written(tmp_path))
    assert [s.tolist() for s in first.strokes] == [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9]]]
    assert [s.tolist() for s in second.strokes] == [[[10, 11], [12, 13]]]
    assert (first.label, second.label) == ("it", "l")
    assert second.writer == "data/6/abc/y.dat"
    assert first.strokes[0].dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pen_up": None}, "has no array 'pen_up'"),
        ({"pen_up": np.zeros(7, np.uint8)}, "last point of item 0 has pen_up 0"),
        ({"pen_up": np.array([0, 0, 1, 0, 0, 0, 1], np.uint8)}, "last point of item 0"),
        ({"pen_up": np.ones(6, np.uint8)}, r"pen_up has shape \(6,\); expected \(7,\)"),
        ({"xy": np.zeros((7, 3), np.int16)}, r"xy has shape \(7, 3\)"),
        ({"xy": np.full((7, 2), np.nan)}, "NaN"),
        ({"offsets": np.array([0, 5, 8])}, "offsets do not rise from 0 to 7"),
        ({"offsets": np.array([0, 7, 7])}, "offsets do not rise"),
        ({"offsets": np.array([0.0, 5, 7])}, "offsets holds float64; expected integers"),
        ({"labels": np.array(["it", ""])}, "label of item 1 is empty"),
        ({"labels": np.array([" ", "it"])}, "label of item 0 is empty"),
        ({"labels": np.array([1, 2])}, "labels holds int64; expected text"),
        ({"labels": np.array(["it", None], object)}, "labels holds object; expected text"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changes, says):
    with pytest.raises(DataError, match=says) as caught:
        load_arrays(written(tmp_path, **changes))
    assert "ink.npz" in str(caught.value)


def test_a_pickle_is_never_opened(tmp_path):
    """What the object array would do on loading is not done."""

    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    with pytest.raises(DataError, match="object"):
        load_arrays(written(tmp_path, labels=np.array(["it", Trap()], object)))
    assert not (tmp_path / "sprung").exists()


def test_other_files_are_named(tmp_path):
    path = tmp_path / "x.npz"
    for content, says in ((b"", "empty"), (b"<html>", "no npz file"), (b"PK\3\4 cut off", "damaged")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=says):
            load_ink(path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_ink(tmp_path / "none.npz")


def test_a_header_that_claims_more_than_there_is(tmp_path):
    path = tmp_path / "huge.npz"
    head = b"{'descr': '<i2', 'fortran_order': False, 'shape': (1000000000000, 2), }\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xy.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
    with pytest.raises(DataError, match="another number of bytes"):
        load_ink(path)


def test_a_damaged_file_is_noticed(tmp_path):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(np.arange(14, dtype=np.int16).tobytes())] ^= 4
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        load_ink(path)


# UNIPEN files


def unipen(folder, segments, blocks, name="6/abc/a.dat", donor="abc"):
    """A file in data/ and the one in include/ that it names; blocks are (down, points)."""
    path, ink = folder / "data" / name, folder / "include" / donor / "data" / "a.dat"
    for file in (path, ink):
        file.parent.mkdir(parents=True, exist_ok=True)
    body = [".VERSION 1.0", ".COMMENT written at", " 3 o'clock", ".COORD X Y T"]
    for down, points in blocks:
        body += [".PEN_DOWN" if down else ".PEN_UP", *(f" {x} {y} {t}" for t, (x, y) in enumerate(points))]
    ink.write_text("\n".join(body) + "\n")
    lines = [".VERSION 1.0", f".INCLUDE {donor}/data/a.dat", *(f".SEGMENT {s}" for s in segments)]
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


BLOCKS = [
    (True, [(0, 0), (1, 1)]), (False, [(5, 5)]), (True, [(2, 2), (3, 3), (4, 4)]), (False, [(6, 6)]), (True, [(9, 9)]),
]  # fmt: skip


def test_components_count_pen_down_blocks(tmp_path):
    path = unipen(tmp_path, ['WORD 0-1 ? "ab"', 'WORD 2 OK "c d"', 'CHARACTER 0 ? "\\""'], BLOCKS)
    ab, cd, quote = load_unipen(path)
    assert [s.tolist() for s in ab.strokes] == [[[0, 0], [1, 1]], [[2, 2], [3, 3], [4, 4]]]
    assert (ab.label, cd.label, quote.label) == ("ab", "c d", '"')
    assert cd.strokes[0].tolist() == [[9, 9]]
    assert ab.writer == "data/6/abc/a.dat"
    assert [ink.label for ink in load_unipen(path, "word")] == ["ab", "c d"]
    assert [ink.label for ink in load_ink(tmp_path, "CHARACTER")] == ['"']


@pytest.mark.parametrize("donor", ["hpp", "nic", "pri"])
def test_some_donors_count_both_kinds(tmp_path, donor):
    path = unipen(tmp_path, ['WORD 0-2 ? "ab"', 'WORD 4 ? "c"'], BLOCKS, f"6/{donor}/a.dat", donor)
    ab, c = load_unipen(path)
    assert [len(s) for s in ab.strokes] == [2, 3]
    assert c.strokes[0].tolist() == [[9, 9]]
    with pytest.raises(DataError, match="components 4 are named; expected them from 0 to 2"):
        load_unipen(path, counts="down")


def test_parts_of_components_and_lists(tmp_path):
    path = unipen(tmp_path, ['WORD 0:1-1:1 ? "a"', 'WORD 0,2 ? "b"', 'WORD 1:1 ? "c"'], BLOCKS)
    a, b, c = load_unipen(path)
    assert [s.tolist() for s in a.strokes] == [[[1, 1]], [[2, 2], [3, 3]]]
    assert [s.tolist() for s in b.strokes] == [[[0, 0], [1, 1]], [[9, 9]]]
    assert [s.tolist() for s in c.strokes] == [[[3, 3]]]


@pytest.mark.parametrize(
    ("segment", "says"),
    [
        ('WORD 3 ? "x"', "line 3: components 3 are named"),
        ('WORD 2-1 ? "x"', "components 2-1"),
        ('WORD first ? "x"', "cannot be understood"),
        ("WORD 0-", "cannot be understood"),
        ('WORD 0:7 ? "x"', "holds no point"),
        ('WORD -- ? "x"', "'--' names no components"),
    ],
)
def test_segments_that_do_not_fit_are_refused(tmp_path, segment, says):
    with pytest.raises(DataError, match=says):
        load_unipen(unipen(tmp_path, [segment], BLOCKS))


def test_a_missing_or_hostile_include_is_named(tmp_path):
    path = tmp_path / "data" / "a.dat"
    path.parent.mkdir()
    for name, says in (("abc/none.dat", "line 1 includes abc/none.dat, which is not there"),
                       ("../../secret", "expected a path below"), ("/etc/passwd", "expected a path below")):  # fmt: skip
        path.write_text(f".INCLUDE {name}\n")
        with pytest.raises(DataError, match=says):
            load_unipen(path)
    path.write_text(".INCLUDE data/a.dat\n")
    with pytest.raises(DataError, match="includes it"):
        load_unipen(path)


@pytest.mark.parametrize(
    ("body", "says"),
    [(".PEN_DOWN\n1 2\n3\n", "line 1: the block holds 3 values"), (".PEN_DOWN\n1 two\n", "'two' is no number"),
     (".COORD T P\n", "expected X and Y"), (".PEN_DOWN\n1 nan\n", "expected X Y of every point"), ("\0", "NUL")],
)  # fmt: skip
def test_bad_blocks_are_named(tmp_path, body, says):
    path = tmp_path / "a.dat"
    path.write_text(body)
    with pytest.raises(DataError, match=says):
        load_unipen(path)


def test_columns_are_found_by_name(tmp_path):
    path = tmp_path / "a.dat"
    path.write_text('.COORD T Y X\n.PEN_DOWN 7 1 2\n8 3 4\n.SEGMENT CHARACTER 0 ? "a"\n')
    (ink,) = load_unipen(path)
    assert ink.strokes[0].tolist() == [[2, 1], [4, 3]]


# writers


def test_a_writer_is_in_one_split_whatever_was_written():
    assert split_of("data/1a/aga/x.dat") == split_of("data/6/aga/x.dat")
    names = [f"data/6/abc/{k}.dat" for k in range(2000)]
    counts = {split: sum(split_of(n) == split for n in names) for split in ("train", "val", "test")}
    assert abs(counts["test"] - 200) < 60
    assert abs(counts["val"] - 200) < 60
    inks = [Ink((np.zeros((1, 2)),), str(k), name) for k, name in enumerate(names * 2)]
    splits = split_inks(inks)
    assert sum(map(len, splits.values())) == 4000
    writers = [{ink.writer for ink in part} for part in splits.values()]
    assert sum(map(len, writers)) == len(set().union(*writers)) == 2000
    with pytest.raises(DataError, match="none of the 1 writer files falls into"):
        split_inks(inks[:1])


def test_the_split_never_changes():
    """Pinned: a run of today and one of next year are judged on the same writers."""
    assert [split_of(f"data/6/sie/word/htca/htca10{k:02}.dat") for k in range(8)] == [
        "val",
        "train",
        "train",
        "train",
        "train",
        "val",
        "train",
        "val",
    ]


@real
def test_the_segments_of_the_originals_are_those_of_the_arrays(tmp_path):
    """The points of the originals are not at hand: labels and numbers of strokes are compared."""
    mine = [ink for ink in load_ink(DATA / "digits.npz") if ink.writer == "data/1a/aga/amywldrp.dat"]
    text = (DATA / "raw" / "data" / "1a" / "aga" / "amywldrp.dat").read_text()
    blocks = "".join(f".PEN_DOWN\n{k} 0\n.PEN_UP\n0 0\n" for k in range(600))
    for place, content in (("data/1a/aga/amywldrp.dat", text), ("include/aga/data/amywldrp.dat", blocks)):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(content)
    theirs = load_unipen(tmp_path / "data" / "1a" / "aga" / "amywldrp.dat", "CHARACTER")
    assert [(i.label, len(i.strokes), i.writer) for i in theirs] == [(i.label, len(i.strokes), i.writer) for i in mine]
    assert len(mine) == 36


@real
def test_words_written_as_unipen_files_are_read_back(tmp_path):
    inks = load_ink(DATA / "digits.npz")[:40]
    blocks, segments = [], []
    for ink in inks:
        first = sum(down for down, _ in blocks)
        for stroke in ink.strokes:
            blocks += [(True, stroke.astype(int)), (False, [(0, 0)])]
        segments.append(f'CHARACTER {first}-{first + len(ink.strokes) - 1} ? "{ink.label}"')
    for ink, back in zip(inks, load_unipen(unipen(tmp_path, segments, blocks)), strict=True):
        assert back.label == ink.label
        for mine, other in zip(ink.strokes, back.strokes, strict=True):
            np.testing.assert_array_equal(mine, other)
