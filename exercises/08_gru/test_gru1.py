"""One step of the GRU: `pytest exercises/08_gru` checks it."""

from minirnn.course import assert_solved


def test_gru1():
    assert_solved("gru1", __file__)
