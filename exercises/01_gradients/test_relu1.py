"""The rectifier: `pytest exercises/01_gradients` checks it."""

from minirnn.course import assert_solved


def test_relu1():
    assert_solved("relu1", __file__)
