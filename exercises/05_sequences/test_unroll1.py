"""Run a cell through time: `pytest exercises/05_sequences` checks it."""

from minirnn.course import assert_solved


def test_unroll1():
    assert_solved("unroll1", __file__)
