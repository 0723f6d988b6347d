"""Dropout: `pytest exercises/04_seeing` checks it."""

from minirnn.course import assert_solved


def test_drop1():
    assert_solved("drop1", __file__)
