"""The gradient of the word table: `pytest exercises/09_words` checks it."""

from minirnn.course import assert_solved


def test_embed2():
    assert_solved("embed2", __file__)
