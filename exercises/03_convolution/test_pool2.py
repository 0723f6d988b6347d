"""Backward through max pooling: `pytest exercises/03_convolution` checks it."""

from minirnn.course import assert_solved


def test_pool2():
    assert_solved("pool2", __file__)
