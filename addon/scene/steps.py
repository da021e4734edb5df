# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's history on its object: every step holds its whole face, so a .blend alone can go on."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import bpy

from ..link.bundle import CHECKPOINTS, errors
from ..session.face import Face, pack, read_face, unpack
from ..session.head import Head, find_head
from . import material, mesh

SCHEMA = 1
NAME_LIMIT = 40  # characters of the prompt in an object's name; Blender allows 63 bytes
HEAD_FOLDERS = (CHECKPOINTS / "starter",)


def insert(context: bpy.types.Context, folder: Path) -> bpy.types.Object:
    """A new object in the active collection for the face in `folder`; selection and mode stay.

    Raises:
        errors.BackendError: the face or its head cannot be read.
    """
    face = read_face(folder)
    head = _head_of(face)
    found = _new_object(context, head, face.words[:NAME_LIMIT])
    _append(found, head, face, folder)
    return found


def insert_rest(context: bpy.types.Context, name: str) -> bpy.types.Object:
    """A new object that shows the head model at rest, with no step and no texture."""
    return _new_object(context, find_head(name, HEAD_FOLDERS), "Head")


def add_step(found: bpy.types.Object, folder: Path) -> None:
    """Changes the object in place to the face in `folder` and appends it to the history.

    Transforms, modifiers, the user's shape keys and what was rewired in the material stay.

    Raises:
        errors.BackendError: the face cannot be read, or does not fit the object; nothing has changed then.
    """
    face = read_face(folder)
    head = _head_of(face)
    session = found.facewright
    if session.topology_id != head.topology_id:
        raise errors.TopologyChanged(
            f"{found.name} is a head {session.topology_id}, the face is for {head.topology_id}",
            advice="import the face as a new head",
        )
    own_session(found)
    _append(found, head, face, folder)


def revert(found: bpy.types.Object, uid: str, scratch: Path) -> None:
    """Shows an earlier (or later) step again; no step is lost. `scratch` is a folder to be made and left."""
    step = step_of(found, uid)
    face = read_face(unpack(step.face, scratch))
    own_session(found)
    _show(found, _head_of(face), face, step.albedo)
    found.facewright.active_uid = uid


def step_of(found: bpy.types.Object, uid: str):
    """The step of that uid.

    Raises:
        errors.FaceMissing: the head has none of that name.
    """
    for step in found.facewright.steps:
        if step.uid == uid:
            return step
    raise errors.FaceMissing(f"{found.name} has no step {uid!r}", advice="choose one from its history")


def head_of_uid(uid: str) -> bpy.types.Object:
    """The object of a session.

    Raises:
        errors.HeadGone: it was deleted, or another file is open.
    """
    for found in bpy.data.objects:
        if found.facewright.uid == uid:
            return found
    raise errors.HeadGone("the head this was made for is not in the file any more")


def chosen_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head an edit means: the active object, else the scene's only head."""
    if context.object is not None and context.object.facewright.uid:
        return context.object
    heads = [found for found in context.scene.objects if found.facewright.uid]
    return heads[0] if len(heads) == 1 else None


def require_head(context: bpy.types.Context) -> bpy.types.Object:
    """`chosen_head`; raises errors.HeadGone where there is none."""
    found = chosen_head(context)
    if found is None:
        raise errors.HeadGone("no head is chosen", advice="make a Facewright head the active object")
    return found


def own_session(found: bpy.types.Object) -> None:
    """Gives a duplicated head mesh, material and uid of its own, which copies share, before it changes."""
    session = found.facewright
    if any(other != found and other.facewright.uid == session.uid for other in bpy.data.objects):
        session.uid = uuid.uuid4().hex
    if found.data.users > 1:
        found.data = found.data.copy()
    for slot in found.material_slots:
        if slot.material is not None and slot.material.users > 1:
            slot.material = slot.material.copy()


def _new_object(context: bpy.types.Context, head: Head, name: str) -> bpy.types.Object:
    found = mesh.new_head(head, name)
    mesh.mesh_of(found).materials.append(material.new_material(name))
    context.collection.objects.link(found)
    session = found.facewright
    session.schema, session.uid = SCHEMA, uuid.uuid4().hex
    session.head, session.topology_id = head.name, head.topology_id
    return found


def _head_of(face: Face) -> Head:
    """The face's head model.

    Raises:
        errors.FaceInvalid: the face was made for another version of it.
    """
    head = find_head(str(face.document.get("head", "")), HEAD_FOLDERS)
    shapes = (face.vertices.shape, face.expressions.shape)
    if face.document.get("topology_id") != head.topology_id or shapes != (
        head.rest.shape,
        head.expressions.shape,
    ):
        raise errors.FaceInvalid(
            f"the face is for head {face.document.get('topology_id')}, here is {head.topology_id}",
            advice="use the Facewright it was made with",
        )
    return head


def _append(found: bpy.types.Object, head: Head, face: Face, folder: Path) -> None:
    uid = uuid.uuid4().hex
    packed = pack(folder)
    image = material.new_image(f"facewright_{uid[:8]}_albedo", face.albedo)
    try:
        _show(found, head, face, image)
    except errors.BackendError:
        bpy.data.images.remove(image)
        raise
    session, document = found.facewright, face.document
    step = session.steps.add()
    step.uid, step.parent_uid = uid, session.active_uid
    step.name = face.words
    step.kind = document.get("kind", "import")
    step.prompt = document.get("prompt") or ""
    step.instruction = document.get("instruction") or ""
    step.seed = int(document.get("seed") or 0)
    step.created_utc = datetime.now(UTC).isoformat(timespec="seconds")
    step.document = json.dumps(document, sort_keys=True)
    step.face = packed
    step.albedo = image
    session.active_uid = uid
    session.shown = len(session.steps) - 1


def _show(found: bpy.types.Object, head: Head, face: Face, image: bpy.types.Image) -> None:
    mesh.write_positions(found, head, face.vertices, face.expressions)
    material.show(found, image)
