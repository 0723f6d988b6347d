"""Strokes as points, as Bézier pieces and as a picture, on curves that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from minirnn.data.bezier import Pieces, bezier_pieces, curve, curve_features, fit_cubics
from minirnn.data.strokes import normalise, point_features, rasterise, resample
from minirnn.errors import DataError

ARC = np.array([[[0.0, 0], [0.3, 0.6], [0.8, 0.5], [1, 0]]])  # one bow, (1, 4, 2)
WAVE = np.array([[[0.0, 0], [0.4, 0.9], [0.6, -0.9], [1, 0]]])  # up and down


def circle(n=400, radius=1.0, turns=1.0):
    t = np.linspace(0, 2 * np.pi * turns, n)
    return radius * np.stack([np.cos(t), np.sin(t)], axis=1)


def angle(degrees):
    """The matrix that turns rows by so many degrees."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, s], [-s, c]])


# points


def test_normalising_keeps_shape_and_undoes_moving_and_scaling():
    strokes = [np.array([[3.0, 5], [7, 9]]), np.array([[5.0, 13]])]
    first, second = normalise(strokes)
    np.testing.assert_allclose(first, [[0, 0], [0.5, 0.5]])
    np.testing.assert_allclose(second, [[0.25, 1]])
    assert first.dtype == np.float32
    again = normalise([7 * s - 100 for s in strokes])
    np.testing.assert_allclose(np.concatenate(again), np.concatenate([first, second]), atol=1e-6)


def test_a_dash_and_a_dot_are_not_blown_up():
    (dash,) = normalise([np.array([[0.0, 3], [40, 3]])])
    np.testing.assert_allclose(dash, [[0, 0], [20, 0]])
    (dot,) = normalise([np.array([[8.0, 9]])])
    np.testing.assert_array_equal(dot, [[0, 0]])


def test_resampled_points_are_equally_far_apart_along_the_stroke():
    corner = np.array([[0.0, 0], [3, 0], [3, 0], [3, 1]])  # uneven, with a point twice
    np.testing.assert_allclose(resample(corner, 1.0), [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]])
    fine = resample(circle(2000), 0.1)
    assert len(fine) == 1 + round(2 * np.pi / 0.1)
    steps = np.linalg.norm(np.diff(fine, axis=0), axis=1)
    np.testing.assert_allclose(steps, 2 * np.pi / (len(fine) - 1), rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(fine, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(resample(np.array([[2.0, 3], [2, 3]]), 1), [[2, 3]])
    np.testing.assert_array_equal(resample(np.array([[2.0, 3], [2, 4]]), 100), [[2, 3], [2, 4]])


def test_point_features_are_steps_and_where_the_pen_is_lifted():
    strokes = [np.array([[1.0, 1], [2, 1]]), np.array([[5.0, 5]]), np.array([[5.0, 6], [4, 6]])]
    rows = point_features(strokes)
    np.testing.assert_array_equal(rows, [[0, 0, 0], [1, 0, 1], [3, 4, 1], [0, 1, 0], [-1, 0, 1]])
    np.testing.assert_array_equal(rows[:, :2].cumsum(axis=0) + [1, 1], np.concatenate(strokes))


@pytest.mark.parametrize(
    ("strokes", "says"),
    [([], "no stroke"), ([np.zeros((3, 3))], r"shape \(3, 3\)"), ([np.zeros((0, 2))], r"shape \(0, 2\)"),
     ([np.zeros((1, 2)), np.array([[np.inf, 0]])], "stroke 1 holds NaN or infinity")],
)  # fmt: skip
@pytest.mark.parametrize("function", [normalise, point_features, rasterise])
def test_what_is_no_stroke_is_refused(function, strokes, says):
    with pytest.raises(DataError, match=says):
        function(strokes)


@pytest.mark.parametrize("spacing", [0, -1, np.nan, np.inf])
def test_a_spacing_must_be_more_than_nothing(spacing):
    with pytest.raises(ValueError, match="spacing is"):
        resample(circle(), spacing)


# Bézier pieces


def test_points_on_a_cubic():
    at = curve(ARC, np.array([[0, 0.5, 1]]))[0]
    np.testing.assert_allclose(at, [[0, 0], (ARC[0, 0] + 3 * ARC[0, 1] + 3 * ARC[0, 2] + ARC[0, 3]) / 8, [1, 0]])


@pytest.mark.parametrize("control", [ARC, WAVE], ids=["arc", "wave"])
@pytest.mark.parametrize("spread", ["even", "late", "random"])
def test_a_fit_of_a_true_cubic_recovers_it(control, spread):
    u = np.linspace(0, 1, 16)
    u = {"even": u, "late": u**1.5, "random": np.sort(np.r_[0, np.random.default_rng(1).uniform(0, 1, 14), 1])}[spread]
    found, away = fit_cubics(curve(control, u[None]), steps=60)
    np.testing.assert_allclose(found, control, atol=1e-6)
    assert away.max() < 1e-8


def test_a_straight_line_needs_no_bend_and_equal_points_do_no_harm():
    line = np.linspace(0, 1, 8)[:, None] * np.array([2.0, 1])
    found, away = fit_cubics(np.stack([line, np.ones((8, 2))]))
    assert away.max() < 1e-9
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0, 1:3] @ [1, -2], 0, atol=1e-9)


def test_improving_the_places_never_fits_worse():
    points = np.random.default_rng(0).standard_normal((20, 10, 2)).cumsum(axis=1)
    before, after = ((fit_cubics(points, steps)[1] ** 2).sum(axis=1) for steps in (0, 8))
    assert (after <= before + 1e-12).all()
    assert after.mean() < 0.8 * before.mean()


def test_pieces_follow_the_stroke_and_join():
    strokes = [circle(turns=1.6), np.array([[2.0, 0], [3, 0], [3, 2]])]
    (pieces,) = bezier_pieces([strokes], 0.01)
    assert pieces.stroke.tolist() == sorted(pieces.stroke.tolist())
    assert set(pieces.stroke.tolist()) == {0, 1}
    for k, stroke in enumerate(strokes):
        own = pieces.control[pieces.stroke == k]
        np.testing.assert_allclose(own[0, 0], stroke[0], atol=1e-6)
        np.testing.assert_allclose(own[-1, 3], stroke[-1], atol=1e-6)
        np.testing.assert_array_equal(own[1:, 0], own[:-1, 3])
    ring = pieces.control[pieces.stroke == 0].astype(float)
    on_it = curve(ring, np.linspace(0, 1, 20)[None].repeat(len(ring), 0))
    assert abs(np.linalg.norm(on_it, axis=2) - 1).max() < 0.015
    assert len(ring) < 12


def test_a_looser_tolerance_needs_fewer_pieces():
    counts = [len(bezier_pieces([[circle()]], tolerance, 0.01)[0].control) for tolerance in (0.0005, 0.01, 0.2)]
    assert counts[0] > counts[1] > counts[2]


def test_items_are_fitted_together_as_each_alone():
    items = [[circle(50), circle(60, 0.5)], [np.array([[1.0, 2]])], [WAVE[0]]]
    together = bezier_pieces(items, 0.02)
    for item, pieces in zip(items, together, strict=True):
        (alone,) = bezier_pieces([item], 0.02)
        np.testing.assert_allclose(alone.control, pieces.control, atol=1e-6)
        np.testing.assert_array_equal(alone.stroke, pieces.stroke)
    assert bezier_pieces([], 0.02) == []
    with pytest.raises(ValueError, match="tolerance is 0"):
        bezier_pieces(items, 0)


def test_features_of_a_known_piece():
    """Leaves at 90 degrees to the chord, arrives along it."""
    control = np.array([[[1.0, 1], [1, 2], [2, 1], [3, 1]]])
    (row,) = curve_features(Pieces(control, np.array([0])))
    whole = 1 + np.sqrt(2) + 1
    np.testing.assert_allclose(row, [2, 0, 1 / whole, 1 / whole, np.pi / 2, 0, 0], atol=1e-6)


def test_shares_and_angles_do_not_depend_on_place_size_and_direction():
    (row,) = curve_features(Pieces(ARC, np.array([0])))
    (moved,) = curve_features(Pieces(5 * ARC @ angle(130) - 3, np.array([0])))
    np.testing.assert_allclose(moved[2:], row[2:], atol=1e-6)
    np.testing.assert_allclose(moved[:2], 5 * row[:2] @ angle(130), atol=1e-6)
    (mirrored,) = curve_features(Pieces(ARC * [1, -1], np.array([0])))
    np.testing.assert_allclose(mirrored[4:6], -row[4:6], atol=1e-6)


def test_moves_between_strokes_have_a_row_of_their_own():
    control = np.concatenate([ARC, ARC + 1, ARC + 5])
    rows = curve_features(Pieces(control, np.array([0, 1, 1])))
    assert rows[:, 6].tolist() == [0, 1, 0, 0]
    np.testing.assert_allclose(rows[1, :2], control[1, 0] - control[0, 3])
    np.testing.assert_allclose(rows[1, 2:6], [1 / 3, 1 / 3, 0, 0], atol=1e-6)
    assert curve_features(bezier_pieces([[np.array([[2.0, 2]])]], 0.1)[0]).tolist() == [[0] * 7]


# pictures


def test_a_picture_is_as_high_as_asked_and_holds_all_the_ink():
    image = rasterise([circle(100)], 40)
    assert image.dtype == np.uint8
    assert image.shape[0] == 40
    assert abs(image.shape[1] - 40) <= 1
    border = np.concatenate([image[:2].ravel(), image[-2:].ravel(), image[:, :2].ravel(), image[:, -2:].ravel()])
    assert (border == 0).all()
    rows, columns = np.nonzero(image > 60)
    assert (rows.min(), rows.max()) == (2, 37)
    assert image[20, 20] == 0
    assert 0 < ((image > 20) & (image < 235)).mean() < 0.5  # soft edges


def test_up_is_up():
    image = rasterise([np.array([[0.0, 0], [0, 10]]), np.array([[0.0, 10], [6, 10]])], 32)
    assert image[:6].sum() > 3 * image[-6:].sum()


def test_ink_is_as_wide_as_the_pen():
    line = [np.array([[0.0, 0], [0, 10]])]
    thin, thick = (rasterise(line, 40, pen=p)[20].sum() / 255 for p in (1.5, 4))
    assert thin == pytest.approx(1.5, abs=0.5)
    assert thick == pytest.approx(4, abs=0.5)


def test_a_dot_is_seen_and_a_dash_stands_in_the_middle():
    assert rasterise([np.array([[3.0, 3]])]).max() > 200
    dash = rasterise([np.array([[0.0, 0], [10, 0]])], 32)
    rows = np.nonzero(dash.max(axis=1) > 100)[0]
    assert abs(rows.mean() - 15.5) <= 1


def test_pictures_without_room_are_refused():
    with pytest.raises(ValueError, match="no room"):
        rasterise([circle()], 5)
