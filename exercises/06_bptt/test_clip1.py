"""Clip all gradients together: `pytest exercises/06_bptt` checks it."""

from minirnn.course import assert_solved


def test_clip1():
    assert_solved("clip1", __file__)
