"""Other Blenders than the one of this environment.

`FACEWRIGHT_BPY_PYTHONS` names Pythons that have a bpy wheel, pytest, hypothesis, jaxtyping, beartype and Pillow,
oldest Blender first, with the path separator between them.
"""

import os

PYTHONS = [one for one in os.environ.get("FACEWRIGHT_BPY_PYTHONS", "").split(os.pathsep) if one]
ABSENT = "FACEWRIGHT_BPY_PYTHONS is not set"
EACH = PYTHONS or ["none"]  # for parametrize
