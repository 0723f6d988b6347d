"""The gradient of cross-entropy with padding: `pytest exercises/09_words` checks it."""

from minirnn.course import assert_solved


def test_masked2():
    assert_solved("masked2", __file__)
