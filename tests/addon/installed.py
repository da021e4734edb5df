"""Installs a built add-on in a Blender of its own, imports a face, asks its backend; one line of JSON tells.

All of it lies in a folder whose name has spaces, letters beyond ASCII and 200 characters.

usage: python tests/addon/installed.py ARCHIVE FACE PYTHON_OF_THE_BACKEND
"""

import json
import os
import sys
import tempfile
from pathlib import Path

MODULE = "bl_ext.user_default.facewright"
FOLDER = "Köpfe und 漢字 " + "x" * 180


def main(archive: str, face: str, python: str) -> dict:
    import bpy

    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    bundle = sys.modules[f"{MODULE}.link.bundle"]
    bpy.ops.facewright.import_face(filepath=face)
    found = bpy.context.object
    start = sys.modules[f"{MODULE}.ui.preferences"].backend_start()
    told = {
        "bundled": bundle.BUNDLED,
        "backend_inside": (start.cwd / "backend").is_dir() and start.cwd == bundle.CHECKPOINTS.parent,
        "backend_answers": answers(found, python),
        "outside_modules": sorted({"torch", "backend", "addon"} & sys.modules.keys()),
        "home_in_extension_folder": ".user" in start.variables["FACEWRIGHT_HOME"],
        "shape_keys": len(found.data.shape_keys.key_blocks),
        "steps": len(found.facewright.steps),
    }
    bpy.ops.preferences.addon_disable(module=MODULE)
    return {**told, "left_behind": hasattr(bpy.types.Object, "facewright")}


def answers(found, python: str) -> bool:
    """Whether the installed backend makes a step of the head, in its own process."""
    import bpy

    bpy.context.preferences.addons[MODULE].preferences.python = python
    submitting = sys.modules[f"{MODULE}.ui.submitting"]
    job = submitting.job_on(found, "layers", "as it was")
    submitting.run(None, job, {"face": f"{job.id}/parent"})
    return found.facewright.steps[-1].name == "as it was"


if __name__ == "__main__":
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="facewright_test_blender_") as resources:
        place = Path(resources, FOLDER)
        place.mkdir()
        os.environ["BLENDER_USER_RESOURCES"] = str(place)
        answer.write(json.dumps(main(*sys.argv[1:])))
        answer.close()
    os._exit(0)  # Blender's own end as a module may hang
