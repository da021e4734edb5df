"""Installs a built add-on in a Blender of its own, and imports a face with it; one line of JSON tells.

usage: python tests/addon/installed.py ARCHIVE FACE
"""

import json
import os
import sys
import tempfile

MODULE = "bl_ext.user_default.facewright"


def main(archive: str, face: str) -> dict:
    import bpy

    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    bundle = sys.modules[f"{MODULE}.link.bundle"]
    bpy.ops.facewright.import_face(filepath=face)
    found = bpy.context.object
    start = sys.modules[f"{MODULE}.ui.preferences"].backend_start()
    told = {
        "bundled": bundle.BUNDLED,
        "backend_inside": (start.cwd / "backend").is_dir() and start.cwd == bundle.CHECKPOINTS.parent,
        "outside_modules": sorted({"torch", "backend", "addon"} & sys.modules.keys()),
        "home_in_extension_folder": ".user" in start.variables["FACEWRIGHT_HOME"],
        "shape_keys": len(found.data.shape_keys.key_blocks),
        "steps": len(found.facewright.steps),
    }
    bpy.ops.preferences.addon_disable(module=MODULE)
    return {**told, "left_behind": hasattr(bpy.types.Object, "facewright")}


if __name__ == "__main__":
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="facewright_test_blender_") as resources:
        os.environ["BLENDER_USER_RESOURCES"] = resources
        answer.write(json.dumps(main(*sys.argv[1:])))
        answer.close()
    os._exit(0)  # Blender's own end as a module may hang
