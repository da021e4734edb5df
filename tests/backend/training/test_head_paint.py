"""Regions of what is painted, on the embedded head, against the painter's own places."""

import numpy as np
import pytest
import torch

from backend.stages.masks import texture_mask
from backend.training.canvas import Canvas
from backend.training.head_paint import BROWS, NAMES, painted_regions
from backend.training.places import step

PLACES = {**{name: ((name,), place) for name, place in NAMES.items()}, "brows": (tuple(BROWS), "brows")}


@pytest.fixture(scope="module")
def canvas(head) -> Canvas:
    return Canvas.of(head.topology, 512)


@pytest.mark.parametrize("thing", PLACES)
def test_the_mask_of_a_region_is_where_the_painter_paints(studio, canvas, thing):
    regions, place = PLACES[thing]
    mask = torch.from_numpy(texture_mask(studio.model.topology, studio.surface, regions, canvas.size)) > 127
    cover = canvas.places[place].cover
    painted = torch.zeros(canvas.size**2)
    painted[canvas.places[place].at] = step(cover, -0.04, 0.04) if place in ("hair", "beard") else cover
    true = painted.view(mask.shape) > 0.6
    both = float((mask & true).sum())
    assert both / float((mask | true).sum()) >= 0.55
    assert mask.sum() <= 2 * true.sum()
    assert both >= 0.85 * true.sum()


def test_the_stored_regions_are_those_that_are_made(head):
    topology = head.topology
    skin = [name for name in topology.part_names if "teeth" not in name and "lashes" not in name]
    faces, parts = (
        part[np.isin(topology.face_parts, range(len(skin)))] for part in (topology.faces, topology.face_parts)
    )
    count = faces.max() + 1
    regions = {name: topology.region(name)[:count] for name in topology.region_names}
    for name, weights in painted_regions(topology.rest[:count], faces, parts, regions).items():
        np.testing.assert_allclose(weights, regions[name], atol=2e-3, err_msg=name)
