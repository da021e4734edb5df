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
        found, steps = bpy.context.object, sys.modules[f"{MODULE}.scene.steps"]
        steps.add_step(found, rest_face(found))
    else:
        bpy.ops.wm.open_mainfile(filepath=path)
    (found,) = [one for one in bpy.data.objects if one.facewright.uid]
    bpy.context.view_layer.objects.active = found
    store = sys.modules[f"{MODULE}.scene.store"]
    for step in found.facewright.steps:
        store.get(found.facewright, step)
    count = len(found.facewright.steps)
    bpy.ops.facewright.set_sliders(values=f'{{"nose-hump-incr": {0.1 * count}}}')
    assert len(found.facewright.steps) == count + 1
    assert "facewright" not in found.keys() or bpy.app.version < (5, 0, 0)  # noqa: SIM118
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return f"{bpy.app.version_string} steps={count + 1}"


def rest_face(found: bpy.types.Object):
    """A face of the head at rest, with a grey texture."""
    import json

    import numpy as np

    session = sys.modules[f"{MODULE}.session.face"]
    head = sys.modules[f"{MODULE}.session.head"].find_head("anny", [ROOT / "ckpts" / "starter"])
    grey = np.full((64, 64, 3), 128, np.uint8)
    zero = np.zeros(0, np.float32)
    document = {"schema": 1, "id": "rest", "kind": "generate", "prompt": "rest", "instruction": None, "layers": []}
    document |= {"head": head.name, "topology_id": head.topology_id, "parent": None, "seed": 0}
    files = {
        "face.json": json.dumps(document).encode(),
        "mesh.npz": session.npz_of(vertices=head.rest, expressions=head.expressions),
        "base.npz": session.npz_of(vertices=head.rest, albedo=grey),
        "coefficients.npz": session.npz_of(
            identity=zero, sliders=head.sliders.defaults, expression=zero, offsets=np.zeros_like(head.rest)
        ),
        "albedo.png": sys.modules[f"{MODULE}.session.png"].encode(grey),
    }
    return session.face_of(files, "the head at rest")


if __name__ == "__main__":
    line = main(sys.argv[1])
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()
    os._exit(0)  # Blender 4.5 as a module may hang in its own shutdown
