"""How wrong is a reading? Character and word error rates, from edit distances.

    error rate = edits in all hypotheses together / units in all references together

An edit inserts, deletes or replaces one unit. Edits and units are summed over the corpus before dividing, so a long
line counts for more than a short one (a mean over lines would let one wrong letter in a line of one weigh 100 %). The
rate is a share, 0 for all right; it exceeds 1 where hypotheses are much longer than their references. Units are
compared as they stand: case, punctuation, spaces and Unicode form are the caller's business.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from minirnn.errors import DataError


def edit_distance(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """The fewest insertions, deletions and replacements of one unit that turn `a` into `b`, row by row.

        row[j] = edits from a[:i] to b[:j]
               = min(above[j] + 1, row[j-1] + 1, above[j-1] + (a[i-1] != b[j-1]))      delete, insert, replace or keep

    Args:
        a, b: strings, or sequences of anything that can be compared, such as words or labels.
    Source: Levenshtein 1966; the table, Wagner and Fischer 1974.
    """
    above = list(range(len(b) + 1))
    for i, unit in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (unit != other)))
        above = row
    return above[-1]


def cer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Character error rate: the units are characters (code points), spaces included.

    Args:
        references: what stands there, one string per line.
        hypotheses: what was read, in the same order.
    Raises:
        DataError: lists of different lengths, something that is no string, references without a single character.
    """
    _require_lines(references, hypotheses)
    return _rate(references, hypotheses, "character")


def wer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Word error rate: the units are words, split at white space; arguments as `cer`.

    Raises:
        DataError: lists of different lengths, something that is no string, references without a single word.
    """
    _require_lines(references, hypotheses)
    return _rate([line.split() for line in references], [line.split() for line in hypotheses], "word")


def _rate(references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]], unit: str) -> float:
    units = sum(len(reference) for reference in references)
    if units == 0:
        raise DataError(
            f"there is no {unit} in the references, which are {len(references)} lines; expected at least one"
        )
    return sum(edit_distance(r, h) for r, h in zip(references, hypotheses)) / units


def _require_lines(references: Sequence[str], hypotheses: Sequence[str]) -> None:
    """Raise DataError unless both are lists of strings, one hypothesis per reference."""
    for name, lines in (("references", references), ("hypotheses", hypotheses)):
        if not isinstance(lines, (list, tuple)):
            raise DataError(f"{name} has type {type(lines).__name__}; expected a list of lines")
        for k, line in enumerate(lines):
            if not isinstance(line, str):
                raise DataError(f"{name}[{k}] has type {type(line).__name__}; expected a line as a string")
    if len(references) != len(hypotheses):
        raise DataError(
            f"there are {len(references)} references but {len(hypotheses)} hypotheses; expected one for each"
        )
