"""Opens a file of an older Blender, looks all steps over, adds one and saves; the first makes it. One line tells.

usage: python tests/addon/onwards.py FILE.blend
"""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="facewright_test_blender_")  # before bpy
sys.path.insert(0, str(ROOT))
import bpy  # noqa: E402

MODULE = "bl_ext.user_default.facewright"


def main(path: str) -> str:
    repository = Path(bpy.utils.user_resource("EXTENSIONS", path="user_default", create=True))
    (repository / "facewright").symlink_to(ROOT / "addon", target_is_directory=True)
    bpy.ops.preferences.addon_enable(module=MODULE)
    if not Path(path).exists():
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.ops.facewright.new_head()
    else:
        bpy.ops.wm.open_mainfile(filepath=path)
    (found,) = [one for one in bpy.data.objects if one.facewright.uid]
    bpy.context.view_layer.objects.active = found
    store = sys.modules[f"{MODULE}.scene.store"]
    for step in found.facewright.steps:
        store.get(found.facewright, step)
    count = len(found.facewright.steps)
    bpy.ops.facewright.set_sliders(values=f'{{"nose-hump-incr": {0.1 * (count + 1)}}}')
    assert len(found.facewright.steps) == count + 1
    assert "facewright" not in found.keys() or bpy.app.version < (5, 0, 0)  # noqa: SIM118
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return f"{bpy.app.version_string} steps={count + 1}"


if __name__ == "__main__":
    line = main(sys.argv[1])
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()
    os._exit(0)  # Blender 4.5 as a module may hang in its own shutdown
