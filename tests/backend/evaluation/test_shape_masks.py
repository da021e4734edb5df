"""Vertex weights against where a word moves the head."""

import numpy as np
import pytest

from backend.evaluation.shape_masks import MOVED, shape_mask_facts, vertex_areas
from backend.face.mesh import Topology


@pytest.fixture(scope="module")
def topology(head) -> Topology:
    return head.topology


def pushed(topology: Topology, region: str) -> np.ndarray:
    """The region, pushed forward by its weights."""
    return topology.region(region)[:, None] * np.array([0.0, 0.0, 0.1])


def test_weights_on_just_what_moves_are_that_place(topology: Topology):
    moved = pushed(topology, "nose")
    weights = (moved[:, 2] > MOVED * moved[:, 2].max()).astype(np.float32)
    found = shape_mask_facts(topology, weights, moved)
    assert (found["iou"], found["area_over_region"], found["covered"]) == (1, 1, 1)
    assert found["kept"] > 0.99


def test_weights_everywhere_cover_it_and_are_far_too_large(topology: Topology):
    found = shape_mask_facts(topology, np.ones(len(topology.rest), np.float32), pushed(topology, "nose"))
    assert (found["covered"], found["kept"]) == (1, 1)
    assert found["area_over_region"] > 10
    assert found["iou"] == pytest.approx(1 / found["area_over_region"], abs=1e-3)


def test_weights_beside_it_do_not_meet_it(topology: Topology):
    found = shape_mask_facts(topology, topology.region("left_ear"), pushed(topology, "nose"))
    assert (found["iou"], found["covered"]) == (0, 0)
    assert found["area_over_region"] > 0


def test_areas_are_those_of_the_skin(topology: Topology):
    areas = vertex_areas(topology)
    faces = topology.faces[topology.part_faces("skin")]
    a, b, c = (topology.rest[faces[:, corner]] for corner in range(3))
    assert areas.sum() == pytest.approx(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2, rel=1e-6)
    assert areas[np.setdiff1d(np.arange(len(areas)), faces)].max() == 0
