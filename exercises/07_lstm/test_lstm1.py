"""One step of the LSTM: `pytest exercises/07_lstm` checks it."""

from minirnn.course import assert_solved


def test_lstm1():
    assert_solved("lstm1", __file__)
