"""Cross-entropy with padding: `pytest exercises/09_words` checks it."""

from minirnn.course import assert_solved


def test_masked1():
    assert_solved("masked1", __file__)
