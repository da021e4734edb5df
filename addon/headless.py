# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts face folders into a .blend with the real add-on, in a Python that has the bpy wheel.

The first face becomes a head, each further one a step of its history. The file is opened again and looked
over; one line of JSON says what is in it. Blender's own settings of this user are not touched.

usage: python addon/headless.py --faces FOLDER [FOLDER ...] --blend OUT.blend [--render OUT.png]
"""

import argparse
import json
import os
import sys
import tempfile
import traceback
from math import radians
from pathlib import Path

ADDON = Path(__file__).resolve().parent
REPOSITORY = "user_default"
MODULE = f"bl_ext.{REPOSITORY}.facewright"
RENDER_SIZE, RENDER_SAMPLES, RENDER_AZIMUTH = 512, 32, 45.0  # pixels, Cycles samples a pixel, degrees


def main() -> int:
    arguments = parse(sys.argv[1:])
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # Blender talks on stdout; the line of JSON must be alone there
    with tempfile.TemporaryDirectory(prefix="facewright_blender_") as resources:
        os.environ["BLENDER_USER_RESOURCES"] = resources  # read when bpy is imported
        import bpy

        enable()
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        for index, folder in enumerate(arguments.faces):
            bpy.ops.facewright.import_face(filepath=str(folder.resolve()), as_step=index > 0, with_parents=False)
        if arguments.render:
            render(bpy.context.object, arguments.render.resolve())
        blend = arguments.blend.resolve()
        blend.parent.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(blend), compress=True)
        bpy.ops.wm.open_mainfile(filepath=str(blend))
        answer.write(json.dumps({"blend": str(blend), **look_over(len(arguments.faces))}) + "\n")
        answer.close()
        disable()
    return 0


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--blend", type=Path, required=True, metavar="OUT.blend")
    parser.add_argument("--render", type=Path, metavar="OUT.png")
    return parser.parse_args(words)


def enable() -> None:
    """Enables the add-on as Blender enables an installed extension."""
    import bpy

    folder = Path(bpy.utils.user_resource("EXTENSIONS", path=REPOSITORY, create=True)) / "facewright"
    try:
        folder.symlink_to(ADDON, target_is_directory=True)
    except OSError as error:  # Windows, without the right to make links
        raise SystemExit(f"{folder} cannot be linked to {ADDON}: {error}") from None
    bpy.ops.preferences.addon_enable(module=MODULE)


def disable() -> None:
    import addon_utils

    addon_utils.disable(MODULE, default_set=True)


def look_over(steps: int) -> dict[str, object]:
    """What the open file holds of the head.

    Raises:
        SystemExit: something of it did not come back.
    """
    import bpy

    (found,) = [one for one in bpy.data.objects if one.facewright.uid]
    keys = [key.name for key in found.data.shape_keys.key_blocks]
    images = [
        node.image
        for slot in found.material_slots
        for node in slot.material.node_tree.nodes
        if node.bl_idname == "ShaderNodeTexImage"
    ]
    came_back = {
        "Basis and 52 expressions": len(keys) == 53 and keys[0] == "Basis" and "jawOpen" in keys,
        "the UV map": [layer.name for layer in found.data.uv_layers] == ["UVMap"],
        "the packed texture": bool(images) and all(one.packed_file and one.size[0] for one in images),
        "nothing but the head": len(bpy.data.objects) == 1 and len(bpy.data.scenes) == 1,
        "every step": [bool(step.contents and step.albedo) for step in found.facewright.steps] == [True] * steps,
    }
    if lost := [name for name, there in came_back.items() if not there]:
        raise SystemExit(f"{bpy.data.filepath} came back without {', '.join(lost)}")
    return {
        "object": found.name,
        "vertices": len(found.data.vertices),
        "polygons": len(found.data.polygons),
        "shape_keys": len(keys),
        "uv_maps": len(found.data.uv_layers),
        "images": [[image.name, *image.size] for image in images],
        "steps": [step.name for step in found.facewright.steps],
        "height_m": round(found.dimensions.z, 4),
    }


def render(found, path: Path) -> None:
    """A Cycles picture of the head from 45 degrees, in a scene that is gone afterwards."""
    import bpy
    from mathutils import Euler, Vector

    kept = bpy.context.window.scene
    scene = bpy.data.scenes.new("facewright_render")
    scene.world = bpy.data.worlds.new("facewright_render")
    scene.world.color = (0.18, 0.18, 0.18)
    scene.collection.objects.link(found)
    corners = [found.matrix_world @ Vector(corner) for corner in found.bound_box]
    centre, size = sum(corners, Vector()) / 8, max(found.dimensions)
    turn = Euler((radians(90), 0, radians(RENDER_AZIMUTH)))
    camera = bpy.data.cameras.new("facewright_render")
    camera.lens = 80
    # wide, for the reason that `scene/studio.py` gives
    lamps = [("key", (60, 0, RENDER_AZIMUTH + 35), 3.0, 50), ("fill", (80, 0, RENDER_AZIMUTH + 5), 0.9, 90)]
    made = [bpy.data.objects.new("facewright_render", camera)]
    for name, rotation, energy, wide in lamps:
        sun = bpy.data.lights.new(f"facewright_render_{name}", "SUN")
        sun.energy, sun.angle = energy, radians(wide)
        made.append(bpy.data.objects.new(sun.name, sun))
        made[-1].rotation_euler = [radians(angle) for angle in rotation]
    for one in made:
        scene.collection.objects.link(one)
    made[0].rotation_euler = turn
    made[0].location = centre + turn.to_matrix() @ Vector((0, 0, size * 2.7))
    scene.camera = made[0]
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = RENDER_SAMPLES, False, "CPU"
    scene.render.resolution_x = scene.render.resolution_y = RENDER_SIZE
    scene.render.filepath = str(path)
    scene.render.use_stamp_filename = False  # else the picture tells the path of the file
    scene.render.use_stamp_note, scene.render.stamp_note_text = True, found["facewright_provenance"]
    bpy.context.window.scene = scene
    bpy.ops.render.render(write_still=True)
    bpy.context.window.scene = kept
    data = [scene.world, *(one.data for one in made)]
    bpy.data.scenes.remove(scene)
    bpy.data.batch_remove([*made, *data])


if __name__ == "__main__":
    try:
        status = main()
    except (SystemExit, OSError, RuntimeError) as told:  # Blender's operators tell errors as RuntimeError
        print(told, file=sys.stderr)
        status = told.code if isinstance(told, SystemExit) and isinstance(told.code, int) else 1
    except Exception:  # noqa: BLE001 - the process must end below, whatever happened
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # Blender 4.5 as a module may hang in its own shutdown
