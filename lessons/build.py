"""Make the notebooks from the lesson files and run them.

python lessons/build.py               every lesson: NN_name.py -> NN_name.ipynb, executed, outputs kept
python lessons/build.py 06_bptt       some lessons
python lessons/build.py --check       run them all without writing: what .ci/run does
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent
SECONDS, BYTES, TOTAL = 60, 300_000, 480  # a lesson's time, a notebook's size, the time of all lessons


def lessons() -> list[Path]:
    """The lesson files, in order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def executed(path: Path) -> tuple[nbformat.NotebookNode, float]:
    """The notebook of a lesson with its outputs, and how many seconds it ran."""
    notebook = jupytext.read(path)
    notebook.metadata = nbformat.from_dict(
        {
            "jupytext": notebook.metadata.get("jupytext", {}),
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for k, cell in enumerate(notebook.cells):
        cell["id"] = f"{path.stem[:2]}-{k:03d}"  # the same at every build, so that a diff shows what changed
    began = time.monotonic()
    NotebookClient(
        notebook, timeout=4 * SECONDS, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(HERE)}},
    ).execute()  # fmt: skip
    return notebook, time.monotonic() - began


def complaints(notebook: nbformat.NotebookNode, seconds: float, slack: float) -> list[str]:
    """What is wrong with an executed lesson, one sentence each."""
    wrong = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                wrong.append(f"wrote to stderr: {output.text.strip()[:300]}")
    if seconds > SECONDS * slack:
        wrong.append(f"took {seconds:.0f} s; at most {SECONDS} are allowed")
    size = len(nbformat.writes(notebook).encode())
    if size > BYTES:
        wrong.append(f"the notebook has {size // 1000} KB; at most {BYTES // 1000} are allowed")
    return wrong


def main(argv: list[str] | None = None) -> int:
    """Build or check lessons; exit status 1 when one fails."""
    parser = argparse.ArgumentParser(description="Run the lessons and make their notebooks.")
    parser.add_argument("names", nargs="*", help="lessons, e.g. 06_bptt (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args(argv)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # a debugger's remark is no warning of the lesson
    paths = [HERE / f"{Path(name).stem}.py" for name in args.names] or lessons()
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        parser.error(f"no such lesson: {', '.join(missing)}")
    bad, total = 0, 0.0
    for path in paths:
        try:
            notebook, seconds = executed(path)
        except CellExecutionError as error:
            bad += 1
            print(f"{path.stem}: failed\n{error}", flush=True)
            continue
        total += seconds
        wrong = complaints(notebook, seconds, slack=1.5 if os.environ.get("CI") else 1)
        bad += bool(wrong)
        size = len(nbformat.writes(notebook).encode()) // 1000
        print(f"{path.stem:18} {seconds:5.1f} s {size:4d} KB  {'; '.join(wrong) or 'ok'}", flush=True)
        if not args.check:
            text = io.StringIO()
            nbformat.write(notebook, text)
            path.with_suffix(".ipynb").write_text(text.getvalue(), encoding="utf-8", newline="\n")
    print(f"{len(paths) - bad} of {len(paths)} lessons ok, {total:.0f} s in all (at most {TOTAL})")
    return 1 if bad or total > TOTAL * (1.5 if os.environ.get("CI") else 1) else 0


if __name__ == "__main__":
    sys.exit(main())
