"""Scaled dot-product attention: `pytest exercises/12_attention` checks it."""

from minirnn.course import assert_solved


def test_attend1():
    assert_solved("attend1", __file__)
