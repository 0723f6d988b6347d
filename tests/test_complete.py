"""No pair without a case, no forward function without its documentation."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from types import FunctionType

import pytest

import minirnn
from minirnn.cases import CASES
from minirnn.pair import Pair

# Where pairs live. `fast` joins when it exists.
WHERE = ("minirnn.pair", "minirnn.functional", "minirnn.unroll", "minirnn.ops", "minirnn.models", "minirnn.fast")


def modules():
    names = [m.name for m in pkgutil.walk_packages(minirnn.__path__, "minirnn.") if m.name.startswith(WHERE)]
    return [importlib.import_module(name) for name in names]


def plain(function):
    """The function behind `Pair.bind`."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def pairs():
    """Every pair that a module names, once: {name: pair}."""
    found = {}
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, Pair):
                found.setdefault(plain(value.forward), (f"{module.__name__}.{name}", value))
    return dict(found.values())


def combinators():
    """Every public function that returns a pair: {name: function}."""
    return {
        f"{module.__name__}.{name}": value
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__ and not name.startswith("_")
        and value.__annotations__.get("return") == "Pair"
    }  # fmt: skip


PAIRS, COMBINATORS = pairs(), combinators()


def test_the_search_finds_what_there_is():
    assert {"chain", "unroll", "bidirectional", "stacked"} <= {name.split(".")[-1] for name in COMBINATORS}
    assert {"affine", "conv2d", "lstm_step", "cross_entropy", "encoder", "captioner"} <= {
        name.split(".")[-1] for name in PAIRS
    }
    assert len(PAIRS) >= 24


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_has_a_case(name):
    pair = PAIRS[name]
    mine = [c for c in CASES if plain(c.pair.forward) is plain(pair.forward) and c.pair.backward is pair.backward]
    assert mine, f"{name} is in no case: add a line to a table in minirnn/cases"


@pytest.mark.parametrize("name", COMBINATORS)
def test_every_combinator_has_a_case(name):
    """A pair that a combinator makes carries its name: unroll(lstm_step)."""
    short = name.split(".")[-1]
    mine = [case for case in CASES if re.match(rf"{short}(\(|$)", case.pair.name)]
    assert mine, f"no case is made by {name}: add a line to a table in minirnn/cases"


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_is_documented(name):
    pair = PAIRS[name]
    doc = plain(pair.forward).__doc__ or ""
    for part in ("Args:", "Returns:", "Raises:", "Source:"):
        assert re.search(rf"^\s*{part}", doc, re.MULTILINE), f"the docstring of {name}'s forward has no {part}"
    assert len(doc.strip().splitlines()[0]) > 5
    assert "->" in (plain(pair.backward).__doc__ or ""), f"{name}'s backward does not say what goes in and comes out"


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_says_its_name(name):
    """What messages and reports call it is what the code calls it."""
    assert PAIRS[name].name == name.split(".")[-1]


@pytest.mark.parametrize("name", COMBINATORS)
def test_every_combinator_is_documented(name):
    doc = COMBINATORS[name].__doc__ or ""
    assert "forward(" in doc
    assert "backward(" in doc
