"""Adam: `pytest exercises/04_seeing` checks it."""

from minirnn.course import assert_solved


def test_adam1():
    assert_solved("adam1", __file__)
