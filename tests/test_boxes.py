"""Overlap, suppression and average precision, against values worked out by hand and what must hold for any boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirnn.boxes import (
    FALSE,
    HIT,
    IGNORED,
    Found,
    Truth,
    area_under,
    curve,
    iou,
    iou_of_pairs,
    match,
    mean_average_precision,
    non_maximum_suppression,
)


def boxes(*rows):
    return np.array(rows, float).reshape(-1, 4)


def found(rows, scores, labels=None):
    return Found(boxes(*rows), np.array(scores, float), np.array(labels or [0] * len(scores), int))


def truth(rows, labels=None, difficult=None):
    n = len(rows)
    return Truth(boxes(*rows), np.array(labels or [0] * n, int), np.array(difficult or [False] * n, bool))


edges = st.integers(0, 20)
box = st.tuples(edges, edges, edges, edges).map(
    lambda e: [min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]), max(e[1], e[3])]
)
some_boxes = st.lists(box, max_size=8).map(lambda rows: boxes(*rows))

# --- overlap ---------------------------------------------------------------------------------------------------------


def test_iou_by_hand():
    a = boxes([0, 0, 4, 2])
    b = boxes([0, 0, 4, 2], [2, 0, 6, 2], [3, 1, 5, 3], [4, 0, 8, 2], [1, 0, 2, 1])
    np.testing.assert_allclose(iou(a, b)[0], [1, 4 / 12, 1 / 11, 0, 1 / 8])
    assert iou(boxes([1, 1, 1, 1]), boxes([1, 1, 1, 1])).tolist() == [[0.0]]
    assert iou(boxes(), b).shape == (0, 5)


def test_iou_of_pairs_by_hand():
    a = boxes([0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 1, 1], [3, 3, 3, 3])
    b = boxes([0, 0, 2, 2], [1, 0, 3, 2], [1, 1, 2, 2], [3, 3, 3, 3])
    np.testing.assert_allclose(iou_of_pairs(a, b), [1, 1 / 3, 0, 0])
    np.testing.assert_array_equal(iou_of_pairs(a.reshape(2, 2, 4), b.reshape(2, 2, 4)).ravel(), np.diag(iou(a, b)))
    with pytest.raises(ValueError, match=r"b has shape \(4, 3\); expected"):
        iou_of_pairs(a, b[:, :3])


@given(some_boxes, some_boxes)
def test_iou_is_symmetric_and_a_share(a, b):
    both = iou(a, b)
    assert ((both >= 0) & (both <= 1)).all()
    np.testing.assert_array_equal(both, iou(b, a).T)
    area = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    np.testing.assert_array_equal(np.diag(iou(a, a)), area > 0)


@given(some_boxes, some_boxes, st.integers(-50, 50), st.sampled_from([0.25, 2.0, 8.0]))
def test_iou_does_not_depend_on_where_and_how_large(a, b, shift, scale):
    np.testing.assert_allclose(iou(a, b), iou((a + shift) * scale, (b + shift) * scale), atol=1e-12)


@given(box, box)
def test_iou_counts_pixels(a, b):
    def pixels(rows):
        return {(x, y) for x in range(rows[0], rows[2]) for y in range(rows[1], rows[3])}

    union = pixels(a) | pixels(b)
    expected = len(pixels(a) & pixels(b)) / len(union) if union else 0
    assert iou(boxes(a), boxes(b))[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize("wrong", [np.zeros(4), np.zeros((2, 3)), boxes([3, 0, 2, 1]), boxes([0, 0, 1, np.nan])])
def test_what_is_no_box_is_refused(wrong):
    with pytest.raises(ValueError, match="expected \\(N, 4\\)|ends before it begins"):
        iou(boxes(), wrong)


# --- suppression -----------------------------------------------------------------------------------------------------


def test_suppression_by_hand():
    # 0 and 1 overlap by 1/3, 1 and 2 by 1/3, 0 and 2 not at all
    rows = boxes([0, 0, 4, 2], [2, 0, 6, 2], [4, 0, 8, 2])
    assert non_maximum_suppression(rows, np.array([0.9, 0.8, 0.7]), 0.3).tolist() == [0, 2]
    assert non_maximum_suppression(rows, np.array([0.8, 0.9, 0.7]), 0.3).tolist() == [1]
    assert non_maximum_suppression(rows, np.array([0.7, 0.9, 0.8]), 0.4).tolist() == [1, 2, 0]
    assert non_maximum_suppression(rows[[0, 0]], np.array([0.5, 0.5]), 1 - 1e-9).tolist() == [0]


def test_a_dropped_box_drops_no_other():
    """1 is dropped for 0; 2 overlaps 1 but not 0, and stays."""
    rows = boxes([0, 0, 10, 10], [0, 4, 10, 14], [0, 8, 10, 18])
    assert non_maximum_suppression(rows, np.array([3.0, 2.0, 1.0]), 0.2).tolist() == [0, 2]


@given(some_boxes, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_kept_boxes_are_apart_and_dropped_ones_near_a_surer_one(rows, random, threshold):
    scores = np.array([random.choice([0.1, 0.2, 0.3]) for _ in rows])
    kept = non_maximum_suppression(rows, scores, threshold)
    overlap = iou(rows, rows)
    assert (np.diff(scores[kept]) <= 0).all()
    assert (overlap[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] <= threshold).all()
    for k in set(range(len(rows))) - set(kept.tolist()):
        assert any(overlap[k, j] > threshold and scores[j] >= scores[k] for j in kept)


@pytest.mark.parametrize(
    ("scores", "threshold", "says"),
    [([1.0], 0.5, "scores have shape"), ([1.0, 2.0], 1.5, "from 0 to 1"), ([1.0, np.nan], 0.5, "box 1 is NaN")],
)
def test_suppression_refuses(scores, threshold, says):
    with pytest.raises(ValueError, match=says):
        non_maximum_suppression(boxes([0, 0, 1, 1], [0, 0, 1, 1]), np.array(scores), threshold)


# --- right or wrong --------------------------------------------------------------------------------------------------


def test_each_thing_is_found_once_by_the_surest():
    there = boxes([0, 0, 10, 10], [20, 0, 30, 10])
    said = boxes([0, 0, 10, 9], [0, 0, 10, 10], [20, 0, 30, 4], [20, 0, 30, 5])
    plain = np.zeros(2, bool)
    assert match(said, np.array([0.9, 0.8, 0.7, 0.6]), there, plain).tolist() == [HIT, FALSE, FALSE, HIT]
    assert match(said, np.array([0.8, 0.9, 0.7, 0.6]), there, plain).tolist() == [FALSE, HIT, FALSE, HIT]
    assert match(said, np.array([0.9, 0.8, 0.7, 0.6]), there, np.array([True, False])).tolist() == [
        IGNORED,
        IGNORED,
        FALSE,
        HIT,
    ]
    assert match(said, np.ones(4), boxes(), np.zeros(0, bool)).tolist() == [FALSE] * 4


def test_a_box_looks_only_for_the_thing_that_it_overlaps_most():
    """The second box would fit the second thing as well, but overlaps the first one more, which is taken."""
    there = boxes([0, 0, 10, 10], [0, 4, 10, 14])
    said = boxes([0, 0, 10, 10], [0, 1, 10, 11])
    assert iou(said, there)[1, 1] > 0.5
    assert match(said, np.array([0.9, 0.8]), there, np.zeros(2, bool)).tolist() == [HIT, FALSE]


# --- average precision -----------------------------------------------------------------------------------------------


def test_average_precision_by_hand():
    # right, wrong, right, wrong, right of four things: precision 1, 1/2, 2/3, 1/2, 3/5 at recall 1/4, 1/4, 1/2, 1/2, 3/4
    precision, recall = np.array([1, 1 / 2, 2 / 3, 1 / 2, 3 / 5]), np.array([1, 1, 2, 2, 3]) / 4
    assert area_under(precision, recall) == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert area_under(np.zeros(0), np.zeros(0)) == 0


def test_the_curve_goes_over_all_pictures_by_score():
    """Two pictures: the surest box is wrong, the next two right; a thing of the other class is nobody's business."""
    thing, far = [0, 0, 10, 10], [50, 50, 60, 60]
    said = [found([thing, far], [0.8, 0.9]), found([thing, thing], [0.7, 0.95], [0, 1])]
    there = [truth([thing]), truth([thing, far], [0, 1])]
    c = curve(said, there, 0)
    assert c.truths == 2
    assert c.scores.tolist() == [0.9, 0.8, 0.7]
    np.testing.assert_allclose(c.precision, [0, 1 / 2, 2 / 3])
    np.testing.assert_allclose(c.recall, [0, 1 / 2, 1])
    assert c.average_precision == pytest.approx(2 / 3)
    assert curve(said, there, 1).average_precision == 0
    assert mean_average_precision([c, curve(said, there, 1), curve(said, there, 2)]) == pytest.approx(1 / 3)


def test_difficult_things_count_neither_way():
    thing, far = [0, 0, 10, 10], [50, 50, 60, 60]
    said = [found([thing, far], [0.8, 0.9])]
    c = curve(said, [truth([thing, far], difficult=[False, True])], 0)
    assert (c.truths, c.scores.tolist(), c.precision.tolist(), c.recall.tolist()) == (1, [0.8], [1.0], [1.0])
    assert curve([found([], [])], [truth([thing], difficult=[True])], 0).truths == 0


def test_nothing_found_and_nothing_there():
    thing = [0, 0, 10, 10]
    assert curve([found([], [])], [truth([thing])], 0).average_precision == 0
    assert mean_average_precision([curve([found([thing], [0.5])], [truth([])], 0)]) == 0
    with pytest.raises(ValueError, match="shorter|longer"):
        curve([found([], [])], [], 0)


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 5))
def test_average_precision_is_the_mean_of_the_best_precisions_still_to_come(hits, missed):
    """Another way to say it: each thing that is found earns the best precision from its place on."""
    hits = np.array(hits)
    truths = int(hits.sum()) + missed
    if not truths:
        return
    precision, recall = np.cumsum(hits) / np.arange(1, len(hits) + 1), np.cumsum(hits) / truths
    expected = sum(precision[k:].max() for k in np.flatnonzero(hits)) / truths
    assert area_under(precision, recall) == pytest.approx(expected)
    assert 0 <= area_under(precision, recall) <= recall[-1] + 1e-12
