"""Kills, full disks, races and locks, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minirnn import runfolder
from minirnn.checkpoint import CheckpointError, RunLock, load, save
from minirnn.errors import DataError
from minirnn.runfolder import sweep, write_whole

ROOT = Path(__file__).resolve().parents[1]
WINDOWS = sys.platform == "win32"
STRAY = ".last.safetensors.123.0123456789abcdef.tmp"


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, **pipes)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# Kills


def kill_benchmark(*arguments: str) -> tuple[int, dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks.kill", "--json", *arguments]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return run.returncode, json.loads(run.stdout)


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_a_kill_loses_nothing(kills: int) -> None:
    status, outcome = kill_benchmark("--kills", str(kills))
    assert outcome["kills"] == kills
    assert outcome["lost"] == 0
    assert outcome["left"] == 0
    assert status == 0
    if kills == 200:
        assert outcome["saves"] > 0
        assert outcome["strays"] > 0, "no kill came in the middle of a save"


@pytest.mark.slow
def test_the_benchmark_sees_what_is_lost() -> None:
    status, outcome = kill_benchmark("--kills", "40", "--naive")
    assert outcome["lost"] > 0
    assert status == 1


# Errors while writing

FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from minirnn.checkpoint import CheckpointError, save
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save(Path(sys.argv[1]), {"x": np.zeros(int(sys.argv[2]))}, {})
except CheckpointError as error:
    print(error)
"""


@pytest.mark.skipif(WINDOWS, reason="Windows has no limit on the size of a file")
@pytest.mark.parametrize("values", [100_000, 12_500])  # far over the limit; by the last bytes only
def test_a_full_disk_keeps_the_old_file(tmp_path: Path, values: int) -> None:
    path = tmp_path / "last.safetensors"
    save(path, {"x": np.arange(5)}, {"step": 1})
    output, _ = start(FULL_DISK, path, values).communicate()
    assert output == (
        f"{path}: the checkpoint could not be written (File too large); an older one there is unchanged\n"
    )
    assert load(path)[1] == {"step": 1}
    assert names(tmp_path) == ["last.safetensors"]


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_an_error_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: BaseException
) -> None:
    path = tmp_path / "last.safetensors"
    save(path, {}, {"step": 1})

    def fail(*arguments: object) -> None:
        assert len(names(tmp_path)) == 2, "the bytes went straight to the checkpoint"
        raise error

    monkeypatch.setattr(os, "fsync", fail) if where == "fsync" else monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(CheckpointError if isinstance(error, OSError) else error):
        save(path, {}, {"step": 2})
    assert load(path)[1] == {"step": 1}
    assert names(tmp_path) == ["last.safetensors"]


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="could not be written"):
        save(tmp_path / "no" / "last.safetensors", {}, {})


def test_the_bytes_reach_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("fsync"), fsync(number)))
    monkeypatch.setattr(Path, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    write_whole(tmp_path / "a", b"a")
    assert calls == ["fsync", "replace"] + ["fsync"] * (not WINDOWS)


def test_a_folder_that_cannot_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync, synced = os.fsync, []

    def only_once(number: int) -> None:
        if synced:
            raise OSError(22, "Invalid argument")
        synced.append(fsync(number))

    monkeypatch.setattr(os, "fsync", only_once)
    write_whole(tmp_path / "a", b"a")
    assert (tmp_path / "a").read_bytes() == b"a"


@pytest.mark.parametrize(("windows", "failures"), [(True, 3), (True, 99), (False, 1)])
def test_windows_waits_for_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: bool, failures: int
) -> None:
    replace, calls = Path.replace, []

    def taken(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) <= failures:
            raise PermissionError(13, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(Path, "replace", taken)
    monkeypatch.setattr(runfolder, "_WINDOWS", windows)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    if failures == 3:
        write_whole(tmp_path / "a", b"a")
        assert names(tmp_path) == ["a"]
    else:
        with pytest.raises(PermissionError):
            write_whole(tmp_path / "a", b"a")
        assert names(tmp_path) == []
        assert (len(calls) > 1) == windows


WRITER = """
import sys
from pathlib import Path
import numpy as np
from minirnn.checkpoint import save
for step in range(40):
    save(Path(sys.argv[1]), {"x": np.full(200_000, step, np.float32)}, {"step": step, "writer": sys.argv[2]})
"""


def test_two_writers_never_corrupt_one_path(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    save(path, {"x": np.full(200_000, 0, np.float32)}, {"step": 0, "writer": "first"})
    writers = [start(WRITER, path, name) for name in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        try:
            arrays, meta = load(path)
        except CheckpointError as error:
            if WINDOWS and "could not be read" in str(error):
                continue  # a file is out of reach there while it is replaced
            raise
        assert np.all(arrays["x"] == meta["step"])
        seen.add((meta["writer"], meta["step"]))
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(seen) > 1, "the reader met only one state"
    assert load(path)[1]["step"] == 39
    assert names(tmp_path) == ["last.safetensors"]


# Locks

HOLDER = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell is started with Ctrl-C ignored
from pathlib import Path
from minirnn.checkpoint import RunLock
with RunLock(Path(sys.argv[1])) as lock:
    print("held", lock.swept, flush=True)
    sys.stdin.readline()
    if len(sys.argv) > 2:
        sys.exit("an error")
"""


def held(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """A process that holds the lock of `folder` until it reads a line."""
    child = start(HOLDER, folder, *arguments)
    assert child.stdout is not None
    assert child.stdout.readline() == "held 0\n"
    return child


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    child = held(tmp_path)
    (tmp_path / STRAY).touch()
    for _ in range(2):
        with pytest.raises(DataError) as caught, RunLock(tmp_path):
            pytest.fail("two runs in one folder")
        assert f"{tmp_path}: process {child.pid} on " in str(caught.value)
        assert "\n" not in str(caught.value)
    assert (tmp_path / STRAY).exists(), "somebody else's files were swept"
    child.communicate("\n")
    assert not (tmp_path / "run.lock").exists()
    with RunLock(tmp_path) as lock:
        assert lock.swept == 1
        assert (tmp_path / "run.lock").read_text(encoding="utf-8").split()[0] == str(os.getpid())


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    child = held(tmp_path)
    (tmp_path / STRAY).touch()
    child.kill()
    child.communicate()
    assert names(tmp_path) == [STRAY, "run.lock"]
    with RunLock(tmp_path) as lock:
        assert lock.swept == 1
        assert names(tmp_path) == ["run.lock"]
    assert names(tmp_path) == []


@pytest.mark.parametrize("text", ["", "12345 somewhere\n", f"{os.getppid()} here\n", "\0\xff" * 400])
def test_a_stale_lock_file_is_taken_over_whatever_it_says(tmp_path: Path, text: str) -> None:
    """A pid in it may live again as another process: nobody asks."""
    (tmp_path / "run.lock").write_text(text, encoding="utf-8")
    with RunLock(tmp_path):
        signed = (tmp_path / "run.lock").read_text(encoding="utf-8")
        assert signed.startswith(f"{os.getpid()} ")
        assert len(signed.splitlines()) == 1
    assert names(tmp_path) == []


def test_an_error_releases_the_lock(tmp_path: Path) -> None:
    child = held(tmp_path, "fail")
    child.communicate("\n")
    assert child.returncode == 1
    assert names(tmp_path) == []
    with pytest.raises(KeyboardInterrupt), RunLock(tmp_path):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


@pytest.mark.skipif(WINDOWS, reason="Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_releases_the_lock(tmp_path: Path) -> None:
    child = held(tmp_path)
    child.send_signal(signal.SIGINT)
    child.communicate()
    assert child.returncode != 0
    assert names(tmp_path) == []


def test_an_error_while_sweeping_releases_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(folder: Path) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(runfolder, "sweep", interrupted)
    with pytest.raises(KeyboardInterrupt), RunLock(tmp_path):
        pytest.fail("entered")
    assert names(tmp_path) == []
    monkeypatch.undo()
    with RunLock(tmp_path):
        pass


def test_one_process_cannot_lock_twice(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        with pytest.raises(DataError, match=f"process {os.getpid()} on "), RunLock(tmp_path):
            pytest.fail("locked twice")
        with pytest.raises(DataError, match="is writing to this folder"), RunLock(tmp_path):
            pytest.fail("the first refusal gave the lock away")
    with RunLock(tmp_path):
        pass


def test_a_lock_removed_by_hand(tmp_path: Path) -> None:
    """Who removes run.lock of a live run may start a second one; the end of the first leaves the second its lock."""
    if WINDOWS:
        pytest.skip("Windows does not remove an open file")
    with RunLock(tmp_path):
        (tmp_path / "run.lock").unlink()
        second = RunLock(tmp_path)
        second.__enter__()
    with pytest.raises(DataError), RunLock(tmp_path):
        pytest.fail("the first run removed the lock of the second")
    second.__exit__(None, None, None)
    assert names(tmp_path) == []


STARTER = """
import sys
from pathlib import Path
from minirnn.checkpoint import RunLock
from minirnn.errors import DataError
print("ready", flush=True)
sys.stdin.readline()
try:
    with RunLock(Path(sys.argv[1])):
        print("won", flush=True)
        sys.stdin.readline()
except DataError as error:
    print(error)
"""


def test_a_race_has_one_winner(tmp_path: Path) -> None:
    """Six starters that have imported everything go at once; the winner keeps the lock until all have tried."""
    starters = [start(STARTER, tmp_path) for _ in range(6)]
    for starter in starters:
        assert starter.stdout.readline() == "ready\n"
    for starter in starters:
        starter.stdin.write("go\n")
        starter.stdin.flush()
    said = [starter.stdout.readline() for starter in starters]
    winners = [starter.pid for starter, line in zip(starters, said) if line == "won\n"]
    for starter in starters:
        starter.communicate("end\n")
    assert len(winners) == 1
    assert sum(f"{tmp_path}: process {winners[0]} on" in line for line in said) == 5
    assert names(tmp_path) == []


@pytest.mark.parametrize(("signed_at", "message"), [(3, "process 77 on host is writing"), (None, "another process is")])
def test_a_winner_that_has_not_signed_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signed_at: int | None, message: str
) -> None:
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == signed_at:
            (tmp_path / "run.lock").write_text("77 host\n", encoding="utf-8")

    monkeypatch.setattr(time, "sleep", sleep)
    with (tmp_path / "run.lock").open("a+b") as winner:
        runfolder._lock(winner)
        with pytest.raises(DataError, match=message), RunLock(tmp_path):
            pytest.fail("entered")


CHURN = """
import os, sys
from pathlib import Path
from minirnn.checkpoint import RunLock
from minirnn.errors import DataError
folder, held = Path(sys.argv[1]), 0
print("ready", flush=True)
sys.stdin.readline()
while held < 300:
    try:
        with RunLock(folder):
            os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
            os.unlink(folder / "inside")
            held += 1
    except (DataError, PermissionError):  # the latter on Windows, for a file that is just being removed
        pass
"""


def test_never_two_holders(tmp_path: Path) -> None:
    """Runs that start and end all the time: each removes the lock file while the others are opening it."""
    children = [start(CHURN, tmp_path) for _ in range(3)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate()
    assert [child.returncode for child in children] == [0, 0, 0]
    assert names(tmp_path) == []


def test_a_folder_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(runfolder, "_lock", refuse)
    with pytest.raises(DataError, match=r"has no file locks \(No locks available\)"), RunLock(tmp_path):
        pytest.fail("entered")
    with pytest.raises(DataError, match="no such folder"), RunLock(tmp_path / "nothing"):
        pytest.fail("entered")


def test_sweep_takes_temporary_files_only(tmp_path: Path) -> None:
    kept = [".hidden", ".last.safetensors.tmp", "last.safetensors", "notes.123.0123456789abcdef.tmp", "sub"]
    (tmp_path / "sub").mkdir()
    for name in kept[:-1]:
        (tmp_path / name).touch()
    (tmp_path / "sub" / STRAY).touch()
    for name in (STRAY, ".metrics.json.9.ffffffffffffffff.tmp"):
        (tmp_path / name).touch()
    assert sweep(tmp_path) == 2
    assert names(tmp_path) == kept
    assert names(tmp_path / "sub") == [STRAY]


def test_sweep_knows_the_name_of_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", lambda *paths: None)
    monkeypatch.setattr(Path, "unlink", lambda *arguments, **options: None)
    write_whole(tmp_path / "odd name.1", b"")
    assert len(names(tmp_path)) == 1
    monkeypatch.undo()
    assert sweep(tmp_path) == 1
    assert names(tmp_path) == []
