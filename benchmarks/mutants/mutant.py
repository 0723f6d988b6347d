"""`Mutant`: one mistake, and how to plant it into a copy of minirnn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    """One mistake in one file."""

    layer: str
    wrong: str  # what the mistake is
    file: str  # where, relative to the repository
    changes: Mapping[str, str]  # text of the file -> what to put there

    def __str__(self) -> str:
        return f"{self.layer}: {self.wrong}"

    def plant(self, root: Path) -> None:
        """Change the file below `root`.

        Raises:
            ValueError: a text does not occur exactly once (the table has gone stale), or the result is not Python.
        """
        path = root / self.file
        code = path.read_text(encoding="utf-8")
        for old, new in self.changes.items():
            if code.count(old) != 1:
                raise ValueError(
                    f"{self}: this text occurs {code.count(old)} times in {self.file}, expected once:\n{old}"
                )
            code = code.replace(old, new)
        try:
            compile(code, self.file, "exec")
        except SyntaxError as error:
            raise ValueError(f"{self}: {error}") from error
        path.write_text(code, encoding="utf-8")


def mutants(layer: str, file: str, table: Mapping[str, Mapping[str, str]]) -> list[Mutant]:
    """Mutants of one layer in one file, from a table of what is wrong and of the changes that make it so."""
    return [Mutant(layer, wrong, f"minirnn/{file}", changes) for wrong, changes in table.items()]
