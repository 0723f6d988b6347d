"""Backward through one step of the LSTM: `pytest exercises/07_lstm` checks it."""

from minirnn.course import assert_solved


def test_lstm2():
    assert_solved("lstm2", __file__)
