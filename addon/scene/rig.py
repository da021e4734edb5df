# SPDX-License-Identifier: GPL-3.0-or-later
"""A small armature for a head: the whole head, the jaw, and eyes that look at a point."""

import bpy
import numpy as np
from mathutils import Vector

from ..link.bundle import errors
from . import mesh

JAW_OPENS_DEG = 22.0  # how far the jaw bone turns for the key jawOpen at 1
LOOK_M = 0.6  # how far before the face the point to look at lies
EYE_TURNS_DEG = 35.0
_JAW = 'key_blocks["jawOpen"].value'
_EYES = ("left_eyeball", "right_eyeball")


def add(context: bpy.types.Context, found: bpy.types.Object) -> bpy.types.Object:
    """An armature the head hangs on; bones "head", "jaw" (it drives the keys of the jaw), "eye.L/R", "look".

    The head follows by being a child of the head bone, eyes by their vertex groups; the keys stay the user's.

    Raises:
        errors.UsageError: the head has an armature, or no eyes.
    """
    if any(modifier.type == "ARMATURE" for modifier in found.modifiers):
        raise errors.UsageError(f"{found.name} has an armature", advice="remove its modifier first")
    middles = [_middle(found, name) for name in _EYES]
    if None in middles:
        raise errors.UsageError("this head model has no eyes as vertex groups", advice="rig it by hand")
    data = bpy.data.armatures.new(f"{found.name} Rig")
    rig = bpy.data.objects.new(data.name, data)
    rig.matrix_world = found.matrix_world.copy()
    rig.show_in_front = True
    context.collection.objects.link(rig)
    _bones(context, found, rig, middles)
    _skin(found, rig)
    _look_at(rig)
    _drive_jaw(found, rig)
    return rig


def _bones(context: bpy.types.Context, found: bpy.types.Object, rig: bpy.types.Object, middles: list[Vector]) -> None:
    corners = np.array(found.bound_box)
    low, high = Vector(corners.min(axis=0)), Vector(corners.max(axis=0))
    between = (middles[0] + middles[1]) / 2
    neck = Vector((0.0, (low.y + high.y) / 2, low.z))
    size = high.z - low.z
    selected, active = list(context.selected_objects), context.view_layer.objects.active
    context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    plan = {
        "head": (neck, Vector((0.0, neck.y, high.z)), None),
        "jaw": (between + Vector((0, size * 0.28, -size * 0.12)), between + Vector((0, 0, -size * 0.36)), "head"),
        "eye.L": (middles[0], middles[0] + Vector((0, -size * 0.1, 0)), "head"),
        "eye.R": (middles[1], middles[1] + Vector((0, -size * 0.1, 0)), "head"),
        "look": (between + Vector((0, -LOOK_M, 0)), between + Vector((0, -LOOK_M - size * 0.1, 0)), None),
    }
    for name, (start, end, parent) in plan.items():
        bone = bones.new(name)
        bone.head, bone.tail = start, end
        bone.parent = bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    context.view_layer.objects.active = active
    for one in selected:
        one.select_set(True)


def _skin(found: bpy.types.Object, rig: bpy.types.Object) -> None:
    """Every vertex to the head bone, eyeballs to theirs instead."""
    eyes = {name: _members(found, name) for name in _EYES}
    apart = np.concatenate(list(eyes.values()))
    rest = np.setdiff1d(np.arange(len(mesh.mesh_of(found).vertices)), apart)
    groups = {"head": rest, "eye.L": eyes["left_eyeball"], "eye.R": eyes["right_eyeball"]}
    for name, members in groups.items():
        group = found.vertex_groups.get(name) or found.vertex_groups.new(name=name)
        group.add(members.tolist(), 1.0, "REPLACE")
    modifier = found.modifiers.new("Facewright Rig", "ARMATURE")
    modifier.object = rig
    found.modifiers.move(len(found.modifiers) - 1, 0)


def _look_at(rig: bpy.types.Object) -> None:
    for name in ("eye.L", "eye.R"):
        constraint = rig.pose.bones[name].constraints.new("DAMPED_TRACK")
        constraint.name = "Look"
        constraint.target, constraint.subtarget, constraint.track_axis = rig, "look", "TRACK_Y"
        limit = rig.pose.bones[name].constraints.new("LIMIT_ROTATION")
        limit.name, limit.owner_space = "Within the lids", "LOCAL"
        limit.use_limit_x = limit.use_limit_z = True
        for axis in "xz":
            setattr(limit, f"min_{axis}", -np.radians(EYE_TURNS_DEG))
            setattr(limit, f"max_{axis}", np.radians(EYE_TURNS_DEG))


def _drive_jaw(found: bpy.types.Object, rig: bpy.types.Object) -> None:
    """Turning the jaw bone opens the mouth by its key, which knows lips and teeth; a driver of the user's stays."""
    keys = mesh.mesh_of(found).shape_keys
    if keys is None or "jawOpen" not in keys.key_blocks:
        return
    if keys.animation_data and keys.animation_data.drivers.find(_JAW):
        return
    rig.pose.bones["jaw"].rotation_mode = "XYZ"
    driver = keys.key_blocks["jawOpen"].driver_add("value").driver
    driver.type = "SCRIPTED"
    variable = driver.variables.new()
    variable.name, variable.type = "turn", "TRANSFORMS"
    target = variable.targets[0]
    target.id, target.bone_target = rig, "jaw"
    target.transform_type, target.transform_space = "ROT_X", "LOCAL_SPACE"
    driver.expression = f"min(max(-turn / {np.radians(JAW_OPENS_DEG):.4f}, 0), 1)"


def open_jaw(found: bpy.types.Object, value: float) -> bool:
    """Turns the jaw bone so that the key it drives has `value`; whether there is such a bone."""
    keys = mesh.mesh_of(found).shape_keys
    curve = keys.animation_data.drivers.find(_JAW) if keys is not None and keys.animation_data else None
    if curve is None or not curve.driver.variables or curve.driver.variables[0].name != "turn":
        return False
    target = curve.driver.variables[0].targets[0]
    if target.id is None or target.bone_target not in target.id.pose.bones:
        return False
    target.id.pose.bones[target.bone_target].rotation_euler.x = -value * np.radians(JAW_OPENS_DEG)
    return True


def _members(found: bpy.types.Object, group: str) -> np.ndarray:
    """(N,) the vertices that belong to a group for the most part."""
    index = found.vertex_groups[group].index
    vertices = mesh.mesh_of(found).vertices
    return np.array(
        [vertex.index for vertex in vertices if any(g.group == index and g.weight > 0.5 for g in vertex.groups)], int
    )


def _middle(found: bpy.types.Object, group: str) -> Vector | None:
    if group not in found.vertex_groups:
        return None
    members = _members(found, group)
    if not len(members):
        return None
    vertices = mesh.mesh_of(found).vertices
    points = np.array([vertices[int(index)].co for index in members])
    return Vector((points.min(axis=0) + points.max(axis=0)) / 2)
