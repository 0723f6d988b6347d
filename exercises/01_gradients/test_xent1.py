"""Softmax cross-entropy: `pytest exercises/01_gradients` checks it."""

from minirnn.course import assert_solved


def test_xent1():
    assert_solved("xent1", __file__)
