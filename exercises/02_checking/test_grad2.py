"""The relative error of two gradients: `pytest exercises/02_checking` checks it."""

from minirnn.course import assert_solved


def test_grad2():
    assert_solved("grad2", __file__)
