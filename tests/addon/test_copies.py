"""Heads that were duplicated or appended: each is one of its own, before anything is done to it."""

import sys

import bpy
import numpy as np
import pytest

from .conftest import PACKAGE
from .test_layers import head, live, values  # noqa: F401 - `head` is a fixture
from .test_operators import pump  # noqa: F401 - as `head`'s
from .test_steps import import_face, positions


def uids():
    return [found.facewright.uid for found in bpy.data.objects]


def duplicate(found, *, linked):
    for other in bpy.context.selected_objects:
        other.select_set(False)
    found.select_set(True)
    bpy.context.view_layer.objects.active = found
    bpy.ops.object.duplicate(linked=linked)
    return bpy.context.object


@pytest.mark.parametrize("linked", [False, True])
def test_a_duplicate_is_a_head_of_its_own_at_once_and_the_first_keeps_its_session(toy_head, faces, linked):
    found = import_face(faces[0])
    first = found.facewright.uid
    copies = [duplicate(found, linked=linked), duplicate(found, linked=linked)]
    assert len({*uids()}) == 3
    assert found.facewright.uid == first
    assert all(copy.facewright.uid in copy["facewright_info"] for copy in copies)
    assert all((copy.data == found.data) == linked for copy in copies)


def test_a_drag_on_a_copy_moves_it_alone(head):  # noqa: F811
    before = positions(head)
    copy = duplicate(head, linked=True)
    live().mirror(copy)
    values().sliders["nose-long"].value = 0.5
    np.testing.assert_array_equal(positions(head), before)
    assert not np.array_equal(positions(copy), before)
    bpy.ops.facewright.keep()
    assert (len(head.facewright.steps), len(copy.facewright.steps)) == (2, 3)
    live().mirror(head)
    values().layers[0].strength = 0.2
    steps = sys.modules[f"{PACKAGE}.scene.steps"]
    assert sys.modules[f"{PACKAGE}.scene.material"].shown_image(copy) == steps.active_step(copy).albedo
    bpy.ops.facewright.keep()


def test_undo_and_redo_bring_a_copy_back_as_the_same_head(toy_head, faces):
    found = import_face(faces[0])
    bpy.ops.ed.undo_push(message="one head")
    name = duplicate(found, linked=False).name
    bpy.ops.ed.undo_push(message="a copy")
    copied = bpy.data.objects[name].facewright.uid
    import_face(faces[1], as_step=True)
    bpy.ops.ed.undo_push(message="edited")
    bpy.ops.ed.undo()
    assert bpy.data.objects[name].facewright.uid == copied
    bpy.ops.ed.undo()
    assert name not in bpy.data.objects
    bpy.ops.ed.redo()
    assert bpy.data.objects[name].facewright.uid == copied
    assert len({*uids()}) == 2


def test_a_file_appended_twice_gives_two_heads(toy_head, faces, tmp_path):
    import_face(faces[0])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "another.blend"))
    for _ in range(2):
        bpy.ops.wm.append(directory=str(tmp_path / "head.blend" / "Object"), filename=bpy.data.objects[0].name)
    assert len({*uids()}) == 3
