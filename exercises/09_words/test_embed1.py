"""Look up words: `pytest exercises/09_words` checks it."""

from minirnn.course import assert_solved


def test_embed1():
    assert_solved("embed1", __file__)
