"""The text system: reading a text, n-grams, the state that goes from piece to piece, resuming, completing, judging."""

import os
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from minirnn import checkpoint
from minirnn.data.ngrams import bits, witten_bell
from minirnn.data.text import UNKNOWN, Alphabet, Pieces, in_order, parts, read_text
from minirnn.errors import DataError
from minirnn.models.text import TextConfig, advance, first_state, init_text, language_model, read_forward
from minirnn.ops import FAST, READABLE
from minirnn.problem import Step, TrainConfig
from minirnn.tasks import text, text_model
from minirnn.train import LAST, train
from minirnn.tree import tree_items, tree_leaves, tree_map
from tests.runs import same, state_of, until

DATA = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
WORDS = ("the", "sea", "is", "wide", "and", "we", "are", "small", "said", "Ann", "to", "me")
TRAIN = TrainConfig(epochs=3, batch=6, checks=3, warmup=2, lr=0.01, seed=1)


def some_text(length=3000, seed=0):
    """Words in random order, in lines."""
    rng = np.random.default_rng(seed)
    words = " ".join(rng.choice(WORDS, length)).replace("Ann", "Ann\n")
    return words[:length]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "book.txt"
    path.write_text(some_text(), encoding="utf-8")
    return path


def tiny(book, **chosen):
    """A System small enough for tests, with dropout so that its masks have to be right too."""
    chosen = {"hidden": 12, "embed": 6, "piece": 20, "streams": 6, "dropout": 0.2, **chosen}
    return text.build(text.Settings(str(book), **chosen))


def run(folder, system, config=TRAIN, resume=False, stop_after=None, lose=False):
    """Train, and return the losses; stop after so many steps; with `lose`, the state is lost after every step."""
    problem = system.problem(config.batch)
    if lose:
        pair = problem.model

        def forward(*args, **options):
            (loss, running), cache = pair.forward(*args, **options)
            return (loss, tree_map(np.zeros_like, running)), cache

        problem = replace(problem, model=replace(pair, forward=forward))
    events = until(train(problem, config, folder, resume=resume), stop_after)
    return [event.loss for event in events if isinstance(event, Step)]


# the text and its characters


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbfTo be", "To be"),
        ("cafe\u0301".encode(), "caf\u00e9"),
        (b"a\r\nb\nc\x0bd\xe2\x80\xa8e", "a\nb\nc\x0bd\u2028e"),
    ],
)
def test_a_text_is_read_as_it_was_meant(tmp_path, data, expected):
    (tmp_path / "t.txt").write_bytes(data)
    assert read_text(tmp_path / "t.txt") == expected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xef\xbb\xbfcaf\xe9 au lait", r"byte 0xe9 at byte offset 6"),
        ("To be".encode("utf-16"), r"not UTF-8: byte 0xff at byte offset 0"),
        (b"ab\xc3\xa9\0c", r"NUL at byte offset 4"),
        (b"", r"empty"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, data, words):
    (tmp_path / "t.txt").write_bytes(data)
    with pytest.raises(DataError, match=words):
        read_text(tmp_path / "t.txt")


def test_an_alphabet_knows_its_characters_and_one_number_for_all_others():
    alphabet = Alphabet.of("banana\u4e2d\u4e2d\U0001f600", min_count=2)
    assert alphabet.characters == ("a", "n", "\u4e2d")
    assert len(alphabet) == 4
    np.testing.assert_array_equal(alphabet.encode("nab\u4e2d\U0001f600z"), [2, 1, UNKNOWN, 3, UNKNOWN, UNKNOWN])
    assert alphabet.decode([2, 1, UNKNOWN, 3]) == "na\ufffd\u4e2d"
    shuffled = Alphabet(("n", "\u4e2d", "a"))
    np.testing.assert_array_equal(shuffled.encode("an\u4e2db"), [3, 1, 2, UNKNOWN])
    with pytest.raises(DataError, match="not all different"):
        Alphabet(("a", "a"))


def test_parts_follow_one_another_and_the_last_is_five_percent():
    assert parts(2000) == {"train": (0, 1860), "val": (1860, 1900), "test": (1900, 2000)}
    assert parts(1115394)["test"][1] - parts(1115394)["test"][0] == 55770
    with pytest.raises(DataError, match="999 characters; expected at least 1000"):
        parts(999)


def test_every_stream_goes_on_where_it_stopped_and_begins_anew_after_an_epoch():
    pieces = Pieces(np.arange(100), T=9)
    assert len(pieces) == 11
    seen = [pieces(in_order(11, 3, step, seed=5)) for step in range(4)]  # 3 pieces a stream, then the next epoch
    for (inputs, targets, _), (then, _, begins) in pairwise(seen[:3]):
        np.testing.assert_array_equal(targets, inputs + 1)
        np.testing.assert_array_equal(then[:, 0], targets[:, -1])
        assert not begins.any()
    assert seen[0][2].all()
    assert seen[3][2].all()
    np.testing.assert_array_equal(seen[3][0], seen[0][0])
    assert {int(k) for inputs, _, _ in seen for k in inputs.ravel()} == set(range(81))
    np.testing.assert_array_equal(in_order(2, 64, 7, seed=0), [0, 1])  # fewer pieces than streams


# n-grams


def slow_witten_bell(ids, train, k, V, place):
    """As the formula says it, one character at a time."""
    if k < 0:
        return 1 / V
    lower = slow_witten_bell(ids, train, k - 1, V, place)
    if k > place:
        return lower
    context, followers = tuple(ids[place - k : place]), Counter()
    for at in range(k, train):
        if tuple(ids[at - k : at]) == context:
            followers[ids[at]] += 1
    total, kinds = sum(followers.values()), len(followers)
    return (followers[ids[place]] + kinds * lower) / (total + kinds) if total else lower


def test_witten_bell_is_its_formula():
    ids = np.random.default_rng(0).integers(0, 4, 70)
    ids[60] = 4  # never seen in the part that is counted
    fast = witten_bell(ids, 50, 3, 5)
    for k in range(4):
        np.testing.assert_allclose(fast[k], [slow_witten_bell(list(ids), 50, k, 5, t) for t in range(70)], rtol=1e-12)


def test_witten_bell_gives_a_distribution():
    ids = np.random.default_rng(1).integers(0, 4, 40)
    total = 0
    for c in range(5):
        total += witten_bell(np.concatenate([ids, [c]]), 40, 3, 5)[:, -1]
    np.testing.assert_allclose(total, 1, rtol=1e-12)
    assert bits(np.array([0.5, 0.125])) == 2


@pytest.mark.skipif(not (DATA / "tinyshakespeare").exists(), reason=f"no data at {DATA}")
def test_the_baseline_on_shakespeare_is_the_known_one():
    whole = read_text(DATA / "tinyshakespeare" / "input.txt")
    first, last = parts(len(whole))["test"]
    alphabet = Alphabet.of(whole)
    p = witten_bell(alphabet.encode(whole), first, 4, len(alphabet))[:, first:last]
    assert len(alphabet.characters) == 65
    assert [round(bits(row), 2) for row in p] == [4.85, 3.59, 3.0, 2.64, 2.51]


# the model and its state


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("ops", [READABLE, FAST], ids=["readable", "fast"])
def test_two_pieces_with_the_state_carried_are_one_long_piece(cell, ops):
    config = TextConfig(7, embed=3, hidden=4, layers=3, cell=cell)
    rng = np.random.default_rng(0)
    params, x = init_text(rng, config, np.float64), rng.integers(0, 7, (2, 10))
    options = {"config": config, "training": False, "ops": ops}
    (whole, end), _ = read_forward(x, first_state(config, 2, np.float64), params, **options)
    (a, state), _ = read_forward(x[:, :6], first_state(config, 2, np.float64), params, **options)
    (b, after), _ = read_forward(x[:, 6:], state, params, **options)
    np.testing.assert_allclose(np.concatenate([a, b], axis=1), whole, rtol=1e-12)
    assert all(np.allclose(p, q, rtol=1e-12) for p, q in zip(tree_leaves(after), tree_leaves(end)))
    logp, stepped = advance(x[:, 6], state, params, config=config, ops=ops)
    np.testing.assert_allclose(logp - logp[:, :1], b[:, 0] - b[:, 0, :1], rtol=1e-9, atol=1e-12)
    assert [name for name, _ in tree_items(stepped)] == [name for name, _ in tree_items(after)]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_loss_and_gradients_are_those_of_the_readable_functions(cell):
    config = TextConfig(9, embed=5, hidden=6, layers=2, cell=cell, dropout=0.3)
    rng = np.random.default_rng(0)
    params = init_text(rng, config, np.float64)
    data = rng.integers(0, 9, (3, 7)), rng.integers(0, 9, (3, 7)), np.array([True, False, False])
    state = tree_map(lambda leaf: rng.standard_normal(leaf.shape), first_state(config, 3, np.float64))
    made = []
    for ops in (READABLE, FAST):
        options = {"config": config, "training": True, "rng": np.random.default_rng(1), "ops": ops}
        (loss, after), cache = language_model.forward(*data, state, params, **options)
        made.append((loss, after, language_model.backward((np.ones_like(loss), None), cache)[-1]))
    for (name, one), (_, other) in zip(*(list(tree_items(tuple(m))) for m in made), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-13, err_msg=name)


def test_a_text_that_begins_remembers_nothing():
    config = TextConfig(7, embed=3, hidden=4)
    rng = np.random.default_rng(0)
    params, x = init_text(rng, config, np.float64), rng.integers(0, 7, (2, 5))
    told = tree_map(lambda leaf: rng.standard_normal(leaf.shape), first_state(config, 2, np.float64))

    def end(begins, state):
        (_, after), _ = language_model.forward(x, x, np.array(begins), state, params, config=config, training=False)
        return after[1].h

    forgot, kept = end([True, False], told), end([False, False], told)
    fresh = end([False, False], first_state(config, 2, np.float64))
    np.testing.assert_array_equal(forgot[0], fresh[0])
    np.testing.assert_array_equal(forgot[1], kept[1])
    assert not np.allclose(forgot[0], kept[0])
    with pytest.raises(ValueError, match="begins has shape .*expected 2 booleans"):
        end([1, 0], told)


@pytest.mark.parametrize("wrong", [{"cell": "elman"}, {"layers": 4}, {"hidden": 0}, {"vocab": 0}, {"dropout": 1.0}])
def test_configs_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        TextConfig(**{"vocab": 9, **wrong})


# training


@pytest.mark.parametrize("stop_after", [1, 20, 40])
def test_resuming_equals_never_having_stopped_bit_for_bit(book, tmp_path, stop_after):
    """23 pieces a stream: the stops are after the first piece, within the first epoch and within the second."""
    system = tiny(book)
    whole = run(tmp_path / "whole", system)
    parted = run(tmp_path / "parts", system, stop_after=stop_after)
    parted += run(tmp_path / "parts", system, resume=True)
    assert parted == whole
    assert len(whole) == 69
    assert same(state_of(tmp_path / "whole"), state_of(tmp_path / "parts"))


def test_the_state_is_carried_from_step_to_step(book, tmp_path):
    """A run whose state is lost after each step differs from the second step on."""
    system = tiny(book, cell="gru", layers=1)
    kept = run(tmp_path / "kept", system, stop_after=4)
    lost = run(tmp_path / "lost", system, stop_after=4, lose=True)
    assert kept[0] == lost[0]
    assert kept[1] != lost[1]
    arrays, _ = state_of(tmp_path / "kept")
    assert np.abs(arrays["state.running.0.h"]).min() > 0


def test_a_run_that_goes_on_without_its_state_is_another_run(book, tmp_path):
    system, config = tiny(book, layers=1), replace(TRAIN, epochs=1)
    run(tmp_path / "whole", system, config)
    run(tmp_path / "parts", system, config, stop_after=15)
    arrays, meta = checkpoint.load(tmp_path / "parts" / LAST)
    lost = {name: np.zeros_like(a) if "state.running" in name else a for name, a in arrays.items()}
    checkpoint.save(tmp_path / "parts" / LAST, lost, meta)
    run(tmp_path / "parts", system, config, resume=True)
    assert not same(state_of(tmp_path / "whole"), state_of(tmp_path / "parts"))


def test_what_the_state_remembers_helps(tmp_path):
    """Long runs of one letter, pieces of 2 characters: which run it is, only the state can tell."""
    rng = np.random.default_rng(0)
    letters = "".join(f"{c}xxxx{c}yyyy" for c in rng.choice(list("abcd"), 600))
    path = tmp_path / "runs.txt"
    path.write_text(letters, encoding="utf-8")
    system = tiny(path, hidden=24, layers=1, dropout=0.0, piece=4, streams=16)
    config = replace(TRAIN, epochs=10, batch=16)
    kept, lost = (np.mean(run(tmp_path / str(lose), system, config, lose=lose)[-60:]) for lose in (False, True))
    assert kept < lost - 0.05


def test_training_learns_and_the_report_is_beside_baselines(book, tmp_path):
    system = tiny(book, hidden=32, dropout=0.0)
    run(tmp_path, system, replace(TRAIN, epochs=12))
    model, meta = text.load_text(tmp_path)
    whole = read_text(book)
    report = text.evaluate(model, whole, meta, None, "test")
    assert report["characters"] == 150
    assert report["unknown"] == 0
    assert report["bits_per_character"] < 0.75 * report["baselines"]["unigram"]
    assert report["baselines"]["ngram"] < report["baselines"]["unigram"]
    other = text.evaluate(model, whole, meta, some_text(1200, seed=5) + "\u20ac", "all")
    assert (other["characters"], other["unknown"]) == (1200, 1)  # all but the first
    assert other["bits_per_character"] < other["baselines"]["unigram"]
    assert text.evaluate(model, whole, meta, None, "train")["characters"] == 2789
    with pytest.raises(DataError, match="has changed since the run began"):
        text.evaluate(model, whole + ".", meta, None, "test")


def test_surprise_does_not_depend_on_how_the_text_is_cut(book, monkeypatch):
    """One row that reads all from the beginning, against many rows with a context of their own, long enough."""
    system = tiny(book, layers=1, hidden=8)
    model = system.model(tree_map(lambda w: w * 0.7, system.problem(6).params))
    many = model.surprise(system.ids, 1, 3000)
    assert many.shape == (2999,)
    monkeypatch.setattr(text_model, "ROWS", 1)
    np.testing.assert_allclose(model.surprise(system.ids, 1, 3000), many, rtol=1e-3)
    logp, state, slow = None, model.begin(1), []
    for character in system.ids[:50]:
        if logp is not None:
            slow.append(-logp[0, character] / np.log(2))
        logp, state = advance(np.array([character]), state, model.params, config=model.config)
    np.testing.assert_allclose(many[30:49], slow[30:], rtol=1e-3)
    np.testing.assert_array_equal(model.surprise(system.ids, 2000, 2001).shape, (1,))
    with pytest.raises(ValueError, match="1 <= first < last"):
        model.surprise(system.ids, 0, 10)


# completing


@pytest.fixture(scope="module")
def model(book, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run(folder, tiny(book), replace(TRAIN, epochs=2))
    return text.load_text(folder)[0]


def test_completions_are_fixed_by_the_seed_and_zero_temperature_is_greedy(model):
    told = [model.complete("the sea ", 80, 1.0, seed) for seed in (0, 0, 1)]
    assert told[0] == told[1] != told[2]
    assert {len(t) for t in told} == {80}
    greedy = [model.complete("the sea ", 40, 0.0, seed) for seed in (0, 1)]
    assert greedy[0] == greedy[1]
    state = model.begin(1)
    for c in model.alphabet.encode("the sea "):
        logp, state = advance(np.array([c]), state, model.params, config=model.config)
    logp[:, UNKNOWN] = -np.inf
    assert greedy[0][0] == model.alphabet.decode([int(logp.argmax())])


def test_a_long_prompt_is_read_to_its_end(model):
    """The prompt is read in chunks: what comes out is what one long reading gives."""
    prompt = some_text(text_model.CHUNK * 2 + 5, seed=3)
    ids = model.alphabet.encode(prompt)
    logits, _ = model.read(ids[None], model.begin(1))
    logits[0, -1, UNKNOWN] = -np.inf
    assert model.complete(prompt, 1, 0.0, 0) == model.alphabet.decode([int(logits[0, -1].argmax())])


def test_nobody_gets_the_unknown_character(model):
    params = model.params._replace(out=model.params.out._replace(b=model.params.out.b + 0))
    params.out.b[UNKNOWN] = 50
    assert "\ufffd" not in replace(model, params=params).complete("the", 50, 1.0, 0)


@pytest.mark.parametrize(
    ("prompt", "length", "temperature", "words"),
    [
        ("", 5, 1.0, "prompt is empty"),
        (
            "the \u20ac",
            5,
            1.0,
            r"'€' at position 4, which the model does not know; expected some of its \d+ characters",
        ),
        ("the", 0, 1.0, "max_length is 0"),
        ("the", 5, -0.5, "temperature is -0.5; expected"),
        ("the", 5, float("nan"), "temperature is nan; expected"),
    ],
)
def test_what_cannot_be_completed_is_refused(model, prompt, length, temperature, words):
    with pytest.raises(DataError, match=words):
        model.complete(prompt, length, temperature, 0)


def test_a_text_without_a_frequent_character_is_refused(tmp_path):
    path = tmp_path / "rare.txt"
    path.write_text("".join(chr(0x4E00 + k) for k in range(1200)), encoding="utf-8")
    with pytest.raises(DataError, match="no character that occurs 2 times"):
        text.build(text.Settings(str(path)))


# PyTorch


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_loss_gradients_and_state_are_those_of_pytorch(layers):
    torch = pytest.importorskip("torch")
    config = TextConfig(9, embed=5, hidden=6, layers=layers)
    rng = np.random.default_rng(0)
    params = tree_map(lambda w: w + 0.2 * rng.standard_normal(w.shape), init_text(rng, config, np.float64))
    inputs, targets = rng.integers(0, 9, (2, 3, 7))
    state = tree_map(lambda leaf: rng.standard_normal(leaf.shape), first_state(config, 3, np.float64))
    options = {"config": config, "training": True, "ops": FAST}
    (loss, after), cache = language_model.forward(inputs, targets, np.zeros(3, bool), state, params, **options)
    grads = language_model.backward((np.ones_like(loss), None), cache)[-1]

    theirs = tree_map(lambda w: torch.tensor(w, requires_grad=True), params)
    module = torch.nn.LSTM(5, 6, layers, batch_first=True, dtype=torch.float64)
    named = {}
    for k, p in enumerate(theirs.cells):
        named |= {f"weight_ih_l{k}": p.Wx.T, f"weight_hh_l{k}": p.Wh.T, f"bias_ih_l{k}": p.b}
        named[f"bias_hh_l{k}"] = torch.zeros_like(p.b)
    before = tuple(torch.tensor(np.stack([getattr(s, name) for s in state])) for name in "hc")
    x = theirs.characters[torch.tensor(inputs)]
    h, end = torch.func.functional_call(module, named, (x, before))
    logits = h @ theirs.out.W + theirs.out.b
    wanted = torch.nn.functional.cross_entropy(logits.reshape(-1, 9), torch.tensor(targets).reshape(-1))
    wanted.backward()
    np.testing.assert_allclose(loss, wanted.item(), rtol=1e-12)
    for ours, name in zip(zip(*after), "hc"):
        np.testing.assert_allclose(np.stack(ours), end["hc".index(name)].detach().numpy(), rtol=1e-9)
    for (name, ours), (_, leaf) in zip(tree_items(grads), tree_items(theirs), strict=True):
        np.testing.assert_allclose(ours, leaf.grad.numpy(), rtol=1e-8, atol=1e-12, err_msg=name)
