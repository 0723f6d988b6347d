"""A numeric gradient: `pytest exercises/02_checking` checks it."""

from minirnn.course import assert_solved


def test_grad1():
    assert_solved("grad1", __file__)
