# SPDX-License-Identifier: GPL-3.0-or-later
"""Two steps of a head side by side."""

import bpy

from ..session.head import to_blender
from . import material, mesh, steps, store

GAP = 1.15  # of the head's width, between the middles


def beside(context: bpy.types.Context, found: bpy.types.Object, uid: str) -> bpy.types.Object:
    """A plain copy of a step at the head's right: a mesh and its textures, no head to edit and no modifiers.

    Raises:
        errors.BackendError: the step is damaged or gone.
    """
    step = steps.step_of(found, uid)
    face = store.get(found.facewright, step)
    head = steps.head_of(face)
    copied = mesh.mesh_of(found).copy()
    copied.name = f"{found.name} {step.name}"[:60]
    copy = bpy.data.objects.new(copied.name, copied)
    copy.shape_key_clear()
    mesh.write_positions(copy, head, face.vertices, face.expressions)
    points = to_blender(face.vertices, head.metres_per_unit)
    for slot in copy.material_slots:
        slot.material = slot.material.copy() if slot.material else None
    material.show(copy, step.albedo)
    copy.matrix_world = found.matrix_world.copy()
    width = float(points[:, 0].max() - points[:, 0].min())
    copy.location += found.matrix_world.to_3x3().col[0] * width * GAP
    context.collection.objects.link(copy)
    return copy
