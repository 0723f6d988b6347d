"""What a graded submission may not do in its worker: open files, reach the network, start processes, load the answers.

This is no sandbox against an expert. It is an audit hook inside the same interpreter: it stops what a student would
try in an afternoon (reading the solution from disk, asking a server, starting a helper), and it names what was tried.
Somebody who knows CPython's insides can get around it. Where submissions come from people you do not trust with your
files, run `minirnn grade` in a container without network that holds nothing but the submissions. The scores do not
rest on the guard alone: right values are never in the worker at all.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# events of https://docs.python.org/3/library/audit_events.html, by what they begin with, and what they are in words
CLOSED = {
    "socket.": "the network is closed",
    "urllib.": "the network is closed",
    "http.": "the network is closed",
    "ssl.": "the network is closed",
    "subprocess.": "starting programs is not possible",
    "os.system": "starting programs is not possible",
    "os.exec": "starting programs is not possible",
    "os.spawn": "starting programs is not possible",
    "os.posix_spawn": "starting programs is not possible",
    "os.startfile": "starting programs is not possible",
    "os.fork": "starting processes is not possible",
    "pty.": "starting programs is not possible",
    "_winapi.": "starting programs is not possible",
    "_posixsubprocess.": "starting programs is not possible",
    "webbrowser.": "starting programs is not possible",
    "_thread.start": "starting threads is not possible",
    "os.kill": "signals to other processes are not possible",
    "signal.": "signals to other processes are not possible",
    "os.": "changing files, folders or settings of the system is not possible",  # what the lines above do not name
    "shutil.": "changing files and folders is not possible",
    "tempfile.": "making files and folders is not possible",
    "sqlite3.": "opening files is not possible",
    "mmap.": "opening files is not possible",
    "fcntl.": "changing files is not possible",
    "msvcrt.": "changing files is not possible",
    "winreg.": "reading settings of the system is not possible",
    "resource.": "changing the limits is not possible",
    "syslog.": "writing to the system's log is not possible",
    "ctypes.": "ctypes is closed",
    "gc.get": "searching the memory of the checker is not possible",
    "code.__new__": "making bytecode by hand is not possible",
    "sys.addaudithook": "watching the checker is not possible",
    "sys.settrace": "watching the checker is not possible",
    "sys.setprofile": "watching the checker is not possible",
}
HARMLESS = ("os.putenv", "os.unsetenv")
SUFFIXES = (".py", ".pyc", ".zip")  # what imports read
WRITING = ("w", "a", "x", "+")


def close_gates() -> None:
    """From now on this process opens no file but what imports of the standard library and NumPy read, and stays alone.

    Closed gates do not open again: an audit hook cannot be removed.
    """
    for name in ("ctypes", "_ctypes"):  # NumPy has loaded them; None makes a later import fail
        sys.modules[name] = None  # type: ignore[assignment]
    sys.addaudithook(_gate())


def _gate() -> Callable[[str, tuple[Any, ...]], None]:
    """The hook. All that it uses is bound here: names in modules could be patched by the code that it watches."""
    library = tuple({_folder(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib")})
    numpy = (_folder(str(Path(np.__file__).parent)),)
    real = tuple(_folder(str(Path(folder).resolve())) for folder in library + numpy)
    roots, others = library + numpy + real, ("site-packages", "dist-packages")
    mine = numpy + (real[-1],)
    closed, harmless = tuple(CLOSED.items()), HARMLESS
    suffixes, writing, listed = SUFFIXES, WRITING, tuple(sys.path)
    type_, str_, any_, refused, said = type, str, any, PermissionError, _said

    def gate(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode = args[0], args[1]
            text = type_(path) is str_
            reading = mode is None or not any_(letter in mode for letter in writing)
            plain = text and path.endswith(suffixes) and ".." not in path and path.startswith(roots)
            allowed = plain and (path.startswith(mine) or not any_(other in path for other in others))
            # os.open has no mode: it reads and writes by flags, of which 0 is plain reading
            if not (allowed and reading and (mode is not None or args[2] & 3 == 0)):
                raise refused(said("opening files is not possible", path if text else ""))
        elif event == "import":
            name = args[0]
            first = name.partition(".")[0]
            if first == "minirnn":
                raise refused(said("this part of minirnn is closed", name))
            if first in ("ctypes", "_ctypes"):
                raise refused(said("ctypes is closed", ""))
        elif event in ("os.listdir", "os.scandir"):  # imports look into the folders that they search
            if not (type_(args[0]) is str_ and (args[0] in listed or (args[0] + "/").startswith(roots))):
                raise refused(said("looking into folders is not possible", ""))
        elif event == "object.__setattr__":
            if args[1] == "__code__":
                raise refused(said("changing functions of others is not possible", ""))
        elif event not in harmless:
            for start, words in closed:
                if event.startswith(start):
                    raise refused(said(words, event))

    return gate


def _folder(path: str) -> str:
    """A folder as the beginning of the paths in it."""
    return path.rstrip("/\\") + ("\\" if "\\" in path else "/")


def _said(words: str, what: str) -> str:
    return f"{words} while an exercise is graded{f' ({what})' if what else ''}"
