"""Backward through the rectifier: `pytest exercises/01_gradients` checks it."""

from minirnn.course import assert_solved


def test_relu2():
    assert_solved("relu2", __file__)
