"""What goes wrong with a user's files and values, said in one sentence."""

from __future__ import annotations


class DataError(ValueError):
    """A file or value that cannot be used. The message names it, says what came and what was expected.

    The command prints the message alone and exits with status 2.
    """
