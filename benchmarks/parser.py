"""The command line of a benchmark: a wrong command gets one sentence and exit status 2."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser for `python -m benchmarks.NAME`; its help is the text at the head of the file."""

    def __init__(self, name: str, description: str | None) -> None:
        super().__init__(
            prog=f"python -m benchmarks.{name}", description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        self.name = name

    def error(self, message: str) -> NoReturn:
        """Say what is wrong."""
        print(f"{self.name}: {message}", file=sys.stderr)
        sys.exit(2)
