"""Backward through one step of the GRU: `pytest exercises/08_gru` checks it."""

from minirnn.course import assert_solved


def test_gru2():
    assert_solved("gru2", __file__)
