"""The studio's lights, in a Cycles picture."""

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from PIL import Image

AROUND = 0.04  # of the picture's side


def under_the_earlobe(scene, found) -> tuple[float, float]:
    """The lowest point of the left ear, in shares of the camera's picture from bottom left."""
    group = found.vertex_groups["left_ear"].index
    ear = [one.co for one in found.data.vertices if any(w.group == group and w.weight > 0.5 for w in one.groups)]
    place = world_to_camera_view(scene, scene.camera, found.matrix_world @ min(ear, key=lambda point: point.z))
    return place.x, place.y


def test_the_earlobes_shadow_on_the_neck_is_no_dark_hole(extension, tmp_path):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.facewright.new_head()
    bpy.ops.facewright.add_studio(azimuth=30)
    scene = bpy.context.scene
    render = scene.render
    render.engine, render.filepath = "CYCLES", str(tmp_path / "ear.png")
    render.resolution_x = render.resolution_y = 600
    bpy.context.view_layer.update()
    x, y = under_the_earlobe(scene, bpy.context.object)
    scene.cycles.samples, scene.cycles.use_denoising, scene.view_settings.view_transform = 24, False, "Standard"
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = x - 2 * AROUND, x - AROUND
    render.border_min_y, render.border_max_y = y - AROUND, y + AROUND / 2
    bpy.ops.render.render(write_still=True)
    with Image.open(tmp_path / "ear.png") as picture:
        grey = np.asarray(picture.convert("L"), float)
    assert np.quantile(grey, 0.02) > 0.25 * np.median(grey)
