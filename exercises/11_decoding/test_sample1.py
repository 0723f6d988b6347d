"""Draw words by their probability: `pytest exercises/11_decoding` checks it."""

from minirnn.course import assert_solved


def test_sample1():
    assert_solved("sample1", __file__)
