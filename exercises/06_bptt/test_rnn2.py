"""Backward through one step: `pytest exercises/06_bptt` checks it."""

from minirnn.course import assert_solved


def test_rnn2():
    assert_solved("rnn2", __file__)
