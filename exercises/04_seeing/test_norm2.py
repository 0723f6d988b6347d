"""Backward through batch normalisation: `pytest exercises/04_seeing` checks it."""

from minirnn.course import assert_solved


def test_norm2():
    assert_solved("norm2", __file__)
