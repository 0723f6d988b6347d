"""Batch normalisation: `pytest exercises/04_seeing` checks it."""

from minirnn.course import assert_solved


def test_norm1():
    assert_solved("norm1", __file__)
