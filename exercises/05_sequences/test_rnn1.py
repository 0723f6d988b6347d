"""One step of the vanilla RNN: `pytest exercises/05_sequences` checks it."""

from minirnn.course import assert_solved


def test_rnn1():
    assert_solved("rnn1", __file__)
