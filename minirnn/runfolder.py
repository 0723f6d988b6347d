"""The folder of a run: files that are written whole or not at all, by one run at a time."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from minirnn.errors import DataError

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        os.lseek(file.fileno(), 2**30, os.SEEK_SET)  # far behind the text: a locked byte cannot be read by others
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


_WINDOWS = sys.platform == "win32"
_TEMPORARY = re.compile(r"\..+\.\d+\.[0-9a-f]{16}\.tmp")


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader, a kill or a power cut finds the old content or the new, never a part.

    The bytes go to a temporary file beside `path` (its name holds the pid and a random part, so that two writers never
    meet), reach the disk, and take the name of `path` in one step. After any error the old file stands.

    Raises:
        OSError: the disk is full, the folder does not exist or is not writable.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # before the rename: some file systems order it ahead of the bytes
        _replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)  # gone already when all went well
    if not _WINDOWS:
        _sync_folder(path.parent)


def _replace(source: Path, target: Path) -> None:
    """`os.replace`, patient on Windows: a file that somebody is reading cannot be replaced there."""
    for pause in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
        try:
            source.replace(target)
            return
        except PermissionError:
            if not _WINDOWS:
                raise
            time.sleep(pause)
    source.replace(target)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself reach the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot; the file itself is complete
            os.fsync(number)
    finally:
        os.close(number)


def sweep(folder: Path) -> int:
    """Remove the temporary files that killed writers left in `folder` (not in folders below); returns how many."""
    strays = [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name)]
    for stray in strays:
        stray.unlink(missing_ok=True)
    return len(strays)


class RunLock:
    """One run at a time in a folder: `with RunLock(folder): train(…)`.

    The lock is the operating system's lock on the open file `run.lock`. The system takes it back when the process ends,
    however it ends, so a lock is never stale, no pid has to be probed, and of two starters exactly one gets it. The
    text in the file (pid and host) only tells others whom to look for. Who gets the lock owns every temporary file
    in the folder and sweeps it.

    Attributes:
        swept: number of temporary files of killed writers that were removed on entering.
    Raises (on entering):
        DataError: another process holds the lock, the folder does not exist, or its file system has no locks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "run.lock"
        self.swept = 0

    def __enter__(self) -> RunLock:
        if not self.folder.is_dir():
            raise DataError(f"{self.folder}: no such folder; expected the folder of a run")
        self._file = self._acquire()
        try:
            self._file.truncate(0)
            self._file.write(f"{os.getpid()} {socket.gethostname()}\n".encode())
            self._file.flush()
            self.swept = sweep(self.folder)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _acquire(self) -> BinaryIO:
        while True:
            with contextlib.ExitStack() as stack:
                file: BinaryIO = stack.enter_context(self.path.open("a+b"))
                try:
                    _lock(file)
                except (BlockingIOError, PermissionError):  # how Unix and Windows say "taken"
                    raise DataError(
                        f"{self.folder}: {_holder(file)} is writing to this folder; "
                        "let it end or stop it, or choose another folder"
                    ) from None
                except OSError as error:
                    raise DataError(
                        f"{self.folder}: this file system has no file locks ({error.strerror}); choose a local folder"
                    ) from error
                if self._is_current(file):
                    stack.pop_all()
                    return file
            # The holder removed this file between our open and our lock: lock the file that has the name now.

    def _release(self) -> None:
        current = self._is_current(self._file)  # false when somebody removed run.lock by hand
        if _WINDOWS:
            self._file.close()  # an open file cannot be removed there
        if current:
            with contextlib.suppress(PermissionError):  # the next starter has opened it already, and will remove it
                self.path.unlink(missing_ok=True)
        self._file.close()

    def _is_current(self, file: BinaryIO) -> bool:
        """Whether the open file is still the one that has the name."""
        if _WINDOWS:
            return True  # an open file keeps its name there
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False


def _holder(file: BinaryIO) -> str:
    """Who wrote the lock file; waits a moment for a holder that has the lock but has not yet signed."""
    for _ in range(50):
        file.seek(0)
        words = file.read().decode("utf-8", "replace").split()
        if len(words) == 2:
            return f"process {words[0]} on {words[1]}"
        time.sleep(0.01)
    return "another process"
