"""Faces in Blender's scene: the mesh, the keys, the picture, the history."""

import json
import sys

import bpy
import numpy as np
import pytest

from backend.face import saved
from tests.toys import EXPRESSIONS, toy_topology, with_lone_triangles, write_head

from .conftest import PACKAGE

METRES = 0.08


def read_face(folder):
    return sys.modules[f"{PACKAGE}.session.face"].read_face(folder)


def import_face(folder, **options):
    assert bpy.ops.facewright.import_face(filepath=str(folder), **options) == {"FINISHED"}
    return bpy.context.object


def positions(found):
    values = np.empty(len(found.data.vertices) * 3, np.float32)
    found.data.attributes["position"].data.foreach_get("vector", values)
    return values.reshape(-1, 3)


def key_points(found, name):
    key = found.data.shape_keys.key_blocks[name]
    values = np.empty(len(key.points) * 3, np.float32)
    key.points.foreach_get("co", values)
    return values.reshape(-1, 3)


def in_blender(points):
    return points[..., [0, 2, 1]] * np.float32([METRES, -METRES, METRES])


def mesh_file(folder):
    with np.load(folder / "mesh.npz") as arrays:
        return arrays["vertices"], arrays["expressions"]


def test_an_imported_face_has_the_folders_vertices_in_metres_with_z_up(toy_head, faces):
    found = import_face(faces[0])
    vertices, expressions = mesh_file(faces[0])
    np.testing.assert_allclose(positions(found), in_blender(vertices), atol=1e-7)
    np.testing.assert_allclose(key_points(found, "Basis"), positions(found), atol=0)
    for name, difference in zip(EXPRESSIONS, expressions, strict=True):
        np.testing.assert_allclose(key_points(found, name), in_blender(vertices + difference), atol=1e-7)


def test_expression_keys_start_at_rest_and_quads_stay_quads(toy_head, faces):
    found = import_face(faces[0])
    keys = found.data.shape_keys.key_blocks
    assert [key.name for key in keys] == ["Basis", *EXPRESSIONS]
    assert all(key.value == 0.0 for key in keys[1:])
    assert {len(polygon.vertices) for polygon in found.data.polygons} == {4}
    assert all(polygon.use_smooth for polygon in found.data.polygons)
    assert found.data.validate() is False  # nothing to mend


def test_triangles_in_no_quad_are_polygons_with_their_texture(tmp_path):
    mixed = with_lone_triangles(toy_topology(), 40)
    write_head(mixed, tmp_path / "heads" / "toy.npz")
    find_head = sys.modules[f"{PACKAGE}.session.head"].find_head
    found = sys.modules[f"{PACKAGE}.scene.mesh"].new_head(find_head("toy", [tmp_path / "heads"]), "toy")
    sizes = [len(polygon.vertices) for polygon in found.data.polygons]
    assert sizes == [4] * len(mixed.quads) + [3] * 80
    assert found.data.validate() is False  # nothing to mend
    values = np.empty(len(found.data.loops) * 2, np.float32)
    found.data.uv_layers["UVMap"].uv.foreach_get("vector", values)
    lone = values.reshape(-1, 2)[4 * len(mixed.quads) :].reshape(-1, 3, 2)
    np.testing.assert_array_equal(lone, mixed.uvs[mixed.lone[1]])


def test_the_uv_map_and_the_regions_are_the_heads(toy_head, faces):
    found, topology = import_face(faces[0]), toy_topology()
    values = np.empty(len(found.data.loops) * 2, np.float32)
    found.data.uv_layers["UVMap"].uv.foreach_get("vector", values)
    np.testing.assert_array_equal(values.reshape(-1, 4, 2), topology.uvs[topology.uv_quads])
    assert [group.name for group in found.vertex_groups] == list(topology.region_names)
    lips = found.vertex_groups["lips"]
    strongest = int(topology.region_weights[0].argmax())
    assert lips.weight(strongest) == pytest.approx(topology.region_weights[0][strongest], abs=0.006)


def test_the_picture_is_packed_with_the_pngs_own_bytes_and_shown(toy_head, faces):
    found = import_face(faces[0])
    image = found.facewright.steps[0].albedo
    assert bytes(image.packed_file.data) == (faces[0] / "albedo.png").read_bytes()
    assert image.colorspace_settings.name == "sRGB"
    assert tuple(image.size) == (32, 32)
    nodes = found.material_slots[0].material.node_tree.nodes
    assert [node.image for node in nodes if node.bl_idname == "ShaderNodeTexImage"] == [image]
    assert {slot.material.name.split()[-1] for slot in found.material_slots} == {"Skin", "Eyes"}


def test_an_edit_changes_the_same_object_and_keeps_what_the_user_built(toy_head, faces):
    found = import_face(faces[0])
    material = found.material_slots[0].material
    mix = material.node_tree.nodes.new("ShaderNodeHueSaturation")
    found.location = (1, 2, 3)
    found.modifiers.new("Subdivision", "SUBSURF")
    smile = found.data.shape_keys.key_blocks[EXPRESSIONS[1]]
    smile.value = 0.7
    own = found.shape_key_add(name="my wart", from_mix=False)
    own.value = 0.0
    own.points[0].co.z += 0.01
    before = positions(found)

    assert import_face(faces[1], as_step=True) == found
    vertices, _ = mesh_file(faces[1])
    np.testing.assert_allclose(positions(found), in_blender(vertices), atol=1e-7)
    wart = key_points(found, "my wart") - positions(found)
    np.testing.assert_allclose(wart[0], (0, 0, 0.01), atol=1e-6)
    np.testing.assert_allclose(wart[1:], 0, atol=1e-6)
    assert not np.array_equal(before, positions(found))
    assert tuple(found.location) == (1, 2, 3)
    assert "Subdivision" in found.modifiers
    assert smile.value == pytest.approx(0.7)
    assert found.material_slots[0].material == material
    assert mix.name in material.node_tree.nodes
    assert len(bpy.data.objects) == 1
    assert [step.kind for step in found.facewright.steps] == ["generate", "edit"]
    assert found.facewright.steps[1].parent_uid == found.facewright.steps[0].uid


def test_a_vertex_an_edit_does_not_weigh_stays_to_the_bit(toy_head, faces):
    found = import_face(faces[0])
    before = positions(found)
    import_face(faces[1], as_step=True)
    half = len(before) // 2  # the toy layer weighs none of them
    np.testing.assert_array_equal(positions(found)[:half], before[:half])


def test_a_reopened_file_has_everything_to_go_on_with_nothing_else(toy_head, faces, tmp_path):
    import_face(faces[0])
    import_face(faces[1], as_step=True)
    kept = tmp_path / "head.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(kept))
    before = saved.load(faces[1])
    for folder in faces:
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(kept))
    session = bpy.context.object.facewright
    step = session.steps[1]
    files = sys.modules[f"{PACKAGE}.scene.store"].files_of(session, step)
    again = saved.load(sys.modules[f"{PACKAGE}.session.face"].write_files(files, tmp_path / "again"))
    np.testing.assert_array_equal(again.base_albedo, before.base_albedo)
    np.testing.assert_array_equal(again.layers[0].texels, before.layers[0].texels)
    assert json.loads(step.document)["instruction"] == step.instruction == "make his lips red"
    assert step.albedo.packed_file is not None


def test_undo_takes_one_edit_back_with_its_picture(toy_head, faces):
    import_face(faces[0])
    bpy.ops.ed.undo_push(message="first")
    name = bpy.context.object.name
    before, image = positions(bpy.context.object), bpy.context.object.facewright.steps[0].albedo.name
    import_face(faces[1], as_step=True)
    bpy.ops.ed.undo_push(message="second")
    bpy.ops.ed.undo()
    found = bpy.data.objects[name]
    np.testing.assert_array_equal(positions(found), before)
    assert len(found.facewright.steps) == 1
    node = next(n for n in found.material_slots[0].material.node_tree.nodes if n.type == "TEX_IMAGE")
    assert node.image.name == image


def test_revert_shows_an_earlier_step_and_an_edit_from_there_is_a_branch(toy_head, faces):
    found = import_face(faces[0])
    before = positions(found)
    import_face(faces[1], as_step=True)
    first, second = found.facewright.steps
    assert bpy.ops.facewright.revert(uid=first.uid) == {"FINISHED"}
    np.testing.assert_array_equal(positions(found), before)
    assert len(found.facewright.steps) == 2
    import_face(faces[1], as_step=True)
    assert found.facewright.steps[2].parent_uid == first.uid != second.uid


def test_a_duplicate_becomes_a_head_of_its_own_when_it_changes(toy_head, faces):
    found = import_face(faces[0])
    copy = found.copy()
    bpy.context.collection.objects.link(copy)
    before = positions(found)
    assert copy.facewright.uid == found.facewright.uid
    bpy.context.view_layer.objects.active = copy
    import_face(faces[1], as_step=True)
    np.testing.assert_array_equal(positions(found), before)
    assert copy.facewright.uid != found.facewright.uid
    assert copy.material_slots[0].material != found.material_slots[0].material


def test_a_mesh_with_vertices_removed_is_refused_and_left_alone(toy_head, faces):
    found = import_face(faces[0])
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    pictures = len(bpy.data.images)
    with pytest.raises(RuntimeError, match=r"E502 .*vertices"):
        bpy.ops.facewright.import_face(filepath=str(faces[1]), as_step=True)
    assert len(found.facewright.steps) == 1
    assert len(bpy.data.images) == pictures


def test_a_head_that_is_being_edited_by_hand_is_left_alone(toy_head, faces):
    import_face(faces[0])
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="EDIT mode"):
        bpy.ops.facewright.import_face(filepath=str(faces[1]), as_step=True)


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda folder: (folder / "face.json").unlink(), "E312"),
        (lambda folder: (folder / "face.json").write_text("{"), "E313"),
        (lambda folder: (folder / "face.json").write_text('{"schema": 99}'), "E314"),
        (lambda folder: (folder / "mesh.npz").write_bytes(b"PK"), "E313"),
        (lambda folder: (folder / "albedo.png").write_bytes(b"GIF89a"), "E313"),
    ],
)
def test_a_damaged_face_is_refused_by_number_and_leaves_nothing(toy_head, faces, break_it, says):
    break_it(faces[0])
    with pytest.raises(RuntimeError, match=says):
        bpy.ops.facewright.import_face(filepath=str(faces[0]))
    assert not bpy.data.objects
    assert not bpy.data.images


def test_a_new_head_needs_neither_backend_nor_face(toy_head, monkeypatch):
    monkeypatch.setattr(sys.modules[f"{PACKAGE}.ui.heads"], "EMBEDDED", "toy")
    monkeypatch.setattr(sys.modules[f"{PACKAGE}.ui.heads"], "entries", lambda: {"toy": {}})
    bpy.context.scene.facewright_ui.head = "toy"
    assert bpy.ops.facewright.new_head() == {"FINISHED"}
    np.testing.assert_allclose(positions(bpy.context.object), in_blender(toy_topology().rest), atol=1e-7)
    assert not bpy.ops.facewright.edit.poll()


def test_the_scenes_settings_selection_and_mode_stay(toy_head, faces):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    scene = bpy.context.scene
    before = (scene.view_settings.view_transform, scene.display_settings.display_device, scene.render.engine)
    sys.modules[f"{PACKAGE}.scene.steps"].insert(bpy.context, read_face(faces[0]))
    assert bpy.context.object == cube
    assert bpy.context.selected_objects == [cube]
    assert before == (
        scene.view_settings.view_transform,
        scene.display_settings.display_device,
        scene.render.engine,
    )
