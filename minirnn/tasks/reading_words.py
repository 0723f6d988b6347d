"""What a reader knows of words: the n-gram of its training texts, kept beside the run, and how much it counts."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from minirnn.data.ngrams import WittenBell
from minirnn.data.strict_json import strict_json
from minirnn.data.text import UNKNOWN, Alphabet
from minirnn.errors import DataError
from minirnn.runfolder import write_whole
from minirnn.tasks.reading import BEAM, ORDER, Decoding, load_lexicon

WORDS = "words.json"  # in the folder of a run


def save_words(folder: Path, known: Sequence[str], how: Decoding) -> Path:
    """Keep the training texts, how often each occurs, and the weight and bonus that read validation lines best."""
    kept = {"weight": how.weight, "bonus": how.bonus, "texts": dict(sorted(Counter(known).items()))}
    path = folder / WORDS
    write_whole(path, (json.dumps(kept, ensure_ascii=False, indent=0) + "\n").encode())
    return path


def load_words(folder: Path, alphabet: Alphabet) -> Decoding | None:
    """The beam search with the n-gram of a run's training texts; None where it has none.

    Raises:
        DataError: the file is damaged, or belongs to another run.
    """
    path = folder / WORDS
    if not path.exists():
        return None
    try:
        kept = strict_json(path.read_bytes(), str(path), "the words of a run")
        texts, weight, bonus = kept["texts"], float(kept["weight"]), float(kept["bonus"])
        labels = [alphabet.encode(text).tolist() for text, count in texts.items() for _ in range(int(count))]
    except DataError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{path} is damaged ({error}); train the run anew, or read with --best-path") from error
    if not labels or any(UNKNOWN in word for word in labels):
        raise DataError(f"{path} holds texts of other characters than the run; read with --best-path")
    return Decoding(BEAM, ngram=WittenBell(labels, ORDER, len(alphabet) - 1), weight=weight, bonus=bonus)


def decoding_arguments(parser: ArgumentParser) -> None:
    """--best-path, --beam, --lexicon."""
    parser.add_argument(
        "--best-path", action="store_true", help="the most probable label of every step, without what is known of words"
    )
    parser.add_argument("--beam", type=int, metavar="N", help=f"follow N readings at once (default: {BEAM} where words"
                        " were learned or a lexicon is given, else the best path)")  # fmt: skip
    parser.add_argument("--lexicon", type=Path, metavar="FILE", help="read these words only: UTF-8, one a line")


def decoding_of(args: Namespace, alphabet: Alphabet) -> Decoding:
    """How to read, from the command line and the run in `args.run`.

    Raises:
        DataError: options that exclude each other or are out of range; a damaged lexicon or run.
    """
    if args.beam is not None and args.beam < 1:
        raise DataError(f"--beam is {args.beam}; expected at least 1")
    if args.best_path:
        if args.beam is not None or args.lexicon is not None:
            raise DataError("--best-path follows one path; leave --beam and --lexicon out")
        return Decoding()
    lexicon = load_lexicon(args.lexicon, alphabet) if args.lexicon else None
    words = load_words(args.run, alphabet) or Decoding(BEAM if lexicon else 0)
    return replace(words, beam=args.beam or words.beam, lexicon=lexicon)
