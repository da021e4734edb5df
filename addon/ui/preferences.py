# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the user's machine: the backend's Python, and the folders of this package."""

import os
import sys
import tempfile
from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..link.bundle import environment, errors

PACKAGE = (__package__ or "").rpartition(".")[0]


class FACEWRIGHT_Preferences(bpy.types.AddonPreferences):
    bl_idname = PACKAGE

    python: StringProperty(
        name="Backend Python",
        subtype="FILE_PATH",
        description="A Python that has the backend's packages; empty uses Facewright's own environment",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.prop(self, "python")


def get() -> FACEWRIGHT_Preferences:
    return bpy.context.preferences.addons[PACKAGE].preferences


def user_folder(name: str) -> Path:
    """A folder of this add-on that outlives its updates; a temporary one where it is no extension."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, path=name, create=True))
    except ValueError:
        return Path(tempfile.mkdtemp(prefix=f"facewright-{name}-"))


def backend_python() -> str:
    """The Python that runs the backend.

    Raises:
        errors.InstallFailed: none is set up.
    """
    if chosen := get().python:
        return bpy.path.abspath(chosen)
    profile = environment.read_recipe().profiles["run"]
    for home in (user_folder(""), environment.home(os.environ)):
        if own := environment.find(home, profile):
            return str(own)
    if not bpy.app.binary_path:  # Blender as a module: this process is a Python with packages of its own
        return sys.executable
    raise errors.InstallFailed(
        "the backend's packages are not installed",
        advice="run `python3 -m backend setup` and choose that Python in the add-on's preferences",
    )


CLASSES = (FACEWRIGHT_Preferences,)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
