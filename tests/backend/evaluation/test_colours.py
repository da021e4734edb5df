import numpy as np
import pytest

from backend.evaluation.colours import ciede2000, delta_e, lab, region_colour

# Rows 1, 7, 17 and 25 of Sharma, Wu and Dalal's table 1.
PUBLISHED = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
]


@pytest.mark.parametrize(("first", "second", "difference"), PUBLISHED)
def test_colour_differences_are_the_published_ones(first, second, difference):
    assert ciede2000(np.array(first, float), np.array(second, float)) == pytest.approx(difference, abs=1e-4)
    assert ciede2000(np.array(second, float), np.array(first, float)) == pytest.approx(difference, abs=1e-4)


def test_an_array_of_colours_is_judged_as_each_of_them():
    first, second = (np.array([row[side] for row in PUBLISHED], float).reshape(2, 2, 3) for side in (0, 1))
    expected = np.array([row[2] for row in PUBLISHED]).reshape(2, 2)
    assert ciede2000(first, second) == pytest.approx(expected, abs=1e-4)


def test_white_is_white_and_a_colour_is_like_itself():
    assert lab(np.array([255.0, 255.0, 255.0])) == pytest.approx([100, 0, 0], abs=0.02)
    assert delta_e(np.array([12.0, 200.0, 77.0]), np.array([12.0, 200.0, 77.0])) == 0


def test_a_regions_colour_is_its_weighted_mean():
    albedo = np.zeros((2, 2, 3), np.uint8)
    albedo[0, 0], albedo[1, 1] = (200, 100, 0), (100, 100, 100)
    weights = np.array([[3.0, 0.0], [0.0, 1.0]])
    assert region_colour(albedo, weights) == pytest.approx([175, 100, 25])
