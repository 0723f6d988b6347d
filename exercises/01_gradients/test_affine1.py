"""The affine map: `pytest exercises/01_gradients` checks it."""

from minirnn.course import assert_solved


def test_affine1():
    assert_solved("affine1", __file__)
