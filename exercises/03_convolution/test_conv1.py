"""2-D convolution: `pytest exercises/03_convolution` checks it."""

from minirnn.course import assert_solved


def test_conv1():
    assert_solved("conv1", __file__)
