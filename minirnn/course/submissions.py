"""What students hand in: folders and zip archives, read with care. Nothing is unpacked that was not asked for."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from minirnn.course.table import NAMES
from minirnn.errors import DataError

FILE_BYTES = 2**20  # of one exercise
ENTRIES = 5_000  # files and folders in one submission
UNPACKED = 50 * 2**20  # bytes that all files of an archive say they have
IGNORED = {"__pycache__", "__MACOSX", "node_modules"}
ARCHIVES = (".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz")


@dataclass(frozen=True)
class Submission:
    """What one student handed in."""

    student: str
    files: Mapping[str, Path] = field(default_factory=dict)  # exercise -> its file
    places: Mapping[str, str] = field(default_factory=dict)  # exercise -> where it stood in the submission
    notes: tuple[str, ...] = ()  # what was left out, and why
    problem: str = ""  # why nothing could be read


def submissions(folder: Path, scratch: Path, wanted: Mapping[str, str]) -> list[Submission]:
    """All submissions in a folder, by name; what cannot be read is one with a `problem`.

    Args:
        folder: one folder or zip archive per student, or a single workspace.
        scratch: where the files of archives are put.
        wanted: exercise -> its folder in a workspace.
    Raises:
        DataError: the folder is missing or holds no submission.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; expected one with a folder or a .zip for every student")
    if (folder / "exercises").is_dir() or any((folder / f"{name}.py").is_file() for name in (*NAMES, *wanted)):
        return [_from_folder(folder.resolve().name, folder, wanted)]
    found: list[Submission] = []
    taken: set[str] = set()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in IGNORED:
            continue
        student = path.stem if path.suffix.lower() == ".zip" else path.name
        if student.lower() in taken:
            found.append(
                Submission(
                    path.name, problem=f"there is a submission of {student} already; nothing of {path.name} was graded"
                )
            )
            continue
        one = _one(path, student, scratch, wanted)
        if one:
            taken.add(student.lower())
            found.append(one)
    if not found:
        raise DataError(f"{folder} holds no submission; expected a folder or a .zip for every student")
    return found


def _one(path: Path, student: str, scratch: Path, wanted: Mapping[str, str]) -> Submission | None:
    """The submission in a folder or archive; None for files that are none of anybody's."""
    try:
        if path.is_symlink():
            raise DataError("it is a link; expected a folder or a .zip")
        if path.is_dir():
            return _from_folder(student, path, wanted)
        if path.suffix.lower() == ".zip":
            return _from_zip(student, path, scratch / f"{len(list(scratch.iterdir()))}", wanted)
        if path.suffix.lower() in ARCHIVES:
            raise DataError("expected a folder or a .zip")
    except (DataError, OSError) as error:
        return Submission(student, problem=str(error))
    return None


def _from_folder(student: str, folder: Path, wanted: Mapping[str, str]) -> Submission:
    chosen, notes = _chosen([path.relative_to(folder).as_posix() for path in _walk(folder)], wanted)
    files, places = {}, {}
    for name, place in chosen.items():
        path = folder / place
        if path.is_symlink() or not path.is_file():
            notes.append(f"{place} is no plain file and was left out")
        elif path.stat().st_size > FILE_BYTES:
            notes.append(f"{place} has {path.stat().st_size} bytes, more than {FILE_BYTES}, and was left out")
        else:
            files[name], places[name] = path, place
    return Submission(student, files, places, tuple(notes))


def _walk(folder: Path) -> Iterator[Path]:
    """Every Python file below; links are not followed."""
    left, seen = [folder], 0
    while left:
        for path in sorted(left.pop().iterdir()):
            seen += 1
            if seen > ENTRIES:
                raise DataError(f"it has more than {ENTRIES} files and folders; hand in the exercises alone")
            if path.name.startswith(".") or path.name in IGNORED:
                continue
            if path.is_dir() and not path.is_symlink():
                left.append(path)
            elif path.suffix == ".py":
                yield path


def _from_zip(student: str, path: Path, scratch: Path, wanted: Mapping[str, str]) -> Submission:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
            _refuse_unsafe(archive.infolist())
            chosen, notes = _chosen(members, wanted)
            files, places = {}, {}
            for name, place in chosen.items():
                if members[place].file_size > FILE_BYTES:
                    notes.append(
                        f"{place} has {members[place].file_size} bytes, more than {FILE_BYTES}, and was left out"
                    )
                    continue
                scratch.mkdir(exist_ok=True)
                files[name], places[name] = scratch / f"{name}.py", place
                files[name].write_bytes(archive.read(members[place]))  # no more than the size it says
            return Submission(student, files, places, tuple(notes))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path.name} is no readable zip archive ({error})") from error
    except zlib.error as error:
        raise DataError(f"{path.name} is damaged ({error})") from error


def _refuse_unsafe(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > ENTRIES:
        raise DataError(f"the archive has {len(members)} entries, more than {ENTRIES}; hand in the exercises alone")
    total = sum(info.file_size for info in members)
    if total > UNPACKED:
        raise DataError(f"the archive unpacks to {total} bytes, more than {UNPACKED}; hand in the exercises alone")
    for info in members:
        name = info.orig_filename  # as it stands in the archive
        if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
            raise DataError(f"the archive holds {name!r}, a path that leads out of its folder; nothing of it was read")


def _chosen(places: Iterable[str], wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The file of every exercise: in its own folder rather than elsewhere, near the top rather than deep down."""
    ranked: dict[str, list[tuple[bool, int, str]]] = {}
    for place in places:
        path = PurePosixPath(place)
        if path.suffix == ".py" and path.stem in wanted and not set(path.parts) & IGNORED:
            at_home = path.parts[-3:-1] == ("exercises", wanted[path.stem])
            ranked.setdefault(path.stem, []).append((not at_home, len(path.parts), place))
    notes = [
        f"{len(found)} files are named {name}.py; {min(found)[2]} was graded"
        for name, found in ranked.items() if len(found) > 1
    ]  # fmt: skip
    return {name: min(found)[2] for name, found in ranked.items()}, notes
