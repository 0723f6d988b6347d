"""The sets that `minirnn data get` brings: their files, where these are, and how they are checked.

A set is here when it has a stable public address and a checksum that somebody other than the server vouches for.
"""

from __future__ import annotations

import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from minirnn.data import cifar10
from minirnn.data.download import Progress, Remote, download
from minirnn.errors import DataError
from minirnn.runfolder import write_whole

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FASHION_MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)
CIFAR_BATCH = 10_000 * cifar10.RECORD  # bytes of each .bin file


@dataclass(frozen=True)
class DataSet:
    """A set of data that can be brought."""

    name: str
    what: str
    licence: str
    files: tuple[Remote, ...]
    use: str  # what to run next; {folder} is where the set is
    members: tuple[tuple[str, int], ...] = ()  # of an archive: the files to take out, with their sizes

    @property
    def size(self) -> int:
        """Bytes to bring."""
        return sum(file.size for file in self.files)


def _mirrored(mirrors: tuple[str, ...], name: str, checksum: str, size: int) -> Remote:
    return Remote(name, tuple(mirror + name for mirror in mirrors), checksum, size)


# Checksums: MNIST and Fashion-MNIST as torchvision and TensorFlow Datasets record them, CIFAR-10 as TensorFlow Datasets
# does (its md5, c32a1d4a…, is on the set's own page), tinyshakespeare measured on a copy of the file.
SETS = (
    DataSet(
        "mnist", "handwritten digits, 60,000 + 10,000, 28 x 28 grey", "CC BY-SA",
        (
            _mirrored(MNIST_MIRRORS, "train-images-idx3-ubyte.gz",
                      "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
            _mirrored(MNIST_MIRRORS, "train-labels-idx1-ubyte.gz",
                      "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
            _mirrored(MNIST_MIRRORS, "t10k-images-idx3-ubyte.gz",
                      "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
            _mirrored(MNIST_MIRRORS, "t10k-labels-idx1-ubyte.gz",
                      "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
        ),
        "minirnn train classifier --data {folder} --out runs/mnist --minutes 5",
    ),
    DataSet(
        "fashion-mnist", "clothes, 60,000 + 10,000, 28 x 28 grey", "MIT",
        (
            _mirrored(FASHION_MIRRORS, "train-images-idx3-ubyte.gz", "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                      26_421_880),
            _mirrored(FASHION_MIRRORS, "train-labels-idx1-ubyte.gz", "md5:25c81989df183df01b3e8a0aad5dffbe", 29_515),
            _mirrored(FASHION_MIRRORS, "t10k-images-idx3-ubyte.gz", "md5:bef4ecab320f06d8554ea6380940ec79", 4_422_102),
            _mirrored(FASHION_MIRRORS, "t10k-labels-idx1-ubyte.gz", "md5:bb300cfdad3c16e7a12a480ee83cd310", 5_148),
        ),
        "minirnn train classifier --data {folder} --out runs/fashion --minutes 5",
    ),
    DataSet(
        "cifar10", "photographs of 10 kinds of things, 50,000 + 10,000, 32 x 32 colour (binary version)", "none stated",
        (
            Remote("cifar-10-binary.tar.gz", ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                   "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170_052_171),
        ),
        "minirnn train classifier --data {folder} --out runs/cifar10",
        tuple((name, CIFAR_BATCH) for name in (*cifar10.TRAIN, cifar10.TEST)),
    ),
    DataSet(
        "tinyshakespeare", "scenes of Shakespeare, 1,115,394 characters", "public domain",
        (
            Remote("input.txt", ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",),
                   "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed", 1_115_394),
        ),
        "minirnn train text --data {folder}/input.txt --out runs/text",
    ),
)  # fmt: skip


def find_set(name: str, sets: tuple[DataSet, ...] = SETS) -> DataSet:
    """The set of that name.

    Raises:
        DataError: there is none.
    """
    for found in sets:
        if found.name == name:
            return found
    raise DataError(f"there is no set {name!r} to get; expected one of {', '.join(found.name for found in sets)}")


def get(wanted: DataSet, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Bring a set into a folder of its own; its files. What is there already is checked and left alone.

    Raises:
        DataError: as `download`; an archive that does not hold what it should.
    """
    if wanted.members:
        members = [folder / name for name, _ in wanted.members]
        if all(path.is_file() and path.stat().st_size == size for path, (_, size) in zip(members, wanted.members)):
            return members
    files = [download(file, folder, progress) for file in wanted.files]
    return _unpacked(wanted, folder, files) if wanted.members else files


def _unpacked(wanted: DataSet, folder: Path, archives: list[Path]) -> list[Path]:
    """The members of tar archives, whatever folder the archive puts them in; the archive is removed."""
    sizes, made = dict(wanted.members), []
    for archive in archives:
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    name = Path(member.name).name
                    if not member.isfile() or member.size != sizes.get(name):
                        continue
                    source = tar.extractfile(member)
                    assert source is not None
                    write_whole(folder / name, source.read())
                    made.append(folder / name)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise DataError(f"{archive} is a damaged archive: {error}") from error
    missing = sorted(set(sizes) - {path.name for path in made})
    if missing:
        raise DataError(f"{archives[0]} does not hold {', '.join(missing)} in the expected size")
    for archive in archives:
        archive.unlink()
    return [folder / name for name in sizes]
