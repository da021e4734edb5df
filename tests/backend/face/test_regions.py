import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from backend.face.regions import distance, inside, name_regions, ramp
from backend.face.subdivision import subdivided
from tests.backend.face.toy_marks import toy_marks
from tests.toys import toy_topology

BALL = subdivided(subdivided(toy_topology())[0])[0]  # fine enough for lips
SQUARE = np.array([[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]], float)


@pytest.fixture(scope="module")
def regions() -> dict[str, np.ndarray]:
    return name_regions(BALL.rest, BALL.faces, BALL.face_parts, BALL.part_names, toy_marks())


def test_ramps_rise_from_zero_to_one_either_way():
    assert ramp(np.array([-1.0, 0, 0.5, 1, 2]), 0.0, 1.0).tolist() == [0, 0, 0.5, 1, 1]
    assert ramp(np.array([-1.0, 0, 0.5, 1, 2]), 1.0, 0.0).tolist() == [1, 1, 0.5, 0, 0]


def test_distances_are_to_the_segments_and_not_to_their_lines():
    points = np.array([[1, 1, 0], [-3, 4, 0], [3, 0, 0]], float)
    assert distance(points, SQUARE[:2]).tolist() == [1, 5, 1]


@given(st.floats(-1, 3), st.floats(-1, 3), st.floats(-9, 9))
def test_inside_a_square_is_how_far_its_nearest_side_is(x, y, z):
    found = inside(np.array([[x, y, z]]), SQUARE)[0]
    if 0 < x < 2 and 0 < y < 2:
        assert found == pytest.approx(min(x, y, 2 - x, 2 - y))
    else:
        assert found <= 0
        assert -found == pytest.approx(np.hypot(x - np.clip(x, 0, 2), y - np.clip(y, 0, 2)))


def test_all_regions_hold_something_and_are_weights(regions):
    for name, weights in regions.items():
        assert weights.dtype == np.float32
        assert weights.min() >= 0
        assert 0.2 < weights.max() <= 1, name


def test_left_and_right_are_mirror_pictures(regions):
    for name in ("eye_area", "brow", "cheek", "ear"):
        left, right = regions[f"left_{name}"], regions[f"right_{name}"]
        assert left.sum() == pytest.approx(right.sum(), rel=0.05)
        assert BALL.rest[left > 0.1, 0].min() > 0 > BALL.rest[right > 0.1, 0].max()


def test_from_brow_to_neck_the_regions_follow_each_other(regions):
    rest = BALL.rest
    down = ("scalp", "forehead", "left_eye_area", "nose", "lips", "chin", "neck")
    heights = [np.average(rest[:, 1], weights=regions[name]) for name in down[1:]]
    assert heights == sorted(heights, reverse=True)


def test_the_lips_are_an_upper_and_a_lower_one(regions):
    np.testing.assert_allclose(regions["upper_lip"] + regions["lower_lip"], regions["lips"], atol=1e-5)


def test_eyeballs_are_no_skin(regions):
    eyes = regions["left_eyeball"] > 0
    assert np.array_equal(np.flatnonzero(eyes), np.unique(BALL.faces[BALL.part_faces("left_eye")]))


@given(st.floats(0.1, 20), st.floats(-5, 5))
@settings(max_examples=10)
def test_neither_size_nor_place_of_the_head_matters(size, shift):
    rest, marks = BALL.rest.astype(np.float64), toy_marks()
    here = name_regions(rest, BALL.faces, BALL.face_parts, BALL.part_names, marks)
    move = np.array([0, shift, shift])
    there = name_regions(rest * size + move, BALL.faces, BALL.face_parts, BALL.part_names, marks * size + move)
    for name in ("nose", "jaw", "left_ear"):
        np.testing.assert_allclose(here[name], there[name], atol=1e-4)


def test_a_line_may_stand_still():
    """Two landmarks of a coarse mesh may be one vertex."""
    points = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(distance(points, np.zeros((3, 2))), [5, 0])
