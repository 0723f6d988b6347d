"""The floors of the house: a module imports from its own floor or a lower one."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "minirnn"

# A folder stands for everything inside it; the longest name that fits counts.
FLOORS = {
    "pair": 0, "tree": 0, "errors": 0,
    "functional": 1, "checking": 1, "gradcheck": 1, "init": 1,
    "unroll": 2, "fast": 2, "optim": 2,
    "ops": 3, "models": 3,
    "data": 4, "decode": 4, "decode_ctc": 4, "metrics": 4, "error_rate": 4, "boxes": 4, "runfolder": 4, "checkpoint": 4, "plots": 4, "cases": 4,
    "problem": 5, "display": 5, "train": 5,
    "tasks": 6,
    "course": 7, "widgets": 7, "inspection": 7, "datasets": 7, "cli": 7, "__main__": 7, "__init__": 7,
}  # fmt: skip

ROOT_NAMES = {"__version__"}  # what anybody may take from `minirnn` itself

FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """ "functional.conv"; a package is its folder's name, minirnn itself is "__init__"."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {name_of(path) for path in FILES}


def floor_of(module: str) -> int:
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in FLOORS:
            return FLOORS[".".join(parts[:end])]
    raise LookupError(f"{module} stands on no floor: give it one in FLOORS, in tests/test_floors.py")


def resolve(dotted: str) -> str:
    """The module of minirnn that `minirnn.a.b` means: the longest one that exists."""
    parts = dotted.split(".")[1:]
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in MODULES:
            return ".".join(parts[:end])
    return "pair" if parts[:1] and parts[0] in ROOT_NAMES else "__init__"


def imports_of(source: str, module: str, is_package: bool) -> list[tuple[int, str]]:
    """(line, dotted name) of everything imported, wherever in the file it is; relative imports written out."""
    here = ["minirnn", *([] if module == "__init__" else module.split("."))]
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = node.level - (1 if is_package else 0)
                base = ".".join([*here[: len(here) - up], *([node.module] if node.module else [])])
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__"):
                found.append((node.lineno, str(node.args[0].value)))
    return found


def too_high(source: str, module: str, is_package: bool = False) -> list[str]:
    """One sentence per import from a higher floor."""
    mine = floor_of(module)
    wrong = []
    for line, dotted in imports_of(source, module, is_package):
        if dotted.split(".")[0] != "minirnn":
            continue
        other = resolve(dotted)
        if floor_of(other) > mine:
            wrong.append(f"line {line}: {module} (floor {mine}) imports {dotted} (floor {floor_of(other)})")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=[name_of(path) for path in FILES])
def test_imports_go_down(path):
    source = path.read_text(encoding="utf-8")
    assert not too_high(source, name_of(path), path.name == "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=[name_of(path) for path in FILES])
def test_the_maths_needs_numpy_alone(path):
    """Up to the models: nothing but Python and NumPy."""
    module = name_of(path)
    if floor_of(module) > 3:
        return
    allowed = {"minirnn", "numpy", *sys.stdlib_module_names}
    source = path.read_text(encoding="utf-8")
    others = [dotted for _, dotted in imports_of(source, module, path.name == "__init__.py")]
    assert not [dotted for dotted in others if dotted.split(".")[0] not in allowed]


def test_a_new_file_needs_a_floor():
    with pytest.raises(LookupError, match="newcomer stands on no floor"):
        floor_of("newcomer")


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from minirnn.unroll import unroll", "functional.conv"),
        ("import minirnn.train", "models.captioner"),
        ("from minirnn import train", "data.scenes"),
        ("from minirnn import functional as F, models", "unroll"),
        ("from minirnn import lstm_step", "models.captioner"),
        ("from minirnn.functional import conv\nfrom ..models import captioner", "functional.pool"),
        ("from ..unroll import Both", "functional.pool"),
        ("def f():\n    from minirnn.cli import main", "tasks.captioning"),
        ("import importlib\nimportlib.import_module('minirnn.tasks.table')", "train"),
        ("if TYPE_CHECKING:\n    from minirnn.ops import Ops", "unroll"),
    ],
)
def test_an_import_from_above_is_found(source, module):
    assert len(too_high(source, module)) == 1


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from minirnn import functional as F\nfrom minirnn.functional.conv import conv2d", "unroll"),
        ("from minirnn import __version__", "checkpoint"),
        ("from . import conv\nfrom .activations import relu", "functional.pool"),
        ("import numpy as np\nfrom minirnn.pair import Pair", "tree"),
    ],
)
def test_an_import_from_below_is_fine(source, module):
    assert too_high(source, module) == []
