"""A learner's folder: exercises, lessons, what has been solved. Nothing that a learner wrote is ever overwritten."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from minirnn import __version__
from minirnn.course.checker import Code, Execute, check_exercise, execute_here
from minirnn.course.judge import NOT_ATTEMPTED, OUTCOMES, Verdict
from minirnn.course.table import LESSONS, NAMES, exercise, folder_of
from minirnn.errors import DataError
from minirnn.runfolder import write_whole

STATE = ".minirnn"  # folder with what the workspace remembers
KINDS = ("exercises", "lessons")  # what a workspace is made of


def material() -> Path:
    """The course as it is shipped: inside an installed wheel, or the repository itself."""
    inside = Path(__file__).parent / "material"
    root = inside if inside.is_dir() else Path(__file__).resolve().parents[2]
    if not (root / "exercises").is_dir():
        raise DataError(f"the course's material is missing from this installation ({root}); install minirnn anew")
    return root


def shipped() -> Iterator[tuple[str, Path]]:
    """Every file of the course that belongs into a workspace: its place there, and where it is."""
    root = material()
    for kind, patterns in (("exercises", ("*/*.py",)), ("lessons", ("*.ipynb", "*.md"))):
        for pattern in patterns:
            for path in sorted((root / kind).glob(pattern)):
                yield path.relative_to(root).as_posix(), path


@dataclass(frozen=True)
class Workspace:
    """A folder with exercises."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The workspace that a folder lies in.

        Raises:
            DataError: there is none.
        """
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if any((folder / "exercises" / lesson).is_dir() for lesson in LESSONS):
                return cls(folder)
        raise DataError(f"{here} is in no workspace; make one with: minirnn start, and go into it")

    @classmethod
    def start(cls, folder: Path) -> tuple[Workspace, list[str]]:
        """Make a workspace, or fill in what is missing from one; returns it and what was written."""
        workspace = cls(folder)
        if folder.exists() and not folder.is_dir():
            raise DataError(f"{folder} is a file; expected a folder")
        originals = workspace._read("originals")
        written = []
        for place, path in shipped():
            target = folder / place
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                originals[place] = digest(path)
                written.append(place)
        workspace._write("originals", originals)
        return workspace, written

    def update(self) -> tuple[list[str], list[str]]:
        """Bring in the installed version's material: new files, unedited files, and `NAME.new.EXT` beside edited ones.

        Returns:
            What was written or renewed, and what lies beside an edited file.
        """
        originals = self._read("originals")
        renewed, beside = [], []
        for place, path in shipped():
            target, now = self.root / place, digest(path)
            if target.exists() and digest(target) == now:
                originals[place] = now
            elif not target.exists() or digest(target) == originals.get(place):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                originals[place] = now
                renewed.append(place)
            elif originals.get(place) != now:
                new = target.with_name(f"{target.stem}.new{target.suffix}")
                shutil.copyfile(path, new)
                originals[place] = now
                beside.append(new.relative_to(self.root).as_posix())
        self._write("originals", originals)
        return renewed, beside

    def path(self, name: str) -> Path:
        """The learner's file of an exercise."""
        return self.root / "exercises" / folder_of(name) / f"{name}.py"

    def code(self, name: str) -> Code | None:
        """The learner's code of an exercise, where there is some."""
        path = self.path(name)
        return Code(path=path) if path.is_file() else None

    def shown(self, name: str) -> str:
        """The file as a learner would open it from here."""
        path = self.path(name)
        try:
            return path.relative_to(Path.cwd()).as_posix()
        except ValueError:
            return str(path)

    def check(self, name: str, execute: Execute = execute_here) -> Verdict:
        """Check one exercise, and remember the outcome.

        Raises:
            DataError: there is no such exercise, or its file is missing.
        """
        code = self.code(name)
        if code is None:
            raise DataError(f"{self.shown(name)} is missing; bring it back with: minirnn reset {name}")
        verdict = check_exercise(exercise(name), code, self.code, execute)
        self.remember(name, verdict.outcome)
        return verdict if verdict.line else replace(verdict, line=first_line(self.path(name), exercise(name).function))

    # what the workspace remembers

    def fingerprint(self, name: str) -> str:
        """Of all that an outcome depends on: the file, the file of its forward function, the version of minirnn."""
        parts = [__version__, digest(self.path(name))]
        forward = exercise(name).forward
        if forward:
            parts.append(digest(self.path(forward)))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def remember(self, name: str, outcome: str) -> None:
        """Keep the outcome of a check for `known`."""
        known = self._read("outcomes")
        known[name] = [self.fingerprint(name), outcome]
        self._write("outcomes", known)

    def known(self, name: str) -> str | None:
        """The outcome of the last check, if nothing has changed since; a stub as shipped is not attempted."""
        path = self.path(name)
        if not path.is_file():
            return NOT_ATTEMPTED
        then = self._read("outcomes").get(name)
        if isinstance(then, list) and len(then) == 2 and then[1] in OUTCOMES and then[0] == self.fingerprint(name):
            return str(then[1])
        stub = material() / "exercises" / folder_of(name) / f"{name}.py"
        return NOT_ATTEMPTED if stub.is_file() and digest(stub) == digest(path) and stub != path else None

    def outcomes(self, execute: Execute = execute_here) -> dict[str, str]:
        """The outcome of every exercise; checks those that have changed."""
        found = {}
        for name in NAMES:
            known = self.known(name)
            found[name] = known if known is not None else self.check(name, execute).outcome
        return found

    @property
    def current(self) -> str:
        """The exercise that commands without a name mean: the last one that was looked at."""
        name = self._read("current").get("name")
        return name if name in NAMES else NAMES[0]

    def go_to(self, name: str) -> None:
        """Make an exercise the current one."""
        folder_of(name)
        self._write("current", {"name": name})

    def hints_seen(self, name: str, count: int | None = None) -> int:
        """How many hints of an exercise have been shown; with `count`, remember that."""
        seen = self._read("hints")
        if count is not None:
            self._write("hints", {**seen, name: count})
        value = seen.get(name, 0)
        return value if isinstance(value, int) else 0

    def reset(self, name: str) -> Path | None:
        """Put the stub back; what was there is kept beside it. Returns where, or None: there was nothing to keep."""
        path = self.path(name)
        stub = material() / "exercises" / folder_of(name) / f"{name}.py"
        if path.exists() and path.samefile(stub):
            raise DataError(f"{path} is the course's own stub; work in a workspace of your own: minirnn start")
        backup = None
        if path.exists() and digest(path) != digest(stub):
            backup = next(p for k in count(1) if not (p := path.with_name(f"{name}.backup-{k}.py")).exists())
            path.replace(backup)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stub, path)
        return backup

    def _read(self, what: str) -> dict[str, Any]:
        path = self.root / STATE / f"{what}.json"
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # never written, or damaged: it can be found out anew
        return value if isinstance(value, dict) else {}

    def _write(self, what: str, value: Mapping[str, Any]) -> None:
        folder = self.root / STATE
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{what}.json", json.dumps(value, indent=1, sort_keys=True).encode())


def first_line(path: Path, function: str) -> int:
    """The line on which a function begins, 0 when the file defines no such function."""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if line.startswith(f"def {function}("):
            return number
    return 0


def digest(path: Path) -> str:
    """SHA-256 of a file with line ends made equal, "" when it is missing."""
    if not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
