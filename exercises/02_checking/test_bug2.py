"""Find the bug: global average pooling: `pytest exercises/02_checking` checks it."""

from minirnn.course import assert_solved


def test_bug2():
    assert_solved("bug2", __file__)
