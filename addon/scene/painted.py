# SPDX-License-Identifier: GPL-3.0-or-later
"""Texture painting on a step's own picture: kept as a step of its own, and the picture put back as it was."""

import json

import bpy
import numpy as np

from ..link.bundle import errors
from ..session import changes, layers
from ..session.face import Face, face_of, identify
from ..session.png import encode
from . import material, store


def take(session: bpy.types.PropertyGroup, step: bpy.types.PropertyGroup) -> Face | None:
    """The face as the user has painted it since the step was made; None where nobody painted.

    The step's picture has the step's texels again afterwards. Where Blender has already packed the paint over them, at
    saving, they are made anew of the face's base and layers, and the step gets the id of the new file.

    Raises:
        errors.FaceInvalid: the picture has another size, or the step is damaged.
    """
    image = step.albedo
    if image is None or not (image.is_dirty or store.is_changed(step)):
        return None
    files = store.files_of(session, step, albedo=encode(np.zeros((1, 1), np.uint8)))  # the layers need none
    before = layers.read_stack(face_of(files, step.name), material.mask_of).texels()
    if tuple(image.size) != before.shape[1::-1]:
        raise errors.FaceInvalid(
            f"{image.name} has the size {tuple(image.size)} by now", advice="undo what changed it; paint on a copy"
        )
    after = material.texels(image)[..., :3]
    if store.is_changed(step):
        _put_back(session, image, encode(before))
    image.reload()
    return changes.paint(store.get(session, step), before, after) if (before != after).any() else None


def _put_back(session: bpy.types.PropertyGroup, image: bpy.types.Image, png: bytes) -> None:
    """Packs the picture again, for all steps that wear it; the faces' ids follow, for they count the files' bytes."""
    image.pack(data=png, data_len=len(png))
    image.source = "FILE"
    for step in session.steps:
        if step.albedo == image:
            files = store.files_of(session, step, albedo=png)
            document = json.loads(files["face.json"])
            document["id"] = identify(files)
            files["face.json"] = json.dumps(document, indent=1).encode()
            store.put(session, step, face_of(files, step.name))
            step.document = json.dumps(document, sort_keys=True)
