"""Backward through dropout: `pytest exercises/04_seeing` checks it."""

from minirnn.course import assert_solved


def test_drop2():
    assert_solved("drop2", __file__)
