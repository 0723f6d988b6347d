"""Backward through time: `pytest exercises/06_bptt` checks it."""

from minirnn.course import assert_solved


def test_unroll2():
    assert_solved("unroll2", __file__)
