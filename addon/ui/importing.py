# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces made elsewhere: a folder, a zip, or a chain of them with its history."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ..link.bundle import errors
from ..scene import steps, view
from ..session.chain import find_faces
from ..session.face import Face
from . import thumbs
from .base import Explaining


class FACEWRIGHT_OT_import_face(Explaining, bpy.types.Operator):
    bl_idname = "facewright.import_face"
    bl_label = "Import Facewright Face"
    bl_description = "Put a face folder, a zip of one, or a folder of faces with their history into the scene"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Folder or Zip", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.zip;face.json", options={"HIDDEN", "SKIP_SAVE"})
    as_step: BoolProperty(
        name="As a Step",
        description="Change the chosen head instead of making a new one",
        options={"SKIP_SAVE"},
    )
    with_parents: BoolProperty(
        name="With History",
        description="Bring the faces it was made of too, where they lie beside it",
        default=True,
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        faces = find_faces(path, with_parents=self.with_parents and not self.as_step)
        if self.as_step:
            _add(self._target(context), faces, {})
        else:
            heads = [_insert_family(context, family) for family in _families(faces)]
            view.make_active(context, heads[-1])
            view.frame(context)
        thumbs.catch_up()

    def _target(self, context: bpy.types.Context) -> bpy.types.Object:
        found = steps.require_head(context)
        if found.mode != "OBJECT":
            raise errors.UsageError(f"{found.name} is in {found.mode} mode", advice="go to Object Mode")
        steps.capture(found)
        return found


def _families(faces: list[Face]) -> list[list[Face]]:
    """Faces that go back to the same first one, each family in order."""
    found: dict[str, list[Face]] = {}
    first: dict[str, str] = {}
    for face in faces:
        own, parent = face.document["id"], face.document.get("parent")
        first[own] = first.get(parent, own)
        found.setdefault(first[own], []).append(face)
    return list(found.values())


def _insert_family(context: bpy.types.Context, family: list[Face]) -> bpy.types.Object:
    found = steps.insert(context, family[0])
    _add(found, family[1:], {family[0].document["id"]: found.facewright.active_uid})
    return found


def _add(found: bpy.types.Object, faces: list[Face], uids: dict[str, str]) -> None:
    """Each face as a step of the one it was made of, else of the step shown."""
    for face in faces:
        parent = uids.get(face.document.get("parent") or "")
        steps.add_step(found, face, parent)
        uids[face.document["id"]] = found.facewright.active_uid


def draw_import(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(FACEWRIGHT_OT_import_face.bl_idname, text="Facewright Face (folder, zip)")


CLASSES = (FACEWRIGHT_OT_import_face,)


def register() -> None:
    bpy.types.TOPBAR_MT_file_import.append(draw_import)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)
