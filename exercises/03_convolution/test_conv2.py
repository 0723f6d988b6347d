"""Backward through a convolution: `pytest exercises/03_convolution` checks it."""

from minirnn.course import assert_solved


def test_conv2():
    assert_solved("conv2", __file__)
