"""Decoders against exhaustive enumeration, against a second beam search that keeps no state, and against rescoring.

The toy models are random tables. Their state is a hash of the whole history, so that a state that belongs to another
hypothesis gives other probabilities.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest

from minirnn.decode import Hypothesis, beam_search, greedy, rescore, sample
from minirnn.errors import DataError
from minirnn.functional.activations import log_softmax_forward
from minirnn.functional.recurrent import LSTMParams, LSTMState, lstm_step_forward
from minirnn.models.captioner import advance
from minirnn.models.captioner import start as look_at
from minirnn.models.captioner_params import CaptionerConfig, init_captioner
from minirnn.tree import tree_map

PAD, START, END = 0, 1, 2
ROWS = 997  # of the toy models' tables


class Toy(NamedTuple):
    code: np.ndarray  # (B,) a hash of the history
    trail: np.ndarray  # (B, 2) another one, of floats
    nothing: None


def toy_state(n, seed=0):
    rng = np.random.default_rng(seed)
    return Toy(rng.integers(ROWS, size=n), rng.standard_normal((n, 2)), None)


def toy_step(seed, V, sharp=1.5):
    """A language model whose next word depends on all words before it, through both leaves of its state."""
    rng = np.random.default_rng(seed)
    table, mix = rng.standard_normal((ROWS, V)) * sharp, rng.standard_normal((2, V))

    def step(words, state):
        assert words.dtype == np.int64
        assert words.shape == (len(state.code),)
        code = (state.code * 31 + words * 7 + 3) % ROWS
        trail = np.stack([np.sin(state.trail[:, 0] + words), np.cos(state.trail[:, 1] * 2 + words)], axis=1)
        logp, _ = log_softmax_forward(table[code] + trail @ mix)
        return logp, Toy(code, trail, None)

    return step


def fixed_step(*rows):
    """A model whose step t gives the probabilities rows[t] (or of a function of the word read), for all sequences."""

    def step(words, t):
        with np.errstate(divide="ignore"):
            return np.log(np.array([rows[i](w) if callable(rows[i]) else rows[i] for i, w in zip(t, words)])), t + 1

    return step


T0 = np.zeros(1, dtype=int)  # the state of `fixed_step` before the first word


def next_logp(step, state, words):
    """Log-probabilities after a history, read from the start: no state is ever handed on between hypotheses."""
    for word in (START, *words):
        logp, state = step(np.array([word]), state)
    return logp[0]


def all_sentences(step, state, V, max_length, never=()):
    """Every sentence within max_length, as (words, score, finished)."""
    sentences = []
    vocabulary = [w for w in range(V) if w not in (END, *never)]
    for length in range(max_length + 1):
        for words in itertools.product(vocabulary, repeat=length):
            terms = [next_logp(step, state, words[:t])[words[t]] for t in range(length)]
            if length < max_length:
                sentences.append((list(words), sum([*terms, next_logp(step, state, words)[END]]), True))
            else:
                sentences.append((list(words), sum(terms), False))
    return sentences


def length_of(sentence):
    words, _, finished = sentence[:3]
    return len(words) + finished


def plain(hypotheses):
    return [(h.words, h.finished) for h in hypotheses]


def beam_without_states(step, state, V, beam, penalty, max_length, never):
    """Beam search the slow way: every prefix is read again from the start."""
    pool = [((), 0.0, False)]
    for _ in range(max_length):
        grown = []
        for words, score, finished in pool:
            if finished:
                grown.append((words, score, True))
                continue
            logp = next_logp(step, state, words)
            for w in range(V):
                if w not in never:
                    grown.append((words if w == END else (*words, w), score + logp[w], w == END))
        pool = sorted(grown, key=lambda s: -s[1] / length_of(s) ** penalty)[:beam]
        if all(s[2] for s in pool) or (penalty == 0 and pool[0][2]):
            break
    return [(list(words), score, finished) for words, score, finished in pool]


# --- beam search -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("never", [(), (PAD, START)])
@pytest.mark.parametrize("seed", range(12))
def test_a_beam_as_wide_as_all_sentences_finds_the_best(seed, never):
    V = 4 + len(never) // 2
    step, state = toy_step(seed, V), toy_state(1, seed)
    sentences = all_sentences(step, state, V, 4, never)
    best = max(sentences, key=lambda s: s[1])
    found = beam_search(step, state, beam=len(sentences), max_length=4, never=never)
    assert (found[0].words, found[0].finished) == (best[0], best[2])
    assert found[0].score == pytest.approx(best[1], abs=1e-12)


@pytest.mark.parametrize("penalty", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_with_a_length_penalty_a_wide_beam_returns_all_sentences_in_order_of_rank(seed, penalty):
    step, state = toy_step(seed, 4), toy_state(1, seed)
    sentences = all_sentences(step, state, 4, 4)
    assert len(sentences) == 1 + 3 + 9 + 27 + 81
    expected = sorted(sentences, key=lambda s: -s[1] / length_of(s) ** penalty)
    found = beam_search(step, state, beam=500, max_length=4, length_penalty=penalty, never=())
    assert plain(found) == [(words, finished) for words, _, finished in expected]
    np.testing.assert_allclose([h.score for h in found], [s[1] for s in expected], rtol=0, atol=1e-12)


@pytest.mark.parametrize("penalty", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("beam", [1, 2, 3, 5, 9])
def test_narrow_beams_equal_a_beam_search_that_keeps_no_state(beam, penalty):
    overtaken = 0
    for seed in range(10):
        step, state = toy_step(seed, 6), toy_state(1, seed)
        expected = beam_without_states(step, state, 6, beam, penalty, 6, (PAD, START))
        found = beam_search(step, state, beam=beam, length_penalty=penalty, max_length=6)
        assert plain(found) == [(words, finished) for words, _, finished in expected]
        np.testing.assert_allclose([h.score for h in found], [s[1] for s in expected], rtol=0, atol=1e-12)
        overtaken += plain(found[:1]) != plain(greedy(step, state, 1, max_length=6))
    assert beam == 1 or overtaken  # or the widths would all test greedy decoding


@pytest.mark.parametrize("V", [3, 4, 7])
def test_beam_of_one_is_greedy(V):
    for seed in range(20):
        step, state = toy_step(seed, V), toy_state(1, seed)
        (one,) = beam_search(step, state, beam=1, max_length=7)
        (other,) = greedy(step, state, 1, max_length=7)
        assert plain([one]) == plain([other])
        assert one.score == other.score


def test_a_finished_hypothesis_is_never_extended():
    # END is by far the best first word, and after END the model would go on with word 3 for free.
    fed = []

    def step(words, t):
        fed.extend(words.tolist())
        first = np.log([1e-9, 1e-9, 0.5, 0.3, 0.2 - 2e-9])
        later = np.log([1e-9, 1e-9, 1e-9, 1 - 4e-9, 1e-9])
        return np.where(t[:, None] == 0, first, later), t + 1

    found = beam_search(step, T0, beam=3, max_length=4, length_penalty=1.0)
    assert END not in fed
    assert sorted(h.words for h in found) == [[], [3, 3, 3, 3], [4, 3, 3, 3]]
    assert [h.score for h in found if h.finished] == [pytest.approx(np.log(0.5), abs=1e-12)]
    fed.clear()
    greedy(step, np.array([0, 1, 0]), 3, max_length=5)
    assert END not in fed


def test_the_search_goes_on_until_nothing_can_beat_the_best():
    # [] is finished first with 0.4; [3, 4] is still under way with 0.5 and ends with 0.45 in all.
    rows = [0, 0, 0.4, 0.6, 0], lambda w: [0, 0, 0.1, 0.05, 0.85], lambda w: [0, 0, 0.9, 0.1, 0]
    found = beam_search(fixed_step(*rows), T0, beam=2, max_length=9)
    assert plain(found) == [([3, 4], True), ([], True)]
    np.testing.assert_allclose(np.exp([h.score for h in found]), [0.6 * 0.85 * 0.9, 0.4])


def test_without_penalty_the_search_stops_when_the_best_is_finished():
    steps = []
    inner = fixed_step([0, 0, 0.6, 0.4], *[[0, 0, 0.1, 0.9]] * 20)

    def step(words, t):
        steps.append(len(words))
        return inner(words, t)

    found = beam_search(step, T0, beam=2)
    assert steps == [1]
    assert plain(found) == [([], True), ([3], False)]
    steps.clear()
    assert len(beam_search(step, T0, beam=2, length_penalty=1.0)[0].words) == 20  # there it must go on
    assert len(steps) == 20


def test_the_length_penalty_changes_the_order_and_not_the_scores():
    # [] has probability 0.3, a mean of log 0.3 over one step; [3, 4] has 0.216, a mean of log 0.6 over three.
    rows = [0, 0, 0.3, 0.6, 0.1], lambda w: [0, 0, 0.3, 0.1, 0.6], lambda w: [0, 0, 0.6, 0.3, 0.1]
    step = fixed_step(*rows, *[[0, 0, 1, 0, 0]] * 3)
    total = beam_search(step, T0, beam=30, max_length=6)
    mean = beam_search(step, T0, beam=30, max_length=6, length_penalty=1.0)
    assert total[0].words == []
    assert mean[0].words == [3, 4]
    assert total[0].score == pytest.approx(np.log(0.3), abs=1e-12)
    assert mean[0].score == pytest.approx(3 * np.log(0.6), abs=1e-12)
    ranks = [h.score / (len(h.words) + 1) for h in mean]
    assert ranks == sorted(ranks, reverse=True)


def test_fewer_words_than_the_beam_is_wide():
    found = beam_search(toy_step(0, 3), toy_state(1), beam=50, max_length=4, never=(), length_penalty=1.0)
    assert len(found) == 1 + 2 + 4 + 8 + 16
    found = beam_search(toy_step(0, 3), toy_state(1), beam=50, max_length=4)  # END is the only word left
    assert plain(found) == [([], True)]


def test_ties_go_to_the_smaller_number_and_to_what_finished_first():
    flat = fixed_step(*[[0.2] * 5] * 9)
    assert [h.words for h in beam_search(flat, T0, beam=3, max_length=2, length_penalty=1.0)] == [[], [3], [3, 3]]
    assert greedy(flat, T0, 1)[0].words == []
    assert greedy(fixed_step(*[[0.1, 0.1, 0.2, 0.3, 0.3]] * 9), T0, 1, max_length=2)[0].words == [3, 3]
    assert sample(flat, T0, 1, rng=np.random.default_rng(0), top_k=1)[0].words == []


def test_a_hypothesis_that_cannot_go_on_is_dropped():
    after = {3: [0.5, 0.5, 0, 0, 0], 4: [0, 0, 1, 0, 0]}
    found = beam_search(fixed_step([0, 0, 0, 0.9, 0.1], lambda w: after[int(w)]), T0, beam=2)
    assert plain(found) == [([4], True)]


# --- all decoders ----------------------------------------------------------------------------------------------------


def decoders(seed=0):
    """Every decoder, for one sequence: (step, state, **options) -> hypotheses."""
    return {
        "greedy": lambda step, state, **o: greedy(step, state, 1, **o),
        "sample": lambda step, state, **o: sample(step, state, 1, rng=np.random.default_rng(seed), **o),
        "hot sample": lambda step, state, **o: sample(
            step, state, 1, rng=np.random.default_rng(seed), temperature=3.0, top_k=3, **o
        ),
        "beam": lambda step, state, **o: beam_search(step, state, beam=4, **o),
        "beam with penalty": lambda step, state, **o: beam_search(step, state, beam=4, length_penalty=0.7, **o),
    }


@pytest.mark.parametrize("name", decoders())
def test_scores_equal_rescoring(name):
    ends = Counter()
    for seed in range(25):
        step, state = toy_step(seed, 6), toy_state(1, seed)
        for h in decoders(seed)[name](step, state, max_length=6):
            again = rescore(step, state, h.words, finished=h.finished)
            assert h.score == pytest.approx(again, rel=0, abs=1e-12)
            expected = [next_logp(step, state, h.words[:t])[w] for t, w in enumerate(h.words)]
            expected += [next_logp(step, state, h.words)[END]] if h.finished else []
            assert again == pytest.approx(sum(expected), rel=0, abs=1e-12)
            ends[h.finished] += 1
    assert ends[True]
    assert ends[False]


@pytest.mark.parametrize("name", decoders())
def test_never_words_never_come_out(name):
    for seed in range(15):
        step, state = toy_step(seed, 5), toy_state(1, seed)
        for never in [(PAD, START), (3,), (PAD, START, 4)]:
            for h in decoders(seed)[name](step, state, max_length=8, never=never):
                assert not {*never, END}.intersection(h.words)
                assert h.score == pytest.approx(rescore(step, state, h.words, finished=h.finished), abs=1e-12)


@pytest.mark.parametrize("name", decoders())
def test_max_length_counts_words_and_end(name):
    step = fixed_step([0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 1, 0])
    assert decoders()[name](step, T0, max_length=3) == [Hypothesis([3, 3], 0.0, True, [])]
    assert decoders()[name](step, T0, max_length=2) == [Hypothesis([3, 3], 0.0, False, [])]
    assert decoders()[name](step, T0, max_length=1) == [Hypothesis([3], 0.0, False, [])]


@pytest.mark.parametrize("name", decoders())
def test_keep_gathers_what_each_word_saw(name):
    for seed in range(10):
        step, state = toy_step(seed, 6), toy_state(1, seed)
        for h in decoders(seed)[name](step, state, max_length=6, keep=lambda s: s.trail):
            assert len(h.kept) == len(h.words) + h.finished
            now = state
            for word, seen in zip([START, *h.words], h.kept):
                _, now = step(np.array([word]), now)
                np.testing.assert_allclose(seen, now.trail[0], rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", decoders())
def test_the_callers_state_is_left_alone(name):
    state = toy_state(1)
    for leaf in state[:2]:
        leaf.flags.writeable = False
    for h in decoders()[name](toy_step(0, 5), state):
        h.words.append(99)
        h.kept.append(99)
    assert all(99 not in h.words and not h.kept for h in decoders()[name](toy_step(0, 5), state))


@pytest.mark.parametrize("name", decoders())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_the_step_gives_is_neither_written_to_nor_held(name, dtype):
    looked = np.zeros((9, 1))  # one buffer, written over at every step

    def step(words, t):
        looked[:] = t[0] + 1
        return np.broadcast_to(np.log(np.array([0.1, 0.2, 0.1, 0.3, 0.3], dtype)), (len(words), 5)), t + 1

    for h in decoders()[name](step, T0, max_length=6, keep=lambda t: looked[: len(t)]):
        assert [float(look[0]) for look in h.kept] == list(range(1, len(h.kept) + 1))
        assert h.score == pytest.approx(rescore(step, T0, h.words, finished=h.finished), rel=0, abs=1e-12)


def test_hypotheses_of_one_batch_share_no_lists():
    first, second = greedy(fixed_step([0, 0, 1, 0]), np.zeros(2, dtype=int), 2)
    first.words.append(99)
    first.kept.append(99)
    assert second == Hypothesis([], 0.0, True, [])


@pytest.mark.parametrize("name", decoders())
def test_a_model_without_state_and_with_other_special_words(name):
    bigrams = np.random.default_rng(0).dirichlet(np.ones(4), size=4)

    def step(words, state):
        assert state is None
        return np.log(bigrams[words]), None

    for h in decoders()[name](step, None, start=3, end=0, never=(3,), max_length=5):
        assert not {0, 3}.intersection(h.words)
        assert h.score == pytest.approx(rescore(step, None, h.words, start=3, end=0, finished=h.finished), abs=1e-12)


# --- greedy and sampling ---------------------------------------------------------------------------------------------


def test_each_row_of_a_greedy_batch_is_decoded_as_if_alone():
    step, state = toy_step(3, 6), toy_state(40, 3)
    batch = greedy(step, state, 40, max_length=6, keep=lambda s: s.code)
    assert len({len(h.words) for h in batch}) >= 5  # they leave the batch at different times
    for i, h in enumerate(batch):
        (alone,) = greedy(step, tree_map(lambda leaf: leaf[[i]], state), 1, max_length=6)  # noqa: B023
        assert plain([h]) == plain([alone])
        assert h.score == pytest.approx(alone.score, rel=0, abs=1e-12)
        assert len(h.kept) == len(h.words) + h.finished


def test_greedy_takes_the_most_probable_word():
    for seed in range(10):
        step, state = toy_step(seed, 6), toy_state(1, seed)
        (h,) = greedy(step, state, 1, max_length=6)
        for t, word in enumerate([*h.words, END] if h.finished else h.words):
            logp = next_logp(step, state, h.words[:t])
            assert word == 2 + logp[2:].argmax()


def test_finished_sequences_are_no_longer_stepped_and_their_nan_does_not_matter():
    sizes = []

    def step(words, t):
        sizes.append(len(words))
        p = np.where(t[:, None] >= 3, [0.0, 0, 1, 0], [0.0, 0, 0, 1])
        with np.errstate(divide="ignore"):
            return np.where(t[:, None] > 3, np.nan, np.log(p)), t + 1

    found = greedy(step, np.array([0, 3, 2, 3]), 4)
    assert [h.words for h in found] == [[3, 3, 3], [], [3], []]
    assert sizes == [4, 2, 1, 1]


def test_an_empty_batch_gives_an_empty_list():
    assert greedy(toy_step(0, 4), toy_state(0), 0) == []
    assert sample(toy_step(0, 4), toy_state(0), 0, rng=np.random.default_rng(0)) == []


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.5, None), (2.0, None), (1.0, 2), (1.7, 3)])
def test_sampled_sentences_are_as_frequent_as_they_are_probable(temperature, top_k):
    V, n, step = 6, 20_000, toy_step(5, 6, sharp=0.7)
    one = toy_state(1, 5)
    many = tree_map(lambda leaf: np.repeat(leaf, n, axis=0), one)
    options = {} if top_k is None else {"top_k": top_k}
    drawn = sample(step, many, n, rng=np.random.default_rng(0), temperature=temperature, max_length=3, **options)
    seen = Counter((tuple(h.words), h.finished) for h in drawn)

    def next_p(words):
        p = np.exp(next_logp(step, one, words)) ** (1 / temperature)
        p[[PAD, START]] = 0
        if top_k is not None:
            p[np.argsort(-p)[top_k:]] = 0
        return p / p.sum()

    expected = {}
    for words, _, finished in all_sentences(step, one, V, 3, (PAD, START)):
        p = np.prod([next_p(words[:t])[w] for t, w in enumerate([*words, END] if finished else words)])
        if p > 0:
            expected[tuple(words), finished] = n * p
    assert sum(expected.values()) == pytest.approx(n)
    assert set(seen) <= set(expected)
    common = {s: e for s, e in expected.items() if e >= 5}
    chi2 = sum((seen[s] - e) ** 2 / e for s, e in common.items())
    freedom = len(common)
    assert chi2 < freedom + 4 * np.sqrt(2 * freedom)
    assert chi2 > freedom - 4 * np.sqrt(2 * freedom)


def test_cold_samples_and_top_1_are_greedy():
    step, state = toy_step(2, 7), toy_state(30, 2)
    expected = greedy(step, state, 30, max_length=6)
    for options in ({"temperature": 0.0}, {"temperature": 0}, {"temperature": 1e-3}, {"temperature": 5e-324}):
        assert sample(step, state, 30, rng=np.random.default_rng(1), max_length=6, **options) == expected
    assert sample(step, state, 30, rng=np.random.default_rng(1), max_length=6, top_k=1, temperature=9.0) == expected
    assert sample(step, state, 30, rng=np.random.default_rng(1), max_length=6) != expected


def test_sampling_is_fixed_by_its_seed():
    step, state = toy_step(2, 7), toy_state(30, 2)
    once, again, other = (sample(step, state, 30, rng=np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert once == again
    assert once != other
    wide = sample(step, state, 30, rng=np.random.default_rng(4), top_k=100)  # more than there are words
    assert once == wide


def test_a_draw_at_the_edge_never_picks_an_impossible_word():
    class Edge:
        def __init__(self, u):
            self.u = u

        def random(self, shape):
            return np.full(shape, self.u)

    step = fixed_step([0, 0, 0, 0.25, 0, 0.5, 0.25, 0], [0, 0, 1, 0, 0, 0, 0, 0])
    for u, word in [(0.0, 3), (0.25, 5), (0.75, 6), (np.nextafter(1, 0), 6)]:
        assert sample(step, T0, 1, rng=Edge(u))[0].words == [word]


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", decoders())
def test_an_lstm_language_model(name):
    rng = np.random.default_rng(0)
    V, D, H = 9, 5, 7
    table, out = rng.standard_normal((V, D)), rng.standard_normal((H, V))
    shapes = [(D, 4 * H), (H, 4 * H), (4 * H,)]
    params = LSTMParams(*(rng.standard_normal(s) for s in shapes))

    def step(words, state):
        state, _ = lstm_step_forward(table[words], state, params)
        return log_softmax_forward(state.h @ out)[0], state

    for _ in range(5):
        state = LSTMState(rng.standard_normal((1, H)), rng.standard_normal((1, H)))
        for h in decoders()[name](step, state, max_length=8):
            assert h.score == pytest.approx(rescore(step, state, h.words, finished=h.finished), rel=0, abs=1e-12)


@pytest.mark.parametrize("image", ["first", "every", "attention", "none"])
def test_the_captioner(image):
    rng = np.random.default_rng(0)
    config = CaptionerConfig(
        vocab=8, image_size=8, channels=(3, 4), attend=1, features=5, embed=4, hidden=6, cell="lstm", image=image
    )
    params, running = init_captioner(rng, config, np.float64)
    params = params._replace(out=tree_map(lambda leaf: rng.standard_normal(leaf.shape) * 3, params.out))
    images = rng.random((3, 8, 8, 3))

    def step(words, telling):
        return advance(words, telling, params, config=config)

    keep = (lambda telling: telling.where) if image == "attention" else None
    batch = greedy(step, look_at(images, running, params, config=config), 3, max_length=7, keep=keep)
    for i, h in enumerate(batch):
        one = look_at(images[i : i + 1], running, params, config=config)
        (first,) = beam_search(step, one, beam=1, max_length=7)
        assert plain([first]) == plain([h])
        wide = beam_search(step, one, beam=4, max_length=7, keep=keep)
        for other in [h, *wide]:
            assert other.score == pytest.approx(rescore(step, one, other.words, finished=other.finished), abs=1e-12)
            if keep:
                assert len(other.kept) == len(other.words) + other.finished
                np.testing.assert_allclose([m.sum() for m in other.kept], 1, atol=1e-12)
                assert {m.shape for m in other.kept} == {(4,)}


# --- rescore ---------------------------------------------------------------------------------------------------------


def test_rescore_by_hand():
    step = fixed_step([0.1, 0.1, 0.3, 0.5], lambda w: [0.2, 0, 0.6, 0.2] if w == 3 else [0, 0, 0.1, 0.9], [0, 0, 1, 0])
    assert rescore(step, T0, [3]) == pytest.approx(np.log(0.5 * 0.6), abs=1e-15)
    assert rescore(step, T0, [3], finished=False) == pytest.approx(np.log(0.5), abs=1e-15)
    assert rescore(step, T0, np.array([0, 3])) == pytest.approx(np.log(0.1 * 0.9), abs=1e-15)  # PAD: the model's own
    assert rescore(step, T0, []) == pytest.approx(np.log(0.3), abs=1e-15)
    assert rescore(step, T0, [], finished=False) == 0.0
    assert rescore(step, T0, [3, 1]) == -np.inf


def test_rescore_refuses_words_that_are_none():
    step, state = toy_step(0, 5), toy_state(1)
    with pytest.raises(IndexError, match=r"word 5 .* there are 5 words"):
        rescore(step, state, [3, 5])
    with pytest.raises(IndexError, match="word -1 "):
        rescore(step, state, [-1])
    with pytest.raises(DataError, match=r"words holds END \(2\) at position 1"):
        rescore(step, state, [3, 2])


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", decoders())
def test_nan_is_named_and_never_decoded(name):
    def broken(words, state):
        logp, state = toy_step(0, 5)(words, state)
        logp[:, 4] = np.nan
        return logp, state

    with pytest.raises(DataError, match="log-probability of word 4 is NaN"):
        decoders()[name](broken, toy_state(1))
    with pytest.raises(DataError, match="NaN"):
        decoders()[name](broken, toy_state(1), never=(0, 1, 4))
    with pytest.raises(DataError, match="NaN"):
        rescore(broken, toy_state(1), [3])


@pytest.mark.parametrize("name", decoders())
def test_no_word_possible(name):
    with pytest.raises(DataError, match="no word is possible"):
        decoders()[name](fixed_step([0.5, 0.5, 0, 0]), T0)


@pytest.mark.parametrize("name", decoders())
@pytest.mark.parametrize("shift", [1.0, 1e4, np.inf])
def test_logits_are_not_log_probabilities(name, shift):
    def step(words, state):
        logp, state = toy_step(0, 5)(words, state)
        return logp + shift, state

    with pytest.raises(ValueError, match="must give log-probabilities"):
        decoders()[name](step, toy_state(1))


@pytest.mark.parametrize("name", decoders())
def test_a_step_that_breaks_the_contract(name):
    step = toy_step(0, 5)
    with pytest.raises(ValueError, match="gave log-probabilities for 2, shape"):
        decoders()[name](lambda w, s: (np.repeat(step(w, s)[0], 2, axis=0), s), toy_state(1))
    with pytest.raises(ValueError, match="logp has 1 axes"):
        decoders()[name](lambda w, s: (step(w, s)[0][0], s), toy_state(1))
    with pytest.raises(ValueError, match=r"state\.trail has shape \(2, 1\)"):
        decoders()[name](lambda w, s: (step(w, s)[0], s._replace(trail=s.trail.T)), toy_state(1))
    with pytest.raises(ValueError, match="keep gave 2 rows"):
        decoders()[name](step, toy_state(1), keep=lambda s: s.trail.T)
    with pytest.raises(ValueError, match=r"state\.code has shape \(2,\)"):
        decoders()[name](step, toy_state(2))


@pytest.mark.parametrize("name", decoders())
def test_options_out_of_range(name):
    decode, step, state = decoders()[name], toy_step(0, 5), toy_state(1)
    for max_length in (0, -3, 2.5):
        with pytest.raises(DataError, match=f"max_length is {max_length}"):
            decode(step, state, max_length=max_length)
    for wrong in (5, -1):
        with pytest.raises(IndexError, match=f"word {wrong} .* there are 5 words in the vocabulary"):
            decode(step, state, end=wrong)
        with pytest.raises(IndexError, match=f"word {wrong} "):
            decode(step, state, never=(0, wrong))
    with pytest.raises(DataError, match=r"END \(2\) is among the words that are never emitted"):
        decode(step, state, never=(0, 2))


def test_options_of_sampling_and_of_the_beam_out_of_range():
    step, state, rng = toy_step(0, 5), toy_state(1), np.random.default_rng(0)
    for temperature in (-1.0, -1e-9, np.nan, np.inf):
        with pytest.raises(DataError, match=f"temperature is {temperature}"):
            sample(step, state, 1, rng=rng, temperature=temperature)
    for top_k in (0, -1, 2.0):
        with pytest.raises(DataError, match=f"top_k is {top_k}"):
            sample(step, state, 1, rng=rng, top_k=top_k)
        with pytest.raises(DataError, match=f"top_k is {top_k}"):
            sample(step, state, 1, rng=rng, top_k=top_k, temperature=0)
    for beam in (0, -1, 2.0):
        with pytest.raises(DataError, match=f"beam is {beam}"):
            beam_search(step, state, beam=beam)
    for penalty in (-0.1, np.nan, np.inf):
        with pytest.raises(DataError, match=f"length_penalty is {penalty}"):
            beam_search(step, state, length_penalty=penalty)
