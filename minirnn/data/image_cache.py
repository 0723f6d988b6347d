"""Decoded pictures kept on disk: one file per list of pictures, checked whenever it is read.

    magic (16 bytes) | SHA-256 of all that follows (32) | length of the header (8, little-endian) | header | pixels

The header is JSON: the file's own name, the shape of the pixels, and what could not be read. Nothing is ever
unpickled. Any file, and the whole folder, may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minirnn.pair import Array
from minirnn.runfolder import write_whole

_MAGIC = b"minirnn images 1"
_FIXED = len(_MAGIC) + 32 + 8


class Stored(NamedTuple):
    """What a cache file holds."""

    images: Array  # (N, size, size, 3) uint8
    bad: dict[int, str]  # by place in the list of paths: what could not be read, and why


def cache_folder() -> Path:
    """Where minirnn keeps what it can make again: $MINIRNN_CACHE, else what the system has for this."""
    if os.environ.get("MINIRNN_CACHE"):
        return Path(os.environ["MINIRNN_CACHE"])
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "minirnn"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "minirnn"
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "minirnn"


def cache_path(paths: Sequence[Path], size: int | tuple[int, ...]) -> Path:
    """The cache file for these pictures: another name as soon as one path, time of change or size in bytes differs.

    `size`: in pixels, of the sides of squares, or whatever else says what becomes of the pictures.
    """
    key = hashlib.sha256(f"{_MAGIC!r} {size}".encode())
    for path in paths:
        try:
            stat = path.stat()
            state = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            state = None  # missing; a cache may know that, too
        key.update(json.dumps([os.path.abspath(path), state]).encode())
    return cache_folder() / f"images-{key.hexdigest()[:32]}.cache"


def write_cache(path: Path, images: Array, bad: dict[int, str]) -> None:
    """Write a cache file, whole or not at all. A cache that cannot be written is worth a warning, not an error."""
    header = json.dumps({"name": path.name, "shape": images.shape, "bad": sorted(bad.items())}).encode()
    length = len(header).to_bytes(8, "little")
    images = np.ascontiguousarray(images)
    digest = hashlib.sha256(length + header)
    digest.update(images.data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, b"".join((_MAGIC, digest.digest(), length, header, images.data)))
    except OSError as error:
        warnings.warn(f"the decoded pictures are not kept in {path.parent}: {error}", stacklevel=3)


def read_cache(path: Path) -> Stored | None:
    """What a cache file holds; None when there is none, or when it is damaged in any way."""
    try:
        with path.open("rb") as file:
            fixed = file.read(_FIXED)
            if len(fixed) < _FIXED or not fixed.startswith(_MAGIC):
                return None
            room = os.fstat(file.fileno()).st_size - _FIXED
            length = int.from_bytes(fixed[-8:], "little")
            if length > room:
                return None
            header = file.read(length)
            digest = hashlib.sha256(fixed[-8:] + header)
            shape, bad = _parse(header, path.name)
            if math.prod(shape) != room - length:  # before anything of that size is allocated
                return None
            images = np.empty(shape, np.uint8)
            file.readinto(images.data.cast("B"))
            digest.update(images.data)
            return Stored(images, bad) if digest.digest() == fixed[len(_MAGIC) : -8] else None
    except (OSError, ValueError):
        return None


def _parse(header: bytes, name: str) -> tuple[tuple[int, int, int, int], dict[int, str]]:
    """The shape and the bad pictures of a header. Raises ValueError when it is not one."""
    try:
        fields = json.loads(header)
        N, H, W, C = (int(n) for n in fields["shape"])
        if fields["name"] != name or min(N, H, W, C) < 1:
            raise ValueError("the header of another cache file")
        return (N, H, W, C), {int(place): str(why) for place, why in fields["bad"]}
    except (TypeError, LookupError, RecursionError) as error:
        raise ValueError("not a header of this program") from error
