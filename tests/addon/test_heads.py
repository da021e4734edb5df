"""Other head models than the embedded one: chosen in the sidebar, read by the backend once, then made by numpy."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from backend.face import headfile, heads, saved
from tests.backend.face.test_ict import FOLDER
from tests.toys import toy_face

from .conftest import PACKAGE
from .test_operators import pump  # noqa: F401 - a fixture
from .test_panels import Notes, draw
from .test_steps import positions

TAKEN = ("generic_neutral_mesh.obj", "vertex_indices.json", "identity000.obj")


@pytest.fixture
def place(pump, tmp_path, monkeypatch):  # noqa: F811
    """A home in which ICT-FaceKit lies by its names."""
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path / "home"))
    model = tmp_path / "home" / "heads" / "FaceXModel"
    model.mkdir(parents=True)
    for name in TAKEN:
        (model / name).touch()
    return tmp_path / "home" / "heads"


def listed():
    """What the menu of head models says, and what it offers."""
    notes = Notes()
    bpy.types.FACEWRIGHT_MT_heads.draw(type("Self", (), {"layout": notes}), bpy.context)
    return notes.texts()


def test_the_menu_offers_what_is_there_and_names_the_rest_apart(place):
    assert listed()[:3] == ["Anny", "ICT-FaceKit", "Not on this computer"]
    assert set(listed()[3:]) == {"HIFI3D++", "FLAME"}
    (place / "FaceXModel" / "generic_neutral_mesh.obj").unlink()
    assert listed()[:2] == ["Anny", "Not on this computer"]


def test_where_the_backend_is_far_away_every_model_is_offered(place):
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    preferences.remote_command = "ssh -T box"
    try:
        assert "Not on this computer" not in listed()
    finally:
        preferences.remote_command = ""


def test_a_model_that_is_not_here_says_how_to_get_it(place, pump):  # noqa: F811
    for press in (bpy.ops.facewright.new_head, lambda **words: bpy.ops.facewright.generate(prompt="a man", **words)):
        with pytest.raises(RuntimeError, match=r"E204 .*HIFI3D\+\+ is not on this computer .*github\.com/czh-98/REALY"):
            press(head="hifi3d", wait=True)
    with pytest.raises(RuntimeError, match="there is no head model 'x'"):
        bpy.ops.facewright.new_head(head="x", wait=True)
    assert pump.state.desk is None or not list(pump.state.desk.scratch.iterdir())


def test_a_new_head_of_another_model_is_read_once_and_again_when_it_has_changed(place, pump):  # noqa: F811
    bpy.ops.facewright.choose_head(name="ict")
    assert "ICT-FaceKit" in draw("main").texts()
    assert bpy.ops.facewright.new_head(wait=True) == {"FINISHED"}
    kept = place / "ict.npz"
    assert (bpy.context.object.facewright.head, kept.is_file()) == ("ict", True)
    pump.close()
    assert bpy.ops.facewright.new_head() == {"FINISHED"}
    assert pump.state.desk is None
    assert len(bpy.data.objects) == 2
    later = kept.stat().st_mtime + 10
    os.utime(place / "FaceXModel" / TAKEN[0], (later, later))
    bpy.ops.facewright.new_head(wait=True)
    assert pump.state.desk is not None
    assert len(bpy.data.objects) == 3
    assert not list(pump.state.desk.scratch.iterdir())


def test_a_face_of_another_model_waits_for_its_head_and_goes_with_it(place, pump, timers):  # noqa: F811
    bpy.ops.facewright.generate(prompt="a man", head="ict", candidates=2, wait=False)
    assert pump.state.job.op == "head"
    assert "facewright.cancel" in draw("create").operators()
    timers.pump(until=lambda: pump.state.job is None)
    assert pump.state.failure is None
    (found,) = bpy.data.objects
    assert [(step.name, step.seed) for step in found.facewright.steps] == [("a man", 0), ("a man", 1)]
    assert found.facewright.head == "ict"
    (place / "ict.npz").unlink()
    bpy.ops.facewright.generate(prompt="a woman", head="ict", wait=False)
    bpy.ops.facewright.cancel()
    timers.pump(until=lambda: pump.state.job is None)
    assert (len(bpy.data.objects), pump.state.queue) == (1, [])


def test_a_face_that_waits_for_its_head_still_comes_after_the_backend_has_stopped(place, pump, timers):  # noqa: F811
    bpy.ops.facewright.generate(prompt="a man", head="ict", candidates=2, wait=False)
    timers.pump(until=lambda: pump.state.job.total > 0)
    os.kill(pump.state.desk._process.pid, signal.SIGKILL)
    timers.pump(until=lambda: pump.state.job is None)
    assert (pump.state.failure.code, pump.state.queue) == (411, [])
    assert bpy.ops.facewright.go_on(wait=True) == {"FINISHED"}
    (found,) = bpy.data.objects
    assert [(step.name, step.seed) for step in found.facewright.steps] == [("a man", 0), ("a man", 1)]
    assert not list(pump.state.desk.scratch.iterdir())


def test_what_the_backend_gives_for_a_head_is_looked_at(extension, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path))
    places = sys.modules[f"{PACKAGE}.scene.places"]
    errors = sys.modules[f"{PACKAGE}.link.bundle"].errors
    (tmp_path / "head.npz").write_bytes(b"no head")
    with pytest.raises(errors.HeadInvalid):
        places.keep_head(tmp_path / "head.npz", "ict")
    assert places.head_file("../../elsewhere").parent == tmp_path / "heads"


@pytest.mark.skipif(Path() == FOLDER, reason="shared/ict-facekit lies nowhere above the tests")
def test_a_face_on_ict_comes_in_with_parts_keys_and_uvs(toy_head, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path / "home"))
    model = heads.open_head(FOLDER)
    topology = model.topology
    (tmp_path / "home" / "heads").mkdir(parents=True)
    picture = saved.png(toy_face().base_albedo)
    headfile.write(tmp_path / "home" / "heads" / "ict.npz", headfile.arrays_of(model, {}, picture))
    vertices = model.vertices(identity=model.identity_basis.new_ones(1, model.identity_size))[0].numpy()
    made = replace(
        toy_face(),
        head="ict",
        topology_id=topology.topology_id,
        base_vertices=vertices,
        offsets=np.zeros_like(vertices),
        expressions=model.expression_basis.view(model.expression_size, -1, 3).numpy(),
        expression=np.zeros(model.expression_size, np.float32),
    )
    bpy.ops.facewright.import_face(filepath=str(saved.save(made, tmp_path / "face")))
    found = bpy.context.object
    mesh = found.data
    assert (len(mesh.vertices), len(mesh.polygons)) == (26719, len(topology.faces) - len(topology.quads))
    x, y, z = (vertices * topology.metres_per_unit).T
    np.testing.assert_allclose(positions(found), np.stack([x, -z, y], axis=1), atol=1e-6)
    assert [key.name for key in mesh.shape_keys.key_blocks] == ["Basis", *topology.expression_names]
    worn = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", worn)
    names = [material.name.split()[-1] for material in mesh.materials]
    parts = np.concatenate(
        [topology.face_parts[: 2 * len(topology.quads) : 2], topology.face_parts[2 * len(topology.quads) :]]
    )
    for part, look in (("skin", "Skin"), ("left_iris", "Eyes"), ("gums", "Mouth"), ("upper_teeth", "Mouth")):
        assert {names[index] for index in worn[parts == topology.part_names.index(part)]} == {look}
    uvs = np.empty(2 * len(mesh.loops), np.float32)
    mesh.uv_layers["UVMap"].uv.foreach_get("vector", uvs)
    lone = topology.uv_faces[2 * len(topology.quads) :]
    corners = np.concatenate([topology.uv_quads.ravel(), lone.ravel()])
    np.testing.assert_array_equal(uvs.reshape(-1, 2), topology.uvs[corners].astype(np.float32))
    assert set(topology.region_names) == {group.name for group in found.vertex_groups}
