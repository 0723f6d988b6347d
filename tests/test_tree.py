"""Trees of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.tree import (
    tree_add,
    tree_cast,
    tree_from_items,
    tree_items,
    tree_leaves,
    tree_map,
    tree_size,
    tree_zeros,
)


class Point(NamedTuple):
    x: object
    y: object


class Line(NamedTuple):
    start: object
    end: object


def tree():
    return (Line(Point(np.array([1.0, 2.0]), np.array(3)), None), (np.array([[4.0]], np.float32), (), None))


def leaves(draw):
    return np.array(draw(st.lists(st.integers(-9, 9), min_size=0, max_size=3)), float)


@st.composite
def trees(draw, depth=3):
    kind = draw(st.sampled_from(["leaf", "none", "tuple", "point"] if depth else ["leaf", "none"]))
    if kind == "none":
        return None
    if kind == "leaf":
        return leaves(draw)
    if kind == "point":
        return Point(draw(trees(depth=depth - 1)), draw(trees(depth=depth - 1)))
    return tuple(draw(trees(depth=depth - 1)) for _ in range(draw(st.integers(0, 3))))


def same(a, b):
    if isinstance(a, tuple):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if a is None or b is None:
        return a is b
    return a.dtype == b.dtype and np.array_equal(a, b)


def test_items_are_named_by_field_and_place():
    assert [name for name, _ in tree_items(tree())] == ["0.start.x", "0.start.y", "1.0"]
    assert [name for name, _ in tree_items(tree(), "params")] == ["params.0.start.x", "params.0.start.y", "params.1.0"]
    assert list(tree_items(None)) == []
    assert [(name, int(leaf)) for name, leaf in tree_items(np.array(7), "x")] == [("x", 7)]


def test_leaves_stand_in_the_order_of_items():
    assert [leaf.tolist() for leaf in tree_leaves(tree())] == [[1.0, 2.0], 3, [[4.0]]]


def test_map_keeps_types_and_none():
    doubled = tree_map(lambda leaf: leaf * 2, tree())
    assert type(doubled[0]) is Line
    assert type(doubled[0].start) is Point
    assert doubled[0].end is None
    assert doubled[1][1:] == ((), None)
    assert doubled[0].start.x.tolist() == [2.0, 4.0]


def test_map_over_several_trees():
    total = tree_map(lambda a, b, c: a + b - c, tree(), tree(), tree())
    assert same(total, tree())


def test_map_refuses_trees_of_other_sizes():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        tree_map(lambda a, b: a + b, (np.ones(1), np.ones(1)), (np.ones(1),))


def test_add_takes_none_for_zero():
    a, b = Point(np.array([1.0]), None), Point(None, np.array([2.0]))
    assert same(tree_add(a, b), Point(np.array([1.0]), np.array([2.0])))
    assert same(tree_add(a, None), a)
    assert same(tree_add(None, b), b)
    assert tree_add(None, None) is None
    assert type(tree_add(a, b)) is Point


def test_add_writes_into_neither():
    a, b = Point(np.ones(2), np.ones(2)), Point(np.full(2, 5.0), None)
    tree_add(a, b)
    assert same(a, Point(np.ones(2), np.ones(2)))
    assert same(b, Point(np.full(2, 5.0), None))


def test_zeros():
    zeros = tree_zeros(tree())
    assert same(zeros, (Line(Point(np.zeros(2), np.array(0)), None), (np.zeros((1, 1), np.float32), (), None)))


def test_cast_leaves_integers_alone():
    cast = tree_cast((np.ones(2), np.array([1]), np.array([True]), None), np.float32)
    assert [leaf.dtype for leaf in tree_leaves(cast)] == [np.float32, np.int64, np.bool_]


def test_size_counts_values():
    assert tree_size(tree()) == 4
    assert tree_size(None) == 0


@settings(max_examples=60, deadline=None)
@given(trees())
def test_items_and_back(drawn):
    items = dict(tree_items(drawn, "t"))
    assert len(items) == len(tree_leaves(drawn))
    assert same(tree_from_items(drawn, items, "t"), drawn)


@settings(max_examples=60, deadline=None)
@given(trees())
def test_laws(drawn):
    assert same(tree_map(lambda leaf: leaf, drawn), drawn)
    assert same(tree_add(drawn, tree_zeros(drawn)), drawn)
    assert tree_size(drawn) == sum(leaf.size for leaf in tree_leaves(drawn))
    assert same(tree_add(drawn, drawn), tree_map(lambda leaf: 2 * leaf, drawn))
