"""CIFAR-10 in its binary version: records of one label and 32 x 32 pixels in three planes. Nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minirnn.data.files import read_file
from minirnn.errors import DataError
from minirnn.pair import Array

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE  # 3073 bytes: the label, then red, green and blue rows
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAIN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
TEST = "test_batch.bin"
BINARY = "take the binary version, cifar-10-binary.tar.gz, whose files end in .bin"


def read_batch(path: Path) -> tuple[Array, Array]:
    """Pictures (N, 32, 32, 3) uint8 and labels (N,) int64 of one .bin file.

    Raises:
        DataError: a pickled file, a size that is no multiple of 3073 bytes, or a label that is not 0 to 9.
        FileNotFoundError, IsADirectoryError: as they say.
    Source: Krizhevsky 2009, "binary version" on the data set's page.
    """
    data = read_file(Path(path), "a batch of CIFAR-10 (.bin)")
    if len(data) % RECORD:
        if data[:1] == b"\x80" and data[-1:] == b".":  # how every pickle of protocol 2 or later begins and ends
            raise DataError(f"{path} is a pickled file, which can run any program and is not read; {BINARY}")
        below = len(data) // RECORD * RECORD
        raise DataError(f"{path} holds {len(data)} bytes; expected a multiple of {RECORD}: {below} or {below + RECORD}")
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int64)
    if (labels >= len(CLASSES)).any():
        place = int(np.argmax(labels >= len(CLASSES)))
        raise DataError(f"{path}: record {place} has the label {labels[place]}; expected 0 to {len(CLASSES) - 1}")
    images = records[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


def is_cifar10(folder: Path) -> bool:
    """Whether a folder holds CIFAR-10, in either version."""
    names = (*TRAIN, TEST)
    return any((folder / name).exists() or (folder / name.removesuffix(".bin")).is_file() for name in names)


def read_part(folder: Path, part: str) -> tuple[Array, Array]:
    """Pictures and labels of "train" (the five batches) or "test" in a folder `cifar-10-batches-bin`.

    Raises:
        DataError: a file is missing, or only the pickled version is there; as `read_batch`.
    """
    names = TRAIN if part == "train" else (TEST,)
    for name in names:
        if not (folder / name).exists():
            if (folder / name.removesuffix(".bin")).is_file():
                raise DataError(f"{folder} holds the pickled version of CIFAR-10, which is not read; {BINARY}")
            raise DataError(f"{folder} lacks {name}; expected {', '.join(names)}")
    batches = [read_batch(folder / name) for name in names]
    return np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])
