"""Find the bug: tanh: `pytest exercises/02_checking` checks it."""

from minirnn.course import assert_solved


def test_bug1():
    assert_solved("bug1", __file__)
