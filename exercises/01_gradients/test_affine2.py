"""Backward through the affine map: `pytest exercises/01_gradients` checks it."""

from minirnn.course import assert_solved


def test_affine2():
    assert_solved("affine2", __file__)
