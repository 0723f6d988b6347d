"""Strokes as JSON: Quick, Draw!'s lines and plain lists, and what is wrong with them, by file and line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from minirnn.data.ndjson import load_drawings, load_strokes
from minirnn.errors import DataError

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")) / "quickdraw"
GOOD = {"word": "dash", "key_id": "7", "drawing": [[[0, 10], [5, 6]], [[3], [4], [99]]]}


def file(folder, *lines, name="some.ndjson"):
    path = folder / name
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines) + b"\n")
    return path


def test_drawings_become_strokes_with_y_up(tmp_path):
    first, second = load_drawings(file(tmp_path, "\ufeff" + json.dumps(GOOD), "", json.dumps({**GOOD, "word": "é"})))
    assert (first.label, first.writer, second.label) == ("dash", "7", "é")
    assert [s.tolist() for s in first.strokes] == [[[0, -5], [10, -6]], [[3, -4]]]  # times behind the y are left out
    assert {s.dtype for s in first.strokes} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{", "line 2 is no JSON"),
        ("[1]", r"line 2 holds \[1\]; expected an object"),
        ('{"word": "a", "word": "b", "drawing": []}', "line 2: the key 'word' stands twice"),
        ('{"word": "a", "drawing": [[[NaN], [1]]]}', "line 2 holds NaN, which is no JSON"),
        ('{"word": "a", "drawing": [[[Infinity], [1]]]}', "line 2 holds Infinity"),
        ('{"word": "a", "drawing": [[[1e999], [1]]]}', "stroke 0 holds Infinity; expected a coordinate"),
        ('{"word": "a", "drawing": [[[1e12], [1]]]}', "expected a coordinate up to 1e"),
        (
            f'{{"word": "a", "drawing": [[[{"7" * 400}], [1]]]}}',
            r"line 2: stroke 0 holds 7+\.\.\.; expected a coordinate",
        ),
        (f'{{"word": "a", "drawing": [[[{"7" * 5000}], [1]]]}}', "line 2 is no JSON: Exceeds the limit"),
        ("[" * 100_000, "line 2 nests objects or lists too deep"),
        (b'{"word": "\xe9"}', "line 2: byte 0xe9 at offset 10 is not UTF-8"),
        ('{"drawing": [[[0], [1]]]}', "line 2: 'word' is nothing; expected text"),
        ('{"word": "", "drawing": [[[0], [1]]]}', "'word' is \"\"; expected text"),
        ('{"word": "a", "key_id": [], "drawing": [[[0], [1]]]}', "'key_id' is"),
        ('{"word": "a", "drawing": []}', "'drawing' is"),
        ('{"word": "a", "drawing": [[[0], [1]], 3]}', "stroke 1 is 3; expected"),
        ('{"word": "a", "drawing": [[[0, 1], [1]]]}', "stroke 0 has 2 x and 1 y"),
        ('{"word": "a", "drawing": [[[], []]]}', "stroke 0 has 0 x and 0 y"),
        ('{"word": "a", "drawing": [[["0"], [1]]]}', 'stroke 0 holds "0"; expected a coordinate'),
        ('{"word": "a", "drawing": [[[true], [1]]]}', "stroke 0 holds true; expected a coordinate"),
    ],
)
def test_a_bad_line_is_named(tmp_path, bad, says):
    with pytest.raises(DataError, match=says) as caught:
        load_drawings(file(tmp_path, json.dumps(GOOD), bad))
    assert "some.ndjson" in str(caught.value)
    assert len(str(caught.value)) < 200 + len(str(tmp_path))


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match="holds no drawing"):
        load_drawings(file(tmp_path, " "))
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_drawings(tmp_path / "no.ndjson")


def test_a_list_of_strokes(tmp_path):
    a, b = load_strokes(file(tmp_path, "[[[1, 2], [3, 4.5]], [[5, 6]]]"))
    assert (a.tolist(), b.tolist()) == ([[1, -2], [3, -4.5]], [[5, -6]])


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{}", "holds an object; expected a list of strokes"),
        ("[]", r"holds \[\]; expected a list of strokes"),
        ("[[]]", r"stroke 0 is \[\]; expected a list of points"),
        ("[[[1, 2]], [[1, 2, 3]]]", r"stroke 1 holds \[1, 2, 3\]; expected a point"),
        ("[[1, 2]]", "stroke 0 holds 1; expected a point"),
        ('[[[1, "2"]]]', 'stroke 0 holds "2"; expected a coordinate'),
        ("[[[1, NaN]]]", "holds NaN"),
        (b"[[[1, 2]],\n\xe9]", "some.json, line 2: byte 0xe9 at offset 11 is not UTF-8"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
    ],
)
def test_a_bad_list_is_named(tmp_path, bad, says):
    with pytest.raises(DataError, match=says) as caught:
        load_strokes(file(tmp_path, bad, name="some.json"))
    assert "some.json" in str(caught.value)


@pytest.mark.skipif(not DATA.exists(), reason=f"no data at {DATA}")
def test_the_real_drawings():
    inks = load_drawings(DATA / "angel.ndjson")
    assert len(inks) == 25
    assert {ink.label for ink in inks} == {"angel"}
    top = np.concatenate(inks[0].strokes)
    assert (top[:, 0].min(), top[:, 1].max()) == (0, 0)  # simplified drawings begin at 0, and y is up here
