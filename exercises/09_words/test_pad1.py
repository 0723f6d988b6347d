"""Captions as a batch: `pytest exercises/09_words` checks it."""

from minirnn.course import assert_solved


def test_pad1():
    assert_solved("pad1", __file__)
