"""Backward through softmax cross-entropy: `pytest exercises/01_gradients` checks it."""

from minirnn.course import assert_solved


def test_xent2():
    assert_solved("xent2", __file__)
