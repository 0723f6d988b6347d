"""Stochastic gradient descent: `pytest exercises/01_gradients` checks it."""

from minirnn.course import assert_solved


def test_sgd1():
    assert_solved("sgd1", __file__)
