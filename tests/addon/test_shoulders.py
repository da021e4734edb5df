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


def test_a_face_that_is_there_gets_them_and_keeps_what_was_built_on_it(extension, anny, persons, tmp_path):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    first, second = (saved.save(face, tmp_path / str(number)) for number, face in enumerate(persons))
    bpy.ops.facewright.import_face(filepath=str(first))
    found, count = bpy.context.object, len(anny.rest)
    mine = found.shape_key_add(name="mine", from_mix=False)
    mine.points[5].co.x += 0.25
    group = found.vertex_groups.new(name="painted")
    group.add([7], 0.5, "REPLACE")
    before, keys = positions(found), [key.name for key in found.data.shape_keys.key_blocks]
    worn = [polygon.material_index for polygon in found.data.polygons]
    assert bpy.ops.facewright.add_shoulders() == {"FINISHED"}
    np.testing.assert_array_equal(positions(found)[:count], before)
    expected = anny.shoulders.worn(anny.rest, persons[0].base_vertices, persons[0].expressions)[0]
    turned = expected[:, [0, 2, 1]] * np.float32([1, -1, 1]) * np.float32(anny.metres_per_unit)
    np.testing.assert_allclose(positions(found), turned, atol=1e-6)
    assert [key.name for key in found.data.shape_keys.key_blocks] == keys
    assert [polygon.material_index for polygon in found.data.polygons][: len(worn)] == worn
    assert group.weight(7) == 0.5
    moved = np.empty(3 * len(found.data.vertices), np.float32)
    found.data.shape_keys.key_blocks["mine"].points.foreach_get("co", moved)
    apart = moved.reshape(-1, 3) - positions(found)
    np.testing.assert_allclose(apart[5], [0.25, 0, 0], atol=1e-6)
    assert np.abs(np.delete(apart, 5, axis=0)).max() < 1e-6
    whole = anny.with_shoulders()
    uvs = np.empty(2 * len(found.data.loops), np.float32)
    found.data.uv_layers["UVMap"].uv.foreach_get("vector", uvs)
    added = whole.uvs[whole.uv_quads[len(anny.uv_quads) :]].reshape(-1, 2)
    np.testing.assert_allclose(uvs.reshape(-1, 2)[-len(added) :], added, atol=1e-6)
    bpy.ops.facewright.import_face(filepath=str(second), as_step=True)
    expected = anny.shoulders.worn(anny.rest, persons[1].base_vertices, persons[1].expressions)[0]
    np.testing.assert_allclose(positions(found)[:, 2], expected[:, 1] * anny.metres_per_unit, atol=1e-6)
    with pytest.raises(RuntimeError, match="has shoulders"):
        bpy.ops.facewright.add_shoulders()
