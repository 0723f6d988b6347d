"""A user's file as bytes, or one sentence on why not."""

from __future__ import annotations

from pathlib import Path

from minirnn.errors import DataError

_LFS = b"version https://git-lfs.github.com/spec/"


def read_file(path: Path, expected: str) -> bytes:
    """All bytes of a regular file.

    Args:
        expected: what the file should be, for the messages: "a picture".
    Raises:
        FileNotFoundError, IsADirectoryError: nothing there, or a folder; the message says what to do.
        DataError: a device or pipe, an empty file, or a Git LFS pointer.
        OSError: the system refuses to read it.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected {expected}: name a file in it")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; expected {expected}: check the name")
    if not path.is_file():
        raise DataError(f"{path} is a device or a pipe; expected {expected}")
    data = path.read_bytes()
    if not data:
        raise DataError(f"{path} is empty (0 bytes); expected {expected}")
    if data.startswith(_LFS):
        raise DataError(f"{path} is a Git LFS pointer, not the file itself; fetch it with: git lfs pull")
    return data
