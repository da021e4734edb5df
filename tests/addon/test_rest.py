"""Sliders of a new head: they move it at once by numpy, and its first step is a face the backend takes as its own."""

import json
import sys
import zipfile

import bpy
import numpy as np
import pytest

from backend.face import saved
from tests.toys import IDENTITIES

from .conftest import PACKAGE
from .test_operators import pump  # noqa: F401 - a fixture
from .test_panels import draw
from .test_steps import in_blender, key_points, positions


@pytest.fixture
def found(pump, monkeypatch):  # noqa: F811
    """A toy head that New Head has just added."""
    heads = sys.modules[f"{PACKAGE}.ui.heads"]
    monkeypatch.setattr(heads, "EMBEDDED", "toy")
    monkeypatch.setattr(heads, "entries", lambda: {"toy": {}})
    bpy.context.scene.facewright_ui.head = "toy"
    bpy.ops.facewright.new_head()
    bpy.ops.ed.undo_push(message="a new head")
    live().forget()
    return bpy.context.object


def live():
    return sys.modules[f"{PACKAGE}.ui.live"]


def sliders():
    return bpy.context.window_manager.facewright_live.sliders


def kept(found, folder):
    """The face of the newest step, as the backend reads it."""
    session = found.facewright
    files = sys.modules[f"{PACKAGE}.scene.store"].files_of(session, session.steps[-1])
    return saved.load(sys.modules[f"{PACKAGE}.session.face"].write_files(files, folder))


def test_a_drag_moves_a_new_head_at_once_and_is_its_first_step(found, tmp_path):
    before = positions(found)
    live().mirror(found)
    assert [round(getattr(one, one.shown), 3) for one in sliders()] == [0.5, 0.5, 0.5, 0.0]
    for value in (0.2, 0.5):
        sliders()["nose-long"].value = value
        assert not np.array_equal(positions(found), before)
    assert not found.facewright.steps
    moved = positions(found)
    assert bpy.ops.facewright.keep() == {"FINISHED"}
    ((kind, name, parent),) = [(step.kind, step.name, step.parent_uid) for step in found.facewright.steps]
    assert (kind, name, parent) == ("sliders", "nose length 0.50", "")
    np.testing.assert_allclose(positions(found), moved, atol=1e-7)
    face = kept(found, tmp_path / "face")
    np.testing.assert_allclose(in_blender(face.base_vertices), moved, atol=1e-7)
    assert len(face.identity) == IDENTITIES
    assert found.active_material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].links
    assert len(bpy.data.images) == 1


def test_an_instruction_goes_on_from_a_head_that_only_sliders_have_moved(found, tmp_path):
    assert not bpy.ops.facewright.edit.poll()
    bpy.ops.facewright.set_sliders(values='{"age": 0.9}')
    bpy.ops.facewright.edit(instruction="make his lips red", wait=True)
    assert [step.kind for step in found.facewright.steps] == ["sliders", "edit"]
    face = kept(found, tmp_path / "face")
    assert (face.sliders[0], len(face.layers)) == (np.float32(0.9), 1)


def test_undo_of_the_first_step_is_the_head_at_rest_again(found):
    name, before = found.name, positions(found)
    bpy.ops.facewright.set_sliders(values='{"nose-long": 0.7}')
    bpy.ops.ed.undo()
    found = bpy.data.objects[name]
    assert not found.facewright.steps
    np.testing.assert_array_equal(positions(found), before)
    live().mirror(found)
    assert sliders()["nose-long"].value == 0.0


def test_what_was_only_shown_is_taken_back(found):
    before = positions(found)
    live().mirror(found)
    sliders()["nose-long"].value = 0.5
    live().restore()
    np.testing.assert_array_equal(positions(found), before)
    assert (sliders()["nose-long"].value, len(found.facewright.steps)) == (0.0, 0)


def test_a_new_head_that_was_sculpted_keeps_that_under_its_sliders(found, tmp_path):
    found.data.shape_keys.key_blocks["Basis"].points[3].co.x += 0.01
    sculpted = key_points(found, "Basis")
    bpy.ops.facewright.set_sliders(values='{"nose-long": 0.5}')
    assert [step.kind for step in found.facewright.steps] == ["sculpt", "sliders"]
    bpy.ops.facewright.set_sliders(values='{"nose-long": 0}')
    np.testing.assert_allclose(positions(found), sculpted, atol=1e-6)
    face = kept(found, tmp_path / "face")
    assert (face.parent is None, len(face.layers)) == (False, 1)
    assert json.loads(found.facewright.steps[0].document)["parent"] is None


def test_the_panel_lists_the_sliders_of_a_new_head(found, timers):
    assert draw("face").texts() == ["Reading the face"]
    timers.pump(until=lambda: live().state.face is not None)
    assert {"Person", "Nose"} <= set(draw("face").texts())
    assert draw("history").calls == []


def test_a_head_file_of_an_earlier_version_says_what_to_do(found, timers, tmp_path):
    path = tmp_path / "heads" / "toy.npz"
    with zipfile.ZipFile(path) as archive:
        old = {name: archive.read(name) for name in archive.namelist() if name != "albedo.npy"}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in old.items():
            archive.writestr(name, content)
    assert draw("face").texts() == ["Reading the face"]
    timers.pump(until=lambda: live().state.unread != "")
    assert "older Facewright" in " ".join(draw("face").texts())
    with pytest.raises(RuntimeError, match=r"E203 .*older Facewright.*press New Head"):
        bpy.ops.facewright.set_sliders(values='{"nose-long": 0.5}')
