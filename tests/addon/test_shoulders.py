"""Neck and shoulders in Blender, of numpy alone, are those that the backend exports."""

import sys
from dataclasses import replace

import bpy
import numpy as np
import pytest
import torch

from addon.session.head import Head, read_head
from backend.face import saved, shoulders
from backend.face.anny import SHOULDERS, load
from backend.face.layers import Face, vertices
from backend.face.model import LinearFaceModel
from tests.backend.conftest import ANNY
from tests.toys import toy_face

from .conftest import PACKAGE


@pytest.fixture(scope="module")
def head() -> LinearFaceModel:
    return load(ANNY)


@pytest.fixture(scope="module")
def anny() -> Head:
    return read_head(ANNY)


@pytest.fixture(scope="module")
def persons(head) -> list[Face]:
    """Two random people with the expressions of the head."""
    rest, generator = head.topology.rest, torch.Generator().manual_seed(3)
    expressions = head.expression_basis.view(-1, *rest.shape).numpy()
    return [
        replace(
            toy_face(),
            head="anny",
            topology_id=head.topology.topology_id,
            base_vertices=head.vertices(identity=torch.randn(1, head.identity_size, generator=generator))[0].numpy(),
            offsets=np.zeros_like(rest),
            expressions=expressions,
            expression=np.zeros(len(expressions), np.float32),
        )
        for _ in range(2)
    ]


@pytest.fixture
def wanted(extension):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.facewright_ui.shoulders = True


def positions(found) -> np.ndarray:
    values = np.empty(len(found.data.vertices) * 3, np.float32)
    found.data.attributes["position"].data.foreach_get("vector", values)
    return values.reshape(-1, 3)


def test_numpy_gives_what_the_backend_exports(head, anny, persons):
    given = shoulders.read(ANNY.with_name(SHOULDERS), head.topology)
    whole = anny.with_shoulders()
    topology = shoulders.with_shoulders(head.topology, given)
    assert np.array_equal(whole.quads, topology.quads)
    assert np.array_equal(whole.uv_quads, topology.uv_quads)
    for face in persons:
        worn = shoulders.dressed(face, head.topology, given)
        assert anny.shoulders is not None
        ours, expressions = anny.shoulders.worn(anny.rest, face.base_vertices, face.expressions)
        np.testing.assert_allclose(ours, vertices(worn), atol=1e-5)
        np.testing.assert_allclose(expressions, worn.expressions, atol=1e-5)


def test_a_new_head_has_them_welded_to_its_rim(wanted, anny):
    assert bpy.ops.facewright.new_head() == {"FINISHED"}
    mesh = bpy.context.object.data
    assert len(mesh.vertices) == len(anny.rest) + len(anny.shoulders.rest)
    rim = set(anny.shoulders.rim.tolist())
    sides = {}
    for polygon in mesh.polygons:
        for key in polygon.edge_keys:
            sides[key] = sides.get(key, 0) + 1
    assert {count for key, count in sides.items() if set(key) <= rim} == {2}


def test_they_follow_a_face_and_its_next_step(wanted, anny, persons, tmp_path):
    for number, face in enumerate(persons):
        folder = saved.save(face, tmp_path / str(number))
        assert bpy.ops.facewright.import_face(filepath=str(folder), as_step=number > 0) == {"FINISHED"}
        found = bpy.context.object
        expected = anny.shoulders.worn(anny.rest, face.base_vertices, face.expressions)[0]
        turned = expected[:, [0, 2, 1]] * np.float32([1, -1, 1]) * np.float32(anny.metres_per_unit)
        np.testing.assert_allclose(positions(found), turned, atol=1e-6)
        mesh = sys.modules[f"{PACKAGE}.scene.mesh"]
        shown = sys.modules[f"{PACKAGE}.scene.steps"].active_face(found)
        assert mesh.sculpted(found, anny, shown) is None
    assert len(found.facewright.steps) == 2


def test_without_the_wish_the_head_is_as_ever(extension, anny):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.facewright.new_head()
    assert len(bpy.context.object.data.vertices) == len(anny.rest)
