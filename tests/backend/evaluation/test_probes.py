"""Axis positions and colour differences."""

import numpy as np
import pytest
import torch

from backend import checkpoints
from backend.evaluation.probes import ciede2000, delta_e, fields, lab, positions, region_colour
from backend.face import anny
from backend.language import SHAPES

AXES = [axis.sliders for axis in SHAPES]


@pytest.fixture(scope="module")
def model():
    return anny.load(checkpoints.find("starter/anny.npz"))


@pytest.mark.parametrize(
    ("first", "second", "difference"),  # rows 1, 7, 17 and 25 of Sharma, Wu and Dalal's table 1
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_colour_differences_are_the_published_ones(first, second, difference):
    assert ciede2000(np.array(first, float), np.array(second, float)) == pytest.approx(difference, abs=1e-4)
    assert ciede2000(np.array(second, float), np.array(first, float)) == pytest.approx(difference, abs=1e-4)


def test_white_is_white_and_a_colour_is_like_itself():
    assert lab(np.array([255.0, 255.0, 255.0])) == pytest.approx([100, 0, 0], abs=0.02)
    assert delta_e(np.array([12.0, 200.0, 77.0]), np.array([12.0, 200.0, 77.0])) == 0


@pytest.mark.parametrize("row", range(len(SHAPES)), ids=[axis.name for axis in SHAPES])
def test_a_head_moved_along_one_axis_is_found_there(model, row: int):
    moved = model.rest + 0.7 * fields(model, AXES)[row].view(-1, 3)
    found = positions(model, AXES, moved)
    assert found[row] == pytest.approx(0.7, abs=1e-3)
    assert torch.cat([found[:row], found[row + 1 :]]).abs().max() < 1e-3


def test_growing_a_head_moves_it_along_no_axis(model):
    found = positions(model, AXES, model.rest * 1.1 + 0.2)
    assert found.abs().max() < 1e-4


def test_a_regions_colour_is_its_weighted_mean():
    albedo = np.zeros((2, 2, 3), np.uint8)
    albedo[0, 0], albedo[1, 1] = (200, 100, 0), (100, 100, 100)
    weights = np.array([[3.0, 0.0], [0.0, 1.0]])
    assert region_colour(albedo, weights) == pytest.approx([175, 100, 25])
