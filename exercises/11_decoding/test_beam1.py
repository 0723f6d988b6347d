"""Follow the best few sentences at once: `pytest exercises/11_decoding` checks it."""

from minirnn.course import assert_solved


def test_beam1():
    assert_solved("beam1", __file__)
