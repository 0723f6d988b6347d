"""The table of all exercises, in the order of the course."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from minirnn.course.exercise import Exercise
from minirnn.errors import DataError

# lesson folder -> the module with its exercises, and their names in order
LESSONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "01_gradients": ("gradients", ("affine1", "affine2", "relu1", "relu2", "xent1", "xent2", "sgd1")),
    "02_checking": ("checking", ("grad1", "grad2", "bug1", "bug2", "bug3")),
    "03_convolution": ("convolution", ("conv1", "conv2", "pool1", "pool2")),
    "04_seeing": ("seeing", ("norm1", "norm2", "adam1", "drop1", "drop2")),
    "05_sequences": ("sequences", ("rnn1", "unroll1")),
    "06_bptt": ("bptt", ("rnn2", "unroll2", "clip1")),
    "07_lstm": ("lstm", ("lstm1", "lstm2")),
    "08_gru": ("gru", ("gru1", "gru2")),
    "09_words": ("words", ("embed1", "embed2", "pad1", "masked1", "masked2")),
    "10_captioner": ("captioner", ("captioner1", "captioner2", "greedy1")),
    "11_decoding": ("decoding", ("sample1", "beam1", "bleu1")),
    "12_attention": ("attention", ("attend1", "attend2")),
}
NAMES = tuple(name for _, names in LESSONS.values() for name in names)


def folder_of(name: str) -> str:
    """The folder of an exercise.

    Raises:
        DataError: there is no exercise of that name.
    """
    for folder, (_, names) in LESSONS.items():
        if name in names:
            return folder
    from difflib import get_close_matches

    near = get_close_matches(name, NAMES, n=1)
    raise DataError(f"there is no exercise {name!r}{f'; did you mean {near[0]}?' if near else '; see: minirnn list'}")


@cache
def exercise(name: str) -> Exercise:
    """An exercise by name; only the file of its lesson is loaded.

    Raises:
        DataError: there is no exercise of that name.
    """
    folder = folder_of(name)
    module = import_module(f"minirnn.course.topics.{LESSONS[folder][0]}")
    found: dict[str, Exercise] = {e.name: e for e in module.EXERCISES}
    return found[name]
