"""Backward through attention: `pytest exercises/12_attention` checks it."""

from minirnn.course import assert_solved


def test_attend2():
    assert_solved("attend2", __file__)
