"""What lessons and pytest files call: `check`, `source`, `my_ops`, `assert_solved`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minirnn.course import report
from minirnn.course.checker import Code, check_exercise, check_function
from minirnn.course.judge import NOT_ATTEMPTED
from minirnn.course.process import execute_apart
from minirnn.course.table import exercise
from minirnn.course.workspace import Workspace
from minirnn.ops import Ops
from minirnn.pair import Pair

if TYPE_CHECKING:
    from minirnn.course.mine import Parts


def check(name: str, function: Any = None, *, forward: Any = None, verbose: bool = False) -> None:
    """Check an exercise and print what was found.

    Args:
        name: of the exercise, "rnn2".
        function: the function to check; without it the file in your workspace is checked.
        forward: for a backward function at hand: the forward function that makes its cache (default: the framework's).
        verbose: print all evidence.
    Raises:
        DataError: there is no such exercise, or no workspace to find it in.
    """
    if function is None:
        workspace = Workspace.find()
        print(report.text(workspace.check(name, execute_apart), where=exercise(name).file, verbose=verbose))
    else:
        print(
            report.text(
                check_function(name, function, forward=forward),
                where=f"your {exercise(name).function}",
                verbose=verbose,
            )
        )


def assert_solved(name: str, file: str) -> None:
    """For the pytest file beside a stub: pass when solved, skip when not attempted, else fail in the check's words."""
    import pytest

    path = Path(file).resolve().with_name(f"{name}.py")
    verdict = check_exercise(exercise(name), Code(path=path), Workspace.find(path.parent).code, execute_apart)
    if verdict.outcome == NOT_ATTEMPTED:
        pytest.skip(f"{name} is not attempted yet")
    if not verdict.right:
        pytest.fail("\n" + report.text(verdict, where=exercise(name).file), pytrace=False)


def my_ops() -> Ops:
    """The table of pairs with your functions where they pass and the framework's elsewhere; prints which are whose."""
    from minirnn.course.mine import gather

    mine = gather(Workspace.find())
    print(mine.sentence("ops."))
    return mine.parts.ops


def my_parts() -> Parts:
    """All that the captioner is made of, `ops` and `tools`, your functions where they pass; says which are whose."""
    from minirnn.course.mine import gather

    mine = gather(Workspace.find())
    print(mine.sentence())
    return mine.parts


class Source:
    """Python text that a notebook shows in colour and a terminal as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```"

    def __repr__(self) -> str:
        return self.text


def source(*things: Any) -> Source:
    """The framework's own source, as it stands: of a `Pair` forward and backward, else of a function or class."""
    parts = []
    for thing in things:
        for f in (thing.forward, thing.backward) if isinstance(thing, Pair) else (thing,):
            parts.append(inspect.getsource(f).rstrip())
    return Source("\n\n\n".join(parts))
