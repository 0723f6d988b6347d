"""Checkpoints: one safetensors file with named arrays and a manifest, written atomically and verified before use.

The file is an ordinary safetensors file. Its metadata holds the manifest, a JSON text with the format version, a
SHA-256 per array (over name, dtype, shape and bytes) and the caller's `meta`, and the SHA-256 of that text. Nothing is
ever unpickled. The sums notice damage; they do not prove who wrote the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from minirnn.errors import DataError
from minirnn.pair import Array, Tree
from minirnn.runfolder import RunLock, write_whole
from minirnn.tree import tree_from_items, tree_items

__all__ = [
    "CheckpointError",
    "CheckpointMissingError",
    "RunLock",
    "environment",
    "flatten",
    "load",
    "restore",
    "save",
]

FORMAT = 1
_MANIFEST, _MANIFEST_SHA256 = "minirnn", "minirnn_sha256"
_MAX_HEADER = 100_000_000  # bytes; readers of safetensors refuse more
_RECOVER = "use an older checkpoint or a copy"


class CheckpointError(DataError):
    """A checkpoint that cannot be written, read or used."""


class CheckpointMissingError(CheckpointError, FileNotFoundError):
    """There is no file of that name."""


def save(path: Path, arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> None:
    """Write a checkpoint; a reader finds the old file or the new one, whatever happens meanwhile.

    Args:
        path: the file; its folder exists.
        arrays: name -> array of booleans, integers or floats up to 64 bits, of any shape, order and byte order.
        meta: what JSON can hold and give back equal: numbers (not NaN or inf), strings, lists, dicts with string keys,
            booleans and None.
    Raises:
        CheckpointError: an array or a value that cannot be stored, or the disk is full; the old file is unchanged.
    """
    stored = {name: _storable(path, name, array) for name, array in arrays.items()}
    manifest = json.dumps(
        {
            "format": FORMAT,
            "data_bytes": sum(array.nbytes for array in stored.values()),
            "sha256": {name: _sha256(name, array) for name, array in stored.items()},
            "meta": {key: _json_safe(path, key, value) for key, value in meta.items()},
        }
    )
    checksum = hashlib.sha256(manifest.encode()).hexdigest()
    data = safetensors.numpy.save(stored, {_MANIFEST: manifest, _MANIFEST_SHA256: checksum})
    if int.from_bytes(data[:8], "little") > _MAX_HEADER:
        raise CheckpointError(f"{path}: meta takes {len(manifest)} bytes; expected less than {_MAX_HEADER}")
    try:
        write_whole(Path(path), data)
    except OSError as error:
        raise CheckpointError(
            f"{path}: the checkpoint could not be written ({error.strerror}); an older one there is unchanged"
        ) from error


def load(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a checkpoint and verify all of it.

    Returns:
        The arrays and the meta, equal bit for bit to what was saved; the arrays are new and writable.
    Raises:
        CheckpointMissingError: no such file (a CheckpointError and a FileNotFoundError).
        CheckpointError: not a checkpoint, truncated, damaged, or of a newer format.
    """
    data = _read(Path(path))
    header_end = 8 + int.from_bytes(data[:8], "little")
    manifest = _verified_manifest(path, data[8:header_end])
    missing = header_end + manifest["data_bytes"] - len(data)
    if missing > 0:
        raise CheckpointError(f"{path}: truncated, the last {missing} bytes are missing; {_RECOVER}")
    try:
        arrays: dict[str, Array] = safetensors.numpy.load(data)
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: a dtype that NumPy does not have
        raise CheckpointError(f"{path}: the list of arrays is damaged ({error}); {_RECOVER}") from error
    wrong = arrays.keys() ^ manifest["sha256"].keys()
    wrong |= {name for name in arrays.keys() - wrong if _sha256(name, arrays[name]) != manifest["sha256"][name]}
    if wrong:
        raise CheckpointError(f"{path}: damaged, wrong SHA-256 of {', '.join(sorted(wrong))}; {_RECOVER}")
    return arrays, manifest["meta"]


def flatten(prefix: str, tree: Tree) -> dict[str, Array]:
    """The leaves of a tree by name, for `save`: `flatten("params", p)` has `"params.lstm.Wx"`."""
    return {name: np.asarray(leaf) for name, leaf in tree_items(tree, prefix)}


def restore(like: Tree, arrays: Mapping[str, Array], prefix: str, where: str) -> Tree:
    """The tree with the structure, shapes and dtypes of `like` from what `flatten(prefix, tree)` stored.

    Args:
        like: a tree as the model has it now; its values are not used.
        arrays: as `load` returns them; names outside `prefix` are ignored.
        where: what to name in the message, usually the path.
    Raises:
        CheckpointError: keys missing or not known, shapes or dtypes that differ: all of them are listed.
    """
    expected = flatten(prefix, like)
    found = {name: array for name, array in arrays.items() if name == prefix or name.startswith(prefix + ".")}
    problems = [f"{name} is missing" for name in expected.keys() - found.keys()]
    problems += [f"{name} is not in this model" for name in found.keys() - expected.keys()]
    problems += [
        f"{name} is {_describe(found[name])}, expected {_describe(expected[name])}"
        for name in expected.keys() & found.keys()
        if _describe(found[name]) != _describe(expected[name])
    ]
    if problems:
        raise CheckpointError(f"{where}: does not fit this model: {'; '.join(sorted(problems))}")
    return tree_from_items(like, found, prefix)


def environment() -> dict[str, Any]:
    """What a bitwise equal resume is promised for: where one of these differs, the last bits of a sum may differ."""
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = config.get("Build Dependencies", {}).get("blas", {})
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": blas.get("name", "unknown"),
        "blas_version": blas.get("version", "unknown"),
        "blas_threads": {name: os.environ.get(name) for name in threads},
        "cpu_count": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "simd": config.get("SIMD Extensions", {}).get("found", []),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _describe(array: Array) -> str:
    return f"{array.dtype} {array.shape}"


def _sha256(name: str, array: Array) -> str:
    checksum = hashlib.sha256(json.dumps([name, array.dtype.name, array.shape]).encode())
    checksum.update(array.reshape(-1).view(np.uint8).data)
    return checksum.hexdigest()


def _storable(path: Path, name: str, array: Array) -> Array:
    """The array as safetensors wants it: contiguous and little-endian. Raises CheckpointError if it has no place."""
    if not isinstance(name, str) or not name or name == "__metadata__":
        raise CheckpointError(f"{path}: an array is named {name!r}; expected a string other than '' and '__metadata__'")
    if not isinstance(array, np.ndarray):
        raise CheckpointError(f"{path}: {name} is a {type(array).__name__}; expected a NumPy array")
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise CheckpointError(f"{path}: {name} has dtype {array.dtype}; expected bool, integers or floats to 64 bits")
    return np.array(array, dtype=array.dtype.newbyteorder("<"), order="C", copy=None)


def _json_safe(path: Path, key: str, value: Any) -> Any:
    """`value`, if JSON gives it back equal (it turns tuples into lists and number keys into strings)."""
    try:
        same = isinstance(key, str) and json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: meta[{key!r}] cannot be stored as JSON: {error}") from error
    if not same:
        raise CheckpointError(
            f"{path}: meta[{key!r}] would not come back equal from JSON; expected lists, not tuples, and string keys"
        )
    return value


def _read(path: Path) -> bytes:
    """The bytes of a file that is laid out like a safetensors file. Looks at its first bytes before it reads it all."""
    if path.is_dir():
        raise CheckpointError(f"{path}: is a folder; expected the checkpoint file inside it")
    try:
        with path.open("rb") as file:
            head = file.read(1024)
            size = os.fstat(file.fileno()).st_size
            header_bytes = int.from_bytes(head[:8], "little")
            if head[8:9] != b"{" or header_bytes > size - 8:
                raise CheckpointError(f"{path}: {_what_it_is(head, size)}")
            file.seek(0)
            return file.read()
    except FileNotFoundError as error:
        raise CheckpointMissingError(f"{path}: no such checkpoint; check the path, or train a model first") from error
    except OSError as error:
        raise CheckpointError(f"{path}: the checkpoint could not be read ({error.strerror})") from error


def _what_it_is(head: bytes, size: int) -> str:
    """Why a file is not a checkpoint, from its first bytes."""
    if size == 0:
        return f"is empty; {_RECOVER}"
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the checkpoint itself; fetch it with `git lfs pull`"
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "is an HTML page, not a checkpoint; download the file itself"
    if head.startswith(b"PK"):
        kind = "a NumPy .npz archive" if b".npy" in head else "a zip archive"
        return f"is {kind}, not a checkpoint of minirnn"
    if head.startswith(b"\x93NUMPY"):
        return "is a NumPy .npy file, not a checkpoint of minirnn"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "is a pickle, which minirnn never opens because it can run any code"
    if head[8:9] == b"{":
        claimed = int.from_bytes(head[:8], "little")
        return f"truncated or damaged, the header claims {claimed} bytes but the file has {size}; {_RECOVER}"
    return "is not a checkpoint of minirnn"


def _verified_manifest(path: Path, header: bytes) -> dict[str, Any]:
    """The manifest of a safetensors header, its SHA-256 checked."""
    try:
        metadata = json.loads(header.decode("utf-8"))["__metadata__"]
        text, checksum = metadata[_MANIFEST], metadata[_MANIFEST_SHA256]
        intact = hashlib.sha256(text.encode()).hexdigest() == checksum
    except (KeyError, TypeError, AttributeError):
        raise CheckpointError(f"{path}: is a safetensors file without the manifest of a minirnn checkpoint") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: the header is damaged; {_RECOVER}") from error
    if not intact:
        raise CheckpointError(f"{path}: damaged, wrong SHA-256 of the manifest; {_RECOVER}")
    try:
        manifest: dict[str, Any] = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: the manifest is not readable") from error
    match manifest:
        case {"format": int(version)} if version > FORMAT:
            raise CheckpointError(
                f"{path}: has checkpoint format {version}, this minirnn reads up to {FORMAT}; upgrade minirnn"
            )
        case {"format": int(), "data_bytes": int(), "sha256": dict(), "meta": dict()}:
            return manifest
    raise CheckpointError(f"{path}: the manifest is not one of a minirnn checkpoint")
