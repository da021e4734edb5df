# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of a head's faces lie in a .blend: on its object, each content once.

A step lists its files by name and sha256. Contents lie in the session's collection, which all steps share, but for
the albedo: that lies as PNG in the step's packed image, and steps with the same texture share the image.
"""

import hashlib
import json
from pathlib import Path

import bpy

from ..compat import PROPERTIES_APART
from ..link.bundle import errors
from ..session.face import Face, Files, face_of, unzip
from . import material

SCHEMA = 2
ALBEDO = "albedo.png"


def put(session: bpy.types.PropertyGroup, step: bpy.types.PropertyGroup, face: Face) -> None:
    """Keeps the face's files for the step, and its albedo as the step's image."""
    names = dict(face.digests)
    known = {file.name for file in session.files}
    for name, digest in names.items():
        if name != ALBEDO and digest not in known:
            file = session.files.add()
            file.name, file.data, file.size = digest, face.files[name], len(face.files[name])
            known.add(digest)
    step.contents = json.dumps(names, sort_keys=True)
    step.albedo = (
        _same_image(session, names[ALBEDO])
        or _own_image(step, names[ALBEDO])
        or material.new_image(f"facewright_{step.uid[:8]}_albedo", face.albedo)
    )
    step.albedo_sha = names[ALBEDO]


def get(session: bpy.types.PropertyGroup, step: bpy.types.PropertyGroup) -> Face:
    """The step's face.

    Raises:
        errors.FaceInvalid: the file has lost or changed some of it.
    """
    return face_of(files_of(session, step), f"the step {step.name!r}", json.loads(step.contents))


def files_of(
    session: bpy.types.PropertyGroup, step: bpy.types.PropertyGroup, *, albedo: bytes | None = None
) -> dict[str, bytes]:
    """The files of the step's face, with `albedo` in place of its own if given; raises errors.FaceInvalid as `get`."""
    try:
        names = json.loads(step.contents)
        files = {name: session.files[sha].data for name, sha in names.items() if name != ALBEDO}
        changed = [name for name, content in files.items() if _digest(content) != names[name]]
        files[ALBEDO] = _albedo(step) if albedo is None else albedo
        if albedo is None and is_changed(step):
            changed.append(ALBEDO)
    except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
        raise errors.FaceInvalid(
            f"the step {step.name!r} is not whole in this file: {error}", advice="go back to another step"
        ) from None
    if changed:
        raise errors.FaceInvalid(
            f"{', '.join(changed)} of the step {step.name!r} was changed by another program or by hand",
            advice="go back to another step; painting belongs on a copy of the image",
        )
    return files


def is_changed(step: bpy.types.PropertyGroup) -> bool:
    """Whether the bytes of the step's picture are others than when it was made."""
    return _digest(_albedo(step)) != step.albedo_sha


def sweep(session: bpy.types.PropertyGroup) -> None:
    """Drops the contents that no step names."""
    named = {digest for step in session.steps for digest in json.loads(step.contents).values()}
    for index in reversed(range(len(session.files))):
        if session.files[index].name not in named:
            session.files.remove(index)


def size(session: bpy.types.PropertyGroup) -> int:
    """Bytes the history takes in the .blend before compression."""
    images = {step.albedo for step in session.steps if step.albedo}
    packed = sum(image.packed_file.size for image in images if image.packed_file)
    return packed + sum(file.size for file in session.files)


def migrate(found: bpy.types.Object) -> None:
    """Brings the session of an older Facewright to the present form, and drops the stale copy 4.x leaves in 5.x.

    Raises:
        errors.FaceInvalid: a step of the old form is damaged; the session stays as it was.
    """
    session = found.facewright
    if session.schema == 1:
        old = [(step, unzip(step.face, f"the step {step.name!r}")) for step in session.steps]
        for step, files in old:
            _from_first(session, step, files)
        session.schema = SCHEMA
    if PROPERTIES_APART and session.uid and "facewright" in found.keys():  # noqa: SIM118 - an ID is no dict
        del found["facewright"]


def _from_first(session: bpy.types.PropertyGroup, step: bpy.types.PropertyGroup, files: Files) -> None:
    """In the first form a step held its face as one zip, beside the image of its albedo."""
    image = step.albedo
    put(session, step, face_of(files, f"the step {step.name!r}"))
    if image is not None and image != step.albedo and not image.users:
        bpy.data.images.remove(image)
    step.face = b""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _albedo(step: bpy.types.PropertyGroup) -> bytes:
    """The PNG of the step's image: packed, or where the user has unpacked it, from its file."""
    if step.albedo.packed_file is not None:
        return bytes(step.albedo.packed_file.data)
    return Path(bpy.path.abspath(step.albedo.filepath)).read_bytes()


def _own_image(step: bpy.types.PropertyGroup, digest: str) -> bpy.types.Image | None:
    """The image the step has already, where it holds that content."""
    return step.albedo if step.albedo is not None and _digest(_albedo(step)) == digest else None


def _same_image(session: bpy.types.PropertyGroup, digest: str) -> bpy.types.Image | None:
    return next((step.albedo for step in session.steps if step.albedo and step.albedo_sha == digest), None)
