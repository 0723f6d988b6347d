"""The caption scores: small examples by hand, drawn corpora against pycocoevalcap, properties, bad input."""

from __future__ import annotations

import json
import math
import random
import sys

import pytest

from minirnn.errors import DataError
from minirnn.metrics import bleu, caption_scores, cider, exact_match, rouge_l

KEYS = ["bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider"]

# ---- by hand --------------------------------------------------------------------------------------------------------


def near(value: float) -> object:
    """BLEU's TINY and SMALL move a hand-computed value by about 1e-9."""
    return pytest.approx(value, rel=1e-8)


def test_bleu_clips_the_counts() -> None:
    # Papineni's example: "the" stands at most twice in one reference, so 2 of 7 count; lengths 6 and 7: 7 is closest
    b1, b2, b3, b4 = bleu([["the cat is on the mat", "there is a cat on the mat"]], ["the the the the the the the"])
    assert b1 == near(2 / 7)
    assert b2 == near(math.sqrt(2 / 7 * 1e-15 / 6))  # 0 of 6 bigrams: (0 + TINY) / 6
    assert b3 == near((2 / 7 * 1e-15 / 6 * 1e-15 / 5) ** (1 / 3))
    assert b4 == near((2 / 7 * 1e-15 / 6 * 1e-15 / 5 * 1e-15 / 4) ** (1 / 4))


def test_bleu_is_a_geometric_mean() -> None:
    # a, b, d of 4 words; "a b" of 3 bigrams; 0 of 2 trigrams; 0 of 1
    b1, b2, b3, b4 = bleu([["a b c d"]], ["a b x d"])
    assert b1 == near(3 / 4)
    assert b2 == near(1 / 2)  # sqrt(3/4 * 1/3); the arithmetic mean would be 13/24
    assert b3 == near((3 / 4 * 1 / 3 * 1e-15 / 2) ** (1 / 3))
    assert b4 == near((3 / 4 * 1 / 3 * 1e-15 / 2 * 1e-15 / 1) ** (1 / 4))


@pytest.mark.parametrize(
    ("reference_lengths", "closest"),
    [
        ([2, 5], 5),  # 5 is 1 away, 2 is 2 away; the shortest would be no penalty
        ([5, 3], 3),  # equally near: the shorter
        ([3, 5], 3),
        ([6, 9], 6),
        ([4, 9], 4),
    ],
)
def test_bleu_takes_the_closest_reference_length(reference_lengths: list[int], closest: int) -> None:
    # four right words of four, so BLEU-1 is the brevity penalty alone: exp(1 - closest / 4) if closest > 4
    references = [["a " * n for n in reference_lengths]]
    clipped = min(4, max(reference_lengths)) / 4
    assert bleu(references, ["a a a a"])[0] == near(clipped * math.exp(min(0.0, 1 - closest / 4)))


def test_bleu_sums_over_the_corpus_before_dividing() -> None:
    # 1 of 1 and 1 of 5 words: 2 / 6, where a mean over pictures would be 3 / 5; lengths 1 + 5 = 1 + 5
    assert bleu([["a"], ["a b c d e"]], ["a", "a v w x y"])[0] == near(2 / 6)
    # and one penalty for the corpus: 3 + 5 words against 5 + 3 gives none, though the first hypothesis is short
    assert bleu([["a b c d e"], ["a b c"]], ["a b c", "a b c x y"])[0] == near(6 / 8)


def test_bleu_of_a_right_caption_shorter_than_n() -> None:
    # no bigram: p_2 = TINY / SMALL = 1e-6, so BLEU-2 = sqrt(1 * 1e-6); p_3 and p_4 the same
    b1, b2, b3, b4 = bleu([["dog"]], ["dog"])
    assert (b1, b2, b3, b4) == (near(1), near(1e-3), near(1e-12 ** (1 / 3)), near(1e-18 ** (1 / 4)))


def test_rouge_l_by_hand() -> None:
    # LCS("a b c d", "a c e") = "a c": P = 2/4, R = 2/3; F = 2.44 * P * R / (R + 1.44 * P) = 61/104
    assert rouge_l([["a c e"]], ["a b c d"]) == pytest.approx(61 / 104, rel=1e-12)
    # order counts: LCS("b a", "a b") = 1, P = R = F = 1/2
    assert rouge_l([["a b"]], ["b a"]) == pytest.approx(1 / 2, rel=1e-12)
    # best P from the long reference (3/4), best R from the short one (1/1): F = 2.44 * 0.75 / (1 + 1.44 * 0.75)
    assert rouge_l([["a b c e f g h", "a"]], ["a b c x"]) == pytest.approx(1.83 / 2.08, rel=1e-12)
    # an empty caption is one empty word, which matches an empty reference: F = 1, then 0
    assert rouge_l([["", "a"], ["a"]], ["", ""]) == pytest.approx(1 / 2, rel=1e-12)
    # "a  b" has an empty word in the middle: LCS 2, P = 2/3, R = 1, F = 2.44 * (2/3) / (1 + 1.44 * (2/3)) = 122/147
    assert rouge_l([["a b"]], ["a  b"]) == pytest.approx(122 / 147, rel=1e-12)
    assert rouge_l([["a  b"]], ["a b"]) == pytest.approx(2.44 * (2 / 3) / (2 / 3 + 1.44), rel=1e-12)
    # mean over pictures
    assert rouge_l([["a b"], ["a b"]], ["b a", "x"]) == pytest.approx(1 / 4, rel=1e-12)


def test_cider_by_hand() -> None:
    # N = 2, every word in one picture: each weight is L = log 2
    # picture 0, equal: sim_1 = sim_2 = 1, no trigrams: 10 * (1 + 1 + 0 + 0) / 4 = 5
    # picture 1: sim_1 = L*L / (sqrt(2) L * sqrt(2) L) = 1/2, sim_2 = 0 ("x", in no reference, weighs L too): 1.25
    assert cider([["a b"], ["c d"]], ["a b", "c x"]) == pytest.approx((5 + 1.25) / 2, rel=1e-12)


def test_cider_clips_and_penalises_length() -> None:
    # hyp (3L), ref (L, L): min(3L, L) * L / (3L * sqrt(2) L) = 1 / (3 sqrt(2)); 3 words against 2: exp(-1 / 72)
    score = 10 / 4 * math.exp(-1 / 72) / (3 * math.sqrt(2))
    assert cider([["a b"], ["c d"]], ["a a a", "x"]) == pytest.approx(score / 2, rel=1e-12)
    # the other way round the minimum takes nothing: hyp (L, L) v ref (2L): L * 2L / (sqrt(2) L * 2L) = 1 / sqrt(2)
    assert cider([["a a"], ["c d"]], ["a b", ""]) == pytest.approx(10 / 4 / math.sqrt(2) / 2, rel=1e-12)


def test_cider_counts_pictures_not_captions() -> None:
    # N = 3. df(a) = 2 pictures (three captions), df of the others 1: A = log(3/2) for a, L = log 3 for b, c, d, e
    # picture 0: hyp "a" v "a b" and "a c": sim_1 = A*A / (A * sqrt(A*A + L*L)) twice, length 0 v 1: exp(-1/72)
    A, L = math.log(3 / 2), math.log(3)
    score = 10 / 4 * math.exp(-1 / 72) * A / math.hypot(A, L)
    references = [["a b", "a c"], ["a d"], ["e"]]
    assert cider(references, ["a", "x", "x"]) == pytest.approx(score / 3, rel=1e-12)


def test_cider_of_one_picture_is_zero() -> None:
    assert cider([["a b c d e"]], ["a b c d e"]) == 0.0  # log 1 = 0: no n-gram tells one picture from others


def test_exact_match_by_hand() -> None:
    references = [["a red square", "the red square"], ["a dog"], ["a cat"], ["a b"]]
    # case, order and every word count; a space at the end does not
    assert exact_match(references, ["the red square", "A dog", "a cat ", "a b c"]) == 2 / 4
    assert exact_match(references, ["square red a", "a dog", "a cat cat", "a"]) == 1 / 4


# ---- against pycocoevalcap ------------------------------------------------------------------------------------------

WORDS = ["a", "the", "red", "dog", "cat", "on", "in", "runs", "jumps", "grass", "beach", "man", "woman", "two"]
UNICODE = ["naïve", "nai\u0308ve", "собака", "犬", "🐕", "👨‍👩‍👧", "ß", "ẞ", "İ", "كلب"]
KINDS = {  # (pictures, references per picture, words per caption, vocabulary), each as (least, most) or words
    "plain": ((2, 20), (1, 5), (1, 12), WORDS),
    "one picture": ((1, 1), (1, 5), (0, 8), WORDS),
    "one word": ((1, 12), (1, 5), (1, 1), WORDS),
    "shorter than n": ((1, 12), (1, 5), (0, 3), WORDS),
    "repeated words": ((1, 12), (1, 5), (0, 12), WORDS[:2]),
    "empty captions": ((1, 8), (1, 3), (0, 1), WORDS[:4]),
    "unicode": ((1, 12), (1, 5), (1, 8), UNICODE),
    "long": ((2, 6), (1, 5), (0, 60), WORDS),
    "duplicates": ((2, 12), (1, 5), (1, 8), WORDS),
    "odd spaces": ((2, 12), (1, 5), (0, 8), [*WORDS[:5], "", "\t", "\u00a0", "x\u3000y", "\u2028"]),
}
CORPORA_PER_KIND = 30


def draw_corpus(kind: str, seed: int) -> tuple[list[list[str]], list[str]]:
    """References and hypotheses; a hypothesis is new, or a reference as it is, cut, doubled or emptied."""
    rng = random.Random(f"{kind} {seed}")
    pictures, captions, length, words = KINDS[kind]

    def caption() -> str:
        return " ".join(rng.choices(words, k=rng.randint(*length)))

    references = [[caption() for _ in range(rng.randint(*captions))] for _ in range(rng.randint(*pictures))]
    if kind == "duplicates":
        references = [rng.choice(references) * rng.randint(1, 2) for _ in references]
    hypotheses = []
    for refs in references:
        near_it = rng.choice(refs)
        cut = near_it.split(" ")[: rng.randint(0, 6)]
        hypotheses.append(rng.choice([caption(), near_it, " ".join(cut), f"{near_it} {near_it}", caption(), ""]))
    return references, hypotheses


def coco_scores(references: list[list[str]], hypotheses: list[str]) -> dict[str, float]:
    """The same six numbers from pycocoevalcap's own scorers (which need no Java on given tokens)."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    gts, res = dict(enumerate(references)), {k: [hyp] for k, hyp in enumerate(hypotheses)}
    values = [*Bleu(4).compute_score(gts, res, verbose=0)[0], Rouge().compute_score(gts, res)[0]]
    if any(ref.split() for refs in references for ref in refs):
        values.append(Cider().compute_score(gts, res)[0])
    else:
        values.append(0.0)  # without a single reference word, it fails on max() of nothing
    return dict(zip(KEYS, map(float, values), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_corpora_equal_pycocoevalcap(kind: str) -> None:
    pytest.importorskip("pycocoevalcap")
    assert len(KINDS) * CORPORA_PER_KIND == 300
    for seed in range(CORPORA_PER_KIND):
        references, hypotheses = draw_corpus(kind, seed)
        ours, coco = caption_scores(references, hypotheses), coco_scores(references, hypotheses)
        for key in KEYS:
            difference = abs(ours[key] - coco[key])
            # tiny scores (BLEU-4 without a match is around 1e-12) must agree in their digits as well
            assert difference <= 1e-9 * min(1.0, coco[key]) + sys.float_info.min, (
                f"{kind} corpus {seed}, {key}: {ours[key]!r}, pycocoevalcap {coco[key]!r}\n{references}\n{hypotheses}"
            )


def test_the_drawn_corpora_are_as_odd_as_they_claim() -> None:
    drawn = {kind: [draw_corpus(kind, seed) for seed in range(CORPORA_PER_KIND)] for kind in KINDS}
    everything = [corpus for corpora in drawn.values() for corpus in corpora]
    assert {len(refs) for references, _ in everything for refs in references} >= {1, 2, 3, 4, 5}
    assert sum(hypotheses.count("") for _, hypotheses in everything) > 100
    assert all(len(hypotheses) == 1 for _, hypotheses in drawn["one picture"])
    assert any(not any(hypotheses) for _, hypotheses in everything)  # every hypothesis of a corpus empty
    assert any(not any(map(any, references)) for references, _ in everything)  # every reference empty
    assert any("  " in hyp for _, hypotheses in drawn["odd spaces"] for hyp in hypotheses)
    positive = [all(score > 1e-3 for score in caption_scores(*corpus).values()) for corpus in drawn["plain"]]
    assert sum(positive) > CORPORA_PER_KIND / 2  # the comparison is not of zeros with zeros


# ---- properties -----------------------------------------------------------------------------------------------------


def test_perfect_captions() -> None:
    references = [["a red dog on the grass", "other words"], ["two cats in a tree"], ["the man runs very fast"]]
    scores = caption_scores(references, [refs[0] for refs in references])
    for n in range(1, 5):
        assert scores[f"bleu{n}"] == pytest.approx(1, abs=1e-8)
    assert scores["rouge_l"] == pytest.approx(1, abs=1e-12)
    # sim_n is 1 for each n against the caption itself and 0 against "other words": 10 * mean(1/2, 1, 1)
    assert scores["cider"] == pytest.approx(10 * 2.5 / 3, rel=1e-12)
    assert exact_match(references, [refs[0] for refs in references]) == 1.0


def test_all_wrong_captions() -> None:
    references, hypotheses = [["a b c d"], ["e f g h"]], ["v w x y", "z z z z"]
    assert all(score < 1e-12 for score in caption_scores(references, hypotheses).values())
    assert exact_match(references, hypotheses) == 0.0


def test_empty_hypotheses_score_nothing() -> None:
    assert caption_scores([["a b c d"], ["e f"]], ["", ""]) == dict.fromkeys(KEYS, 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_pictures_and_references_does_not_count(kind: str) -> None:
    for seed in range(5):
        references, hypotheses = draw_corpus(kind, seed)
        rng = random.Random(seed)
        order = rng.sample(range(len(references)), len(references))
        shuffled = [rng.sample(references[k], len(references[k])) for k in order]
        moved = [hypotheses[k] for k in order]
        expected = caption_scores(references, hypotheses)
        assert caption_scores(shuffled, moved) == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert exact_match(shuffled, moved) == exact_match(references, hypotheses)


def test_scores_stay_in_their_range_and_inputs_as_they_were() -> None:
    for kind in KINDS:
        for seed in range(5):
            references, hypotheses = draw_corpus(kind, seed)
            before = json.dumps([references, hypotheses])
            scores = caption_scores(references, hypotheses)
            assert json.dumps([references, hypotheses]) == before
            assert list(scores) == KEYS
            assert all(type(score) is float for score in scores.values())  # plain floats: the reports are JSON
            assert all(0 <= scores[key] <= 1 + 1e-12 for key in KEYS[:-1])
            assert 0 <= scores["cider"] <= 10 + 1e-9


def test_tuples_are_fine() -> None:
    assert caption_scores((("a b", "c"), ("d",)), ("a b", "d")) == caption_scores([["a b", "c"], ["d"]], ["a b", "d"])


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [caption_scores, exact_match, bleu, rouge_l, cider])
@pytest.mark.parametrize(
    ("references", "hypotheses", "message"),
    [
        ([["a"], ["b"]], ["a"], "references are for 2 pictures but there are 1 hypotheses; expected one"),
        ([], ["a", "b", "c"], "references are for 0 pictures but there are 3 hypotheses; expected one"),
        ([], [], "there is no picture to score"),
        ([["a"], []], ["a", "b"], r"references\[1\] is empty: picture 1 has no reference; expected at least one"),
        ([["a"], "b"], ["a", "b"], r"references\[1\] has type str; expected a list of captions"),
        ([["a"], None], ["a", "b"], r"references\[1\] has type NoneType; expected a list"),
        ([["a", 3]], ["a"], r"references\[0\]\[1\] has type int; expected a caption as a string"),
        ([[["a", "b"]]], ["a b"], r"references\[0\]\[0\] has type list; expected a caption as a string"),
        ([["a"], ["b"]], ["a", None], r"hypotheses\[1\] has type NoneType; expected a caption as a string"),
        ([["a"]], [b"a"], r"hypotheses\[0\] has type bytes; expected"),
        ([["a"]], "a", "hypotheses has type str; expected a list of captions, one per picture"),
        ({"id": ["a"]}, ["a"], "references has type dict; expected a list of lists of captions, one per picture"),
    ],
)
def test_bad_input_is_named(function: object, references: object, hypotheses: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        function(references, hypotheses)  # type: ignore[operator]
    assert isinstance(error.value, ValueError)
    assert "\n" not in str(error.value)
