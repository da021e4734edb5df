# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's history on its object: every step holds its whole face, so a .blend alone can go on."""

import json
import textwrap
import uuid
from datetime import UTC, datetime
from functools import lru_cache

import bpy

from ..link.bundle import errors, provenance
from ..session import changes, rest, tree
from ..session.face import Face
from ..session.head import Head, find_head
from . import bust, material, mesh, painted, places, store

NAME_LIMIT = 40  # characters of the prompt in an object's name; Blender allows 63 bytes
ORIGIN = "facewright_provenance"  # a custom property of heads, which Blender's exporters take along


def insert(context: bpy.types.Context, face: Face) -> bpy.types.Object:
    """A new object at the 3D cursor for the face, in the active collection; selection and mode stay.

    Raises:
        errors.BackendError: its head cannot be read.
    """
    head = head_of(face)
    found = _new_object(context, head, textwrap.shorten(face.words, NAME_LIMIT, placeholder=""))
    append(found, head, face)
    return found


def insert_rest(context: bpy.types.Context, name: str) -> bpy.types.Object:
    """A new object at the 3D cursor that shows the head model at rest, with no step and no texture."""
    return _new_object(context, find_head(name, places.heads()), "Head")


def add_step(found: bpy.types.Object, face: Face, parent: str | None = None) -> None:
    """Changes the object in place to the face and appends it to the history.

    Transforms, modifiers, the user's shape keys and what was rewired in the material stay.

    Raises:
        errors.BackendError: the face does not fit the object; nothing has changed then.
    """
    head = head_of(face)
    session = found.facewright
    if session.topology_id != head.topology_id:
        raise errors.TopologyChanged(
            f"{found.name} is a head {session.topology_id}, the face is for {head.topology_id}",
            advice="import the face as a new head",
        )
    own_session(found)
    append(found, head, face, parent)


def capture(found: bpy.types.Object) -> bool:
    """Keeps what was painted or sculpted by hand since the last step as steps of their own; whether there was any.

    Raises:
        errors.BackendError: the mesh is no longer the head's.
    """
    by_brush = painted.take(found.facewright, active_step(found)) if found.facewright.steps else None
    if by_brush is not None:
        sculpted_too = mesh.sculpted(found, head_of(by_brush), by_brush)
        add_step(found, by_brush)
        if sculpted_too is not None:
            add_step(found, changes.sculpt(by_brush, *sculpted_too))
        return True
    face = shown_face(found)
    head = head_of(face)
    moved = mesh.sculpted(found, head, face)
    if moved is None:
        return False
    add_step(found, changes.sculpt(face, *moved))
    return True


def revert(found: bpy.types.Object, uid: str) -> None:
    """Shows an earlier (or later) step again; no step is lost, and what hands have sculpted becomes one."""
    own_session(found)
    capture(found)
    step = step_of(found, uid)
    face = store.get(found.facewright, step)
    show(found, head_of(face), face, step.albedo)
    _activate(found, uid)


def peek(found: bpy.types.Object, uid: str) -> None:
    """Shows a step's shape and texture without going back to it."""
    step = step_of(found, uid)
    face = store.get(found.facewright, step)
    show(found, head_of(face), face, step.albedo)


def delete(found: bpy.types.Object, gone: set[str]) -> None:
    """Removes steps; what was made of them hangs on the nearest that stays, and the head shows one that stays.

    Raises:
        errors.UsageError: no step would be left.
    """
    session = found.facewright
    nodes = nodes_of(found)
    kept = tree.without(nodes, gone)
    if not kept:
        raise errors.UsageError("the last step cannot be deleted", advice="delete the object instead")
    own_session(found)
    active = tree.after_removal(nodes, session.active_uid, gone)
    if active != session.active_uid:
        revert(found, active)
    parents = {node.uid: node.parent for node in kept}
    for index in reversed(range(len(session.steps))):
        step = session.steps[index]
        if step.uid in parents:
            step.parent_uid = parents[step.uid]
        else:
            _remove(session, index)
    store.sweep(session)
    _activate(found, session.active_uid)


def nodes_of(found: bpy.types.Object) -> list[tree.Node]:
    return [tree.Node(step.uid, step.parent_uid, step.starred) for step in found.facewright.steps]


def active_step(found: bpy.types.Object) -> bpy.types.PropertyGroup:
    return step_of(found, found.facewright.active_uid)


def active_face(found: bpy.types.Object) -> Face:
    """The face the head shows, from its step; raises errors.FaceInvalid, errors.FaceMissing."""
    return store.get(found.facewright, active_step(found))


def shown_face(found: bpy.types.Object) -> Face:
    """`active_face`; of a head without steps the face at rest, which is no step yet.

    Raises:
        errors.BackendError: the step is damaged, or the head model's file is, or is an older one.
    """
    if found.facewright.steps:
        return active_face(found)
    return _face_at_rest(find_head(found.facewright.head, places.heads()))


@lru_cache(maxsize=1)  # a fifth of a second, and a drag on a new head begins with it
def _face_at_rest(head: Head) -> Face:
    return rest.face_at_rest(head, material.read_png(rest.require_rest(head).albedo)[..., :3])


def show_again(found: bpy.types.Object, face: Face) -> None:
    """Takes back what was only shown: the head is `face`, its `shown_face`, once more."""
    mesh.write_positions(found, head_of(face), face.vertices, face.expressions)
    if found.facewright.steps:
        material.show(found, active_step(found).albedo)


def step_of(found: bpy.types.Object, uid: str) -> bpy.types.PropertyGroup:
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


def resting_head(context: bpy.types.Context, model: str) -> bpy.types.Object | None:
    """The chosen head, where it is one of that model with no step yet, and no hand has changed it."""
    found = chosen_head(context)
    if found is None or found.facewright.steps or found.facewright.head != model or found.library is not None:
        return None
    return found if mesh.at_rest(found, find_head(model, places.heads())) else None


def add_shoulders(found: bpy.types.Object) -> None:
    """Gives a head neck and shoulders, which follow it from then on.

    Raises:
        errors.UsageError: there are none for its model, or it has them.
        errors.BackendError: the head cannot be changed.
    """
    own_session(found)
    head = find_head(found.facewright.head, places.heads())
    if head.shoulders is None or not bust.missing(found, head):
        raise errors.UsageError(f"{found.name} has shoulders, or its head model has none", advice="choose another head")
    capture(found)
    bust.add(found, head, head.shoulders)
    face = shown_face(found)
    mesh.write_positions(found, head, face.vertices, face.expressions)


def require_head(context: bpy.types.Context) -> bpy.types.Object:
    """`chosen_head`; raises errors.HeadGone where there is none."""
    found = chosen_head(context)
    if found is None:
        raise errors.HeadGone("no head is chosen", advice="make a Facewright head the active object")
    return found


def own_session(found: bpy.types.Object) -> None:
    """Gives a duplicated head mesh, material and uid of its own, which copies share, before it changes.

    Raises:
        errors.LinkedData: the head lies in another file.
    """
    if found.library is not None:
        raise errors.LinkedData(
            f"{found.name} is linked from another file", advice="open that file, or append the head"
        )
    session = found.facewright
    if any(other != found and other.facewright.uid == session.uid for other in bpy.data.objects):
        session.uid = uuid.uuid4().hex
    if found.data.users > 1:
        found.data = found.data.copy()
    for slot in found.material_slots:
        if slot.material is not None and slot.material.users > 1:
            slot.material = slot.material.copy()


def head_of(face: Face) -> Head:
    """The face's head model.

    Raises:
        errors.FaceInvalid: the face was made for another version of it.
    """
    head = find_head(str(face.document.get("head", "")), places.heads())
    shapes = (face.vertices.shape, face.expressions.shape)
    if face.document.get("topology_id") != head.topology_id or shapes != (
        head.rest.shape,
        head.expressions.shape,
    ):
        raise errors.FaceInvalid(
            f"the face is for head {face.document.get('topology_id')}, here is {head.topology_id}",
            advice="use the head it was made with; New Head reads one anew whose files have changed",
        )
    return head


def show(found: bpy.types.Object, head: Head, face: Face, image: bpy.types.Image) -> None:
    mesh.write_positions(found, head, face.vertices, face.expressions)
    material.show(found, image)


def append(found: bpy.types.Object, head: Head, face: Face, parent: str | None = None) -> str:
    """A new step that the head shows; of the active step, or of `parent`. Returns its uid."""
    session, document = found.facewright, face.document
    first = not session.steps
    step = session.steps.add()
    step.uid = uuid.uuid4().hex
    step.parent_uid = session.active_uid if parent is None else parent
    store.put(session, step, face)
    try:
        show(found, head, face, step.albedo)
    except errors.BackendError:
        _remove(session, len(session.steps) - 1)
        store.sweep(session)
        raise
    if first:
        material.connect(found)
    step.name = face.words
    step.kind = document.get("kind", "import")
    step.prompt = document.get("prompt") or ""
    step.instruction = document.get("instruction") or ""
    step.seed = int(document.get("seed") or 0)
    step.created_utc = datetime.now(UTC).isoformat(timespec="seconds")
    step.document = json.dumps(document, sort_keys=True)
    _activate(found, step.uid)
    return step.uid


def _activate(found: bpy.types.Object, uid: str) -> None:
    session = found.facewright
    session.active_uid = uid
    session.shown = next((index for index, step in enumerate(session.steps) if step.uid == uid), 0)
    describe(found)
    found[ORIGIN] = json.dumps(provenance.of_face(json.loads(step_of(found, uid).document)), ensure_ascii=False)


def describe(found: bpy.types.Object) -> None:
    """Says on the object itself what its session is, for those who have no Facewright."""
    session = found.facewright
    said = {"session": session.uid, "schema": session.schema, "step": session.active_uid}
    found["facewright_info"] = json.dumps(said)


def _remove(session: bpy.types.PropertyGroup, index: int) -> None:
    """Drops a step, and its image where no other step and no material of the user's wears it."""
    image = session.steps[index].albedo
    session.steps.remove(index)
    if image is not None and not image.users:
        bpy.data.images.remove(image)


def _new_object(context: bpy.types.Context, head: Head, name: str) -> bpy.types.Object:
    found = mesh.new_head(head, name, shoulders=context.scene.facewright_ui.shoulders)
    found.location = context.scene.cursor.location
    context.collection.objects.link(found)
    session = found.facewright
    session.schema, session.uid = store.SCHEMA, uuid.uuid4().hex
    session.head, session.topology_id = head.name, head.topology_id
    found[ORIGIN] = json.dumps(provenance.of_head(head.name, head.licence))
    return found
