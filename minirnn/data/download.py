"""One file from the network: gone on with where it broke off, checked before it gets its name."""

from __future__ import annotations

import errno
import http.client
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from minirnn import __version__
from minirnn.errors import DataError

TIMEOUT = 30.0  # seconds without a byte
TRIES = 4  # connections for each address; what came before one breaks is kept
PAUSE = 1.0  # seconds before the second; twice as long before each further one
CHUNK = 2**16
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
Progress = Callable[[str, int, int], None]  # (file, bytes so far, bytes in all)


class Remote(NamedTuple):
    """A file that has stable public addresses."""

    name: str  # under which it is kept
    urls: tuple[str, ...]  # the same bytes at each; the first that answers is taken
    checksum: str  # "sha256:…" or "md5:…"
    size: int  # bytes


class _Broken(Exception):
    """A connection that may do better the next time."""


def download(file: Remote, folder: Path, progress: Progress | None = None) -> Path:
    """Bring a file into a folder. A file that is there with the right checksum is left alone.

    What has come so far is kept as NAME.part; the file gets its name only once its checksum is right. Pooch checks and
    names it; the connection is ours, because pooch's own starts from nothing every time.

    Raises:
        DataError: no network, the server refuses or keeps breaking off, wrong bytes (they are removed), a full disk.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise DataError(f"{folder} is a file; expected a folder to keep {file.name} in") from error
    path, part = folder / file.name, folder / f"{file.name}.part"
    kind, checksum = file.checksum.split(":")

    def name_it(url: str, output: Any, _: Any) -> None:
        part.replace(output)

    for again in (True, False):
        try:
            resumed = part.exists() and part.stat().st_size > 0
            if not (path.exists() and pooch.file_hash(str(path), kind) == checksum):
                _fetch_from_any(file, part, progress)
            return Path(pooch.retrieve(file.urls[0], file.checksum, file.name, folder, downloader=name_it))
        except DataError:
            raise
        except ValueError as error:  # a wrong checksum: pooch has removed what came
            if resumed and again:
                continue  # the beginning may be of another version of the file
            host = _host(file.urls[0])
            raise DataError(
                f"{file.name} from {host} has the wrong checksum (expected {file.checksum}); it was removed, "
                "try again later or take the file from elsewhere"
            ) from error
        except OSError as error:
            raise _disk(error, folder, file) from None
    raise AssertionError("unreachable")


def _fetch_from_any(file: Remote, part: Path, progress: Progress | None) -> None:
    """Fill `part` from the first address that serves the whole file."""
    free = shutil.disk_usage(part.parent).free
    missing = file.size - (part.stat().st_size if part.exists() else 0)
    if missing > free:
        raise DataError(f"{part.parent} has {free:,} bytes left on its disk; {file.name} needs {missing:,} more")
    said: list[str] = []
    for url in file.urls:
        try:
            _fetch(url, file, part, progress)
            return
        except DataError as error:
            said.append(str(error))
    raise DataError(said[-1] if len(said) == 1 else "; ".join(dict.fromkeys(said)))


def _fetch(url: str, file: Remote, part: Path, progress: Progress | None) -> None:
    """Fill `part` from one address, over as many connections as it takes, up to `TRIES`."""
    why = ""
    for k in range(TRIES):
        if k:
            time.sleep(PAUSE * 2 ** (k - 1))
        try:
            _connection(url, file, part, progress)
            return
        except _Broken as error:
            why = str(error)
    have = part.stat().st_size if part.exists() else 0
    again = "run the command again to go on from there" if have else "try again later"
    raise DataError(f"{_host(url)}: {why}, with {have:,} of {file.size:,} bytes of {file.name}; {again}")


def _connection(url: str, file: Remote, part: Path, progress: Progress | None) -> None:
    """One connection: append to `part` what is missing."""
    have = part.stat().st_size if part.exists() else 0
    if have > file.size:
        part.unlink()
        have = 0
    if have == file.size:
        return  # all there; the checksum will tell
    headers = {"User-Agent": f"minirnn/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as answer:
            if answer.headers.get_content_type() == "text/html":  # a network that wants a login first answers so
                raise DataError(f"{_host(url)} answers with a web page instead of {file.name}; open it in a browser")
            if have and not _goes_on(answer, have):
                have = 0  # the server sends the whole file again
            _copy(answer, file, part, have, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # nothing at that place: what we have is of another file
            part.unlink(missing_ok=True)
            raise _Broken("the server does not go on from there") from error
        if error.code >= 500 or error.code in (408, 429):
            raise _Broken(f"the server answers {error.code} {error.reason}") from error
        raise DataError(f"{url}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _Broken(f"no answer for {TIMEOUT:g} s") from error
        if isinstance(error.reason, ConnectionResetError):
            raise _Broken("the connection broke off") from error
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise DataError(f"cannot reach {_host(url)} ({reason}); is there a network?") from error
    except TimeoutError as error:
        raise _Broken(f"nothing came for {TIMEOUT:g} s") from error
    except (ConnectionError, http.client.HTTPException) as error:
        raise _Broken("the connection broke off") from error


def _goes_on(answer: Any, have: int) -> bool:
    """Whether the server sends what comes after the first `have` bytes."""
    start = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return bool(answer.status == 206 and start and int(start[1]) == have)


def _copy(answer: Any, file: Remote, part: Path, have: int, progress: Progress | None) -> None:
    """What the server sends, into `part` from byte `have` on."""
    with part.open("ab" if have else "wb", buffering=0) as out:
        while data := answer.read1(CHUNK):  # what there is: a stall loses nothing
            have += len(data)
            if have > file.size:
                out.close()
                part.unlink()
                raise DataError(f"{_host(answer.url)} sends more than the {file.size:,} bytes of {file.name}")
            try:
                out.write(data)
            except OSError as error:
                raise _disk(error, part.parent, file) from None
            if progress:
                progress(file.name, have, file.size)
    if have < file.size:
        raise _Broken("the connection broke off")


def _disk(error: OSError, folder: Path, file: Remote) -> DataError | OSError:
    """What the disk says, in words."""
    if error.errno in FULL:
        return DataError(f"the disk of {folder} is full; free {file.size:,} bytes for {file.name} and run it again")
    return error


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
