"""BLEU: `pytest exercises/11_decoding` checks it."""

from minirnn.course import assert_solved


def test_bleu1():
    assert_solved("bleu1", __file__)
