"""Checkpoints: round trips, damage, hostile files, restoring trees. Kills, races and locks are in test_runfolder.py."""

from __future__ import annotations

import hashlib
import io
import json
import math
import pickle
import random
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn import checkpoint
from minirnn.checkpoint import CheckpointError, flatten, load, restore, save
from minirnn.errors import DataError

META = {"epoch": 3, "lr": 0.1, "words": ["<unk>", "é"], "rng": {"state": 2**127 + 1}, "best": None, "done": False}


def example() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "params.Wx": rng.standard_normal((5, 12)).astype(np.float32),
        "params.b": rng.standard_normal(12),
        "optim.step": np.array(7),
        "order": rng.permutation(40),
        "mask": rng.random(9) < 0.5,
        "none yet": np.zeros((0, 3), np.float32),
    }


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(
        (a[k].dtype, a[k].shape, a[k].tobytes()) == (b[k].dtype, b[k].shape, b[k].tobytes()) for k in a
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "last.safetensors"
    save(path, example(), META)
    return path


# Round trips


def test_round_trip(saved: Path) -> None:
    arrays, meta = load(saved)
    assert same(arrays, example())
    assert meta == META
    assert list(meta) == list(META)
    assert all(array.flags.writeable and array.flags.aligned for array in arrays.values())
    assert [file.name for file in saved.parent.iterdir()] == [saved.name], "nothing but the checkpoint is left"


def test_it_is_a_safetensors_file(saved: Path) -> None:
    assert same(safetensors.numpy.load_file(saved), example())


any_name = st.text(min_size=1).filter(lambda name: name != "__metadata__")
any_array = hnp.arrays(
    dtype=st.sampled_from(["?", "i1", "u2", ">i4", "<i8", ">i8", "u8", "<f2", ">f4", "<f4", "<f8", ">f8"]).map(
        np.dtype
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
reordered = st.tuples(any_array, st.sampled_from([lambda a: a, np.transpose, lambda a: a[..., ::-1] if a.ndim else a]))
any_meta = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(drawn=st.dictionaries(any_name, reordered, max_size=4), meta=any_meta)
def test_round_trip_of_anything(drawn: Any, meta: dict[str, Any]) -> None:
    arrays = {name: change(array) for name, (array, change) in drawn.items()}
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "c", arrays, meta)
        loaded, loaded_meta = load(Path(folder) / "c")
    native = {k: np.array(a, a.dtype.newbyteorder("="), order="C") for k, a in arrays.items()}
    assert same(loaded, native)
    assert repr(loaded_meta) == repr(meta)  # repr tells 1 from 1.0 and True


def test_nan_bits_survive(tmp_path: Path) -> None:
    bits = np.array([0x7FC00001, 0xFFC12345, 0x7F800000, 0x80000000], np.uint32)  # NaNs with payloads, inf, -0
    save(tmp_path / "c", {"x": bits.view(np.float32)}, {})
    np.testing.assert_array_equal(load(tmp_path / "c")[0]["x"].view(np.uint32), bits)


@pytest.mark.parametrize(
    "array",
    [
        np.array([None]),
        np.array(["a"]),
        np.zeros(2, complex),
        np.zeros(2, "M8[s]"),
        np.zeros(2, [("a", int)]),
        [1.0],
        3,
    ],
    ids=lambda array: str(getattr(array, "dtype", array)),
)
def test_arrays_that_are_refused(tmp_path: Path, array: Any) -> None:
    with pytest.raises(CheckpointError, match=r"last: x (has dtype|is a \w+; expected a NumPy array)"):
        save(tmp_path / "last", {"x": array}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "__metadata__", 3])
def test_names_that_are_refused(tmp_path: Path, name: Any) -> None:
    with pytest.raises(CheckpointError, match="an array is named"):
        save(tmp_path / "last", {name: np.zeros(1)}, {})


@pytest.mark.parametrize(
    "value",
    [math.nan, [-math.inf], (1, 2), {1: "a"}, {"a": {"b": (1,)}}, np.float32(1), np.zeros(2), {1, 2}, b"a", object()],
    ids=repr,
)
def test_meta_that_is_refused(saved: Path, value: Any) -> None:
    before = saved.read_bytes()
    with pytest.raises(CheckpointError, match=r"meta\['lr'\]"):
        save(saved, {}, {"lr": value})
    assert saved.read_bytes() == before


def test_meta_too_large_to_read_back_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_MAX_HEADER", 5000)
    with pytest.raises(CheckpointError, match=r"meta takes \d+ bytes; expected less than 5000"):
        save(tmp_path / "c", {}, {"log": "x" * 5000})
    assert not list(tmp_path.iterdir())


# Damage


def test_bit_flips_are_never_silent(saved: Path) -> None:
    """1,500 flips of one bit, half of them in the header: an error, or exactly what was saved."""
    data = saved.read_bytes()
    header_end = 8 + int.from_bytes(data[:8], "little")
    rng = random.Random(0)
    noticed = 0
    for trial in range(1500):
        place = rng.randrange(header_end) if trial % 2 else rng.randrange(header_end, len(data))
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.randrange(8)
        saved.write_bytes(flipped)
        try:
            arrays, meta = load(saved)
        except CheckpointError as error:
            noticed += str(saved) in str(error)
        else:
            assert same(arrays, example()), f"byte {place} of {len(data)} changed the arrays"
            assert meta == META, f"byte {place} of {len(data)} changed the meta"
    assert noticed >= 1400


@pytest.mark.parametrize("part", range(20))
def test_truncations(saved: Path, part: int) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data[: len(data) * part // 20])
    with pytest.raises(CheckpointError, match="truncated" if part else "is empty"):
        load(saved)


@pytest.mark.parametrize("missing", range(1, 9))
def test_the_last_bytes_missing(saved: Path, missing: int) -> None:
    saved.write_bytes(saved.read_bytes()[:-missing])
    with pytest.raises(CheckpointError, match=f"truncated, the last {missing} bytes are missing"):
        load(saved)


def test_bytes_behind_the_end(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="damaged"):
        load(saved)


def rewrite(path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Change the header of a safetensors file and leave the data as they are."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    edit(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[end:])


def forge(header: dict[str, Any], **changes: Any) -> None:
    """Change the manifest and give it a correct SHA-256."""
    text = json.dumps({**json.loads(header["__metadata__"]["minirnn"]), **changes})
    header["__metadata__"] = {"minirnn": text, "minirnn_sha256": hashlib.sha256(text.encode()).hexdigest()}


def swap(header: dict[str, Any]) -> None:
    header["order"], header["renamed"] = header["order"], header.pop("mask")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda h: h["params.Wx"].update(shape=[12, 5]), r"wrong SHA-256 of params\.Wx"),
        (lambda h: h["params.Wx"].update(dtype="I32"), r"wrong SHA-256 of params\.Wx"),
        (swap, "wrong SHA-256 of mask, renamed"),
        (lambda h: h.update(extra=h["none yet"]), "wrong SHA-256 of extra"),
        (lambda h: h.pop("none yet"), "wrong SHA-256 of none yet"),
        (lambda h: h["params.Wx"].update(dtype="BF17"), "list of arrays is damaged"),
        (lambda h: h["params.Wx"].update(dtype="BF16", shape=[5, 24]), "list of arrays is damaged"),
        (lambda h: h["params.Wx"].update(shape=[10**13]), "list of arrays is damaged"),
        (lambda h: h["params.Wx"].update(shape=[10**13], data_offsets=[0, 8 * 10**13]), "list of arrays is damaged"),
        (lambda h: h["params.Wx"].update(data_offsets=[-8, 232]), "list of arrays is damaged"),
        (lambda h: h.update(order=h["mask"]), "list of arrays is damaged"),
        (lambda h: h.update(order=3), "list of arrays is damaged"),
        (lambda h: h["__metadata__"].update(minirnn=h["__metadata__"]["minirnn"] + " "), "SHA-256 of the manifest"),
        (lambda h: h["__metadata__"].update(minirnn=3), "without the manifest"),
        (lambda h: h["__metadata__"].pop("minirnn"), "without the manifest"),
        (lambda h: h.pop("__metadata__"), "without the manifest"),
        (lambda h: h.update(__metadata__=[]), "without the manifest"),
        (lambda h: forge(h, format=2), "has checkpoint format 2, this minirnn reads up to 1; upgrade minirnn"),
        (lambda h: forge(h, format="1"), "the manifest is not one of a minirnn checkpoint"),
        (lambda h: forge(h, meta=[]), "the manifest is not one of a minirnn checkpoint"),
        (lambda h: forge(h, sha256={}), "wrong SHA-256 of"),
        (lambda h: forge(h, data_bytes=8 * 10**13), r"truncated, the last \d+ bytes are missing"),
    ],
)
def test_headers_that_do_not_tell_the_truth(saved: Path, edit: Callable[[dict[str, Any]], Any], message: str) -> None:
    rewrite(saved, edit)
    with pytest.raises(CheckpointError, match=message):
        load(saved)


# Files that are something else


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def npz_of_objects(bomb: Bomb) -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.array([bomb], object))
    return file.getvalue()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def plain_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "hello" * 100)
    return file.getvalue()


def header(text: bytes, claimed: int | None = None) -> bytes:
    return (claimed or len(text)).to_bytes(8, "little") + text


HOSTILE: dict[str, tuple[Callable[[Bomb], bytes], str]] = {
    "pickle 2": (lambda bomb: pickle.dumps(bomb, 2), "is a pickle"),
    "pickle 5": (lambda bomb: pickle.dumps(bomb, 5), "is a pickle"),
    "pickle 0": (lambda bomb: pickle.dumps(bomb, 0), "is not a checkpoint"),
    "npz of objects": (npz_of_objects, "is a NumPy .npz archive"),
    "npy": (lambda _: npy(), "is a NumPy .npy file"),
    "zip": (lambda _: plain_zip(), "is a zip archive"),
    "lfs": (lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS pointer"),
    "html": (lambda _: b"\n<!DOCTYPE html><html><body>Not found</body></html>", "HTML page"),
    "empty": (lambda _: b"", "is empty"),
    "one byte": (lambda _: b"\x80", "is not a checkpoint"),
    "eight zeros": (lambda _: bytes(8), "is not a checkpoint"),
    "random bytes": (lambda _: random.Random(1).randbytes(5000), "is not a checkpoint"),
    "text": (lambda _: b"hello world, this is a text\n" * 9, "is not a checkpoint"),
    "80 TB header": (lambda _: header(b"{}", 80 * 10**12), "header claims 80000000000000 bytes but the file has 10"),
    "2^64 header": (lambda _: header(b"{}", 2**64 - 1), "header claims"),
    "not JSON": (lambda _: header(b"{]"), "header is damaged"),
    "not UTF-8": (lambda _: header(b'{"\xff": 1}'), "header is damaged"),
    "deep JSON": (lambda _: header(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "header is damaged"),
    "80 TB array": (
        lambda _: header(b'{"x":{"dtype":"F64","shape":[10000000000000],"data_offsets":[0,80000000000000]}}'),
        "without the manifest",
    ),
    "somebody's safetensors": (lambda _: safetensors.numpy.save({"x": np.zeros(3)}), "without the manifest"),
    "a lone surrogate": (
        lambda _: header(b'{"__metadata__":{"minirnn":"\\ud800","minirnn_sha256":""}}'),
        "header is damaged",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files(tmp_path: Path, kind: str) -> None:
    make, message = HOSTILE[kind]
    path = tmp_path / "last.safetensors"
    path.write_bytes(make(Bomb(tmp_path / "exploded")))
    with pytest.raises(CheckpointError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "exploded").exists(), "loading ran code from the file"


def test_the_bomb_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "exploded")))
    assert (tmp_path / "exploded").exists()


def test_a_header_that_begins_like_a_pickle(tmp_path: Path) -> None:
    """A header of 0x280 bytes starts with the first two bytes of a pickle, and is a good checkpoint all the same."""
    path = tmp_path / "c"
    for length in range(600):
        save(path, {}, {"x": "x" * length})
        if path.read_bytes()[:2] == b"\x80\x02":
            assert load(path) == ({}, {"x": "x" * length})
            return
    pytest.fail("no header of 0x280 bytes")


def test_missing_file(tmp_path: Path) -> None:
    for kind in (CheckpointError, FileNotFoundError):
        with pytest.raises(kind, match="no such checkpoint; check the path, or train"):
            load(tmp_path / "nothing")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is a folder; expected the checkpoint file inside"):
        load(tmp_path)
    with pytest.raises(CheckpointError, match="could not be written"):
        save(tmp_path, {}, {})
    assert not list(tmp_path.iterdir())


def test_an_error_is_a_data_error() -> None:
    assert issubclass(CheckpointError, DataError)


# Trees


class Cell(NamedTuple):
    Wx: Any
    b: Any


class Model(NamedTuple):
    layers: tuple[Any, ...]
    head: Any
    extra: Any


def model(fill: float) -> Model:
    cells = tuple(Cell(np.full((2, n), fill, np.float32), np.full(n, fill, np.float32)) for n in (3, 4))
    return Model((*cells, None), np.full((), fill), None)


def test_flatten_names_every_leaf() -> None:
    assert list(flatten("params", model(1.0))) == [
        "params.layers.0.Wx",
        "params.layers.0.b",
        "params.layers.1.Wx",
        "params.layers.1.b",
        "params.head",
    ]


def test_restore_through_a_file(tmp_path: Path) -> None:
    params, best, step = model(1.5), model(2.5), np.int64(3)
    arrays = {**flatten("params", params), **flatten("params_best", best), **flatten("step", step)}
    save(tmp_path / "c", {**arrays, **flatten("none", None)}, {})
    arrays, _ = load(tmp_path / "c")
    for prefix, expected in (("params", params), ("params_best", best)):
        back = restore(model(0.0), arrays, prefix, "c")
        assert isinstance(back, Model)
        assert isinstance(back.layers[1], Cell)
        assert back.layers[2] is None
        assert back.extra is None
        assert same(flatten("p", back), flatten("p", expected))
    assert restore(np.array(0), arrays, "step", "c") == 3
    assert restore(None, arrays, "none", "c") is None


def test_restore_lists_every_problem() -> None:
    arrays = flatten("params", model(1.0))
    del arrays["params.head"], arrays["params.layers.0.b"]
    arrays["params.layers.2.Wx"] = np.zeros(3)
    arrays["params.gate"] = np.zeros(3)
    arrays["params.layers.0.Wx"] = np.zeros((3, 2), np.float32)
    arrays["params.layers.1.b"] = np.zeros(4)
    arrays["optim.unrelated"] = np.zeros(4)
    with pytest.raises(CheckpointError) as caught:
        restore(model(0.0), arrays, "params", "runs/a/last.safetensors")
    assert str(caught.value) == (
        "runs/a/last.safetensors: does not fit this model: params.gate is not in this model; params.head is missing; "
        "params.layers.0.Wx is float32 (3, 2), expected float32 (2, 3); params.layers.0.b is missing; "
        "params.layers.1.b is float64 (4,), expected float32 (4,); params.layers.2.Wx is not in this model"
    )


def test_restore_tells_a_leaf_from_a_tree() -> None:
    with pytest.raises(CheckpointError, match=r"step is missing; step\.m is not in this model"):
        restore(np.array(0), {"step.m": np.array(0)}, "step", "c")
    with pytest.raises(CheckpointError, match="step is not in this model"):
        restore(None, {"step": np.array(0)}, "step", "c")


# Environment


def test_environment_is_stored_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    env = checkpoint.environment()
    assert env["numpy"] == np.__version__
    assert env["blas_threads"]["OPENBLAS_NUM_THREADS"] == "3"
    assert env["blas_threads"]["MKL_NUM_THREADS"] is None
    assert env["cpu_count"] >= 1
    assert {"python", "blas", "blas_version", "simd", "platform"} < env.keys()
    save(tmp_path / "c", {}, {"environment": env})
    assert load(tmp_path / "c")[1]["environment"] == env == checkpoint.environment()
