# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera, three lights and a turntable for one head."""

from math import radians

import bpy
from mathutils import Euler, Vector

LENS_MM = 80.0
DISTANCE = 2.7  # of the head's largest side
TURN_FRAMES = 120
# Name, rotation in degrees (x: from above, z: about the head), strength in W/m², degrees the sun is wide. A narrow key
# without a fill from the camera's own side draws the shadow of the earlobe on the neck as a hard, nearly black notch.
LIGHTS = (("Key", (60, 0, 35), 3.0, 50), ("Fill", (80, 0, 5), 0.9, 90), ("Rim", (70, 0, 200), 2.0, 5))


def add(
    collection: bpy.types.Collection, scene: bpy.types.Scene, found: bpy.types.Object, azimuth: float, turntable: bool
) -> list[bpy.types.Object]:
    """Camera and lights about the head, in `collection`; the camera becomes the scene's where it has none.

    Args:
        azimuth: degrees from the head's front to the camera, to the head's left.
        turntable: camera and lights hang on an empty that turns once in TURN_FRAMES frames.
    """
    corners = [found.matrix_world @ Vector(corner) for corner in found.bound_box]
    centre = sum(corners, Vector()) / len(corners)
    size = max((corners[6] - corners[0])[axis] for axis in range(3))
    pivot = bpy.data.objects.new("Facewright Studio", None)
    pivot.empty_display_size = size / 2
    pivot.location = centre
    camera = bpy.data.cameras.new("Facewright Camera")
    camera.lens = LENS_MM
    made = [pivot, _child(pivot, camera, (90, 0, azimuth))]
    made[1].location = Euler((radians(90), 0, radians(azimuth))).to_matrix() @ Vector((0, 0, size * DISTANCE))
    for name, rotation, energy, angle in LIGHTS:
        sun = bpy.data.lights.new(f"Facewright {name}", "SUN")
        sun.energy, sun.angle = energy, radians(angle)
        made.append(_child(pivot, sun, (rotation[0], rotation[1], rotation[2] + azimuth)))
    for one in made:
        collection.objects.link(one)
    if turntable:
        for frame, turn in ((scene.frame_start, 0.0), (scene.frame_start + TURN_FRAMES, 360.0)):
            pivot.rotation_euler.z = radians(turn)
            pivot.keyframe_insert("rotation_euler", index=2, frame=frame)
    if scene.camera is None:
        scene.camera = made[1]
    return made


def _child(pivot: bpy.types.Object, data: bpy.types.ID, degrees: tuple[float, float, float]) -> bpy.types.Object:
    one = bpy.data.objects.new(data.name, data)
    one.parent = pivot
    one.rotation_euler = [radians(angle) for angle in degrees]
    return one
