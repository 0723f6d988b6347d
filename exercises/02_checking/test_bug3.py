"""Find the bug: layer normalisation: `pytest exercises/02_checking` checks it."""

from minirnn.course import assert_solved


def test_bug3():
    assert_solved("bug3", __file__)
