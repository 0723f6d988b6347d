"""Max pooling: `pytest exercises/03_convolution` checks it."""

from minirnn.course import assert_solved


def test_pool1():
    assert_solved("pool1", __file__)
